//! Constants that operators make of numbers: Range, ConstantOfShape, OneHot and the like.

use super::super::call::Call;
use super::super::proto::data_type;
use super::super::shape::axis;
use super::super::tensor::{Tensor, TensorElements, count, decode};
use super::{affordable, ints, pick, typed};
use crate::error::Result;
use crate::float::math;

/// Windows of a known size.
pub(super) const WINDOWS: [&str; 3] = ["BlackmanWindow", "HammingWindow", "HannWindow"];

/// What an operator makes; `None` for another operator.
pub(super) fn made(call: &mut Call, operator: &str) -> Result<Option<Tensor>> {
    Ok(Some(match operator {
        "ConstantOfShape" => constant_of_shape(call)?,
        "CumSum" => cumulative(call)?,
        "EyeLike" => eye_like(call)?,
        "HannWindow" => window(call, &[0.5, 0.5])?,
        "HammingWindow" => window(call, &[25.0 / 46.0, 21.0 / 46.0])?,
        "BlackmanWindow" => window(call, &[0.42, 0.5, 0.08])?,
        "NonZero" => non_zero(call)?,
        "OneHot" => one_hot(call)?,
        "Range" => range(call)?,
        "Size" => {
            call.arity(1)?;
            let size = call.shape(0)?.iter().product::<usize>();
            Tensor::ints(vec![], vec![size as i64])
        }
        _ => return Ok(None),
    }))
}

/// ConstantOfShape: first states of recurrent layers, masks, lists of ones.
fn constant_of_shape(call: &mut Call) -> Result<Tensor> {
    call.arity(1)?;
    let (shape, count) = count(&call.integers(0)?)?;
    affordable(&shape)?;
    let value = match call.tensor("value")? {
        Some(tensor) => decode(tensor, call.folder).map_err(|e| e.attribute("value"))?,
        None => Tensor::floats(vec![], vec![0.0]),
    };
    match value.elements {
        TensorElements::Floats(v) if v.len() == 1 => Ok(Tensor::floats(shape, vec![v[0]; count])),
        TensorElements::Ints(v) if v.len() == 1 => {
            Ok(Tensor { integer: value.integer, ..Tensor::ints(shape, vec![v[0]; count]) })
        }
        _ => call.refuse("value", "must have one element"),
    }
}

/// Range: from a start by a step to before a limit.
fn range(call: &Call) -> Result<Tensor> {
    call.arity(3)?;
    let parts = [call.constant(0)?, call.constant(1)?, call.constant(2)?];
    if parts.iter().any(|part| part.len() != 1) {
        return Err(call.error("start, limit and step must be one number each"));
    }
    let [start, limit, step] = [0, 1, 2].map(|i| parts[i].number(0));
    let steps = ((limit - start) / step).ceil();
    if step == 0.0 || !steps.is_finite() {
        return Err(call.error(format!("from {start} by {step} to {limit} does not end")));
    }
    let count = steps.max(0.0) as usize;
    affordable(&[count])?;
    match (&parts[0].elements, &parts[2].elements) {
        (TensorElements::Ints(start), TensorElements::Ints(step)) => {
            let data = (0..count as i64).map(|i| start[0] + i * step[0]).collect();
            Ok(Tensor::ints(vec![count], data))
        }
        (TensorElements::Floats(start), TensorElements::Floats(step)) => {
            let data = (0..count).map(|i| start[0] + i as f32 * step[0]).collect();
            Ok(Tensor::floats(vec![count], data))
        }
        _ => Err(call.error("start and step are of different types")),
    }
}

/// OneHot: `on` at the index along a new axis, `off` elsewhere.
fn one_hot(call: &mut Call) -> Result<Tensor> {
    call.arity(3)?;
    let indices = call.constant(0)?;
    let depth = match call.constant(1)?.number(0) {
        depth if (1.0..1e9).contains(&depth) => depth as usize,
        depth => return Err(call.error(format!("the depth is {depth}"))),
    };
    let values = call.constant(2)?;
    if values.len() != 2 {
        return Err(call.error("the values must be two"));
    }
    let value = call.int("axis", -1)?;
    let along = axis(call, value, indices.shape.len() + 1)?;
    let mut shape = indices.shape.clone();
    shape.insert(along, depth);
    let total = affordable(&shape)?;
    let inner: usize = shape[along + 1..].iter().product();
    let hot = |n: usize| {
        let (outer, place, rest) = (n / (inner * depth), n / inner % depth, n % inner);
        let index = indices.number(outer * inner + rest);
        let index = if index < 0.0 { index + depth as f64 } else { index };
        usize::from(index == place as f64)
    };
    let chosen: Vec<usize> = (0..total).map(hot).collect();
    Ok(pick::of(&values, shape, &chosen))
}

