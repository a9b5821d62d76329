//! The float reference: runs a graph in float32, the yardstick of everything fixed-point.
//!
//! Convolutions are im2col and a matrix product, so that whole calibration sets run in seconds.
//! A graph is compiled for the batch size it has (usually 1); inputs may hold any multiple of it and
//! are run piece by piece, in parallel. Results do not depend on the number of threads.

mod activation;
mod batch_norm;
mod conv;
mod conv_transpose;
mod finite;
mod gemm;
pub mod math;
mod matrix;
mod moves;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod resize;
mod shape;
mod softmax;
mod top;
mod unary;

#[cfg(test)]
mod tests;

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, concatenate};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::graph::{Graph, Op, Source, ValueId};
use tilewright_arch::fixed::power_of_two;

pub use finite::first_not_finite;
#[cfg(feature = "quantise")]
pub(crate) use gemm::product;
pub(crate) use resize::{
    coordinate as resize_place, cubic, taps_at as resize_taps_at, taps_by_axis as resize_taps,
};
pub(crate) use unary::unary;

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("float", message))
}

/// Runs the graph and returns its outputs in order.
///
/// `inputs[i]` has the shape of graph input `i`, or that shape with a batch (axis 0) any multiple as
/// large; the outputs then have a batch as many times as large.
///
/// # Errors
/// Inputs of another number or shape; a graph that [`Graph::verify`] refuses.
pub fn run(graph: &Graph, inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
    batched(graph, inputs, &graph.outputs)
}

/// Runs the graph and returns every value, indexed by [`ValueId`], constants and inputs included.
///
/// Inputs as in [`run`]. With a multiple batch every value that depends on an input grows likewise;
/// constants stay as they are.
///
/// # Errors
/// As [`run`].
pub fn run_all(graph: &Graph, inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>> {
    let ids: Vec<ValueId> = (0..graph.values.len() as u32).map(ValueId).collect();
    batched(graph, inputs, &ids)
}

/// Runs the graph and returns some values, in order; others are dropped after their last use.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_some(
    graph: &Graph,
    inputs: &[ArrayD<f32>],
    wanted: &[ValueId],
) -> Result<Vec<ArrayD<f32>>> {
    batched(graph, inputs, wanted)
}

/// The outputs when some values are replaced: `replace` sees every input and every result, given what went
/// before it, and returns what stands in its place, or nothing. Inputs are of the graph's own batch. Values are
/// dropped after their last use.
///
/// # Errors
/// As [`run`].
pub(crate) fn replaced(graph: &Graph, inputs: &[ArrayD<f32>], replace: &Replace) -> Result<Vec<ArrayD<f32>>> {
    graph.verify()?;
    if pieces(graph, inputs).map_err(|e| e.file(&graph.name))? != 1 {
        return refuse("inputs of several batches").map_err(|e: Error| e.file(&graph.name));
    }
    let views: Vec<_> = inputs.iter().map(|x| x.view()).collect();
    run_once(graph, &views, &graph.outputs, replace)
}

/// What stands in the place of a value, if anything does.
pub(crate) type Replace<'a> = dyn Fn(ValueId, &ArrayViewD<f32>) -> Option<ArrayD<f32>> + 'a;

