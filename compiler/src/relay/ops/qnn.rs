//! The dialect of quantised networks: each operator becomes dequantised operands, the operator in
//! float32 and a quantised result, with the text's scales and zero points.
//!
//! Sums of products, which TVM keeps as int32, are held as the real numbers that they stand for, with
//! their scales beside them; a requantisation or dequantisation with just these scales ends them.

use std::rc::Rc;

use super::super::arrange::{lying, upright};
use super::super::array::NdArray;
use super::super::call::{OperatorCall, refuse};
use super::super::lower::Lower;
use super::super::operand::{Constant, Lying, Operand};
use super::layout::layout;
use super::{conv, elementwise, matrix, norm, pool};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, UnaryKind, ValueId};

/// Operators that move, pick or bound elements: whole numbers stay whole numbers of their type.
const MOVES: [&str; 24] = [
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
        Whole::Type(integer) => Err(Error::new("import", format!("operates on {} numbers", integer.name()))
            .hint("put qnn.dequantize in front of it and qnn.quantize behind it")),
        Whole::Sum(_) => Err(Error::new("import", "operates on int32 sums of a quantised layer")
            .hint("put qnn.requantize or qnn.dequantize behind the layer")),
    }
}

/// Scale and zero point as values of the graph.
struct Parameters {
    scale: ValueId,
    zero: ValueId,
    scales: Vec<f32>,
    axis: Option<usize>,
}

/// Reads two constant operands: one number each, or one for each of `extent` indices of `axis`.
fn parameters(
    call: &mut OperatorCall,
    scale: &Operand,
    zero: &Operand,
    axis: usize,
    extent: usize,
) -> Result<Parameters> {
    let (Operand::Constant(scale), Operand::Constant(zero)) = (scale, zero) else {
        return Err(Error::new("import", "a scale or zero point is computed")
            .hint("quantise statically: scales and zero points must be constants"));
    };
    let (scales, zeros) = (scale.array.to_floats(), zero.array.to_floats());
    if let Some(s) = scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return refuse(format!("a scale is {s}; it must be above zero"));
    }
    let count = scales.len().max(zeros.len());
    let fits = |n: usize| n == 1 || n == count;
    if !fits(scales.len()) || !fits(zeros.len()) || count != 1 && count != extent {
        let (s, z) = (scales.len(), zeros.len());
        return refuse(format!("{s} scales and {z} zero points do not fit an extent of {extent}"));
    }
    let all = |values: &[f32]| if values.len() == 1 { vec![values[0]; count] } else { values.to_vec() };
    let (scales, zeros) = (all(&scales), all(&zeros));
    let shape = if count == 1 { vec![] } else { vec![count] };
    Ok(Parameters {
        scale: call.lower.graph.constant(scale_name(scale), &shape, scales.clone())?,
        zero: call.lower.graph.constant(scale_name(zero), &shape, zeros)?,
        scales,
        axis: (count > 1).then_some(axis),
    })
}

fn scale_name(constant: &Constant) -> String {
    constant.name.borrow().clone()
}

/// A tensor of whole numbers as a value of the graph with its axes as they lie, and its type.
fn numbers(call: &mut OperatorCall, operand: &Operand) -> Result<(Lying, Integer)> {
    match operand {
        Operand::Value(lying) => match call.lower.integers.get(&lying.id) {
            Some(Whole::Type(integer)) => Ok((lying.clone(), *integer)),
            Some(Whole::Sum(_)) => {
                Err(Error::new("import", "an operand is an int32 sum of a quantised layer")
                    .hint("put qnn.requantize behind the layer"))
            }
            None => Err(Error::new("import", "an operand holds float32, not quantised numbers")
                .hint("put qnn.quantize in front")),
        },
        Operand::Constant(constant) => {
            let Some(integer) = integer(&constant.array.dtype) else {
                return refuse(format!("a constant of type {} is no quantised tensor", constant.array.dtype));
            };
            let array = NdArray::floats(&constant.array.shape, constant.array.to_floats());
            let floats = Constant::new(&scale_name(constant), array);
            let id = call.lower.intern(&floats)?;
            let rank = constant.array.shape.len();
            Ok((Lying { id, order: (0..rank).collect() }, integer))
        }
        _ => refuse("a quantised tensor is wanted"),
    }
}

/// The real numbers that an operand stands for. `axis` is that of the text along which scales may vary.
fn real(
    call: &mut OperatorCall,
    x: &Operand,
    scale: &Operand,
    zero: &Operand,
    axis: usize,
) -> Result<Operand> {
    let (x, integer) = numbers(call, x)?;
    let physical = x.order.get(axis).copied().unwrap_or(usize::MAX);
    let extent = call.lower.graph.shape(x.id).get(physical).copied().unwrap_or(1);
    let p = parameters(call, scale, zero, physical, extent)?;
    let op = Op::DequantizeLinear { integer, axis: p.axis };
    let id = call.part("dequantize", op, &[x.id, p.scale, p.zero])?;
    Ok(Operand::Value(Lying { id, order: x.order }))
}

