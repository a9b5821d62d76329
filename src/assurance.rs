//! What can be said of a quantised network on one input without any machine: whether its operations are
//! what the source's operators say, and how good its outputs will be.

mod warnings;

use crate::model::Model;
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tilewright_compiler::float;
use tilewright_compiler::graph::{Graph, Op, ValueId};
use tilewright_compiler::network::Network;
use tilewright_compiler::proof::{self, Groups, InputProof, Layer, Prediction, PrescribedCheck, Quality};
use warnings::{between, lost_beyond, poor, twice};

pub use warnings::{add_alone, add_calibrated, add_measured};

/// Share of a layer's elements at the ends of their range above which it is warned of.
pub const MOST_SATURATED: f64 = 0.01;
/// Decibels that graphs of the same meaning agree to, computed in another order.
const SAME_DB: f64 = 60.0;
/// Numbers that are no more than this share of the inputs' largest are rounding errors of float32: some of its last
/// bits.
const RESIDUE: f32 = 1.0 / (1 << 20) as f32;
/// Decibels that an output may lose to values beyond the ranges of calibration: half of its noise.
const BEYOND_DB: f64 = 3.0;

/// What makes values finer whose bits are not prescribed.
const MORE_BITS: &str = "--precision mixed, int16 or int16x16";

/// What is known of a network on one input.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Assurance {
    /// Every operation of the machine against the source's operators.
    pub first_rung: InputProof,
    /// Outputs of the simplified graph that are not those of the imported one, in float.
    pub rewrites: Vec<ChangedOutput>,
    /// The noise that quantisation is predicted to add, by output.
    pub predicted: Vec<Quality>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// An output that simplification changed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ChangedOutput {
    /// The output's name.
    pub output: String,
    /// Signal to the difference in decibels.
    pub db: f64,
}

impl Assurance {
    /// Whether nothing contradicts the source.
    pub fn holds(&self) -> bool {
        self.first_rung.holds() && self.rewrites.is_empty()
    }
}

/// Names of the model's outputs.
pub fn output_names(graph: &Graph) -> Vec<String> {
    graph.outputs.iter().map(|&id| graph.value(id).name.clone()).collect()
}

/// How far each of a model's outputs is from what it should be.
pub fn qualities(graph: &Graph, want: &[ArrayD<f32>], got: &[ArrayD<f32>]) -> Vec<Quality> {
    let outputs = graph.outputs.iter().zip(want.iter().zip(got));
    outputs.map(|(&id, (want, got))| Quality::of(want, got, &proof::groups(graph, id))).collect()
}

/// Checks and predicts for one input; `float` is what the imported graph makes of it. Corrections of biases
/// are estimated again from `calibration`, unless that is empty.
///
/// # Errors
/// Inputs that do not fit the model.
pub fn assure(
    model: &Model,
    network: &Network,
    inputs: &[ArrayD<f32>],
    float: &[ArrayD<f32>],
    calibration: &[Vec<ArrayD<f32>>],
) -> Result<Assurance> {
    let mut first_rung = proof::check(network, inputs)?;
    first_rung.findings.extend(proof::corrections(network, calibration)?);
    // A quantised model's own graph is another one than the model's, and never equalised.
    let mut rounded_twice = Vec::new();
    let (equalised, outputs) = if model.graph.is_quantised() {
        let held = proof::prescribed(&model.imported, network, inputs)?;
        let open = || PrescribedCheck { outputs: float.to_vec(), ..PrescribedCheck::default() };
        let PrescribedCheck { findings, outputs, off } = held.unwrap_or_else(open);
        first_rung.findings.extend(findings);
        rounded_twice.extend(twice(&off));
        rounded_twice.extend(between(&off));
        (Default::default(), outputs)
    } else {
        let outputs = float::run(&model.graph, inputs)?;
        (proof::equalised(&model.graph, &network.claims.graph), outputs)
    };
    let rewrites = rewrites(model, inputs, float, &outputs);
    let clipped = equalised.clipped(&network.claims.graph, inputs)?;
    first_rung.findings.extend(equalised.findings);
    // What contradicts the source predicts nothing.
    let prediction =
        if first_rung.holds() { proof::predict(network, inputs)? } else { Prediction::default() };
    let noise: BTreeMap<usize, Option<f64>> = prediction.layers.iter().map(|l| (l.id, l.sqnr_db)).collect();
    for layer in &mut first_rung.layers {
        layer.predicted_sqnr_db = layer.id.and_then(|id| *noise.get(&id)?);
    }
    let predicted = qualities(&model.graph, float, &prediction.outputs);
    let names = output_names(&model.graph);
    let mut warnings = outside(network, inputs);
    warnings.extend(saturated(&first_rung, samples(network)));
    warnings.extend(cut(&clipped));
    warnings.extend(rounded_twice);
    for (i, (name, quality)) in names.iter().zip(&predicted).enumerate() {
        warnings.extend(poor((i, name), quality, "is predicted at", &prediction, network));
    }
    warnings.extend(lost_beyond(network, inputs, float, &names, &first_rung, &predicted)?);
    Ok(Assurance { first_rung, rewrites, predicted, warnings })
}

/// What helps where values leave the ranges of samples, whose own choice they are or a quantised model's.
fn samples(network: &Network) -> &'static str {
    match network.claims.prescribed.is_empty() {
        true => "more or other calibration samples",
        false => "quantising the model anew, with more or other samples",
    }
}

/// A warning of clamps that cut off more than the source's do, because channels are stored scaled; the worst
/// stands for all.
fn cut(clipped: &[(String, usize, usize)]) -> Option<String> {
    let share = |(_, count, all): &(String, usize, usize)| *count as f64 / *all as f64;
    let worst = clipped.iter().max_by(|a, b| share(a).total_cmp(&share(b)))?;
    (share(worst) > MOST_SATURATED).then(|| {
        format!(
            "{:.1} % of the elements of {:?} lie beyond what the calibration samples have there and are cut off; try: more \
             or other calibration samples",
            100.0 * share(worst),
            worst.0
        )
    })
}

