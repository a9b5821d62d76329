//! The engine: the hardware that executes one [`TileOp`](tilewright_arch::instr::TileOp), as the
//! compute unit (with the array) or as the vector unit (with the reducer in its place).
//!
//! One file holds one hardware unit. Data flow, with the cycle in which a value can be seen;
//! `I` is the issue, `b` the first step of a tile in the stepper, `T` its last:
//!
//! ```text
//! stepper      counts tiles, steps, and the period          b = I + P + 1 for the first tile
//! gather       offset -> lane addresses -> crossbar -> feature memory -> crossbar
//! weights      address -> memory -> expander                 lane data and weights at
//!                                                            A = step + lead + gather_latency
//! array        skewed multipliers, accumulators, shadows     column j of lane group h at
//!  or reducer                                                D + h + j*S .., D = A(T) + reduce_latency
//! drain        counts columns, S cycles each
//! operand      the same columns, S cycles earlier            in a holding register from
//!                                                            D + operand_late + j*S
//! post         select, requantise, table, collect            all lanes at H + j*S,
//!                                                            H = D + skew + crossbar + requantise + slot
//! output       lane addresses of column j and segment s      written at H + j*S + s + crossbar
//! done         one cycle after the last write
//! ```
//!
//! The operand of a column is complete only after S <= P cycles, and is needed when the column's
//! sums have been scaled: where that is too early the stepper runs `lead` cycles ahead of the
//! gather. The three address paths (gather, operand,
//! output) are alike: a [`walker`] pushes the pixels of the next tile into a shift chain while the
//! [`lanes`] of the present tile add the common [`offset`] to their own addresses.
//!
//! `reset` clears the sequencing but not the pipelines: if it comes while something runs it has to
//! be held until they are empty, for as many cycles as [`overhead`](timing::overhead) says. Only the
//! accumulators would remember more than that; a reset ends their tile.

mod array;
mod beats;
mod channels;
mod columns;
mod crossbar;
mod gather;
mod lanes;
mod offset;
mod post;
mod reducer;
mod requantise;
mod stepper;
mod target;
#[cfg(test)]
mod tests;
mod tile;
mod walker;
mod weights;

use crate::build::{Builder, Expr, Ops, Sig, index_bits};
use tilewright_arch::Config;
use tilewright_arch::encoding::{self, Field, TILE_BYTES};
use tilewright_arch::instr::Unit;
use tilewright_arch::timing;

pub(crate) use beats::{ChannelBeats, TableBeats, WeightBeats};
pub(crate) use tile::tile_engine;

/// Bits of the instruction port.
pub(crate) const INSTRUCTION_BITS: usize = TILE_BYTES * 8;
/// Bits of a pixel coordinate. Coordinates are compared as unsigned numbers: a negative one is
/// larger than any extent.
const COORDINATE_BITS: usize = 14;
/// Bits of a column or phase counter.
const COUNT_BITS: usize = 6;

/// The sizes of one engine, derived from the configuration.
#[derive(Clone, Debug)]
struct Shape {
    config: Config,
    unit: Unit,
    /// P.
    lanes: usize,
    /// C; 1 on the vector unit.
    columns: usize,
    /// Bits of a row of feature memory.
    row_bits: usize,
    /// Bits of a bank number.
    bank_bits: usize,
    /// Lanes that each requantiser serves.
    slot: usize,
    /// Stages of a crossbar.
    crossbar: usize,
    /// Stages of a memory.
    ram: usize,
    /// Lanes, and columns, of one fan-out register of the array.
    fanout: usize,
}

impl Shape {
    fn new(config: &Config, unit: Unit) -> Shape {
        let vector = unit == Unit::Vector;
        Shape {
            config: config.clone(),
            unit,
            lanes: config.lanes,
            columns: if vector { 1 } else { config.columns },
            row_bits: index_bits(config.feature_rows()),
            bank_bits: index_bits(config.lanes),
            slot: if vector { config.vector_slot } else { config.compute_slot },
            crossbar: config.pipeline.crossbar,
            ram: config.pipeline.ram,
            fanout: config.pipeline.fanout,
        }
    }

    /// Start of the names of this engine's modules: modules of the two units differ.
    fn prefix(&self) -> &'static str {
        if self.unit == Unit::Vector { "vector" } else { "compute" }
    }

    /// Requantisers.
    fn requantisers(&self) -> usize {
        self.lanes.div_ceil(self.slot)
    }

    /// Cycles that the last lane is behind lane 0 when a column is drained.
    fn skew(&self) -> usize {
        timing::lane_skew(self.unit, &self.config) as usize
    }

    /// Cycles that lane `q` is behind lane 0.
    fn lane_group(&self, q: usize) -> usize {
        if self.unit == Unit::Vector { 0 } else { q / self.fanout }
    }

    /// Cycles that the stepper is ahead of the gather.
    fn lead(&self) -> usize {
        timing::lead(&self.config) as usize
    }

    /// Cycles that the operand's bytes are later than the sums.
    fn operand_late(&self) -> usize {
        timing::operand_late(&self.config) as usize
    }

    /// From a step at the gather to its lane data.
    fn gather_latency(&self) -> usize {
        timing::gather_latency(&self.config) as usize
    }

    /// From lane data of the last step to the first drained column.
    fn reduce_latency(&self) -> usize {
        timing::reduce_latency(self.unit, &self.config) as usize
    }

    /// From a selected sum to its byte.
    fn requantise_latency(&self) -> usize {
        timing::requantise_latency(&self.config) as usize
    }

    /// From a row presented to feature memory to its data.
    fn read_latency(&self) -> usize {
        timing::feature_read_latency(&self.config) as usize
    }

    /// From the first cycle of a drained column (lane 0) to all its bytes being held for the write.
    fn post_latency(&self) -> usize {
        self.skew() + self.crossbar + self.requantise_latency() + self.slot
    }

    /// Bits of a number of output rows from 0 to one more than a column can be below its lane's row.
    fn down_bits(&self) -> usize {
        index_bits(self.columns + 1)
    }

    /// A row field of the instruction, as wide as rows are here.
    fn row(&self, instruction: Sig, field: Field) -> Expr {
        self::field(instruction, field).truncate(self.row_bits)
    }

    /// A bank field of the instruction, as wide as banks are here.
    fn bank(&self, instruction: Sig, field: Field) -> Expr {
        self::field(instruction, field).truncate(self.bank_bits)
    }
}

/// The input `instruction`, [`INSTRUCTION_BITS`] wide, whose fields have their names in the Verilog.
fn instruction_input(b: &mut Builder) -> Sig {
    b.input_of_fields("instruction", INSTRUCTION_BITS, encoding::tile::ALL)
}

/// A field of the instruction.
fn field(instruction: Sig, field: Field) -> Expr {
    instruction.slice(field.offset, field.width)
}
