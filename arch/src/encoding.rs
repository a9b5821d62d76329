//! The bits of an instruction: one table of fields, read by the encoder here and by the decoder in
//! the hardware.
//!
//! Instructions are little-endian words of [`TILE_BYTES`] or [`TRANSFER_BYTES`] bytes; field offsets
//! count bits from the least significant one. Addresses and address steps are (row, bank) pairs of
//! [`ROW_BITS`] (two's complement) and [`BANK_BITS`] bits. Counts are stored less one, the rows of a
//! ring negated. Steps of nested loops are stored as *transitions*: what is added when that loop
//! advances and all loops inside it start again, so that hardware needs one adder.
//!
//! [`VERSION`] says how a field is added.

mod bits;
mod fields;
mod groups;

use crate::fixed::OperandScale;
use crate::instr::{Channels, Gather, LocalMemory, Operand, Reduce, Step, TileOp, Transfer, Unit};
use bits::{FieldReader, FieldWriter};
use std::ops::RangeInclusive;
use thiserror::Error;

pub use fields::{Field, tile, transfer};
pub use groups::{INPUT_WALK, OPERAND_TARGET, OUTPUT_TARGET, STEPS, TargetFields, WalkFields};

/// Version of the encoding of instructions, parameters and images.
///
/// **How a field is added.** At the end of its table, so that no other moves: fields lie one
/// behind the other. A field that is given up keeps its bits. One that becomes wider gets its high bits there, as a
/// field of their own: a fifth [`Reduce`] is a third bit of `reduce` at the end. Where a table is full, its record
/// doubles ([`TILE_BYTES`], [`TRANSFER_BYTES`]). Either way, and with every other change of what bytes
/// of an image mean, this number rises: a machine takes its own version and no other.
pub const VERSION: u32 = 3;

/// Bits of a row number or row step.
pub const ROW_BITS: usize = 16;
/// Bits of a bank number.
pub const BANK_BITS: usize = 6;
/// Bytes of an encoded [`TileOp`].
pub const TILE_BYTES: usize = 128;
/// Bytes of an encoded [`Transfer`].
pub const TRANSFER_BYTES: usize = 32;
/// Machines count the beats and bursts of an instruction, and find its place in a list, by powers of two.
const _: () = assert!(TILE_BYTES.is_power_of_two() && TRANSFER_BYTES.is_power_of_two());
/// Bytes of the key ([`crate::isa::key`], least byte first) at the head of an instruction list. It has the place of
/// an instruction, whose other bytes are not read.
pub const KEY_BYTES: usize = 4;

/// Bytes of an encoded instruction of a unit.
pub fn instruction_bytes(unit: Unit) -> usize {
    match unit {
        Unit::Compute | Unit::Vector => TILE_BYTES,
        Unit::Load | Unit::Store => TRANSFER_BYTES,
    }
}

/// Bytes of the list of `count` instructions of a unit, its key included; none of an empty list.
pub fn list_bytes(unit: Unit, count: usize) -> usize {
    if count == 0 { 0 } else { (1 + count) * instruction_bytes(unit) }
}

/// A value that an instruction cannot say.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("field {}: {}", self.field.name, self.end())]
pub struct FieldError {
    /// The field; of an address or step that of its row.
    pub field: Field,
    /// What should have gone in: a count as it is, an address or step in bytes.
    pub value: i64,
    /// What the field can say, in the same terms.
    pub range: RangeInclusive<i64>,
}

impl FieldError {
    /// The end of the range that the value lies beyond: `257 is more than the 63 that an instruction can say`.
    pub fn end(&self) -> String {
        let FieldError { value, range, .. } = self;
        let (than, end) = if value > range.end() { ("more", range.end()) } else { ("less", range.start()) };
        format!("{value} is {than} than the {end} that an instruction can say")
    }
}

use tile as f;

