//! Where maxima were found, and what is put back there: the Indices of MaxPool, and MaxUnpool.

use super::call::Call;
use super::window::{Axes, kernel, window};
use crate::described::{AttributeValue, Described};
use crate::error::Result;
use crate::graph::{BinaryKind, MAX_ELEMENTS, Op, PadMode, ReduceKind, UnaryKind, ValueId, elements};
use crate::memory;

/// The window of a pool along an axis.
#[derive(Clone, Copy)]
pub(super) struct PoolAxis {
    pub extent: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub pad: usize,
    /// How many windows there are.
    pub count: usize,
}

/// Places of the maxima of windows over the planes of `x` (N, C, ...): flat ones in all of `x`, by `columns` with the
/// first spatial axis as the one whose elements lie side by side. Of equals it is the first.
pub(super) fn places(call: &mut Call, x: ValueId, axes: &[PoolAxis], columns: bool) -> Result<ValueId> {
    let shape = call.shape_of(x);
    let (planes, pixels): (usize, usize) = (shape[..2].iter().product(), shape[2..].iter().product());
    if planes * pixels > 1 << 24 {
        return Err(call
            .error(format!("has places of maxima in {shape:?}, more than the 2^24 that float32 counts"))
            .hint("smaller images, or cut the graph before what reads the Indices"));
    }
    let taps: usize = axes.iter().map(|a| a.kernel).product();
    let windows: usize = axes.iter().map(|a| a.count).product();
    memory::check(16 * windows.saturating_mul(taps) as u64, "the places in its windows")?;
    // Elements from one to the next along each axis, as they lie and as they are counted.
    let mut lie = vec![1; axes.len()];
    let mut counted = vec![1; axes.len()];
    for a in 1..axes.len() {
        lie[axes.len() - 1 - a] = lie[axes.len() - a] * axes[axes.len() - a].extent;
        counted[a] = counted[a - 1] * axes[a - 1].extent;
    }
    if !columns {
        counted.clone_from(&lie);
    }
    // Behind each plane lies what is less than all, for taps in the padding.
    let split = |mut n: usize, extent: fn(&PoolAxis) -> usize| {
        let mut parts = vec![0; axes.len()];
        for (part, axis) in parts.iter_mut().zip(axes).rev() {
            *part = n % extent(axis);
            n /= extent(axis);
        }
        parts
    };
    let mut indices = Vec::with_capacity(windows * taps);
    let mut first = Vec::with_capacity(windows);
    for window in 0..windows {
        let at = split(window, |a| a.count);
        let start = |a: usize| (at[a] * axes[a].stride) as i64 - axes[a].pad as i64;
        first.push((0..axes.len()).map(|a| start(a) * counted[a] as i64).sum::<i64>() as f32);
        for tap in 0..taps {
            let within = split(tap, |a| a.kernel);
            let place = (0..axes.len()).try_fold(0, |sum, a| {
                let i = start(a) + (within[a] * axes[a].dilation) as i64;
                let i = usize::try_from(i).ok().filter(|&i| i < axes[a].extent)?;
                Some(sum + i * lie[a])
            });
            indices.push(place.unwrap_or(pixels));
        }
    }
    let binary = |kind| Op::Binary { kind };
    let flat = call.reshaped(x, &[1, planes, pixels])?;
    let mode = PadMode::Constant(f32::MIN);
    let padded = call.apply(Op::Pad { before: vec![0; 3], after: vec![0, 0, 1], mode }, &[flat])?;
    let taken = Op::Gather { axis: 2, indices, shape: vec![windows, taps] };
    let taken = call.apply(taken, &[padded])?;
    let op = Op::Reduce { kind: ReduceKind::ArgMax, axes: vec![3], keepdims: false };
    let tap = call.apply(op, &[taken])?;
    // The tap's places along the axes, from the last one on: its quotients by what is inside of each, without what
    // they have of the axis before.
    let mut sum = call.floats_value(&[1, 1, windows], first)?;
    let offsets = (0..planes).map(|n| (n * pixels) as f32).collect();
    let offsets = call.floats_value(&[1, planes, 1], offsets)?;
    let (mut inner, mut less) = (1, 0.0);
    for a in (0..axes.len()).rev() {
        let mut quotient = tap;
        if inner > 1 {
            let by = call.scalar_value(inner as f32)?;
            quotient = call.apply(binary(BinaryKind::Div), &[tap, by])?;
            quotient = call.apply(Op::Unary { kind: UnaryKind::Floor }, &[quotient])?;
        }
        let step = (axes[a].dilation * counted[a]) as f32;
        let factor = call.scalar_value(step - less)?;
        let term = call.apply(binary(BinaryKind::Mul), &[quotient, factor])?;
        sum = call.apply(Op::Add, &[term, sum])?;
        less = step * axes[a].kernel as f32;
        inner *= axes[a].kernel;
    }
    let sum = call.apply(Op::Add, &[sum, offsets])?;
    let extents: Vec<usize> = shape[..2].iter().copied().chain(axes.iter().map(|a| a.count)).collect();
    call.reshaped(sum, &extents)
}

/// MaxUnpool: zeros, and the elements of x at their Indices.
pub(super) fn unpool(call: &mut Call) -> Result<()> {
    call.arity(2..=3)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let indices = match call.whole_value(1)? {
        Some(id) => id,
        None => call.value(1)?,
    };
    let part = if shape.len() == 5 { vec![Axes::Depth, Axes::Plane] } else { vec![Axes::Plane] };
    let mut extents = shape[..shape.len().min(2)].to_vec();
    for part in part {
        let Some(kernel) = kernel(call, part)? else {
            return call.refuse("kernel_shape", "is missing");
        };
        let spatial = match (part, &shape[..]) {
            (Axes::Depth, _) => vec![shape[2], 1],
            (Axes::Plane, [.., rows, columns]) => vec![*rows, *columns],
            _ => vec![],
        };
        let w = window(call, part, kernel, &spatial)?;
        for (a, extent) in spatial.into_iter().enumerate() {
            let skipped = part == Axes::Depth && a == 1 || shape.len() == 3 && a == 0;
            let grown = (extent - 1) * w.stride[a] + w.kernel[a];
            if !skipped {
                extents.push(grown.saturating_sub(w.pads[a] + w.pads[a + 2]));
            }
        }
    }
    if call.has(2) {
        let wanted = call.integers(2)?;
        let extent = |n: &i64| usize::try_from(*n).ok().filter(|n| (1..=MAX_ELEMENTS).contains(n));
        extents = match wanted.iter().map(extent).collect::<Option<Vec<_>>>() {
            Some(wanted) if wanted.len() == shape.len() => wanted,
            _ => return call.refuse("output_shape", format!("{wanted:?} does not fit {shape:?}")),
        };
    }
    let (count, given) = (elements(&extents)?, shape.iter().product());
    memory::check(8 * count as u64, "the result")?;
    let op =
        Described::of("ScatterElements", [AttributeValue::Integer(0), AttributeValue::Word("none".into())])?;
    let zeros = call.zeros(&[count])?;
    let (x, indices) = (call.reshaped(x, &[given])?, call.reshaped(indices, &[given])?);
    let y = call.apply(Op::Described(op), &[zeros, indices, x])?;
    let y = call.reshaped(y, &extents)?;
    call.result(y)
}
