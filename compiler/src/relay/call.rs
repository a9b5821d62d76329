//! A call of an operator: its operands, and its attributes, each of which is taken once.

use super::arrange::upright;
use super::array::Elements;
use super::lower::Lower;
use super::meta::ATTRIBUTES;
use super::operand::{Constant, Operand};
use super::syntax::Literal;
use crate::error::{Error, Result};
use crate::graph::{Op, ValueId};
use std::rc::Rc;

/// Attributes that schedule or annotate and do not change what an operator computes.
const SILENT: [&str; 4] =
    ["auto_scheduler_rewritten_layout", "meta_schedule_original_shape", "on_device", "span"];

/// One call.
pub(super) struct OperatorCall<'l, 'a> {
    pub lower: &'l mut Lower<'a>,
    pub operator: &'l str,
    /// Name of the node; empty where the text gives none.
    pub name: &'l str,
    pub arguments: Vec<Operand>,
    attributes: Vec<(String, Literal)>,
}

/// A refusal that the dispatcher gives its place.
pub(super) fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

impl<'l, 'a> OperatorCall<'l, 'a> {
    pub fn new(
        lower: &'l mut Lower<'a>,
        operator: &'l str,
        name: &'l str,
        arguments: Vec<Operand>,
        attributes: Vec<(String, Literal)>,
    ) -> OperatorCall<'l, 'a> {
        OperatorCall { lower, operator, name, arguments, attributes }
    }

    /// Refuses attributes that nobody asked for.
    pub fn finish(&self) -> Result<()> {
        let said =
            |(key, value): &&(String, Literal)| !SILENT.contains(&key.as_str()) && *value != Literal::None;
        match self.attributes.iter().find(said) {
            None => Ok(()),
            Some((_, Literal::Meta(key))) if key.starts_with(ATTRIBUTES) => Err(Error::new(
                "import",
                format!("its attributes are kept in the metadata as {key}, which are not known"),
            )
            .hint("express the operator by others")),
            Some((key, _)) => Err(Error::new("import", "the operator has no such attribute here")
                .attribute(key)
                .hint("remove the attribute, or express the operator by others")),
        }
    }

    /// Refuses another number of operands.
    pub fn operands(&self, count: usize) -> Result<()> {
        let given = self.arguments.len();
        if given == count { Ok(()) } else { refuse(format!("has {given} operands, needs {count}")) }
    }

    /// Extents of an operand in the order of the text.
    pub fn shape(&self, index: usize) -> Result<Vec<usize>> {
        match self.arguments.get(index) {
            Some(operand) => self.lower.shape(operand),
            None => refuse(format!("has {} operands, needs {}", self.arguments.len(), index + 1)),
        }
    }

    /// The graph's value of an operand with its axes as the text has them.
    pub fn plain(&mut self, index: usize) -> Result<ValueId> {
        self.shape(index)?;
        let operand = self.arguments[index].clone();
        self.lower.plain(&operand, self.name)
    }

    /// The graph's value of an operand with its axes as an operator wants them.
    pub fn arranged(&mut self, index: usize, want: &[usize]) -> Result<ValueId> {
        if self.shape(index)?.len() != want.len() {
            return refuse(format!(
                "operand {index} has shape {:?}, not {} axes",
                self.shape(index)?,
                want.len()
            ));
        }
        let operand = self.arguments[index].clone();
        self.lower.arranged(&operand, want, self.name)
    }

    /// An operand that must be a constant, or computed of constants.
    pub fn constant(&mut self, index: usize) -> Result<Rc<Constant>> {
        if let Some(Operand::Value(x)) = self.arguments.get(index)
            && let Some(constant) = self.lower.evaluated(&x.clone())?
        {
            return Ok(constant);
        }
        match self.arguments.get(index) {
            Some(Operand::Constant(constant)) => Ok(constant.clone()),
            Some(_) => Err(Error::new("import", format!("operand {index} must be a constant"))
                .hint("bind the parameters: relay.build_module.bind_params_by_name, then fold constants")),
            None => refuse(format!("operand {index} is missing")),
        }
    }

    /// An operand that must be a scalar constant.
    pub fn scalar(&mut self, index: usize) -> Result<f32> {
        match self.constant(index)?.scalar() {
            Some(value) => Ok(value),
            None => refuse(format!("operand {index} must be a scalar")),
        }
    }

    /// The integers of an operand that must be a constant.
    pub fn integers(&mut self, index: usize) -> Result<(Vec<usize>, Vec<i64>)> {
        let constant = self.constant(index)?;
        match &constant.array.elements {
            Elements::Integers(data) => Ok((constant.array.shape.clone(), data.clone())),
            Elements::Floats(_) => refuse(format!("operand {index} must hold integers")),
        }
    }

    /// Adds the call's node.
    pub fn node(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        self.lower.graph.node(self.name, op, inputs)
    }

    /// Adds one of several nodes that the call becomes.
    pub fn part(&mut self, part: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        let name = if self.name.is_empty() { String::new() } else { format!("{}/{part}", self.name) };
        self.lower.graph.node(name, op, inputs)
    }

    /// Adds the call's node, whose axes lie as the text has them.
    pub fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Result<Operand> {
        let id = self.node(op, inputs)?;
        Ok(upright(id, self.lower.graph.shape(id).len()))
    }

