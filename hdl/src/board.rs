//! What is around the machine on a board: the host link, external memory, and both together with the machine.
//!
//! ```text
//! serial line -- uart_receive, uart_send -- host_link --+-- register port -- machine --+
//!                                                       +--------- memory_switch ------+-- memory
//! ```
//!
//! Any module with the ports of [`memory_inputs`] and [`memory_outputs`] is a memory; what other ports it has, such as
//! pins, are the core's.

mod core;
mod link;
mod memory_switch;
mod on_chip_memory;
mod simulated;
mod tops;
mod uart;

pub use simulated::SimulatedBoard;
pub use tops::Top;

use crate::build::Module;
use crate::transfer_walk::Bus;
use crate::{Error, emit, sdram};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::link::Identity;
use tilewright_arch::technology::Technology;

/// Name of the module of machine, host link and memory.
pub const CORE: &str = "board_core";

/// Output of a memory: the run that was asked for with `start_request` begins in this cycle.
pub(crate) const MEMORY_START: &str = "start";

/// Inputs of a memory, with their widths: what the machine's AXI4 master shows, and the request of a start, for one
/// cycle in which nothing is under way.
pub(crate) fn memory_inputs(bus: &Bus) -> [(&'static str, usize); 19] {
    [
        ("start_request", 1),
        ("axi_arvalid", 1),
        ("axi_araddr", 32),
        ("axi_arlen", 8),
        ("axi_arsize", 3),
        ("axi_arburst", 2),
        ("axi_arid", 1),
        ("axi_rready", 1),
        ("axi_awvalid", 1),
        ("axi_awaddr", 32),
        ("axi_awlen", 8),
        ("axi_awsize", 3),
        ("axi_awburst", 2),
        ("axi_awid", 1),
        ("axi_wvalid", 1),
        ("axi_wdata", 8 * bus.bytes),
        ("axi_wstrb", bus.bytes),
        ("axi_wlast", 1),
        ("axi_bready", 1),
    ]
}

/// Outputs of a memory: `ready` once it has been initialised, the start of a run, and what answers the master.
pub(crate) const MEMORY_OUTPUTS: [&str; 11] = [
    "ready",
    MEMORY_START,
    "axi_arready",
    "axi_rvalid",
    "axi_rdata",
    "axi_rresp",
    "axi_rlast",
    "axi_awready",
    "axi_wready",
    "axi_bvalid",
    "axi_bresp",
];

/// How a board's core is made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// Frequency of its clock.
    pub clock_hz: u32,
    /// Cycles of a bit on the serial line, at least 2.
    pub divider: usize,
    /// Bytes of external memory, a power of two.
    pub memory_bytes: u32,
    /// Cycles after which a frame that stops in the middle is dropped, a power of two.
    pub timeout_cycles: u32,
}

impl Options {
    /// What the board says of itself.
    pub fn identity(&self, config: &Config) -> Identity {
        Identity {
            version: tilewright_arch::link::VERSION,
            bus_bytes: config.memory.bus_bytes as u8,
            most_bytes: tilewright_arch::link::MOST_BYTES as u16,
            isa: tilewright_arch::isa::key(config),
            timing: tilewright_arch::link::timing_key(config),
            memory_bytes: self.memory_bytes,
            clock_hz: self.clock_hz,
            timeout_cycles: self.timeout_cycles,
        }
    }
}

/// The core of a board whose memory is on the chip, in [`Technology::Portable`] form, as Verilog; module [`CORE`] is
/// the last one. Cycles on it are the simulator's for memories of a fixed latency.
///
/// # Errors
/// A machine that is not valid; a latency that block memories cannot have.
pub fn on_chip(config: &Config, options: &Options) -> Result<String, Error> {
    config.validate()?;
    if config.memory.latency < on_chip_memory::LEAST_LATENCY {
        return Err(Error::Latency { least: on_chip_memory::LEAST_LATENCY });
    }
    let memory = on_chip_memory::on_chip_memory(config, options.memory_bytes as usize, Technology::Portable);
    Ok(crate::head(config) + &emit::emit(&core::core(config, &memory, options))?)
}

/// The core of a board with the configuration's SDRAM, as Verilog; module [`CORE`] is the last one. Cycles on it are
/// the simulator's.
///
/// # Errors
/// A machine that is not valid or has no SDRAM.
pub fn with_sdram(config: &Config, options: &Options) -> Result<String, Error> {
    Ok(crate::head(config) + &emit::emit(&sdram_core(config, options)?)?)
}

fn sdram_core(config: &Config, options: &Options) -> Result<Arc<Module>, Error> {
    config.validate()?;
    let chip = config.memory.sdram.as_ref().ok_or(Error::Memory)?;
    Ok(core::core(config, &sdram::sdram(config, chip), options))
}
