//! A board's core under Verilator behind the bytes of its serial line: what a host cannot tell from a board but by
//! its speed.

use super::{CORE, Options, on_chip, with_sdram};
use crate::cosim::{self, VerilatedModel};
use crate::{Error, SDRAM_CHIP, technology, with_chip};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tilewright_arch::Config;

const HARNESS: &str = include_str!("../../cosim/line.cpp");
/// The core with its SDRAM chip.
const BOARD: &str = include_str!("../../sim/board.v");
/// A board that has had nothing to do for so many time-outs has nothing left to do.
const PATIENCE: u64 = 3;

/// A built model of a board's core.
#[derive(Clone, Debug)]
pub struct SimulatedBoard {
    model: VerilatedModel,
    options: Options,
}

impl SimulatedBoard {
    /// Builds the model of a core in a sub-folder of `cache`, or finds it there: with a model of the configuration's
    /// SDRAM where it has one, else with memory on the chip.
    ///
    /// # Errors
    /// As [`on_chip`] and [`with_sdram`]; a folder that cannot be written; Verilator or a compiler that is missing or fails.
    pub fn build(config: &Config, options: &Options, cache: &Path) -> Result<SimulatedBoard, Error> {
        let mut verilog = technology::models(config.technology).to_owned();
        let top = match &config.memory.sdram {
            Some(chip) => {
                verilog += SDRAM_CHIP;
                verilog += &with_sdram(config, options)?;
                verilog += &with_chip(BOARD, chip, config);
                "board"
            }
            None => {
                verilog += &on_chip(config, options)?;
                CORE
            }
        };
        let model =
            VerilatedModel::build(top, &["--prefix", "Vboard"], &[("board.v", &verilog)], HARNESS, cache)?;
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
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().map_err(|why| Error::Io { path: self.model.binary().to_path_buf(), why })
    }
}
