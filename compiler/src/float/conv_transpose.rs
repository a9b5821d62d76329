//! Transposed convolution: a matrix product, then each product is added where it belongs.

use ndarray::{ArrayD, ArrayViewD, IxDyn, s};

use super::gemm;
use crate::graph::Window;

/// Inputs: x (N,C,H,W), w (C,O/groups,KH,KW), optional bias (O); `shape` is (N,O,OH,OW).
pub(super) fn conv_transpose(
    x: &[ArrayViewD<f32>],
    window: &Window,
    groups: usize,
    shape: &[usize],
) -> ArrayD<f32> {
    let image = x[0].as_standard_layout();
    let weights = x[1].as_standard_layout();
    let (height, width) = (image.shape()[2], image.shape()[3]);
    let (per_group_in, per_group_out) = (image.shape()[1] / groups, shape[1] / groups);
    let [kernel_y, kernel_x] = window.kernel;
    let rows = per_group_out * kernel_y * kernel_x;
    let weights = weights.to_shape((image.shape()[1], rows)).expect("standard layout reshapes");
    let mut y = ArrayD::<f32>::zeros(IxDyn(shape));
    for n in 0..shape[0] {
        for group in 0..groups {
            let channels = group * per_group_in..(group + 1) * per_group_in;
            let pixels = image.slice(s![n, channels.clone(), .., ..]);
            let pixels = pixels.to_shape((per_group_in, height * width)).expect("planes are contiguous");
            // (O/g * KH * KW, H * W): what each pixel adds through each tap.
            let products = gemm::product(weights.slice(s![channels, ..]).reversed_axes(), pixels.view());
            for (row, products) in products.outer_iter().enumerate() {
                let (o, tap) = (row / (kernel_y * kernel_x), row % (kernel_y * kernel_x));
                let offset = [tap / kernel_x * window.dilation[0], tap % kernel_x * window.dilation[1]];
                let mut plane = y.slice_mut(s![n, group * per_group_out + o, .., ..]);
                let place = |axis: usize, i: usize| {
                    let at = i * window.stride[axis] + offset[axis];
                    at.checked_sub(window.pads[axis]).filter(|&at| at < shape[2 + axis])
                };
                for iy in 0..height {
                    let Some(oy) = place(0, iy) else { continue };
                    for ix in 0..width {
                        if let Some(ox) = place(1, ix) {
                            plane[[oy, ox]] += products[iy * width + ix];
                        }
                    }
                }
            }
        }
        if let Some(bias) = x.get(2) {
            for o in 0..shape[1] {
                y.slice_mut(s![n, o, .., ..]).mapv_inplace(|v| v + bias[[o]]);
            }
        }
    }
    y
}
