//! One operator of ONNX for importers of other texts: its nodes are added to a graph of theirs.

use std::rc::Rc;

use super::call::Call;
use super::import::{Importer, Operand, dispatch};
use super::proto::{AttributeProto, NodeProto, attribute_type};
use super::tensor::Tensor;
use crate::error::Result;
use crate::graph::{Graph, ValueId};

/// The opset whose operators these are.
const OPSET: i64 = 25;
/// The name of the result.
const RESULT: &str = "result";

/// An input of an operator.
pub(crate) enum SingleInput {
    /// A value of the graph.
    Value(ValueId),
    /// Whole numbers that are known now.
    Wholes(Vec<usize>, Vec<i64>),
}

/// The value of an attribute.
pub(crate) enum SingleAttribute<'a> {
    Integer(i64),
    Real(f32),
    Word(&'a str),
    Integers(Vec<i64>),
}

/// Adds the nodes of an operator, all named `name`; its only result.
///
/// # Errors
/// As the operator in a model, without its place.
pub(crate) fn single(
    graph: &mut Graph,
    name: &str,
    operator: &str,
    inputs: Vec<SingleInput>,
    attributes: &[(&str, SingleAttribute)],
) -> Result<ValueId> {
    let before = graph.values.len();
    let mut importer = Importer::new(std::mem::replace(graph, Graph::new("")), OPSET);
    let made = run(&mut importer, name, operator, inputs, attributes);
    *graph = importer.graph;
    let id = made?;
    // Who asked for the operator names its result.
    if id.0 as usize >= before {
        graph.values[id.0 as usize].name.clear();
    }
    Ok(id)
}

fn run(
    importer: &mut Importer,
    name: &str,
    operator: &str,
    inputs: Vec<SingleInput>,
    attributes: &[(&str, SingleAttribute)],
) -> Result<ValueId> {
    let mut names = Vec::new();
    for (number, input) in inputs.into_iter().enumerate() {
        let operand = match input {
            SingleInput::Value(id) => Operand::Value(id),
            SingleInput::Wholes(shape, data) => Operand::Constant(Rc::new(Tensor::ints(shape, data))),
        };
        names.push(format!("input {number}"));
        importer.bind(&names[number], operand)?;
    }
    let node = NodeProto {
        input: names,
        output: vec![RESULT.to_owned()],
        op_type: operator.to_owned(),
        attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        ..NodeProto::default()
    };
    let mut call = Call::new(importer, &node, 0, None);
    name.clone_into(&mut call.name);
    dispatch(&mut call)?;
    call.finish()?;
    importer.value(RESULT)
}

fn attribute(name: &str, value: &SingleAttribute) -> AttributeProto {
    let mut made = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
    made.r#type = match value {
        SingleAttribute::Integer(i) => {
            made.i = *i;
            attribute_type::INT
        }
        SingleAttribute::Real(f) => {
            made.f = *f;
            attribute_type::FLOAT
        }
        SingleAttribute::Word(word) => {
            made.s = word.as_bytes().to_vec();
            attribute_type::STRING
        }
        SingleAttribute::Integers(list) => {
            made.ints.clone_from(list);
            attribute_type::INTS
        }
    };
    made
}
