//! Matrix products, and recurrent layers, which consist of them.

use super::{broadcast, refuse};
use crate::arity::Arity;
use crate::error::Result;
use crate::graph::{Cell, MAX_ELEMENTS, Op, Recurrent};

pub(super) fn gemm(op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let Op::Gemm { alpha, beta, trans_a, trans_b } = op else {
        unreachable!("infer calls this for Gemm alone");
    };
    let (a, b) = (inputs[0], inputs[1]);
    if !alpha.is_finite() || !beta.is_finite() {
        return refuse(format!("alpha is {alpha}, beta is {beta}"));
    }
    if a.len() != 2 || b.len() != 2 {
        return refuse(format!("the operands {a:?} and {b:?} must be matrices"));
    }
    let (m, k) = if *trans_a { (a[1], a[0]) } else { (a[0], a[1]) };
    let (kb, n) = if *trans_b { (b[1], b[0]) } else { (b[0], b[1]) };
    if k != kb {
        return refuse(format!("{m}x{k} cannot be multiplied by {kb}x{n}"));
    }
    let shape = vec![m, n];
    if let Some(c) = inputs.get(2)
        && broadcast(&shape, c).as_ref() != Some(&shape)
    {
        return refuse(format!("the addend {c:?} does not broadcast to {shape:?}"));
    }
    Ok(shape)
}

pub(super) fn matmul(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let mismatch = || refuse(format!("{a:?} cannot be multiplied by {b:?}"));
    if a.is_empty() || b.is_empty() {
        return mismatch();
    }
    // numpy: a vector on the left is a row, on the right a column, and that axis goes away again.
    let (batch_a, rows) = match a.len() {
        1 => (&a[..0], None),
        n => (&a[..n - 2], Some(a[n - 2])),
    };
    let (batch_b, inner, columns) = match b.len() {
        1 => (&b[..0], b[0], None),
        n => (&b[..n - 2], b[n - 2], Some(b[n - 1])),
    };
    let Some(mut shape) = broadcast(batch_a, batch_b) else {
        return mismatch();
    };
    if a[a.len() - 1] != inner {
        return mismatch();
    }
    shape.extend(rows);
    shape.extend(columns);
    Ok(shape)
}

/// Least and largest number of inputs.
pub(super) fn recurrent_inputs(r: &Recurrent) -> Arity {
    match r.cell {
        Cell::Lstm => (6..=7).into(),
        _ => 5.into(),
    }
}

pub(super) fn recurrent(r: &Recurrent, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let &[steps, batch, features] = inputs[0] else {
        return refuse(format!("the input {:?} must be (steps, batch, features)", inputs[0]));
    };
    let (hidden, directions) = (r.hidden, r.direction.count());
    // Beyond this no weights could fit, and the products below stay small.
    if hidden == 0 || hidden > MAX_ELEMENTS {
        return refuse(format!("the hidden size is {hidden}"));
    }
    let gates = r.cell.gates() * hidden;
    let state = [directions, batch, hidden];
    let wanted: [&[usize]; 6] = [
        &[directions, gates, features],
        &[directions, gates, hidden],
        &[directions, 2 * gates],
        &state,
        &state,
        &[directions, 3 * hidden],
    ];
    for (i, (given, wanted)) in inputs[1..].iter().zip(wanted).enumerate() {
        if *given != wanted {
            return refuse(format!("input {} has shape {given:?}, not {wanted:?}", i + 1));
        }
    }
    if r.cell_state {
        return match r.cell {
            Cell::Lstm => Ok(state.to_vec()),
            _ => refuse("only an LSTM has a cell state"),
        };
    }
    Ok(vec![steps, directions, batch, hidden])
}
