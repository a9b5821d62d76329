//! `tilewright verify`: the ladder for one input, and the metric over the evaluation samples.

use super::simulate::clip;
use super::subject::{Subject, compile_job, first, open};
use super::{decibels, grouped, written};
use crate::arguments::{Enough, Machine, ModelArguments};
use crate::output::{self, note, say};
use crate::progress::{counted, during};
use anyhow::{Result, bail};
use ndarray::ArrayD;
use serde_json::json;
use std::path::Path;
use tilewright::artefact::{Artefact, Golden};
use tilewright::assurance::{self, Assurance};
use tilewright::metric::{Evaluation, Scores};
use tilewright::model::Model;
use tilewright::pipeline;
use tilewright::proof::{self, MachineOutput, Proof};
use tilewright::reduce::{self, Reduced};
use tilewright_arch::Config;
use tilewright_compiler::graph::ValueId;
use tilewright_compiler::network::Network;
use tilewright_compiler::proof::Layer;
use tilewright_hdl::cosim::Rtl;

/// What is done and told besides.
pub struct VerifyOptions {
    /// Run the Verilog.
    pub rtl: bool,
    /// Measure the metric.
    pub metric: bool,
    /// Tell of every layer.
    pub layers: bool,
    /// Write an object.
    pub json: bool,
}

/// Verifies; false when an exact step of the ladder does not hold.
pub fn run(
    source: &ModelArguments,
    machine: &Machine,
    input_path: Option<&Path>,
    enough: &Enough,
    reduce: Option<&Path>,
    asked: &VerifyOptions,
) -> Result<bool> {
    reduce.map_or(Ok(()), written::may_write)?;
    let wants_metric = asked.metric || enough.min_metric.is_some();
    let (job, model, compiled, inputs, several, golden, calibration, evaluation);
    match open(source, machine)? {
        Subject::Model(opened) => {
            // What is wrong with the inputs, or missing, is found before the work starts.
            (inputs, several) = first(opened.inputs(input_path)?);
            evaluation = if wants_metric { Some(Evaluation::read(&opened.model)?) } else { None };
            if asked.rtl {
                Rtl::check(&opened.config)?;
            }
            calibration = opened.calibration()?;
            compiled = compile_job(&opened, &calibration, source)?;
            (model, golden, job) = (Some(opened.model.clone()), None, Some(opened));
        }
        Subject::Artefact(artefact) => {
            if wants_metric || reduce.is_some() {
                bail!(
                    "error[verify]: {}: an artefact has no evaluation samples and cannot be cut down; try: without \
                     --metric, --min-metric and --reduce, or with the model",
                    source.model.display()
                );
            }
            if artefact.model.is_none() && (enough.min_sqnr.is_some() || enough.max_error.is_some()) {
                bail!(
                    "error[verify]: {}: the source was left out, nothing can be compared with float; try: an artefact \
                     with its source, or without --min-sqnr and --max-error",
                    source.model.display()
                );
            }
            (inputs, several) = first(artefact.inputs(input_path)?);
            let Artefact { model: own, compiled: done, golden: stored, .. } = *artefact;
            golden = if input_path.is_none() { Some(stored) } else { None };
            (job, model, compiled, calibration, evaluation) = (None, own, done, vec![], None);
        }
    }
    let config = &compiled.config;
    let rtl = if asked.rtl { Some(build(config)?) } else { None };
    let options = proof::Options { rtl: rtl.as_ref(), unchecked: source.unchecked };
    let walk = || match &model {
        Some(model) => proof::verify(model, &compiled, &inputs, &options),
        None => proof::verify_integers(&compiled, &inputs, &options),
    };
    let (proof, simulated) = during("verifying", walk)?;
    let changed = golden.map(|stored| stored.difference(&Golden::new(inputs.clone(), simulated)));
    let scores = match (&evaluation, &model) {
        (Some(e), Some(model)) => Some(counted("evaluating", |watch| e.run(model, &compiled, watch))?),
        _ => None,
    };
    let missed = missed(enough, &proof, scores.as_ref());
    let mut warnings = warnings(&proof, &compiled.network);
    if let Some(model) = &model {
        let qualities: Vec<_> = proof.outputs.iter().map(|output| output.quality.clone()).collect();
        assurance::add_alone(&mut warnings, (model, &compiled.network), &calibration, &inputs, &qualities)?;
    }
    warnings.splice(0..0, several);
    warnings.iter().for_each(|warning| note!("warning: {warning}"));
    if model.is_none() {
        note!("warning: the source was left out of the artefact: nothing is compared with float");
    }
    proof.not_finite.iter().for_each(|n| note!("warning: {n}"));
    if asked.json {
        let mut object = serde_json::to_value(&proof)?;
        object["model"] = json!(source.model.display().to_string());
        object["machine"] = json!(config.name);
        object["warnings"] = json!(warnings);
        object["missed"] = json!(missed);
        object["host_ops"] = json!(compiled.network.host);
        object["host_macs"] = json!(compiled.network.host_macs());
        object["source"] = json!(model.is_some());
        if let Some(changed) = &changed {
            object["golden_difference"] = json!(changed);
        }
        if let Some(scores) = &scores {
            object["metric"] = json!(scores);
        }
        output::json(&object)?;
    } else {
        if let Some(assurance) = proof.assurance.as_ref().filter(|_| asked.layers) {
            print_layers(&assurance.first_rung.layers)?;
        }
        print(&proof, model.is_some())?;
        if let Some(changed) = &changed {
            say!("golden sample                   {}", changed.as_deref().unwrap_or("equal"))?;
        }
        if let Some(scores) = &scores {
            say!("{scores}")?;
        }
    }
    for missed in &missed {
        note!("not good enough: {missed}");
    }
    if let (Some(folder), Some(job), true) = (reduce, &job, fails(enough, &proof)) {
        let failing =
            Failing { model: &job.model, inputs: &inputs, calibration: &calibration, proof: &proof };
        write_reduced(folder, &failing, enough, |part| {
            let compiled = pipeline::compile(&part.model, &part.calibration, &job.options, config)?;
            Ok(proof::verify(&part.model, &compiled, &part.inputs, &options)?.0)
        })?;
    }
    Ok(proof.holds() && missed.is_empty() && changed.flatten().is_none())
}

