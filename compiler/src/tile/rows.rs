//! Depthwise convolution on the array: columns are consecutive output rows of one channel, the
//! input rows stream past and every column meets its taps one step after the column before it.

use super::columns::{ColumnLoop, Columns};
use super::{Job, Part, blocks, pack, rank};
use crate::error::Result;
use tilewright_arch::instr::{Channels, Reduce, Step, TileOp, Unit};

/// How the kernel's rows are laid over steps.
#[derive(Clone, Copy, Debug)]
struct KernelRows {
    /// Output rows on columns.
    columns: usize,
    /// Middle loop: phases of the stride, or chunks of a tall kernel.
    middle: usize,
    /// Input rows from one middle iteration to the next.
    middle_rows: usize,
    /// Taps of a weight word.
    taps: usize,
    /// Input rows from tap to tap.
    tap_rows: usize,
    /// Kernel rows from tap to tap, and from one middle iteration to the next.
    kernel_step: (usize, usize),
}

/// All shapes a depthwise kernel can take on a machine of `most` columns.
fn shapes(kernel: usize, stride: usize, dilation: usize, lines: usize, most: usize) -> Vec<KernelRows> {
    // One row at a time: taps in chunks of at most C, whatever the dilation.
    let taps = kernel.min(most);
    let mut shapes = vec![KernelRows {
        columns: 1,
        middle: kernel.div_ceil(taps),
        middle_rows: taps * dilation,
        taps,
        tap_rows: dilation,
        kernel_step: (1, taps),
    }];
    // Several rows: output row j meets kernel row phase + stride * m at input row
    // phase + stride * (j + m), hence one step later on each column.
    let phases = stride.min(kernel);
    let taps = kernel.div_ceil(stride);
    if dilation == 1 && taps <= most {
        shapes.extend((2..=most.min(lines)).map(|columns| KernelRows {
            columns,
            middle: phases,
            middle_rows: 1,
            taps,
            tap_rows: stride,
            kernel_step: (stride, 1),
        }));
    }
    shapes
}

/// Tile operations of a depthwise convolution (one for each output channel of a group).
pub(super) fn depthwise(job: &Job, weights: &[i8]) -> Result<Vec<Part>> {
    let config = job.config;
    let window = &job.node.window;
    let [channels, ..] = job.graph.grid(job.node);
    let inputs = job.at.input.shape[0];
    let multiplier = channels / inputs;
    if job.node.place.depth_to_space.0 > 1 {
        return Err(job.refuse("DepthToSpace directly after a depthwise convolution is not supported"));
    }
    let candidates =
        shapes(window.kernel[0], window.stride[0], window.dilation[0], job.rows.len(), config.columns);
    // As many channels at a time as half the weight and the parameter memory hold.
    let middle = candidates.iter().map(|s| s.middle).max().expect("there is a shape");
    let words = window.kernel[1] * middle;
    let most = (config.weight_words / 2 / words).min(config.parameter_words / 2).max(1);
    let mut parts = vec![];
    for first in (0..inputs).step_by(most) {
        let count = most.min(inputs - first);
        for output in 0..multiplier {
            let slice = Slice { first, count, multiplier, output };
            let sketch = &job.sketch();
            let tried = || candidates.iter().map(|shape| (shape, part(sketch, weights, *shape, slice)));
            let encodes = |(_, p): &(_, Part)| p.op.encode(config.lanes).is_ok();
            // All have to be looked at closely only where the cheapest is beyond its fields.
            let cheapest = tried().min_by_key(|(_, p)| p.cost(config).added()).filter(encodes);
            let best =
                cheapest.or_else(|| tried().min_by_key(|(_, p)| rank(std::slice::from_ref(p), config)));
            // Taps cannot shift past the halves of 16-bit values: those take blocks.
            let best = best.filter(|_| !job.node.wide);
            let blocks = blocks::best(job, weights, slice, best.as_ref().map(|(_, part)| part));
            let Some(found) = blocks.or(best.map(|(shape, _)| vec![part(job, weights, *shape, slice)]))
            else {
                return Err(job
                    .refuse("the weights of one channel over 16-bit values fill the weight memory")
                    .hint("--precision int8, or more weight_words"));
            };
            parts.extend(found);
        }
    }
    Ok(parts)
}

