//! The Verilog of the machine, from its configuration.
//!
//! Every block is described once with the netlist builder of this crate (`build`); rust-hdl
//! simulates, checks and prints that description. No rust-hdl type appears in a public signature.
//!
//! ```text
//! registers          start, status, cycle counter, places of the programs, early end of a run
//! sequencer   (x 4)  fetch and issue of a unit        semaphores  what they wait for
//! engine      (x 2)  tile operations: the array, or the reducer, with gather and post unit
//! load, store        transfers                        transfer_walk  their lines as bursts
//! feature_memory     banks and pages between them
//! memory_port        arbiter and AXI4 master
//! top                all of it: module `tilewright`
//! axi_lite           the machine with another register port, around it: module `tilewright_axi_lite`
//! sdram              controller of a memory chip, beside it: module `sdram`
//! ```
//!
//! [`generate`] gives the Verilog, [`cosim`] runs programs on it.

pub mod axi_lite;
#[cfg(test)]
mod blocks;
pub mod board;
pub(crate) mod build;
#[cfg(test)]
pub(crate) mod check;
pub mod cosim;
pub(crate) mod dynsig;
pub(crate) mod emit;
pub(crate) mod engine;
pub(crate) mod feature_memory;
pub(crate) mod flat;
pub(crate) mod load;
pub(crate) mod memory_port;
pub(crate) mod registers;
mod sdram;
pub(crate) mod sequencer;
pub(crate) mod store;
mod technology;
pub(crate) mod top;
pub(crate) mod transfer_walk;

use thiserror::Error;
use tilewright_arch::sdram::Sdram;
use tilewright_arch::technology::Technology;

/// Verilog of the hard blocks that a technology's machines are written with, for simulation; empty where they
/// need none.
pub fn models(technology: Technology) -> &'static str {
    technology::models(technology)
}

/// A model of an SDR SDRAM in Verilog, module `sdram_chip`: it ends the simulation at the first command that its
/// datasheet forbids.
pub const SDRAM_CHIP: &str = include_str!("../sim/sdram_chip.v");

/// The chip in a module that has a clock, with the wires of its pins.
const CHIP: &str = include_str!("../sim/chip.v");

/// Verilog with [`SDRAM_CHIP`] and the wires of its pins in the place of the line `// CHIP`; the chip runs at the
/// machine's clock. Its sizes stand for `/*DATA_BITS*/` and the like, elsewhere in `text` too.
pub fn with_chip(text: &str, chip: &Sdram, config: &tilewright_arch::Config) -> String {
    let sizes = [
        ("DATA_BITS", chip.data_bits),
        ("BANK_BITS", chip.banks.trailing_zeros() as usize),
        ("ROW_BITS", chip.row_bits),
        ("COLUMN_BITS", chip.column_bits),
        ("CLOCK_PS", (1e6 / config.clock_mhz) as usize),
    ];
    let put =
        |text: String, (name, size): (&str, usize)| text.replace(&format!("/*{name}*/"), &size.to_string());
    sizes.into_iter().fold(text.replace("    // CHIP\n", CHIP), put)
}

/// Why no Verilog or no model came out.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration is not legal.
    #[error(transparent)]
    Config(#[from] tilewright_arch::config::ConfigError),
    /// The latency of the external memory is shorter than block memories have.
    #[error(
        "error[hdl]: a memory on the chip has a latency of {least} cycles or more; try: latency = {least}"
    )]
    Latency {
        /// The least.
        least: usize,
    },
    /// A board needs a memory that the machine does not have.
    #[error("error[hdl]: the machine has no SDRAM, the board has one; try: memory.port.sdram in board.toml")]
    Memory,
    /// A frequency that no dividers give.
    #[error(
        "error[hdl]: the clock's PLL cannot make {to} MHz of {from} MHz exactly; try: a multiple of {from} / 5"
    )]
    Clock {
        /// Of the oscillator, in megahertz.
        from: f64,
        /// Of the machine, in megahertz.
        to: f64,
    },
    /// rust-hdl's checks found something: an error of this crate.
    #[error("error[hdl]: the description of the machine is inconsistent: {0}")]
    Check(String),
    /// A file or folder could not be used.
    #[error("error[cosim]: {path}: {why}", path = path.display())]
    Io {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why. Part of the sentence, and so no source that is printed behind it once more.
        why: std::io::Error,
    },
    /// A program that co-simulation needs could not be started.
    #[error("error[cosim]: {program} cannot be started ({why}); try: apt-get install verilator g++ make")]
    Start {
        /// The program.
        program: String,
        /// Why. Part of the sentence, as above.
        why: std::io::Error,
    },
    /// A program that co-simulation needs failed.
    #[error("error[cosim]: {program} failed:\n{output}")]
    Tool {
        /// The program.
        program: String,
        /// The end of what it said.
        output: String,
    },
    /// The machine was not done in time.
    #[error("error[cosim]: not done after {cycles} cycles; last events: {last}")]
    Hangs {
        /// The limit.
        cycles: u64,
        /// The last issues and dones (unit number, cycle).
        last: String,
    },
    /// The program is not legal.
    #[error(transparent)]
    Program(#[from] tilewright_arch::program::ProgramError),
}

