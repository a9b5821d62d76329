//! [`Reduce::Dense`](tilewright_arch::instr::Reduce): a matrix product of gathered pixels and weight words.

use super::{Block, Context, gather, post, simd};
use crate::geometry::offsets;

/// Steps that are multiplied at once: bytes of a *quad*.
pub const QUAD: usize = 4;
/// Columns are filled up to a multiple of this.
pub const COLUMNS: usize = 16;

/// The weights of one group, as the kernels read them.
pub struct Packed {
    /// Quads of steps: ceil(K / 4).
    pub quads: usize,
    /// Columns, filled up.
    pub columns: usize,
    /// Weight of (quad, column, step of the quad); zero where there is none.
    pub bytes: Vec<u8>,
    /// -128 times the sum of each column: undoes the offset of the gathered bytes.
    pub correction: Vec<i32>,
}

/// Packs the weights of all groups.
pub fn pack(context: &Context) -> Vec<Packed> {
    let (op, config) = (context.op, context.config);
    let steps = op.reduction() as usize;
    let used = usize::from(op.columns);
    let columns = used.next_multiple_of(COLUMNS);
    let quads = steps.div_ceil(QUAD);
    let zeros = vec![0u8; used];
    let one = |group: usize| {
        let mut bytes = vec![0u8; quads * columns * QUAD];
        let mut sums = vec![0i32; columns];
        for (quad, place) in bytes.chunks_exact_mut(columns * QUAD).enumerate() {
            let row = |j: usize| {
                let k = quad * QUAD + j;
                let word = (usize::from(op.weights) + group * steps + k) % config.weight_words;
                if k < steps { &context.state.weights[word * config.columns..][..used] } else { &zeros[..] }
            };
            let rows = [row(0), row(1), row(2), row(3)];
            simd::interleave(context.level, rows, 0, place);
            simd::add(context.level, rows, &mut sums);
        }
        let correction = sums.iter().map(|&s| s.wrapping_mul(-128)).collect();
        Packed { quads, columns, bytes, correction }
    };
    (0..usize::from(op.groups)).map(one).collect()
}

/// The bytes (group, column, pixel) of a block.
pub fn run(context: &Context, packed: &[Packed], block: &Block) -> Vec<u8> {
    let op = context.op;
    let pixels = block.pixels.len();
    let pieces = context.grid.pieces(block.pixels.clone());
    // Gathered bytes plus 128 by (quad, pixel, step of the quad): unsigned times signed products.
    let mut gathered = vec![0u8; (op.reduction() as usize).div_ceil(QUAD) * pixels * QUAD];
    let mut lines: [Vec<u8>; QUAD] = std::array::from_fn(|_| vec![0; pixels + gather::SLACK]);
    let mut steps = offsets(op);
    for place in gathered.chunks_exact_mut(pixels * QUAD) {
        for line in &mut lines {
            // What is left in the lines after the last step meets weights of zero.
            if let Some(offset) = steps.next() {
                gather::line(op, &context.state.features, block.groups.start, &pieces, &offset, line);
            }
        }
        let [a, b, c, d] = &lines;
        simd::interleave(context.level, [a, b, c, d], 0x80, place);
    }
    let columns = packed[0].columns;
    let mut sums = vec![0i32; pixels * columns];
    let mut column_sums = vec![0i32; pixels];
    let mut bytes = Vec::new();
    for group in block.groups.clone() {
        simd::dense(context.level, &gathered, pixels, &packed[group as usize], &mut sums);
        for column in 0..op.columns_of(group) {
            for (sum, row) in column_sums.iter_mut().zip(sums.chunks_exact(columns)) {
                *sum = row[column as usize];
            }
            post::column(context, group, column, &pieces, &column_sums, &mut bytes);
        }
    }
    bytes
}
