//! Operands in the order of axes that an operator wants.

use std::rc::Rc;

use super::array::{Elements, NdArray};
use super::lower::Lower;
use super::operand::{Constant, Lying, Operand, inverse, straight, transposed};
use crate::error::{Error, Result};
use crate::graph::{Op, ValueId};

impl Lower<'_> {
    /// The extents of a tensor in the order of the text.
    ///
    /// # Errors
    /// An operand that is no tensor.
    pub fn shape(&self, operand: &Operand) -> Result<Vec<usize>> {
        match operand {
            Operand::Value(lying) | Operand::Real(lying) => {
                let shape = self.graph.shape(lying.id);
                Ok(lying.order.iter().map(|&axis| shape[axis]).collect())
            }
            Operand::Constant(constant) => Ok(constant.array.shape.clone()),
            Operand::Tuple(_) => Err(Error::new("import", "a tuple is given where a tensor is wanted")),
            _ => Err(Error::new("import", "a function is given where a tensor is wanted")),
        }
    }

    /// The graph's value of a tensor with its axes as the text has them.
    ///
    /// # Errors
    /// An operand that is no float tensor.
    pub fn plain(&mut self, operand: &Operand, name: &str) -> Result<ValueId> {
        let rank = self.shape(operand)?.len();
        self.arranged(operand, &straight(rank), name)
    }

    /// The graph's value whose axis `j` is axis `want[j]` of the text; a constant is moved now, anything
    /// else by a Transpose called after `name`.
    ///
    /// # Errors
    /// An operand that is no float tensor.
    pub fn arranged(&mut self, operand: &Operand, want: &[usize], name: &str) -> Result<ValueId> {
        match operand {
            Operand::Value(lying) | Operand::Real(lying) => {
                let perm: Vec<usize> = want.iter().map(|&axis| lying.order[axis]).collect();
                if perm.is_sorted() {
                    return Ok(lying.id);
                }
                if let Some(&id) = self.turned.get(&(lying.id, perm.clone())) {
                    return Ok(id);
                }
                let op = Op::Transpose { perm: perm.clone() };
                let id = self.graph.node(format!("{name}/transpose"), op, &[lying.id])?;
                self.turned.insert((lying.id, perm), id);
                Ok(id)
            }
            Operand::Constant(constant) if want.is_sorted() => self.intern(constant),
            Operand::Constant(constant) => {
                let Elements::Floats(data) = &constant.array.elements else {
                    return integers(constant);
                };
                let (shape, data) = transposed(data, &constant.array.shape, want);
                self.graph.constant(constant.name.borrow().as_str(), &shape, data)
            }
            _ => self.shape(operand).map(|_| unreachable!("shape refuses what is no tensor")),
        }
    }

    /// The graph's value of a constant as it stands in the text.
    ///
    /// # Errors
    /// Integers, infinities, NaN and extents of zero.
    pub fn intern(&mut self, constant: &Rc<Constant>) -> Result<ValueId> {
        if let Some(id) = constant.interned.get() {
            return Ok(id);
        }
        let Elements::Floats(_) = &constant.array.elements else {
            return integers(constant);
        };
        self.intern_numbers(constant)
    }

    /// As [`Lower::intern`], of whole numbers too.
    ///
    /// # Errors
    /// Infinities, NaN and extents of zero.
    pub fn intern_numbers(&mut self, constant: &Constant) -> Result<ValueId> {
        if let Some(id) = constant.interned.get() {
            return Ok(id);
        }
        let name = constant.name.borrow().clone();
        let id = self.graph.constant(name, &constant.array.shape, constant.array.to_floats())?;
        constant.interned.set(Some(id));
        Ok(id)
    }

    /// A constant with another shape but the same elements.
    ///
    /// # Errors
    /// Integers, and elements that do not fit.
    pub fn reshaped(&mut self, constant: &Rc<Constant>, shape: &[usize]) -> Result<ValueId> {
        if constant.array.shape == shape {
            return self.intern(constant);
        }
        let Elements::Floats(data) = &constant.array.elements else {
            return integers(constant);
        };
        let name = constant.name.borrow().clone();
        self.graph.constant(name, shape, data.clone())
    }
}

fn integers<T>(constant: &Constant) -> Result<T> {
    let error =
        Error::new("import", format!("a constant of type {} is read as float32", constant.array.dtype));
    Err(error.hint("store the constant as float32, or cast it: cast(%x, dtype=\"float32\")"))
}

/// A result whose axis `j` in the graph is axis `have[j]` of the text.
pub(super) fn lying(id: ValueId, have: &[usize]) -> Operand {
    Operand::Value(Lying { id, order: inverse(have).into() })
}

/// A tensor with its axes as the text has them.
pub(super) fn upright(id: ValueId, rank: usize) -> Operand {
    Operand::Value(Lying { id, order: straight(rank) })
}

/// A nameless constant.
pub(super) fn constant(array: NdArray) -> Operand {
    Operand::Constant(Constant::new("", array))
}
