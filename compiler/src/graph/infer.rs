//! The shape of an operator's result, and every rule its operands must keep.

mod elementwise;
mod moves;
mod products;
mod windows;

use super::{MAX_ELEMENTS, Op, integer};
use crate::arity::Arity;
use crate::error::{Error, Result};

pub(crate) use elementwise::broadcast;

pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("graph", message))
}

/// Number of elements of a shape; a scalar has one.
///
/// # Errors
/// A zero extent, or more than [`MAX_ELEMENTS`] elements.
pub fn elements(shape: &[usize]) -> Result<usize> {
    let mut product = 1usize;
    for &extent in shape {
        if extent == 0 {
            return refuse(format!("shape {shape:?} has an extent of zero"));
        }
        product = match product.checked_mul(extent) {
            Some(p) if p <= MAX_ELEMENTS => p,
            _ => return refuse(format!("shape {shape:?} is too large to handle")),
        };
    }
    Ok(product)
}

/// Shape of the single result of `op` applied to inputs of the given shapes.
///
/// `declared` is the new shape of a [`Op::Reshape`] and `None` for every other operator.
///
/// # Errors
/// A wrong number of inputs, a wrong rank or extent, an attribute out of range, a result that is
/// empty or too large. The caller adds the node's name.
pub fn infer(op: &Op, inputs: &[&[usize]], declared: Option<&[usize]>) -> Result<Vec<usize>> {
    arity(op, inputs.len())?;
    let x = inputs[0];
    let shape = match op {
        Op::Conv { window, groups } => windows::conv(window, *groups, inputs)?,
        Op::BatchNormalization { epsilon } => elementwise::batch_normalization(*epsilon, inputs)?,
        Op::Relu => x.to_vec(),
        Op::Clip { min, max } if min <= max => x.to_vec(),
        Op::Clip { min, max } => return refuse(format!("the range [{min}, {max}] is empty")),
        Op::LeakyRelu { alpha } if alpha.is_finite() => x.to_vec(),
        Op::LeakyRelu { alpha } => return refuse(format!("alpha is {alpha}")),
        Op::PRelu if broadcast(x, inputs[1]).as_deref() == Some(x) => x.to_vec(),
        Op::PRelu => {
            return refuse(format!("slope {:?} does not broadcast to {x:?}", inputs[1]));
        }
        Op::MaxPool { window } => windows::pool(window, x)?,
        Op::AveragePool { window, .. } if window.dilation == [1, 1] => windows::pool(window, x)?,
        Op::AveragePool { .. } => return refuse("an average pool cannot be dilated"),
        Op::GlobalAveragePool => windows::global(x)?,
        Op::Add | Op::Binary { .. } => match broadcast(x, inputs[1]) {
            Some(shape) => shape,
            None => {
                return refuse(format!("shapes {x:?} and {:?} do not match", inputs[1]));
            }
        },
        Op::Concat { axis } => moves::concat(*axis, inputs)?,
        Op::Gemm { .. } => products::gemm(op, inputs)?,
        Op::MatMul => products::matmul(x, inputs[1])?,
        Op::Flatten { axis } if *axis <= x.len() => {
            vec![x[..*axis].iter().product(), x[*axis..].iter().product()]
        }
        Op::Flatten { axis } | Op::Softmax { axis } | Op::LogSoftmax { axis } if *axis >= x.len() => {
            return refuse(format!("axis {axis} is not an axis of {x:?}"));
        }
        Op::Flatten { .. } => unreachable!("both ranges of the axis are handled above"),
        Op::Softmax { .. } | Op::LogSoftmax { .. } => x.to_vec(),
        Op::Reshape => moves::reshape(x, declared)?,
        Op::Transpose { perm } => moves::transpose(perm, x)?,
        Op::DepthToSpace { block, .. } => moves::depth_to_space(*block, x)?,
        Op::Unary { kind } => elementwise::unary(*kind, x)?,
        Op::Where => match broadcast(x, inputs[1]).and_then(|xy| broadcast(&xy, inputs[2])) {
            Some(shape) => shape,
            None => return refuse(format!("shapes {inputs:?} do not match")),
        },
        Op::TopK { axis, count, .. } => elementwise::top(*axis, *count, x)?,
        Op::GatherElements { axis } => moves::gather_elements(*axis, x, inputs[1])?,
        Op::Reduce { axes, keepdims, .. } => elementwise::reduce(axes, *keepdims, x)?,
        Op::ConvTranspose { window, groups, output_padding } => {
            windows::conv_transpose(window, *groups, *output_padding, inputs)?
        }
        Op::Pad { before, after, mode } => moves::pad(before, after, *mode, x)?,
        Op::Slice { starts, steps, extents } => moves::slice(starts, steps, extents, x)?,
        Op::Gather { axis, indices, shape } => moves::gather(*axis, indices, shape, x)?,
        Op::Expand { shape } => moves::expand(shape, x)?,
        Op::Resize(resize) => windows::resize(resize, x)?,
        Op::SpaceToDepth { block } => moves::space_to_depth(*block, x)?,
        Op::LayerNormalization { axis, epsilon } => {
            elementwise::layer_normalization(*axis, *epsilon, inputs)?
        }
        Op::InstanceNormalization { epsilon } => elementwise::instance_normalization(*epsilon, inputs)?,
        Op::Recurrent(recurrent) => products::recurrent(recurrent, inputs)?,
        Op::QuantizeLinear { axis, .. } | Op::DequantizeLinear { axis, .. } => integer::rule(*axis, inputs)?,
        Op::Described(op) => (op.descriptor.shape)(op, inputs)?,
    };
    elements(&shape)?;
    Ok(shape)
}

fn arity(op: &Op, count: usize) -> Result<()> {
    let wanted: Arity = match op {
        Op::Conv { .. } | Op::Gemm { .. } | Op::ConvTranspose { .. } => (2..=3).into(),
        Op::BatchNormalization { .. } => 5.into(),
        Op::PRelu | Op::Add | Op::MatMul | Op::Binary { .. } | Op::GatherElements { .. } => 2.into(),
        Op::Where => 3.into(),
        Op::LayerNormalization { .. }
        | Op::InstanceNormalization { .. }
        | Op::QuantizeLinear { .. }
        | Op::DequantizeLinear { .. } => 3.into(),
        Op::Recurrent(r) => products::recurrent_inputs(r),
        Op::Concat { .. } => (1..).into(),
        Op::Described(op) => op.descriptor.inputs.clone().into(),
        _ => 1.into(),
    };
    match wanted.allows(count) {
        true => Ok(()),
        false => refuse(format!("has {count} inputs, needs {wanted}")),
    }
}

#[cfg(test)]
mod tests;
