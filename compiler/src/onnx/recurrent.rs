//! RNN, LSTM and GRU with the standard activations.

use super::call::Call;
use crate::error::Result;
use crate::graph::{Cell, Direction, Op, Recurrent, ValueId};

/// A recurrent layer; Y_h is cut out of Y.
pub(super) fn recurrent(call: &mut Call) -> Result<()> {
    let (mut cell, activations): (Cell, &[&str]) = match call.operator() {
        "LSTM" => (Cell::Lstm, &["Sigmoid", "Tanh", "Tanh"]),
        "GRU" => (Cell::Gru { linear_before_reset: false }, &["Sigmoid", "Tanh"]),
        _ => (Cell::Rnn, &["Tanh"]),
    };
    let lstm = cell == Cell::Lstm;
    call.arity(3..=if lstm { 8 } else { 6 })?;
    if let Cell::Gru { linear_before_reset } = &mut cell {
        *linear_before_reset = call.flag("linear_before_reset", false)?;
    }
    let direction = call.string("direction", "forward")?;
    let Some(&(direction, _)) = Direction::ALL.iter().find(|e| e.1 == direction) else {
        return call.refuse("direction", format!("{direction:?} is not known"));
    };
    let named = call.strings("activations")?.unwrap_or_default();
    let standard = activations.iter().cycle().take(activations.len() * direction.count());
    if !named.is_empty() && !named.iter().map(|a| a.to_lowercase()).eq(standard.map(|a| a.to_lowercase())) {
        return call.refuse("activations", format!("{named:?} are not the standard ones"));
    }
    for name in ["activation_alpha", "activation_beta"] {
        if call.floats(name)?.is_some_and(|v| !v.is_empty()) {
            return call.refuse(name, "the standard activations have no parameters");
        }
    }
    if call.given("clip") {
        return call.refuse("clip", "is not supported");
    }
    if lstm && call.flag("input_forget", false)? {
        return call.refuse("input_forget", "is not supported");
    }
    let batch_first = call.opset() >= 14 && call.flag("layout", false)?;
    let mut x = call.value(0)?;
    if batch_first && call.shape_of(x).len() == 3 {
        x = call.apply(Op::Transpose { perm: vec![1, 0, 2] }, &[x])?;
    }
    let &[steps, batch, _] = &call.shape_of(x)[..] else {
        return Err(call.error("the input must have rank 3"));
    };
    if call.has(4) && call.integers(4)?.iter().any(|&n| n != steps as i64) {
        return call
            .refuse("sequence_lens", format!("sequences shorter than {steps} steps are not supported"));
    }
    let weights = [call.value(1)?, call.value(2)?];
    let hidden = call.shape(2)?.last().copied().unwrap_or(0);
    if call.int("hidden_size", hidden as i64)? != hidden as i64 {
        return call.refuse("hidden_size", format!("disagrees with the weights, which say {hidden}"));
    }
    let directions = direction.count();
    let bias = match call.has(3) {
        true => call.value(3)?,
        false => call.zeros(&[directions, 2 * cell.gates() * hidden])?,
    };
    let mut inputs = vec![x, weights[0], weights[1], bias];
    for input in if lstm { 5..7 } else { 5..6 } {
        let state = match call.has(input) {
            true => call.value(input)?,
            false => call.zeros(&[directions, batch, hidden])?,
        };
        let turned = batch_first && call.has(input) && call.shape_of(state).len() == 3;
        inputs.push(match turned {
            true => call.apply(Op::Transpose { perm: vec![1, 0, 2] }, &[state])?,
            false => state,
        });
    }
    if lstm && call.has(7) {
        inputs.push(call.value(7)?);
    }
    let op = |cell_state| Op::Recurrent(Recurrent { cell, direction, hidden, cell_state });
    let y = call.apply(op(false), &inputs)?;
    let finish = |call: &mut Call, index: usize, y: ValueId, perm: &[usize]| {
        if !call.wanted(index) {
            call.skip_result();
            return Ok(());
        }
        let y = match batch_first {
            true => call.apply(Op::Transpose { perm: perm.to_vec() }, &[y])?,
            false => y,
        };
        call.result(y)
    };
    finish(call, 0, y, &[2, 0, 1, 3])?;
    if call.wanted(1) {
        let last = last_state(call, y, direction)?;
        finish(call, 1, last, &[1, 0, 2])?;
    } else {
        call.skip_result();
    }
    if lstm && call.wanted(2) {
        let c = call.apply(op(true), &inputs)?;
        finish(call, 2, c, &[1, 0, 2])?;
    }
    Ok(())
}

/// The hidden state (D,B,H) that each direction ends with.
fn last_state(call: &mut Call, y: ValueId, direction: Direction) -> Result<ValueId> {
    let shape = call.shape_of(y);
    let mut ends = Vec::new();
    for d in 0..direction.count() {
        let backwards = d == 1 || direction == Direction::Reverse;
        let step = if backwards { 0 } else { shape[0] - 1 };
        let (starts, extents) = (vec![step, d, 0, 0], vec![1, 1, shape[2], shape[3]]);
        let end = call.apply(Op::Slice { starts, steps: vec![1; 4], extents }, &[y])?;
        ends.push(call.reshaped(end, &[1, shape[2], shape[3]])?);
    }
    match ends[..] {
        [end] => Ok(end),
        _ => call.apply(Op::Concat { axis: 0 }, &ends),
    }
}
