//! [`Reduce::Sum`] and [`Reduce::Max`] of the vector unit.

use super::{Block, Context, gather, post};
use crate::geometry::offsets;
use tilewright_arch::instr::Reduce;

/// The bytes of a block of one group.
pub fn run(context: &Context, block: &Block) -> Vec<u8> {
    let op = context.op;
    let group = block.groups.start;
    let pieces = context.grid.pieces(block.pixels.clone());
    let maximum = op.reduce == Reduce::Max;
    let mut sums = vec![if maximum { -128 } else { 0i32 }; block.pixels.len()];
    for offset in offsets(op) {
        let features = &context.state.features;
        if maximum {
            gather::each(op, features, group, &pieces, &offset, |at, byte| {
                sums[at] = sums[at].max(i32::from(byte as i8));
            });
        } else {
            gather::each(op, features, group, &pieces, &offset, |at, byte| {
                sums[at] = sums[at].wrapping_add(i32::from(byte as i8));
            });
        }
    }
    let mut bytes = Vec::with_capacity(sums.len());
    post::column(context, group, 0, &pieces, &sums, &mut bytes);
    bytes
}
