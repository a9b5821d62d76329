//! Operators that take or put elements at places that are indices.

use super::super::arrange::{lying, upright};
use super::super::array::NdArray;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Constant, Operand};
use super::whole::{IntegerScale, NumberKind, mark};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, MAX_ELEMENTS, Op, ValueId, broadcast, elements};
use crate::onnx::{SingleAttribute, SingleInput};

fn binary(kind: BinaryKind) -> Op {
    Op::Binary { kind }
}

/// `take(data, indices, axis, mode)`. Without an axis the indices count all elements.
pub(super) fn take(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    if call.integer("batch_dims")?.unwrap_or(0) != 0 {
        return Err(Error::new("import", "must be 0")
            .attribute("batch_dims")
            .hint("gather in place of take"));
    }
    let mode = call.text("mode", "clip")?;
    if !["clip", "wrap", "fast"].contains(&mode.as_str()) {
        return Err(Error::new("import", format!("{mode:?} is not known")).attribute("mode"));
    }
    let flat = !call.has("axis");
    let axis = if flat { 0 } else { call.axis("axis", 0, shape.len())? };
    let mut x = call.plain(0)?;
    if flat {
        x = call.lower.graph.reshape(format!("{}/flat", call.name), x, &[elements(&shape)?])?;
    }
    let n = call.lower.graph.shape(x)[axis] as i64;
    if let Operand::Constant(_) = &call.arguments[1] {
        let (extents, picked) = call.integers(1)?;
        let index = |&i: &i64| match mode.as_str() {
            "clip" => Ok(i.clamp(0, n - 1) as usize),
            "wrap" => Ok(i.rem_euclid(n) as usize),
            _ if (0..n).contains(&i) => Ok(i as usize),
            _ => refuse(format!("the index {i} lies outside of {n} elements")),
        };
        let indices = picked.iter().map(index).collect::<Result<_>>()?;
        return call.emit(Op::Gather { axis, indices, shape: extents }, &[x]);
    }
    let mut indices = call.plain(1)?;
    match mode.as_str() {
        "clip" if !names_any(call, indices, n) => {
            let bounds = Op::Clip { min: 0.0, max: (n - 1) as f32 };
            indices = call.part("inside", bounds, &[indices])?;
        }
        "wrap" => {
            // The rest of the division has the sign of the index: from the end it counts to the same place.
            let count = call.reals(&[], vec![n as f32])?;
            indices = call.part("inside", binary(BinaryKind::Mod), &[indices, count])?;
        }
        _ => {}
    }
    let inputs = vec![SingleInput::Value(x), SingleInput::Value(indices)];
    let y = call.onnx("Gather", inputs, &[("axis", SingleAttribute::Integer(axis as i64))])?;
    Ok(upright(y, call.lower.graph.shape(y).len()))
}

/// Whether a value holds places among at most `n` elements.
fn names_any(call: &OperatorCall, indices: ValueId, n: i64) -> bool {
    let graph = &call.lower.graph;
    let Some((_, node)) = graph.producer(indices) else { return false };
    let counted = |axis: usize| graph.shape(node.inputs[0])[axis] as i64 <= n;
    match &node.op {
        Op::Reduce { kind, axes, .. } => kind.is_index() && counted(axes[0]),
        Op::TopK { axis, indices: true, .. } => counted(*axis),
        _ => false,
    }
}

/// The rows of indices of a `gather_nd` or `scatter_nd`, whose first axis ONNX has last.
fn rows(call: &mut OperatorCall, index: usize) -> Result<SingleInput> {
    call.check_from_front(index)?;
    let rank = call.shape(index)?.len();
    if rank == 0 {
        return refuse("the indices have no axes");
    }
    call.turned(index, &(1..rank).chain([0]).collect::<Vec<_>>())
}

/// `gather_nd(data, indices, batch_dims)`.
pub(super) fn gather_nd(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.integer("index_rank")?;
    let batch = call.integer("batch_dims")?.unwrap_or(0);
    let inputs = vec![call.given(0)?, rows(call, 1)?];
    let y = call.onnx("GatherND", inputs, &[("batch_dims", SingleAttribute::Integer(batch))])?;
    Ok(upright(y, call.lower.graph.shape(y).len()))
}

/// What ONNX calls a way to put updates; `key` is the attribute.
fn reduction(call: &mut OperatorCall, key: &str) -> Result<&'static str> {
    let mode = call.text(key, "update")?;
    match ["none", "add", "mul", "min", "max"].into_iter().find(|known| *known == mode) {
        Some(known) if known != "none" => Ok(known),
        _ if mode == "update" => Ok("none"),
        _ => Err(Error::new("import", format!("{mode:?} is not supported"))
            .attribute(key)
            .hint("update, add, mul, min or max")),
    }
}

