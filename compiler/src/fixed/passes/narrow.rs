//! Cuts tensors by channels whose rows alone fill feature memory.
//!
//! A node that works channel by channel (a depthwise convolution, a pool) on a large tensor that only
//! it reads can as well work on parts of it, one after the other; then so can the node that makes
//! the tensor. An output that nothing reads is made in pieces.

use crate::fixed::{FixedGraph, FixedNode, Reduction, Tensor, TensorId, View};
use std::ops::Range;
use tilewright_arch::Config;

/// Share of feature memory that the rows which a node needs at a time may take: one of these parts.
const ROOM: usize = 2;

/// The same network with tensors cut where that is needed and possible.
pub(super) fn narrow(graph: &FixedGraph, config: &Config) -> FixedGraph {
    let mut out = graph.clone();
    let mut index = 0;
    while index < out.nodes.len() {
        if let Some(count) = parts(&out, index, config) {
            index = cut(&mut out, index, count);
        } else if let Some(count) = pieces(&out, index, config) {
            index = cut_output(&mut out, index, count);
        }
        index += 1;
    }
    out
}

/// Into how many parts of equal size the input of a node is to be cut.
fn parts(graph: &FixedGraph, index: usize, config: &Config) -> Option<usize> {
    let node = &graph.nodes[index];
    let id = node.input.tensor;
    let tensor = graph.tensor(id);
    let [channels, rows, columns] = tensor.shape;
    let reach = node.window.covers(0).min(rows);
    let [outputs, _, width] = graph.grid(node);
    let bytes = reach * channels * columns + outputs * width;
    let count = (bytes * ROOM).div_ceil(config.feature_bytes());
    if count < 2 || !by_channel(graph, node) || !node.input.is_whole(tensor) {
        return None;
    }
    let count = (count..=channels).find(|n| channels.is_multiple_of(*n))?;
    let outside = graph.inputs.iter().chain(&graph.outputs).any(|(t, _)| *t == id)
        || graph.constants.iter().any(|(t, _)| *t == id);
    let alone = graph.nodes.iter().filter(|n| n.reads().any(|v| v.tensor == id)).count() == 1;
    let mut writers = graph.nodes.iter().filter(|n| n.output.tensor == id);
    let (Some(writer), None) = (writers.next(), writers.next()) else { return None };
    let plain = |n: &FixedNode| n.place.depth_to_space.0 == 1;
    let fits = divides(graph, writer) && plain(writer) && plain(node) && writer.output.is_whole(tensor);
    (alone && !outside && fits && node.operand.is_none()).then_some(count)
}

/// Into how many parts of equal size the output of a node is to be cut.
fn pieces(graph: &FixedGraph, index: usize, config: &Config) -> Option<usize> {
    let node = &graph.nodes[index];
    let id = node.output.tensor;
    let tensor = graph.tensor(id);
    let [channels, _, columns] = tensor.shape;
    let count = (channels * columns * ROOM).div_ceil(config.feature_bytes());
    if count < 2 || !node.output.is_whole(tensor) || node.place.depth_to_space.0 != 1 {
        return None;
    }
    let count = (count..=channels).find(|n| channels.is_multiple_of(*n))?;
    let read = graph.nodes.iter().any(|n| n.reads().any(|v| v.tensor == id));
    let writers = graph.nodes.iter().filter(|n| n.output.tensor == id).count();
    let wanted = graph.outputs.iter().filter(|(t, _)| *t == id).count();
    (!read && writers == 1 && wanted == 1 && divides(graph, node)).then_some(count)
}

/// Whether the output channels of a node can be made one after the other.
fn divides(graph: &FixedGraph, node: &FixedNode) -> bool {
    match &node.reduction {
        Reduction::Conv { groups, .. } => *groups == 1 || by_channel(graph, node),
        Reduction::Product { .. } => false,
        Reduction::Sum | Reduction::Max => true,
    }
}

/// Cuts the output of node `index`; returns the number of the last of the nodes that take its place.
fn cut_output(graph: &mut FixedGraph, index: usize, parts: usize) -> usize {
    let node = graph.nodes[index].clone();
    let whole = graph.tensor(node.output.tensor).clone();
    let count = whole.shape[0] / parts;
    let shape = [count, whole.shape[1], whole.shape[2]];
    let mut nodes = vec![];
    for part in 0..parts {
        let tensor = Tensor { shape, ..whole.clone() };
        let id = if part == 0 { node.output.tensor } else { TensorId::nth(graph.tensors.len()) };
        if part == 0 {
            graph.tensors[id.0 as usize] = tensor;
        } else {
            graph.tensors.push(tensor);
            graph.pieces.push((node.output.tensor, id));
        }
        let part = slice(&node, part * count..(part + 1) * count, by_channel_of(&node));
        nodes.push(FixedNode { output: View::whole(id, shape), ..part });
    }
    graph.nodes.splice(index..=index, nodes);
    index + parts - 1
}

/// Whether output channel c depends on input channel c alone.
fn by_channel(graph: &FixedGraph, node: &FixedNode) -> bool {
    let channels = node.input.shape[0];
    match &node.reduction {
        Reduction::Conv { groups, .. } => *groups == channels && graph.grid(node)[0] == channels,
        Reduction::Product { .. } => false,
        Reduction::Sum | Reduction::Max => true,
    }
}

