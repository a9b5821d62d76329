//! Random tile operations.

use super::{Any, ProgramBuilder, Tensor};
use tilewright_arch::fixed::Post;
use tilewright_arch::instr::{Channels, Gather, LocalMemory, Reduce, Ring, Step, TileOp, Unit, Walk};
use tilewright_arch::timing;

/// A window over a tensor along one axis.
#[derive(Clone, Copy, Debug)]
struct WindowAxis {
    taps: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    out: usize,
}

impl ProgramBuilder<'_> {
    /// Appends a tile operation that takes at most `budget` cycles, and the loads it needs.
    pub fn tile(&mut self, budget: u64) -> bool {
        if self.tensors.is_empty() {
            self.load_tensor();
        }
        for _ in 0..12 {
            let Some(input) = (!self.tensors.is_empty()).then(|| self.rng.below(self.tensors.len())) else {
                return false;
            };
            let input = self.tensors[input];
            let reduce = self.rng.pick(&[
                Reduce::Dense,
                Reduce::Dense,
                Reduce::Dense,
                Reduce::Rows,
                Reduce::Rows,
                Reduce::Sum,
                Reduce::Max,
            ]);
            let (mut op, shape) = match reduce {
                Reduce::Dense => self.dense(&input),
                Reduce::Rows => self.rows(&input),
                Reduce::Sum | Reduce::Max => self.pool(&input, reduce),
            };
            let unit = match reduce {
                Reduce::Dense | Reduce::Rows => Unit::Compute,
                Reduce::Sum | Reduce::Max => Unit::Vector,
            };
            if op.reduction() > 150 {
                continue;
            }
            let Some(output) = self.output_of(&mut op, shape) else {
                continue;
            };
            let output = self.operand(&mut op, output);
            self.lanes(&mut op);
            if timing::duration(&op, unit, self.config) > budget {
                continue;
            }
            if self.constants_of(&mut op, unit).is_none() {
                continue;
            }
            self.kept(&op);
            if self.push(unit, Any::Tile(op)) {
                self.tensors.push(Tensor { fresh: true, ..output });
                return true;
            }
        }
        false
    }

    /// Sometimes, before an operation that could go on from them, operations that keep their sums: over other parts
    /// of its input, with other weights.
    fn kept(&mut self, op: &TileOp) {
        let one = op.reduce == Reduce::Dense && op.groups == 1 && op.tiles == 1;
        // What is kept must be taken: nothing comes before an operation that will be refused.
        if !one || self.touched(Unit::Compute, &Any::Tile(*op)).is_none() || self.rng.percent(30) {
            return;
        }
        for _ in 0..self.rng.within(1, 3) {
            let mut part = TileOp { keep: true, operand: None, table: None, ..*op };
            part.steps.iter_mut().for_each(|s| s.count = self.rng.within(1, s.count));
            let (i, j) = (self.rng.below(3), self.rng.below(3));
            part.steps.swap(i, j);
            part.wide = self.rng.percent(50);
            part.input.pad = self.rng.bits() as i8;
            let reduction = part.reduction() as usize;
            if let Some(weights) = self.words(LocalMemory::Weights, reduction, reduction) {
                part.weights = weights;
                self.push(Unit::Compute, Any::Tile(part));
            }
        }
    }

    /// A window of up to `most` taps over `size` elements.
    fn axis(&mut self, size: usize, most: usize) -> WindowAxis {
        for _ in 0..20 {
            let taps = self.rng.within(1, most);
            let stride = self.rng.pick(&[1, 1, 1, 2, 3]);
            let dilation = self.rng.pick(&[1, 1, 2]);
            let reach = (taps - 1) * dilation + 1;
            let (before, after) = (self.rng.below(reach), self.rng.below(reach));
            if size + before + after >= reach {
                let out = (size + before + after - reach) / stride + 1;
                return WindowAxis { taps, stride, dilation, before, out };
            }
        }
        WindowAxis { taps: 1, stride: 1, dilation: 1, before: 0, out: size }
    }

    /// What is common to all: the gather of a window.
    fn windowed(&mut self, t: &Tensor, y: WindowAxis, x: WindowAxis) -> TileOp {
        let zero = self.rng.bits() as i8;
        let (lo, hi) = if self.rng.percent(70) { (-128, 127) } else { (-1 - self.rng.below(100) as i8, 40) };
        TileOp {
            width: x.out,
            lines: y.out,
            line_step: 1,
            groups: 1,
            columns: 1,
            last_columns: 1,
            inner_columns: 1,
            taps: 1,
            input: Gather {
                walk: Walk {
                    base: t.base - (y.before as i64) * t.pitch - x.before as i64,
                    group: 0,
                    line: y.stride as i64 * t.pitch,
                    pixel: x.stride as i64,
                    ring: Ring { line: t.line, bytes: t.bytes },
                },
                y0: -(y.before as i64),
                x0: -(x.before as i64),
                y_step: y.stride,
                x_step: x.stride,
                height: t.shape[1],
                width: t.shape[2],
                pad: self.rng.bits() as i8,
            },
            post: Post { zero: zero / 4, lo, hi },
            ..TileOp::default()
        }
    }

    /// Loops over rows and columns of a window, and over channels.
    fn loops(t: &Tensor, channels: usize, y: WindowAxis, x: WindowAxis) -> [Step; 3] {
        [
            Step { count: channels, address: t.plane, y: 0, x: 0 },
            Step { count: y.taps, address: y.dilation as i64 * t.pitch, y: y.dilation as i64, x: 0 },
            Step { count: x.taps, address: x.dilation as i64, y: 0, x: x.dilation as i64 },
        ]
    }

    /// A convolution, possibly in groups, possibly over the whole tensor, loops in any order.
    fn dense(&mut self, t: &Tensor) -> (TileOp, [usize; 3]) {
        let [c, h, w] = t.shape;
        let (y, x) = if self.rng.percent(15) {
            let whole = |n: usize| WindowAxis { taps: n, stride: 1, dilation: 1, before: 0, out: 1 };
            (whole(h), whole(w))
        } else {
            (self.axis(h, 3), self.axis(w, 3))
        };
        let (mut y, mut x) = (y, x);
        let single = self.rng.percent(30);
        if single {
            // One tile, whose sums may be many operations'.
            x.out = x.out.min(self.config.lanes);
            y.out = y.out.min(self.config.lanes / x.out);
        }
        let mut op = self.windowed(t, y, x);
        let own = c > 1 && !single && self.rng.percent(25);
        op.steps = Self::loops(t, if own { 1 } else { c }, y, x);
        let (i, j) = (self.rng.below(3), self.rng.below(3));
        op.steps.swap(i, j);
        op.wide = self.rng.percent(25);
        op.columns = self.rng.within(1, self.config.columns);
        if own {
            // Each group has its own input channel.
            op.groups = c;
            op.input.walk.group = t.plane;
            op.last_columns = op.columns;
        } else {
            op.groups = if single { 1 } else { self.rng.within(1, 3) };
            op.last_columns = self.rng.within(1, op.columns);
            if op.groups == 1 {
                op.last_columns = op.columns;
            }
        }
        let channels = (op.groups - 1) * op.columns + op.last_columns;
        (op, [channels, y.out, x.out])
    }

    /// A convolution whose columns are output rows.
    fn rows(&mut self, t: &Tensor) -> (TileOp, [usize; 3]) {
        let [c, h, w] = t.shape;
        let taps = self.rng.within(1, self.config.columns.min(4));
        let (before, after) = (self.rng.below(taps), self.rng.below(taps));
        let out = (h + before + after).saturating_sub(taps - 1).max(1);
        let y = WindowAxis { taps, stride: 1, dilation: 1, before, out };
        let x = self.axis(w, 3);
        let columns = self.rng.within(1, self.config.columns.min(out + 2));
        let mut op = self.windowed(t, y, x);
        op.reduce = Reduce::Rows;
        op.taps = taps;
        op.columns = columns;
        op.last_columns = columns;
        op.inner_columns = columns;
        op.column_y = 1;
        op.line_step = columns;
        op.input.walk.line = columns as i64 * t.pitch;
        op.input.y_step = columns;
        let all = c > 1 && self.rng.percent(25);
        let mut steps = Self::loops(t, if all { c } else { 1 }, y, x);
        steps.swap(1, 2);
        // Fewer rows leave sums unfinished, more meet no tap: both are legal.
        let rows = columns + taps - 1;
        steps[2].count = if self.rng.percent(80) { rows } else { self.rng.within(1, rows + 1) };
        op.steps = steps;
        if !all {
            op.groups = c;
            op.input.walk.group = t.plane;
        }
        (op, [op.groups, out, x.out])
    }

    /// A pool, a copy or a sum over channels.
    fn pool(&mut self, t: &Tensor, reduce: Reduce) -> (TileOp, [usize; 3]) {
        let [c, h, w] = t.shape;
        let (y, x) = (self.axis(h, 3), self.axis(w, 3));
        let mut op = self.windowed(t, y, x);
        op.reduce = reduce;
        op.wide = reduce == Reduce::Sum && self.rng.percent(30);
        let all = self.rng.percent(20);
        op.steps = Self::loops(t, if all { c } else { 1 }, y, x);
        if !all {
            op.groups = c;
            op.input.walk.group = t.plane;
        }
        (op, [op.groups, y.out, x.out])
    }

    /// Weights, channels and table.
    fn constants_of(&mut self, op: &mut TileOp, unit: Unit) -> Option<()> {
        let reduction = op.reduction() as usize;
        let words = op.groups * op.group_weights() as usize;
        if words > 0 {
            op.weights = self.words(LocalMemory::Weights, words, reduction)?;
        }
        let step = op.reduce == Reduce::Dense && self.rng.percent(80);
        let group_step = if op.reduce == Reduce::Dense {
            if step { op.columns } else { self.rng.below(2) }
        } else {
            self.rng.below(2)
        };
        op.channels = Channels { base: 0, column_step: usize::from(step), group_step };
        let count = (op.groups - 1) * group_step + if step { op.columns } else { 1 };
        let memory =
            if unit == Unit::Vector { LocalMemory::VectorChannels } else { LocalMemory::ComputeChannels };
        // The size of a sum grows with the root of its terms.
        let scale = if unit == Unit::Vector { 1 } else { reduction } << if op.wide { 16 } else { 0 };
        op.channels.base = self.words(memory, count, scale)?;
        if self.rng.percent(20) {
            op.table = Some(self.words(LocalMemory::Tables, 1, 0)?);
        }
        Some(())
    }
}
