//! Numbers that stand for none: the lowest float32, -1e9 and their like, which models pad and mask with so that no
//! maximum takes them. A range with them would leave nothing of what is taken.
//!
//! A maximum is the same whatever its operands below the least of its results are. So a number that only maxima read, and
//! that is far below all that they give, may be any other one below: it needs no range. The same holds above minima, and
//! where a function is flat.

use crate::graph::{BinaryKind, Graph, Node, Op, ReduceKind, UnaryKind, ValueId};
use ndarray::ArrayD;
use std::collections::{BTreeMap, BTreeSet};

/// A number stands for none if it is so many times larger than all that readers take: a range of 8 bits with it has steps
/// that are larger than these.
const FAR: f32 = 256.0;
/// From here on functions that have a limit are as near to it as float32 tells, less some bits.
const FLAT: f32 = 30.0;

/// Results of comparisons, which say what their operands need.
pub fn results(graph: &Graph) -> BTreeSet<ValueId> {
    graph.nodes.iter().filter(|node| compares(&node.op)).map(|node| node.outputs[0]).collect()
}

fn compares(op: &Op) -> bool {
    matches!(
        op,
        Op::MaxPool { .. }
            | Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. }
            | Op::Binary { kind: BinaryKind::Max | BinaryKind::Min }
    )
}

/// For each value the least and the largest number that its readers tell from those beyond, in one sample that made
/// `results`: infinite where they tell all.
pub fn needs(graph: &Graph, results: &BTreeMap<ValueId, ArrayD<f32>>) -> Vec<[f32; 2]> {
    let none = [f32::INFINITY, f32::NEG_INFINITY];
    let both = |[a, b]: [f32; 2], [c, d]: [f32; 2]| [a.min(c), b.max(d)];
    let mut needs = vec![none; graph.values.len()];
    for id in &graph.outputs {
        needs[id.0 as usize] = ALL;
    }
    for node in graph.nodes.iter().rev() {
        let of_results = node.outputs.iter().map(|id| needs[id.0 as usize]).fold(none, both);
        let result = results.get(&node.outputs[0]).filter(|_| compares(&node.op));
        let seen = result.map_or(ALL, |y| y.iter().fold(none, |a, &x| both(a, [x; 2])));
        let own = need(node, of_results, seen);
        for id in &node.inputs {
            let need = &mut needs[id.0 as usize];
            *need = both(*need, own);
        }
    }
    needs
}

const ALL: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// What a node needs of what it reads, of which its readers need from `low` to `high` and which was `seen`.
fn need(node: &Node, [low, high]: [f32; 2], seen: [f32; 2]) -> [f32; 2] {
    match node.op {
        Op::MaxPool { .. }
        | Op::Reduce { kind: ReduceKind::Max, .. }
        | Op::Binary { kind: BinaryKind::Max } => [low.max(seen[0]), high],
        Op::Reduce { kind: ReduceKind::Min, .. } | Op::Binary { kind: BinaryKind::Min } => {
            [low, high.min(seen[1])]
        }
        Op::Relu => [low.max(0.0), high],
        Op::Clip { min, max } => [low.max(min), high.min(max)],
        Op::Unary { kind: UnaryKind::Neg } => [-high, -low],
        Op::Unary { kind: UnaryKind::Sigmoid | UnaryKind::Tanh | UnaryKind::Erf } => [-FLAT, FLAT],
        Op::Unary {
            kind:
                UnaryKind::Exp
                | UnaryKind::Softplus
                | UnaryKind::Swish
                | UnaryKind::Mish
                | UnaryKind::Gelu
                | UnaryKind::GeluTanh,
        } => [-FLAT, f32::INFINITY],
        Op::Concat { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::Reshape
        | Op::Flatten { .. }
        | Op::Transpose { .. }
        | Op::Expand { .. } => [low, high],
        _ => ALL,
    }
}

/// Puts what needs no range at the ends of what its readers need.
pub fn cut(elements: &mut [f32], [low, high]: [f32; 2]) {
    if low == f32::NEG_INFINITY && high == f32::INFINITY || low > high {
        return;
    }
    let needed = elements.iter().filter(|x| (low..=high).contains(*x));
    let most = needed.fold(0f32, |most, x| most.max(x.abs()));
    // Numbers that readers need, and the ends where they do not need all beyond.
    let ends = [low, high].into_iter().filter(|end| end.is_finite());
    let far = FAR * ends.fold(most, |most, end| most.max(end.abs()));
    for x in elements.iter_mut().filter(|x| x.abs() > far) {
        *x = x.clamp(low, high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{PadMode, Window};
    use ndarray::IxDyn;

    /// What is padded below a maximum needs no range, and what another reader takes as it is does.
    #[test]
    fn numbers_that_no_maximum_takes_need_no_range() {
        let mut graph = Graph::new("t");
        let x = graph.input("x", &[1, 1, 2, 2]).unwrap();
        let (before, after) = (vec![0, 0, 1, 1], vec![0, 0, 1, 1]);
        let pad = Op::Pad { before, after, mode: PadMode::Constant(f32::MIN) };
        let padded = graph.node("pad", pad, &[x]).unwrap();
        let joined = graph.node("join", Op::Concat { axis: 1 }, &[padded, padded]).unwrap();
        let window = Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [0; 4] };
        let pooled = graph.node("pool", Op::MaxPool { window }, &[joined]).unwrap();
        graph.outputs = vec![pooled];
        let result = ArrayD::from_elem(IxDyn(graph.shape(pooled)), 0.5);
        let seen = BTreeMap::from([(pooled, result)]);
        let need = needs(&graph, &seen)[padded.0 as usize];
        assert_eq!(need, [0.5, f32::INFINITY]);
        let mut elements = [f32::MIN, 0.25, 0.5, 1.0];
        cut(&mut elements, need);
        assert_eq!(elements, [0.5, 0.25, 0.5, 1.0]);
        graph.outputs.push(padded);
        let need = needs(&graph, &seen)[padded.0 as usize];
        let mut elements = [f32::MIN, 0.25];
        cut(&mut elements, need);
        assert_eq!(elements, [f32::MIN, 0.25]);
    }
}
