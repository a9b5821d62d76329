//! Co-simulation: the emitted Verilog as a Verilator model, run on programs.
//!
//! The test bench (`cosim/harness.cpp`) is the external memory of [`tilewright_arch::timing`]: with
//! it, the cycle count of a run is the contract's. A machine with an SDRAM has the controller and a model of the chip
//! instead.
//!
//! ```no_run
//! # fn main() -> Result<(), tilewright_hdl::Error> {
//! # let program = tilewright_arch::Program::empty(tilewright_arch::Config::sized(4, 4));
//! use tilewright_hdl::cosim::{Options, Rtl};
//! let rtl = Rtl::build(&program.config, &std::env::temp_dir().join("models"))?;
//! let run = rtl.run(&program.image()?, program.stream_address, program.counts(), &Options::default())?;
//! println!("{} cycles", run.cycles);
//! # Ok(())
//! # }
//! ```

use crate::{Error, generate, technology, top};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use tilewright_arch::instr::Unit;
use tilewright_arch::{Config, registers};

const HARNESS: &str = include_str!("../cosim/harness.cpp");
/// The machine with controller and chip.
const SYSTEM: &str = include_str!("../cosim/system.v");

/// A built model of one machine.
#[derive(Clone, Debug)]
pub struct Rtl {
    model: VerilatedModel,
    config: Config,
    runs: usize,
}

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cycles after which a run is given up.
    pub max_cycles: u64,
    /// Random pauses of the memory, by seed: values must stay right, cycles do not. An SDRAM has none.
    pub stall: Option<u64>,
    /// Address of the image: what the base register says.
    pub base: u32,
    /// What the limit register says: 0 or the most cycles of the run.
    pub limit: u32,
    /// Before, and without a reset between, a run on the same image that is ended by this limit.
    pub ended: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Options { max_cycles: 100_000_000, stall: None, base: 0, limit: 0, ended: None }
    }
}

/// What a unit did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// An instruction was issued.
    Issue,
    /// An instruction was done.
    Done,
}

/// An entry of the trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Cycle; the start command is taken in cycle 0.
    pub cycle: u64,
    /// Unit.
    pub unit: Unit,
    /// What happened.
    pub action: Action,
}

/// The result of a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CosimRun {
    /// Cycles as counted by the machine, from the start command to its done.
    pub cycles: u64,
    /// External memory afterwards.
    pub memory: Vec<u8>,
    /// Issues and dones in order of time.
    pub trace: Vec<Event>,
    /// The error register ([`registers::ERRORS`]).
    pub errors: u32,
    /// Beats transferred by the memory port.
    pub beats: u64,
    /// Cycles in which the memory was ready for write data that were not there.
    pub late: u64,
    /// Beats or bytes outside the memory, and bytes before the image that were changed.
    pub out_of_range: u64,
}

impl CosimRun {
    /// Issue and done cycles of every instruction of a unit.
    pub fn unit(&self, unit: Unit) -> Vec<(u64, u64)> {
        let of = |action: Action| {
            self.trace.iter().filter(move |e| e.unit == unit && e.action == action).map(|e| e.cycle)
        };
        of(Action::Issue).zip(of(Action::Done)).collect()
    }
}

impl Rtl {
    /// Builds the model of `config` with Verilator in a sub-folder of `cache`, or finds it there.
    /// The sub-folder's name is a hash of the Verilog and the test bench.
    ///
    /// # Errors
    /// A machine that is not valid, a folder that cannot be written, Verilator or a compiler that is missing or fails.
    pub fn build(config: &Config, cache: &Path) -> Result<Rtl, Error> {
        let verilog = verilog(config)?;
        let (top, memory) = match config.memory.sdram {
            Some(_) => ("system", &["-CFLAGS", "-DSDRAM"][..]),
            None => (top::TOP, &[][..]),
        };
        let files = [("tilewright.v", verilog.as_str()), ("registers.h", &registers::c_defines())];
        Ok(Rtl {
            model: VerilatedModel::build(top, memory, &files, HARNESS, cache)?,
            config: config.clone(),
            runs: 1,
        })
    }

    /// [`Rtl::build`] in the folder that the environment variable `TILEWRIGHT_CACHE` names, or in one for temporary
    /// files.
    ///
    /// # Errors
    /// As [`Rtl::build`].
    pub fn cached(config: &Config) -> Result<Rtl, Error> {
        Rtl::build(config, &cache())
    }