/// `encode` and `decode` of [`TileOp`].
impl TileOp {
    /// The instruction's bytes on a machine of `lanes` lanes.
    ///
    /// # Errors
    /// The first value that does not fit its field, with the field's name and its range.
    pub fn encode(&self, lanes: usize) -> Result<Vec<u8>, FieldError> {
        let mut w = FieldWriter { bytes: vec![0; TILE_BYTES], lanes };
        w.sync([f::WAIT, f::SIGNAL], &self.sync)?;
        w.put(f::REDUCE, self.reduce as u8)?;
        w.put(f::WIDE, self.wide)?;
        w.count(f::GROUPS, self.groups)?;
        w.count(f::TILES, self.tiles)?;
        w.count(f::LANES, self.lanes)?;
        w.put(f::LINE_STOP, self.line_stop)?;
        w.count(f::COLUMNS, self.columns)?;
        w.count(f::LAST_COLUMNS, self.last_columns)?;
        w.count(f::INNER_COLUMNS, self.inner_columns)?;
        w.put(f::COLUMN_Y, self.column_y)?;
        w.count(f::WIDTH, self.width)?;
        w.put(f::LINES, self.lines)?;
        w.put(f::LINE_STEP, self.line_step)?;
        let (mut address, mut y, mut x) = (0, 0, 0);
        for (fields, step) in STEPS.iter().zip(self.steps.iter().rev()) {
            w.count(fields[0], step.count)?;
            w.flat(fields[1], fields[2], step.address.saturating_sub(address))?;
            w.put(fields[3], step.y.saturating_sub(y))?;
            w.put(fields[4], step.x.saturating_sub(x))?;
            let rewind = step.count as i64 - 1;
            address += rewind * step.address;
            y += rewind * step.y;
            x += rewind * step.x;
        }
        w.walk(&INPUT_WALK, &self.input.walk, self.width)?;
        w.put(f::INPUT_Y0, self.input.y0)?;
        w.put(f::INPUT_X0, self.input.x0)?;
        w.put(f::INPUT_Y_STEP, self.input.y_step)?;
        w.put(f::INPUT_X_STEP, self.input.x_step)?;
        w.put(f::INPUT_HEIGHT, self.input.height)?;
        w.put(f::INPUT_WIDTH, self.input.width)?;
        w.put(f::INPUT_PAD, self.input.pad)?;
        w.put(f::WEIGHTS, self.weights)?;
        w.put(f::TAPS, self.taps)?;
        w.put(f::CHANNEL_BASE, self.channels.base)?;
        w.put(f::CHANNEL_COLUMN_STEP, self.channels.column_step)?;
        w.put(f::CHANNEL_GROUP_STEP, self.channels.group_step)?;
        w.put(f::ZERO, self.post.zero)?;
        w.put(f::LO, self.post.lo)?;
        w.put(f::HI, self.post.hi)?;
        w.put(f::TABLE_ON, self.table.is_some())?;
        w.put(f::TABLE, self.table.unwrap_or(0))?;
        w.put(f::OPERAND_ON, self.operand.is_some())?;
        if let Some(operand) = &self.operand {
            w.target(&OPERAND_TARGET, &operand.target, self)?;
            w.put(f::OPERAND_ZERO, operand.scale.zero)?;
            w.put(f::OPERAND_MANTISSA, operand.scale.mantissa)?;
            w.put(f::OPERAND_SHIFT, operand.scale.shift)?;
            w.put(f::OPERAND_MULTIPLY, operand.scale.multiply)?;
        }
        w.target(&OUTPUT_TARGET, &self.output, self)?;
        w.put(f::KEEP, self.keep)?;
        Ok(w.bytes)
    }

    /// The instruction that `bytes` (at least [`TILE_BYTES`]) encode.
    pub fn decode(bytes: &[u8], lanes: usize) -> TileOp {
        let r = FieldReader { bytes, lanes };
        let width = r.count(f::WIDTH);
        let inner_columns = r.count(f::INNER_COLUMNS);
        let mut steps = [Step::default(); 3];
        let (mut address, mut y, mut x) = (0, 0, 0);
        for (fields, step) in STEPS.iter().zip(steps.iter_mut().rev()) {
            step.count = r.count(fields[0]);
            step.address = r.flat((fields[1], fields[2])) + address;
            step.y = r.get(fields[3]) + y;
            step.x = r.get(fields[4]) + x;
            let rewind = step.count as i64 - 1;
            address += rewind * step.address;
            y += rewind * step.y;
            x += rewind * step.x;
        }
        TileOp {
            sync: r.sync([f::WAIT, f::SIGNAL]),
            reduce: [Reduce::Dense, Reduce::Rows, Reduce::Sum, Reduce::Max][r.get(f::REDUCE) as usize],
            wide: r.get(f::WIDE) != 0,
            keep: r.get(f::KEEP) != 0,
            groups: r.count(f::GROUPS),
            tiles: r.count(f::TILES),
            lanes: r.count(f::LANES),
            line_stop: r.get(f::LINE_STOP) != 0,
            columns: r.count(f::COLUMNS),
            last_columns: r.count(f::LAST_COLUMNS),
            inner_columns,
            column_y: r.number(f::COLUMN_Y),
            width,
            lines: r.number(f::LINES),
            line_step: r.number(f::LINE_STEP),
            steps,
            input: Gather {
                walk: r.walk(&INPUT_WALK, width),
                y0: r.get(f::INPUT_Y0),
                x0: r.get(f::INPUT_X0),
                y_step: r.number(f::INPUT_Y_STEP),
                x_step: r.number(f::INPUT_X_STEP),
                height: r.number(f::INPUT_HEIGHT),
                width: r.number(f::INPUT_WIDTH),
                pad: r.get(f::INPUT_PAD) as i8,
            },
            weights: r.number(f::WEIGHTS),
            taps: r.number(f::TAPS),
            channels: Channels {
                base: r.number(f::CHANNEL_BASE),
                column_step: r.number(f::CHANNEL_COLUMN_STEP),
                group_step: r.number(f::CHANNEL_GROUP_STEP),
            },
            post: crate::fixed::Post {
                zero: r.get(f::ZERO) as i8,
                lo: r.get(f::LO) as i8,
                hi: r.get(f::HI) as i8,
            },
            table: (r.get(f::TABLE_ON) != 0).then(|| r.number(f::TABLE)),
            operand: (r.get(f::OPERAND_ON) != 0).then(|| Operand {
                target: r.target(&OPERAND_TARGET, width, inner_columns),
                scale: OperandScale {
                    zero: r.get(f::OPERAND_ZERO) as i8,
                    mantissa: r.get(f::OPERAND_MANTISSA) as i32,
                    shift: r.get(f::OPERAND_SHIFT) as u8,
                    multiply: r.get(f::OPERAND_MULTIPLY) != 0,
                },
            }),
            output: r.target(&OUTPUT_TARGET, width, inner_columns),
        }
    }
}

