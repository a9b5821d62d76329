//! Why a program has no times. Every fault that an instruction makes names the unit, the instruction and its
//! layer.

use std::fmt;
use thiserror::Error;
use tilewright_arch::instr::Unit;
use tilewright_arch::program::{Program, ProgramError};

/// An instruction: printed as `compute 12 (conv1)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstrId {
    /// The unit.
    pub unit: Unit,
    /// The instruction's place in the unit's list.
    pub index: usize,
    /// Name of its layer; `?` when the program has no such layer.
    pub layer: Box<str>,
}

impl InstrId {
    /// Instruction `index` of `unit`.
    pub fn new(program: &Program, unit: Unit, index: usize) -> InstrId {
        let layer = match unit {
            Unit::Compute => program.compute.get(index).map(|l| l.layer),
            Unit::Vector => program.vector.get(index).map(|l| l.layer),
            Unit::Load => program.load.get(index).map(|l| l.layer),
            Unit::Store => program.store.get(index).map(|l| l.layer),
        };
        let name = layer.and_then(|l| program.layers.get(l)).map(|l| l.name.as_str());
        InstrId { unit, index, layer: name.unwrap_or("?").into() }
    }
}

impl fmt::Display for InstrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.unit.name(), self.index, self.layer)
    }
}

/// A unit that waits for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The instruction that cannot start.
    pub site: InstrId,
    /// The semaphore it waits for.
    pub semaphore: usize,
}

/// Why a program has no times.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum TimingFault {
    /// The program breaks a rule that needs no run.
    #[error("the program is not legal: {0}")]
    Illegal(#[from] ProgramError),
    /// The configuration is not legal.
    #[error("{0}")]
    Config(#[from] tilewright_arch::config::ConfigError),
    /// An address outside external memory.
    #[error("{site}: accesses external byte {address}, memory has {bytes}")]
    ExternalRange {
        /// The instruction.
        site: InstrId,
        /// The byte address.
        address: i64,
        /// Bytes of external memory.
        bytes: usize,
    },
    /// A semaphore counts beyond its largest value.
    #[error(
        "{site}: semaphore {semaphore} exceeds {} in cycle {cycle}",
        tilewright_arch::instr::SEMAPHORE_MAX
    )]
    Overflow {
        /// The signalling instruction.
        site: InstrId,
        /// The semaphore.
        semaphore: usize,
        /// When.
        cycle: u64,
    },
    /// No unit can go on.
    #[error("deadlock: {}", list(.0))]
    Deadlock(Vec<Waiting>),
}

fn list(waiting: &[Waiting]) -> String {
    let one = |w: &Waiting| format!("{} waits for semaphore {} for ever", w.site, w.semaphore);
    waiting.iter().map(one).collect::<Vec<_>>().join(", ")
}
