//! Drops nodes that no graph output depends on, and constants that no node reads.

use super::rewrite::{live_uses, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Source};

/// The pass. Graph inputs stay even when they are never read: they are the interface.
pub(super) fn run(mut graph: Graph) -> Result<Graph> {
    let uses = live_uses(&graph);
    let live = |id: &crate::graph::ValueId| uses[id.0 as usize] > 0;
    graph.nodes.retain(|node| node.outputs.iter().any(live));
    // The nodes left over have new numbers; values of the dropped ones are read by nobody, so the
    // copy below, which also renumbers the values, never looks at them.
    for (index, node) in graph.nodes.iter().enumerate() {
        for (output, id) in node.outputs.iter().enumerate() {
            graph.values[id.0 as usize].source = Source::Node { node: index, output };
        }
    }
    rewrite(graph, |_, _| Ok(None))
}
