//! From a model to a program, in one call.

use crate::model::Model;
use anyhow::Result;
use ndarray::ArrayD;
use tilewright_arch::Config;
use tilewright_compiler::fixed::FixedGraph;
use tilewright_compiler::schedule::{self, Schedule};
use tilewright_compiler::{quantise, reference};

/// A network compiled for a machine.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The quantised network.
    pub fixed: FixedGraph,
    /// Program and plan.
    pub schedule: Schedule,
}

/// Quantises with `calibration` and compiles for `config`.
pub fn compile(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &quantise::Options,
    config: &Config,
) -> Result<Compiled> {
    let fixed = quantise::run(&model.graph, calibration, options)?;
    let schedule = fastest(&fixed, config)?;
    Ok(Compiled { fixed, schedule })
}

/// The schedule that takes the fewest cycles; the first of equals.
pub fn fastest(fixed: &FixedGraph, config: &Config) -> Result<Schedule> {
    let mut best: Option<(u64, Schedule)> = None;
    for schedule in schedule::candidates(fixed, config)? {
        let cycles = tilewright_sim::time(&schedule.program, false)?.cycles;
        if best.as_ref().is_none_or(|(least, _)| cycles < *least) {
            best = Some((cycles, schedule));
        }
    }
    Ok(best.expect("there is at least one candidate").1)
}

impl Compiled {
    /// External memory before the start: constants, instructions and the inputs as bytes.
    pub fn memory(&self, inputs: &[ArrayD<f32>]) -> Result<Vec<u8>> {
        let program = &self.schedule.program;
        let mut memory = program.image()?;
        for (port, bytes) in program.inputs.iter().zip(reference::quantise_inputs(&self.fixed, inputs)?) {
            let start = port.address as usize;
            for (place, byte) in memory[start..].iter_mut().zip(bytes) {
                *place = byte as u8;
            }
        }
        Ok(memory)
    }

    /// The outputs of the machine in external memory after the end.
    pub fn outputs(&self, memory: &[u8]) -> Vec<Vec<i8>> {
        let ports = self.schedule.program.outputs.iter();
        ports
            .map(|port| {
                let start = port.address as usize;
                memory[start..start + port.bytes()].iter().map(|&b| b as i8).collect()
            })
            .collect()
    }
}
