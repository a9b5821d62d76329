//! Cuts the operations into stages between which the host works.

use super::{Lowered, Lowering, Provenance};
use crate::error::Result;
use crate::fixed::{FixedGraph, FixedNode, Reduction, TensorId};
use crate::graph::{Graph, Source, ValueId};
use crate::network::{Export, HostOperator, Import, Network, Stage, places};
use crate::quantise::ranges::histogram::Histogram;
use crate::quantise::select::plan::{HomeOrigin, host_graph};
use ndarray::{ArrayD, IxDyn};
use std::collections::{BTreeMap, BTreeSet};

/// The number next to zero of values of one sign, at most `half` a step; 0 of others.
fn nearest_to_zero(seen: &Histogram, half: f32) -> f32 {
    if seen.min > 0.0 {
        seen.min.min(half)
    } else if seen.max < 0.0 {
        seen.max.max(-half)
    } else {
        0.0
    }
}

/// The network of all operations, and where each of its nodes comes from.
pub fn split(lowering: Lowering) -> Result<Lowered> {
    let Lowering { graph, annotations, plan, fixed, provenance, tensor, classes, before_table, seen, .. } =
        lowering;
    let mut network = Network { name: graph.name.clone(), ..Network::default() };
    let constants = constants(graph);
    network.inputs =
        graph.inputs.iter().map(|&id| (graph.value(id).name.clone(), id, graph.shape(id).to_vec())).collect();
    network.outputs.clone_from(&graph.outputs);
    network.constants = constants;
    for (h, home) in plan.homes.iter().enumerate() {
        if home.origin == HomeOrigin::Host {
            network.imports.push(Import { value: home.value, tensor: tensor[h] });
        }
    }
    for (value, held) in &plan.exports {
        // A part lies in its whole: at an offset, with the whole's strides.
        let (offset, strides) =
            classes.located(held).strides(fixed.tensor(tensor[held.home.index()]).extents());
        let shape = graph.shape(*value).to_vec();
        let read = plan.host.iter().any(|(n, ..)| graph.nodes[*n].inputs.contains(value));
        let next_to_zero = match read && annotations.is_empty() {
            true => nearest_to_zero(
                &seen.homes[held.home.index()],
                fixed.tensor(tensor[held.home.index()]).scale / 2.0,
            ),
            false => 0.0,
        };
        network.exports.push(Export {
            value: *value,
            shape,
            tensor: tensor[held.home.index()],
            offset,
            strides,
            next_to_zero,
        });
    }
    network.host = plan
        .host
        .iter()
        .map(|(n, _, why)| {
            let node = &graph.nodes[*n];
            HostOperator {
                name: node.name.clone(),
                operator: node.op.name().into(),
                macs: graph.node_macs(node),
                why: why.why.clone(),
                hint: why.hint.map(String::from),
            }
        })
        .collect();
    // Tensors that hold a value as it is, byte by byte, are known by its shape.
    let mut shapes: BTreeMap<TensorId, Vec<usize>> = BTreeMap::new();
    for Export { tensor, shape, offset, strides, .. } in &network.exports {
        let of = fixed.tensor(*tensor);
        let dense = !of.wide && (0..of.elements()).eq(places(*offset, strides));
        if dense {
            shapes.insert(*tensor, shape.clone());
        }
    }
    for import in network.imports.iter().filter(|import| !fixed.tensor(import.tensor).wide) {
        shapes.insert(import.tensor, graph.shape(import.value).to_vec());
    }
    let turns = plan.ops.iter().map(|g| g.turn).chain(plan.host.iter().map(|h| h.1)).max().unwrap_or(0);
    let mut all = Lowered { network, provenance: Vec::new(), tensor, before_table: before_table.to_vec() };
    let nodes: Vec<(FixedNode, Provenance)> = fixed.nodes.iter().cloned().zip(provenance).collect();
    for turn in 0..=turns {
        let own = |p: &Provenance| plan.ops[p.fused].turn == turn;
        let here: Vec<&(FixedNode, Provenance)> = nodes.iter().filter(|(_, p)| own(p)).collect();
        if !here.is_empty() {
            let later = nodes.iter().filter(|(_, p)| plan.ops[p.fused].turn > turn).map(|(n, _)| n);
            let mut wanted: BTreeSet<TensorId> = later.flat_map(|n| n.reads().map(|v| v.tensor)).collect();
            wanted.extend(all.network.exports.iter().map(|e| e.tensor));
            let nodes = here.iter().map(|(n, _)| n.clone()).collect();
            all.network.stages.push(machine(&fixed, nodes, &wanted, &shapes));
            all.provenance.push(here.iter().map(|(_, p)| p.clone()).collect());
        }
        let host: Vec<usize> = plan.host.iter().filter(|(_, t, _)| *t == turn).map(|(n, ..)| *n).collect();
        if !host.is_empty() {
            let wanted = |id: ValueId| {
                let read_later = graph.users(id).iter().any(|n| !host.contains(n));
                read_later || graph.outputs.contains(&id)
            };
            let (graph, inputs, outputs) = host_graph(graph, annotations, &host, &wanted)?;
            all.network.stages.push(Stage::Host { graph, inputs, outputs });
            all.provenance.push(Vec::new());
        }
    }
    all.network.tensors = fixed.tensors;
    // What no stage reads nobody has to quantise.
    let stages = &all.network.stages;
    all.network.imports.retain(|import| stages.iter().any(|stage| stage.reads(import.tensor)));
    Ok(all)
}

