//! What the post unit does after a reduction: the operators fused into it.

use super::constants::{in_grid, is_mask, per_channel, scalar};
use super::follows::Following;
use super::kernel::{COPY, Kernel, unfolds};
use super::strided::{HomeId, HomeView, StridedLayout};
use super::sum::Sum;
use crate::float::{self, math};
use crate::graph::{BinaryKind, DepthToSpaceMode, Graph, Node, Op, UnaryKind, ValueId};

/// How a second tensor enters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Combine {
    /// Added, times this: 1 or -1, or what the gathered side was scaled by before the two changed places.
    Add(f64),
    /// Multiplied.
    Multiply,
}

/// The second tensor of a fused operation.
#[derive(Clone, PartialEq, Debug)]
pub enum Second {
    /// A value, seen as the grid.
    Held(ValueId, HomeView),
    /// Constant elements in the grid's order, with the constant they come from.
    Constant(ValueId, Vec<f64>),
}

/// A function of one real number, part of a table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ScalarFn {
    /// An elementwise operator.
    Unary(UnaryKind),
    /// scale * x + offset.
    Affine(f64, f64),
    /// Clamped to a range.
    Clamp(f64, f64),
    /// Negative numbers times a slope.
    Leaky(f64),
    /// a * x * x + b * x.
    Quadratic(f64, f64),
    /// x to the power of the exponent.
    Power(f64),
    /// The number divided by x.
    Over(f64),
}

impl ScalarFn {
    pub fn apply(self, x: f64) -> f64 {
        match self {
            ScalarFn::Unary(kind) => f64::from(float::unary(kind, x as f32)),
            ScalarFn::Affine(scale, offset) => scale * x + offset,
            ScalarFn::Clamp(low, high) => x.max(low).min(high),
            ScalarFn::Leaky(slope) => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            ScalarFn::Quadratic(a, b) => a * x * x + b * x,
            ScalarFn::Power(exponent) => math::pow(x, exponent),
            ScalarFn::Over(number) => number / x,
        }
    }

    /// What an operator of an activation and the scalar constant `c` is.
    pub fn of(graph: &Graph, node: &Node, c: f64) -> Option<ScalarFn> {
        let constant_first = graph.constant_data(node.inputs[0]).is_some();
        let fun = match (&node.op, constant_first) {
            (Op::Add, _) => ScalarFn::Affine(1.0, c),
            (Op::Binary { kind }, first) => match (kind, first) {
                (BinaryKind::Sub, false) => ScalarFn::Affine(1.0, -c),
                (BinaryKind::Sub, true) => ScalarFn::Affine(-1.0, c),
                (BinaryKind::Mul, _) => ScalarFn::Affine(c, 0.0),
                (BinaryKind::Div, false) => ScalarFn::Affine(1.0 / c, 0.0),
                (BinaryKind::Div, true) => ScalarFn::Over(c),
                (BinaryKind::Min, _) => ScalarFn::Clamp(f64::NEG_INFINITY, c),
                (BinaryKind::Max, _) => ScalarFn::Clamp(c, f64::INFINITY),
                (BinaryKind::Pow, false) => ScalarFn::Power(c),
                _ => return None,
            },
            _ => return None,
        };
        match fun {
            ScalarFn::Affine(scale, offset) if !(scale.is_finite() && offset.is_finite()) => None,
            fun => Some(fun),
        }
    }
}

/// The post unit of a fused operation in real numbers, in the order in which it works: slope of negative sums,
/// operand, clamp, table, DepthToSpace.
#[derive(Clone, PartialEq, Debug)]
pub struct Epilogue {
    /// Factor of negative sums: none, one for all channels or one each.
    pub slope: Option<Vec<f64>>,
    /// Second tensor.
    pub operand: Option<(Second, Combine)>,
    /// Lower clamp.
    pub low: f64,
    /// Upper clamp.
    pub high: f64,
    /// Functions of the table, the first one first.
    pub table: Vec<ScalarFn>,
    /// What goes into the table: the value before the first of its functions.
    pub before_table: Option<ValueId>,
    /// Factor (1: none) and numbering.
    pub depth_to_space: (usize, DepthToSpaceMode),
}

/// A fused operation in the making, as its last operator sees it.
pub struct Growing<'a> {
    pub sum: &'a mut Sum,
    /// Channels, rows, columns of the result's tensor before DepthToSpace.
    pub grid: [usize; 3],
    /// Whether the reduction's rows of pixels are written as one line of it.
    pub lines: bool,
    /// Where in the result's tensor the value lies that the next operator reads.
    pub out: &'a StridedLayout,
    /// That value.
    pub value: ValueId,
}

impl Epilogue {
    pub const EMPTY: Epilogue = Epilogue {
        slope: None,
        operand: None,
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        table: Vec::new(),
        before_table: None,
        depth_to_space: (1, DepthToSpaceMode::Crd),
    };

