//! Operators that are kept as ONNX defines them, for the host, each described once: what it reads, the shape of its
//! result, its value. Import, text, inference, the float reference, export and the table of operators follow from the
//! description, so an operator here is a file and a line in [`ALL`].

mod deform_conv;
mod det;
mod gather_nd;
mod grid_sample;
mod max_roi_pool;
mod reverse_sequence;
mod roi_align;
mod scatter_elements;
mod scatter_nd;

pub(crate) use scatter_elements::{REDUCTION, reduced};

use crate::error::{Error, Result};
use ndarray::{ArrayD, ArrayViewD};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;

/// Every description.
pub static ALL: &[&Descriptor] = &[
    &deform_conv::DESCRIPTOR,
    &det::DESCRIPTOR,
    &gather_nd::DESCRIPTOR,
    &grid_sample::DESCRIPTOR,
    &max_roi_pool::DESCRIPTOR,
    &reverse_sequence::DESCRIPTOR,
    &roi_align::DESCRIPTOR,
    &scatter_elements::DESCRIPTOR,
    &scatter_nd::DESCRIPTOR,
];

/// From the shapes of the inputs to that of the result.
pub type ShapeRule = fn(&Described, &[&[usize]]) -> Result<Vec<usize>>;
/// From the inputs and the shape of the result to the result.
pub type ValueRule = fn(&Described, &[ArrayViewD<f32>], &[usize]) -> ArrayD<f32>;

/// What an operator is.
#[derive(Debug)]
pub struct Descriptor {
    /// Name in ONNX.
    pub name: &'static str,
    /// Name in the text form.
    pub text: &'static str,
    /// In the order of the text form.
    pub attributes: &'static [Attribute],
    /// How many inputs it has.
    pub inputs: RangeInclusive<usize>,
    /// The inputs that hold whole numbers, int64 in ONNX.
    pub whole: &'static [usize],
    /// Whether the smallest change of an input may change a result by more: a choice of elements, a place made whole.
    pub steps: fn(&Described) -> bool,
    /// What the table of operators says of it.
    pub limits: &'static str,
    /// The shape of an optional input that is left out before one that is given, from the shapes of those before it:
    /// zeros stand for it.
    pub absent: fn(&[&[usize]]) -> Vec<usize>,
    /// The shape of the result.
    pub shape: ShapeRule,
    /// The result, of that shape.
    pub value: ValueRule,
}

/// An attribute of a described operator.
#[derive(Debug)]
pub struct Attribute {
    /// Name, in ONNX and in the text form.
    pub name: &'static str,
    /// What it is where it is left out, from which opset on, ascending.
    pub defaults: &'static [(i64, AttributeValue)],
    /// The words that it may be, where it is one.
    pub words: &'static [&'static str],
    /// What words are called that had other names in earlier opsets: former name, name.
    pub former: &'static [(&'static str, &'static str)],
}

impl Attribute {
    /// One that is the same in all opsets and no word.
    const fn new(name: &'static str, defaults: &'static [(i64, AttributeValue)]) -> Attribute {
        Attribute { name, defaults, words: &[], former: &[] }
    }

    /// What it is in an opset where it is left out.
    pub fn default(&self, opset: i64) -> &'static AttributeValue {
        let later = self.defaults.iter().skip(1).rev().find(|(since, _)| *since <= opset);
        &later.unwrap_or(&self.defaults[0]).1
    }
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum AttributeValue {
    /// A whole number.
    Integer(i64),
    /// A real number.
    Real(f32),
    /// One of the attribute's words.
    Word(Cow<'static, str>),
    /// Whole numbers.
    Integers(Cow<'static, [i64]>),
}

impl AttributeValue {
    /// Whether it says nothing: an empty list stands for an attribute without a value.
    pub fn is_left_out(&self) -> bool {
        matches!(self, AttributeValue::Integers(list) if list.is_empty())
    }
}

impl Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttributeValue::Integer(i) => write!(f, "{i}"),
            AttributeValue::Real(x) => write!(f, "{x:?}"),
            AttributeValue::Word(word) => f.write_str(word),
            AttributeValue::Integers(list) => write!(f, "{list:?}"),
        }
    }
}

/// A described operator with its attributes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Described {
    /// What it is.
    pub descriptor: &'static Descriptor,
    values: Vec<AttributeValue>,
}

impl PartialEq for Described {
    fn eq(&self, other: &Described) -> bool {
        self.descriptor.name == other.descriptor.name && self.values == other.values
    }
}

