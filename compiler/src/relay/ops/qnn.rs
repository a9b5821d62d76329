//! The dialect of quantised networks: each operator becomes dequantised operands, the operator in
//! float32 and a quantised result, with the text's scales and zero points.
//!
//! Results of 32 bits, sums of products among them, are held as the real numbers that they stand for
//! ([`super::whole`]); a requantisation or dequantisation with just their scales ends them.

mod layer;
mod numbers;

use std::rc::Rc;

use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Lying, Operand};
use super::whole::{NumberKind, mark, of};
use super::{conv, elementwise, norm, pool};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, UnaryKind};
pub(super) use layer::bias;
use layer::{batch_matmul, dense, layer};
use numbers::{integer_of, quantised, real};

/// The quantised type of a name such as `int8`.
fn integer(dtype: &str) -> Option<Integer> {
    Integer::ALL.iter().find(|e| e.1 == dtype).map(|e| e.0)
}

/// The attribute `out_dtype` as an integer type.
fn out_type(call: &mut OperatorCall, default: &str) -> Result<Integer> {
    let name = call.text("out_dtype", default)?;
    let name = if name.is_empty() { default.to_owned() } else { name };
    match integer(&name) {
        Some(integer) => Ok(integer),
        None => Err(Error::new("import", format!("is {name:?}"))
            .attribute("out_dtype")
            .hint("int8, uint8, int16, uint16 or int32")),
    }
}

/// Lowers an operator of the dialect; `None` for a name that is none of them.
pub(super) fn dispatch(call: &mut OperatorCall) -> Option<Result<Operand>> {
    Some(match call.operator {
        "qnn.quantize" => quantize(call),
        "qnn.dequantize" => dequantize(call),
        "qnn.requantize" => requantize(call),
        "qnn.conv2d" => layer(call, "OIHW", conv::conv),
        "qnn.conv2d_transpose" => layer(call, "IOHW", conv::conv_transpose),
        "qnn.dense" => dense(call),
        "qnn.batch_matmul" => batch_matmul(call),
        "qnn.add" => binary(call, Op::Add),
        "qnn.subtract" => binary(call, Op::Binary { kind: BinaryKind::Sub }),
        "qnn.mul" => binary(call, Op::Binary { kind: BinaryKind::Mul }),
        "qnn.concatenate" => concatenate(call),
        "qnn.leaky_relu" => unary(call, elementwise::leaky_relu),
        "qnn.softmax" => unary(call, norm::softmax),
        "qnn.avg_pool2d" => unary(call, pool::window_pool),
        name => {
            let kind = name.strip_prefix("qnn.")?;
            let known = UnaryKind::ALL.iter().any(|e| e.2 == kind && elementwise::is_relay(e.0));
            match (kind, known) {
                ("rsqrt", _) => unary(call, elementwise::rsqrt),
                (_, true) => unary(call, |call| {
                    let kind = call.operator.trim_start_matches("qnn.");
                    let entry = UnaryKind::ALL.iter().find(|e| e.2 == kind).expect("looked up just before");
                    elementwise::unary(call, Op::Unary { kind: entry.0 })
                }),
                _ => return None,
            }
        }
    })
}

/// `qnn.quantize(data, scale, zero_point, out_dtype, axis)`.
fn quantize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let rank = call.shape(0)?.len();
    let axis = axis(call, rank)?;
    let integer = out_type(call, "int8")?;
    let [x, scale, zero] = [0, 1, 2].map(|i| call.arguments[i].clone());
    if of(call.lower, &x).is_some() {
        return Err(Error::new("import", "the operand is quantised already").hint("qnn.requantize"));
    }
    quantised(call, &x, &scale, &zero, integer, axis)
}

/// The axis along which scales vary, which a number has not; it counts only where they do.
fn axis(call: &mut OperatorCall, rank: usize) -> Result<Option<usize>> {
    if rank == 0 {
        call.integer("axis")?;
        return Ok(None);
    }
    call.axis("axis", -1, rank).map(Some)
}

