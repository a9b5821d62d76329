//! What the post unit does after a reduction: the operators fused into it.

use super::kind::{Kind, addend, slopes, unfolds};
use crate::graph::{DepthToSpaceMode, Graph, Node, Op, ValueId};

/// The post unit of a group in real numbers, in the order in which it works:
/// slope of negative sums, operand, clamp, DepthToSpace.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Chain {
    /// Factor of negative sums: none, one for all channels or one each.
    pub slope: Option<Vec<f64>>,
    /// Residual tensor.
    pub operand: Option<ValueId>,
    /// Lower clamp.
    pub low: f64,
    /// Upper clamp.
    pub high: f64,
    /// Factor (1: none) and numbering.
    pub depth_to_space: (usize, DepthToSpaceMode),
}

impl Chain {
    pub const EMPTY: Chain = Chain {
        slope: None,
        operand: None,
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        depth_to_space: (1, DepthToSpaceMode::Crd),
    };

    fn unclamped(&self) -> bool {
        self.low == f64::NEG_INFINITY && self.high == f64::INFINITY
    }

    fn unplaced(&self) -> bool {
        self.depth_to_space.0 == 1
    }

    /// Takes `node`, which reads `value` (the chain's result so far), into the chain; `false` and no
    /// change when the post unit cannot do it any more. `grid` is the tensor shape before
    /// DepthToSpace, `held` the tensor shapes of the values that exist when the group runs.
    pub fn absorb(
        &mut self,
        graph: &Graph,
        node: &Node,
        value: ValueId,
        kind: &mut Kind,
        grid: [usize; 3],
        held: &dyn Fn(ValueId) -> Option<[usize; 3]>,
    ) -> bool {
        // A maximum keeps its input's scale, which leaves room for clamps only; the copies of a
        // Concat may have been replaced by their producers writing in place.
        match kind {
            Kind::Concat => return false,
            Kind::Max { .. } if !matches!(node.op, Op::Relu | Op::Clip { .. }) => return false,
            _ => {}
        }
        match &node.op {
            Op::Relu => self.clamp(0.0, f64::INFINITY),
            Op::Clip { min, max } => self.clamp(f64::from(*min), f64::from(*max)),
            Op::LeakyRelu { alpha } => self.slope(vec![f64::from(*alpha)]),
            Op::PRelu if node.inputs[0] == value && self.unplaced() => {
                slopes(graph, node, grid).is_some_and(|s| self.slope(s))
            }
            Op::Add
                if graph.constant_data(node.inputs[0]).is_some()
                    || graph.constant_data(node.inputs[1]).is_some() =>
            {
                self.add_constant(graph, node, kind, grid)
            }
            Op::Add => {
                let other = node.inputs[usize::from(node.inputs[0] == value)];
                let fits = held(other) == Some(grid)
                    && graph.shape(other) == graph.shape(value)
                    && graph.shape(node.outputs[0]) == graph.shape(value);
                fits && other != value && self.add(other)
            }
            Op::DepthToSpace { block, mode } if self.unplaced() => {
                self.depth_to_space = (*block, *mode);
                true
            }
            Op::Reshape if self.unplaced() => match unfolds(graph, node, grid) {
                Some(place) => {
                    self.depth_to_space = place;
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn clamp(&mut self, low: f64, high: f64) -> bool {
        (self.low, self.high) = (self.low.clamp(low, high), self.high.clamp(low, high));
        true
    }

    fn slope(&mut self, slope: Vec<f64>) -> bool {
        let free = self.slope.is_none() && self.operand.is_none() && self.unclamped();
        if free {
            self.slope = Some(slope);
        }
        free
    }

    /// A bias: only where the sum is still linear, and fine enough to be rounded to.
    fn add_constant(&mut self, graph: &Graph, node: &Node, kind: &mut Kind, grid: [usize; 3]) -> bool {
        let free = self.slope.is_none() && self.operand.is_none() && self.unclamped() && self.unplaced();
        match kind {
            Kind::Linear { bias, .. } if free => match addend(graph, node, grid) {
                Some(more) => {
                    bias.iter_mut().zip(more).for_each(|(b, m)| *b += m);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn add(&mut self, operand: ValueId) -> bool {
        if self.operand.is_some() || !self.unplaced() {
            return false;
        }
        // max(x, 0) + b: the clamp comes after the operand, so the slope of negative sums becomes 0
        if self.low == 0.0 && self.high == f64::INFINITY && self.slope.is_none() {
            self.slope = Some(vec![0.0]);
            self.low = f64::NEG_INFINITY;
        }
        if !self.unclamped() {
            return false;
        }
        self.operand = Some(operand);
        true
    }
}
