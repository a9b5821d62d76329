//! From a decoded model to a graph: the interface, the nodes in order, the results.

mod dispatch;
mod interface;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use super::call::Call;
use super::proto::{GraphProto, ModelProto, NodeProto};
use super::tensor::{Tensor, TensorElements, decode};
use super::whole::Whole;
use super::{Imported, Shapes, branch, inline, order};
use crate::error::{Error, Result};
use crate::graph::{Graph, Integer, ValueId};
use crate::memory;
use interface::{declared_shape, input_type, matches};

pub(super) use dispatch::{dispatch, is_onnx, knows};
pub(super) use interface::open_inputs;

/// Opsets whose operators this importer knows, from (inclusive) to (inclusive).
const OPSETS: (i64, i64) = (7, 25);

/// What a tensor name of the model stands for.
#[derive(Clone)]
pub(super) enum Operand {
    /// A value of the graph.
    Value(ValueId),
    /// A tensor known now; it enters the graph only when a node reads it as float32.
    Constant(Rc<Tensor>),
}

/// State of one import.
pub(super) struct Importer {
    /// The graph so far.
    pub graph: Graph,
    /// Version of the ONNX operators.
    pub opset: i64,
    /// Lookups only: nothing walks this map, so its order cannot reach an output.
    named: HashMap<String, Operand>,
    /// Constants that have entered the graph already, by name.
    pub interned: HashMap<String, ValueId>,
    /// Values that hold whole numbers of a type; all others hold float32. Lookups only.
    pub integers: HashMap<ValueId, Integer>,
    /// Lines (N, C, W), by the images of height 1 that they are made of. Lookups only.
    pub images: HashMap<ValueId, ValueId>,
    /// Results that nodes leave unmade, and which do. Lookups only.
    pub unmade: HashMap<String, String>,
    /// Sequences of tensors, by name. Lookups only.
    pub sequences: HashMap<String, Vec<Operand>>,
    /// Whole numbers that are computed.
    pub whole: Whole,
    /// What the user should know of nodes.
    pub warnings: Vec<String>,
    /// Bytes of all constants so far.
    constant_bytes: u64,
    /// Branches that are being read, one within the other.
    depth: usize,
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

/// Imports a decoded model.
pub(super) fn run(
    model: &ModelProto,
    name: &str,
    folder: Option<&Path>,
    shapes: &Shapes,
) -> Result<Imported> {
    let opset = opset(model)?;
    let Some(source) = &model.graph else {
        return refuse("the file holds no graph");
    };
    let source = &*inline::inlined(model, source, opset)?;
    if !source.sparse_initializer.is_empty() {
        return Err(Error::new("import", "sparse initialisers are not supported")
            .hint("store the weights as dense tensors"));
    }
    let mut importer = Importer::new(Graph::new(name), opset);
    let mut warnings = Vec::new();
    importer.read_initialisers(source, folder)?;
    importer.read_inputs(source, shapes, &mut warnings)?;
    importer.check_results(source)?;
    importer.read_nodes(source, folder)?;
    warnings.append(&mut importer.warnings);
    importer.read_outputs(source, &mut warnings)?;
    importer.graph.verify()?;
    Ok(Imported { graph: importer.graph, warnings })
}

fn opset(model: &ModelProto) -> Result<i64> {
    let found = model.opset_import.iter().find(|o| is_onnx(&o.domain));
    let (first, last) = OPSETS;
    match found.map(|o| o.version) {
        Some(version) if (first..=last).contains(&version) => Ok(version),
        Some(version) => Err(Error::new(
            "import",
            format!("the model uses opset {version}, supported are {first} to {last}"),
        )
        .hint(format!("export with opset_version={last}, or convert with onnx.version_converter"))),
        None => refuse("the model does not say which ONNX opset it uses"),
    }
}

impl Importer {
    /// An import that has read nothing yet.
    pub fn new(graph: Graph, opset: i64) -> Importer {
        Importer {
            graph,
            opset,
            named: HashMap::new(),
            interned: HashMap::new(),
            integers: HashMap::new(),
            whole: Whole::default(),
            images: HashMap::new(),
            unmade: HashMap::new(),
            sequences: HashMap::new(),
            warnings: Vec::new(),
            constant_bytes: 0,
            depth: 0,
        }
    }

