//! What a node makes: values on the way and results.

use super::{Call, FEW};
use crate::error::Result;
use crate::float;
use crate::graph::{Op, ValueId, elements, infer};
use crate::onnx::import::Operand;
use crate::onnx::proto::AttributeProto;
use crate::onnx::tensor::Tensor;
use ndarray::ArrayD;
use std::collections::HashSet;
use std::rc::Rc;

impl Call<'_> {
    /// Whether a value depends on constants alone.
    pub fn is_known(&self, id: ValueId) -> bool {
        let graph = &self.importer.graph;
        let (mut open, mut seen) = (vec![id], HashSet::new());
        while let Some(id) = open.pop() {
            match graph.producer(id) {
                Some((_, node)) => open.extend(node.inputs.iter().filter(|&&id| seen.insert(id))),
                None if graph.constant_data(id).is_some() => {}
                None => return false,
            }
        }
        true
    }

    /// Extents of a value of the graph.
    pub fn shape_of(&self, id: ValueId) -> Vec<usize> {
        self.importer.graph.shape(id).to_vec()
    }

    fn filled(&mut self, shape: &[usize], value: f32) -> Result<ValueId> {
        let count = elements(shape)?;
        self.importer.graph.constant("", shape, vec![value; count])
    }

    /// A constant of zeros.
    pub fn zeros(&mut self, shape: &[usize]) -> Result<ValueId> {
        self.filled(shape, 0.0)
    }

    /// A constant of ones.
    pub fn ones(&mut self, shape: &[usize]) -> Result<ValueId> {
        self.filled(shape, 1.0)
    }

    /// A constant of one element and no extents.
    pub fn scalar_value(&mut self, value: f32) -> Result<ValueId> {
        self.filled(&[], value)
    }

    /// Number of results, unnamed ones included.
    pub fn results(&self) -> usize {
        self.node.output.len()
    }

    /// Whether a result has a name, so that somebody may read it.
    pub fn wanted(&self, result: usize) -> bool {
        self.node.output.get(result).is_some_and(|n| !n.is_empty())
    }

    /// Applies an operator without naming its result.
    pub fn apply(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        match self.known_now(&op, inputs)? {
            Some(id) => Ok(id),
            None => self.importer.graph.node(self.name.clone(), op, inputs),
        }
    }

    /// The result of an operator on a few constant floats: exporters compute extents with them.
    fn known_now(&mut self, op: &Op, inputs: &[ValueId]) -> Result<Option<ValueId>> {
        let graph = &self.importer.graph;
        let few = |id: &ValueId| graph.constant_data(*id).is_some_and(|data| data.len() <= FEW);
        let whole = |id: &ValueId| self.importer.integers.contains_key(id);
        if op.converts() || inputs.is_empty() || !inputs.iter().all(few) || inputs.iter().any(whole) {
            return Ok(None);
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| graph.shape(id)).collect();
        let shape = infer(op, &shapes, None)?;
        if elements(&shape)? > FEW {
            return Ok(None);
        }
        let array = |id: &ValueId| {
            let data = graph.constant_data(*id).unwrap_or_default().to_vec();
            ArrayD::from_shape_vec(graph.shape(*id), data).expect("constants fill their shapes")
        };
        let arrays: Vec<ArrayD<f32>> = inputs.iter().map(array).collect();
        let y = float::apply(op, &arrays, &shape)?;
        // The graph holds no other constants.
        if !y.iter().all(|x| x.is_finite()) {
            return Ok(None);
        }
        self.importer.graph.constant("", &shape, y.iter().copied().collect()).map(Some)
    }

    /// Reshapes without naming the result.
    pub fn reshaped(&mut self, x: ValueId, shape: &[usize]) -> Result<ValueId> {
        let graph = &mut self.importer.graph;
        match graph.constant_data(x) {
            Some(data) if data.len() <= FEW && !self.importer.integers.contains_key(&x) => {
                let data = data.to_vec();
                graph.constant("", shape, data)
            }
            _ => graph.reshape(self.name.clone(), x, shape),
        }
    }

    /// Applies an operator; its value is the node's first result.
    pub fn emit(&mut self, op: Op, inputs: &[ValueId]) -> Result<()> {
        let id = match self.on_images(&op, inputs)? {
            Some(id) => id,
            None => self.apply(op, inputs)?,
        };
        self.result(id)
    }

    /// Makes a new value the node's next result.
    pub fn result(&mut self, id: ValueId) -> Result<()> {
        if let Some(name) = self.node.output.get(self.bound) {
            self.importer.graph.values[id.0 as usize].name.clone_from(name);
        }
        self.alias(Operand::Value(id))
    }

    /// Makes something that exists already the node's next result.
    pub fn alias(&mut self, operand: Operand) -> Result<()> {
        let Some(name) = self.node.output.get(self.bound).filter(|n| !n.is_empty()) else {
            return Err(self.error(format!("result {} has no name", self.bound)));
        };
        self.bound += 1;
        // What was known at once stays known.
        if let Operand::Value(id) = operand
            && self.read.flatten().is_none()
            && !self.importer.integers.contains_key(&id)
            && let Some(data) = self.importer.graph.constant_data(id)
            && data.len() <= FEW
        {
            let tensor = Tensor::floats(self.importer.graph.shape(id).to_vec(), data.to_vec());
            self.importer.interned.insert(name.clone(), id);
            return self.importer.bind(name, Operand::Constant(Rc::new(tensor)));
        }
        if let (Operand::Value(id), Some(Some(integer))) = (&operand, self.read) {
            self.importer.integers.insert(*id, integer);
        }
        self.importer.bind(name, operand)
    }

    /// Refuses attributes and results that the operator's importer did not handle.
    pub fn finish(&self) -> Result<()> {
        let unknown = |a: &&AttributeProto| !self.known.contains(&a.name.as_str());
        if let Some(a) = self.node.attribute.iter().find(unknown) {
            return Err(self
                .error(format!("is not known in opset {}", self.opset()))
                .attribute(&a.name)
                .hint("export without it"));
        }
        if let Some(a) = self.node.attribute.iter().find(|a| !a.ref_attr_name.is_empty()) {
            return self.refuse(&a.name, "refers to an attribute of a function");
        }
        let mut rest = self.node.output.iter().skip(self.bound);
        if let Some(name) = rest.find(|n| !n.is_empty()) {
            return Err(self
                .error(format!("the extra result {name:?} is not supported"))
                .hint("export the model for inference, without it"));
        }
        Ok(())
    }

    /// Leaves a result unmade: whoever reads it fails with its name and this node's.
    pub fn skip_result(&mut self) {
        if let Some(name) = self.node.output.get(self.bound).filter(|n| !n.is_empty()) {
            let maker = format!("node {:?} ({})", self.name, self.operator());
            self.importer.unmade.insert(name.clone(), maker);
        }
        self.bound += 1;
    }
}
