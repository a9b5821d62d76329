//! ScatterElements at computed indices, or with a reduction at places that are named more than once.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit, place};
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD};
use std::borrow::Cow;

/// Inputs: x, indices along an axis, updates of the indices' shape.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "ScatterElements",
    text: "scatter_elements",
    attributes: &[Attribute::new("axis", &[(1, AttributeValue::Integer(0))]), REDUCTION],
    inputs: 3..=3,
    whole: &[1],
    steps: |_| true,
    limits: "at constant places that are named once: Slice and Concat, which the machine runs, or Concat and Gather",
    absent: |_| vec![],
    shape,
    value,
};

/// What becomes of an element and its update.
pub(crate) const REDUCTION: Attribute = Attribute {
    words: &["none", "add", "mul", "max", "min"],
    ..Attribute::new("reduction", &[(1, AttributeValue::Word(Cow::Borrowed("none")))])
};

/// An element behind an update.
pub(crate) fn reduced(reduction: &str, old: f32, update: f32) -> f32 {
    match reduction {
        "add" => old + update,
        "mul" => old * update,
        "max" => old.max(update),
        "min" => old.min(update),
        _ => update,
    }
}

/// The axis, counted from the front.
fn axis(op: &Described, rank: usize) -> Result<usize> {
    let axis = op.integer("axis");
    let from_front = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    match usize::try_from(from_front).ok().filter(|&axis| axis < rank) {
        Some(axis) => Ok(axis),
        None => misfit(format!("axis {axis} is none of {rank}")),
    }
}

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let [x, indices, updates] = [inputs[0], inputs[1], inputs[2]];
    let axis = axis(op, x.len())?;
    let within = |(a, (n, extent)): (usize, (&usize, &usize))| a == axis || n <= extent;
    if indices != updates || indices.len() != x.len() || !indices.iter().zip(x).enumerate().all(within) {
        return misfit(format!("indices {indices:?} and updates {updates:?} do not fit {x:?}"));
    }
    Ok(x.to_vec())
}

/// Of indices of which one lies outside of x no numbers: it might have meant any of them.
fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let axis = axis(op, shape.len()).expect("the rule of the shape checked it");
    let reduction = op.word("reduction");
    let mut y = inputs[0].to_owned();
    for ((mut at, &index), &update) in inputs[1].indexed_iter().zip(&inputs[2]) {
        match place(index, shape[axis]) {
            Some(place) => at[axis] = place,
            None => return ArrayD::from_elem(shape, f32::NAN),
        }
        y[&at] = reduced(reduction, y[&at], update);
    }
    y
}
