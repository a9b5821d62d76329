//! From a board to its bitstream: Verilog through Yosys, nextpnr and ecppack, and what their reports say.
//!
//! A bitstream holds the machine, not the network: it is built once for each machine and board, and kept under a key
//! of everything that decides it.

mod device;
mod flow;
mod report;
pub mod tools;

pub use report::{Clock, CriticalPath, RouteReport, Used};

use crate::targets::Site;
use anyhow::{Context, Result, bail, ensure};
use device::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use tilewright_arch::Config;
use tilewright_hdl::board::Options;
use tools::Found;

/// Cycles after which a board drops a frame that stops in the middle: 0.17 s at 100 MHz.
const TIMEOUT_CYCLES: u32 = 1 << 24;
/// Digits of a build key.
const KEY_DIGITS: usize = 16;
/// How far a serial line's speed may be off, as a share of it.
const SPEED_TOLERANCE: f64 = 0.02;

/// What is built.
#[derive(Clone, Debug)]
pub struct Design {
    /// The board.
    pub site: Site,
    /// The machine.
    pub config: Config,
    /// All Verilog, the top module last.
    pub verilog: String,
    /// Name of the top module.
    pub top: &'static str,
    /// File and text of the script that takes it to the maker's program, where open tools do not go to the end.
    pub script: Option<(&'static str, String)>,
}

/// What came out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Built {
    /// Hash of Verilog, pins, options, seed and versions of the tools.
    pub key: String,
    /// Name of the board.
    pub board: String,
    /// Seed of placement; none where nothing was placed.
    pub seed: Option<u32>,
    /// Programs and their versions.
    pub tools: Vec<String>,
    /// What the place-and-route tool reports; the cells alone, before packing, where nothing was placed.
    pub report: RouteReport,
    /// Bytes of the bitstream; none where no open tool makes it of the netlist.
    pub bitstream_bytes: Option<u64>,
    /// Seconds of synthesis (0 where another seed's netlist served), of placing and routing, and of packing.
    pub seconds: [f64; 3],
}

impl Design {
    /// The design of a machine on a board.
    ///
    /// # Errors
    /// A board without a top; a machine that does not fit it; a serial speed that is not said, or cannot be made; a clock
    /// that cannot be made.
    pub fn new(site: Site, config: Config) -> Result<Design> {
        let board = &site.board;
        let Some(top) = board.top else {
            bail!(
                "error[build]: the board {} has no top module yet; try: one of those that `tilewright targets` lists, or \
                 module board_core of generate --board in a top of your own",
                site.name
            );
        };
        ensure!(
            config.technology == board.technology && config.memory == board.memory.port,
            "error[build]: the machine {} is not written for the memory and the technology of {}; try: compile with \
             --target {}",
            config.name,
            site.name,
            site.name
        );
        let clock_hz = config.clock_mhz * 1e6;
        let options = Options {
            clock_hz: clock_hz as u32,
            divider: if top.has_link() { divider(&site, clock_hz)? } else { 1 },
            memory_bytes: u32::try_from(board.memory.bytes)
                .context("error[build]: memory.bytes is above 4 GiB")?,
            timeout_cycles: TIMEOUT_CYCLES,
        };
        let verilog = top.verilog(&config, board.clock.mhz, &options)?;
        let part = format!("{}{}-{}", board.device, board.package, board.speed_grade).to_lowercase();
        let script = top.script(&config, &part);
        Ok(Design { site, config, verilog, top: top.name(), script })
    }

    fn device(&self) -> Result<Device> {
        let name = &self.site.board.device;
        Device::find(name).with_context(|| {
            format!("error[build]: {name} is no device that is known here; try: {}", Device::names())
        })
    }

    /// The key of everything that decides the bitstream; `synthesis` is the script for Yosys.
    fn key(&self, seed: u32, synthesis: &str, tools: &[&Found]) -> String {
        let board = &self.site.board;
        let device = format!("{} {} {} seed {seed}", board.device, board.package, board.speed_grade);
        let versions = tools.iter().map(|tool| tool.version.as_str()).collect::<String>();
        hash(&[&self.verilog, &self.site.pins, synthesis, &device, &versions])
    }

    /// The key of everything that decides the netlist.
    fn netlist_key(&self, synthesis: &str, yosys: &Found) -> String {
        hash(&[&self.verilog, synthesis, &yosys.version])
    }

    /// Name of the file of pins in a folder of [`Design::build`].
    pub fn pins_file(&self) -> String {
        let extension = Path::new(&self.site.board.pins).extension().unwrap_or_default();
        format!("pins.{}", extension.to_string_lossy())
    }

    /// Name of the bitstream in a folder of [`Design::build`].
    pub fn bitstream(&self) -> String {
        format!("{}.bit", self.top)
    }
}

impl Built {
    /// Clocks that do not reach what is wanted of them.
    pub fn slow(&self) -> impl Iterator<Item = &Clock> {
        self.report.clocks.iter().filter(|clock| clock.reached_mhz < clock.wanted_mhz)
    }

    /// Whether every clock reaches what is wanted of it.
    pub fn reached(&self) -> bool {
        self.slow().next().is_none()
    }

    /// What the slowest clock reaches, as a share of what is wanted of it.
    fn share(&self) -> f64 {
        self.report
            .clocks
            .iter()
            .map(|clock| clock.reached_mhz / clock.wanted_mhz)
            .fold(f64::INFINITY, f64::min)
    }
}

/// Cycles of a bit on a board's serial line.
fn divider(site: &Site, clock_hz: f64) -> Result<usize> {
    let Some(serial) = &site.board.serial else {
        bail!(
            "error[build]: the board {} says no speed of its serial line; try: [serial] with baud in board.toml",
            site.name
        );
    };
    let divider = (clock_hz / f64::from(serial.baud)).round().max(2.0);
    let off = (clock_hz / divider / f64::from(serial.baud) - 1.0).abs();
    ensure!(
        off <= SPEED_TOLERANCE,
        "error[build]: {} MHz make no serial line of {} bits a second: {:.1} % off; try: another serial.baud",
        clock_hz / 1e6,
        serial.baud,
        100.0 * off
    );
    Ok(divider as usize)
}

/// A key of texts: the first digits of a hash of all, told apart.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    digits[..KEY_DIGITS].to_owned()
}
