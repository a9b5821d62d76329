//! `tilewright simulate`: one inference, exactly.

use super::subject::{Subject, compile_job, first, open};
use super::{grouped, print_host, written};
use crate::output::{self, note, say};
use crate::progress::during;
use crate::{Machine, Source};
use anyhow::Result;
use ndarray::ArrayD;
use serde_json::json;
use std::path::Path;
use tilewright::model::Model;
use tilewright::pipeline::Compiled;
use tilewright::{assurance, finite, proof};
use tilewright_arch::Config;
use tilewright_arch::fixed::Half;
use tilewright_arch::program::Layer;
use tilewright_compiler::network::{Network, Stage};
use tilewright_compiler::proof::{GOOD_DB, Quality};
use tilewright_compiler::{float, npy};
use tilewright_timing::Report;

/// Simulates and prints the summary; writes the outputs when asked to. False when an output is finite in float and
/// not on the machine, or the other way round.
pub fn run(
    source: &Source,
    machine: &Machine,
    input_path: Option<&Path>,
    out: Option<&Path>,
    json: bool,
) -> Result<bool> {
    let (model, names, compiled, (inputs, several), calibration) = match open(source, machine)? {
        Subject::Model(job) => {
            let inputs = first(job.inputs(input_path)?);
            let calibration = job.calibration()?;
            let compiled = compile_job(&job, &calibration, source)?;
            let names = assurance::output_names(&job.model.graph);
            (Some(job.model), names, compiled, inputs, calibration)
        }
        Subject::Artefact(artefact) => {
            let inputs = first(artefact.inputs(input_path)?);
            (artefact.model, assurance::output_names(&artefact.interface), artefact.compiled, inputs, vec![])
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
    if json {
        let mut object = object(&simulated.report, &compiled);
        object["model"] = json!(source.model.display().to_string());
        object["machine"] = json!(config.name);
        object["host_ops"] = json!(compiled.network.host);
        object["host_macs"] = json!(compiled.network.host_macs());
        object["not_finite"] = json!(not_finite);
        object["warnings"] = json!(warnings);
        output::json(&object)?;
    } else {
        print(&simulated.report, &compiled)?;
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

/// For each layer of the stages' programs what sets it apart from others of its name and operator: the half of the 16-bit
/// values that it makes, or its number among them; nothing where it is the only one of a stage.
fn parts(compiled: &Compiled) -> Vec<Option<String>> {
    let mut parts = Vec::new();
    for (stage, schedule) in compiled.programs() {
        let Stage::Machine { graph, .. } = &compiled.network.stages[stage] else { continue };
        let layers = &schedule.program.layers;
        for (n, layer) in layers.iter().enumerate() {
            let alike = |(_, l): &(usize, &Layer)| (&l.name, &l.operator) == (&layer.name, &layer.operator);
            let all = layers.iter().enumerate().filter(alike);
            let (count, number) = (all.clone().count(), all.take_while(|(m, _)| *m < n).count());
            let nodes =
                || graph.nodes.iter().filter(|n| (&n.name, &n.operator) == (&layer.name, &layer.operator));
            // A pass that cuts a node makes more layers than nodes, and nobody knows of which.
            let half = if nodes().count() == count { nodes().nth(number).map(|n| n.half()) } else { None };
            parts.push(match half {
                Some(Half::High) => Some("high half".into()),
                Some(Half::Low) => Some("low half".into()),
                _ if count > 1 => Some(format!("{} of {count}", number + 1)),
                _ => None,
            });
        }
    }
    parts
}

/// The JSON object of a report.
fn object(report: &Report, compiled: &Compiled) -> serde_json::Value {
    let mut layers = json!(report.layers);
    let named = tilewright::artefact::layers(compiled);
    let rows =
        compiled.programs().flat_map(|(stage, s)| (0..s.program.layers.len()).map(move |row| (stage, row)));
    for ((layer, part), row) in layers.as_array_mut().into_iter().flatten().zip(parts(compiled)).zip(rows) {
        let ids = named.iter().filter(|layer| layer.programs.contains(&row)).map(|layer| layer.id);
        layer["part"] = json!(part);
        layer["ids"] = ids.collect();
    }
    json!({
        "cycles": report.cycles,
        "macs": report.macs,
        "peak_macs_per_cycle": report.peak_macs_per_cycle,
        "utilisation": report.utilisation,
        "dram_read_bytes": report.external.read_bytes,
        "dram_write_bytes": report.external.write_bytes,
        "seconds": seconds(report.cycles, &compiled.config),
        "layers": layers,
        "units": report.units,
    })
}

/// The summary for people.
pub fn print(report: &Report, compiled: &Compiled) -> Result<()> {
    let config = &compiled.config;
    say!("{:<32} {:<20} {:>12} {:>10} {:>6}", "layer", "operator", "MACs", "cycles", "used")?;
    for (layer, part) in report.layers.iter().zip(parts(compiled)) {
        let part = part.map(|part| format!("  {part}")).unwrap_or_default();
        say!(
            "{:<32} {:<20} {:>12} {:>10} {:>5.1}%{part}",
            clip(&layer.name, 32),
            clip(&layer.operator, 20),
            grouped(layer.macs),
            grouped(layer.cycles),
            100.0 * layer.utilisation
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