/// `qnn.dequantize(data, scale, zero_point, axis)`.
fn dequantize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let rank = call.shape(0)?.len();
    let axis = axis(call, rank)?;
    call.float_result()?;
    let [x, scale, zero] = [0, 1, 2].map(|i| call.arguments[i].clone());
    let y = real(call, &x, &scale, &zero, axis)?;
    match (&y, of(call.lower, &y)) {
        // The sum may be read as such elsewhere: these are the real numbers.
        (Operand::Value(y), Some(_)) => {
            let shape = call.lower.graph.shape(y.id).to_vec();
            let id = call.lower.graph.reshape(call.name, y.id, &shape)?;
            Ok(Operand::Value(Lying { id, order: y.order.clone() }))
        }
        _ => Ok(y),
    }
}

/// `qnn.requantize(data, input_scale, input_zero_point, output_scale, output_zero_point, axis, out_dtype)`.
fn requantize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(5)?;
    let rank = call.shape(0)?.len();
    let axis = axis(call, rank)?;
    let integer = out_type(call, "int8")?;
    // How TVM computes it, and where ties go: to even here.
    call.attribute("rounding");
    call.attribute("compute_dtype");
    let [x, scale, zero, to_scale, to_zero] = [0, 1, 2, 3, 4].map(|i| call.arguments[i].clone());
    let y = real(call, &x, &scale, &zero, axis)?;
    quantised(call, &y, &to_scale, &to_zero, integer, axis)
}

/// `qnn.add(lhs, rhs, lhs_scale, lhs_zero_point, rhs_scale, rhs_zero_point, output_scale, output_zero_point)`.
fn binary(call: &mut OperatorCall, op: Op) -> Result<Operand> {
    call.operands(8)?;
    let given = call.arguments.clone();
    let mut axes = [None; 2];
    for (index, key) in ["lhs_axis", "rhs_axis"].into_iter().enumerate() {
        axes[index] = match call.shape(index)?.len() {
            // It counts only where scales vary along it.
            0 => call.integer(key)?.and(None),
            rank => Some(call.axis(key, -1, rank)?),
        };
    }
    let integer = integer_of(call, &given[0])?;
    let a = real(call, &given[0], &given[2], &given[3], axes[0])?;
    let b = real(call, &given[1], &given[4], &given[5], axes[1])?;
    call.arguments = vec![a, b];
    let y = elementwise::binary(call, op)?;
    quantised(call, &y, &given[6], &given[7], integer, None)
}

/// One operand, its scale and zero point, those of the result.
fn unary(call: &mut OperatorCall, run: fn(&mut OperatorCall) -> Result<Operand>) -> Result<Operand> {
    call.operands(5)?;
    let given = call.arguments.clone();
    let integer = integer_of(call, &given[0])?;
    let x = real(call, &given[0], &given[1], &given[2], None)?;
    call.arguments = vec![x];
    let y = run(call)?;
    quantised(call, &y, &given[3], &given[4], integer, None)
}

/// `qnn.concatenate((data), (scales), (zero_points), output_scale, output_zero_point, axis)`.
fn concatenate(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(5)?;
    let given = call.arguments.clone();
    let (Operand::Tuple(data), Operand::Tuple(scales), Operand::Tuple(zeros)) =
        (&given[0], &given[1], &given[2])
    else {
        return refuse("needs tuples of tensors, scales and zero points");
    };
    if data.is_empty() || data.len() != scales.len() || data.len() != zeros.len() {
        return refuse("the tuples differ in length");
    }
    let integer = integer_of(call, &data[0])?;
    let parts = data.iter().zip(scales.iter().zip(zeros.iter()));
    let parts = parts.map(|(x, (s, z))| real(call, x, s, z, None)).collect::<Result<Vec<_>>>()?;
    call.arguments = vec![Operand::Tuple(Rc::new(parts))];
    let y = super::moves::concatenate(call)?;
    quantised(call, &y, &given[3], &given[4], integer, None)
}
