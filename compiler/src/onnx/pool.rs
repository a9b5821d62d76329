//! MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool.

use super::call::Call;
use super::window::{image, kernel, window};
use crate::error::Result;
use crate::graph::{Op, PadMode, ReduceKind, Window};

/// MaxPool; Indices are not made: who reads them is refused.
pub(super) fn max_pool(call: &mut Call) -> Result<()> {
    if call.flag("storage_order", false)? {
        return call.refuse("storage_order", "column order is not supported");
    }
    let mut inputs = call.values(1, 1)?;
    let (window, _) = pool_window(call)?;
    let shape = call.shape(0)?;
    // Of a window of one plane the stride along the depth picks planes.
    let strides = call.ints("strides")?.map(<[i64]>::to_vec).unwrap_or_default();
    if let (&[_, _, depth, _, _], &[step, _, _]) = (&shape[..], &strides[..])
        && step > 1
    {
        let (starts, mut steps, mut extents) = (vec![0; 5], vec![1; 5], shape.clone());
        steps[2] = step;
        extents[2] = depth.div_ceil(usize::try_from(step).unwrap_or(usize::MAX));
        inputs[0] = call.apply(Op::Slice { starts, steps, extents }, &inputs)?;
    }
    call.emit_image(Op::MaxPool { window }, &inputs)?;
    call.skip_result();
    Ok(())
}

/// AveragePool.
pub(super) fn average_pool(call: &mut Call) -> Result<()> {
    let mut inputs = call.values(1, 1)?;
    let Mean { pad, op } = mean(call)?;
    if let Some(pad) = pad {
        inputs[0] = call.apply(pad, &inputs)?;
    }
    call.emit_image(op, &inputs)
}

/// A mean over a window, perhaps of what is padded with zeros first.
pub(super) struct Mean {
    pub pad: Option<Op>,
    pub op: Op,
}

/// The mean over a window of input 0. What `ceil_mode` adds at the end never counts in the divisor: where explicit
/// padding does, that is a Pad before.
pub(super) fn mean(call: &mut Call) -> Result<Mean> {
    let (mut window, extra) = pool_window(call)?;
    if window.dilation != [1, 1] {
        return call.refuse("dilations", "a dilated average is not supported");
    }
    let mut count_include_pad = call.flag("count_include_pad", false)?;
    let mut pad = None;
    if count_include_pad && extra != [0, 0] {
        let explicit = [window.pads[0], window.pads[1], window.pads[2] - extra[0], window.pads[3] - extra[1]];
        if explicit != [0; 4] {
            let rank = call.shape(0)?.len();
            let (mut before, mut after) = (vec![0; rank], vec![0; rank]);
            for (i, axis) in [(0, rank - 2), (1, rank - 1)] {
                // Lines have no rows to pad.
                if explicit[i] + explicit[i + 2] > 0 {
                    (before[axis], after[axis]) = (explicit[i], explicit[i + 2]);
                }
            }
            pad = Some(Op::Pad { before, after, mode: PadMode::Constant(0.0) });
        }
        window.pads = [0, 0, extra[0], extra[1]];
        count_include_pad = false;
    }
    Ok(Mean { pad, op: Op::AveragePool { window, count_include_pad } })
}

/// The window with `ceil_mode` turned into padding below and to the right, and that extra padding.
fn pool_window(call: &mut Call) -> Result<(Window, [usize; 2])> {
    let x = call.shape(0)?;
    let x = image(call, &x)?;
    let Some(kernel) = kernel(call)? else {
        return call.refuse("kernel_shape", "is missing");
    };
    let mut window = window(call, kernel, &x[2..])?;
    let mut extra = [0; 2];
    if call.flag("ceil_mode", false)? {
        for axis in 0..2 {
            let (extent, stride) = (x[2 + axis], window.stride[axis]);
            let (before, after) = (window.pads[axis], window.pads[axis + 2]);
            let Some(reach) = window.reach(axis) else {
                return call.refuse("dilations", "the window is too large to handle");
            };
            let padded = extent + before + after;
            // Too small an input is refused by the operator's own rule.
            let steps = padded.saturating_sub(reach).div_ceil(stride);
            // A window that starts behind the input would see padding alone: it is left out.
            let last = (extent + before - 1) / stride;
            let needed = (steps.min(last) * stride).saturating_add(reach);
            extra[axis] = needed.saturating_sub(padded);
            window.pads[axis + 2] = after.saturating_add(extra[axis]);
        }
    }
    Ok((window, extra))
}

/// GlobalAveragePool.
pub(super) fn global_average_pool(call: &mut Call) -> Result<()> {
    let inputs = call.values(1, 1)?;
    call.emit(Op::GlobalAveragePool, &inputs)
}

/// GlobalMaxPool: a MaxPool over the whole image.
pub(super) fn global_max_pool(call: &mut Call) -> Result<()> {
    let inputs = call.values(1, 1)?;
    let shape = call.shape(0)?;
    if let [_, _, height, width] = shape[..] {
        let window = Window { kernel: [height, width], ..Window::UNIT };
        return call.emit(Op::MaxPool { window }, &inputs);
    }
    let axes = (2..shape.len()).collect();
    call.emit(Op::Reduce { kind: ReduceKind::Max, axes, keepdims: true }, &inputs)
}
