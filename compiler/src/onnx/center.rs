//! CenterCropPad: the middle of an axis, or an axis in the middle of zeros.

use super::call::Call;
use super::import::Operand;
use super::moves::axes;
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Op, PadMode};

/// CenterCropPad to a constant shape: a Slice and a Pad. The odd element is cropped and padded at the end.
pub(super) fn center_crop_pad(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let wanted = call.integers(1)?;
    let named = call.ints("axes")?.map(|named| axes(call, named, shape.len())).transpose()?;
    let named = named.unwrap_or_else(|| (0..shape.len()).collect());
    let extent = |n: &i64| usize::try_from(*n).ok().filter(|n| (1..=MAX_ELEMENTS).contains(n));
    let sizes = wanted.iter().map(extent).collect::<Option<Vec<usize>>>();
    let Some(sizes) = sizes.filter(|sizes| sizes.len() == named.len()) else {
        return call.refuse("shape", format!("{wanted:?} does not fit {shape:?}"));
    };
    let (mut starts, mut extents) = (vec![0; shape.len()], shape.clone());
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    for (&axis, &size) in named.iter().zip(&sizes) {
        let (cropped, added) = (shape[axis].saturating_sub(size), size.saturating_sub(shape[axis]));
        starts[axis] = cropped / 2;
        extents[axis] -= cropped;
        (before[axis], after[axis]) = (added / 2, added - added / 2);
    }
    let mut y = x;
    if extents != shape {
        y = call.apply(Op::Slice { starts, steps: vec![1; shape.len()], extents }, &[y])?;
    }
    if before != after || before.iter().any(|&n| n > 0) {
        y = call.apply(Op::Pad { before, after, mode: PadMode::Constant(0.0) }, &[y])?;
    }
    match y == x {
        true => call.alias(Operand::Value(x)),
        false => call.result(y),
    }
}
