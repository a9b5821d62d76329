//! Which nodes compute with indices.
//!
//! What ArgMax and TopK make and inputs of whole numbers take is exact, and so is what is computed of it: places in an image, numbers of classes, places
//! that something is gathered from. Bytes hold 256 of them.

use crate::graph::{Graph, Integer, Op};

/// For each node whether it computes with indices, or with what was computed of them.
pub(super) fn nodes(graph: &Graph) -> Vec<bool> {
    let mut indices = vec![false; graph.values.len()];
    // Inputs of bytes may be images.
    for &id in &graph.inputs {
        let whole = matches!(graph.value(id).integer, Some(Integer::Int32 | Integer::Int64));
        indices[id.0 as usize] = whole;
    }
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
        // On the machine they would have 8 bits.
        op => op.only_moves(),
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
        let place = g.typed_input("place", &[1, 8], Some(Integer::Int64)).unwrap();
        let behind = g.node("behind", Op::Add, &[place, one]).unwrap();
        let turned = g.node("turned", Op::Transpose { perm: vec![1, 0] }, &[place]).unwrap();
        let after = g.node("after", Op::Add, &[turned, one]).unwrap();
        g.outputs.extend([here, more, weighted, behind, after]);
        assert_eq!(nodes(&g), [false, true, false, false, false, false, true, true, true]);
    }
}
