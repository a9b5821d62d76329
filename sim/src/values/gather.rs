//! Gathers input bytes of consecutive pixels.

use crate::geometry::{Offset, Piece, input_row};
use tilewright_arch::instr::TileOp;

/// Fills `line` with the bytes of all pixels of `pieces` at one step, padding included.
pub fn line(op: &TileOp, features: &[u8], group: u32, pieces: &[Piece], offset: &Offset, line: &mut [u8]) {
    let pad = op.input.pad as u8;
    let pixel = i64::from(op.input.walk.pixel);
    for piece in pieces {
        let input = input_row(op, group, piece.row, offset);
        let from = input.valid.start.clamp(piece.x.start, piece.x.end);
        let to = input.valid.end.clamp(from, piece.x.end);
        let part = &mut line[piece.at..piece.at + piece.x.len()];
        let (before, rest) = part.split_at_mut(from - piece.x.start);
        let (inside, after) = rest.split_at_mut(to - from);
        before.fill(pad);
        after.fill(pad);
        if inside.is_empty() {
            continue;
        }
        let first = input.start + from as i64 * pixel;
        if pixel == 1 {
            inside.copy_from_slice(&features[first as usize..first as usize + inside.len()]);
        } else {
            for (i, byte) in inside.iter_mut().enumerate() {
                *byte = features[(first + i as i64 * pixel) as usize];
            }
        }
    }
}
