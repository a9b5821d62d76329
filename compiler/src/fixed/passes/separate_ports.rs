//! Copies of operands that lie where the input does.

use crate::fixed::{FixedGraph, FixedNode, Placement, Reduction, Tensor, TensorId, View};
use crate::graph::Window;
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, Half, Post};

/// A node whose operand is also its input would read one page twice in a cycle: it gets a copy.
pub(super) fn separate_ports(graph: &FixedGraph, _: &Config) -> FixedGraph {
    let mut out = FixedGraph { nodes: vec![], ..graph.clone() };
    for node in &graph.nodes {
        let mut node = node.clone();
        if let Some(operand) = &mut node.operand
            && operand.view.tensor == node.input.tensor
        {
            let copy = TensorId::nth(out.tensors.len());
            let from = operand.view;
            // Repeated elements need not be copied again and again.
            let shape = [0, 1, 2].map(|i| if from.step[i] == 0 { 1 } else { from.shape[i] });
            let tensor = Tensor { shape, wide: false, ..out.tensor(from.tensor).clone() };
            out.nodes.push(FixedNode {
                name: node.name.clone(),
                operator: "copy".into(),
                input: View { shape, ..from },
                wide: false,
                window: Window::UNIT,
                reduction: Reduction::Sum,
                // (x - zero) * 2^23 / 2^(7 + FRACTION) + zero = x
                channels: vec![Channel {
                    bias: -i32::from(tensor.zero),
                    mantissa: 1 << 23,
                    negative_mantissa: 1 << 23,
                    shift: 7,
                    half: Half::None,
                }],
                operand: None,
                post: Post { zero: tensor.zero, ..Post::default() },
                table: None,
                output: View::whole(copy, shape),
                place: Placement::plain([0, 0, shape[1], shape[2]]),
            });
            out.tensors.push(tensor);
            let step = [0, 1, 2].map(|i| from.step[i].min(1));
            operand.view = View { shape: from.shape, step, ..View::whole(copy, shape) };
        }
        out.nodes.push(node);
    }
    out
}
