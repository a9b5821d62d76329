//! [`Reduce::Dense`](tilewright_arch::instr::Reduce): a matrix product of gathered pixels and weight words.

use super::{Chunk, Context, gather, post, simd};
use crate::geometry::{Piece, offsets_of};
use tilewright_arch::instr::TileOp;

/// Steps that are multiplied at once: bytes of a *quad*.
pub const QUAD: usize = 4;
/// Columns are filled up to a multiple of this.
pub const COLUMNS: usize = 16;

/// The weights of one group and pass, as the kernels read them.
pub struct Packed {
    /// Quads of steps: ceil(steps / 4).
    pub quads: usize,
    /// Columns, filled up.
    pub columns: usize,
    /// Weight of (quad, column, step of the quad); zero where there is none.
    pub bytes: Vec<u8>,
    /// -128 times the sum of each column: undoes the offset of the gathered bytes.
    pub correction: Vec<i32>,
}

/// Steps that count alike: those of every `stride`-th iteration of the outermost loop.
#[derive(Clone, Copy)]
struct Strided {
    first: usize,
    stride: usize,
}

/// The passes of an operation: all steps, or the low halves of wide values and then the high ones.
fn passes(op: &TileOp) -> &'static [Strided] {
    if op.wide {
        return &[Strided { first: 1, stride: 2 }, Strided { first: 0, stride: 2 }];
    }
    &[Strided { first: 0, stride: 1 }]
}

/// Packs the weights, by pass and group.
pub fn pack(context: &Context) -> Vec<Vec<Packed>> {
    passes(context.op).iter().map(|pass| pack_pass(context, *pass)).collect()
}

fn pack_pass(context: &Context, pass: Strided) -> Vec<Packed> {
    let (op, config) = (context.op, context.config);
    let reduction = op.reduction() as usize;
    let outer = op.steps[0].count;
    let inner = reduction / outer;
    let steps = outer.saturating_sub(pass.first).div_ceil(pass.stride) * inner;
    let used = op.columns;
    let columns = used.next_multiple_of(COLUMNS);
    let quads = steps.div_ceil(QUAD);
    let zeros = vec![0u8; used];
    let one = |group: usize| {
        let mut bytes = vec![0u8; quads * columns * QUAD];
        let mut sums = vec![0i32; columns];
        for (quad, place) in bytes.chunks_exact_mut(columns * QUAD).enumerate() {
            let row = |j: usize| {
                let step = quad * QUAD + j;
                // Number in the loop nest.
                let k = match pass.stride {
                    1 => step,
                    stride => (pass.first + step / inner * stride) * inner + step % inner,
                };
                let word = (op.weights + group * reduction + k) % config.weight_words;
                if step < steps {
                    &context.state.weights[word * config.columns..][..used]
                } else {
                    &zeros[..]
                }
            };
            let rows = [row(0), row(1), row(2), row(3)];
            simd::interleave(context.level, rows, 0, place);
            simd::add(context.level, rows, &mut sums);
        }
        let correction = sums.iter().map(|&s| s.wrapping_mul(-128)).collect();
        Packed { quads, columns, bytes, correction }
    };
    (0..op.groups).map(one).collect()
}

/// The bytes (group, column, pixel) of a block.
pub fn run(context: &Context, packed: &[Vec<Packed>], block: &Chunk) -> Vec<u8> {
    let op = context.op;
    let pieces = context.grid.pieces(block.pixels.clone());
    let columns = packed[0][0].columns;
    let mut column_sums = vec![0i32; block.pixels.len()];
    let mut bytes = Vec::new();
    each_group(context, packed, block, |group, sums| {
        for column in 0..op.columns_of(group) {
            for (sum, row) in column_sums.iter_mut().zip(sums.chunks_exact(columns)) {
                *sum = row[column];
            }
            post::column(context, group, column, &pieces, &column_sums, &mut bytes);
        }
    });
    bytes
}

/// The sums of an operation that keeps them, as [`State::kept`](crate::state::State::kept).
pub fn keep(context: &Context, packed: &[Vec<Packed>]) -> Vec<i32> {
    let mut kept = vec![];
    let block = Chunk { groups: 0..1, pixels: 0..context.grid.pixels() };
    each_group(context, packed, &block, |_, sums| kept = sums.to_vec());
    kept
}

/// Shows the sums (pixel, column) of every group of a block, on top of those that the array kept.
fn each_group(context: &Context, packed: &[Vec<Packed>], block: &Chunk, mut show: impl FnMut(usize, &[i32])) {
    let op = context.op;
    let pixels = block.pixels.len();
    let pieces = context.grid.pieces(block.pixels.clone());
    let both = passes(op).iter().zip(packed);
    let gathered: Vec<Vec<u8>> =
        both.map(|(pass, packed)| gather_pass(context, *pass, packed[0].quads, block, &pieces)).collect();
    let columns = packed[0][0].columns;
    let kept = context.state.kept.get(block.pixels.start * columns..).unwrap_or_default();
    let mut sums = vec![0i32; pixels * columns];
    let mut high = vec![0i32; if op.wide { sums.len() } else { 0 }];
    for group in block.groups.clone() {
        simd::dense(context.level, &gathered[0], pixels, &packed[0][group], &mut sums);
        if op.wide {
            simd::dense(context.level, &gathered[1], pixels, &packed[1][group], &mut high);
            simd::widen(context.level, &high, &mut sums);
        }
        for (sum, kept) in sums.iter_mut().zip(kept) {
            *sum = sum.wrapping_add(*kept);
        }
        show(group, &sums);
    }
}

/// Gathered bytes of a pass plus 128, by (quad, pixel, step of the quad): unsigned times signed
/// products.
fn gather_pass(context: &Context, pass: Strided, quads: usize, block: &Chunk, pieces: &[Piece]) -> Vec<u8> {
    let (op, pixels) = (context.op, block.pixels.len());
    let mut gathered = vec![0u8; quads * pixels * QUAD];
    let mut lines: [Vec<u8>; QUAD] = std::array::from_fn(|_| vec![0; pixels + gather::SLACK]);
    let mut steps = offsets_of(op, pass.first, pass.stride);
    for place in gathered.chunks_exact_mut(pixels * QUAD) {
        for line in &mut lines {
            // What is left in the lines after the last step meets weights of zero.
            if let Some(offset) = steps.next() {
                gather::line(op, &context.state.features, block.groups.start, pieces, &offset, line);
            }
        }
        let [a, b, c, d] = &lines;
        simd::interleave(context.level, [a, b, c, d], 0x80, place);
    }
    gathered
}
