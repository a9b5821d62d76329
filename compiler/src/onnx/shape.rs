//! Operators that move elements without computing: Concat, Flatten, Reshape, Squeeze, Unsqueeze,
//! Transpose, DepthToSpace.

use super::call::Call;
use crate::error::Result;
use crate::graph::{DepthToSpaceMode, MAX_ELEMENTS, Op};

/// Resolves an axis that may count from the end.
pub(super) fn axis(call: &Call, value: i64, rank: usize) -> Result<usize> {
    // Ranks are lengths of vectors in memory, far below i64::MAX.
    let resolved = if value < 0 { value.saturating_add(rank as i64) } else { value };
    match usize::try_from(resolved) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => call.refuse("axis", format!("{value} is not an axis of a tensor of rank {rank}")),
    }
}

/// Concat.
pub(super) fn concat(call: &mut Call) -> Result<()> {
    let inputs = call.values(1..)?;
    let rank = call.shape(0)?.len();
    if !call.given("axis") {
        return call.refuse("axis", "is missing");
    }
    let value = call.int("axis", 0)?;
    let axis = axis(call, value, rank)?;
    call.emit(Op::Concat { axis }, &inputs)
}

/// Flatten.
pub(super) fn flatten(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let rank = call.shape(0)?.len();
    let value = call.int("axis", 1)?;
    // Unlike elsewhere, the axis may equal the rank: then the second dimension is 1.
    let axis = match usize::try_from(value) {
        Ok(end) if end == rank => rank,
        _ => axis(call, value, rank)?,
    };
    call.emit(Op::Flatten { axis }, &inputs)
}

/// Reshape to a constant shape.
pub(super) fn reshape(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let x = call.value(0)?;
    let old = call.shape(0)?;
    let wanted = call.integers(1)?;
    let allow_zero = call.opset() >= 14 && call.flag("allowzero", false)?;
    let shape = resolve(call, &old, &wanted, allow_zero)?;
    let y = call.reshaped(x, &shape)?;
    call.result(y)
}

/// Replaces 0 by the old extent and one -1 by what is left over.
pub(super) fn resolve(call: &Call, old: &[usize], wanted: &[i64], allow_zero: bool) -> Result<Vec<usize>> {
    let bad = |why: &str| call.refuse("shape", format!("{wanted:?} of {old:?} {why}"));
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    let mut known = 1usize;
    for (i, &w) in wanted.iter().enumerate() {
        let extent = match (w, usize::try_from(w)) {
            (-1, _) if open.is_some() => return bad("leaves two extents open"),
            (-1, _) => {
                open = Some(i);
                1
            }
            (0, _) if allow_zero => return bad("has no elements"),
            (0, _) if i < old.len() => old[i],
            (0, _) => return bad("copies an extent that does not exist"),
            (_, Ok(extent)) => extent,
            _ => return bad("has a negative extent"),
        };
        known = match known.checked_mul(extent) {
            Some(n) if n <= MAX_ELEMENTS => n,
            _ => return bad("is too large"),
        };
        shape.push(extent);
    }
    if let Some(open) = open {
        let total: usize = old.iter().product();
        // Lists of shape arithmetic may be empty, and zero divides nothing.
        if known == 0 || !total.is_multiple_of(known) {
            return bad("does not divide evenly");
        }
        shape[open] = total / known;
    }
    Ok(shape)
}

/// Reads the axes of Squeeze and Unsqueeze: an attribute up to opset 12, then an input.
fn axes(call: &mut Call) -> Result<Option<Vec<i64>>> {
    if call.opset() < 13 {
        call.arity(1)?;
        return Ok(call.ints("axes")?.map(<[i64]>::to_vec));
    }
    call.arity(1..=2)?;
    match call.has(1) {
        true => call.integers(1).map(Some),
        false => Ok(None),
    }
}

/// Axes as a mask over `rank` positions; each at most once.
fn mask(call: &Call, axes: &[i64], rank: usize) -> Result<Vec<bool>> {
    let mut mask = vec![false; rank];
    for &value in axes {
        let axis = axis(call, value, rank)?;
        if std::mem::replace(&mut mask[axis], true) {
            return call.refuse("axes", format!("{axes:?} names an axis twice"));
        }
    }
    Ok(mask)
}

/// The shape after a Squeeze of `old`.
pub(super) fn squeezed(call: &mut Call, old: &[usize]) -> Result<Vec<usize>> {
    let mask = match axes(call)? {
        Some(axes) => mask(call, &axes, old.len())?,
        None => old.iter().map(|&n| n == 1).collect(),
    };
    let pairs = || old.iter().zip(&mask);
    if let Some((n, _)) = pairs().find(|(n, gone)| **gone && **n != 1) {
        return call.refuse("axes", format!("an axis of {old:?} has extent {n}, not 1"));
    }
    Ok(pairs().filter(|(_, gone)| !**gone).map(|(&n, _)| n).collect())
}

/// The shape after an Unsqueeze of `old`.
pub(super) fn unsqueezed(call: &mut Call, old: &[usize]) -> Result<Vec<usize>> {
    let Some(axes) = axes(call)? else {
        return call.refuse("axes", "is missing");
    };
    // The axes count in the new rank.
    let mask = mask(call, &axes, old.len() + axes.len())?;
    let mut rest = old.iter();
    let extent = |new: &bool| if *new { 1 } else { rest.next().map_or(1, |&n| n) };
    Ok(mask.iter().map(extent).collect())
}

/// Squeeze, as a Reshape.
pub(super) fn squeeze(call: &mut Call) -> Result<()> {
    let old = call.shape(0)?;
    let shape = squeezed(call, &old)?;
    let x = call.value(0)?;
    let y = call.reshaped(x, &shape)?;
    call.result(y)
}

/// Unsqueeze, as a Reshape.
pub(super) fn unsqueeze(call: &mut Call) -> Result<()> {
    let old = call.shape(0)?;
    let shape = unsqueezed(call, &old)?;
    let x = call.value(0)?;
    let y = call.reshaped(x, &shape)?;
    call.result(y)
}

/// Transpose; reverses the axes unless told otherwise.
pub(super) fn transpose(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let rank = call.shape(0)?.len();
    let perm = match call.ints("perm")? {
        // The operator's rule refuses whatever is not a permutation.
        Some(perm) => match perm.iter().map(|&p| usize::try_from(p)).collect() {
            Ok(perm) => perm,
            Err(_) => return call.refuse("perm", format!("{perm:?} does not permute {rank} axes")),
        },
        None => (0..rank).rev().collect(),
    };
    call.emit(Op::Transpose { perm }, &inputs)
}

/// DepthToSpace.
pub(super) fn depth_to_space(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let block = call.int("blocksize", 0)?;
    let Some(block) = usize::try_from(block).ok().filter(|&b| b > 0) else {
        return call.refuse("blocksize", format!("is {block}"));
    };
    let mode = match call.opset() {
        ..11 => "DCR",
        _ => call.string("mode", "DCR")?,
    };
    let mode = match mode {
        "DCR" => DepthToSpaceMode::Dcr,
        "CRD" => DepthToSpaceMode::Crd,
        other => return call.refuse("mode", format!("{other:?} is not known")),
    };
    call.emit(Op::DepthToSpace { block, mode }, &inputs)
}
