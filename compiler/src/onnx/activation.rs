//! Relu, Clip, LeakyRelu, PRelu.

use super::call::Call;
use crate::error::Result;
use crate::graph::{BinaryKind, Op};

/// Relu.
pub(super) fn relu(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    call.emit(Op::Relu, &inputs)
}

/// Clip: bounds are attributes up to opset 10 and inputs from opset 11.
pub(super) fn clip(call: &mut Call) -> Result<()> {
    if call.integer(0)?.is_some() {
        call.arity(1..=3)?;
        return call.clip_whole();
    }
    if call.opset() >= 11 && [1, 2].into_iter().any(|i| call.has(i) && call.scalar(i).is_err()) {
        return clip_by_computed(call);
    }
    let (mut min, mut max) = (f32::NEG_INFINITY, f32::INFINITY);
    if call.opset() < 11 {
        call.arity(1)?;
        min = call.float("min", min)?;
        max = call.float("max", max)?;
    } else {
        call.arity(1..=3)?;
        if call.has(1) {
            min = call.scalar(1)?;
        }
        if call.has(2) {
            max = call.scalar(2)?;
        }
    }
    // The old defaults and many exporters write the extreme finite float for "no bound".
    if min == f32::MIN {
        min = f32::NEG_INFINITY;
    }
    if max == f32::MAX {
        max = f32::INFINITY;
    }
    let x = call.value(0)?;
    // An empty range is its upper end, as the minimum with it comes last.
    call.emit(Op::Clip { min: min.min(max), max }, &[x])
}

/// Clip by bounds that are computed: the maximum with one, and the minimum with the other.
fn clip_by_computed(call: &mut Call) -> Result<()> {
    call.arity(1..=3)?;
    let mut y = call.value(0)?;
    for (input, kind) in [(1, BinaryKind::Max), (2, BinaryKind::Min)] {
        if call.has(input) {
            let bound = call.value(input)?;
            y = call.apply(Op::Binary { kind }, &[y, bound])?;
        }
    }
    call.result(y)
}

/// LeakyRelu.
pub(super) fn leaky_relu(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let alpha = call.float("alpha", 0.01)?;
    call.emit(Op::LeakyRelu { alpha }, &inputs)
}

/// PRelu.
pub(super) fn prelu(call: &mut Call) -> Result<()> {
    let inputs = call.values(2)?;
    call.emit(Op::PRelu, &inputs)
}
