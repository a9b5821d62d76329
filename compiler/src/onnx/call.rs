//! One node as its importer sees it: checked access to inputs, attributes and results.
//!
//! Each attribute that is read is remembered; [`Call::finish`] refuses the ones nobody asked for, so
//! that an attribute with a meaning is never dropped.

mod attributes;
mod images;
mod integers;
mod results;

use std::path::Path;
use std::rc::Rc;

use super::import::{Importer, Operand};
use super::order::node_name;
use super::proto::NodeProto;
use super::tensor::{Tensor, TensorElements};
use crate::arity::Arity;
use crate::error::{Error, Result};
use crate::float;
use crate::graph::{Integer, ValueId};
use ndarray::ArrayD;

/// Elements of constants up to which operators on them are computed at once.
const FEW: usize = 4096;

/// A node being imported.
pub(super) struct Call<'a> {
    importer: &'a mut Importer,
    node: &'a NodeProto,
    /// The node's name, made up where the model has none.
    pub name: String,
    /// Where external data may lie.
    pub folder: Option<&'a Path>,
    /// Attributes that the operator's importer has looked for.
    known: Vec<&'static str>,
    /// Results bound so far.
    bound: usize,
    /// Type of the values read as they are so far (`Some(None)`: float32), which is the results'.
    read: Option<Option<Integer>>,
}

