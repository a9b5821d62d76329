//! Normalisations that a model writes as several operators: what divides a value is a mean, a root or a norm of
//! that value itself, of all of it or of windows, as where a covariance is divided by a variance.
//!
//! Rounded to 8 bits on the way, squares lose what is small, and their root all the more. So the host computes
//! the whole of it in float, from the value as the machine has it to the quotient with its scale and bias, which is
//! rounded once, as LayerNormalization is.

use crate::graph::{BinaryKind, Graph, Node, Op, UnaryKind, ValueId};
use std::collections::BTreeSet;

/// Which nodes of a graph belong to such a normalisation.
pub(super) fn nodes(graph: &Graph) -> Vec<bool> {
    let mut producers = vec![None; graph.values.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        node.outputs.iter().for_each(|id| producers[id.0 as usize] = Some(n));
    }
    let uses = graph.use_counts();
    let mut search = NormalisationSearch { graph, producers, taken: vec![false; graph.nodes.len()] };
    for (n, node) in graph.nodes.iter().enumerate() {
        let found = match search.divisor(node) {
            Some(divisor) => search.small(divisor).map(|mut found| {
                // A statistic divided by another one.
                found.extend(search.small(node.inputs[0]).unwrap_or_default());
                found
            }),
            None if search.scales(node) || search.affine(node, &uses) => Some(BTreeSet::new()),
            None => None,
        };
        if let Some(found) = found {
            found.into_iter().chain([n]).for_each(|n| search.taken[n] = true);
        }
    }
    search.taken
}

struct NormalisationSearch<'a> {
    graph: &'a Graph,
    producers: Vec<Option<usize>>,
    /// What is known to belong to a normalisation.
    taken: Vec<bool>,
}

impl NormalisationSearch<'_> {
    fn is_constant(&self, id: ValueId) -> bool {
        self.graph.constant_data(id).is_some()
    }

    fn elements(&self, id: ValueId) -> usize {
        self.graph.shape(id).iter().product()
    }

    fn is_taken(&self, id: ValueId) -> bool {
        self.producers[id.0 as usize].is_some_and(|n| self.taken[n])
    }

    /// What a node takes the root of or divides by.
    fn divisor(&self, node: &Node) -> Option<ValueId> {
        let divides = match (&node.op, &node.inputs[..]) {
            (Op::Unary { kind: UnaryKind::Sqrt | UnaryKind::Reciprocal }, &[x]) => x,
            (Op::Binary { kind: BinaryKind::Div }, &[_, x]) => x,
            // Whole powers from 1 on are products.
            (Op::Binary { kind: BinaryKind::Pow }, &[x, power]) => {
                let whole = |p: &f32| *p >= 1.0 && p.fract() == 0.0;
                let power = self.graph.constant_data(power)?;
                (!power.iter().all(whole)).then_some(x)?
            }
            _ => return None,
        };
        (!self.is_constant(divides)).then_some(divides)
    }

    /// The nodes that make a statistic: arithmetic on reductions. `None` where it is made of anything else, or of no
    /// reduction.
    fn small(&self, id: ValueId) -> Option<BTreeSet<usize>> {
        let mut found = BTreeSet::new();
        let mut reduced = false;
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if self.is_constant(id) {
                continue;
            }
            let n = self.producers[id.0 as usize]?;
            if self.taken[n] {
                reduced = true;
                continue;
            }
            if !found.insert(n) {
                continue;
            }
            let node = &self.graph.nodes[n];
            match node.op {
                Op::Reduce { .. } | Op::GlobalAveragePool | Op::AveragePool { .. } => {
                    reduced = true;
                    self.large(node.inputs[0], &mut found, &mut open);
                }
                Op::Add
                | Op::Binary { .. }
                | Op::Clip { .. }
                | Op::Relu
                | Op::Unary {
                    kind: UnaryKind::Neg | UnaryKind::Abs | UnaryKind::Sqrt | UnaryKind::Reciprocal,
                }
                | Op::Reshape
                | Op::Flatten { .. }
                | Op::Transpose { .. }
                | Op::Expand { .. } => open.extend(&node.inputs),
                // A factor or an addend of each channel.
                Op::Conv { .. } if self.is_affine(node) => open.push(node.inputs[0]),
                _ => return None,
            }
        }
        reduced.then_some(found)
    }

    /// Adds the nodes between a value and its reduction: squares, products, absolute values, powers of e, differences
    /// from another statistic, which is left `open`.
    fn large(&self, mut id: ValueId, found: &mut BTreeSet<usize>, open: &mut Vec<ValueId>) {
        while let Some(n) = self.producers[id.0 as usize].filter(|&n| !self.taken[n]) {
            let node = &self.graph.nodes[n];
            id = match (&node.op, &node.inputs[..]) {
                (Op::Unary { kind: UnaryKind::Abs | UnaryKind::Exp }, &[x]) => x,
                (Op::Binary { kind: BinaryKind::Mul }, &[a, b]) if a == b => a,
                (Op::Binary { kind: BinaryKind::Mul }, &[a, b])
                    if [a, b].iter().all(|&id| {
                        !self.is_constant(id) && self.elements(id) == self.elements(node.outputs[0])
                    }) =>
                {
                    found.insert(n);
                    return;
                }
                (Op::Binary { kind: BinaryKind::Pow }, &[x, power]) if self.is_constant(power) => x,
                (Op::Binary { kind: BinaryKind::Sub }, &[x, mean])
                    if !self.is_constant(mean) && self.elements(mean) < self.elements(x) =>
                {
                    open.push(mean);
                    x
                }
                _ => return,
            };
            found.insert(n);
        }
    }

    /// Whether a node multiplies a value by the reciprocal of a statistic.
    fn scales(&self, node: &Node) -> bool {
        let divides = |id: ValueId| {
            let Some(n) = self.producers[id.0 as usize].filter(|&n| self.taken[n]) else { return false };
            let maker = &self.graph.nodes[n];
            let root = matches!(maker.op, Op::Unary { kind: UnaryKind::Reciprocal })
                || matches!(maker.op, Op::Binary { kind: BinaryKind::Pow | BinaryKind::Div });
            root && self.elements(id) < self.elements(node.outputs[0])
        };
        matches!(node.op, Op::Binary { kind: BinaryKind::Mul }) && node.inputs.iter().any(|&id| divides(id))
    }

    /// Whether a node gives a quotient that nobody else reads its scale or bias.
    fn affine(&self, node: &Node, uses: &[usize]) -> bool {
        let data: Vec<ValueId> = node.inputs.iter().copied().filter(|&id| !self.is_constant(id)).collect();
        let [x] = data[..] else { return false };
        let kept = self.elements(x) == self.elements(node.outputs[0]);
        kept && self.is_taken(x) && uses[x.0 as usize] == 1 && self.is_affine(node)
    }

    /// Whether a node multiplies by a constant or adds one.
    fn is_affine(&self, node: &Node) -> bool {
        match &node.op {
            Op::Add | Op::Binary { kind: BinaryKind::Mul | BinaryKind::Sub } => {
                node.inputs.iter().any(|&id| self.is_constant(id))
            }
            Op::Conv { groups, .. } => {
                let weights = node.inputs[1];
                self.is_constant(weights) && self.graph.shape(weights) == [*groups, 1, 1, 1]
            }
            _ => false,
        }
    }
}
