//! The shape of an operator's result, and every rule its operands must keep.

use super::{MAX_ELEMENTS, Op, Window, integer, rules};
use crate::arity::Arity;
use crate::error::{Error, Result};

pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("graph", message))
}

/// Number of elements of a shape; a scalar has one.
///
/// # Errors
/// A zero extent, or more than [`MAX_ELEMENTS`] elements.
pub fn elements(shape: &[usize]) -> Result<usize> {
    let mut product = 1usize;
    for &extent in shape {
        if extent == 0 {
            return refuse(format!("shape {shape:?} has an extent of zero"));
        }
        product = match product.checked_mul(extent) {
            Some(p) if p <= MAX_ELEMENTS => p,
            _ => return refuse(format!("shape {shape:?} is too large to handle")),
        };
    }
    Ok(product)
}

/// Shape of the single result of `op` applied to inputs of the given shapes.
///
/// `declared` is the new shape of a [`Op::Reshape`] and `None` for every other operator.
///
/// # Errors
/// A wrong number of inputs, a wrong rank or extent, an attribute out of range, a result that is
/// empty or too large. The caller adds the node's name.
pub fn infer(op: &Op, inputs: &[&[usize]], declared: Option<&[usize]>) -> Result<Vec<usize>> {
    arity(op, inputs.len())?;
    let x = inputs[0];
    let shape = match op {
        Op::Conv { window, groups } => conv(window, *groups, inputs)?,
        Op::BatchNormalization { epsilon } => batch_normalization(*epsilon, inputs)?,
        Op::Relu => x.to_vec(),
        Op::Clip { min, max } if min <= max => x.to_vec(),
        Op::Clip { min, max } => return refuse(format!("the range [{min}, {max}] is empty")),
        Op::LeakyRelu { alpha } if alpha.is_finite() => x.to_vec(),
        Op::LeakyRelu { alpha } => return refuse(format!("alpha is {alpha}")),
        Op::PRelu if broadcast(x, inputs[1]).as_deref() == Some(x) => x.to_vec(),
        Op::PRelu => {
            return refuse(format!("slope {:?} does not broadcast to {x:?}", inputs[1]));
        }
        Op::MaxPool { window } => pool(window, x)?,
        Op::AveragePool { window, .. } if window.dilation == [1, 1] => pool(window, x)?,
        Op::AveragePool { .. } => return refuse("an average pool cannot be dilated"),
        Op::GlobalAveragePool => global(x)?,
        Op::Add | Op::Binary { .. } => match broadcast(x, inputs[1]) {
            Some(shape) => shape,
            None => {
                return refuse(format!("shapes {x:?} and {:?} do not match", inputs[1]));
            }
        },
        Op::Concat { axis } => concat(*axis, inputs)?,
        Op::Gemm { .. } => gemm(op, inputs)?,
        Op::MatMul => matmul(x, inputs[1])?,
        Op::Flatten { axis } if *axis <= x.len() => {
            vec![x[..*axis].iter().product(), x[*axis..].iter().product()]
        }
        Op::Flatten { axis } | Op::Softmax { axis } | Op::LogSoftmax { axis } if *axis >= x.len() => {
            return refuse(format!("axis {axis} is not an axis of {x:?}"));
        }
        Op::Flatten { .. } => unreachable!("both ranges of the axis are handled above"),
        Op::Softmax { .. } | Op::LogSoftmax { .. } => x.to_vec(),
        Op::Reshape => reshape(x, declared)?,
        Op::Transpose { perm } => transpose(perm, x)?,
        Op::DepthToSpace { block, .. } => depth_to_space(*block, x)?,
        Op::Unary { kind } => rules::unary(*kind, x)?,
        Op::Where => match broadcast(x, inputs[1]).and_then(|xy| broadcast(&xy, inputs[2])) {
            Some(shape) => shape,
            None => return refuse(format!("shapes {inputs:?} do not match")),
        },
        Op::TopK { axis, count, .. } => rules::top(*axis, *count, x)?,
        Op::GridSample { .. } => rules::grid_sample(x, inputs[1])?,
        Op::Reduce { axes, keepdims, .. } => rules::reduce(axes, *keepdims, x)?,
        Op::ConvTranspose { window, groups, output_padding } => {
            rules::conv_transpose(window, *groups, *output_padding, inputs)?
        }
        Op::Pad { before, after, mode } => rules::pad(before, after, *mode, x)?,
        Op::Slice { starts, steps, extents } => rules::slice(starts, steps, extents, x)?,
        Op::Gather { axis, indices, shape } => rules::gather(*axis, indices, shape, x)?,
        Op::Expand { shape } => rules::expand(shape, x)?,
        Op::Resize(resize) => rules::resize(resize, x)?,
        Op::SpaceToDepth { block } => rules::space_to_depth(*block, x)?,
        Op::LayerNormalization { axis, epsilon } => rules::layer_normalization(*axis, *epsilon, inputs)?,
        Op::InstanceNormalization { epsilon } => rules::instance_normalization(*epsilon, inputs)?,
        Op::Recurrent(recurrent) => rules::recurrent(recurrent, inputs)?,
        Op::QuantizeLinear { axis, .. } | Op::DequantizeLinear { axis, .. } => integer::rule(*axis, inputs)?,
    };
    elements(&shape)?;
    Ok(shape)
}