/// The outputs when some values are replaced: `replace` sees every input and every result, given
/// what went before it, and returns what stands in its place, or nothing. `values` are those of
/// [`run_all`] for inputs of the graph's own batch; only what depends on a replaced value is computed.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "quantise")]
pub(crate) fn rerun(graph: &Graph, values: &[ArrayD<f32>], replace: &Replace) -> Result<Vec<ArrayD<f32>>> {
    let mut changed: Vec<Option<ArrayD<f32>>> = vec![None; graph.values.len()];
    for &id in &graph.inputs {
        changed[id.0 as usize] = replace(id, &values[id.0 as usize].view());
    }
    for node in &graph.nodes {
        let out = node.outputs[0].0 as usize;
        let own = |id: &ValueId| changed[id.0 as usize].as_ref().unwrap_or(&values[id.0 as usize]).view();
        changed[out] = if node.inputs.iter().any(|id| changed[id.0 as usize].is_some()) {
            let views: Vec<_> = node.inputs.iter().map(own).collect();
            let y = evaluate(&node.op, &views, graph.shape(node.outputs[0]))
                .map_err(|e| e.file(&graph.name).node(&node.name).operator(node.op.name()))?;
            Some(replace(node.outputs[0], &y.view()).unwrap_or(y))
        } else {
            replace(node.outputs[0], &values[out].view())
        };
    }
    let take = |id: &ValueId| changed[id.0 as usize].take().unwrap_or_else(|| values[id.0 as usize].clone());
    Ok(graph.outputs.iter().map(take).collect())
}

/// Applies an operator to constants of `graph`, giving `shape`; `None` if an input is no constant.
pub(crate) fn fold(
    graph: &Graph,
    op: &Op,
    inputs: &[ValueId],
    shape: &[usize],
) -> Option<Result<ArrayD<f32>>> {
    let views = inputs.iter().map(|&id| constant_view(graph, id));
    let views: Vec<_> = views.collect::<Option<_>>()?;
    Some(evaluate(op, &views, shape))
}

/// What one operator makes of `inputs`; `shape` is the result's.
///
/// # Errors
/// An operator that the float reference refuses.
pub(crate) fn apply(op: &Op, inputs: &[ArrayD<f32>], shape: &[usize]) -> Result<ArrayD<f32>> {
    let views: Vec<_> = inputs.iter().map(|x| x.view()).collect();
    evaluate(op, &views, shape)
}

/// IEEE 754 binary16 to binary32, exactly.
pub(crate) fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 31);
    let fraction = f32::from(bits & 1023);
    match exponent {
        0 => sign * fraction * power_of_two(-24) as f32,
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * power_of_two(exponent - 25) as f32,
    }
}

fn batched(graph: &Graph, inputs: &[ArrayD<f32>], wanted: &[ValueId]) -> Result<Vec<ArrayD<f32>>> {
    graph.verify()?;
    let pieces = pieces(graph, inputs).map_err(|e| e.file(&graph.name))?;
    if pieces == 1 {
        let views: Vec<_> = inputs.iter().map(|x| x.view()).collect();
        return run_once(graph, &views, wanted, &|_, _| None);
    }
    let varies = varies(graph);
    let piece = |p: usize| -> Result<Vec<ArrayD<f32>>> {
        let cut = |x: &'_ ArrayD<f32>| -> ArrayD<f32> {
            let batch = x.shape()[0] / pieces;
            x.slice_axis(Axis(0), (p * batch..(p + 1) * batch).into()).to_owned()
        };
        let cuts: Vec<ArrayD<f32>> = inputs.iter().map(cut).collect();
        let views: Vec<_> = cuts.iter().map(|x| x.view()).collect();
        run_once(graph, &views, wanted, &|_, _| None)
    };
    let mut results: Vec<Vec<ArrayD<f32>>> = (0..pieces).into_par_iter().map(piece).collect::<Result<_>>()?;
    let mut joined = Vec::with_capacity(wanted.len());
    for &id in wanted.iter().rev() {
        let parts: Vec<ArrayD<f32>> = results.iter_mut().filter_map(Vec::pop).collect();
        joined.push(if !varies[id.0 as usize] {
            parts.into_iter().next().expect("there are at least two pieces")
        } else if graph.shape(id).is_empty() {
            return refuse(format!("{id} is a scalar: run one batch at a time"));
        } else {
            let views: Vec<_> = parts.iter().map(|x| x.view()).collect();
            concatenate(Axis(0), &views).expect("pieces of one value have one shape")
        });
    }
    joined.reverse();
    Ok(joined)
}

