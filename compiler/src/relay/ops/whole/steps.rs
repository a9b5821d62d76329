//! Operators on whole numbers that real ones stand for.

use std::rc::Rc;

use super::super::super::array::NdArray;
use super::super::super::call::OperatorCall;
use super::super::super::operand::{Constant, Lying, Operand};
use super::super::{elementwise, qnn};
use super::{BOUNDS, IntegerScale, MOVES, NumberKind, mark, of};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, UnaryKind, ValueId, elements};

/// How the table of operators reads one.
type OperatorRule = fn(&mut OperatorCall) -> Result<Operand>;

/// Operators that average, which leaves real numbers between the whole ones.
const MEANS: [&str; 4] = ["mean", "nn.avg_pool2d", "nn.global_avg_pool2d", "nn.adaptive_avg_pool2d"];
/// Operators whose results are whole numbers in no scale of their operands.
const EXACT: [&str; 15] = [
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
    "scatter_elements",
    "scatter_nd",
    "topk",
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
    if matches!(operator, "argmax" | "argmin") {
        return run(call);
    }
    if BOUNDS.contains(&operator) && same {
        return bounds(call, run, own);
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

fn unknown<T>(own: &IntegerScale) -> Result<T> {
    if own.is_unit() {
        return Err(
            Error::new("import", "is not known for whole numbers").hint("cast them to float32 before it")
        );
    }
    Err(Error::new("import", "operates on int32 sums of a quantised layer, or on sums in different steps")
        .hint("put qnn.requantize or qnn.dequantize behind the layer"))
}

/// Where the axis of several scales lies in a result.
fn follow(call: &OperatorCall, x: Option<&Operand>, own: &IntegerScale, y: &Operand) -> Result<usize> {
    let refuse = || {
        Err(Error::new("import", "moves int32 sums of a quantised layer whose scales differ by channel")
            .hint("put qnn.requantize or qnn.dequantize behind the layer"))
    };
    let (Some(Operand::Value(x)), Operand::Value(y)) = (x, y) else { return refuse() };
    let graph = &call.lower.graph;
    match call.operator {
        "transpose" | "layout_transform" if x.id == y.id => return Ok(own.axis),
        "transpose" | "layout_transform" => {
            if let Some((_, node)) = graph.producer(y.id)
                && let Op::Transpose { perm } = &node.op
                && let Some(axis) = perm.iter().position(|&from| from == own.axis)
                && node.inputs[0] == x.id
            {
                return Ok(axis);
            }
            return refuse();
        }
        _ => {}
    }
    let shape =
        |lying: &Lying| -> Vec<usize> { lying.order.iter().map(|&a| graph.shape(lying.id)[a]).collect() };
    let (from, to) = (shape(x), shape(y));
    let Some(axis) = x.order.iter().position(|&a| a == own.axis) else { return refuse() };
    let found = match call.operator {
        "reshape"
        | "contrib_reverse_reshape"
        | "reshape_like"
        | "squeeze"
        | "expand_dims"
        | "nn.batch_flatten" => {
            let ahead = |shape: &[usize], at: usize| shape[..at].iter().product::<usize>();
            let same = |&at: &usize| to[at] == from[axis] && ahead(&to, at) == ahead(&from, axis);
            (0..to.len()).find(same)
        }
        "strided_slice" | "take" | "reverse" | "concatenate" | "stack" | "split" | "repeat" | "tile"
        | "where" => None,
        _ if from.len() == to.len() && from[axis] == to[axis] => Some(axis),
        _ => None,
    };
    found.map_or_else(refuse, |at| Ok(y.order[at]))
}

/// Applies `f` to each value of a result.
fn map(
    call: &mut OperatorCall,
    y: &Operand,
    f: impl Fn(&mut OperatorCall, ValueId) -> Result<ValueId>,
) -> Result<Operand> {
    match y {
        Operand::Value(y) => Ok(Operand::Value(Lying { id: f(call, y.id)?, order: y.order.clone() })),
        other => Ok(other.clone()),
    }
}

/// Numbers without their fractions.
pub(super) fn truncated(call: &mut OperatorCall, x: ValueId) -> Result<ValueId> {
    let unary = |kind| Op::Unary { kind };
    let sign = call.part("sign", unary(UnaryKind::Sign), &[x])?;
    let size = call.part("abs", unary(UnaryKind::Abs), &[x])?;
    let size = call.part("floor", unary(UnaryKind::Floor), &[size])?;
    call.node(Op::Binary { kind: BinaryKind::Mul }, &[sign, size])
}

/// Turns the operands that are constant whole numbers to the real ones that stand for them beside `own`.
pub(super) fn constants(call: &mut OperatorCall, own: &IntegerScale) -> Result<()> {
    let beside = call.arguments.iter().find_map(|a| match a {
        Operand::Value(x) => Some(x.clone()),
        _ => None,
    });
    for at in super::data(call.operator, call.arguments.len()) {
        let converted = convert(&call.arguments[at].clone(), beside.as_ref(), own, own.zero)?;
        call.arguments[at] = converted;
    }
    Ok(())
}

/// A constant of whole numbers, of which `zero` is that of zero, as the real ones in the steps of `own` beside `x`.
fn convert(operand: &Operand, x: Option<&Lying>, own: &IntegerScale, zero: f32) -> Result<Operand> {
    let constant = match operand {
        Operand::Constant(constant) => constant,
        Operand::Tuple(fields) => {
            let fields = fields.iter().map(|f| convert(f, x, own, zero)).collect::<Result<_>>()?;
            return Ok(Operand::Tuple(Rc::new(fields)));
        }
        other => return Ok(other.clone()),
    };
    let numbers = constant.array.to_floats();
    let name = constant.name.borrow();
    if own.scales.len() == 1 {
        let real = numbers.iter().map(|n| (n - zero) * own.scales[0]).collect();
        return Ok(Operand::Constant(Constant::new(&name, NdArray::floats(&constant.array.shape, real))));
    }
    let Some(x) = x else { return unknown(own) };
    // Broadcast along the axis of the scales, counted from the last one.
    let axis = x.order.iter().position(|&a| a == own.axis).expect("an order has every axis");
    let behind = x.order.len() - 1 - axis;
    let mut shape = constant.array.shape.clone();
    while shape.len() <= behind {
        shape.insert(0, 1);
    }
    let at = shape.len() - 1 - behind;
    let inner = elements(&shape[at + 1..])?;
    let (extent, count) = (shape[at], own.scales.len());
    if extent != 1 && extent != count {
        return unknown(own);
    }
    shape[at] = count;
    let number = |i: usize| {
        let (outer, channel, rest) = (i / (inner * count), i / inner % count, i % inner);
        let from = (outer * extent + if extent == 1 { 0 } else { channel }) * inner + rest;
        (numbers[from] - zero) * own.scales[channel]
    };
    let real = (0..elements(&shape)?).map(number).collect();
    Ok(Operand::Constant(Constant::new(&name, NdArray::floats(&shape, real))))
}

/// The range of constants among the operands.
fn constant_range(call: &OperatorCall) -> Option<[f64; 2]> {
    call.arguments.iter().find_map(|a| match a {
        Operand::Constant(c) => {
            let numbers = c.array.to_floats().into_iter().map(f64::from);
            Some(numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], n| [l.min(n), h.max(n)]))
        }
        _ => None,
    })
}

