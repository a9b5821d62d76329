//! What is known now: operators on constants, computed while importing.
//!
//! Exporters write `Flatten` as Shape, Gather, Concat and Reshape, amounts of padding as a chain of a dozen
//! operators, anchor grids and window masks as Range, Expand and ScatterND. All of it is constant with static
//! shapes. Operators of the graph on floats stay nodes, which simplification folds; here are those on whole numbers
//! and truth values (0 and 1), and those that make or pick elements.

mod make;
pub(super) mod pick;

use std::rc::Rc;

use super::call::Call;
use super::constant;
use super::import::Operand;
use super::tensor::{Tensor, TensorElements};
use crate::error::{Error, Result};
use crate::graph::broadcast;
use crate::memory;

/// Operators that the graph does not have, or not on constants: folded whatever their inputs hold.
const ALWAYS: &[&str] = &[
    "And",
    "ConstantOfShape",
    "CumSum",
    "Equal",
    "EyeLike",
    "GatherElements",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "NonZero",
    "Not",
    "OneHot",
    "Or",
    "Range",
    "ScatterElements",
    "ScatterND",
    "Size",
    "Tile",
    "Trilu",
    "Where",
    "Xor",
];

/// Operators that move elements: of a mask that says minus infinity, which no constant of the graph does, they do it now.
const MOVES: &[&str] =
    &["Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"];

/// Whether there is an operator of that name on constants alone.
pub(super) fn is_known(operator: &str) -> bool {
    ALWAYS.contains(&operator) || operator == "Mod" || make::WINDOWS.contains(&operator)
}

/// Whether a node is computed now: its inputs are constants, and of whole numbers if the graph has the operator.
pub(super) fn applies(call: &Call) -> bool {
    let operator = call.operator();
    if matches!(operator, "Size" | "EyeLike") {
        return true;
    }
    // Branches are read like other nodes; sequences are known whatever they hold.
    if operator == "If" || operator.contains("Sequence") {
        return false;
    }
    call.all_integers()
        || call.all_constants()
            && (ALWAYS.contains(&operator) || MOVES.contains(&operator) && call.is_infinite(0))
}

/// Computes a node whose inputs are constants.
pub(super) fn run(call: &mut Call) -> Result<()> {
    let tensor = match call.operator() {
        "Identity" => return constant::identity(call),
        "Cast" => return constant::cast(call),
        "CastLike" => return constant::cast_like(call),
        "Shape" => return constant::shape(call),
        "Split" => return pick::split(call),
        "Add" => arithmetic(call, i64::checked_add)?,
        "Sub" => arithmetic(call, i64::checked_sub)?,
        "Mul" => arithmetic(call, i64::checked_mul)?,
        "Div" => arithmetic(call, i64::checked_div)?,
        "Pow" => arithmetic(call, |a, b| a.checked_pow(u32::try_from(b).ok()?))?,
        "Mod" => match call.flag("fmod", false)? {
            true => arithmetic(call, i64::checked_rem)?,
            false => arithmetic(call, floored_remainder)?,
        },
        "Min" => many(call, i64::min)?,
        "Max" => many(call, i64::max)?,
        "Neg" => each(call, i64::checked_neg)?,
        "Abs" => each(call, i64::checked_abs)?,
        "Sign" => each(call, |a| Some(a.signum()))?,
        "Not" => each(call, |a| Some(i64::from(a == 0)))?,
        "Clip" => clip(call)?,
        "And" => truth(call, |a, b| a != 0.0 && b != 0.0)?,
        "Or" => truth(call, |a, b| a != 0.0 || b != 0.0)?,
        "Xor" => truth(call, |a, b| (a != 0.0) != (b != 0.0))?,
        "Equal" => truth(call, |a, b| a == b)?,
        "Less" => truth(call, |a, b| a < b)?,
        "LessOrEqual" => truth(call, |a, b| a <= b)?,
        "Greater" => truth(call, |a, b| a > b)?,
        "GreaterOrEqual" => truth(call, |a, b| a >= b)?,
        "Where" => choose(call)?,
        "ReduceSum" => reduce(call, |all| all.iter().try_fold(0i64, |n, &x| n.checked_add(x)))?,
        "ReduceProd" => reduce(call, |all| all.iter().try_fold(1i64, |n, &x| n.checked_mul(x)))?,
        "ReduceMax" => reduce(call, |all| all.iter().copied().max())?,
        "ReduceMin" => reduce(call, |all| all.iter().copied().min())?,
        operator => match make::made(call, operator)? {
            Some(tensor) => tensor,
            None => pick::picked(call, operator)?,
        },
    };
    finish(call, tensor)
}

