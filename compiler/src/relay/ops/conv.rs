//! Convolutions and the bias behind them.

use super::super::arrange::{lying, upright};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::{Operand, inverse};
use super::layout::{layout, out_layout};
use crate::error::{Error, Result};
use crate::graph::{Op, Source, Window};

/// TVM gives padding as all, (y, x) or (top, left, bottom, right).
pub(super) fn padding(call: &mut OperatorCall) -> Result<[usize; 4]> {
    match call.sizes("padding")?.as_deref() {
        None => Ok([0; 4]),
        Some(&[all]) => Ok([all; 4]),
        Some(&[y, x]) => Ok([y, x, y, x]),
        Some(&[top, left, bottom, right]) => Ok([top, left, bottom, right]),
        Some(_) => Err(Error::new("import", "must be 1, 2 or 4 numbers").attribute("padding")),
    }
}

pub(super) fn groups(call: &mut OperatorCall) -> Result<usize> {
    match usize::try_from(call.integer("groups")?.unwrap_or(1)) {
        Ok(groups) if groups > 0 => Ok(groups),
        _ => Err(Error::new("import", "must be positive").attribute("groups")),
    }
}

/// Channels and kernel size are in the weights' shape too: what is stated must agree.
fn check_stated(call: &mut OperatorCall, channels: usize, kernel: [usize; 2]) -> Result<()> {
    if let Some(stated) = call.integer("channels")?
        && usize::try_from(stated) != Ok(channels)
    {
        let message = format!("states {stated} channels, the weights have {channels}");
        return Err(Error::new("import", message).attribute("channels"));
    }
    if let Some(stated) = call.sizes("kernel_size")?
        && stated != kernel
        && stated != kernel[..1]
    {
        let message = format!("states {stated:?}, the weights have {kernel:?}");
        return Err(Error::new("import", message).attribute("kernel_size"));
    }
    Ok(())
}

/// `nn.conv2d(data, weight)`.
pub(super) fn conv(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    let data = layout(call, "data_layout", "NCHW", "NCHW")?;
    let kernel = layout(call, "kernel_layout", "OIHW", "OIHW")?;
    let result = out_layout(call, data)?;
    let groups = groups(call)?;
    let x = call.arranged(0, &data)?;
    let mut w = call.arranged(1, &kernel)?;
    let mut shape = call.lower.graph.shape(w).to_vec();
    // A depthwise kernel may be (C, multiplier) instead of (C * multiplier, 1): the elements agree.
    if groups > 1 && shape[0] == groups && call.lower.graph.shape(x)[1] == groups && shape[1] > 1 {
        shape = vec![shape[0] * shape[1], 1, shape[2], shape[3]];
        w = match &call.lower.graph.value(w).source {
            Source::Constant(data) => {
                let (data, name) = (data.clone(), call.lower.graph.value(w).name.clone());
                call.lower.graph.constant(name, &shape, data)?
            }
            _ => call.lower.graph.reshape(format!("{}/weight", call.name), w, &shape)?,
        };
    }
    let window = Window {
        kernel: [shape[2], shape[3]],
        stride: call.pair("strides", 1)?,
        dilation: call.pair("dilation", 1)?,
        pads: padding(call)?,
    };
    check_stated(call, shape[0], window.kernel)?;
    let id = call.node(Op::Conv { window, groups }, &[x, w])?;
    Ok(lying(id, &result))
}

