//! The operators that came after the first: families and everything that is not a plain layer.

use super::{Attributes, refuse};
use crate::error::Result;
use crate::graph::{
    BinaryKind, Cell, Coordinates, Direction, Integer, Interpolation, Op, Outside, PadMode, Recurrent,
    ReduceKind, Resize, Rounding, Sampling, UnaryKind,
};

/// The operator of a name in the text form.
pub(super) fn operator(name: &str, a: &mut Attributes) -> Result<Op> {
    if let Some((kind, ..)) = UnaryKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Op::Unary { kind: kind.with(|key, _| a.one(key))? });
    }
    if let Some((kind, ..)) = BinaryKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Op::Binary { kind: *kind });
    }
    if let Some((kind, ..)) = ReduceKind::ALL.iter().find(|e| e.2 == name) {
        return Ok(Op::Reduce { kind: *kind, axes: a.list("axes")?, keepdims: a.one("keepdims")? });
    }
    Ok(match name {
        "where" => Op::Where,
        "topk" => Op::TopK {
            axis: a.one("axis")?,
            count: a.one("count")?,
            largest: a.one("largest")?,
            indices: a.one("indices")?,
        },
        "grid_sample" => Op::GridSample {
            sampling: named(a, "sampling", Sampling::ALL)?,
            outside: named(a, "outside", Outside::ALL)?,
            align_corners: a.one("align_corners")?,
        },
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
        "nearest" => Interpolation::Nearest(named(a, "rounding", Rounding::ALL)?),
        "linear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic {
            coefficient: a.one("coefficient")?,
            exclude_outside: a.one("exclude_outside")?,
        },
        other => return refuse(format!("the mode {other:?} is not known")),
    })
}
