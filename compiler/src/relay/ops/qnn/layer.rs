//! Convolutions and dense layers on whole numbers, and their biases.

use std::rc::Rc;

use super::super::super::arrange::lying;
use super::super::super::array::NdArray;
use super::super::super::call::{OperatorCall, refuse};
use super::super::super::operand::{Constant, Lying, Operand};
use super::super::layout::layout as kernel_layout;
use super::super::matrix;
use super::numbers::{Along, name_of, numbers, parameters, real};
use super::{Whole, mark, out_type};
use crate::error::{Error, Result};
use crate::graph::{Integer, Op};

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
    mark(call.lower, &result, &Whole::Sum(scales));
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
    mark(call.lower, &result, &Whole::Sum(scales));
    Ok(result)
}

/// An int32 bias on a sum: the layer again, with the bias in steps of the sum's scales.
pub(super) fn bias_add(call: &mut OperatorCall, scales: &Rc<[f32]>) -> Result<Operand> {
    call.operands(2)?;
    let shape = call.shape(0)?;
    let axis = call.axis("axis", 1, shape.len())?;
    let (Operand::Value(x), bias) = (call.arguments[0].clone(), call.constant(1)?) else {
        return refuse("a sum is no tensor");
    };
    if bias.array.dtype != "int32" || bias.array.shape != [shape[axis]] {
        return refuse(format!(
            "the bias is {} {:?}, not int32 [{}]",
            bias.array.dtype, bias.array.shape, shape[axis]
        ));
    }
    let Some((index, layer)) = call.lower.graph.producer(x.id) else {
        return refuse("a sum without a layer");
    };
    let (op, mut inputs, name) = (layer.op.clone(), layer.inputs.clone(), layer.name.clone());
    if inputs.len() != 2
        || x.order[axis] != 1
        || !matches!(op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. })
    {
        return Err(Error::new("import", "the layer before takes no such bias")
            .hint("one nn.bias_add along the channels, behind qnn.conv2d or qnn.dense"));
    }
    let vector = call.lower.graph.constant(name_of(&bias), &bias.array.shape, bias.array.to_floats())?;
    let own = if scales.len() == 1 { vec![] } else { vec![scales.len()] };
    let scale = call.lower.graph.constant("", &own, scales.to_vec())?;
    let zero = call.lower.graph.constant("", &own, vec![0.0; scales.len()])?;
    let axis = (scales.len() > 1).then_some(0);
    let op_bias = Op::DequantizeLinear { integer: Integer::Int32, axis };
    inputs.push(call.part("bias", op_bias, &[vector, scale, zero])?);
    call.lower.superseded.push(index);
    let id = call.lower.graph.node(name, op, &inputs)?;
    let result = Operand::Value(Lying { id, order: x.order });
    mark(call.lower, &result, &Whole::Sum(scales.clone()));
    Ok(result)
}
