//! The instructions, each with its meaning as a loop nest.
//!
//! Four units work at once, each on its own list: [`Unit::Load`] and [`Unit::Store`] run
//! [`Transfer`]s, [`Unit::Compute`] (the array) and [`Unit::Vector`] (a reducer beside it, for
//! pools, sums and copies) run [`TileOp`]s. They meet only in counting semaphores ([`Sync`]).
//!
//! # Exclusive ports
//! Each page of feature memory has one read and one write port and no arbiter. Two instructions of
//! different units that read (or that write) the same page must be ordered by semaphores; so must
//! any two of which one writes bytes that the other touches. The order must follow from the
//! semaphores alone, never from how long something happens to take.
//!
//! # Numbers
//! Counts are `usize` here and addresses and steps `i64`, as wide as where they are computed. The
//! bits of [`crate::encoding`] are fewer; only its encoder narrows, and says what does not fit.

use crate::fixed::{OperandScale, Post};

/// Semaphores of a machine.
pub const SEMAPHORES: usize = 16;
/// Largest count a semaphore holds.
pub const SEMAPHORE_MAX: u32 = 255;
/// Most steps of a tile's reduction.
pub const MOST_STEPS: u64 = (1 << 24) - 1;

/// One of the four units; also the order in which they win the memory port and are printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unit {
    /// The array and its post unit.
    Compute,
    /// The reducer and its post unit.
    Vector,
    /// External memory to the on-chip memories.
    Load,
    /// Feature memory to external memory.
    Store,
}

impl Unit {
    /// All units, in priority order.
    pub const ALL: [Unit; 4] = [Unit::Compute, Unit::Vector, Unit::Load, Unit::Store];

    /// The unit's name in program text and reports.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Compute => "compute",
            Unit::Vector => "vector",
            Unit::Load => "load",
            Unit::Store => "store",
        }
    }
}

/// When an instruction may start and whom it tells when it is done.
///
/// An instruction starts when every semaphore in `wait` is at least one, and takes one from each.
/// When it is done it adds one to every semaphore in `signal`. Each semaphore is signalled by
/// instructions of one unit and waited for by instructions of one other unit, so the n-th wait
/// always meets the n-th signal and the order of instructions is independent of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sync {
    /// Bit i: wait for semaphore i.
    pub wait: u16,
    /// Bit i: signal semaphore i.
    pub signal: u16,
}

/// How a [`TileOp`] reduces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reduce {
    /// Compute: column c multiplies with byte c of a new weight word each step.
    #[default]
    Dense,
    /// Compute: columns are consecutive output rows of one channel; taps shift along them.
    Rows,
    /// Vector: one column, sum of the gathered bytes.
    Sum,
    /// Vector: one column, maximum of the gathered bytes.
    Max,
}

/// Rows that wrap: from line (or input row) `line` on, addresses are `bytes` less. `bytes` is a
/// multiple of P, so that wrapping does not change banks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ring {
    /// First y that wraps; [`Ring::NONE`] when nothing does.
    pub line: usize,
    /// Size of the ring.
    pub bytes: usize,
}

impl Ring {
    /// The largest line number: larger than any y, so nothing wraps.
    pub const NEVER: usize = 0x1fff;
    /// No ring.
    pub const NONE: Ring = Ring { line: Ring::NEVER, bytes: 0 };
}

/// Flat addresses of the pixels of a tile operation:
/// `base + group * g + line * l + pixel * x`, less the ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Walk {
    /// Address of group 0, line 0, pixel 0 (of the input: before padding offsets, may be negative).
    pub base: i64,
    /// Step from group to group.
    pub group: i64,
    /// Step from line to line.
    pub line: i64,
    /// Step from pixel to pixel.
    pub pixel: i64,
    /// Rows that wrap.
    pub ring: Ring,
}

/// One level of the reduction loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Step {
    /// Iterations, at least 1.
    pub count: usize,
    /// Address step.
    pub address: i64,
    /// Step of the input row.
    pub y: i64,
    /// Step of the input column.
    pub x: i64,
}

/// What is gathered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gather {
    /// Addresses of the first step of each pixel.
    pub walk: Walk,
    /// Input row of line 0 at the first step (minus the top padding).
    pub y0: i64,
    /// Input column of pixel 0 at the first step (minus the left padding).
    pub x0: i64,
    /// Input rows from line to line.
    pub y_step: usize,
    /// Input columns from pixel to pixel.
    pub x_step: usize,
    /// Rows of the input: y outside 0..height reads `pad`.
    pub height: usize,
    /// Columns of the input: x outside 0..width reads `pad`.
    pub width: usize,
    /// What is read outside: the zero point, or -128 for a maximum.
    pub pad: i8,
}

