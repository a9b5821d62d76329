//! Operators that pick elements along axes: Pad, Slice, Split, Gather, Expand, SpaceToDepth.

use super::call::Call;
use super::described;
use super::import::Operand;
use super::picked;
use super::shape::axis;
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Op, PadMode, ValueId, broadcast};

/// Pad; the amounts are attributes up to opset 10 and inputs from opset 11. Negative ones crop.
pub(super) fn pad(call: &mut Call) -> Result<()> {
    let mode = call.string("mode", "constant")?;
    // The integers of quantised models are padded with one of them.
    let integer = call.integer(0)?;
    let mut fill = 0;
    let (pads, value) = if call.opset() < 11 {
        call.arity(1)?;
        let Some(pads) = call.ints("pads")? else {
            return call.refuse("pads", "is missing");
        };
        (pads.to_vec(), call.float("value", 0.0)?)
    } else {
        call.arity(2..=4)?;
        let pads = call.integers(1)?;
        let value = match (call.has(2), integer) {
            (false, _) => 0.0,
            (true, None) => call.scalar(2)?,
            (true, Some(_)) => {
                let (_, numbers) = call.integer_tensor(2)?;
                let &[number] = &numbers[..] else { return Err(call.error("input 2 must be one integer")) };
                fill = number;
                0.0
            }
        };
        (pads, value)
    };
    let mode = match mode {
        // Infinities are the largest float32, as in masks.
        "constant" => PadMode::Constant(value.clamp(f32::MIN, f32::MAX)),
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "wrap" => PadMode::Wrap,
        other => return call.refuse("mode", format!("{other:?} is not known")),
    };
    let mut x = match integer {
        Some(_) => call.whole(0)?.0,
        None => call.value(0)?,
    };
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
    match (integer, mode) {
        (None, mode) => call.emit(Op::Pad { before, after, mode }, &[x]),
        (Some(integer), PadMode::Constant(_)) => call.pad_whole(x, integer, [before, after], fill),
        (Some(integer), mode) => call.emit_whole(Op::Pad { before, after, mode }, &[x], integer),
    }
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

/// Elements that a Slice takes along one axis.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub first: usize,
    pub step: i64,
    /// None at all where it is 0.
    pub count: usize,
}

/// What a Slice of a tensor of `shape` takes along each axis; starts, ends, axes and steps are attributes up to opset
/// 9, then inputs.
pub(super) fn taken(call: &mut Call, shape: &[usize]) -> Result<Vec<Taken>> {
    let mut bounds: [Option<Vec<i64>>; 4] = [None, None, None, None];
    if call.opset() < 10 {
        call.arity(1)?;
        for (slot, name) in bounds.iter_mut().zip(["starts", "ends", "axes"]) {
            *slot = call.ints(name)?.map(<[i64]>::to_vec);
        }
    } else {
        call.arity(3..=5)?;
        for (i, slot) in bounds.iter_mut().enumerate() {
            *slot = call.has(i + 1).then(|| call.integers(i + 1)).transpose()?;
        }
    }
    let [Some(starts), Some(ends), named, steps] = bounds else {
        return call.refuse("starts", "or ends is missing");
    };
    let named = match named {
        Some(named) => axes(call, &named, shape.len())?,
        None => (0..starts.len()).collect(),
    };
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), named.len(), steps.len()] != [starts.len(); 3] || named.iter().any(|&a| a >= shape.len())
    {
        return call.refuse("starts", "ends, axes and steps differ in length or exceed the rank");
    }
    let mut taken: Vec<Taken> = shape.iter().map(|&count| Taken { first: 0, step: 1, count }).collect();
    for (i, &axis) in named.iter().enumerate() {
        // Extents are at most MAX_ELEMENTS, so 128 bits hold every sum.
        let (n, step) = (shape[axis] as i128, i128::from(steps[i]));
        let clamp = |v: i64, low: i128, high: i128| {
            let v = i128::from(v);
            (if v < 0 { v + n } else { v }).clamp(low, high)
        };
        let (first, count) = match step {
            0 => return call.refuse("steps", "a step is 0"),
            // Of nothing nothing is taken.
            _ if n == 0 => (0, 0),
            1.. => {
                let (start, end) = (clamp(starts[i], 0, n), clamp(ends[i], 0, n));
                (start, (end - start + step - 1) / step)
            }
            _ => {
                let (start, end) = (clamp(starts[i], 0, n - 1), clamp(ends[i], -1, n - 1));
                (start, (start - end - step - 1) / -step)
            }
        };
        // With one element the step does not matter, and may be absurd.
        let step = if count <= 1 { 1 } else { steps[i] };
        taken[axis] = Taken { first: first as usize, step, count: count.max(0) as usize };
    }
    Ok(taken)
}