/// Whether the machine rounds an input of a quantised model, or what the host makes of it, to a scale of calibration:
/// where the model's own scale comes first, the range of the samples does not matter.
fn is_calibrated(network: &Network, input: ValueId) -> bool {
    let claims = &network.claims;
    let mut made = BTreeSet::from([input]);
    for (n, node) in claims.graph.nodes.iter().enumerate() {
        if claims.host.contains(&n) && node.inputs.iter().any(|id| made.contains(id)) {
            made.extend(&node.outputs);
        }
    }
    let own = |scale: f32| claims.prescribed.iter().any(|(_, own, _)| *own == scale);
    let mut imports = network.imports.iter().filter(|import| made.contains(&import.value));
    imports.any(|import| !own(network.tensors[import.tensor.0 as usize].scale))
}

/// Warnings of inputs outside of what calibration had; 16 bits have room for such numbers, and they are said too.
pub fn outside(network: &Network, inputs: &[ArrayD<f32>]) -> Vec<String> {
    let named = network.inputs.iter().zip(inputs).zip(&network.calibrated);
    let calibrated = |id| network.claims.prescribed.is_empty() || is_calibrated(network, id);
    let named = named.filter(|(((_, id, _), _), _)| calibrated(*id));
    let warning = |(((name, ..), input), &[low, high]): ((&(String, _, _), &ArrayD<f32>), &[f32; 2])| {
        // Within half a step of 8 bits nothing is lost.
        let slack = (high - low) / 510.0;
        let beyond = |x: f32| (x - high).max(low - x);
        let far = input.iter().filter(|x| beyond(**x) > slack);
        let (count, most) = far.fold((0usize, 0f32), |(count, most), &x| (count + 1, most.max(beyond(x))));
        (count > 0).then(|| {
            format!(
                "{:.2} % of input {name:?} lie outside the range of the calibration samples, up to {:.3} of its width \
                 beyond; try: calibration samples that look like it",
                100.0 * count as f64 / input.len() as f64,
                most / (high - low).max(f32::MIN_POSITIVE)
            )
        })
    };
    named.filter_map(warning).collect()
}

/// Warnings of layers with many elements at the ends of their range, and of what is not proved; the worst layer
/// stands for all of a kind.
fn saturated(proof: &InputProof, samples: &str) -> Vec<String> {
    let share = |layer: &Layer| (layer.saturated + layer.clipped) as f64 / layer.elements.max(1) as f64;
    let layers = &proof.layers;
    let mut warnings = Vec::new();
    let clipped: Vec<&Layer> = layers.iter().filter(|layer| share(layer) > MOST_SATURATED).collect();
    if let Some(worst) = clipped.iter().max_by(|a, b| share(a).total_cmp(&share(b))) {
        warnings.push(format!(
            "{} of {} layers have more than {} % of their elements at an end of their range, most {:?} with \
             {:.1} %; try: {samples}",
            clipped.len(),
            layers.len(),
            100.0 * MOST_SATURATED,
            worst.name,
            100.0 * share(worst)
        ));
    }
    let unproved: Vec<&Layer> = layers.iter().filter(|layer| layer.unproved > 0).collect();
    if let Some(worst) = unproved.iter().max_by_key(|layer| layer.unproved) {
        warnings.push(format!(
            "{} elements of {} layers are not proved, most of {:?} ({} of {}): steps of 8 bits are too coarse for \
             the function there",
            unproved.iter().map(|layer| layer.unproved).sum::<usize>(),
            unproved.len(),
            worst.name,
            worst.unproved,
            worst.elements
        ));
    }
    warnings
}

/// Whether a rounding error may become a step of the result.
fn has_steps(graph: &Graph) -> bool {
    let steps = |op: &Op| match op {
        Op::Unary { kind } => kind.is_whole(),
        Op::Binary { kind } => kind.is_step(),
        Op::Reduce { kind, .. } => kind.is_index(),
        Op::TopK { .. } | Op::GatherElements { .. } => true,
        Op::Described(op) => (op.descriptor.steps)(op),
        _ => false,
    };
    graph.nodes.iter().any(|node| steps(&node.op))
}

/// Outputs in float that `outputs`, those of the rewritten graph, differ from by more than rounding.
fn rewrites(
    model: &Model,
    inputs: &[ArrayD<f32>],
    float: &[ArrayD<f32>],
    outputs: &[ArrayD<f32>],
) -> Vec<ChangedOutput> {
    let mut changed = Vec::new();
    if has_steps(&model.imported) {
        return changed;
    }
    // What float32 leaves of numbers that cancel is another thing in another order.
    let largest = inputs.iter().flatten().fold(0f32, |most, x| most.max(x.abs()));
    let residue = |y: &ArrayD<f32>| y.iter().all(|y| y.abs() <= RESIDUE * largest);
    for ((output, want), got) in output_names(&model.graph).into_iter().zip(float).zip(outputs) {
        if residue(want) && residue(got) {
            continue;
        }
        let finite = |(a, b): (&f32, &f32)| a.is_finite() == b.is_finite();
        let db = Quality::of(want, got, &Groups::default()).sqnr_db.unwrap_or(f64::INFINITY);
        let noise_alone = want.iter().all(|x| *x == 0.0) && got.iter().any(|x| x.abs() > 1e-6);
        if db < SAME_DB || noise_alone || !want.iter().zip(got).all(finite) {
            changed.push(ChangedOutput { output, db });
        }
    }
    changed
}