    fn unclamped(&self) -> bool {
        self.low == f64::NEG_INFINITY && self.high == f64::INFINITY && self.table.is_empty()
    }

    fn unplaced(&self) -> bool {
        self.depth_to_space.0 == 1
    }

    /// Nothing but the reduction so far.
    fn linear(&self) -> bool {
        self.slope.is_none() && self.operand.is_none() && self.unclamped() && self.unplaced()
    }

    /// Takes `node`, which reads the growing fused operation's value, into the chain; `false` and no change
    /// when the post unit cannot do it any more. `held` says where values lie that exist when the
    /// fused operation runs.
    pub fn absorb(
        &mut self,
        graph: &Graph,
        node: &Node,
        growing: Growing,
        held: &dyn Fn(ValueId) -> Option<StridedLayout>,
    ) -> bool {
        let Growing { sum, grid, lines, out, value } = growing;
        let shape = graph.shape(node.outputs[0]);
        if let Some(done) = self.quadratic(graph, node, sum, value) {
            return done;
        }
        let other =
            node.inputs.get(1).map(|&second| if node.inputs[0] == value { second } else { node.inputs[0] });
        match &node.op {
            Op::Relu => self.clamp(sum.kernel(), 0.0, f64::INFINITY),
            Op::Clip { min, max } => self.clamp(sum.kernel(), f64::from(*min), f64::from(*max)),
            Op::LeakyRelu { alpha } => self.slope(sum.kernel(), vec![f64::from(*alpha)]),
            Op::Unary { kind } => self.function(sum.kernel(), ScalarFn::Unary(*kind), value),
            Op::PRelu if node.inputs[0] == value && self.unplaced() => {
                let slopes = per_channel(graph, node.inputs[1], shape, out, grid);
                slopes.is_some_and(|slopes| self.slope(sum.kernel(), slopes))
            }
            Op::Add | Op::Binary { .. } if other.is_some_and(|id| graph.constant_data(id).is_some()) => {
                let other = other.expect("just asked");
                self.constant(graph, node, other, Growing { sum, grid, lines, out, value })
            }
            Op::Add | Op::Binary { kind: BinaryKind::Sub | BinaryKind::Mul } => {
                let Some(id) = other else { return false };
                let reversed =
                    matches!(node.op, Op::Binary { kind: BinaryKind::Sub }) && node.inputs[0] != value;
                let combine = match &node.op {
                    Op::Binary { kind: BinaryKind::Mul } => Combine::Multiply,
                    Op::Binary { .. } if !reversed => Combine::Add(-1.0),
                    _ => Combine::Add(1.0),
                };
                if graph.shape(value) != shape {
                    return false;
                }
                let view = held(id).and_then(|h| h.broadcast(graph.shape(id), shape));
                let Some(view) = view.and_then(|h| out.arrange(&h)).filter(|view| view.shape == grid) else {
                    return false;
                };
                // other - value: the reduction changes its sign, where nothing but it is there yet
                if reversed && !self.linear() {
                    return false;
                }
                let done = self.second(sum.kernel(), Second::Held(id, view), combine);
                if done && reversed && !sum.negate() {
                    self.operand = None;
                    return false;
                }
                done
            }
            Op::DepthToSpace { block, mode } => {
                // Rows of the map may lie in the tensor as one line.
                let map =
                    graph.shape(value)[1..] == grid && *out == StridedLayout::whole(HomeId::Output, grid);
                !lines && map && self.place(sum.kernel(), *block, *mode)
            }
            Op::Reshape if !lines => match unfolds(graph, node, out) {
                Some(block) => self.place(sum.kernel(), block, DepthToSpaceMode::Crd),
                None => false,
            },
            _ => false,
        }
    }

    fn place(&mut self, kernel: &Kernel, block: usize, mode: DepthToSpaceMode) -> bool {
        let able = self.unplaced() && kernel.takes(Following::Place);
        if able {
            self.depth_to_space = (block, mode);
        }
        able
    }

    fn clamp(&mut self, kernel: &Kernel, low: f64, high: f64) -> bool {
        if !kernel.takes(Following::Clamp) {
            return false;
        }
        if self.table.is_empty() {
            (self.low, self.high) = (self.low.clamp(low, high), self.high.clamp(low, high));
        } else {
            self.table.push(ScalarFn::Clamp(low, high));
        }
        true
    }

    /// Negative numbers times one slope, or one for each channel.
    fn slope(&mut self, kernel: &Kernel, mut slope: Vec<f64>) -> bool {
        if slope.iter().all(|s| *s == slope[0]) {
            slope.truncate(1);
        }
        let step = if slope.len() == 1 { Following::Slope } else { Following::Slopes };
        match (&self.table[..], &slope[..]) {
            ([_, ..], &[one]) => self.table.push(ScalarFn::Leaky(one)),
            ([_, ..], _) => return false,
            _ if self.slope.is_none() && self.operand.is_none() && self.unclamped() && kernel.takes(step) => {
                self.slope = Some(slope);
            }
            _ => return false,
        }
        true
    }

