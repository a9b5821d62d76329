//! Every pass keeps what a graph computes, on random graphs and on the models.

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

mod functions;
mod interpolation;
mod padding;

use super::*;
use crate::float;
use crate::graph::random::graph;
use tilewright_random::Random;

use crate::graph::{BinaryKind, Integer, Op, PadMode, ReduceKind, UnaryKind, ValueId, Window};
use crate::npy::read_npy;
use crate::onnx::import;
use crate::testing::{all_models, models};

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

/// Relative to the largest value on the way, whose rounding is left where terms cancel: sixteen units in the
/// last place.
const CANCELLED: f32 = 16.0 * f32::EPSILON;

fn assert_same(before: &[ArrayD<f32>], after: &[ArrayD<f32>], what: &str) {
    assert_near(before, after, 0.0, what);
}

/// [`assert_same`] of results on whose way the largest value is `largest`.
fn assert_near(before: &[ArrayD<f32>], after: &[ArrayD<f32>], largest: f32, what: &str) {
    assert_eq!(before.len(), after.len());
    for (b, a) in before.iter().zip(after) {
        assert_eq!(b.shape(), a.shape(), "{what}");
        let scale = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        for (b, a) in b.iter().zip(a) {
            let most = TOLERANCE * scale + CANCELLED * largest;
            assert!((a - b).abs() <= most, "{what}: {b} became {a}");
        }
    }
}

