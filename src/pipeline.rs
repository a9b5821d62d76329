//! From a model to programs, in one call.

use crate::model::Model;
use anyhow::Result;
use ndarray::ArrayD;
use std::fmt;
use tilewright_arch::Config;
use tilewright_compiler::network::{Network, Stage};
use tilewright_compiler::quantise;
use tilewright_compiler::schedule::{self, Schedule};
use tilewright_sim::Fault;

/// A network compiled for a machine.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The quantised network.
    pub network: Network,
    /// Program and plan of each stage; none for the host's.
    pub schedules: Vec<Option<Schedule>>,
    /// The machine.
    pub config: Config,
}

/// A program that breaks the rules of the machine: whatever the model, the compiler should not have made it.
#[derive(Clone, PartialEq, Debug)]
pub struct Defect(pub Fault);

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.0.to_string();
        let fault = fault.strip_prefix("error[sim]: ").unwrap_or(&fault);
        write!(
            f,
            "error[compile]: the program that was made is wrong: {fault}; this is a defect of the compiler; try: \
             report it with the model"
        )
    }
}

impl std::error::Error for Defect {}

/// Quantises with `calibration` and compiles for `config`.
///
/// # Errors
/// As [`quantise::run`] and [`Compiled::new`].
pub fn compile(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &quantise::Options,
    config: &Config,
) -> Result<Compiled> {
    let network = quantise::run(&model.graph, calibration, options)?;
    Compiled::new(network, config)
}

/// The schedule of `schedules` that takes the fewest cycles; the first of equals.
fn fastest(
    schedules: impl Iterator<Item = tilewright_compiler::error::Result<Schedule>>,
) -> Result<Schedule> {
    let mut best: Option<(u64, Schedule)> = None;
    for schedule in schedules {
        let schedule = schedule?;
        let cycles = tilewright_sim::time(&schedule.program, false).map_err(Defect)?.cycles;
        if best.as_ref().is_none_or(|(least, _)| cycles < *least) {
            best = Some((cycles, schedule));
        }
    }
    Ok(best.expect("there is at least one candidate").1)
}

impl Compiled {
    /// Compiles every stage of the machine.
    ///
    /// # Errors
    /// A node that does not fit the machine; a [`Defect`].
    pub fn new(network: Network, config: &Config) -> Result<Compiled> {
        Compiled::watched(network, config, &|_, _| ())
    }

    /// [`Compiled::new`], telling `watch` how many plans have been compiled, and of how many.
    ///
    /// # Errors
    /// As [`Compiled::new`].
    pub fn watched(network: Network, config: &Config, watch: quantise::Watch) -> Result<Compiled> {
        let candidates = |stage: &Stage| match stage {
            Stage::Machine { graph, .. } => schedule::candidates(graph, config).map(Some),
            Stage::Host { .. } => Ok(None),
        };
        let stages: Vec<_> =
            network.stages.iter().map(candidates).collect::<tilewright_compiler::error::Result<_>>()?;
        let total = stages.iter().flatten().map(ExactSizeIterator::len).sum();
        let mut done = 0;
        let mut schedules = Vec::with_capacity(stages.len());
        for plans in stages {
            let counted = |plan| {
                done += 1;
                watch(done, total);
                plan
            };
            schedules.push(plans.map(|plans| fastest(plans.map(counted))).transpose()?);
        }
        Ok(Compiled { network, schedules, config: config.clone() })
    }

    /// Checks that the programs break no rule of the machine, for any input: every field is legal, nothing is
    /// read before it is written, no two instructions meet in a port or in a byte without an order.
    ///
    /// # Errors
    /// A [`Defect`], with the instruction and its layer.
    pub fn check(&self) -> Result<()> {
        self.programs().try_for_each(|(_, s)| Ok(tilewright_sim::check(&s.program).map_err(Defect)?))
    }

    /// The programs with the numbers of their stages.
    pub fn programs(&self) -> impl Iterator<Item = (usize, &Schedule)> {
        self.schedules.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?)))
    }
}

/// External memory before a program starts: constants, instructions and input bytes.
///
/// # Errors
/// A program whose instructions do not fit their fields.
pub fn memory(schedule: &Schedule, inputs: &[Vec<i8>]) -> Result<Vec<u8>> {
    let program = &schedule.program;
    let mut memory = program.image()?;
    for (port, bytes) in program.inputs.iter().zip(inputs) {
        let start = port.address as usize;
        for (place, byte) in memory[start..].iter_mut().zip(bytes) {
            *place = *byte as u8;
        }
    }
    Ok(memory)
}

/// The output bytes in external memory after a program's end.
pub fn outputs(schedule: &Schedule, memory: &[u8]) -> Vec<Vec<i8>> {
    let ports = schedule.program.outputs.iter();
    ports
        .map(|port| {
            let start = port.address as usize;
            memory[start..start + port.bytes()].iter().map(|&b| b as i8).collect()
        })
        .collect()
}
