//! The source's operators in float64, written from their definitions in ONNX.
//!
//! It shares no code with the lowering that it is held against, and none with the float reference but
//! the functions of one number and the places that a Resize reads.

use super::window::{Pool, convolve, pool};
use crate::float::{self, math};
use crate::graph::{BinaryKind, DepthToSpaceMode, Op, PadMode, ReduceKind, Resize, Window};
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice, Zip, concatenate};

/// Elements in row-major order.
fn flat(x: &ArrayD<f64>) -> Vec<f64> {
    x.iter().copied().collect()
}

fn array(shape: &[usize], data: Vec<f64>) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), data).expect("the operator's rule gave its result's shape")
}

/// What `op` makes of `x`, of shape `shape`; `None` for an operator that the machine never runs.
pub(super) fn evaluate(op: &Op, x: &[&ArrayD<f64>], shape: &[usize]) -> Option<ArrayD<f64>> {
    Some(match op {
        Op::Conv { window, groups } => conv(x, window, *groups, shape),
        Op::ConvTranspose { window, groups, .. } => conv_transpose(x, window, *groups, shape),
        Op::BatchNormalization { epsilon } => batch_normalization(x, *epsilon),
        Op::Relu => x[0].mapv(|v| v.max(0.0)),
        Op::Clip { min, max } => x[0].mapv(|v| v.max((*min).into()).min((*max).into())),
        Op::LeakyRelu { alpha } => x[0].mapv(|v| if v < 0.0 { f64::from(*alpha) * v } else { v }),
        Op::PRelu => pairwise(x[0], x[1], shape, |v, slope| if v < 0.0 { slope * v } else { v }),
        Op::MaxPool { window } => pooled(x[0], window, shape, Pool::Max),
        Op::AveragePool { window, count_include_pad } => {
            pooled(x[0], window, shape, Pool::Mean { count_pads: *count_include_pad })
        }
        Op::GlobalAveragePool => mean(x[0], &(2..x[0].ndim()).collect::<Vec<_>>(), shape),
        Op::Reduce { kind: ReduceKind::Mean, axes, .. } => mean(x[0], axes, shape),
        Op::Add => pairwise(x[0], x[1], shape, |a, b| a + b),
        Op::Binary { kind } => pairwise(x[0], x[1], shape, binary(*kind)?),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            let turned = |x: &ArrayD<f64>, turn: bool| if turn { x.t().to_owned() } else { x.clone() };
            let product = matmul(&turned(x[0], *trans_a), &turned(x[1], *trans_b), shape);
            let product = product.mapv(|v| f64::from(*alpha) * v);
            match x.get(2) {
                Some(c) => pairwise(&product, c, shape, |p, c| p + f64::from(*beta) * c),
                None => product,
            }
        }
        Op::MatMul => matmul(x[0], x[1], shape),
        Op::Unary { kind } => x[0].mapv(|v| f64::from(float::unary(*kind, v as f32))),
        Op::Flatten { .. } | Op::Reshape => array(shape, flat(x[0])),
        Op::Transpose { perm } => x[0].clone().permuted_axes(IxDyn(perm)).as_standard_layout().into_owned(),
        Op::Concat { axis } => {
            let views: Vec<ArrayViewD<f64>> = x.iter().map(|x| x.view()).collect();
            concatenate(Axis(*axis), &views).ok()?
        }
        Op::Slice { starts, steps, extents } => slice(x[0], starts, steps, extents),
        Op::Gather { axis, indices, .. } => array(shape, flat(&x[0].select(Axis(*axis), indices))),
        Op::Expand { .. } => x[0].broadcast(IxDyn(shape))?.to_owned(),
        Op::Pad { before, mode, .. } => pad(x[0], before, *mode, shape),
        Op::DepthToSpace { block, mode } => depth_to_space(x[0], *block, *mode, shape),
        Op::SpaceToDepth { block } => space_to_depth(x[0], *block, shape),
        Op::Resize(resize) => resized(x[0], resize, shape),
        _ => return None,
    })
}

/// The function of two elements; `None` for what no machine operation stands for.
fn binary(kind: BinaryKind) -> Option<fn(f64, f64) -> f64> {
    Some(match kind {
        BinaryKind::Sub => |a, b| a - b,
        BinaryKind::Mul => |a, b| a * b,
        BinaryKind::Div => |a, b| a / b,
        BinaryKind::Pow => math::pow,
        BinaryKind::Min => f64::min,
        BinaryKind::Max => f64::max,
        _ => return None,
    })
}

