//! Layers of an artefact: one for each operation of the machine, by an id that everything else refers to.

use crate::pipeline::Compiled;
use serde::{Deserialize, Serialize};
use tilewright_compiler::claims::Operation;
use tilewright_compiler::network::Stage;

/// An operation of the machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its number among the artefact's layers.
    pub id: usize,
    /// Nodes of the source model that it stands for, in order; none for a copy.
    pub nodes: Vec<String>,
    /// Their operators, as `Conv+Relu`.
    pub operator: String,
    /// Extents of the result.
    pub shape: Vec<usize>,
    /// Multiply-accumulates of the network's definition.
    pub macs: u64,
    /// 8 or 16: bits of the result.
    pub bits: usize,
    /// Real value of one step of the result.
    pub scale: f32,
    /// The byte that means zero in the result.
    pub zero: i8,
    /// Its names in the programs' layer tables: stage, and number there.
    pub programs: Vec<(usize, usize)>,
}

/// The layers of a compiled network, in the order in which they can run.
pub(super) fn layers(compiled: &Compiled) -> Vec<Layer> {
    let operations = compiled.network.claims.operations.iter().enumerate();
    operations.map(|(id, operation)| layer(compiled, id, operation)).collect()
}

fn layer(compiled: &Compiled, id: usize, operation: &Operation) -> Layer {
    let network = &compiled.network;
    let graph = &network.claims.graph;
    let nodes = || operation.nodes.iter().map(|&n| &graph.nodes[n]);
    let tensor = &network.tensors[operation.output.tensor.0 as usize];
    let mut programs: Vec<(usize, usize)> = Vec::new();
    let mut macs = 0;
    for part in &operation.parts {
        let (Some(Stage::Machine { graph, .. }), Some(Some(schedule))) =
            (network.stages.get(part.stage), compiled.schedules.get(part.stage))
        else {
            continue;
        };
        // Passes may have cut the node in two: both halves keep its name and its operator.
        let node = &graph.nodes[part.node];
        for (n, layer) in schedule.program.layers.iter().enumerate() {
            let own = layer.name == node.name && layer.operator == node.operator;
            if own && !programs.contains(&(part.stage, n)) {
                programs.push((part.stage, n));
                macs += layer.macs;
            }
        }
    }
    Layer {
        id,
        nodes: nodes().map(|node| node.name.clone()).collect(),
        operator: nodes().map(|node| node.op.name()).collect::<Vec<_>>().join("+"),
        shape: graph.shape(operation.output.value).to_vec(),
        macs,
        bits: if tensor.wide { 16 } else { 8 },
        scale: tensor.scale,
        zero: tensor.zero,
        programs,
    }
}