/// Where the channels' words lie in parameter memory: column c of group g uses word
/// `base + g * group_step + c * column_step`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Channels {
    /// First word.
    pub base: usize,
    /// 0 or 1.
    pub column_step: usize,
    /// Words from group to group.
    pub group_step: usize,
}

/// Addresses of what is written or of the residual operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Target {
    /// Addresses of column 0.
    pub walk: Walk,
    /// Address step of an inner column.
    pub inner: i64,
    /// Address step of an outer column.
    pub outer: i64,
    /// A column is accessed in this many cycles, one for each segment of the tile's lanes.
    pub segments: usize,
    /// A new segment begins at every line end and after this many lanes. The lanes of a segment lie
    /// in different banks; those of an operand may also read one and the same byte.
    pub segment_lanes: usize,
}

/// The second operand of the post unit: added to the scaled accumulator or multiplied with it. Steps
/// of zero repeat it: over pixels and lines it is then one byte for each column.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Operand {
    /// Its addresses.
    pub target: Target,
    /// Its scale, and whether it is added or multiplied.
    pub scale: OperandScale,
}

/// A whole on-chip layer part: all tiles of all groups.
///
/// ```text
/// for g in 0..groups                         // column groups, or channels
///   for t in 0..tiles                        // `lanes` consecutive pixels (l, x) of the grid
///     acc[q][c] = Max ? -128 : 0             // of lines x width, in row-major order; with
///       (after a `keep`: what that left)     // `line_stop` a tile ends where its line ends
///     for i2, i1, i0 in steps
///       k = (i2 * n1 + i1) * n0 + i0
///       for lane q with pixel (l, x):        // l = 0, line_step, 2 * line_step, ... < lines
///         y' = input.y0 + l/line_step * input.y_step + sum(i * step.y)
///         x' = input.x0 + x * input.x_step + sum(i * step.x)
///         a = 0 <= y' < input.height && 0 <= x' < input.width
///           ? feature[input.walk(g, l/line_step, x) + sum(i * step.address) - (y' >= ring.line ? ring.bytes : 0)]
///           : input.pad
///         if wide and i2 is even: a = 256 * a                       // Dense and Sum only
///         Dense: for c: acc[q][c] += a * byte c of weights[weights + g * K + k]
///         Rows:  for c: acc[q][c] += a * tap(i2, i1, i0 - c)
///                tap(i2, i1, m) = byte m of weights[weights + (g * n2 + i2) * n1 + i1], 0 unless 0 <= m < taps
///         Sum:   acc[q][0] += a          Max: acc[q][0] = max(acc[q][0], a)
///     if keep: done
///     for c in 0..(g + 1 == groups ? last_columns : columns)
///       (co, ci) = (c / inner_columns, c % inner_columns)
///       for lane q with y = l + ci * column_y < lines:
///         address(target) = target.walk(g, l/line_step, x) + co * target.outer + ci * target.inner
///                           - (y >= ring.line ? ring.bytes : 0)
///         feature[address(output)] = post(acc[q][c], channel(g, c), feature[address(operand)])
/// ```
///
/// Accumulators wrap at 32 bits. Lanes beyond the last line read and write nothing. No instruction
/// writes a byte twice or one that it gathers, and its operand lies in other pages than its input;
/// the operand may be overwritten in place (same addresses as the output, each byte read once).
///
/// The bytes of wide values lie in pairs of planes, the high half first ([`crate::fixed`]): a `wide`
/// operation runs i2 over these planes, and the compiler repeats the weights. What is written wide
/// takes two columns (or groups) for each channel, told apart by [`crate::fixed::Channel::half`].
///
/// A reduction that the weight memory does not hold is one of several instructions in a row: all but the last `keep`
/// their accumulators, which nothing rounds or reads until the last one drains them ([`TileOp::continues`]).
///
/// `post` is [`crate::fixed::post`]. Weight addresses wrap at the end of the weight memory. All K
/// steps of a tile follow each other without a gap; columns drain from a shadow copy while the next
/// tile runs ([`crate::timing`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TileOp {
    /// Semaphores.
    pub sync: Sync,
    /// Kind of reduction.
    pub reduce: Reduce,
    /// Bytes gathered at even i2 count 256-fold; false for [`Reduce::Rows`] and [`Reduce::Max`].
    pub wide: bool,
    /// The sums of its one tile stay in the array, and the unit's next instruction goes on from them. Nothing is
    /// written, and no parameter read; the time is as if it were. Only for [`Reduce::Dense`], with one group of one
    /// tile, neither operand nor table, and a successor that [`continues`](TileOp::continues) it.
    pub keep: bool,
    /// Outer loop.
    pub groups: usize,
    /// Tiles of a group.
    pub tiles: usize,
    /// Active lanes, 1..=P.
    pub lanes: usize,
    /// Tiles end where lines end.
    pub line_stop: bool,
    /// Columns drained for each tile, 1..=C (1 on the vector unit).
    pub columns: usize,
    /// Columns drained for each tile of the last group.
    pub last_columns: usize,
    /// Columns of the inner column loop.
    pub inner_columns: usize,
    /// Output rows from an inner column to the next, 0 or 1.
    pub column_y: usize,
    /// Pixels of a line.
    pub width: usize,
    /// Output rows; rows from here on are not written.
    pub lines: usize,
    /// Output rows from a line of the pixel grid to the next: 1, or the columns of [`Reduce::Rows`].
    pub line_step: usize,
    /// Reduction loops, outermost first; the product of the counts is K.
    pub steps: [Step; 3],
    /// What is gathered.
    pub input: Gather,
    /// First weight word.
    pub weights: usize,
    /// Taps of a weight word of [`Reduce::Rows`], 1..=C.
    pub taps: usize,
    /// Parameters.
    pub channels: Channels,
    /// Zero point and clamps.
    pub post: Post,
    /// Activation table.
    pub table: Option<usize>,
    /// Second operand.
    pub operand: Option<Operand>,
    /// What is written.
    pub output: Target,
}