    fn read_initialisers(&mut self, source: &GraphProto, folder: Option<&Path>) -> Result<()> {
        for tensor in &source.initializer {
            let place = |e: Error| e.node(&tensor.name).operator("initialiser");
            if tensor.name.is_empty() {
                return refuse("has no name").map_err(place);
            }
            let decoded = decode(tensor, folder).map_err(place)?;
            self.bind(&tensor.name, Operand::Constant(Rc::new(decoded))).map_err(place)?;
        }
        Ok(())
    }

    fn read_inputs(
        &mut self,
        source: &GraphProto,
        shapes: &Shapes,
        warnings: &mut Vec<String>,
    ) -> Result<()> {
        let initialised: HashSet<&str> = source.initializer.iter().map(|t| t.name.as_str()).collect();
        for input in &source.input {
            // Until IR version 4 every initialiser was listed as an input with a default.
            if initialised.contains(input.name.as_str()) {
                continue;
            }
            let place = |e: Error| e.node(&input.name).operator("input");
            let given = shapes.get(&input.name).map(Vec::as_slice);
            let (shape, integer) = input_type(input, given, warnings).map_err(place)?;
            let id = self.graph.typed_input(&input.name, &shape, integer)?;
            let quantised = |name: &str| {
                let reads = |node: &NodeProto| {
                    node.op_type == "DequantizeLinear" && node.input.first().is_some_and(|read| read == name)
                };
                source.node.iter().any(reads)
            };
            match integer {
                // Truths are computed with as comparisons make them.
                None | Some(Integer::Bool) => {}
                Some(Integer::Int64) => self.whole.add(&input.name),
                Some(Integer::Int32) if !quantised(&input.name) => self.whole.add(&input.name),
                Some(integer) => _ = self.integers.insert(id, integer),
            }
            self.bind(&input.name, Operand::Value(id)).map_err(place)?;
        }
        if self.graph.inputs.is_empty() {
            return refuse("the model has no inputs");
        }
        let names: Vec<&str> =
            self.graph.inputs.iter().map(|&id| self.graph.value(id).name.as_str()).collect();
        if let Some(other) = shapes.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(Error::new("import", format!("no input is named {other:?}; they are {names:?}"))
                .hint("--shape with one of those names"));
        }
        Ok(())
    }

    /// Refuses results that have the name of something that exists already, before their order is
    /// sought: what reads the name would wait for the wrong one.
    fn check_results(&self, source: &GraphProto) -> Result<()> {
        for (index, node) in source.node.iter().enumerate() {
            let taken = |name: &&String| !name.is_empty() && self.named.contains_key(name.as_str());
            if let Some(name) = node.output.iter().find(taken) {
                let is = match source.initializer.iter().any(|t| t.name == *name) {
                    true => "an initialiser",
                    false => "an input",
                };
                let message = format!("the tensor {name:?} is {is} and a result of this node");
                return Err(Error::new("import", message)
                    .node(order::node_name(node, index))
                    .operator(&node.op_type)
                    .hint("give one of them another name"));
            }
        }
        Ok(())
    }

    /// Reads the nodes that the results of a graph come of.
    fn read_nodes(&mut self, source: &GraphProto, folder: Option<&Path>) -> Result<()> {
        let needed = order::needed(&source.node, source.output.iter().map(|output| output.name.as_str()));
        for index in order::order(&source.node)?.into_iter().filter(|&index| needed[index]) {
            self.read_node(&source.node[index], index, folder)?;
        }
        Ok(())
    }

    fn read_node(&mut self, node: &NodeProto, index: usize, folder: Option<&Path>) -> Result<()> {
        let mut call = Call::new(self, node, index, folder);
        let name = call.name.clone();
        dispatch(&mut call)
            .and_then(|()| call.finish())
            .and_then(|()| self.whole.follow(node))
            .map_err(|e| e.node(name).operator(&node.op_type))
            .map_err(|e| e.hint("export the node in another form, or cut the graph before it"))
    }

