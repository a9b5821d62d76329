//! Functions that a model defines itself, as PyTorch's dynamo exporter writes them: their nodes stand in the place of
//! each call.

use std::borrow::Cow;

use super::import::{self, is_onnx};
use super::order::node_name;
use super::proto::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};
use super::table::operators;
use crate::error::{Error, Result};
use prost::Message;

/// Functions within functions, at most.
const DEPTH: usize = 32;
/// Nodes of a graph with its functions inlined, at most.
const MOST_NODES: usize = 1 << 17;

/// The graph of a model without calls of its own functions. `opset` is the model's.
///
/// # Errors
/// Functions of another opset, with graphs in attributes, or that call themselves, by the calling node.
pub(super) fn inlined<'a>(
    model: &'a ModelProto,
    source: &'a GraphProto,
    opset: i64,
) -> Result<Cow<'a, GraphProto>> {
    if model.functions.is_empty() {
        return Ok(Cow::Borrowed(source));
    }
    let mut graph = source.clone();
    graph.node = Inliner { functions: &model.functions, opset }.nodes(&source.node, 0)?;
    Ok(Cow::Owned(graph))
}

struct Inliner<'a> {
    functions: &'a [FunctionProto],
    opset: i64,
}

impl Inliner<'_> {
    fn nodes(&self, nodes: &[NodeProto], depth: usize) -> Result<Vec<NodeProto>> {
        let mut flat = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let called = |f: &&FunctionProto| {
                let domain = f.domain == node.domain || is_onnx(&f.domain) && is_onnx(&node.domain);
                domain && (&f.name, &f.overload) == (&node.op_type, &node.overload)
            };
            let Some(function) = self.functions.iter().find(called) else {
                flat.push(self.branches(node, depth)?);
                continue;
            };
            let name = node_name(node, index);
            let standard = operators().iter().any(|o| o.name == function.name) && import::knows(&node.domain);
            let refuse = |message: String, hint: &str| {
                Err(Error::new("import", message).node(&name).operator(&node.op_type).hint(hint))
            };
            if standard {
                let message = "is a function of the model and an operator of its domain too: runtimes differ in which of both they run";
                return refuse(
                    message.into(),
                    "call the function otherwise, or inline it (onnx.inliner.inline_local_functions)",
                );
            }
            let foreign = |version: i64| version != self.opset;
            let own = function.opset_import.iter().find(|o| o.domain.is_empty()).map(|o| o.version);
            if let Some(version) = own.filter(|&v| foreign(v)) {
                let message = format!("is a function of opset {version}, the model has opset {}", self.opset);
                return refuse(message, "inline functions before (onnx.inliner.inline_local_functions)");
            }
            if function.node.iter().flat_map(|n| &n.attribute).any(|a| a.g.is_some()) {
                let hint = "inline functions before (onnx.inliner.inline_local_functions)";
                return refuse("is a function with graphs in attributes".into(), hint);
            }
            if depth == DEPTH {
                let message =
                    format!("lies within more than {DEPTH} functions: they call each other, or too deep");
                return refuse(message, "inline functions before (onnx.inliner.inline_local_functions)");
            }
            flat.extend(self.nodes(&body(function, node, &name), depth + 1)?);
            if flat.len() > MOST_NODES {
                return refuse(
                    format!("its functions have more than {MOST_NODES} nodes"),
                    "export without them",
                );
            }
        }
        Ok(flat)
    }

    /// A node whose graphs in attributes, such as the branches of an If, call no functions.
    fn branches(&self, node: &NodeProto, depth: usize) -> Result<NodeProto> {
        let mut node = node.clone();
        if depth == DEPTH {
            return Ok(node);
        }
        for bytes in node.attribute.iter_mut().filter_map(|a| a.g.as_mut()) {
            // What cannot be read is refused where it is.
            if let Ok(mut graph) = GraphProto::decode(bytes.as_slice()) {
                graph.node = self.nodes(&graph.node, depth + 1)?;
                *bytes = graph.encode_to_vec();
            }
        }
        Ok(node)
    }
}

/// The nodes of a function for one call. What is named within gets the call's name in front.
fn body(function: &FunctionProto, call: &NodeProto, name: &str) -> Vec<NodeProto> {
    let outer = |inner: &String| {
        let passed = |names: &[String], given: &[String]| {
            let place = names.iter().position(|n| n == inner)?;
            given.get(place).cloned()
        };
        match (passed(&function.input, &call.input), passed(&function.output, &call.output)) {
            _ if inner.is_empty() => String::new(),
            // An operand that the call leaves out.
            (None, _) if function.input.contains(inner) => String::new(),
            (Some(given), _) => given,
            (None, Some(given)) if !given.is_empty() => given,
            _ => format!("{name}/{inner}"),
        }
    };
    let attribute = |own: &AttributeProto| {
        if own.ref_attr_name.is_empty() {
            return Some(own.clone());
        }
        let mut all = call.attribute.iter().chain(&function.attribute_proto);
        let given = all.find(|a| a.name == own.ref_attr_name)?;
        Some(AttributeProto { name: own.name.clone(), ..given.clone() })
    };
    let node = |(index, node): (usize, &NodeProto)| NodeProto {
        input: node.input.iter().map(outer).collect(),
        output: node.output.iter().map(outer).collect(),
        name: format!("{name}/{}", node_name(node, index)),
        attribute: node.attribute.iter().filter_map(attribute).collect(),
        ..node.clone()
    };
    function.node.iter().enumerate().map(node).collect()
}