/// A model that is not verified for an input, and why.
struct Failing<'a> {
    model: &'a Model,
    inputs: &'a [ArrayD<f32>],
    calibration: &'a [Vec<ArrayD<f32>>],
    proof: &'a Proof,
}

/// Whether a proof contradicts the source, or an output is not good enough.
fn fails(enough: &Enough, proof: &Proof) -> bool {
    !proof.holds() || proof.outputs.iter().any(|output| !missed_by(enough, output).is_empty())
}

/// Writes the smallest part found that still fails when it is `verify`ed, and says what it is.
fn write_reduced(
    folder: &Path,
    failing: &Failing,
    enough: &Enough,
    verify: impl Fn(&Reduced) -> Result<Proof>,
) -> Result<()> {
    let Failing { model, inputs, calibration, proof } = failing;
    let ends = ends(model, proof, |output| !missed_by(enough, output).is_empty());
    // A part that does not compile fails for another reason.
    let still = |part: &Reduced| verify(part).is_ok_and(|proof| fails(enough, &proof));
    let search = || reduce::reduce(model, inputs, calibration, &ends, &still);
    match during("reducing", search)? {
        None => note!("no part of the model fails alone: nothing is written to {}", folder.display()),
        Some(part) => {
            written::write(folder, "reduce", &part.files())?;
            let (own, all) = (part.model.imported.nodes.len(), model.graph.nodes.len());
            note!("{own} of {all} operators fail alone: {}", folder.display());
        }
    }
    Ok(())
}

/// Where parts of a model that fails end: at the layers that contradict the source, else at the outputs that
/// miss what is asked for, else at any output.
fn ends(model: &Model, proof: &Proof, misses: impl Fn(&MachineOutput) -> bool) -> Vec<ValueId> {
    let graph = &model.graph;
    let found = proof.assurance.iter().flat_map(|a| &a.first_rung.findings);
    let named = |name: &String| graph.nodes.iter().find(|node| node.name == *name);
    let layers: Vec<ValueId> =
        found.filter_map(|f| f.nodes.iter().rev().find_map(named)).map(|node| node.outputs[0]).collect();
    let outputs = || graph.outputs.iter().zip(&proof.outputs);
    let missed: Vec<ValueId> = outputs().filter(|(_, o)| misses(o)).map(|(id, _)| *id).collect();
    [layers, missed, graph.outputs.clone()].into_iter().find(|ends| !ends.is_empty()).unwrap_or_default()
}

/// What the user asked for and did not get, a sentence each.
fn missed(enough: &Enough, proof: &Proof, scores: Option<&Scores>) -> Vec<String> {
    let mut missed: Vec<String> = proof.outputs.iter().flat_map(|output| missed_by(enough, output)).collect();
    if let (Some(least), Some(scores)) = (enough.min_metric, scores)
        && (scores.points().is_nan() || scores.points() < least)
    {
        missed.push(format!("the metric is {:.2} {}, {least} are asked for", scores.points(), scores.unit()));
    }
    missed
}

/// What was asked for of one output and is not there.
fn missed_by(enough: &Enough, output: &MachineOutput) -> Vec<String> {
    let mut missed = Vec::new();
    let (name, error) = (&output.name, output.max_abs_error);
    // An output that is zero throughout has no signal: any error is too much.
    let silent = if error == 0.0 { f64::INFINITY } else { f64::NEG_INFINITY };
    let db = output.quality.sqnr_db.unwrap_or(silent);
    if let Some(least) = enough.min_sqnr.filter(|least| db.is_nan() || db < *least) {
        missed.push(format!("output {name:?} has {db:.1} dB of signal to noise, {least} are asked for"));
    }
    if let Some(most) = enough.max_error.filter(|most| error.is_nan() || error > *most) {
        missed.push(format!("output {name:?} is up to {error} wrong, {most} is allowed"));
    }
    missed
}

