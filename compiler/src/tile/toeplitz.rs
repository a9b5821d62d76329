//! Dense convolution with few output channels: columns are (channel, output row) pairs. The kernel
//! becomes a Toeplitz matrix over the input rows that the rows of a tile need together; what is
//! zero in it costs steps, but idle columns would cost more.

use super::columns::{ColumnLoop, Columns};
use super::source::ReductionSource;
use super::{Job, Part};
use std::ops::Range;
use tilewright_arch::instr::{Channels, Reduce, Step, TileOp, Unit};

/// One instruction that computes `rows` output rows of the output channels `range` at a time; `None`
/// when the columns, the memories, or under DepthToSpace a residual operand or missing channels do
/// not allow it. The source is one of planes.
pub(super) fn part(job: &Job, source: &ReductionSource, range: Range<usize>, rows: usize) -> Option<Part> {
    let config = job.config;
    let window = &job.node.window;
    let channels = range.len();
    let (block, mode) = job.node.place.depth_to_space;
    let (input, output) = (job.at.input, job.at.output);
    let [kh, kw] = window.kernel;
    let ([sy, _], [dy, _]) = (window.stride, window.dilation);
    if rows * block * block > config.columns {
        return None;
    }
    if block > 1 && (job.at.operand.is_some() || channels != job.graph.grid(job.node)[0]) {
        return None;
    }
    // Rows of a block follow each other like output rows: they are one inner loop.
    let inner = ColumnLoop { count: rows * block, output: output.pitch, channel: 0 };
    let depth = channels / (block * block);
    let [plane, by, bx] = mode.channel_steps(block, depth);
    let (outer, group) = if block > 1 {
        let one = ColumnLoop { count: block, output: output.pixel, channel: 0 };
        (one, ColumnLoop { count: depth, output: output.plane, channel: 0 })
    } else {
        let width = (config.columns / rows).min(channels);
        let groups = channels.div_ceil(width);
        let one = ColumnLoop { count: width, output: output.plane, channel: 1 };
        (one, ColumnLoop { count: groups, output: width * output.plane, channel: width })
    };
    let width = inner.count * outer.count;
    let short = channels - (group.count - 1) * outer.count;
    let last = if block > 1 { width } else { short * inner.count };
    let streamed = (rows - 1) * sy + (kh - 1) * dy + 1;
    let [over_planes, _, over_columns] = source.steps;
    let planes = over_planes.count;
    let reduction = planes * streamed * kw;
    let stride = config.weight_stride();
    if group.count * reduction > config.weight_words || group.count * width > config.parameter_words {
        return None;
    }
    // Output channel and row of column c of group g.
    let place = |g: usize, c: usize| {
        let (o, i) = (c / inner.count, c % inner.count);
        let channel = match block {
            1 => range.start + g * outer.count + o,
            _ => g * plane + i % block * by + o * bx,
        };
        (channel, i / block)
    };
    let columns_of = |g: usize| if g + 1 == group.count { last } else { width };
    let all = || (0..group.count).flat_map(|g| (0..columns_of(g)).map(move |c| (g, c)));
    let pack = || {
        let mut words = vec![0; group.count * reduction * stride];
        for (g, c) in all() {
            let (channel, row) = place(g, c);
            for plane in 0..planes {
                for ky in 0..kh {
                    for kx in 0..kw {
                        let step = (plane * streamed + row * sy + ky * dy) * kw + kx;
                        let weight = source.weights[((channel * planes + plane) * kh + ky) * kw + kx];
                        words[(g * reduction + step) * stride + c] = weight.cast_unsigned();
                    }
                }
            }
        }
        words
    };
    let weights = input.shape[0] * kh * kw;
    let op = TileOp {
        reduce: Reduce::Dense,
        groups: group.count,
        columns: width,
        last_columns: last,
        inner_columns: inner.count,
        column_y: 1,
        width: job.width(),
        lines: job.rows.len() * block,
        line_step: rows * block,
        steps: [over_planes, Step { count: streamed, address: input.pitch as i64, y: 1, x: 0 }, over_columns],
        input: job.input(0, rows, job.zero()),
        channels: Channels { base: 0, column_step: 1, group_step: width },
        ..TileOp::default()
    };
    let operand = job.at.operand.map_or([0; 3], |b| [outer.count * b.plane, b.plane, b.pitch]);
    let columns =
        Columns { group, outer, inner, first: range.start, offset: range.start * output.plane, last };
    Some(Part {
        unit: Unit::Compute,
        op: job.finish(op, &columns, operand, 1),
        weights: job.words(group.count * reduction, pack),
        factors: None,
        channels: all().map(|(g, c)| job.channel(place(g, c).0)).collect(),
        macs: (channels * weights * job.rows.len() * job.width()) as u64,
    })
}
