//! One node as a call of a Relay operator, or of this project's own where Relay has none.

use super::super::ops;
use super::printed::{Printed, PrintedOperand, Style, call, cast};
use super::{float, whole};
use crate::graph::{
    CoordinateRounding, Coordinates, DepthToSpaceMode, Interpolation, Node, Op, PadMode, ReduceKind, Resize,
    ValueId, Window,
};

/// The node as a call.
pub(super) fn print(style: &Style, node: &Node) -> Printed {
    let mut printed = relay(style, node).unwrap_or_else(|| own(style, node));
    if printed.operands.is_empty() {
        let whole =
            style.types[node.outputs[0].0 as usize].is_some() || printed.operator.ends_with(".dequantize");
        let operand = |&id: &ValueId| match whole && style.types[id.0 as usize].is_some() {
            true => PrintedOperand::Whole(id),
            false => PrintedOperand::Value(id),
        };
        printed.operands = node.inputs.iter().map(operand).collect();
    }
    printed
}

/// The operator of this project with all of its attributes.
fn own(style: &Style, node: &Node) -> Printed {
    let mut attributes: Vec<(&'static str, String)> = node.op.text_attributes();
    for (_, value) in &mut attributes {
        let plain = value.starts_with('[') || value.parse::<f64>().is_ok_and(|v| v.is_finite());
        *value = match value.as_str() {
            "true" => "True".to_owned(),
            "false" => "False".to_owned(),
            _ if plain => std::mem::take(value),
            other => format!("\"{other}\""),
        };
    }
    if node.op == Op::Reshape {
        attributes.push(("newshape", format!("{:?}", style.shape(node.outputs[0]))));
    }
    let operator = format!("{}{}", ops::PREFIX, node.op.text_name());
    Printed { operator, attributes, ..Printed::default() }
}

fn window(w: &Window) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    if w.stride != [1, 1] {
        all.push(("strides", format!("{:?}", w.stride)));
    }
    all.push(("padding", format!("{:?}", w.pads)));
    if w.dilation != [1, 1] {
        all.push(("dilation", format!("{:?}", w.dilation)));
    }
    all
}

