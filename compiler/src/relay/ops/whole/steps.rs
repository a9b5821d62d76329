//! Operators on whole numbers that real ones stand for.

use super::super::super::call::OperatorCall;
use super::super::super::operand::Operand;
use super::super::{elementwise, qnn};
use super::convert::{constant_range, constants, convert, follow, map, truncated, unknown};
use super::{BOUNDS, IntegerScale, MOVES, NumberKind, OperatorRule, bounds, mark, of};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, elements};

/// Operators that average, which leaves real numbers between the whole ones.
const MEANS: [&str; 4] = ["mean", "nn.avg_pool2d", "nn.global_avg_pool2d", "nn.adaptive_avg_pool2d"];
/// Operators whose results are whole numbers in no scale of their operands.
const EXACT: [&str; 21] = [
    "multiply",
    "divide",
    "trunc_divide",
    "floor_divide",
    "mod",
    "trunc_mod",
    "floor_mod",
    "abs",
    "sign",
    "prod",
    "cumsum",
    "trilu",
    "scatter",
    "scatter_add",
    "scatter_elements",
    "scatter_nd",
    "topk",
    "sort",
    "cumprod",
    "sequence_mask",
    "einsum",
];
/// Operators on whole numbers that give truth values.
const TRUTHS: [&str; 6] = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"];

/// Calls an operator whose operands stand in steps, `same` in the same ones.
///
/// # Errors
/// An operator that is not known to have such a result, operands of other steps.
pub(super) fn apply(
    call: &mut OperatorCall,
    run: OperatorRule,
    own: &IntegerScale,
    same: bool,
) -> Result<Operand> {
    let operator = call.operator;
    if matches!(operator, "argmax" | "argmin" | "argsort") {
        return run(call);
    }
    if BOUNDS.contains(&operator) && same {
        return bounds::bounds(call, run, own);
    }
    if matches!(operator, "add" | "subtract" | "nn.bias_add") {
        return sum(call, own);
    }
    if TRUTHS.contains(&operator) && own.is_unit() && same {
        constants(call, own)?;
        return run(call);
    }
    let x = call.arguments.first().cloned();
    let mut steps = own.clone();
    if MOVES.contains(&operator) && same {
        constants(call, own)?;
    } else if MEANS.contains(&operator) && same {
        // The padding that counts is the whole number 0.
        if own.zero != 0.0 && call.flag("count_include_pad", false)? {
            return Err(
                Error::new("import", "counts padding that is not zero").attribute("count_include_pad")
            );
        }
    } else if matches!(operator, "sum" | "negative") && same {
        steps.range = super::range(Integer::Int32);
    } else if EXACT.contains(&operator) && own.is_unit() && same {
        constants(call, own)?;
        steps.range = super::range(Integer::Int32);
    } else {
        return unknown(own);
    }
    let before = x.as_ref().map(|x| call.lower.shape(x)).and_then(Result::ok);
    let mut y = run(call)?;
    if let Operand::Constant(_) = y {
        return Ok(y);
    }
    match operator {
        "negative" => steps.zero = -own.zero,
        "sum" => {
            let count = |shape: &[usize]| elements(shape).unwrap_or(1) as f32;
            steps.zero *= count(&before.unwrap_or_default()) / count(&call.lower.shape(&y)?);
        }
        _ if own.is_unit() && (MEANS.contains(&operator) || operator == "divide") => {
            // Whole numbers are divided towards zero.
            y = map(call, &y, truncated)?;
        }
        _ => {}
    }
    if own.scales.len() > 1 {
        steps.axis = follow(call, x.as_ref(), own, &y)?;
    }
    mark(call.lower, &y, &NumberKind::Scaled(steps));
    Ok(y)
}

/// `add`, `subtract` and `nn.bias_add`: the zeros add up too.
fn sum(call: &mut OperatorCall, own: &IntegerScale) -> Result<Operand> {
    call.operands(2)?;
    if let Some(y) = qnn::bias(call, own)? {
        return Ok(y);
    }
    let sign = if call.operator == "subtract" { -1.0 } else { 1.0 };
    let mut zero = 0.0;
    let mut range = [0.0; 2];
    for (at, sign) in [(0, 1.0), (1, sign)] {
        let operand = call.arguments[at].clone();
        let [low, high] = match of(call.lower, &operand) {
            Some(NumberKind::Scaled(other)) => {
                // Zeros may differ here.
                if !own.alike(&IntegerScale { zero: own.zero, ..other.clone() }) {
                    return unknown(own);
                }
                zero += sign * other.zero;
                other.range
            }
            _ => constant_range(call).unwrap_or_default(),
        };
        let (low, high) = if sign < 0.0 { (-high, -low) } else { (low, high) };
        range = [range[0] + low, range[1] + high];
        let x = call.arguments.iter().find_map(|a| match a {
            Operand::Value(x) => Some(x.clone()),
            _ => None,
        });
        call.arguments[at] = convert(&operand, x.as_ref(), own, 0.0)?;
    }
    let y = match call.operator {
        "nn.bias_add" => super::super::conv::bias_add(call)?,
        "subtract" => elementwise::binary(call, Op::Binary { kind: BinaryKind::Sub })?,
        _ => elementwise::binary(call, Op::Add)?,
    };
    let mut steps = IntegerScale { zero, range, ..own.clone() };
    if own.scales.len() > 1 {
        let x = call.arguments.iter().find(|a| matches!(a, Operand::Value(_))).cloned();
        steps.axis = follow(call, x.as_ref(), own, &y)?;
    }
    mark(call.lower, &y, &NumberKind::Scaled(steps));
    Ok(y)
}
