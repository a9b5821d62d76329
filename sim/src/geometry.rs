//! The loop nest of a tile operation, cut into pieces that are handled at once: rows of pixels.

use std::ops::Range;
use tilewright_arch::instr::{Target, TileOp};

/// One iteration of the reduction loops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Offset {
    /// i2, i1, i0.
    pub at: [u32; 3],
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
pub fn offsets_of(op: &TileOp, first: u32, stride: u32) -> impl Iterator<Item = Offset> + '_ {
    let [a, b, c] = op.steps;
    let level = |n: u16| 0..u32::from(n);
    let outer = u32::from(a.count).saturating_sub(first).div_ceil(stride);
    (0..outer).map(move |i| first + i * stride).flat_map(move |i2| {
        level(b.count).flat_map(move |i1| {
            level(c.count).map(move |i0| {
                let at = [i2, i1, i0];
                let mut offset = Offset { at, ..Offset::default() };
                for (step, i) in [a, b, c].iter().zip(at) {
                    offset.address += i64::from(step.address) * i64::from(i);
                    offset.y += i64::from(step.y) * i64::from(i);
                    offset.x += i64::from(step.x) * i64::from(i);
                }
                offset
            })
        })
    })
}

/// The pixel grid: `rows` lines of `width` pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
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

impl Grid {
    /// The grid of an operation.
    pub fn new(op: &TileOp) -> Grid {
        Grid { width: usize::from(op.width), rows: usize::from(op.lines).div_ceil(usize::from(op.line_step)) }
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
        let lanes = usize::from(op.lanes);
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
pub fn input_row(op: &TileOp, group: u32, row: usize, offset: &Offset) -> InputRow {
    let input = &op.input;
    let width = usize::from(op.width);
    let y = i64::from(input.y0) + row as i64 * i64::from(input.y_step) + offset.y;
    let mut start = i64::from(input.walk.base)
        + i64::from(input.walk.group) * i64::from(group)
        + i64::from(input.walk.line) * row as i64
        + offset.address;
    if y < 0 || y >= i64::from(input.height) {
        return InputRow { start, valid: 0..0 };
    }
    if y >= i64::from(input.walk.ring.line) {
        start -= i64::from(input.walk.ring.bytes);
    }
    let first = i64::from(input.x0) + offset.x;
    let inside = i64::from(input.width);
    let step = i64::from(input.x_step);
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
pub fn target_row(op: &TileOp, target: &Target, group: u32, column: u32, row: usize) -> Option<i64> {
    let inner = u32::from(op.inner_columns);
    let (outer, inner) = (column / inner, column % inner);
    let y = row * usize::from(op.line_step) + inner as usize * usize::from(op.column_y);
    if y >= usize::from(op.lines) {
        return None;
    }
    let walk = &target.walk;
    let address = i64::from(walk.base)
        + i64::from(walk.group) * i64::from(group)
        + i64::from(walk.line) * row as i64
        + i64::from(target.outer) * i64::from(outer)
        + i64::from(target.inner) * i64::from(inner);
    let wrap = if y >= usize::from(walk.ring.line) { i64::from(walk.ring.bytes) } else { 0 };
    Some(address - wrap)
}
