//! Operators that spread elements out, and those that take blocks of them apart.

use super::super::arrange::upright;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::super::syntax::Literal;
use super::moves::pair;
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, MAX_ELEMENTS, Op, PadMode};

/// `nn.dilate(x, strides, dilation_value)`: elements so many apart, with a value between them.
pub(super) fn dilate(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let value = call.float("dilation_value", 0.0)?;
    let strides = call.sizes("strides")?.unwrap_or_default();
    if strides.len() != shape.len() || strides.iter().any(|n| !(1..=MAX_ELEMENTS).contains(n)) {
        let message = format!("must be a positive number for each axis of {shape:?}");
        return Err(Error::new("import", message).attribute("strides"));
    }
    let mut x = call.plain(0)?;
    for (axis, &step) in strides.iter().enumerate().filter(|(_, step)| **step > 1) {
        let own = call.lower.graph.shape(x).to_vec();
        let mut apart = own.clone();
        apart.insert(axis + 1, 1);
        x = call.shaped("apart", x, &apart)?;
        let (before, mut after) = (vec![0; apart.len()], vec![0; apart.len()]);
        after[axis + 1] = step - 1;
        x = call.part("between", Op::Pad { before, after, mode: PadMode::Constant(value) }, &[x])?;
        let mut extents = own;
        let elements = extents[axis];
        extents[axis] = elements.saturating_mul(step);
        x = call.shaped("joined", x, &extents)?;
        // Nothing stands behind the last element.
        extents[axis] -= step - 1;
        let op = Op::Slice { starts: vec![0; extents.len()], steps: vec![1; extents.len()], extents };
        x = call.part("slice", op, &[x])?;
    }
    Ok(upright(x, shape.len()))
}

