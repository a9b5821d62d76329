//! `tilewright simulate`: one inference, exactly.

use super::subject::{Subject, compile_job, first, open};
use super::{grouped, print_host, written};
use crate::arguments::{Machine, ModelArguments};
use crate::output::{self, note, say};
use crate::progress::during;
use anyhow::Result;
use ndarray::ArrayD;
use serde_json::json;
use std::path::Path;
use tilewright::artefact::{Artefact, LayerReport};
use tilewright::model::Model;
use tilewright::{artefact, assurance, finite, proof};
use tilewright_arch::Config;
use tilewright_compiler::network::Network;
use tilewright_compiler::proof::{GOOD_DB, Quality};
use tilewright_compiler::{float, npy};
use tilewright_timing::CycleReport;

/// Simulates and prints the summary; writes the outputs when asked to. False when an output is finite in float and
/// not on the machine, or the other way round.
pub fn run(
    source: &ModelArguments,
    machine: &Machine,
    input_path: Option<&Path>,
    out: Option<&Path>,
    json: bool,
) -> Result<bool> {
    out.map_or(Ok(()), written::may_write)?;
    let (model, names, compiled, layers, (inputs, several), calibration) = match open(source, machine)? {
        Subject::Model(job) => {
            let inputs = first(job.inputs(input_path)?);
            let calibration = job.calibration()?;
            let compiled = compile_job(&job, &calibration, source)?;
            let names = assurance::output_names(&job.model.graph);
            let layers = artefact::layers(&compiled);
            (Some(job.model), names, compiled, layers, inputs, calibration)
        }
        Subject::Artefact(artefact) => {
            let inputs = first(artefact.inputs(input_path)?);
            let names = assurance::output_names(&artefact.interface);
            let Artefact { model, compiled, manifest, .. } = *artefact;
            (model, names, compiled, manifest.layers, inputs, vec![])
        }
    };
    let simulated = during("simulating", || proof::simulate(&compiled, &inputs))?;
    let mut warnings = assurance::outside(&compiled.network, &inputs);
    let mut not_finite = vec![];
    if let Some(model) = &model {
        let float = during("running the float reference", || float::run(&model.imported, &inputs))?;
        not_finite = finite::find(model, &compiled, &inputs, &float, &simulated.outputs)?;
        let qualities = assurance::qualities(&model.graph, &float, &simulated.outputs);
        warnings = measured(warnings, &names, (model, &compiled.network), &inputs, &float, &qualities)?;
        assurance::add_alone(&mut warnings, (model, &compiled.network), &calibration, &inputs, &qualities)?;
    } else {
        warnings.extend(unexplained(&names, &simulated.outputs));
    }
    warnings.splice(0..0, several);
    warnings.iter().for_each(|warning| note!("warning: {warning}"));
    not_finite.iter().for_each(|n| note!("warning: {n}"));
    if let Some(out) = out {
        let file = |(i, output): (usize, &ArrayD<f32>)| {
            let values: Vec<f32> = output.iter().copied().collect();
            (format!("output_{i}.npy"), npy::npy_f32(output.shape(), &values))
        };
        let files: Vec<_> = simulated.outputs.iter().enumerate().map(file).collect();
        written::write(out, "simulate", &files)?;
    }
    let config = &compiled.config;
    let layers = artefact::reports(&compiled, &layers, &simulated.report);
    if json {
        let mut object = object(&simulated.report, &layers, config);
        object["model"] = json!(source.model.display().to_string());
        object["machine"] = json!(config.name);
        object["host_ops"] = json!(compiled.network.host);
        object["host_macs"] = json!(compiled.network.host_macs());
        object["not_finite"] = json!(not_finite);
        object["warnings"] = json!(warnings);
        output::json(&object)?;
    } else {
        print(&simulated.report, &layers, config)?;
        print_host(&compiled.network, simulated.report.macs)?;
    }
    // What is finite on one side alone is no result.
    Ok(not_finite.iter().all(|n| n.differ == 0))
}

