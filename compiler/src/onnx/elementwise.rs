//! Elementwise operators of one operand, of two and of many; Softmax and LogSoftmax.

use super::call::Call;
use super::choice;
use super::shape::axis;
use super::whole;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, UnaryKind, ValueId};

/// Add with numpy broadcasting.
pub(super) fn add(call: &mut Call) -> Result<()> {
    let inputs = choice::terms(call)?;
    call.emit(Op::Add, &inputs)
}

/// An elementwise function; its parameters are attributes.
pub(super) fn unary(call: &mut Call, kind: UnaryKind) -> Result<()> {
    let inputs = call.values(1)?;
    let kind = kind.with(|name, default| call.float(name, default))?;
    call.emit(Op::Unary { kind }, &inputs)
}

/// Swish: x / (1 + exp(-alpha * x)).
pub(super) fn swish(call: &mut Call) -> Result<()> {
    let alpha = call.float("alpha", 1.0)?;
    if alpha == 1.0 {
        return unary(call, UnaryKind::Swish);
    }
    let x = call.values(1)?[0];
    let factor = call.scalar_value(alpha)?;
    let scaled = call.apply(Op::Binary { kind: BinaryKind::Mul }, &[x, factor])?;
    let gate = call.apply(Op::Unary { kind: UnaryKind::Sigmoid }, &[scaled])?;
    call.emit(Op::Binary { kind: BinaryKind::Mul }, &[x, gate])
}

/// Gelu, exact or by tanh.
pub(super) fn gelu(call: &mut Call) -> Result<()> {
    let kind = match call.string("approximate", "none")? {
        "none" => UnaryKind::Gelu,
        "tanh" => UnaryKind::GeluTanh,
        other => return call.refuse("approximate", format!("{other:?} is not known")),
    };
    unary(call, kind)
}

/// Sub, Mul, Div, Pow.
pub(super) fn binary(call: &mut Call, kind: BinaryKind) -> Result<()> {
    call.arity(2)?;
    if kind == BinaryKind::Div && call.computes_whole() {
        return whole::divide(call);
    }
    // Pow alone may have operands of two types.
    let exponent = match kind {
        BinaryKind::Pow => call.whole_value(1)?,
        _ => None,
    };
    let inputs = match (kind, exponent) {
        (_, Some(exponent)) => [call.value(0)?, exponent],
        (BinaryKind::Sub, _) => choice::terms(call)?,
        _ => [call.value(0)?, call.value(1)?],
    };
    call.emit(Op::Binary { kind }, &inputs)
}

/// Sum, Min, Max and Mean of any number of operands, two at a time.
pub(super) fn many(call: &mut Call) -> Result<()> {
    let inputs = call.values(1..)?;
    let op = match call.operator() {
        "Min" => Op::Binary { kind: BinaryKind::Min },
        "Max" => Op::Binary { kind: BinaryKind::Max },
        _ => Op::Add,
    };
    let mut y = inputs[0];
    for &x in &inputs[1..] {
        y = call.apply(op.clone(), &[y, x])?;
    }
    if call.operator() == "Mean" && inputs.len() > 1 {
        let count = call.scalar_value(inputs.len() as f32)?;
        y = call.apply(Op::Binary { kind: BinaryKind::Div }, &[y, count])?;
    }
    match inputs.len() {
        1 => call.alias(super::import::Operand::Value(y)),
        _ => call.result(y),
    }
}

/// Softmax or LogSoftmax.
pub(super) fn softmax(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let opset = call.opset();
    let value = call.int("axis", if opset >= 13 { -1 } else { 1 })?;
    let y = softmax_of(call, x, value, opset)?;
    call.result(y)
}

/// Softmax or LogSoftmax of a value along the axis `value`. Before opset 13 they run over all axes from there on, taken
/// together.
pub(super) fn softmax_of(call: &mut Call, x: ValueId, value: i64, opset: i64) -> Result<ValueId> {
    let log = call.operator() == "LogSoftmax";
    let op = |axis| if log { Op::LogSoftmax { axis } } else { Op::Softmax { axis } };
    let shape = call.shape_of(x);
    let axis = axis(call, value, shape.len())?;
    if opset >= 13 || shape[axis + 1..].iter().all(|&n| n == 1) {
        return call.apply(op(axis), &[x]);
    }
    let rows = shape[..axis].iter().product();
    let columns = shape[axis..].iter().product();
    let flat = call.reshaped(x, &[rows, columns])?;
    let flat = call.apply(op(1), &[flat])?;
    call.reshaped(flat, &shape)
}
