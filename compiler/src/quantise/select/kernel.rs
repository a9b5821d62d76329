//! What starts an operation of the machine: a reduction, with where its inputs and its result lie.

use super::phases::Phase;
use super::strided::{HomeView, StridedDim, StridedLayout, natural};
use crate::graph::{Graph, Node, Op, ValueId, Window};

/// A reduction with its parameters still real. The views of a fused operation's inputs and outputs name homes
/// as their tensors; the home that a fused operation writes is [`HomeId::Output`].
#[derive(Clone, PartialEq, Debug)]
pub enum Kernel {
    /// Convolution, product or scaling: weights as [`crate::fixed::Reduction::Conv`] orders them.
    Linear {
        window: Window,
        weights: Vec<f32>,
        /// One a channel.
        bias: Vec<f64>,
        groups: usize,
    },
    /// Convolutions that each write a part of the grid.
    Phases {
        phases: Vec<Phase>,
        /// One a channel.
        bias: Vec<f64>,
        groups: usize,
    },
    /// Products of two activations, times a factor: for each the gathered view, the weights and the
    /// first channel written. Its grid is channels of one product x rows x columns.
    Product { batches: Vec<(HomeView, HomeView, usize)>, factor: f64 },
    /// Mean over a window, times a factor; over one pixel it is a copy.
    Mean { window: Window, count_include_pad: bool, factor: f64 },
    /// Maximum over a window.
    Max { window: Window },
    /// Copies of the inputs, one to each of these parts of the output.
    Copies { to: Vec<HomeView> },
}

impl Kernel {
    /// Channels, rows and columns of the result for an input of shape `from`; for convolutions and
    /// pools only.
    pub fn grid(&self, from: [usize; 3]) -> [usize; 3] {
        let (channels, window) = match self {
            Kernel::Linear { window, bias, .. } => (bias.len(), window),
            Kernel::Mean { window, .. } | Kernel::Max { window } => (from[0], window),
            _ => unreachable!("other kinds come with their grid"),
        };
        [channels, window.places(0, from[1]), window.places(1, from[2])]
    }
}

/// An operation that starts at a node.
#[derive(Clone, PartialEq, Debug)]
pub struct SelectedOp {
    pub kernel: Kernel,
    /// What it reduces: one view, those of a product's batches, or all that are copied.
    pub inputs: Vec<HomeView>,
    /// Channels, rows, columns before DepthToSpace; of all batches of a product.
    pub grid: [usize; 3],
    /// Shape of the home that the grid is written to, before DepthToSpace.
    pub shape: [usize; 3],
    /// The grid as a view of that home.
    pub to: HomeView,
    /// Where in that home the result's elements lie.
    pub out: StridedLayout,
    /// Whether the node itself is still to be absorbed into the copy that `kernel` is, which then
    /// reads this value.
    pub absorb: Option<ValueId>,
}

/// What a node is to the machine.
#[derive(Clone, PartialEq, Debug)]
pub enum Selection {
    /// The same bytes in the same tensor.
    View(StridedLayout),
    /// The start of an operation.
    Op(Box<SelectedOp>),
}

/// Why the machine does not run a node, and what to try, if anything helps.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    pub why: String,
    pub hint: Option<&'static str>,
    /// Whether it is because of how its operands lie in memory, so that copies of them may do.
    pub layout: bool,
}

impl Refusal {
    /// An operand does not lie as the machine reads it.
    pub fn uneven(why: impl Into<String>) -> Refusal {
        let hint = Some("fewer Reshapes and Transposes in front of it");
        Refusal { why: why.into(), hint, layout: true }
    }
}

pub fn refuse<T>(why: impl Into<String>, hint: impl Into<Option<&'static str>>) -> Result<T, Refusal> {
    Err(Refusal { why: why.into(), hint: hint.into(), layout: false })
}

/// A copy, one pixel to one pixel.
pub const COPY: Kernel = Kernel::Mean { window: Window::UNIT, count_include_pad: true, factor: 1.0 };

/// The block size where a Reshape makes a column of channels into square maps.
pub fn unfolds(graph: &Graph, node: &Node, own: &StridedLayout) -> Option<usize> {
    let [_, h, w] = natural(graph.shape(node.outputs[0]));
    let column = matches!(own.dims[..], [StridedDim { axis: 0, step: 1, .. }]) && own.origin == [0; 3];
    (matches!(node.op, Op::Reshape) && column && h == w && h > 1).then_some(h)
}
