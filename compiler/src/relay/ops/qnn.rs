//! The dialect of quantised networks: each operator becomes dequantised operands, the operator in
//! float32 and a quantised result, with the text's scales and zero points.
//!
//! Sums of products, which TVM keeps as int32, are held as the real numbers that they stand for, with
//! their scales beside them; a requantisation or dequantisation with just these scales ends them.

mod layer;
mod numbers;

use std::rc::Rc;

use super::super::call::{OperatorCall, refuse};
use super::super::lower::Lower;
use super::super::operand::{Lying, Operand};
use super::{PREFIX, conv, elementwise, norm, pool};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, UnaryKind};
use layer::{bias_add, dense, layer};
use numbers::{along, numbers, parameters, quantised, real, sum};

/// Operators that move, pick or bound elements: whole numbers stay whole numbers of their type.
const MOVES: [&str; 26] = [
    "nn.max_pool2d",
    "nn.global_max_pool2d",
    "nn.adaptive_max_pool2d",
    "nn.relu",
    "nn.pad",
    "nn.batch_flatten",
    "nn.depth_to_space",
    "nn.space_to_depth",
    "clip",
    "copy",
    "annotation.stop_fusion",
    "device_copy",
    "on_device",
    "stop_fusion",
    "reshape",
    "squeeze",
    "expand_dims",
    "transpose",
    "layout_transform",
    "broadcast_to",
    "concatenate",
    "stack",
    "split",
    "strided_slice",
    "take",
    "max",
];

/// What the numbers of a value are, where they are not real numbers.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) enum Whole {
    /// Whole numbers of a type.
    Type(Integer),
    /// Real numbers that stand for int32 sums in steps of these scales: one, or one for each channel.
    Sum(Rc<[f32]>),
}

/// The type of a name such as `int8`.
pub(super) fn integer(dtype: &str) -> Option<Integer> {
    Integer::ALL.iter().find(|e| e.1 == dtype).map(|e| e.0)
}

fn whole(lower: &Lower, operand: &Operand) -> Option<Whole> {
    match operand {
        Operand::Value(lying) => lower.integers.get(&lying.id).cloned(),
        _ => None,
    }
}

/// What the numbers of each tensor of an operand are.
fn kinds(lower: &Lower, operand: &Operand, out: &mut Vec<Option<Whole>>) {
    match operand {
        Operand::Value(_) => out.push(whole(lower, operand)),
        Operand::Tuple(fields) => fields.iter().for_each(|f| kinds(lower, f, out)),
        _ => {}
    }
}

fn mark(lower: &mut Lower, operand: &Operand, kind: &Whole) {
    match operand {
        Operand::Value(lying) => {
            lower.integers.insert(lying.id, kind.clone());
        }
        Operand::Tuple(fields) => fields.iter().for_each(|f| mark(lower, f, kind)),
        _ => {}
    }
}

/// Calls an operator of the other dialects, whose operands may be whole numbers only if it moves them.
pub(super) fn guarded(
    call: &mut OperatorCall,
    run: fn(&mut OperatorCall) -> Result<Operand>,
) -> Result<Operand> {
    let mut all = Vec::new();
    call.arguments.iter().for_each(|a| kinds(call.lower, a, &mut all));
    let Some(kind) = all.iter().flatten().next() else {
        return run(call);
    };
    if all.iter().any(|k| k.as_ref() != Some(kind)) {
        return Err(Error::new("import", "the operands are numbers of different types")
            .hint("bring them to one type with qnn.quantize, qnn.requantize or qnn.dequantize"));
    }
    if let (Whole::Sum(scales), "nn.bias_add") = (kind, call.operator) {
        return bias_add(call, &scales.clone());
    }
    match kind {
        Whole::Type(_) if MOVES.contains(&call.operator) => {
            let result = run(call)?;
            mark(call.lower, &result, kind);
            Ok(result)
        }
        // This project's own operators take numbers as the graph has them.
        Whole::Type(_) if call.operator.starts_with(PREFIX) => {
            let ends = call.operator.ends_with(".dequantize");
            let result = run(call)?;
            if !ends {
                mark(call.lower, &result, kind);
            }
            Ok(result)
        }
        Whole::Type(integer) => Err(Error::new("import", format!("operates on {} numbers", integer.name()))
            .hint("put qnn.dequantize in front of it and qnn.quantize behind it")),
        Whole::Sum(_) => Err(Error::new("import", "operates on int32 sums of a quantised layer")
            .hint("put qnn.requantize or qnn.dequantize behind the layer")),
    }
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
    if whole(call.lower, &x).is_some() {
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
    if let Some(y) = sum(call, &x, &scale, &zero) {
        let Operand::Value(y) = y? else {
            return refuse("a sum is no tensor");
        };
        // The sum may be read as such elsewhere: these are the real numbers.
        let shape = call.lower.graph.shape(y.id).to_vec();
        let id = call.lower.graph.reshape(call.name, y.id, &shape)?;
        return Ok(Operand::Value(Lying { id, order: y.order }));
    }
    let (x, integer) = numbers(call, &x)?;
    let p = parameters(call, &scale, &zero, along(call, &x, axis))?;
    let id = call.node(Op::DequantizeLinear { integer, axis: p.axis }, &[x.id, p.scale, p.zero])?;
    Ok(Operand::Value(Lying { id, order: x.order }))
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
    let y = match sum(call, &x, &scale, &zero) {
        Some(y) => y?,
        None => real(call, &x, &scale, &zero, axis)?,
    };
    quantised(call, &y, &to_scale, &to_zero, integer, axis)
}

/// `qnn.add(lhs, rhs, lhs_scale, lhs_zero_point, rhs_scale, rhs_zero_point, output_scale, output_zero_point)`.
fn binary(call: &mut OperatorCall, op: Op) -> Result<Operand> {
    call.operands(8)?;
    let given = call.arguments.clone();
    for (key, operand) in [("lhs_axis", 0), ("rhs_axis", 1)] {
        if call.integer(key)?.is_some_and(|a| a != -1) && call.shape(operand)?.len() != 1 {
            return Err(Error::new("import", "a scale for each index is not supported").attribute(key));
        }
    }
    let (_, integer) = numbers(call, &given[0])?;
    let a = real(call, &given[0], &given[2], &given[3], None)?;
    let b = real(call, &given[1], &given[4], &given[5], None)?;
    call.arguments = vec![a, b];
    let y = elementwise::binary(call, op)?;
    quantised(call, &y, &given[6], &given[7], integer, None)
}

/// One operand, its scale and zero point, those of the result.
fn unary(call: &mut OperatorCall, run: fn(&mut OperatorCall) -> Result<Operand>) -> Result<Operand> {
    call.operands(5)?;
    let given = call.arguments.clone();
    let (_, integer) = numbers(call, &given[0])?;
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
    let (_, integer) = numbers(call, &data[0])?;
    let parts = data.iter().zip(scales.iter().zip(zeros.iter()));
    let parts = parts.map(|(x, (s, z))| real(call, x, s, z, None)).collect::<Result<Vec<_>>>()?;
    call.arguments = vec![Operand::Tuple(Rc::new(parts))];
    let y = super::moves::concatenate(call)?;
    quantised(call, &y, &given[3], &given[4], integer, None)
}
