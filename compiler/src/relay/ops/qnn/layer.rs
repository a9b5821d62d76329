//! Convolutions and dense layers on whole numbers, and their biases.

use std::rc::Rc;

use super::super::super::arrange::lying;
use super::super::super::array::NdArray;
use super::super::super::call::{OperatorCall, refuse, resolve};
use super::super::super::operand::{Constant, Lying, Operand};
use super::super::super::syntax::Literal;
use super::super::layout::layout as kernel_layout;
use super::super::matrix;
use super::super::whole::IntegerScale;
use super::numbers::{Along, name_of, numbers, parameters, real};
use super::{NumberKind, mark, out_type};
use crate::error::{Error, Result};
use crate::graph::{Integer, Op, elements};

/// Sums are int32 in TVM; they are real numbers here.
fn sum_type(call: &mut OperatorCall) -> Result<()> {
    match out_type(call, "int32")? {
        Integer::Int32 => Ok(()),
        _ => Err(Error::new("import", "must be int32").attribute("out_dtype")),
    }
}

/// Weights dequantised in the order that the layer wants them, with one scale for each output.
fn weights(
    call: &mut OperatorCall,
    want: &[usize],
    outputs: usize,
    zero: &Operand,
    scale: &Operand,
) -> Result<(Operand, Vec<f32>)> {
    let shape = call.shape(1)?;
    if shape.len() != want.len() {
        return refuse(format!("the weights {shape:?} do not have {} axes", want.len()));
    }
    let operand = call.arguments[1].clone();
    let (w, integer) = numbers(call, &operand)?;
    let id = match call.lower.graph.constant_data(w.id) {
        Some(data) => {
            let (data, name) = (data.to_vec(), call.lower.graph.value(w.id).name.clone());
            let floats = Constant::new(&name, NdArray::floats(&shape, data));
            call.lower.arranged(&Operand::Constant(floats), want, call.name)?
        }
        None => call.lower.arranged(&Operand::Value(w), want, call.name)?,
    };
    let extent = call.lower.graph.shape(id)[outputs];
    let p = parameters(call, scale, zero, Some(Along { axis: outputs, extent }))?;
    let op = Op::DequantizeLinear { integer, axis: p.axis };
    let id = call.part("weight", op, &[id, p.scale, p.zero])?;
    Ok((lying(id, want), p.scales))
}

/// The scales of a layer's sums: the input's one scale times each of the weights'.
fn sum_scales(scale: &Operand, weights: &[f32]) -> Result<Rc<[f32]>> {
    match scale {
        Operand::Constant(c) => match c.scalar() {
            Some(scale) => Ok(weights.iter().map(|w| w * scale).collect()),
            None => refuse("the input of a layer must have one scale"),
        },
        _ => refuse("a scale is computed"),
    }
}

/// `qnn.conv2d(data, weight, input_zero_point, kernel_zero_point, input_scale, kernel_scale)`.
pub(super) fn layer(
    call: &mut OperatorCall,
    own: &str,
    run: fn(&mut OperatorCall) -> Result<Operand>,
) -> Result<Operand> {
    call.operands(6)?;
    sum_type(call)?;
    let kernel = call.peek("kernel_layout");
    let want = kernel_layout(call, "kernel_layout", own, own)?;
    if let Some(kernel) = kernel {
        call.put("kernel_layout", kernel);
    }
    let [x, _, zero_x, zero_w, scale_x, scale_w] = [0, 1, 2, 3, 4, 5].map(|i| call.arguments[i].clone());
    let outputs = own.find('O').expect("every kernel has outputs");
    let (w, scales) = weights(call, &want, outputs, &zero_w, &scale_w)?;
    let x = real(call, &x, &scale_x, &zero_x, None)?;
    let scales = sum_scales(&scale_x, &scales)?;
    call.arguments = vec![x, w];
    let result = run(call)?;
    mark(call.lower, &result, &NumberKind::Scaled(IntegerScale::sums(scales)));
    Ok(result)
}

