//! How long everything takes: the exact timing of the machine.
//!
//! The simulator computes these events; the hardware and the memory model of its test bench are
//! built to produce the same ones. All times are cycle numbers; cycle 0 is the one in which the
//! start command is taken.
//!
//! # Instructions
//! Unit u runs instructions 0, 1, ... of its list. The next one is prefetched into a memory of
//! [`UNPACK`] words, from which it moves into the instruction register a word a cycle as soon as the
//! one before is done.
//!
//! ```text
//! key        may request from START_FETCH
//! fetch[0]   may request as soon as all of the key is granted
//! fetch[i+1] may request from issue[i] + FETCH_NEXT
//! ready[i]   = end of the last burst of fetch[i] + FETCH_READY
//! issue[i]   = max(ready[i], done[i-1] + ISSUE_NEXT, last signal waited for + SIGNAL_TO_ISSUE)
//! done[i]    = issue[i] + TileOp duration, or as the transfer's events say; signals happen then
//! cycles     = max over all units of done[last] + FINISH
//! ```
//!
//! * A fetch reads the 128 or 32 bytes of its instruction as a transfer of one line would: its
//!   bursts end at multiples of `burst_bytes`, and each is a request of its own. So are the 4 bytes of the key at the
//!   head of the list, which nothing waits for: it comes before the instruction, and is compared on its way.
//! * Nothing is fetched after the last instruction of a list. A unit whose list is empty takes no
//!   part in `cycles`; if all are empty, `cycles` is START_FETCH + FINISH.
//! * The semaphores of an instruction are taken together in its issue cycle. A signal and a take of
//!   one semaphore in one cycle cancel: the count overflows only if it exceeds SEMAPHORE_MAX after
//!   both. A take never uses a signal of its own cycle (SIGNAL_TO_ISSUE >= 1).
//! * Units do not arbitrate for issue: several may issue in one cycle.
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
//! the gather, array and post pipelines. The period is the same in the last group, whatever its
//! columns.
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
//! * "May request from t" means: the request is a register that is set in cycle t, so it takes part
//!   in the arbitration of cycle t. A granted request is gone in the cycle after its grant.
//! * A granted burst lies in one register until it is accepted; the next grant may happen in the
//!   very cycle of the acceptance.
//! * Bursts are accepted, and their beats transferred, in the order of their grants, reads and
//!   writes alike. The first burst of all has no burst before it.
//! * REQUEST_NEXT also holds between the last burst of one instruction (or fetch) and the first of
//!   the next of the same master.
//!
//! A burst never crosses a multiple of `burst_bytes` and never holds bytes of two lines; a line
//! that starts or ends inside a beat takes the beat whole and masks bytes. So a line of n bytes at
//! address e has the beats e / B ..= (e + n - 1) / B, cut where a beat starts a multiple of
//! `burst_bytes`. Lines follow each other in the order of the transfer's loop nest, without a pause
//! between them, even where one continues the other.
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
//!
//! * Bursts j count within one instruction; both slots are free when a store is issued.
//! * A load never waits for on-chip memory: beats are written as they arrive.

use crate::config::Config;
use crate::fixed::MANTISSA_BITS;
use crate::instr::{TileOp, Unit};

/// Cycle of the first instruction-fetch request.
pub const START_FETCH: u64 = 1;
/// From an issue to the next fetch request of that unit.
pub const FETCH_NEXT: u64 = 1;
/// Words, and cycles, in which a prefetched instruction moves into the instruction register.
pub const UNPACK: u64 = 4;
/// From the last beat of an instruction to its being ready: registers of the port and of the
/// prefetch, and the instruction's words.
pub const FETCH_READY: u64 = 2 + UNPACK;
/// From done to the next issue of the same unit.
pub const ISSUE_NEXT: u64 = UNPACK;
/// From a signal to the earliest issue that waits for it: the count, and the issue's own register.
pub const SIGNAL_TO_ISSUE: u64 = 2;
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
pub const STORE_READ_NEXT: u64 = 1;
/// From the end of a burst to the reuse of its slot.
pub const STORE_SLOT: u64 = 1;
/// From the end of the last burst of a store to done.
pub const STORE_DONE: u64 = 3;
/// Cycles a lane walk takes beyond one per lane.
pub const WALK: u64 = 3;

/// From the last read of a burst to its request: address, memory and crossbar stages.
pub fn store_latency(config: &Config) -> u64 {
    (4 + config.pipeline.ram + config.pipeline.crossbar) as u64
}

