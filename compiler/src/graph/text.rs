//! The Relay-like text form of a graph. [`super::parse`] reads it back.
//!
//! ```text
//! graph "net.onnx" {
//!   %0 = input() /* x */: Tensor[(1, 3, 8, 8), float32]
//!   %2 = conv2d(%0, meta[Constant][1], kernel=[3, 3], strides=[1, 1], padding=[1, 1, 1, 1],
//!        dilation=[1, 1], groups=1) /* conv1 -> act */: Tensor[(1, 4, 8, 8), float32]
//!   (%2)
//! }
//! meta[Constant][1] /* conv1.weight */: Tensor[(4, 3, 3, 3), float32] = [0.5, -1.0, ...]
//! ```
//!
//! (One line per node in truth.) A comment holds the node's name, then, if the result has a name of
//! its own, `->` and that. The number of a constant is its value's number. Elements print as the
//! shortest decimals that read back to the same float32.

use std::fmt;

use super::{
    Cell, DepthToSpaceMode, Graph, Integer, Interpolation, Op, PadMode, Source, Value, ValueId, Window,
};

/// Whether [`Graph::text`] prints the elements of constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// All elements: the text holds the whole graph.
    Full,
    /// `...` in their place: for reading. Such a text cannot be parsed.
    Elided,
}

impl Graph {
    /// The text form, with or without the elements of constants.
    pub fn text(&self, data: Data) -> String {
        Text { graph: self, data }.to_string()
    }
}

/// The text form with all data, which [`super::parse`] reads back to an equal graph.
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (graph, data) = (self, Data::Full);
        Text { graph, data }.fmt(f)
    }
}

struct Text<'a> {
    graph: &'a Graph,
    data: Data,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = self.graph;
        writeln!(f, "graph {:?} {{", graph.name)?;
        for id in &graph.inputs {
            let value = graph.value(*id);
            let tail = Tail(&[&value.name], &[(&value.shape, value.integer)]);
            writeln!(f, "  {id} = input(){tail}")?;
        }
        for node in &graph.nodes {
            write!(f, "  {} = {}(", Tuple(&node.outputs), node.op.text_name())?;
            for (i, id) in node.inputs.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                match graph.value(*id).source {
                    Source::Constant(_) => write!(f, "{comma}{}", Meta(*id))?,
                    _ => write!(f, "{comma}{id}")?,
                }
            }
            for (key, value) in node.op.text_attributes() {
                write!(f, ", {key}={value}")?;
            }
            let outputs: Vec<&Value> = node.outputs.iter().map(|&id| graph.value(id)).collect();
            let mut names = vec![node.name.as_str()];
            if outputs.iter().any(|v| !v.name.is_empty()) {
                names.extend(outputs.iter().map(|v| v.name.as_str()));
            }
            let types: Vec<_> = outputs.iter().map(|v| (v.shape.as_slice(), v.integer)).collect();
            writeln!(f, "){}", Tail(&names, &types))?;
        }
        let outputs: Vec<String> = graph
            .outputs
            .iter()
            .map(|&id| match graph.value(id).source {
                Source::Constant(_) => Meta(id).to_string(),
                _ => id.to_string(),
            })
            .collect();
        writeln!(f, "  ({})\n}}", outputs.join(", "))?;
        for (index, value) in graph.values.iter().enumerate() {
            let Source::Constant(elements) = &value.source else {
                continue;
            };
            let tail = Tail(&[&value.name], &[(&value.shape, None)]);
            write!(f, "{}{tail} = [", Meta(ValueId(index as u32)))?;
            match self.data {
                Data::Elided => write!(f, "...")?,
                Data::Full => {
                    for (i, x) in elements.iter().enumerate() {
                        write!(f, "{}{x:?}", if i == 0 { "" } else { ", " })?;
                    }
                }
            }
            writeln!(f, "]")?;
        }
        Ok(())
    }
}

struct Meta(ValueId);

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "meta[Constant][{}]", self.0.0)
    }
}

/// One value as itself, several as a tuple.
struct Tuple<'a>(&'a [ValueId]);

impl fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [id] => write!(f, "{id}"),
            ids => {
                let ids: Vec<String> = ids.iter().map(ValueId::to_string).collect();
                write!(f, "({})", ids.join(", "))
            }
        }
    }
}

/// The names of a line and the types of its values.
struct Tail<'a>(&'a [&'a str], &'a [(&'a [usize], Option<Integer>)]);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 != [""] {
            let names: Vec<String> = self.0.iter().map(|n| escape(n)).collect();
            write!(f, " /* {} */", names.join(" -> "))?;
        }
        let types: Vec<String> = self.1.iter().map(|&(shape, integer)| tensor_type(shape, integer)).collect();
        match &types[..] {
            [one] => write!(f, ": {one}"),
            all => write!(f, ": ({})", all.join(", ")),
        }
    }
}

fn tensor_type(shape: &[usize], integer: Option<Integer>) -> String {
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    format!("Tensor[({}{comma}), {}]", extents.join(", "), integer.map_or("float32", Integer::name))
}

/// Escapes what would end a comment or look like its syntax: most names stay as they are.
fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (i, c) in name.char_indices() {
        let edge = i == 0 || i + c.len_utf8() == name.len();
        if matches!(c, '\\' | '*' | '>') || c.is_control() || (edge && c.is_whitespace()) {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    text
}

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
            Op::GridSample { .. } => "grid_sample",
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
        }
    }
}

impl Op {
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
        Op::GridSample { sampling, outside, align_corners } => vec![
            ("sampling", sampling.name().to_owned()),
            ("outside", outside.name().to_owned()),
            ("align_corners", align_corners.to_string()),
        ],
    }
}
