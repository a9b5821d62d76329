//! Functions of elements, reductions and normalisations.

use super::refuse;
use crate::error::Result;
use crate::graph::UnaryKind;

/// Elementwise: the shape stays.
pub(super) fn unary(kind: UnaryKind, x: &[usize]) -> Result<Vec<usize>> {
    if let Some((name, value)) = kind.parameters().into_iter().find(|(_, v)| !v.is_finite()) {
        return refuse(format!("{name} is {value}"));
    }
    if kind == (UnaryKind::Celu { alpha: 0.0 }) {
        return refuse("alpha is 0, which divides");
    }
    Ok(x.to_vec())
}

/// Shape of an elementwise result with numpy broadcasting; `None` where the shapes do not match.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |j| s[j]);
    (0..rank)
        .map(|i| match (extent(a, i), extent(b, i)) {
            (m, n) if m == n || n == 1 => Some(m),
            (1, n) => Some(n),
            _ => None,
        })
        .collect()
}

pub(super) fn reduce(axes: &[usize], keepdims: bool, x: &[usize]) -> Result<Vec<usize>> {
    if !axes.is_sorted_by(|a, b| a < b) || axes.last().is_some_and(|&a| a >= x.len()) {
        return refuse(format!("axes {axes:?} are not ascending axes of {x:?}"));
    }
    let kept = x.iter().enumerate().filter_map(|(i, &n)| match axes.contains(&i) {
        true => keepdims.then_some(1),
        false => Some(n),
    });
    Ok(kept.collect())
}

pub(super) fn top(axis: usize, count: usize, x: &[usize]) -> Result<Vec<usize>> {
    if axis >= x.len() || count == 0 || count > x[axis] {
        return refuse(format!("the {count} first of axis {axis} are not in {x:?}"));
    }
    let mut shape = x.to_vec();
    shape[axis] = count;
    Ok(shape)
}

pub(super) fn batch_normalization(epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("epsilon is {epsilon}"));
    }
    if x.len() < 2 {
        return refuse(format!("the input {x:?} has no channel axis"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != [x[1]]) {
        return refuse(format!("a parameter has shape {p:?}, not [{}]", x[1]));
    }
    Ok(x.to_vec())
}

pub(super) fn layer_normalization(axis: usize, epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if axis >= x.len() || !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("axis {axis} or epsilon {epsilon} is out of range for {x:?}"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != x[axis..]) {
        return refuse(format!("a parameter has shape {p:?}, not {:?}", &x[axis..]));
    }
    Ok(x.to_vec())
}

pub(super) fn instance_normalization(epsilon: f32, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    if x.len() < 3 || !epsilon.is_finite() || epsilon < 0.0 {
        return refuse(format!("{x:?} has no pixels, or epsilon {epsilon} is out of range"));
    }
    if let Some(p) = inputs[1..].iter().find(|p| ***p != [x[1]]) {
        return refuse(format!("a parameter has shape {p:?}, not [{}]", x[1]));
    }
    Ok(x.to_vec())
}