proptest! {
    #![proptest_config(crate::testing::same_cases(300))]

    #[test]
    fn every_pass_keeps_the_results_of_random_graphs(seed: u64) {
        let mut g = graph(seed);
        let x = inputs(&g, !seed);
        for (name, pass) in PASSES {
            let before = float::run(&g, &x).unwrap();
            let all = float::run_all(&g, &x).unwrap();
            let largest = all.iter().flatten().fold(0f32, |m, v| m.max(v.abs()));
            let names = |g: &Graph| g.outputs.iter().map(|&o| g.shape(o).to_vec()).collect::<Vec<_>>();
            let shapes = names(&g);
            g = pass(g).unwrap();
            g.verify().unwrap();
            prop_assert_eq!(names(&g), shapes);
            assert_near(&before, &float::run(&g, &x).unwrap(), largest, name);
        }
        // The promises of the module's documentation.
        for node in &g.nodes {
            let gone = matches!(node.op, Op::BatchNormalization { .. } | Op::MatMul);
            prop_assert!(!gone, "{}", node.op.name());
            if matches!(node.op, Op::Gemm { .. }) {
                prop_assert_eq!(&node.op, &matrix::CANONICAL);
            }
            let kept = matches!(node.op, Op::DequantizeLinear { .. });
            prop_assert!(kept || node.inputs.iter().any(|&i| g.constant_data(i).is_none()));
        }
        for (id, value) in g.values.iter().enumerate() {
            let used = g.use_counts()[id] > 0;
            prop_assert!(used || matches!(value.source, crate::graph::Source::Input(_)));
        }
        // A second run finds nothing left to do.
        let again = run(g.clone()).unwrap();
        prop_assert_eq!(again.nodes.len(), g.nodes.len(), "{}{}", g, again);
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

/// A matrix on the left, as that of colours, becomes one on the right.
#[test]
fn a_matrix_on_the_left_is_turned() {
    for extents in [&[3, 4][..], &[2, 3, 4], &[1, 2, 3, 4]] {
        let mut g = Graph::new("t");
        let x = g.input("x", extents).unwrap();
        let a = g.constant("a", &[2, 3], (0..6).map(|i| i as f32 - 2.0).collect()).unwrap();
        g.outputs = vec![g.node("mm", Op::MatMul, &[a, x]).unwrap()];
        let simple = run(g.clone()).unwrap();
        assert!(names(&simple).contains(&"Gemm") && !names(&simple).contains(&"MatMul"), "{simple}");
        let count = extents.iter().product::<usize>();
        let x = ndarray::ArrayD::from_shape_vec(extents, (0..count).map(|i| i as f32).collect()).unwrap();
        let sample = std::slice::from_ref(&x);
        assert_eq!(crate::float::run(&simple, sample).unwrap(), crate::float::run(&g, sample).unwrap());
    }
}

/// Weights that a model keeps as integers stay integers, with their scales along the new axis.
#[test]
fn integer_weights_of_matrix_products_stay() {
    let mut g = Graph::new("t");
    let x = g.input("x", &[2, 3]).unwrap();
    let b = g.constant("b", &[3, 2], (0..6).map(|i| i as f32).collect()).unwrap();
    let step = g.constant("s", &[2], vec![0.5, 0.25]).unwrap();
    let zero = g.constant("z", &[2], vec![0.0; 2]).unwrap();
    let op = |axis| Op::DequantizeLinear { integer: Integer::Int8, axis: Some(axis) };
    let b = g.node("dq", op(1), &[b, step, zero]).unwrap();
    let y = g.node("mm", Op::MatMul, &[x, b]).unwrap();
    g.outputs = vec![y];
    let g = run(g).unwrap();
    let [weights, gemm] = &g.nodes[..] else { panic!("{g}") };
    assert_eq!((&weights.op, &gemm.op), (&op(0), &matrix::CANONICAL));
    assert_eq!(g.constant_data(weights.inputs[0]), Some(&[0.0, 2.0, 4.0, 1.0, 3.0, 5.0][..]));
    assert_eq!(g.constant_data(weights.inputs[1]), Some(&[0.5, 0.25][..]));
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

/// Every model as a whole, and the functions that are written as several operators in some.
#[test]
fn the_whole_zoo_keeps_its_results() {
    for folder in all_models() {
        let g = import(&folder.join("model.onnx")).unwrap().graph;
        let x = [read_npy(&folder.join("input_0.npy")).unwrap().to_ndarray()];
        let expected = read_npy(&folder.join("output_0.npy")).unwrap().to_ndarray();
        let g = run(g).unwrap();
        let model = folder.file_name().unwrap().to_str().unwrap();
        // Its sharp sigmoids amplify rounding.
        let results = float::run(&g, &x).unwrap();
        if model != "selfie_seg" {
            assert_same(&[expected], &results[..1], model);
        }
        let count = |name: &str| g.nodes.iter().filter(|n| n.op.name() == name).count();
        match model {
            "ppocr_cls" => assert_eq!((count("HardSwish"), count("Div")), (18, 0)),
            "vit_mnist" => assert_eq!((count("Gelu"), count("Erf")), (3, 0)),
            "ppocrv4_rec" => {
                assert_eq!((count("LayerNormalization"), count("Swish"), count("Sqrt")), (5, 7, 0))
            }
            _ => {}
        }
    }
}

/// Builds a graph on an image, simplifies it and compares names and results with what is expected.
fn becomes(expected: &[&str], build: impl Fn(&mut Graph, ValueId) -> ValueId) -> Graph {
    let mut g = Graph::new("t");
    let x = g.input("x", &[1, 4, 5, 6]).unwrap();
    let y = build(&mut g, x);
    g.outputs = vec![y];
    let mut x = inputs(&g, 7);
    // Far enough to both sides to reach where the functions are flat.
    x[0].mapv_inplace(|v| 5.0 * v);
    let before = float::run(&g, &x).unwrap();
    let g = run(g).unwrap();
    assert_same(&before, &float::run(&g, &x).unwrap(), &g.to_string());
    assert_eq!(names(&g), expected, "{g}");
    g
}

fn scalar(g: &mut Graph, v: f32) -> ValueId {
    g.constant("", &[], vec![v]).unwrap()
}

fn binary(g: &mut Graph, kind: BinaryKind, a: ValueId, b: ValueId) -> ValueId {
    g.node("", Op::Binary { kind }, &[a, b]).unwrap()
}

fn unary(g: &mut Graph, kind: UnaryKind, x: ValueId) -> ValueId {
    g.node("", Op::Unary { kind }, &[x]).unwrap()
}

#[test]
fn constant_factors_and_differences_fold() {
    use BinaryKind::{Div, Mul, Sub};
    let conv = |g: &mut Graph, x| {
        let w = g.constant("w", &[2, 4, 1, 1], vec![1.0, 2.0, 3.0, 4.0, -1.0, -2.0, 0.5, 1.5]).unwrap();
        g.node("conv", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]).unwrap()
    };
    for kind in [Mul, Div, Sub] {
        for first in [false, true] {
            let expected: &[&str] = if kind == Div && first { &["Conv", "Div"] } else { &["Conv"] };
            becomes(expected, |g, x| {
                let y = conv(g, x);
                let c = g.constant("c", &[2, 1, 1], vec![3.0, -0.5]).unwrap();
                let (a, b) = if first { (c, y) } else { (y, c) };
                binary(g, kind, a, b)
            });
        }
    }
    // Without a layer in front, and with a factor for each column.
    becomes(&["Conv"], |g, x| {
        let half = scalar(g, 0.5);
        binary(g, Mul, x, half)
    });
    becomes(&["Mul"], |g, x| {
        let c = g.constant("c", &[6], vec![1.0, 2.0, 4.0, 8.0, 0.5, 0.25]).unwrap();
        binary(g, Div, x, c)
    });
}

/// A choice by constants is what the machine does, unless something infinite may not be chosen: zero times that is NaN.
#[test]
fn choices_by_constants_are_products_or_stay() {
    for (name, nodes) in [("where_both", 3), ("where_never", 1), ("where_always", 1)] {
        let case =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/operators/{name}.onnx"));
        let g = run(import(&case).unwrap().graph).unwrap();
        assert_eq!((g.nodes.iter().any(|n| n.op == Op::Where), g.nodes.len()), (false, nodes), "{name}: {g}");
    }
    let mut g = Graph::new("t");
    let x = g.input("x", &[3]).unwrap();
    let log = g.node("log", Op::Unary { kind: UnaryKind::Log }, &[x]).unwrap();
    let mask = g.constant("mask", &[3], vec![1.0, 0.0, 0.0]).unwrap();
    let y = g.node("choice", Op::Where, &[mask, log, x]).unwrap();
    g.outputs = vec![y];
    let x = [ArrayD::from_shape_vec(IxDyn(&[3]), vec![1.0, 0.0, -1.0]).unwrap()];
    let after = float::run(&run(g).unwrap(), &x).unwrap();
    assert_eq!(after[0].as_slice().unwrap(), [0.0, 0.0, -1.0]);
}

/// A warning that names an output names the one that the model does.
#[test]
fn outputs_of_the_same_numbers_keep_their_names() {
    let mut g = Graph::new("t");
    let x = g.input("x", &[2, 3]).unwrap();
    let p = g.node("relu", Op::Relu, &[x]).unwrap();
    let q = g.reshape("same", p, &[2, 3]).unwrap();
    let r = g.node("open", Op::Clip { min: f32::NEG_INFINITY, max: f32::INFINITY }, &[p]).unwrap();
    for (id, name) in [(p, "p"), (q, "q"), (r, "r")] {
        g.values[id.0 as usize].name = name.to_owned();
        g.outputs.push(id);
    }
    let g = run(g).unwrap();
    let names: Vec<&str> = g.outputs.iter().map(|&id| g.value(id).name.as_str()).collect();
    assert_eq!(names, ["p", "q", "r"]);
}

/// A quantised operator that nothing reads made the graph a quantised model's, whose interpolations stay as they are.
#[test]
fn dead_quantisation_hides_nothing() {
    let mut g = graph(1_250_961_658_479_126_288);
    assert!(g.is_quantised());
    for (_, pass) in PASSES {
        g = pass(g).unwrap();
    }
    assert!(!g.is_quantised() && names(&g).contains(&"ConvTranspose"), "{g}");
    assert_eq!(run(g.clone()).unwrap().nodes.len(), g.nodes.len());
}
