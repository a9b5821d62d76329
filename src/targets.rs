//! Machines: boards by name or folder, arrays by size, configurations from files.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::path::Path;
use tilewright_arch::Config;
use tilewright_arch::config::{ConfigError, Memory};
use tilewright_arch::technology::Technology;
use tilewright_compiler::error::{self, Error};
use tilewright_compiler::files;
use tilewright_hdl::board::Top;

/// A board: a folder with `board.toml`, which this is, and `machine.toml`, the machine that suits it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// What it is, in a line.
    pub about: String,
    /// The FPGA, as its maker writes it.
    pub device: String,
    /// Its package.
    pub package: String,
    /// Its speed grade.
    pub speed_grade: u8,
    /// What its hard blocks are.
    pub technology: Technology,
    /// File of pin constraints, from the board's folder.
    pub pins: String,
    /// The top module that its pins belong to; none where there is none yet.
    #[serde(default)]
    pub top: Option<Top>,
    /// The oscillator.
    pub clock: Oscillator,
    /// The serial line to a host, if it has one.
    #[serde(default)]
    pub serial: Option<Serial>,
    /// External memory.
    pub memory: BoardMemory,
}

/// An oscillator on a board.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oscillator {
    /// Its port in the file of pins.
    pub port: String,
    /// Its frequency.
    pub mhz: f64,
}

/// A serial line on a board.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serial {
    /// Bits a second.
    pub baud: u32,
}

/// External memory on a board.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardMemory {
    /// What it is, such as `sdr-sdram`.
    pub kind: String,
    /// Its size.
    pub bytes: u64,
    /// Bits of its data pins.
    pub data_bits: usize,
    /// Whether single bytes of a write can be left out.
    pub masks_bytes: bool,
    /// How the machine sees it: [`Config::memory`].
    pub port: Memory,
}

/// A board that the project knows.
#[derive(Clone, Copy, Debug)]
pub struct KnownBoard {
    /// Name on the command line: that of its folder.
    pub name: &'static str,
    board: &'static str,
    machine: &'static str,
    pins: &'static str,
}

/// A board with its machine and its pins.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    /// Name of the board: of its folder.
    pub name: String,
    /// What it is.
    pub board: Board,
    /// The machine that suits it.
    pub machine: Config,
    /// Its pin constraints, as the place-and-route tool reads them.
    pub pins: String,
}

macro_rules! target {
    ($name:literal, $pins:literal) => {
        KnownBoard {
            name: $name,
            board: include_str!(concat!("../constraints/", $name, "/board.toml")),
            machine: include_str!(concat!("../constraints/", $name, "/machine.toml")),
            pins: include_str!(concat!("../constraints/", $pins)),
        }
    };
}

/// All targets; the first is the default.
pub const TARGETS: &[KnownBoard] = &[
    target!("ulx3s-85f", "ulx3s-85f/pins.lpf"),
    target!("ulx3s-25f", "ulx3s-85f/pins.lpf"),
    target!("colorlight-i5", "colorlight-i5/pins.lpf"),
    target!("colorlight-i9", "colorlight-i9/pins.lpf"),
    target!("arty-a7-35", "arty-a7-35/pins.xdc"),
    target!("pynq-z2", "pynq-z2/pins.xdc"),
];

impl Board {
    /// Reads `board.toml`.
    ///
    /// # Errors
    /// Text that is no TOML, a field that is missing or not known.
    pub fn from_toml(text: &str) -> error::Result<Board> {
        toml::from_str(text).map_err(|e| Error::new("config", e.to_string()))
    }

    /// The machine of `machine.toml` on this board: technology and external memory are the board's.
    ///
    /// # Errors
    /// A machine that says them itself, is not valid, or has not as many bytes a beat as the memory can give.
    pub fn machine(&self, text: &str) -> error::Result<Config> {
        let config = Config::from_toml(text).map_err(refused)?;
        let own = Config::sized(config.lanes, config.columns);
        if (config.technology, &config.memory) != (own.technology, &own.memory) {
            let message = "technology and memory are those of board.toml";
            return Err(Error::new("config", message).hint("leave them out of machine.toml"));
        }
        let config = Config { technology: self.technology, memory: self.memory.port.clone(), ..config };
        config.validate().map_err(refused)?;
        Ok(config)
    }
}

impl KnownBoard {
    /// The board.
    ///
    /// # Errors
    /// None: a test reads them all.
    pub fn board(&self) -> Result<Board> {
        Ok(Board::from_toml(self.board)?)
    }

    /// The machine.
    ///
    /// # Errors
    /// As [`KnownBoard::board`].
    pub fn machine(&self) -> Result<Config> {
        Ok(self.board()?.machine(self.machine)?)
    }
}

/// The machine that the options name: a target or a board's folder, an array size such as `7x11`, or a
/// TOML file; the first target without any.
///
/// # Errors
/// A target that is not known, a size that is none, a file that cannot be read or is not valid.
pub fn resolve(target: Option<&str>, array: Option<&str>, file: Option<&Path>) -> Result<Config> {
    if let Some(path) = file {
        let config = Config::from_toml(&read(path)?);
        return Ok(config.map_err(|e| refused(e).file(path.display().to_string()))?);
    }
    if let Some(size) = array {
        let sides = size.split_once('x').and_then(|(p, c)| Some((p.parse().ok()?, c.parse().ok()?)));
        let Some((lanes, columns)) = sides else {
            bail!("error[config]: array {size:?} is not a size; try: LANESxCOLUMNS such as 9x16");
        };
        let config = Config::sized(lanes, columns);
        config.validate()?;
        return Ok(config);
    }
    let name = target.unwrap_or(TARGETS[0].name);
    if let Some(target) = TARGETS.iter().find(|t| t.name == name) {
        return target.machine();
    }
    Ok(folder_site(name)?.1)
}

