//! Products of matrices.

use super::super::arrange::upright;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use crate::error::{Error, Result};
use crate::graph::{Op, ValueId};
use crate::onnx::{SingleAttribute, SingleInput};

/// The last two axes exchanged.
fn turned(rank: usize) -> Vec<usize> {
    let mut want: Vec<usize> = (0..rank).collect();
    want.swap(rank - 1, rank - 2);
    want
}

/// `nn.dense(data, weight)`, weight (units, inputs), and `nn.matmul`.
pub(super) fn matmul(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    let dense = call.operator == "nn.dense";
    let (trans_a, trans_b) = match dense {
        true => (false, true),
        false => (call.flag("transpose_a", false)?, call.flag("transpose_b", false)?),
    };
    let units = call.integer("units")?;
    let (a, b) = (call.shape(0)?, call.shape(1)?);
    if a.is_empty() || b.len() != 2 || trans_a && a.len() < 2 {
        return refuse(format!("the operands {a:?} and {b:?} are no matrices"));
    }
    if let Some(units) = units
        && usize::try_from(units) != Ok(b[usize::from(!trans_b)])
    {
        let message = format!("states {units} units, the weights have shape {b:?}");
        return Err(Error::new("import", message).attribute("units"));
    }
    if a.len() == 2 && (trans_a || trans_b) {
        let inputs = [call.plain(0)?, call.plain(1)?];
        return call.emit(Op::Gemm { alpha: 1.0, beta: 1.0, trans_a, trans_b }, &inputs);
    }
    let x = if trans_a { call.arranged(0, &turned(a.len()))? } else { call.plain(0)? };
    let w = if trans_b { call.arranged(1, &[1, 0])? } else { call.plain(1)? };
    call.emit(Op::MatMul, &[x, w])
}

/// The product of `qnn.dense`, whose operands are real numbers by now: a layer that takes a bias.
pub(super) fn dense(call: &mut OperatorCall) -> Result<Operand> {
    let (a, b) = (call.shape(0)?, call.shape(1)?);
    if a.len() != 2 || b.len() != 2 {
        return refuse(format!("the operands {a:?} and {b:?} are no matrices"));
    }
    if let Some(units) = call.integer("units")?
        && usize::try_from(units) != Ok(b[0])
    {
        let message = format!("states {units} units, the weights have shape {b:?}");
        return Err(Error::new("import", message).attribute("units"));
    }
    let inputs = [call.plain(0)?, call.plain(1)?];
    call.emit(Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true }, &inputs)
}

/// `nn.batch_matmul(a, b)` on (batch, rows, columns).
pub(super) fn batch_matmul(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    let turns = [call.flag("transpose_a", false)?, call.flag("transpose_b", false)?];
    let mut inputs = [ValueId(0); 2];
    for (index, turn) in turns.into_iter().enumerate() {
        let shape = call.shape(index)?;
        if shape.len() != 3 {
            return refuse(format!("operand {index} has shape {shape:?}, not three axes"));
        }
        inputs[index] = if turn { call.arranged(index, &turned(3))? } else { call.plain(index)? };
    }
    let id = call.node(Op::MatMul, &inputs)?;
    Ok(upright(id, 3))
}

/// `einsum((a, b, ...), equation)`.
pub(super) fn einsum(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let Operand::Tuple(fields) = call.arguments[0].clone() else {
        return refuse("needs a tuple of tensors");
    };
    let equation = call.text("equation", "")?;
    let values = fields.iter().map(|field| call.lower.plain(field, call.name).map(SingleInput::Value));
    let inputs = values.collect::<Result<Vec<_>>>()?;
    let y = call.onnx("Einsum", inputs, &[("equation", SingleAttribute::Word(&equation))])?;
    Ok(upright(y, call.lower.graph.shape(y).len()))
}