/// NonZero: the places of elements that are not zero, an axis a row.
fn non_zero(call: &Call) -> Result<Tensor> {
    call.arity(1)?;
    let tensor = call.constant(0)?;
    let found: Vec<usize> = (0..tensor.len()).filter(|&i| tensor.number(i) != 0.0).collect();
    let mut data = Vec::with_capacity(found.len() * tensor.shape.len());
    for a in 0..tensor.shape.len() {
        let inner: usize = tensor.shape[a + 1..].iter().product();
        data.extend(found.iter().map(|i| (i / inner % tensor.shape[a]) as i64));
    }
    Ok(Tensor::ints(vec![tensor.shape.len(), found.len()], data))
}

/// A window of the cosines of its whole turns, with signs in turn and of these sizes.
fn window(call: &mut Call, cosines: &[f64]) -> Result<Tensor> {
    call.arity(1)?;
    let size = call.constant(0)?;
    let (shape, count) = count(&[if size.len() == 1 { size.number(0) as i64 } else { -1 }])?;
    affordable(&shape)?;
    call.ignore("output_datatype");
    let turn = if call.flag("periodic", true)? { count } else { count.saturating_sub(1).max(1) };
    let element = |n: usize| {
        let angle = std::f64::consts::TAU * n as f64 / turn as f64;
        let wave = |(k, size): (usize, &f64)| size * math::cos(k as f64 * (angle + std::f64::consts::PI));
        cosines.iter().enumerate().map(wave).sum::<f64>() as f32
    };
    Ok(Tensor::floats(shape, (0..count).map(element).collect()))
}

/// CumSum of whole numbers or floats along an axis.
fn cumulative(call: &mut Call) -> Result<Tensor> {
    call.arity(2)?;
    let tensor = call.constant(0)?;
    let (_, value) = ints(call, 1)?;
    let along = axis(call, value.first().copied().unwrap_or(0), tensor.shape.len())?;
    for name in ["exclusive", "reverse"] {
        if call.flag(name, false)? {
            return call.refuse(name, "is not supported");
        }
    }
    let inner: usize = tensor.shape[along + 1..].iter().product();
    let extent = tensor.shape[along];
    let first = |n: usize| (n / inner).is_multiple_of(extent);
    let mut elements = tensor.elements.clone();
    for n in (0..tensor.len()).filter(|&n| !first(n)) {
        match &mut elements {
            TensorElements::Floats(data) => data[n] += data[n - inner],
            TensorElements::Ints(data) => data[n] = data[n].saturating_add(data[n - inner]),
        }
    }
    match elements {
        TensorElements::Floats(data) => Ok(Tensor::floats(tensor.shape.clone(), data)),
        TensorElements::Ints(data) => typed(call, 0, tensor.shape.clone(), data),
    }
}

/// EyeLike: ones on a diagonal, in the shape of the input.
fn eye_like(call: &mut Call) -> Result<Tensor> {
    call.arity(1)?;
    let shape = call.shape(0)?;
    let [rows, columns] = shape[..] else {
        return Err(call.error(format!("{shape:?} is no matrix")));
    };
    let k = call.int("k", 0)?;
    let one = |n: usize| i64::from((n % columns) as i64 - (n / columns) as i64 == k);
    let data: Vec<i64> = (0..affordable(&[rows, columns])?).map(one).collect();
    match call.int("dtype", i64::from(data_type::FLOAT))? {
        t if t == i64::from(data_type::FLOAT) => {
            Ok(Tensor::floats(shape, data.iter().map(|&x| x as f32).collect()))
        }
        _ => Ok(Tensor::ints(shape, data)),
    }
}