/// The Relay call that reads back as exactly this node; `None` where there is none.
fn relay(style: &Style, node: &Node) -> Option<Printed> {
    let inputs = &node.inputs;
    let x = style.shape(inputs[0]);
    let axis = |axis: &usize| vec![("axis", axis.to_string())];
    let mut printed = match &node.op {
        Op::Conv { window: w, groups } => {
            let shape = style.shape(inputs[1]);
            let mut all = window(w);
            if *groups != 1 {
                all.push(("groups", groups.to_string()));
            }
            all.push(("channels", shape[0].to_string()));
            all.push(("kernel_size", format!("{:?}", w.kernel)));
            call("nn.conv2d", all)
        }
        Op::ConvTranspose { window: w, groups, output_padding } => {
            let channels = style.shape(inputs[1])[1] * groups;
            let mut all =
                vec![("channels", channels.to_string()), ("kernel_size", format!("{:?}", w.kernel))];
            all.extend(window(w));
            if *output_padding != [0, 0] {
                all.push(("output_padding", format!("{output_padding:?}")));
            }
            if *groups != 1 {
                all.push(("groups", groups.to_string()));
            }
            call("nn.conv2d_transpose", all)
        }
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            gemm(style, node, [*alpha, *beta], [*trans_a, *trans_b])
        }
        Op::MatMul => matmul(x, style.shape(inputs[1])),
        Op::BatchNormalization { epsilon } => {
            let mut printed = call("nn.batch_norm", vec![("epsilon", float(*epsilon))])?;
            printed.first_field = true;
            Some(printed)
        }
        Op::Relu => call("nn.relu", vec![]),
        Op::Clip { min, max } => call("clip", vec![("a_min", float(*min)), ("a_max", float(*max))]),
        // TVM has slopes below 1 and not below 0.
        Op::LeakyRelu { alpha } if (0.0..1.0).contains(alpha) => {
            call("nn.leaky_relu", vec![("alpha", float(*alpha))])
        }
        Op::PRelu => {
            let slope = style.shape(inputs[1]);
            let per_channel = x.len() >= 2 && slope.len() == x.len() - 1 && slope[0] == x[1];
            if !per_channel || slope[1..].iter().any(|&n| n != 1) || !style.is_private(inputs[1]) {
                return None;
            }
            let mut printed = call("nn.prelu", vec![])?;
            printed.operands =
                vec![PrintedOperand::Value(inputs[0]), PrintedOperand::Shaped(inputs[1], vec![x[1]])];
            Some(printed)
        }
        Op::MaxPool { window: w } => {
            let mut all = vec![("pool_size", format!("{:?}", w.kernel))];
            all.extend(window(w));
            call("nn.max_pool2d", all)
        }
        Op::AveragePool { window: w, count_include_pad } => {
            let mut all = vec![("pool_size", format!("{:?}", w.kernel))];
            all.extend(window(w));
            if *count_include_pad {
                all.push(("count_include_pad", "True".to_owned()));
            }
            call("nn.avg_pool2d", all)
        }
        Op::GlobalAveragePool if x.len() == 4 => call("nn.global_avg_pool2d", vec![]),
        Op::Add => call("add", vec![]),
        Op::QuantizeLinear { integer, axis } | Op::DequantizeLinear { integer, axis } => {
            whole::conversion(style, node, *integer, *axis)
        }
        Op::Where => call("where", vec![]),
        Op::Binary { kind } if kind.is_comparison() => cast(kind.text_name(), vec![]),
        Op::Binary { kind } => call(kind.text_name(), vec![]),
        Op::Unary { kind } if ops::is_relay(*kind) => call(kind.text_name(), vec![]),
        Op::Concat { axis: a } => {
            // A tuple of one is not a tuple of several: TVM writes (a,).
            if inputs.len() == 1 {
                return None;
            }
            let mut printed = call("concatenate", axis(a))?;
            printed.joined = true;
            Some(printed)
        }
        Op::Flatten { axis: 1 } if x.len() >= 2 => call("nn.batch_flatten", vec![]),
        Op::Reshape => call("reshape", vec![("newshape", format!("{:?}", style.shape(node.outputs[0])))]),
        Op::Transpose { perm } => call("transpose", vec![("axes", format!("{perm:?}"))]),
        Op::DepthToSpace { block, mode } => {
            let mode = match mode {
                DepthToSpaceMode::Dcr => "\"DCR\"",
                DepthToSpaceMode::Crd => "\"CRD\"",
            };
            call("nn.depth_to_space", vec![("block_size", block.to_string()), ("mode", mode.to_owned())])
        }
        Op::SpaceToDepth { block } => call("nn.space_to_depth", vec![("block_size", block.to_string())]),
        Op::Softmax { axis: a } => call("nn.softmax", axis(a)),
        Op::LogSoftmax { axis: a } => call("nn.log_softmax", axis(a)),
        Op::Reduce { kind, axes, keepdims } => {
            use ReduceKind::{Max, Mean, Min, Prod, Sum};
            if axes.is_empty() || !kind.is_index() && !matches!(kind, Mean | Sum | Max | Min | Prod) {
                return None;
            }
            let mut all = vec![("axis", format!("{axes:?}"))];
            if *keepdims {
                all.push(("keepdims", "True".to_owned()));
            }
            match kind.is_index() {
                true => cast(kind.text_name(), all),
                false => call(kind.text_name(), all),
            }
        }
        Op::TopK { axis: a, count, largest, indices } => {
            let mut all = axis(a);
            all.push(("k", count.to_string()));
            all.push(("ret_type", if *indices { "\"indices\"" } else { "\"values\"" }.to_owned()));
            if !largest {
                all.push(("is_ascend", "True".to_owned()));
            }
            if *indices {
                all.push(("dtype", "\"int32\"".to_owned()));
            }
            if *indices { cast("topk", all) } else { call("topk", all) }
        }
        Op::Pad { before, after, mode } => pad(node, before, after, *mode),
        Op::Slice { starts, steps, extents } => slice(x, starts, steps, extents),
        Op::Gather { axis: a, indices, shape } => {
            let mut printed = call("take", axis(a))?;
            printed.operands = vec![
                PrintedOperand::Value(inputs[0]),
                PrintedOperand::Integers(shape.clone(), indices.clone()),
            ];
            Some(printed)
        }
        Op::Expand { shape } => call("broadcast_to", vec![("shape", format!("{shape:?}"))]),
        Op::Resize(r) => resize(r, x),
        Op::LayerNormalization { axis, epsilon } if axis + 1 == x.len() => {
            call("nn.layer_norm", vec![("epsilon", float(*epsilon))])
        }
        Op::InstanceNormalization { epsilon } => call("nn.instance_norm", vec![("epsilon", float(*epsilon))]),
        _ => None,
    }?;
    if node.op.takes_bias() && inputs.len() == 3 {
        // A bias that is not a vector of constants could not be told from an addition.
        let channels = style.shape(node.outputs[0])[1];
        let bias = inputs[2];
        if style.shape(bias) != [channels] || style.graph.constant_data(bias).is_none() {
            return None;
        }
        printed.operands = inputs[..2].iter().map(|&id| PrintedOperand::Value(id)).collect();
        printed.bias = Some((bias, 1));
    }
    Some(printed)
}