/// `nn.relu`, `clip`, `maximum`, `minimum`, `nn.pad`: all of the same steps.
fn bounds(call: &mut OperatorCall, run: OperatorRule, own: &IntegerScale) -> Result<Operand> {
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
    if let Some(super::super::super::syntax::Literal::Text(mode)) = mode
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

/// The real numbers of whole ones of one scale.
pub(super) fn dequantised(
    call: &mut OperatorCall,
    x: ValueId,
    integer: Integer,
    own: &IntegerScale,
) -> Result<ValueId> {
    let [scale, zero] = parameters(call, own)?;
    call.part("dequantize", Op::DequantizeLinear { integer, axis: None }, &[x, scale, zero])
}

/// Whole numbers for the real ones of one scale.
pub(super) fn quantised(
    call: &mut OperatorCall,
    x: ValueId,
    integer: Integer,
    own: &IntegerScale,
) -> Result<ValueId> {
    let [scale, zero] = parameters(call, own)?;
    call.node(Op::QuantizeLinear { integer, axis: None }, &[x, scale, zero])
}

fn parameters(call: &mut OperatorCall, own: &IntegerScale) -> Result<[ValueId; 2]> {
    let graph = &mut call.lower.graph;
    Ok([graph.constant("", &[], vec![own.scales[0]])?, graph.constant("", &[], vec![own.zero])?])
}
