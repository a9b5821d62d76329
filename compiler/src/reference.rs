//! The integer reference: what a [`FixedGraph`] computes, straight from its definition.
//!
//! It knows nothing of tiles, lanes or memories. Everything to the right of it on the ladder of proof
//! (simulator, hardware) must match it bit for bit.

#[cfg(test)]
mod tests;

use crate::fixed::{Band, FixedGraph, FixedNode, Reduction, Tensor, View};
use rayon::prelude::*;
use tilewright_arch::fixed;

/// Multiply-accumulates of a node from which on its channels are shared out among threads.
const PARALLEL: usize = 1 << 18;

/// Runs the network on quantised inputs, dense C x H x W, and returns every tensor likewise, indexed
/// by [`crate::fixed::TensorId`].
///
/// # Panics
/// When an input has the wrong number of elements, or the graph breaks [`FixedGraph::verify`].
pub fn run(graph: &FixedGraph, inputs: &[Vec<i8>]) -> Vec<Vec<i8>> {
    let mut tensors = start(graph, inputs);
    for node in &graph.nodes {
        step(graph, node, &mut tensors);
    }
    tensors
}

/// All tensors before the first node ran: inputs as given, the others empty of meaning.
pub(crate) fn start(graph: &FixedGraph, inputs: &[Vec<i8>]) -> Vec<Vec<i8>> {
    assert_eq!(inputs.len(), graph.inputs.len(), "number of inputs");
    let mut tensors: Vec<Vec<i8>> = graph.tensors.iter().map(|t| vec![0; t.elements()]).collect();
    for (input, (id, _)) in inputs.iter().zip(&graph.inputs) {
        let tensor = &mut tensors[id.0 as usize];
        assert_eq!(input.len(), tensor.len(), "elements of {id}");
        tensor.copy_from_slice(input);
    }
    for (id, elements) in &graph.constants {
        tensors[id.0 as usize].copy_from_slice(elements);
    }
    tensors
}

/// Runs one node.
pub(crate) fn step(graph: &FixedGraph, node: &FixedNode, tensors: &mut [Vec<i8>]) {
    let read = |band: &&Band| band.is_read() && node.reads().any(|view| view.tensor == band.part);
    graph.bands.iter().filter(read).for_each(|band| exchange(graph, band, tensors));
    let sums = accumulate(graph, node, tensors);
    finish(graph, node, &sums, tensors);
    let made = |band: &&Band| !band.is_read() && node.output.tensor == band.part;
    graph.bands.iter().filter(made).for_each(|band| exchange(graph, band, tensors));
}

/// Fills a band from the tensor that it is of, or gives that its columns.
fn exchange(graph: &FixedGraph, band: &Band, tensors: &mut [Vec<i8>]) {
    let [part, whole] = [band.part, band.whole].map(|t| t.0 as usize);
    let (mut from, mut to) = (std::mem::take(&mut tensors[part]), std::mem::take(&mut tensors[whole]));
    let [_, rows, width] = graph.tensor(band.whole).shape;
    let moved = if band.is_read() { band.held.clone() } else { band.own.clone() };
    for c in band.channels.clone() {
        for y in 0..rows {
            let outer = (c * rows + y) * width;
            let inner = ((c - band.channels.start) * rows + y) * band.held.len();
            let outer = &mut to[outer + moved.start..outer + moved.end];
            let inner = &mut from[inner + moved.start - band.held.start..][..moved.len()];
            if band.is_read() { inner.copy_from_slice(outer) } else { outer.copy_from_slice(inner) }
        }
    }
    (tensors[part], tensors[whole]) = (from, to);
}

/// The accumulators of a node, without bias: output channel, row and column of its region.
pub(crate) fn accumulate(graph: &FixedGraph, node: &FixedNode, tensors: &[Vec<i8>]) -> Vec<i32> {
    let zero = graph.tensor(node.input.tensor).zero;
    let outside = match node.reduction {
        Reduction::Max => i8::MIN,
        Reduction::Conv { .. } | Reduction::Product { .. } | Reduction::Sum => zero,
    };
    let read = |view: &View| view.read(graph.tensor(view.tensor).shape, &tensors[view.tensor.0 as usize]);
    let (shape, pads) = (node.input.shape, node.window.pads);
    let high = read(&node.input);
    let Some(low) = node.low_halves() else {
        return reduce(graph, node, tensors, &Padded::new(high, shape, pads, outside));
    };
    let both = |(high, low): (&i8, i8)| 256 * i32::from(*high) + i32::from(low);
    let values = high.iter().zip(read(&low)).map(both).collect();
    reduce(graph, node, tensors, &Padded::new(values, shape, pads, both((&outside, outside))))
}