impl<'a> Call<'a> {
    pub fn new(
        importer: &'a mut Importer,
        node: &'a NodeProto,
        index: usize,
        folder: Option<&'a Path>,
    ) -> Call<'a> {
        Call { importer, node, name: node_name(node, index), folder, known: Vec::new(), bound: 0, read: None }
    }

    pub fn operator(&self) -> &'a str {
        &self.node.op_type
    }

    pub fn domain(&self) -> &'a str {
        &self.node.domain
    }

    pub fn opset(&self) -> i64 {
        self.importer.opset
    }

    /// Tells the user something of this node, unless it was said of another one.
    pub fn warn(&mut self, message: &str) {
        let warnings = &mut self.importer.warnings;
        if !warnings.iter().any(|warning| warning.ends_with(message)) {
            warnings.push(format!("node {:?} ({}) {message}", self.name, self.node.op_type));
        }
    }

    /// An error about this node; the caller of the operator's importer adds the place.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::new("import", message)
    }

    /// An error about an attribute, or an input that newer opsets use in its place.
    pub fn refuse<T>(&self, attribute: &str, message: impl Into<String>) -> Result<T> {
        Err(self.error(message).attribute(attribute))
    }

    // Inputs.

    /// Checks the number of inputs; as many as there must be at least must not be left out.
    pub fn arity(&self, wanted: impl Into<Arity>) -> Result<()> {
        let (count, wanted) = (self.node.input.len(), wanted.into());
        if !wanted.allows(count) {
            return Err(self.error(format!("has {count} inputs, needs {wanted}")));
        }
        match (0..wanted.least).find(|&i| !self.has(i)) {
            Some(i) => Err(self.error(format!("input {i} is left out"))),
            None => Ok(()),
        }
    }

    /// Number of inputs, left-out ones included.
    pub fn inputs(&self) -> usize {
        self.node.input.len()
    }

    /// Whether an input is given; optional inputs are left out by an empty name.
    pub fn has(&self, input: usize) -> bool {
        self.node.input.get(input).is_some_and(|n| !n.is_empty())
    }

    fn input_name(&self, input: usize) -> Result<&'a str> {
        match self.node.input.get(input).filter(|n| !n.is_empty()) {
            Some(name) => Ok(name),
            None => Err(self.error(format!("input {input} is missing"))),
        }
    }

    /// What an input stands for.
    pub fn operand(&self, input: usize) -> Result<Operand> {
        self.importer.operand(self.input_name(input)?)
    }

    /// An input that is a sequence of tensors.
    pub fn sequence(&self, input: usize) -> Result<Vec<Operand>> {
        let name = self.input_name(input)?;
        match self.importer.sequences.get(name) {
            Some(parts) => Ok(parts.clone()),
            None => Err(self.error(format!("input {input}, {name:?}, is no sequence that is known now"))),
        }
    }

    /// Makes a sequence of tensors the node's next result.
    pub fn sequence_result(&mut self, parts: Vec<Operand>) -> Result<()> {
        if let Some(name) = self.node.output.get(self.bound).filter(|n| !n.is_empty()) {
            self.importer.sequences.insert(name.clone(), parts);
        }
        self.bound += 1;
        Ok(())
    }

    /// A part of a sequence as a value.
    pub fn value_of(&mut self, part: Operand) -> Result<ValueId> {
        match part {
            Operand::Value(id) => Ok(id),
            Operand::Constant(tensor) => {
                self.floats_value(&tensor.shape, tensor.numbers().map(|x| x as f32).collect())
            }
        }
    }

    /// Whether an input holds whole numbers that are computed.
    pub fn is_whole(&self, input: usize) -> bool {
        self.node.input.get(input).is_some_and(|name| self.importer.whole.holds(name))
    }

    /// Whether the node computes with such numbers, which its constants are then as well.
    pub fn computes_whole(&self) -> bool {
        (0..self.inputs()).any(|input| self.is_whole(input))
    }

    /// Notes that the node's first result holds whole numbers.
    pub fn makes_whole(&mut self) {
        if let Some(name) = self.node.output.first() {
            self.importer.whole.add(name);
        }
    }

    /// An input as a value of the graph: of real numbers, unless the operator only moves them or computes with whole ones.
    pub fn value(&mut self, input: usize) -> Result<ValueId> {
        let name = self.input_name(input)?;
        if self.computes_whole()
            && let Some(id) = self.whole_value(input)?
        {
            return Ok(id);
        }
        let id = self.importer.value(name)?;
        self.plain(input, id).map(|()| id)
    }

    /// The inputs that there must be and the given ones of the optional rest, as values.
    pub fn values(&mut self, wanted: impl Into<Arity>) -> Result<Vec<ValueId>> {
        self.arity(wanted)?;
        let given = (0..self.inputs()).filter(|&i| self.has(i)).max();
        let count = given.map_or(0, |last| last + 1);
        (0..count).map(|i| self.value(i)).collect()
    }

    /// An input whose elements are known now.
    pub fn constant(&self, input: usize) -> Result<Rc<Tensor>> {
        match self.operand(input)? {
            Operand::Constant(tensor) => Ok(tensor),
            Operand::Value(_) => Err(self
                .error(format!("input {input} is computed, it must be a constant"))
                .hint("constant-fold the model (onnxsim)")),
        }
    }

    /// A constant integer input of rank 0 or 1, such as a list of axes.
    pub fn integers(&self, input: usize) -> Result<Vec<i64>> {
        let tensor = self.constant(input)?;
        match &tensor.elements {
            TensorElements::Ints(data) if tensor.shape.len() <= 1 => Ok(data.clone()),
            _ => Err(self.error(format!("input {input} must be a list of integers"))),
        }
    }

    /// Extents and elements of a constant integer input of any rank.
    pub fn integer_tensor(&self, input: usize) -> Result<(Vec<usize>, Vec<i64>)> {
        let tensor = self.constant(input)?;
        match &tensor.elements {
            TensorElements::Ints(data) => Ok((tensor.shape.clone(), data.clone())),
            TensorElements::Floats(_) => Err(self.error(format!("input {input} must hold integers"))),
        }
    }

    /// A constant float input of rank 1, which may be empty.
    pub fn float_list(&self, input: usize) -> Result<Vec<f32>> {
        let tensor = self.constant(input)?;
        match &tensor.elements {
            TensorElements::Floats(data) if tensor.shape.len() == 1 => Ok(data.clone()),
            _ => Err(self.error(format!("input {input} must be a list of floats"))),
        }
    }

    /// A float input of one element: a constant, perhaps behind QuantizeLinear and DequantizeLinear.
    pub fn scalar(&self, input: usize) -> Result<f32> {
        if let Operand::Value(id) = self.operand(input)?
            && let Some(value) = self.converted(id)?.filter(|value| value.len() == 1)
        {
            return Ok(value.iter().copied().next().unwrap_or_default());
        }
        match &self.constant(input)?.elements {
            TensorElements::Floats(data) if data.len() == 1 => Ok(data[0]),
            TensorElements::Ints(data) if data.len() == 1 && self.computes_whole() => Ok(data[0] as f32),
            _ => Err(self.error(format!("input {input} must be one float"))),
        }
    }

    /// A constant of the graph as QuantizeLinear and DequantizeLinear leave it; `None` for anything else.
    fn converted(&self, id: ValueId) -> Result<Option<ArrayD<f32>>> {
        let graph = &self.importer.graph;
        let shape = graph.shape(id);
        if let Some(data) = graph.constant_data(id) {
            return Ok(ArrayD::from_shape_vec(shape, data.to_vec()).ok());
        }
        let Some((_, node)) = graph.producer(id).filter(|(_, node)| node.op.converts()) else {
            return Ok(None);
        };
        let inputs: Option<Vec<_>> =
            node.inputs.iter().map(|&id| self.converted(id)).collect::<Result<_>>()?;
        inputs.map(|inputs| float::apply(&node.op, &inputs, shape)).transpose()
    }

    /// An input of constant integers as float32; `None` if it holds floats or is computed.
    pub fn whole_value(&mut self, input: usize) -> Result<Option<ValueId>> {
        let Operand::Constant(tensor) = self.operand(input)? else {
            return Ok(None);
        };
        match &tensor.elements {
            TensorElements::Floats(_) => Ok(None),
            TensorElements::Ints(data) => {
                if let Some(lost) = data.iter().find(|&&v| v as f32 as f64 != v as f64) {
                    return Err(self.error(format!("input {input} holds {lost}, which no float32 is")));
                }
                let data = data.iter().map(|&v| v as f32).collect();
                self.importer.graph.constant("", &tensor.shape, data).map(Some)
            }
        }
    }

    /// Whether there are inputs and all are integer constants: shape arithmetic.
    pub fn all_integers(&self) -> bool {
        let integer = |i| {
            let tensor = self.operand(i).ok();
            let Some(Operand::Constant(tensor)) = tensor else {
                return false;
            };
            matches!(tensor.elements, TensorElements::Ints(_))
        };
        self.has(0) && (0..self.inputs()).all(|i| !self.has(i) || integer(i))
    }

    /// Whether an input is a constant.
    pub fn is_constant(&self, input: usize) -> bool {
        matches!(self.operand(input), Ok(Operand::Constant(_)))
    }

    /// Whether an input is a constant with infinities.
    pub fn is_infinite(&self, input: usize) -> bool {
        self.constant(input).is_ok_and(|tensor| tensor.numbers().any(f64::is_infinite))
    }

    /// Whether there are inputs and all are constants.
    pub fn all_constants(&self) -> bool {
        self.has(0) && (0..self.inputs()).all(|i| !self.has(i) || self.is_constant(i))
    }

    /// Extents of an input.
    pub fn shape(&self, input: usize) -> Result<Vec<usize>> {
        Ok(match self.operand(input)? {
            Operand::Value(id) => self.importer.graph.shape(id).to_vec(),
            Operand::Constant(tensor) => tensor.shape.clone(),
        })
    }
}
