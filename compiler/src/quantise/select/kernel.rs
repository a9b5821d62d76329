//! What the machine makes of each operator on its own; fusion comes after.

use super::moves;
use super::parameters::{batch_normalization, conv, parameters};
use super::phases::{self, Phase};
use super::product;
use super::strided::{HomeId, HomeView, StridedDim, StridedLayout, natural};
use crate::graph::{BinaryKind, Graph, Node, Op, PadMode, ReduceKind, ValueId, Window};
use tilewright_arch::encoding::tile::STEP0_COUNT;

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
    fn grid(&self, from: [usize; 3]) -> [usize; 3] {
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
    /// Whether the node itself is still to be absorbed into the copy that `kind` is, which then
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

/// What `node` is to the machine. `held` says where the values that the machine holds lie.
///
/// # Errors
/// The machine cannot run it.
pub fn select(
    graph: &Graph,
    node: &Node,
    held: &dyn Fn(ValueId) -> Option<StridedLayout>,
) -> Result<Selection, Refusal> {
    let data: Vec<ValueId> =
        node.inputs.iter().copied().filter(|&id| graph.constant_data(id).is_none()).collect();
    let Some(own) = data.first().and_then(|&id| held(id)) else {
        return refuse("its operands are all constants", "fold constants when exporting");
    };
    let call = Candidate { graph, node, x: node.inputs[0], own, out: graph.shape(node.outputs[0]) };
    let view = |held: Option<StridedLayout>| match held {
        Some(held) => Ok(Selection::View(held)),
        None => Err(Refusal::uneven("its elements do not lie evenly in memory")),
    };
    let shape = graph.shape(call.x);
    let x_first = data[0] == call.x;
    match &node.op {
        Op::Conv { window, groups } => call.image(conv(graph, node, window, *groups)?),
        Op::ConvTranspose { window, groups, .. } => call.transposed(window, *groups),
        Op::Resize(resize) => {
            let Some(phases) = phases::resized(graph, node, resize) else {
                return refuse("this change of resolution has too many phases", "a whole factor");
            };
            call.phases(phases, vec![0.0; shape[1]], shape[1])
        }
        Op::Gemm { .. } | Op::MatMul if data.len() == 1 => product::constant(&call),
        Op::Gemm { .. } | Op::MatMul => product::activations(&call, held),
        Op::BatchNormalization { epsilon } => call.image(batch_normalization(graph, node, *epsilon)?),
        Op::MaxPool { window } => call.image(Kernel::Max { window: window.clone() }),
        Op::AveragePool { window, count_include_pad } => call.image(Kernel::Mean {
            window: window.clone(),
            count_include_pad: *count_include_pad,
            factor: 1.0,
        }),
        Op::GlobalAveragePool if shape.len() == 4 => call.image(global(shape)),
        Op::Reduce { kind: ReduceKind::Mean, axes, .. } if *axes == [2, 3] && shape.len() == 4 => {
            call.image(global(shape))
        }
        Op::Unary { .. } => {
            call.elementwise(call.own.boxed(), call.x).map_or_else(|| call.pointwise(call.x), Ok)
        }
        Op::Relu | Op::Clip { .. } | Op::LeakyRelu { .. } => call.pointwise(call.x),
        Op::PRelu if x_first => call.pointwise(call.x),
        Op::DepthToSpace { .. } => call.image(COPY).map(|selection| absorbed(selection, call.x)),
        Op::Add | Op::Binary { .. } if data.len() == 1 => call.with_constant(data[0]),
        Op::Add | Op::Binary { kind: BinaryKind::Sub | BinaryKind::Mul } => call.two(&data, held),
        Op::Concat { axis } => moves::concat(&call, *axis, held),
        Op::Pad { before, after, mode: PadMode::Constant(0.0) } => moves::padded(&call, before, after),
        Op::Pad { before, after, mode: mode @ (PadMode::Reflect | PadMode::Edge) } => {
            moves::mirrored(&call, before, after, *mode)
        }
        Op::SpaceToDepth { block } => moves::space_to_depth(&call, *block),
        Op::Reshape if call.unfolds().is_some() => call.pointwise(call.x),
        Op::Flatten { .. } | Op::Reshape => Ok(Selection::View(call.own)),
        Op::Transpose { perm } => view(call.own.transposed(shape, perm)),
        Op::Slice { starts, steps, extents } => view(call.own.sliced(shape, starts, steps, extents)),
        Op::Expand { shape: to } if to.len() >= shape.len() && call.out == to => {
            view(call.own.broadcast(shape, to))
        }
        Op::Gather { axis, indices, .. } => match indices[..] {
            [first, ..] if indices.iter().enumerate().all(|(i, &n)| n == first + i) => {
                let mut starts = vec![0; shape.len()];
                let mut extents = shape.to_vec();
                (starts[*axis], extents[*axis]) = (first, indices.len());
                view(call.own.sliced(shape, &starts, &vec![1; shape.len()], &extents))
            }
            _ => refuse("it gathers elements that are not neighbours", "Slice or Split instead"),
        },
        Op::Softmax { .. } => refuse("the machine has no exponential", None),
        _ => refuse("the machine has no such operation", None),
    }
}

fn absorbed(selection: Selection, value: ValueId) -> Selection {
    match selection {
        Selection::Op(mut op) => {
            op.absorb = Some(value);
            Selection::Op(op)
        }
        view => view,
    }
}

/// A node and what is known of its first operand that is no constant.
pub struct Candidate<'a> {
    pub graph: &'a Graph,
    pub node: &'a Node,
    /// The first input.
    pub x: ValueId,
    /// Where the first input that is no constant lies.
    pub own: StridedLayout,
    /// Shape of the result.
    pub out: &'a [usize],
}

