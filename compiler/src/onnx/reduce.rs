//! Reductions: GlobalAveragePool where they are one, Reduce elsewhere.

use super::call::Call;
use super::import::Operand;
use super::moves::axes;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, ReduceKind};

/// ArgMax and ArgMin: indices along one axis, as floats.
pub(super) fn index(call: &mut Call, kind: ReduceKind) -> Result<()> {
    call.arity(1)?;
    let x = call.value(0)?;
    let rank = call.shape(0)?.len();
    let value = call.int("axis", 0)?;
    let axes = vec![super::shape::axis(call, value, rank)?];
    let keepdims = call.flag("keepdims", true)?;
    if call.opset() >= 12 && call.flag("select_last_index", false)? {
        // The first one from the other end.
        let (extents, along) = (call.shape(0)?, axes[0]);
        let (mut starts, mut steps) = (vec![0; rank], vec![1; rank]);
        (starts[along], steps[along]) = (extents[along] - 1, -1);
        let last = call.scalar_value(starts[along] as f32)?;
        let turned = call.apply(Op::Slice { starts, steps, extents }, &[x])?;
        let index = call.apply(Op::Reduce { kind, axes, keepdims }, &[turned])?;
        return call.emit(Op::Binary { kind: BinaryKind::Sub }, &[last, index]);
    }
    call.emit(Op::Reduce { kind, axes, keepdims }, &[x])
}

/// The reduction of an operator whose attribute p says which: sums of absolute values, or roots of sums of squares.
pub(super) fn by_exponent(call: &mut Call) -> Result<ReduceKind> {
    match call.int("p", 2)? {
        1 => Ok(ReduceKind::L1),
        2 => Ok(ReduceKind::L2),
        p => call.refuse("p", format!("is {p}, not 1 or 2")),
    }
}

/// A reduction; the axes are an attribute up to opset 17 (ReduceSum: 12), then an input.
pub(super) fn reduce(call: &mut Call, kind: ReduceKind) -> Result<()> {
    let by_input = call.opset() >= if kind == ReduceKind::Sum { 13 } else { 18 };
    call.arity(1..=if by_input { 2 } else { 1 })?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let keepdims = call.flag("keepdims", true)?;
    let given: Option<Vec<i64>> = match by_input {
        true => call.has(1).then(|| call.integers(1)).transpose()?,
        false => call.ints("axes")?.map(<[i64]>::to_vec),
    };
    let given = given.filter(|axes| !axes.is_empty());
    if by_input && call.flag("noop_with_empty_axes", false)? && given.is_none() {
        use ReduceKind::{Max, Mean, Min, Prod, Sum};
        return match kind {
            Mean | Sum | Prod | Max | Min => call.alias(Operand::Value(x)),
            _ => call.refuse("noop_with_empty_axes", "an empty reduction is not supported"),
        };
    }
    let mut axes = match given {
        Some(values) => axes(call, &values, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    axes.sort_unstable();
    let spatial = shape.len() > 2 && axes.iter().copied().eq(2..shape.len());
    if kind != ReduceKind::Mean || !spatial {
        return call.emit(Op::Reduce { kind, axes, keepdims }, &[x]);
    }
    let mean = call.apply(Op::GlobalAveragePool, &[x])?;
    match keepdims {
        true => call.result(mean),
        false => {
            let flat = call.reshaped(mean, &shape[..2])?;
            call.result(flat)
        }
    }
}
