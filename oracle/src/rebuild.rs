//! Graphs made of other graphs.

use std::collections::{BTreeMap, BTreeSet};

use tilewright_compiler::graph::{BinaryKind, Graph, Node, Op, UnaryKind, ValueId};

/// What `outputs` depend on, as a graph of its own with the same inputs.
///
/// # Panics
/// When the graph does not hold what [`Graph::verify`] says.
pub fn part(graph: &Graph, outputs: &[ValueId]) -> Graph {
    rebuilt(graph, outputs, |part, node, inputs| apply(part, graph, node, inputs))
}

/// The graph with x * sigmoid(x) in place of Swish, which ONNX has from opset 24 on: what a model says
/// that was written without it.
///
/// # Panics
/// As [`part`].
pub fn without_swish(graph: &Graph) -> Graph {
    rebuilt(graph, &graph.outputs, |part, node, inputs| {
        if node.op != (Op::Unary { kind: UnaryKind::Swish }) {
            return apply(part, graph, node, inputs);
        }
        let gate = part.node("gate", Op::Unary { kind: UnaryKind::Sigmoid }, inputs);
        let gate = gate.expect("sigmoid takes what swish takes");
        let product = part.node(&node.name, Op::Binary { kind: BinaryKind::Mul }, &[inputs[0], gate]);
        product.expect("both have one shape")
    })
}

/// A node's operator on values of another graph.
fn apply(part: &mut Graph, graph: &Graph, node: &Node, inputs: &[ValueId]) -> ValueId {
    let made = match node.op {
        Op::Reshape => part.reshape(&node.name, inputs[0], graph.shape(node.outputs[0])),
        _ => part.node(&node.name, node.op.clone(), inputs),
    };
    made.expect("a valid graph's nodes are valid")
}

fn rebuilt(
    graph: &Graph,
    outputs: &[ValueId],
    mut apply: impl FnMut(&mut Graph, &Node, &[ValueId]) -> ValueId,
) -> Graph {
    let mut needed: BTreeSet<ValueId> = outputs.iter().copied().collect();
    for node in graph.nodes.iter().rev() {
        if needed.contains(&node.outputs[0]) {
            needed.extend(&node.inputs);
        }
    }
    let mut part = Graph::new(&graph.name);
    let mut own: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for &id in &graph.inputs {
        let input = part.input(&graph.value(id).name, graph.shape(id));
        own.insert(id, input.expect("a valid graph's inputs are valid"));
    }
    for id in (0..graph.values.len() as u32).map(ValueId).filter(|id| needed.contains(id)) {
        if let Some(data) = graph.constant_data(id) {
            let constant = part.constant(&graph.value(id).name, graph.shape(id), data.to_vec());
            own.insert(id, constant.expect("a valid graph's constants are valid"));
        }
    }
    for node in graph.nodes.iter().filter(|n| needed.contains(&n.outputs[0])) {
        let inputs: Vec<ValueId> = node.inputs.iter().map(|id| own[id]).collect();
        let output = apply(&mut part, node, &inputs);
        own.insert(node.outputs[0], output);
    }
    part.outputs = outputs.iter().map(|id| own[id]).collect();
    part
}