/// Whole numbers of a type for the real numbers of `y`.
fn quantised(
    call: &mut OperatorCall,
    y: &Operand,
    scale: &Operand,
    zero: &Operand,
    integer: Integer,
    axis: usize,
) -> Result<Operand> {
    let Operand::Value(y) = y else {
        let id = call.lower.plain(y, call.name)?;
        let rank = call.lower.graph.shape(id).len();
        return quantised(call, &upright(id, rank), scale, zero, integer, axis);
    };
    let physical = y.order.get(axis).copied().unwrap_or(usize::MAX);
    let extent = call.lower.graph.shape(y.id).get(physical).copied().unwrap_or(1);
    let p = parameters(call, scale, zero, physical, extent)?;
    let id = call.node(Op::QuantizeLinear { integer, axis: p.axis }, &[y.id, p.scale, p.zero])?;
    let result = Operand::Value(Lying { id, order: y.order.clone() });
    mark(call.lower, &result, &Whole::Type(integer));
    Ok(result)
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
            let kind = if kind == "rsqrt" { "rsqrt" } else { kind };
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

/// The axis along which scales vary; it counts only where they do.
fn axis(call: &mut OperatorCall, rank: usize) -> Result<usize> {
    if rank == 0 {
        call.integer("axis")?;
        return Ok(usize::MAX);
    }
    call.axis("axis", -1, rank)
}

/// Ends a sum: its real numbers, if `scale` and `zero` are those of the sum.
fn sum(call: &OperatorCall, x: &Operand, scale: &Operand, zero: &Operand) -> Option<Result<Operand>> {
    let Some(Whole::Sum(own)) = whole(call.lower, x) else {
        return None;
    };
    let (Operand::Constant(scale), Operand::Constant(zero)) = (scale, zero) else {
        return Some(refuse("a scale or zero point is computed"));
    };
    let (given, zeros) = (scale.array.to_floats(), zero.array.to_floats());
    let at = |list: &[f32], i: usize| list[if list.len() == 1 { 0 } else { i }];
    let count = given.len().max(own.len());
    let fits = given.len() == own.len() || given.len() == 1 || own.len() == 1;
    // The text states the product of two scales: rounding may differ in the last digits.
    let near = |i: usize| (at(&given, i) - at(&own, i)).abs() <= 1e-4 * at(&own, i);
    if !fits || given.is_empty() || !(0..count).all(near) || zeros.iter().any(|&z| z != 0.0) {
        return Some(Err(Error::new("import", "the scales are not those of the layer before")
            .hint("the product of the input's and the weights' scales, and a zero point of 0")));
    }
    Some(match x {
        Operand::Value(lying) => Ok(Operand::Value(lying.clone())),
        _ => refuse("a sum is no tensor"),
    })
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
    let physical = x.order.get(axis).copied().unwrap_or(usize::MAX);
    let extent = call.lower.graph.shape(x.id).get(physical).copied().unwrap_or(1);
    let p = parameters(call, &scale, &zero, physical, extent)?;
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

/// Sums are int32 in TVM; they are real numbers here.
fn sum_type(call: &mut OperatorCall) -> Result<()> {
    match out_type(call, "int32")? {
        Integer::Int32 => Ok(()),
        _ => Err(Error::new("import", "must be int32").attribute("out_dtype")),
    }
}

/// Weights dequantised in the order that the layer wants them, with one scale for each output.
fn weights(
    call: &mut OperatorCall,
    want: &[usize],
    outputs: usize,
    zero: &Operand,
    scale: &Operand,
) -> Result<(Operand, Vec<f32>)> {
    let shape = call.shape(1)?;
    if shape.len() != want.len() {
        return refuse(format!("the weights {shape:?} do not have {} axes", want.len()));
    }
    let operand = call.arguments[1].clone();
    let (w, integer) = numbers(call, &operand)?;
    let id = match call.lower.graph.constant_data(w.id) {
        Some(data) => {
            let (data, name) = (data.to_vec(), call.lower.graph.value(w.id).name.clone());
            let floats = Constant::new(&name, NdArray::floats(&shape, data));
            call.lower.arranged(&Operand::Constant(floats), want, call.name)?
        }
        None => call.lower.arranged(&Operand::Value(w), want, call.name)?,
    };
    let extent = call.lower.graph.shape(id)[outputs];
    let p = parameters(call, scale, zero, outputs, extent)?;
    let op = Op::DequantizeLinear { integer, axis: p.axis };
    let id = call.part("weight", op, &[id, p.scale, p.zero])?;
    Ok((lying(id, want), p.scales))
}

/// The scales of a layer's sums: the input's one scale times each of the weights'.
fn sum_scales(scale: &Operand, weights: &[f32]) -> Result<Rc<[f32]>> {
    match scale {
        Operand::Constant(c) => match c.scalar() {
            Some(scale) => Ok(weights.iter().map(|w| w * scale).collect()),
            None => refuse("the input of a layer must have one scale"),
        },
        _ => refuse("a scale is computed"),
    }
}

/// `qnn.conv2d(data, weight, input_zero_point, kernel_zero_point, input_scale, kernel_scale)`.
fn layer(
    call: &mut OperatorCall,
    own: &str,
    run: fn(&mut OperatorCall) -> Result<Operand>,
) -> Result<Operand> {
    call.operands(6)?;
    sum_type(call)?;
    let kernel = call.peek("kernel_layout");
    let want = layout(call, "kernel_layout", own, own)?;
    if let Some(kernel) = kernel {
        call.put("kernel_layout", kernel);
    }
    let [x, _, zero_x, zero_w, scale_x, scale_w] = [0, 1, 2, 3, 4, 5].map(|i| call.arguments[i].clone());
    let outputs = own.find('O').expect("every kernel has outputs");
    let (w, scales) = weights(call, &want, outputs, &zero_w, &scale_w)?;
    let x = real(call, &x, &scale_x, &zero_x, usize::MAX)?;
    let scales = sum_scales(&scale_x, &scales)?;
    call.arguments = vec![x, w];
    let result = run(call)?;
    mark(call.lower, &result, &Whole::Sum(scales));
    Ok(result)
}

/// `qnn.dense` with operands as `qnn.conv2d`; the weights are (units, inputs).
fn dense(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(6)?;
    sum_type(call)?;
    let [x, _, zero_x, zero_w, scale_x, scale_w] = [0, 1, 2, 3, 4, 5].map(|i| call.arguments[i].clone());
    let (w, scales) = weights(call, &[0, 1], 0, &zero_w, &scale_w)?;
    let x = real(call, &x, &scale_x, &zero_x, usize::MAX)?;
    let scales = sum_scales(&scale_x, &scales)?;
    call.arguments = vec![x, w];
    let result = matrix::dense(call)?;
    mark(call.lower, &result, &Whole::Sum(scales));
    Ok(result)
}

/// An int32 bias on a sum: the layer again, with the bias in steps of the sum's scales.
fn bias_add(call: &mut OperatorCall, scales: &Rc<[f32]>) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let (Operand::Value(x), bias) = (call.arguments[0].clone(), call.constant(1)?) else {
        return refuse("a sum is no tensor");
    };
    if bias.array.dtype != "int32" || bias.array.shape != [shape[axis]] {
        return refuse(format!(
            "the bias is {} {:?}, not int32 [{}]",
            bias.array.dtype, bias.array.shape, shape[axis]
        ));
    }
    let Some((index, layer)) = call.lower.graph.producer(x.id) else {
        return refuse("a sum without a layer");
    };
    let (op, mut inputs, name) = (layer.op.clone(), layer.inputs.clone(), layer.name.clone());
    if inputs.len() != 2
        || x.order[axis] != 1
        || !matches!(op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. })
    {
        return Err(Error::new("import", "the layer before takes no such bias")
            .hint("one nn.bias_add along the channels, behind qnn.conv2d or qnn.dense"));
    }
    let vector = call.lower.graph.constant(scale_name(&bias), &bias.array.shape, bias.array.to_floats())?;
    let own = if scales.len() == 1 { vec![] } else { vec![scales.len()] };
    let scale = call.lower.graph.constant("", &own, scales.to_vec())?;
    let zero = call.lower.graph.constant("", &own, vec![0.0; scales.len()])?;
    let axis = (scales.len() > 1).then_some(0);
    let op_bias = Op::DequantizeLinear { integer: Integer::Int32, axis };
    inputs.push(call.part("bias", op_bias, &[vector, scale, zero])?);
    call.lower.superseded.push(index);
    let id = call.lower.graph.node(name, op, &inputs)?;
    let result = Operand::Value(Lying { id, order: x.order });
    mark(call.lower, &result, &Whole::Sum(scales.clone()));
    Ok(result)
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
    let a = real(call, &given[0], &given[2], &given[3], usize::MAX)?;
    let b = real(call, &given[1], &given[4], &given[5], usize::MAX)?;
    call.arguments = vec![a, b];
    let y = elementwise::binary(call, op)?;
    quantised(call, &y, &given[6], &given[7], integer, usize::MAX)
}

/// One operand, its scale and zero point, those of the result.
fn unary(call: &mut OperatorCall, run: fn(&mut OperatorCall) -> Result<Operand>) -> Result<Operand> {
    call.operands(5)?;
    let given = call.arguments.clone();
    let (_, integer) = numbers(call, &given[0])?;
    let x = real(call, &given[0], &given[1], &given[2], usize::MAX)?;
    call.arguments = vec![x];
    let y = run(call)?;
    quantised(call, &y, &given[3], &given[4], integer, usize::MAX)
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
    let parts = parts.map(|(x, (s, z))| real(call, x, s, z, usize::MAX)).collect::<Result<Vec<_>>>()?;
    call.arguments = vec![Operand::Tuple(Rc::new(parts))];
    let y = super::moves::concatenate(call)?;
    quantised(call, &y, &given[3], &given[4], integer, usize::MAX)
}