impl Described {
    /// An operator whose attributes are `value` of each of the descriptor's, in order.
    ///
    /// # Errors
    /// One that is of another kind than its default, or a word that is not known.
    pub fn new(
        descriptor: &'static Descriptor,
        mut value: impl FnMut(&'static Attribute) -> Result<AttributeValue>,
    ) -> Result<Described> {
        let checked = |attribute: &'static Attribute| {
            let mut value = value(attribute)?;
            if let AttributeValue::Word(word) = &mut value
                && let Some((_, name)) = attribute.former.iter().find(|(former, _)| former == word)
            {
                *word = Cow::Borrowed(name);
            }
            let alike = std::mem::discriminant(&value) == std::mem::discriminant(&attribute.defaults[0].1);
            match &value {
                AttributeValue::Word(word) if !attribute.words.contains(&word.as_ref()) => {
                    let message = format!("{word:?} is not one of {:?}", attribute.words);
                    Err(Error::new("graph", message).attribute(attribute.name))
                }
                _ if !alike => Err(Error::new("graph", "is of another kind").attribute(attribute.name)),
                _ => Ok(value),
            }
        };
        let values = descriptor.attributes.iter().map(checked).collect::<Result<_>>()?;
        Ok(Described { descriptor, values })
    }

    /// The operator of a name in ONNX with the values of its attributes, in order.
    ///
    /// # Errors
    /// As [`Described::new`].
    ///
    /// # Panics
    /// One that is not described, or that has more attributes.
    pub fn of(name: &str, values: impl IntoIterator<Item = AttributeValue>) -> Result<Described> {
        let mut values = values.into_iter();
        let descriptor = named(name).expect("the operator is described");
        Described::new(descriptor, |_| Ok(values.next().expect("each attribute has a value")))
    }

    /// The attributes with their names, in order.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &AttributeValue)> {
        self.descriptor.attributes.iter().map(|a| a.name).zip(&self.values)
    }

    fn value(&self, name: &str) -> &AttributeValue {
        let found = self.attributes().find(|(own, _)| *own == name);
        found.expect("descriptions ask for their own attributes").1
    }

    fn integer(&self, name: &str) -> i64 {
        let AttributeValue::Integer(i) = self.value(name) else { unreachable!("{name} is no integer") };
        *i
    }

    fn real(&self, name: &str) -> f32 {
        let AttributeValue::Real(x) = self.value(name) else { unreachable!("{name} is no real number") };
        *x
    }

    /// An attribute that is a word.
    ///
    /// # Panics
    /// One that the operator does not have, or that is of another kind.
    pub fn word(&self, name: &str) -> &str {
        let AttributeValue::Word(word) = self.value(name) else { unreachable!("{name} is no word") };
        word
    }

    fn integers(&self, name: &str) -> &[i64] {
        let AttributeValue::Integers(list) = self.value(name) else { unreachable!("{name} is no list") };
        list
    }

    /// An attribute that counts something.
    ///
    /// # Errors
    /// One that is not in `least..`.
    fn count(&self, name: &'static str, least: usize) -> Result<usize> {
        let i = self.integer(name);
        let count = usize::try_from(i).ok().filter(|i| *i >= least);
        count.ok_or_else(|| Error::new("graph", format!("is {i}, not {least} or more")).attribute(name))
    }

    /// An attribute that counts something along `N` axes or sides, each `least` or more.
    ///
    /// # Errors
    /// Another number of them, or one that is not in `least..`.
    fn counts<const N: usize>(&self, name: &'static str, least: usize) -> Result<[usize; N]> {
        let list = self.integers(name);
        let counts: Vec<usize> =
            list.iter().filter_map(|&i| usize::try_from(i).ok().filter(|i| *i >= least)).collect();
        let wrong = |_| {
            Error::new("graph", format!("is {list:?}, not {N} numbers of {least} or more")).attribute(name)
        };
        counts.try_into().map_err(wrong)
    }
}

/// The description of a name in ONNX.
pub fn named(name: &str) -> Option<&'static Descriptor> {
    ALL.iter().find(|d| d.name == name).copied()
}

/// The place that a computed index names along an axis, counted from the end where it is negative; `None` for one outside.
fn place(index: f32, extent: usize) -> Option<usize> {
    let (index, extent) = (index.round(), extent as f32);
    let from_start = if index < 0.0 { index + extent } else { index };
    (0.0..extent).contains(&from_start).then_some(from_start as usize)
}

/// What is stored of a described operator.
#[derive(Serialize, Deserialize)]
struct Plain {
    name: String,
    attributes: Vec<(String, AttributeValue)>,
}

impl From<Described> for Plain {
    fn from(op: Described) -> Plain {
        let attributes = op.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        Plain { name: op.descriptor.name.into(), attributes }
    }
}

impl TryFrom<Plain> for Described {
    type Error = String;

    fn try_from(plain: Plain) -> std::result::Result<Described, String> {
        let Some(descriptor) = named(&plain.name) else {
            return Err(format!("the operator {:?} is not known", plain.name));
        };
        let stored = |attribute: &Attribute| {
            let found = plain.attributes.iter().find(|(name, _)| name == attribute.name);
            let missing = || Error::new("graph", "is missing").attribute(attribute.name);
            found.map(|(_, value)| value.clone()).ok_or_else(missing)
        };
        Described::new(descriptor, stored).map_err(|e| e.to_string())
    }
}

/// Shapes that do not fit each other.
fn misfit<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("graph", message))
}
