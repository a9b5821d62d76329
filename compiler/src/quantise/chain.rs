//! What the post unit does after a reduction: the operators fused into it.

use super::constants::{in_grid, per_channel, scalar};
use super::held::Held;
use super::kind::{COPY, Kind, OUTPUT, unfolds};
use crate::fixed::View;
use crate::float::{self, math};
use crate::graph::{BinaryKind, DepthToSpaceMode, Graph, Node, Op, UnaryKind, ValueId, Window};

/// How a second tensor enters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Combine {
    /// Added, times this: 1 or -1, or what the gathered side was scaled by before the two changed places.
    Add(f64),
    /// Multiplied.
    Multiply,
}

/// The second tensor of a group.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Second {
    /// A value, seen as the grid.
    Held(ValueId, View),
    /// Constant elements in the grid's order, with the constant they come from.
    Constant(ValueId, Vec<f64>),
}

/// A function of one real number, part of a table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Fun {
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

impl Fun {
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Fun::Unary(kind) => f64::from(float::unary(kind, x as f32)),
            Fun::Affine(scale, offset) => scale * x + offset,
            Fun::Clamp(low, high) => x.max(low).min(high),
            Fun::Leaky(slope) => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Fun::Quadratic(a, b) => a * x * x + b * x,
            Fun::Power(exponent) => math::pow(x, exponent),
            Fun::Over(number) => number / x,
        }
    }

    /// What an operator of an activation and the scalar constant `c` is.
    pub fn of(graph: &Graph, node: &Node, c: f64) -> Option<Fun> {
        let constant_first = graph.constant_data(node.inputs[0]).is_some();
        let fun = match (&node.op, constant_first) {
            (Op::Add, _) => Fun::Affine(1.0, c),
            (Op::Binary { kind }, first) => match (kind, first) {
                (BinaryKind::Sub, false) => Fun::Affine(1.0, -c),
                (BinaryKind::Sub, true) => Fun::Affine(-1.0, c),
                (BinaryKind::Mul, _) => Fun::Affine(c, 0.0),
                (BinaryKind::Div, false) => Fun::Affine(1.0 / c, 0.0),
                (BinaryKind::Div, true) => Fun::Over(c),
                (BinaryKind::Min, _) => Fun::Clamp(f64::NEG_INFINITY, c),
                (BinaryKind::Max, _) => Fun::Clamp(c, f64::INFINITY),
                (BinaryKind::Pow, false) => Fun::Power(c),
                (BinaryKind::Pow, true) => return None,
            },
            _ => return None,
        };
        match fun {
            Fun::Affine(scale, offset) if !(scale.is_finite() && offset.is_finite()) => None,
            fun => Some(fun),
        }
    }
}

/// The post unit of a group in real numbers, in the order in which it works: slope of negative sums,
/// operand, clamp, table, DepthToSpace.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Chain {
    /// Factor of negative sums: none, one for all channels or one each.
    pub slope: Option<Vec<f64>>,
    /// Second tensor.
    pub operand: Option<(Second, Combine)>,
    /// Lower clamp.
    pub low: f64,
    /// Upper clamp.
    pub high: f64,
    /// Functions of the table, the first one first.
    pub table: Vec<Fun>,
    /// What goes into the table: the value before the first of its functions.
    pub before_table: Option<ValueId>,
    /// Factor (1: none) and numbering.
    pub depth_to_space: (usize, DepthToSpaceMode),
}

/// A group in the making, as its last operator sees it.
pub(super) struct Growing<'a> {
    pub kind: &'a mut Kind,
    /// Channels, rows, columns of the result's tensor before DepthToSpace.
    pub grid: [usize; 3],
    /// Where in the result's tensor the value lies that the next operator reads.
    pub out: &'a Held,
    /// That value.
    pub value: ValueId,
}