/// What was predicted and what was measured of outputs that are lost in noise, and the like.
fn warnings(proof: &Proof, network: &Network) -> Vec<String> {
    let mut warnings = proof.assurance.as_ref().map_or(Vec::new(), |a| a.warnings.clone());
    let (names, qualities): (Vec<_>, Vec<_>) =
        proof.outputs.iter().map(|output| (output.name.clone(), output.quality.clone())).unzip();
    assurance::add_measured(&mut warnings, &names, &qualities, network);
    assurance::add_calibrated(&mut warnings, &names, network);
    warnings
}

/// Builds the Verilator model of a machine, once for each Verilog text.
pub fn build(config: &Config) -> Result<Rtl> {
    Ok(during("building the Verilator model", || Rtl::cached(config))?)
}

/// What the SQNR leaves out, if anything.
fn left_out(proof: &Proof) -> String {
    let elements: usize = proof.not_finite.iter().map(|n| n.elements).sum();
    match proof.not_finite.iter().map(|n| n.float + n.machine - n.both()).sum::<usize>() {
        0 => String::new(),
        count => format!(" where finite; {count} of {elements} elements of such outputs are not"),
    }
}

/// The proof for people.
///
/// Without a `source` nothing was compared with float.
pub fn print(proof: &Proof, source: bool) -> Result<()> {
    if let Some(assurance) = &proof.assurance {
        print_assurance(assurance)?;
    }
    let verdict = |n: usize| if n == 0 { "equal".to_string() } else { format!("{n} BYTES DIFFER") };
    say!(
        "integer reference = simulator   {} ({} bytes)",
        verdict(proof.reference_mismatches),
        proof.compared_bytes
    )?;
    if let Some(mismatches) = proof.rtl_mismatches {
        say!("simulator = Verilog             {}", verdict(mismatches))?;
    }
    say!("cycles of the simulator         {}", grouped(proof.sim_cycles))?;
    if let Some(cycles) = proof.rtl_cycles {
        let verdict = if cycles == proof.sim_cycles { "equal" } else { "DIFFERENT" };
        say!("cycles of the Verilog           {} ({verdict})", grouped(cycles))?;
    }
    for MachineOutput { name, quality, max_abs_error } in &proof.outputs {
        let db = quality.sqnr_db.map_or("no signal".into(), |db| format!("{db:.1} dB"));
        if proof.outputs.len() > 1 {
            say!("  output {:<22} {db}, worst error {max_abs_error:.6}", clip(name, 22))?;
        }
        for part in &quality.parts {
            let db = part.sqnr_db.map_or("no noise or no signal".into(), |db| format!("{db:.1} dB"));
            say!("    part {:<22} {db}", clip(&part.name, 22))?;
        }
    }
    if !source {
        return Ok(());
    }
    say!("worst error against float       {:.6}", proof.max_abs_error)?;
    match proof.sqnr_db {
        Some(db) => say!("SQNR against float              {db:.1} dB{}", left_out(proof)),
        None if proof.exact => say!("SQNR against float              exact"),
        None => say!("SQNR against float              equal{}", left_out(proof)),
    }
}

/// The first rung of every layer. Distances are those of the integers from the exact results, in half widths of
/// the intervals that rounding leaves: up to 1, unless something is wrong. What the host quantises has no id, and the last
/// column is signal to noise in decibels.
fn print_layers(layers: &[Layer]) -> Result<()> {
    say!(
        "{:>4} {:<32} {:<24} {:>10} {:>10} {:>8} {:>8} {:>7} {:>8} {:>9}",
        "id",
        "layer",
        "operator",
        "elements",
        "saturated",
        "clipped",
        "unproved",
        "median",
        "largest",
        "predicted"
    )?;
    for layer in layers {
        say!(
            "{:>4} {:<32} {:<24} {:>10} {:>10} {:>8} {:>8} {:>7.3} {:>8.3} {:>9}",
            layer.id.map_or("-".into(), |id| id.to_string()),
            clip(&layer.name, 32),
            clip(&layer.operator, 24),
            layer.elements,
            layer.saturated,
            layer.clipped,
            layer.unproved,
            layer.median,
            layer.largest,
            decibels(layer.predicted_sqnr_db)
        )?;
    }
    Ok(())
}

/// The first rung for people: how many elements were held against the source, and what was found.
pub fn print_assurance(assurance: &Assurance) -> Result<()> {
    let rung = &assurance.first_rung;
    let sum = |count: fn(&Layer) -> usize| rung.layers.iter().map(count).sum::<usize>();
    let verdict = match rung.findings.len() {
        0 => "within rounding".to_string(),
        n => format!("{n} LAYERS DIFFER"),
    };
    say!(
        "float = integer operators       {verdict} ({} elements, {} saturated, {} unproved)",
        grouped(rung.elements() as u64),
        grouped(sum(|l| l.saturated) as u64),
        grouped(sum(|l| l.unproved) as u64)
    )?;
    for finding in &rung.findings {
        say!("  {finding}")?;
    }
    for rewrite in &assurance.rewrites {
        say!(
            "  the simplified graph is another one than the model: output {:?} agrees to {:.1} dB only",
            rewrite.output,
            rewrite.db
        )?;
    }
    Ok(())
}
