//! What a quantised network says of itself: which operators of the source each operation stands for,
//! and where in its tensors their values lie.
//!
//! The quantiser makes these claims while it works; [`crate::proof`] believes none of them. They are
//! plain data: no claim says how a number was computed, each says what can be held against the source.

use crate::fixed::{TensorId, View};
use crate::graph::{Graph, ValueId, Window};
use serde::{Deserialize, Serialize};

/// The claims about a [`crate::network::Network`].
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    /// What was quantised: the simplified graph, perhaps with channels equalised, without the
    /// QuantizeLinear and DequantizeLinear of a model that came quantised.
    pub graph: Graph,
    /// One for each operation of the machine, in an order in which they can run.
    pub operations: Vec<Operation>,
    /// Values that the host quantises for the machine, and where they lie.
    pub imports: Vec<Location>,
    /// Nodes of the graph that the host runs.
    pub host: Vec<usize>,
    /// How many of the first calibration samples the corrections of biases were estimated on.
    pub corrected: usize,
    /// Values that the model rounds to a prescribed scale and zero point wherever they are made.
    pub prescribed: Vec<(ValueId, f32, i8)>,
    /// Values that are those of a model which came quantised, as its QuantizeLinear or DequantizeLinear rounds
    /// them, and the name that the model has for them.
    pub rounded: Vec<(ValueId, String)>,
}

/// A value in a tensor: element i, row-major, lies at place i of the offset and the strides.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Location {
    /// The value.
    pub value: ValueId,
    /// The network's tensor.
    pub tensor: TensorId,
    /// Offset of its first element in the tensor of values (16-bit values count once).
    pub offset: usize,
    /// Extents and distances, outermost first, of the others.
    pub strides: Vec<(usize, usize)>,
}

/// Operators of the source that became one operation of the machine, of one instruction or several.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Nodes of the graph, by index, in order; none for a copy of a value.
    pub nodes: Vec<usize>,
    /// The result.
    pub output: Location,
    /// What weights and biases make, before slopes, operands and functions.
    pub linear: Linear,
    /// The value that goes into the table, and scale and zero point of the table's index.
    pub table: Option<(ValueId, f32, i8)>,
    /// Its nodes in the network's stages.
    pub parts: Vec<StageNode>,
    /// Elements of a constant that became a tensor, in the order of the sum's grid: as the source has
    /// them and the factor with which they enter.
    pub constant: Option<ConstantOperand>,
}

/// Where the sums of weights and biases stand in the source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Linear {
    /// A value of the source.
    pub value: ValueId,
    /// The sums are this times the value: 1, or what operators behind it multiply by.
    pub factor: f64,
    /// Channels, rows, columns of the grid in which the sums lie.
    pub shape: [usize; 3],
    /// Place of the value's first element in the grid.
    pub offset: usize,
    /// Extents and distances of the others.
    pub strides: Vec<(usize, usize)>,
}

/// A constant second operand of a sum.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ConstantOperand {
    /// The network's tensor that holds it, whole.
    pub tensor: TensorId,
    /// What it should hold, in the tensor's order.
    pub elements: Vec<f64>,
    /// It is added times this.
    pub factor: f64,
}

/// One node of a machine's stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StageNode {
    /// Index into [`crate::network::Network::stages`].
    pub stage: usize,
    /// Index into [`crate::fixed::FixedGraph::nodes`].
    pub node: usize,
    /// What was rounded to make its weights; none where it has none.
    pub rounded: Option<RealWeights>,
}

/// Weights and biases before they became integers, ordered as
/// [`crate::fixed::Reduction::Conv`] says.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RealWeights {
    /// What is multiplied, as a view of the network's tensor of values.
    pub from: View,
    /// Where in the grid the sums lie, which is no tensor.
    pub to: View<()>,
    /// The window over what is multiplied.
    pub window: Window,
    /// Groups of channels.
    pub groups: usize,
    /// Real weights.
    pub weights: Vec<f32>,
    /// Real value of a weight of 1, one for each output channel.
    pub scales: Vec<f64>,
    /// Real bias of each output channel.
    pub bias: Vec<f64>,
    /// Units of the sum that were taken off each bias to correct the mean; empty where none were.
    pub corrections: Vec<i32>,
}
