//! Shape arithmetic: operators on integer constants, computed while importing.
//!
//! Exporters write `Flatten` as Shape, Gather, Concat and Reshape. All those tensors are small lists;
//! larger ones are refused so that a hostile model cannot double a list until memory ends.

use std::rc::Rc;

use super::call::Call;
use super::constant;
use super::import::Operand;
use super::moves::bounds;
use super::shape::{axis, resolve, squeezed, unsqueezed};
use super::tensor::{Elements, Tensor, count, decode};
use crate::error::{Error, Result};

/// Longest list that shape arithmetic makes.
const LONGEST: usize = 4096;

/// Most elements of a ConstantOfShape.
const LARGEST_CONSTANT: usize = 1 << 20;

/// Folds a node whose inputs are all integer constants.
pub(super) fn run(call: &mut Call) -> Result<()> {
    let tensor = match call.operator() {
        "Identity" => return constant::identity(call),
        "Cast" => return constant::cast(call),
        "Shape" => return constant::shape(call),
        "Add" => arithmetic(call, i64::checked_add)?,
        "Sub" => arithmetic(call, i64::checked_sub)?,
        "Mul" => arithmetic(call, i64::checked_mul)?,
        "Div" => arithmetic(call, i64::checked_div)?,
        "Mod" => arithmetic(call, floored_remainder)?,
        "Equal" => arithmetic(call, |a, b| Some(i64::from(a == b)))?,
        "Less" => arithmetic(call, |a, b| Some(i64::from(a < b)))?,
        "Greater" => arithmetic(call, |a, b| Some(i64::from(a > b)))?,
        "Where" => choose(call)?,
        "ConstantOfShape" => return constant_of_shape(call),
        "Gather" => gather(call)?,
        "Concat" => concat(call)?,
        "Slice" => slice(call)?,
        "Squeeze" => {
            let (old, data) = list(call, 0)?;
            Tensor::ints(squeezed(call, &old)?, data)
        }
        "Unsqueeze" => {
            let (old, data) = list(call, 0)?;
            Tensor::ints(unsqueezed(call, &old)?, data)
        }
        "Reshape" => {
            call.arity(2, 2)?;
            let (old, data) = list(call, 0)?;
            let shape = resolve(call, &old, &call.integers(1)?, false)?;
            Tensor::ints(shape, data)
        }
        _ => {
            return Err(call
                .error("the operator is not supported on integers")
                .hint("constant-fold the model (onnxsim)"));
        }
    };
    let Elements::Ints(data) = &tensor.elements else {
        unreachable!("every rule above makes integers");
    };
    let total = tensor.shape.iter().try_fold(1, |n: usize, &e| n.checked_mul(e));
    if total != Some(data.len()) || data.len() > LONGEST {
        return Err(too_long(call));
    }
    call.alias(Operand::Constant(Rc::new(tensor)))
}

fn too_long(call: &Call) -> Error {
    call.error("the integer tensor is too large, or its shape does not fit")
}

/// Shape and elements of an integer constant of tractable size.
fn list(call: &Call, input: usize) -> Result<(Vec<usize>, Vec<i64>)> {
    let tensor = call.constant(input)?;
    match &tensor.elements {
        Elements::Ints(data) if data.len() <= LONGEST => Ok((tensor.shape.clone(), data.clone())),
        _ => Err(too_long(call)),
    }
}

/// Elementwise arithmetic on equal shapes, or with one element on either side.
fn arithmetic(call: &Call, f: fn(i64, i64) -> Option<i64>) -> Result<Tensor> {
    call.arity(2, 2)?;
    let ((a_shape, a), (b_shape, b)) = (list(call, 0)?, list(call, 1)?);
    let shape = match (a.len(), b.len()) {
        _ if a_shape == b_shape => a_shape,
        (_, 1) if a_shape.len() >= b_shape.len() => a_shape,
        (1, _) if b_shape.len() >= a_shape.len() => b_shape,
        _ => {
            return Err(call.error(format!("shapes {a_shape:?} and {b_shape:?} do not match")));
        }
    };
    let count = a.len().max(b.len()) * usize::from(!a.is_empty() && !b.is_empty());
    let at = |v: &[i64], i: usize| v[if v.len() == 1 { 0 } else { i }];
    let data: Option<Vec<i64>> = (0..count).map(|i| f(at(&a, i), at(&b, i))).collect();
    match data {
        Some(data) => Ok(Tensor::ints(shape, data)),
        None => Err(call.error("the integer arithmetic overflows or divides by zero")),
    }
}

