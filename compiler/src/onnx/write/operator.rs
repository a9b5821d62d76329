//! One operator of the graph as one or two of ONNX.

use crate::described::{AttributeValue, Described};
use crate::graph::{
    BinaryKind, Cell, DepthToSpaceMode, Interpolation, Node, Op, PadMode, Recurrent, ReduceKind, Resize,
    UnaryKind, Window,
};
use crate::onnx::proto::{AttributeProto, attribute_type, data_type};

use super::Writer;

/// A node of the model but for its name.
pub(super) struct Written {
    pub operator: &'static str,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub attributes: Vec<AttributeProto>,
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: kind, ..Default::default() }
}

fn int(name: &str, i: impl TryInto<i64>) -> AttributeProto {
    let i = i.try_into().ok().expect("extents fit 63 bits");
    AttributeProto { i, ..attribute(name, attribute_type::INT) }
}

fn ints(name: &str, numbers: &[usize]) -> AttributeProto {
    AttributeProto { ints: longs(numbers), ..attribute(name, attribute_type::INTS) }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { f, ..attribute(name, attribute_type::FLOAT) }
}

fn string(name: &str, s: &str) -> AttributeProto {
    AttributeProto { s: s.into(), ..attribute(name, attribute_type::STRING) }
}

fn longs(numbers: &[usize]) -> Vec<i64> {
    numbers.iter().map(|&n| n as i64).collect()
}

fn window(window: &Window, dilated: bool) -> Vec<AttributeProto> {
    let mut all = vec![
        ints("kernel_shape", &window.kernel),
        ints("strides", &window.stride),
        ints("pads", &window.pads),
    ];
    if dilated {
        all.push(ints("dilations", &window.dilation));
    }
    all
}

