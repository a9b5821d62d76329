//! From a board to its bitstream: Verilog through Yosys, nextpnr and ecppack, and what their reports say.
//!
//! A bitstream holds the machine, not the network: it is built once for each machine and board, and kept under a key
//! of everything that decides it.

mod report;
pub mod tools;

pub use report::{Clock, Path as CriticalPath, Report, Used};

use crate::targets::Site;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use tilewright_arch::Config;
use tilewright_hdl::board::Options;
use tools::{Found, NEXTPNR, PACK, YOSYS};

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
}

/// What came out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Built {
    /// Hash of Verilog, pins, options, seed and versions of the tools.
    pub key: String,
    /// Name of the board.
    pub board: String,
    /// Seed of placement.
    pub seed: u32,
    /// Programs and their versions.
    pub tools: Vec<String>,
    /// What the place-and-route tool reports.
    pub report: Report,
    /// Bytes of the bitstream.
    pub bitstream_bytes: u64,
    /// Seconds of synthesis, of placing and routing, and of packing.
    pub seconds: [f64; 3],
}

impl Design {
    /// The design of a machine on a board.
    ///
    /// # Errors
    /// A board without a top; a machine that does not fit it; a serial speed or clock that cannot be made.
    pub fn new(site: Site, config: Config) -> Result<Design> {
        let board = &site.board;
        let (Some(top), Some(serial)) = (board.top, &board.serial) else {
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
        let divider = (clock_hz / f64::from(serial.baud)).round().max(2.0);
        let off = (clock_hz / divider / f64::from(serial.baud) - 1.0).abs();
        ensure!(
            off <= SPEED_TOLERANCE,
            "error[build]: {} MHz make no serial line of {} bits a second: {:.1} % off; try: another serial.baud",
            config.clock_mhz,
            serial.baud,
            100.0 * off
        );
        let options = Options {
            clock_hz: clock_hz as u32,
            divider: divider as usize,
            memory_bytes: u32::try_from(board.memory.bytes)
                .context("error[build]: memory.bytes is above 4 GiB")?,
            timeout_cycles: TIMEOUT_CYCLES,
        };
        let verilog = top.verilog(&config, board.clock.mhz, &options)?;
        Ok(Design { site, config, verilog, top: top.name() })
    }

    /// The script for Yosys.
    fn synthesis(&self) -> String {
        let top = self.top;
        // Without wide functions: they are faster for paths that are not the slow ones, and take more cells. Registers
        // of the memory's pins go into the pads.
        let (outputs, inputs) =
            ("board.core.memory.*_pad_TRELLIS_FF_Q*", "board.core.memory.captured_TRELLIS_FF_Q*");
        format!(
            "read_verilog {top}.v\nsynth_ecp5 -nowidelut -top {top}\n\
             select -set outputs t:TRELLIS_FF c:{outputs} %i c:board.core.memory.dq_oe_pad* %d\n\
             setattr -set syn_useioff 1 -set ioff_dir \"output\" @outputs\n\
             select -set inputs t:TRELLIS_FF c:{inputs} %i\n\
             setattr -set syn_useioff 1 -set ioff_dir \"input\" @inputs\n\
             tee -q -o stat.txt stat\nwrite_json {top}.json\n"
        )
    }

    fn device(&self) -> Result<&'static str> {
        let device = &self.site.board.device;
        Ok(match device.as_str() {
            "LFE5U-12F" => "--12k",
            "LFE5U-25F" => "--25k",
            "LFE5U-45F" => "--45k",
            "LFE5U-85F" => "--85k",
            _ => bail!(
                "error[build]: {device} is no ECP5 that is known here; try: LFE5U-12F, -25F, -45F or -85F"
            ),
        })
    }

    /// The key of everything that decides the bitstream.
    fn key(&self, seed: u32, tools: &[&Found]) -> String {
        let mut hash = Sha256::new();
        let board = &self.site.board;
        let device = format!("{} {} {} seed {seed}", board.device, board.package, board.speed_grade);
        for part in [&self.verilog, &self.site.pins, &self.synthesis(), &device] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        tools.iter().for_each(|tool| hash.update(tool.version.as_bytes()));
        let digits: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        digits[..KEY_DIGITS].to_owned()
    }

