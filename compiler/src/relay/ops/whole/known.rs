//! Arithmetic on constants of whole numbers, as shapes are computed with.

use super::super::super::arrange::constant;
use super::super::super::array::{Elements, NdArray};
use super::super::super::call::{OperatorCall, refuse};
use super::super::super::operand::Operand;
use crate::error::Result;
use crate::graph::{broadcast, elements};

/// The elements of a constant of whole numbers.
fn integers(operand: &Operand) -> Option<(&NdArray, &[i64])> {
    let Operand::Constant(constant) = operand else { return None };
    match &constant.array.elements {
        Elements::Integers(data) => Some((&constant.array, data)),
        Elements::Floats(_) => None,
    }
}

/// An operator of two constants of whole numbers; `None` for anything else.
///
/// # Errors
/// Constants that do not broadcast, quotients by zero, results beyond 64 bits.
pub(super) fn arithmetic(call: &OperatorCall) -> Option<Result<Operand>> {
    let apply: fn(i64, i64) -> Option<i64> = match call.operator {
        "add" => i64::checked_add,
        "subtract" => i64::checked_sub,
        "multiply" => i64::checked_mul,
        "divide" | "trunc_divide" => i64::checked_div,
        "mod" | "trunc_mod" => i64::checked_rem,
        "floor_divide" => |a, b| Some(a.checked_div(b)? - i64::from(a % b != 0 && (a < 0) != (b < 0))),
        "floor_mod" => |a, b| Some((a.checked_rem(b)?.checked_add(b)?) % b),
        "maximum" => |a, b| Some(a.max(b)),
        "minimum" => |a, b| Some(a.min(b)),
        "equal" => |a, b| Some(i64::from(a == b)),
        "not_equal" => |a, b| Some(i64::from(a != b)),
        "less" => |a, b| Some(i64::from(a < b)),
        "less_equal" => |a, b| Some(i64::from(a <= b)),
        "greater" => |a, b| Some(i64::from(a > b)),
        "greater_equal" => |a, b| Some(i64::from(a >= b)),
        _ => return None,
    };
    let [a, b] = &call.arguments[..] else { return None };
    let (x, y) = (integers(a)?, integers(b)?);
    Some(applied(call, x, y, apply))
}

fn applied(
    call: &OperatorCall,
    (a, x): (&NdArray, &[i64]),
    (b, y): (&NdArray, &[i64]),
    apply: fn(i64, i64) -> Option<i64>,
) -> Result<Operand> {
    let Some(shape) = broadcast(&a.shape, &b.shape) else {
        return refuse(format!("{:?} does not broadcast with {:?}", a.shape, b.shape));
    };
    let place = |own: &[usize], mut n: usize| {
        let (mut at, mut step) = (0, 1);
        for (axis, &extent) in shape.iter().enumerate().rev() {
            let index = n % extent;
            n /= extent;
            if let Some(&own) = (axis + own.len()).checked_sub(shape.len()).and_then(|axis| own.get(axis)) {
                at += if own == 1 { 0 } else { index * step };
                step *= own;
            }
        }
        at
    };
    let count = elements(&shape)?;
    let number = |n: usize| apply(x[place(&a.shape, n)], y[place(&b.shape, n)]);
    let Some(data) = (0..count).map(number).collect() else {
        return refuse(format!("{} of these constants is no whole number of 64 bits", call.operator));
    };
    let compares = call.operator.contains("equal") || ["less", "greater"].contains(&call.operator);
    let dtype = if compares { "bool".to_owned() } else { a.dtype.clone() };
    Ok(constant(NdArray { shape, dtype, elements: Elements::Integers(data) }))
}
