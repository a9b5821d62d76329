//! What a command works on: a model that it compiles, or an artefact, which is compiled.

use super::{byte_layers, compile, options, raised};
use crate::output::note;
use crate::progress::during;
use crate::{Machine, Source};
use anyhow::{Result, bail};
use ndarray::ArrayD;
use std::path::{Path, PathBuf};
use tilewright::artefact::{Artefact, Container};
use tilewright::model::{self, Model};
use tilewright::pipeline::Compiled;
use tilewright_arch::Config;
use tilewright_compiler::network::Network;
use tilewright_compiler::quantise;

/// A model with everything that decides its programs, or an artefact.
pub enum Subject {
    /// To be compiled.
    Model(Box<Job>),
    /// Compiled.
    Artefact(Box<Artefact>),
}

/// A model with everything that decides its programs.
pub struct Job {
    /// The model.
    pub model: Model,
    /// Calibration samples, where they do not lie beside the model.
    calib: Option<PathBuf>,
    /// Options of quantisation.
    pub options: quantise::Options,
    /// The machine.
    pub config: Config,
    deny_host: bool,
}

impl Subject {
    /// What the options name, telling warnings of the importer.
    pub fn open(source: &Source, machine: &Machine) -> Result<Subject> {
        if !Container::is_there(&source.model) {
            return Ok(Subject::Model(Box::new(Job::open(source, machine)?)));
        }
        let given = source.calib.is_some()
            || source.quantisation.is_some()
            || source.precision.is_some()
            || !source.shape.is_empty()
            || machine.is_given();
        if given {
            bail!(
                "error[input]: {}: an artefact has its machine, calibration and quantisation; try: without those \
                 options, or with the model",
                source.model.display()
            );
        }
        let artefact = during("reading the artefact", || Artefact::read(&source.model))?;
        if source.deny_host {
            deny_host(&artefact.compiled.network, &source.model)?;
        }
        Ok(Subject::Artefact(Box::new(artefact)))
    }

    /// Programs, machine and integers.
    pub fn compiled(self) -> Result<Compiled> {
        match self {
            Subject::Model(job) => job.compile(&job.calibration()?),
            Subject::Artefact(artefact) => Ok(artefact.compiled),
        }
    }
}

impl Job {
    /// A model that the options name, telling warnings of the importer.
    ///
    /// # Errors
    /// An artefact; what cannot be read.
    pub fn open(source: &Source, machine: &Machine) -> Result<Job> {
        if Container::is_there(&source.model) {
            bail!(
                "error[input]: {}: is compiled already; try: simulate, verify, generate or inspect, or the model",
                source.model.display()
            );
        }
        let (options, config) = (options(source)?, machine.config()?);
        let shapes = source.shape.iter().cloned().collect();
        let read = || Model::shaped(&source.model, &shapes, source.calib.as_deref());
        let model = during("reading the model", read)?;
        for warning in &model.warnings {
            note!("warning: {warning}");
        }
        Ok(Job { model, calib: source.calib.clone(), options, config, deny_host: source.deny_host })
    }

    /// The calibration samples: where the job names none, those beside the model.
    pub fn calibration(&self) -> Result<Vec<Vec<ArrayD<f32>>>> {
        self.model.calibration(self.calib.as_deref())
    }

    /// Calibrates and compiles, telling what was decided.
    pub fn compile(&self, calibration: &[Vec<ArrayD<f32>>]) -> Result<Compiled> {
        let compiled = compile(&self.model, calibration, &self.options, &self.config)?;
        if let Some(told) = byte_layers(&compiled.network) {
            note!("warning: {told}");
        }
        if let Some(told) = raised(&compiled.network) {
            note!("{told}");
        }
        if self.deny_host {
            deny_host(&compiled.network, &self.model.path)?;
        }
        Ok(compiled)
    }

    /// The first sample of `input`, or of input_0.npy or input_0.npz beside the model.
    pub fn input(&self, input: Option<&Path>) -> Result<Vec<ArrayD<f32>>> {
        let beside = || {
            let one = self.model.beside("input_0.npy");
            if one.exists() { one } else { self.model.beside("input_0.npz") }
        };
        let path = input.map_or_else(beside, Path::to_path_buf);
        if !path.exists() {
            bail!(
                "error[input]: {}: there is no such input; try: --input with an .npy or .npz file",
                path.display()
            );
        }
        Ok(model::samples(&self.model.graph, &path)?.remove(0))
    }
}

/// The first sample of `input`, or the golden one.
pub fn sample(artefact: &Artefact, input: Option<&Path>) -> Result<Vec<ArrayD<f32>>> {
    match input {
        None => Ok(artefact.golden.inputs.clone()),
        Some(path) if !path.exists() => bail!(
            "error[input]: {}: there is no such input; try: --input with an .npy or .npz file",
            path.display()
        ),
        Some(path) => Ok(model::samples(&artefact.interface, path)?.remove(0)),
    }
}

/// Refuses what the machine does not run.
fn deny_host(network: &Network, path: &Path) -> Result<()> {
    let Some(op) = network.host.first() else { return Ok(()) };
    let hint = if op.hint.is_empty() { String::new() } else { format!(", or {}", op.hint) };
    bail!(
        "error[compile]: {}: node {:?} ({}): {} operators are left to the host, this is the first: {}; try: \
         without --deny-host{hint}",
        path.display(),
        op.name,
        op.operator,
        network.host.len(),
        op.why
    )
}
