//! The values of tile operations, many pixels at a time.
//!
//! An operation is cut into blocks (all or one of its groups, a range of pixels); each block
//! computes its accumulators and post-processed bytes from the memories as they were before the
//! operation, and the bytes are written when all blocks are done. That is the loop nest's meaning
//! because no operation reads what it writes for another pixel ([`crate::check::access`]). Blocks
//! are independent of each other, so threads change nothing.

mod dense;
mod gather;
mod post;
mod reduce;
mod rows;
pub mod simd;

use crate::geometry::{PixelGrid, target_row};
use crate::state::State;
use rayon::prelude::*;
use std::ops::Range;
use tilewright_arch::config::Config;
use tilewright_arch::instr::{Reduce, TileOp, Unit};

pub use gather::SLACK;
pub use tilewright_arch::processor::Level;

/// Multiply-accumulates from which an operation is spread over threads.
const PARALLEL_MACS: u64 = 4 << 20;

/// Part of an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Chunk {
    groups: Range<usize>,
    pixels: Range<usize>,
}

/// What every kernel needs to know.
struct Context<'a> {
    op: &'a TileOp,
    unit: Unit,
    config: &'a Config,
    state: &'a State,
    grid: PixelGrid,
    level: Level,
}

/// Executes a tile operation that has been checked.
pub fn tile(op: &TileOp, unit: Unit, state: &mut State, config: &Config, level: Level, threads: bool) {
    let grid = PixelGrid::new(op);
    let context = Context { op, unit, config, state, grid, level };
    let packed = if op.reduce == Reduce::Dense { dense::pack(&context) } else { vec![] };
    if op.keep {
        state.kept = dense::keep(&context, &packed);
        return;
    }
    let blocks = context.blocks();
    let run = |block: &Chunk| match op.reduce {
        Reduce::Dense => dense::run(&context, &packed, block),
        Reduce::Rows => rows::run(&context, block),
        Reduce::Sum | Reduce::Max => reduce::run(&context, block),
    };
    let work = op.groups as u64 * op.reduction() * grid.pixels() as u64 * op.columns as u64;
    let results: Vec<Vec<u8>> = if threads && work >= PARALLEL_MACS && blocks.len() > 1 {
        blocks.par_iter().map(run).collect()
    } else {
        blocks.iter().map(run).collect()
    };
    if unit == Unit::Compute {
        state.kept.clear();
    }
    for (block, bytes) in blocks.iter().zip(&results) {
        scatter(op, &grid, block, bytes, &mut state.features);
    }
}

impl Context<'_> {
    /// Cuts the operation so that a block's gathered bytes and sums stay in cache.
    fn blocks(&self) -> Vec<Chunk> {
        let groups = self.op.groups;
        let dense = self.op.reduce == Reduce::Dense;
        let shared = dense && self.op.input.walk.group == 0;
        let most = if dense { ((128 << 10) / self.op.reduction() as usize).clamp(8, 4096) } else { 2048 };
        let mut blocks = Vec::new();
        for group in 0..if shared { 1 } else { groups } {
            let groups = if shared { 0..groups } else { group..group + 1 };
            let mut at = 0;
            while at < self.grid.pixels() {
                let end = (at + most).min(self.grid.pixels());
                blocks.push(Chunk { groups: groups.clone(), pixels: at..end });
                at = end;
            }
        }
        blocks
    }
}

/// Writes a block's bytes (group, column, pixel) to feature memory.
fn scatter(op: &TileOp, grid: &PixelGrid, block: &Chunk, bytes: &[u8], features: &mut [u8]) {
    let pieces = grid.pieces(block.pixels.clone());
    let pixel = op.output.walk.pixel;
    let mut columns = bytes.chunks_exact(block.pixels.len());
    for group in block.groups.clone() {
        for column in 0..op.columns_of(group) {
            let Some(bytes) = columns.next() else {
                return;
            };
            for piece in &pieces {
                let Some(start) = target_row(op, &op.output, group, column, piece.row) else {
                    continue;
                };
                let first = start + piece.x.start as i64 * pixel;
                let source = &bytes[piece.at..piece.at + piece.x.len()];
                if pixel == 1 {
                    features[first as usize..first as usize + source.len()].copy_from_slice(source);
                } else {
                    for (i, &byte) in source.iter().enumerate() {
                        features[(first + i as i64 * pixel) as usize] = byte;
                    }
                }
            }
        }
    }
}
