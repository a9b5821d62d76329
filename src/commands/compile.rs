//! `tilewright compile`: the programs of a model.

use super::simulate::clip;
use super::subject::{Compilation, compile_job, open_model};
use super::verify::print_assurance;
use super::{decibels, grouped};
use crate::arguments::{Machine, ModelArguments};
use crate::output::{self, note, say};
use crate::progress::during;
use anyhow::Result;
use ndarray::ArrayD;
use serde_json::json;
use std::path::Path;
use tilewright::artefact::{Artefact, Golden, Made};
use tilewright::assurance::{self, Assurance};
use tilewright::model::{self, Model};
use tilewright::pipeline::{self, Compiled};
use tilewright_compiler::error::Error;
use tilewright_compiler::network::{MeasuredLayer, Network};
use tilewright_compiler::options::Options;
use tilewright_timing::CycleReport;

/// How an artefact is written.
pub struct Form<'a> {
    /// As one file.
    pub pack: bool,
    /// Without the source.
    pub no_source: bool,
    /// A sample of the user's as the golden one.
    pub golden: Option<&'a Path>,
}

/// Writes the artefact of a model.
///
/// With `layers`, what quantisation did to every layer is measured too.
pub fn run(
    source: &ModelArguments,
    machine: &Machine,
    out: &Path,
    form: &Form,
    layers: bool,
    json: bool,
) -> Result<bool> {
    // Before the work, which may take minutes.
    Artefact::may_take(out, form.pack)?;
    let job = open_model(source, machine)?;
    let golden = form.golden.map(|path| model::samples(&job.model.graph, path)).transpose()?;
    let calibration = job.calibration()?;
    let compiled = compile_job(&job, &calibration, source)?;
    during("checking the program", || compiled.check())?;
    let assurance = if source.unchecked { None } else { Some(assured(&job.model, &calibration, &compiled)?) };
    if let Some(assurance) = assurance.as_ref().filter(|a| !a.holds()) {
        if json {
            return Err(contradicted(assurance).into());
        }
        print_assurance(assurance)?;
        return Ok(false);
    }
    for warning in assurance.iter().flat_map(|a| &a.warnings) {
        note!("warning: {warning}");
    }
    let measured = if layers { measured(&job, &calibration, &compiled.network)? } else { vec![] };
    let made = Made {
        model: &job.model,
        calibration: &calibration,
        options: &job.options,
        assurance: assurance.as_ref(),
        source: !form.no_source,
    };
    let write = || -> Result<Artefact> {
        let golden = match golden {
            Some(mut samples) => Golden::of(&compiled, samples.remove(0))?,
            None => Golden::synthetic(&compiled, &job.model.graph)?,
        };
        let artefact = Artefact::new(compiled, golden, &made)?;
        artefact.write(out, form.pack)?;
        Ok(artefact)
    };
    let artefact = during("writing", write)?;
    let compiled = &artefact.compiled;
    let mut timing = CycleReport::default();
    for (_, schedule) in compiled.programs() {
        timing.append(&tilewright_timing::time(&schedule.program, false)?);
    }
    let (network, config) = (&compiled.network, &compiled.config);
    let programs = || compiled.programs().map(|(_, s)| s);
    let memory: u64 = programs().map(|s| u64::from(s.program.memory_bytes)).sum();
    let counts = programs().map(|s| s.program.counts());
    let counts = counts.fold([0; 4], |all, one| [0, 1, 2, 3].map(|i| all[i] + one[i]));
    let pages = programs().map(|s| s.plan.pages).max().unwrap_or(0);
    if json {
        let mut object = json!({
            "model": source.model.display().to_string(), "machine": config.name, "cycles": timing.cycles,
            "macs": timing.macs, "utilisation": timing.utilisation, "instructions": counts,
            "memory_bytes": memory, "host_ops": network.host, "host_macs": network.host_macs(),
            "byte_layers": network.byte_layers, "coarser": network.coarser, "raised": network.raised, "stages": network.stages.len(), "feature_pages": pages,
            "stripe_rows": programs().map(|s| s.plan.stripe).collect::<Vec<_>>(),
        });
        object["checked"] = json!(assurance.is_some());
        if let Some(assurance) = &assurance {
            object["checked_elements"] = json!(assurance.first_rung.elements());
            object["predicted"] = json!(assurance.predicted);
            object["warnings"] = json!(assurance.warnings);
        }
        if !measured.is_empty() {
            let row = |layer: &MeasuredLayer| {
                let mut row = json!(layer);
                row["predicted_sqnr_db"] = json!(predicted(&artefact, layer));
                row
            };
            object["layers"] = measured.iter().map(row).collect();
        }
        output::json(&object)?;
        return Ok(true);
    }
    if let Some(assurance) = &assurance {
        print_assurance(assurance)?;
    }
    print_layers(&measured, &artefact)?;
    let [compute, vector, load, store] = counts;
    say!("machine        {} ({} x {})", config.name, config.lanes, config.columns)?;
    say!("cycles         {}", grouped(timing.cycles))?;
    say!("utilisation    {:.1} %", 100.0 * timing.utilisation)?;
    say!("instructions   compute {compute}, vector {vector}, load {load}, store {store}")?;
    say!("memory         {} bytes", grouped(memory))?;
    say!("features       up to {pages} of {} pages", config.feature.pages)?;
    super::print_host(network, timing.macs)?;
    say!("written        {}", out.display())?;
    Ok(true)
}

