//! Graphs made of other graphs.

use tilewright_compiler::graph::part::{apply, rebuilt};
use tilewright_compiler::graph::{BinaryKind, Graph, Op, UnaryKind};

/// The graph with x * sigmoid(x) in place of Swish, which ONNX has from opset 24 on: what a model says
/// that was written without it.
///
/// # Panics
/// When the graph does not hold what [`Graph::verify`] says.
pub fn without_swish(graph: &Graph) -> Graph {
    rebuilt(graph, &graph.inputs, &graph.outputs, |part, node, inputs| {
        if node.op != (Op::Unary { kind: UnaryKind::Swish }) {
            return apply(part, graph, node, inputs);
        }
        let gate = part.node("gate", Op::Unary { kind: UnaryKind::Sigmoid }, inputs);
        let gate = gate.expect("sigmoid takes what swish takes");
        let product = part.node(&node.name, Op::Binary { kind: BinaryKind::Mul }, &[inputs[0], gate]);
        product.expect("both have one shape")
    })
}
