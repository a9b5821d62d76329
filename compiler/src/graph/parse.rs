//! Reads the text form of [`super::text`] back to an equal graph.

mod line;
mod more;

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{DepthToSpaceMode, Graph, Node, Op, Source, Value, ValueId, Window};
use crate::error::{Error, Result};
use line::{Line, TensorType, parsed};

/// Parses the text form of a graph; the result equals the graph that was printed.
///
/// # Errors
/// Text that is not of this form, naming the line; constants whose data was elided; a graph that
/// [`Graph::verify`] refuses.
pub fn parse(text: &str) -> Result<Graph> {
    let mut parser = Parser::default();
    for (index, text) in text.lines().enumerate() {
        let mut line = Line { rest: text };
        parser.line(&mut line).map_err(|e| e.file(format!("line {}", index + 1)))?;
    }
    let graph = parser.finish()?;
    graph.verify().map_err(|e| e.stage("parse"))?;
    Ok(graph)
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("parse", message))
}

/// Where in the text the parser is.
#[derive(Default, PartialEq)]
enum Place {
    #[default]
    Before,
    Body,
    AfterOutputs,
    Data,
}

#[derive(Default)]
struct Parser {
    graph: Graph,
    values: BTreeMap<u32, Value>,
    place: Place,
}

impl Parser {
    fn line(&mut self, line: &mut Line) -> Result<()> {
        line.blank();
        if line.rest.is_empty() {
            return Ok(());
        }
        match self.place {
            Place::Before => {
                line.expect("graph ")?;
                self.graph.name = line.quoted()?;
                line.expect(" {")?;
                self.place = Place::Body;
            }
            // A node's results may be a tuple too, but an equals sign follows them.
            Place::Body if line.rest.starts_with('(') && line.rest.ends_with(')') => {
                self.graph.outputs = line.results()?;
                self.place = Place::AfterOutputs;
            }
            Place::Body => self.node(line)?,
            Place::AfterOutputs => {
                line.expect("}")?;
                self.place = Place::Data;
            }
            Place::Data => self.constant(line)?,
        }
        line.end()
    }

    fn node(&mut self, line: &mut Line) -> Result<()> {
        let outputs = line.results()?;
        line.expect(" = ")?;
        let name = line.until('(')?;
        let (inputs, attributes) = line.arguments()?;
        let (names, types) = line.tail()?;
        let mut names = names.into_iter();
        if types.len() != outputs.len() {
            return refuse("the line has as many types as results");
        }
        if name == "input" {
            for (id, kind) in outputs.into_iter().zip(types) {
                let source = Source::Input(self.graph.inputs.len());
                self.graph.inputs.push(id);
                self.define(id, names.next(), kind, source)?;
            }
            return Ok(());
        }
        let node_name = names.next().unwrap_or_default();
        let node = self.graph.nodes.len();
        for (output, (&id, kind)) in outputs.iter().zip(types).enumerate() {
            self.define(id, names.next(), kind, Source::Node { node, output })?;
        }
        self.graph.nodes.push(Node {
            name: node_name,
            op: operator(name, Attributes(attributes))?,
            inputs,
            outputs,
        });
        Ok(())
    }

    fn constant(&mut self, line: &mut Line) -> Result<()> {
        let id = line.value()?;
        let (names, mut types) = line.tail()?;
        line.expect(" = [")?;
        let Some(elements) = line.rest.strip_suffix(']') else {
            return refuse("the list of elements does not end");
        };
        line.rest = "";
        if elements == "..." {
            return Err(Error::new("parse", "the elements of the constants are elided")
                .hint("print the graph with all its data"));
        }
        let elements: Vec<f32> = elements
            .split(", ")
            .map(|e| e.parse().or_else(|_| refuse(format!("{e:?} is not a number"))))
            .collect::<Result<_>>()?;
        let (Some(kind), true) = (types.pop(), types.is_empty()) else {
            return refuse("a constant has one type");
        };
        self.define(id, names.into_iter().next(), kind, Source::Constant(elements))
    }