/// [`accumulate`] over an input that has been read: bytes, or what pairs of them count.
fn reduce<T: Copy + Into<i32> + Sync>(
    graph: &FixedGraph,
    node: &FixedNode,
    tensors: &[Vec<i8>],
    padded: &Padded<T>,
) -> Vec<i32> {
    let [channels, _, _] = graph.grid(node);
    let [_, _, rows, columns] = node.place.region;
    let zero = i32::from(graph.tensor(node.input.tensor).zero);
    let read = |view: &View| view.read(graph.tensor(view.tensor).shape, &tensors[view.tensor.0 as usize]);
    let factors = match &node.reduction {
        Reduction::Product { weights } => read(weights),
        _ => Vec::new(),
    };
    let one = |c: usize, sums: &mut [i32]| match &node.reduction {
        Reduction::Conv { weights, groups } => {
            let inputs = node.input.shape[0] / groups;
            let first = c / (channels / groups) * inputs;
            let taps = node.window.kernel[0] * node.window.kernel[1];
            for i in 0..inputs {
                let kernel = &weights[(c * inputs + i) * taps..][..taps];
                slide(node, padded, first + i, sums, |tap, sum, x| {
                    *sum += i32::from(kernel[tap]) * x.into();
                });
            }
        }
        Reduction::Product { .. } => {
            for i in 0..node.input.shape[0] {
                let factor = i32::from(factors[i * channels + c]);
                slide(node, padded, i, sums, |_, sum, x| {
                    *sum += factor * (x.into() - zero);
                });
            }
        }
        Reduction::Sum => slide(node, padded, c, sums, |_, sum, x| *sum += x.into()),
        Reduction::Max => {
            sums.fill(i32::from(i8::MIN));
            slide(node, padded, c, sums, |_, sum, x| *sum = (*sum).max(x.into()));
        }
    };
    let mut sums = vec![0; channels * rows * columns];
    let plane = rows * columns;
    let terms = match &node.reduction {
        Reduction::Conv { weights, .. } => weights.len() / channels,
        Reduction::Product { weights } => weights.shape[0],
        Reduction::Sum | Reduction::Max => 0,
    };
    if terms * sums.len() >= PARALLEL {
        sums.par_chunks_mut(plane).enumerate().for_each(|(c, sums)| one(c, sums));
    } else {
        sums.chunks_mut(plane).enumerate().for_each(|(c, sums)| one(c, sums));
    }
    sums
}

/// Applies `f(tap, sum, x)` for every tap of the window over one input channel, at every pixel of
/// the node's region. Pixels are innermost: contiguous where the stride is 1.
#[inline(always)]
fn slide<T: Copy>(
    node: &FixedNode,
    input: &Padded<T>,
    channel: usize,
    sums: &mut [i32],
    f: impl Fn(usize, &mut i32, T),
) {
    let w = &node.window;
    let [y0, x0, _, columns] = node.place.region;
    for ky in 0..w.kernel[0] {
        for kx in 0..w.kernel[1] {
            let tap = ky * w.kernel[1] + kx;
            for (y, sums) in sums.chunks_mut(columns).enumerate() {
                let row = input.row(channel, (y0 + y) * w.stride[0] + ky * w.dilation[0]);
                let row = &row[x0 * w.stride[1] + kx * w.dilation[1]..];
                if w.stride[1] == 1 {
                    sums.iter_mut().zip(row).for_each(|(sum, &x)| f(tap, sum, x));
                } else {
                    let row = row.iter().step_by(w.stride[1]);
                    sums.iter_mut().zip(row).for_each(|(sum, &x)| f(tap, sum, x));
                }
            }
        }
    }
}

/// A tensor with what is read outside of it.
struct Padded<T> {
    data: Vec<T>,
    height: usize,
    width: usize,
}

