//! Folds the addition of a constant per channel into the bias of the Conv or Gemm before it.

use super::matrix::CANONICAL;
use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, ValueId};

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Add => replace(r, node),
        _ => Ok(None),
    })
}

fn replace(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let inputs = r.inputs(node)?;
    for (x, c) in [(0, 1), (1, 0)] {
        let constant = r.new.constant_data(inputs[c]).is_some();
        if constant
            && r.read_once(node.inputs[x])
            && let Some(y) = fold(&mut r.new, inputs[x], inputs[c])?
        {
            return Ok(Some(y));
        }
    }
    Ok(None)
}

fn fold(graph: &mut Graph, x: ValueId, c: ValueId) -> Result<Option<ValueId>> {
    let Some((_, maker)) = graph.producer(x) else {
        return Ok(None);
    };
    let maker = maker.clone();
    let known = matches!(maker.op, Op::Conv { .. }) || maker.op == CANONICAL;
    let shape = graph.shape(x);
    let Some(addend) = per_channel(graph.shape(c), shape).then(|| graph.constant_data(c)) else {
        return Ok(None);
    };
    let (true, Some(addend)) = (known, addend) else {
        return Ok(None);
    };
    let outputs = shape[1];
    let mut bias = match maker.inputs.get(2).map(|&b| graph.constant_data(b)) {
        None => vec![0.0; outputs],
        // The bias of a canonical Gemm is a constant vector, but a computed one may be left.
        Some(Some(bias)) if bias.len() == outputs => bias.to_vec(),
        Some(_) => return Ok(None),
    };
    for (o, b) in bias.iter_mut().enumerate() {
        *b += addend[if addend.len() == 1 { 0 } else { o }];
    }
    let label = graph.value(c).name.clone();
    let b = graph.constant(label, &[outputs], bias)?;
    let inputs = [maker.inputs[0], maker.inputs[1], b];
    graph.node(maker.name, maker.op, &inputs).map(Some)
}

/// Whether a shape broadcasts to `x` along every axis but the channels', without changing it.
pub(super) fn per_channel(c: &[usize], x: &[usize]) -> bool {
    let Some(lead) = x.len().checked_sub(c.len()) else {
        return false;
    };
    c.iter().enumerate().all(|(i, &n)| n == 1 || (i + lead == 1 && n == x[1]))
}
