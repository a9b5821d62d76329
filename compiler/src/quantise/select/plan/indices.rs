//! Which nodes compute with indices.
//!
//! What ArgMax and TopK make is exact, and so is what is computed of it: places in an image, numbers of classes, places
//! that something is gathered from. Bytes hold 256 of them.

use crate::graph::{Graph, Op};

/// For each node whether it computes with indices, or with what was computed of them.
pub(super) fn nodes(graph: &Graph) -> Vec<bool> {
    let mut indices = vec![false; graph.values.len()];
    let mut found = vec![false; graph.nodes.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        let reads = node.inputs.iter().any(|id| indices[id.0 as usize]);
        found[n] = reads && keeps(&node.op);
        let makes = match &node.op {
            Op::TopK { indices, .. } => *indices,
            Op::Reduce { kind, .. } if kind.is_index() => true,
            // The indices themselves are not passed on.
            Op::GatherElements { .. } => indices[node.inputs[0].0 as usize],
            _ => found[n],
        };
        for id in &node.outputs {
            indices[id.0 as usize] = makes;
        }
    }
    found
}

/// Whether exact numbers stay exact: moves and arithmetic of single elements.
fn keeps(op: &Op) -> bool {
    match op {
        // Truths.
        Op::Binary { kind } => !kind.is_comparison(),
        Op::Add
        | Op::Unary { .. }
        | Op::Relu
        | Op::Clip { .. }
        | Op::Where
        | Op::Concat { .. }
        | Op::Pad { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{BinaryKind, ReduceKind};

    #[test]
    fn arithmetic_of_indices_is_found_and_what_is_weighted_is_not() {
        let mut g = Graph::new("t");
        let x = g.input("x", &[1, 8]).unwrap();
        let one = g.constant("one", &[], vec![1.0]).unwrap();
        let reduce = Op::Reduce { kind: ReduceKind::ArgMax, axes: vec![1], keepdims: true };
        let index = g.node("index", reduce, &[x]).unwrap();
        let next = g.node("next", Op::Add, &[index, one]).unwrap();
        let here = g.node("here", Op::Binary { kind: BinaryKind::Equal }, &[x, next]).unwrap();
        let picked = g.node("picked", Op::GatherElements { axis: 1 }, &[x, next]).unwrap();
        let more = g.node("more", Op::Add, &[picked, one]).unwrap();
        let weights = g.constant("w", &[1, 3], vec![1.0; 3]).unwrap();
        let weighted = g.node("weighted", Op::MatMul, &[next, weights]).unwrap();
        g.outputs.extend([here, more, weighted]);
        assert_eq!(nodes(&g), [false, true, false, false, false, false]);
    }
}
