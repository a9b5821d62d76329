//! Folds BatchNormalization into the Conv or Gemm before it; where there is none that feeds it alone, a
//! depthwise 1x1 Conv does the same.

use super::matrix::CANONICAL;
use super::rewrite::{Rewrite, rewrite};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Op, ValueId, Window};

/// The pass. Parameters that are not constants leave the node as it is.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::BatchNormalization { epsilon } => replace(r, node, epsilon),
        _ => Ok(None),
    })
}

/// y = factor * x + offset per channel.
pub(super) struct Affine {
    pub factor: Vec<f64>,
    pub offset: Vec<f64>,
}

fn affine(graph: &Graph, inputs: &[ValueId], epsilon: f32) -> Option<Affine> {
    let parameters = inputs[1..].iter().map(|&id| graph.constant_data(id));
    let parameters: Vec<&[f32]> = parameters.collect::<Option<_>>()?;
    let [scale, bias, mean, variance] = parameters[..] else {
        unreachable!("the rule of BatchNormalization checked the count");
    };
    let factor: Vec<f64> = scale
        .iter()
        .zip(variance)
        .map(|(&s, &v)| f64::from(s) / (f64::from(v) + f64::from(epsilon)).sqrt())
        .collect();
    let offset = bias.iter().zip(mean).zip(&factor);
    let offset = offset.map(|((&b, &m), f)| f64::from(b) - f64::from(m) * f).collect();
    Some(Affine { factor, offset })
}

fn replace(r: &mut Rewrite, node: &Node, epsilon: f32) -> Result<Option<ValueId>> {
    let inputs = r.inputs(node)?;
    let Some(affine) = affine(&r.new, &inputs, epsilon) else {
        return Ok(None);
    };
    let finite = |v: &f64| v.is_finite();
    if !affine.factor.iter().all(finite) || !affine.offset.iter().all(finite) {
        return Err(Error::new("simplify", "a variance plus epsilon is not positive"));
    }
    let x = inputs[0];
    if r.read_once(node.inputs[0])
        && let Some(y) = fold(&mut r.new, x, &affine)?
    {
        return Ok(Some(y));
    }
    depthwise(&mut r.new, node, x, &affine).map(Some)
}

/// The Conv or Gemm that makes `x`, with its weights scaled; `None` if something else makes `x`.
pub(super) fn fold(graph: &mut Graph, x: ValueId, affine: &Affine) -> Result<Option<ValueId>> {
    let Some((_, maker)) = graph.producer(x) else {
        return Ok(None);
    };
    let maker = maker.clone();
    if !matches!(maker.op, Op::Conv { .. }) && maker.op != CANONICAL {
        return Ok(None);
    }
    let (a, w) = (maker.inputs[0], maker.inputs[1]);
    let Some(weights) = graph.constant_data(w) else {
        return Ok(None);
    };
    let outputs = affine.factor.len();
    let old_bias = match maker.inputs.get(2).map(|&b| graph.constant_data(b)) {
        None => vec![0.0; outputs],
        Some(Some(bias)) => bias.to_vec(),
        Some(None) => return Ok(None),
    };
    // Both keep the weights of one output together: (O, ...) and (N, K).
    let per_output = weights.len() / outputs;
    let rows = weights.chunks_exact(per_output).zip(&affine.factor);
    let scaled = rows.flat_map(|(row, f)| row.iter().map(move |&w| (f64::from(w) * f) as f32));
    let scaled: Vec<f32> = scaled.collect();
    let bias = old_bias.iter().zip(&affine.factor).zip(&affine.offset);
    let bias: Vec<f32> = bias.map(|((&b, f), o)| (f64::from(b) * f + o) as f32).collect();
    let shape = graph.shape(w).to_vec();
    let label = graph.value(w).name.clone();
    let bias_label = match maker.inputs.get(2) {
        Some(&b) => graph.value(b).name.clone(),
        None => format!("{}.bias", maker.name),
    };
    let w = graph.constant(label, &shape, scaled)?;
    let b = graph.constant(bias_label, &[outputs], bias)?;
    graph.node(maker.name, maker.op, &[a, w, b]).map(Some)
}

/// The same as a depthwise 1x1 Conv, through an image of the right rank if need be.
pub(super) fn depthwise(graph: &mut Graph, node: &Node, x: ValueId, affine: &Affine) -> Result<ValueId> {
    let name = &node.name;
    let shape = graph.shape(x).to_vec();
    let channels = shape[1];
    let narrow = |v: &[f64]| v.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let factor = narrow(&affine.factor);
    let w = graph.constant(format!("{name}.factor"), &[channels, 1, 1, 1], factor)?;
    let offset = narrow(&affine.offset);
    let b = graph.constant(format!("{name}.offset"), &[channels], offset)?;
    let image = match shape.len() {
        4 => x,
        _ => {
            let rest = shape[2..].iter().product();
            graph.reshape(name.clone(), x, &[shape[0], channels, rest, 1])?
        }
    };
    let op = Op::Conv { window: Window::UNIT, groups: channels };
    let y = graph.node(name.clone(), op, &[image, w, b])?;
    match shape.len() {
        4 => Ok(y),
        _ => graph.reshape(name.clone(), y, &shape),
    }
}
