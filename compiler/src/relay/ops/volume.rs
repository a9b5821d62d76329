//! Convolutions and pools of volumes, and transposed convolutions of lines.

use super::super::arrange::lying;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::conv::groups;
use super::layout::order;
use super::pool::uneven;
use crate::error::{Error, Result};
use crate::graph::{MAX_ELEMENTS, Op, ReduceKind, ValueId, Window};
use crate::onnx::{SingleAttribute, SingleInput};

/// A number for each of `count` axes; one counts for all.
fn each(call: &mut OperatorCall, key: &str, count: usize, default: usize) -> Result<Vec<usize>> {
    let numbers = call.sizes(key)?.unwrap_or_else(|| vec![default]);
    let fits = numbers.iter().all(|n| *n <= MAX_ELEMENTS);
    match numbers[..] {
        [all] if fits => Ok(vec![all; count]),
        _ if fits && numbers.len() == count => Ok(numbers),
        _ => Err(Error::new("import", format!("must be 1 or {count} numbers")).attribute(key)),
    }
}

/// Padding of `count` axes: before each, then behind each.
fn padding(call: &mut OperatorCall, count: usize) -> Result<Vec<usize>> {
    let numbers = call.sizes("padding")?.unwrap_or_else(|| vec![0]);
    let fits = numbers.iter().all(|n| *n <= MAX_ELEMENTS);
    match numbers[..] {
        [all] if fits => Ok(vec![all; 2 * count]),
        _ if fits && numbers.len() == count => Ok([&numbers[..], &numbers].concat()),
        _ if fits && numbers.len() == 2 * count => Ok(numbers),
        _ => {
            let message = format!("must be 1, {count} or {} numbers", 2 * count);
            Err(Error::new("import", message).attribute("padding"))
        }
    }
}

fn integers(list: &[usize]) -> SingleAttribute<'static> {
    SingleAttribute::Integers(list.iter().map(|&n| n as i64).collect())
}

/// The layout of a result, which is that of the operand where the text leaves it out.
fn out(call: &mut OperatorCall, data: &[usize], own: &str) -> Result<Vec<usize>> {
    match call.text("out_layout", "")?.as_str() {
        "" => Ok(data.to_vec()),
        text => {
            call.put("out_layout", super::super::syntax::Literal::Text(text.to_owned()));
            order(call, "out_layout", own, own)
        }
    }
}

/// `nn.conv3d`, `nn.conv3d_transpose` and `nn.conv1d_transpose`, of data and weights.
pub(super) fn conv(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    call.float_result()?;
    let transposed = call.operator.ends_with("transpose");
    let (axes, own) = match call.operator {
        "nn.conv1d_transpose" => (1, "NCW"),
        _ => (3, "NCDHW"),
    };
    let kernel_own = format!("{}{}", if transposed { "IO" } else { "OI" }, &own[2..]);
    let data = order(call, "data_layout", own, own)?;
    let kernel = order(call, "kernel_layout", &kernel_own, &kernel_own)?;
    let result = out(call, &data, own)?;
    let groups = groups(call)?;
    let (x, w) = (call.arranged(0, &data)?, call.arranged(1, &kernel)?);
    let weights = call.lower.graph.shape(w).to_vec();
    let channels = if transposed { weights[1].saturating_mul(groups) } else { weights[0] };
    if let Some(stated) = call.integer("channels")?
        && usize::try_from(stated) != Ok(channels)
    {
        let message = format!("states {stated} channels, the weights have {channels}");
        return Err(Error::new("import", message).attribute("channels"));
    }
    if call.has("kernel_size") && each(call, "kernel_size", axes, 1)? != weights[2..] {
        let message = format!("is not that of the weights {weights:?}");
        return Err(Error::new("import", message).attribute("kernel_size"));
    }
    let mut attributes = vec![
        ("strides", integers(&each(call, "strides", axes, 1)?)),
        ("dilations", integers(&each(call, "dilation", axes, 1)?)),
        ("pads", integers(&padding(call, axes)?)),
        ("group", SingleAttribute::Integer(groups as i64)),
    ];
    if transposed {
        attributes.push(("output_padding", integers(&each(call, "output_padding", axes, 0)?)));
    }
    let operator = if transposed { "ConvTranspose" } else { "Conv" };
    let y = call.onnx(operator, [x, w].map(SingleInput::Value).into(), &attributes)?;
    Ok(lying(y, &result))
}

