//! Softmax.

use ndarray::{ArrayD, ArrayViewD, Axis};

use super::math::exp;

/// exp(x - max) / sum along an axis.
pub(super) fn softmax(x: &ArrayViewD<f32>, axis: usize) -> ArrayD<f32> {
    let mut y = x.to_owned();
    for mut lane in y.lanes_mut(Axis(axis)) {
        let most = lane.fold(f32::NEG_INFINITY, |m, &v| m.max(v));
        lane.mapv_inplace(|v| exp(f64::from(v - most)) as f32);
        let sum: f64 = lane.iter().map(|&v| f64::from(v)).sum();
        lane.mapv_inplace(|v| (f64::from(v) / sum) as f32);
    }
    y
}
