//! The loop nest of a tile operation, cut into pieces that are handled at once: rows of pixels.

use std::ops::Range;
use tilewright_arch::instr::{Target, TileOp};

/// One iteration of the reduction loops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offset {
    /// i2, i1, i0.
    pub at: [usize; 3],
    /// Sum of the address steps.
    pub address: i64,
    /// Sum of the row steps.
    pub y: i64,
    /// Sum of the column steps.
    pub x: i64,
}

/// All iterations of the reduction loops, i0 innermost.
pub fn offsets(op: &TileOp) -> impl Iterator<Item = Offset> + '_ {
    offsets_of(op, 0, 1)
}

/// Those of every `stride`-th iteration of the outermost loop, from `first` on.
pub fn offsets_of(op: &TileOp, first: usize, stride: usize) -> impl Iterator<Item = Offset> + '_ {
    let [a, b, c] = op.steps;
    let outer = a.count.saturating_sub(first).div_ceil(stride);
    (0..outer).map(move |i| first + i * stride).flat_map(move |i2| {
        (0..b.count).flat_map(move |i1| {
            (0..c.count).map(move |i0| {
                let at = [i2, i1, i0];
                let mut offset = Offset { at, ..Offset::default() };
                for (step, i) in [a, b, c].iter().zip(at) {
                    offset.address += step.address * i as i64;
                    offset.y += step.y * i as i64;
                    offset.x += step.x * i as i64;
                }
                offset
            })
        })
    })
}

/// The pixel grid: `rows` lines of `width` pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PixelGrid {
    /// Pixels of a line.
    pub width: usize,
    /// Lines of the grid (output rows divided by `line_step`, rounded up).
    pub rows: usize,
}

/// Consecutive pixels of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Line of the grid.
    pub row: usize,
    /// Pixels of the line.
    pub x: Range<usize>,
    /// Place of the first among the pixels of the block.
    pub at: usize,
}

impl PixelGrid {
    /// The grid of an operation.
    pub fn new(op: &TileOp) -> PixelGrid {
        PixelGrid { width: op.width, rows: op.lines.div_ceil(op.line_step) }
    }

    /// All pixels.
    pub fn pixels(&self) -> usize {
        self.width * self.rows
    }

    /// The pieces of a range of pixels in row-major order.
    pub fn pieces(&self, pixels: Range<usize>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let (row, x) = (pixel / self.width, pixel % self.width);
            let count = (self.width - x).min(pixels.end - pixel);
            pieces.push(Piece { row, x: x..x + count, at: pixel - pixels.start });
            pixel += count;
        }
        pieces
    }

    /// The pieces of tile `tile` of an operation.
    pub fn tile(&self, op: &TileOp, tile: usize) -> Vec<Piece> {
        let lanes = op.lanes;
        if op.line_stop {
            let per_line = self.width.div_ceil(lanes);
            let first = tile / per_line * self.width;
            let start = tile % per_line * lanes;
            return self.pieces(first + start..first + (start + lanes).min(self.width));
        }
        self.pieces(tile * lanes..((tile + 1) * lanes).min(self.pixels()))
    }
}

/// What one step gathers for one line: pixel x reads `start + x * pixel` if `valid` contains it,
/// and the padding otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InputRow {
    /// Address of pixel 0.
    pub start: i64,
    /// Pixels inside the input; may be empty.
    pub valid: Range<usize>,
}

/// The gather of group `group`, line `row`, at `offset`.
#[inline]
pub fn input_row(op: &TileOp, group: usize, row: usize, offset: &Offset) -> InputRow {
    let input = &op.input;
    let width = op.width;
    let y = input.y0 + row as i64 * input.y_step as i64 + offset.y;
    let mut start =
        input.walk.base + input.walk.group * group as i64 + input.walk.line * row as i64 + offset.address;
    if y < 0 || y >= input.height as i64 {
        return InputRow { start, valid: 0..0 };
    }
    if y >= input.walk.ring.line as i64 {
        start -= input.walk.ring.bytes as i64;
    }
    let first = input.x0 + offset.x;
    let inside = input.width as i64;
    let step = input.x_step as i64;
    if step == 0 {
        let all = (0..inside).contains(&first);
        return InputRow { start, valid: 0..if all { width } else { 0 } };
    }
    let up = |v: i64| if v <= 0 { 0 } else { (v + step - 1) / step } as usize;
    let (from, to) = (up(-first).min(width), up(inside - first).min(width));
    InputRow { start, valid: from..to.max(from) }
}

/// Address of pixel 0 of line `row` in column `column` of group `group` of a target; `None` when
/// the output row is not written. Adds a multiple of the pixel step for the other pixels.
#[inline]
pub fn target_row(op: &TileOp, target: &Target, group: usize, column: usize, row: usize) -> Option<i64> {
    let inner = op.inner_columns;
    let (outer, inner) = (column / inner, column % inner);
    let y = row * op.line_step + inner * op.column_y;
    if y >= op.lines {
        return None;
    }
    let walk = &target.walk;
    let address = walk.base
        + walk.group * group as i64
        + walk.line * row as i64
        + target.outer * outer as i64
        + target.inner * inner as i64;
    let wrap = if y >= walk.ring.line { walk.ring.bytes as i64 } else { 0 };
    Some(address - wrap)
}
