//! Operators that repeat or reverse the elements of axes.

use super::super::call::OperatorCall;
use super::super::operand::{Lying, Operand};
use super::moves::first;
use crate::error::{Error, Result};
use crate::graph::{MAX_ELEMENTS, Op, ValueId};

/// `repeat(x, repeats, axis)`, `tile(x, reps)` and `reverse(x, axis)`.
pub(super) fn picks(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let (mut x, order) = first(call)?;
    if call.operator == "tile" {
        let reps = times(call, "reps")?;
        if reps.len() > shape.len() {
            return Err(
                Error::new("import", format!("{reps:?} has more axes than {shape:?}")).attribute("reps")
            );
        }
        let skipped = shape.len() - reps.len();
        for (i, &count) in reps.iter().enumerate().filter(|(_, count)| **count > 1) {
            let n = shape[skipped + i];
            x = pick(call, x, order[skipped + i], n.saturating_mul(count), |index| index % n)?;
        }
    } else {
        if !call.has("axis") {
            return Err(Error::new("import", "is missing")
                .attribute("axis")
                .hint("reshape to one axis before"));
        }
        let axis = call.axis("axis", 0, shape.len())?;
        let n = shape[axis];
        x = match call.operator {
            "reverse" => pick(call, x, order[axis], n, |index| n - 1 - index)?,
            _ => {
                let &[count] = &times(call, "repeats")?[..] else {
                    return Err(Error::new("import", "must be a number").attribute("repeats"));
                };
                pick(call, x, order[axis], n.saturating_mul(count), |index| index / count)?
            }
        };
    }
    Ok(Operand::Value(Lying { id: x, order: order.into() }))
}

/// How often each axis is repeated.
fn times(call: &mut OperatorCall, key: &str) -> Result<Vec<usize>> {
    match call.sizes(key)? {
        Some(times) if !times.contains(&0) => Ok(times),
        _ => Err(Error::new("import", "must be positive").attribute(key)),
    }
}

/// Element `index` along an axis of the result is element `from(index)` of `x`.
pub(super) fn pick(
    call: &mut OperatorCall,
    x: ValueId,
    axis: usize,
    count: usize,
    from: impl Fn(usize) -> usize,
) -> Result<ValueId> {
    if count > MAX_ELEMENTS {
        return Err(Error::new("import", "the result is too large to handle"));
    }
    let indices = (0..count).map(from).collect();
    call.node(Op::Gather { axis, indices, shape: vec![count] }, &[x])
}
