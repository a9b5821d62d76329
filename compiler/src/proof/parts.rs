//! The parts of an output that a Concat has joined: numbers of different kinds, such as boxes and scores, whatever axis
//! they lie along.

use crate::float;
use crate::graph::{Graph, Node, Op, ValueId};
use crate::simplify::unroll;
use ndarray::{ArrayD, Axis, IxDyn, concatenate};

/// Most parts that are told apart.
const MOST: usize = 64;

/// Which part each element of an output belongs to. Without elements where nothing was joined.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// The part of each element in row-major order, a whole number.
    pub of: Vec<f32>,
    /// Names of the values that were joined.
    pub names: Vec<String>,
}

/// The parts of an output, followed through what moves elements and what computes each one alone to the Concats that
/// joined them. Steps of a recurrent layer are no parts of it.
pub(super) fn parts(graph: &Graph, output: ValueId) -> Parts {
    let Some((of, joined)) = follow(graph, output, MOST) else { return Parts::default() };
    let names = joined.iter().map(|&id| graph.value(id).name.clone()).collect();
    Parts { of: of.into_iter().collect(), names }
}

/// For each element of a value the number of its part, and what the parts are; none where it was not joined, or of more
/// than `most` parts.
fn follow(graph: &Graph, value: ValueId, most: usize) -> Option<(ArrayD<f32>, Vec<ValueId>)> {
    // Down to the Concat, with what moves elements on the way.
    let (mut at, mut moves) = (value, Vec::new());
    let (node, axis) = loop {
        let (_, node) = graph.producer(at)?;
        match node.op {
            Op::Concat { axis } if node.inputs.len() > 1 => break (node, axis),
            Op::Concat { .. } => {}
            Op::Transpose { .. } | Op::Reshape | Op::Flatten { .. } | Op::Slice { .. } => moves.push(node),
            _ if super::channels::passes(&node.op) => {}
            _ => return None,
        }
        let from = from(graph, node)?;
        if !moves.last().is_some_and(|last| std::ptr::eq(*last, node)) && graph.shape(from) != graph.shape(at)
        {
            return None;
        }
        at = from;
    };
    if node.inputs.len() > most || unroll::is_between_steps(node) {
        return None;
    }
    let (mut labels, mut all) = (Vec::new(), Vec::new());
    for (i, &id) in node.inputs.iter().enumerate() {
        // Every operand that is left needs a part.
        let left = most - all.len() - (node.inputs.len() - i - 1);
        let whole = || (ArrayD::zeros(IxDyn(graph.shape(id))), vec![id]);
        let (own, joined) = follow(graph, id, left).unwrap_or_else(whole);
        labels.push(own + all.len() as f32);
        all.extend(joined);
    }
    let views: Vec<_> = labels.iter().map(|own| own.view()).collect();
    let mut labels = concatenate(Axis(axis), &views).ok()?;
    for node in moves.into_iter().rev() {
        labels = float::apply(&node.op, &[labels], graph.shape(node.outputs[0])).ok()?;
    }
    Some((labels, all))
}

/// The one operand of a node that is computed.
fn from(graph: &Graph, node: &Node) -> Option<ValueId> {
    let mut computed = node.inputs.iter().copied().filter(|&id| graph.constant_data(id).is_none());
    computed.next().filter(|_| computed.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_followed_through_moves_and_nested_joins() {
        let mut graph = Graph::new("t");
        let mut input = |name: &str, columns| graph.input(name, &[1, columns]).unwrap();
        let (a, b, c) = (input("a", 2), input("b", 1), input("c", 3));
        let inner = graph.node("inner", Op::Concat { axis: 1 }, &[a, b]).unwrap();
        let relu = graph.node("relu", Op::Relu, &[inner]).unwrap();
        let outer = graph.node("outer", Op::Concat { axis: 1 }, &[c, relu]).unwrap();
        let square = graph.reshape("square", outer, &[2, 3]).unwrap();
        let turned = graph.node("turned", Op::Transpose { perm: vec![1, 0] }, &[square]).unwrap();
        let found = parts(&graph, turned);
        assert_eq!(found.names, ["c", "a", "b"]);
        assert_eq!(found.of, [0.0, 1.0, 0.0, 1.0, 0.0, 2.0]);
        assert!(parts(&graph, a).names.is_empty());
        // A sum of two has the parts of neither.
        let sum = graph.node("sum", Op::Add, &[outer, outer]).unwrap();
        assert!(parts(&graph, sum).names.is_empty());
    }
}
