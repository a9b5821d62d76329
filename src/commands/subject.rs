//! What a command works on, told to the user while it is opened and compiled.

use super::{byte_layers, compile, raised};
use crate::arguments::{Machine, ModelArguments};
use crate::output::note;
use crate::progress::during;
use anyhow::Result;
use ndarray::ArrayD;
use std::path::Path;
use tilewright::artefact::Container;
use tilewright::model::Model;
use tilewright::pipeline::Compiled;
pub use tilewright::request::{Compilation, Subject};
use tilewright_compiler::error::Error;
use tilewright_compiler::network::{Coarser, Network};

/// Opens what the options name, telling warnings of the importer.
pub fn open(source: &ModelArguments, machine: &Machine) -> Result<Subject> {
    let request = source.request(machine);
    let what = if Container::is_there(&source.model) { "the artefact" } else { "the model" };
    let subject = during(&format!("reading {what}"), || request.open())?;
    match &subject {
        Subject::Model(job) => warn(&job.model),
        Subject::Artefact(artefact) if source.deny_host => {
            deny_host(&artefact.compiled.network, &source.model)?;
        }
        Subject::Artefact(_) => {}
    }
    Ok(subject)
}

/// Opens the model that the options name, telling warnings of the importer.
pub fn open_model(source: &ModelArguments, machine: &Machine) -> Result<Compilation> {
    let job = during("reading the model", || source.request(machine).job())?;
    warn(&job.model);
    Ok(job)
}

fn warn(model: &Model) {
    for warning in &model.warnings {
        note!("warning: {warning}");
    }
}

/// Calibrates and compiles, telling what was decided.
pub fn compile_job(
    job: &Compilation,
    calibration: &[Vec<ArrayD<f32>>],
    source: &ModelArguments,
) -> Result<Compiled> {
    let compiled = compile(&job.model, calibration, &job.options, &job.config)?;
    if let Some(told) = byte_layers(&compiled.network) {
        note!("warning: {told}");
    }
    if let Some(Coarser { why, .. }) = &compiled.network.coarser {
        note!("warning: {why}");
    }
    if let Some(told) = raised(&compiled.network) {
        note!("{told}");
    }
    if source.deny_host {
        deny_host(&compiled.network, &job.model.path)?;
    }
    Ok(compiled)
}

/// Programs, machine and integers of what the options name.
pub fn compiled(source: &ModelArguments, machine: &Machine) -> Result<Compiled> {
    match open(source, machine)? {
        Subject::Model(job) => compile_job(&job, &job.calibration()?, source),
        Subject::Artefact(artefact) => Ok(artefact.compiled),
    }
}

/// Refuses what the machine does not run.
fn deny_host(network: &Network, path: &Path) -> Result<()> {
    let Some(op) = network.host.first() else { return Ok(()) };
    let hint = op.hint.as_ref().map_or(String::new(), |hint| format!(", or {hint}"));
    let count = network.host.len();
    let message = format!("{count} operators are left to the host, this is the first: {}", op.why);
    let error = Error::new("compile", message).file(path.display().to_string()).node(&*op.name);
    Err(error.operator(&*op.operator).hint(format!("without --deny-host{hint}")).into())
}

/// The first of the samples that a file holds, and a warning where there are more.
pub fn first(mut samples: Vec<Vec<ArrayD<f32>>>) -> (Vec<ArrayD<f32>>, Option<String>) {
    let count = samples.len();
    let warning = (count > 1).then(|| format!("the input has {count} samples, the first is taken"));
    (samples.remove(0), warning)
}