    fn define(&mut self, id: ValueId, name: Option<String>, kind: TensorType, source: Source) -> Result<()> {
        let name = name.unwrap_or_default();
        let (shape, integer) = kind;
        let value = Value { name, shape, source, integer };
        match self.values.insert(id.0, value) {
            None => Ok(()),
            Some(_) => refuse(format!("{id} is made twice")),
        }
    }

    fn finish(mut self) -> Result<Graph> {
        if self.place != Place::Data {
            return refuse("the text ends inside the graph");
        }
        // Ids count from 0 without gaps, so the last one and the number of values agree.
        if let Some((&last, _)) = self.values.last_key_value()
            && last as usize != self.values.len() - 1
        {
            return refuse(format!("the values below %{last} are not all made"));
        }
        self.graph.values = self.values.into_values().collect();
        Ok(self.graph)
    }
}

/// The `key=value` pairs of a line; each is taken once.
struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    fn take(&mut self, key: &str) -> Result<&'a str> {
        match self.0.iter().position(|(k, _)| *k == key) {
            Some(i) => Ok(self.0.remove(i).1),
            None => refuse(format!("the attribute {key:?} is missing")),
        }
    }

    fn given(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| *k == key)
    }

    fn one<T: FromStr>(&mut self, key: &str) -> Result<T> {
        parsed(self.take(key)?)
    }

    fn list<T: FromStr>(&mut self, key: &str) -> Result<Vec<T>> {
        let text = self.take(key)?;
        let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
        match inner {
            Some("") => Ok(Vec::new()),
            Some(inner) => inner.split(',').map(parsed).collect(),
            None => refuse(format!("{text:?} is not a list")),
        }
    }

    fn array<const N: usize>(&mut self, key: &str) -> Result<[usize; N]> {
        let list = self.list(key)?;
        let count = list.len();
        list.try_into().or_else(|_| refuse(format!("{key:?} has {count} elements, not {N}")))
    }

    fn window(&mut self) -> Result<Window> {
        Ok(Window {
            kernel: self.array("kernel")?,
            stride: self.array("strides")?,
            dilation: self.array("dilation")?,
            pads: self.array("padding")?,
        })
    }
}

/// The operator of a name and attributes as the text form writes them.
pub(crate) fn operator_from_text(name: &str, attributes: Vec<(&str, &str)>) -> Result<Op> {
    operator(name, Attributes(attributes))
}

fn operator(name: &str, mut a: Attributes) -> Result<Op> {
    let op = match name {
        "conv2d" => Op::Conv { window: a.window()?, groups: a.one("groups")? },
        "batch_norm" => Op::BatchNormalization { epsilon: a.one("epsilon")? },
        "relu" => Op::Relu,
        "clip" => Op::Clip { min: a.one("min")?, max: a.one("max")? },
        "leaky_relu" => Op::LeakyRelu { alpha: a.one("alpha")? },
        "prelu" => Op::PRelu,
        "max_pool2d" => Op::MaxPool { window: a.window()? },
        "avg_pool2d" => {
            Op::AveragePool { window: a.window()?, count_include_pad: a.one("count_include_pad")? }
        }
        "global_avg_pool" => Op::GlobalAveragePool,
        "add" => Op::Add,
        "concatenate" => Op::Concat { axis: a.one("axis")? },
        "gemm" => Op::Gemm {
            alpha: a.one("alpha")?,
            beta: a.one("beta")?,
            trans_a: a.one("trans_a")?,
            trans_b: a.one("trans_b")?,
        },
        "matmul" => Op::MatMul,
        "flatten" => Op::Flatten { axis: a.one("axis")? },
        "reshape" => Op::Reshape,
        "transpose" => Op::Transpose { perm: a.list("perm")? },
        "depth_to_space" => Op::DepthToSpace {
            block: a.one("block")?,
            mode: match a.take("mode")? {
                "DCR" => DepthToSpaceMode::Dcr,
                "CRD" => DepthToSpaceMode::Crd,
                other => return refuse(format!("the mode {other:?} is not known")),
            },
        },
        "softmax" => Op::Softmax { axis: a.one("axis")? },
        other => more::operator(other, &mut a)?,
    };
    match a.0.first() {
        None => Ok(op),
        Some((key, _)) => refuse(format!("{name} has no attribute {key:?}")),
    }
}

#[cfg(test)]
mod tests;
