//! Folds a Pad with constant zeros into the window of the Conv or AveragePool that reads it, and one with
//! minus infinity, or the lowest float32, into those of all MaxPools.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, PadMode, ValueId, Window, infer};

/// No greater than this is minus infinity: the lowest float32, as exporters write it with six digits.
const LOWEST: f32 = -3.402_82e38;

/// The pass. The Pad stays where anything else reads it too, for that alone.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Conv { .. } | Op::AveragePool { .. } | Op::MaxPool { .. } => replace(r, node),
        _ => Ok(None),
    })
}

fn replace(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let mut inputs = r.inputs(node)?;
    let mut op = node.op.clone();
    let mut old = node.inputs[0];
    // Of minus infinity no range of 8 bits leaves anything: better padded twice.
    let always = matches!(op, Op::MaxPool { .. });
    while let (true, Some((wider, x))) = (always || r.read_once(old), absorb(&r.new, &op, &inputs)) {
        // A pad in front of this one is read by it alone, or stays.
        old = r.old.producer(old).map_or(old, |(_, pad)| pad.inputs[0]);
        (op, inputs[0]) = (wider, x);
    }
    match op == node.op {
        true => Ok(None),
        false => r.new.node(node.name.clone(), op, &inputs).map(Some),
    }
}

/// The operator with the Pad that makes its first input in its window, and what the Pad reads.
fn absorb(graph: &Graph, op: &Op, inputs: &[ValueId]) -> Option<(Op, ValueId)> {
    let (_, pad) = graph.producer(inputs[0])?;
    let Op::Pad { before, after, mode: PadMode::Constant(value) } = &pad.op else {
        return None;
    };
    if before[..2] != [0, 0] || after[..2] != [0, 0] {
        return None;
    }
    let extra = [before[2], before[3], after[2], after[3]];
    let wider = |w: &Window| {
        let pads = std::array::from_fn(|i| w.pads[i] + extra[i]);
        Window { pads, ..w.clone() }
    };
    let op = match op {
        Op::Conv { window, groups } if *value == 0.0 => Op::Conv { window: wider(window), groups: *groups },
        // Explicit zeros count in the mean; padding of the pool's own must then count as well.
        Op::AveragePool { window, count_include_pad }
            if *value == 0.0 && (*count_include_pad || window.pads == [0; 4]) =>
        {
            Op::AveragePool { window: wider(window), count_include_pad: true }
        }
        Op::MaxPool { window } if *value <= LOWEST => Op::MaxPool { window: wider(window) },
        _ => return None,
    };
    // A window that would lie wholly in the padding is no window of a pool.
    let mut shapes: Vec<&[usize]> = inputs.iter().map(|&id| graph.shape(id)).collect();
    shapes[0] = graph.shape(pad.inputs[0]);
    infer(&op, &shapes, None).ok()?;
    Some((op, pad.inputs[0]))
}
