//! What 8 bits must not round because the model rounds it to 16: the values in front of and behind its
//! QuantizeLinears of 16 bits, up to where it prescribes bytes.
//!
//! The machine's values of 16 bits have the zero point 0 and end at 32 639, so they are not those of a model. The
//! host computes in float what the model says.

use super::Annotations;
use crate::graph::{Graph, Integer, Op, ValueId};

/// Whether each value of a stripped graph is finer than bytes.
pub(super) fn values(graph: &Graph, annotations: &Annotations) -> Vec<bool> {
    let mut fine = vec![false; graph.values.len()];
    let wide = |op: &Op| {
        matches!(
            op,
            Op::QuantizeLinear { integer: Integer::Int16 | Integer::Uint16, .. }
                | Op::DequantizeLinear { integer: Integer::Int16 | Integer::Uint16, .. }
        )
    };
    let open = |id: &ValueId| graph.constant_data(*id).is_none() && annotations.qparams(*id).is_none();
    // Backwards and forwards until nothing is found any more.
    loop {
        let before = fine.iter().filter(|&&f| f).count();
        for node in graph.nodes.iter().chain(graph.nodes.iter().rev()) {
            let touched = || node.inputs.iter().chain(&node.outputs).any(|id| fine[id.0 as usize]);
            if wide(&node.op) || touched() {
                let around = node.inputs.iter().chain(&node.outputs).filter(|id| open(id));
                around.for_each(|id| fine[id.0 as usize] = true);
            }
        }
        if fine.iter().filter(|&&f| f).count() == before {
            return fine;
        }
    }
}
