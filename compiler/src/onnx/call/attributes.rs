//! The attributes of a node.

use super::Call;
use crate::error::Result;
use crate::onnx::proto::{AttributeProto, GraphProto, TensorProto, attribute_type};
use prost::Message;

impl<'a> Call<'a> {
    fn attribute(&mut self, name: &'static str, kind: i32) -> Result<Option<&'a AttributeProto>> {
        self.known.push(name);
        let mut found = self.node.attribute.iter().filter(|a| a.name == name);
        let attribute = found.next();
        if found.next().is_some() {
            return self.refuse(name, "is given twice");
        }
        match attribute {
            Some(a) if a.r#type != kind => {
                let (found, wanted) = (type_name(a.r#type), type_name(kind));
                self.refuse(name, format!("has type {found}, not {wanted}"))
            }
            other => Ok(other),
        }
    }

    /// Whether an attribute is given.
    pub fn given(&self, name: &str) -> bool {
        self.node.attribute.iter().any(|a| a.name == name)
    }

    pub fn int(&mut self, name: &'static str, default: i64) -> Result<i64> {
        let found = self.attribute(name, attribute_type::INT)?;
        Ok(found.map_or(default, |a| a.i))
    }

    /// An integer attribute that means yes or no.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            other => self.refuse(name, format!("is {other}, not 0 or 1")),
        }
    }

    pub fn float(&mut self, name: &'static str, default: f32) -> Result<f32> {
        let found = self.attribute(name, attribute_type::FLOAT)?;
        Ok(found.map_or(default, |a| a.f))
    }

    pub fn ints(&mut self, name: &'static str) -> Result<Option<&'a [i64]>> {
        let found = self.attribute(name, attribute_type::INTS)?;
        Ok(found.map(|a| a.ints.as_slice()))
    }

    pub fn floats(&mut self, name: &'static str) -> Result<Option<&'a [f32]>> {
        let found = self.attribute(name, attribute_type::FLOATS)?;
        Ok(found.map(|a| a.floats.as_slice()))
    }

    pub fn string(&mut self, name: &'static str, default: &'static str) -> Result<&'a str> {
        let Some(a) = self.attribute(name, attribute_type::STRING)? else {
            return Ok(default);
        };
        std::str::from_utf8(&a.s).or_else(|_| self.refuse(name, "is not UTF-8"))
    }

    pub fn strings(&mut self, name: &'static str) -> Result<Option<Vec<String>>> {
        let found = self.attribute(name, attribute_type::STRINGS)?;
        let text = |s: &Vec<u8>| String::from_utf8_lossy(s).into_owned();
        Ok(found.map(|a| a.strings.iter().map(text).collect()))
    }

    pub fn tensor(&mut self, name: &'static str) -> Result<Option<&'a TensorProto>> {
        let found = self.attribute(name, attribute_type::TENSOR)?;
        match found.map(|a| &a.t) {
            Some(None) => self.refuse(name, "holds no tensor"),
            found => Ok(found.and_then(Option::as_ref)),
        }
    }

    /// A graph, which must be given.
    pub fn graph(&mut self, name: &'static str) -> Result<GraphProto> {
        let found = self.attribute(name, attribute_type::GRAPH)?.and_then(|a| a.g.as_ref());
        let decoded = found.map(|bytes| GraphProto::decode(bytes.as_slice()));
        match decoded {
            Some(Ok(graph)) => Ok(graph),
            _ => self.refuse(name, "holds no graph that can be decoded"),
        }
    }

    /// Makes the results of a branch the node's.
    pub fn read_branch(&mut self, graph: GraphProto) -> Result<()> {
        let name = self.name.clone();
        let made = self.importer.read_branch(graph, &name, self.folder)?;
        made.into_iter().try_for_each(|operand| self.alias(operand))
    }

    /// An attribute that changes nothing at inference: read and forgotten.
    pub fn ignore(&mut self, name: &'static str) {
        self.known.push(name);
    }
}

/// The name ONNX gives a type of attribute.
fn type_name(kind: i32) -> &'static str {
    match kind {
        attribute_type::FLOAT => "FLOAT",
        attribute_type::INT => "INT",
        attribute_type::STRING => "STRING",
        attribute_type::TENSOR => "TENSOR",
        attribute_type::GRAPH => "GRAPH",
        attribute_type::FLOATS => "FLOATS",
        attribute_type::STRINGS => "STRINGS",
        attribute_type::INTS => "INTS",
        _ => "of another kind",
    }
}
