//! From the fixed graph to a [`Program`]: buffers and order ([`plan`]), instructions and the layout
//! of external memory (`emit`), places of constants ([`memory`]), semaphores ([`hazards`]).
//!
//! A plan is made of groups of nodes: `split` cuts them by an estimate, `flow` orders the stripes of
//! one, `place` finds room for tensors and sends to external memory what finds none.

// Tests make bytes of anything.
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

mod emit;
mod flow;
pub mod hazards;
pub mod memory;
mod narrow;
mod net;
mod pitch;
mod place;
pub mod plan;
mod split;

use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Place, Reduction, Tensor, TensorId, View};
use crate::graph::{DepthToSpaceMode, Window};
use plan::Plan;
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, Half, Post};
use tilewright_arch::program::Program;

/// A program and how it came about.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// The program.
    pub program: Program,
    /// Buffers and order of work.
    pub plan: Plan,
}

/// Compiles a fixed graph for a machine, with the first plan that fits.
///
/// # Errors
/// A machine that is not valid; a node that does not fit it, with what it needs and what to try.
pub fn run(graph: &FixedGraph, config: &Config) -> Result<Schedule> {
    let (graph, mut plans) = prepare(graph, config)?;
    emit::emit(&graph, config, plans.swap_remove(0))
}

/// Compiles a fixed graph with every plan worth trying, one after the other, for the caller to choose by
/// exact timing.
///
/// # Errors
/// As [`run`]; each plan may turn out not to fit by itself.
pub fn candidates(
    graph: &FixedGraph,
    config: &Config,
) -> Result<impl ExactSizeIterator<Item = Result<Schedule>> + use<>> {
    let (graph, plans) = prepare(graph, config)?;
    let config = config.clone();
    Ok(plans.into_iter().map(move |plan| emit::emit(&graph, &config, plan)))
}

fn prepare(graph: &FixedGraph, config: &Config) -> Result<(FixedGraph, Vec<Plan>)> {
    config.validate().map_err(|e| Error::new("schedule", e.to_string()))?;
    let graph = narrow::narrow(&separate_ports(graph), config);
    let plans = plan::candidates(&graph, config)?;
    Ok((graph, plans))
}

/// A node whose operand is also its input would read one page twice in a cycle: it gets a copy.
fn separate_ports(graph: &FixedGraph) -> FixedGraph {
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
                place: Place {
                    region: [0, 0, shape[1], shape[2]],
                    depth_to_space: (1, DepthToSpaceMode::Dcr),
                },
            });
            out.tensors.push(tensor);
            let step = [0, 1, 2].map(|i| from.step[i].min(1));
            operand.view = View { shape: from.shape, step, ..View::whole(copy, shape) };
        }
        out.nodes.push(node);
    }
    out
}
