//! Gathers input bytes of consecutive pixels.

use crate::geometry::{Offset, Piece, input_row};
use tilewright_arch::instr::TileOp;

/// Bytes that [`line`] may write beyond the last pixel, and read beyond the last feature byte.
pub const SLACK: usize = 16;

/// Fills `line` with the bytes of all pixels of `pieces` at one step, padding included. The line is
/// [`SLACK`] bytes longer than needed, and so are the features.
pub fn line(op: &TileOp, features: &[u8], group: usize, pieces: &[Piece], offset: &Offset, line: &mut [u8]) {
    let pad = op.input.pad as u8;
    let pixel = op.input.walk.pixel;
    for piece in pieces {
        let input = input_row(op, group, piece.row, offset);
        let from = input.valid.start.clamp(piece.x.start, piece.x.end);
        let to = input.valid.end.clamp(from, piece.x.end);
        let part = &mut line[piece.at..];
        let (before, count) = (from - piece.x.start, to - from);
        if count > 0 {
            let first = (input.start + from as i64 * pixel) as usize;
            let inside = &mut part[before..];
            if pixel == 1 && count <= SLACK {
                // A copy of fixed size is one instruction; what is too much is overwritten by the
                // padding below or by the next piece.
                inside[..SLACK].copy_from_slice(&features[first..first + SLACK]);
            } else if pixel == 1 {
                inside[..count].copy_from_slice(&features[first..first + count]);
            } else {
                for (i, byte) in inside[..count].iter_mut().enumerate() {
                    *byte = features[(first as i64 + i as i64 * pixel) as usize];
                }
            }
        }
        if before > 0 {
            part[..before].fill(pad);
        }
        if before + count < piece.x.len() {
            part[before + count..piece.x.len()].fill(pad);
        }
    }
}
