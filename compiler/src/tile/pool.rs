//! Pools, sums and copies on the vector unit.

use super::lanes::{self, Grid};
use super::pack::WeightWords;
use super::{Job, Part, cost, cut_target, rank, rows};
use crate::error::Result;
use tilewright_arch::encoding::tile::WIDTH;
use tilewright_arch::instr::{Channels, Reduce, Step, TileOp, Unit, Walk};

impl Job<'_> {
    /// Pools, sums and copies on the vector unit: a channel at a time, or, where the output is a
    /// single pixel, channels as pixels. Large sums go to the array.
    pub(super) fn pool(&self, reduce: Reduce) -> Result<Vec<Part>> {
        let node = self.node;
        let [channels, ..] = self.graph.grid(node);
        let shared = node.channels.len() == 1;
        let pad = if reduce == Reduce::Max { -128 } else { self.zero() };
        let [kh, kw] = node.window.kernel;
        let [dy, dx] = node.window.dilation;
        let input = self.at.input;
        let block = node.place.depth_to_space.0;
        let most = if shared { channels } else { self.most_channels() };
        let mut parts = vec![];
        for columns in self.columns(0..channels, most, 1) {
            let list: Vec<usize> = columns.channels().concat();
            let step = columns.group.channel;
            let mut gathered = self.input(columns.first, 1, pad);
            gathered.walk.group = (step * input.plane) as i64;
            let op = TileOp {
                reduce,
                groups: columns.group.count,
                columns: 1,
                last_columns: 1,
                inner_columns: 1,
                width: self.width(),
                lines: self.rows.len(),
                line_step: 1,
                steps: [
                    self.halves(),
                    Step { count: kh, address: (dy * input.pitch) as i64, y: dy as i64, x: 0 },
                    Step { count: kw, address: (dx * input.pixel) as i64, y: 0, x: dx as i64 },
                ],
                input: gathered,
                channels: Channels { base: 0, column_step: 0, group_step: usize::from(!shared) },
                ..TileOp::default()
            };
            let plane = self.at.operand.map_or(0, |o| o.plane);
            let mut op = self.finish(op, &columns, [step * plane, 0, 0], block);
            let fits = WIDTH.range().contains(&(channels as i64 - 1));
            if shared && block == 1 && self.width() == 1 && self.rows.len() == 1 && channels > 1 && fits {
                op = self.channels_as_pixels(op);
            }
            let words =
                if shared { vec![node.channels[0]] } else { list.iter().map(|&c| self.channel(c)).collect() };
            parts.push(Part {
                unit: Unit::Vector,
                op,
                weights: WeightWords::default(),
                factors: None,
                channels: words,
                macs: 0,
            });
        }
        if reduce == Reduce::Sum && block == 1 {
            // The vector unit runs beside the array: only what the array does much faster moves.
            if let Ok(array) = rows::sums(self)
                && 2 * cost(&array, self.config) < cost(&parts, self.config)
                && rank(&array, self.config).0 <= rank(&parts, self.config).0
            {
                return Ok(array);
            }
        }
        Ok(parts)
    }

    /// Turns "a group for every channel, one pixel each" into "one group, a pixel for every
    /// channel": the lanes then work on P channels at once.
    fn channels_as_pixels(&self, mut op: TileOp) -> TileOp {
        let lanes = self.config.lanes;
        let turn = |walk: &mut Walk| {
            walk.pixel = walk.group;
            walk.group = 0;
            walk.line = 0;
        };
        op.width = op.groups;
        op.groups = 1;
        // All pixels see the same window.
        op.input.x_step = 0;
        turn(&mut op.input.walk);
        turn(&mut op.output.walk);
        let grid = Grid { width: op.width, lines: 1 };
        let cut = lanes::gather_cut(grid, 0, op.input.walk.pixel, lanes);
        op.lanes = cut.lanes;
        op.tiles = cut.tiles;
        op.line_stop = cut.line_stop;
        op.output = cut_target(op.output, grid, cut, lanes);
        if let Some(operand) = &mut op.operand {
            turn(&mut operand.target.walk);
            operand.target = cut_target(operand.target, grid, cut, lanes);
        }
        op
    }
}
