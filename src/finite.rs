//! Outputs that are not finite: which, how many of their elements, and where it begins.

use crate::model::Model;
use crate::pipeline::Compiled;
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use std::fmt;
use tilewright_compiler::float;

/// An output with elements that are infinite or no numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NotFinite {
    /// Its number.
    pub output: usize,
    /// Its name.
    pub name: String,
    /// How many elements it has.
    pub elements: usize,
    /// How many are not finite in the float reference.
    pub float: usize,
    /// How many are not finite as machine and host compute them.
    pub machine: usize,
    /// How many are finite in only one of the two.
    pub differ: usize,
    /// The first node that makes such a number of finite ones: of the model where the float reference has
    /// any, else of what is left to the host.
    pub begins: Option<Begin>,
}

impl NotFinite {
    /// How many elements are not finite in both.
    pub fn both(&self) -> usize {
        (self.float + self.machine - self.differ) / 2
    }
}

/// A node of the model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Begin {
    /// Its name.
    pub node: String,
    /// Its operator.
    pub operator: String,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotFinite { output, name, elements, float, machine, .. } = self;
        write!(
            f,
            "output {output} ({name:?}): of {elements} elements {float} are not finite in the float reference, {machine} on the machine"
        )?;
        match &self.begins {
            Some(Begin { node, operator }) => write!(f, "; it begins at node {node:?} ({operator})"),
            None => write!(f, "; no node makes them of finite numbers"),
        }
    }
}

/// Compares the outputs of the float reference with those of machine and host for one input.
///
/// # Errors
/// What the float reference refuses.
pub fn find(
    model: &Model,
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    float: &[ArrayD<f32>],
    machine: &[ArrayD<f32>],
) -> Result<Vec<NotFinite>> {
    let graph = &model.imported;
    let mut found = Vec::new();
    for (output, (a, b)) in float.iter().zip(machine).enumerate() {
        let count = |x: &ArrayD<f32>| x.iter().filter(|v| !v.is_finite()).count();
        let (of_float, of_machine) = (count(a), count(b));
        if of_float == 0 && of_machine == 0 {
            continue;
        }
        let id = graph.outputs[output];
        let node = match of_float {
            0 => compiled.network.first_not_finite(inputs)?,
            _ => float::first_not_finite(graph, inputs, id)?,
        };
        let begin = |node: &tilewright_compiler::graph::Node| Begin {
            node: node.name.clone(),
            operator: node.op.name().to_owned(),
        };
        found.push(NotFinite {
            output,
            name: graph.value(id).name.clone(),
            elements: a.len(),
            float: of_float,
            machine: of_machine,
            differ: a.iter().zip(b).filter(|(a, b)| a.is_finite() != b.is_finite()).count(),
            begins: node.map(begin),
        });
    }
    Ok(found)
}