/// Into how many batches of the graph's own size the inputs divide.
fn pieces(graph: &Graph, inputs: &[ArrayD<f32>]) -> Result<usize> {
    if inputs.len() != graph.inputs.len() {
        return refuse(format!("{} inputs are given, the graph has {}", inputs.len(), graph.inputs.len()));
    }
    let mut pieces = None;
    for (x, &id) in inputs.iter().zip(&graph.inputs) {
        let (given, own) = (x.shape(), graph.shape(id));
        let fits = given.len() == own.len()
            && (given == own || given[1..] == own[1..] && given[0] > 0 && given[0].is_multiple_of(own[0]));
        let times = if own.is_empty() || !fits { 1 } else { given[0] / own[0] };
        if !fits || pieces.is_some_and(|p| p != times) {
            return refuse(format!(
                "input {:?} has shape {given:?}, the graph wants {own:?} or a multiple batch, \
                 the same for all inputs",
                graph.value(id).name
            ));
        }
        pieces = Some(times);
    }
    Ok(pieces.unwrap_or(1))
}

/// Which values depend on an input.
fn varies(graph: &Graph) -> Vec<bool> {
    let mut varies: Vec<bool> = graph.values.iter().map(|v| matches!(v.source, Source::Input(_))).collect();
    for node in &graph.nodes {
        let any = node.inputs.iter().any(|id| varies[id.0 as usize]);
        for id in &node.outputs {
            varies[id.0 as usize] = any;
        }
    }
    varies
}

fn constant_view(graph: &Graph, id: ValueId) -> Option<ArrayViewD<'_, f32>> {
    let data = graph.constant_data(id)?;
    ArrayViewD::from_shape(IxDyn(graph.shape(id)), data).ok()
}

/// One batch of the graph's own size; a value is dropped after its last use unless wanted.
fn run_once(
    graph: &Graph,
    inputs: &[ArrayViewD<f32>],
    wanted: &[ValueId],
    replace: &Replace,
) -> Result<Vec<ArrayD<f32>>> {
    let mut computed: Vec<Option<ArrayD<f32>>> = vec![None; graph.values.len()];
    let mut reads = vec![0usize; graph.values.len()];
    for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain(wanted) {
        reads[id.0 as usize] += 1;
    }
    for (input, &id) in inputs.iter().zip(&graph.inputs) {
        computed[id.0 as usize] = replace(id, input);
    }
    for node in &graph.nodes {
        let view = |id: &ValueId| match &graph.value(*id).source {
            Source::Input(n) => computed[id.0 as usize].as_ref().map_or(inputs[*n].view(), |x| x.view()),
            Source::Constant(_) => constant_view(graph, *id).expect("verified constants fit"),
            Source::Node { .. } => computed[id.0 as usize]
                .as_ref()
                .expect("verified nodes read values made before and not yet dropped")
                .view(),
        };
        let views: Vec<_> = node.inputs.iter().map(view).collect();
        let shape = graph.shape(node.outputs[0]);
        let y = evaluate(&node.op, &views, shape)
            .map_err(|e| e.file(&graph.name).node(&node.name).operator(node.op.name()))?;
        debug_assert_eq!(y.shape(), shape, "{} {}", node.name, node.op.name());
        let y = replace(node.outputs[0], &y.view()).unwrap_or(y);
        computed[node.outputs[0].0 as usize] = (reads[node.outputs[0].0 as usize] > 0).then_some(y);
        for id in &node.inputs {
            let left = &mut reads[id.0 as usize];
            *left -= 1;
            if *left == 0 {
                computed[id.0 as usize] = None;
            }
        }
    }
    let take = |id: &ValueId| {
        let left = &mut reads[id.0 as usize];
        *left -= 1;
        let made = &mut computed[id.0 as usize];
        let made = if *left == 0 { made.take() } else { made.clone() };
        made.unwrap_or_else(|| match &graph.value(*id).source {
            Source::Input(n) => inputs[*n].to_owned(),
            Source::Constant(_) => constant_view(graph, *id).expect("verified constants fit").to_owned(),
            Source::Node { .. } => unreachable!("wanted values are never dropped"),
        })
    };
    Ok(wanted.iter().map(take).collect())
}

