//! From a [`Graph`] to an ONNX model of opset 22.
//!
//! The messages are tract's, generated from `onnx.proto`: not those the importer reads with, so that a
//! wrong field number there cannot go unnoticed. Every value is named `v` and its number. Constants are
//! initialisers, whole numbers where an operator wants them.

mod operator;
mod tensor;

use std::collections::{BTreeMap, BTreeSet};

use tilewright_compiler::graph::{Graph, Integer, Node, Op, ValueId};
use tract_onnx::pb;

use operator::Written;
use tensor::{element_type, float_tensor, integer_tensor, long_tensor};

/// Opset of the models: the newest that the importer reads.
pub const OPSET: i64 = 22;

/// The graph as an ONNX model; `outputs` in place of its own where given, to look inside.
///
/// # Errors
/// A node that no ONNX operator of [`OPSET`] is, by name.
pub fn write(graph: &Graph, outputs: Option<&[ValueId]>) -> Result<pb::ModelProto, String> {
    let mut writer = Writer { graph, integers: BTreeMap::new(), initialisers: BTreeMap::new() };
    let mut nodes = Vec::new();
    let mut made = BTreeSet::new();
    writer.note_integer_inputs();
    for node in &graph.nodes {
        let written = operator::written(&mut writer, node)
            .map_err(|e| format!("node {:?} ({}): {e}", node.name, node.op.name()))?;
        writer.note_integers(node);
        made.extend(node.outputs.iter().copied());
        push(&mut nodes, node, written);
    }
    let wanted = outputs.unwrap_or(&graph.outputs);
    // A constant or an input as an output needs a node that makes it, and so does one named twice.
    let mut results = Vec::new();
    for (i, &id) in wanted.iter().enumerate() {
        let direct = made.contains(&id) && !wanted[..i].contains(&id);
        let name = if direct { name(id) } else { format!("result{i}") };
        if !direct {
            nodes.push(pb::NodeProto {
                op_type: "Identity".into(),
                input: vec![writer.operand(id)],
                output: vec![name.clone()],
                ..Default::default()
            });
        }
        results.push(writer.info(name, id));
    }
    let inputs = graph.inputs.iter().map(|&id| writer.info(name(id), id)).collect();
    let graph = pb::GraphProto {
        node: nodes,
        name: "graph".into(),
        initializer: writer.initialisers.into_values().collect(),
        input: inputs,
        output: results,
        ..Default::default()
    };
    Ok(pb::ModelProto {
        ir_version: 10,
        graph: Some(graph),
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: OPSET }],
        ..Default::default()
    })
}

fn push(nodes: &mut Vec<pb::NodeProto>, node: &Node, written: Vec<Written>) {
    for (i, part) in written.into_iter().enumerate() {
        let name = if i == 0 { node.name.clone() } else { format!("{}_{i}", node.name) };
        nodes.push(pb::NodeProto {
            input: part.inputs,
            output: part.outputs,
            name,
            op_type: part.operator.into(),
            attribute: part.attributes,
            ..Default::default()
        });
    }
}

/// Name of a value.
fn name(id: ValueId) -> String {
    format!("v{}", id.0)
}

/// What operators need while they are written.
struct Writer<'a> {
    graph: &'a Graph,
    /// Values that hold whole numbers of a type.
    integers: BTreeMap<ValueId, Integer>,
    /// By name, so that each is written once.
    initialisers: BTreeMap<String, pb::TensorProto>,
}

impl Writer<'_> {
    /// Name of a value that a node reads as float32, or as what it holds.
    fn operand(&mut self, id: ValueId) -> String {
        if let Some(data) = self.graph.constant_data(id) {
            let tensor = float_tensor(name(id), self.graph.shape(id), data);
            self.initialisers.entry(name(id)).or_insert(tensor);
        }
        name(id)
    }

    /// Name of a value that a node reads as whole numbers.
    fn whole(&mut self, id: ValueId, integer: Integer) -> String {
        let Some(data) = self.graph.constant_data(id) else {
            return name(id);
        };
        let name = format!("{}_{}", name(id), integer.name());
        let tensor = integer_tensor(name.clone(), self.graph.shape(id), data, integer);
        self.initialisers.entry(name.clone()).or_insert(tensor);
        name
    }

    /// Name of a list of numbers that a node reads: axes, shapes, bounds.
    fn list(&mut self, shape: &[usize], numbers: &[i64]) -> String {
        let name = format!("list{}", self.initialisers.len());
        self.initialisers.insert(name.clone(), long_tensor(name.clone(), shape, numbers));
        name
    }

    /// Name of float32 numbers that the graph keeps in an attribute.
    fn floats(&mut self, shape: &[usize], numbers: &[f32]) -> String {
        let name = format!("list{}", self.initialisers.len());
        self.initialisers.insert(name.clone(), float_tensor(name.clone(), shape, numbers));
        name
    }

    /// Whether a node makes the value and its type is float32.
    fn is_computed(&self, id: ValueId) -> bool {
        self.graph.producer(id).is_some() && !self.integers.contains_key(&id)
    }

    /// Learns which inputs of the graph are whole numbers: those that are dequantised.
    fn note_integer_inputs(&mut self) {
        for node in &self.graph.nodes {
            if let Op::DequantizeLinear { integer, .. } = node.op
                && self.graph.inputs.contains(&node.inputs[0])
            {
                self.integers.insert(node.inputs[0], integer);
            }
        }
    }

    /// Learns which results of a written node are whole numbers.
    fn note_integers(&mut self, node: &Node) {
        let integer = match node.op {
            Op::QuantizeLinear { integer, .. } => Some(integer),
            Op::DequantizeLinear { .. } => None,
            // Whatever else reads whole numbers moves them.
            _ => node.inputs.iter().find_map(|id| self.integers.get(id)).copied(),
        };
        if let Some(integer) = integer {
            self.integers.extend(node.outputs.iter().map(|&id| (id, integer)));
        }
    }

    /// Name, type and shape of an input or output.
    fn info(&self, name: String, id: ValueId) -> pb::ValueInfoProto {
        use pb::tensor_shape_proto::{Dimension, dimension};
        use pb::type_proto;
        let dimension = |&n: &usize| Dimension {
            value: Some(dimension::Value::DimValue(n as i64)),
            ..Default::default()
        };
        let shape = pb::TensorShapeProto { dim: self.graph.shape(id).iter().map(dimension).collect() };
        let tensor = type_proto::Tensor {
            elem_type: element_type(self.integers.get(&id).copied()),
            shape: Some(shape),
        };
        let kind = pb::TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..Default::default() };
        pb::ValueInfoProto { name, r#type: Some(kind), ..Default::default() }
    }
}
