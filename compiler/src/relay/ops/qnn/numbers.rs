//! Scales, zero points, and the steps between whole and real numbers.

use super::super::super::arrange::upright;
use super::super::super::array::NdArray;
use super::super::super::call::{OperatorCall, refuse};
use super::super::super::operand::{Constant, Lying, Operand};
use super::{Whole, integer, mark, whole};
use crate::error::{Error, Result};
use crate::graph::{Integer, Op, ValueId};

/// Scale and zero point as values of the graph.
pub(super) struct Parameters {
    pub scale: ValueId,
    pub zero: ValueId,
    pub scales: Vec<f32>,
    pub axis: Option<usize>,
}

/// An axis of a value as it lies, and its extent.
pub(super) struct Along {
    pub axis: usize,
    pub extent: usize,
}

/// Axis `axis` of the text, if it is one of `x`.
pub(super) fn along(call: &OperatorCall, x: &Lying, axis: Option<usize>) -> Option<Along> {
    let axis = *x.order.get(axis?)?;
    let extent = *call.lower.graph.shape(x.id).get(axis)?;
    Some(Along { axis, extent })
}

/// Reads two constant operands: one number each, or one for each index along an axis.
pub(super) fn parameters(
    call: &mut OperatorCall,
    scale: &Operand,
    zero: &Operand,
    along: Option<Along>,
) -> Result<Parameters> {
    let (Operand::Constant(scale), Operand::Constant(zero)) = (scale, zero) else {
        return Err(Error::new("import", "a scale or zero point is computed")
            .hint("quantise statically: scales and zero points must be constants"));
    };
    let (scales, zeros) = (scale.array.to_floats(), zero.array.to_floats());
    if let Some(s) = scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return refuse(format!("a scale is {s}; it must be above zero"));
    }
    let count = scales.len().max(zeros.len());
    let extent = along.as_ref().map_or(1, |along| along.extent);
    let fits = |n: usize| n == 1 || n == count;
    if !fits(scales.len()) || !fits(zeros.len()) || count != 1 && count != extent {
        let (s, z) = (scales.len(), zeros.len());
        return refuse(format!("{s} scales and {z} zero points do not fit an extent of {extent}"));
    }
    let all = |values: &[f32]| if values.len() == 1 { vec![values[0]; count] } else { values.to_vec() };
    let (scales, zeros) = (all(&scales), all(&zeros));
    let shape = if count == 1 { vec![] } else { vec![count] };
    Ok(Parameters {
        scale: call.lower.graph.constant(name_of(scale), &shape, scales.clone())?,
        zero: call.lower.graph.constant(name_of(zero), &shape, zeros)?,
        scales,
        axis: along.filter(|_| count > 1).map(|along| along.axis),
    })
}

pub(super) fn name_of(constant: &Constant) -> String {
    constant.name.borrow().clone()
}

/// A tensor of whole numbers as a value of the graph with its axes as they lie, and its type.
pub(super) fn numbers(call: &mut OperatorCall, operand: &Operand) -> Result<(Lying, Integer)> {
    match operand {
        Operand::Value(lying) => match call.lower.integers.get(&lying.id) {
            Some(Whole::Type(integer)) => Ok((lying.clone(), *integer)),
            Some(Whole::Sum(_)) => {
                Err(Error::new("import", "an operand is an int32 sum of a quantised layer")
                    .hint("put qnn.requantize behind the layer"))
            }
            None => Err(Error::new("import", "an operand holds float32, not quantised numbers")
                .hint("put qnn.quantize in front")),
        },
        Operand::Constant(constant) => {
            let Some(integer) = integer(&constant.array.dtype) else {
                return refuse(format!("a constant of type {} is no quantised tensor", constant.array.dtype));
            };
            let array = NdArray::floats(&constant.array.shape, constant.array.to_floats());
            let floats = Constant::new(&name_of(constant), array);
            let id = call.lower.intern(&floats)?;
            let rank = constant.array.shape.len();
            Ok((Lying { id, order: (0..rank).collect() }, integer))
        }
        _ => refuse("a quantised tensor is wanted"),
    }
}

/// The real numbers that an operand stands for. `axis` is that of the text along which scales may vary.
pub(super) fn real(
    call: &mut OperatorCall,
    x: &Operand,
    scale: &Operand,
    zero: &Operand,
    axis: Option<usize>,
) -> Result<Operand> {
    let (x, integer) = numbers(call, x)?;
    let p = parameters(call, scale, zero, along(call, &x, axis))?;
    let op = Op::DequantizeLinear { integer, axis: p.axis };
    let id = call.part("dequantize", op, &[x.id, p.scale, p.zero])?;
    Ok(Operand::Value(Lying { id, order: x.order }))
}

/// Whole numbers of a type for the real numbers of `y`.
pub(super) fn quantised(
    call: &mut OperatorCall,
    y: &Operand,
    scale: &Operand,
    zero: &Operand,
    integer: Integer,
    axis: Option<usize>,
) -> Result<Operand> {
    let Operand::Value(y) = y else {
        let id = call.lower.plain(y, call.name)?;
        let rank = call.lower.graph.shape(id).len();
        return quantised(call, &upright(id, rank), scale, zero, integer, axis);
    };
    let p = parameters(call, scale, zero, along(call, y, axis))?;
    let id = call.node(Op::QuantizeLinear { integer, axis: p.axis }, &[y.id, p.scale, p.zero])?;
    let result = Operand::Value(Lying { id, order: y.order.clone() });
    mark(call.lower, &result, &Whole::Type(integer));
    Ok(result)
}

/// Ends a sum: its real numbers, if `scale` and `zero` are those of the sum.
pub(super) fn sum(
    call: &OperatorCall,
    x: &Operand,
    scale: &Operand,
    zero: &Operand,
) -> Option<Result<Operand>> {
    let Some(Whole::Sum(own)) = whole(call.lower, x) else {
        return None;
    };
    let (Operand::Constant(scale), Operand::Constant(zero)) = (scale, zero) else {
        return Some(refuse("a scale or zero point is computed"));
    };
    let (given, zeros) = (scale.array.to_floats(), zero.array.to_floats());
    let at = |list: &[f32], i: usize| list[if list.len() == 1 { 0 } else { i }];
    let count = given.len().max(own.len());
    let fits = given.len() == own.len() || given.len() == 1 || own.len() == 1;
    // The text states the product of two scales: rounding may differ in the last digits.
    let near = |i: usize| (at(&given, i) - at(&own, i)).abs() <= 1e-4 * at(&own, i);
    if !fits || given.is_empty() || !(0..count).all(near) || zeros.iter().any(|&z| z != 0.0) {
        return Some(Err(Error::new("import", "the scales are not those of the layer before")
            .hint("the product of the input's and the weights' scales, and a zero point of 0")));
    }
    Some(match x {
        Operand::Value(lying) => Ok(Operand::Value(lying.clone())),
        _ => refuse("a sum is no tensor"),
    })
}