fn arity(op: &Op, count: usize) -> Result<()> {
    let wanted: Arity = match op {
        Op::Conv { .. } | Op::Gemm { .. } | Op::ConvTranspose { .. } => (2..=3).into(),
        Op::BatchNormalization { .. } => 5.into(),
        Op::PRelu | Op::Add | Op::MatMul | Op::Binary { .. } | Op::GridSample { .. } => 2.into(),
        Op::Where => 3.into(),
        Op::LayerNormalization { .. }
        | Op::InstanceNormalization { .. }
        | Op::QuantizeLinear { .. }
        | Op::DequantizeLinear { .. } => 3.into(),
        Op::Recurrent(r) => rules::recurrent_inputs(r),
        Op::Concat { .. } => (1..).into(),
        _ => 1.into(),
    };
    match wanted.allows(count) {
        true => Ok(()),
        false => refuse(format!("has {count} inputs, needs {wanted}")),
    }
}

/// Extents of a sliding window's result along y and x.
fn slide(window: &Window, spatial: &[usize]) -> Result<[usize; 2]> {
    let mut out = [0; 2];
    for axis in 0..2 {
        let (stride, dilation) = (window.stride[axis], window.dilation[axis]);
        if window.kernel[axis] == 0 || stride == 0 || dilation == 0 {
            return refuse("kernel, strides and dilations must be positive");
        }
        let padded =
            spatial[axis].checked_add(window.pads[axis]).and_then(|n| n.checked_add(window.pads[axis + 2]));
        let (Some(reach), Some(padded)) = (window.reach(axis), padded) else {
            return refuse("the window is too large to handle");
        };
        if reach > padded {
            return refuse(format!("the window covers {reach} elements, the padded input has only {padded}"));
        }
        out[axis] = (padded - reach) / stride + 1;
    }
    Ok(out)
}

pub(super) fn image(x: &[usize]) -> Result<()> {
    if x.len() != 4 {
        return refuse(format!("the input {x:?} has rank {}, an image has rank 4 (N, C, H, W)", x.len()));
    }
    Ok(())
}

fn conv(window: &Window, groups: usize, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let (x, w) = (inputs[0], inputs[1]);
    image(x)?;
    if w.len() != 4 {
        return refuse(format!("the weights {w:?} must have rank 4"));
    }
    if groups == 0 || !x[1].is_multiple_of(groups) || !w[0].is_multiple_of(groups) {
        return refuse(format!("{groups} groups do not divide {} input and {} output channels", x[1], w[0]));
    }
    if w[1] != x[1] / groups {
        return refuse(format!(
            "the weights {w:?} expect {} channels a group, the input has {}",
            w[1],
            x[1] / groups
        ));
    }
    if w[2..] != window.kernel {
        return refuse(format!("kernel {:?} and weights {w:?} disagree", window.kernel));
    }
    if let Some(bias) = inputs.get(2)
        && **bias != [w[0]]
    {
        return refuse(format!("the bias {bias:?} must have shape [{}]", w[0]));
    }
    let [height, width] = slide(window, &x[2..])?;
    Ok(vec![x[0], w[0], height, width])
}

fn pool(window: &Window, x: &[usize]) -> Result<Vec<usize>> {
    image(x)?;
    let out = slide(window, &x[2..])?;
    for axis in 0..2 {
        elements(&out)?;
        let (taps, dilation) = (window.kernel[axis], window.dilation[axis]);
        let (before, extent) = (window.pads[axis], x[2 + axis]);
        // A window with no tap inside the input would be the maximum, or mean, of nothing.
        let touches = |o: usize| {
            let start = o * window.stride[axis];
            let first = before.saturating_sub(start).div_ceil(dilation);
            first < taps && start + first * dilation < before + extent
        };
        if let Some(o) = (0..out[axis]).find(|&o| !touches(o)) {
            return refuse(format!("window {o} lies wholly in the padding"));
        }
    }
    Ok(vec![x[0], x[1], out[0], out[1]])
}

