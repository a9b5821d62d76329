//! Comparisons, logic and what they choose. Truth values are the numbers 1 and 0, whole numbers are floats.

use super::call::Call;
use super::shape::axis;
use super::whole;
use crate::error::Result;
use crate::graph::{BinaryKind, MAX_ELEMENTS, Op, ReduceKind, UnaryKind, ValueId, elements};
use crate::memory;

/// An input as a value; constants of whole numbers and truth values become floats.
fn number(call: &mut Call, input: usize) -> Result<ValueId> {
    match call.whole_value(input)? {
        Some(id) => Ok(id),
        None => call.value(input),
    }
}

/// Equal, Greater and the like, and Mod, of which at least one operand is computed.
pub(super) fn compare(call: &mut Call, kind: BinaryKind) -> Result<()> {
    call.arity(2)?;
    if kind == BinaryKind::Mod && !call.flag("fmod", false)? {
        if call.computes_whole() {
            return whole::remainder(call);
        }
        return call.refuse("fmod", "is 0, which is of whole numbers");
    }
    let inputs = [number(call, 0)?, number(call, 1)?];
    call.emit(Op::Binary { kind }, &inputs)
}

/// Not, And, Or and Xor of ones and zeros.
pub(super) fn logic(call: &mut Call) -> Result<()> {
    let kind = match call.operator() {
        "Not" => {
            call.arity(1)?;
            let (x, zero) = (number(call, 0)?, call.scalar_value(0.0)?);
            return call.emit(Op::Binary { kind: BinaryKind::Equal }, &[x, zero]);
        }
        "And" => BinaryKind::Min,
        "Or" => BinaryKind::Max,
        _ => BinaryKind::Sub,
    };
    call.arity(2)?;
    let inputs = [number(call, 0)?, number(call, 1)?];
    let y = call.apply(Op::Binary { kind }, &inputs)?;
    match kind {
        BinaryKind::Sub => call.emit(Op::Unary { kind: UnaryKind::Abs }, &[y]),
        _ => call.result(y),
    }
}

/// Where.
pub(super) fn choose(call: &mut Call) -> Result<()> {
    call.arity(3)?;
    // A mask of truth values: no row may be minus infinity throughout.
    for (input, left_out) in [(1, (|c| c != 0.0) as fn(f64) -> bool), (2, |c| c == 0.0)] {
        if call.is_constant(0)
            && call.is_constant(input)
            && call.constant(input)?.numbers().all(f64::is_infinite)
        {
            whole_rows(call, 0, left_out)?;
        }
    }
    let inputs = [number(call, 0)?, finite(call, 1)?, finite(call, 2)?];
    call.emit(Op::Where, &inputs)
}

/// A choice as a value.
fn finite(call: &mut Call, input: usize) -> Result<ValueId> {
    match mask(call, input)? {
        Some(id) => Ok(id),
        None => number(call, input),
    }
}

/// A constant with infinities, as a value: masks say minus infinity, which the largest negative number is to a
/// softmax. `None` where an input is computed or finite.
fn mask(call: &mut Call, input: usize) -> Result<Option<ValueId>> {
    let constant = call.is_constant(input).then(|| call.constant(input)).transpose()?;
    let Some(tensor) = constant.filter(|tensor| tensor.numbers().any(f64::is_infinite)) else {
        return Ok(None);
    };
    let finite = |x: f64| x.clamp(f32::MIN.into(), f32::MAX.into()) as f32;
    let data = tensor.numbers().map(finite).collect();
    call.floats_value(&tensor.shape, data).map(Some)
}

/// The two operands of a sum or difference, of which one may be a mask with infinities.
pub(super) fn terms(call: &mut Call) -> Result<[ValueId; 2]> {
    call.arity(2)?;
    Ok([term(call, 0)?, term(call, 1)?])
}

/// An operand of a sum, which may be a mask with infinities.
pub(super) fn term(call: &mut Call, input: usize) -> Result<ValueId> {
    match mask(call, input)? {
        Some(mask) => {
            whole_rows(call, input, f64::is_infinite)?;
            Ok(mask)
        }
        None => call.value(input),
    }
}

/// Refuses a mask that leaves nothing of a row, where all are `left_out`: what a softmax makes of that is no number,
/// while numbers in place of infinities would all be equal.
pub(super) fn whole_rows(call: &Call, input: usize, left_out: fn(f64) -> bool) -> Result<()> {
    let tensor = call.constant(input)?;
    let width = tensor.shape.last().copied().unwrap_or(1);
    let out: Vec<bool> = tensor.numbers().map(left_out).collect();
    let row = match width {
        0 | 1 => None,
        _ => out.chunks(width).position(|row| row.iter().all(|&out| out)),
    };
    match row {
        Some(row) => Err(call
            .error(format!("row {row} of input {input}, of shape {:?}, leaves nothing", tensor.shape))
            .hint("a mask that leaves something of each row, or -10000 in place of -inf")),
        None => Ok(()),
    }
}

/// IsNaN: what is not equal to itself.
pub(super) fn is_nan(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let equal = call.apply(Op::Binary { kind: BinaryKind::Equal }, &[x, x])?;
    let zero = call.scalar_value(0.0)?;
    call.emit(Op::Binary { kind: BinaryKind::Equal }, &[equal, zero])
}