    /// Reads the nodes of a branch of the node `name`; what its results stand for.
    pub fn read_branch(
        &mut self,
        graph: GraphProto,
        name: &str,
        folder: Option<&Path>,
    ) -> Result<Vec<Operand>> {
        if self.depth == branch::DEPTH {
            return refuse("has too many branches within branches");
        }
        let graph = branch::renamed(graph, name);
        self.depth += 1;
        self.read_initialisers(&graph, folder)?;
        self.check_results(&graph)?;
        self.read_nodes(&graph, folder)?;
        self.depth -= 1;
        graph.output.iter().map(|output| self.operand(&output.name)).collect()
    }

    fn read_outputs(&mut self, source: &GraphProto, warnings: &mut Vec<String>) -> Result<()> {
        for output in &source.output {
            let place = |e: Error| e.node(&output.name).operator("output");
            let mut id = self.output(&output.name).map_err(place)?;
            if let Some(integer) = self.integers.get(&id) {
                let (name, integer) = (&output.name, integer.name());
                warnings.push(format!("output {name:?} gives {integer} numbers, as floats"));
            }
            if self.graph.outputs.contains(&id) && !self.graph.inputs.contains(&id) {
                // Outputs of the same numbers have a name each.
                let shape = self.graph.shape(id).to_vec();
                id = self.graph.reshape(output.name.clone(), id, &shape).map_err(place)?;
            }
            let value = &mut self.graph.values[id.0 as usize];
            // Identity and Dropout leave no node: the result keeps the name the user knows.
            if !self.graph.inputs.contains(&id) {
                value.name.clone_from(&output.name);
            }
            if let Some(declared) = declared_shape(output)
                && !matches(&declared, &value.shape)
            {
                warnings.push(format!(
                    "output {:?} is declared as {declared:?} but computes to {:?}",
                    output.name, value.shape
                ));
            }
            self.graph.outputs.push(id);
        }
        Ok(())
    }

    /// The graph value of an output; constant integers, as a Shape gives them, are floats there.
    fn output(&mut self, name: &str) -> Result<ValueId> {
        if let Operand::Constant(tensor) = self.operand(name)?
            && let TensorElements::Ints(data) = &tensor.elements
        {
            if let Some(lost) = data.iter().find(|&&v| v as f32 as f64 != v as f64) {
                return refuse(format!("the constant {name:?} holds {lost}, which no float32 is"));
            }
            return self.graph.constant(name, &tensor.shape, data.iter().map(|&v| v as f32).collect());
        }
        self.value(name)
    }

    /// Gives a tensor name its meaning, once.
    pub fn bind(&mut self, name: &str, operand: Operand) -> Result<()> {
        if let Operand::Constant(tensor) = &operand
            && Rc::strong_count(tensor) == 1
        {
            self.constant_bytes += tensor.bytes();
            // As read, and as the graph holds it.
            memory::check(2 * self.constant_bytes, "all constants so far, with this one,")?;
        }
        if self.named.insert(name.to_owned(), operand).is_some() {
            return refuse(format!("the tensor {name:?} is made twice"));
        }
        Ok(())
    }

    /// What a tensor name stands for.
    pub fn operand(&self, name: &str) -> Result<Operand> {
        match self.named.get(name) {
            Some(operand) => Ok(operand.clone()),
            None if self.sequences.contains_key(name) => {
                refuse(format!("reads {name:?} as a tensor, it is a sequence of them"))
            }
            None if self.unmade.contains_key(name) => Err(Error::new(
                "import",
                format!("reads {name:?}, a result of {} that is not supported", self.unmade[name]),
            )
            .hint("cut the graph before what reads it")),
            None => refuse(format!("reads the tensor {name:?}, which nothing makes")),
        }
    }

    /// The graph value of a tensor name; a float constant enters the graph here, once.
    pub fn value(&mut self, name: &str) -> Result<ValueId> {
        let tensor = match self.operand(name)? {
            Operand::Value(id) => return Ok(id),
            Operand::Constant(tensor) => tensor,
        };
        if let Some(&id) = self.interned.get(name) {
            return Ok(id);
        }
        let TensorElements::Floats(data) = &tensor.elements else {
            return refuse(format!("the tensor {name:?} holds integers, not floats"));
        };
        let id = self.graph.constant(name, &tensor.shape, data.clone())?;
        self.interned.insert(name.to_owned(), id);
        Ok(id)
    }
}