/// The Verilog of a machine: one module a block, the top module `tilewright` last.
///
/// # Errors
/// A machine that is not valid.
pub fn generate(config: &tilewright_arch::Config) -> Result<String, Error> {
    config.validate()?;
    Ok(head(config) + &emit::emit(&top::top(config))?)
}

/// The Verilog of a machine whose register port is an AXI4-Lite slave: as [`generate`], with the module
/// [`axi_lite::TOP`] around it, last.
///
/// # Errors
/// A machine that is not valid.
pub fn generate_axi_lite(config: &tilewright_arch::Config) -> Result<String, Error> {
    config.validate()?;
    Ok(head(config) + &emit::emit(&axi_lite::wrapper(config))?)
}

/// A port of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Whether the module drives it.
    pub output: bool,
    /// Its width.
    pub bits: usize,
}

/// The ports of the machine, in the order of its Verilog; with `axi_lite` those of [`generate_axi_lite`].
///
/// # Errors
/// A machine that is not valid.
pub fn ports(config: &tilewright_arch::Config, axi_lite: bool) -> Result<Vec<Port>, Error> {
    config.validate()?;
    let module = if axi_lite { axi_lite::wrapper(config) } else { top::top(config) };
    let clock = Port { name: "clock".into(), output: false, bits: 1 };
    let side = |ports: &[build::ModulePort], output| -> Vec<Port> {
        ports.iter().map(|p| Port { name: p.name.clone(), output, bits: p.width }).collect()
    };
    Ok([vec![clock], side(&module.inputs, false), side(&module.outputs, true)].concat())
}

/// The Verilog of module `sdram`, the controller of the configuration's SDR SDRAM; `None` without one.
///
/// # Errors
/// A machine that is not valid.
pub fn sdram(config: &tilewright_arch::Config) -> Result<Option<String>, Error> {
    config.validate()?;
    let Some(chip) = &config.memory.sdram else {
        return Ok(None);
    };
    Ok(Some(emit::emit(&sdram::sdram(config, chip))?))
}

/// Cycles for which `reset` has to be held when something runs, until the pipelines have emptied.
pub fn reset_cycles(config: &tilewright_arch::Config) -> u64 {
    let overhead = |unit| tilewright_arch::timing::overhead(unit, config);
    tilewright_arch::instr::Unit::ALL.into_iter().map(overhead).max().expect("there are units")
}

/// What a reader of the file has to know before the first module.
fn head(config: &tilewright_arch::Config) -> String {
    let cycles = reset_cycles(config);
    format!(
        "\
// Machine \"{name}\", written by Tilewright; the top module, tilewright, is the last one.
//
// Clock: one, `clock`, rising edge.
// Reset: `reset` is synchronous and active high. It clears what decides about sequences; pipelines and memories have
//   none and empty themselves. One cycle is enough after power-up, where all registers start at zero; when something
//   runs, reset the memory too and hold it for at least {cycles} cycles, or so long after the memory's last answer.
// Names: instruction_* are fields of an instruction; NAME_1, NAME_2, ... behind a register are later stages of it,
//   NAME_next_1, ... parts of the value that it takes next.

",
        name = config.name
    )
}
