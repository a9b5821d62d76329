//! Operators from the names and attributes that [`super`] writes them with.

use super::super::{
    BinaryKind, Cell, CoordinateRounding, Coordinates, DepthToSpaceMode, Direction, Integer, Interpolation,
    Op, PadMode, Recurrent, ReduceKind, Resize, UnaryKind, Window,
};
use crate::described::{self, Attribute, AttributeValue, Described};
use crate::error::{Error, Result};
use std::str::FromStr;

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("parse", message))
}

/// The operator of a name and attributes as the text form writes them.
///
/// # Errors
/// A name, an attribute or a value that is not of this form.
pub(crate) fn operator_from_text(name: &str, attributes: Vec<(&str, &str)>) -> Result<Op> {
    let mut attributes = Attributes(attributes);
    let op = match family(name, &mut attributes)? {
        Some(op) => op,
        None => operator(name, &mut attributes)?,
    };
    match attributes.0.first() {
        None => Ok(op),
        Some((key, _)) => refuse(format!("{name} has no attribute {key:?}")),
    }
}

/// A member of a family of operators.
fn family(name: &str, a: &mut Attributes) -> Result<Option<Op>> {
    if let Some((kind, ..)) = UnaryKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Some(Op::Unary { kind: kind.with(|key, _| a.one(key))? }));
    }
    if let Some((kind, ..)) = BinaryKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Some(Op::Binary { kind: *kind }));
    }
    if let Some((kind, ..)) = ReduceKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Some(Op::Reduce { kind: *kind, axes: a.list("axes")?, keepdims: a.one("keepdims")? }));
    }
    if let Some(descriptor) = described::ALL.iter().find(|d| d.text == name) {
        let value = |attribute: &Attribute| {
            Ok(match attribute.default(1) {
                AttributeValue::Integer(_) => AttributeValue::Integer(a.one(attribute.name)?),
                AttributeValue::Real(_) => AttributeValue::Real(a.one(attribute.name)?),
                AttributeValue::Word(_) => AttributeValue::Word(a.take(attribute.name)?.to_owned().into()),
                AttributeValue::Integers(_) => AttributeValue::Integers(a.list(attribute.name)?.into()),
            })
        };
        return Described::new(descriptor, value).map(|op| Some(Op::Described(op)));
    }
    Ok(None)
}

fn operator(name: &str, a: &mut Attributes) -> Result<Op> {
    Ok(match name {
        "conv2d" => Op::Conv { window: a.window()?, groups: a.one("groups")? },
        "batch_norm" => Op::BatchNormalization { epsilon: a.one("epsilon")? },
        "relu" => Op::Relu,
        "clip" => Op::Clip { min: a.one("min")?, max: a.one("max")? },
        "leaky_relu" => Op::LeakyRelu { alpha: a.one("alpha")? },
        "prelu" => Op::PRelu,
        "max_pool2d" => Op::MaxPool { window: a.window()? },
        "avg_pool2d" => {
            Op::AveragePool { window: a.window()?, count_include_pad: a.one("count_include_pad")? }
        }
        "global_avg_pool" => Op::GlobalAveragePool,
        "add" => Op::Add,
        "concatenate" => Op::Concat { axis: a.one("axis")? },
        "gemm" => Op::Gemm {
            alpha: a.one("alpha")?,
            beta: a.one("beta")?,
            trans_a: a.one("trans_a")?,
            trans_b: a.one("trans_b")?,
        },
        "matmul" => Op::MatMul,
        "flatten" => Op::Flatten { axis: a.one("axis")? },
        "reshape" => Op::Reshape,
        "transpose" => Op::Transpose { perm: a.list("perm")? },
        "depth_to_space" => Op::DepthToSpace {
            block: a.one("block")?,
            mode: match a.take("mode")? {
                "DCR" => DepthToSpaceMode::Dcr,
                "CRD" => DepthToSpaceMode::Crd,
                other => return refuse(format!("the mode {other:?} is not known")),
            },
        },
        "softmax" => Op::Softmax { axis: a.one("axis")? },
        "where" => Op::Where,
        "topk" => Op::TopK {
            axis: a.one("axis")?,
            count: a.one("count")?,
            largest: a.one("largest")?,
            indices: a.one("indices")?,
        },
        "gather" => Op::GatherElements { axis: a.one("axis")? },
        "log_softmax" => Op::LogSoftmax { axis: a.one("axis")? },
        "conv2d_transpose" => Op::ConvTranspose {
            window: a.window()?,
            groups: a.one("groups")?,
            output_padding: a.array("output_padding")?,
        },
        "pad" => Op::Pad { before: a.list("before")?, after: a.list("after")?, mode: pad_mode(a)? },
        "strided_slice" => {
            Op::Slice { starts: a.list("starts")?, steps: a.list("steps")?, extents: a.list("extents")? }
        }
        "take" => Op::Gather { axis: a.one("axis")?, indices: a.list("indices")?, shape: a.list("shape")? },
        "broadcast_to" => Op::Expand { shape: a.list("shape")? },
        "resize" => Op::Resize(Resize {
            sizes: a.list("sizes")?,
            scales: a.list("scales")?,
            coordinates: named(a, "coordinates", Coordinates::ALL)?,
            interpolation: interpolation(a)?,
        }),
        "space_to_depth" => Op::SpaceToDepth { block: a.one("block")? },
        "layer_norm" => Op::LayerNormalization { axis: a.one("axis")?, epsilon: a.one("epsilon")? },
        "instance_norm" => Op::InstanceNormalization { epsilon: a.one("epsilon")? },
        "rnn" => recurrent(a, Cell::Rnn, false)?,
        "lstm" => {
            let cell_state = a.one("cell_state")?;
            recurrent(a, Cell::Lstm, cell_state)?
        }
        "gru" => {
            let linear_before_reset = a.one("linear_before_reset")?;
            recurrent(a, Cell::Gru { linear_before_reset }, false)?
        }
        "quantize" => Op::QuantizeLinear { integer: named(a, "type", Integer::ALL)?, axis: axis(a)? },
        "dequantize" => Op::DequantizeLinear { integer: named(a, "type", Integer::ALL)?, axis: axis(a)? },
        other => return refuse(format!("the operator {other:?} is not known")),
    })
}

