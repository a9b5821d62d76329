//! Quantised models. QuantizeLinear and DequantizeLinear are operators of the graph; every operator
//! on integers becomes dequantised inputs, the operator in float32 and a quantised result, with the
//! model's scales and zero points.

use std::rc::Rc;

use super::call::Call;
use super::conv::layer;
use super::import::Operand;
use super::pool::quantised_mean;
use super::shape::axis as resolve;
use super::tensor::{Tensor, TensorElements, has_four_bits, integer};
use crate::error::Result;
use crate::graph::{BinaryKind, Integer, Op, UnaryKind, ValueId};

/// Scale and zero point, as values of the graph.
struct ScaleZero {
    scale: ValueId,
    zero: ValueId,
    /// Axis along which they vary.
    axis: Option<usize>,
    /// Type of the zero point, where there is one.
    integer: Option<Integer>,
    /// Whether that type has 4 bits.
    four_bits: bool,
}

/// Reads a scale and the zero point that may go with it, of a tensor of the given shape. Both must be
/// constant: one number, or one for each index of the axis.
fn parameters(
    call: &mut Call,
    scale: Option<usize>,
    zero: usize,
    shape: &[usize],
    axis: Option<usize>,
) -> Result<ScaleZero> {
    let scales = match scale {
        Some(input) => {
            let TensorElements::Floats(scales) = &call.constant(input)?.elements else {
                return Err(call.error(format!("input {input}, a scale, holds integers")));
            };
            scales.clone()
        }
        None => vec![1.0],
    };
    if let Some(s) = scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return Err(call.error(format!("a scale is {s}")).hint("scales above zero"));
    }
    let (zeros, integer, four_bits) = match call.has(zero) {
        false => (vec![0], None, false),
        true => match &*call.constant(zero)? {
            Tensor { elements: TensorElements::Ints(zeros), integer: Some(integer), four_bits, .. } => {
                (zeros.clone(), Some(*integer), *four_bits)
            }
            _ => {
                return Err(call.error(format!(
                    "input {zero}, a zero point, is not of type int8, uint8, int16, uint16 or int32"
                )));
            }
        },
    };
    let count = scales.len().max(zeros.len());
    let each = axis.filter(|_| count > 1);
    let fits = |n: usize| n == 1 || n == count;
    let along = match each {
        None => count == 1,
        Some(axis) => shape.get(axis) == Some(&count),
    };
    if !fits(scales.len()) || !fits(zeros.len()) || !along {
        let place = match axis {
            Some(axis) => format!("axis {axis}"),
            None if call.operator().ends_with("quantizeLinear") || call.operator() == "QuantizeLinear" => {
                format!("axis {}", call.int("axis", 1)?)
            }
            None => "the tensor".into(),
        };
        let message = match call.has(zero) {
            true => format!(
                "{} scales and {} zero points do not fit {place} of {shape:?}",
                scales.len(),
                zeros.len()
            ),
            false => format!("{} scales do not fit {place} of {shape:?}", scales.len()),
        };
        return Err(call.error(message));
    }
    let all = |values: Vec<f32>| if values.len() == 1 { vec![values[0]; count] } else { values };
    let zeros: Vec<f32> = zeros.iter().map(|&z| z as f32).collect();
    let own = if each.is_some() { vec![count] } else { Vec::new() };
    Ok(ScaleZero {
        scale: call.floats_value(&own, all(scales))?,
        zero: call.floats_value(&own, all(zeros))?,
        axis: each,
        integer,
        four_bits,
    })
}

/// The real numbers that input `x` stands for; without a `scale` input its step is 1.
fn real(
    call: &mut Call,
    x: usize,
    scale: Option<usize>,
    zero: usize,
    axis: Option<usize>,
) -> Result<ValueId> {
    let (id, integer) = call.whole(x)?;
    let shape = call.shape(x)?;
    let p = parameters(call, scale, zero, &shape, axis)?;
    match p.integer {
        Some(other) if other != integer => Err(call.error(format!(
            "input {x} holds {} numbers, its zero point is {}",
            integer.name(),
            other.name()
        ))),
        _ => call.apply(Op::DequantizeLinear { integer, axis: p.axis }, &[id, p.scale, p.zero]),
    }
}

