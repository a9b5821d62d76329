//! The post unit on one column of a block.

use super::Context;
use super::simd::{self, Operands};
use crate::geometry::{Piece, target_row};
use tilewright_arch::fixed::OperandScale;
use tilewright_arch::instr::Unit;

/// Appends the bytes of one column; those of rows that are not written are arbitrary.
pub fn column(
    context: &Context,
    group: usize,
    column: usize,
    pieces: &[Piece],
    sums: &[i32],
    bytes: &mut Vec<u8>,
) {
    let op = context.op;
    let c = &op.channels;
    let word = c.base + group * c.group_step + column * c.column_step;
    let channel = &context.state.channels[usize::from(context.unit == Unit::Vector)][word];
    let values = op.operand.as_ref().map(|operand| {
        let contribution = table(&operand.scale);
        let mut values = vec![0i32; sums.len()];
        let pixel = operand.target.walk.pixel;
        for piece in pieces {
            if let Some(start) = target_row(op, &operand.target, group, column, piece.row) {
                let first = start + piece.x.start as i64 * pixel;
                let places = &mut values[piece.at..piece.at + piece.x.len()];
                for (i, place) in places.iter_mut().enumerate() {
                    let byte = context.state.features[(first + i as i64 * pixel) as usize];
                    *place = contribution[usize::from(byte)];
                }
            }
        }
        values
    });
    let operands = match (&op.operand, &values) {
        (Some(operand), Some(values)) if operand.scale.multiply => {
            Operands::Multiply(values, operand.scale.shift)
        }
        (_, Some(values)) => Operands::Add(values),
        _ => Operands::None,
    };
    let at = bytes.len();
    bytes.resize(at + sums.len(), 0);
    let out = &mut bytes[at..];
    simd::post(context.level, sums, channel, operands, &op.post, out);
    if let Some(table) = op.table {
        let table = &context.state.tables[table];
        for byte in out {
            *byte = table[usize::from(*byte ^ 0x80)] as u8;
        }
    }
}

/// What every byte contributes: the scaled operand, or the factor.
fn table(scale: &OperandScale) -> [i32; 256] {
    std::array::from_fn(|byte| {
        let byte = byte as u8 as i8;
        if scale.multiply { scale.difference(byte) } else { scale.added(byte) }
    })
}
