//! Where random tile operations write and take operands from, and in how many lanes and segments.

use super::{ProgramBuilder, Tensor};
use crate::check::banks;
use crate::geometry::PixelGrid;
use tilewright_arch::fixed::{MAX_MANTISSA, OperandScale};
use tilewright_arch::instr::{Operand, Reduce, Ring, Target, TileOp, Unit, Walk};
use tilewright_timing::InstrId;

impl ProgramBuilder<'_> {
    /// Where the output goes: a new tensor, channels by column or pixels beside each other.
    pub(super) fn output_of(&mut self, op: &mut TileOp, shape: [usize; 3]) -> Option<Tensor> {
        let [channels, h, w] = shape;
        let columns = op.columns;
        if op.reduce == Reduce::Rows {
            let t = self.place(shape)?;
            op.output = Self::target(&t, t.plane, columns as i64 * t.pitch, 1, t.pitch, 0);
            return Some(t);
        }
        let shuffle = op.reduce == Reduce::Dense
            && columns.is_multiple_of(2)
            && op.last_columns.is_multiple_of(2)
            && channels.is_multiple_of(2)
            && self.rng.percent(20);
        if shuffle {
            // Two columns become two neighbouring pixels.
            let t = self.place([channels / 2, h, w * 2])?;
            op.inner_columns = 2;
            op.output = Self::target(&t, columns as i64 / 2 * t.plane, t.pitch, 2, 1, t.plane);
            return Some(t);
        }
        let t = self.place(shape)?;
        let inner = self.rng.within(1, columns);
        op.inner_columns = inner;
        let (group, outer) = (columns as i64 * t.plane, inner as i64 * t.plane);
        op.output = Self::target(&t, group, t.pitch, 1, t.plane, outer);
        Some(t)
    }

    fn target(t: &Tensor, group: i64, line: i64, pixel: i64, inner: i64, outer: i64) -> Target {
        let ring = Ring { line: t.line, bytes: t.bytes };
        let walk = Walk { base: t.base, group, line, pixel, ring };
        Target { walk, inner, outer, segments: 1, segment_lanes: 1 }
    }

    /// Sometimes a second operand: a tensor that is large enough, channels perhaps repeated. Returns
    /// where the output goes now, which may be in place.
    pub(super) fn operand(&mut self, op: &mut TileOp, output: Tensor) -> Tensor {
        if self.rng.percent(45) || op.output.walk.pixel != 1 {
            return output;
        }
        let [c, h, w] = output.shape;
        let own = self.rng.percent(30);
        if own {
            self.load_shape(output.shape);
        }
        // One byte for all pixels of a column, whatever the tensor's shape.
        let broadcast = !own && op.reduce != Reduce::Rows && self.rng.percent(50);
        let fits = |t: &Tensor| match (own, broadcast) {
            (true, _) => t.shape == output.shape,
            (_, broadcast) => broadcast || t.shape[1] >= h && t.shape[2] >= w,
        };
        let fitting: Vec<Tensor> = self.tensors.iter().copied().filter(fits).collect();
        if fitting.is_empty() {
            return output;
        }
        let t = self.rng.pick(&fitting);
        let rows = op.reduce == Reduce::Rows;
        let plane = if t.shape[0] >= c { t.plane } else { 0 };
        let columns = op.columns as i64;
        op.operand = Some(Operand {
            target: if rows {
                Self::target(&t, plane, columns * t.pitch, 1, t.pitch, 0)
            } else {
                let outer = op.inner_columns as i64 * plane;
                let (line, pixel) = if broadcast { (0, 0) } else { (t.pitch, 1) };
                let mut target = Self::target(&t, columns * plane, line, pixel, plane, outer);
                if broadcast {
                    target.walk.ring = Ring::NONE;
                }
                target
            },
            scale: OperandScale {
                zero: self.rng.bits() as i8,
                mantissa: self.rng.within(1 << 22, MAX_MANTISSA as usize) as i32
                    * if self.rng.percent(25) { -1 } else { 1 },
                shift: if self.rng.percent(5) { self.rng.below(64) } else { self.rng.within(7, 12) } as u8,
                multiply: self.rng.percent(40),
            },
        });
        if broadcast {
            return output;
        }
        if t.shape == output.shape && self.rng.percent(60) {
            op.output = op.operand.map_or(op.output, |o| o.target);
            return t;
        }
        output
    }

    /// Lanes and segments without bank conflicts.
    pub(super) fn lanes(&mut self, op: &mut TileOp) {
        let p = self.config.lanes;
        let mut lanes = if self.rng.percent(70) { p } else { self.rng.within(1, p) };
        op.line_stop = self.rng.percent(20);
        let site = InstrId { unit: Unit::Compute, index: 0, layer: "".into() };
        loop {
            op.lanes = lanes;
            op.tiles = op.grid_tiles();
            let bare = TileOp { operand: None, output: Self::loose(op, &op.output, 1), ..*op };
            if lanes == 1 || banks::check(&bare, &site, self.config).is_ok() {
                break;
            }
            if op.line_stop { lanes -= 1 } else { op.line_stop = true }
        }
        // As many lanes to a segment as `port` allows, which gives an operation one target.
        let mut fit = |op: &TileOp, target: &Target, port: &dyn Fn(Target) -> TileOp| {
            let mut most = if self.rng.percent(70) { p } else { self.rng.within(1, p) };
            loop {
                let loose = Self::loose(op, target, most);
                if most == 1 || banks::check(&port(loose), &site, self.config).is_ok() {
                    let spare = if self.rng.percent(20) { 1 } else { 0 };
                    return Target { segments: (loose.segments + spare).min(p), ..loose };
                }
                most -= 1;
            }
        };
        let bare = TileOp { operand: None, output: Self::loose(op, &op.output, 1), ..*op };
        let output = fit(op, &op.output, &|output| TileOp { output, ..bare });
        let operand = op.operand.map(|o| {
            let with = |target| TileOp { operand: Some(Operand { target, ..o }), ..bare };
            Operand { target: fit(op, &o.target, &with), ..o }
        });
        op.output = output;
        op.operand = operand;
    }

    /// The target with segments of `most` lanes, as many as needed.
    fn loose(op: &TileOp, target: &Target, most: usize) -> Target {
        let grid = PixelGrid::new(op);
        let of =
            |tile: usize| -> usize { grid.tile(op, tile).iter().map(|p| p.x.len().div_ceil(most)).sum() };
        let segments = (0..op.tiles).map(of).max().unwrap_or(1);
        Target { segments, segment_lanes: most, ..*target }
    }
}
