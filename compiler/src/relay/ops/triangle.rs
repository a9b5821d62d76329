//! Operators that are a triangle of ones: `cumsum` multiplies a matrix by it, `trilu` chooses by it.

use super::super::arrange::{lying, upright};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use crate::error::{Error, Result};
use crate::graph::{Op, elements};

/// Elements that are summed, at most: the triangle has their square.
const LONGEST: usize = 2048;

/// `cumsum(x, axis, dtype, exclusive)`: a product of matrices. Without an axis it counts all elements.
pub(super) fn cumulative_sum(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let dtype = call.text("dtype", "")?;
    if !["", "float32", "int32", "int64"].contains(&dtype.as_str()) {
        return Err(Error::new("import", format!("is {dtype}")).attribute("dtype").hint("float32"));
    }
    let exclusive = call.flag("exclusive", false)?;
    let (want, shape) = match call.has("axis") {
        true => {
            let axis = call.axis("axis", 0, shape.len())?;
            let mut want: Vec<usize> = (0..shape.len()).filter(|&a| a != axis).collect();
            want.push(axis);
            (want, shape)
        }
        false => {
            call.arguments[0] = call.reshape(0, &[elements(&shape)?])?;
            (vec![0], vec![elements(&shape)?])
        }
    };
    let Some(&count) = want.last().map(|&axis| &shape[axis]) else {
        return refuse("sums a number");
    };
    if count > LONGEST {
        return Err(Error::new("import", format!("sums {count} elements, more than {LONGEST}"))
            .hint("cut the network before it"));
    }
    let x = call.arranged(0, &want)?;
    let turned = call.lower.graph.shape(x).to_vec();
    let counts = |from: usize, to: usize| from < to || from == to && !exclusive;
    let ones = (0..count * count).map(|n| f32::from(u8::from(counts(n / count, n % count)))).collect();
    let ones = call.lower.graph.constant("", &[count, count], ones)?;
    let rows = turned.iter().product::<usize>() / count;
    let x = call.lower.graph.reshape(format!("{}/rows", call.name), x, &[rows, count])?;
    let y = call.node(Op::MatMul, &[x, ones])?;
    let y = call.lower.graph.reshape(format!("{}/sums", call.name), y, &turned)?;
    Ok(lying(y, &want))
}

/// `trilu(x, k, upper)`: zeros on one side of a diagonal.
pub(super) fn triangle(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let upper = call.flag("upper", true)?;
    let &[diagonal] = &call.integers(1)?.1[..] else {
        return refuse("operand 1 must be a number");
    };
    let [.., rows, columns] = shape[..] else {
        return refuse(format!("{shape:?} is no matrix"));
    };
    let kept = |n: usize| {
        // Places are below MAX_ELEMENTS.
        let right = (n % columns) as i64 - (n / columns) as i64;
        if upper { right >= diagonal } else { right <= diagonal }
    };
    let ones = (0..rows * columns).map(|n| f32::from(u8::from(kept(n)))).collect();
    let ones = call.lower.graph.constant("", &[rows, columns], ones)?;
    let zero = call.lower.graph.constant("", &[], vec![0.0])?;
    let x = call.plain(0)?;
    let id = call.node(Op::Where, &[ones, x, zero])?;
    Ok(upright(id, shape.len()))
}