fn gemm(style: &Style, node: &Node, factors: [f32; 2], turned: [bool; 2]) -> Option<Printed> {
    if factors != [1.0, 1.0] {
        return None;
    }
    let units = style.shape(node.outputs[0])[1];
    let flag = |on: bool| if on { "True" } else { "False" }.to_owned();
    match turned {
        [false, true] => call("nn.dense", vec![("units", units.to_string())]),
        // Without either, and without a bias, it would be read as a MatMul.
        [false, false] => None,
        [a, b] => call(
            "nn.matmul",
            vec![("units", units.to_string()), ("transpose_a", flag(a)), ("transpose_b", flag(b))],
        ),
    }
}

fn matmul(a: &[usize], b: &[usize]) -> Option<Printed> {
    match (a.len(), b.len()) {
        (3, 3) if a[0] == b[0] || a[0] == 1 || b[0] == 1 => call("nn.batch_matmul", vec![]),
        (2.., 2) => call("nn.matmul", vec![("units", b[1].to_string())]),
        _ => None,
    }
}

fn pad(node: &Node, before: &[usize], after: &[usize], mode: PadMode) -> Option<Printed> {
    let widths: Vec<String> = before.iter().zip(after).map(|(b, a)| format!("[{b}, {a}]")).collect();
    let (value, mode) = match mode {
        PadMode::Constant(value) => (value, "constant"),
        PadMode::Edge => (0.0, "edge"),
        PadMode::Reflect => (0.0, "reflect"),
        PadMode::Wrap => return None,
    };
    let mut printed = call("nn.pad", vec![("pad_width", format!("[{}]", widths.join(", ")))])?;
    if mode != "constant" {
        printed.attributes.push(("pad_mode", format!("\"{mode}\"")));
    }
    printed.operands = vec![PrintedOperand::Value(node.inputs[0]), PrintedOperand::Text(float(value))];
    Some(printed)
}

fn slice(x: &[usize], starts: &[usize], steps: &[i64], extents: &[usize]) -> Option<Printed> {
    let ends: Vec<i64> = (0..x.len())
        .map(|axis| {
            let end = starts[axis] as i128 + i128::from(steps[axis]) * extents[axis] as i128;
            let n = x[axis] as i128;
            // Below the first element lies -(n + 1): -1 would be the last one.
            (if end < 0 { -n - 1 } else { end.min(n) }) as i64
        })
        .collect();
    let mut all = vec![("begin", format!("{starts:?}")), ("end", format!("{ends:?}"))];
    all.push(("strides", format!("{steps:?}")));
    // TVM wants it written.
    all.push(("axes", "None".to_owned()));
    call("strided_slice", all)
}

fn resize(r: &Resize, x: &[usize]) -> Option<Printed> {
    if x.len() != 4 || r.sizes[..2] != x[..2] {
        return None;
    }
    if !r.scales.iter().zip(r.sizes.iter().zip(x)).all(|(s, (&to, &from))| *s == to as f32 / from as f32) {
        return None;
    }
    // TVM wants it written; it counts for crops alone.
    let mut all = vec![("size", format!("{:?}", &r.sizes[2..])), ("roi", "[0f, 0f, 0f, 0f]".to_owned())];
    match r.interpolation {
        Interpolation::Nearest(rounding) => {
            let whole = (2..4).all(|a| r.sizes[a].is_multiple_of(x[a]));
            if r.coordinates == Coordinates::Asymmetric && whole && rounding != CoordinateRounding::Floor {
                return None;
            }
            all.push(("method", "\"nearest_neighbor\"".to_owned()));
            all.push(("rounding_method", format!("\"{}\"", rounding.name())));
        }
        Interpolation::Linear => all.push(("method", "\"linear\"".to_owned())),
        Interpolation::Cubic { coefficient, exclude_outside } => {
            all.push(("method", "\"cubic\"".to_owned()));
            all.push(("cubic_alpha", float(coefficient)));
            all.push(("cubic_exclude", usize::from(exclude_outside).to_string()));
        }
    }
    // TVM has no symmetric half pixel.
    if r.coordinates == Coordinates::HalfPixelSymmetric {
        return None;
    }
    all.push(("coordinate_transformation_mode", format!("\"{}\"", r.coordinates.name())));
    call("image.resize2d", all)
}
