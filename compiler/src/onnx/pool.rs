//! MaxPool, AveragePool, LpPool, and those over all pixels.

use super::call::Call;
use super::max_places::{self, PoolAxis};
use super::reduce::by_exponent;
use super::window::{Axes, image, kernel, window};
use crate::error::Result;
use crate::graph::{BinaryKind, Op, PadMode, ReduceKind, UnaryKind, ValueId, Window};

/// MaxPool. Volumes are pooled along their depth first.
pub(super) fn max_pool(call: &mut Call) -> Result<()> {
    // It says how Indices are counted.
    let columns = call.flag("storage_order", false)?;
    let mut inputs = call.values(1)?;
    let (x, depth) = (inputs[0], depth_window(call)?.map(|(window, _)| window));
    if let Some(window) = depth.clone() {
        inputs[0] = match window {
            // It picks planes.
            Window { kernel: [1, 1], pads: [0, 0, 0, 0], .. } => {
                every_plane(call, inputs[0], window.stride[0])?
            }
            _ => along_depth(call, inputs[0], &[Op::MaxPool { window }])?,
        };
    }
    let (window, _) = pool_window(call, Axes::Plane)?;
    call.emit_image(Op::MaxPool { window: window.clone() }, &inputs)?;
    if !call.wanted(1) || call.integer(0)?.is_some() {
        call.skip_result();
        return Ok(());
    }
    let shape = call.shape(0)?;
    let mut axes = vec![along(&window, 0, shape[shape.len() - 2]), along(&window, 1, shape[shape.len() - 1])];
    match shape.len() {
        3 => _ = axes.remove(0),
        5 => axes.insert(0, along(&depth.unwrap_or(Window::UNIT), 0, shape[2])),
        _ => {}
    }
    let places = max_places::places(call, x, &axes, columns)?;
    call.result(places)
}

/// A window along one of its axes, over so many elements.
fn along(window: &Window, axis: usize, extent: usize) -> PoolAxis {
    PoolAxis {
        extent,
        kernel: window.kernel[axis],
        stride: window.stride[axis],
        dilation: window.dilation[axis],
        pad: window.pads[axis],
        count: window.places(axis, extent),
    }
}

/// AveragePool. The means of volumes are those of planes, of means along the depth: what counts of a window is counted
/// axis by axis.
pub(super) fn average_pool(call: &mut Call) -> Result<()> {
    let mut inputs = call.values(1)?;
    if let Some((window, extra)) = depth_window(call)? {
        let Mean { pad, op } = average(call, window, extra, 4)?;
        inputs[0] = along_depth(call, inputs[0], &pad.into_iter().chain([op]).collect::<Vec<_>>())?;
    }
    let Mean { pad, op } = plane_mean(call)?;
    if let Some(pad) = pad {
        inputs[0] = call.apply(pad, &inputs)?;
    }
    call.emit_image(op, &inputs)
}

/// Every so many planes of a volume (N, C, D, H, W).
fn every_plane(call: &mut Call, x: ValueId, step: usize) -> Result<ValueId> {
    let mut extents = call.shape_of(x);
    extents[2] = extents[2].div_ceil(step);
    let (starts, mut steps) = (vec![0; 5], vec![1; 5]);
    steps[2] = step as i64;
    call.apply(Op::Slice { starts, steps, extents }, &[x])
}

/// Applies operators along the depth of a volume (N, C, D, H, W): the rows of an image (N, C, D, H * W).
fn along_depth(call: &mut Call, x: ValueId, ops: &[Op]) -> Result<ValueId> {
    let shape = call.shape_of(x);
    let mut y = call.reshaped(x, &[shape[0], shape[1], shape[2], shape[3].saturating_mul(shape[4])])?;
    for op in ops {
        y = call.apply(op.clone(), &[y])?;
    }
    let depth = call.shape_of(y)[2];
    call.reshaped(y, &[shape[0], shape[1], depth, shape[3], shape[4]])
}

/// The window of a volume along its depth and what `ceil_mode` adds to it; `None` where it is one plane at a time, of
/// each plane, and of what is no volume.
fn depth_window(call: &mut Call) -> Result<Option<(Window, [usize; 2])>> {
    if call.shape(0)?.len() != 5 {
        return Ok(None);
    }
    let (window, extra) = pool_window(call, Axes::Depth)?;
    Ok((window != Window::UNIT).then_some((window, extra)))
}

/// A mean over a window, perhaps of what is padded with zeros first.
struct Mean {
    pad: Option<Op>,
    op: Op,
}

/// The mean of a QLinearAveragePool over a window of input 0, an image, a line, or a volume plane by plane. Where
/// ONNX Runtime counts padding, it divides by the whole window, what `ceil_mode` adds included.
pub(super) fn quantised_mean(call: &mut Call) -> Result<Op> {
    if depth_window(call)?.is_some() {
        return call.refuse("kernel_shape", "spans more than one plane of its depth");
    }
    let (window, _) = pool_window(call, Axes::Plane)?;
    refuse_dilation(call, &window)?;
    Ok(Op::AveragePool { window, count_include_pad: call.flag("count_include_pad", false)? })
}

