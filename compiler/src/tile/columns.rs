//! Which output channels sit on which columns, and where their results go.

use super::Job;
use crate::graph::DepthToSpaceMode;
use std::ops::Range;

/// One of the three nested column loops (group, outer, inner).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ColumnLoop {
    /// Iterations.
    pub count: usize,
    /// Step of the output address.
    pub output: usize,
    /// Step of the node's output channel.
    pub channel: usize,
}

/// The columns of one instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Columns {
    /// Groups; the last may be short.
    pub group: ColumnLoop,
    /// Outer columns.
    pub outer: ColumnLoop,
    /// Inner columns.
    pub inner: ColumnLoop,
    /// First output channel.
    pub first: usize,
    /// Output address of the first channel, relative to the tensor.
    pub offset: usize,
    /// Columns of the last group.
    pub last: usize,
}

impl Columns {
    /// Columns of a full group.
    pub fn width(&self) -> usize {
        self.outer.count * self.inner.count
    }

    /// The columns of every group by itself.
    pub fn single_groups(self) -> impl Iterator<Item = Columns> {
        (0..self.group.count).map(move |g| Columns {
            group: ColumnLoop { count: 1, ..self.group },
            first: self.first + g * self.group.channel,
            offset: self.offset + g * self.group.output,
            last: if g + 1 == self.group.count { self.last } else { self.width() },
            ..self
        })
    }

    /// Output channels, group by group, in column order.
    pub fn channels(&self) -> Vec<Vec<usize>> {
        (0..self.group.count)
            .map(|g| {
                let columns = if g + 1 == self.group.count { self.last } else { self.width() };
                let channel = |c: usize| {
                    self.first
                        + g * self.group.channel
                        + c / self.inner.count * self.outer.channel
                        + c % self.inner.count * self.inner.channel
                };
                (0..columns).map(channel).collect()
            })
            .collect()
    }
}

impl Job<'_> {
    /// Where some of the node's output channels go: at most `most` in an instruction, unless they become blocks of
    /// pixels, and `width` on the columns.
    pub(super) fn columns(&self, range: Range<usize>, most: usize, width: usize) -> Vec<Columns> {
        let (block, mode) = self.node.place.depth_to_space;
        if block > 1 && !range.is_empty() {
            return depth_to_space(range.len(), block, mode, self.at.output.strides(), width);
        }
        let starts = range.clone().step_by(most);
        starts.map(|s| plain(s..(s + most).min(range.end), self.at.output.plane, width)).collect()
    }
}

/// Plain columns: consecutive channels of `range`, `most` at a time, `plane` bytes apart.
pub fn plain(range: Range<usize>, plane: usize, most: usize) -> Columns {
    let width = most.min(range.len());
    let groups = range.len().div_ceil(width);
    Columns {
        group: ColumnLoop { count: groups, output: width * plane, channel: width },
        outer: ColumnLoop { count: 1, output: 0, channel: 0 },
        inner: ColumnLoop { count: width, output: plane, channel: 1 },
        first: range.start,
        offset: range.start * plane,
        last: range.len() - (groups - 1) * width,
    }
}

/// Columns of a convolution whose channels become blocks of `block` x `block` pixels: one or more
/// instructions. `channels` counts all of the node's channels; `plane`, `pitch` and `pixel` are the
/// output's strides.
pub fn depth_to_space(
    channels: usize,
    block: usize,
    mode: DepthToSpaceMode,
    [plane, pitch, pixel]: [usize; 3],
    most: usize,
) -> Vec<Columns> {
    let depth = channels / (block * block);
    let [c, by, bx] = mode.channel_steps(block, depth);
    let loops = [
        ColumnLoop { count: depth, output: plane, channel: c },
        ColumnLoop { count: block, output: pitch, channel: by },
        ColumnLoop { count: block, output: pixel, channel: bx },
    ];
    // The assignment that fills the columns best: two loops on the columns, one over groups.
    let mut best: Option<Columns> = None;
    for group in 0..3 {
        let (outer, inner) = (loops[(group + 1) % 3], loops[(group + 2) % 3]);
        let width = outer.count * inner.count;
        if width <= most && best.as_ref().is_none_or(|b| width > b.width()) {
            let group = loops[group];
            best = Some(Columns { group, outer, inner, first: 0, offset: 0, last: width });
        }
    }
    if let Some(best) = best {
        return vec![best];
    }
    // No two loops fit: one loop over groups, an instruction for every row of a block.
    let one = ColumnLoop { count: 1, output: 0, channel: 0 };
    (0..block)
        .flat_map(|y| {
            (0..block).map(move |x| {
                let width = most.min(depth);
                let groups = depth.div_ceil(width);
                Columns {
                    group: ColumnLoop { count: groups, output: width * plane, channel: width * c },
                    outer: one,
                    inner: ColumnLoop { count: width, output: plane, channel: c },
                    first: y * by + x * bx,
                    offset: y * pitch + x * pixel,
                    last: depth - (groups - 1) * width,
                }
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_once_at_its_place() {
        let (pitch, plane) = (100, 10_000);
        for mode in [DepthToSpaceMode::Dcr, DepthToSpaceMode::Crd] {
            for (depth, block, most) in [(1, 2, 16), (3, 2, 16), (3, 3, 16), (5, 4, 4), (1, 3, 2), (40, 2, 7)]
            {
                let channels = depth * block * block;
                let mut places = vec![None; channels];
                for columns in depth_to_space(channels, block, mode, [plane, pitch, 1], most) {
                    assert!(columns.width() <= most);
                    for (g, list) in columns.channels().iter().enumerate() {
                        for (k, &channel) in list.iter().enumerate() {
                            let place = columns.offset
                                + g * columns.group.output
                                + k / columns.inner.count * columns.outer.output
                                + k % columns.inner.count * columns.inner.output;
                            assert_eq!(places[channel].replace(place), None);
                        }
                    }
                }
                for (channel, place) in places.iter().enumerate() {
                    let (c, y, x) = match mode {
                        DepthToSpaceMode::Dcr => {
                            (channel % depth, channel / depth / block, channel / depth % block)
                        }
                        DepthToSpaceMode::Crd => {
                            (channel / block / block, channel / block % block, channel % block)
                        }
                    };
                    assert_eq!(*place, Some(c * plane + y * pitch + x), "{mode:?} {channel}");
                }
            }
        }
    }
}
