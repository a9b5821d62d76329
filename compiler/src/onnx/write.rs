//! From a [`Graph`] to an ONNX model of opset 22.
//!
//! Every value is named `v` and its number, where it has no name of its own. Constants are initialisers, whole numbers
//! where an operator wants them. Field numbers are those of [`super::proto`]; the tests read what is written with
//! another runtime's messages, so that a wrong one cannot go unnoticed.

mod operator;
mod tensor;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::proto as pb;
use crate::error::{Error, Result};
use crate::graph::{Graph, Integer, Node, Op, ValueId};
use operator::Written;
use tensor::{element_type, float_tensor, integer_tensor, long_tensor};

/// Opset of the models.
pub const OPSET: i64 = 22;

/// The graph as the bytes of an ONNX model whose inputs and outputs have the given names, in order. With the same
/// names as a graph's, the importer makes the same graph of it.
///
/// # Errors
/// A node that no ONNX operator of [`OPSET`] is, by name; names of another number than the graph's.
pub fn write(graph: &Graph, inputs: &[String], outputs: &[String]) -> Result<Vec<u8>> {
    if inputs.len() != graph.inputs.len() || outputs.len() != graph.outputs.len() {
        let message = format!("{} names do not fit the graph", inputs.len() + outputs.len());
        return Err(Error::new("write", message).file(&graph.name));
    }
    let mut names: BTreeMap<ValueId, String> =
        graph.inputs.iter().copied().zip(inputs.iter().cloned()).collect();
    for (&id, name) in graph.outputs.iter().zip(outputs) {
        names.entry(id).or_insert_with(|| name.clone());
    }
    let results: Vec<(ValueId, String)> =
        graph.outputs.iter().copied().zip(outputs.iter().cloned()).collect();
    model(graph, names, &results)
}

/// [`write`] with other results than the graph's, to look inside. Names are `v` and a value's number.
///
/// # Errors
/// A node that no ONNX operator of [`OPSET`] is, by name.
pub fn write_values(graph: &Graph, values: &[ValueId]) -> Result<Vec<u8>> {
    let results: Vec<(ValueId, String)> = values.iter().map(|&id| (id, format!("v{}", id.0))).collect();
    model(graph, BTreeMap::new(), &results)
}

fn model(graph: &Graph, names: BTreeMap<ValueId, String>, results: &[(ValueId, String)]) -> Result<Vec<u8>> {
    let mut writer = Writer { graph, names, integers: BTreeMap::new(), initialisers: BTreeMap::new() };
    let mut nodes = Vec::new();
    let (mut made, mut taken) = (BTreeSet::new(), BTreeSet::new());
    writer.note_integer_inputs();
    for node in &graph.nodes {
        let written = operator::written(&mut writer, node).map_err(|e| {
            Error::new("write", e).file(&graph.name).node(&node.name).operator(node.op.name())
        })?;
        writer.note_integers(node);
        made.extend(node.outputs.iter().copied());
        push(&mut nodes, &mut taken, node, written);
    }
    // A constant or an input as an output needs a node that makes it, and so does one that is named twice.
    let mut outputs = Vec::new();
    for (i, (id, wanted)) in results.iter().enumerate() {
        let (own, again) = (writer.name(*id) == *wanted, results[..i].iter().any(|(_, name)| name == wanted));
        let direct = own && made.contains(id) && !again;
        let name = if direct || !own && !again { wanted.clone() } else { format!("{wanted}_{i}") };
        if !direct {
            nodes.push(pb::NodeProto {
                op_type: "Identity".into(),
                input: vec![writer.operand(*id)],
                output: vec![name.clone()],
                ..Default::default()
            });
        }
        outputs.push(writer.info(name, *id));
    }
    let inputs = graph.inputs.iter().map(|&id| writer.info(writer.name(id), id)).collect();
    let graph = pb::GraphProto {
        node: nodes,
        name: "graph".into(),
        initializer: writer.initialisers.into_values().collect(),
        input: inputs,
        output: outputs,
        ..Default::default()
    };
    let model = pb::ModelProto {
        ir_version: 10,
        producer_name: "tilewright".into(),
        graph: Some(graph),
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: OPSET }],
        ..Default::default()
    };
    Ok(model.encode_to_vec())
}

/// Nodes of one name get a number each: runtimes tell them apart by it.
fn push(nodes: &mut Vec<pb::NodeProto>, taken: &mut BTreeSet<String>, node: &Node, written: Vec<Written>) {
    for part in written {
        let mut name = node.name.clone();
        let mut number = 0;
        while !name.is_empty() && !taken.insert(name.clone()) {
            number += 1;
            name = format!("{}_{number}", node.name);
        }
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

/// What operators need while they are written.
struct Writer<'a> {
    graph: &'a Graph,
    /// Names of values that are not `v` and a number.
    names: BTreeMap<ValueId, String>,
    /// Values that hold whole numbers of a type.
    integers: BTreeMap<ValueId, Integer>,
    /// By name, so that each is written once.
    initialisers: BTreeMap<String, pb::TensorProto>,
}

impl Writer<'_> {
    /// Name of a value.
    fn name(&self, id: ValueId) -> String {
        self.names.get(&id).cloned().unwrap_or_else(|| format!("v{}", id.0))
    }

    /// Name of a value that a node reads as float32, or as what it holds.
    fn operand(&mut self, id: ValueId) -> String {
        if let Some(data) = self.graph.constant_data(id) {
            let tensor = float_tensor(self.name(id), self.graph.shape(id), data);
            self.initialisers.entry(self.name(id)).or_insert(tensor);
        }
        self.name(id)
    }

    /// Name of a value that a node reads as whole numbers.
    fn whole(&mut self, id: ValueId, integer: Integer) -> String {
        let Some(data) = self.graph.constant_data(id) else {
            return self.name(id);
        };
        let name = format!("{}_{}", self.name(id), integer.name());
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
        let extent = |&n: &usize| pb::DimensionProto { dim_value: Some(n as i64), dim_param: None };
        let shape = pb::TensorShapeProto { dim: self.graph.shape(id).iter().map(extent).collect() };
        let tensor_type = Some(pb::TensorTypeProto {
            elem_type: element_type(self.integers.get(&id).copied()),
            shape: Some(shape),
        });
        pb::ValueInfoProto { name, r#type: Some(pb::TypeProto { tensor_type }) }
    }
}
