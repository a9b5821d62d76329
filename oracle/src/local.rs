//! One node at a time, on equal inputs: rounding errors of earlier nodes cannot add up, and what a step
//! of Floor or QuantizeLinear makes of them cannot be mistaken for a fault.

use std::collections::BTreeMap;

use ndarray::ArrayD;
use tilewright_compiler::float;
use tilewright_compiler::graph::{Graph, Node, Op, ReduceKind, Source, UnaryKind, ValueId};

use crate::compare::largest;
use crate::opinion::{approximation, comparable};

/// Rounding errors of float32 that one node may make, of its largest sum of magnitudes: 2^-24 for each
/// of a few dozen roundings, and as much for functions that other libraries approximate. Longer sums get
/// more, see [`disagreement`].
pub const TOLERANCE: f32 = 4e-6;

/// A graph of one node, whose inputs are what the node reads that is no constant, each once.
///
/// # Panics
/// When the graph does not hold what [`Graph::verify`] says.
pub fn alone(graph: &Graph, node: &Node) -> (Graph, Vec<ValueId>) {
    let mut single = Graph::new(&graph.name);
    let (mut read, mut inputs) = (Vec::new(), Vec::new());
    let mut own = BTreeMap::new();
    for &id in &node.inputs {
        let new = *own.entry(id).or_insert_with(|| {
            let value = graph.value(id);
            let new = match graph.constant_data(id) {
                Some(data) => single.constant(&value.name, &value.shape, data.to_vec()),
                None => {
                    read.push(id);
                    single.input(format!("v{}", id.0), &value.shape)
                }
            };
            new.expect("a valid graph's values are valid")
        });
        inputs.push(new);
    }
    let output = match node.op {
        Op::Reshape => single.reshape(&node.name, inputs[0], graph.shape(node.outputs[0])),
        _ => single.node(&node.name, node.op.clone(), &inputs),
    };
    single.outputs = vec![output.expect("a valid graph's nodes are valid")];
    (single, read)
}

/// What the float reference makes of one node's inputs, compared with `theirs`; the difference in units
/// of what float32 may cost, so that up to 1 is agreement.
///
/// The roundings of a sum of n terms add up to about sqrt(n) of them, which [`TOLERANCE`] holds up to
/// n = 256. A coordinate of a Resize is known to 2^-24 of itself, and so are its weights.
///
/// # Errors
/// Another shape, or an element that is a number in one of them alone.
pub fn disagreement(single: &Graph, inputs: &[ArrayD<f32>], theirs: &ArrayD<f32>) -> Result<f32, String> {
    let node = &single.nodes[0];
    let ours = float::run(single, inputs).map_err(|e| e.to_string())?.remove(0);
    let (ours, theirs) = (comparable(&node.op, ours), comparable(&node.op, theirs.clone()));
    if ours.shape() != theirs.shape() {
        return Err(format!("shape {:?}, tract has {:?}", ours.shape(), theirs.shape()));
    }
    let step = matches!(node.op, Op::QuantizeLinear { .. });
    let scale = (scale(single, inputs, &ours)? * growth(single)).max(f32::MIN_POSITIVE);
    let mut worst = 0f32;
    for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        let apart = (a - b).abs();
        if a == b || a.is_nan() && b.is_nan() || step && apart == 1.0 && is_tie(single, &inputs[0], i) {
            continue;
        }
        if !apart.is_finite() {
            return Err(format!("element {i} is {a}, tract has {b}"));
        }
        worst = worst.max((apart - approximation(&node.op)).max(0.0) / (TOLERANCE * scale));
    }
    Ok(worst)
}

/// How much more than [`TOLERANCE`] a node's roundings may come to.
fn growth(single: &Graph) -> f32 {
    let node = &single.nodes[0];
    let count = |id: ValueId| single.shape(id).iter().product::<usize>();
    let (input, output) = (count(node.inputs[0]), count(node.outputs[0]));
    let terms = match &node.op {
        Op::Resize(r) => return 1.0 + r.sizes.iter().copied().max().unwrap_or(0) as f32 / 8.0,
        Op::AveragePool { window, .. } => window.kernel[0] * window.kernel[1],
        Op::GlobalAveragePool | Op::Reduce { .. } => input / output,
        // No sum of a normalisation is longer than its input.
        Op::LayerNormalization { .. } | Op::InstanceNormalization { .. } => input,
        _ => (single.node_macs(node) / output as u64) as usize,
    };
    (terms as f32).sqrt().max(16.0) / 16.0
}

/// Whether an element lies so near the middle of two steps that a rounding error decides.
fn is_tie(single: &Graph, x: &ArrayD<f32>, element: usize) -> bool {
    let node = &single.nodes[0];
    let scales = single.constant_data(node.inputs[1]).unwrap_or_default();
    let x = x.iter().nth(element).copied().unwrap_or_default();
    scales.iter().any(|s| {
        let steps = (x / s).abs();
        ((steps - steps.floor()) - 0.5).abs() <= 1e-5 * steps.max(1.0)
    })
}

/// What exp(x) - 1 takes away, with its factor: of numbers near zero that difference has the rounding errors of one.
fn one_subtracted(kind: UnaryKind) -> f32 {
    match kind {
        UnaryKind::Elu { alpha } | UnaryKind::Celu { alpha } => alpha.abs(),
        UnaryKind::Selu { alpha, gamma } => (alpha * gamma).abs(),
        _ => 0.0,
    }
}

/// The magnitude that rounding errors of a node are relative to: where it sums, the largest sum of its
/// terms' magnitudes (the forward error bound of a sum); else what is largest among what it reads and
/// makes.
fn scale(single: &Graph, inputs: &[ArrayD<f32>], ours: &ArrayD<f32>) -> Result<f32, String> {
    let node = &single.nodes[0];
    use ReduceKind::{Max, Mean, Min, Sum};
    match node.op {
        Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. } | Op::MatMul | Op::Add => {}
        Op::Reduce { kind: Mean | Sum | Max | Min, .. } => {}
        Op::AveragePool { .. } | Op::GlobalAveragePool => {}
        _ => {
            let subtracted = match node.op {
                Op::Unary { kind } => one_subtracted(kind),
                _ => 0.0,
            };
            return Ok(inputs.iter().map(largest).fold(largest(ours).max(subtracted), f32::max));
        }
    }
    let mut magnitudes = single.clone();
    for value in &mut magnitudes.values {
        if let Source::Constant(data) = &mut value.source {
            data.iter_mut().for_each(|x| *x = x.abs());
        }
    }
    if let Op::Gemm { alpha, beta, .. } = &mut magnitudes.nodes[0].op {
        (*alpha, *beta) = (alpha.abs(), beta.abs());
    }
    let inputs: Vec<ArrayD<f32>> = inputs.iter().map(|x| x.mapv(f32::abs)).collect();
    let sums = float::run(&magnitudes, &inputs).map_err(|e| e.to_string())?;
    Ok(largest(&sums[0]))
}
