//! Rewrites of a fixed graph for a machine, in one ordered list; the graph is verified after each.
//!
//! They compute the same bytes with other nodes: what the machine cannot do in one, or does better in several.

mod narrow;
mod separate_ports;

use super::FixedGraph;
use crate::error::{Error, Result};
use tilewright_arch::Config;

/// A rewrite.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What it is called by `inspect`.
    pub name: &'static str,
    run: fn(&FixedGraph, &Config) -> FixedGraph,
}

/// All of them, in order.
pub const PASSES: [Pass; 2] = [
    Pass { name: "separate ports", run: separate_ports::separate_ports },
    Pass { name: "narrow", run: narrow::narrow },
];

/// The graph after each pass, in order.
///
/// # Errors
/// A graph that a pass made wrong, which is a defect; it names the pass.
pub fn each(graph: &FixedGraph, config: &Config) -> Result<Vec<(Pass, FixedGraph)>> {
    let mut after: Vec<(Pass, FixedGraph)> = Vec::with_capacity(PASSES.len());
    for pass in PASSES {
        let before = after.last().map_or(graph, |(_, before)| before);
        let made = (pass.run)(before, config);
        made.verify().map_err(|e| Error::defect(pass.name, e))?;
        after.push((pass, made));
    }
    Ok(after)
}

/// The graph after all passes.
///
/// # Errors
/// As [`each`].
pub fn run(graph: &FixedGraph, config: &Config) -> Result<FixedGraph> {
    Ok(each(graph, config)?.pop().map_or_else(|| graph.clone(), |(_, last)| last))
}

/// What every pass makes of a graph, as text.
///
/// # Errors
/// As [`each`].
pub fn print(graph: &FixedGraph, config: &Config) -> Result<String> {
    let after = each(graph, config)?;
    let before = std::iter::once(graph).chain(after.iter().map(|(_, graph)| graph));
    let one = |((pass, after), before): (&(Pass, FixedGraph), &FixedGraph)| match after == before {
        true => format!("after {}: unchanged\n", pass.name),
        false => format!("after {}:\n{after}", pass.name),
    };
    Ok(after.iter().zip(before).map(one).collect())
}
