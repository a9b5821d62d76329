//! Names and attributes of operators as text: what Relay lacks is printed and read with them
//! (`tilewright.lstm(...)`), and messages name operators by them.

mod read;

pub(crate) use read::operator_from_text;

use super::{Cell, DepthToSpaceMode, Interpolation, Op, PadMode, Window};

impl Op {
    /// The operator's name in the text form.
    pub(crate) fn text_name(&self) -> &'static str {
        match self {
            Op::Conv { .. } => "conv2d",
            Op::BatchNormalization { .. } => "batch_norm",
            Op::Relu => "relu",
            Op::Clip { .. } => "clip",
            Op::LeakyRelu { .. } => "leaky_relu",
            Op::PRelu => "prelu",
            Op::MaxPool { .. } => "max_pool2d",
            Op::AveragePool { .. } => "avg_pool2d",
            Op::GlobalAveragePool => "global_avg_pool",
            Op::Add => "add",
            Op::Concat { .. } => "concatenate",
            Op::Gemm { .. } => "gemm",
            Op::MatMul => "matmul",
            Op::Flatten { .. } => "flatten",
            Op::Reshape => "reshape",
            Op::Transpose { .. } => "transpose",
            Op::DepthToSpace { .. } => "depth_to_space",
            Op::Softmax { .. } => "softmax",
            Op::LogSoftmax { .. } => "log_softmax",
            Op::Unary { kind } => kind.text_name(),
            Op::Binary { kind } => kind.text_name(),
            Op::Where => "where",
            Op::TopK { .. } => "topk",
            Op::GatherElements { .. } => "gather",
            Op::Reduce { kind, .. } => kind.text_name(),
            Op::ConvTranspose { .. } => "conv2d_transpose",
            Op::Pad { .. } => "pad",
            Op::Slice { .. } => "strided_slice",
            Op::Gather { .. } => "take",
            Op::Expand { .. } => "broadcast_to",
            Op::Resize(_) => "resize",
            Op::SpaceToDepth { .. } => "space_to_depth",
            Op::LayerNormalization { .. } => "layer_norm",
            Op::InstanceNormalization { .. } => "instance_norm",
            Op::Recurrent(r) => match r.cell {
                Cell::Rnn => "rnn",
                Cell::Lstm => "lstm",
                Cell::Gru { .. } => "gru",
            },
            Op::QuantizeLinear { .. } => "quantize",
            Op::DequantizeLinear { .. } => "dequantize",
            Op::Described(op) => op.descriptor.text,
        }
    }

    /// The attributes as the text form writes them.
    pub(crate) fn text_attributes(&self) -> Vec<(&'static str, String)> {
        attributes(self)
    }
}

