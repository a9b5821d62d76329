//! The integer reference: what a [`FixedGraph`] computes, straight from its definition.
//!
//! It knows nothing of tiles, lanes or memories. Everything to the right of it on the ladder of proof
//! (simulator, hardware) must match it bit for bit.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Reduction, Tensor};
use crate::float;
use ndarray::{ArrayD, IxDyn};
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
    tensors
}

/// Runs one node.
pub(crate) fn step(graph: &FixedGraph, node: &FixedNode, tensors: &mut [Vec<i8>]) {
    let sums = accumulate(graph, node, &tensors[node.input.0 as usize]);
    finish(graph, node, &sums, tensors);
}

/// The accumulators of a node, without bias: output channel, row and column of its region.
pub(crate) fn accumulate(graph: &FixedGraph, node: &FixedNode, input: &[i8]) -> Vec<i32> {
    let [channels, _, _] = graph.grid(node);
    let [_, _, rows, columns] = node.place.region;
    let tensor = graph.tensor(node.input);
    let outside = match node.reduction {
        Reduction::Max => i8::MIN,
        Reduction::Conv { .. } | Reduction::Sum => tensor.zero,
    };
    let padded = Padded::new(input, tensor.shape, node.window.pads, outside);
    let one = |c: usize, sums: &mut [i32]| match &node.reduction {
        Reduction::Conv { weights, groups } => {
            let inputs = tensor.shape[0] / groups;
            let first = c / (channels / groups) * inputs;
            let taps = node.window.kernel[0] * node.window.kernel[1];
            for i in 0..inputs {
                let kernel = &weights[(c * inputs + i) * taps..][..taps];
                slide(node, &padded, first + i, sums, |tap, sum, x| {
                    *sum += i32::from(kernel[tap]) * i32::from(x);
                });
            }
        }
        Reduction::Sum => slide(node, &padded, c, sums, |_, sum, x| *sum += i32::from(x)),
        Reduction::Max => {
            sums.fill(i32::from(i8::MIN));
            slide(node, &padded, c, sums, |_, sum, x| *sum = (*sum).max(i32::from(x)));
        }
    };
    let mut sums = vec![0; channels * rows * columns];
    let planes = rows * columns;
    if graph.macs(node) as usize >= PARALLEL {
        sums.par_chunks_mut(planes).enumerate().for_each(|(c, sums)| one(c, sums));
    } else {
        sums.chunks_mut(planes).enumerate().for_each(|(c, sums)| one(c, sums));
    }
    sums
}

