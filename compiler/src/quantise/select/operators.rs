//! What the machine makes of each operator on its own; fusion comes after.

use super::candidate::{Candidate, absorbed};
use super::kernel::{COPY, Kernel, Refusal, Selection, refuse, unfolds};
use super::moves;
use super::parameters::{batch_normalization, conv, parameters};
use super::phases::{self, Phase};
use super::product;
use super::strided::{HomeId, StridedLayout};
use crate::graph::{BinaryKind, Graph, Node, Op, PadMode, ReduceKind, ValueId, Window};

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

impl Candidate<'_> {
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

fn global(shape: &[usize]) -> Kernel {
    let window = Window { kernel: [shape[2], shape[3]], ..Window::UNIT };
    Kernel::Mean { window, count_include_pad: true, factor: 1.0 }
}
