//! Scales, zero points, and the steps between whole and real numbers.

use super::super::super::arrange::upright;
use super::super::super::call::{OperatorCall, refuse};
use super::super::super::operand::{Constant, Lying, Operand};
use super::super::whole::{IntegerScale, range};
use super::{NumberKind, integer, mark, of};
use crate::error::{Error, Result};
use crate::graph::{Integer, Op, ValueId};

/// Scale and zero point as values of the graph.
pub(super) struct Parameters {
    pub scale: ValueId,
    pub zero: ValueId,
    pub scales: Vec<f32>,
    pub zeros: Vec<f32>,
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
    let mut value = |constant: &Constant, values: &[f32]| match constant.array.shape == shape {
        true => call.lower.intern_numbers(constant),
        false => call.lower.graph.constant(name_of(constant), &shape, values.to_vec()),
    };
    Ok(Parameters {
        scale: value(scale, &scales)?,
        zero: value(zero, &zeros)?,
        scales,
        zeros,
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
            Some(NumberKind::Type(integer, _)) => Ok((lying.clone(), *integer)),
            // They are in the graph as they are.
            Some(NumberKind::Scaled(own)) if own.is_unit() => Ok((lying.clone(), Integer::Int32)),
            Some(NumberKind::Scaled(_)) => {
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
            let id = call.lower.intern_numbers(constant)?;
            let rank = constant.array.shape.len();
            Ok((Lying { id, order: (0..rank).collect() }, integer))
        }
        _ => refuse("a quantised tensor is wanted"),
    }
}

/// The type of an operand of whole numbers.
pub(super) fn integer_of(call: &mut OperatorCall, operand: &Operand) -> Result<Integer> {
    match of(call.lower, operand) {
        Some(NumberKind::Scaled(_)) => Ok(Integer::Int32),
        _ => numbers(call, operand).map(|(_, integer)| integer),
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
    if let Some(NumberKind::Scaled(own)) = of(call.lower, x)
        && (!own.is_unit() || is(&own, scale, zero))
    {
        if !is(&own, scale, zero) {
            return Err(Error::new("import", "the scales are not those of the layer before").hint(
                "the product of the input's and the weights' scales, and the zero point of the layer",
            ));
        }
        return Ok(x.clone());
    }
    let (x, integer) = numbers(call, x)?;
    let p = parameters(call, scale, zero, along(call, &x, axis))?;
    let op = Op::DequantizeLinear { integer, axis: p.axis };
    let id = match call.operator {
        "qnn.dequantize" => call.node(op, &[x.id, p.scale, p.zero])?,
        _ => call.part("dequantize", op, &[x.id, p.scale, p.zero])?,
    };
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
    if integer == Integer::Int32 {
        return sums(call, y, &p);
    }
    let id = call.node(Op::QuantizeLinear { integer, axis: p.axis }, &[y.id, p.scale, p.zero])?;
    let result = Operand::Value(Lying { id, order: y.order.clone() });
    let own = match (&p.scales[..], &p.zeros[..]) {
        (&[scale], &[zero]) => Some(IntegerScale::of(scale, zero, integer)),
        _ => None,
    };
    mark(call.lower, &result, &NumberKind::Type(integer, own));
    Ok(result)
}

/// Real numbers as those that int32 stands for: they are not rounded to its steps.
fn sums(call: &mut OperatorCall, y: &Lying, p: &Parameters) -> Result<Operand> {
    let zero = p.zeros[0];
    if p.scales.len() > 1 && zero != 0.0 || p.zeros.iter().any(|&z| z != zero) {
        return refuse("numbers of int32 with several scales have a zero point of 0");
    }
    let graph = &mut call.lower.graph;
    let marked = call.lower.integers.contains_key(&y.id);
    let id = match graph.constant_data(y.id).map(<[f32]>::to_vec) {
        // They are other numbers elsewhere.
        Some(data) => {
            let shape = graph.shape(y.id).to_vec();
            graph.constant(call.name, &shape, data)?
        }
        None if marked => {
            let shape = graph.shape(y.id).to_vec();
            graph.reshape(call.name, y.id, &shape)?
        }
        None => y.id,
    };
    let result = Operand::Value(Lying { id, order: y.order.clone() });
    let own = IntegerScale {
        scales: p.scales.as_slice().into(),
        axis: p.axis.unwrap_or(0),
        zero,
        range: range(Integer::Int32),
    };
    mark(call.lower, &result, &NumberKind::Scaled(own));
    Ok(result)
}

/// Whether scale and zero point are those in which whole numbers stand.
fn is(own: &IntegerScale, scale: &Operand, zero: &Operand) -> bool {
    let (Operand::Constant(scale), Operand::Constant(zero)) = (scale, zero) else {
        return false;
    };
    own.fits(&scale.array.to_floats()) && zero.array.to_floats().iter().all(|&z| z == own.zero)
}