/// Whether a target is known by its name, and is no board's folder.
pub fn is_known(name: &str) -> bool {
    TARGETS.iter().any(|target| target.name == name)
}

/// The board of a target, or of a board's folder, with its pins.
///
/// # Errors
/// A target that is not known, files that cannot be read or are not valid.
pub fn site(name: &str) -> Result<Site> {
    if let Some(target) = TARGETS.iter().find(|t| t.name == name) {
        let (board, machine) = (target.board()?, target.machine()?);
        return Ok(Site { name: name.to_owned(), board, machine, pins: target.pins.to_owned() });
    }
    let (board, machine) = folder_site(name)?;
    let pins = read(&Path::new(name).join(&board.pins))?;
    let folder = std::path::absolute(name)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Site { name, board, machine, pins })
}

/// Board and machine of a folder.
fn folder_site(name: &str) -> Result<(Board, Config)> {
    let folder = Path::new(name);
    if folder.join("board.toml").is_file() {
        let place = |file: &str| folder.join(file);
        let board = place("board.toml");
        let board = Board::from_toml(&read(&board)?).map_err(|e| e.file(board.display().to_string()))?;
        let file = place("machine.toml");
        let machine = board.machine(&read(&file)?).map_err(|e| e.file(file.display().to_string()))?;
        return Ok((board, machine));
    }
    let known: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
    bail!(
        "error[config]: there is no target {name:?}; try: one of {}, or a folder with board.toml and machine.toml",
        known.join(", ")
    );
}

/// What is wrong with a machine, before anybody has said where it stands.
fn refused(error: ConfigError) -> Error {
    Error::new("config", error.message())
}

fn read(path: &Path) -> Result<String> {
    files::read_text(path).with_context(|| format!("error[config]: {} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_legal_and_named_after_itself() {
        for target in TARGETS {
            let config = resolve(Some(target.name), None, None).unwrap();
            assert_eq!(config.name, target.name);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("constraints").join(target.name);
            assert_eq!(resolve(folder.to_str(), None, None).unwrap(), config);
            let board = target.board().unwrap();
            assert_eq!((config.technology, &config.memory), (board.technology, &board.memory.port));
            // A beat of the port takes whole beats of the chip.
            assert!((8 * config.memory.bus_bytes).is_multiple_of(board.memory.data_bits));
            let chip =
                config.memory.sdram.as_ref().map(|chip| (chip.bytes(), chip.data_bits, chip.byte_masks));
            let memory = &board.memory;
            let said = (memory.bytes, memory.data_bits, memory.masks_bytes);
            assert_eq!(chip, (memory.kind == "sdr-sdram").then_some(said));
            let pins = std::fs::read_to_string(folder.join(&board.pins)).unwrap();
            let site = site(target.name).unwrap();
            assert_eq!((&site.pins, &site.machine), (&pins, &config));
            assert_eq!(super::site(folder.to_str().unwrap()).unwrap(), site);
            let Oscillator { port, mhz } = &board.clock;
            let frequency = if board.pins.ends_with(".lpf") {
                format!("FREQUENCY PORT \"{port}\" {mhz} MHZ")
            } else {
                format!("create_clock -period {:.3} [get_ports {port}]", 1000.0 / mhz)
            };
            assert!(pins.contains(&frequency), "{frequency}");
        }
    }

    /// Figures of the chips that the ULX3S has been sold with, in ns, the largest of all: tRCD, tRP, tRAS, tRC, tRFC,
    /// tWR, tMRD; the period of 8192 refreshes and the pause after power-up.
    #[test]
    fn the_memory_of_an_ulx3s_has_its_time() {
        let least = [21.0, 21.0, 45.0, 67.5, 70.0, 15.0, 15.0];
        let (period, pause) = (64e6 / 8192.0, 200e3);
        for target in TARGETS {
            let config = target.machine().unwrap();
            let Some(chip) = config.memory.sdram else { continue };
            let cycles = [chip.t_rcd, chip.t_rp, chip.t_ras, chip.t_rc, chip.t_rfc, chip.t_wr, chip.t_mrd];
            for ns in [1000.0 / config.clock_mhz, 8.0] {
                for (cycles, least) in cycles.into_iter().zip(least) {
                    assert!(cycles as f64 * ns >= least, "{cycles} cycles of {ns} ns, {least} ns");
                }
                assert!(chip.power_up as f64 * ns >= pause);
            }
            let longest = chip.refresh as f64 * 1000.0 / config.clock_mhz;
            assert!(longest <= period && chip.refresh as f64 * 10.2 <= period, "{longest} ns");
        }
    }

    #[test]
    fn a_machine_does_not_say_what_the_board_says() {
        let target = TARGETS[0];
        let board = target.board().unwrap();
        let machine = format!("technology = \"ecp5\"\n{}", target.machine);
        assert!(board.machine(&machine).unwrap_err().to_string().contains("board.toml"));
        let unknown = target.board.replace("device", "devise");
        assert!(Board::from_toml(&unknown).unwrap_err().to_string().contains("devise"));
    }

    #[test]
    fn sizes() {
        assert_eq!(resolve(None, Some("7x11"), None).unwrap(), Config::sized(7, 11));
        for bad in ["7", "ax4", "7x", "1x4", "99x2", "4x4x4"] {
            assert!(resolve(None, Some(bad), None).unwrap_err().to_string().starts_with("error[config]"));
        }
    }
}