/// TopK: the elements and, if somebody reads them, their indices.
pub(super) fn top(call: &mut Call) -> Result<()> {
    let by_input = call.opset() >= 10;
    call.arity(if by_input { 2 } else { 1 })?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let count = match by_input {
        true => match call.integers(1)?[..] {
            [count] => count,
            _ => return call.refuse("K", "must be one number"),
        },
        false => call.int("k", 0)?,
    };
    let value = call.int("axis", -1)?;
    let axis = axis(call, value, shape.len())?;
    let count = match usize::try_from(count) {
        Ok(count) if (1..=shape[axis]).contains(&count) => count,
        _ => return call.refuse("K", format!("is {count}, axis {axis} has {} elements", shape[axis])),
    };
    let largest = call.opset() < 11 || call.flag("largest", true)?;
    // Without it any order will do.
    if call.opset() >= 11 {
        call.flag("sorted", true)?;
    }
    for indices in [false, true].into_iter().take(call.results()) {
        match call.wanted(usize::from(indices)) {
            true => call.emit(Op::TopK { axis, count, largest, indices }, &[x])?,
            false => call.skip_result(),
        }
    }
    Ok(())
}

/// IsInf: a number whose product with zero is none.
pub(super) fn is_infinite(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let signs = [call.flag("detect_positive", true)?, call.flag("detect_negative", true)?];
    let binary = |kind| Op::Binary { kind };
    let zero = call.scalar_value(0.0)?;
    let number = call.apply(binary(BinaryKind::Equal), &[x, x])?;
    let nothing = call.apply(binary(BinaryKind::Mul), &[x, zero])?;
    let finite = call.apply(binary(BinaryKind::Equal), &[nothing, zero])?;
    let kind = match signs {
        [true, true] => return call.emit(binary(BinaryKind::Sub), &[number, finite]),
        [true, false] => BinaryKind::Greater,
        [false, true] => BinaryKind::Less,
        [false, false] => {
            return call.refuse("detect_positive", "and detect_negative are 0: nothing is looked for");
        }
    };
    let infinite = call.apply(binary(BinaryKind::Sub), &[number, finite])?;
    let signed = call.apply(binary(kind), &[x, zero])?;
    call.emit(binary(BinaryKind::Mul), &[infinite, signed])
}

/// The numbers 0, 1, 2... along an axis of a tensor of `rank` axes.
fn numbers_along(call: &mut Call, count: usize, along: usize, rank: usize) -> Result<ValueId> {
    let mut shape = vec![1; rank];
    shape[along] = count;
    call.floats_value(&shape, (0..count).map(|n| n as f32).collect())
}

/// Hardmax: 1 at the first of the largest along an axis, else 0; before opset 13 along all axes from `axis` on, taken
/// together.
pub(super) fn hardmax(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let shape = call.shape(0)?;
    let value = call.int("axis", if call.opset() >= 13 { -1 } else { 1 })?;
    let mut along = axis(call, value, shape.len())?;
    let (mut flat, mut extents) = (x, shape.clone());
    if call.opset() < 13 {
        extents = vec![shape[..along].iter().product(), shape[along..].iter().product()];
        (flat, along) = (call.reshaped(x, &extents)?, 1);
    }
    let op = Op::Reduce { kind: ReduceKind::ArgMax, axes: vec![along], keepdims: true };
    let largest = call.apply(op, &[flat])?;
    let places = numbers_along(call, extents[along], along, extents.len())?;
    let y = call.apply(Op::Binary { kind: BinaryKind::Equal }, &[places, largest])?;
    match extents == shape {
        true => call.result(y),
        false => {
            let y = call.reshaped(y, &shape)?;
            call.result(y)
        }
    }
}

/// OneHot of computed indices: `on` at the index along a new axis, `off` elsewhere; indices may count from the end.
pub(super) fn one_hot(call: &mut Call) -> Result<()> {
    call.arity(3)?;
    let indices = number(call, 0)?;
    let depth = call.constant(1)?.numbers().next().unwrap_or(0.0);
    if !(1.0..=MAX_ELEMENTS as f64).contains(&depth) {
        return call.refuse("depth", format!("is {depth}"));
    }
    let ends = call.constant(2)?;
    let [off, on] = ends.numbers().map(|x| x as f32).collect::<Vec<_>>()[..] else {
        return call.refuse("values", "must be two");
    };
    let mut shape = call.shape_of(indices);
    let value = call.int("axis", -1)?;
    let along = axis(call, value, shape.len() + 1)?;
    shape.insert(along, depth as usize);
    let count = elements(&shape)?;
    memory::check(8 * count as u64, "the result")?;
    shape[along] = 1;
    let places = numbers_along(call, depth as usize, along, shape.len())?;
    let indices = call.reshaped(indices, &shape)?;
    let depth = call.scalar_value(depth as f32)?;
    let from_end = call.apply(Op::Add, &[indices, depth])?;
    let equal = Op::Binary { kind: BinaryKind::Equal };
    let here = call.apply(equal.clone(), &[places, indices])?;
    let there = call.apply(equal, &[places, from_end])?;
    let hit = call.apply(Op::Add, &[here, there])?;
    let (range, off) = (call.scalar_value(on - off)?, call.scalar_value(off)?);
    let y = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[hit, range])?;
    call.emit(Op::Add, &[y, off])
}