impl<T: Copy> Padded<T> {
    fn new(input: Vec<T>, shape: [usize; 3], pads: [usize; 4], outside: T) -> Padded<T> {
        let [_, h, w] = shape;
        let [top, left, bottom, right] = pads;
        let (height, width) = (h + top + bottom, w + left + right);
        if (height, width) == (h, w) {
            return Padded { data: input, height, width };
        }
        let mut data = vec![outside; shape[0] * height * width];
        for (i, row) in input.chunks(w).enumerate() {
            let (c, y) = (i / h, i % h);
            let start = (c * height + y + top) * width + left;
            data[start..start + w].copy_from_slice(row);
        }
        Padded { data, height, width }
    }

    fn row(&self, channel: usize, y: usize) -> &[T] {
        &self.data[(channel * self.height + y) * self.width..][..self.width]
    }
}

/// Requantises the accumulators of [`accumulate`] and writes them to their place.
pub(crate) fn finish(graph: &FixedGraph, node: &FixedNode, sums: &[i32], tensors: &mut [Vec<i8>]) {
    let [channels, height, width] = graph.grid(node);
    let [y0, x0, rows, columns] = node.place.region;
    let strides = |view: &View| view.strides(graph.tensor(view.tensor).shape);
    let (first, to) = strides(&node.output);
    let operand = node.operand.as_ref().map(|o| {
        let read = o.view.read(graph.tensor(o.view.tensor).shape, &tensors[o.view.tensor.0 as usize]);
        (read, &o.scale)
    });
    let output = &mut tensors[node.output.tensor.0 as usize];
    // A row of the grid is one of the output, every r-th column of it.
    let across = node.place.depth_to_space.0 * to[2];
    for c in 0..channels {
        let channel = graph.channel(node, c);
        for y in y0..y0 + rows {
            let [tc, ty, tx] = node.place.target(channels, c, y, x0);
            let start = first + tc * to[0] + ty * to[1] + tx * to[2];
            for x in x0..x0 + columns {
                let sum = sums[(c * rows + y - y0) * columns + x - x0];
                debug_assert!(sum.checked_add(channel.bias).is_some(), "{}: the bias overflows", node.name);
                let operand =
                    operand.as_ref().map(|(read, scale)| (read[(c * height + y) * width + x], *scale));
                let q = fixed::post(sum, channel, operand, &node.post, node.table.as_deref());
                output[start + (x - x0) * across] = q;
            }
        }
    }
}

/// Real values, row-major, to bytes: the nearest (ties to even), saturating. Wide values become two
/// bytes each, in planes that take turns.
pub fn quantise(tensor: &Tensor, values: impl IntoIterator<Item = f32>) -> Vec<i8> {
    let steps = |x: f32| (x / tensor.scale).round_ties_even();
    // The quotient is rounded to float32, as ONNX does.
    if !tensor.wide {
        let byte = |x: f32| (steps(x) + f32::from(tensor.zero)).clamp(-128.0, 127.0) as i8;
        return values.into_iter().map(byte).collect();
    }
    let zero = f32::from(fixed::extend(tensor.zero));
    let both = |x: f32| fixed::halves((steps(x) + zero).clamp(-32768.0, 32767.0) as i16);
    let pairs: Vec<[i8; 2]> = values.into_iter().map(both).collect();
    let plane = tensor.shape[1] * tensor.shape[2];
    let planes =
        |channel: &[[i8; 2]]| [0, 1].map(|half| channel.iter().map(|p| p[half]).collect::<Vec<i8>>());
    pairs.chunks(plane).flat_map(planes).flatten().collect()
}

/// Bytes to real values, row-major.
pub fn dequantise(tensor: &Tensor, bytes: &[i8]) -> Vec<f32> {
    if !tensor.wide {
        let real = |q: i8| tensor.scale * (i32::from(q) - i32::from(tensor.zero)) as f32;
        return bytes.iter().map(|&q| real(q)).collect();
    }
    let zero = i32::from(fixed::extend(tensor.zero));
    let real = |both| tensor.scale * (i32::from(fixed::join(both)) - zero) as f32;
    let plane = tensor.shape[1] * tensor.shape[2];
    let channel = |halves: &[i8]| -> Vec<f32> {
        let (high, low) = halves.split_at(plane);
        high.iter().zip(low).map(|(&h, &l)| real([h, l])).collect()
    };
    bytes.chunks(2 * plane).flat_map(channel).collect()
}
