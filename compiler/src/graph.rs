//! The Relay-like graph every importer produces and every later stage starts from.
//!
//! A graph is a list of nodes in topological order. A node reads values and makes one or more new
//! ones; a value is a tensor of static shape. Values print as `%3`, nodes keep the name they had in
//! the source model. Tensors are NCHW where they are images; other ranks are as in the source.
//!
//! # Invariants (checked by [`Graph::verify`])
//! * every input of a node is made by an earlier node, is a graph input or is a constant;
//! * a value is made exactly once and its `shape` is what the operator's rule gives;
//! * no dimension is zero and no value holds more than [`MAX_ELEMENTS`] elements;
//! * constants hold as many elements as their shape says, all finite;
//! * only inputs have an integer type: what a network takes as bytes it is given as bytes.

mod build;
mod infer;
mod integer;
mod kinds;
mod op;
pub mod part;
mod text;
mod verify;
mod window;

#[cfg(any(test, feature = "random"))]
pub mod random;

use crate::described::Described;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use window::Window;

pub(crate) use infer::broadcast;
pub use infer::{elements, infer};
pub use integer::Integer;
pub use kinds::{
    BinaryKind, Cell, CoordinateRounding, Coordinates, Direction, Interpolation, PadMode, ReduceKind,
    UnaryKind,
};
pub(crate) use text::operator_from_text;

/// Most elements a value may hold: 1 GB as float32. Far above what the machine's users bring, and
/// low enough that no product of extents in the compiler overflows.
pub const MAX_ELEMENTS: usize = 1 << 28;

/// Names a value of a [`Graph`]; prints as `%3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ValueId(pub u32);

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Source {
    /// Input number `n` of the graph.
    Input(usize),
    /// A constant tensor, row-major float32.
    Constant(Vec<f32>),
    /// Output number `output` of node number `node`.
    Node {
        /// Index into [`Graph::nodes`].
        node: usize,
        /// Which of the node's outputs.
        output: usize,
    },
}

/// A tensor of static shape.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Value {
    /// The tensor's name in the source model (may be empty).
    pub name: String,
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// What makes it.
    pub source: Source,
    /// The element type that the source model gives a graph input; `None` is float32, and stands at
    /// everything that is no input.
    pub integer: Option<Integer>,
}

/// How DepthToSpace numbers the input channels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DepthToSpaceMode {
    /// Depth, column, row: channel = (by * r + bx) * C + c.
    Dcr,
    /// Column, row, depth: channel = c * r * r + by * r + bx.
    Crd,
}

/// A change of resolution.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Resize {
    /// Extents of the result.
    pub sizes: Vec<usize>,
    /// Output elements per input element along each axis, as the model states them: where it gives
    /// sizes, their ratio.
    pub scales: Vec<f32>,
    /// Which input elements make an output element.
    pub interpolation: Interpolation,
    /// Where in the input an output element lies.
    pub coordinates: Coordinates,
}

/// A recurrent layer over steps S, for a batch B and D directions of H hidden elements.
///
/// Inputs: x (S,B,I), weights (D,G*H,I), recurrent weights (D,G*H,H), both biases (D,2*G*H), first
/// hidden state (D,B,H); an LSTM has its first cell state (D,B,H) and maybe peepholes (D,3*H) too.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recurrent {
    /// The cell, with G gates.
    pub cell: Cell,
    /// The order of the steps.
    pub direction: Direction,
    /// H.
    pub hidden: usize,
    /// The result is the last cell state (D,B,H) of an LSTM instead of all hidden states (S,D,B,H).
    pub cell_state: bool,
}