/// The `key=value` pairs of a line; each is taken once.
struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    fn take(&mut self, key: &str) -> Result<&'a str> {
        match self.0.iter().position(|(k, _)| *k == key) {
            Some(i) => Ok(self.0.remove(i).1),
            None => refuse(format!("the attribute {key:?} is missing")),
        }
    }

    fn given(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| *k == key)
    }

    fn one<T: FromStr>(&mut self, key: &str) -> Result<T> {
        parsed(self.take(key)?)
    }

    fn list<T: FromStr>(&mut self, key: &str) -> Result<Vec<T>> {
        let text = self.take(key)?;
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        match inner {
            Some("") => Ok(Vec::new()),
            Some(inner) => inner.split(',').map(parsed).collect(),
            None => refuse(format!("{text:?} is not a list")),
        }
    }

    fn array<const N: usize>(&mut self, key: &str) -> Result<[usize; N]> {
        let list = self.list(key)?;
        let count = list.len();
        list.try_into().or_else(|_| refuse(format!("{key:?} has {count} elements, not {N}")))
    }

    fn window(&mut self) -> Result<Window> {
        Ok(Window {
            kernel: self.array("kernel")?,
            stride: self.array("strides")?,
            dilation: self.array("dilation")?,
            pads: self.array("padding")?,
        })
    }
}

fn parsed<T: FromStr>(text: &str) -> Result<T> {
    let number = text.trim().parse();
    number.or_else(|_| refuse(format!("{text:?} is not a number in range")))
}

fn axis(a: &mut Attributes) -> Result<Option<usize>> {
    if a.given("axis") { a.one("axis").map(Some) } else { Ok(None) }
}

fn recurrent(a: &mut Attributes, cell: Cell, cell_state: bool) -> Result<Op> {
    let direction = named(a, "direction", Direction::ALL)?;
    Ok(Op::Recurrent(Recurrent { cell, direction, hidden: a.one("hidden")?, cell_state }))
}

/// The member of a table that an attribute names.
fn named<T: Copy>(a: &mut Attributes, key: &str, all: &[(T, &str)]) -> Result<T> {
    let name = a.take(key)?;
    match all.iter().find(|e| e.1 == name) {
        Some(e) => Ok(e.0),
        None => refuse(format!("the {key} {name:?} is not known")),
    }
}

fn pad_mode(a: &mut Attributes) -> Result<PadMode> {
    Ok(match a.take("mode")? {
        "constant" => PadMode::Constant(a.one("value")?),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return refuse(format!("the mode {other:?} is not known")),
    })
}

fn interpolation(a: &mut Attributes) -> Result<Interpolation> {
    Ok(match a.take("mode")? {
        "nearest" => Interpolation::Nearest(named(a, "rounding", CoordinateRounding::ALL)?),
        "linear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic {
            coefficient: a.one("coefficient")?,
            exclude_outside: a.one("exclude_outside")?,
        },
        other => return refuse(format!("the mode {other:?} is not known")),
    })
}
