//! Operators that pick elements of a constant: each names, for every element of its result, the place in the
//! input that it is taken from.

use std::rc::Rc;

use super::super::call::Call;
use super::super::import::Operand;
use super::super::moves::{axes, bounds};
use super::super::shape::{axis, resolve, squeezed, unsqueezed};
use super::super::tensor::{Elements, Tensor};
use super::{affordable, ints};
use crate::error::Result;
use crate::graph::broadcast;

/// The elements of a tensor at `places`, in a new shape.
pub(super) fn of(tensor: &Tensor, shape: Vec<usize>, places: &[usize]) -> Tensor {
    let elements = match &tensor.elements {
        Elements::Floats(data) => Elements::Floats(places.iter().map(|&i| data[i]).collect()),
        Elements::Ints(data) => Elements::Ints(places.iter().map(|&i| data[i]).collect()),
    };
    Tensor { shape, elements, integer: tensor.integer }
}

/// Row-major distances of neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    let mut all = vec![1; shape.len()];
    for a in (1..shape.len()).rev() {
        all[a - 1] = all[a] * shape[a];
    }
    all
}

/// Flat places of a grid: of each axis the offsets that it adds.
fn grid(offsets: &[Vec<usize>]) -> Vec<usize> {
    offsets
        .iter()
        .fold(vec![0], |all, axis| all.iter().flat_map(|base| axis.iter().map(move |o| base + o)).collect())
}

/// Places in a tensor of `shape` that the elements of its broadcast to `to` are taken from.
pub(super) fn broadcast_places(shape: &[usize], to: &[usize]) -> Vec<usize> {
    let (missing, steps) = (to.len() - shape.len(), strides(shape));
    let offsets = |(a, &extent): (usize, &usize)| match a.checked_sub(missing) {
        Some(own) if shape[own] > 1 => (0..extent).map(|i| i * steps[own]).collect(),
        _ => vec![0; extent],
    };
    grid(&to.iter().enumerate().map(offsets).collect::<Vec<Vec<usize>>>())
}

/// The shape without `axes`, and for each of its elements the places that differ along `axes` alone.
pub(super) fn groups(shape: &[usize], axes: &[usize]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let steps = strides(shape);
    let along = |kept: bool| -> Vec<Vec<usize>> {
        let own = |a: &usize| axes.contains(a) != kept;
        (0..shape.len()).filter(own).map(|a| (0..shape[a]).map(|i| i * steps[a]).collect()).collect()
    };
    let kept = (0..shape.len()).filter(|a| !axes.contains(a)).map(|a| shape[a]).collect();
    let inner = grid(&along(false));
    let groups = grid(&along(true)).into_iter();
    (kept, groups.map(|base| inner.iter().map(|i| base + i).collect()).collect())
}

