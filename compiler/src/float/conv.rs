//! Convolution: im2col and a matrix product, or row by row where each channel stands alone.

use ndarray::{Array2, ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, IxDyn, s};

use super::gemm;
use crate::graph::Window;

/// Most floats of the unfolded input held at once (16 MB): larger images go in stripes of rows.
const COLUMNS: usize = 1 << 22;

/// Inputs: x (N,C,H,W), w (O,C/groups,KH,KW), optional bias (O); `shape` is (N,O,OH,OW).
pub(super) fn conv(x: &[ArrayViewD<f32>], window: &Window, groups: usize, shape: &[usize]) -> ArrayD<f32> {
    let image = x[0].as_standard_layout();
    let weights = x[1].as_standard_layout();
    let bias = x.get(2);
    let (per_group_in, per_group_out) = (weights.shape()[1], shape[1] / groups);
    let taps = per_group_in * window.kernel[0] * window.kernel[1];
    let (rows, columns) = (shape[2], shape[3]);
    let weights = weights.to_shape((shape[1], taps)).expect("standard layout reshapes");
    let mut y = ArrayD::<f32>::zeros(IxDyn(shape));
    for n in 0..shape[0] {
        for group in 0..groups {
            let first = group * per_group_out;
            let outputs = first..first + per_group_out;
            let w = weights.slice(s![outputs.clone(), ..]);
            let mut out = y
                .slice_mut(s![n, outputs.clone(), .., ..])
                .into_shape_with_order((per_group_out, rows * columns))
                .expect("whole planes of a standard-layout array are contiguous");
            if let Some(bias) = bias {
                for (o, mut plane) in outputs.zip(out.rows_mut()) {
                    plane.fill(bias[[o]]);
                }
            }
            let planes = |c: usize| image.slice(s![n, group * per_group_in + c, .., ..]);
            if per_group_in == 1 {
                depthwise(&planes(0), &w, window, out, columns);
                continue;
            }
            let stripe = (COLUMNS / (taps * columns)).clamp(1, rows);
            let mut unfolded = Array2::<f32>::zeros((taps, stripe * columns));
            let mut from = 0;
            while from < rows {
                let to = (from + stripe).min(rows);
                let used = (to - from) * columns;
                let mut part = unfolded.slice_mut(s![.., ..used]);
                for c in 0..per_group_in {
                    let kernel = window.kernel[0] * window.kernel[1];
                    let part = part.slice_mut(s![c * kernel..(c + 1) * kernel, ..]);
                    unfold(&planes(c), window, from..to, columns, part);
                }
                let out = out.slice_mut(s![.., from * columns..to * columns]);
                gemm::add_product(w, part.view(), out);
                from = to;
            }
        }
    }
    y
}

/// The output columns whose tap `kx` lies inside the image, and the image column of the first.
fn inside(window: &Window, kx: usize, width: usize, columns: usize) -> (usize, usize, usize) {
    let (stride, offset) = (window.stride[1], kx * window.dilation[1]);
    let pad = window.pads[1];
    let first = pad.saturating_sub(offset).div_ceil(stride);
    // Largest o with o * stride + offset - pad <= width - 1.
    let end = match (width - 1 + pad).checked_sub(offset) {
        Some(room) => (room / stride + 1).min(columns),
        None => 0,
    };
    let end = end.max(first.min(columns));
    let first = first.min(end);
    (first, end, (first * stride + offset).saturating_sub(pad))
}

/// The image row of output row `oy` and kernel row `ky`, unless it is padding.
fn image_row(window: &Window, oy: usize, ky: usize, height: usize) -> Option<usize> {
    let y = (oy * window.stride[0] + ky * window.dilation[0]).checked_sub(window.pads[0])?;
    (y < height).then_some(y)
}

/// Writes the taps of one channel for the given output rows: row (ky, kx), column (oy, ox).
fn unfold(
    plane: &ArrayView2<f32>,
    window: &Window,
    rows: std::ops::Range<usize>,
    columns: usize,
    mut out: ArrayViewMut2<f32>,
) {
    let (height, width) = plane.dim();
    for ky in 0..window.kernel[0] {
        for kx in 0..window.kernel[1] {
            let (first, end, x0) = inside(window, kx, width, columns);
            let mut line = out.row_mut(ky * window.kernel[1] + kx);
            let line = line.as_slice_mut().expect("rows of the buffer are contiguous");
            for (i, oy) in rows.clone().enumerate() {
                let line = &mut line[i * columns..(i + 1) * columns];
                let Some(y) = image_row(window, oy, ky, height) else {
                    line.fill(0.0);
                    continue;
                };
                let source = plane.row(y);
                let source = source.as_slice().expect("rows of an image are contiguous");
                line[..first].fill(0.0);
                line[end..].fill(0.0);
                copy_strided(&mut line[first..end], &source[x0.min(width)..], window.stride[1]);
            }
        }
    }
}

fn copy_strided(to: &mut [f32], from: &[f32], stride: usize) {
    if stride == 1 {
        to.copy_from_slice(&from[..to.len()]);
    } else {
        for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
            *to = *from;
        }
    }
}

/// One input channel feeding one or more outputs: adds scaled rows, without unfolding.
fn depthwise(
    plane: &ArrayView2<f32>,
    w: &ArrayView2<f32>,
    window: &Window,
    mut out: ArrayViewMut2<f32>,
    columns: usize,
) {
    let (height, width) = plane.dim();
    for (mut out, w) in out.rows_mut().into_iter().zip(w.rows()) {
        let out = out.as_slice_mut().expect("planes of the result are contiguous");
        for (oy, line) in out.chunks_exact_mut(columns).enumerate() {
            for ky in 0..window.kernel[0] {
                let Some(y) = image_row(window, oy, ky, height) else {
                    continue;
                };
                let source = plane.row(y);
                let source = source.as_slice().expect("rows of an image are contiguous");
                for kx in 0..window.kernel[1] {
                    let (first, end, x0) = inside(window, kx, width, columns);
                    let weight = w[ky * window.kernel[1] + kx];
                    let source = source[x0.min(width)..].iter().step_by(window.stride[1]);
                    for (to, from) in line[first..end].iter_mut().zip(source) {
                        *to += weight * from;
                    }
                }
            }
        }
    }
}
