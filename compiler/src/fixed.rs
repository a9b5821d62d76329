//! The quantised network: integer tensors and operations that each become one tile operation.
//!
//! What must be said to compute every output bit is here; how it is tiled and where it lies is not.
//! Tensors are C x H x W of 8-bit affine values. The arithmetic of a node is [`tilewright_arch::fixed`]'s.
//!
//! # Invariants
//! * nodes are in topological order; every tensor is a graph input, a constant, or written completely,
//!   each element once, by the nodes that name it as output;
//! * no accumulator can leave 32 bits (the quantiser proves it for every node);
//! * weights are never -128.
//!
//! [`FixedGraph::verify`] checks all of it but the proof about accumulators, which the quantiser
//! makes with [`FixedGraph::accumulator_bound`].

mod bound;
mod text;
mod verify;
mod view;

#[cfg(test)]
mod tests;

use crate::graph::{DepthToSpaceMode, Window};
use std::fmt;
use tilewright_arch::fixed::{Channel, OperandScale, Post};

pub use view::View;

/// Names a tensor of a [`FixedGraph`]; prints as `t7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TensorId(pub u32);

impl fmt::Display for TensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// An 8-bit affine tensor: `real = scale * (q - zero)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Tensor {
    /// Name of the value in the source model.
    pub name: String,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero.
    pub zero: i8,
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How a node reduces its input.
#[derive(Clone, PartialEq, Debug)]
pub enum Reduction {
    /// Multiply-accumulate. `weights[((o * ic) + i) * kh * kw + ky * kw + kx]` with `ic` input
    /// channels of a group; output channel o belongs to group `o / (oc / groups)`. Outside the
    /// input reads the input's zero point.
    Conv {
        /// Weights, in -127..=127.
        weights: Vec<i8>,
        /// Groups.
        groups: usize,
    },
    /// Product with another tensor, pixel by pixel: the sum over input channels i of
    /// (input\[i\]\[y\]\[x\] - zero point of the input) * weights\[i\]\[0\]\[o\]. The window is 1 x 1.
    Product {
        /// Input channels x 1 x output channels, of zero point 0.
        weights: View,
    },
    /// Sum of the window, channel by channel (average pools, sums, copies). Outside the input reads
    /// the input's zero point.
    Sum,
    /// Maximum of the window, channel by channel. Outside the input reads -128.
    Max,
}

/// Which part of its grid a node computes, and how the grid lies in its output.
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    /// Output rows and columns computed: y0, x0, height, width, in the node's own grid (before
    /// DepthToSpace). Border regions of average pools differ in their divisor.
    pub region: [usize; 4],
    /// DepthToSpace factor (1: none) and numbering, applied while writing.
    pub depth_to_space: (usize, DepthToSpaceMode),
}

impl Place {
    /// Where in the node's output view the result of its channel `c` at row `y`, column `x` of its
    /// grid goes; `channels` is how many the node has.
    pub fn target(&self, channels: usize, c: usize, y: usize, x: usize) -> [usize; 3] {
        let (r, mode) = self.depth_to_space;
        let depth = channels / (r * r);
        let (plane, block) = match mode {
            DepthToSpaceMode::Dcr => (c % depth, c / depth),
            DepthToSpaceMode::Crd => (c / (r * r), c % (r * r)),
        };
        [plane, y * r + block / r, x * r + block % r]
    }
}

/// The second operand of a node's post unit.
#[derive(Clone, PartialEq, Debug)]
pub struct Operand {
    /// A tensor's part of exactly the node's grid (before DepthToSpace).
    pub view: View,
    /// How it enters the result.
    pub scale: OperandScale,
}

