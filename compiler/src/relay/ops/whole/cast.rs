//! Casts between real and whole numbers and truth values.

use super::super::super::array::{Elements, NdArray};
use super::super::super::call::OperatorCall;
use super::super::super::operand::{Constant, Lying, Operand};
use super::convert::{dequantised, quantised, truncated};
use super::{IntegerScale, NumberKind, mark, of, range};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, ValueId};

/// Types of real numbers: all are computed in float32.
const REAL: [&str; 4] = ["float32", "float16", "bfloat16", "float64"];

/// `cast(x, dtype)` and `cast_like(x, like)`.
pub(in super::super) fn cast(call: &mut OperatorCall) -> Result<Operand> {
    let dtype = match call.operator {
        "cast_like" => {
            call.operands(2)?;
            match &call.arguments[1] {
                Operand::Constant(like) => like.array.dtype.clone(),
                like => match of(call.lower, like) {
                    Some(NumberKind::Type(integer, _)) => integer.name().to_owned(),
                    Some(NumberKind::Scaled(_)) => "int32".to_owned(),
                    None => "float32".to_owned(),
                },
            }
        }
        _ => {
            call.operands(1)?;
            call.text("dtype", "")?
        }
    };
    let operand = call.arguments[0].clone();
    if let Operand::Constant(constant) = &operand {
        return constant_to(constant, &dtype);
    }
    call.shape(0)?;
    let real = REAL.contains(&dtype.as_str());
    let integer = Integer::named(&dtype);
    if !real && integer.is_none() {
        return Err(Error::new("import", format!("casts to {dtype}"))
            .attribute("dtype")
            .hint("keep the network in float32, or use the qnn dialect"));
    }
    let x = match &operand {
        Operand::Value(x) | Operand::Real(x) => x.clone(),
        _ => return Err(Error::new("import", "a tensor is wanted")),
    };
    let same = |id: ValueId| Lying { id, order: x.order.clone() };
    match (of(call.lower, &operand), integer) {
        // Real numbers and truth values.
        (None, None) => Ok(operand),
        (None, Some(Integer::Bool)) => truths(call, x.id).map(|id| Operand::Value(same(id))),
        (None, Some(to)) => {
            let id = if is_truth(call, x.id) { copy(call, x.id)? } else { truncated(call, x.id)? };
            narrowed(call, &same(id), &IntegerScale { range: range(to), ..IntegerScale::unit(to) }, to)
        }
        (Some(NumberKind::Type(from, _)), Some(to)) if from == to => Ok(operand),
        (Some(NumberKind::Type(from, _)), None) => {
            dequantised(call, x.id, from, &IntegerScale::unit(from)).map(|id| Operand::Value(same(id)))
        }
        (Some(NumberKind::Type(from, own)), Some(to)) => {
            let own = own.unwrap_or(IntegerScale::unit(from));
            let id = dequantised(call, x.id, from, &own)?;
            let raw = NumberKind::Scaled(own.clone());
            mark(call.lower, &Operand::Value(same(id)), &raw);
            match to {
                Integer::Bool => from_steps(call, &same(id), &own, Some(to)),
                _ => narrowed(call, &same(id), &own, to),
            }
        }
        (Some(NumberKind::Scaled(own)), to) => from_steps(call, &x, &own, to),
    }
}

/// Numbers that stand in steps as those of a type, or as real ones.
fn from_steps(
    call: &mut OperatorCall,
    x: &Lying,
    own: &IntegerScale,
    to: Option<Integer>,
) -> Result<Operand> {
    let same = |id: ValueId| Lying { id, order: x.order.clone() };
    match to {
        None if own.is_unit() => Ok(Operand::Real(x.clone())),
        Some(Integer::Bool) if own.zero == 0.0 => truths(call, x.id).map(|id| Operand::Value(same(id))),
        Some(to) if to != Integer::Bool => narrowed(call, x, own, to),
        _ => Err(Error::new("import", "casts int32 sums of a quantised layer")
            .attribute("dtype")
            .hint("qnn.dequantize in place of the cast")),
    }
}