fn refuse_dilation(call: &Call, window: &Window) -> Result<()> {
    match window.dilation {
        [1, 1] => Ok(()),
        _ => call.refuse("dilations", "a dilated average is not supported"),
    }
}

fn plane_mean(call: &mut Call) -> Result<Mean> {
    let (window, extra) = pool_window(call, Axes::Plane)?;
    let rank = call.shape(0)?.len();
    average(call, window, extra, rank)
}

/// The mean over a window of an input of rank `rank`. What `ceil_mode` adds at the end never counts in the divisor:
/// where explicit padding does, that is a Pad before.
fn average(call: &mut Call, mut window: Window, extra: [usize; 2], rank: usize) -> Result<Mean> {
    refuse_dilation(call, &window)?;
    let mut count_include_pad = call.flag("count_include_pad", false)?;
    let mut pad = None;
    if count_include_pad && extra != [0, 0] {
        let explicit = [window.pads[0], window.pads[1], window.pads[2] - extra[0], window.pads[3] - extra[1]];
        if explicit != [0; 4] {
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
fn pool_window(call: &mut Call, part: Axes) -> Result<(Window, [usize; 2])> {
    let shape = call.shape(0)?;
    let spatial = match part {
        Axes::Plane => image(call, &shape)?[2..].to_vec(),
        Axes::Depth => vec![shape[2], 1],
    };
    let Some(kernel) = kernel(call, part)? else {
        return call.refuse("kernel_shape", "is missing");
    };
    let mut window = window(call, part, kernel, &spatial)?;
    let mut extra = [0; 2];
    if call.flag("ceil_mode", false)? {
        for axis in 0..2 {
            let (extent, stride) = (spatial[axis], window.stride[axis]);
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
    let inputs = call.values(1)?;
    call.emit(Op::GlobalAveragePool, &inputs)
}

/// GlobalMaxPool: a MaxPool over the whole image.
pub(super) fn global_max_pool(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let shape = call.shape(0)?;
    if let [_, _, height, width] = shape[..] {
        let window = Window { kernel: [height, width], ..Window::UNIT };
        return call.emit(Op::MaxPool { window }, &inputs);
    }
    let axes = (2..shape.len()).collect();
    call.emit(Op::Reduce { kind: ReduceKind::Max, axes, keepdims: true }, &inputs)
}

/// LpPool: the p-th root of the sum of p-th powers of absolute values over a window. The sum is a mean, padding
/// included, times what it counts.
pub(super) fn power_pool(call: &mut Call) -> Result<()> {
    let x = call.values(1)?[0];
    let p = call.int("p", 2)?;
    if p < 1 {
        return call.refuse("p", format!("is {p}"));
    }
    let (window, extra) = pool_window(call, Axes::Plane)?;
    if call.shape(0)?.len() > 4 {
        return Err(call.error("pools volumes, only images and lines are supported"));
    }
    if extra != [0, 0] {
        return call.refuse("ceil_mode", "adds a window that is cut off");
    }
    if window.dilation != [1, 1] {
        return call.refuse("dilations", "a dilated sum is not supported");
    }
    let binary = |kind| Op::Binary { kind };
    let powers = match p {
        2 => call.apply(binary(BinaryKind::Mul), &[x, x])?,
        _ => {
            let size = call.apply(Op::Unary { kind: UnaryKind::Abs }, &[x])?;
            raised(call, size, p as f32)?
        }
    };
    let count = call.scalar_value((window.kernel[0] * window.kernel[1]) as f32)?;
    let mean = call.apply_image(Op::AveragePool { window, count_include_pad: true }, &[powers])?;
    let sum = call.apply(binary(BinaryKind::Mul), &[mean, count])?;
    let root = match p {
        2 => call.apply(Op::Unary { kind: UnaryKind::Sqrt }, &[sum])?,
        _ => raised(call, sum, 1.0 / p as f32)?,
    };
    call.result(root)
}

/// A power of what is not negative.
fn raised(call: &mut Call, x: ValueId, exponent: f32) -> Result<ValueId> {
    if exponent == 1.0 {
        return Ok(x);
    }
    let exponent = call.scalar_value(exponent)?;
    call.apply(Op::Binary { kind: BinaryKind::Pow }, &[x, exponent])
}

/// GlobalLpPool: the same over all pixels.
pub(super) fn global_power_pool(call: &mut Call) -> Result<()> {
    let inputs = call.values(1)?;
    let axes = (2..call.shape(0)?.len()).collect();
    let kind = by_exponent(call)?;
    call.emit(Op::Reduce { kind, axes, keepdims: true }, &inputs)
}
