//! What can be said of a quantised network on one input without any machine: whether its operations are
//! what the source's operators say, and how good its outputs will be.

use crate::model::Model;
use crate::pipeline;
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tilewright_compiler::float;
use tilewright_compiler::graph::{Graph, Op, ValueId};
use tilewright_compiler::network::Network;
use tilewright_compiler::proof::{
    self, GOOD_DB, Groups, InputProof, LEAST_CHANNEL_DB, LEAST_OUTPUT_DB, LESS_DB, Layer, Off, Prediction,
    PrescribedCheck, Quality,
};

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
const MORE_BITS: &str = "--precision mixed or int16";

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

/// A warning of an output, or of its worst channel or part, that is lost in noise.
fn noisy(name: &str, quality: &Quality, verb: &str, prediction: &Prediction, finer: &str) -> Option<String> {
    let starts = |least: f64| {
        let low = prediction.layers.iter().find(|l| l.sqnr_db.is_some_and(|db| db < least));
        low.map_or(String::new(), |l| format!("; the first layer below {least} dB is {:?}", l.name))
    };
    let advice = format!("; try: {finer}, or leave this part in float");
    if quality.sqnr_db.is_none() && quality.mean_error != 0.0 {
        return Some(format!(
            "output {name:?}, zero throughout in float, {verb} {:.3e} in the mean{advice}",
            quality.mean_error
        ));
    }
    if let Some(db) = quality.sqnr_db.filter(|db| *db < LEAST_OUTPUT_DB) {
        return Some(format!(
            "output {name:?} {verb} {db:.1} dB of signal to noise{}{advice}",
            starts(LEAST_OUTPUT_DB)
        ));
    }
    let channel = quality.worst.as_ref().filter(|worst| worst.sqnr_db < LEAST_CHANNEL_DB);
    let channel = channel.map(|w| (format!("index {} of axis {}", w.index, w.axis), w.sqnr_db));
    let part = quality.worst_part().filter(|(_, db)| *db < LEAST_CHANNEL_DB);
    let part = || part.map(|(part, db)| (format!("part {:?}", part.name), db));
    let (group, db) = channel.or_else(part)?;
    Some(format!(
        "output {name:?}, {group}, {verb} {db:.1} dB of signal to noise, drowned by larger values of the same \
         tensor{}{advice}",
        starts(LEAST_CHANNEL_DB)
    ))
}

/// What makes the values of a network finer: the bits of a quantised model are its own.
fn finer(network: &Network) -> &'static str {
    match network.claims.prescribed.is_empty() {
        true => MORE_BITS,
        false => "the float model, or quantising the model anew with finer scales",
    }
}

/// Whether a warning names an output.
fn names_output(warnings: &[String], name: &str) -> bool {
    warnings.iter().any(|w| w.starts_with(&format!("output {name:?}")))
}

/// A warning of an output, by number and name, that is lost in noise, or not good and worse than what rounding alone left
/// of it in calibration.
fn poor(
    (output, name): (usize, &str),
    quality: &Quality,
    verb: &str,
    prediction: &Prediction,
    network: &Network,
) -> Option<String> {
    let finer = finer(network);
    let rounding_db = || *network.rounding_db.get(output)?;
    noisy(name, quality, verb, prediction, finer).or_else(|| worse(name, quality, rounding_db(), finer))
}

/// Adds outputs that no warning names; `verb` says where the qualities are from.
fn add(warnings: &mut Vec<String>, names: &[String], qualities: &[Quality], verb: &str, network: &Network) {
    for (i, (name, quality)) in names.iter().zip(qualities).enumerate() {
        if !names_output(warnings, name) {
            warnings.extend(poor((i, name), quality, verb, &Prediction::default(), network));
        }
    }
}

/// Adds what was measured of outputs that no warning names.
pub fn add_measured(warnings: &mut Vec<String>, names: &[String], qualities: &[Quality], network: &Network) {
    add(warnings, names, qualities, "is measured at", network);
}

/// Adds what was predicted over several calibration samples together of outputs that no warning names: the first one
/// alone may be better than the rest.
pub fn add_calibrated(warnings: &mut Vec<String>, names: &[String], network: &Network) {
    add(warnings, names, &network.judged, "is predicted, over several calibration samples, at", network);
}

/// Adds outputs of one input that no warning names, that are not good and worse than what rounding alone leaves of them
/// for that very input, with the ranges of `calibration`: what calibration has together may well be good. Without its
/// samples nobody knows what rounding leaves of this input, and all are named that are not good.
///
/// # Errors
/// Inputs that do not fit the model.
pub fn add_alone(
    warnings: &mut Vec<String>,
    (model, network): (&Model, &Network),
    calibration: &[Vec<ArrayD<f32>>],
    inputs: &[ArrayD<f32>],
    qualities: &[Quality],
) -> Result<()> {
    // A quantised model is taken as it is.
    if model.graph.is_quantised() {
        return Ok(());
    }
    let names = output_names(&model.graph);
    let low = |quality: &Quality| quality.sqnr_db.is_some_and(|db| db < GOOD_DB);
    let low = qualities.iter().enumerate().filter(|(_, quality)| low(quality)).map(|(i, _)| i);
    let open: Vec<usize> = low.filter(|&i| !names_output(warnings, &names[i])).collect();
    if calibration.is_empty() {
        warnings.extend(open.iter().filter_map(|&i| not_good((i, &names[i]), &qualities[i], network)));
        return Ok(());
    }
    if open.is_empty() {
        return Ok(());
    }
    let float = float::run(&model.graph, inputs)?;
    let rounded = pipeline::rounded(model, calibration, inputs)?;
    for i in open {
        let left = |rounded: &Vec<ArrayD<f32>>| {
            let rounding = Quality::of(&float[i], &rounded[i], &Groups::default());
            rounding.sqnr_db.or((rounding.mean_error == 0.0).then_some(f64::INFINITY))
        };
        let best = rounded.iter().filter_map(left).reduce(f64::max);
        warnings.extend(worse(&names[i], &qualities[i], best, MORE_BITS));
    }
    Ok(())
}

