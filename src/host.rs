//! The host of a board: the bytes of its serial line, requests and answers, and a network that runs on it.
//!
//! `docs/host.md` describes the protocol. The same code drives a board and its simulation
//! ([`tilewright_hdl::board::SimulatedBoard`]): they differ in the [`SerialLine`] alone.

mod frame;
mod line;
mod link;
mod serial;
mod session;

pub use frame::{RequestFrame, answers, request};
pub use line::{Pipes, SerialLine};
pub use link::{Link, LinkError};
pub use session::{Frame, Loaded, Session, StageRun};

use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use tilewright_arch::Config;
use tilewright_hdl::board::{Options, SimulatedBoard};

/// Cycles of a bit on the line of a simulated board: as few as the line works with.
const DIVIDER: usize = 2;
/// Its time-out for frames.
const TIMEOUT_CYCLES: u32 = 1 << 13;
/// Its least memory, so that most networks share a model.
const LEAST_BYTES: u64 = 1 << 20;
/// How long an answer of it is waited for: it does some hundred thousand cycles a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// Builds the simulation of a board with a machine and its SDRAM, or, where it has none, so much memory on the chip,
/// whose timing is that of the machine's configuration; needs Verilator. It is kept in the folder of built models.
///
/// # Errors
/// As [`SimulatedBoard::cached`].
pub fn simulated(config: &Config, memory_bytes: u64) -> Result<SimulatedBoard> {
    let on_chip = memory_bytes.max(LEAST_BYTES).next_power_of_two();
    let memory_bytes = config.memory.sdram.as_ref().map_or(on_chip, |chip| chip.bytes());
    let options = Options {
        clock_hz: (config.clock_mhz * 1e6) as u32,
        divider: DIVIDER,
        memory_bytes: u32::try_from(memory_bytes)?,
        timeout_cycles: TIMEOUT_CYCLES,
    };
    Ok(SimulatedBoard::cached(config, &options)?)
}

/// Switches a simulated board on.
///
/// # Errors
/// A process that cannot be started.
pub fn switch_on(board: &SimulatedBoard) -> Result<Link<Pipes>> {
    Ok(Link::new(Pipes::of_process(board.start()?)?).patient(PATIENCE))
}

/// Bits a second of a board's serial line: what its bitstream is built for and what the bridge of a ULX3S can do.
pub const BAUD: u32 = 3_000_000;

/// A board at a serial port.
///
/// # Errors
/// What cannot be opened, is no serial port, or does not know the speed.
pub fn serial(path: &Path, baud: u32) -> Result<Link<Pipes>> {
    Ok(Link::new(serial::open(path, baud)?))
}