/// What an operator picks.
pub(super) fn picked(call: &mut Call, operator: &str) -> Result<Tensor> {
    match operator {
        "Concat" => return concat(call),
        "ScatterND" => return scatter_nd(call),
        "ScatterElements" => return scatter_elements(call),
        "Trilu" => return triangle(call),
        _ => {}
    }
    let tensor = if call.has(0) { call.constant(0)? } else { return Err(call.error("input 0 is left out")) };
    let old = tensor.shape.clone();
    let same =
        |shape: Vec<usize>| Tensor { shape, elements: tensor.elements.clone(), integer: tensor.integer };
    Ok(match operator {
        "Squeeze" => same(squeezed(call, &old)?),
        "Unsqueeze" => same(unsqueezed(call, &old)?),
        "Reshape" => {
            call.arity(2, 2)?;
            let allow_zero = call.opset() >= 14 && call.flag("allowzero", false)?;
            same(reshaped(call, &old, allow_zero)?)
        }
        "Flatten" => {
            let value = call.int("axis", 1)?;
            let end = if usize::try_from(value) == Ok(old.len()) {
                old.len()
            } else {
                axis(call, value, old.len())?
            };
            same(vec![old[..end].iter().product(), old[end..].iter().product()])
        }
        "Transpose" => {
            let perm: Vec<usize> = match call.ints("perm")? {
                Some(perm) => axes(call, perm, old.len())?,
                None => (0..old.len()).rev().collect(),
            };
            if perm.len() != old.len() {
                return call.refuse("perm", format!("{perm:?} does not permute {} axes", old.len()));
            }
            let steps = strides(&old);
            let offsets: Vec<Vec<usize>> =
                perm.iter().map(|&a| (0..old[a]).map(|i| i * steps[a]).collect()).collect();
            of(&tensor, perm.iter().map(|&a| old[a]).collect(), &grid(&offsets))
        }
        "Expand" => {
            call.arity(2, 2)?;
            let wanted: Vec<usize> =
                call.integers(1)?.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
            let Some(shape) = broadcast(&old, &wanted) else {
                return call.refuse("shape", format!("{old:?} does not broadcast with {wanted:?}"));
            };
            affordable(&shape)?;
            let places = broadcast_places(&old, &shape);
            of(&tensor, shape, &places)
        }
        "Tile" => {
            call.arity(2, 2)?;
            let repeats: Vec<usize> =
                call.integers(1)?.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
            if repeats.len() != old.len() {
                return Err(call.error(format!("{repeats:?} does not fit {old:?}")));
            }
            let shape: Vec<usize> = old.iter().zip(&repeats).map(|(n, r)| n.saturating_mul(*r)).collect();
            affordable(&shape)?;
            let steps = strides(&old);
            let offsets = (0..old.len()).map(|a| (0..shape[a]).map(|i| i % old[a] * steps[a]).collect());
            let places = grid(&offsets.collect::<Vec<Vec<usize>>>());
            of(&tensor, shape, &places)
        }
        "Slice" => slice(call, &tensor)?,
        "Gather" => gather(call, &tensor)?,
        "GatherElements" => {
            call.arity(2, 2)?;
            let (shape, indices) = ints(call, 1)?;
            let value = call.int("axis", 0)?;
            let along = axis(call, value, old.len())?;
            let places = element_places(call, &old, &shape, &indices, along)?;
            of(&tensor, shape, &places)
        }
        "GatherND" => {
            call.arity(2, 2)?;
            if call.int("batch_dims", 0)? != 0 {
                return call.refuse("batch_dims", "is not 0");
            }
            let (shape, indices) = ints(call, 1)?;
            let (places, inner) = nd_places(call, &old, &shape, &indices)?;
            let mut made = shape[..shape.len() - 1].to_vec();
            made.extend(&old[old.len() - inner.0..]);
            affordable(&made)?;
            let all: Vec<usize> = places.iter().flat_map(|p| (0..inner.1).map(move |i| p + i)).collect();
            of(&tensor, made, &all)
        }
        _ => {
            return Err(call
                .error("the operator is not supported on constants of whole numbers")
                .hint("constant-fold the model (onnxsim)"));
        }
    })
}

/// Reshape of a constant, which may be empty.
fn reshaped(call: &Call, old: &[usize], allow_zero: bool) -> Result<Vec<usize>> {
    let wanted = call.integers(1)?;
    let empty = old.contains(&0);
    if allow_zero && empty && wanted.iter().all(|&n| n >= 0) {
        return Ok(wanted.iter().map(|&n| n as usize).collect());
    }
    resolve(call, old, &wanted, allow_zero)
}

/// An index that may count from the end.
fn index(call: &Call, value: i64, extent: usize) -> Result<usize> {
    let place = if value < 0 { value.saturating_add(extent as i64) } else { value };
    match usize::try_from(place) {
        Ok(place) if place < extent => Ok(place),
        _ => Err(call.error(format!("the index {value} is out of range of {extent} elements"))),
    }
}

fn gather(call: &mut Call, tensor: &Tensor) -> Result<Tensor> {
    call.arity(2, 2)?;
    let (index_shape, indices) = ints(call, 1)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, tensor.shape.len())?;
    let steps = strides(&tensor.shape);
    let mut shape = tensor.shape[..along].to_vec();
    shape.extend(&index_shape);
    shape.extend(&tensor.shape[along + 1..]);
    affordable(&shape)?;
    let mut offsets: Vec<Vec<usize>> =
        steps.iter().zip(&tensor.shape).map(|(step, &n)| (0..n).map(|i| i * step).collect()).collect();
    let own = indices.iter().map(|&i| Ok(index(call, i, tensor.shape[along])? * steps[along]));
    offsets[along] = own.collect::<Result<_>>()?;
    Ok(of(tensor, shape, &grid(&offsets)))
}

/// Places that the elements of a GatherElements or ScatterElements have: those of their index along an axis.
fn element_places(
    call: &Call,
    old: &[usize],
    shape: &[usize],
    indices: &[i64],
    along: usize,
) -> Result<Vec<usize>> {
    if shape.len() != old.len() || shape.iter().zip(old).enumerate().any(|(a, (n, o))| a != along && n > o) {
        return Err(call.error(format!("indices of {shape:?} do not fit {old:?}")));
    }
    let (steps, own) = (strides(old), strides(shape));
    let place = |(n, &i): (usize, &i64)| {
        let rest: usize =
            (0..shape.len()).filter(|&a| a != along).map(|a| n / own[a] % shape[a] * steps[a]).sum();
        Ok(rest + index(call, i, old[along])? * steps[along])
    };
    indices.iter().enumerate().map(place).collect()
}

