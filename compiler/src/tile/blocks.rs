//! Depthwise convolution with blocks of output pixels on the columns: a gathered byte meets as many
//! taps as the kernel has, where [`super::rows`] has it meet one row's. The weights are a Toeplitz
//! matrix in both directions, a word for every input pixel of a block, so this pays where an image
//! is large enough to make up for loading them.

use super::columns::{ColumnLoop, Columns};
use super::rows::Slice;
use super::{Job, Part, cost, rank};
use tilewright_arch::instr::{Channels, Reduce, Step, TileOp, Unit};

/// Blocks of `rows` x `width` output pixels.
#[derive(Clone, Copy, Debug)]
struct PixelBlocks {
    rows: usize,
    width: usize,
}

/// Instructions that do what `other` does, if there is one and some cost less: as many channels at a
/// time as half the weight memory holds.
pub(super) fn best(job: &Job, weights: &[i8], slice: Slice, other: Option<&Part>) -> Option<Vec<Part>> {
    let mut limit = other.map_or((true, u64::MAX), |part| rank(std::slice::from_ref(part), job.config));
    let mut best = None;
    let sketch = &job.sketch();
    let possible = |w: &usize| job.width().is_multiple_of(*w);
    // A column of rows is what taps do better, where they can.
    let least = if job.node.wide { 1 } else { 2 };
    for width in (least..=job.config.columns).filter(possible) {
        for rows in 1..=(job.config.columns / width).min(job.rows.len()) {
            let block = PixelBlocks { rows, width };
            let Some(parts) = parts(sketch, weights, block, slice) else { continue };
            if cost(&parts, job.config) < limit.1 || limit.0 {
                let rank = rank(&parts, job.config);
                if rank < limit {
                    (best, limit) = (Some(block), rank);
                }
            }
        }
    }
    parts(job, weights, best?, slice)
}

/// The tile operations of all channels in blocks; none where half the weight memory does not hold those of one channel.
fn parts(job: &Job, weights: &[i8], block: PixelBlocks, slice: Slice) -> Option<Vec<Part>> {
    let most = job.config.weight_words / 2 / reduction(job, block);
    let starts = (most > 0).then(|| (0..slice.count).step_by(most))?;
    let slices = starts.map(|s| Slice { first: slice.first + s, count: most.min(slice.count - s), ..slice });
    Some(slices.map(|slice| part(job, weights, block, slice)).collect())
}

/// Input rows and columns of a block.
fn reach(job: &Job, block: PixelBlocks) -> [usize; 2] {
    let window = &job.node.window;
    [(block.rows, 0), (block.width, 1)].map(|(n, axis)| (n - 1) * window.stride[axis] + window.covers(axis))
}

/// Steps of a tile, and weight words of a channel.
fn reduction(job: &Job, block: PixelBlocks) -> usize {
    job.halves().count * reach(job, block).iter().product::<usize>()
}

/// The tile operation of one slice of channels.
fn part(job: &Job, weights: &[i8], block: PixelBlocks, slice: Slice) -> Part {
    let Slice { first, count, multiplier, .. } = slice;
    let window = &job.node.window;
    let (input, out) = (job.at.input, job.at.output);
    let [kh, kw] = window.kernel;
    let ([sy, sx], [dy, dx]) = (window.stride, window.dilation);
    let [height, width] = reach(job, block);
    let columns = block.rows * block.width;
    let mut gathered = job.input(first, block.rows, job.zero());
    gathered.walk.group = input.plane as i64;
    gathered.walk.pixel *= block.width as i64;
    gathered.x_step *= block.width;
    let op = TileOp {
        reduce: Reduce::Dense,
        groups: count,
        columns,
        last_columns: columns,
        inner_columns: block.rows,
        column_y: 1,
        width: job.width() / block.width,
        lines: job.rows.len(),
        line_step: block.rows,
        steps: [
            job.halves(),
            Step { count: height, address: input.pitch as i64, y: 1, x: 0 },
            Step { count: width, address: input.pixel as i64, y: 0, x: 1 },
        ],
        input: gathered,
        channels: Channels { base: 0, column_step: 0, group_step: 1 },
        ..TileOp::default()
    };
    let layout = Columns {
        group: ColumnLoop { count, output: multiplier * out.plane, channel: multiplier },
        outer: ColumnLoop { count: block.width, output: out.pixel, channel: 0 },
        inner: ColumnLoop { count: block.rows, output: out.pitch, channel: 0 },
        first: slice.channel(0),
        offset: slice.channel(0) * out.plane,
        last: columns,
    };
    let operand = job.at.operand.map_or([0; 3], |b| [multiplier * b.plane, b.pixel, b.pitch]);
    let op = job.finish(op, &layout, operand, 1);
    let stride = job.config.weight_stride();
    let halves = job.halves().count;
    let steps = count * halves * height * width;
    let pack = || {
        let mut words = vec![0; steps * stride];
        for plane in 0..count * halves {
            let c = plane / halves;
            let kernel = &weights[slice.channel(c) * kh * kw..(slice.channel(c) + 1) * kh * kw];
            for column in 0..columns {
                let (x, y) = (column / block.rows * sx, column % block.rows * sy);
                for (tap, &weight) in kernel.iter().enumerate() {
                    let step = (plane * height + y + dy * (tap / kw)) * width + x + dx * (tap % kw);
                    words[step * stride + column] = weight.cast_unsigned();
                }
            }
        }
        words
    };
    Part {
        unit: Unit::Compute,
        op,
        weights: job.words(steps, pack),
        factors: None,
        channels: (0..count).map(|c| job.channel(slice.channel(c))).collect(),
        macs: (count * kh * kw * job.rows.len() * job.width()) as u64,
    }
}
