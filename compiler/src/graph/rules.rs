//! Shape rules of the operator families and of everything that is not a plain layer.

use super::infer::{broadcast, image, refuse};
use super::{Cell, Interpolation, MAX_ELEMENTS, PadMode, Recurrent, Resize, UnaryKind, Window, elements};
use crate::arity::Arity;
use crate::error::Result;

/// Elementwise: the shape stays.
pub(super) fn unary(kind: UnaryKind, x: &[usize]) -> Result<Vec<usize>> {
    if let Some((name, value)) = kind.parameters().into_iter().find(|(_, v)| !v.is_finite()) {
        return refuse(format!("{name} is {value}"));
    }
    if kind == (UnaryKind::Celu { alpha: 0.0 }) {
        return refuse("alpha is 0, which divides");
    }
    Ok(x.to_vec())
}

pub(super) fn reduce(axes: &[usize], keepdims: bool, x: &[usize]) -> Result<Vec<usize>> {
    if !axes.is_sorted_by(|a, b| a < b) || axes.last().is_some_and(|&a| a >= x.len()) {
        return refuse(format!("axes {axes:?} are not ascending axes of {x:?}"));
    }
    let kept = x.iter().enumerate().filter_map(|(i, &n)| match axes.contains(&i) {
        true => keepdims.then_some(1),
        false => Some(n),
    });
    Ok(kept.collect())
}

pub(super) fn conv_transpose(
    window: &Window,
    groups: usize,
    output_padding: [usize; 2],
    inputs: &[&[usize]],
) -> Result<Vec<usize>> {
    let (x, w) = (inputs[0], inputs[1]);
    image(x)?;
    if w.len() != 4 || w[0] != x[1] || w[2..] != window.kernel {
        return refuse(format!("the weights {w:?} do not fit the input {x:?} and the kernel"));
    }
    if groups == 0 || !x[1].is_multiple_of(groups) {
        return refuse(format!("{groups} groups do not divide {} input channels", x[1]));
    }
    let Some(outputs) = w[1].checked_mul(groups) else {
        return refuse("the result has too many channels");
    };
    if let Some(bias) = inputs.get(2)
        && **bias != [outputs]
    {
        return refuse(format!("the bias {bias:?} must have shape [{outputs}]"));
    }
    let mut shape = vec![x[0], outputs];
    for axis in 0..2 {
        if window.kernel[axis] == 0 || window.stride[axis] == 0 || window.dilation[axis] == 0 {
            return refuse("kernel, strides and dilations must be positive");
        }
        let extra = [window.pads[axis], window.pads[axis + 2], output_padding[axis]];
        let reach = window.reach(axis).filter(|&r| r <= MAX_ELEMENTS);
        let (Some(reach), true) = (reach, extra.iter().all(|&e| e <= MAX_ELEMENTS)) else {
            return refuse("the window is too large to handle");
        };
        let spread = (x[2 + axis] - 1).saturating_mul(window.stride[axis]);
        let full = spread.saturating_add(reach).saturating_add(output_padding[axis]);
        match full.checked_sub(window.pads[axis] + window.pads[axis + 2]) {
            Some(extent) if extent > 0 => shape.push(extent),
            _ => return refuse(format!("the padding cuts off all {full} elements of an axis")),
        }
    }
    Ok(shape)
}

pub(super) fn pad(before: &[usize], after: &[usize], mode: PadMode, x: &[usize]) -> Result<Vec<usize>> {
    if before.len() != x.len() || after.len() != x.len() {
        return refuse(format!("the padding {before:?}, {after:?} does not fit the rank of {x:?}"));
    }
    let most = |n: usize| match mode {
        PadMode::Reflect => n - 1,
        PadMode::Wrap => n,
        _ => MAX_ELEMENTS,
    };
    if let PadMode::Constant(value) = mode
        && value.is_nan()
    {
        return refuse("pads with NaN");
    }
    let mut shape = Vec::with_capacity(x.len());
    for ((&n, &b), &a) in x.iter().zip(before).zip(after) {
        if b > most(n) || a > most(n) {
            return refuse(format!("the padding {before:?}, {after:?} is too large for {x:?}"));
        }
        shape.push(b + n + a);
    }
    Ok(shape)
}