/// `nn.max_pool3d` and `nn.avg_pool3d`.
pub(super) fn pool(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = order(call, "layout", "NCDHW", "NCDHW")?;
    let result = out(call, &data, "NCDHW")?;
    let average = call.operator == "nn.avg_pool3d";
    if !call.has("pool_size") {
        return Err(Error::new("import", "is missing").attribute("pool_size"));
    }
    let kernel = each(call, "pool_size", 3, 1)?;
    let strides = each(call, "strides", 3, 1)?;
    let dilation = each(call, "dilation", 3, 1)?;
    let mut pads = padding(call, 3)?;
    let counts = call.flag("count_include_pad", false)?;
    let x = call.arranged(0, &data)?;
    if call.flag("ceil_mode", false)? {
        let shape = call.lower.graph.shape(x).to_vec();
        for axis in 0..3 {
            let window = Window {
                kernel: [kernel[axis], 1],
                stride: [strides[axis], 1],
                dilation: [dilation[axis], 1],
                pads: [pads[axis], 0, pads[axis + 3], 0],
            };
            let padded = shape[2 + axis] + pads[axis] + pads[axis + 3];
            let Some(reach) = window.reach(0) else { return refuse("the window is too large to handle") };
            let stride = strides[axis].max(1);
            let steps = padded.saturating_sub(reach).div_ceil(stride);
            let extra = steps.saturating_mul(stride).saturating_add(reach).saturating_sub(padded);
            if extra > 0 && average && counts {
                return Err(Error::new("import", "adds padding that does not count to padding that does")
                    .attribute("ceil_mode")
                    .hint("nn.pad before it"));
            }
            pads[axis + 3] = pads[axis + 3].saturating_add(extra).min(MAX_ELEMENTS);
        }
    }
    let mut attributes = vec![
        ("kernel_shape", integers(&kernel)),
        ("strides", integers(&strides)),
        ("dilations", integers(&dilation)),
        ("pads", integers(&pads)),
    ];
    if average {
        attributes.push(("count_include_pad", SingleAttribute::Integer(counts.into())));
    }
    let operator = if average { "AveragePool" } else { "MaxPool" };
    let y = call.onnx(operator, vec![SingleInput::Value(x)], &attributes)?;
    Ok(lying(y, &result))
}

/// `nn.adaptive_avg_pool3d` and `nn.adaptive_max_pool3d`.
pub(super) fn adaptive(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let data = order(call, "layout", "NCDHW", "NCDHW")?;
    let result = out(call, &data, "NCDHW")?;
    let average = call.operator == "nn.adaptive_avg_pool3d";
    let x = call.arranged(0, &data)?;
    let extents = call.lower.graph.shape(x)[2..].to_vec();
    let wanted = match call.list("output_size")?.as_deref() {
        None | Some([]) => extents.clone(),
        Some(list) => {
            call.put("output_size", literals(list));
            each(call, "output_size", 3, 1)?
        }
    };
    if wanted.contains(&0) {
        return Err(Error::new("import", "must be positive").attribute("output_size"));
    }
    let y = if wanted == [1; 3] {
        let kind = if average { ReduceKind::Mean } else { ReduceKind::Max };
        call.node(Op::Reduce { kind, axes: vec![2, 3, 4], keepdims: true }, &[x])?
    } else {
        divided(call, x, &extents, &wanted, average)?
    };
    Ok(lying(y, &result))
}

fn literals(list: &[i64]) -> super::super::syntax::Literal {
    use super::super::syntax::Literal;
    Literal::List(list.iter().map(|&n| Literal::Integer(n)).collect())
}

/// Windows of one size where they divide the volume, else of several.
fn divided(
    call: &mut OperatorCall,
    x: ValueId,
    extents: &[usize],
    wanted: &[usize],
    average: bool,
) -> Result<ValueId> {
    if !extents.iter().zip(wanted).all(|(n, to)| n.is_multiple_of(*to)) {
        return uneven(call, x, wanted, average);
    }
    let kernel: Vec<usize> = extents.iter().zip(wanted).map(|(n, to)| n / to).collect();
    let attributes = [("kernel_shape", integers(&kernel)), ("strides", integers(&kernel))];
    let operator = if average { "AveragePool" } else { "MaxPool" };
    call.onnx(operator, vec![SingleInput::Value(x)], &attributes)
}

/// `nn.deformable_conv2d`, which is not what ONNX's DeformConv is.
pub(super) fn deformable() -> Result<Operand> {
    let message =
        "reads zeros wherever a tap is moved outside of the image, where the graph's operator interpolates";
    Err(Error::new("import", message).hint("the same network from ONNX, whose DeformConv is supported"))
}
