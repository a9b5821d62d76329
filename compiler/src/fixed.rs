//! The quantised network: integer tensors and operations that each become one tile operation.
//!
//! What must be said to compute every output bit is here; how it is tiled and where it lies is not.
//! Tensors are C x H x W of bytes: 8-bit affine values, or the two halves of 16-bit ones in planes that
//! take turns. The arithmetic of a node is [`tilewright_arch::fixed`]'s.
//!
//! # Wide values
//! A [wide](Tensor::wide) tensor of C channels has 2 * C planes of bytes, high and low half of each
//! channel in turn. Views count planes. What makes a wide tensor are two nodes, one for the high
//! halves and one for the low ones, alike but for [`Channel::half`] and the planes that they write.
//! What gathers one is a node that is [wide](FixedNode::wide): its input is a view of the high
//! halves, and the low half of each lies a plane further.
//!
//! # Invariants
//! * nodes are in topological order; every tensor is a graph input, a constant, or written completely,
//!   each element once, by the nodes that name it as output; only of tensors that are worked on in
//!   [bands](Band) there may be no more than is read;
//! * no accumulator can leave 32 bits (the quantiser proves it for every node);
//! * weights are never -128.
//!
//! [`FixedGraph::verify`] checks all of it but the proof about accumulators, which the quantiser
//! makes with [`FixedGraph::accumulator_bound`].

mod band;
mod bound;
pub mod passes;
mod text;
mod verify;
mod view;

#[cfg(test)]
mod tests;

use crate::graph::{DepthToSpaceMode, Window};
use serde::{Deserialize, Serialize};
use std::fmt;
use tilewright_arch::fixed::{Channel, Half, OperandScale, Post, extend};

pub use band::Band;
pub use view::View;

/// Names a tensor of a [`FixedGraph`]; prints as `t7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TensorId(pub u32);

impl TensorId {
    /// The name of the tensor at `index`.
    ///
    /// # Panics
    /// From 2^32 tensors on, which no memory holds.
    pub fn nth(index: usize) -> TensorId {
        TensorId(u32::try_from(index).expect("memory ends before 2^32 tensors do"))
    }
}

impl fmt::Display for TensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// An affine tensor: `real = scale * (q - zero)` of 8 bits, `real = scale * (v - e(zero))` of 16, where
/// e is [`tilewright_arch::fixed::extend`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tensor {
    /// Name of the value in the source model.
    pub name: String,
    /// Planes, rows, columns of bytes; two planes for each channel where the values are wide.
    pub shape: [usize; 3],
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero, as itself or as both halves.
    pub zero: i8,
    /// Whether its values have 16 bits.
    pub wide: bool,
}

impl Tensor {
    /// A tensor of 8-bit values.
    pub fn bytes(name: impl Into<String>, shape: [usize; 3], scale: f32, zero: i8) -> Tensor {
        Tensor { name: name.into(), shape, scale, zero, wide: false }
    }

    /// The same values in 16 bits: twice the planes, the rest as it is.
    pub fn widened(self) -> Tensor {
        let [channels, rows, columns] = self.shape;
        Tensor { shape: [2 * channels, rows, columns], wide: true, ..self }
    }

    /// Number of bytes.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Channels, rows, columns of the values.
    pub fn extents(&self) -> [usize; 3] {
        [self.shape[0] / self.planes(), self.shape[1], self.shape[2]]
    }

    /// Planes of a channel.
    pub fn planes(&self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    /// The smallest and the largest number that it can hold.
    pub fn range(&self) -> (f64, f64) {
        let zero = i32::from(extended(self.zero, self.wide));
        let number = |byte| f64::from(i32::from(extended(byte, self.wide)) - zero) * f64::from(self.scale);
        (number(i8::MIN), number(i8::MAX))
    }

    /// What a sum over it counts a zero as: the byte, or `256 * zero + zero`.
    pub fn zero_term(&self) -> i32 {
        gathered(self.zero, self.wide)
    }
}

/// The number that a byte says in a tensor of 8 bits, or as both halves in one of 16.
fn extended(byte: i8, wide: bool) -> i16 {
    if wide { extend(byte) } else { i16::from(byte) }
}

/// What a sum counts a byte as that stands for both halves of what is gathered.
fn gathered(byte: i8, wide: bool) -> i32 {
    i32::from(byte) * if wide { 257 } else { 1 }
}

/// How a node reduces its input.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
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
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// Output rows and columns computed: y0, x0, height, width, in the node's own grid (before
    /// DepthToSpace). Border regions of average pools differ in their divisor.
    pub region: [usize; 4],
    /// DepthToSpace factor (1: none) and numbering, applied while writing.
    pub depth_to_space: (usize, DepthToSpaceMode),
}

