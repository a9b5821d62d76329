//! Add and Softmax.

use super::call::Call;
use super::shape::axis;
use crate::error::Result;
use crate::graph::Op;

/// Add with numpy broadcasting.
pub(super) fn add(call: &mut Call) -> Result<()> {
    let inputs = call.values(2, 2)?;
    call.emit(Op::Add, &inputs)
}

/// Softmax. Before opset 13 it runs over all axes from `axis` on, taken together.
pub(super) fn softmax(call: &mut Call) -> Result<()> {
    let x = call.values(1, 1)?[0];
    let shape = call.shape(0)?;
    if call.opset() >= 13 {
        let value = call.int("axis", -1)?;
        let axis = axis(call, value, shape.len())?;
        return call.emit(Op::Softmax { axis }, &[x]);
    }
    let value = call.int("axis", 1)?;
    let axis = axis(call, value, shape.len())?;
    if shape[axis + 1..].iter().all(|&n| n == 1) {
        return call.emit(Op::Softmax { axis }, &[x]);
    }
    let rows = shape[..axis].iter().product();
    let columns = shape[axis..].iter().product();
    let flat = call.reshaped(x, &[rows, columns])?;
    let flat = call.apply(Op::Softmax { axis: 1 }, &[flat])?;
    let y = call.reshaped(flat, &shape)?;
    call.result(y)
}
