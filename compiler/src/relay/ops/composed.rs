//! Functions that the graph composes of others.

use super::super::call::{OperatorCall, refuse, resolve};
use super::super::operand::{Lying, Operand, inverse};
use super::elementwise::{binary, unary};
use super::moves::first;
use super::norm::square;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, ReduceKind, UnaryKind, ValueId};

fn two(kind: BinaryKind) -> Op {
    Op::Binary { kind }
}

fn one(kind: UnaryKind) -> Op {
    Op::Unary { kind }
}

/// The value of an operand that is no tuple, and its order.
fn value(call: &mut OperatorCall, operand: &Operand) -> Result<Lying> {
    match operand {
        Operand::Value(x) => Ok(x.clone()),
        _ => {
            call.arguments = vec![operand.clone()];
            let (id, order) = first(call)?;
            Ok(Lying { id, order: order.into() })
        }
    }
}

/// `floor_divide`, `trunc_divide`, `floor_mod`, `trunc_mod`, `not_equal` and `logical_xor`.
pub(super) fn of_two(call: &mut OperatorCall) -> Result<Operand> {
    match call.operator {
        "trunc_mod" => return binary(call, two(BinaryKind::Mod)),
        "not_equal" | "logical_xor" => {
            let equal = binary(call, two(BinaryKind::Equal))?;
            let x = value(call, &equal)?;
            let zero = call.lower.graph.constant("", &[], vec![0.0])?;
            let id = call.part("not", two(BinaryKind::Equal), &[x.id, zero])?;
            return Ok(Operand::Value(Lying { id, ..x }));
        }
        _ => {}
    }
    let operands = call.arguments.clone();
    let quotient = binary(call, two(BinaryKind::Div))?;
    let x = value(call, &quotient)?;
    let id = match call.operator {
        "trunc_divide" => return trunc(call, &x),
        _ => call.part("floor", one(UnaryKind::Floor), &[x.id])?,
    };
    let floor = Operand::Value(Lying { id, ..x });
    if call.operator == "floor_divide" {
        return Ok(floor);
    }
    call.arguments = vec![floor, operands[1].clone()];
    let multiple = binary(call, two(BinaryKind::Mul))?;
    call.arguments = vec![operands[0].clone(), multiple];
    binary(call, two(BinaryKind::Sub))
}

fn trunc(call: &mut OperatorCall, x: &Lying) -> Result<Operand> {
    let sign = call.part("sign", one(UnaryKind::Sign), &[x.id])?;
    let size = call.part("abs", one(UnaryKind::Abs), &[x.id])?;
    let size = call.part("floor", one(UnaryKind::Floor), &[size])?;
    let id = call.node(two(BinaryKind::Mul), &[sign, size])?;
    Ok(Operand::Value(Lying { id, order: x.order.clone() }))
}

/// `trunc`, `log2` and `log10`.
pub(super) fn of_one(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    if call.operator == "trunc" {
        let operand = call.arguments[0].clone();
        let x = value(call, &operand)?;
        return trunc(call, &x);
    }
    let base = if call.operator == "log2" { std::f32::consts::LN_2 } else { std::f32::consts::LN_10 };
    let y = unary(call, one(UnaryKind::Log))?;
    let x = value(call, &y)?;
    let base = call.lower.graph.constant("", &[], vec![base])?;
    let id = call.part("divide", two(BinaryKind::Div), &[x.id, base])?;
    Ok(Operand::Value(Lying { id, ..x }))
}

/// `nn.l2_normalize(x, eps, axis)`: over the root of the sum of squares, which `eps` bounds.
pub(super) fn l2_normalize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let rank = call.shape(0)?.len();
    let epsilon = call.float("eps", 0.0)?;
    let listed = call.list("axis")?.unwrap_or_default();
    let (x, order) = first(call)?;
    let axes: Option<Vec<usize>> = listed.iter().map(|&a| resolve(a, rank).map(|a| order[a])).collect();
    let Some(mut axes) = axes else { return refuse(format!("{listed:?} are not axes of {rank}")) };
    if axes.is_empty() {
        axes = (0..rank).collect();
    }
    axes.sort_unstable();
    let squares = square(call, x)?;
    let sum = Op::Reduce { kind: ReduceKind::Sum, axes, keepdims: true };
    let sum = call.part("sum", sum, &[squares])?;
    let sum = call.part("bound", Op::Clip { min: epsilon, max: f32::INFINITY }, &[sum])?;
    let root = call.part("sqrt", one(UnaryKind::Sqrt), &[sum])?;
    let id = call.node(two(BinaryKind::Div), &[x, root])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// `slice_like(x, like, axes)`: the first elements, as many as the other tensor has along each axis.
pub(super) fn slice_like(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let (shape, like) = (call.shape(0)?, call.shape(1)?);
    let listed = call.list("axes")?.unwrap_or_default();
    let axes: Option<Vec<usize>> = listed.iter().map(|&a| resolve(a, shape.len())).collect();
    let Some(axes) = axes else { return refuse(format!("{listed:?} are not axes of {shape:?}")) };
    let (x, order) = first(call)?;
    let mut extents = call.lower.graph.shape(x).to_vec();
    for axis in 0..shape.len() {
        if axes.is_empty() || axes.contains(&axis) {
            match like.get(axis) {
                Some(&n) if n <= shape[axis] => extents[order[axis]] = n,
                _ => return refuse(format!("{shape:?} has no {like:?} along axis {axis}")),
            }
        }
    }
    let op = Op::Slice { starts: vec![0; extents.len()], steps: vec![1; extents.len()], extents };
    let id = call.node(op, &[x])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}

/// `gather(x, indices, axis)`: an element for each index, in its place of the other axes.
pub(super) fn gather(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let rank = call.shape(0)?.len();
    let axis = call.axis("axis", 0, rank)?;
    let (x, order) = first(call)?;
    let indices: ValueId = match call.arguments[1].clone() {
        Operand::Constant(c) => call.lower.intern_numbers(&c)?,
        _ => call.plain(1)?,
    };
    let perm = inverse(&order);
    let indices = match perm.is_sorted() {
        true => indices,
        false => call.part("indices", Op::Transpose { perm }, &[indices])?,
    };
    let id = call.node(Op::GatherElements { axis: order[axis] }, &[x, indices])?;
    Ok(Operand::Value(Lying { id, order: order.into() }))
}