/// An operator with its attributes. Reference semantics: ONNX opset 22 on float32.
// Artefacts number the variants: where one goes, the last takes its place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Op {
    /// Inputs: x (N,C,H,W), w (O,C/groups,KH,KW), optional bias (O).
    Conv {
        /// Window and padding.
        window: Window,
        /// Number of groups; C means depthwise.
        groups: usize,
    },
    /// Inputs: x, scale, bias, mean, variance (all (C)); inference form.
    BatchNormalization {
        /// Added to the variance.
        epsilon: f32,
    },
    /// max(x, 0).
    Relu,
    /// Clamp to [min, max].
    Clip {
        /// Lower bound, may be minus infinity.
        min: f32,
        /// Upper bound, may be infinity.
        max: f32,
    },
    /// x < 0 ? alpha * x : x.
    LeakyRelu {
        /// Slope of the negative side.
        alpha: f32,
    },
    /// Inputs: x, slope (broadcast to x as ONNX does).
    PRelu,
    /// Maximum over a window; padding never wins.
    MaxPool {
        /// Window and padding (`ceil_mode` is turned into padding by the importer).
        window: Window,
    },
    /// Mean over a window.
    AveragePool {
        /// Window and padding; dilation is 1.
        window: Window,
        /// Whether padding counts in the divisor.
        count_include_pad: bool,
    },
    /// Mean over all spatial extents, which stay as 1.
    GlobalAveragePool,
    /// Inputs: a, b with numpy broadcasting.
    Add,
    /// Joins along an axis.
    Concat {
        /// Axis, non-negative.
        axis: usize,
    },
    /// Inputs: a (M,K) or (K,M), b (K,N) or (N,K), optional c: alpha*a*b + beta*c.
    Gemm {
        /// Scales the product.
        alpha: f32,
        /// Scales the addend.
        beta: f32,
        /// a is stored transposed.
        trans_a: bool,
        /// b is stored transposed.
        trans_b: bool,
    },
    /// Inputs: a, b; numpy matmul.
    MatMul,
    /// Collapses to two dimensions at an axis.
    Flatten {
        /// First axis of the second dimension.
        axis: usize,
    },
    /// Same elements, new shape (the value's shape).
    Reshape,
    /// Permutes axes.
    Transpose {
        /// Output axis i is input axis `perm[i]`.
        perm: Vec<usize>,
    },
    /// Moves channel blocks into space.
    DepthToSpace {
        /// Factor r in both directions.
        block: usize,
        /// Channel numbering.
        mode: DepthToSpaceMode,
    },
    /// Softmax along one axis.
    Softmax {
        /// Axis, non-negative.
        axis: usize,
    },
    /// Logarithm of the softmax along one axis.
    LogSoftmax {
        /// Axis, non-negative.
        axis: usize,
    },
    /// An elementwise function.
    Unary {
        /// Which.
        kind: UnaryKind,
    },
    /// Inputs: a, b with numpy broadcasting.
    Binary {
        /// Which function of a and b.
        kind: BinaryKind,
    },
    /// Inputs: condition, x, y with numpy broadcasting: x where the condition is not 0, else y.
    Where,
    /// The largest or smallest elements along an axis, in their order, the first of equals first.
    TopK {
        /// Axis, non-negative.
        axis: usize,
        /// How many.
        count: usize,
        /// The largest, else the smallest.
        largest: bool,
        /// Their indices along the axis instead of themselves.
        indices: bool,
    },
    /// An operator that is kept as ONNX defines it.
    Described(Described),
    /// Combines the elements along some axes.
    Reduce {
        /// How.
        kind: ReduceKind,
        /// Axes, ascending; none leaves each element to itself.
        axes: Vec<usize>,
        /// The axes stay, with extent 1.
        keepdims: bool,
    },
    /// Inputs: x, w (C,O/groups,KH,KW), optional bias (O): the gradient of a Conv.
    ConvTranspose {
        /// Window; the padding is cut off the result.
        window: Window,
        /// Number of groups.
        groups: usize,
        /// Rows and columns added below and on the right.
        output_padding: [usize; 2],
    },
    /// Adds elements around a tensor.
    Pad {
        /// Elements added before each axis.
        before: Vec<usize>,
        /// Elements added after each axis.
        after: Vec<usize>,
        /// What they are.
        mode: PadMode,
    },
    /// Takes every n-th element of a range along each axis.
    Slice {
        /// First element of each axis.
        starts: Vec<usize>,
        /// Distance of the elements, negative for backwards.
        steps: Vec<i64>,
        /// Number of elements: the result's shape.
        extents: Vec<usize>,
    },
    /// Picks elements along an axis.
    Gather {
        /// Axis, non-negative.
        axis: usize,
        /// Which elements, row-major.
        indices: Vec<usize>,
        /// Extents of the indices, which take the place of the axis.
        shape: Vec<usize>,
    },
    /// Broadcasts to a shape.
    Expand {
        /// The result's shape.
        shape: Vec<usize>,
    },
    /// Changes the resolution.
    Resize(Resize),
    /// Moves blocks of space into channels: channel = (by * r + bx) * C + c.
    SpaceToDepth {
        /// Factor r in both directions.
        block: usize,
    },
    /// Inputs: x, scale, bias, both of the shape that x has from the axis on.
    LayerNormalization {
        /// First normalised axis.
        axis: usize,
        /// Added to the variance.
        epsilon: f32,
    },
    /// Inputs: x, scale (C), bias (C); each channel of each image has its own mean and variance.
    InstanceNormalization {
        /// Added to the variance.
        epsilon: f32,
    },
    /// A recurrent layer.
    Recurrent(Recurrent),
    /// Inputs: x, scale, zero point. Whole numbers: x / scale to the nearest, halves to even, plus the
    /// zero point, saturated to the type.
    QuantizeLinear {
        /// The result's type.
        integer: Integer,
        /// Axis along which scale and zero point vary (their shape is its extent); one of each if none.
        axis: Option<usize>,
    },
    /// Inputs: x (whole numbers of the type), scale, zero point: (x - zero point) * scale.
    DequantizeLinear {
        /// The type of x.
        integer: Integer,
        /// As in `QuantizeLinear`.
        axis: Option<usize>,
    },
    /// Inputs: x, and along `axis` the indices of its elements to take; in each other axis the places of x are those
    /// of the indices, which may be fewer. An index counts from the end where it is negative; one that is no whole
    /// number names the nearest, one outside of x no number.
    GatherElements {
        /// Axis, non-negative.
        axis: usize,
    },
}

/// An operator applied to values.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Name in the source model; made from the operator and its number where the source has none.
    pub name: String,
    /// The operator.
    pub op: Op,
    /// Operands in the operator's order.
    pub inputs: Vec<ValueId>,
    /// Results, usually one.
    pub outputs: Vec<ValueId>,
}

/// A network.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Graph {
    /// Where it came from, for messages (a path or a model name).
    pub name: String,
    /// All tensors, indexed by [`ValueId`].
    pub values: Vec<Value>,
    /// All operators, in topological order.
    pub nodes: Vec<Node>,
    /// Graph inputs in order.
    pub inputs: Vec<ValueId>,
    /// Graph outputs in order.
    pub outputs: Vec<ValueId>,
}

impl DepthToSpaceMode {
    /// How far apart input channels are whose elements are neighbours along channels, rows and columns of the result,
    /// which has `depth` channels: in blocks of `block` x `block`.
    pub fn channel_steps(self, block: usize, depth: usize) -> [usize; 3] {
        match self {
            DepthToSpaceMode::Dcr => [1, block * depth, depth],
            DepthToSpaceMode::Crd => [block * block, block, 1],
        }
    }
}