/// Whole numbers of the type that `input` has, which must hold them: the standard's wrap around, which nobody means.
fn typed(call: &Call, input: usize, shape: Vec<usize>, data: Vec<i64>) -> Result<Tensor> {
    let integer = call.constant(input)?.integer;
    if let Some(integer) = integer {
        let (low, high) = integer.range();
        if let Some(outside) = data.iter().find(|x| !(low..=high).contains(*x)) {
            return Err(call.error(format!("the result {outside} is no {} number", integer.name())));
        }
    }
    Ok(Tensor { integer, ..Tensor::ints(shape, data) })
}

/// Binds what was computed, if it has the size that its shape says and memory for it.
fn finish(call: &mut Call, tensor: Tensor) -> Result<()> {
    let total = tensor.shape.iter().try_fold(1, |n: usize, &e| n.checked_mul(e));
    if total != Some(tensor.len()) {
        return Err(call.error(format!("{} elements do not fill {:?}", tensor.len(), tensor.shape)));
    }
    call.alias(Operand::Constant(Rc::new(tensor)))
}

/// Refuses constants that memory does not hold, before they are made. An empty one counts as if its empty axes were
/// not: places along the others are made all the same.
fn affordable(shape: &[usize]) -> Result<usize> {
    let places = shape.iter().try_fold(1usize, |n, &e| n.checked_mul(e.max(1)));
    let bytes = places.and_then(|n| u64::try_from(n).ok()?.checked_mul(16)).unwrap_or(u64::MAX);
    memory::check(bytes, "the constant")?;
    Ok(shape.iter().fold(1, |n: usize, &e| n.saturating_mul(e)))
}

fn overflow(call: &Call) -> Error {
    call.error("the integer arithmetic overflows or divides by zero")
}

/// Whole numbers of an input.
fn ints(call: &Call, input: usize) -> Result<(Vec<usize>, Vec<i64>)> {
    call.integer_tensor(input)
}

/// The common shape of some inputs, and of each the flat places that its elements take in it.
fn spread(call: &Call, shapes: &[&[usize]]) -> Result<(Vec<usize>, Vec<Vec<usize>>)> {
    let mut all: Vec<usize> = vec![];
    for shape in shapes {
        all = broadcast(&all, shape)
            .ok_or_else(|| call.error(format!("the shapes {shapes:?} do not broadcast")))?;
    }
    affordable(&all)?;
    let places = shapes.iter().map(|shape| pick::broadcast_places(shape, &all)).collect();
    Ok((all, places))
}

/// Elementwise arithmetic of two operands.
fn arithmetic(call: &Call, f: fn(i64, i64) -> Option<i64>) -> Result<Tensor> {
    call.arity(2)?;
    let ((a_shape, a), (b_shape, b)) = (ints(call, 0)?, ints(call, 1)?);
    let (shape, places) = spread(call, &[&a_shape, &b_shape])?;
    let pairs = places[0].iter().zip(&places[1]);
    let data: Option<Vec<i64>> = pairs.map(|(&i, &j)| f(a[i], b[j])).collect();
    typed(call, 0, shape, data.ok_or_else(|| overflow(call))?)
}

/// The same of any number of operands.
fn many(call: &Call, f: fn(i64, i64) -> i64) -> Result<Tensor> {
    call.arity(1..)?;
    let (mut shape, mut data) = ints(call, 0)?;
    for input in 1..call.inputs() {
        let (other_shape, other) = ints(call, input)?;
        let (joined, places) = spread(call, &[&shape, &other_shape])?;
        data = places[0].iter().zip(&places[1]).map(|(&i, &j)| f(data[i], other[j])).collect();
        shape = joined;
    }
    typed(call, 0, shape, data)
}