    /// Builds the bitstream in `folder`, telling `told` what is being done, or takes it from `cache`. Files there:
    /// `TOP.v`, `pins.lpf`, logs of the tools, `report.json` of nextpnr, `build.json`, and `TOP.bit`.
    ///
    /// # Errors
    /// Tools that are missing or fail, with the end of what they said; a folder that cannot be written.
    pub fn build(&self, folder: &Path, cache: &Path, seed: u32, mut told: impl FnMut(&str)) -> Result<Built> {
        let [yosys, route, pack] = [&YOSYS, &NEXTPNR, &PACK].map(tools::Tool::require);
        let (yosys, route, pack) = (yosys?, route?, pack?);
        let key = self.key(seed, &[&yosys, &route, &pack]);
        let kept = cache.join(format!("bitstream-{key}"));
        make(folder)?;
        if let Ok(text) = std::fs::read(kept.join("build.json")) {
            told("taking the bitstream that has been built before");
            for name in self.files() {
                copy(&kept.join(&name), &folder.join(&name))?;
            }
            return serde_json::from_slice(&text)
                .with_context(|| format!("error[build]: {} is damaged; try: remove it", kept.display()));
        }
        let (top, board) = (self.top, &self.site.board);
        put(&folder.join(format!("{top}.v")), self.verilog.as_bytes())?;
        put(&folder.join("pins.lpf"), self.site.pins.as_bytes())?;
        put(&folder.join("synth.ys"), self.synthesis().as_bytes())?;
        let mut seconds = [0.0; 3];
        told("synthesising with Yosys (minutes)");
        seconds[0] = step(&yosys, folder, "yosys.log", &["synth.ys".into()], &["-s"])?;
        told("placing and routing with nextpnr (from a quarter of an hour to an hour; log: nextpnr.log)");
        let grade = board.speed_grade.to_string();
        let numbers = [seed.to_string(), self.config.clock_mhz.to_string()];
        let files = [format!("{top}.json"), format!("{top}.config")];
        let options = [
            self.device()?,
            "--package",
            &board.package,
            "--speed",
            &grade,
            "--seed",
            &numbers[0],
            "--freq",
            &numbers[1],
            "--lpf",
            "pins.lpf",
            "--json",
            &files[0],
            "--textcfg",
            &files[1],
            "--report",
            "report.json",
            "--timing-allow-fail",
        ];
        seconds[1] = step(&route, folder, "nextpnr.log", &options.map(str::to_owned), &[])?;
        told("packing");
        let bit = format!("{top}.bit");
        seconds[2] = step(&pack, folder, "ecppack.log", &[files[1].clone(), bit.clone()], &[])?;
        let report = Report::parse(&read(&folder.join("report.json"))?)?;
        let bitstream_bytes = read(&folder.join(&bit))?.len() as u64;
        let tools = [&yosys, &route, &pack].map(|tool| tool.version.clone()).to_vec();
        let built =
            Built { key, board: self.site.name.clone(), seed, tools, report, bitstream_bytes, seconds };
        put(&folder.join("build.json"), &serde_json::to_vec_pretty(&built)?)?;
        self.keep(folder, &kept)?;
        Ok(built)
    }

    /// What is kept of a build.
    fn files(&self) -> Vec<String> {
        let own =
            ["pins.lpf", "yosys.log", "nextpnr.log", "ecppack.log", "stat.txt", "report.json", "build.json"];
        let own = own.map(str::to_owned).into_iter();
        own.chain(["v", "bit", "config"].map(|extension| format!("{}.{extension}", self.top))).collect()
    }

    /// Copies a build into the cache, whole or not at all.
    fn keep(&self, folder: &Path, kept: &Path) -> Result<()> {
        let aside = kept.with_extension(format!("part-{}", std::process::id()));
        make(&aside)?;
        for name in self.files() {
            copy(&folder.join(&name), &aside.join(&name))?;
        }
        if std::fs::rename(&aside, kept).is_err() {
            // Somebody else has built the same.
            std::fs::remove_dir_all(&aside).ok();
        }
        Ok(())
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
}

/// Runs a tool in a folder with everything it says in a log; its seconds.
fn step(tool: &Found, folder: &Path, log: &str, options: &[String], first: &[&str]) -> Result<f64> {
    let path = folder.join(log);
    let unwritable = || format!("error[build]: {} cannot be written", path.display());
    let file = File::create(&path).with_context(unwritable)?;
    let begun = Instant::now();
    let mut command = Command::new(&tool.command[0]);
    // An interpreter's script has its own options in front.
    command.args(&tool.command[1..]);
    if tool.command.len() == 1 {
        command.args(first);
    }
    command.args(options).current_dir(folder).stdin(Stdio::null());
    command.stdout(file.try_clone().with_context(unwritable)?).stderr(file);
    let status = command.status().with_context(|| {
        format!("error[build]: {} cannot be started; try: tilewright doctor", tool.command[0])
    })?;
    if !status.success() {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(5)..].join("\n");
        bail!(
            "error[build]: {} failed; the whole log is {}; its end:\n{end}",
            tool.command[0],
            path.display()
        );
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("error[build]: {} cannot be made", folder.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("error[build]: {} cannot be written", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("error[build]: {} cannot be read", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    put(to, &read(from)?)
}