impl Placement {
    /// A region of a grid whose channels stay channels.
    pub const fn plain(region: [usize; 4]) -> Placement {
        Placement { region, depth_to_space: (1, DepthToSpaceMode::Crd) }
    }

    /// Where in the node's output view the result of its channel `c` at row `y`, column `x` of its
    /// grid goes; `channels` is how many the node has.
    pub fn target(&self, channels: usize, c: usize, y: usize, x: usize) -> [usize; 3] {
        let (r, mode) = self.depth_to_space;
        let depth = channels / (r * r);
        let [plane, by, bx] = mode.channel_steps(r, depth);
        [c / plane % depth, y * r + c / by % r, x * r + c / bx % r]
    }
}

/// The second operand of a node's post unit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Operand {
    /// A tensor's part of exactly the node's grid (before DepthToSpace).
    pub view: View,
    /// How it enters the result.
    pub scale: OperandScale,
}

/// One tile operation in the making.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FixedNode {
    /// Name of the source model's node (the first of those fused).
    pub name: String,
    /// Operators it came from, as `conv2d+relu`.
    pub operator: String,
    /// What is gathered; the high halves of it where the node is wide.
    pub input: View,
    /// Whether it gathers 16-bit values: `256 * high + low` of each, for convolutions and sums only.
    pub wide: bool,
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
    #[serde(with = "entries")]
    pub table: Option<Box<[i8; 256]>>,
    /// What is written: the grid after DepthToSpace.
    pub output: View,
    /// What is computed, and in which order of channels it is written.
    pub place: Placement,
}

/// Tables as lists: serde knows no arrays of 256.
mod entries {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Table = Option<Box<[i8; 256]>>;

    pub fn serialize<S: Serializer>(table: &Table, to: S) -> Result<S::Ok, S::Error> {
        table.as_ref().map(|table| &table[..]).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Table, D::Error> {
        let list: Option<Vec<i8>> = Option::deserialize(from)?;
        let whole = |list: Vec<i8>| {
            <Box<[i8; 256]>>::try_from(list.into_boxed_slice())
                .map_err(|list| D::Error::invalid_length(list.len(), &"256 entries"))
        };
        list.map(whole).transpose()
    }
}

impl FixedNode {
    /// The view of the low halves where the node is wide.
    pub fn low_halves(&self) -> Option<View> {
        self.wide.then(|| self.input.low_halves())
    }

    /// Whether it makes the high and the low half of one plane of values, as two channels.
    pub fn makes_both_halves(&self) -> bool {
        self.channels.iter().map(|c| c.half).eq([Half::High, Half::Low])
    }

    /// The byte of its results that the node makes, the same for all channels unless it
    /// [makes both](FixedNode::makes_both_halves).
    pub fn half(&self) -> Half {
        self.channels.first().map_or(Half::None, |c| c.half)
    }

    /// Tensors that it reads: the gathered one, then weights and operand where they are tensors.
    pub fn tensors_read(&self) -> impl Iterator<Item = TensorId> {
        self.reads().map(|view| view.tensor)
    }

    /// What the node reads: its input (the high halves), then weights and operand where they are
    /// tensors.
    pub fn reads(&self) -> impl Iterator<Item = &View> {
        let weights = match &self.reduction {
            Reduction::Product { weights } => Some(weights),
            _ => None,
        };
        std::iter::once(&self.input).chain(weights).chain(self.operand.as_ref().map(|o| &o.view))
    }
}

/// A quantised network.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
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
    /// Tensors that are columns of others. The quantiser makes none; planning does.
    #[serde(skip)]
    pub bands: Vec<Band>,
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
        let out = match &node.reduction {
            Reduction::Conv { weights, groups } => {
                weights.len() / (channels / groups * w.kernel[0] * w.kernel[1])
            }
            Reduction::Product { weights } => weights.shape[2],
            Reduction::Sum | Reduction::Max => channels,
        };
        [out, w.places(0, height), w.places(1, width)]
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

    /// Multiply-accumulates of a node by the network's definition; zero for pools and sums, and for
    /// low halves, whose high halves count already.
    pub fn macs(&self, node: &FixedNode) -> u64 {
        let [_, _, h, w] = node.place.region;
        match &node.reduction {
            _ if node.half() == Half::Low => 0,
            Reduction::Conv { weights, .. } => (weights.len() * h * w) as u64,
            Reduction::Product { weights } => (weights.shape[0] * weights.shape[2] * h * w) as u64,
            Reduction::Sum | Reduction::Max => 0,
        }
    }
}