/// Places of the slices that rows of indices name; how many axes and elements a slice has.
fn nd_places(
    call: &Call,
    old: &[usize],
    shape: &[usize],
    indices: &[i64],
) -> Result<(Vec<usize>, (usize, usize))> {
    let width = shape.last().copied().unwrap_or(0);
    if width == 0 || width > old.len() {
        return Err(call.error(format!("indices of {shape:?} do not fit {old:?}")));
    }
    let steps = strides(old);
    let place = |row: &[i64]| {
        row.iter().enumerate().map(|(a, &i)| Ok(index(call, i, old[a])? * steps[a])).sum::<Result<usize>>()
    };
    let places = indices.chunks(width).map(place).collect::<Result<_>>()?;
    Ok((places, (old.len() - width, old[width..].iter().product())))
}

/// A tensor with the elements of `updates` at `places`.
fn replaced(call: &Call, tensor: &Tensor, places: &[usize], updates: &Tensor) -> Result<Tensor> {
    if places.len() != updates.len() {
        return Err(call.error(format!("{} updates for {} places", updates.len(), places.len())));
    }
    let mut made = tensor.clone();
    match (&mut made.elements, &updates.elements) {
        (Elements::Floats(to), Elements::Floats(from)) => {
            places.iter().zip(from).for_each(|(&p, &x)| to[p] = x);
        }
        (Elements::Ints(to), Elements::Ints(from)) => {
            places.iter().zip(from).for_each(|(&p, &x)| to[p] = x);
        }
        _ => return Err(call.error("the updates are of another type")),
    }
    Ok(made)
}

fn scatter_nd(call: &mut Call) -> Result<Tensor> {
    call.arity(3, 3)?;
    if call.string("reduction", "none")? != "none" {
        return call.refuse("reduction", "is not \"none\"");
    }
    let (tensor, updates) = (call.constant(0)?, call.constant(2)?);
    let (shape, indices) = ints(call, 1)?;
    let (places, (_, inner)) = nd_places(call, &tensor.shape, &shape, &indices)?;
    let all: Vec<usize> = places.iter().flat_map(|p| (0..inner).map(move |i| p + i)).collect();
    replaced(call, &tensor, &all, &updates)
}

fn scatter_elements(call: &mut Call) -> Result<Tensor> {
    call.arity(3, 3)?;
    if call.string("reduction", "none")? != "none" {
        return call.refuse("reduction", "is not \"none\"");
    }
    let (tensor, updates) = (call.constant(0)?, call.constant(2)?);
    let (shape, indices) = ints(call, 1)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, tensor.shape.len())?;
    let places = element_places(call, &tensor.shape, &shape, &indices, along)?;
    replaced(call, &tensor, &places, &updates)
}

/// Trilu: zeros on one side of a diagonal.
fn triangle(call: &mut Call) -> Result<Tensor> {
    call.arity(1, 2)?;
    let upper = call.flag("upper", true)?;
    let k = if call.has(1) { call.integers(1)?.first().copied().unwrap_or(0) } else { 0 };
    let mut tensor = (*call.constant(0)?).clone();
    let [.., rows, columns] = tensor.shape[..] else {
        return Err(call.error(format!("{:?} is no matrix", tensor.shape)));
    };
    let gone = |n: usize| {
        let (row, column) = ((n / columns % rows) as i64, (n % columns) as i64);
        if upper { column - row < k } else { column - row > k }
    };
    match &mut tensor.elements {
        Elements::Floats(data) => {
            data.iter_mut().enumerate().filter(|(n, _)| gone(*n)).for_each(|(_, x)| *x = 0.0)
        }
        Elements::Ints(data) => {
            data.iter_mut().enumerate().filter(|(n, _)| gone(*n)).for_each(|(_, x)| *x = 0)
        }
    }
    Ok(tensor)
}

