//! What a program does with a compiled network: load it, run it, verify it, ask for its layers and its trace. Plain
//! data and typed errors; what is said here stays as it is while the schema of artefacts does.
//!
//! ```no_run
//! use tilewright::net::Net;
//!
//! let net = Net::load("net.tw")?;
//! let run = net.run(net.sample())?;
//! println!("{} cycles, output {:?}", run.cycles, run.outputs[0]);
//! # Ok::<(), tilewright::net::Error>(())
//! ```

use crate::artefact::{self, Artefact};
pub use crate::artefact::{Input, Layer, LayerReport, Output, Place};
use crate::proof;
pub use crate::proof::Proof;
/// What inputs and outputs are arrays of, in the version that is meant.
pub use ndarray;
use ndarray::ArrayD;
use std::path::Path;
pub use tilewright_compiler::error::{Error, Report, Result};
pub use tilewright_timing::stats::{LayerCycles, TraceLine};

/// A compiled network.
#[derive(Clone, Debug)]
pub struct Net(Artefact);

/// One inference in the simulator.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// The network's outputs, in the order of [`Net::outputs`].
    pub outputs: Vec<ArrayD<f32>>,
    /// Cycles of the machine, all stages together.
    pub cycles: u64,
    /// Multiply-accumulates a cycle, over those of an array that is always busy (0..=1).
    pub utilisation: f64,
    /// Bytes read from external memory and written to it.
    pub bytes: [u64; 2],
    /// Cycles, multiply-accumulates and bytes of every layer by its id, in the order of the programs.
    pub layers: Vec<LayerReport>,
}

/// When the instructions of a stage ran.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// Its number among the stages of machine and host.
    pub stage: usize,
    /// An instruction each, by unit; its layer and the stage are a pair of [`Layer::programs`].
    pub lines: Vec<TraceLine>,
}

impl Net {
    /// Reads an artefact, a folder or a pack.
    ///
    /// # Errors
    /// What is not there, was not written by `compile`, or has changed since: the report names the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Net> {
        Ok(Net(Artefact::read(path.as_ref())?))
    }

    /// The inputs: names, extents, and where and how the machine reads them.
    pub fn inputs(&self) -> &[Input] {
        &self.0.manifest.inputs
    }

    /// The outputs: names, extents, and where and how the machine leaves them.
    pub fn outputs(&self) -> &[Output] {
        &self.0.manifest.outputs
    }

    /// The machine's operations, by the id that everything else names them by.
    pub fn layers(&self) -> &[Layer] {
        &self.0.manifest.layers
    }

    /// The inputs of the golden sample.
    pub fn sample(&self) -> &[ArrayD<f32>] {
        &self.0.golden.inputs
    }

    /// Runs one input of the network, an array for each of [`Net::inputs`], of its extents.
    ///
    /// # Errors
    /// Arrays of another number or other extents; an operator of the host that cannot run.
    pub fn run(&self, inputs: &[ArrayD<f32>]) -> Result<Run> {
        self.fits(inputs)?;
        let simulated = proof::simulate(&self.0.compiled, inputs).map_err(typed)?;
        let report = simulated.report;
        Ok(Run {
            outputs: simulated.outputs,
            cycles: report.cycles,
            utilisation: report.utilisation,
            bytes: [report.external.read_bytes, report.external.write_bytes],
            layers: artefact::reports(&self.0.compiled, self.layers(), &report),
        })
    }

    /// Holds source, integers and simulator against each other on one input; without a source, which may have been
    /// left out, the last two.
    ///
    /// # Errors
    /// As [`Net::run`]. What does not hold is no error: [`Proof::holds`] says it.
    pub fn verify(&self, inputs: &[ArrayD<f32>]) -> Result<Proof> {
        self.fits(inputs)?;
        let options = proof::Options::default();
        let walked = match &self.0.model {
            Some(model) => proof::verify(model, &self.0.compiled, inputs, &options),
            None => proof::verify_integers(&self.0.compiled, inputs, &options),
        };
        Ok(walked.map_err(typed)?.0)
    }

    /// When each instruction ran, which is the same for every input.
    ///
    /// # Errors
    /// A program that breaks a rule of the machine, which an artefact of `compile` does not have.
    pub fn trace(&self) -> Result<Vec<Trace>> {
        let stage = |(stage, schedule): (usize, &tilewright_compiler::schedule::Schedule)| {
            let report = tilewright_timing::time(&schedule.program, true);
            let report = report.map_err(|fault| Error::defect("run", fault))?;
            Ok(Trace { stage, lines: report.trace.unwrap_or_default() })
        };
        self.0.compiled.programs().map(stage).collect()
    }

    fn fits(&self, inputs: &[ArrayD<f32>]) -> Result<()> {
        let wanted = self.inputs();
        if inputs.len() != wanted.len() {
            let message =
                format!("{} arrays are given, the network has {} inputs", inputs.len(), wanted.len());
            return Err(Error::new("run", message).hint("an array for each input"));
        }
        match wanted.iter().zip(inputs).find(|(want, got)| want.shape != got.shape()) {
            None => Ok(()),
            Some((want, got)) => {
                let message = format!(
                    "input {:?} has extents {:?}, this array {:?}",
                    want.name,
                    want.shape,
                    got.shape()
                );
                Err(Error::new("run", message).hint("an array of those extents"))
            }
        }
    }
}

/// The error that the layers below have told in full.
fn typed(error: anyhow::Error) -> Error {
    error.downcast().unwrap_or_else(|other| Error::defect("run", format!("{other:#}")))
}