/// Slice.
pub(super) fn slice(call: &mut Call) -> Result<()> {
    let shape = call.shape(0)?;
    let taken = taken(call, &shape)?;
    if let Some(axis) = taken.iter().position(|t| t.count == 0) {
        return call.refuse("starts", format!("the slice of axis {axis} of {shape:?} is empty"));
    }
    let starts = taken.iter().map(|t| t.first).collect();
    let steps = taken.iter().map(|t| t.step).collect();
    let extents = taken.iter().map(|t| t.count).collect();
    let x = call.value(0)?;
    call.emit(Op::Slice { starts, steps, extents }, &[x])
}

/// The part of `x` from `start` on along an axis.
pub(super) fn part(call: &mut Call, x: ValueId, axis: usize, start: usize, extent: usize) -> Result<ValueId> {
    let mut extents = call.shape_of(x);
    let (mut starts, steps) = (vec![0; extents.len()], vec![1; extents.len()]);
    starts[axis] = start;
    extents[axis] = extent;
    call.apply(Op::Slice { starts, steps, extents }, &[x])
}

/// The axis of a Split of a tensor of `shape`, and the extents of its results; they are an attribute up to opset 12,
/// then an input.
pub(super) fn parts(call: &mut Call, shape: &[usize]) -> Result<(usize, Vec<usize>)> {
    let by_input = call.opset() >= 13;
    call.arity(1..=if by_input { 2 } else { 1 })?;
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
    if sizes.len() != results || total != Some(shape[axis]) {
        return call.refuse("split", format!("{sizes:?} does not divide axis {axis} of {shape:?}"));
    }
    Ok((axis, sizes))
}

/// Split, as a Slice for each result.
pub(super) fn split(call: &mut Call) -> Result<()> {
    let shape = call.shape(0)?;
    let (axis, sizes) = parts(call, &shape)?;
    if sizes.contains(&0) {
        return call.refuse("split", format!("{sizes:?} leaves a part of axis {axis} of {shape:?} empty"));
    }
    let x = call.value(0)?;
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

/// The place of an index that may count from the end.
pub(super) fn place(index: i64, extent: usize) -> Option<usize> {
    // Extents are at most MAX_ELEMENTS.
    let from_start = if index < 0 { index.saturating_add(extent as i64) } else { index };
    usize::try_from(from_start).ok().filter(|&i| i < extent)
}

/// Gather.
pub(super) fn gather(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    if !call.is_constant(1) {
        return picked::gather(call);
    }
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, shape.len())?;
    let (index_shape, indices) = call.integer_tensor(1)?;
    let Some(indices) = indices.iter().map(|&i| place(i, shape[along])).collect() else {
        return call.refuse("indices", format!("one lies outside of axis {along} of {shape:?}"));
    };
    call.emit(Op::Gather { axis: along, indices, shape: index_shape }, &[x])
}

/// What rows of constant indices name in a tensor: slices, by their places along the first axes, taken together; how
/// many axes those are, and the shape of the rows.
pub(super) struct IndexRows {
    pub places: Vec<usize>,
    pub axes: usize,
    pub shape: Vec<usize>,
}