/// `f` of two arrays broadcast to `shape`.
fn pairwise(a: &ArrayD<f64>, b: &ArrayD<f64>, shape: &[usize], f: impl Fn(f64, f64) -> f64) -> ArrayD<f64> {
    let whole = |x: &ArrayD<f64>| x.broadcast(IxDyn(shape)).expect("the rule checked it").to_owned();
    Zip::from(&whole(a)).and(&whole(b)).map_collect(|&a, &b| f(a, b))
}

fn conv(x: &[&ArrayD<f64>], window: &Window, groups: usize, shape: &[usize]) -> ArrayD<f64> {
    let (image, weights) = (x[0].shape(), flat(x[1]));
    let from = [image[1], image[2], image[3]];
    let grid = [shape[1], shape[2], shape[3]];
    let input = flat(x[0]);
    let mut all = Vec::with_capacity(shape.iter().product());
    for image in input.chunks(from.iter().product()) {
        all.extend(convolve(image, from, window, groups, &weights, grid));
    }
    let sums = array(shape, all);
    match x.get(2) {
        Some(bias) => {
            let bias = array(&[shape[1], 1, 1], flat(bias));
            pairwise(&sums, &bias, shape, |sum, b| sum + b)
        }
        None => sums,
    }
}

/// Each input element adds its kernel to the result.
fn conv_transpose(x: &[&ArrayD<f64>], window: &Window, groups: usize, shape: &[usize]) -> ArrayD<f64> {
    let [inputs, height, width] = [x[0].shape()[1], x[0].shape()[2], x[0].shape()[3]];
    let per_group = shape[1] / groups;
    let mut y = ArrayD::<f64>::zeros(IxDyn(shape));
    for n in 0..shape[0] {
        for c in 0..inputs {
            let first = c / (inputs / groups) * per_group;
            for o in 0..per_group {
                for ky in 0..window.kernel[0] {
                    for kx in 0..window.kernel[1] {
                        let w = x[1][[c, o, ky, kx]];
                        for iy in 0..height {
                            let oy = iy * window.stride[0] + ky * window.dilation[0];
                            let Some(oy) = oy.checked_sub(window.pads[0]).filter(|&y| y < shape[2]) else {
                                continue;
                            };
                            for ix in 0..width {
                                let ox = ix * window.stride[1] + kx * window.dilation[1];
                                if let Some(ox) = ox.checked_sub(window.pads[1]).filter(|&x| x < shape[3]) {
                                    y[[n, first + o, oy, ox]] += w * x[0][[n, c, iy, ix]];
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    match x.get(2) {
        Some(bias) => pairwise(&y, &array(&[shape[1], 1, 1], flat(bias)), shape, |sum, b| sum + b),
        None => y,
    }
}

fn batch_normalization(x: &[&ArrayD<f64>], epsilon: f32) -> ArrayD<f64> {
    let mut y = x[0].clone();
    let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|i| flat(x[i]));
    let axis = if y.ndim() > 1 { 1 } else { 0 };
    for (c, mut channel) in y.axis_iter_mut(Axis(axis)).enumerate() {
        let deviation = (variance[c] + f64::from(epsilon)).sqrt();
        channel.mapv_inplace(|v| scale[c] * (v - mean[c]) / deviation + bias[c]);
    }
    y
}

fn pooled(x: &ArrayD<f64>, window: &Window, shape: &[usize], kind: Pool) -> ArrayD<f64> {
    let from = [x.shape()[2], x.shape()[3]];
    array(shape, pool(&flat(x), from, window, [shape[2], shape[3]], kind))
}

fn mean(x: &ArrayD<f64>, axes: &[usize], shape: &[usize]) -> ArrayD<f64> {
    let mut sums = x.clone();
    let mut count = 1;
    for &axis in axes.iter().rev() {
        count *= sums.shape()[axis];
        sums = sums.sum_axis(Axis(axis));
    }
    array(shape, sums.iter().map(|sum| sum / count as f64).collect())
}

/// numpy's matmul.
fn matmul(a: &ArrayD<f64>, b: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    let boxed = |x: &ArrayD<f64>, axis: usize| {
        if x.ndim() == 1 { x.clone().insert_axis(Axis(axis)) } else { x.clone() }
    };
    let (a, b) = (boxed(a, 0), boxed(b, 1));
    let (m, k, n) = (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1], b.shape()[b.ndim() - 1]);
    let rank = a.ndim().max(b.ndim());
    let lead = |x: &ArrayD<f64>, i: usize| (i + x.ndim()).checked_sub(rank).map_or(1, |i| x.shape()[i]);
    let batch: Vec<usize> = (0..rank - 2).map(|i| lead(&a, i).max(lead(&b, i))).collect();
    let whole = |x: &ArrayD<f64>, rows: usize, columns: usize| {
        let shape = [&batch[..], &[rows, columns]].concat();
        flat(&x.broadcast(IxDyn(&shape)).expect("the rule checked it").to_owned())
    };
    let (a, b) = (whole(&a, m, k), whole(&b, k, n));
    let mut all = Vec::with_capacity(shape.iter().product());
    for (a, b) in a.chunks(m * k).zip(b.chunks(k * n)) {
        for row in a.chunks(k) {
            let from = all.len();
            all.resize(from + n, 0.0);
            for (w, line) in row.iter().zip(b.chunks(n)) {
                all[from..].iter_mut().zip(line).for_each(|(sum, x)| *sum += w * x);
            }
        }
    }
    array(shape, all)
}

fn slice(x: &ArrayD<f64>, starts: &[usize], steps: &[i64], extents: &[usize]) -> ArrayD<f64> {
    let mut view = x.view();
    for axis in 0..x.ndim() {
        if extents[axis] == 0 {
            view.slice_axis_inplace(Axis(axis), Slice::from(0..0));
            continue;
        }
        let (start, step, last) = (starts[axis] as i64, steps[axis], extents[axis] as i64 - 1);
        let (low, high) = (start.min(start + step * last), start.max(start + step * last));
        view.slice_axis_inplace(Axis(axis), Slice::new(low as isize, Some(high as isize + 1), step as isize));
    }
    view.as_standard_layout().into_owned()
}

/// Each axis in turn.
fn pad(x: &ArrayD<f64>, before: &[usize], mode: PadMode, shape: &[usize]) -> ArrayD<f64> {
    ArrayD::from_shape_fn(IxDyn(shape), |at| {
        let mut index = vec![0; shape.len()];
        for axis in 0..shape.len() {
            let extent = x.shape()[axis] as i64;
            let place = at[axis] as i64 - before[axis] as i64;
            let place = match mode {
                PadMode::Constant(c) if !(0..extent).contains(&place) => return f64::from(c),
                PadMode::Constant(_) => place,
                PadMode::Edge => place.clamp(0, extent - 1),
                PadMode::Wrap => place.rem_euclid(extent),
                PadMode::Reflect if extent == 1 => 0,
                PadMode::Reflect => {
                    let period = 2 * (extent - 1);
                    let place = place.rem_euclid(period);
                    place.min(period - place)
                }
            };
            index[axis] = place as usize;
        }
        x[IxDyn(&index)]
    })
}

fn depth_to_space(x: &ArrayD<f64>, r: usize, mode: DepthToSpaceMode, shape: &[usize]) -> ArrayD<f64> {
    let depth = shape[1];
    ArrayD::from_shape_fn(IxDyn(shape), |at| {
        let (by, bx) = (at[2] % r, at[3] % r);
        let channel = match mode {
            DepthToSpaceMode::Dcr => (by * r + bx) * depth + at[1],
            DepthToSpaceMode::Crd => (at[1] * r + by) * r + bx,
        };
        x[[at[0], channel, at[2] / r, at[3] / r]]
    })
}

fn space_to_depth(x: &ArrayD<f64>, r: usize, shape: &[usize]) -> ArrayD<f64> {
    let depth = x.shape()[1];
    ArrayD::from_shape_fn(IxDyn(shape), |at| {
        let (block, channel) = (at[1] / depth, at[1] % depth);
        x[[at[0], channel, at[2] * r + block / r, at[3] * r + block % r]]
    })
}

/// One axis after the other.
fn resized(x: &ArrayD<f64>, resize: &Resize, shape: &[usize]) -> ArrayD<f64> {
    let taps = float::resize_taps(resize, x.shape());
    let mut y = x.clone();
    for (axis, taps) in taps.iter().enumerate() {
        let lanes: Vec<ArrayD<f64>> = taps
            .iter()
            .map(|taps| {
                let mut sum = ArrayD::<f64>::zeros(y.index_axis(Axis(axis), 0).raw_dim());
                for &(place, weight) in taps {
                    sum.scaled_add(weight.into(), &y.index_axis(Axis(axis), place));
                }
                sum.insert_axis(Axis(axis))
            })
            .collect();
        let views: Vec<_> = lanes.iter().map(|l| l.view()).collect();
        y = concatenate(Axis(axis), &views).expect("lanes of one array have one shape");
    }
    debug_assert_eq!(y.shape(), shape);
    y
}