/// Pairs of an attribute, one for each of `count` axes.
fn pairs(call: &mut OperatorCall, key: &str, count: usize) -> Result<Vec<(usize, usize)>> {
    let rows = match call.attribute(key) {
        Some(Literal::List(rows)) => rows.iter().map(pair).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    match rows.filter(|rows| rows.len() == count && rows.iter().all(|(a, b)| a.max(b) <= &MAX_ELEMENTS)) {
        Some(rows) => Ok(rows),
        None => Err(Error::new("import", format!("must be {count} pairs of numbers")).attribute(key)),
    }
}

/// The attribute `block_shape`, for axes from the second one on.
fn blocks(call: &mut OperatorCall, shape: &[usize]) -> Result<Vec<usize>> {
    let blocks = call.sizes("block_shape")?.unwrap_or_default();
    match blocks.len() < shape.len() && blocks.iter().all(|n| (1..=MAX_ELEMENTS).contains(n)) {
        true => Ok(blocks),
        false => {
            let message = format!("{blocks:?} does not fit {shape:?}");
            Err(Error::new("import", message).attribute("block_shape"))
        }
    }
}

/// `nn.space_to_batch_nd(x, block_shape, paddings, pad_value)`.
pub(super) fn space_to_batch(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let blocks = blocks(call, &shape)?;
    let paddings = pairs(call, "paddings", blocks.len())?;
    let value = call.float("pad_value", 0.0)?;
    let mut x = call.plain(0)?;
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    for (i, &(first, last)) in paddings.iter().enumerate() {
        (before[i + 1], after[i + 1]) = (first, last);
    }
    if before.iter().chain(&after).any(|n| *n > 0) {
        x = call.part("pad", Op::Pad { before, after, mode: PadMode::Constant(value) }, &[x])?;
    }
    let padded = call.lower.graph.shape(x).to_vec();
    let (mut split, mut made) = (vec![padded[0]], vec![padded[0]]);
    let (mut inner, mut outer) = (vec![], vec![0]);
    for (i, &block) in blocks.iter().enumerate() {
        let extent = padded[i + 1];
        if !extent.is_multiple_of(block) {
            let message = format!("blocks of {block} do not divide {extent} elements");
            return Err(Error::new("import", message).attribute("block_shape"));
        }
        outer.push(split.len());
        inner.push(split.len() + 1);
        split.extend([extent / block, block]);
        made[0] = made[0].saturating_mul(block);
        made.push(extent / block);
    }
    let rest = &padded[blocks.len() + 1..];
    let perm = inner.into_iter().chain(outer).chain(split.len()..split.len() + rest.len()).collect();
    split.extend(rest);
    made.extend(rest);
    let x = call.shaped("split", x, &split)?;
    let x = call.permuted(x, perm)?;
    let y = call.shaped("batch", x, &made)?;
    Ok(upright(y, shape.len()))
}

/// `nn.batch_to_space_nd(x, block_shape, crops)`.
pub(super) fn batch_to_space(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let blocks = blocks(call, &shape)?;
    let crops = pairs(call, "crops", blocks.len())?;
    let all = blocks.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
    let Some(images) = all.filter(|all| shape[0].is_multiple_of(*all)).map(|all| shape[0] / all) else {
        let message = format!("{blocks:?} do not divide {} images", shape[0]);
        return Err(Error::new("import", message).attribute("block_shape"));
    };
    let count = blocks.len();
    let split: Vec<usize> =
        blocks.iter().copied().chain([images]).chain(shape[1..].iter().copied()).collect();
    let mut perm = vec![count];
    let mut made = vec![images];
    for (i, &block) in blocks.iter().enumerate() {
        perm.extend([count + 1 + i, i]);
        made.push(shape[i + 1].saturating_mul(block));
    }
    perm.extend(2 * count + 1..split.len());
    made.extend(&shape[count + 1..]);
    let x = call.plain(0)?;
    let x = call.shaped("split", x, &split)?;
    let x = call.permuted(x, perm)?;
    let mut y = call.shaped("space", x, &made)?;
    let (mut starts, mut extents) = (vec![0; made.len()], made.clone());
    for (i, &(first, last)) in crops.iter().enumerate() {
        starts[i + 1] = first;
        extents[i + 1] = match made[i + 1].checked_sub(first + last) {
            Some(n) if n > 0 => n,
            _ => return refuse(format!("the crops leave nothing of {made:?}")),
        };
    }
    if extents != made {
        y = call.part("crop", Op::Slice { starts, steps: vec![1; made.len()], extents }, &[y])?;
    }
    Ok(upright(y, shape.len()))
}

/// `cumprod(x, axis, dtype, exclusive)`: each product times that of twice as many elements before it, and so on. Without
/// an axis it counts all elements.
pub(super) fn cumulative_product(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let mut shape = call.shape(0)?;
    let dtype = call.text("dtype", "")?;
    if !["", "float32", "int32", "int64"].contains(&dtype.as_str()) {
        return Err(Error::new("import", format!("is {dtype}")).attribute("dtype").hint("float32"));
    }
    let exclusive = call.flag("exclusive", false)?;
    let mut x = call.plain(0)?;
    let axis = match call.has("axis") {
        true => call.axis("axis", 0, shape.len())?,
        false => {
            shape = vec![shape.iter().product()];
            x = call.shaped("flat", x, &shape)?;
            0
        }
    };
    let count = shape[axis];
    if exclusive {
        x = behind(call, x, axis, 1)?;
    }
    let mut step = 1;
    while step < count {
        let before = behind(call, x, axis, step)?;
        x = call.part("product", Op::Binary { kind: BinaryKind::Mul }, &[x, before])?;
        step *= 2;
    }
    Ok(upright(x, shape.len()))
}

/// Elements moved along an axis, behind ones.
fn behind(
    call: &mut OperatorCall,
    x: crate::graph::ValueId,
    axis: usize,
    step: usize,
) -> Result<crate::graph::ValueId> {
    let mut extents = call.lower.graph.shape(x).to_vec();
    let step = step.min(extents[axis]);
    let mut ones = extents.clone();
    ones[axis] = step;
    let ones_count = ones.iter().product();
    let ones = call.reals(&ones, vec![1.0; ones_count])?;
    extents[axis] -= step;
    if extents[axis] == 0 {
        return Ok(ones);
    }
    let op = Op::Slice { starts: vec![0; extents.len()], steps: vec![1; extents.len()], extents };
    let first = call.part("first", op, &[x])?;
    call.part("behind", Op::Concat { axis }, &[ones, first])
}
