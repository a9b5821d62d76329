//! Elements at places that the network computes: Gather and GatherElements.

use super::call::Call;
use super::shape::axis;
use crate::error::Result;
use crate::graph::{Op, ValueId};

/// GatherElements by computed indices.
pub(super) fn gather_elements(call: &mut Call) -> Result<()> {
    let shape = call.shape(0)?;
    let value = call.int("axis", 0)?;
    let axis = axis(call, value, shape.len())?;
    let inputs = [call.value(0)?, call.value(1)?];
    call.emit(Op::GatherElements { axis }, &inputs)
}

/// Gather by computed indices, as of a table: the axis in front, and of each row all elements.
pub(super) fn gather(call: &mut Call) -> Result<()> {
    let shape = call.shape(0)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, shape.len())?;
    let (x, indices) = (call.value(0)?, call.value(1)?);
    let named = call.shape_of(indices);
    let others: Vec<usize> = (0..shape.len()).filter(|&a| a != along).collect();
    let others_extents = others.iter().map(|&a| shape[a]);
    let (rows, width) = (named.iter().product(), others_extents.clone().product());
    let table = transposed(call, x, [vec![along], others.clone()].concat())?;
    let table = call.reshaped(table, &[shape[along], width])?;
    let indices = call.reshaped(indices, &[rows, 1])?;
    let indices = match width {
        1 => indices,
        _ => call.apply(Op::Expand { shape: vec![rows, width] }, &[indices])?,
    };
    let y = call.apply(Op::GatherElements { axis: 0 }, &[table, indices])?;
    let extents: Vec<usize> = named.iter().copied().chain(others_extents).collect();
    let y = call.reshaped(y, &extents)?;
    // The axes of the indices stand where the axis was.
    let count = named.len();
    let back = (count..count + along).chain(0..count).chain(count + along..extents.len());
    let y = transposed(call, y, back.collect())?;
    call.result(y)
}

fn transposed(call: &mut Call, x: ValueId, perm: Vec<usize>) -> Result<ValueId> {
    match perm.is_sorted() {
        true => Ok(x),
        false => call.apply(Op::Transpose { perm }, &[x]),
    }
}