/// Three inputs in a row: x, its one scale, its one zero point.
fn triple(call: &mut Call, first: usize) -> Result<ValueId> {
    real(call, first, Some(first + 1), first + 2, None)
}

/// Quantises `y` with the scale and zero point of two inputs in a row and makes it the result.
fn finish(call: &mut Call, y: ValueId, scale: usize) -> Result<()> {
    let shape = call.shape_of(y);
    let p = parameters(call, Some(scale), scale + 1, &shape, None)?;
    let integer = p.integer.unwrap_or(Integer::Uint8);
    call.emit_whole(Op::QuantizeLinear { integer, axis: p.axis }, &[y, p.scale, p.zero], integer)
}

/// The axis of QuantizeLinear and DequantizeLinear. Opset 21 has blocks of an axis too.
fn own_axis(call: &mut Call, rank: usize) -> Result<Option<usize>> {
    let blocks = call.int("block_size", 0)?;
    if blocks != 0 {
        return call.refuse("block_size", "blocks of an axis with scales of their own are not supported");
    }
    let value = call.int("axis", 1)?;
    // It means something only where scales vary, and its default lies outside of lists.
    Ok(resolve(call, value, rank).ok())
}

/// QuantizeLinear.
pub(super) fn quantize(call: &mut Call) -> Result<()> {
    call.arity(2..=3)?;
    call.ignore("saturate");
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let axis = own_axis(call, shape.len())?;
    let declared = match call.int("output_dtype", 0)? {
        0 => None,
        code => match i32::try_from(code).ok().and_then(|code| Some((integer(code)?, has_four_bits(code)))) {
            Some(declared) => Some(declared),
            None => return call.refuse("output_dtype", format!("type {code} is not supported")),
        },
    };
    let p = parameters(call, Some(1), 2, &shape, axis)?;
    if let (Some(a), Some((b, four_bits))) = (p.integer, declared)
        && (a, p.four_bits) != (b, four_bits)
    {
        return call.refuse("output_dtype", format!("is {}, the zero point is {}", b.name(), a.name()));
    }
    let own = p.integer.map(|integer| (integer, p.four_bits));
    let (integer, four_bits) = own.or(declared).unwrap_or((Integer::Uint8, false));
    let (op, inputs) = (Op::QuantizeLinear { integer, axis: p.axis }, [x, p.scale, p.zero]);
    if !four_bits {
        return call.emit_whole(op, &inputs, integer);
    }
    // 4 bits are bytes that are clipped.
    let bounds = if integer == Integer::Int8 { [-8.0, 7.0] } else { [0.0, 15.0] };
    let made = call.apply(op, &inputs)?;
    call.clip_made(made, integer, bounds)
}

/// DequantizeLinear.
pub(super) fn dequantize(call: &mut Call) -> Result<()> {
    call.arity(2..=3)?;
    let rank = call.shape(0)?.len();
    let axis = own_axis(call, rank)?;
    let y = real(call, 0, Some(1), 2, axis)?;
    call.result(y)
}

/// DynamicQuantizeLinear of a constant: scale and zero point are known now.
pub(super) fn dynamic(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    let Operand::Constant(tensor) = call.operand(0)? else {
        return Err(call
            .error("computes its scale from the data, the machine's scales are constants")
            .hint("quantise statically: onnxruntime.quantization.quantize_static"));
    };
    let TensorElements::Floats(data) = &tensor.elements else {
        return Err(call.error("input 0 holds integers, the operator wants floats"));
    };
    if data.iter().any(|v| !v.is_finite()) {
        return Err(call.error("input 0 is not finite"));
    }
    let (low, high) = data.iter().fold((0f32, 0f32), |(l, h), &v| (l.min(v), h.max(v)));
    let scale = if low == high { 1.0 } else { (high - low) / 255.0 };
    let zero = (-low / scale).round_ties_even().clamp(0.0, 255.0);
    let byte = |v: &f32| (v / scale).round_ties_even() + zero;
    let bytes = data.iter().map(|v| byte(v).clamp(0.0, 255.0) as i64).collect();
    let uint8 =
        |shape: Vec<usize>, data| Tensor { integer: Some(Integer::Uint8), ..Tensor::ints(shape, data) };
    let results = [
        uint8(tensor.shape.clone(), bytes),
        Tensor::floats(vec![], vec![scale]),
        uint8(vec![], vec![zero as i64]),
    ];
    results.into_iter().try_for_each(|t| call.alias(Operand::Constant(Rc::new(t))))
}