/// A function of each element.
fn each(call: &Call, f: fn(i64) -> Option<i64>) -> Result<Tensor> {
    call.arity(1)?;
    let (shape, data) = ints(call, 0)?;
    let data: Option<Vec<i64>> = data.into_iter().map(f).collect();
    typed(call, 0, shape, data.ok_or_else(|| overflow(call))?)
}

/// Clip of whole numbers, of their type.
fn clip(call: &Call) -> Result<Tensor> {
    call.arity(1..=3)?;
    let (shape, mut data) = ints(call, 0)?;
    for (input, bound) in [(1, i64::max as fn(i64, i64) -> i64), (2, i64::min)] {
        if call.has(input) {
            let (_, limit) = ints(call, input)?;
            let [limit] = limit[..] else {
                return Err(call.error(format!("input {input} must be one number")));
            };
            data.iter_mut().for_each(|x| *x = bound(*x, limit));
        }
    }
    typed(call, 0, shape, data)
}

/// A comparison, or logic: 0 or 1 of two operands. Whole numbers up to 2^53 are compared exactly.
fn truth(call: &Call, f: fn(f64, f64) -> bool) -> Result<Tensor> {
    call.arity(2)?;
    let (a, b) = (call.constant(0)?, call.constant(1)?);
    let (shape, places) = spread(call, &[&a.shape, &b.shape])?;
    let pairs = places[0].iter().zip(&places[1]);
    let data = pairs.map(|(&i, &j)| i64::from(f(a.number(i), b.number(j)))).collect();
    Ok(Tensor::ints(shape, data))
}

/// Where: elements of the second or the third input.
fn choose(call: &Call) -> Result<Tensor> {
    call.arity(3)?;
    let [condition, yes, no] = [call.constant(0)?, call.constant(1)?, call.constant(2)?];
    let (shape, places) = spread(call, &[&condition.shape, &yes.shape, &no.shape])?;
    fn mixed<T: Copy>(first: &[bool], [yes, no]: [&[T]; 2], places: &[Vec<usize>]) -> Vec<T> {
        let one = |(n, &first): (usize, &bool)| if first { yes[places[1][n]] } else { no[places[2][n]] };
        first.iter().enumerate().map(one).collect()
    }
    let first: Vec<bool> = places[0].iter().map(|&place| condition.number(place) != 0.0).collect();
    match (&yes.elements, &no.elements) {
        (TensorElements::Floats(yes), TensorElements::Floats(no)) => {
            Ok(Tensor::floats(shape, mixed(&first, [yes, no], &places)))
        }
        (TensorElements::Ints(a), TensorElements::Ints(b)) => {
            Ok(Tensor { integer: yes.integer, ..Tensor::ints(shape, mixed(&first, [a, b], &places)) })
        }
        _ => Err(call.error("the choices are of different types")),
    }
}

/// A reduction of whole numbers over axes, which are an attribute or an input.
fn reduce(call: &mut Call, f: fn(&[i64]) -> Option<i64>) -> Result<Tensor> {
    call.arity(1..=2)?;
    let (shape, data) = ints(call, 0)?;
    let keepdims = call.flag("keepdims", true)?;
    let noop = call.flag("noop_with_empty_axes", false)?;
    let given = match call.ints("axes")? {
        Some(axes) => Some(axes.to_vec()),
        None if call.has(1) => Some(call.integers(1)?),
        None => None,
    };
    let given = given.filter(|axes| !axes.is_empty());
    if noop && given.is_none() {
        return typed(call, 0, shape, data);
    }
    let axes = match given {
        Some(values) => super::moves::axes(call, &values, shape.len())?,
        None => (0..shape.len()).collect(),
    };
    let (kept, places) = pick::groups(&shape, &axes);
    let data: Option<Vec<i64>> =
        places.iter().map(|group| f(&group.iter().map(|&i| data[i]).collect::<Vec<_>>())).collect();
    let shape = match keepdims {
        true => shape.iter().enumerate().map(|(a, &n)| if axes.contains(&a) { 1 } else { n }).collect(),
        false => kept,
    };
    typed(call, 0, shape, data.ok_or_else(|| overflow(call))?)
}

/// The remainder with the sign of the divisor.
fn floored_remainder(a: i64, b: i64) -> Option<i64> {
    let rest = a.checked_rem(b)?;
    Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}
