//! Pools over images.

use super::super::arrange::{lying, upright};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::super::syntax::Literal;
use super::conv::padding;
use super::layout::{layout, out_layout};
use crate::error::{Error, Result};
use crate::graph::{Op, PadMode, ReduceKind, ValueId, Window};

/// `nn.max_pool2d(data)` and `nn.avg_pool2d(data)`.
pub(super) fn window_pool(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let average = call.operator.starts_with("nn.avg_pool");
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

/// The line that is the only operand as an image of height 1, and the attributes as those of one.
fn image(call: &mut OperatorCall) -> Result<()> {
    call.operands(1)?;
    let shape = call.shape(0)?;
    let &[n, c, w] = &shape[..] else {
        return refuse(format!("the operand {shape:?} is no line"));
    };
    let layout = call.text("layout", "NCW")?;
    if !["NCW", ""].contains(&layout.as_str()) {
        return Err(Error::new("import", format!("is {layout}")).attribute("layout").hint("NCW"));
    }
    call.text("out_layout", "")?;
    let x = call.plain(0)?;
    let x = call.lower.graph.reshape(format!("{}/image", call.name), x, &[n, c, 1, w])?;
    call.arguments[0] = upright(x, 4);
    Ok(())
}

/// The image of height 1 as a line.
fn flat(call: &mut OperatorCall, y: &Operand) -> Result<Operand> {
    let shape = call.lower.shape(y)?;
    let y = call.lower.plain(y, call.name)?;
    let y = call.lower.graph.reshape(format!("{}/line", call.name), y, &[shape[0], shape[1], shape[3]])?;
    Ok(upright(y, 3))
}

/// `nn.max_pool1d(data)` and `nn.avg_pool1d(data)`: pools of an image of height 1.
pub(super) fn line(call: &mut OperatorCall) -> Result<Operand> {
    image(call)?;
    let pair = |first: i64, n: i64| Literal::List(vec![Literal::Integer(first), Literal::Integer(n)]);
    for key in ["pool_size", "strides", "dilation"] {
        match call.list(key)?.as_deref() {
            None => {}
            Some(&[n]) => call.put(key, pair(1, n)),
            Some(_) => return Err(Error::new("import", "must be one number").attribute(key)),
        }
    }
    match call.list("padding")?.as_deref() {
        None => {}
        Some(&[both]) => call.put("padding", pair(0, both)),
        Some(&[left, right]) => {
            let sides = [0, left, 0, right].map(Literal::Integer);
            call.put("padding", Literal::List(sides.to_vec()));
        }
        Some(_) => return Err(Error::new("import", "must be 1 or 2 numbers").attribute("padding")),
    }
    let y = window_pool(call)?;
    flat(call, &y)
}

/// `nn.adaptive_avg_pool1d(data)` and its maximum.
pub(super) fn adaptive_line(call: &mut OperatorCall) -> Result<Operand> {
    image(call)?;
    match call.list("output_size")?.as_deref() {
        None | Some([]) => {}
        Some(&[n]) => {
            let sizes = [1, n].map(Literal::Integer);
            call.put("output_size", Literal::List(sizes.to_vec()));
        }
        Some(_) => return Err(Error::new("import", "must be one number").attribute("output_size")),
    }
    let y = adaptive(call)?;
    flat(call, &y)
}

/// Windows of different sizes along one axis behind the channels after the other: an average is a product with a matrix of what counts
/// how much, a maximum is taken part by part.
pub(super) fn uneven(
    call: &mut OperatorCall,
    x: ValueId,
    wanted: &[usize],
    average: bool,
) -> Result<ValueId> {
    let mut y = x;
    let last = wanted.len() + 1;
    for (axis, &to) in wanted.iter().enumerate().map(|(axis, to)| (axis + 2, to)) {
        let from = call.lower.graph.shape(y)[axis];
        let bounds = |i: usize| (i * from / to, ((i + 1) * from).div_ceil(to));
        if average {
            let share = |n: usize| {
                let (first, end) = bounds(n % to);
                if (first..end).contains(&(n / to)) { 1.0 / (end - first) as f32 } else { 0.0 }
            };
            let shares = call.lower.graph.constant("", &[from, to], (0..from * to).map(share).collect())?;
            // The averaged axis is the last one.
            let mut perm: Vec<usize> = (0..=last).collect();
            perm.swap(axis, last);
            let turn = Op::Transpose { perm };
            if axis != last {
                y = call.part("turn", turn.clone(), &[y])?;
            }
            y = call.part("average", Op::MatMul, &[y, shares])?;
            if axis != last {
                y = call.part("back", turn, &[y])?;
            }
            continue;
        }
        let mut parts = Vec::new();
        for i in 0..to {
            let (first, end) = bounds(i);
            let (mut starts, mut extents) = (vec![0; last + 1], call.lower.graph.shape(y).to_vec());
            (starts[axis], extents[axis]) = (first, end - first);
            let part = call.part("part", Op::Slice { starts, steps: vec![1; last + 1], extents }, &[y])?;
            let max = Op::Reduce { kind: ReduceKind::Max, axes: vec![axis], keepdims: true };
            parts.push(call.part("max", max, &[part])?);
        }
        y = call.part("join", Op::Concat { axis }, &parts)?;
    }
    Ok(y)
}

/// `nn.adaptive_avg_pool2d(data)` and its maximum.
pub(super) fn adaptive(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let result = out_layout(call, data)?;
    let x = call.arranged(0, &data)?;
    let average = call.operator.starts_with("nn.adaptive_avg");
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
    if wanted.contains(&0) {
        return Err(Error::new("import", "must be positive").attribute("output_size"));
    }
    if !divides(0) || !divides(1) {
        let id = uneven(call, x, &wanted, average)?;
        return Ok(lying(id, &result));
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
