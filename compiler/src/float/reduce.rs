//! Reductions and the normalisations made of them, summed in float64.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::math::{exp, log};
use crate::graph::ReduceKind;

/// Combines the elements along `axes`.
pub(super) fn reduce(x: &ArrayViewD<f32>, kind: ReduceKind, axes: &[usize], shape: &[usize]) -> ArrayD<f32> {
    let kept: Vec<usize> = (0..x.ndim()).filter(|i| !axes.contains(i)).collect();
    let order = [kept, axes.to_vec()].concat();
    let count: usize = axes.iter().map(|&a| x.shape()[a]).product();
    let elements: Vec<f64> = x.view().permuted_axes(IxDyn(&order)).iter().map(|&v| f64::from(v)).collect();
    let data = elements.chunks_exact(count).map(|part| combine(kind, part) as f32).collect();
    ArrayD::from_shape_vec(IxDyn(shape), data).expect("the rule of the reduction gave the shape")
}

fn combine(kind: ReduceKind, part: &[f64]) -> f64 {
    let sum = |f: fn(f64) -> f64| part.iter().map(|&v| f(v)).sum::<f64>();
    let most = || part.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match kind {
        ReduceKind::Mean => sum(|v| v) / part.len() as f64,
        ReduceKind::Sum => sum(|v| v),
        ReduceKind::Prod => part.iter().product(),
        ReduceKind::Max => most(),
        ReduceKind::Min => part.iter().copied().fold(f64::INFINITY, f64::min),
        ReduceKind::L1 => sum(f64::abs),
        ReduceKind::L2 => sum(|v| v * v).sqrt(),
        ReduceKind::LogSum => log(sum(|v| v)),
        ReduceKind::LogSumExp => {
            let most = most();
            most + log(part.iter().map(|v| exp(v - most)).sum::<f64>())
        }
        ReduceKind::SumSquare => sum(|v| v * v),
        ReduceKind::ArgMax => first(part, |a, b| a > b),
        ReduceKind::ArgMin => first(part, |a, b| a < b),
    }
}

/// Index of the first element that beats those before it and is beaten by none.
fn first(part: &[f64], beats: fn(f64, f64) -> bool) -> f64 {
    (1..part.len()).fold(0, |best, i| if beats(part[i], part[best]) { i } else { best }) as f64
}

/// Logarithm of the softmax along an axis.
pub(super) fn log_softmax(x: &ArrayViewD<f32>, axis: usize) -> ArrayD<f32> {
    let mut y = x.to_owned();
    for mut lane in y.lanes_mut(ndarray::Axis(axis)) {
        let part: Vec<f64> = lane.iter().map(|&v| f64::from(v)).collect();
        let log = combine(ReduceKind::LogSumExp, &part);
        lane.mapv_inplace(|v| (f64::from(v) - log) as f32);
    }
    y
}

/// (x - mean) / sqrt(variance + epsilon) over each run of `count` elements.
fn normalise(x: &ArrayViewD<f32>, count: usize, epsilon: f32) -> Vec<f64> {
    let mut elements: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    for part in elements.chunks_exact_mut(count) {
        let mean = part.iter().sum::<f64>() / count as f64;
        let variance = part.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count as f64;
        let factor = 1.0 / (variance + f64::from(epsilon)).sqrt();
        part.iter_mut().for_each(|v| *v = (*v - mean) * factor);
    }
    elements
}

/// Inputs: x, scale, bias, both of the shape that x has from `axis` on.
pub(super) fn layer_normalization(x: &[ArrayViewD<f32>], axis: usize, epsilon: f32) -> ArrayD<f32> {
    let count = x[1].len();
    debug_assert_eq!(count, x[0].shape()[axis..].iter().product::<usize>());
    let scale: Vec<f32> = x[1].iter().copied().collect();
    let bias: Vec<f32> = x[2].iter().copied().collect();
    let rows = normalise(&x[0], count, epsilon);
    let one = |(i, v): (usize, f64)| (v * f64::from(scale[i % count]) + f64::from(bias[i % count])) as f32;
    let data = rows.into_iter().enumerate().map(one).collect();
    ArrayD::from_shape_vec(x[0].raw_dim(), data).expect("the shape stays")
}

/// Inputs: x, scale (C), bias (C).
pub(super) fn instance_normalization(x: &[ArrayViewD<f32>], epsilon: f32) -> ArrayD<f32> {
    let count: usize = x[0].shape()[2..].iter().product();
    let channels = x[1].len();
    let planes = normalise(&x[0], count, epsilon);
    let one = |(i, v): (usize, f64)| {
        let c = i / count % channels;
        (v * f64::from(x[1][[c]]) + f64::from(x[2][[c]])) as f32
    };
    let data = planes.into_iter().enumerate().map(one).collect();
    ArrayD::from_shape_vec(x[0].raw_dim(), data).expect("the shape stays")
}