/// QLinearConv: x, w, their scales and zero points, those of the result, maybe an int32 bias whose step
/// is the product of the two scales.
pub(super) fn conv(call: &mut Call) -> Result<()> {
    call.arity(8..=9)?;
    let op = layer(call, 0, 3)?;
    let (x, w) = (triple(call, 0)?, real(call, 3, Some(4), 5, Some(0))?);
    let mut inputs = vec![x, w];
    if call.has(8) {
        inputs.push(bias(call, 8, [1, 4], 1.0)?);
    }
    let y = call.apply_image(op, &inputs)?;
    finish(call, y, 6)
}

/// An int32 bias in steps of `alpha` times the product of two scales, the first of which is one number.
fn bias(call: &mut Call, input: usize, scales: [usize; 2], alpha: f32) -> Result<ValueId> {
    let (id, integer) = call.whole(input)?;
    if integer != Integer::Int32 {
        return Err(call.error(format!("the bias is {}, not int32", integer.name())));
    }
    let shape = call.shape(input)?;
    let [a, b] = scales.map(|i| call.constant(i));
    let (TensorElements::Floats(a), TensorElements::Floats(b)) = (&a?.elements, &b?.elements) else {
        return Err(call.error("a scale holds integers"));
    };
    let (&[a], Some(last)) = (&a[..], shape.len().checked_sub(1)) else {
        return Err(call.error("a bias wants one scale for all of the input"));
    };
    let axis = (b.len() > 1).then_some(last);
    if axis.is_some_and(|a| shape[a] != b.len()) {
        return Err(call.error(format!("{} scales do not fit the bias {shape:?}", b.len())));
    }
    let own = if axis.is_some() { vec![b.len()] } else { Vec::new() };
    let scale = call.floats_value(&own, b.iter().map(|b| alpha * a * b).collect())?;
    let zero = call.zeros(&own)?;
    call.apply(Op::DequantizeLinear { integer, axis }, &[id, scale, zero])
}

/// ConvInteger: sums of products of integers less their zero points.
pub(super) fn conv_integer(call: &mut Call) -> Result<()> {
    call.arity(2..=4)?;
    let op = layer(call, 0, 1)?;
    let (x, w) = (real(call, 0, None, 2, None)?, real(call, 1, None, 3, Some(0))?);
    let y = call.apply_image(op, &[x, w])?;
    call.result_whole(y, Integer::Int32)
}

/// The axes of a matrix product's rows on the left and columns on the right.
fn sides(call: &Call, a: usize, b: usize) -> Result<[usize; 2]> {
    let rank = |i: usize| -> Result<usize> { Ok(call.shape(i)?.len()) };
    Ok([rank(a)?.wrapping_sub(2), rank(b)?.wrapping_sub(1)])
}

/// QLinearMatMul: a, b, their scales and zero points (one, or one for each row of a or column of b).
pub(super) fn matmul(call: &mut Call) -> Result<()> {
    call.arity(8)?;
    let [row, column] = sides(call, 0, 3)?;
    let (a, b) = (real(call, 0, Some(1), 2, Some(row))?, real(call, 3, Some(4), 5, Some(column))?);
    let y = call.apply(Op::MatMul, &[a, b])?;
    finish(call, y, 6)
}

