//! Operators that pick elements of a constant: each names, for every element of its result, the place in the
//! input that it is taken from.

use std::rc::Rc;

use super::super::call::Call;
use super::super::import::Operand;
use super::super::moves::{Taken, axes, gathered_rows, parts, place, taken};
use super::super::scatter::replaced_places;
use super::super::shape::{axis, resolve, squeezed, unsqueezed};
use super::super::tensor::{Tensor, TensorElements};
use super::super::triangle::kept;
use super::{affordable, ints};
use crate::described::{REDUCTION, reduced};
use crate::error::Result;
use crate::graph::broadcast;

/// The elements of a tensor at `places`, in a new shape.
pub(super) fn of(tensor: &Tensor, shape: Vec<usize>, places: &[usize]) -> Tensor {
    let elements = match &tensor.elements {
        TensorElements::Floats(data) => TensorElements::Floats(places.iter().map(|&i| data[i]).collect()),
        TensorElements::Ints(data) => TensorElements::Ints(places.iter().map(|&i| data[i]).collect()),
    };
    Tensor { shape, elements, integer: tensor.integer, four_bits: tensor.four_bits }
}

/// Row-major distances of neighbours along each axis.
pub(in super::super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut all = vec![1; shape.len()];
    for a in (1..shape.len()).rev() {
        all[a - 1] = all[a] * shape[a];
    }
    all
}

/// Flat places of a grid: of each axis the offsets that it adds.
pub(in super::super) fn grid(offsets: &[Vec<usize>]) -> Vec<usize> {
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
        "ScatterND" | "ScatterElements" => return scatter(call),
        "Trilu" => return triangle(call),
        _ => {}
    }
    let tensor = if call.has(0) { call.constant(0)? } else { return Err(call.error("input 0 is left out")) };
    let old = tensor.shape.clone();
    let same = |shape: Vec<usize>| Tensor { shape, ..Tensor::clone(&tensor) };
    Ok(match operator {
        "Squeeze" => same(squeezed(call, &old)?),
        "Unsqueeze" => same(unsqueezed(call, &old)?),
        "Reshape" => {
            call.arity(2)?;
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
            call.arity(2)?;
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
            call.arity(2)?;
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
            call.arity(2)?;
            let (shape, indices) = ints(call, 1)?;
            let value = call.int("axis", 0)?;
            let along = axis(call, value, old.len())?;
            let places = element_places(call, &old, &shape, &indices, along)?;
            of(&tensor, shape, &places)
        }
        "GatherND" => {
            let rows = gathered_rows(call, &old)?;
            let inner = &old[rows.axes..];
            let mut shape = rows.shape.clone();
            shape.extend(inner);
            affordable(&shape)?;
            of(&tensor, shape, &slices(&rows.places, inner))
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

/// [`place`], or a refusal.
fn index(call: &Call, value: i64, extent: usize) -> Result<usize> {
    let out = || call.error(format!("the index {value} is out of range of {extent} elements"));
    place(value, extent).ok_or_else(out)
}

/// Places of all elements of slices of the shape `inner`.
pub(in super::super) fn slices(places: &[usize], inner: &[usize]) -> Vec<usize> {
    let size: usize = inner.iter().product();
    places.iter().flat_map(|row| row * size..(row + 1) * size).collect()
}

fn gather(call: &mut Call, tensor: &Tensor) -> Result<Tensor> {
    call.arity(2)?;
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
pub(in super::super) fn element_places(
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

/// A tensor with what a reduction makes of its elements at `places` and of `updates`.
fn replaced(
    call: &Call,
    tensor: &Tensor,
    places: &[usize],
    updates: &Tensor,
    reduction: &str,
) -> Result<Tensor> {
    fn put<T: Copy>(to: &mut [T], places: &[usize], from: &[T], reduced: impl Fn(T, T) -> T) {
        places.iter().zip(from).for_each(|(&place, &x)| to[place] = reduced(to[place], x));
    }
    let whole = |old: i64, update: i64| match reduction {
        "add" => old.saturating_add(update),
        "mul" => old.saturating_mul(update),
        "max" => old.max(update),
        "min" => old.min(update),
        _ => update,
    };
    if places.len() != updates.len() {
        return Err(call.error(format!("{} updates for {} places", updates.len(), places.len())));
    }
    let mut made = tensor.clone();
    match (&mut made.elements, &updates.elements) {
        (TensorElements::Floats(to), TensorElements::Floats(from)) => {
            put(to, places, from, |old, update| reduced(reduction, old, update));
        }
        (TensorElements::Ints(to), TensorElements::Ints(from)) => put(to, places, from, whole),
        _ => return Err(call.error("the updates are of another type")),
    }
    Ok(made)
}

/// ScatterND and ScatterElements.
fn scatter(call: &mut Call) -> Result<Tensor> {
    call.arity(3)?;
    let (tensor, updates) = (call.constant(0)?, call.constant(2)?);
    let reduction = call.string("reduction", "none")?;
    if !REDUCTION.words.contains(&reduction) {
        return call.refuse("reduction", format!("{reduction:?} is not one of {:?}", REDUCTION.words));
    }
    let places = replaced_places(call, &tensor.shape)?;
    replaced(call, &tensor, &places, &updates, reduction)
}

/// Trilu: zeros on one side of a diagonal.
fn triangle(call: &mut Call) -> Result<Tensor> {
    call.arity(1..=2)?;
    let upper = call.flag("upper", true)?;
    let k = if call.has(1) { call.integers(1)?.first().copied().unwrap_or(0) } else { 0 };
    let mut tensor = (*call.constant(0)?).clone();
    let [.., rows, columns] = tensor.shape[..] else {
        return Err(call.error(format!("{:?} is no matrix", tensor.shape)));
    };
    let gone = |n: usize| !kept(n % (rows * columns), columns, upper, k);
    match &mut tensor.elements {
        TensorElements::Floats(data) => {
            data.iter_mut().enumerate().filter(|(n, _)| gone(*n)).for_each(|(_, x)| *x = 0.0)
        }
        TensorElements::Ints(data) => {
            data.iter_mut().enumerate().filter(|(n, _)| gone(*n)).for_each(|(_, x)| *x = 0)
        }
    }
    Ok(tensor)
}

/// Joins tensors along an axis.
fn concat(call: &mut Call) -> Result<Tensor> {
    call.arity(1..)?;
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
            let TensorElements::Ints(elements) = &part.elements else {
                return Err(call.error("a part holds floats"));
            };
            data.extend(&elements[o * inner..(o + 1) * inner]);
        }
    }
    Ok(Tensor { integer: parts[0].integer, ..Tensor::ints(shape, data) })
}

/// Slice, backwards too. The result may be empty.
fn slice(call: &mut Call, tensor: &Tensor) -> Result<Tensor> {
    let taken = taken(call, &tensor.shape)?;
    let along = |(t, step): (&Taken, usize)| -> Vec<usize> {
        (0..t.count as i64).map(|i| (t.first as i64 + i * t.step) as usize * step).collect()
    };
    let offsets: Vec<Vec<usize>> = taken.iter().zip(strides(&tensor.shape)).map(along).collect();
    Ok(of(tensor, taken.iter().map(|t| t.count).collect(), &grid(&offsets)))
}

/// Split of a constant.
pub(super) fn split(call: &mut Call) -> Result<()> {
    let tensor = call.constant(0)?;
    let (along, sizes) = parts(call, &tensor.shape)?;
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
