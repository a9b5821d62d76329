//! [`Reduce::Rows`](tilewright_arch::instr::Reduce): columns are output rows, taps shift along them.

use super::{Chunk, Context, gather, post, simd};
use crate::geometry::offsets;

/// The bytes (group, column, pixel) of a block of one group.
pub fn run(context: &Context, block: &Chunk) -> Vec<u8> {
    let (op, config) = (context.op, context.config);
    let group = block.groups.start;
    let pixels = block.pixels.len();
    let pieces = context.grid.pieces(block.pixels.clone());
    let columns = op.columns_of(group);
    let taps = op.taps;
    let mut line = vec![0u8; pixels + gather::SLACK];
    let mut sums = vec![0i32; pixels * columns];
    for offset in offsets(op) {
        gather::line(op, &context.state.features, group, &pieces, &offset, &mut line);
        let [i2, i1, i0] = offset.at;
        let [n2, n1, _] = op.steps.map(|s| s.count);
        let word = (op.weights + (group * n2 + i2) * n1 + i1) % config.weight_words;
        let word = &context.state.weights[word * config.columns..][..config.columns];
        for column in (i0 + 1).saturating_sub(taps)..columns.min(i0 + 1) {
            let weight = word[i0 - column] as i8;
            simd::axpy(context.level, &line, weight, &mut sums[column * pixels..(column + 1) * pixels]);
        }
    }
    let mut bytes = Vec::with_capacity(pixels * columns);
    for (column, sums) in sums.chunks_exact(pixels).enumerate() {
        post::column(context, group, column, &pieces, sums, &mut bytes);
    }
    bytes
}