/// `scatter_elements(data, indices, updates, axis, reduction)`, which was `scatter` and `scatter_add` up to TVM 0.9.
pub(super) fn scatter_elements(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let rank = call.shape(0)?.len();
    let axis = call.axis("axis", 0, rank)?;
    let reduction = match call.operator {
        "scatter_add" => "add",
        "scatter" => "none",
        _ => reduction(call, "reduction")?,
    };
    let inputs = vec![call.given(0)?, call.given(1)?, call.given(2)?];
    let attributes =
        [("axis", SingleAttribute::Integer(axis as i64)), ("reduction", SingleAttribute::Word(reduction))];
    let y = call.onnx("ScatterElements", inputs, &attributes)?;
    Ok(upright(y, rank))
}

/// `scatter_nd(data, indices, updates, mode)`.
pub(super) fn scatter_nd(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let rank = call.shape(0)?.len();
    let reduction = reduction(call, "mode")?;
    let inputs = vec![call.given(0)?, rows(call, 1)?, call.given(2)?];
    let y = call.onnx("ScatterND", inputs, &[("reduction", SingleAttribute::Word(reduction))])?;
    Ok(upright(y, rank))
}

/// `adv_index((data, i, j, ...))`, whose operands are those of the tuple here: the indices broadcast and name places
/// along the first axes.
pub(super) fn adv_index(call: &mut OperatorCall) -> Result<Operand> {
    let count = call.arguments.len().saturating_sub(1);
    if count == 0 {
        return refuse("names no places");
    }
    let mut shape = call.shape(1)?;
    for index in 1..=count {
        call.check_from_front(index)?;
        let other = call.shape(index)?;
        match broadcast(&shape, &other) {
            Some(both) => shape = both,
            None => return refuse(format!("indices of {shape:?} and {other:?} do not broadcast")),
        }
    }
    let wide: Vec<usize> = shape.iter().copied().chain([1]).collect();
    let mut columns = Vec::new();
    for index in 1..=count {
        let column = match call.arguments[index].clone() {
            Operand::Constant(constant) => call.lower.intern_numbers(&constant)?,
            _ => call.plain(index)?,
        };
        let column = match call.lower.graph.shape(column) == shape {
            true => column,
            false => call.part("expand", Op::Expand { shape: shape.clone() }, &[column])?,
        };
        columns.push(call.shaped("column", column, &wide)?);
    }
    let rows = match columns[..] {
        [one] => one,
        _ => call.part("rows", Op::Concat { axis: shape.len() }, &columns)?,
    };
    // What is known now is known to the operator.
    let rank = wide.len();
    let known = (1..=count).all(|index| call.known_integers(index).is_some());
    call.arguments.truncate(1);
    call.arguments.push(upright(rows, rank));
    let rows = match known {
        true => {
            let constant = call.constant(1)?;
            let data = constant.array.to_floats().iter().map(|&i| i as i64).collect();
            SingleInput::Wholes(constant.array.shape.clone(), data)
        }
        false => SingleInput::Value(rows),
    };
    let inputs = vec![call.given(0)?, rows];
    let y = call.onnx("GatherND", inputs, &[])?;
    Ok(upright(y, call.lower.graph.shape(y).len()))
}

/// Numbers of an operand, constants of whole ones too.
fn numbers(call: &mut OperatorCall, index: usize) -> Result<ValueId> {
    call.shape(index)?;
    match call.arguments[index].clone() {
        Operand::Constant(constant) => call.lower.intern_numbers(&constant),
        _ => call.plain(index),
    }
}

