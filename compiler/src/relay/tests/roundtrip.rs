//! What was printed reads back as the same graph.

use std::collections::HashMap;

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use super::*;
use crate::float;
use crate::graph::random::graph as random_graph;
use tilewright_random::Random;

use crate::graph::{Source, ValueId};
use crate::testing::all_models;
use crate::{onnx, simplify};

/// The graph with its constants numbered in the order in which nodes read them, unread ones gone.
fn canonical(graph: &Graph) -> Graph {
    let mut read: Vec<ValueId> = Vec::new();
    for &id in graph.nodes.iter().flat_map(|n| &n.inputs).chain(&graph.outputs) {
        if graph.constant_data(id).is_some() && !read.contains(&id) {
            read.push(id);
        }
    }
    let mut order: Vec<ValueId> = (0..graph.values.len() as u32).map(ValueId).collect();
    let is_constant = |id: &ValueId| matches!(graph.value(*id).source, Source::Constant(_));
    order.retain(|id| !is_constant(id) || read.contains(id));
    let mut next = read.iter();
    for id in &mut order {
        if is_constant(id) {
            *id = *next.next().unwrap();
        }
    }
    let map: HashMap<ValueId, ValueId> =
        order.iter().enumerate().map(|(new, old)| (*old, ValueId(new as u32))).collect();
    let mut out = graph.clone();
    out.values = order.iter().map(|id| graph.value(*id).clone()).collect();
    for node in &mut out.nodes {
        for id in node.inputs.iter_mut().chain(&mut node.outputs) {
            *id = map[id];
        }
    }
    for id in out.inputs.iter_mut().chain(&mut out.outputs) {
        *id = map[id];
    }
    out
}

fn same_outputs(a: &Graph, b: &Graph) {
    let mut random = Random::new(7);
    let inputs: Vec<ArrayD<f32>> = a
        .inputs
        .iter()
        .map(|&id| {
            let shape = a.shape(id);
            ArrayD::from_shape_vec(IxDyn(shape), random.floats(shape.iter().product())).unwrap()
        })
        .collect();
    let bits = |g: &Graph| -> Vec<Vec<u32>> {
        let outputs = float::run(g, &inputs).unwrap();
        outputs.iter().map(|y| y.iter().map(|v| v.to_bits()).collect()).collect()
    };
    assert!(bits(a) == bits(b), "{}", a.name);
}

fn there_and_back(g: &Graph) -> Graph {
    let text = print(g, Data::Full);
    match parse(&text, &g.name, &Params::default()) {
        Ok(imported) => imported.graph,
        Err(e) => panic!("{e}\n{}", print(g, Data::Elided)),
    }
}

#[test]
fn models_survive() {
    for folder in all_models() {
        let imported = onnx::import(&folder.join("model.onnx")).unwrap().graph;
        let simplified = simplify::run(imported.clone()).unwrap();
        for g in [imported, simplified] {
            let back = there_and_back(&g);
            let wanted = canonical(&g);
            assert!(back == wanted, "{}\n{}", g.name, print(&g, Data::Elided));
        }
    }
}

proptest! {
    #![proptest_config(crate::testing::same_cases(256))]

    #[test]
    fn random_graphs_survive(seed: u64) {
        let g = random_graph(seed);
        let back = there_and_back(&g);
        prop_assert_eq!(&back, &canonical(&g));
        same_outputs(&back, &g);
    }

    #[test]
    fn any_names_survive(seed: u64, node in any::<String>(), input: String, result: String) {
        let mut g = random_graph(seed);
        g.nodes[0].name = node;
        g.values[0].name = input.clone();
        let output = g.nodes[0].outputs[0];
        g.values[output.0 as usize].name = result;
        let back = there_and_back(&g);
        let mut wanted = canonical(&g);
        if input.is_empty() {
            wanted.values[0].name.clone_from(&back.values[0].name);
        }
        if wanted.nodes[0].name.is_empty() {
            // A node without a name takes that of its number.
            wanted.nodes[0].name.clone_from(&back.nodes[0].name);
        }
        prop_assert_eq!(back, wanted);
    }
}
