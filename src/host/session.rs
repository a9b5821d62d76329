//! A network on a board: its stages lie in the board's memory side by side, and run in turn with the host's.

use super::line::SerialLine;
use super::link::Link;
use crate::pipeline::Compiled;
use crate::proof::StageBytes;
use anyhow::{Result, bail, ensure};
use ndarray::ArrayD;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tilewright_arch::instr::Unit;
use tilewright_arch::isa;
use tilewright_arch::link::{Identity, timing_key};
use tilewright_arch::program::Program;
use tilewright_arch::registers::{ADDRESS, BASE, CYCLES, ERROR, ERRORS, LIMIT};

/// The limit of a run is so many times the cycles that it takes in the simulator: a memory slower than the
/// simulator's does not end it.
const LIMIT_FACTOR: u64 = 8;
/// And so many more, for networks that take next to none.
const LIMIT_LEAST: u64 = 100_000;

/// Between two questions whether a run has ended.
const POLL: Duration = Duration::from_micros(200);

/// How long a board may take until it can be loaded, after power-up or with a run that an earlier host began.
const READY: Duration = Duration::from_secs(20);

/// A board with a network in its memory.
pub struct Session<'a, L> {
    link: Link<L>,
    compiled: &'a Compiled,
    identity: Identity,
    /// Base address of each stage; none for the host's.
    bases: Vec<Option<u32>>,
}

/// What loading took.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Loaded {
    /// Bytes of programs and constants.
    pub bytes: u64,
    /// Seconds.
    pub seconds: f64,
}

/// A stage of the machine as it ran.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StageRun {
    /// Its bytes and cycles.
    pub bytes: StageBytes,
    /// Seconds for writing its inputs and reading its outputs.
    pub transfer_seconds: f64,
}

/// An inference.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Frame {
    /// The network's outputs.
    pub outputs: Vec<ArrayD<f32>>,
    /// The stages of the machine, in order.
    pub stages: Vec<StageRun>,
    /// Seconds from its inputs to its outputs.
    pub seconds: f64,
}

impl Frame {
    /// Cycles of all stages together.
    pub fn cycles(&self) -> u64 {
        self.stages.iter().map(|ran| ran.bytes.cycles).sum()
    }
}

