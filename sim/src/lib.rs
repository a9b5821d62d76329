//! The exact simulation of a program: its values bit for bit, and its cycles one for one from
//! [`tilewright_timing`], without stepping cycles.
//!
//! [`run`] goes through a program in the order that lists and semaphores give
//! ([`tilewright_timing::order`]): every instruction is checked ([`mod@check`]) and executed ([`values`],
//! [`state`]).
//!
//! Values know no time and times no values, so neither can depend on the other. A
//! program that runs without [`Fault`] has the same values on every machine that respects its
//! semaphores, however fast its parts are.
//!
//! [`random`] makes legal programs for comparing this simulation with others.

pub mod bits;
pub mod check;
pub mod faults;
mod geometry;
pub mod random;
pub mod state;
pub mod values;

use check::access::{self, Footprint};
use check::{banks, races::Races};
pub use faults::Fault;
use state::State;
use std::ops::Range;
use std::sync::Arc;
use tilewright_arch::instr::{TileOp, Transfer, Unit};
use tilewright_arch::program::Program;
use tilewright_timing::order::Order;
use tilewright_timing::{CycleReport, InstrId};
use values::Level;

/// How to run; [`Options::default`] is fast and keeps no trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Keep the times of every instruction in [`CycleReport::trace`].
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
pub fn run(program: &Program, memory: &mut [u8], options: &Options) -> Result<CycleReport, Fault> {
    tilewright_timing::legal(program)?;
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
    Ok(tilewright_timing::time(program, options.trace)?)
}

/// All checks of a program without its values: any fault that [`run`] would report.
///
/// # Errors
/// As [`run`].
pub fn check(program: &Program) -> Result<(), Fault> {
    tilewright_timing::legal(program)?;
    let order = Order::new(program)?;
    let mut state = State::of(program);
    let mut checker = Checker::new(program, &order);
    order.list.iter().try_for_each(|&(unit, index)| checker.check(unit, index, &mut state))?;
    tilewright_timing::time(program, false)?;
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
        let site = InstrId::new(self.program, unit, index);
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
fn touched(instruction: &Instruction, site: &InstrId, program: &Program) -> Result<Footprint, Fault> {
    match instruction {
        Instruction::Tile(op) => {
            banks::check(op, site, &program.config)?;
            access::tile(op, site, &program.config)
        }
        Instruction::Transfer(op) => access::transfer(op, site, &program.config),
    }
}
