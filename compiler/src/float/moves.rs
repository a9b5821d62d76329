//! Operators that pick elements along axes: Pad, Slice, Gather, GatherElements, Expand, SpaceToDepth.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};

use super::shape::{reshape, transpose};
use crate::graph::PadMode;

/// Along each axis the elements at the given places.
fn pick(x: &ArrayViewD<f32>, places: impl Iterator<Item = Option<Vec<usize>>>) -> ArrayD<f32> {
    let mut y = x.to_owned();
    for (axis, places) in places.enumerate() {
        if let Some(places) = places {
            y = y.select(Axis(axis), &places);
        }
    }
    y
}

/// Adds elements around a tensor.
pub(super) fn pad(
    x: &ArrayViewD<f32>,
    before: &[usize],
    after: &[usize],
    mode: PadMode,
    shape: &[usize],
) -> ArrayD<f32> {
    if let PadMode::Constant(value) = mode {
        let mut y = ArrayD::from_elem(IxDyn(shape), value);
        let inner = |a: ndarray::AxisDescription| {
            let start = before[a.axis.index()];
            ndarray::Slice::from(start..start + x.shape()[a.axis.index()])
        };
        y.slice_each_axis_mut(inner).assign(x);
        return y;
    }
    let places = (0..x.ndim()).map(|axis| {
        let (extent, before, after) = (x.shape()[axis], before[axis], after[axis]);
        let place = |o: usize| match (o.checked_sub(before), mode) {
            (Some(i), _) if i < extent => i,
            (None, PadMode::Reflect) => before - o,
            (Some(i), PadMode::Reflect) => 2 * (extent - 1) - i,
            (None, PadMode::Wrap) => extent - (before - o),
            (Some(i), PadMode::Wrap) => i - extent,
            (None, _) => 0,
            (Some(_), _) => extent - 1,
        };
        (before + after > 0).then(|| (0..before + extent + after).map(place).collect())
    });
    pick(x, places)
}

/// Takes every n-th element of a range along each axis.
pub(super) fn slice(x: &ArrayViewD<f32>, starts: &[usize], steps: &[i64], extents: &[usize]) -> ArrayD<f32> {
    let places = (0..x.ndim()).map(|axis| {
        // The rule of Slice checked that the last place lies inside, so all do.
        let place = |i: usize| (starts[axis] as i64 + steps[axis] * i as i64) as usize;
        let all = starts[axis] == 0 && steps[axis] == 1 && extents[axis] == x.shape()[axis];
        (!all).then(|| (0..extents[axis]).map(place).collect())
    });
    pick(x, places)
}

/// Picks elements along an axis.
pub(super) fn gather(x: &ArrayViewD<f32>, axis: usize, indices: &[usize], shape: &[usize]) -> ArrayD<f32> {
    reshape(&x.select(Axis(axis), indices).view(), shape)
}

/// The elements of x whose places along an axis are `indices`; of one outside of x no number.
pub(super) fn gather_elements(x: &ArrayViewD<f32>, indices: &ArrayViewD<f32>, axis: usize) -> ArrayD<f32> {
    let extent = x.shape()[axis] as f32;
    ArrayD::from_shape_fn(indices.raw_dim(), |at| {
        let index = indices[&at].round();
        let from_start = if index < 0.0 { index + extent } else { index };
        let mut place = at;
        // Extents are exact in float32 as far as indices are.
        place[axis] = if (0.0..extent).contains(&from_start) { from_start as usize } else { usize::MAX };
        x.get(place).copied().unwrap_or(f32::NAN)
    })
}

/// Broadcasts to a shape.
pub(super) fn expand(x: &ArrayViewD<f32>, shape: &[usize]) -> ArrayD<f32> {
    x.broadcast(IxDyn(shape)).expect("the rule of Expand checked the shape").to_owned()
}

/// Moves blocks of space into channels.
pub(super) fn space_to_depth(x: &ArrayViewD<f32>, block: usize, shape: &[usize]) -> ArrayD<f32> {
    let &[n, c, h, w] = x.shape() else {
        unreachable!("the rule of SpaceToDepth checked the rank");
    };
    let split = reshape(x, &[n, c, h / block, block, w / block, block]);
    reshape(&transpose(&split.view(), &[0, 3, 5, 1, 2, 4]).view(), shape)
}