    /// Adds a Reshape of an operand.
    pub fn reshape(&mut self, index: usize, shape: &[usize]) -> Result<Operand> {
        let x = self.plain(index)?;
        let id = self.lower.graph.reshape(self.name, x, shape)?;
        Ok(upright(id, shape.len()))
    }

    fn take(&mut self, key: &str) -> Option<Literal> {
        let at = self.attributes.iter().position(|(k, _)| k == key)?;
        Some(self.attributes.remove(at).1)
    }

    /// Whether an attribute is given.
    pub fn has(&self, key: &str) -> bool {
        self.attributes.iter().any(|(k, value)| k == key && *value != Literal::None)
    }

    /// An attribute that stays to be taken.
    pub fn peek(&self, key: &str) -> Option<Literal> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone())
    }

    /// Puts an attribute back.
    pub fn put(&mut self, key: &str, value: Literal) {
        self.attributes.push((key.to_owned(), value));
    }

    /// An attribute as it stands, `None` where it is absent or `None`.
    pub fn attribute(&mut self, key: &str) -> Option<Literal> {
        self.take(key).filter(|value| *value != Literal::None)
    }

    fn wrong<T>(&self, key: &str, wanted: &str) -> Result<T> {
        Err(Error::new("import", format!("must be {wanted}")).attribute(key))
    }

    /// An integer, `None` where it is absent.
    pub fn integer(&mut self, key: &str) -> Result<Option<i64>> {
        match self.attribute(key) {
            None => Ok(None),
            Some(Literal::Integer(value)) => Ok(Some(value)),
            Some(Literal::Bool(value)) => Ok(Some(i64::from(value))),
            Some(Literal::List(list)) => match list[..] {
                [Literal::Integer(value)] => Ok(Some(value)),
                _ => self.wrong(key, "an integer"),
            },
            Some(_) => self.wrong(key, "an integer"),
        }
    }

    /// A list of integers; a single one is a list of one. `None` where it is absent.
    pub fn list(&mut self, key: &str) -> Result<Option<Vec<i64>>> {
        match self.attribute(key) {
            None => Ok(None),
            Some(Literal::Integer(value)) => Ok(Some(vec![value])),
            Some(Literal::List(list)) => {
                let integers = list.iter().map(|item| match item {
                    Literal::Integer(value) => Ok(*value),
                    _ => self.wrong(key, "a list of integers"),
                });
                integers.collect::<Result<_>>().map(Some)
            }
            Some(_) => self.wrong(key, "a list of integers"),
        }
    }

    /// A list of extents or amounts that are not negative.
    pub fn sizes(&mut self, key: &str) -> Result<Option<Vec<usize>>> {
        let Some(list) = self.list(key)? else {
            return Ok(None);
        };
        let sizes: std::result::Result<_, _> = list.into_iter().map(usize::try_from).collect();
        match sizes {
            Ok(sizes) => Ok(Some(sizes)),
            Err(_) => self.wrong(key, "a list of numbers that are not negative"),
        }
    }

    /// Two numbers: one counts for both.
    pub fn pair(&mut self, key: &str, default: usize) -> Result<[usize; 2]> {
        match self.sizes(key)?.as_deref() {
            None => Ok([default; 2]),
            Some(&[both]) => Ok([both; 2]),
            Some(&[y, x]) => Ok([y, x]),
            Some(_) => self.wrong(key, "one or two numbers"),
        }
    }

    /// A float with a default.
    pub fn float(&mut self, key: &str, default: f32) -> Result<f32> {
        match self.attribute(key) {
            None => Ok(default),
            Some(Literal::Float(value)) => Ok(value as f32),
            Some(Literal::Integer(value)) => Ok(value as f32),
            Some(_) => self.wrong(key, "a number"),
        }
    }

    /// A truth value with a default.
    pub fn flag(&mut self, key: &str, default: bool) -> Result<bool> {
        match self.attribute(key) {
            None => Ok(default),
            Some(Literal::Bool(value)) => Ok(value),
            Some(Literal::Integer(value)) => Ok(value != 0),
            Some(_) => self.wrong(key, "True or False"),
        }
    }

    /// A string with a default.
    pub fn text(&mut self, key: &str, default: &str) -> Result<String> {
        match self.attribute(key) {
            None => Ok(default.to_owned()),
            Some(Literal::Text(value)) => Ok(value),
            Some(_) => self.wrong(key, "a string"),
        }
    }

    /// An axis of a tensor with `rank` axes; negative ones count from the end.
    pub fn axis(&mut self, key: &str, default: i64, rank: usize) -> Result<usize> {
        let axis = self.integer(key)?.unwrap_or(default);
        match resolve(axis, rank) {
            Some(axis) => Ok(axis),
            None => Err(Error::new("import", format!("{axis} is not an axis of {rank}")).attribute(key)),
        }
    }

    /// Refuses an element type of the result other than float32.
    pub fn float_result(&mut self) -> Result<()> {
        let dtype = self.text("out_dtype", "")?;
        if matches!(dtype.as_str(), "" | "float32" | "void") {
            return Ok(());
        }
        Err(Error::new("import", format!("the result has type {dtype}"))
            .attribute("out_dtype")
            .hint("float32, or the operators of the qnn dialect for integers"))
    }

    /// All attributes that are left, for operators of this project's own.
    pub fn rest(&mut self) -> Vec<(String, Literal)> {
        std::mem::take(&mut self.attributes)
    }
}

/// An axis counted from the front.
pub(super) fn resolve(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis + rank } else { axis };
    usize::try_from(axis).ok().filter(|_| axis < rank)
}
