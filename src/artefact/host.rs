//! What the host does between two stages of the machine, as an ONNX model that any runtime runs, and where the
//! values come from and go to.

use super::manifest::{Place, exported, imported};
use crate::pipeline::Compiled;
use serde::{Deserialize, Serialize};
use tilewright_compiler::graph::{Graph, ValueId};
use tilewright_compiler::network::{Network, Stage};
use tilewright_compiler::onnx;

/// A stage of the host.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its operators by name, in order.
    pub operators: Vec<String>,
    /// Inputs of its ONNX model, in order.
    pub reads: Vec<Read>,
    /// Outputs of its ONNX model, in order.
    pub makes: Vec<Make>,
    /// Why it has no ONNX model; empty where it has one.
    pub unwritten: String,
}

/// A value that a stage of the host reads.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Its name in the ONNX models of all stages.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// The network's input that it is, if it is one.
    pub input: Option<usize>,
    /// Where the machine has left it, to be dequantised; absent where an input or an earlier stage of the host is it.
    pub place: Option<Place>,
    /// What a zero of `place` is taken for.
    pub next_to_zero: f32,
}

/// A value that a stage of the host makes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// Its name in the ONNX models of all stages.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// The network's outputs that it is.
    pub outputs: Vec<usize>,
    /// Where the machine reads it, quantised.
    pub places: Vec<Place>,
}

fn name(id: ValueId) -> String {
    format!("value_{}", id.0)
}

/// The bytes of the ONNX model of a stage of the host, whose inputs and outputs are `reads` and `makes` of [`Host`].
///
/// # Errors
/// An operator that ONNX has not.
pub(super) fn model(
    graph: &Graph,
    inputs: &[ValueId],
    outputs: &[ValueId],
) -> tilewright_compiler::error::Result<Vec<u8>> {
    let names = |ids: &[ValueId]| ids.iter().map(|&id| name(id)).collect::<Vec<_>>();
    onnx::write(graph, &names(inputs), &names(outputs))
}

/// The models of all stages of the host that have one, by stage.
pub(super) fn models(network: &Network) -> Vec<(usize, Vec<u8>)> {
    let one = |(stage, running): (usize, &Stage)| match running {
        Stage::Host { graph, inputs, outputs } => Some((stage, model(graph, inputs, outputs).ok()?)),
        Stage::Machine { .. } => None,
    };
    network.stages.iter().enumerate().filter_map(one).collect()
}

impl Host {
    /// What the manifest says of a stage of the host.
    pub(super) fn new(compiled: &Compiled, graph: &Graph, inputs: &[ValueId], outputs: &[ValueId]) -> Host {
        let network = &compiled.network;
        let read = |(&id, &own): (&ValueId, &ValueId)| Read {
            name: name(id),
            shape: graph.shape(own).to_vec(),
            input: network.inputs.iter().position(|(_, value, _)| *value == id),
            place: exported(compiled, id),
            next_to_zero: network.exports.iter().find(|e| e.value == id).map_or(0.0, |e| e.next_to_zero),
        };
        let make = |(&id, &own): (&ValueId, &ValueId)| Make {
            name: name(id),
            shape: graph.shape(own).to_vec(),
            outputs: (0..network.outputs.len()).filter(|&n| network.outputs[n] == id).collect(),
            places: imported(compiled, id, graph.shape(own)),
        };
        Host {
            operators: graph.nodes.iter().map(|node| node.name.clone()).collect(),
            reads: inputs.iter().zip(&graph.inputs).map(read).collect(),
            makes: outputs.iter().zip(&graph.outputs).map(make).collect(),
            unwritten: model(graph, inputs, outputs).err().map_or(String::new(), |e| e.to_string()),
        }
    }
}