/// Where: elements of the second or the third input, each of the condition's shape or one element.
fn choose(call: &Call) -> Result<Tensor> {
    call.arity(3, 3)?;
    let parts = [list(call, 0)?, list(call, 1)?, list(call, 2)?];
    let longest = parts.iter().max_by_key(|p| (p.1.len(), p.0.len())).map_or(vec![], |p| p.0.clone());
    let count = longest.iter().product::<usize>();
    if parts.iter().any(|(shape, data)| *shape != longest && data.len() != 1) {
        return Err(call.error("the shapes of the condition and the choices do not match"));
    }
    let at = |p: usize, i: usize| parts[p].1[if parts[p].1.len() == 1 { 0 } else { i }];
    let data = (0..count).map(|i| if at(0, i) != 0 { at(1, i) } else { at(2, i) }).collect();
    Ok(Tensor::ints(longest, data))
}

/// ConstantOfShape: the first states of recurrent layers, and lists of ones.
fn constant_of_shape(call: &mut Call) -> Result<()> {
    call.arity(1, 1)?;
    let (shape, count) = count(&call.integers(0)?)?;
    if count > LARGEST_CONSTANT {
        return Err(too_long(call));
    }
    let value = match call.tensor("value")? {
        Some(tensor) => decode(tensor, call.folder).map_err(|e| e.attribute("value"))?.elements,
        None => Elements::Floats(vec![0.0]),
    };
    let tensor = match value {
        Elements::Floats(v) if v.len() == 1 => Tensor::floats(shape, vec![v[0]; count]),
        Elements::Ints(v) if v.len() == 1 => Tensor::ints(shape, vec![v[0]; count]),
        _ => return call.refuse("value", "must have one element"),
    };
    call.alias(Operand::Constant(Rc::new(tensor)))
}

/// The remainder with the sign of the divisor.
fn floored_remainder(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

/// Picks elements of a list.
fn gather(call: &mut Call) -> Result<Tensor> {
    call.arity(2, 2)?;
    let (shape, data) = list(call, 0)?;
    let (indices_shape, indices) = list(call, 1)?;
    let value = call.int("axis", 0)?;
    if shape.len() != 1 || axis(call, value, 1).is_err() {
        return Err(call.error(format!("gathers from {shape:?}, only lists are supported")));
    }
    let pick = |&i: &i64| data[..].get(axis(call, i, data.len()).ok()?).copied();
    match indices.iter().map(pick).collect() {
        Some(picked) => Ok(Tensor::ints(indices_shape, picked)),
        None => Err(call.error(format!("an index of {indices:?} is out of range"))),
    }
}

/// Joins lists.
fn concat(call: &mut Call) -> Result<Tensor> {
    call.arity(1, usize::MAX)?;
    let value = call.int("axis", 0)?;
    axis(call, value, 1)?;
    let mut data = Vec::new();
    for input in 0..call.inputs() {
        let (shape, part) = list(call, input)?;
        if shape.len() != 1 || data.len() > LONGEST {
            return Err(too_long(call));
        }
        data.extend(part);
    }
    Ok(Tensor::ints(vec![data.len()], data))
}

/// Takes a range of a list; bounds are attributes up to opset 9, then inputs.
fn slice(call: &mut Call) -> Result<Tensor> {
    let bounds = bounds(call)?;
    let (shape, data) = list(call, 0)?;
    let one = |b: &Option<Vec<i64>>, default: i64| match b.as_deref() {
        Some([v]) => Some(*v),
        None => Some(default),
        _ => None,
    };
    let [starts, ends, axes, steps] = &bounds;
    let (Some(start), Some(end), Some(0 | -1), Some(1), 1) =
        (one(starts, 0), one(ends, i64::MAX), one(axes, 0), one(steps, 1), shape.len())
    else {
        return Err(call.error("only slices of lists with step 1 are supported"));
    };
    let length = data.len() as i64;
    let clamp = |v: i64| {
        let v = if v < 0 { v.saturating_add(length) } else { v };
        v.clamp(0, length) as usize
    };
    let part = data.get(clamp(start)..clamp(end)).unwrap_or(&[]).to_vec();
    Ok(Tensor::ints(vec![part.len()], part))
}