/// The node as ONNX has it; what ONNX has no operator for is an error that says so.
pub(super) fn written(writer: &mut Writer, node: &Node) -> Result<Vec<Written>, String> {
    let mut inputs: Vec<String> = node.inputs.iter().map(|&id| writer.operand(id)).collect();
    let mut outputs: Vec<String> = node.outputs.iter().map(|&id| writer.name(id)).collect();
    let operator = node.op.name();
    let mut attributes = Vec::new();
    match &node.op {
        Op::Conv { window: w, groups } => {
            attributes = window(w, true);
            attributes.push(int("group", *groups));
        }
        Op::ConvTranspose { window: w, groups, output_padding } => {
            attributes = window(w, true);
            attributes.push(int("group", *groups));
            attributes.push(ints("output_padding", output_padding));
        }
        Op::BatchNormalization { epsilon } | Op::InstanceNormalization { epsilon } => {
            attributes.push(float("epsilon", *epsilon));
        }
        Op::LayerNormalization { axis, epsilon } => {
            attributes = vec![int("axis", *axis), float("epsilon", *epsilon)];
        }
        Op::Clip { min, max } => {
            let mut bound = |b: &f32| if b.is_finite() { writer.floats(&[], &[*b]) } else { String::new() };
            inputs.extend([bound(min), bound(max)]);
        }
        Op::LeakyRelu { alpha } => attributes.push(float("alpha", *alpha)),
        Op::MaxPool { window: w } => attributes = window(w, true),
        Op::AveragePool { window: w, count_include_pad } => {
            attributes = window(w, false);
            attributes.push(int("count_include_pad", i64::from(*count_include_pad)));
        }
        Op::Concat { axis } | Op::Flatten { axis } | Op::Softmax { axis } | Op::LogSoftmax { axis } => {
            attributes.push(int("axis", *axis))
        }
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            attributes = vec![
                float("alpha", *alpha),
                float("beta", *beta),
                int("transA", i64::from(*trans_a)),
                int("transB", i64::from(*trans_b)),
            ];
        }
        Op::Reshape => {
            let shape = longs(writer.graph.shape(node.outputs[0]));
            inputs.push(writer.list(&[shape.len()], &shape));
        }
        Op::Expand { shape } => inputs.push(writer.list(&[shape.len()], &longs(shape))),
        Op::Transpose { perm } => attributes.push(ints("perm", perm)),
        Op::DepthToSpace { block, mode } => {
            let mode = if *mode == DepthToSpaceMode::Dcr { "DCR" } else { "CRD" };
            attributes = vec![int("blocksize", *block), string("mode", mode)];
        }
        Op::SpaceToDepth { block } => attributes.push(int("blocksize", *block)),
        Op::Unary { kind: UnaryKind::Swish } => return Ok(swish(inputs, outputs)),
        Op::Unary { kind } => {
            attributes = kind.parameters().into_iter().map(|(name, value)| float(name, value)).collect();
            if *kind == UnaryKind::GeluTanh {
                attributes.push(string("approximate", "tanh"));
            }
        }
        Op::Reduce { kind, axes, keepdims } if axes.is_empty() => {
            use ReduceKind::{Max, Mean, Min, Prod, Sum};
            if !matches!(kind, Mean | Sum | Prod | Max | Min) {
                return Err("a reduction along no axis is not the same in all versions of ONNX".into());
            }
            attributes = vec![int("keepdims", i64::from(*keepdims)), int("noop_with_empty_axes", 1)];
        }
        Op::Reduce { kind, axes, keepdims } if kind.is_index() => {
            attributes = vec![int("axis", axes[0] as i64), int("keepdims", i64::from(*keepdims))];
            return Ok(cast_to_float(operator, inputs, &outputs[0], attributes));
        }
        Op::Reduce { axes, keepdims, .. } => {
            inputs.push(writer.list(&[axes.len()], &longs(axes)));
            attributes.push(int("keepdims", i64::from(*keepdims)));
        }
        Op::Pad { before, after, mode } => {
            let amounts = longs(&[before.as_slice(), after.as_slice()].concat());
            inputs.push(writer.list(&[amounts.len()], &amounts));
            if let PadMode::Constant(value) = mode {
                inputs.push(writer.floats(&[], &[*value]));
            }
            attributes.push(string("mode", pad_mode(*mode)));
        }
        Op::Slice { starts, steps, extents } => {
            let ends = slice_ends(writer.graph.shape(node.inputs[0]), starts, steps, extents);
            let axes: Vec<i64> = (0..ends.len() as i64).collect();
            for list in [&longs(starts), &ends, &axes, steps] {
                inputs.push(writer.list(&[list.len()], list));
            }
        }
        Op::Gather { axis, indices, shape } => {
            inputs.push(writer.list(shape, &longs(indices)));
            attributes.push(int("axis", *axis));
        }
        Op::Resize(r) => {
            attributes = resize(r);
            let old = writer.graph.shape(node.inputs[0]).to_vec();
            inputs.push(String::new());
            inputs.extend(scales_or_sizes(writer, r, &old)?);
        }
        Op::Recurrent(r) => {
            attributes = recurrent(r);
            // All sequences are of full length.
            inputs.insert(4, String::new());
            if r.cell_state {
                outputs = [vec![String::new(); 2], outputs].concat();
            }
        }
        Op::QuantizeLinear { integer, axis } => {
            inputs[2] = writer.whole(node.inputs[2], *integer);
            attributes.extend(axis.map(|axis| int("axis", axis)));
        }
        Op::DequantizeLinear { axis: None, .. } if writer.is_computed(node.inputs[0]) => {
            return Ok(dequantised(inputs, outputs));
        }
        Op::DequantizeLinear { integer, axis } => {
            inputs[0] = writer.whole(node.inputs[0], *integer);
            inputs[2] = writer.whole(node.inputs[2], *integer);
            attributes.extend(axis.map(|axis| int("axis", axis)));
        }
        Op::Binary { kind } if kind.is_comparison() => {
            return Ok(cast_to_float(operator, inputs, &outputs[0], attributes));
        }
        Op::Binary { kind: BinaryKind::Mod } => attributes.push(int("fmod", 1)),
        Op::Where => {
            let condition = format!("{}_condition", outputs[0]);
            let truth = cast(inputs[0].clone(), condition.clone(), data_type::BOOL);
            inputs[0] = condition;
            return Ok(vec![truth, Written { operator, inputs, outputs, attributes }]);
        }
        Op::TopK { axis, count, largest, indices } => {
            inputs.push(writer.list(&[1], &longs(&[*count])));
            attributes = vec![int("axis", *axis), int("largest", i64::from(*largest)), int("sorted", 1)];
            let other = format!("{}_other", outputs[0]);
            if !indices {
                outputs.push(other);
                return Ok(vec![Written { operator, inputs, outputs, attributes }]);
            }
            let whole = format!("{}_whole", outputs[0]);
            let top = Written { operator, inputs, outputs: vec![other, whole.clone()], attributes };
            return Ok(vec![top, cast(whole, outputs.remove(0), data_type::FLOAT)]);
        }
        Op::GatherElements { axis } => {
            attributes = vec![int("axis", *axis)];
            let whole = whole_numbers(&mut inputs[1], format!("{}_indices", outputs[0]));
            return Ok(vec![whole, Written { operator, inputs, outputs, attributes }]);
        }
        Op::Described(op) => return Ok(described(op, inputs, outputs)),
        Op::Relu | Op::PRelu | Op::GlobalAveragePool | Op::Add | Op::MatMul | Op::Binary { .. } => {}
    }
    Ok(vec![Written { operator, inputs, outputs, attributes }])
}

/// Makes whole numbers of an input, which the graph has as real ones, under a name.
fn whole_numbers(input: &mut String, name: String) -> Written {
    let given = std::mem::replace(input, name.clone());
    cast(given, name, data_type::INT64)
}