/// One tile operation in the making.
#[derive(Clone, PartialEq, Debug)]
pub struct FixedNode {
    /// Name of the source model's node (the first of those fused).
    pub name: String,
    /// Operators it came from, as `conv2d+relu`.
    pub operator: String,
    /// What is gathered.
    pub input: View,
    /// Kernel, strides, dilations and pads over the input view; pads are of the whole output, not of
    /// the region.
    pub window: Window,
    /// What is done over the window.
    pub reduction: Reduction,
    /// Requantisation: one per output channel, or a single one for all.
    pub channels: Vec<Channel>,
    /// Second operand.
    pub operand: Option<Operand>,
    /// Zero point and clamps.
    pub post: Post,
    /// Activation table, indexed by the clamped value plus 128.
    pub table: Option<Box<[i8; 256]>>,
    /// What is written: the grid after DepthToSpace.
    pub output: View,
    /// What is computed, and in which order of channels it is written.
    pub place: Place,
}

impl FixedNode {
    /// What the node reads: its input, then weights and operand where they are tensors.
    pub fn reads(&self) -> impl Iterator<Item = &View> {
        let weights = match &self.reduction {
            Reduction::Product { weights } => Some(weights),
            _ => None,
        };
        std::iter::once(&self.input).chain(weights).chain(self.operand.as_ref().map(|o| &o.view))
    }
}

/// A quantised network.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FixedGraph {
    /// Where it came from, for messages.
    pub name: String,
    /// All tensors, indexed by [`TensorId`].
    pub tensors: Vec<Tensor>,
    /// All operations.
    pub nodes: Vec<FixedNode>,
    /// Tensors that never change, with their elements; no node writes them.
    pub constants: Vec<(TensorId, Vec<i8>)>,
    /// Tensors filled from outside, with a shape of as many elements.
    pub inputs: Vec<(TensorId, Vec<usize>)>,
    /// Tensors that are wanted outside, with a shape of as many elements.
    pub outputs: Vec<(TensorId, Vec<usize>)>,
    /// Outputs made in pieces: for each output further tensors, in order, whose elements follow its
    /// own. The quantiser makes none.
    pub pieces: Vec<(TensorId, TensorId)>,
}

impl FixedGraph {
    /// The tensor of an id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0 as usize]
    }

    /// Output channels, rows and columns of a node's whole grid, before DepthToSpace and whatever
    /// the region.
    pub fn grid(&self, node: &FixedNode) -> [usize; 3] {
        let [channels, height, width] = node.input.shape;
        let w = &node.window;
        let extent = |size: usize, axis: usize| {
            let reach = w.dilation[axis] * (w.kernel[axis] - 1) + 1;
            (size + w.pads[axis] + w.pads[axis + 2] - reach) / w.stride[axis] + 1
        };
        let out = match &node.reduction {
            Reduction::Conv { weights, groups } => {
                weights.len() / (channels / groups * w.kernel[0] * w.kernel[1])
            }
            Reduction::Product { weights } => weights.shape[2],
            Reduction::Sum | Reduction::Max => channels,
        };
        [out, extent(height, 0), extent(width, 1)]
    }

    /// Elements of an output with its pieces.
    pub fn output_elements(&self, id: TensorId) -> usize {
        let pieces = self.pieces.iter().filter(|(of, _)| *of == id);
        self.tensor(id).elements() + pieces.map(|(_, piece)| self.tensor(*piece).elements()).sum::<usize>()
    }

    /// The requantisation of a node's output channel `c`.
    pub fn channel<'a>(&self, node: &'a FixedNode, c: usize) -> &'a Channel {
        match &node.channels[..] {
            [one] => one,
            many => &many[c],
        }
    }

    /// Multiply-accumulates of a node by the network's definition; zero for pools and sums.
    pub fn macs(&self, node: &FixedNode) -> u64 {
        let [_, _, h, w] = node.place.region;
        match &node.reduction {
            Reduction::Conv { weights, .. } => (weights.len() * h * w) as u64,
            Reduction::Product { weights } => (weights.shape[0] * weights.shape[2] * h * w) as u64,
            Reduction::Sum | Reduction::Max => 0,
        }
    }
}