impl Candidate<'_> {
    /// The first input as a feature map: channels, rows, columns as the operator counts them.
    pub fn map(&self) -> Result<HomeView, Refusal> {
        let shape = self.graph.shape(self.x);
        let view = match (shape, self.own.axes(shape).as_deref()) {
            ([1, ..], Some([_, c, y, x])) => self.own.view([c, y, x]),
            _ => None,
        };
        match view {
            Some(view) => Ok(view),
            None if shape.first() != Some(&1) => {
                refuse(format!("its input has shape {shape:?}, a batch"), "export with batch size 1")
            }
            None => {
                Err(Refusal::uneven(format!("its input of shape {shape:?} does not lie in memory as a map")))
            }
        }
    }

    /// A convolution or pool of the first input as a feature map.
    fn image(&self, kernel: Kernel) -> Result<Selection, Refusal> {
        let view = self.map()?;
        if let Kernel::Mean { window, .. } | Kernel::Max { window } = &kernel {
            let most = 1 << STEP0_COUNT.width;
            if let Some(taps) = window.kernel.into_iter().find(|&taps| taps > most) {
                let why = format!("it reduces {taps} elements in a line, an instruction counts to {most}");
                return refuse(why, "smaller windows, one after another");
            }
        }
        let grid = kernel.grid(view.shape);
        Ok(self.start(kernel, vec![view], grid, StridedLayout::whole(HomeId::Output, grid)))
    }

    pub fn start(
        &self,
        kernel: Kernel,
        inputs: Vec<HomeView>,
        grid: [usize; 3],
        out: StridedLayout,
    ) -> Selection {
        let to = HomeView::whole(HomeId::Output, grid);
        Selection::Op(Box::new(SelectedOp { kernel, inputs, grid, shape: grid, to, out, absorb: None }))
    }

    /// An operation whose rows of pixels are written as one line.
    pub fn start_lines(
        &self,
        kernel: Kernel,
        inputs: Vec<HomeView>,
        grid: [usize; 3],
        out: StridedLayout,
    ) -> Selection {
        if grid[1] == 1 {
            return self.start(kernel, inputs, grid, out);
        }
        let shape = [grid[0], 1, grid[1] * grid[2]];
        let home = HomeView::whole(HomeId::Output, shape);
        let to = HomeView { axes: [0, 2, 2], step: [1, grid[2], 1], shape: grid, ..home };
        Selection::Op(Box::new(SelectedOp { kernel, inputs, grid, shape, to, out, absorb: None }))
    }

    /// A copy of an operand, which the node is then absorbed into.
    pub fn pointwise(&self, value: ValueId) -> Result<Selection, Refusal> {
        match self.own.boxed() {
            Some((view, inner)) => {
                let op = self.start(COPY, vec![view], view.shape, inner.in_home(HomeId::Output));
                Ok(absorbed(op, value))
            }
            None => Err(Refusal::uneven("its input is repeated in memory")),
        }
    }

    /// [`Candidate::pointwise`] of an operand in a box, where nothing differs from channel to channel: more
    /// channels than pixels are worked on as if they were pixels, many at a time.
    fn elementwise(&self, boxed: Option<(HomeView, StridedLayout)>, value: ValueId) -> Option<Selection> {
        let (mut view, mut inner) = boxed?;
        if view.shape[1] == 1 && view.shape[0] > view.shape[2] {
            let to = if view.shape[2] == 1 { 2 } else { 1 };
            view.axes.swap(0, to);
            view.step.swap(0, to);
            view.shape.swap(0, to);
            inner.dims.iter_mut().filter(|d| d.axis == 0).for_each(|d| d.axis = to);
        }
        let op = self.start(COPY, vec![view], view.shape, inner.in_home(HomeId::Output));
        Some(absorbed(op, value))
    }

    /// Sum, difference or product of two activations: the first that is not broadcast is gathered,
    /// the other one is the operand.
    fn two(
        &self,
        data: &[ValueId],
        held: &dyn Fn(ValueId) -> Option<StridedLayout>,
    ) -> Result<Selection, Refusal> {
        for &id in data {
            let whole = self.graph.shape(id).iter().product::<usize>() == self.out.iter().product::<usize>();
            let own = held(id).filter(|_| whole);
            if let Some(selection) = self.elementwise(own.and_then(|h| h.boxed()), id) {
                return Ok(selection);
            }
        }
        refuse("each of its operands is repeated along an axis of the other", "operands of the same shape")
    }

    /// The block size where a Reshape makes a column of channels into square maps: a DepthToSpace.
    fn unfolds(&self) -> Option<usize> {
        unfolds(self.graph, self.node, &self.own)
    }

    fn transposed(&self, window: &Window, groups: usize) -> Result<Selection, Refusal> {
        let (graph, node) = (self.graph, self.node);
        let (weights, bias) = parameters(graph, node, self.out[1])?;
        let shape = graph.shape(self.x);
        let per_group = graph.shape(node.inputs[1])[1];
        let (input, output) = ([shape[2], shape[3]], [self.out[2], self.out[3]]);
        match phases::transposed(window, weights, [shape[1], per_group], groups, input, output) {
            Some(phases) => self.phases(phases, bias, groups),
            None => refuse("a part of its result sees nothing but padding", "less padding"),
        }
    }

    fn phases(&self, phases: Vec<Phase>, bias: Vec<f64>, groups: usize) -> Result<Selection, Refusal> {
        let view = self.map()?;
        let grid = [self.out[1], self.out[2], self.out[3]];
        Ok(self.start(
            Kernel::Phases { phases, bias, groups },
            vec![view],
            grid,
            StridedLayout::whole(HomeId::Output, grid),
        ))
    }
}

/// The block size where a Reshape makes a column of channels into square maps.
pub fn unfolds(graph: &Graph, node: &Node, own: &StridedLayout) -> Option<usize> {
    let [_, h, w] = natural(graph.shape(node.outputs[0]));
    let column = matches!(own.dims[..], [StridedDim { axis: 0, step: 1, .. }]) && own.origin == [0; 3];
    (matches!(node.op, Op::Reshape) && column && h == w && h > 1).then_some(h)
}

fn global(shape: &[usize]) -> Kernel {
    let window = Window { kernel: [shape[2], shape[3]], ..Window::UNIT };
    Kernel::Mean { window, count_include_pad: true, factor: 1.0 }
}
