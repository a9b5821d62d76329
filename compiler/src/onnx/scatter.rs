//! Elements at constant places of what is computed: GatherElements, and ScatterElements and ScatterND, which put
//! others there, as assignments to parts of a tensor are exported.

use super::call::Call;
use super::described;
use super::fold::pick::{element_places, grid, slices, strides};
use super::moves::{IndexRows, part, rows};
use super::picked;
use super::shape::axis;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, ValueId};
use crate::memory;

/// GatherElements; by constant indices a Gather of all elements in a row.
pub(super) fn gather_elements(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    if !call.is_constant(1) {
        return picked::gather_elements(call);
    }
    let x = call.value(0)?;
    let old = call.shape(0)?;
    let (shape, indices) = call.integer_tensor(1)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, old.len())?;
    let indices = element_places(call, &old, &shape, &indices, along)?;
    let row = in_a_row(call, x)?;
    call.emit(Op::Gather { axis: 0, indices, shape }, &[row])
}

/// ScatterElements and ScatterND by constant indices: the updates between what stays on both sides of them where they
/// fill a part of one axis, else a Gather of the elements of both.
pub(super) fn scatter(call: &mut Call) -> Result<()> {
    call.arity(3)?;
    if !call.is_constant(1) {
        return described::by_name(call);
    }
    let old = call.shape(0)?;
    let reduction = reduction(call)?;
    let places = replaced_places(call, &old)?;
    let (x, mut updates) = (call.value(0)?, call.value(2)?);
    let given = call.shape_of(updates);
    if given.iter().product::<usize>() != places.len() {
        return Err(call.error(format!("updates of {given:?} do not fill {} places", places.len())));
    }
    if let Some(op) = reduction {
        let mut seen = places.clone();
        seen.sort_unstable();
        if seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return described::by_name(call);
        }
        let row = in_a_row(call, x)?;
        let replaced = call.apply(Op::Gather { axis: 0, indices: places.clone(), shape: given }, &[row])?;
        updates = call.apply(op, &[replaced, updates])?;
    }
    if let Some((along, start, extent)) = block(&old, &places) {
        let mut shape = old.clone();
        shape[along] = extent;
        let mut parts = Vec::new();
        if start > 0 {
            parts.push(part(call, x, along, 0, start)?);
        }
        parts.push(call.reshaped(updates, &shape)?);
        let end = start + extent;
        if end < old[along] {
            parts.push(part(call, x, along, end, old[along] - end)?);
        }
        return match parts[..] {
            [all] => call.result(all),
            _ => call.emit(Op::Concat { axis: along }, &parts),
        };
    }
    let count: usize = old.iter().product();
    memory::check(16 * (count + places.len()) as u64, "the places of its elements")?;
    let mut from: Vec<usize> = (0..count).collect();
    // Of several updates of a place any may stay: the last one does.
    places.iter().enumerate().for_each(|(n, &place)| from[place] = count + n);
    let both = [in_a_row(call, x)?, in_a_row(call, updates)?];
    let both = call.apply(Op::Concat { axis: 0 }, &both)?;
    call.emit(Op::Gather { axis: 0, indices: from, shape: old }, &[both])
}

/// What becomes of an element and its update, if the update does not replace it.
fn reduction(call: &mut Call) -> Result<Option<Op>> {
    let binary = |kind| Some(Op::Binary { kind });
    Ok(match call.string("reduction", "none")? {
        "none" => None,
        "add" => Some(Op::Add),
        "mul" => binary(BinaryKind::Mul),
        "max" => binary(BinaryKind::Max),
        "min" => binary(BinaryKind::Min),
        other => return call.refuse("reduction", format!("{other:?} is not known")),
    })
}

/// Flat places in a tensor of `shape` of the elements that a ScatterElements or ScatterND replaces, in the order of its
/// updates.
pub(super) fn replaced_places(call: &mut Call, shape: &[usize]) -> Result<Vec<usize>> {
    if call.operator() == "ScatterND" {
        let IndexRows { places, axes, .. } = rows(call, shape, 0)?;
        return Ok(slices(&places, &shape[axes..]));
    }
    let (index_shape, indices) = call.integer_tensor(1)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, shape.len())?;
    element_places(call, shape, &index_shape, &indices, along)
}

/// Axis, start and extent of the part of a tensor of `shape` whose elements, in order, lie at `places`.
fn block(shape: &[usize], places: &[usize]) -> Option<(usize, usize, usize)> {
    let (&first, steps) = (places.first()?, strides(shape));
    (0..shape.len()).find_map(|along| {
        let around = shape.iter().product::<usize>() / shape[along];
        let (start, extent) = (first / steps[along] % shape[along], places.len() / around);
        if extent == 0 || extent * around != places.len() || start + extent > shape[along] {
            return None;
        }
        let offsets = |(axis, &count): (usize, &usize)| -> Vec<usize> {
            let own = if axis == along { start..start + extent } else { 0..count };
            own.map(|i| i * steps[axis]).collect()
        };
        let expected = grid(&shape.iter().enumerate().map(offsets).collect::<Vec<_>>());
        (expected == places).then_some((along, start, extent))
    })
}

fn in_a_row(call: &mut Call, x: ValueId) -> Result<ValueId> {
    let count = call.shape_of(x).iter().product();
    call.reshaped(x, &[count])
}
