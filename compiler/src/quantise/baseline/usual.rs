//! Which values the usual quantisers of models round, as ONNX Runtime's static one does: what the operators read and make
//! that have integer kernels everywhere. A power, a quotient, a difference or a function between two of them stays in
//! float, and what a Relu or a Clip cuts off has no range.

use crate::graph::{BinaryKind, Graph, Node, Op, UnaryKind, ValueId};
use crate::simplify::unroll;
use std::collections::BTreeSet;

/// For each value of a graph whether it is rounded.
pub(super) fn values(graph: &Graph) -> Vec<bool> {
    let uses = graph.use_counts();
    let mut rounds = vec![false; graph.values.len()];
    for node in graph.nodes.iter().filter(|node| is_usual(node)) {
        for id in node.inputs.iter().chain(&node.outputs) {
            rounds[id.0 as usize] = true;
        }
    }
    // Values whose elements are rounded ones, wherever they lie.
    let mut steps = rounds.clone();
    for node in &graph.nodes {
        let [x, y] = [node.inputs[0], node.outputs[0]].map(|id| id.0 as usize);
        match node.op {
            Op::Relu | Op::Clip { .. } if steps[x] => {
                let alone = uses[x] == 1 && graph.producer(ValueId(x as u32)).is_some();
                rounds[x] &= !alone;
                (rounds[y], steps[y]) = (true, true);
            }
            Op::AveragePool { .. } => {
                rounds[y] |= steps[x];
                steps[y] |= steps[x];
            }
            _ if moves(&node.op) && steps[x] => (rounds[y], steps[y]) = (false, true),
            _ => {}
        }
    }
    rounds
}

/// Nodes that are left in float and that the machine has no more than 8 bits for: functions, which are tables there,
/// powers, quotients and choices. A function with poles or gaps stays a table, which knows the range: what is rounded before
/// it may lie a little outside of where it is defined.
pub(in crate::quantise) fn in_float(graph: &Graph) -> BTreeSet<usize> {
    let whole = |power: &f32| *power >= 0.0 && power.fract() == 0.0;
    let is = |node: &Node| match node.op {
        Op::Unary { kind } => !is_usual(node) && !is_limited(kind),
        Op::Binary { kind: BinaryKind::Pow } => {
            graph.constant_data(node.inputs[1]).is_some_and(|powers| powers.iter().all(whole))
        }
        Op::Binary { kind } => !matches!(kind, BinaryKind::Mul | BinaryKind::Sub),
        _ => false,
    };
    graph.nodes.iter().enumerate().filter(|(_, node)| is(node)).map(|(n, _)| n).collect()
}

/// Whether a function has poles or gaps.
fn is_limited(kind: UnaryKind) -> bool {
    !kind.is_total() && !matches!(kind, UnaryKind::Cosh | UnaryKind::Exp | UnaryKind::Sinh)
}

/// Whether what a node reads and makes is rounded.
fn is_usual(node: &Node) -> bool {
    let usual = matches!(
        node.op,
        Op::Conv { .. }
            | Op::ConvTranspose { .. }
            | Op::Gemm { .. }
            | Op::MatMul
            | Op::Add
            | Op::Binary { kind: BinaryKind::Mul }
            | Op::Unary { kind: UnaryKind::Sigmoid | UnaryKind::Swish }
            | Op::LeakyRelu { .. }
            | Op::Softmax { .. }
            | Op::BatchNormalization { .. }
            | Op::LayerNormalization { .. }
            | Op::InstanceNormalization { .. }
            | Op::GlobalAveragePool
            | Op::Concat { .. }
            | Op::Where
            | Op::Resize(_)
            | Op::Pad { .. }
    );
    usual || unroll::is_between_steps(node)
}

/// Whether an operator only takes elements and puts them elsewhere.
fn moves(op: &Op) -> bool {
    op.rearranges() || matches!(op, Op::GatherElements { .. } | Op::MaxPool { .. } | Op::TopK { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of conv, relu, square, maximum, product: neither what the Relu cuts off nor what is between.
    #[test]
    fn what_lies_between_operators_of_integers_is_float() {
        let mut graph = Graph::new("between");
        let x = graph.input("x", &[1, 2, 4, 4]).unwrap();
        let w = graph.constant("w", &[2, 2, 1, 1], vec![0.5; 4]).unwrap();
        let window = crate::graph::Window::UNIT;
        let sum = graph.node("sum", Op::Conv { window, groups: 1 }, &[x, w]).unwrap();
        let cut = graph.node("cut", Op::Relu, &[sum]).unwrap();
        let turned = graph.node("turned", Op::Transpose { perm: vec![0, 1, 3, 2] }, &[cut]).unwrap();
        let root = graph.node("root", Op::Unary { kind: UnaryKind::Exp }, &[turned]).unwrap();
        let most = graph.node("most", Op::Binary { kind: BinaryKind::Max }, &[root, cut]).unwrap();
        let y = graph.node("y", Op::Binary { kind: BinaryKind::Mul }, &[most, x]).unwrap();
        graph.outputs = vec![y];
        let rounded = values(&graph);
        let rounds = [x, sum, cut, turned, root, most, y].map(|id| rounded[id.0 as usize]);
        assert_eq!(rounds, [true, false, true, false, false, true, true]);
        assert_eq!(in_float(&graph).into_iter().collect::<Vec<_>>(), [3, 4]);
        graph.nodes[3].op = Op::Unary { kind: UnaryKind::Acos };
        assert_eq!(in_float(&graph).into_iter().collect::<Vec<_>>(), [4]);
        for (power, left) in [(3.0, vec![4, 6]), (-1.0, vec![4]), (0.5, vec![4])] {
            let mut graph = graph.clone();
            let power = graph.constant("power", &[], vec![power]).unwrap();
            graph.node("raised", Op::Binary { kind: BinaryKind::Pow }, &[x, power]).unwrap();
            assert_eq!(in_float(&graph).into_iter().collect::<Vec<_>>(), left);
        }
    }
}