/// MatMulInteger: a matrix product of integers less their zero points.
pub(super) fn matmul_integer(call: &mut Call) -> Result<()> {
    call.arity(2..=4)?;
    let [row, column] = sides(call, 0, 1)?;
    let (a, b) = (real(call, 0, None, 2, Some(row))?, real(call, 1, None, 3, Some(column))?);
    call.emit_whole(Op::MatMul, &[a, b], Integer::Int32)
}

/// QGemm: alpha * a * b + c, with c in steps of alpha times both scales; a float result if it has no
/// scale of its own.
pub(super) fn gemm(call: &mut Call) -> Result<()> {
    call.arity(6..=9)?;
    let alpha = call.float("alpha", 1.0)?;
    let (trans_a, trans_b) = (call.flag("transA", false)?, call.flag("transB", false)?);
    if !(alpha.is_finite() && alpha > 0.0) {
        return call.refuse("alpha", format!("is {alpha}"));
    }
    let mut inputs = vec![triple(call, 0)?, real(call, 3, Some(4), 5, Some(usize::from(!trans_b)))?];
    if call.has(6) {
        inputs.push(bias(call, 6, [1, 4], alpha)?);
    }
    let y = call.apply(Op::Gemm { alpha, beta: 1.0, trans_a, trans_b }, &inputs)?;
    if call.has(7) { finish(call, y, 7) } else { call.result(y) }
}

/// QLinearAdd and QLinearMul.
pub(super) fn binary(call: &mut Call) -> Result<()> {
    call.arity(7..=8)?;
    let inputs = [triple(call, 0)?, triple(call, 3)?];
    let op = match call.operator() {
        "QLinearAdd" => Op::Add,
        _ => Op::Binary { kind: BinaryKind::Mul },
    };
    let y = call.apply(op, &inputs)?;
    finish(call, y, 6)
}

/// QLinearSigmoid, QLinearLeakyRelu and the average pools: one operand.
pub(super) fn unary(call: &mut Call) -> Result<()> {
    call.arity(4..=5)?;
    let op = match call.operator() {
        "QLinearSigmoid" => Op::Unary { kind: UnaryKind::Sigmoid },
        "QLinearLeakyRelu" => Op::LeakyRelu { alpha: call.float("alpha", 0.01)? },
        pool => {
            if call.flag("channels_last", false)? {
                return call.refuse("channels_last", "only images (N, C, H, W) are supported");
            }
            match pool {
                "QLinearGlobalAveragePool" => Op::GlobalAveragePool,
                _ => quantised_mean(call)?,
            }
        }
    };
    let x = triple(call, 0)?;
    let y = match op {
        Op::Unary { .. } | Op::LeakyRelu { .. } => call.apply(op, &[x])?,
        pool => call.apply_image(pool, &[x])?,
    };
    finish(call, y, 3)
}

/// QLinearSoftmax: `opset` says, as the version of ONNX does elsewhere, which axes it runs over.
pub(super) fn softmax(call: &mut Call) -> Result<()> {
    call.arity(5)?;
    let opset = call.int("opset", 0)?;
    // Unlike ONNX's own, whatever `opset` says.
    let axis = call.int("axis", -1)?;
    let x = real(call, 0, Some(1), 2, None)?;
    let y = super::elementwise::softmax_of(call, x, axis, opset)?;
    finish(call, y, 3)
}

/// QLinearConcat: scale and zero point of the result, then each part with its own.
pub(super) fn concat(call: &mut Call) -> Result<()> {
    call.arity(5..)?;
    if call.inputs() % 3 != 2 {
        return Err(call.error(format!("{} inputs are not a pair and triples", call.inputs())));
    }
    let rank = call.shape(2)?.len();
    let value = call.int("axis", 1)?;
    let axis = resolve(call, value, rank)?;
    let parts = (2..call.inputs()).step_by(3).map(|i| triple(call, i)).collect::<Result<Vec<_>>>()?;
    let y = call.apply(Op::Concat { axis }, &parts)?;
    finish(call, y, 0)
}
