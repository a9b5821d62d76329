//! Operators that pick elements along axes: Pad, Slice, Split, Gather, Expand, SpaceToDepth.

use super::call::Call;
use super::shape::axis;
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Op, PadMode, ValueId, broadcast};

/// Pad; the amounts are attributes up to opset 10 and inputs from opset 11. Negative ones crop.
pub(super) fn pad(call: &mut Call) -> Result<()> {
    let mode = call.string("mode", "constant")?;
    let (pads, value) = if call.opset() < 11 {
        call.arity(1, 1)?;
        let Some(pads) = call.ints("pads")? else {
            return call.refuse("pads", "is missing");
        };
        (pads.to_vec(), call.float("value", 0.0)?)
    } else {
        call.arity(2, 4)?;
        (call.integers(1)?, if call.has(2) { call.scalar(2)? } else { 0.0 })
    };
    let mode = match mode {
        "constant" => PadMode::Constant(value),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return call.refuse("mode", format!("{other:?} is not known")),
    };
    let mut x = call.value(0)?;
    let shape = call.shape(0)?;
    let axes =
        if call.has(3) { axes(call, &call.integers(3)?, shape.len())? } else { (0..shape.len()).collect() };
    if pads.len() != 2 * axes.len() || pads.iter().any(|p| p.unsigned_abs() > MAX_ELEMENTS as u64) {
        return call.refuse("pads", format!("{pads:?} does not fit {shape:?}"));
    }
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    let (mut starts, mut extents) = (vec![0; shape.len()], shape.clone());
    for (i, &axis) in axes.iter().enumerate() {
        let (first, last) = (pads[i], pads[i + axes.len()]);
        let (cut_first, cut_last) = ((-first).max(0) as usize, (-last).max(0) as usize);
        (before[axis], after[axis]) = (first.max(0) as usize, last.max(0) as usize);
        starts[axis] = cut_first;
        extents[axis] = match shape[axis].checked_sub(cut_first + cut_last) {
            Some(n) if n > 0 => n,
            _ => return call.refuse("pads", format!("{pads:?} leaves nothing of {shape:?}")),
        };
    }
    if extents != shape {
        let steps = vec![1; shape.len()];
        x = call.apply(Op::Slice { starts, steps, extents }, &[x])?;
    }
    call.emit(Op::Pad { before, after, mode }, &[x])
}

/// Resolves a list of axes, each named once.
pub(super) fn axes(call: &Call, values: &[i64], rank: usize) -> Result<Vec<usize>> {
    let mut axes = Vec::with_capacity(values.len().min(rank));
    for &value in values {
        let axis = axis(call, value, rank)?;
        if axes.contains(&axis) {
            return call.refuse("axes", format!("{values:?} names an axis twice"));
        }
        axes.push(axis);
    }
    Ok(axes)
}

/// Starts, ends, axes and steps of a Slice: attributes up to opset 9, then inputs.
pub(super) fn bounds(call: &mut Call) -> Result<[Option<Vec<i64>>; 4]> {
    let mut bounds: [Option<Vec<i64>>; 4] = [None, None, None, None];
    if call.opset() < 10 {
        call.arity(1, 1)?;
        for (slot, name) in bounds.iter_mut().zip(["starts", "ends", "axes"]) {
            *slot = call.ints(name)?.map(<[i64]>::to_vec);
        }
    } else {
        call.arity(3, 5)?;
        for (i, slot) in bounds.iter_mut().enumerate() {
            *slot = call.has(i + 1).then(|| call.integers(i + 1)).transpose()?;
        }
    }
    Ok(bounds)
}

/// Slice.
pub(super) fn slice(call: &mut Call) -> Result<()> {
    let [starts, ends, named, steps] = bounds(call)?;
    let shape = call.shape(0)?;
    let (Some(starts), Some(ends)) = (starts, ends) else {
        return call.refuse("starts", "or ends is missing");
    };
    let named = match named {
        Some(named) => axes(call, &named, shape.len())?,
        None => (0..starts.len()).collect(),
    };
    let given = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), named.len(), given.len()] != [starts.len(); 3] || named.iter().any(|&a| a >= shape.len())
    {
        return call.refuse("starts", "ends, axes and steps differ in length or exceed the rank");
    }
    let (mut firsts, mut steps, mut extents) = (vec![0; shape.len()], vec![1; shape.len()], shape.clone());
    for (i, &axis) in named.iter().enumerate() {
        // Extents are at most MAX_ELEMENTS, so 128 bits hold every sum.
        let (n, step) = (shape[axis] as i128, i128::from(given[i]));
        let clamp = |v: i64, low: i128, high: i128| {
            let v = i128::from(v);
            (if v < 0 { v + n } else { v }).clamp(low, high)
        };
        let (first, count) = match step {
            0 => return call.refuse("steps", "a step is 0"),
            1.. => {
                let (start, end) = (clamp(starts[i], 0, n), clamp(ends[i], 0, n));
                (start, (end - start + step - 1) / step)
            }
            _ => {
                let (start, end) = (clamp(starts[i], 0, n - 1), clamp(ends[i], -1, n - 1));
                (start, (start - end - step - 1) / -step)
            }
        };
        if count <= 0 {
            return call.refuse("starts", format!("the slice of axis {axis} of {shape:?} is empty"));
        }
        firsts[axis] = first as usize;
        extents[axis] = count as usize;
        // With one element the step does not matter, and may be absurd.
        steps[axis] = if count == 1 { 1 } else { given[i] };
    }
    let x = call.value(0)?;
    call.emit(Op::Slice { starts: firsts, steps, extents }, &[x])
}