/// `encode` and `decode` of [`Transfer`].
impl Transfer {
    /// The instruction's bytes on a machine of `lanes` lanes.
    ///
    /// # Errors
    /// As [`TileOp::encode`].
    pub fn encode(&self, lanes: usize) -> Result<Vec<u8>, FieldError> {
        use transfer as f;
        let mut w = FieldWriter { bytes: vec![0; TRANSFER_BYTES], lanes };
        w.sync([f::WAIT, f::SIGNAL], &self.sync)?;
        w.put(f::MEMORY, self.memory as u8)?;
        w.put(f::EXTERNAL, self.external)?;
        w.put(f::EXTERNAL_LINE, self.external_line)?;
        w.put(f::EXTERNAL_PLANE, self.external_plane)?;
        if self.memory == LocalMemory::Feature {
            w.flat(f::LOCAL_ROW, f::LOCAL_BANK, self.local)?;
        } else {
            w.put(f::LOCAL_ROW, self.local)?;
        }
        w.flat(f::LOCAL_LINE_ROW, f::LOCAL_LINE_BANK, self.local_line)?;
        w.flat(f::LOCAL_PLANE_ROW, f::LOCAL_PLANE_BANK, self.local_plane)?;
        w.put(f::LINE_BYTES, self.line_bytes)?;
        w.count(f::LINES, self.lines)?;
        w.count(f::PLANES, self.planes)?;
        Ok(w.bytes)
    }

    /// The instruction that `bytes` (at least [`TRANSFER_BYTES`]) encode; `None` when the memory
    /// field names no memory.
    pub fn decode(bytes: &[u8], lanes: usize) -> Option<Transfer> {
        use transfer as f;
        let r = FieldReader { bytes, lanes };
        let memory = match r.get(f::MEMORY) {
            0 => LocalMemory::Feature,
            1 => LocalMemory::Weights,
            2 => LocalMemory::ComputeChannels,
            3 => LocalMemory::VectorChannels,
            4 => LocalMemory::Tables,
            _ => return None,
        };
        Some(Transfer {
            sync: r.sync([f::WAIT, f::SIGNAL]),
            memory,
            external: r.number(f::EXTERNAL),
            external_line: r.get(f::EXTERNAL_LINE),
            external_plane: r.get(f::EXTERNAL_PLANE),
            local: if memory == LocalMemory::Feature {
                r.flat((f::LOCAL_ROW, f::LOCAL_BANK))
            } else {
                r.get(f::LOCAL_ROW)
            },
            local_line: r.flat((f::LOCAL_LINE_ROW, f::LOCAL_LINE_BANK)),
            local_plane: r.flat((f::LOCAL_PLANE_ROW, f::LOCAL_PLANE_BANK)),
            line_bytes: r.number(f::LINE_BYTES),
            lines: r.count(f::LINES),
            planes: r.count(f::PLANES),
        })
    }
}

#[cfg(test)]
mod tests;