/// That the integers are not what the source says, in a sentence.
fn contradicted(assurance: &Assurance) -> Error {
    let findings = assurance.first_rung.findings.iter().map(ToString::to_string);
    let rewrites = assurance.rewrites.iter().map(|r| format!("simplification changes output {:?}", r.output));
    let found: Vec<String> = findings.chain(rewrites).collect();
    Error::defect("compile", found.join("; "))
}

/// Multiply-accumulates up to which corrections of biases are estimated again.
const CORRECTION_MACS: u64 = 200_000_000;

/// The first rung and the predicted noise on the first calibration sample.
fn assured(model: &Model, samples: &[Vec<ArrayD<f32>>], compiled: &Compiled) -> Result<Assurance> {
    let sample = &samples[0];
    // Estimating corrections again takes a run of the source in float64 for each sample.
    let affordable = model.graph.macs() * compiled.network.claims.corrected as u64 <= CORRECTION_MACS;
    during("checking", || {
        let float = tilewright_compiler::float::run(&model.imported, sample)?;
        let calibration = if affordable { samples } else { &[] };
        let network = &compiled.network;
        let mut assurance = assurance::assure(model, network, sample, &float, calibration)?;
        let Assurance { warnings, predicted, .. } = &mut assurance;
        assurance::add_alone(warnings, (model, network), samples, sample, predicted)?;
        assurance::add_calibrated(warnings, &assurance::output_names(&model.graph), network);
        Ok(assurance)
    })
}

/// Quantises once more and measures every layer on the first calibration samples.
fn measured(
    job: &Compilation,
    samples: &[Vec<ArrayD<f32>>],
    network: &Network,
) -> Result<Vec<MeasuredLayer>> {
    let precision = network.coarser.as_ref().map_or(job.options.precision, |coarser| coarser.precision);
    let options = Options { precision, ..job.options };
    during("measuring every layer", || pipeline::measured(&job.model, samples, &options, &job.config))
}

/// What was predicted of a layer on the first calibration sample, in decibels.
fn predicted(artefact: &Artefact, layer: &MeasuredLayer) -> Option<f64> {
    artefact.manifest.layers.get(layer.id)?.predicted_sqnr_db
}

fn print_layers(layers: &[MeasuredLayer], artefact: &Artefact) -> Result<()> {
    if layers.is_empty() {
        return Ok(());
    }
    say!(
        "{:>4} {:<32} {:<24} {:>4} {:>12} {:>12} {:>9} {:>9} {:>8}",
        "id",
        "layer",
        "operator",
        "bits",
        "min",
        "max",
        "SQNR dB",
        "predicted",
        "clipped"
    )?;
    for layer in layers {
        say!(
            "{:>4} {:<32} {:<24} {:>4} {:>12.5} {:>12.5} {:>9} {:>9} {:>7.3}%",
            layer.id,
            clip(&layer.name, 32),
            clip(&layer.operator, 24),
            layer.bits,
            layer.min,
            layer.max,
            decibels(layer.sqnr_db),
            decibels(predicted(artefact, layer)),
            100.0 * layer.saturated
        )?;
    }
    Ok(())
}
