//! Gathers input bytes of consecutive pixels.

use crate::geometry::{Offset, Piece, input_row};
use tilewright_arch::instr::TileOp;

/// Calls `put(place, byte)` for every pixel of `pieces` at one step, padding included.
#[inline(always)]
pub fn each(
    op: &TileOp,
    features: &[u8],
    group: u32,
    pieces: &[Piece],
    offset: &Offset,
    mut put: impl FnMut(usize, u8),
) {
    let pad = op.input.pad as u8;
    let pixel = i64::from(op.input.walk.pixel);
    for piece in pieces {
        let input = input_row(op, group, piece.row, offset);
        let from = input.valid.start.clamp(piece.x.start, piece.x.end);
        let to = input.valid.end.clamp(from, piece.x.end);
        let mut at = piece.at;
        for _ in piece.x.start..from {
            put(at, pad);
            at += 1;
        }
        if from < to {
            let first = input.start + from as i64 * pixel;
            if pixel == 1 {
                for &byte in &features[first as usize..first as usize + (to - from)] {
                    put(at, byte);
                    at += 1;
                }
            } else {
                for i in 0..(to - from) as i64 {
                    put(at, features[(first + i * pixel) as usize]);
                    at += 1;
                }
            }
        }
        for _ in to..piece.x.end {
            put(at, pad);
            at += 1;
        }
    }
}
