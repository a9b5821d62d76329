//! Where an output has channels: numbers of a kind, such as coordinates or scores, which a tensor's one scale may drown
//! beside those of another kind.

use super::parts::{Parts, parts};
use crate::graph::{Graph, Node, Op, ValueId};

/// What an output is judged by beside the whole of it.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    /// The axes along which there are channels.
    pub(super) axes: Vec<usize>,
    /// What was joined.
    pub(super) parts: Parts,
}

/// The groups of an output whose numbers are of a kind: its channels and the parts that a Concat has joined.
pub fn groups(graph: &Graph, output: ValueId) -> Groups {
    Groups { axes: channels(graph, output), parts: parts(graph, output) }
}

/// The axes of an output along which there are channels, without the batch: of images (N, C, H, W) the second one, and
/// what became of it where they were turned or cut behind the last operator on images; of lists of boxes or steps each
/// of the last two.
fn channels(graph: &Graph, output: ValueId) -> Vec<usize> {
    let rank = graph.shape(output).len();
    if rank <= 3 {
        return (1..rank).collect();
    }
    let mut moves: Vec<(&Node, ValueId)> = Vec::new();
    let mut at = output;
    while let Some((_, node)) = graph.producer(at) {
        let Some(from) = node.inputs.iter().copied().find(|&id| graph.constant_data(id).is_none()) else {
            break;
        };
        match node.op {
            Op::Transpose { .. } | Op::Reshape | Op::Flatten { .. } => moves.push((node, from)),
            _ if passes(&node.op) && graph.shape(from).len() == graph.shape(at).len() => {}
            _ => break,
        }
        at = from;
    }
    let mut axes = vec![1];
    if graph.shape(at).len() < 4 {
        // What was no image before may have been anything.
        return axes;
    }
    for (node, from) in moves.into_iter().rev() {
        let (old, new) = (graph.shape(from), graph.shape(node.outputs[0]));
        axes = match &node.op {
            Op::Transpose { perm } => (0..perm.len()).filter(|&i| axes.contains(&perm[i])).collect(),
            _ => (0..new.len())
                .filter(|&i| axes.iter().any(|&axis| lies_within((new, i), (old, axis))))
                .collect(),
        };
    }
    axes.retain(|&axis| axis > 0);
    axes
}

/// Operators whose result has the axes of what they read.
pub(super) fn passes(op: &Op) -> bool {
    matches!(
        op,
        Op::Relu
            | Op::Clip { .. }
            | Op::LeakyRelu { .. }
            | Op::Unary { .. }
            | Op::Binary { .. }
            | Op::Add
            | Op::Softmax { .. }
            | Op::Concat { .. }
            | Op::Slice { .. }
            | Op::QuantizeLinear { .. }
            | Op::DequantizeLinear { .. }
    )
}

/// Whether axis `i` of what a reshape made is (part of) axis `axis` of what it read.
fn lies_within((new, i): (&[usize], usize), (old, axis): (&[usize], usize)) -> bool {
    let before = |shape: &[usize], axis: usize| shape[..axis].iter().product::<usize>();
    let (first, last) = (before(old, axis), before(old, axis + 1));
    new[i] > 1 && before(new, i) >= first && before(new, i + 1) <= last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::UnaryKind;

    #[test]
    fn channels_are_followed_where_images_are_turned_and_cut() {
        let mut graph = Graph::new("t");
        let x = graph.input("x", &[1, 6, 4, 5]).unwrap();
        let images = graph.node("a", Op::Unary { kind: UnaryKind::Sigmoid }, &[x]).unwrap();
        assert_eq!(channels(&graph, images), [1]);
        let last = graph.node("b", Op::Transpose { perm: vec![0, 2, 3, 1] }, &[images]).unwrap();
        assert_eq!(channels(&graph, last), [3]);
        let list = graph.reshape("c", last, &[1, 20, 6]).unwrap();
        assert_eq!(channels(&graph, list), [1, 2]);
        // Three anchors with two numbers each.
        let anchors = graph.reshape("d", images, &[1, 3, 2, 4, 5]).unwrap();
        assert_eq!(channels(&graph, anchors), [1, 2]);
        let turned = graph.node("e", Op::Transpose { perm: vec![0, 1, 3, 4, 2] }, &[anchors]).unwrap();
        assert_eq!(channels(&graph, turned), [1, 4]);
        let list = graph.input("y", &[1, 24]).unwrap();
        let made = graph.reshape("g", list, &[1, 2, 3, 4]).unwrap();
        assert_eq!(channels(&graph, made), [1]);
        let batch = graph.node("f", Op::Transpose { perm: vec![1, 0, 2, 3] }, &[images]).unwrap();
        assert_eq!(channels(&graph, batch), [0usize; 0]);
    }
}
