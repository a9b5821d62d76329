//! Gemm and MatMul.

use super::call::Call;
use crate::error::Result;
use crate::graph::Op;

/// Gemm; the addend is optional from opset 11 on.
pub(super) fn gemm(call: &mut Call) -> Result<()> {
    let least = if call.opset() < 11 { 3 } else { 2 };
    let inputs = call.values(least..=3)?;
    let op = Op::Gemm {
        alpha: call.float("alpha", 1.0)?,
        beta: call.float("beta", 1.0)?,
        trans_a: call.flag("transA", false)?,
        trans_b: call.flag("transB", false)?,
    };
    call.emit(op, &inputs)
}

/// MatMul.
pub(super) fn matmul(call: &mut Call) -> Result<()> {
    let inputs = call.values(2)?;
    call.emit(Op::MatMul, &inputs)
}