    /// That [`Rtl::cached`] has what it needs: Verilator, or the model that it has built.
    ///
    /// # Errors
    /// A machine that is not valid; no Verilator.
    pub fn check(config: &Config) -> Result<(), Error> {
        let Err(missing) = start(Command::new("verilator").arg("--version")) else { return Ok(()) };
        let verilog = verilog(config)?;
        let files = [("tilewright.v", verilog.as_str()), ("registers.h", &registers::c_defines())];
        if VerilatedModel::at(&files, HARNESS, &cache()).binary().is_file() { Ok(()) } else { Err(missing) }
    }

    /// The same model, whose runs repeat a program `runs` times without a reset, each time on the
    /// memory that the time before left; the result is that of the last.
    pub fn repeated(&self, runs: usize) -> Rtl {
        Rtl { runs, ..self.clone() }
    }

    /// The folder with the Verilog and the model.
    pub fn folder(&self) -> &Path {
        &self.model.folder
    }

    /// Runs instruction lists that lie in `image`, the contents of external memory: `addresses`
    /// and `counts` (instructions) in the order of [`Unit::ALL`].
    ///
    /// # Errors
    /// A run that does not end within the cycles of `options`, files that cannot be exchanged.
    pub fn run(
        &self,
        image: &[u8],
        addresses: [u32; 4],
        counts: [usize; 4],
        options: &Options,
    ) -> Result<CosimRun, Error> {
        let path = |what: &str| self.model.folder.join(format!("{what}-{}-{}", std::process::id(), unique()));
        let (before, after) = (path("image"), path("result"));
        let files = TemporaryFiles([before.clone(), after.clone()]);
        let io = |path: &Path, e| Error::Io { path: path.to_path_buf(), why: e };
        // Something before the base that nothing may touch; whole beats, so that the last bytes can be read.
        let before_base: Vec<u8> = (0..options.base).map(|n| (n / 7) as u8).collect();
        let mut padded = [&before_base, image].concat();
        padded.resize(padded.len().next_multiple_of(16), 0);
        std::fs::write(&before, &padded).map_err(|e| io(&before, e))?;
        let memory = &self.config.memory;
        let mut command = Command::new(self.model.binary());
        command.arg(&before).arg(&after);
        let numbers = [
            memory.bus_bytes as u64,
            memory.latency as u64,
            memory.outstanding as u64,
            options.max_cycles,
            options.stall.map_or(0, |s| s.wrapping_mul(2).wrapping_add(1)),
            u64::from(options.base),
            u64::from(options.limit),
            u64::from(options.ended.unwrap_or(0)),
        ];
        command.args(numbers.map(|n| n.to_string()));
        for (address, count) in addresses.iter().zip(counts) {
            command.arg(address.to_string()).arg(count.to_string());
        }
        command.arg(self.runs.to_string());
        let output = start(&mut command)?;
        match output.status.code() {
            Some(0) => {}
            Some(3) => {
                let text = String::from_utf8_lossy(&output.stdout);
                let lines: Vec<&str> = text.lines().filter(|l| l.starts_with(['i', 'd'])).collect();
                let last = lines[lines.len().saturating_sub(8)..].join(", ");
                return Err(Error::Hangs { cycles: options.max_cycles, last });
            }
            _ => return Err(tool(&command, &output)),
        }
        let mut run =
            CosimRun { memory: std::fs::read(&after).map_err(|e| io(&after, e))?, ..CosimRun::default() };
        let changed = run.memory.iter().zip(&before_base).filter(|(now, then)| now != then).count();
        run.memory.drain(..before_base.len());
        run.memory.truncate(image.len());
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |i: usize| words.get(i).and_then(|w| w.parse::<u64>().ok()).unwrap_or(0);
            let mut event = |action| {
                run.trace.push(Event { cycle: number(2), unit: Unit::ALL[number(1) as usize % 4], action });
            };
            match words[0] {
                "issue" => event(Action::Issue),
                "done" => event(Action::Done),
                "cycles" => run.cycles = number(1),
                "errors" => run.errors = number(1) as u32,
                "late" => run.late = number(1),
                "out_of_range" => run.out_of_range = number(1) + changed as u64,
                "beats" => run.beats = number(1),
                _ => return Err(tool(&command, &output)),
            }
        }
        drop(files);
        Ok(run)
    }
}

