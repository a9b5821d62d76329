//! Brings arithmetic with constants to one form. x - c becomes x + (-c) and x / c becomes x * (1 / c);
//! a factor that is constant within each channel is folded into the Conv or Gemm that feeds it alone, and
//! for images is a depthwise 1x1 Conv elsewhere. c - x is one too, with c as its bias.

use super::batch_norm::{Affine, depthwise, fold};
use super::bias::per_channel;
use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Node, Op, ValueId};

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Binary { kind } => replace(r, node, kind),
        _ => Ok(None),
    })
}

fn replace(r: &mut Rewrite, node: &Node, kind: BinaryKind) -> Result<Option<ValueId>> {
    let inputs = r.inputs(node)?;
    let [a, b] = inputs[..] else {
        return Ok(None);
    };
    let data = |id| r.new.constant_data(id).map(<[f32]>::to_vec);
    let (x, old_x, c, data, first) = match (data(a), data(b)) {
        (None, Some(data)) => (a, node.inputs[0], b, data, false),
        (Some(data), None) => (b, node.inputs[1], a, data, true),
        _ => return Ok(None),
    };
    let label = r.new.value(c).name.clone();
    let c_shape = r.new.shape(c).to_vec();
    let changed = |r: &mut Rewrite, op: Op, f: fn(f32) -> f32| {
        let c = r.new.constant(label.clone(), &c_shape, data.iter().map(|&v| f(v)).collect())?;
        r.new.node(node.name.clone(), op, &[x, c]).map(Some)
    };
    let wide = |v: &f32| f64::from(*v);
    let (factor, offset): (Vec<f64>, Vec<f64>) = match (kind, first) {
        (BinaryKind::Sub, false) => return changed(r, Op::Add, |v| -v),
        (BinaryKind::Sub, true) => (vec![-1.0], data.iter().map(wide).collect()),
        (BinaryKind::Mul, _) => (data.iter().map(wide).collect(), vec![0.0]),
        (BinaryKind::Div, false) if data.iter().all(|v| v.is_normal() && (1.0 / v).is_normal()) => {
            (data.iter().map(|v| 1.0 / f64::from(*v)).collect(), vec![0.0])
        }
        _ => return Ok(None),
    };
    let shape = r.new.shape(x).to_vec();
    let result = r.old.shape(node.outputs[0]).to_vec();
    if shape.len() < 2 || shape != result || !per_channel(&c_shape, &shape) {
        return match kind {
            BinaryKind::Div => changed(r, Op::Binary { kind: BinaryKind::Mul }, |v| 1.0 / v),
            _ => Ok(None),
        };
    }
    let channels = shape[1];
    let each = |v: Vec<f64>| (0..channels).map(|c| v[if v.len() == 1 { 0 } else { c }]).collect();
    let affine = Affine { factor: each(factor), offset: each(offset) };
    if r.read_once(old_x)
        && let Some(y) = fold(&mut r.new, x, &affine)?
    {
        return Ok(Some(y));
    }
    match shape.len() {
        // Of a batch it would be a convolution, which the machine has of one image alone.
        4 if shape[0] == 1 => depthwise(&mut r.new, node, x, &affine).map(Some),
        _ if kind == BinaryKind::Div => changed(r, Op::Binary { kind: BinaryKind::Mul }, |v| 1.0 / v),
        _ => Ok(None),
    }
}