/// Joins tensors along an axis.
fn concat(call: &mut Call) -> Result<Tensor> {
    call.arity(1, usize::MAX)?;
    let parts = (0..call.inputs()).map(|i| call.constant(i)).collect::<Result<Vec<_>>>()?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, parts[0].shape.len())?;
    let mut shape = parts[0].shape.clone();
    shape[along] = parts.iter().filter_map(|p| p.shape.get(along)).sum();
    let fits = |p: &Rc<Tensor>| {
        p.shape.len() == shape.len()
            && p.shape.iter().zip(&shape).enumerate().all(|(a, (n, m))| a == along || n == m)
    };
    if !parts.iter().all(fits) {
        return Err(call.error("the shapes of the parts differ"));
    }
    affordable(&shape)?;
    let outer: usize = shape[..along].iter().product();
    let mut data = Vec::new();
    for o in 0..outer {
        for part in &parts {
            let inner: usize = part.shape[along..].iter().product();
            let Elements::Ints(elements) = &part.elements else {
                return Err(call.error("a part holds floats"));
            };
            data.extend(&elements[o * inner..(o + 1) * inner]);
        }
    }
    Ok(Tensor::ints(shape, data))
}

/// Slice, backwards too; bounds are attributes up to opset 9, then inputs. The result may be empty.
fn slice(call: &mut Call, tensor: &Tensor) -> Result<Tensor> {
    let [starts, ends, named, steps] = bounds(call)?;
    let old = &tensor.shape;
    let (Some(starts), Some(ends)) = (starts, ends) else {
        return call.refuse("starts", "or ends is missing");
    };
    let named = match named {
        Some(named) => axes(call, &named, old.len())?,
        None => (0..starts.len()).collect(),
    };
    let given = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), named.len(), given.len()] != [starts.len(); 3] || named.iter().any(|&a| a >= old.len()) {
        return call.refuse("starts", "ends, axes and steps differ in length or exceed the rank");
    }
    let own = strides(old);
    let mut chosen: Vec<Vec<usize>> = old.iter().map(|&n| (0..n).collect()).collect();
    for (i, &a) in named.iter().enumerate() {
        let (n, step) = (old[a] as i128, i128::from(given[i]));
        let clamp = |v: i64, low: i128, high: i128| {
            let v = i128::from(v);
            (if v < 0 { v + n } else { v }).clamp(low, high.max(low))
        };
        let (start, count) = match step {
            0 => return call.refuse("steps", "a step is 0"),
            1.. => {
                let (start, end) = (clamp(starts[i], 0, n), clamp(ends[i], 0, n));
                (start, (end - start + step - 1) / step)
            }
            _ => {
                let (start, end) = (clamp(starts[i], 0, n - 1), clamp(ends[i], -1, n - 1));
                (start, (start - end - step - 1) / -step)
            }
        };
        let count = if n == 0 { 0 } else { count.max(0) };
        chosen[a] = (0..count).map(|i| (start + i * step) as usize).collect();
    }
    let shape = chosen.iter().map(Vec::len).collect();
    let offsets: Vec<Vec<usize>> =
        chosen.iter().zip(&own).map(|(axis, step)| axis.iter().map(|i| i * step).collect()).collect();
    Ok(of(tensor, shape, &grid(&offsets)))
}

/// Split of a constant; the sizes are an attribute up to opset 12, then an input.
pub(super) fn split(call: &mut Call) -> Result<()> {
    call.arity(1, 2)?;
    let tensor = call.constant(0)?;
    let value = call.int("axis", 0)?;
    let along = axis(call, value, tensor.shape.len())?;
    call.ignore("num_outputs");
    let results = call.results();
    let extent = tensor.shape[along];
    let sizes: Vec<usize> = match (call.ints("split")?, call.has(1)) {
        (Some(sizes), _) => sizes.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect(),
        (None, true) => call.integers(1)?.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect(),
        (None, false) => {
            let each = extent.div_ceil(results.max(1));
            (0..results).map(|i| extent.saturating_sub(i * each).min(each)).collect()
        }
    };
    if sizes.len() != results || sizes.iter().try_fold(0usize, |n, &s| n.checked_add(s)) != Some(extent) {
        return call.refuse("split", format!("{sizes:?} does not divide axis {along} of {:?}", tensor.shape));
    }
    let steps = strides(&tensor.shape);
    let mut first = 0;
    for (n, size) in sizes.into_iter().enumerate() {
        if call.wanted(n) {
            let offsets = |(a, &extent): (usize, &usize)| -> Vec<usize> {
                let own = if a == along { first..first + size } else { 0..extent };
                own.map(|i| i * steps[a]).collect()
            };
            let places = grid(&tensor.shape.iter().enumerate().map(offsets).collect::<Vec<_>>());
            let mut shape = tensor.shape.clone();
            shape[along] = size;
            call.alias(Operand::Constant(Rc::new(of(&tensor, shape, &places))))?;
        } else {
            call.skip_result();
        }
        first += size;
    }
    Ok(())
}
