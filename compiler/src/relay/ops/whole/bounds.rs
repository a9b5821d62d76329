//! Operators that bound whole numbers: those that stand in steps, and those of 8 or 16 bits.

use super::super::super::array::NdArray;
use super::super::super::call::OperatorCall;
use super::super::super::operand::{Constant, Lying, Operand};
use super::super::super::syntax::Literal;
use super::super::elementwise;
use super::convert::{constant_range, constants, convert, dequantised, follow, map, quantised, unknown};
use super::{IntegerScale, NumberKind, OperatorRule, mark};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op};

/// `nn.relu`, `clip`, `maximum`, `minimum`, `nn.pad`: all of the same steps.
pub(super) fn bounds(call: &mut OperatorCall, run: OperatorRule, own: &IntegerScale) -> Result<Operand> {
    let mut steps = own.clone();
    let [low, high] = own.range;
    let y = match call.operator {
        "nn.relu" | "clip" => {
            call.operands(1)?;
            let bounds = match call.operator {
                "clip" => elementwise::bounds(call)?,
                _ => [0.0, f32::INFINITY],
            };
            let [min, max] = bounds.map(f64::from);
            steps.range = [low.max(min).min(max), high.min(max).max(min)];
            clip(call, own, bounds)?
        }
        "nn.pad" => {
            // What is added may be an attribute, and then it is 0 by default.
            if call.arguments.len() == 1 {
                let value = call.float("pad_value", 0.0)?;
                call.arguments.push(Operand::Constant(Constant::new("", NdArray::floats(&[], vec![value]))));
            }
            if let Some([l, h]) = constant_range(call) {
                steps.range = [low.min(l), high.max(h)];
            }
            let value = call.arguments[1].clone();
            let scale = IntegerScale { scales: [own.scales[0]].into(), ..own.clone() };
            if own.scales.len() > 1 && call.scalar(1)? != 0.0 {
                return unknown(own);
            }
            call.arguments[1] = convert(&value, None, &scale, own.zero)?;
            run(call)?
        }
        operator => {
            call.operands(2)?;
            let other = constant_range(call);
            let largest = operator == "maximum";
            if let Some([l, h]) = other {
                steps.range = if largest { [low.max(l), high.max(h)] } else { [low.min(l), high.min(h)] };
            }
            constants(call, own)?;
            // A bound of zero in every channel is a Relu.
            let shapes = [call.shape(0)?, call.shape(1)?];
            let zeros = |a: &Operand| match a {
                Operand::Constant(c) => c.array.to_floats().iter().all(|&n| n == 0.0),
                _ => false,
            };
            let within = shapes[1].len() <= shapes[0].len()
                && shapes[1].iter().rev().zip(shapes[0].iter().rev()).all(|(b, a)| *b == 1 || b == a);
            if largest && zeros(&call.arguments[1]) && within {
                call.arguments.truncate(1);
                elementwise::unary(call, Op::Relu)?
            } else {
                run(call)?
            }
        }
    };
    if own.scales.len() > 1 {
        let x = call.arguments.iter().find(|a| matches!(a, Operand::Value(_))).cloned();
        steps.axis = follow(call, x.as_ref(), own, &y)?;
    }
    mark(call.lower, &y, &NumberKind::Scaled(steps));
    Ok(y)
}

/// The first operand within bounds that are whole numbers.
fn clip(call: &mut OperatorCall, own: &IntegerScale, [min, max]: [f32; 2]) -> Result<Operand> {
    let real = |bound: f32, scale: f32| (bound - own.zero) * scale;
    if let [scale] = own.scales[..] {
        let (min, max) = (real(min, scale), real(max, scale));
        let op = if (min, max) == (0.0, f32::INFINITY) { Op::Relu } else { Op::Clip { min, max } };
        return elementwise::unary(call, op);
    }
    if (min, max) == (0.0, f32::INFINITY) {
        return elementwise::unary(call, Op::Relu);
    }
    let Some(Operand::Value(x)) = call.arguments.first().cloned() else { return unknown(own) };
    let mut shape = vec![1; x.order.len()];
    shape[own.axis] = own.scales.len();
    let mut id = x.id;
    for (bound, kind) in [(min, BinaryKind::Max), (max, BinaryKind::Min)] {
        if bound.is_finite() {
            let bounds = own.scales.iter().map(|&scale| real(bound, scale)).collect();
            let bounds = call.lower.graph.constant("", &shape, bounds)?;
            id = call.part(kind.text_name(), Op::Binary { kind }, &[id, bounds])?;
        }
    }
    Ok(Operand::Value(Lying { id, order: x.order }))
}

/// An operator that bounds whole numbers of 8 or 16 bits: the real numbers that they stand for are bounded, and quantised
/// again with the same scale.
pub(super) fn bounded(
    call: &mut OperatorCall,
    run: OperatorRule,
    integer: Integer,
    own: Option<IntegerScale>,
) -> Result<Operand> {
    let Some(own) = own else {
        return Err(Error::new("import", format!("bounds {} numbers of several scales", integer.name()))
            .hint("bring them to one scale with qnn.requantize"));
    };
    let mode = call.peek("pad_mode");
    if let Some(Literal::Text(mode)) = mode
        && mode != "constant"
    {
        let y = run(call)?;
        mark(call.lower, &y, &NumberKind::Type(integer, Some(own)));
        return Ok(y);
    }
    for at in 0..call.arguments.len() {
        if let Operand::Value(x) = call.arguments[at].clone() {
            let id = dequantised(call, x.id, integer, &own)?;
            call.arguments[at] = Operand::Value(Lying { id, order: x.order });
        }
    }
    let y = bounds(call, run, &own)?;
    map(call, &y, |call, id| quantised(call, id, integer, &own))
        .inspect(|y| mark(call.lower, y, &NumberKind::Type(integer, Some(own.clone()))))
}
