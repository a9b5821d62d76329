//! What follows an operator of the host, and is the host's too.

use super::Planner;
use crate::graph::{Node, Op};
use crate::quantise::select::kernel::{Refusal, refuse};

const BEHIND: &str = "it is a function of what the host computes, which is rounded once, behind it";

impl Planner<'_> {
    /// Refuses a function of a value of the host that nothing else reads. On the machine that would be rounded twice, and
    /// its range would be that of what the function cuts off.
    pub(super) fn takes_from_host(&self, node: &Node) -> Result<(), Refusal> {
        let function = match node.op {
            Op::Relu | Op::Clip { .. } | Op::LeakyRelu { .. } | Op::Unary { .. } => true,
            Op::PRelu => self.graph.constant_data(node.inputs[1]).is_some(),
            _ => false,
        };
        // A quantised model says itself what is rounded.
        if !function || !self.annotations.is_empty() {
            return Ok(());
        }
        let x = node.inputs[0].0 as usize;
        match self.real[x].is_some() && self.held[x].is_none() && self.use_counts[x] == 1 {
            true => refuse(BEHIND, None),
            false => Ok(()),
        }
    }
}