impl Chain {
    pub const EMPTY: Chain = Chain {
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

    /// Takes `node`, which reads the growing group's value, into the chain; `false` and no change
    /// when the post unit cannot do it any more. `held` says where values lie that exist when the
    /// group runs.
    pub fn absorb(
        &mut self,
        graph: &Graph,
        node: &Node,
        growing: Growing,
        held: &dyn Fn(ValueId) -> Option<Held>,
    ) -> bool {
        let Growing { kind, grid, out, value } = growing;
        // A maximum keeps its input's scale, which leaves room for clamps only; copies may be
        // replaced by their producers writing in place.
        match kind {
            Kind::Copies { .. } => return false,
            Kind::Max { .. } if !matches!(node.op, Op::Relu | Op::Clip { .. }) => return false,
            _ => {}
        }
        let shape = graph.shape(node.outputs[0]);
        if let Some(done) = self.quadratic(graph, node, kind, value) {
            return done;
        }
        let other =
            node.inputs.get(1).map(|&second| if node.inputs[0] == value { second } else { node.inputs[0] });
        match &node.op {
            Op::Relu => self.clamp(0.0, f64::INFINITY),
            Op::Clip { min, max } => self.clamp(f64::from(*min), f64::from(*max)),
            Op::LeakyRelu { alpha } => self.slope(vec![f64::from(*alpha)]),
            Op::Unary { kind } => self.function(Fun::Unary(*kind), value),
            Op::PRelu if node.inputs[0] == value && self.unplaced() => {
                per_channel(graph, node.inputs[1], shape, out, grid).is_some_and(|s| self.slope(s))
            }
            Op::Add | Op::Binary { .. } if other.is_some_and(|id| graph.constant_data(id).is_some()) => {
                let other = other.expect("just asked");
                self.constant(graph, node, other, Growing { kind, grid, out, value })
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
                let own = graph.shape(id);
                let able = match kind {
                    Kind::Product { .. } => false,
                    // How large other sums become is not known well enough for a multiplicand.
                    Kind::Mean { .. } => true,
                    _ => combine != Combine::Multiply,
                };
                if graph.shape(value) != shape || !able {
                    return false;
                }
                let view = held(id).and_then(|h| h.broadcast(own, shape)).and_then(|h| out.arrange(&h));
                match view {
                    // other - value: the reduction changes its sign
                    Some(view) if view.shape == grid && (!reversed || self.linear() && negate(kind)) => {
                        self.second(Second::Held(id, view), combine)
                    }
                    _ => false,
                }
            }
            Op::DepthToSpace { block, mode } if self.unplaced() && *out == Held::whole(OUTPUT, grid) => {
                self.depth_to_space = (*block, *mode);
                true
            }
            Op::Reshape if self.unplaced() => match unfolds(graph, node, out) {
                Some(block) => {
                    self.depth_to_space = (block, DepthToSpaceMode::Crd);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn clamp(&mut self, low: f64, high: f64) -> bool {
        if self.table.is_empty() {
            (self.low, self.high) = (self.low.clamp(low, high), self.high.clamp(low, high));
        } else {
            self.table.push(Fun::Clamp(low, high));
        }
        true
    }

    fn slope(&mut self, slope: Vec<f64>) -> bool {
        match (&self.table[..], &slope[..]) {
            ([_, ..], &[one]) => self.table.push(Fun::Leaky(one)),
            ([_, ..], _) => return false,
            _ if self.slope.is_none() && self.operand.is_none() && self.unclamped() => {
                self.slope = Some(slope);
            }
            _ => return false,
        }
        true
    }

    fn function(&mut self, fun: Fun, value: ValueId) -> bool {
        if self.table.is_empty() {
            self.before_table = Some(value);
        }
        self.table.push(fun);
        true
    }

    /// x * x, and then terms of x, as a table: one rounding instead of one for each. `None` when the
    /// node is nothing of the kind.
    fn quadratic(&mut self, graph: &Graph, node: &Node, kind: &mut Kind, value: ValueId) -> Option<bool> {
        let [a, b] = node.inputs[..] else { return None };
        let x = if a == value { b } else { a };
        // (scale * x + offset) * x
        if node.op == (Op::Binary { kind: BinaryKind::Mul })
            && graph.producer(value).is_some_and(|(_, made)| made.inputs[0] == x)
            && self.linear()
            && let Some((scale, offset)) = uniform(kind)
        {
            *kind = COPY;
            return Some(self.function(Fun::Quadratic(scale, offset), x));
        }
        if a == b && node.op == (Op::Binary { kind: BinaryKind::Mul }) && self.table.is_empty() {
            let plain = *kind == COPY && self.linear();
            return plain.then(|| self.function(Fun::Quadratic(1.0, 0.0), value));
        }
        let (Some(x), [Fun::Quadratic(square, linear)]) = (self.before_table, &mut self.table[..]) else {
            return None;
        };
        match &node.op {
            Op::Add if (a, b) == (value, x) || (a, b) == (x, value) => *linear += 1.0,
            Op::Binary { kind: BinaryKind::Sub } if (a, b) == (value, x) => *linear -= 1.0,
            Op::Binary { kind: BinaryKind::Sub } if (a, b) == (x, value) => {
                (*square, *linear) = (-*square, 1.0 - *linear);
            }
            _ => return None,
        }
        Some(self.unplaced())
    }

    /// A constant term or factor: into the sum where that is still linear (and fine enough to be
    /// rounded to), into a table, or as a second tensor.
    fn constant(&mut self, graph: &Graph, node: &Node, id: ValueId, growing: Growing) -> bool {
        let Growing { kind, grid, out, value } = growing;
        let shape = graph.shape(node.outputs[0]);
        if graph.shape(value).iter().product::<usize>() != shape.iter().product::<usize>() {
            return false;
        }
        let fun = scalar(graph, id).and_then(|c| Fun::of(graph, node, c));
        match fun {
            Some(Fun::Clamp(low, high)) => return self.clamp(low, high),
            Some(Fun::Affine(scale, offset)) if self.linear() && affine(kind, scale, offset) => return true,
            Some(fun @ (Fun::Power(_) | Fun::Over(_))) => return self.function(fun, value),
            Some(fun) if !self.table.is_empty() => return self.function(fun, value),
            _ => {}
        }
        if !self.linear() || !matches!(node.op, Op::Add) {
            return false;
        }
        match (kind, per_channel(graph, id, shape, out, grid)) {
            (Kind::Linear { bias, .. } | Kind::Phases { bias, .. }, Some(more)) => {
                bias.iter_mut().zip(more).for_each(|(b, m)| *b += m);
                true
            }
            (Kind::Linear { .. } | Kind::Mean { .. }, None) => match in_grid(graph, id, shape, out, grid) {
                Some(all) => self.second(Second::Constant(id, all), Combine::Add(1.0)),
                None => false,
            },
            _ => false,
        }
    }

    fn second(&mut self, second: Second, combine: Combine) -> bool {
        if self.operand.is_some() || !self.unplaced() || !self.table.is_empty() {
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
        self.operand = Some((second, combine));
        true
    }
}

/// Factor and offset of a reduction that is the same scaling of every element.
fn uniform(kind: &Kind) -> Option<(f64, f64)> {
    let Kind::Linear { window, weights, bias, groups } = kind else { return None };
    let alike = weights.iter().all(|w| *w == weights[0]) && bias.iter().all(|b| *b == bias[0]);
    let one = *window == Window::UNIT && weights.len() == bias.len() && *groups == bias.len();
    (alike && one).then(|| (f64::from(weights[0]), bias[0]))
}

/// Changes the sign of a reduction's result, where it can be.
fn negate(kind: &mut Kind) -> bool {
    affine(kind, -1.0, 0.0)
}

/// scale * x + offset for the result x of a reduction, where its parameters can express it.
fn affine(kind: &mut Kind, scale: f64, offset: f64) -> bool {
    match kind {
        Kind::Linear { weights, bias, .. } => {
            if weights.iter().any(|&w| !((f64::from(w) * scale) as f32).is_finite()) {
                return false;
            }
            weights.iter_mut().for_each(|w| *w = (f64::from(*w) * scale) as f32);
            bias.iter_mut().for_each(|b| *b = *b * scale + offset);
            true
        }
        Kind::Mean { factor, .. } | Kind::Product { factor, .. } if offset == 0.0 => {
            *factor *= scale;
            true
        }
        _ => false,
    }
}
