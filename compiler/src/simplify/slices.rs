//! Takes functions of quantised values behind the slices that follow them.
//!
//! A quantised model may give each slice of a function's result a scale of its own, and none to the
//! result itself. Computed slice by slice, every result is rounded once, to the scale that is given.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, ValueId};

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Slice { .. } => replace(r, node),
        _ => Ok(None),
    })
}

fn replace(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let whole = node.inputs[0];
    let Some((_, function)) = r.old.producer(whole) else { return Ok(None) };
    let pointwise =
        matches!(function.op, Op::Relu | Op::Clip { .. } | Op::LeakyRelu { .. } | Op::Unary { .. });
    let quantised = |id: ValueId| {
        r.old.producer(id).is_some_and(|(_, maker)| matches!(maker.op, Op::DequantizeLinear { .. }))
    };
    let sliced = |n: usize| matches!(r.old.nodes[n].op, Op::Slice { .. });
    let wanted = r.old.outputs.contains(&whole);
    if !pointwise || !quantised(function.inputs[0]) || wanted || !r.old.users(whole).into_iter().all(sliced) {
        return Ok(None);
    }
    let function = function.clone();
    let x = r.get(function.inputs[0])?;
    let slice = r.new.node(node.name.clone(), node.op.clone(), &[x])?;
    r.new.node(function.name, function.op, &[slice]).map(Some)
}
