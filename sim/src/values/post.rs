//! The post unit on one column of a block.

use super::{Context, simd};
use crate::geometry::{Piece, target_row};
use tilewright_arch::fixed::OperandScale;
use tilewright_arch::instr::Unit;

/// Appends the bytes of one column; those of rows that are not written are arbitrary.
pub fn column(
    context: &Context,
    group: u32,
    column: u32,
    pieces: &[Piece],
    sums: &[i32],
    bytes: &mut Vec<u8>,
) {
    let op = context.op;
    let c = &op.channels;
    let word = usize::from(c.base)
        + group as usize * usize::from(c.group_step)
        + column as usize * usize::from(c.column_step);
    let channel = &context.state.channels[usize::from(context.unit == Unit::Vector)][word];
    let operands = op.operand.as_ref().map(|operand| {
        let scaled = table(&operand.scale);
        let mut values = vec![0i32; sums.len()];
        let pixel = i64::from(operand.target.walk.pixel);
        for piece in pieces {
            if let Some(start) = target_row(op, &operand.target, group, column, piece.row) {
                let first = start + piece.x.start as i64 * pixel;
                let places = &mut values[piece.at..piece.at + piece.x.len()];
                for (i, place) in places.iter_mut().enumerate() {
                    let byte = context.state.features[(first + i as i64 * pixel) as usize];
                    *place = scaled[usize::from(byte)];
                }
            }
        }
        values
    });
    let at = bytes.len();
    bytes.resize(at + sums.len(), 0);
    let out = &mut bytes[at..];
    simd::post(context.level, sums, channel, operands.as_deref(), &op.post, out);
    if let Some(table) = op.table {
        let table = &context.state.tables[usize::from(table)];
        for byte in out {
            *byte = table[usize::from(*byte ^ 0x80)] as u8;
        }
    }
}

/// The scaled operand of every byte.
fn table(scale: &OperandScale) -> [i32; 256] {
    std::array::from_fn(|byte| scale.apply(byte as u8 as i8))
}