/// The Verilog of a machine for simulation, with memory controller and chip where it has them.
fn verilog(config: &Config) -> Result<String, Error> {
    let mut verilog = generate(config)? + technology::models(config.technology);
    if let Some(chip) = &config.memory.sdram {
        verilog += &crate::sdram(config)?.unwrap_or_default();
        verilog += crate::SDRAM_CHIP;
        verilog += &crate::with_chip(SYSTEM, chip, config);
    }
    Ok(verilog)
}

/// The folder of built models: the one that the environment variable `TILEWRIGHT_CACHE` names, or one for temporary
/// files.
pub fn cache() -> PathBuf {
    std::env::var_os("TILEWRIGHT_CACHE")
        .map_or_else(|| std::env::temp_dir().join("tilewright-rtl"), PathBuf::from)
}

/// A program that Verilator made of Verilog and a test bench.
#[derive(Clone, Debug)]
pub(crate) struct VerilatedModel {
    folder: PathBuf,
}

impl VerilatedModel {
    /// Where the model of `files` (name and text; the first is the Verilog) with a test bench in C++ lies, once it has been
    /// built: in a sub-folder of `cache` whose name is a hash of them all.
    fn at(files: &[(&str, &str)], bench: &str, cache: &Path) -> VerilatedModel {
        let mut texts: Vec<&[u8]> = files.iter().map(|(_, text)| text.as_bytes()).collect();
        texts.insert(1, bench.as_bytes());
        VerilatedModel { folder: cache.join(format!("{:016x}", hash(&texts))) }
    }

    /// Builds the model of module `top` with a test bench, or finds it [there](Model::at).
    /// Its class is called `V` and `top`, unless `more` options of Verilator say otherwise.
    pub fn build(
        top: &str,
        more: &[&str],
        files: &[(&str, &str)],
        bench: &str,
        cache: &Path,
    ) -> Result<VerilatedModel, Error> {
        let model = VerilatedModel::at(files, bench, cache);
        if model.binary().is_file() {
            return Ok(model);
        }
        // Built aside and moved: another process may be building the same model.
        let aside = cache.join(format!("build-{}-{}", std::process::id(), unique()));
        let io = |e: std::io::Error| Error::Io { path: aside.clone(), why: e };
        std::fs::create_dir_all(&aside).map_err(io)?;
        for (name, text) in files.iter().chain(&[("harness.cpp", bench)]) {
            std::fs::write(aside.join(name), text).map_err(io)?;
        }
        // The slow part, run once at the start, is not worth the compiler's time.
        let options = [
            "--cc",
            "--exe",
            "--build",
            "-O3",
            "--x-assign",
            "fast",
            "--x-initial",
            "fast",
            "--noassert",
            "-Wno-fatal",
            "-Wno-WIDTH",
            "-Wno-UNOPTFLAT",
            "-MAKEFLAGS",
            "OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1",
            "--top-module",
            top,
            "--Mdir",
            "model",
            "-o",
            "model",
            files[0].0,
            "harness.cpp",
        ];
        let mut command = Command::new("verilator");
        command.args(options).args(more).current_dir(&aside);
        let output = start(&mut command)?;
        if !output.status.success() {
            return Err(tool(&command, &output));
        }
        match std::fs::rename(&aside, &model.folder) {
            Ok(()) => Ok(model),
            Err(_) if model.binary().is_file() => {
                std::fs::remove_dir_all(&aside).ok();
                Ok(model)
            }
            Err(e) => Err(io(e)),
        }
    }

    /// The program.
    pub fn binary(&self) -> PathBuf {
        self.folder.join("model").join("model")
    }
}

/// Removes files when it goes out of scope, whatever happened before.
struct TemporaryFiles([PathBuf; 2]);

impl Drop for TemporaryFiles {
    fn drop(&mut self) {
        for path in &self.0 {
            std::fs::remove_file(path).ok();
        }
    }
}

fn unique() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn start(command: &mut Command) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|why| Error::Start { program, why })
}

fn tool(command: &Command, output: &Output) -> Error {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = text(&output.stdout) + &text(&output.stderr);
    let lines: Vec<&str> = all.lines().collect();
    Error::Tool {
        program: command.get_program().to_string_lossy().into_owned(),
        output: lines[lines.len().saturating_sub(30)..].join("\n"),
    }
}

/// FNV-1a, 64 bits.
fn hash(parts: &[&[u8]]) -> u64 {
    let step = |h: u64, b: &u8| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
    parts.iter().flat_map(|p| p.iter().chain(&[0])).fold(0xcbf2_9ce4_8422_2325, step)
}