impl Default for Post {
    fn default() -> Self {
        Post { zero: 0, lo: -128, hi: 127 }
    }
}

impl TileOp {
    /// K: steps of a tile.
    pub fn reduction(&self) -> u64 {
        self.steps.iter().map(|s| s.count as u64).product()
    }

    /// Whether the lanes and columns of its one tile are those of the one tile of `kept`, whose sums it may go on
    /// from.
    pub fn continues(&self, kept: &TileOp) -> bool {
        let tile = |op: &TileOp| (op.reduce, op.groups, op.tiles, op.width, op.lines, op.line_step);
        let columns = |op: &TileOp| (op.columns, op.last_columns);
        tile(self) == tile(kept) && columns(self) == columns(kept)
    }

    /// Columns drained for each tile of group `g`.
    pub fn columns_of(&self, g: usize) -> usize {
        if g + 1 == self.groups { self.last_columns } else { self.columns }
    }

    /// Tiles of one group that the pixel grid needs: what `tiles` has to be.
    pub fn grid_tiles(&self) -> usize {
        let lines = self.lines.div_ceil(self.line_step);
        let (width, lanes) = (self.width, self.lanes);
        if self.line_stop { lines * width.div_ceil(lanes) } else { (lines * width).div_ceil(lanes) }
    }

    /// Weight words of one group.
    pub fn group_weights(&self) -> u64 {
        match self.reduce {
            Reduce::Dense => self.reduction(),
            Reduce::Rows => self.steps[0].count as u64 * self.steps[1].count as u64,
            Reduce::Sum | Reduce::Max => 0,
        }
    }
}

/// Which on-chip memory a load fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LocalMemory {
    /// Feature memory, by flat index.
    #[default]
    Feature,
    /// Weight memory, by word; wraps at its end.
    Weights,
    /// The compute unit's parameter memory, by word.
    ComputeChannels,
    /// The vector unit's parameter memory, by word.
    VectorChannels,
    /// Activation tables of both units, by 256-byte table.
    Tables,
}

/// A block of lines between external memory and an on-chip memory.
///
/// ```text
/// for p in 0..planes
///   for l in 0..lines
///     for i in 0..line_bytes
///       external[external + p * external_plane + l * external_line + i]
///         <-> local[local + p * local_plane + l * local_line + i]
/// ```
///
/// For weights, channels and tables `planes` and `lines` are 1, the external address is a multiple
/// of the bus width and line_bytes counts whole external words (weight stride, 16, 256 bytes).
/// A store reads feature memory only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Transfer {
    /// Semaphores.
    pub sync: Sync,
    /// The on-chip side.
    pub memory: LocalMemory,
    /// External byte address.
    pub external: usize,
    /// External bytes from line to line.
    pub external_line: i64,
    /// External bytes from plane to plane.
    pub external_plane: i64,
    /// Flat index or word.
    pub local: i64,
    /// Flat step from line to line.
    pub local_line: i64,
    /// Flat step from plane to plane.
    pub local_plane: i64,
    /// Bytes of a line, at least 1.
    pub line_bytes: usize,
    /// Lines of a plane, at least 1.
    pub lines: usize,
    /// Planes, at least 1.
    pub planes: usize,
}
