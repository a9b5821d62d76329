//! Drops operators that change nothing and joins chains of reshapes and of transposes.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, ValueId, Window};

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, replace)
}

fn replace(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let x = r.get(node.inputs[0])?;
    let shape = r.new.shape(x).to_vec();
    let result = r.old.shape(node.outputs[0]).to_vec();
    Ok(match &node.op {
        Op::Transpose { perm } => return transpose(r, node, x, perm),
        Op::Reshape | Op::Flatten { .. } => return reshape(r, node, x, &result),
        Op::Clip { min, max } if *min == f32::NEG_INFINITY && *max == f32::INFINITY => Some(x),
        Op::Concat { .. } if node.inputs.len() == 1 => Some(x),
        Op::DepthToSpace { block: 1, .. } => Some(x),
        Op::MaxPool { window } if *window == Window::UNIT => Some(x),
        Op::AveragePool { window, .. } if *window == Window::UNIT => Some(x),
        Op::GlobalAveragePool if shape == result => Some(x),
        Op::AveragePool { window, .. } if window.kernel == shape[2..] && window.pads == [0; 4] => {
            Some(r.new.node(node.name.clone(), Op::GlobalAveragePool, &[x])?)
        }
        _ => None,
    })
}

/// Only the last shape of a chain of reshapes matters.
fn reshape(r: &mut Rewrite, node: &Node, x: ValueId, shape: &[usize]) -> Result<Option<ValueId>> {
    let first = match r.new.producer(x) {
        Some((_, p)) if matches!(p.op, Op::Reshape | Op::Flatten { .. }) => p.inputs[0],
        _ => x,
    };
    if r.new.shape(first) == shape {
        return Ok(Some(first));
    }
    // A lone Flatten stays one.
    if first == x && !matches!(node.op, Op::Transpose { .. }) {
        return Ok(None);
    }
    r.new.reshape(node.name.clone(), first, shape).map(Some)
}

fn transpose(r: &mut Rewrite, node: &Node, x: ValueId, perm: &[usize]) -> Result<Option<ValueId>> {
    let (first, perm) = match r.new.producer(x) {
        Some((_, p)) => match &p.op {
            Op::Transpose { perm: inner } => {
                let joined: Vec<usize> = perm.iter().map(|&p| inner[p]).collect();
                (p.inputs[0], joined)
            }
            _ => (x, perm.to_vec()),
        },
        None => (x, perm.to_vec()),
    };
    // Moving axes of extent 1 past others leaves the elements where they are.
    let shape = r.new.shape(first);
    let long: Vec<usize> = perm.iter().copied().filter(|&p| shape[p] != 1).collect();
    if long.is_sorted() {
        let result: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
        return reshape(r, node, first, &result);
    }
    if first == x {
        return Ok(None);
    }
    r.new.node(node.name.clone(), Op::Transpose { perm }, &[first]).map(Some)
}