pub(super) fn slice(starts: &[usize], steps: &[i64], extents: &[usize], x: &[usize]) -> Result<Vec<usize>> {
    if [starts.len(), steps.len(), extents.len()] != [x.len(); 3] {
        return refuse(format!("the slice does not fit the rank of {x:?}"));
    }
    for axis in 0..x.len() {
        let (start, step, count) = (starts[axis] as i128, i128::from(steps[axis]), extents[axis] as i128);
        let last = start + step * (count - 1).max(0);
        let inside = |i: i128| (0..x[axis] as i128).contains(&i);
        if step == 0 || !inside(start) || !inside(last) {
            return refuse(format!("elements {start} to {last} lie outside of axis {axis} of {x:?}"));
        }
    }
    Ok(extents.to_vec())
}

pub(super) fn gather(axis: usize, indices: &[usize], shape: &[usize], x: &[usize]) -> Result<Vec<usize>> {
    if axis >= x.len() {
        return refuse(format!("axis {axis} is not an axis of {x:?}"));
    }
    if elements(shape)? != indices.len() || indices.iter().any(|&i| i >= x[axis]) {
        return refuse(format!("an index lies outside of axis {axis} of {x:?}"));
    }
    Ok([&x[..axis], shape, &x[axis + 1..]].concat())
}

pub(super) fn expand(shape: &[usize], x: &[usize]) -> Result<Vec<usize>> {
    match broadcast(shape, x) {
        Some(full) if full == shape => Ok(full),
        _ => refuse(format!("{x:?} does not broadcast to {shape:?}")),
    }
}

pub(super) fn resize(r: &Resize, x: &[usize]) -> Result<Vec<usize>> {
    if r.sizes.len() != x.len() || r.scales.len() != x.len() {
        return refuse(format!("the sizes {:?} do not fit the rank of {x:?}", r.sizes));
    }
    if let Some(scale) = r.scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return refuse(format!("a scale is {scale}"));
    }
    if let Interpolation::Cubic { coefficient, .. } = r.interpolation
        && !coefficient.is_finite()
    {
        return refuse(format!("the cubic coefficient is {coefficient}"));
    }
    Ok(r.sizes.clone())
}

pub(super) fn top(axis: usize, count: usize, x: &[usize]) -> Result<Vec<usize>> {
    if axis >= x.len() || count == 0 || count > x[axis] {
        return refuse(format!("the {count} first of axis {axis} are not in {x:?}"));
    }
    let mut shape = x.to_vec();
    shape[axis] = count;
    Ok(shape)
}

pub(super) fn grid_sample(x: &[usize], grid: &[usize]) -> Result<Vec<usize>> {
    match (x, grid) {
        (&[n, c, _, _], &[batch, rows, columns, 2]) if batch == n => Ok(vec![n, c, rows, columns]),
        _ => refuse(format!("the grid {grid:?} does not give places in images {x:?}")),
    }
}

pub(super) fn space_to_depth(block: usize, x: &[usize]) -> Result<Vec<usize>> {
    image(x)?;
    if block == 0 || !x[2].is_multiple_of(block) || !x[3].is_multiple_of(block) {
        return refuse(format!("block size {block} does not divide {x:?}"));
    }
    // block is at most an extent: squares of extents fit.
    Ok(vec![x[0], x[1].saturating_mul(block * block), x[2] / block, x[3] / block])
}

pub(super) fn layer_normalization(axis: usize, epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if axis >= x.len() || !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("axis {axis} or epsilon {epsilon} is out of range for {x:?}"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != x[axis..]) {
        return refuse(format!("a parameter has shape {p:?}, not {:?}", &x[axis..]));
    }
    Ok(x.to_vec())
}

