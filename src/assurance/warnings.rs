//! What the user should know of a network's quality.

use super::{BEYOND_DB, MORE_BITS, MOST_SATURATED, output_names, samples};
use crate::model::Model;
use crate::pipeline;
use anyhow::Result;
use ndarray::ArrayD;
use tilewright_compiler::float;
use tilewright_compiler::network::Network;
use tilewright_compiler::proof::{
    self, GOOD_DB, Groups, InputProof, LEAST_CHANNEL_DB, LEAST_OUTPUT_DB, LESS_DB, Layer, Off, Prediction,
    Quality,
};

/// A warning of an output, or of its worst channel or part, that is lost in noise.
pub(super) fn noisy(
    name: &str,
    quality: &Quality,
    verb: &str,
    prediction: &Prediction,
    finer: &str,
) -> Option<String> {
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
pub(super) fn finer(network: &Network) -> &'static str {
    match network.claims.prescribed.is_empty() {
        true => MORE_BITS,
        false => "the float model, or quantising the model anew with finer scales",
    }
}

/// Whether a warning names an output.
pub(super) fn names_output(warnings: &[String], name: &str) -> bool {
    warnings.iter().any(|w| w.starts_with(&format!("output {name:?}")))
}

/// A warning of an output, by number and name, that is lost in noise, or not good and worse than what rounding alone left
/// of it in calibration.
pub(super) fn poor(
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
pub(super) fn not_good(
    (output, name): (usize, &str),
    quality: &Quality,
    network: &Network,
) -> Option<String> {
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
pub(super) fn worse(name: &str, quality: &Quality, rounding_db: Option<f64>, finer: &str) -> Option<String> {
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
pub(super) fn lost_beyond(
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
pub(super) fn twice(off: &[Off]) -> Option<String> {
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
pub(super) fn between(off: &[Off]) -> Option<String> {
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