/// Sums of a window (average pools, copies, element-wise operations) as a depthwise convolution with
/// weights of one: the array serves P x C outputs at a time, the vector unit P.
pub(super) fn sums(job: &Job) -> Result<Vec<Part>> {
    let [channels, ..] = job.graph.grid(job.node);
    let [kh, kw] = job.node.window.kernel;
    depthwise(job, &vec![1; channels * kh * kw])
}

/// Input channels `first..first + count`, and which of each one's `multiplier` outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    /// First input channel.
    pub first: usize,
    /// Input channels.
    pub count: usize,
    /// Output channels of an input channel.
    pub multiplier: usize,
    /// Which of them.
    pub output: usize,
}

impl Slice {
    /// Output channel of the slice's input channel `c`.
    pub fn channel(&self, c: usize) -> usize {
        (self.first + c) * self.multiplier + self.output
    }
}

/// The tile operation of one slice of channels in one shape.
fn part(job: &Job, weights: &[i8], shape: KernelRows, slice: Slice) -> Part {
    let Slice { first, count, multiplier, .. } = slice;
    let window = &job.node.window;
    let [kh, kw] = window.kernel;
    let input = job.at.input;
    let channel = |c: usize| slice.channel(c);
    let streamed = shape.columns - 1 + shape.taps;
    let mut gathered = job.input(first, shape.columns, job.zero());
    gathered.walk.group = input.plane as i64;
    let out = job.at.output;
    let op = TileOp {
        reduce: Reduce::Rows,
        groups: count,
        columns: shape.columns,
        last_columns: shape.columns,
        inner_columns: shape.columns,
        column_y: 1,
        width: job.width(),
        lines: job.rows.len(),
        line_step: shape.columns,
        steps: [
            Step {
                count: kw,
                address: (window.dilation[1] * input.pixel) as i64,
                y: 0,
                x: window.dilation[1] as i64,
            },
            Step {
                count: shape.middle,
                address: (shape.middle_rows * input.pitch) as i64,
                y: shape.middle_rows as i64,
                x: 0,
            },
            Step {
                count: streamed,
                address: (shape.tap_rows * input.pitch) as i64,
                y: shape.tap_rows as i64,
                x: 0,
            },
        ],
        input: gathered,
        taps: shape.taps,
        channels: Channels { base: 0, column_step: 0, group_step: 1 },
        ..TileOp::default()
    };
    let columns = Columns {
        group: ColumnLoop { count, output: multiplier * out.plane, channel: multiplier },
        outer: ColumnLoop { count: 1, output: 0, channel: 0 },
        inner: ColumnLoop { count: shape.columns, output: out.pitch, channel: 0 },
        first: channel(0),
        offset: channel(0) * out.plane,
        last: shape.columns,
    };
    let operand = job.at.operand.map_or([0; 3], |b| [multiplier * b.plane, 0, b.pitch]);
    let op = job.finish(op, &columns, operand, 1);
    let tap_words = || {
        (0..count).flat_map(|c| {
            let kernel = &weights[channel(c) * kh * kw..(channel(c) + 1) * kh * kw];
            (0..kw).flat_map(move |kx| {
                (0..shape.middle).map(move |i| {
                    let (tap, middle) = shape.kernel_step;
                    let row = |m: usize| i * middle + m * tap;
                    (0..shape.taps).map(|m| kernel.get(row(m) * kw + kx).map_or(0, |w| *w)).collect()
                })
            })
        })
    };
    Part {
        unit: Unit::Compute,
        op,
        weights: job.words(count * kw * shape.middle, || pack::taps(tap_words(), job.config)),
        factors: None,
        channels: (0..count).map(|c| job.channel(channel(c))).collect(),
        macs: (count * kh * kw * job.rows.len() * job.width()) as u64,
    }
}
