//! Sequences of tensors, as exporters write lists: they are known now, and leave nothing in the graph.

use super::call::Call;
use super::import::Operand;
use super::moves::{part, place};
use super::shape::axis;
use super::tensor::{Tensor, TensorElements};
use crate::error::Result;
use crate::graph::Op;
use std::rc::Rc;

/// Tensors of a sequence, at most: each is a node.
const LONGEST: usize = 4096;

/// SequenceEmpty and SequenceConstruct.
pub(super) fn construct(call: &mut Call) -> Result<()> {
    call.ignore("dtype");
    let parts = (0..call.inputs()).map(|i| call.operand(i)).collect::<Result<_>>()?;
    call.sequence_result(parts)
}

/// SplitToSequence of a computed tensor: a Slice for each.
pub(super) fn split(call: &mut Call) -> Result<()> {
    call.arity(1..=2)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let value = call.int("axis", 0)?;
    let along = axis(call, value, shape.len())?;
    let extent = shape[along];
    let whole = call.has(1);
    let many = |call: &Call, count: usize| match count <= LONGEST {
        true => Ok(()),
        false => call.refuse("split", format!("makes {count} tensors, more than {LONGEST}")),
    };
    let keepdims = call.flag("keepdims", true)? || whole;
    let sizes: Vec<i64> = match whole {
        false => {
            many(call, extent)?;
            vec![1; extent]
        }
        true => match call.integer_tensor(1)? {
            (given, each) if given.is_empty() => {
                let each = usize::try_from(each[0]).ok().filter(|&n| n > 0);
                let Some(each) = each else { return call.refuse("split", "is not above 0") };
                many(call, extent.div_ceil(each))?;
                (0..extent).step_by(each).map(|start| each.min(extent - start) as i64).collect()
            }
            (_, sizes) => sizes,
        },
    };
    if sizes.iter().any(|&n| n < 1)
        || sizes.iter().try_fold(0i64, |n, &s| n.checked_add(s)) != Some(extent as i64)
    {
        return call.refuse("split", format!("{sizes:?} does not divide axis {along} of {shape:?}"));
    }
    let (mut parts, mut start) = (Vec::new(), 0);
    for size in sizes {
        let mut y = part(call, x, along, start, size as usize)?;
        if !keepdims {
            let mut dropped = shape.clone();
            dropped.remove(along);
            y = call.reshaped(y, &dropped)?;
        }
        parts.push(Operand::Value(y));
        start += size as usize;
    }
    call.sequence_result(parts)
}

/// SequenceAt a constant position.
pub(super) fn at(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let parts = call.sequence(0)?;
    let index = position(call, 1)?;
    match place(index, parts.len()) {
        Some(index) => call.alias(parts[index].clone()),
        None => call.refuse("position", format!("{index} is none of {} tensors", parts.len())),
    }
}

/// SequenceInsert at a constant position, by default behind the last tensor.
pub(super) fn insert(call: &mut Call) -> Result<()> {
    call.arity(2..=3)?;
    let mut parts = call.sequence(0)?;
    if parts.len() == LONGEST {
        return Err(call.error(format!("makes a sequence of more than {LONGEST} tensors")));
    }
    let index = match call.has(2) {
        true => position(call, 2)?,
        false => parts.len() as i64,
    };
    let length = parts.len() as i64;
    let from_start = if index < 0 { index.saturating_add(length) } else { index };
    if !(0..=length).contains(&from_start) {
        return call.refuse("position", format!("{index} is not between {length} tensors"));
    }
    parts.insert(from_start as usize, call.operand(1)?);
    call.sequence_result(parts)
}

/// SequenceLength.
pub(super) fn length(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    let length = call.sequence(0)?.len() as i64;
    call.alias(Operand::Constant(Rc::new(Tensor::ints(vec![], vec![length]))))
}

/// ConcatFromSequence, along an axis or a new one.
pub(super) fn concat(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    let parts = call.sequence(0)?;
    let stacked = call.flag("new_axis", false)?;
    let value = call.int("axis", 0)?;
    if let Some(whole) = whole_numbers(&parts, if stacked { 0 } else { 1 }) {
        axis(call, value, 1)?;
        return call.alias(Operand::Constant(Rc::new(Tensor::ints(vec![whole.len()], whole))));
    }
    let mut values = Vec::new();
    for part in parts {
        values.push(call.value_of(part)?);
    }
    let Some(&first) = values.first() else {
        return Err(call.error("joins no tensors"));
    };
    let rank = call.shape_of(first).len() + usize::from(stacked);
    let along = axis(call, value, rank)?;
    if stacked {
        for value in &mut values {
            let mut shape = call.shape_of(*value);
            if shape.len() + 1 != rank {
                return Err(call.error(format!("stacks tensors of {} and {} axes", rank - 1, shape.len())));
            }
            shape.insert(along, 1);
            *value = call.reshaped(*value, &shape)?;
        }
    }
    call.emit(Op::Concat { axis: along }, &values)
}

/// The elements of constants of whole numbers of a rank, of which shapes are made; `None` of anything else.
fn whole_numbers(parts: &[Operand], rank: usize) -> Option<Vec<i64>> {
    let mut all = Vec::new();
    for part in parts {
        match part {
            Operand::Constant(tensor) if tensor.shape.len() == rank => match &tensor.elements {
                TensorElements::Ints(data) => all.extend(data),
                TensorElements::Floats(_) => return None,
            },
            _ => return None,
        }
    }
    (!all.is_empty()).then_some(all)
}

fn position(call: &Call, input: usize) -> Result<i64> {
    match call.integers(input)?[..] {
        [index] => Ok(index),
        _ => Err(call.error(format!("input {input} must be one number"))),
    }
}
