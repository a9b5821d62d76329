//! Operators in forms that 16 bits can express, for [`Precision::Int16`](super::Precision::Int16) and above.
//!
//! A table has bytes on either side, so what it makes is rounded to 8 bits, however fine its input is. But the
//! functions that networks have between convolutions are straight far from zero, and what is left of them is small:
//!
//! ```text
//! HardSwish(x) = x * clip(x / 6 + 1/2, 0, 1)
//! Mish(x)      = x * tanh(softplus(x))
//! f(x)         = max(x, 0) + f(-|x|)           Swish, Gelu (x times g with g(x) + g(-x) = 1), Softplus
//! f(x)         = slope * max(x, 0) + f(min(x, 0))   Elu, Celu, Selu
//! ```
//!
//! x keeps its 16 bits; the byte of the table, or of the clip, is a gate of at most one or the small rest.
//!
//! Weights have 8 bits on the machine. A layer of finer ones is two, of the nearest bytes and of what those leave, whose
//! sum has 16; both weights together are the source's number for number.

use super::baseline::channels;
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Node, Op, UnaryKind, ValueId};
use crate::simplify::rewrite::{Rewrite, rewrite};
use ndarray::ArrayD;

/// What is taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Finer {
    /// Functions.
    Functions,
    /// Functions and weights.
    Weights,
}

/// Remainders of weights that are a smaller share of the largest weight than this are rounding in float.
const NOTHING: f32 = 1e-6;

/// Rewrites a simplified graph; its results change by float rounding only.
///
/// # Errors
/// None of a graph that is verified.
pub(super) fn run(graph: Graph, finer: Finer) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Unary { kind } => function(r, node, kind),
        _ if finer == Finer::Weights => weights(r, node),
        _ => Ok(None),
    })
}

fn function(r: &mut Rewrite, node: &Node, kind: UnaryKind) -> Result<Option<ValueId>> {
    let x = r.get(node.inputs[0])?;
    let mut make = |op: Op, inputs: &[ValueId]| r.new.node(node.name.clone(), op, inputs);
    let unary = |kind| Op::Unary { kind };
    let times = || Op::Binary { kind: BinaryKind::Mul };
    // The post unit has the slope of negative sums before an operand, clamps behind it.
    let positive = Op::LeakyRelu { alpha: 0.0 };
    let made = match kind {
        UnaryKind::HardSwish => {
            let (sixth, half) = (scalar(r, 1.0 / 6.0)?, scalar(r, 0.5)?);
            let scaled = r.new.node(node.name.clone(), times(), &[x, sixth])?;
            let moved = r.new.node(node.name.clone(), Op::Add, &[scaled, half])?;
            let gate = r.new.node(node.name.clone(), Op::Clip { min: 0.0, max: 1.0 }, &[moved])?;
            r.new.node(node.name.clone(), times(), &[x, gate])?
        }
        UnaryKind::Mish => {
            let soft = make(unary(UnaryKind::Softplus), &[x])?;
            let gate = make(unary(UnaryKind::Tanh), &[soft])?;
            make(times(), &[x, gate])?
        }
        UnaryKind::Swish | UnaryKind::Gelu | UnaryKind::GeluTanh | UnaryKind::Softplus => {
            let far = make(unary(UnaryKind::Abs), &[x])?;
            let below = make(unary(UnaryKind::Neg), &[far])?;
            let rest = make(unary(kind), &[below])?;
            let straight = make(positive, &[x])?;
            make(Op::Add, &[straight, rest])?
        }
        UnaryKind::Elu { .. } | UnaryKind::Celu { .. } | UnaryKind::Selu { .. } => {
            let below = make(Op::Clip { min: f32::NEG_INFINITY, max: 0.0 }, &[x])?;
            let rest = make(unary(kind), &[below])?;
            let mut straight = make(positive, &[x])?;
            if let UnaryKind::Selu { gamma, .. } = kind {
                let gamma = scalar(r, gamma)?;
                straight = r.new.node(node.name.clone(), times(), &[straight, gamma])?;
            }
            r.new.node(node.name.clone(), Op::Add, &[straight, rest])?
        }
        _ => return Ok(None),
    };
    Ok(Some(made))
}

fn scalar(r: &mut Rewrite, number: f32) -> Result<ValueId> {
    r.new.constant("", &[], vec![number])
}

/// A layer of constant weights as the sum of one of the nearest bytes and one of what is left.
fn weights(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let layer = matches!(node.op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. } | Op::MatMul);
    let Some((axis, &id)) = channels(&r.old, node).zip(node.inputs.get(1)).filter(|_| layer) else {
        return Ok(None);
    };
    if r.old.constant_data(node.inputs[0]).is_some() {
        return Ok(None);
    }
    let (name, shape) = (r.old.value(id).name.clone(), r.old.shape(id).to_vec());
    let Some(all) =
        r.old.constant_data(id).and_then(|d| ArrayD::from_shape_vec(shape.clone(), d.to_vec()).ok())
    else {
        return Ok(None);
    };
    let mut nearest = all.clone();
    for mut channel in nearest.axis_iter_mut(axis) {
        let step = channel.iter().fold(0f32, |most, w| most.max(w.abs())) / 127.0;
        if step.is_normal() {
            channel.mapv_inplace(|w| (w / step).round_ties_even() * step);
        }
    }
    let rest = &all - &nearest;
    let largest = |x: &ArrayD<f32>| x.iter().fold(0f32, |most, w| most.max(w.abs()));
    if largest(&rest) <= NOTHING * largest(&all) {
        return Ok(None);
    }
    let mut inputs = r.inputs(node)?;
    inputs[1] = r.new.constant(name.clone(), &shape, nearest.into_raw_vec_and_offset().0)?;
    let coarse = r.copy_of(node, &inputs)?;
    inputs.truncate(2);
    inputs[1] = r.new.constant(format!("{name} (rest)"), &shape, rest.into_raw_vec_and_offset().0)?;
    let fine = r.new.node(format!("{} (rest)", node.name), node.op.clone(), &inputs)?;
    r.new.node(node.name.clone(), Op::Add, &[coarse, fine]).map(Some)
}
