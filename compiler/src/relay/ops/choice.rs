//! What truth values (1 and 0) choose, and the first elements in an order.

use std::rc::Rc;

use super::super::arrange::upright;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Lying, Operand};
use super::elementwise::binary;
use super::moves::first;
use super::whole::{IntegerScale, NumberKind, mark};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op};
use crate::onnx::SingleInput;

/// `where(condition, x, y)`.
pub(super) fn choose(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let inputs = [call.plain(0)?, call.plain(1)?, call.plain(2)?];
    let id = call.node(Op::Where, &inputs)?;
    Ok(upright(id, call.lower.graph.shape(id).len()))
}

/// `logical_not(x)`, `logical_and(a, b)`, `logical_or(a, b)` of ones and zeros.
pub(super) fn logic(call: &mut OperatorCall) -> Result<Operand> {
    match call.operator {
        "logical_and" => binary(call, Op::Binary { kind: BinaryKind::Min }),
        "logical_or" => binary(call, Op::Binary { kind: BinaryKind::Max }),
        _ => {
            call.operands(1)?;
            let (x, order) = first(call)?;
            let zero = call.lower.graph.constant("zero", &[], vec![0.0])?;
            let id = call.node(Op::Binary { kind: BinaryKind::Equal }, &[x, zero])?;
            Ok(Operand::Value(Lying { id, order: order.into() }))
        }
    }
}

/// `topk(x, k, axis, ret_type, is_ascend)`: values, indices or both.
pub(super) fn top(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", -1, shape.len())?;
    let count = call.integer("k")?.unwrap_or(1);
    let largest = !call.flag("is_ascend", false)?;
    call.text("dtype", "int32")?;
    let which = match call.text("ret_type", "both")?.as_str() {
        "both" => &[false, true][..],
        "values" => &[false],
        "indices" => &[true],
        other => {
            return Err(Error::new("import", format!("{other:?} is not known")).attribute("ret_type"));
        }
    };
    let count = match usize::try_from(count) {
        Ok(count) if (1..=shape[axis]).contains(&count) => count,
        _ => return refuse(format!("takes {count} elements of {}", shape[axis])),
    };
    let (x, order) = first(call)?;
    let mut made = Vec::new();
    for &indices in which {
        let id = call.node(Op::TopK { axis: order[axis], count, largest, indices }, &[x])?;
        let y = Operand::Value(Lying { id, order: order.clone().into() });
        if indices {
            mark(call.lower, &y, &NumberKind::Scaled(IntegerScale::unit(Integer::Int32)));
        }
        made.push(y);
    }
    Ok(if made.len() == 1 { made.remove(0) } else { Operand::Tuple(Rc::new(made)) })
}

/// `sort(x, axis, is_ascend)` and `argsort`, equals in the order in which they stand.
pub(super) fn sort(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", -1, shape.len())?;
    let largest = !call.flag("is_ascend", true)?;
    let indices = call.operator == "argsort";
    let dtype = call.text("dtype", "int32")?;
    let integer = match dtype.as_str() {
        "int64" => Some(Integer::Int64),
        "int32" => Some(Integer::Int32),
        "float32" => None,
        other => {
            return Err(Error::new("import", format!("is {other}"))
                .attribute("dtype")
                .hint("int32 or int64"));
        }
    };
    let (x, order) = first(call)?;
    let id = call.node(Op::TopK { axis: order[axis], count: shape[axis], largest, indices }, &[x])?;
    let y = Operand::Value(Lying { id, order: order.into() });
    if let Some(integer) = integer.filter(|_| indices) {
        mark(call.lower, &y, &NumberKind::Scaled(IntegerScale::unit(integer)));
    }
    Ok(y)
}

/// `isnan(x)`, `isinf(x)` and `isfinite(x)`.
pub(super) fn kind_of_number(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let (x, order) = first(call)?;
    let id = match call.operator {
        "isnan" => call.onnx("IsNaN", vec![SingleInput::Value(x)], &[])?,
        "isinf" => call.onnx("IsInf", vec![SingleInput::Value(x)], &[])?,
        _ => {
            let zero = call.reals(&[], vec![0.0])?;
            let nothing = call.part("nothing", Op::Binary { kind: BinaryKind::Mul }, &[x, zero])?;
            call.part("finite", Op::Binary { kind: BinaryKind::Equal }, &[nothing, zero])?
        }
    };
    Ok(Operand::Value(Lying { id, order: order.into() }))
}
