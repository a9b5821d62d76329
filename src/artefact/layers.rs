//! Layers of an artefact: one for each operation of the machine, by an id that everything else refers to.

use crate::assurance::Assurance;
use crate::pipeline::Compiled;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use tilewright_arch::fixed::Half;
use tilewright_arch::program;
use tilewright_compiler::claims::{Operation, StageNode};
use tilewright_compiler::network::Stage;
use tilewright_compiler::schedule::Schedule;
use tilewright_timing::{CycleReport, stats};

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
    /// Signal to noise in decibels that was predicted for the result on the first calibration sample, with the noise of
    /// all before it; absent where there is no noise or no signal, and where nothing was predicted.
    pub predicted_sqnr_db: Option<f64>,
}

/// What a row of the programs' layer tables took in a run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LayerReport {
    /// The layers that it is part of: mostly one.
    pub ids: Vec<usize>,
    /// What sets it apart from others of its name and operator: the half of the 16-bit values that it makes, or its number
    /// among them; nothing where it is the only one of its stage.
    pub part: Option<String>,
    /// Its cycles, multiply-accumulates and bytes.
    #[serde(flatten)]
    pub report: stats::LayerCycles,
}

/// The rows of a run's report in the order of the programs, by the ids of the network's `layers`.
pub fn reports(compiled: &Compiled, layers: &[Layer], report: &CycleReport) -> Vec<LayerReport> {
    let rows =
        compiled.programs().flat_map(|(stage, s)| (0..s.program.layers.len()).map(move |row| (stage, row)));
    let named =
        |((row, part), report): (((usize, usize), Option<String>), &stats::LayerCycles)| LayerReport {
            ids: layers.iter().filter(|layer| layer.programs.contains(&row)).map(|layer| layer.id).collect(),
            part,
            report: report.clone(),
        };
    rows.zip(parts(compiled)).zip(&report.layers).map(named).collect()
}

/// [`LayerReport::part`] of each row.
fn parts(compiled: &Compiled) -> Vec<Option<String>> {
    let mut parts = Vec::new();
    for (stage, schedule) in compiled.programs() {
        let Stage::Machine { graph, .. } = &compiled.network.stages[stage] else { continue };
        let layers = &schedule.program.layers;
        for (n, layer) in layers.iter().enumerate() {
            let alike =
                |(_, l): &(usize, &program::Layer)| (&l.name, &l.operator) == (&layer.name, &layer.operator);
            let all = layers.iter().enumerate().filter(alike);
            let (count, number) = (all.clone().count(), all.take_while(|(m, _)| *m < n).count());
            let nodes =
                || graph.nodes.iter().filter(|n| (&n.name, &n.operator) == (&layer.name, &layer.operator));
            // A pass that cuts a node makes more layers than nodes, and nobody knows of which.
            let half = if nodes().count() == count { nodes().nth(number).map(|n| n.half()) } else { None };
            parts.push(match half {
                Some(Half::High) => Some("high half".into()),
                Some(Half::Low) => Some("low half".into()),
                _ if count > 1 => Some(format!("{} of {count}", number + 1)),
                _ => None,
            });
        }
    }
    parts
}

/// The layers of a compiled network, in the order in which they can run. Its claims say which these are: of one that was
/// read without its source the manifest does.
pub fn layers(compiled: &Compiled) -> Vec<Layer> {
    let tables = tables(compiled);
    let operations = compiled.network.claims.operations.iter().enumerate();
    operations.map(|(id, operation)| layer(compiled, &tables, id, operation)).collect()
}

/// [`layers`] with what the check of the first rung predicted of them.
pub(super) fn predicted(compiled: &Compiled, assurance: Option<&Assurance>) -> Vec<Layer> {
    let mut layers = layers(compiled);
    for row in assurance.iter().flat_map(|assurance| &assurance.first_rung.layers) {
        if let Some(layer) = row.id.and_then(|id| layers.get_mut(id)) {
            // JSON has no infinity.
            layer.predicted_sqnr_db = row.predicted_sqnr_db.filter(|db| db.is_finite());
        }
    }
    layers
}

/// For each stage, and each of its nodes, the numbers in the program's layer table.
pub(crate) fn tables(compiled: &Compiled) -> Vec<Vec<Vec<usize>>> {
    compiled.network.stages.iter().zip(&compiled.schedules).map(table).collect()
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
    let rows = |part: &StageNode| {
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
        predicted_sqnr_db: None,
    }
}
