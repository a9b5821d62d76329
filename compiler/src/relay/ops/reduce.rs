//! Reductions along axes.

use super::super::arrange::upright;
use super::super::call::{OperatorCall, resolve};
use super::super::operand::{Lying, Operand, inverse};
use super::norm::square;
use super::whole::{IntegerScale, NumberKind, mark};
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Integer, Op, ReduceKind, ValueId};

/// The operand as it lies, its order, and the axes to reduce, in the text's order.
fn operand(call: &mut OperatorCall) -> Result<(ValueId, Vec<usize>, Vec<usize>)> {
    call.operands(1)?;
    let rank = call.shape(0)?.len();
    let order: Vec<usize> = match &call.arguments[0] {
        Operand::Value(lying) => lying.order.to_vec(),
        _ => (0..rank).collect(),
    };
    let x = call.arranged(0, &inverse(&order))?;
    let listed = call.list("axis")?.unwrap_or_default();
    let mut axes = Vec::new();
    for axis in &listed {
        match resolve(*axis, rank) {
            Some(axis) => axes.push(axis),
            None => {
                return Err(
                    Error::new("import", format!("{axis} is not an axis of {rank}")).attribute("axis")
                );
            }
        }
    }
    // No axes mean all of them.
    let exclude = call.flag("exclude", false)?;
    let chosen = |axis: &usize| listed.is_empty() || axes.contains(axis) != exclude;
    let axes = (0..rank).filter(chosen).collect();
    Ok((x, order, axes))
}

/// The axes as they lie, ascending.
fn physical(axes: &[usize], order: &[usize]) -> Vec<usize> {
    let mut axes: Vec<usize> = axes.iter().map(|&a| order[a]).collect();
    axes.sort_unstable();
    axes
}

/// The result with its axes, of which the reduced ones may be gone.
fn result(id: ValueId, order: &[usize], axes: &[usize], keepdims: bool) -> Operand {
    if keepdims {
        return Operand::Value(Lying { id, order: order.into() });
    }
    let kept: Vec<usize> = (0..order.len()).filter(|a| !axes.contains(a)).map(|a| order[a]).collect();
    let place = |&axis: &usize| kept.iter().filter(|&&other| other < axis).count();
    Operand::Value(Lying { id, order: kept.iter().map(place).collect() })
}

/// `mean`, `sum`, `max`, `min`, `prod`, `all`, `any`; `argmax` and `argmin`, whose indices are whole numbers.
pub(super) fn reduce(call: &mut OperatorCall) -> Result<Operand> {
    let (x, order, axes) = operand(call)?;
    if call.operator.starts_with("arg") {
        if axes.len() != 1 {
            let message = format!("counts along {} axes, must be one", axes.len());
            return Err(Error::new("import", message).attribute("axis"));
        }
        if call.flag("select_last_index", false)? {
            let message = "the last of equals is not supported";
            return Err(Error::new("import", message).attribute("select_last_index"));
        }
    }
    let keepdims = call.flag("keepdims", false)?;
    let name = match call.operator {
        // Truth values are 1 and 0.
        "all" => "min",
        "any" => "max",
        name => name,
    };
    let entry = ReduceKind::ALL.iter().find(|e| e.2 == name);
    let kind = entry.expect("the table of operators lists those of the graph").0;
    let id = call.node(Op::Reduce { kind, axes: physical(&axes, &order), keepdims }, &[x])?;
    let y = result(id, &order, &axes, keepdims);
    if kind.is_index() {
        mark(call.lower, &y, &NumberKind::Scaled(IntegerScale::unit(Integer::Int32)));
    }
    Ok(y)
}

/// `variance`: the mean of the squared distances from the mean.
pub(super) fn variance(call: &mut OperatorCall) -> Result<Operand> {
    // The mean is an operand since TVM 0.8: it is the same that is computed here.
    call.arguments.truncate(1);
    let (x, order, axes) = operand(call)?;
    let keepdims = call.flag("keepdims", false)?;
    let unbiased = call.flag("unbiased", false)?;
    let shape = call.shape(0)?;
    let count: usize = axes.iter().map(|&axis| shape[axis]).product();
    if unbiased && count < 2 {
        return Err(Error::new("import", "of one element is no number").attribute("unbiased"));
    }
    let physical = physical(&axes, &order);
    let mean = |keepdims| Op::Reduce { kind: ReduceKind::Mean, axes: physical.clone(), keepdims };
    let centre = call.part("mean", mean(true), &[x])?;
    let distance = call.part("subtract", Op::Binary { kind: BinaryKind::Sub }, &[x, centre])?;
    let squares = square(call, distance)?;
    let mut id = call.node(mean(keepdims), &[squares])?;
    if unbiased {
        let more = call.lower.graph.constant("", &[], vec![count as f32 / (count - 1) as f32])?;
        id = call.part("unbiased", Op::Binary { kind: BinaryKind::Mul }, &[id, more])?;
    }
    if axes.len() == order.len() && !keepdims {
        return Ok(upright(id, 0));
    }
    Ok(result(id, &order, &axes, keepdims))
}