pub(super) fn instance_normalization(epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if x.len() < 3 || !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("{x:?} has no pixels, or epsilon {epsilon} is out of range"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != [x[1]]) {
        return refuse(format!("a parameter has shape {p:?}, not [{}]", x[1]));
    }
    Ok(x.to_vec())
}

/// Least and largest number of inputs.
pub(super) fn recurrent_inputs(r: &Recurrent) -> Arity {
    match r.cell {
        Cell::Lstm => (6..=7).into(),
        _ => 5.into(),
    }
}

pub(super) fn recurrent(r: &Recurrent, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let &[steps, batch, features] = inputs[0] else {
        return refuse(format!("the input {:?} must be (steps, batch, features)", inputs[0]));
    };
    let (hidden, directions) = (r.hidden, r.direction.count());
    // Beyond this no weights could fit, and the products below stay small.
    if hidden == 0 || hidden > MAX_ELEMENTS {
        return refuse(format!("the hidden size is {hidden}"));
    }
    let gates = r.cell.gates() * hidden;
    let state = [directions, batch, hidden];
    let wanted: [&[usize]; 6] = [
        &[directions, gates, features],
        &[directions, gates, hidden],
        &[directions, 2 * gates],
        &state,
        &state,
        &[directions, 3 * hidden],
    ];
    for (i, (given, wanted)) in inputs[1..].iter().zip(wanted).enumerate() {
        if *given != wanted {
            return refuse(format!("input {} has shape {given:?}, not {wanted:?}", i + 1));
        }
    }
    if r.cell_state {
        return match r.cell {
            Cell::Lstm => Ok(state.to_vec()),
            _ => refuse("only an LSTM has a cell state"),
        };
    }
    Ok(vec![steps, directions, batch, hidden])
}

#[cfg(test)]
mod tests {
    use super::super::{Coordinates, Direction, Op, ReduceKind, infer};
    use super::*;

    fn transposed(stride: usize, pad: usize, output_padding: usize) -> Op {
        let window = Window { kernel: [4; 2], stride: [stride; 2], dilation: [1; 2], pads: [pad; 4] };
        Op::ConvTranspose { window, groups: 2, output_padding: [output_padding; 2] }
    }

    fn slice(start: usize, step: i64, extent: usize) -> Op {
        Op::Slice { starts: vec![start], steps: vec![step], extents: vec![extent] }
    }

    fn pad(before: usize, mode: PadMode) -> Op {
        Op::Pad { before: vec![before], after: vec![0], mode }
    }

    fn lstm(cell_state: bool) -> Op {
        Op::Recurrent(Recurrent {
            cell: Cell::Lstm,
            direction: Direction::Bidirectional,
            hidden: 3,
            cell_state,
        })
    }

    /// Shapes of an LSTM over 7 steps of 5 features in two directions.
    const LSTM: [&[usize]; 6] = [&[7, 1, 5], &[2, 12, 5], &[2, 12, 3], &[2, 24], &[2, 1, 3], &[2, 1, 3]];

    /// Shapes worked out by hand from the ONNX text.
    #[test]
    fn shapes_by_hand() {
        let reduce = |keepdims| Op::Reduce { kind: ReduceKind::Max, axes: vec![0, 2], keepdims };
        let gather = Op::Gather { axis: 1, indices: vec![0, 3, 3, 1, 0, 2], shape: vec![2, 3] };
        type Row<'a> = (Op, &'a [&'a [usize]], &'a [usize]);
        let rows: &[Row] = &[
            (reduce(true), &[&[2, 3, 4]], &[1, 3, 1]),
            (reduce(false), &[&[2, 3, 4]], &[3]),
            (transposed(2, 1, 0), &[&[1, 4, 8, 6], &[4, 5, 4, 4], &[10]], &[1, 10, 16, 12]),
            (transposed(3, 0, 1), &[&[1, 4, 2, 1], &[4, 1, 4, 4]], &[1, 2, 8, 5]),
            (pad(3, PadMode::Reflect), &[&[4]], &[7]),
            (slice(3, -1, 4), &[&[4]], &[4]),
            (slice(1, 2, 2), &[&[4]], &[2]),
            (gather, &[&[7, 4, 5]], &[7, 2, 3, 5]),
            (Op::Expand { shape: vec![2, 3, 4] }, &[&[3, 1]], &[2, 3, 4]),
            (Op::SpaceToDepth { block: 2 }, &[&[1, 3, 4, 6]], &[1, 12, 2, 3]),
            (lstm(false), &LSTM, &[7, 2, 1, 3]),
            (lstm(true), &LSTM, &[2, 1, 3]),
        ];
        for (op, inputs, expected) in rows {
            assert_eq!(infer(op, inputs, None).unwrap(), *expected, "{op:?}");
        }
    }