/// The [`IndexRows`] of a GatherND or ScatterND in a tensor of `shape`, whose input 1 has the indices; along the first
/// `batch` axes of both each row names its own.
pub(super) fn rows(call: &mut Call, shape: &[usize], batch: usize) -> Result<IndexRows> {
    let (mut index_shape, indices) = call.integer_tensor(1)?;
    let named = index_shape.pop().unwrap_or(0);
    let axes = batch + named;
    if named == 0 || axes > shape.len() || index_shape.get(..batch) != Some(&shape[..batch]) {
        return call.refuse("indices", format!("rows of {named} do not fit {shape:?}"));
    }
    let each = index_shape[batch..].iter().product::<usize>().max(1);
    let flat = |(n, row): (usize, &[i64])| {
        let mut extents = row.iter().zip(&shape[batch..]);
        extents.try_fold(n / each, |at, (&i, &extent)| Some(at * extent + place(i, extent)?))
    };
    match indices.chunks(named).enumerate().map(flat).collect() {
        Some(places) => Ok(IndexRows { places, axes, shape: index_shape }),
        None => call.refuse("indices", format!("one lies outside of {shape:?}")),
    }
}

/// The [`IndexRows`] of a GatherND in a tensor of `shape`.
pub(super) fn gathered_rows(call: &mut Call, shape: &[usize]) -> Result<IndexRows> {
    call.arity(2)?;
    let batch = call.int("batch_dims", 0)?;
    match usize::try_from(batch).ok().filter(|&batch| batch < shape.len()) {
        Some(batch) => rows(call, shape, batch),
        None => call.refuse("batch_dims", format!("{batch} does not fit {shape:?}")),
    }
}

/// GatherND by constant indices: a Gather along the axes that they name, taken together.
pub(super) fn gather_nd(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    if !call.is_constant(1) {
        return described::by_name(call);
    }
    let x = call.value(0)?;
    let old = call.shape(0)?;
    let IndexRows { places, axes, shape } = gathered_rows(call, &old)?;
    let mut together = vec![old[..axes].iter().product::<usize>()];
    together.extend(&old[axes..]);
    let x = call.reshaped(x, &together)?;
    call.emit(Op::Gather { axis: 0, indices: places, shape }, &[x])
}

/// Expand to a constant shape; extents of the input that are larger stay.
pub(super) fn expand(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let x = call.value(0)?;
    let (old, wanted) = (call.shape(0)?, call.integers(1)?);
    let wanted: Vec<usize> = wanted.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
    match broadcast(&old, &wanted) {
        Some(shape) => call.emit(Op::Expand { shape }, &[x]),
        None => call.refuse("shape", format!("{old:?} does not broadcast with {wanted:?}")),
    }
}

/// Tile: each axis after a new one, along which it is repeated; the two taken together.
pub(super) fn tile(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let x = call.value(0)?;
    let (shape, repeats) = (call.shape(0)?, call.integers(1)?);
    let counts: Vec<usize> = repeats
        .iter()
        .map_while(|&n| usize::try_from(n).ok().filter(|n| (1..=MAX_ELEMENTS).contains(n)))
        .collect();
    if counts.len() != shape.len() || repeats.len() != shape.len() {
        return call.refuse("repeats", format!("{repeats:?} are not {} counts from 1 on", shape.len()));
    }
    let (mut split, mut repeated, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for (&extent, &count) in shape.iter().zip(&counts) {
        // What lies once needs no axis of its own.
        if count > 1 && extent > 1 {
            split.push(1);
            repeated.push(count);
        }
        split.push(extent);
        repeated.push(if extent > 1 { extent } else { count });
        joined.push(extent.saturating_mul(count));
    }
    if joined == shape {
        return call.alias(Operand::Value(x));
    }
    let split = call.reshaped(x, &split)?;
    let all = call.apply(Op::Expand { shape: repeated }, &[split])?;
    let y = call.reshaped(all, &joined)?;
    call.result(y)
}

/// SpaceToDepth.
pub(super) fn space_to_depth(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let block = call.int("blocksize", 0)?;
    match usize::try_from(block) {
        Ok(block) if block > 0 => call.emit(Op::SpaceToDepth { block }, &inputs),
        _ => call.refuse("blocksize", format!("is {block}")),
    }
}
