//! A board's core under Verilator behind the bytes of its serial line: what a host cannot tell from a board but by
//! its speed.

use super::{CORE, Options, on_chip};
use crate::cosim::{self, Model};
use crate::{Error, technology};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tilewright_arch::Config;

const HARNESS: &str = include_str!("../../cosim/line.cpp");
/// A board that has had nothing to do for so many time-outs has nothing left to do.
const PATIENCE: u64 = 3;

/// A built model of a board's core.
#[derive(Clone, Debug)]
pub struct SimulatedBoard {
    model: Model,
    options: Options,
}

impl SimulatedBoard {
    /// Builds the model of a core with memory on the chip in a sub-folder of `cache`, or finds it there.
    ///
    /// # Errors
    /// As [`on_chip`]; a folder that cannot be written; Verilator or a compiler that is missing or fails.
    pub fn build(config: &Config, options: &Options, cache: &Path) -> Result<SimulatedBoard, Error> {
        let verilog = on_chip(config, options)? + technology::models(config.technology);
        let model = Model::build(CORE, &[("board.v", &verilog)], HARNESS, cache)?;
        Ok(SimulatedBoard { model, options: *options })
    }

    /// [`SimulatedBoard::build`] in the folder of [`cosim::cache`].
    ///
    /// # Errors
    /// As [`SimulatedBoard::build`].
    pub fn cached(config: &Config, options: &Options) -> Result<SimulatedBoard, Error> {
        SimulatedBoard::build(config, options, &cosim::cache())
    }

    /// How it was made.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Switches it on: a process whose standard input and output are the two directions of the line. It ends when
    /// its input does.
    ///
    /// # Errors
    /// A process that cannot be started.
    pub fn start(&self) -> Result<Child, Error> {
        let mut command = Command::new(self.model.binary());
        command.arg(self.options.divider.to_string());
        command.arg((PATIENCE * u64::from(self.options.timeout_cycles)).to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
            .spawn()
            .map_err(|source| Error::Start { program: self.model.binary().display().to_string(), source })
    }
}