/// Whole numbers of a type. What lies outside of it wraps around.
fn narrowed(call: &mut OperatorCall, x: &Lying, own: &IntegerScale, to: Integer) -> Result<Operand> {
    let [low, high] = range(to);
    let fits = own.range[0] >= low && own.range[1] <= high;
    if matches!(to, Integer::Int32 | Integer::Int64) {
        // Beyond 2^24 there is not every whole number: wrapping around is not looked at.
        let y = Operand::Value(x.clone());
        mark(call.lower, &y, &NumberKind::Scaled(own.clone()));
        return Ok(y);
    }
    let mut id = x.id;
    if !fits {
        if !own.is_unit() {
            return Err(Error::new(
                "import",
                format!("int32 sums of a quantised layer may be outside of {}", to.name()),
            )
            .attribute("dtype")
            .hint("qnn.requantize in place of the cast, or a clip in front of it"));
        }
        let count = (high - low + 1.0) as f32;
        let [low, count] = [low as f32, count].map(|n| call.lower.graph.constant("", &[], vec![n]));
        let (low, count) = (low?, count?);
        let binary = |kind| Op::Binary { kind };
        let above = call.part("above", binary(BinaryKind::Sub), &[id, low])?;
        let times = call.part("divide", binary(BinaryKind::Div), &[above, count])?;
        let times = call.part("floor", Op::Unary { kind: crate::graph::UnaryKind::Floor }, &[times])?;
        let whole = call.part("multiply", binary(BinaryKind::Mul), &[times, count])?;
        let rest = call.part("subtract", binary(BinaryKind::Sub), &[above, whole])?;
        id = call.part("add", Op::Add, &[rest, low])?;
    }
    let own = IntegerScale { range: range(to), ..own.clone() };
    if own.scales.len() > 1 {
        return Err(
            Error::new("import", "casts int32 sums whose scales differ by channel").attribute("dtype")
        );
    }
    let id = quantised(call, id, to, &own)?;
    let y = Operand::Value(Lying { id, order: x.order.clone() });
    mark(call.lower, &y, &NumberKind::Type(to, Some(own)));
    Ok(y)
}

/// 1 where a number is not 0.
fn truths(call: &mut OperatorCall, x: ValueId) -> Result<ValueId> {
    if is_truth(call, x) {
        return Ok(x);
    }
    let equal = Op::Binary { kind: BinaryKind::Equal };
    let zero = call.lower.graph.constant("", &[], vec![0.0])?;
    let is_zero = call.part("zero", equal.clone(), &[x, zero])?;
    call.node(equal, &[is_zero, zero])
}

/// Whether a value is 1 and 0 for certain.
fn is_truth(call: &OperatorCall, x: ValueId) -> bool {
    let graph = &call.lower.graph;
    graph.value(x).integer == Some(Integer::Bool)
        || graph
            .producer(x)
            .is_some_and(|(_, node)| matches!(node.op, Op::Binary { kind } if kind.is_comparison()))
}

/// The same elements as a value of their own, of which other things are known.
fn copy(call: &mut OperatorCall, x: ValueId) -> Result<ValueId> {
    let shape = call.lower.graph.shape(x).to_vec();
    call.lower.graph.reshape(call.name, x, &shape)
}

fn constant_to(constant: &Constant, dtype: &str) -> Result<Operand> {
    let refuse = |message: String| Err(Error::new("import", message).attribute("dtype"));
    let array = &constant.array;
    let elements = match (Integer::named(dtype), &array.elements) {
        _ if REAL.contains(&dtype) => Elements::Floats(array.to_floats()),
        (Some(Integer::Bool), _) => {
            Elements::Integers(array.to_floats().iter().map(|&x| i64::from(x != 0.0)).collect())
        }
        (Some(to), elements) => {
            let numbers: Vec<i64> = match elements {
                Elements::Integers(data) => data.clone(),
                // Towards zero.
                Elements::Floats(data) => data.iter().map(|&v| v as i64).collect(),
            };
            let (low, high) = to.range();
            if let Some(outside) = numbers.iter().find(|n| !(low..=high).contains(n)) {
                return refuse(format!("the constant {outside} does not fit {dtype}"));
            }
            Elements::Integers(numbers)
        }
        (None, _) => return refuse(format!("casts a constant to {dtype}")),
    };
    let array = NdArray { shape: array.shape.clone(), dtype: dtype.to_owned(), elements };
    Ok(Operand::Constant(Constant::new(&constant.name.borrow(), array)))
}
