//! Parts of graphs as graphs of their own.

use super::{Graph, Node, Op, ValueId};
use std::collections::{BTreeMap, BTreeSet};

/// What `outputs` depend on, as a graph of its own with the same inputs.
///
/// # Panics
/// When the graph does not hold what [`Graph::verify`] says.
pub fn part(graph: &Graph, outputs: &[ValueId]) -> Graph {
    between(graph, &graph.inputs, outputs)
}

/// What lies between `inputs` and `outputs`. Values of `inputs` that nodes make become inputs of real numbers
/// under the names of those nodes.
///
/// # Panics
/// When `outputs` depend on an input of the graph that `inputs` does not cut off, and as [`part`].
pub fn between(graph: &Graph, inputs: &[ValueId], outputs: &[ValueId]) -> Graph {
    rebuilt(graph, inputs, outputs, |part, node, inputs| apply(part, graph, node, inputs))
}

/// A node of `graph` on values of another one.
///
/// # Panics
/// When the values are not of the shapes that the node's own have.
pub fn apply(part: &mut Graph, graph: &Graph, node: &Node, inputs: &[ValueId]) -> ValueId {
    let made = match node.op {
        Op::Reshape => part.reshape(&node.name, inputs[0], graph.shape(node.outputs[0])),
        _ => part.node(&node.name, node.op.clone(), inputs),
    };
    made.expect("a valid graph's nodes are valid")
}

/// [`between`], with what `apply` makes of each node on values of the new graph.
///
/// # Panics
/// As [`between`].
pub fn rebuilt(
    graph: &Graph,
    inputs: &[ValueId],
    outputs: &[ValueId],
    mut apply: impl FnMut(&mut Graph, &Node, &[ValueId]) -> ValueId,
) -> Graph {
    let made = |node: &Node, needed: &BTreeSet<ValueId>| {
        needed.contains(&node.outputs[0]) && !inputs.contains(&node.outputs[0])
    };
    let mut needed: BTreeSet<ValueId> = outputs.iter().copied().collect();
    for node in graph.nodes.iter().rev() {
        if made(node, &needed) {
            needed.extend(&node.inputs);
        }
    }
    let mut part = Graph::new(&graph.name);
    let mut own: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for &id in inputs {
        let value = graph.value(id);
        let name = graph.producer(id).map_or(&value.name, |(_, node)| &node.name);
        let input = part.typed_input(name, &value.shape, value.integer);
        own.insert(id, input.expect("a valid graph's values are valid inputs"));
    }
    for id in (0..graph.values.len() as u32).map(ValueId).filter(|id| needed.contains(id)) {
        if let Some(data) = graph.constant_data(id) {
            let constant = part.constant(&graph.value(id).name, graph.shape(id), data.to_vec());
            own.insert(id, constant.expect("a valid graph's constants are valid"));
        }
    }
    for node in graph.nodes.iter().filter(|node| made(node, &needed)) {
        let inputs: Vec<ValueId> = node.inputs.iter().map(|id| own[id]).collect();
        let output = apply(&mut part, node, &inputs);
        own.insert(node.outputs[0], output);
    }
    part.outputs = outputs.iter().map(|id| own[id]).collect();
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float;
    use crate::graph::random;
    use ndarray::{ArrayD, IxDyn};

    /// Cut anywhere, the part makes of the values at the cut what the whole makes of its inputs.
    #[test]
    fn a_part_computes_what_the_whole_does() {
        for seed in 0..50 {
            let graph = random::graph_of_all_operators(seed);
            let mut random = tilewright_random::Random::new(seed);
            let mut input = |id: &ValueId| {
                let shape = graph.shape(*id);
                ArrayD::from_shape_vec(IxDyn(shape), random.floats(shape.iter().product())).unwrap()
            };
            let inputs: Vec<_> = graph.inputs.iter().map(&mut input).collect();
            let values = float::run_all(&graph, &inputs).unwrap();
            for node in &graph.nodes {
                let cut: BTreeSet<ValueId> =
                    node.inputs.iter().copied().filter(|&id| graph.constant_data(id).is_none()).collect();
                let cut: Vec<ValueId> = cut.into_iter().collect();
                let part = between(&graph, &cut, &node.outputs);
                part.verify().unwrap();
                assert_eq!(part.nodes.len(), 1);
                let given: Vec<_> = cut.iter().map(|id| values[id.0 as usize].clone()).collect();
                let made = float::run(&part, &given).unwrap();
                let want = &values[node.outputs[0].0 as usize];
                assert!(made[0].iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits()), "{seed}");
            }
        }
    }
}
