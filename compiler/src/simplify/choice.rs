//! Choices by a constant condition: what is chosen of each side is multiplied by one, the rest by zero, and both are
//! added, which the machine does. A condition that is the same throughout chooses one side.
//!
//! Zero times an infinity is none of the chosen numbers: where a computed side may have one that is not chosen (the
//! logarithm that a mask keeps from its zeros), the choice stays as it is, for the host.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Node, Op, Source, ValueId};

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    let finite = finite(&graph);
    rewrite(graph, |r, node| match node.op {
        Op::Where => replace(r, node, &finite),
        _ => Ok(None),
    })
}

fn replace(r: &mut Rewrite, node: &Node, finite: &[bool]) -> Result<Option<ValueId>> {
    let [condition, sides @ ..] = &node.inputs[..] else { return Ok(None) };
    let Some(condition_data) = r.old.constant_data(*condition) else { return Ok(None) };
    let chosen: Vec<bool> = condition_data.iter().map(|&c| c != 0.0).collect();
    let shape = r.old.shape(node.outputs[0]).to_vec();
    if let Some(&first) = chosen.first()
        && chosen.iter().all(|&c| c == first)
    {
        let side = r.get(sides[usize::from(!first)])?;
        return match r.new.shape(side) == shape {
            true => Ok(Some(side)),
            false => r.new.node(node.name.clone(), Op::Expand { shape }, &[side]).map(Some),
        };
    }
    if !sides.iter().all(|id| finite[id.0 as usize]) {
        return Ok(None);
    }
    let extents = r.old.shape(*condition).to_vec();
    let mut parts = Vec::new();
    for (&side, yes) in sides.iter().zip([true, false]) {
        let mask = chosen.iter().map(|&c| f32::from(u8::from(c == yes))).collect();
        let mask = r.new.constant("", &extents, mask)?;
        let x = r.get(side)?;
        parts.push(r.new.node(node.name.clone(), Op::Binary { kind: BinaryKind::Mul }, &[x, mask])?);
    }
    r.new.node(node.name.clone(), Op::Add, &parts).map(Some)
}

/// Whether the elements of each value are finite where those of others are that it has nothing to do with: what is mixed
/// with all others, as in a sum, leaves nothing to choose.
fn finite(graph: &Graph) -> Vec<bool> {
    let mut finite: Vec<bool> = graph
        .values
        .iter()
        .map(|value| match &value.source {
            Source::Constant(data) => data.iter().all(|x| x.is_finite()),
            _ => true,
        })
        .collect();
    for node in &graph.nodes {
        let inputs = || node.inputs.iter().all(|id| finite[id.0 as usize]);
        let all = match &node.op {
            Op::Unary { kind } => kind.is_total() && inputs(),
            Op::Binary { kind: BinaryKind::Div | BinaryKind::Mod } => {
                let divisor = graph.constant_data(node.inputs[1]);
                divisor.is_some_and(|data| data.iter().all(|x| *x != 0.0)) && inputs()
            }
            Op::Binary { kind: BinaryKind::Pow } => {
                let exponent = graph.constant_data(node.inputs[1]);
                exponent.is_some_and(|data| data.iter().all(|x| *x >= 0.0 && x.fract() == 0.0)) && inputs()
            }
            // Elements by themselves, and where they go.
            Op::Binary { .. }
            | Op::Add
            | Op::Relu
            | Op::Clip { .. }
            | Op::LeakyRelu { .. }
            | Op::PRelu
            | Op::Where
            | Op::Concat { .. }
            | Op::Pad { .. } => inputs(),
            op if op.rearranges() => inputs(),
            _ => true,
        };
        node.outputs.iter().for_each(|id| finite[id.0 as usize] = all);
    }
    finite
}