/// `qnn.dense` with operands as `qnn.conv2d`; the weights are (units, inputs).
pub(super) fn dense(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(6)?;
    sum_type(call)?;
    let [x, _, zero_x, zero_w, scale_x, scale_w] = [0, 1, 2, 3, 4, 5].map(|i| call.arguments[i].clone());
    let (w, scales) = weights(call, &[0, 1], 0, &zero_w, &scale_w)?;
    let x = real(call, &x, &scale_x, &zero_x, None)?;
    let scales = sum_scales(&scale_x, &scales)?;
    call.arguments = vec![x, w];
    let result = matrix::dense(call)?;
    mark(call.lower, &result, &NumberKind::Scaled(IntegerScale::sums(scales)));
    Ok(result)
}

/// `qnn.batch_matmul` with operands as `qnn.conv2d`; of the second one rows are multiplied.
pub(super) fn batch_matmul(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(6)?;
    sum_type(call)?;
    let [x, y, zero_x, zero_y, scale_x, scale_y] = [0, 1, 2, 3, 4, 5].map(|i| call.arguments[i].clone());
    let (Operand::Constant(a), Operand::Constant(b)) = (&scale_x, &scale_y) else {
        return refuse("a scale is computed");
    };
    let (Some(a), Some(b)) = (a.scalar(), b.scalar()) else {
        return refuse("the operands must have one scale each");
    };
    let x = real(call, &x, &scale_x, &zero_x, None)?;
    let y = real(call, &y, &scale_y, &zero_y, None)?;
    call.arguments = vec![x, y];
    let result = matrix::batch_matmul(call)?;
    mark(call.lower, &result, &NumberKind::Scaled(IntegerScale::sums([a * b].into())));
    Ok(result)
}

/// An int32 bias on the sum of a layer, by `nn.bias_add` or `add`: the layer again, with the bias in steps of the sum's
/// scales. `None` where it is no bias, or the layer takes none.
pub(in super::super) fn bias(call: &mut OperatorCall, own: &IntegerScale) -> Result<Option<Operand>> {
    let bias = |a: &Operand| match a {
        Operand::Constant(c) if c.array.dtype == "int32" => Some(c.clone()),
        _ => None,
    };
    let (x, bias) = match (&call.arguments[0], &call.arguments[1]) {
        (Operand::Value(x), b) if call.operator != "subtract" => (x.clone(), bias(b)),
        (a, Operand::Value(x)) if call.operator == "add" => (x.clone(), bias(a)),
        _ => return Ok(None),
    };
    let Some(bias) = bias else { return Ok(None) };
    let axis = x.order.iter().position(|&a| a == 1);
    let (Some(axis), Some((index, layer))) = (axis, call.lower.graph.producer(x.id)) else {
        return Ok(None);
    };
    let (op, mut inputs, name) = (layer.op.clone(), layer.inputs.clone(), layer.name.clone());
    let channels = call.lower.graph.shape(x.id)[1];
    // What `add` broadcasts has the channels where the sum has them, counted from the last axis.
    let behind = x.order.len() - 1 - axis;
    let shape = &bias.array.shape;
    let fits = match call.operator {
        "nn.bias_add" => {
            call.peek("axis").is_none_or(|a| {
                let a = if let Literal::Integer(a) = a { a } else { 1 };
                resolve(a, x.order.len()) == Some(axis)
            }) && *shape == [channels]
                && (call.peek("axis").is_some() || axis == 1)
        }
        _ => {
            let at = shape.len().checked_sub(1 + behind);
            at.is_some_and(|at| shape[at] == channels)
                && elements(shape)? == channels
                && shape.len() <= x.order.len()
        }
    };
    let takes = matches!(op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. });
    if inputs.len() != 2 || !takes || !fits || own.zero != 0.0 {
        return Ok(None);
    }
    call.integer("axis")?;
    let vector = call.lower.graph.constant(name_of(&bias), &[channels], bias.array.to_floats())?;
    let scales = &own.scales;
    let each = if scales.len() == 1 { vec![] } else { vec![scales.len()] };
    let scale = call.lower.graph.constant("", &each, scales.to_vec())?;
    let zero = call.lower.graph.constant("", &each, vec![0.0; scales.len()])?;
    let axis = (scales.len() > 1).then_some(0);
    let op_bias = Op::DequantizeLinear { integer: Integer::Int32, axis };
    inputs.push(call.part("bias", op_bias, &[vector, scale, zero])?);
    call.lower.superseded.push(index);
    let id = call.lower.graph.node(name, op, &inputs)?;
    let result = Operand::Value(Lying { id, order: x.order });
    mark(call.lower, &result, &NumberKind::Scaled(own.clone()));
    Ok(Some(result))
}