fn attributes(op: &Op) -> Vec<(&'static str, String)> {
    fn window(w: &Window) -> Vec<(&'static str, String)> {
        vec![
            ("kernel", format!("{:?}", w.kernel)),
            ("strides", format!("{:?}", w.stride)),
            ("padding", format!("{:?}", w.pads)),
            ("dilation", format!("{:?}", w.dilation)),
        ]
    }
    match op {
        Op::Conv { window: w, groups } => {
            let mut all = window(w);
            all.push(("groups", groups.to_string()));
            all
        }
        Op::MaxPool { window: w } => window(w),
        Op::AveragePool { window: w, count_include_pad } => {
            let mut all = window(w);
            all.push(("count_include_pad", count_include_pad.to_string()));
            all
        }
        Op::BatchNormalization { epsilon } => vec![("epsilon", format!("{epsilon:?}"))],
        Op::Clip { min, max } => vec![("min", format!("{min:?}")), ("max", format!("{max:?}"))],
        Op::LeakyRelu { alpha } => vec![("alpha", format!("{alpha:?}"))],
        Op::Concat { axis } | Op::Flatten { axis } | Op::Softmax { axis } | Op::LogSoftmax { axis } => {
            vec![("axis", axis.to_string())]
        }
        Op::Unary { kind } => {
            kind.parameters().into_iter().map(|(name, value)| (name, format!("{value:?}"))).collect()
        }
        Op::Reduce { axes, keepdims, .. } => {
            vec![("axes", format!("{axes:?}")), ("keepdims", keepdims.to_string())]
        }
        Op::ConvTranspose { window: w, groups, output_padding } => {
            let mut all = window(w);
            all.push(("groups", groups.to_string()));
            all.push(("output_padding", format!("{output_padding:?}")));
            all
        }
        Op::Pad { before, after, mode } => {
            let mut all = vec![("before", format!("{before:?}")), ("after", format!("{after:?}"))];
            all.extend(match mode {
                PadMode::Constant(value) => {
                    vec![("mode", "constant".into()), ("value", format!("{value:?}"))]
                }
                PadMode::Reflect => vec![("mode", "reflect".into())],
                PadMode::Edge => vec![("mode", "edge".into())],
                PadMode::Wrap => vec![("mode", "wrap".into())],
            });
            all
        }
        Op::Slice { starts, steps, extents } => vec![
            ("starts", format!("{starts:?}")),
            ("steps", format!("{steps:?}")),
            ("extents", format!("{extents:?}")),
        ],
        Op::Gather { axis, indices, shape } => vec![
            ("axis", axis.to_string()),
            ("indices", format!("{indices:?}")),
            ("shape", format!("{shape:?}")),
        ],
        Op::Expand { shape } => vec![("shape", format!("{shape:?}"))],
        Op::Resize(r) => {
            let mut all = vec![
                ("sizes", format!("{:?}", r.sizes)),
                ("scales", format!("{:?}", r.scales)),
                ("coordinates", r.coordinates.name().to_owned()),
            ];
            all.extend(match r.interpolation {
                Interpolation::Nearest(rounding) => {
                    vec![("mode", "nearest".to_owned()), ("rounding", rounding.name().to_owned())]
                }
                Interpolation::Linear => vec![("mode", "linear".to_owned())],
                Interpolation::Cubic { coefficient, exclude_outside } => vec![
                    ("mode", "cubic".to_owned()),
                    ("coefficient", format!("{coefficient:?}")),
                    ("exclude_outside", exclude_outside.to_string()),
                ],
            });
            all
        }
        Op::SpaceToDepth { block } => vec![("block", block.to_string())],
        Op::LayerNormalization { axis, epsilon } => {
            vec![("axis", axis.to_string()), ("epsilon", format!("{epsilon:?}"))]
        }
        Op::InstanceNormalization { epsilon } => vec![("epsilon", format!("{epsilon:?}"))],
        Op::Recurrent(r) => {
            let mut all =
                vec![("hidden", r.hidden.to_string()), ("direction", r.direction.name().to_owned())];
            match r.cell {
                Cell::Rnn => {}
                Cell::Lstm => all.push(("cell_state", r.cell_state.to_string())),
                Cell::Gru { linear_before_reset } => {
                    all.push(("linear_before_reset", linear_before_reset.to_string()));
                }
            }
            all
        }
        Op::QuantizeLinear { integer, axis } | Op::DequantizeLinear { integer, axis } => {
            let mut all = vec![("type", integer.name().to_owned())];
            all.extend(axis.map(|axis| ("axis", axis.to_string())));
            all
        }
        Op::Gemm { alpha, beta, trans_a, trans_b } => vec![
            ("alpha", format!("{alpha:?}")),
            ("beta", format!("{beta:?}")),
            ("trans_a", trans_a.to_string()),
            ("trans_b", trans_b.to_string()),
        ],
        Op::Transpose { perm } => vec![("perm", format!("{perm:?}"))],
        Op::DepthToSpace { block, mode } => {
            let mode = match mode {
                DepthToSpaceMode::Dcr => "DCR",
                DepthToSpaceMode::Crd => "CRD",
            };
            vec![("block", block.to_string()), ("mode", mode.to_owned())]
        }
        Op::Relu | Op::PRelu | Op::GlobalAveragePool | Op::Add | Op::MatMul | Op::Reshape => Vec::new(),
        Op::Binary { .. } | Op::Where => Vec::new(),
        Op::TopK { axis, count, largest, indices } => vec![
            ("axis", axis.to_string()),
            ("count", count.to_string()),
            ("largest", largest.to_string()),
            ("indices", indices.to_string()),
        ],
        Op::GatherElements { axis } => vec![("axis", axis.to_string())],
        Op::Described(op) => op.attributes().map(|(name, value)| (name, value.to_string())).collect(),
    }
}
