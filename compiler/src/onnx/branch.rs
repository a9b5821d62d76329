//! `If` with a condition that is known: the nodes of one of its branches.

use std::collections::HashSet;

use prost::Message;

use super::call::Call;
use super::proto::{GraphProto, NodeProto};
use crate::error::Result;

/// Branches within branches, at most.
pub(super) const DEPTH: usize = 16;

/// If.
pub(super) fn branch(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    let condition = call.constant(0).map_err(|e| e.attribute("cond"))?;
    if condition.len() != 1 {
        return call.refuse("cond", format!("has {} elements, must be one truth value", condition.len()));
    }
    let graphs = [call.graph("then_branch")?, call.graph("else_branch")?];
    let [yes, no] = graphs;
    call.read_branch(if condition.number(0) != 0.0 { yes } else { no })
}

/// A branch whose own names have `prefix` in front, so that they are nobody else's.
pub(super) fn renamed(mut graph: GraphProto, prefix: &str) -> GraphProto {
    let made = graph.node.iter().flat_map(|n| &n.output);
    let own: HashSet<String> = graph.initializer.iter().map(|t| &t.name).chain(made).cloned().collect();
    let rename = |name: &mut String| {
        if !name.is_empty() && own.contains(name.as_str()) {
            *name = format!("{prefix}/{name}");
        }
    };
    graph.initializer.iter_mut().for_each(|t| rename(&mut t.name));
    graph.output.iter_mut().for_each(|o| rename(&mut o.name));
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
        within(node, &own, prefix, 0);
    }
    graph
}

/// Renames what the branches of a node read of the names in `own`.
fn within(node: &mut NodeProto, own: &HashSet<String>, prefix: &str, depth: usize) {
    for bytes in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
        let Ok(mut graph) = GraphProto::decode(bytes.as_slice()) else { continue };
        let read = graph.node.iter_mut().flat_map(|n| &mut n.input);
        for name in read.chain(graph.output.iter_mut().map(|o| &mut o.name)) {
            if own.contains(name.as_str()) {
                *name = format!("{prefix}/{name}");
            }
        }
        if depth < DEPTH {
            graph.node.iter_mut().for_each(|node| within(node, own, prefix, depth + 1));
        }
        *bytes = graph.encode_to_vec();
    }
}

/// All names that a node reads, those that its branches capture included.
pub(super) fn reads(node: &NodeProto) -> Vec<String> {
    let mut names = node.input.clone();
    let mut graphs: Vec<(usize, Vec<u8>)> =
        node.attribute.iter().filter_map(|a| Some((0, a.g.clone()?))).collect();
    while let Some((depth, bytes)) = graphs.pop() {
        let Ok(graph) = GraphProto::decode(bytes.as_slice()) else { continue };
        names.extend(graph.output.iter().map(|o| o.name.clone()));
        for inner in graph.node {
            names.extend(inner.input);
            if depth < DEPTH {
                graphs.extend(inner.attribute.into_iter().filter_map(|a| Some((depth + 1, a.g?))));
            }
        }
    }
    names
}