fn global(x: &[usize]) -> Result<Vec<usize>> {
    if x.len() < 3 {
        return refuse(format!("the input {x:?} has no spatial axes"));
    }
    let mut shape = vec![1; x.len()];
    shape[..2].copy_from_slice(&x[..2]);
    Ok(shape)
}

fn batch_normalization(epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("epsilon is {epsilon}"));
    }
    if x.len() < 2 {
        return refuse(format!("the input {x:?} has no channel axis"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != [x[1]]) {
        return refuse(format!("a parameter has shape {p:?}, not [{}]", x[1]));
    }
    Ok(x.to_vec())
}

/// Shape of an elementwise result with numpy broadcasting; `None` where the shapes do not match.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |j| s[j]);
    (0..rank)
        .map(|i| match (extent(a, i), extent(b, i)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

fn concat(axis: usize, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let mut shape = inputs[0].to_vec();
    if axis >= shape.len() {
        return refuse(format!("axis {axis} is not an axis of {shape:?}"));
    }
    for x in &inputs[1..] {
        let others = |s: &[usize]| [&s[..axis], &s[axis + 1..]].concat();
        if x.len() != shape.len() || others(x) != others(&shape) {
            return refuse(format!("shapes {:?} and {x:?} differ off axis {axis}", inputs[0]));
        }
        // Each extent is at most MAX_ELEMENTS: the sum of as many as memory holds cannot overflow.
        shape[axis] = shape[axis].saturating_add(x[axis]);
    }
    Ok(shape)
}

fn gemm(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let Op::Gemm { alpha, beta, trans_a, trans_b } = op else {
        unreachable!("infer calls this for Gemm alone");
    };
    let (a, b) = (inputs[0], inputs[1]);
    if !alpha.is_finite() || !beta.is_finite() {
        return refuse(format!("alpha is {alpha}, beta is {beta}"));
    }
    if a.len() != 2 || b.len() != 2 {
        return refuse(format!("the operands {a:?} and {b:?} must be matrices"));
    }
    let (m, k) = if *trans_a { (a[1], a[0]) } else { (a[0], a[1]) };
    let (kb, n) = if *trans_b { (b[1], b[0]) } else { (b[0], b[1]) };
    if k != kb {
        return refuse(format!("{m}x{k} cannot be multiplied by {kb}x{n}"));
    }
    let shape = vec![m, n];
    if let Some(c) = inputs.get(2)
        && broadcast(&shape, c).as_ref() != Some(&shape)
    {
        return refuse(format!("the addend {c:?} does not broadcast to {shape:?}"));
    }
    Ok(shape)
}

fn matmul(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let mismatch = || refuse(format!("{a:?} cannot be multiplied by {b:?}"));
    if a.is_empty() || b.is_empty() {
        return mismatch();
    }
    // numpy: a vector on the left is a row, on the right a column, and that axis goes away again.
    let (batch_a, rows) = match a.len() {
        1 => (&a[..0], None),
        n => (&a[..n - 2], Some(a[n - 2])),
    };
    let (batch_b, inner, columns) = match b.len() {
        1 => (&b[..0], b[0], None),
        n => (&b[..n - 2], b[n - 2], Some(b[n - 1])),
    };
    let Some(mut shape) = broadcast(batch_a, batch_b) else {
        return mismatch();
    };
    if a[a.len() - 1] != inner {
        return mismatch();
    }
    shape.extend(rows);
    shape.extend(columns);
    Ok(shape)
}

fn reshape(x: &[usize], declared: Option<&[usize]>) -> Result<Vec<usize>> {
    let Some(shape) = declared else {
        return refuse("the new shape is missing");
    };
    if elements(x)? != elements(shape)? {
        return refuse(format!("{x:?} cannot become {shape:?}: the element counts differ"));
    }
    Ok(shape.to_vec())
}

fn transpose(perm: &[usize], x: &[usize]) -> Result<Vec<usize>> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.len()) {
        return refuse(format!("perm {perm:?} does not permute the axes of {x:?}"));
    }
    Ok(perm.iter().map(|&p| x[p]).collect())
}

fn depth_to_space(block: usize, x: &[usize]) -> Result<Vec<usize>> {
    image(x)?;
    match block.checked_mul(block) {
        Some(square) if square > 0 && x[1].is_multiple_of(square) => {
            Ok(vec![x[0], x[1] / square, x[2] * block, x[3] * block])
        }
        _ => refuse(format!("block size {block} squared does not divide {} channels", x[1])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, dilation: usize, pad: usize) -> Window {
        Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [dilation; 2], pads: [pad; 4] }
    }

    /// Shapes worked out by hand from the ONNX text.
    #[test]
    fn shapes_by_hand() {
        let gemm = |trans_a, trans_b| Op::Gemm { alpha: 1.0, beta: 1.0, trans_a, trans_b };
        let conv = |window, groups| Op::Conv { window, groups };
        let perm = Op::Transpose { perm: vec![2, 0, 1] };
        let shuffle = Op::DepthToSpace { block: 2, mode: crate::graph::DepthToSpaceMode::Dcr };
        let max = |window| Op::MaxPool { window };
        type Row<'a> = (Op, &'a [&'a [usize]], &'a [usize]);
        let rows: &[Row] = &[
            (conv(window(3, 2, 1, 1), 1), &[&[1, 3, 224, 224], &[8, 3, 3, 3]], &[1, 8, 112, 112]),
            (conv(window(3, 1, 2, 0), 4), &[&[2, 4, 9, 7], &[4, 1, 3, 3], &[4]], &[2, 4, 5, 3]),
            (max(window(3, 2, 1, 1)), &[&[1, 5, 7, 8]], &[1, 5, 4, 4]),
            (Op::GlobalAveragePool, &[&[1, 5, 7, 8]], &[1, 5, 1, 1]),
            (Op::Add, &[&[4, 1, 3], &[2, 1]], &[4, 2, 3]),
            (Op::Concat { axis: 1 }, &[&[1, 2, 3], &[1, 5, 3]], &[1, 7, 3]),
            (gemm(false, true), &[&[2, 3], &[4, 3], &[4]], &[2, 4]),
            (gemm(true, false), &[&[3, 2], &[3, 4]], &[2, 4]),
            (Op::MatMul, &[&[5, 1, 2, 3], &[7, 3, 4]], &[5, 7, 2, 4]),
            (Op::MatMul, &[&[3], &[3]], &[]),
            (Op::MatMul, &[&[3], &[3, 4]], &[4]),
            (Op::Flatten { axis: 0 }, &[&[2, 3]], &[1, 6]),
            (Op::Flatten { axis: 2 }, &[&[2, 3]], &[6, 1]),
            (perm, &[&[4, 5, 6]], &[6, 4, 5]),
            (shuffle, &[&[1, 8, 3, 5]], &[1, 2, 6, 10]),
        ];
        for (op, inputs, expected) in rows {
            assert_eq!(infer(op, inputs, None).unwrap(), *expected, "{op:?}");
        }
    }

    #[test]
    fn refuses_what_the_rules_forbid() {
        let conv = |window, groups| Op::Conv { window, groups };
        let max = |window| Op::MaxPool { window };
        let huge = window(usize::MAX, 1, usize::MAX, usize::MAX);
        let rows: &[(Op, &[&[usize]])] = &[
            (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 8], &[8, 3, 3]]),
            (conv(window(3, 1, 1, 0), 0), &[&[1, 3, 8, 8], &[8, 3, 3, 3]]),
            (conv(window(3, 1, 1, 0), 2), &[&[1, 3, 8, 8], &[8, 3, 3, 3]]),
            (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 2, 8], &[8, 3, 3, 3]]),
            (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 8, 8], &[8, 3, 3, 3], &[1, 8]]),
            (max(huge.clone()), &[&[1, 3, 8, 8]]),
            (max(window(2, 1, 1, 2)), &[&[1, 3, 8, 8]]),
            (max(window(2, 1, 4, 2)), &[&[1, 3, 2, 2]]),
            (max(window(2, 0, 1, 0)), &[&[1, 3, 8, 8]]),
            (Op::Clip { min: 1.0, max: 0.0 }, &[&[2]]),
            (Op::Clip { min: f32::NAN, max: 0.0 }, &[&[2]]),
            (Op::Add, &[&[2], &[3]]),
            (Op::Add, &[&[2]]),
            (Op::PRelu, &[&[2], &[3, 2]]),
            (Op::Softmax { axis: 1 }, &[&[2]]),
            (Op::Flatten { axis: 2 }, &[&[2]]),
            (Op::MatMul, &[&[], &[2]]),
            (Op::Concat { axis: 0 }, &[&[], &[]]),
            (Op::Reshape, &[&[2]]),
            (Op::Transpose { perm: vec![0, 0] }, &[&[2, 2]]),
            (Op::GlobalAveragePool, &[&[2, 2]]),
        ];
        for (op, inputs) in rows {
            assert!(infer(op, inputs, None).is_err(), "{op:?} {inputs:?}");
        }
        assert!(infer(&Op::Reshape, &[&[4]], Some(&[3])).is_err());
        assert!(infer(&Op::Reshape, &[&[4]], Some(&[usize::MAX, 2])).is_err());
    }
}