/// The one table of operators. The inputs' shapes have passed the operator's rule.
fn evaluate(op: &Op, x: &[ArrayViewD<f32>], shape: &[usize]) -> Result<ArrayD<f32>> {
    Ok(match op {
        Op::Conv { window, groups } => conv::conv(x, window, *groups, shape),
        Op::BatchNormalization { epsilon } => batch_norm::batch_normalization(x, *epsilon),
        Op::Relu => x[0].mapv(|v| v.max(0.0)),
        Op::Clip { min, max } => x[0].mapv(|v| v.clamp(*min, *max)),
        Op::LeakyRelu { alpha } => activation::leaky_relu(&x[0], *alpha),
        Op::PRelu => activation::prelu(&x[0], &x[1]),
        Op::MaxPool { window } => pool::max_pool(&x[0], window, shape),
        Op::AveragePool { window, count_include_pad } => {
            pool::average_pool(&x[0], window, *count_include_pad, shape)
        }
        Op::GlobalAveragePool => pool::global_average_pool(&x[0], shape),
        Op::Add => activation::add(&x[0], &x[1], shape),
        Op::Concat { axis } => concatenate(Axis(*axis), x).expect("the rule of Concat checked the shapes"),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            matrix::gemm(x, [*alpha, *beta], [*trans_a, *trans_b], shape)
        }
        Op::MatMul => matrix::matmul(&x[0], &x[1], shape),
        Op::Flatten { .. } | Op::Reshape => shape::reshape(&x[0], shape),
        Op::Transpose { perm } => shape::transpose(&x[0], perm),
        Op::DepthToSpace { block, mode } => shape::depth_to_space(&x[0], *block, *mode),
        Op::Softmax { axis } => softmax::softmax(&x[0], *axis),
        Op::LogSoftmax { axis } => reduce::log_softmax(&x[0], *axis),
        Op::Unary { kind } => x[0].mapv(|v| unary::unary(*kind, v)),
        Op::Binary { kind } => activation::binary(*kind, &x[0], &x[1], shape),
        Op::Where => activation::choose(x, shape),
        Op::TopK { axis, largest, indices, .. } => top::top(&x[0], *axis, *largest, *indices, shape),
        Op::GatherElements { axis } => moves::gather_elements(&x[0], &x[1], *axis),
        Op::Described(op) => (op.descriptor.value)(op, x, shape),
        Op::Reduce { kind, axes, .. } => reduce::reduce(&x[0], *kind, axes, shape),
        Op::ConvTranspose { window, groups, .. } => conv_transpose::conv_transpose(x, window, *groups, shape),
        Op::Pad { before, after, mode } => moves::pad(&x[0], before, after, *mode, shape),
        Op::Slice { starts, steps, extents } => moves::slice(&x[0], starts, steps, extents),
        Op::Gather { axis, indices, .. } => moves::gather(&x[0], *axis, indices, shape),
        Op::Expand { shape } => moves::expand(&x[0], shape),
        Op::Resize(r) => resize::resize(&x[0], r),
        Op::SpaceToDepth { block } => moves::space_to_depth(&x[0], *block, shape),
        Op::LayerNormalization { axis, epsilon } => reduce::layer_normalization(x, *axis, *epsilon),
        Op::InstanceNormalization { epsilon } => reduce::instance_normalization(x, *epsilon),
        Op::Recurrent(r) => recurrent::recurrent(x, r, shape),
        Op::QuantizeLinear { integer, axis } => quantize::quantize(x, *integer, *axis),
        Op::DequantizeLinear { axis, .. } => quantize::dequantize(x, *axis),
    })
}
