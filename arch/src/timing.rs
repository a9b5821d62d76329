//! How long everything takes: the exact timing of the machine.
//!
//! The simulator computes these events; the hardware and the memory model of its test bench are
//! built to produce the same ones. All times are cycle numbers; cycle 0 is the one in which the
//! start command is taken.
//!
//! # Instructions
//! Unit u runs instructions 0, 1, ... of its list. Each has one prefetch register.
//!
//! ```text
//! fetch[0]   may request from START_FETCH
//! fetch[i+1] may request from issue[i] + FETCH_NEXT
//! ready[i]   = last beat of fetch[i] + FETCH_READY
//! issue[i]   = max(ready[i], done[i-1] + ISSUE_NEXT, last signal waited for + SIGNAL_TO_ISSUE)
//! done[i]    = issue[i] + TileOp duration, or as the transfer's events say; signals happen then
//! cycles     = max over all units of done[last] + FINISH
//! ```
//!
//! # Tile operations
//! With N = groups * tiles and S = slot cycles of a column:
//!
//! ```text
//! period   = max(K, columns * S, P + WALK)
//! duration = (N - 1) * period + K + last_columns * S + P + overhead
//! ```
//!
//! P + the first part of `overhead` is the walk of the first tile's lanes; the rest is the depth of
//! the gather, array and post pipelines.
//!
//! # Memory port
//! Masters, highest priority first: fetch of compute, vector, load, store; store data; load data.
//! Each shows one burst request at a time.
//!
//! ```text
//! grant g    at the first cycle >= the request and >= accept of the burst before it, to the
//!            request of highest priority that is shown in that cycle
//! accept a   = max(g + 1, a of the burst before + 1, end of the burst `outstanding` before + 1)
//! first beat s = max(a + latency, end of the burst before + 1)
//! end        = s + beats - 1
//! next request of the same master >= g + REQUEST_NEXT
//! ```
//!
//! A burst never crosses a multiple of `burst_bytes`; a line that starts inside a beat takes the
//! beat whole and masks bytes.
//!
//! # Transfers
//!
//! ```text
//! load:  first request  = issue + LOAD_REQUEST
//!        done           = end of the last burst + LOAD_DONE
//! store: data of burst j is read into one of two slots of burst_bytes, a beat a cycle, from
//!        read[j] = max(issue + STORE_READ, read[j-1] + beats[j-1] + STORE_READ_NEXT,
//!                      end[j-2] + STORE_SLOT)
//!        request[j] = max(read[j] + beats[j] + store_latency, g[j-1] + REQUEST_NEXT)
//!        done       = end of the last burst + STORE_DONE
//! ```

use crate::config::Config;
use crate::instr::{TileOp, Unit};

/// Cycle of the first instruction-fetch request.
pub const START_FETCH: u64 = 1;
/// From an issue to the next fetch request of that unit.
pub const FETCH_NEXT: u64 = 1;
/// From the last beat of an instruction to its being ready.
pub const FETCH_READY: u64 = 1;
/// From done to the next issue of the same unit.
pub const ISSUE_NEXT: u64 = 1;
/// From a signal to the earliest issue that waits for it.
pub const SIGNAL_TO_ISSUE: u64 = 1;
/// From the last done to the machine's done.
pub const FINISH: u64 = 1;
/// From a grant to the same master's next request.
pub const REQUEST_NEXT: u64 = 2;
/// From the issue of a load to its first request.
pub const LOAD_REQUEST: u64 = 2;
/// From the last beat of a load to done: the write into on-chip memory has happened.
pub const LOAD_DONE: u64 = 6;
/// From the issue of a store to its first read of feature memory.
pub const STORE_READ: u64 = 2;
/// Extra cycles between the reads of two bursts.
pub const STORE_READ_NEXT: u64 = 0;
/// From the end of a burst to the reuse of its slot.
pub const STORE_SLOT: u64 = 1;
/// From the end of the last burst of a store to done.
pub const STORE_DONE: u64 = 3;
/// Cycles a lane walk takes beyond one per lane.
pub const WALK: u64 = 6;

/// From the last read of a burst to its request: address, memory and crossbar stages.
pub fn store_latency(config: &Config) -> u64 {
    (4 + config.pipeline.ram + config.pipeline.crossbar) as u64
}

/// Slot cycles of a column of `op`.
pub fn slot(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let requantise = if unit == Unit::Vector { config.vector_slot } else { config.compute_slot };
    let operand = op.operand.map_or(0, |o| o.target.segments);
    (requantise as u64).max(u64::from(op.output.segments)).max(u64::from(operand))
}

/// Cycles from the first step of a tile to the first step of the next.
pub fn period(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let drain = u64::from(op.columns) * slot(op, unit, config);
    op.reduction().max(drain).max(config.lanes as u64 + WALK)
}

/// Pipeline cycles of a tile operation that do not depend on its fields.
pub fn overhead(unit: Unit, config: &Config) -> u64 {
    let p = &config.pipeline;
    let fanout = match unit {
        Unit::Vector => 0,
        _ => config.lanes.div_ceil(p.fanout) + config.columns.div_ceil(p.fanout),
    };
    (40 + 2 * p.multiplier + 2 * p.ram + 4 * p.crossbar + fanout) as u64
}

/// Cycles from issue to done of a tile operation.
pub fn duration(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let tiles = u64::from(op.groups) * u64::from(op.tiles);
    (tiles - 1) * period(op, unit, config)
        + op.reduction()
        + u64::from(op.last_columns) * slot(op, unit, config)
        + config.lanes as u64
        + overhead(unit, config)
}
