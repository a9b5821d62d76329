//! Topological order of a model's nodes: the file order wherever that is one.

use std::collections::{BTreeSet, HashMap};

use super::branch::reads;
use super::proto::NodeProto;
use crate::error::{Error, Result};

/// A node's name, made from the operator and its number where the model has none.
pub(super) fn node_name(node: &NodeProto, index: usize) -> String {
    match node.name.as_str() {
        "" => format!("{}_{index}", node.op_type),
        name => name.to_owned(),
    }
}

/// Indices of the nodes, each after the nodes whose results it reads.
///
/// ONNX asks for sorted nodes, ONNX Runtime does not insist, so files in any order exist. A name
/// that nothing makes orders nothing; reading it fails later with a better message.
///
/// # Errors
/// A cycle, naming a node on or behind it.
pub(super) fn order(nodes: &[NodeProto]) -> Result<Vec<usize>> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|n| !n.is_empty()) {
            makers.entry(name).or_insert(index);
        }
    }
    let mut waits = vec![0usize; nodes.len()];
    let mut readers = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for &maker in reads(node).iter().filter_map(|n| makers.get(n.as_str())) {
            waits[index] += 1;
            readers[maker].push(index);
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&n| waits[n] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    match (0..nodes.len()).find(|&n| waits[n] > 0) {
        None => Ok(order),
        Some(stuck) => Err(Error::new("import", "the node waits for its own result: a cycle")
            .node(node_name(&nodes[stuck], stuck))
            .operator(&nodes[stuck].op_type)),
    }
}

/// Which nodes the results `wanted` come of. Others do nothing, whatever they are: exporters leave them behind.
pub(super) fn needed<'a>(nodes: &[NodeProto], wanted: impl Iterator<Item = &'a str>) -> Vec<bool> {
    let mut makers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in &node.output {
            // A name that is made twice is refused where both are read.
            makers.entry(name).or_default().push(index);
        }
    }
    let mut needed = vec![false; nodes.len()];
    let mut names: Vec<String> = wanted.map(str::to_owned).collect();
    while let Some(name) = names.pop() {
        for &index in makers.get(name.as_str()).filter(|_| !name.is_empty()).into_iter().flatten() {
            if !needed[index] {
                needed[index] = true;
                names.extend(reads(&nodes[index]));
            }
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            input: inputs.iter().map(|&s| s.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            ..NodeProto::default()
        }
    }

    #[test]
    fn keeps_file_order_and_sorts_the_rest() {
        let sorted = [node(&["x"], "b"), node(&["x"], "a"), node(&["a", "b"], "c")];
        assert_eq!(order(&sorted).unwrap(), [0, 1, 2]);
        let shuffled = [node(&["a", "a"], "c"), node(&["x"], "a"), node(&[], "b")];
        assert_eq!(order(&shuffled).unwrap(), [1, 0, 2]);
    }

    #[test]
    fn what_no_result_comes_of_is_not_needed() {
        let nodes =
            [node(&["x"], "a"), node(&["a"], "left"), node(&["a", ""], "b"), node(&["left"], "behind")];
        assert_eq!(needed(&nodes, ["b"].into_iter()), [true, false, true, false]);
        let twice = [node(&["x"], "a"), node(&["x"], "a")];
        assert_eq!(needed(&twice, ["a"].into_iter()), [true, true]);
    }

    #[test]
    fn names_a_node_of_a_cycle() {
        let cyclic = [node(&["x"], "a"), node(&["c"], "b"), node(&["b"], "c")];
        let e = order(&cyclic).unwrap_err();
        assert_eq!(e.report().node.as_deref(), Some("b"));
        assert!(order(&[node(&["a"], "a")]).is_err());
    }
}
