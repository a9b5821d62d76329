//! Operators that are a triangle of ones: CumSum multiplies a matrix by it, Trilu chooses by it.

use super::call::Call;
use super::shape::axis;
use crate::error::Result;
use crate::graph::Op;

/// Elements that are summed, at most: the triangle has their square.
const LONGEST: usize = 2048;

/// CumSum along a constant axis: a product of matrices.
pub(super) fn cumulative_sum(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let [along] = call.integers(1)?[..] else {
        return Err(call.error("input 1 must be one axis"));
    };
    let along = axis(call, along, shape.len())?;
    let (exclusive, reverse) = (call.flag("exclusive", false)?, call.flag("reverse", false)?);
    let count = shape[along];
    if count > LONGEST {
        return Err(call
            .error(format!("axis {along} of {shape:?} has more than {LONGEST} elements"))
            .hint("cut the graph before it"));
    }
    let counts = |from: usize, to: usize| {
        let (before, after) = if reverse { (to, from) } else { (from, to) };
        before < after || before == after && !exclusive
    };
    let ones = (0..count * count).map(|n| f32::from(u8::from(counts(n / count, n % count)))).collect();
    let ones = call.floats_value(&[count, count], ones)?;
    // The summed axis and the last one change places, and change them back.
    let last = shape.len() - 1;
    let mut perm: Vec<usize> = (0..shape.len()).collect();
    perm.swap(along, last);
    let turn = Op::Transpose { perm };
    let mut y = x;
    if along != last {
        y = call.apply(turn.clone(), &[y])?;
    }
    let turned = call.shape_of(y);
    y = call.reshaped(y, &[turned.iter().product::<usize>() / count, count])?;
    y = call.apply(Op::MatMul, &[y, ones])?;
    y = call.reshaped(y, &turned)?;
    match along == last {
        true => call.result(y),
        false => call.emit(turn, &[y]),
    }
}

/// Trilu: zeros on one side of a diagonal.
pub(super) fn trilu(call: &mut Call) -> Result<()> {
    call.arity(1..=2)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let upper = call.flag("upper", true)?;
    let diagonal = if call.has(1) { call.integers(1)?.first().copied().unwrap_or(0) } else { 0 };
    let [.., rows, columns] = shape[..] else {
        return Err(call.error(format!("{shape:?} is no matrix")));
    };
    let ones = (0..rows * columns).map(|n| f32::from(u8::from(kept(n, columns, upper, diagonal)))).collect();
    let ones = call.floats_value(&[rows, columns], ones)?;
    let zero = call.scalar_value(0.0)?;
    call.emit(Op::Where, &[ones, x, zero])
}

/// Whether element `n` of a matrix lies on the side of the diagonal that stays.
pub(super) fn kept(n: usize, columns: usize, upper: bool, diagonal: i64) -> bool {
    // Places are below MAX_ELEMENTS.
    let right = (n % columns) as i64 - (n / columns) as i64;
    if upper { right >= diagonal } else { right <= diagonal }
}
