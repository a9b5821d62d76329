//! The exact cycles of a program, one for one those of the Verilog, from event to event.
//!
//! 1. [`order`] derives from lists and semaphores which instruction follows which, or a deadlock;
//! 2. [`units`] and [`events`] compute when everything happens, as [`tilewright_arch::timing`] says;
//! 3. [`stats`] sums it up.
//!
//! The compiler chooses between schedules by it, and the simulator reports it beside the values, of which
//! nothing here knows.

pub mod events;
mod fault;
pub mod order;
pub mod stats;
pub mod units;

pub use fault::{InstrId, TimingFault, Waiting};
use order::Order;
pub use stats::CycleReport;
use tilewright_arch::instr::{Transfer, Unit};
use tilewright_arch::program::Program;

/// The cycles of a program, and those of every instruction if `trace`; values and data play no part.
///
/// # Errors
/// An illegal program, a deadlock, a semaphore that overflows.
pub fn time(program: &Program, trace: bool) -> Result<CycleReport, TimingFault> {
    legal(program)?;
    Order::new(program)?;
    Ok(CycleReport::new(program, &units::timeline(program)?, trace))
}

/// Rules that hold without running.
///
/// # Errors
/// A field out of its range, a transfer outside of external memory, a machine that is not valid.
pub fn legal(program: &Program) -> Result<(), TimingFault> {
    program.config.validate()?;
    for (unit, list) in [(Unit::Load, &program.load), (Unit::Store, &program.store)] {
        for (index, line) in list.iter().enumerate() {
            external_range(&line.op, program.memory_bytes as usize).map_err(|address| {
                TimingFault::ExternalRange {
                    site: InstrId::new(program, unit, index),
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