/// Cuts the input of node `index`; returns the number of the last of the nodes that take its place.
fn cut(graph: &mut FixedGraph, index: usize, parts: usize) -> usize {
    let node = graph.nodes[index].clone();
    let whole = graph.tensor(node.input.tensor).clone();
    let writes = |n: &FixedNode| n.output.tensor == node.input.tensor;
    let maker = graph.nodes.iter().position(writes).expect("just looked");
    let writer = graph.nodes[maker].clone();
    let count = whole.shape[0] / parts;
    let shape = [count, whole.shape[1], whole.shape[2]];
    let (mut makers, mut readers) = (vec![], vec![]);
    for part in 0..parts {
        let channels = part * count..(part + 1) * count;
        // The first part keeps the number, so that none is left without a tensor.
        let id = if part == 0 { node.input.tensor } else { TensorId::nth(graph.tensors.len()) };
        let tensor = Tensor { shape, ..whole.clone() };
        match part {
            0 => graph.tensors[id.0 as usize] = tensor,
            _ => graph.tensors.push(tensor),
        }
        let view = View::whole(id, shape);
        let own = by_channel_of(&writer);
        makers.push(FixedNode { output: view, ..slice(&writer, channels.clone(), own) });
        let output = node.output.slice(0, channels.start, count);
        readers.push(FixedNode { input: view, output, ..slice(&node, channels, true) });
    }
    graph.nodes.splice(index..=index, readers);
    graph.nodes.splice(maker..=maker, makers);
    index + 2 * (parts - 1)
}

/// Whether a writer that [`parts`] accepted reads the channels that it writes, rather than all.
fn by_channel_of(writer: &FixedNode) -> bool {
    !matches!(writer.reduction, Reduction::Conv { groups: 1, .. })
}

/// The part of a node that makes some output channels, from the same input channels if `own`.
fn slice(node: &FixedNode, channels: Range<usize>, own: bool) -> FixedNode {
    let mut part = node.clone();
    if own {
        part.input = node.input.slice(0, channels.start, channels.len());
    }
    if let Reduction::Conv { weights, groups } = &node.reduction {
        let inputs = node.input.shape[0] / groups;
        let terms = inputs * node.window.kernel[0] * node.window.kernel[1];
        let weights = weights[channels.start * terms..channels.end * terms].to_vec();
        part.reduction = Reduction::Conv { weights, groups: if own { channels.len() } else { *groups } };
    }
    if node.channels.len() > 1 {
        part.channels = node.channels[channels.clone()].to_vec();
    }
    if let Some(operand) = &mut part.operand {
        operand.view = operand.view.slice(0, channels.start, channels.len());
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Placement;
    use crate::graph::Window;
    use crate::reference;
    use tilewright_arch::fixed::{Channel, Half, Post};

    /// A pointwise and a depthwise convolution on a machine of next to no memory.
    #[test]
    fn parts_compute_the_same() {
        let tensor = |shape| Tensor::bytes("", shape, 1.0, 3);
        let channel = |c: usize| Channel {
            bias: c as i32,
            mantissa: 10 << 20,
            negative_mantissa: 9 << 18,
            shift: 10,
            half: Half::None,
        };
        let node = |input: u32, inputs, reduction, kernel: usize| FixedNode {
            name: "n".into(),
            operator: "test".into(),
            input: View::whole(TensorId(input), [inputs, 4, 5]),
            wide: false,
            window: Window { kernel: [kernel, kernel], pads: [kernel / 2; 4], ..Window::UNIT },
            reduction,
            channels: (0..6).map(channel).collect(),
            operand: None,
            post: Post { zero: -5, lo: -128, hi: 127 },
            table: None,
            output: View::whole(TensorId(input + 1), [6, 4, 5]),
            place: Placement::plain([0, 0, 4, 5]),
        };
        let weights = |n: usize| (0..n).map(|i| (i * 37 % 255) as i8 / 2).collect();
        let graph = FixedGraph {
            tensors: vec![tensor([3, 4, 5]), tensor([6, 4, 5]), tensor([6, 4, 5])],
            nodes: vec![
                node(0, 3, Reduction::Conv { weights: weights(18), groups: 1 }, 1),
                node(1, 6, Reduction::Conv { weights: weights(54), groups: 6 }, 3),
            ],
            inputs: vec![(TensorId(0), vec![1, 3, 4, 5])],
            outputs: vec![(TensorId(2), vec![1, 6, 4, 5])],
            ..FixedGraph::default()
        };
        graph.verify().unwrap();
        let mut config = Config::sized(4, 4);
        (config.feature.pages, config.feature.page_rows) = (4, 8);
        let narrowed = narrow(&graph, &config);
        narrowed.verify().unwrap();
        assert!(narrowed.nodes.len() >= 4, "{narrowed}");
        let inputs = vec![(0..60).map(|i| (i * 53 % 256) as u8 as i8).collect::<Vec<i8>>()];
        let got = reference::run(&narrowed, &inputs);
        let mut output = got[2].clone();
        narrowed.pieces.iter().for_each(|(_, piece)| output.extend(&got[piece.0 as usize]));
        assert_eq!(output, reference::run(&graph, &inputs)[2]);
        assert_eq!(narrow(&graph, &Config::sized(9, 16)), graph);
    }
}