/// A warning of an output, by number and name, that is not good, with what it was on the calibration samples.
fn not_good((output, name): (usize, &str), quality: &Quality, network: &Network) -> Option<String> {
    let db = quality.sqnr_db?;
    if network.calibrated.is_empty() {
        return None;
    }
    let before = match network.rounding_db.get(output) {
        // Nobody asked what rounding leaves where all outputs are good.
        None => format!("more than {GOOD_DB} on the calibration samples together"),
        Some(Some(rounding)) => {
            format!("{rounding:.1} on the calibration samples where values are rounded to 8 bits in float")
        }
        Some(None) => "is zero throughout on the calibration samples".into(),
    };
    Some(format!(
        "output {name:?} has {db:.1} dB of signal to noise, and {before}; try: {MORE_BITS}, or more calibration samples like \
         this input"
    ))
}

/// A warning of an output that is not good, and worse than what rounding alone leaves of it.
fn worse(name: &str, quality: &Quality, rounding_db: Option<f64>, finer: &str) -> Option<String> {
    let (db, rounding) = (quality.sqnr_db?, rounding_db?);
    let left = if rounding.is_finite() { format!("{rounding:.1}") } else { "no noise".into() };
    (db < GOOD_DB.min(rounding - LESS_DB)).then(|| {
        format!(
            "output {name:?} has {db:.1} dB of signal to noise, and {left} where values are rounded to 8 bits in \
             float; try: {finer}"
        )
    })
}

/// Warnings of outputs most of whose noise is made by values beyond those of the
/// calibration samples: few elements are enough for that.
fn lost_beyond(
    network: &Network,
    inputs: &[ArrayD<f32>],
    float: &[ArrayD<f32>],
    names: &[String],
    first_rung: &InputProof,
    predicted: &[Quality],
) -> Result<Vec<String>> {
    let outside = |layer: &Layer| layer.beyond * layer.beyond * layer.saturated as f64;
    let worst = first_rung.layers.iter().max_by(|a, b| outside(a).total_cmp(&outside(b)));
    let Some(worst) = worst.filter(|layer| outside(layer) > 0.0) else { return Ok(Vec::new()) };
    let low = |quality: &Quality| quality.sqnr_db.is_some_and(|db| (LEAST_OUTPUT_DB..GOOD_DB).contains(&db));
    if !predicted.iter().any(low) {
        return Ok(Vec::new());
    }
    let unbounded = proof::predict_unbounded(network, inputs)?;
    let mut warnings = Vec::new();
    for (i, quality) in predicted.iter().enumerate().filter(|(_, quality)| low(quality)) {
        let without = Quality::of(&float[i], &unbounded.outputs[i], &Groups::default()).sqnr_db;
        let (Some(db), Some(without)) = (quality.sqnr_db, without) else { continue };
        if without - db > BEYOND_DB {
            warnings.push(format!(
                "output {:?} has {db:.1} dB of signal to noise, and {without:.1} if no value lay beyond those of the \
                 calibration samples; farthest is {:?} ({} of {} elements, up to {:.3} of the range beyond it); try: {}",
                names[i], worst.name, worst.saturated, worst.elements, worst.beyond, samples(network)
            ));
        }
    }
    Ok(warnings)
}

/// A warning of integers that are not the quantised model's, because what it leaves in float is rounded before; the
/// worst layer stands for all.
fn twice(off: &[Off]) -> Option<String> {
    let share = |off: &Off| off.count as f64 / off.elements as f64;
    let told = |off: &&Off| off.steps > 1 || share(off) > MOST_SATURATED;
    let worst = off.iter().filter(told).max_by(|a, b| share(a).total_cmp(&share(b)))?;
    Some(format!(
        "{} layers do not make all of the model's own integers, for what the model leaves in float on the way is rounded: most \
         {:?}, {:.1} % of its elements, by up to {} steps; try: QuantizeLinear and DequantizeLinear behind every operator, \
         weights and constants of integers",
        off.iter().filter(told).count(),
        worst.layer,
        100.0 * share(worst),
        off.iter().map(|off| off.steps).max().unwrap_or(0)
    ))
}

/// A warning of integers that are a step above the quantised model's, because a result lies exactly between two; the
/// worst layer stands for all.
fn between(off: &[Off]) -> Option<String> {
    let share = |off: &Off| off.ties as f64 / off.elements as f64;
    let told = |off: &&Off| share(off) > MOST_SATURATED;
    let worst = off.iter().filter(told).max_by(|a, b| share(a).total_cmp(&share(b)))?;
    Some(format!(
        "{} layers round results up that lie exactly between two steps, where the model takes the even one: most {:?}, \
         {:.1} % of its elements; try: scales that are in no simple ratio",
        off.iter().filter(told).count(),
        worst.layer,
        100.0 * share(worst)
    ))
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