/// An operator that is kept as ONNX defines it; its whole numbers are real ones in the graph.
fn described(op: &Described, mut inputs: Vec<String>, outputs: Vec<String>) -> Vec<Written> {
    let attribute = |(name, value): (&str, &AttributeValue)| match value {
        AttributeValue::Integer(i) => int(name, *i),
        AttributeValue::Real(x) => float(name, *x),
        AttributeValue::Word(word) => string(name, word),
        AttributeValue::Integers(list) => {
            AttributeProto { ints: list.to_vec(), ..attribute(name, attribute_type::INTS) }
        }
    };
    let attributes = op.attributes().filter(|(_, value)| !value.is_left_out()).map(attribute).collect();
    let mut all = vec![];
    for &input in op.descriptor.whole {
        all.push(whole_numbers(&mut inputs[input], format!("{}_whole{input}", outputs[0])));
    }
    all.push(Written { operator: op.descriptor.name, inputs, outputs, attributes });
    all
}

fn pad_mode(mode: PadMode) -> &'static str {
    match mode {
        PadMode::Constant(_) => "constant",
        PadMode::Reflect => "reflect",
        PadMode::Edge => "edge",
        PadMode::Wrap => "wrap",
    }
}

/// Where a slice of a tensor of `shape` ends on each axis, as ONNX counts.
fn slice_ends(shape: &[usize], starts: &[usize], steps: &[i64], extents: &[usize]) -> Vec<i64> {
    let end = |i: usize| {
        let end = starts[i] as i64 + steps[i] * extents[i] as i64;
        // Before the first element is further back than any: -1 would be the last one.
        if end < 0 { -(shape[i] as i64) - 1 } else { end.min(shape[i] as i64) }
    };
    (0..shape.len()).map(end).collect()
}

fn cast(from: String, to: String, kind: i32) -> Written {
    let attributes = vec![int("to", kind)];
    Written { operator: "Cast", inputs: vec![from], outputs: vec![to], attributes }
}

/// An operator whose result is no float32 in ONNX: a truth, or an index.
fn cast_to_float(
    operator: &'static str,
    inputs: Vec<String>,
    output: &str,
    attributes: Vec<AttributeProto>,
) -> Vec<Written> {
    let result = format!("{output}_result");
    let outputs = vec![result.clone()];
    vec![Written { operator, inputs, outputs, attributes }, cast(result, output.to_owned(), data_type::FLOAT)]
}

/// ONNX has Swish from opset 24 on: x * sigmoid(x).
fn swish(inputs: Vec<String>, outputs: Vec<String>) -> Vec<Written> {
    let gate = format!("{}_gate", outputs[0]);
    let sigmoid = Written {
        operator: "Sigmoid",
        inputs: inputs.clone(),
        outputs: vec![gate.clone()],
        attributes: Vec::new(),
    };
    let inputs = vec![inputs[0].clone(), gate];
    vec![sigmoid, Written { operator: "Mul", inputs, outputs, attributes: Vec::new() }]
}

/// (x - zero) * scale, for whole numbers that were computed in float: sums of ConvInteger.
fn dequantised(inputs: Vec<String>, outputs: Vec<String>) -> Vec<Written> {
    let [x, scale, zero]: [String; 3] = inputs.try_into().expect("DequantizeLinear has three inputs");
    let steps = format!("{}_steps", outputs[0]);
    let part = |operator, inputs, outputs| Written { operator, inputs, outputs, attributes: Vec::new() };
    vec![part("Sub", vec![x, zero], vec![steps.clone()]), part("Mul", vec![steps, scale], outputs)]
}

fn resize(r: &Resize) -> Vec<AttributeProto> {
    let mut all = vec![string("coordinate_transformation_mode", r.coordinates.name())];
    match r.interpolation {
        Interpolation::Nearest(rounding) => {
            all.extend([string("mode", "nearest"), string("nearest_mode", rounding.name())]);
        }
        Interpolation::Linear => all.push(string("mode", "linear")),
        Interpolation::Cubic { coefficient, exclude_outside } => all.extend([
            string("mode", "cubic"),
            float("cubic_coeff_a", coefficient),
            int("exclude_outside", i64::from(exclude_outside)),
        ]),
    }
    all
}

/// The inputs scales and sizes, one of which is left out: sizes where scales are just their ratios.
fn scales_or_sizes(writer: &mut Writer, r: &Resize, old: &[usize]) -> Result<Vec<String>, String> {
    let rows = || r.sizes.iter().zip(&r.scales).zip(old);
    if rows().all(|((&size, &scale), &n)| scale == size as f32 / n as f32) {
        return Ok(vec![String::new(), writer.list(&[old.len()], &longs(&r.sizes))]);
    }
    if rows().all(|((&size, &scale), &n)| (scale * n as f32) as usize == size) {
        return Ok(vec![writer.floats(&[old.len()], &r.scales)]);
    }
    Err(format!("neither sizes {:?} nor scales {:?} say it of {old:?}", r.sizes, r.scales))
}

fn recurrent(r: &Recurrent) -> Vec<AttributeProto> {
    let mut all = vec![int("hidden_size", r.hidden), string("direction", r.direction.name())];
    if let Cell::Gru { linear_before_reset } = r.cell {
        all.push(int("linear_before_reset", i64::from(linear_before_reset)));
    }
    all
}
