//! Batch normalization at inference.

use ndarray::{ArrayD, ArrayViewD, Axis};

/// scale * (x - mean) / sqrt(variance + epsilon) + bias per channel; inputs in ONNX's order.
pub(super) fn batch_normalization(x: &[ArrayViewD<f32>], epsilon: f32) -> ArrayD<f32> {
    let (scale, bias, mean, variance) = (&x[1], &x[2], &x[3], &x[4]);
    let mut y = x[0].to_owned();
    for (channel, mut plane) in y.axis_iter_mut(Axis(1)).enumerate() {
        let factor = scale[[channel]] / (variance[[channel]] + epsilon).sqrt();
        let (mean, bias) = (mean[[channel]], bias[[channel]]);
        plane.mapv_inplace(|v| factor * (v - mean) + bias);
    }
    y
}
