//! From whole numbers to the real ones that stand for them, and back.

use std::rc::Rc;

use super::super::super::array::NdArray;
use super::super::super::call::OperatorCall;
use super::super::super::operand::{Constant, Lying, Operand};
use super::{IntegerScale, data};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, UnaryKind, ValueId, elements};

/// Turns the operands that are constant whole numbers to the real ones that stand for them beside `own`.
pub(super) fn constants(call: &mut OperatorCall, own: &IntegerScale) -> Result<()> {
    let beside = call.arguments.iter().find_map(|a| match a {
        Operand::Value(x) => Some(x.clone()),
        _ => None,
    });
    for at in data(call.operator, call.arguments.len()) {
        let converted = convert(&call.arguments[at].clone(), beside.as_ref(), own, own.zero)?;
        call.arguments[at] = converted;
    }
    Ok(())
}

/// A constant of whole numbers, of which `zero` is that of zero, as the real ones in the steps of `own` beside `x`.
pub(super) fn convert(
    operand: &Operand,
    x: Option<&Lying>,
    own: &IntegerScale,
    zero: f32,
) -> Result<Operand> {
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
pub(super) fn constant_range(call: &OperatorCall) -> Option<[f64; 2]> {
    call.arguments.iter().find_map(|a| match a {
        Operand::Constant(c) => {
            let numbers = c.array.to_floats().into_iter().map(f64::from);
            Some(numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], n| [l.min(n), h.max(n)]))
        }
        _ => None,
    })
}

/// Numbers without their fractions.
pub(super) fn truncated(call: &mut OperatorCall, x: ValueId) -> Result<ValueId> {
    let unary = |kind| Op::Unary { kind };
    let sign = call.part("sign", unary(UnaryKind::Sign), &[x])?;
    let size = call.part("abs", unary(UnaryKind::Abs), &[x])?;
    let size = call.part("floor", unary(UnaryKind::Floor), &[size])?;
    call.node(Op::Binary { kind: BinaryKind::Mul }, &[sign, size])
}

/// Applies `f` to each value of a result.
pub(super) fn map(
    call: &mut OperatorCall,
    y: &Operand,
    f: impl Fn(&mut OperatorCall, ValueId) -> Result<ValueId>,
) -> Result<Operand> {
    match y {
        Operand::Value(y) => Ok(Operand::Value(Lying { id: f(call, y.id)?, order: y.order.clone() })),
        other => Ok(other.clone()),
    }
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

/// Where the axis of several scales lies in a result.
pub(super) fn follow(
    call: &OperatorCall,
    x: Option<&Operand>,
    own: &IntegerScale,
    y: &Operand,
) -> Result<usize> {
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

/// Refuses an operator whose result is not known in steps of `own`.
pub(super) fn unknown<T>(own: &IntegerScale) -> Result<T> {
    if own.is_unit() {
        return Err(
            Error::new("import", "is not known for whole numbers").hint("cast them to float32 before it")
        );
    }
    Err(Error::new("import", "operates on int32 sums of a quantised layer, or on sums in different steps")
        .hint("put qnn.requantize or qnn.dequantize behind the layer"))
}
