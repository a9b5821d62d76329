//! Operators that join, cut and fill tensors.

use std::rc::Rc;

use super::super::arrange::constant;
use super::super::array::{Elements, NdArray};
use super::super::call::{OperatorCall, refuse, resolve};
use super::super::operand::{Lying, Operand, inverse};
use super::super::syntax::Literal;
use super::picks::pick;
use crate::error::{Error, Result};
use crate::graph::{Integer, Op, PadMode, ValueId, elements};

/// The fields of the tuple that is the only operand.
fn fields(call: &OperatorCall) -> Result<Rc<Vec<Operand>>> {
    call.operands(1)?;
    match &call.arguments[0] {
        Operand::Tuple(fields) if !fields.is_empty() => Ok(fields.clone()),
        _ => refuse("needs a tuple of tensors"),
    }
}

/// Where the axes of an operand lie: those of the text in the graph's order.
fn order(call: &OperatorCall, operand: &Operand) -> Result<Vec<usize>> {
    match operand {
        Operand::Value(lying) => Ok(lying.order.to_vec()),
        other => Ok((0..call.lower.shape(other)?.len()).collect()),
    }
}

/// The first operand as it lies, and its order.
pub(super) fn first(call: &mut OperatorCall) -> Result<(ValueId, Vec<usize>)> {
    call.shape(0)?;
    let operand = call.arguments[0].clone();
    let order = order(call, &operand)?;
    let x = call.arranged(0, &inverse(&order))?;
    Ok((x, order))
}

/// `concatenate((a, b), axis)`.
pub(super) fn concatenate(call: &mut OperatorCall) -> Result<Operand> {
    let fields = fields(call)?;
    let rank = call.lower.shape(&fields[0])?.len();
    let axis = call.axis("axis", 0, rank)?;
    let leader = fields.iter().find(|f| matches!(f, Operand::Value(_))).unwrap_or(&fields[0]);
    let order = order(call, leader)?;
    if order.len() != rank {
        return refuse("the tensors differ in rank");
    }
    let have = inverse(&order);
    let mut inputs = Vec::new();
    for field in fields.iter() {
        if call.lower.shape(field)?.len() != rank {
            return refuse("the tensors differ in rank");
        }
        inputs.push(call.lower.arranged(field, &have, call.name)?);
    }
    let id = call.node(Op::Concat { axis: order[axis] }, &inputs)?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// `stack((a, b), axis)`: a new axis in each, along which they join.
pub(super) fn stack(call: &mut OperatorCall) -> Result<Operand> {
    let fields = fields(call)?;
    let mut shape = call.lower.shape(&fields[0])?;
    let axis = call.axis("axis", 0, shape.len() + 1)?;
    shape.insert(axis, 1);
    let mut inputs = Vec::new();
    for field in fields.iter() {
        let x = call.lower.plain(field, call.name)?;
        inputs.push(call.lower.graph.reshape(format!("{}/expand", call.name), x, &shape)?);
    }
    call.emit(Op::Concat { axis }, &inputs)
}

/// `split(x, indices_or_sections, axis)`: a tuple of slices.
pub(super) fn split(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 0, shape.len())?;
    let key = "indices_or_sections";
    let wrong = |message: String| Err(Error::new("import", message).attribute(key));
    let extent = shape[axis];
    let cuts: Vec<usize> = match call.attribute(key) {
        Some(Literal::Integer(sections)) => match usize::try_from(sections) {
            Ok(n) if n > 0 && extent.is_multiple_of(n) => (1..n).map(|i| i * (extent / n)).collect(),
            _ => return wrong(format!("{sections} sections do not divide {extent} elements")),
        },
        Some(Literal::List(list)) => {
            let cut = |item: &Literal| match item {
                Literal::Integer(at) => usize::try_from(*at).ok(),
                _ => None,
            };
            match list.iter().map(cut).collect::<Option<Vec<usize>>>() {
                Some(cuts) => cuts,
                None => return wrong("must be a number or a list of numbers".to_owned()),
            }
        }
        _ => return wrong("must be a number or a list of numbers".to_owned()),
    };
    let bounds: Vec<usize> = [&[0][..], &cuts, &[extent]].concat();
    if !bounds.is_sorted_by(|a, b| a < b) {
        return wrong(format!("{cuts:?} do not cut {extent} elements into pieces"));
    }
    let (x, order) = first(call)?;
    let lies = call.lower.graph.shape(x).to_vec();
    let physical = order[axis];
    let mut pieces = Vec::new();
    for (index, bound) in bounds.windows(2).enumerate() {
        let (mut starts, steps, mut extents) = (vec![0; lies.len()], vec![1; lies.len()], lies.clone());
        starts[physical] = bound[0];
        extents[physical] = bound[1] - bound[0];
        let id = call.part(&index.to_string(), Op::Slice { starts, steps, extents }, &[x])?;
        pieces.push(Operand::Value(Lying { id, order: order.clone().into() }));
    }
    Ok(Operand::Tuple(Rc::new(pieces)))
}

