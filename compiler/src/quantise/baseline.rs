//! What rounding to 8 bits costs a graph, whatever makes integers of it: values in steps from the least to
//! the largest that calibration has, each weight at the nearest step of its output channel, all else in float. A
//! recurrent layer is one operator: nothing between its steps is rounded.
//!
//! Rounded is every value, or those alone that quantisers of models round ([`usual`]); an output is judged by the
//! better of the two. Integers of 8 bits that are worse than this, and than what is good enough, have something wrong
//! with them.

mod usual;

use super::select::kernel::Refusal;
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, Node, Op, Source, ValueId};
use crate::network::COARSE;
use crate::simplify::unroll;
use ndarray::{ArrayD, ArrayViewD, Axis};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The outputs of each of `samples`, twice: where every value is rounded, and where the usual ones are. Ranges are
/// those of `calibration`.
///
/// # Errors
/// A sample that does not fit.
pub(super) fn outputs(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    samples: &[Vec<ArrayD<f32>>],
) -> Result<[Vec<Vec<ArrayD<f32>>>; 2]> {
    let ranges = ranges(graph, calibration)?;
    let between =
        |id: u32| graph.producer(ValueId(id)).is_some_and(|(_, node)| unroll::is_between_steps(node));
    let between: Vec<bool> = (0..graph.values.len() as u32).map(between).collect();
    let rounded = with_rounded_weights(graph);
    let run = |rounds: Vec<bool>| -> Result<Vec<Vec<ArrayD<f32>>>> {
        let one = |sample: &Vec<ArrayD<f32>>| {
            let replace = |id: ValueId, x: &ArrayViewD<f32>| {
                let id = id.0 as usize;
                (rounds[id] && !between[id]).then(|| round(x, ranges[id]))
            };
            float::replaced(&rounded, sample, &replace)
        };
        samples.par_iter().map(one).collect()
    };
    Ok([run(vec![true; graph.values.len()])?, run(usual::values(graph))?])
}

/// [`outputs`] of one input.
///
/// # Errors
/// A sample that does not fit.
pub fn rounded(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    inputs: &[ArrayD<f32>],
) -> Result<[Vec<ArrayD<f32>>; 2]> {
    Ok(outputs(graph, calibration, &[inputs.to_vec()])?.map(|mut samples| samples.remove(0)))
}

/// Nodes that may be left to the host where rounding what they make costs too much.
pub(super) fn in_float(graph: &Graph) -> BTreeMap<usize, Refusal> {
    let why = Refusal { why: COARSE.into(), hint: Some("--precision int8"), layout: false };
    usual::in_float(graph).into_iter().map(|n| (n, why.clone())).collect()
}

/// The least and the largest finite number of every value, zero among them.
fn ranges(graph: &Graph, calibration: &[Vec<ArrayD<f32>>]) -> Result<Vec<[f32; 2]>> {
    let wider = |[low, high]: [f32; 2], x: f32| [low.min(x), high.max(x)];
    let one = |sample: &Vec<ArrayD<f32>>| -> Result<Vec<[f32; 2]>> {
        let seen = RefCell::new(vec![[0.0; 2]; graph.values.len()]);
        let see = |id: ValueId, x: &ArrayViewD<f32>| {
            let range = x.iter().filter(|x| x.is_finite()).fold([0.0; 2], |a, &x| wider(a, x));
            seen.borrow_mut()[id.0 as usize] = range;
            None
        };
        float::replaced(graph, sample, &see)?;
        Ok(seen.into_inner())
    };
    let join = |all: Vec<[f32; 2]>, one: Vec<[f32; 2]>| -> Result<Vec<[f32; 2]>> {
        Ok(all.into_iter().zip(one).map(|(all, [low, high])| wider(wider(all, low), high)).collect())
    };
    calibration.par_iter().map(one).try_reduce(|| vec![[0.0; 2]; graph.values.len()], join)
}

/// The graph with each weight at the nearest of 127 steps of its output channel.
fn with_rounded_weights(graph: &Graph) -> Graph {
    let mut rounded = graph.clone();
    for node in &graph.nodes {
        let Some((axis, id)) = channels(graph, node).zip(node.inputs.get(1)) else { continue };
        let value = &mut rounded.values[id.0 as usize];
        let Source::Constant(data) = &mut value.source else { continue };
        let Ok(mut weights) = ArrayD::from_shape_vec(value.shape.clone(), data.clone()) else { continue };
        for mut channel in weights.axis_iter_mut(axis) {
            let step = channel.iter().fold(0f32, |most, w| most.max(w.abs())) / 127.0;
            if step.is_normal() {
                channel.mapv_inplace(|w| (w / step).round_ties_even() * step);
            }
        }
        *data = weights.into_raw_vec_and_offset().0;
    }
    rounded
}

/// The axis of a node's weights that its output channels lie along.
pub(super) fn channels(graph: &Graph, node: &Node) -> Option<Axis> {
    match node.op {
        Op::Conv { .. } | Op::Gemm { trans_b: true, .. } => Some(Axis(0)),
        Op::ConvTranspose { .. } | Op::Gemm { .. } => Some(Axis(1)),
        Op::MatMul => graph.shape(node.inputs[1]).len().checked_sub(1).map(Axis),
        _ => None,
    }
}

/// At the nearest of 256 steps from `low` to `high`.
fn round(x: &ArrayViewD<f32>, [low, high]: [f32; 2]) -> ArrayD<f32> {
    let step = (high - low) / 255.0;
    if !step.is_normal() {
        return x.to_owned();
    }
    let zero = (-low / step).round_ties_even();
    x.mapv(|x| (((x / step).round_ties_even() + zero).clamp(0.0, 255.0) - zero) * step)
}
