//! What tract says of a graph, node by node.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use tilewright_compiler::float;
use tilewright_compiler::graph::{Coordinates, Direction, Graph, Op, Resize, UnaryKind, ValueId};
use tilewright_compiler::onnx::write_values;

use crate::local::{alone, disagreement};
use crate::tract;

/// Whether an operator is one of those meant.
pub type Which = fn(&Op) -> bool;

/// What is wrong in tract 0.23.9, seen in its source: which operators, and how. ONNX Runtime agrees with
/// the float reference on all of them.
pub const WRONG: &[(Which, &str)] = &[
    (
        |op| matches!(op, Op::Unary { kind: UnaryKind::Celu { alpha } } if *alpha != 1.0),
        "its Celu does not scale the negative side by alpha",
    ),
    (
        |op| matches!(op, Op::Recurrent(r) if r.direction == Direction::Reverse),
        "its recurrent layers do not read the attribute direction: reverse runs forwards",
    ),
    (
        |op| matches!(op, Op::Resize(r) if r.coordinates == Coordinates::PytorchHalfPixel && r.sizes.contains(&1)),
        "its pytorch_half_pixel puts the only element of an axis at -0.5 instead of 0",
    ),
    (
        |op| matches!(op, Op::Resize(r) if r.coordinates == Coordinates::AlignCorners && is_cut_off(r)),
        "it aligns corners of the size before that is made whole",
    ),
    (
        |op| {
            matches!(op, Op::Described(op) if op.descriptor.name == "GridSample"
                && (op.word("mode"), op.word("padding_mode")) == ("cubic", "border"))
        },
        "its cubic GridSample moves places into the image before it takes the elements around them",
    ),
];

/// Whether the scales make sizes with fractions, which are cut off.
fn is_cut_off(r: &Resize) -> bool {
    let axes = r.sizes.iter().zip(&r.scales);
    axes.map(|(&size, scale)| size as f32 / scale).any(|extent| (extent - extent.round()).abs() > 1e-3)
}

/// Where tract's LogSoftmax ends: it is the logarithm of a softmax, which float32 rounds to nothing below
/// e^-87; ONNX Runtime and the float reference subtract logarithms instead.
pub const LOG_SOFTMAX_FLOOR: f32 = -80.0;

/// By how much tract's result may be wrong, besides what float32 costs. Its erf is formula 7.1.28 of Abramowitz
/// and Stegun, 3e-7 off at most: the reciprocal of a number beside 1, squared four times. The rounding of the
/// number counts sixteen times, those of the squares eight, four, two and one times, that of the reciprocal once.
pub fn approximation(op: &Op) -> f32 {
    match op {
        Op::Unary { kind: UnaryKind::Erf } => 3e-7 + 32.0 * f32::EPSILON / 2.0,
        _ => 0.0,
    }
}

/// A result of a node without what tract cannot know of it: see [`LOG_SOFTMAX_FLOOR`].
pub fn comparable(op: &Op, mut result: ArrayD<f32>) -> ArrayD<f32> {
    if let Op::LogSoftmax { .. } = op {
        result.mapv_inplace(|y| y.max(LOG_SOFTMAX_FLOOR));
    }
    result
}

/// tract's opinion on a graph.
#[derive(Clone, Debug, Default)]
pub struct Opinion {
    /// Operators without an opinion, and why: tract's refusal, or what is known to be wrong in it.
    pub missing: BTreeMap<&'static str, String>,
    /// The largest disagreement, in units of what float32 may cost.
    pub worst: f32,
}

/// Runs a graph in tract and compares the result of every node with the float reference on equal inputs.
///
/// The whole graph runs at once, so that wiring is compared too; where tract refuses it, node by node.
///
/// # Errors
/// The first node that differs by more than float32 may cost, with its text; a node that cannot be
/// written.
pub fn second_opinion(graph: &Graph, inputs: &[ArrayD<f32>]) -> Result<Opinion, String> {
    let ours = float::run_all(graph, inputs).map_err(|e| e.to_string())?;
    let made: Vec<ValueId> = graph.nodes.iter().map(|n| n.outputs[0]).collect();
    let mut theirs: BTreeMap<ValueId, ArrayD<f32>> = BTreeMap::new();
    let written = |graph: &Graph, values: &[ValueId]| write_values(graph, values).map_err(|e| e.to_string());
    if let Ok(results) = tract::run(&written(graph, &made)?, inputs) {
        theirs = made.iter().copied().zip(results).collect();
        theirs.extend(graph.inputs.iter().copied().zip(inputs.iter().cloned()));
    }
    let mut opinion = Opinion::default();
    for node in &graph.nodes {
        if let Some((_, why)) = WRONG.iter().find(|(is, _)| is(&node.op)) {
            opinion.missing.insert(node.op.name(), format!("wrong in tract: {why}"));
            continue;
        }
        let (single, read) = alone(graph, node);
        let known = |id: &ValueId| theirs.get(id).unwrap_or(&ours[id.0 as usize]).clone();
        let inputs: Vec<ArrayD<f32>> = read.iter().map(known).collect();
        let alone = || {
            let bytes = written(&single, &single.outputs)?;
            tract::run(&bytes, &inputs).map(|mut results| results.remove(0))
        };
        let result = match theirs.get(&node.outputs[0]) {
            Some(result) => result.clone(),
            None => match alone() {
                Ok(result) => result,
                Err(why) => {
                    opinion.missing.insert(node.op.name(), format!("refused by tract: {why}"));
                    continue;
                }
            },
        };
        let place = |e: String| {
            let text = single.to_string();
            format!("tract: node {:?} ({}): {e}\n{text}", node.name, node.op.name())
        };
        let apart = disagreement(&single, &inputs, &result).map_err(place)?;
        if apart > 1.0 {
            // In the optimised whole it may compute something else than its own operator on its own inputs.
            let agrees = |result| disagreement(&single, &inputs, &result).is_ok_and(|apart| apart <= 1.0);
            if theirs.contains_key(&node.outputs[0]) && alone().is_ok_and(agrees) {
                let why = format!("tract contradicts itself by {apart:.1} times what float32 may cost");
                opinion.missing.insert(node.op.name(), why);
                continue;
            }
            return Err(place(format!("the difference is {apart:.1} times what float32 may cost")));
        }
        opinion.worst = opinion.worst.max(apart);
    }
    Ok(opinion)
}