/// Slot cycles of a column of `op`.
pub fn slot(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let requantise = if unit == Unit::Vector { config.vector_slot } else { config.compute_slot };
    let operand = op.operand.map_or(0, |o| o.target.segments);
    requantise.max(op.output.segments).max(operand) as u64
}

/// Cycles from the first step of a tile to the first step of the next.
pub fn period(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let drain = op.columns as u64 * slot(op, unit, config);
    op.reduction().max(drain).max(config.lanes as u64 + WALK)
}

/// From a row presented to feature memory to its data: a register on either side of the banks.
pub fn feature_read_latency(config: &Config) -> u64 {
    config.pipeline.ram as u64 + 2
}

/// Cycles by which the operand's bytes may be later than the sums: the accumulator is scaled first.
pub fn operand_late(config: &Config) -> u64 {
    (scale_latency(config) + 1).min(config.lanes as u64 + 1)
}

/// Cycles that the steps of a tile are counted ahead of the gather, so that an operand, which takes
/// up to P cycles for a column, is there in time.
pub fn lead(config: &Config) -> u64 {
    config.lanes as u64 + 1 - operand_late(config)
}

/// From a step at the gather to its lane data: offset (3), lane addresses (3), decoding,
/// crossbar, feature memory, crossbar.
pub fn gather_latency(config: &Config) -> u64 {
    7 + 2 * config.pipeline.crossbar as u64 + feature_read_latency(config)
}

/// From the lane data of the last step to the first column of the sums, for the first lane.
pub fn reduce_latency(unit: Unit, config: &Config) -> u64 {
    let multiplier = if unit == Unit::Vector { 0 } else { config.pipeline.multiplier };
    multiplier as u64 + 2
}

/// Cycles that the array's last group of lanes is behind its first.
pub fn lane_skew(unit: Unit, config: &Config) -> u64 {
    if unit == Unit::Vector { 0 } else { config.lanes.div_ceil(config.pipeline.fanout) as u64 - 1 }
}

/// From a sum to the scaled accumulator, besides the product's parts: bias and choice of the mantissa
/// (2), their addition (2), shift (3), saturation (1).
pub const SCALE: u64 = 8;
/// Low bits of a mantissa that two multipliers of the technology leave over: they are multiplied by shifts and
/// additions, two bits at a time.
pub fn digit_bits(config: &Config) -> usize {
    MANTISSA_BITS as usize + 1 - config.technology.multiplier_bits()
}

/// Cycles of that: multiples of the sum, then a tree of additions; the multipliers work beside it.
pub fn digits(config: &Config) -> u64 {
    1 + u64::from(digit_bits(config).div_ceil(2).next_power_of_two().ilog2())
}

/// From the scaled accumulator to the operand's contribution. The operand comes second because it
/// may multiply the accumulator: multiplicand and its triple (2), the product by shifts and
/// additions (4), shift (3), saturation (1), zero point and rounding (1).
pub const OPERAND: u64 = 11;
/// From the operand's contribution to the byte, besides the table's memory: sum, clamps (2) and
/// selection.
pub const CLAMP: u64 = 4;

/// From a sum to the scaled accumulator.
pub fn scale_latency(config: &Config) -> u64 {
    SCALE + digits(config).max(config.pipeline.multiplier as u64)
}

/// From a sum to its byte.
pub fn requantise_latency(config: &Config) -> u64 {
    scale_latency(config) + OPERAND + CLAMP + config.pipeline.ram as u64
}

/// Pipeline cycles of a tile operation that do not depend on its fields: lead, gather, reduction,
/// two crossbars (sums to requantisers, bytes to banks), the post unit with its turns, and one
/// cycle from the last write to done.
pub fn overhead(unit: Unit, config: &Config) -> u64 {
    let slot = if unit == Unit::Vector { config.vector_slot } else { config.compute_slot };
    lead(config)
        + gather_latency(config)
        + reduce_latency(unit, config)
        + lane_skew(unit, config)
        + requantise_latency(config)
        + slot as u64
        + 2 * config.pipeline.crossbar as u64
}

/// Cycles from issue to done of a tile operation.
pub fn duration(op: &TileOp, unit: Unit, config: &Config) -> u64 {
    let tiles = op.groups as u64 * op.tiles as u64;
    (tiles - 1) * period(op, unit, config)
        + op.reduction()
        + op.last_columns as u64 * slot(op, unit, config)
        + config.lanes as u64
        + overhead(unit, config)
}
