//! Operators that only move elements.

use super::windows::image;
use super::{broadcast, elements, refuse};
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, PadMode};

pub(super) fn concat(axis: usize, inputs: &[&[usize]]) -> Result<Vec<usize>> {
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

pub(super) fn reshape(x: &[usize], declared: Option<&[usize]>) -> Result<Vec<usize>> {
    let Some(shape) = declared else {
        return refuse("the new shape is missing");
    };
    if elements(x)? != elements(shape)? {
        return refuse(format!("{x:?} cannot become {shape:?}: the element counts differ"));
    }
    Ok(shape.to_vec())
}

pub(super) fn transpose(perm: &[usize], x: &[usize]) -> Result<Vec<usize>> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.len()) {
        return refuse(format!("perm {perm:?} does not permute the axes of {x:?}"));
    }
    Ok(perm.iter().map(|&p| x[p]).collect())
}

pub(super) fn depth_to_space(block: usize, x: &[usize]) -> Result<Vec<usize>> {
    image(x)?;
    match block.checked_mul(block) {
        Some(square) if square > 0 && x[1].is_multiple_of(square) => {
            Ok(vec![x[0], x[1] / square, x[2] * block, x[3] * block])
        }
        _ => refuse(format!("block size {block} squared does not divide {} channels", x[1])),
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

pub(super) fn gather_elements(axis: usize, x: &[usize], indices: &[usize]) -> Result<Vec<usize>> {
    let within = x.iter().zip(indices).enumerate().all(|(a, (n, i))| a == axis || i <= n);
    match x.len() == indices.len() && axis < x.len() && within {
        true => Ok(indices.to_vec()),
        false => refuse(format!("indices {indices:?} do not name elements of {x:?} along axis {axis}")),
    }
}