/// Multiply-accumulates of networks of which the reason for noise is looked for: it takes seconds beyond, and `verify`
/// says it too.
const MOST_MACS: u64 = 1_000_000_000;

/// Adds warnings of outputs that are not good on this input; only then the reason is looked for, in networks of a
/// moderate size.
fn measured(
    mut warnings: Vec<String>,
    names: &[String],
    (model, network): (&Model, &Network),
    inputs: &[ArrayD<f32>],
    float: &[ArrayD<f32>],
    qualities: &[Quality],
) -> Result<Vec<String>> {
    let low = |quality: &Quality| quality.sqnr_db.is_some_and(|db| db < GOOD_DB);
    if model.graph.macs() <= MOST_MACS && qualities.iter().any(low) {
        let assure = || assurance::assure(model, network, inputs, float, &[]);
        warnings = during("looking for the noise", assure)?.warnings;
    }
    assurance::add_measured(&mut warnings, names, qualities, network);
    assurance::add_calibrated(&mut warnings, names, network);
    Ok(warnings)
}

/// Warnings of outputs that are not finite, where no source says whether they should be.
fn unexplained(names: &[String], got: &[ArrayD<f32>]) -> Vec<String> {
    let warning = |(name, got): (&String, &ArrayD<f32>)| {
        let count = got.iter().filter(|x| !x.is_finite()).count();
        (count > 0).then(|| {
            format!(
                "output {name:?}: {count} of {} elements are not finite, and the artefact has no source that could tell \
                 whether they should be; try: compile without --no-source, and verify",
                got.len()
            )
        })
    };
    names.iter().zip(got).filter_map(warning).collect()
}

/// Seconds of `cycles` at the machine's clock.
pub fn seconds(cycles: u64, config: &Config) -> f64 {
    cycles as f64 / (config.clock_mhz * 1e6)
}

/// The JSON object of a report.
fn object(report: &CycleReport, layers: &[LayerReport], config: &Config) -> serde_json::Value {
    json!({
        "cycles": report.cycles,
        "macs": report.macs,
        "peak_macs_per_cycle": report.peak_macs_per_cycle,
        "utilisation": report.utilisation,
        "dram_read_bytes": report.external.read_bytes,
        "dram_write_bytes": report.external.write_bytes,
        "seconds": seconds(report.cycles, config),
        "layers": layers,
        "units": report.units,
    })
}

/// The summary for people.
pub fn print(report: &CycleReport, layers: &[LayerReport], config: &Config) -> Result<()> {
    say!("{:>4} {:<32} {:<20} {:>12} {:>10} {:>6}", "id", "layer", "operator", "MACs", "cycles", "used")?;
    for LayerReport { ids, part, report } in layers {
        let ids: Vec<String> = ids.iter().map(usize::to_string).collect();
        let part = part.as_ref().map(|part| format!("  {part}")).unwrap_or_default();
        say!(
            "{:>4} {:<32} {:<20} {:>12} {:>10} {:>5.1}%{part}",
            ids.join(","),
            clip(&report.name, 32),
            clip(&report.operator, 20),
            grouped(report.macs),
            grouped(report.cycles),
            100.0 * report.utilisation
        )?;
    }
    say!("cycles         {}", grouped(report.cycles))?;
    say!("utilisation    {:.1} % of {} multipliers", 100.0 * report.utilisation, report.peak_macs_per_cycle)?;
    let seconds = seconds(report.cycles, config);
    say!(
        "time           {:.3} ms at {} MHz, {:.1} frames a second",
        1e3 * seconds,
        config.clock_mhz,
        1.0 / seconds
    )?;
    say!(
        "bytes moved    {} read, {} written",
        grouped(report.external.read_bytes),
        grouped(report.external.write_bytes)
    )
}

/// At most `width` characters, with an ellipsis where something is cut off.
pub fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}