/// `nn.conv1d(data, weight)`, as an image of height 1.
pub(super) fn conv1d(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    for (key, only) in [("data_layout", "NCW"), ("kernel_layout", "OIW"), ("out_layout", "")] {
        let stated = call.text(key, only)?;
        if stated != only && stated != "NCW" {
            return Err(Error::new("import", format!("{stated:?} is not {only}")).attribute(key));
        }
    }
    let (line, weights) = (call.shape(0)?, call.shape(1)?);
    let ([n, c, width], [o, i, reach]) = (&line[..], &weights[..]) else {
        return refuse(format!("{line:?} and {weights:?} are no lines"));
    };
    let groups = groups(call)?;
    let one = |call: &mut OperatorCall, key: &str| match call.sizes(key)?.as_deref() {
        None => Ok(1),
        Some(&[n]) => Ok(n),
        Some(_) => Err(Error::new("import", "must be one number").attribute(key)),
    };
    let (stride, dilation) = (one(call, "strides")?, one(call, "dilation")?);
    let (left, right) = match call.sizes("padding")?.as_deref() {
        None => (0, 0),
        Some(&[both]) => (both, both),
        Some(&[left, right]) => (left, right),
        Some(_) => return Err(Error::new("import", "must be 1 or 2 numbers").attribute("padding")),
    };
    let window = Window {
        kernel: [1, *reach],
        stride: [1, stride],
        dilation: [1, dilation],
        pads: [0, left, 0, right],
    };
    check_stated(call, *o, [*reach, *reach])?;
    let (x, w) = (call.plain(0)?, call.plain(1)?);
    let x = call.lower.graph.reshape(format!("{}/image", call.name), x, &[*n, *c, 1, *width])?;
    let w = call.lower.graph.reshape(format!("{}/weight", call.name), w, &[*o, *i, 1, *reach])?;
    let y = call.node(Op::Conv { window, groups }, &[x, w])?;
    let made = call.lower.graph.shape(y).to_vec();
    let y = call.lower.graph.reshape(format!("{}/line", call.name), y, &[made[0], made[1], made[3]])?;
    Ok(upright(y, 3))
}

/// `nn.conv2d_transpose(data, weight)`.
pub(super) fn conv_transpose(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    let data = layout(call, "data_layout", "NCHW", "NCHW")?;
    let kernel = layout(call, "kernel_layout", "IOHW", "IOHW")?;
    let result = out_layout(call, data)?;
    let groups = groups(call)?;
    let x = call.arranged(0, &data)?;
    let w = call.arranged(1, &kernel)?;
    let shape = call.lower.graph.shape(w).to_vec();
    let window = Window {
        kernel: [shape[2], shape[3]],
        stride: call.pair("strides", 1)?,
        dilation: call.pair("dilation", 1)?,
        pads: padding(call)?,
    };
    let output_padding = call.pair("output_padding", 0)?;
    let Some(channels) = shape[1].checked_mul(groups) else {
        return refuse("the result has too many channels");
    };
    check_stated(call, channels, window.kernel)?;
    let id = call.node(Op::ConvTranspose { window, groups, output_padding }, &[x, w])?;
    Ok(lying(id, &result))
}

/// `nn.bias_add(data, bias)`: an addition, which joins the convolution before it if that feeds nothing else.
pub(super) fn bias_add(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let bias = call.shape(1)?;
    if bias != [shape[axis]] {
        return refuse(format!("the bias {bias:?} does not fit axis {axis} of {shape:?}"));
    }
    let have = match &call.arguments[0] {
        Operand::Value(lying) => inverse(&lying.order),
        _ => (0..shape.len()).collect(),
    };
    let x = call.arranged(0, &have)?;
    let physical = have.iter().position(|&a| a == axis).expect("the order holds every axis");
    let mut spread = vec![shape[axis]];
    spread.resize(shape.len() - physical, 1);
    let id = match call.arguments[1].clone() {
        Operand::Constant(constant) => {
            let vector = call.lower.intern(&constant)?;
            let addend = call.lower.reshaped(&constant, &spread)?;
            let id = call.node(Op::Add, &[x, addend])?;
            if physical == 1 {
                call.lower.biases.push((call.lower.graph.nodes.len() - 1, vector));
            }
            id
        }
        _ => {
            let vector = call.plain(1)?;
            let addend = if spread.len() == 1 {
                vector
            } else {
                call.lower.graph.reshape(format!("{}/bias", call.name), vector, &spread)?
            };
            let id = call.node(Op::Add, &[x, addend])?;
            // The integers of a quantised model's bias are constant too.
            let made = call.lower.graph.producer(vector);
            if physical == 1 && made.is_some_and(|(_, node)| matches!(node.op, Op::DequantizeLinear { .. })) {
                let addition = call.lower.graph.nodes.len() - 1;
                call.lower.biases.push((addition, vector));
                call.lower.superseded.extend(call.lower.graph.producer(addend).map(|(reshape, _)| reshape));
            }
            id
        }
    };
    Ok(lying(id, &have))
}
