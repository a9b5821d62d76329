//! [`Reduce::Sum`] and [`Reduce::Max`] of the vector unit.

use super::{Chunk, Context, gather, post, simd};
use crate::geometry::offsets;
use tilewright_arch::instr::Reduce;

/// The bytes of a block of one group.
pub fn run(context: &Context, block: &Chunk) -> Vec<u8> {
    let op = context.op;
    let group = block.groups.start;
    let pieces = context.grid.pieces(block.pixels.clone());
    let maximum = op.reduce == Reduce::Max;
    let mut sums = vec![if maximum { -128 } else { 0i32 }; block.pixels.len()];
    let mut high = vec![0i32; if op.wide { sums.len() } else { 0 }];
    let mut line = vec![0u8; sums.len() + gather::SLACK];
    for offset in offsets(op) {
        gather::line(op, &context.state.features, group, &pieces, &offset, &mut line);
        if maximum {
            simd::maximum(context.level, &line, &mut sums);
        } else {
            let counts_more = op.wide && offset.at[0].is_multiple_of(2);
            simd::axpy(context.level, &line, 1, if counts_more { &mut high } else { &mut sums });
        }
    }
    simd::widen(context.level, &high, &mut sums);
    let mut bytes = Vec::with_capacity(sums.len());
    post::column(context, group, 0, &pieces, &sums, &mut bytes);
    bytes
}