    #[test]
    fn refuses_what_the_rules_forbid() {
        let resize = |scale| {
            let (sizes, scales) = (vec![4], vec![scale]);
            let (interpolation, coordinates) = (Interpolation::Linear, Coordinates::HalfPixel);
            Op::Resize(Resize { sizes, scales, interpolation, coordinates })
        };
        let reduce =
            |axes: &[usize]| Op::Reduce { kind: ReduceKind::Sum, axes: axes.to_vec(), keepdims: true };
        let short = [LSTM[0], LSTM[1], LSTM[2], LSTM[3], LSTM[4], &[2, 1, 4]];
        let rows: &[(Op, &[&[usize]])] = &[
            (reduce(&[1]), &[&[2]]),
            (reduce(&[1, 0]), &[&[2, 3]]),
            (reduce(&[0, 0]), &[&[2, 3]]),
            (transposed(1, 3, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
            (transposed(usize::MAX, 0, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
            (transposed(1, 0, usize::MAX), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
            (transposed(1, 0, 0), &[&[1, 3, 2, 2], &[3, 5, 4, 4]]),
            (transposed(1, 0, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4], &[5]]),
            (pad(4, PadMode::Reflect), &[&[4]]),
            (pad(5, PadMode::Wrap), &[&[4]]),
            (pad(1, PadMode::Constant(f32::NAN)), &[&[4]]),
            (pad(usize::MAX, PadMode::Edge), &[&[4]]),
            (slice(4, 1, 1), &[&[4]]),
            (slice(0, 2, 3), &[&[4]]),
            (slice(2, -1, 4), &[&[4]]),
            (slice(0, 0, 1), &[&[4]]),
            (slice(0, i64::MIN, usize::MAX), &[&[4]]),
            (Op::Gather { axis: 0, indices: vec![4], shape: vec![] }, &[&[4]]),
            (Op::Gather { axis: 0, indices: vec![0], shape: vec![2] }, &[&[4]]),
            (Op::Expand { shape: vec![2] }, &[&[3]]),
            (Op::Expand { shape: vec![1] }, &[&[3]]),
            (resize(0.0), &[&[2]]),
            (resize(f32::INFINITY), &[&[2]]),
            (resize(2.0), &[&[2, 2]]),
            (Op::SpaceToDepth { block: 2 }, &[&[1, 3, 4, 5]]),
            (Op::LayerNormalization { axis: 1, epsilon: 0.1 }, &[&[2, 3], &[2, 3], &[3]]),
            (Op::InstanceNormalization { epsilon: -0.1 }, &[&[1, 3, 4], &[3], &[3]]),
            (Op::Unary { kind: UnaryKind::Celu { alpha: 0.0 } }, &[&[2]]),
            (Op::Unary { kind: UnaryKind::Elu { alpha: f32::NAN } }, &[&[2]]),
            (lstm(false), &short),
            (lstm(false), &LSTM[..5]),
        ];
        for (op, inputs) in rows {
            assert!(infer(op, inputs, None).is_err(), "{op:?} {inputs:?}");
        }
    }
}
