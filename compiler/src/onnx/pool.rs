//! MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool.

use super::call::Call;
use super::window::{image, kernel, window};
use crate::error::Result;
use crate::graph::{Op, ReduceKind, Window};

/// MaxPool without the Indices result.
pub(super) fn max_pool(call: &mut Call) -> Result<()> {
    if call.flag("storage_order", false)? {
        return call.refuse("storage_order", "column order is not supported");
    }
    let inputs = call.values(1, 1)?;
    let (window, _) = pool_window(call)?;
    call.emit(Op::MaxPool { window }, &inputs)
}

/// AveragePool.
pub(super) fn average_pool(call: &mut Call) -> Result<()> {
    let inputs = call.values(1, 1)?;
    let op = mean(call)?;
    call.emit(op, &inputs)
}

/// The mean over a window of input 0; what `ceil_mode` adds at the end never counts in the divisor.
pub(super) fn mean(call: &mut Call) -> Result<Op> {
    let (window, extra) = pool_window(call)?;
    if window.dilation != [1, 1] {
        return call.refuse("dilations", "a dilated average is not supported");
    }
    let mut count_include_pad = call.flag("count_include_pad", false)?;
    if count_include_pad && extra != [0, 0] {
        let explicit = [window.pads[0], window.pads[1], window.pads[2] - extra[0], window.pads[3] - extra[1]];
        if explicit != [0; 4] {
            return Err(call
                .error("counts explicit padding but not that of ceil_mode")
                .attribute("ceil_mode")
                .hint("pad explicitly with a Pad before, or set count_include_pad to 0"));
        }
        count_include_pad = false;
    }
    Ok(Op::AveragePool { window, count_include_pad })
}

/// The window with `ceil_mode` turned into padding below and to the right, and that extra padding.
fn pool_window(call: &mut Call) -> Result<(Window, [usize; 2])> {
    let x = call.shape(0)?;
    image(call, &x)?;
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
