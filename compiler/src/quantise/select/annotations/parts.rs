//! Weights whose integers a byte of the machine does not hold: less their zero point those of a uint8 lie in
//! -255 to 255, and an int8 may be -128.
//!
//! Such a weight is a sum of two or three bytes, and each of them multiplies a copy of the activation: the layer
//! becomes one with so many times the input channels, or kernel rows, and gives the same sums.

use super::{Strip, index_along, refuse};
use crate::error::Result;
use crate::graph::{CoordinateRounding, Coordinates, Interpolation, Node, Op, Resize, ValueId, Window};

/// Largest magnitude of a weight of the machine.
const MOST: f32 = 127.0;
/// Most parts of a weight: those of a uint8 less its zero point.
const MOST_PARTS: usize = 3;

impl Strip<'_> {
    /// The operator and the operands, in the new graph, that stand for a layer whose weights take several bytes;
    /// `None` where each takes one, or `node` has no weights.
    ///
    /// # Errors
    /// A transposed convolution whose weights cannot be taken apart.
    pub(super) fn parts(&mut self, node: &Node, inputs: &[ValueId]) -> Result<Option<(Op, Vec<ValueId>)>> {
        let Some(weights) = self.weights(node) else { return Ok(None) };
        let most = weights.integers.iter().fold(0f32, |most, q| most.max(q.abs()));
        if most <= MOST {
            return Ok(None);
        }
        let count = (most / MOST).ceil() as usize;
        let apart = count <= MOST_PARTS && reduced(&node.op, 1, 2).is_some();
        if let (Op::ConvTranspose { .. }, false) = (&node.op, apart) {
            return refuse(format!("its weights less their zero points reach {most}, the machine's 127"));
        }
        if count > MOST_PARTS {
            return Ok(None);
        }
        let parts = split(&weights, count);
        let x = self.new.shape(inputs[0]).to_vec();
        let (copied, op, shape, data) = match &node.op {
            Op::Conv { window, groups } if *groups > 1 => {
                let (window, shape, data) = rows(window, &weights.shape, &parts);
                let mut sizes = x.clone();
                sizes[2] *= count;
                // Every row so many times.
                let repeat = Op::Resize(Resize {
                    sizes,
                    scales: vec![1.0, 1.0, count as f32, 1.0],
                    interpolation: Interpolation::Nearest(CoordinateRounding::Floor),
                    coordinates: Coordinates::Asymmetric,
                });
                let copied = self.new.node(node.name.clone(), repeat, &inputs[..1])?;
                (copied, Op::Conv { window, groups: *groups }, shape, data)
            }
            op => {
                let Some([axis, along]) = reduced(op, x.len(), weights.shape.len()) else { return Ok(None) };
                let (shape, data) = channels(along, &weights.shape, &parts);
                let copied =
                    self.new.node(node.name.clone(), Op::Concat { axis }, &vec![inputs[0]; count])?;
                (copied, op.clone(), shape, data)
            }
        };
        let name = self.new.value(inputs[1]).name.clone();
        let own = self.new.constant(name, &shape, data)?;
        self.annotations.steps.insert(own, weights.scales);
        let mut operands = inputs.to_vec();
        (operands[0], operands[1]) = (copied, own);
        Ok(Some((op, operands)))
    }

    /// The weights of a layer where they are constant integers.
    fn weights(&self, node: &Node) -> Option<Weights> {
        let layer =
            matches!(node.op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. } | Op::MatMul);
        let (_, made) = self.old.producer(*node.inputs.get(1).filter(|_| layer)?)?;
        let Op::DequantizeLinear { axis, .. } = made.op else { return None };
        let [data, scales, zeros] = [0, 1, 2].map(|i| self.old.constant_data(made.inputs[i]));
        let shape = self.old.shape(made.inputs[0]).to_vec();
        let (scales, zeros, of) = (scales?.to_vec(), zeros?, index_along(axis, &shape));
        let integers = data?.iter().enumerate().map(|(i, q)| q - zeros[of(i)]).collect();
        Some(Weights { shape, axis, integers, scales })
    }
}

/// Constant weights: real = integer * scale.
struct Weights {
    shape: Vec<usize>,
    /// Axis along which the scales vary.
    axis: Option<usize>,
    /// Less their zero points.
    integers: Vec<f32>,
    scales: Vec<f32>,
}

/// The axis of the activation and that of the weights over which a layer sums, but for rows and columns; `None`
/// for groups of a transposed convolution.
fn reduced(op: &Op, x: usize, weights: usize) -> Option<[usize; 2]> {
    match op {
        Op::Conv { groups: 1, .. } => Some([1, 1]),
        Op::ConvTranspose { groups: 1, .. } => Some([1, 0]),
        Op::Gemm { trans_a, trans_b, .. } => Some([usize::from(!trans_a), usize::from(*trans_b)]),
        Op::MatMul => Some([x - 1, weights.saturating_sub(2)]),
        _ => None,
    }
}

/// Real numbers of so many parts of each weight that each is a byte in steps of its scale.
fn split(weights: &Weights, count: usize) -> Vec<Vec<f32>> {
    let of = index_along(weights.axis, &weights.shape);
    let mut rest = weights.integers.clone();
    let mut part = || {
        let taken = rest.iter_mut().enumerate().map(|(i, q)| {
            let byte = q.clamp(-MOST, MOST);
            *q -= byte;
            byte * weights.scales[of(i)]
        });
        taken.collect()
    };
    (0..count).map(|_| part()).collect()
}

/// Weights whose parts follow each other along an axis.
fn channels(along: usize, shape: &[usize], parts: &[Vec<f32>]) -> (Vec<usize>, Vec<f32>) {
    let block: usize = shape[along..].iter().product();
    let outer = parts[0].len() / block;
    let data = (0..outer).flat_map(|o| parts.iter().flat_map(move |p| &p[o * block..(o + 1) * block]));
    let mut joined = shape.to_vec();
    joined[along] *= parts.len();
    (joined, data.copied().collect())
}

/// A convolution over rows that are repeated, once for each part of the weights: kernel rows of the parts take
/// turns, without dilation.
fn rows(window: &Window, shape: &[usize], parts: &[Vec<f32>]) -> (Window, Vec<usize>, Vec<f32>) {
    let (count, dilation) = (parts.len(), window.dilation[0]);
    let (height, width) = (shape[2], shape[3]);
    let reach = window.covers(0);
    let row = |plane: usize, y: usize| {
        parts.iter().flat_map(move |part| {
            let first = (plane * height + y / dilation) * width;
            (first..first + width).map(move |i| if y.is_multiple_of(dilation) { part[i] } else { 0.0 })
        })
    };
    let data = (0..shape[0] * shape[1]).flat_map(|plane| (0..reach).flat_map(move |y| row(plane, y)));
    let data = data.collect();
    let [top, left, bottom, right] = window.pads;
    let window = Window {
        kernel: [reach * count, window.kernel[1]],
        stride: [window.stride[0] * count, window.stride[1]],
        dilation: [1, window.dilation[1]],
        pads: [top * count, left, bottom * count, right],
    };
    (window, vec![shape[0], shape[1], reach * count, width], data)
}