/// Applies `f(tap, sum, x)` for every tap of the window over one input channel, at every pixel of
/// the node's region. Pixels are innermost: contiguous where the stride is 1.
#[inline(always)]
fn slide(
    node: &FixedNode,
    input: &Padded,
    channel: usize,
    sums: &mut [i32],
    f: impl Fn(usize, &mut i32, i8),
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
struct Padded {
    data: Vec<i8>,
    height: usize,
    width: usize,
}

impl Padded {
    fn new(input: &[i8], shape: [usize; 3], pads: [usize; 4], outside: i8) -> Padded {
        let [_, h, w] = shape;
        let [top, left, bottom, right] = pads;
        let (height, width) = (h + top + bottom, w + left + right);
        if (height, width) == (h, w) {
            return Padded { data: input.to_vec(), height, width };
        }
        let mut data = vec![outside; shape[0] * height * width];
        for (i, row) in input.chunks(w).enumerate() {
            let (c, y) = (i / h, i % h);
            let start = (c * height + y + top) * width + left;
            data[start..start + w].copy_from_slice(row);
        }
        Padded { data, height, width }
    }

    fn row(&self, channel: usize, y: usize) -> &[i8] {
        &self.data[(channel * self.height + y) * self.width..][..self.width]
    }
}

/// Requantises the accumulators of [`accumulate`] and writes them to their place.
pub(crate) fn finish(graph: &FixedGraph, node: &FixedNode, sums: &[i32], tensors: &mut [Vec<i8>]) {
    let [channels, height, width] = graph.grid(node);
    let [y0, x0, rows, columns] = node.place.region;
    let [_, out_height, out_width] = graph.tensor(node.output).shape;
    let mut output = std::mem::take(&mut tensors[node.output.0 as usize]);
    for c in 0..channels {
        let channel = graph.channel(node, c);
        for y in y0..y0 + rows {
            for x in x0..x0 + columns {
                let sum = sums[(c * rows + y - y0) * columns + x - x0];
                debug_assert!(sum.checked_add(channel.bias).is_some(), "{}: the bias overflows", node.name);
                let operand = node
                    .operand
                    .as_ref()
                    .map(|(id, scale)| (tensors[id.0 as usize][(c * height + y) * width + x], scale));
                let q = fixed::post(sum, channel, operand, &node.post, node.table.as_deref());
                let [tc, ty, tx] = node.place.target(channels, c, y, x);
                output[(tc * out_height + ty) * out_width + tx] = q;
            }
        }
    }
    tensors[node.output.0 as usize] = output;
}

/// Real values to bytes: the nearest (ties to even), saturating.
pub fn quantise(tensor: &Tensor, values: impl IntoIterator<Item = f32>) -> Vec<i8> {
    let (scale, zero) = (f64::from(tensor.scale), f64::from(tensor.zero));
    let byte = |x: f32| ((f64::from(x) / scale).round_ties_even() + zero).clamp(-128.0, 127.0) as i8;
    values.into_iter().map(byte).collect()
}

/// Bytes to real values.
pub fn dequantise(tensor: &Tensor, bytes: &[i8]) -> Vec<f32> {
    let real = |q: i8| tensor.scale * (i32::from(q) - i32::from(tensor.zero)) as f32;
    bytes.iter().map(|&q| real(q)).collect()
}

/// The model's inputs as the machine reads them.
///
/// # Errors
/// Inputs of another number or shape than the model's.
pub fn quantise_inputs(graph: &FixedGraph, inputs: &[ArrayD<f32>]) -> Result<Vec<Vec<i8>>> {
    let refuse = |message: String| Err(Error::new("reference", message).file(&graph.name));
    if inputs.len() != graph.inputs.len() {
        let (given, wanted) = (inputs.len(), graph.inputs.len());
        return refuse(format!("{given} inputs are given, the network has {wanted}"));
    }
    let mut bytes = Vec::with_capacity(inputs.len());
    for (x, (id, shape)) in inputs.iter().zip(&graph.inputs) {
        if x.shape() != shape {
            let name = &graph.tensor(*id).name;
            return refuse(format!("input {name:?} has shape {:?}, not {shape:?}", x.shape()));
        }
        bytes.push(quantise(graph.tensor(*id), x.iter().copied()));
    }
    Ok(bytes)
}

/// Real outputs of the model from the machine's output bytes (one vector for each of
/// [`FixedGraph::outputs`]): dequantises and runs what is left to the host.
///
/// # Errors
/// Outputs of another number or size; an operator the float reference refuses.
pub fn host_outputs(graph: &FixedGraph, outputs: &[Vec<i8>]) -> Result<Vec<ArrayD<f32>>> {
    let refuse = |message: String| Err(Error::new("reference", message).file(&graph.name));
    if outputs.len() != graph.outputs.len() {
        let (given, wanted) = (outputs.len(), graph.outputs.len());
        return refuse(format!("{given} outputs are given, the network has {wanted}"));
    }
    let mut real = Vec::with_capacity(outputs.len());
    for (bytes, (id, shape)) in outputs.iter().zip(&graph.outputs) {
        match ArrayD::from_shape_vec(IxDyn(shape), dequantise(graph.tensor(*id), bytes)) {
            Ok(array) => real.push(array),
            Err(e) => return refuse(format!("{id} does not have shape {shape:?}: {e}")),
        }
    }
    match &graph.host {
        Some(host) => float::run(host, &real),
        None => Ok(real),
    }
}

/// The model's outputs as the machine and the host compute them: quantises the inputs, runs the
/// integer network, dequantises, runs the host's operators.
///
/// # Errors
/// As [`quantise_inputs`] and [`host_outputs`].
pub fn predict(graph: &FixedGraph, inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
    let tensors = run(graph, &quantise_inputs(graph, inputs)?);
    let outputs: Vec<Vec<i8>> = graph.outputs.iter().map(|(id, _)| tensors[id.0 as usize].clone()).collect();
    host_outputs(graph, &outputs)
}
