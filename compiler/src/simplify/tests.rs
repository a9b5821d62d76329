//! Every pass keeps what a graph computes, on random graphs and on the models.

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use super::*;
use crate::float;
use crate::graph::random::{Random, graph};
use crate::graph::{Op, ValueId, Window};
use crate::npy::read_npy;
use crate::onnx::import;
use crate::testing::models;

/// Relative to the largest output: scaled weights round once more than scaled results.
const TOLERANCE: f32 = 1e-4;

fn inputs(g: &Graph, seed: u64) -> Vec<ArrayD<f32>> {
    let mut r = Random::new(seed);
    let mut input = |id: &ValueId| {
        let shape = g.shape(*id);
        let data = r.floats(shape.iter().product());
        ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
    };
    g.inputs.iter().map(&mut input).collect()
}

fn assert_same(before: &[ArrayD<f32>], after: &[ArrayD<f32>], what: &str) {
    assert_eq!(before.len(), after.len());
    for (b, a) in before.iter().zip(after) {
        assert_eq!(b.shape(), a.shape(), "{what}");
        let scale = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        for (b, a) in b.iter().zip(a) {
            assert!((a - b).abs() <= TOLERANCE * scale, "{what}: {b} became {a}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_pass_keeps_the_results_of_random_graphs(seed: u64) {
        let mut g = graph(seed);
        let x = inputs(&g, !seed);
        for (name, pass) in PASSES {
            let before = float::run(&g, &x).unwrap();
            let names = |g: &Graph| g.outputs.iter().map(|&o| g.shape(o).to_vec()).collect::<Vec<_>>();
            let shapes = names(&g);
            g = pass(g).unwrap();
            g.verify().unwrap();
            prop_assert_eq!(names(&g), shapes);
            assert_same(&before, &float::run(&g, &x).unwrap(), name);
        }
        // The promises of the module's documentation.
        for node in &g.nodes {
            let gone = matches!(node.op, Op::BatchNormalization { .. } | Op::MatMul);
            prop_assert!(!gone, "{}", node.op.name());
            if matches!(node.op, Op::Gemm { .. }) {
                prop_assert_eq!(&node.op, &matrix::CANONICAL);
            }
            prop_assert!(node.inputs.iter().any(|&i| g.constant_data(i).is_none()));
        }
        for (id, value) in g.values.iter().enumerate() {
            let used = g.use_counts()[id] > 0;
            prop_assert!(used || matches!(value.source, crate::graph::Source::Input(_)));
        }
        // A second run finds nothing left to do.
        let again = run(g.clone()).unwrap();
        prop_assert_eq!(again.nodes.len(), g.nodes.len(), "{}{}", g.text(crate::graph::Data::Elided), again.text(crate::graph::Data::Elided));
    }
}

#[test]
fn every_pass_keeps_the_results_of_the_models() {
    for folder in models() {
        let mut g = import(&folder.join("model.onnx")).unwrap().graph;
        let x = [read_npy(&folder.join("input_0.npy")).unwrap().to_ndarray()];
        let before = float::run(&g, &x).unwrap();
        let macs = g.macs();
        for (name, pass) in PASSES {
            g = pass(g).unwrap();
            assert_same(&before, &float::run(&g, &x).unwrap(), name);
        }
        assert_eq!(g.macs(), macs, "no model here needs more products afterwards");
        let expected = read_npy(&folder.join("output_0.npy")).unwrap().to_ndarray();
        assert_same(&[expected], &float::run(&g, &x).unwrap(), "all passes");
    }
}

fn names(g: &Graph) -> Vec<&str> {
    g.nodes.iter().map(|n| n.op.name()).collect()
}

/// x * 2 + 1 on each of two channels.
fn doubling(g: &mut Graph, x: ValueId) -> ValueId {
    let mut constant = |v: f32| g.constant("", &[2], vec![v; 2]).unwrap();
    let inputs = [x, constant(6.0), constant(1.0), constant(0.0), constant(9.0)];
    g.node("bn", Op::BatchNormalization { epsilon: 0.0 }, &inputs).unwrap()
}

#[test]
fn batch_norm_folds_into_what_feeds_it_alone() {
    for shared in [false, true] {
        let mut g = Graph::new("t");
        let x = g.input("x", &[1, 1, 2, 2]).unwrap();
        let w = g.constant("w", &[2, 1, 1, 1], vec![3.0, -1.0]).unwrap();
        let window = Window::UNIT;
        let conv = g.node("conv", Op::Conv { window, groups: 1 }, &[x, w]).unwrap();
        let y = doubling(&mut g, conv);
        let y = doubling(&mut g, y);
        g.outputs = if shared { vec![y, conv] } else { vec![y] };
        let g = run(g).unwrap();
        if shared {
            // The first becomes depthwise, the second folds into it.
            assert_eq!(names(&g), ["Conv", "Conv"]);
            assert!(matches!(g.nodes[1].op, Op::Conv { groups: 2, .. }), "{g}");
            continue;
        }
        assert_eq!(names(&g), ["Conv"]);
        let node = &g.nodes[0];
        assert_eq!(node.name, "conv");
        // ((3x) * 2 + 1) * 2 + 1, by hand.
        assert_eq!(g.constant_data(node.inputs[1]), Some(&[12.0, -4.0][..]));
        assert_eq!(g.constant_data(node.inputs[2]), Some(&[3.0, 3.0][..]));
    }
}

#[test]
fn matrix_products_become_canonical() {
    let mut g = Graph::new("t");
    let x = g.input("x", &[2, 1, 3]).unwrap();
    let b = g.constant("b", &[3, 2], (0..6).map(|i| i as f32).collect()).unwrap();
    let c = g.constant("c", &[2], vec![10.0, 20.0]).unwrap();
    let y = g.node("mm", Op::MatMul, &[x, b]).unwrap();
    let flat = g.reshape("flat", y, &[2, 2]).unwrap();
    let y = g.node("add", Op::Add, &[c, flat]).unwrap();
    g.values[y.0 as usize].name = "result".to_owned();
    g.outputs = vec![y];
    let g = run(g).unwrap();
    // The product's own reshape meets the model's, both go, and then the addend meets the product.
    assert_eq!(names(&g), ["Reshape", "Gemm"]);
    let gemm = &g.nodes[1];
    assert_eq!(g.constant_data(gemm.inputs[2]), Some(&[10.0, 20.0][..]));
    assert_eq!(g.constant_data(gemm.inputs[1]), Some(&[0.0, 2.0, 4.0, 1.0, 3.0, 5.0][..]));
    assert_eq!(g.value(g.outputs[0]).name, "result");
}

#[test]
fn no_ops_and_dead_code_go() {
    let mut g = Graph::new("t");
    let x = g.input("x", &[1, 3, 1, 4]).unwrap();
    let turn = |perm: &[usize]| Op::Transpose { perm: perm.to_vec() };
    let a = g.node("a", turn(&[0, 2, 3, 1]), &[x]).unwrap();
    let a = g.node("b", turn(&[0, 3, 1, 2]), &[a]).unwrap();
    let (min, max) = (f32::NEG_INFINITY, f32::INFINITY);
    let a = g.node("c", Op::Clip { min, max }, &[a]).unwrap();
    let a = g.node("d", turn(&[2, 0, 1, 3]), &[a]).unwrap();
    let a = g.reshape("e", a, &[12]).unwrap();
    let a = g.reshape("f", a, &[3, 4]).unwrap();
    g.node("dead", Op::Relu, &[x]).unwrap();
    let a = g.node("g", Op::Relu, &[a]).unwrap();
    g.outputs = vec![a];
    let g = run(g).unwrap();
    assert_eq!(names(&g), ["Reshape", "Relu"]);
    assert_eq!(g.values.len(), 3);
}

#[test]
fn constants_are_computed_and_infinities_are_not() {
    let mut g = Graph::new("t");
    let x = g.input("x", &[2]).unwrap();
    let big = g.constant("big", &[2], vec![f32::MAX, 1.0]).unwrap();
    let two = g.node("two", Op::Add, &[big, big]).unwrap();
    let small = g.constant("small", &[2], vec![1.0, -2.0]).unwrap();
    let relu = g.node("relu", Op::Relu, &[small]).unwrap();
    let y = g.node("y", Op::Add, &[x, relu]).unwrap();
    g.outputs = vec![two, y];
    let g = constants::run(g).unwrap();
    assert_eq!(names(&g), ["Add", "Add"]);
    let folded = g.nodes[1].inputs[1];
    assert_eq!(g.constant_data(folded), Some(&[1.0, 0.0][..]));
}