    fn function(&mut self, kernel: &Kernel, fun: ScalarFn, value: ValueId) -> bool {
        if !kernel.takes(Following::Table) {
            return false;
        }
        if self.table.is_empty() {
            self.before_table = Some(value);
        }
        self.table.push(fun);
        true
    }

    /// x * x, and then terms of x, as a table: one rounding instead of one for each. `None` when the
    /// node is nothing of the kind.
    fn quadratic(&mut self, graph: &Graph, node: &Node, sum: &mut Sum, value: ValueId) -> Option<bool> {
        let [a, b] = node.inputs[..] else { return None };
        let x = if a == value { b } else { a };
        // (scale * x + offset) * x
        if node.op == (Op::Binary { kind: BinaryKind::Mul })
            && graph.constant_data(x).is_none()
            && graph.producer(value).is_some_and(|(_, made)| made.inputs[0] == x)
            && self.linear()
            && let Some((scale, offset)) = sum.uniform()
        {
            sum.become_copy(x);
            return Some(self.function(sum.kernel(), ScalarFn::Quadratic(scale, offset), x));
        }
        if a == b && node.op == (Op::Binary { kind: BinaryKind::Mul }) && self.table.is_empty() {
            let plain = *sum.kernel() == COPY && self.linear();
            return plain.then(|| self.function(sum.kernel(), ScalarFn::Quadratic(1.0, 0.0), value));
        }
        let unplaced = self.unplaced();
        let (Some(x), [ScalarFn::Quadratic(square, linear)]) = (self.before_table, &mut self.table[..])
        else {
            return None;
        };
        match &node.op {
            _ if !unplaced => return Some(false),
            Op::Add if (a, b) == (value, x) || (a, b) == (x, value) => *linear += 1.0,
            Op::Binary { kind: BinaryKind::Sub } if (a, b) == (value, x) => *linear -= 1.0,
            Op::Binary { kind: BinaryKind::Sub } if (a, b) == (x, value) => {
                (*square, *linear) = (-*square, 1.0 - *linear);
            }
            _ => return None,
        }
        Some(true)
    }

    /// A constant term or factor: into the sum where that is still linear (and fine enough to be
    /// rounded to), into a table, or as a second tensor.
    fn constant(&mut self, graph: &Graph, node: &Node, id: ValueId, growing: Growing) -> bool {
        let Growing { sum, grid, out, value, .. } = growing;
        let (shape, made) = (graph.shape(node.outputs[0]), node.outputs[0]);
        if graph.shape(value).iter().product::<usize>() != shape.iter().product::<usize>() {
            return false;
        }
        let fun = scalar(graph, id).and_then(|c| ScalarFn::of(graph, node, c));
        match fun {
            Some(ScalarFn::Clamp(low, high)) => return self.clamp(sum.kernel(), low, high),
            Some(ScalarFn::Affine(scale, offset))
                if self.linear() && sum.affine(scale, offset, made, out) =>
            {
                return true;
            }
            Some(fun @ (ScalarFn::Power(_) | ScalarFn::Over(_))) => {
                return self.function(sum.kernel(), fun, value);
            }
            Some(fun) if !self.table.is_empty() => return self.function(sum.kernel(), fun, value),
            _ => {}
        }
        if !self.linear() || !matches!(node.op, Op::Add) || is_mask(graph, id) {
            return false;
        }
        match per_channel(graph, id, shape, out, grid) {
            Some(more) => sum.add(&more, made, out),
            None => in_grid(graph, id, shape, out, grid)
                .is_some_and(|all| self.second(sum.kernel(), Second::Constant(id, all), Combine::Add(1.0))),
        }
    }

    /// A second tensor.
    fn second(&mut self, kernel: &Kernel, second: Second, combine: Combine) -> bool {
        let step = if combine == Combine::Multiply { Following::Multiply } else { Following::Add };
        if !kernel.takes(step) {
            return false;
        }
        if self.operand.is_some() || !self.unplaced() || !self.table.is_empty() {
            return false;
        }
        // max(x, 0) + b: the clamp comes after the operand, so the slope of negative sums becomes 0
        let rectified = self.low == 0.0 && self.high == f64::INFINITY && self.slope.is_none();
        if rectified && kernel.takes(Following::Slope) {
            self.slope = Some(vec![0.0]);
            self.low = f64::NEG_INFINITY;
        }
        if !self.unclamped() {
            return false;
        }
        self.operand = Some((second, combine));
        true
    }
}
