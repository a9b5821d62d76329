//! Pools over images.

use super::super::arrange::lying;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::conv::padding;
use super::layout::{layout, out_layout};
use crate::error::{Error, Result};
use crate::graph::{Op, PadMode, ReduceKind, Window};

/// `nn.max_pool2d(data)` and `nn.avg_pool2d(data)`.
pub(super) fn window_pool(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let average = call.operator == "nn.avg_pool2d";
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let result = out_layout(call, data)?;
    let mut x = call.arranged(0, &data)?;
    if !call.has("pool_size") {
        return Err(Error::new("import", "is missing").attribute("pool_size"));
    }
    let mut window = Window {
        kernel: call.pair("pool_size", 1)?,
        stride: call.pair("strides", 1)?,
        dilation: call.pair("dilation", 1)?,
        pads: padding(call)?,
    };
    let extra = if call.flag("ceil_mode", false)? { ceil(call, &mut window, x)? } else { [0, 0] };
    let op = if average {
        let mut count_include_pad = call.flag("count_include_pad", false)?;
        if count_include_pad && extra != [0, 0] {
            // What ceil_mode adds never counts; the graph counts all padding or none, so the explicit one is
            // elements of its own.
            let [top, left, bottom, right] = window.pads;
            let (before, after) = (vec![0, 0, top, left], vec![0, 0, bottom - extra[0], right - extra[1]]);
            if [&before, &after].into_iter().flatten().any(|&n| n > 0) {
                x = call.part("pad", Op::Pad { before, after, mode: PadMode::Constant(0.0) }, &[x])?;
            }
            window.pads = [0, 0, extra[0], extra[1]];
            count_include_pad = false;
        }
        Op::AveragePool { window, count_include_pad }
    } else {
        Op::MaxPool { window }
    };
    let id = call.node(op, &[x])?;
    Ok(lying(id, &result))
}

/// Turns `ceil_mode` into padding below and to the right; how much that is.
fn ceil(call: &OperatorCall, window: &mut Window, x: crate::graph::ValueId) -> Result<[usize; 2]> {
    let shape = call.lower.graph.shape(x);
    let mut extra = [0; 2];
    for axis in 0..2 {
        let padded = [window.pads[axis], window.pads[axis + 2]]
            .iter()
            .try_fold(shape[2 + axis], |n, &p| n.checked_add(p));
        let (Some(reach), Some(padded)) = (window.reach(axis), padded) else {
            return refuse("the window is too large to handle");
        };
        let stride = window.stride[axis].max(1);
        let steps = padded.saturating_sub(reach).div_ceil(stride);
        extra[axis] = steps.saturating_mul(stride).saturating_add(reach).saturating_sub(padded);
        window.pads[axis + 2] = window.pads[axis + 2].saturating_add(extra[axis]);
    }
    Ok(extra)
}

/// `nn.global_avg_pool2d(data)` and `nn.global_max_pool2d(data)`.
pub(super) fn global(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let result = out_layout(call, data)?;
    let x = call.arranged(0, &data)?;
    let op = match call.operator {
        "nn.global_avg_pool2d" => Op::GlobalAveragePool,
        _ => Op::Reduce { kind: ReduceKind::Max, axes: vec![2, 3], keepdims: true },
    };
    let id = call.node(op, &[x])?;
    Ok(lying(id, &result))
}

/// `nn.adaptive_avg_pool2d(data)` and its maximum, where every window has the same size.
pub(super) fn adaptive(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let result = out_layout(call, data)?;
    let x = call.arranged(0, &data)?;
    let average = call.operator == "nn.adaptive_avg_pool2d";
    let shape = call.lower.graph.shape(x);
    let extents = [shape[2], shape[3]];
    let wanted = match call.sizes("output_size")?.as_deref() {
        None | Some([]) => extents,
        Some(&[both]) => [both; 2],
        Some(&[y, x]) => [y, x],
        Some(_) => return Err(Error::new("import", "must be one or two numbers").attribute("output_size")),
    };
    if average && wanted == [1, 1] {
        let id = call.node(Op::GlobalAveragePool, &[x])?;
        return Ok(lying(id, &result));
    }
    let divides = |axis: usize| wanted[axis] > 0 && extents[axis].is_multiple_of(wanted[axis]);
    if !divides(0) || !divides(1) {
        let message = format!("{wanted:?} does not divide {extents:?}: the windows differ in size");
        return Err(Error::new("import", message)
            .attribute("output_size")
            .hint("an output size that divides"));
    }
    let kernel = [extents[0] / wanted[0], extents[1] / wanted[1]];
    let window = Window { kernel, stride: kernel, ..Window::UNIT };
    let op = match average {
        true => Op::AveragePool { window, count_include_pad: false },
        false => Op::MaxPool { window },
    };
    let id = call.node(op, &[x])?;
    Ok(lying(id, &result))
}