/// Outputs that do not depend on the inputs.
fn constants(graph: &Graph) -> Vec<(ValueId, ArrayD<f32>)> {
    let of = |&id: &ValueId| match &graph.value(id).source {
        Source::Constant(data) => {
            let array = ArrayD::from_shape_vec(IxDyn(graph.shape(id)), data.clone());
            Some((id, array.expect("a verified constant has its shape's elements")))
        }
        _ => None,
    };
    graph.outputs.iter().filter_map(of).collect()
}

/// A graph of some of the operations, with tensors of its own: what it does not write itself is an
/// input, what is wanted of what it writes is an output.
fn machine(
    fixed: &FixedGraph,
    mut nodes: Vec<FixedNode>,
    wanted: &BTreeSet<TensorId>,
    shapes: &BTreeMap<TensorId, Vec<usize>>,
) -> Stage {
    let written: BTreeSet<TensorId> = nodes.iter().map(|n| n.output.tensor).collect();
    let mut tensors: Vec<TensorId> = Vec::new();
    for node in &nodes {
        for id in node.reads().map(|v| v.tensor).chain([node.output.tensor]) {
            if !tensors.contains(&id) {
                tensors.push(id);
            }
        }
    }
    tensors.sort_unstable();
    let local = |id: TensorId| {
        TensorId(tensors.iter().position(|t| *t == id).expect("all tensors were collected") as u32)
    };
    for node in &mut nodes {
        node.input.tensor = local(node.input.tensor);
        node.output.tensor = local(node.output.tensor);
        if let Some(operand) = &mut node.operand {
            operand.view.tensor = local(operand.view.tensor);
        }
        if let Reduction::Product { weights } = &mut node.reduction {
            weights.tensor = local(weights.tensor);
        }
    }
    let shape = |id: TensorId| shapes.get(&id).cloned().unwrap_or_else(|| fixed.tensor(id).shape.to_vec());
    let port = |id: TensorId| (local(id), shape(id));
    let constant = |id: &TensorId| fixed.constants.iter().find(|(c, _)| c == id);
    let graph = FixedGraph {
        name: fixed.name.clone(),
        tensors: tensors.iter().map(|id| fixed.tensor(*id).clone()).collect(),
        constants: tensors.iter().filter_map(|id| Some((local(*id), constant(id)?.1.clone()))).collect(),
        inputs: tensors
            .iter()
            .filter(|id| !written.contains(id) && constant(id).is_none())
            .map(|id| port(*id))
            .collect(),
        outputs: tensors
            .iter()
            .filter(|id| written.contains(id) && wanted.contains(id))
            .map(|id| port(*id))
            .collect(),
        pieces: Vec::new(),
        bands: Vec::new(),
        nodes,
    };
    Stage::Machine { graph, tensors }
}
