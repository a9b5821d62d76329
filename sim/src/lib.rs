//! The exact simulation of a program: its values bit for bit and its cycles one for one, without
//! stepping cycles.
//!
//! [`run`] goes through a program three times:
//! 1. [`order`] derives from lists and semaphores which instruction follows which, or a deadlock;
//! 2. in that order every instruction is checked ([`mod@check`]) and executed ([`values`], [`state`]);
//! 3. [`units`] and [`events`] compute when everything happens, [`stats`] sums it up.
//!
//! The second step knows no time and the third no values, so neither can depend on the other. A
//! program that runs without [`Fault`] has the same values on every machine that respects its
//! semaphores, however fast its parts are.
//!
//! [`random`] makes legal programs for comparing this simulation with others.

pub mod bits;
pub mod check;
pub mod events;
pub mod faults;
mod geometry;
pub mod order;
pub mod random;
pub mod state;
pub mod stats;
pub mod units;
pub mod values;

use check::access::{self, Access};
use check::{banks, races::Races};
pub use faults::{Fault, Site};
use order::Order;
use state::State;
pub use stats::Report;
use std::ops::Range;
use std::sync::Arc;
use tilewright_arch::instr::{TileOp, Transfer, Unit};
use tilewright_arch::program::Program;
use values::Level;

/// How to run; [`Options::default`] is fast and keeps no trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Keep the times of every instruction in [`Report::trace`].
    pub trace: bool,
    /// Spread large operations over threads; changes no result.
    pub threads: bool,
    /// Instruction set of the kernels, [`Level::chosen`] by default; changes no result.
    pub level: Level,
}

impl Default for Options {
    fn default() -> Self {
        Options { trace: false, threads: true, level: Level::chosen() }
    }
}

/// Runs a program on `memory`: the bytes of [`Program::image`] with the inputs written into them.
/// Afterwards `memory` holds the outputs. After a fault its contents are those of the moment.
///
/// # Errors
/// An illegal program, a deadlock, a semaphore that overflows, an access that another one may meet, a read of what
/// was not written.
pub fn run(program: &Program, memory: &mut [u8], options: &Options) -> Result<Report, Fault> {
    legal(program)?;
    let need = program.memory_bytes as usize;
    if memory.len() < need {
        return Err(Fault::MemorySize { have: memory.len(), need });
    }
    let order = Order::new(program)?;
    let mut state = State::of(program);
    let mut checker = Checker::new(program, &order);
    for &(unit, index) in &order.list {
        checker.check(unit, index, &mut state)?;
        match instruction(program, unit, index) {
            Instruction::Tile(op) => {
                values::tile(op, unit, &mut state, &program.config, options.level, options.threads);
            }
            Instruction::Transfer(op) => state.transfer(op, unit, memory, &program.config),
        }
    }
    Ok(Report::new(program, &units::timeline(program)?, options.trace))
}

/// The cycles of a program without its values: what [`run`] reports, in much less time, and without
/// the faults of values and data.
///
/// # Errors
/// An illegal program, a deadlock, a semaphore that overflows.
pub fn time(program: &Program, trace: bool) -> Result<Report, Fault> {
    legal(program)?;
    Order::new(program)?;
    Ok(Report::new(program, &units::timeline(program)?, trace))
}

/// All checks of a program without its values: any fault that [`run`] would report.
///
/// # Errors
/// As [`run`].
pub fn check(program: &Program) -> Result<(), Fault> {
    legal(program)?;
    let order = Order::new(program)?;
    let mut state = State::of(program);
    let mut checker = Checker::new(program, &order);
    order.list.iter().try_for_each(|&(unit, index)| checker.check(unit, index, &mut state))?;
    units::timeline(program).map(|_| ())
}

/// Rules that hold without running.
fn legal(program: &Program) -> Result<(), Fault> {
    program.config.validate()?;
    for (unit, list) in [(Unit::Load, &program.load), (Unit::Store, &program.store)] {
        for (index, line) in list.iter().enumerate() {
            external_range(&line.op, program.memory_bytes as usize).map_err(|address| {
                Fault::ExternalRange {
                    site: Site::new(program, unit, index),
                    address,
                    bytes: program.memory_bytes as usize,
                }
            })?;
        }
    }
    Ok(program.validate()?)
}

/// The corners of a transfer bound all its lines.
fn external_range(op: &Transfer, bytes: usize) -> Result<(), i64> {
    let (planes, lines) = ((op.planes as i64).max(1) - 1, (op.lines as i64).max(1) - 1);
    for (p, l) in [(0, 0), (planes, 0), (0, lines), (planes, lines)] {
        let start = op.external as i64 + p * op.external_plane + l * op.external_line;
        let last = start + op.line_bytes as i64 - 1;
        if start < 0 || last >= bytes as i64 {
            return Err(if start < 0 { start } else { last });
        }
    }
    Ok(())
}

enum Instruction<'a> {
    Tile(&'a TileOp),
    Transfer(&'a Transfer),
}

fn instruction(program: &Program, unit: Unit, index: usize) -> Instruction<'_> {
    match unit {
        Unit::Compute => Instruction::Tile(&program.compute[index].op),
        Unit::Vector => Instruction::Tile(&program.vector[index].op),
        Unit::Load => Instruction::Transfer(&program.load[index].op),
        Unit::Store => Instruction::Transfer(&program.store[index].op),
    }
}

/// Checks instructions one by one, in an order that the program allows.
struct Checker<'a> {
    program: &'a Program,
    races: Races<'a>,
    /// External bytes of the instruction lists, ascending.
    streams: Vec<Range<usize>>,
}

impl<'a> Checker<'a> {
    fn new(program: &'a Program, order: &'a Order) -> Checker<'a> {
        let mut streams: Vec<Range<usize>> = Unit::ALL
            .into_iter()
            .map(|unit| {
                let start = program.stream_address[unit as usize] as usize;
                start..start + program.stream_bytes(unit)
            })
            .filter(|stream| !stream.is_empty())
            .collect();
        streams.sort_by_key(|stream| stream.start);
        Checker { program, races: Races::new(program, order), streams }
    }

    /// Checks an instruction and notes in `state` what it writes.
    fn check(&mut self, unit: Unit, index: usize, state: &mut State) -> Result<(), Fault> {
        let site = Site::new(self.program, unit, index);
        let access = touched(&instruction(self.program, unit, index), &site, self.program)?;
        state.check(&access, &site)?;
        if let Some(address) = check::races::common(&access.external_writes, &self.streams) {
            return Err(Fault::InstructionsOverwritten { site, address });
        }
        state.note(&access);
        self.races.add(unit, index, Arc::new(access))
    }
}

/// What an instruction touches, after the checks that need nothing but the instruction.
fn touched(instruction: &Instruction, site: &Site, program: &Program) -> Result<Access, Fault> {
    match instruction {
        Instruction::Tile(op) => {
            banks::check(op, site, &program.config)?;
            access::tile(op, site, &program.config)
        }
        Instruction::Transfer(op) => access::transfer(op, site, &program.config),
    }
}