/// The part of `x` from `start` on along an axis.
fn part(call: &mut Call, x: ValueId, axis: usize, start: usize, extent: usize) -> Result<ValueId> {
    let mut extents = call.shape_of(x);
    let (mut starts, steps) = (vec![0; extents.len()], vec![1; extents.len()]);
    starts[axis] = start;
    extents[axis] = extent;
    call.apply(Op::Slice { starts, steps, extents }, &[x])
}

/// Split, as a Slice for each result; the sizes are an attribute up to opset 12, then an input.
pub(super) fn split(call: &mut Call) -> Result<()> {
    let by_input = call.opset() >= 13;
    call.arity(1, if by_input { 2 } else { 1 })?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let value = call.int("axis", 0)?;
    let axis = axis(call, value, shape.len())?;
    let given = match by_input {
        true if call.has(1) => Some(call.integers(1)?),
        true => None,
        false => call.ints("split")?.map(<[i64]>::to_vec),
    };
    let results = call.results();
    if call.opset() >= 18 {
        let stated = call.int("num_outputs", results as i64)?;
        if usize::try_from(stated) != Ok(results) {
            return call.refuse("num_outputs", format!("is {stated}, the node has {results} results"));
        }
    }
    let sizes: Vec<usize> = match given {
        Some(sizes) => sizes.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect(),
        None => {
            // The last part is smaller where the extent does not divide.
            let each = shape[axis].div_ceil(results.max(1));
            (0..results).map(|i| shape[axis].saturating_sub(i * each).min(each)).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
    if sizes.len() != results || sizes.contains(&0) || total != Some(shape[axis]) {
        return call.refuse("split", format!("{sizes:?} does not divide axis {axis} of {shape:?}"));
    }
    let mut start = 0;
    for (i, size) in sizes.into_iter().enumerate() {
        if call.wanted(i) {
            let y = part(call, x, axis, start, size)?;
            call.result(y)?;
        } else {
            call.skip_result();
        }
        start += size;
    }
    Ok(())
}

/// Gather by constant indices.
pub(super) fn gather(call: &mut Call) -> Result<()> {
    call.arity(2, 2)?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, shape.len())?;
    let (index_shape, indices) = call.integer_tensor(1)?;
    // Extents are at most MAX_ELEMENTS.
    let extent = shape[along] as i64;
    let place = |&i: &i64| {
        let i = if i < 0 { i.saturating_add(extent) } else { i };
        usize::try_from(i).ok().filter(|&i| i < shape[along])
    };
    let Some(indices) = indices.iter().map(place).collect() else {
        return call.refuse("indices", format!("one lies outside of axis {along} of {shape:?}"));
    };
    call.emit(Op::Gather { axis: along, indices, shape: index_shape }, &[x])
}

/// GatherND by constant indices: a Gather along the axes that they name, taken together.
pub(super) fn gather_nd(call: &mut Call) -> Result<()> {
    call.arity(2, 2)?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    if call.int("batch_dims", 0)? != 0 {
        return call.refuse("batch_dims", "is not 0");
    }
    let (index_shape, rows) = call.integer_tensor(1)?;
    let width = index_shape.last().copied().unwrap_or(0);
    if width == 0 || width > shape.len() {
        return call.refuse("indices", format!("{index_shape:?} do not fit {shape:?}"));
    }
    let flat = |row: &[i64]| {
        row.iter().zip(&shape).try_fold(0usize, |place, (&i, &extent)| {
            let i = if i < 0 { i.saturating_add(extent as i64) } else { i };
            Some(place * extent + usize::try_from(i).ok().filter(|&i| i < extent)?)
        })
    };
    let Some(indices) = rows.chunks(width).map(flat).collect::<Option<Vec<usize>>>() else {
        return call.refuse("indices", format!("one lies outside of {shape:?}"));
    };
    let mut together = vec![shape[..width].iter().product::<usize>()];
    together.extend(&shape[width..]);
    let x = call.reshaped(x, &together)?;
    let shape = index_shape[..index_shape.len() - 1].to_vec();
    call.emit(Op::Gather { axis: 0, indices, shape }, &[x])
}

/// Expand to a constant shape; extents of the input that are larger stay.
pub(super) fn expand(call: &mut Call) -> Result<()> {
    call.arity(2, 2)?;
    let x = call.value(0)?;
    let (old, wanted) = (call.shape(0)?, call.integers(1)?);
    let wanted: Vec<usize> = wanted.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
    match broadcast(&old, &wanted) {
        Some(shape) => call.emit(Op::Expand { shape }, &[x]),
        None => call.refuse("shape", format!("{old:?} does not broadcast with {wanted:?}")),
    }
}

/// SpaceToDepth.
pub(super) fn space_to_depth(call: &mut Call) -> Result<()> {
    let inputs = call.values(1, 1)?;
    let block = call.int("blocksize", 0)?;
    match usize::try_from(block) {
        Ok(block) if block > 0 => call.emit(Op::SpaceToDepth { block }, &inputs),
        _ => call.refuse("blocksize", format!("is {block}")),
    }
}
