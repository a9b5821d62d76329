//! Pools.

use ndarray::{ArrayD, ArrayViewD, IxDyn, s};

use crate::graph::Window;

/// Image positions, along one axis, of the taps of output position `o` that lie inside the image.
fn taps(window: &Window, axis: usize, o: usize, extent: usize) -> impl Iterator<Item = usize> + use<> {
    let (start, pad, dilation) = (o * window.stride[axis], window.pads[axis], window.dilation[axis]);
    window.taps_inside(axis, o, extent).map(move |k| start + k * dilation - pad)
}

/// Folds each window of an image with `f`, starting from `start`; then `finish` with the window's
/// output position.
fn fold(
    x: &ArrayViewD<f32>,
    window: &Window,
    shape: &[usize],
    start: f64,
    f: impl Fn(f64, f64) -> f64,
    finish: impl Fn(f64, usize, usize) -> f64,
) -> ArrayD<f32> {
    let mut y = ArrayD::<f32>::zeros(IxDyn(shape));
    let (height, width) = (x.shape()[2], x.shape()[3]);
    for n in 0..shape[0] {
        for c in 0..shape[1] {
            let plane = x.slice(s![n, c, .., ..]);
            let mut out = y.slice_mut(s![n, c, .., ..]);
            for ((oy, ox), out) in out.indexed_iter_mut() {
                let mut value = start;
                for iy in taps(window, 0, oy, height) {
                    for ix in taps(window, 1, ox, width) {
                        value = f(value, f64::from(plane[[iy, ix]]));
                    }
                }
                *out = finish(value, oy, ox) as f32;
            }
        }
    }
    y
}

/// Maximum over each window; padding never wins.
pub(super) fn max_pool(x: &ArrayViewD<f32>, window: &Window, shape: &[usize]) -> ArrayD<f32> {
    fold(x, window, shape, f64::NEG_INFINITY, f64::max, |v, _, _| v)
}

/// Mean over each window, over all taps or over those inside the image.
pub(super) fn average_pool(
    x: &ArrayViewD<f32>,
    window: &Window,
    count_include_pad: bool,
    shape: &[usize],
) -> ArrayD<f32> {
    let (height, width) = (x.shape()[2], x.shape()[3]);
    let all = window.kernel[0] * window.kernel[1];
    let mean = |sum: f64, oy: usize, ox: usize| {
        let count = if count_include_pad {
            all
        } else {
            window.taps_inside(0, oy, height).len() * window.taps_inside(1, ox, width).len()
        };
        sum / count as f64
    };
    fold(x, window, shape, 0.0, |a, b| a + b, mean)
}

/// Mean over all axes from the third on.
pub(super) fn global_average_pool(x: &ArrayViewD<f32>, shape: &[usize]) -> ArrayD<f32> {
    let count = x.shape()[2..].iter().product::<usize>() as f64;
    let mut y = ArrayD::<f32>::zeros(IxDyn(shape));
    let planes = x.axis_iter(ndarray::Axis(0)).flat_map(|image| {
        let channels = image.outer_iter();
        channels.map(|c| c.iter().map(|&v| f64::from(v)).sum::<f64>()).collect::<Vec<_>>()
    });
    for (y, sum) in y.iter_mut().zip(planes) {
        *y = (sum / count) as f32;
    }
    y
}