impl<'a, L: SerialLine> Session<'a, L> {
    /// Makes sure that the board runs the programs of `compiled`.
    ///
    /// # Errors
    /// A board that does not answer, is of another machine, or has not enough memory.
    pub fn open(mut link: Link<L>, compiled: &'a Compiled) -> Result<Session<'a, L>> {
        let identity = link.identify()?;
        let config = &compiled.config;
        let (board, program) = (identity.isa, isa::key(config));
        ensure!(
            board == program,
            "error[link]: the board runs programs of key {board:08x}, these have {program:08x} ({}); try: the bitstream \
             of that machine, or compile for the board's",
            config.name
        );
        let (bases, whole) = compiled.memory_map();
        ensure!(
            whole <= u64::from(identity.memory_bytes),
            "error[link]: the network takes {whole} bytes of memory, the board has {}; try: a board with more",
            identity.memory_bytes
        );
        // None is beyond the memory, whose size is a number of 32 bits.
        let bases = bases.into_iter().map(|base| base.map(|base| base as u32)).collect();
        Ok(Session { link, compiled, identity, bases })
    }

    /// What the board is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether cycles on the board are those of the simulator.
    pub fn is_exact(&self) -> bool {
        self.identity.timing == timing_key(&self.compiled.config)
    }

    /// The link.
    pub fn link(&mut self) -> &mut Link<L> {
        &mut self.link
    }

    /// Writes programs and constants of all stages, once the memory is ready.
    ///
    /// # Errors
    /// As [`Link::write_memory`]; a memory that does not become ready, or a run that somebody else has begun.
    pub fn load(&mut self) -> Result<Loaded> {
        let begun = Instant::now();
        loop {
            let status = self.link.status()?;
            if status.ready && !status.running {
                break;
            }
            if begun.elapsed() > READY {
                let what = if status.ready { "is running" } else { "has no memory that is ready" };
                self.link.reset()?;
                bail!(
                    "error[link]: the board {what}, for {} s; it has been reset; try: again",
                    READY.as_secs()
                );
            }
            sleep(POLL);
        }
        let begun = Instant::now();
        let mut bytes = 0;
        for (stage, schedule) in self.compiled.programs() {
            let base = self.bases[stage].expect("it has a program");
            let image = schedule.program.image()?;
            for (start, end) in contents(&schedule.program) {
                self.link.write_memory(base + start as u32, &image[start..end])?;
                bytes += (end - start) as u64;
            }
        }
        Ok(Loaded { bytes, seconds: begun.elapsed().as_secs_f64() })
    }

    /// Runs the network on one input. `expected` are the cycles of each stage in the simulator, as far as they are
    /// known; they say how long a stage may take.
    ///
    /// # Errors
    /// A board that does not answer, or a run that ends with an error; what the host's operators refuse.
    pub fn run(&mut self, inputs: &[ArrayD<f32>], expected: &[StageBytes]) -> Result<Frame> {
        let begun = Instant::now();
        let mut stages = vec![];
        let compiled = self.compiled;
        let outputs = compiled.network.run(inputs, |stage, _, inputs| -> Result<_> {
            let cycles = expected.iter().find(|e| e.stage == stage).map(|e| e.cycles);
            let ran = self.run_stage(stage, inputs, cycles)?;
            stages.push(ran.clone());
            Ok(ran.bytes.outputs)
        })?;
        Ok(Frame { outputs, stages, seconds: begun.elapsed().as_secs_f64() })
    }

    fn run_stage(&mut self, stage: usize, inputs: Vec<Vec<i8>>, expected: Option<u64>) -> Result<StageRun> {
        let schedule = self.compiled.schedules[stage].as_ref().expect("stages of the machine have programs");
        let program = &schedule.program;
        let base = self.bases[stage].expect("it has a program");
        let begun = Instant::now();
        for (port, bytes) in program.inputs.iter().zip(&inputs) {
            let bytes: Vec<u8> = bytes.iter().map(|&byte| byte as u8).collect();
            self.link.write_memory(base + port.address, &bytes)?;
        }
        let written = begun.elapsed();
        let limit = expected.map_or(0, |cycles| LIMIT_FACTOR * cycles + LIMIT_LEAST);
        let cycles = self.start(program, base, u32::try_from(limit).unwrap_or(u32::MAX))?;
        let begun = Instant::now();
        let mut outputs = vec![];
        for port in &program.outputs {
            let bytes = self.link.read_memory(base + port.address, port.bytes())?;
            outputs.push(bytes.into_iter().map(|byte| byte as i8).collect());
        }
        let transfer_seconds = (written + begun.elapsed()).as_secs_f64();
        Ok(StageRun { bytes: StageBytes { stage, inputs, outputs, cycles }, transfer_seconds })
    }

    /// Starts a program whose image lies at `base`, and waits for its end; its cycles.
    fn start(&mut self, program: &Program, base: u32, limit: u32) -> Result<u64> {
        let mut words: Vec<u32> = program.stream_address.to_vec();
        words.extend(program.counts().map(|count| count as u32));
        debug_assert_eq!(words.len(), 2 * Unit::ALL.len());
        self.link.write_registers(ADDRESS.number, &words)?;
        self.link.write_registers(LIMIT.number, &[limit, base])?;
        debug_assert_eq!(LIMIT.number + 1, BASE.number);
        self.link.start()?;
        let cycles = |words: &[u32]| u64::from(words[0]) | u64::from(words[1]) << 32;
        for poll in 1_u64.. {
            if !self.link.status()?.running {
                break;
            }
            sleep(POLL);
            // At its limit the machine stops by itself, unless the memory does not answer.
            if limit > 0 && poll.is_multiple_of(64) {
                let now = cycles(&self.link.read_registers(CYCLES.number, CYCLES.count)?);
                if now > 2 * u64::from(limit) + LIMIT_LEAST {
                    self.link.reset()?;
                    bail!(
                        "error[link]: the machine does not end after {now} cycles of at most {limit}: the memory does not \
                         answer; the board has been reset; try: load the network again"
                    );
                }
            }
        }
        let words = self.link.read_registers(ERROR.number, 1 + CYCLES.count)?;
        if words[0] != 0 {
            bail!("error[link]: {}", run_error(words[0], cycles(&words[1..])));
        }
        Ok(cycles(&words[1..]))
    }
}

/// What ended a run.
fn run_error(bits: u32, cycles: u64) -> String {
    let names: Vec<String> = ERRORS
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, error)| format!("{} ({})", error.name, error.meaning))
        .collect();
    format!(
        "the machine ended the run after {cycles} cycles: {}; try: load the network again",
        names.join(", ")
    )
}

/// The parts of an image that hold something: constants and instructions, ascending, those that touch joined.
fn contents(program: &Program) -> Vec<(usize, usize)> {
    let lists = Unit::ALL.into_iter().map(|unit| {
        let start = program.stream_address[unit as usize] as usize;
        (start, start + program.stream_bytes(unit))
    });
    let data =
        program.data.iter().map(|(address, bytes)| (*address as usize, *address as usize + bytes.len()));
    let mut parts: Vec<(usize, usize)> = data.chain(lists).filter(|(start, end)| start < end).collect();
    parts.sort_unstable();
    let mut joined: Vec<(usize, usize)> = vec![];
    for (start, end) in parts {
        match joined.last_mut() {
            // What lies between is zero: a frame of its own would be longer.
            Some(last) if start <= last.1 + 16 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}
