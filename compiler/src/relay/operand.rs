//! What an expression stands for while a text becomes a graph, and in which order its axes lie.
//!
//! The graph is NCHW, a text may be NHWC. Instead of a Transpose around each convolution, a tensor
//! remembers where its axes went: elementwise operators and reductions work on the axes as they lie,
//! and a Transpose appears only where an operator depends on the order, at the interface mostly.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::array::{Elements, NdArray};
use super::meta::KeptAttributes;
use super::syntax::Bound;
use crate::graph::ValueId;

/// The meaning of an expression.
#[derive(Clone)]
pub(super) enum Operand {
    /// A value of the graph.
    Value(Lying),
    /// A value of the graph that stands for whole numbers, taken as real ones.
    Real(Lying),
    /// A tensor known now; it enters the graph when a node reads it.
    Constant(Rc<Constant>),
    /// A tuple.
    Tuple(Rc<Vec<Operand>>),
    /// A function and the names that it sees.
    Function(usize, Rc<Scope>),
    /// An operator by name.
    Operator(Rc<str>),
    /// Attributes of the call that they are given to, kept in the metadata.
    Attributes(Rc<KeptAttributes>),
}

/// A value of the graph and where the axes of the text's tensor lie in it.
#[derive(Clone)]
pub(super) struct Lying {
    pub id: ValueId,
    /// Axis `i` of the text is axis `order[i]` of the graph's value.
    pub order: Rc<[usize]>,
}

/// A constant of the text.
pub(super) struct Constant {
    pub name: RefCell<String>,
    pub array: NdArray,
    /// The graph's value once a node has read it.
    pub interned: Cell<Option<ValueId>>,
}

/// Names and what they stand for, innermost first.
#[derive(Default)]
pub(super) struct Scope {
    pub outer: Option<Rc<Scope>>,
    pub names: RefCell<HashMap<Bound, Operand>>,
}

impl Scope {
    /// A scope within another.
    pub fn inside(outer: &Rc<Scope>) -> Rc<Scope> {
        Rc::new(Scope { outer: Some(outer.clone()), names: RefCell::default() })
    }

    /// What a name stands for.
    pub fn find(&self, target: &Bound) -> Option<Operand> {
        let mut scope = self;
        loop {
            if let Some(found) = scope.names.borrow().get(target) {
                return Some(found.clone());
            }
            scope = scope.outer.as_deref()?;
        }
    }

    /// Gives a name its meaning; a later binding hides an earlier one.
    pub fn bind(&self, target: Bound, operand: Operand) {
        self.names.borrow_mut().insert(target, operand);
    }
}

impl Constant {
    /// A constant that no node has read yet.
    pub fn new(name: &str, array: NdArray) -> Rc<Constant> {
        Rc::new(Constant { name: RefCell::new(name.to_owned()), array, interned: Cell::new(None) })
    }

    /// Whether it holds whole numbers that float32 holds too.
    pub fn is_whole(&self) -> bool {
        match &self.array.elements {
            Elements::Floats(_) => false,
            Elements::Integers(data) => data.iter().all(|n| n.unsigned_abs() <= 1 << 24),
        }
    }

    /// The only element, if there is one.
    pub fn scalar(&self) -> Option<f32> {
        match &self.array.elements {
            Elements::Floats(data) if data.len() == 1 => Some(data[0]),
            Elements::Integers(data) if data.len() == 1 => Some(data[0] as f32),
            _ => None,
        }
    }
}

/// The order of a tensor whose axes lie as the text has them.
pub(super) fn straight(rank: usize) -> Rc<[usize]> {
    (0..rank).collect()
}

/// The permutation that undoes another.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (i, &o) in order.iter().enumerate() {
        inverse[o] = i;
    }
    inverse
}

/// Transposed elements: axis `i` of the result is axis `perm[i]`.
pub(super) fn transposed<T: Copy>(data: &[T], shape: &[usize], perm: &[usize]) -> (Vec<usize>, Vec<T>) {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    let extents: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
    let steps: Vec<usize> = perm.iter().map(|&p| strides[p]).collect();
    let mut index = vec![0; extents.len()];
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    for _ in 0..data.len() {
        out.push(data[at]);
        for axis in (0..extents.len()).rev() {
            index[axis] += 1;
            at += steps[axis];
            if index[axis] < extents[axis] {
                break;
            }
            at -= steps[axis] * extents[axis];
            index[axis] = 0;
        }
    }
    (extents, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_by_hand() {
        let (shape, data) = transposed(&[1, 2, 3, 4, 5, 6], &[2, 3], &[1, 0]);
        assert_eq!((shape, data), (vec![3, 2], vec![1, 4, 2, 5, 3, 6]));
        let (shape, data) = transposed(&[0, 1, 2, 3, 4, 5, 6, 7], &[2, 1, 2, 2], &[0, 3, 1, 2]);
        assert_eq!((shape, data), (vec![2, 2, 1, 2], vec![0, 2, 1, 3, 4, 6, 5, 7]));
        assert_eq!(transposed(&[9], &[], &[]), (vec![], vec![9]));
        assert_eq!(inverse(&[0, 2, 3, 1]), [0, 3, 1, 2]);
    }
}
