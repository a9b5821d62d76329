//! Layers of an artefact: one for each operation of the machine, by an id that everything else refers to.

use crate::pipeline::Compiled;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use tilewright_compiler::claims::{Operation, Part};
use tilewright_compiler::network::Stage;
use tilewright_compiler::schedule::Schedule;

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
pub fn layers(compiled: &Compiled) -> Vec<Layer> {
    let tables: Vec<Vec<Vec<usize>>> =
        compiled.network.stages.iter().zip(&compiled.schedules).map(table).collect();
    let operations = compiled.network.claims.operations.iter().enumerate();
    operations.map(|(id, operation)| layer(compiled, &tables, id, operation)).collect()
}

/// For each node of a stage its numbers in the program's layer table, which has its name and operator, once or,
/// where passes have cut the node, several times. Nodes that are called alike come in their own order; where
/// some of those have been cut nobody knows which, and all have all.
fn table((stage, schedule): (&Stage, &Option<Schedule>)) -> Vec<Vec<usize>> {
    let (Stage::Machine { graph, .. }, Some(schedule)) = (stage, schedule) else { return vec![] };
    let mut nodes: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (n, node) in graph.nodes.iter().enumerate() {
        nodes.entry((&node.name, &node.operator)).or_default().push(n);
    }
    let mut rows: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (n, layer) in schedule.program.layers.iter().enumerate() {
        rows.entry((&layer.name, &layer.operator)).or_default().push(n);
    }
    let mut table = vec![Vec::new(); graph.nodes.len()];
    for (key, nodes) in nodes {
        let rows = rows.remove(&key).unwrap_or_default();
        for (n, &node) in nodes.iter().enumerate() {
            table[node] = if nodes.len() == rows.len() { vec![rows[n]] } else { rows.clone() };
        }
    }
    table
}

fn layer(compiled: &Compiled, tables: &[Vec<Vec<usize>>], id: usize, operation: &Operation) -> Layer {
    let network = &compiled.network;
    let graph = &network.claims.graph;
    let nodes = || operation.nodes.iter().map(|&n| &graph.nodes[n]);
    let tensor = &network.tensors[operation.output.tensor.0 as usize];
    let rows = |part: &Part| {
        let (stage, rows) = (part.stage, tables.get(part.stage).and_then(|table| table.get(part.node)));
        rows.into_iter().flatten().map(move |&row| (stage, row))
    };
    let programs: BTreeSet<(usize, usize)> = operation.parts.iter().flat_map(rows).collect();
    let macs = |&(stage, row): &(usize, usize)| {
        compiled.schedules[stage].as_ref().map_or(0, |schedule| schedule.program.layers[row].macs)
    };
    Layer {
        id,
        nodes: nodes().map(|node| node.name.clone()).collect(),
        operator: nodes().map(|node| node.op.name()).collect::<Vec<_>>().join("+"),
        shape: graph.shape(operation.output.value).to_vec(),
        macs: programs.iter().map(macs).sum(),
        bits: if tensor.wide { 16 } else { 8 },
        scale: tensor.scale,
        zero: tensor.zero,
        programs: programs.into_iter().collect(),
    }
}