/// `one_hot(indices, on, off, depth, axis, dtype)`: no index outside of the depth is hot.
pub(super) fn one_hot(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    let mut shape = call.shape(0)?;
    let ends = [call.scalar(1)?, call.scalar(2)?];
    let depth = match call.integer("depth")?.and_then(|n| usize::try_from(n).ok()) {
        Some(depth) if (1..=MAX_ELEMENTS).contains(&depth) => depth,
        _ => return Err(Error::new("import", "must be positive").attribute("depth")),
    };
    let axis = call.axis("axis", -1, shape.len() + 1)?;
    let dtype = call.text("dtype", "float32")?;
    let integer = match dtype.as_str() {
        "float32" | "bool" => None,
        "int32" => Some(Integer::Int32),
        "int64" => Some(Integer::Int64),
        other => {
            return Err(Error::new("import", format!("is {other}"))
                .attribute("dtype")
                .hint("float32, int32, int64 or bool, and a cast behind it"));
        }
    };
    shape.insert(axis, 1);
    elements(&shape)?
        .checked_mul(depth)
        .filter(|n| *n <= MAX_ELEMENTS)
        .map_or_else(|| refuse("the result is too large to handle"), |_| Ok(()))?;
    let indices = numbers(call, 0)?;
    let indices = call.shaped("indices", indices, &shape)?;
    let mut along = vec![1; shape.len() - axis];
    along[0] = depth;
    let places = call.reals(&along, (0..depth).map(|n| n as f32).collect())?;
    let hot = call.part("hot", binary(BinaryKind::Equal), &[indices, places])?;
    let [on, off] = ends;
    let (on, off) = (call.reals(&[], vec![on])?, call.reals(&[], vec![off])?);
    let y = call.emit(Op::Where, &[hot, on, off])?;
    if let Some(integer) = integer {
        mark(call.lower, &y, &NumberKind::Scaled(IntegerScale::unit(integer)));
    }
    Ok(y)
}

/// `reverse_sequence(x, lengths, seq_axis, batch_axis)`.
pub(super) fn reverse_sequence(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let rank = call.shape(0)?.len();
    let (time, batch) = (call.axis("seq_axis", 1, rank)?, call.axis("batch_axis", 0, rank)?);
    if time == batch {
        return Err(Error::new("import", "is the axis of the batch").attribute("seq_axis"));
    }
    let order: Vec<usize> =
        [batch, time].into_iter().chain((0..rank).filter(|a| *a != time && *a != batch)).collect();
    let inputs = vec![call.turned(0, &order)?, call.given(1)?];
    let attributes =
        [("batch_axis", SingleAttribute::Integer(0)), ("time_axis", SingleAttribute::Integer(1))];
    let y = call.onnx("ReverseSequence", inputs, &attributes)?;
    Ok(lying(y, &order))
}

/// `sequence_mask(x, lengths, mask_value, axis)`: steps behind the length of their sequence are masked. One of the first
/// two axes counts the steps, the other one the sequences.
pub(super) fn sequence_mask(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 0, shape.len())?;
    if axis > 1 || shape.len() < 2 || call.shape(1)? != [shape[1 - axis]] {
        return refuse(format!("lengths {:?} do not fit axis {axis} of {shape:?}", call.shape(1)?));
    }
    let value = call.float("mask_value", 0.0)?;
    let mut steps = vec![1; shape.len()];
    steps[axis] = shape[axis];
    let mut batch = vec![1; shape.len()];
    batch[1 - axis] = shape[1 - axis];
    let places = call.reals(&steps, (0..shape[axis]).map(|n| n as f32).collect())?;
    let lengths = numbers(call, 1)?;
    let lengths = call.shaped("lengths", lengths, &batch)?;
    let inside = call.part("inside", binary(BinaryKind::Less), &[places, lengths])?;
    let value = call.reals(&[], vec![value])?;
    let x = call.plain(0)?;
    call.emit(Op::Where, &[inside, x, value])
}

/// `sparse_to_dense(indices, values, default, output_shape)` with constant indices.
pub(super) fn sparse_to_dense(call: &mut OperatorCall) -> Result<Operand> {
    if call.arguments.len() == 2 {
        let zero = NdArray::floats(&[], vec![0.0]);
        call.arguments.push(Operand::Constant(Constant::new("", zero)));
    }
    call.operands(3)?;
    let Some(shape) = call.sizes("output_shape")? else {
        return Err(Error::new("import", "is missing").attribute("output_shape"));
    };
    call.check_from_front(0)?;
    let (mut rows, places) = call.integers(0)?;
    if rows.len() < 2 {
        rows = vec![rows.first().copied().unwrap_or(1), 1];
    }
    let values = call.plain(1)?;
    let values = match call.lower.graph.shape(values).is_empty() {
        true => call.part("expand", Op::Expand { shape: vec![rows[0]] }, &[values])?,
        false => values,
    };
    let value = call.scalar(2)?;
    let count = elements(&shape)?;
    let dense = call.reals(&shape, vec![value; count])?;
    let inputs =
        vec![SingleInput::Value(dense), SingleInput::Wholes(rows, places), SingleInput::Value(values)];
    let y = call.onnx("ScatterND", inputs, &[])?;
    Ok(upright(y, shape.len()))
}