/// `strided_slice(x, begin, end, strides, slice_mode, axes)`.
pub(super) fn strided_slice(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let (Some(begin), Some(end)) = (call.list("begin")?, call.list("end")?) else {
        return refuse("begin and end must be lists");
    };
    let strides = call.list("strides")?.unwrap_or_else(|| vec![1]);
    let sized = match call.text("slice_mode", "end")?.as_str() {
        "end" => false,
        "size" => true,
        other => return Err(Error::new("import", format!("{other:?} is not known")).attribute("slice_mode")),
    };
    let axes = match call.list("axes")? {
        None => (0..begin.len().max(end.len())).collect(),
        Some(listed) => {
            let resolved: Option<Vec<usize>> = listed.iter().map(|&a| resolve(a, shape.len())).collect();
            match resolved.filter(|axes| axes.len() == begin.len() && axes.len() == end.len()) {
                Some(axes) => axes,
                None => return Err(Error::new("import", "do not fit begin and end").attribute("axes")),
            }
        }
    };
    if axes.len() > shape.len() {
        return refuse(format!("slices {} axes of {shape:?}", axes.len()));
    }
    let (x, order) = first(call)?;
    let mut starts = vec![0; shape.len()];
    let mut steps = vec![1; shape.len()];
    let mut extents = call.lower.graph.shape(x).to_vec();
    for (i, &axis) in axes.iter().enumerate() {
        let n = shape[axis] as i128;
        // With sizes TVM ignores strides; a single stride counts for all axes.
        let stride =
            if strides.len() == 1 && !sized { strides[0] } else { strides.get(i).copied().unwrap_or(1) };
        let step = if sized { 1 } else { stride };
        if step == 0 {
            return Err(Error::new("import", "is zero").attribute("strides"));
        }
        let forward = step > 0;
        let bounds = if forward { (0, n) } else { (-1, n - 1) };
        let clamp = |i: i128| (if i < 0 { i + n } else { i }).clamp(bounds.0, bounds.1);
        let from = match begin.get(i) {
            Some(&b) => clamp(i128::from(b)),
            None => {
                if forward {
                    0
                } else {
                    n - 1
                }
            }
        };
        let to = match end.get(i) {
            Some(&size) if sized && size < 0 => n,
            Some(&size) if sized => (from + i128::from(size)).min(n),
            Some(&e) => clamp(i128::from(e)),
            None => {
                if forward {
                    n
                } else {
                    -1
                }
            }
        };
        let step = i128::from(step);
        let count = if forward { (to - from + step - 1) / step } else { (from - to - step - 1) / -step };
        if count <= 0 {
            return refuse(format!("takes no element of axis {axis} of {shape:?}"));
        }
        let physical = order[axis];
        starts[physical] = from as usize;
        steps[physical] = step as i64;
        extents[physical] = count as usize;
    }
    let id = call.node(Op::Slice { starts, steps, extents }, &[x])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// `nn.pad(x, value, pad_width, pad_mode)` and `nn.mirror_pad`.
pub(super) fn pad(call: &mut OperatorCall) -> Result<Operand> {
    let shape = call.shape(0)?;
    let key = "pad_width";
    let widths = match call.attribute(key) {
        Some(Literal::List(rows)) => rows.iter().map(pair).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let Some(widths) = widths.filter(|w| w.len() == shape.len()) else {
        let message = format!("must be a pair of numbers for each axis of {shape:?}");
        return Err(Error::new("import", message).attribute(key));
    };
    let mode = if call.operator == "nn.mirror_pad" {
        call.operands(1)?;
        match call.text("mode", "SYMMETRIC")?.as_str() {
            "REFLECT" => PadMode::Reflect,
            "SYMMETRIC" => return mirrored(call, &widths),
            other => {
                return Err(Error::new("import", format!("{other:?} is not known"))
                    .attribute("mode")
                    .hint("SYMMETRIC or REFLECT"));
            }
        }
    } else {
        // Up to TVM 0.7 the value was an attribute.
        let value = if call.arguments.len() == 2 { call.scalar(1)? } else { call.float("pad_value", 0.0)? };
        if call.arguments.len() > 2 {
            return refuse(format!("has {} operands, needs 2", call.arguments.len()));
        }
        match call.text("pad_mode", "constant")?.as_str() {
            "constant" => PadMode::Constant(value),
            "edge" => PadMode::Edge,
            "reflect" => PadMode::Reflect,
            other => {
                return Err(Error::new("import", format!("{other:?} is not known"))
                    .attribute("pad_mode")
                    .hint("constant, edge or reflect"));
            }
        }
    };
    let (x, order) = first(call)?;
    let (mut before, mut after) = (vec![0; shape.len()], vec![0; shape.len()]);
    for (axis, (b, a)) in widths.into_iter().enumerate() {
        before[order[axis]] = b;
        after[order[axis]] = a;
    }
    let id = call.node(Op::Pad { before, after, mode }, &[x])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// Mirrors each axis with its first and last element repeated.
fn mirrored(call: &mut OperatorCall, widths: &[(usize, usize)]) -> Result<Operand> {
    let shape = call.shape(0)?;
    let (mut x, order) = first(call)?;
    for (axis, &(before, after)) in widths.iter().enumerate().filter(|(_, w)| **w != (0, 0)) {
        let n = shape[axis];
        if before.max(after) > n {
            return Err(Error::new("import", format!("is wider than {n} elements")).attribute("pad_width"));
        }
        let from = |i: usize| match i.checked_sub(before) {
            None => before - 1 - i,
            Some(i) if i < n => i,
            Some(i) => 2 * n - 1 - i,
        };
        x = pick(call, x, order[axis], n + before + after, from)?;
    }
    Ok(Operand::Value(Lying { id: x, order: order.into() }))
}

pub(super) fn pair(row: &Literal) -> Option<(usize, usize)> {
    let Literal::List(row) = row else {
        return None;
    };
    match row[..] {
        [Literal::Integer(b), Literal::Integer(a)] => {
            Some((usize::try_from(b).ok()?, usize::try_from(a).ok()?))
        }
        _ => None,
    }
}

/// `zeros_like(x)`, `ones_like(x)`, `full_like(x, value)`: constants.
pub(super) fn full_like(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1 + usize::from(call.operator == "full_like"))?;
    let shape = call.shape(0)?;
    let value = match call.operator {
        "zeros_like" => 0.0,
        "ones_like" => 1.0,
        _ => call.scalar(1)?,
    };
    let count = elements(&shape)?;
    Ok(constant(NdArray::floats(&shape, vec![value; count])))
}

/// `zeros(shape)`, `ones(shape)`, `full(value, shape)`: constants.
pub(super) fn full(call: &mut OperatorCall) -> Result<Operand> {
    let Some(shape) = call.sizes("shape")? else {
        return Err(Error::new("import", "is missing").attribute("shape"));
    };
    let dtype = call.text("dtype", "float32")?;
    if dtype != "float32" && Integer::named(&dtype).is_none() {
        return Err(Error::new("import", format!("is {dtype}"))
            .attribute("dtype")
            .hint("float32 or whole numbers"));
    }
    let value = match call.operator {
        "zeros" => 0.0,
        "ones" => 1.0,
        _ => call.scalar(0)?,
    };
    call.operands(usize::from(call.operator == "full"))?;
    let count = elements(&shape)?;
    let elements = match dtype.as_str() {
        "float32" => Elements::Floats(vec![value; count]),
        _ => Elements::Integers(vec![value as i64; count]),
    };
    Ok(constant(NdArray { shape, dtype, elements }))
}
