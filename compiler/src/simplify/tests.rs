//! Every pass keeps what a graph computes, on random graphs and on the models.

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

use super::*;
use crate::float;
use crate::graph::random::graph;
use tilewright_random::Random;

use crate::graph::{
    BinaryKind, Coordinates, Integer, Interpolation, Op, PadMode, ReduceKind, Resize, UnaryKind, ValueId,
    Window,
};
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
    #![proptest_config(ProptestConfig::with_cases(300))]

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
fn decomposed_functions_become_one_operator() {
    use BinaryKind::{Div, Mul};
    let step = |g: &mut Graph, x, shift: f32| {
        let three = scalar(g, shift);
        let sum = g.node("", Op::Add, &[x, three]).unwrap();
        g.node("", Op::Clip { min: 0.0, max: 6.0 }, &[sum]).unwrap()
    };
    for form in 0..4 {
        becomes(&["HardSwish"], |g, x| {
            let clip = step(g, x, 3.0);
            let (six, sixth) = (scalar(g, 6.0), scalar(g, 1.0 / 6.0));
            match form {
                0 | 1 => {
                    let product = binary(g, Mul, x, clip);
                    if form == 0 { binary(g, Div, product, six) } else { binary(g, Mul, sixth, product) }
                }
                _ => {
                    let gate =
                        if form == 2 { binary(g, Div, clip, six) } else { binary(g, Mul, clip, sixth) };
                    binary(g, Mul, gate, x)
                }
            }
        });
    }
    becomes(&["HardSigmoid"], |g, x| {
        let (clip, six) = (step(g, x, 3.0), scalar(g, 6.0));
        binary(g, Div, clip, six)
    });
    // Another shift is another function: the sixth becomes a depthwise convolution.
    becomes(&["Add", "Clip", "Mul", "Conv"], |g, x| {
        let (clip, six) = (step(g, x, 2.0), scalar(g, 6.0));
        let product = binary(g, Mul, x, clip);
        binary(g, Div, product, six)
    });
    becomes(&["Swish"], |g, x| {
        let gate = unary(g, UnaryKind::Sigmoid, x);
        binary(g, Mul, gate, x)
    });
    for form in 0..3 {
        becomes(&["Gelu"], |g, x| {
            let (root, half, one) = (scalar(g, std::f32::consts::SQRT_2), scalar(g, 0.5), scalar(g, 1.0));
            let inner = binary(g, Div, x, root);
            let erf = unary(g, UnaryKind::Erf, inner);
            let sum = g.node("", Op::Add, &[erf, one]).unwrap();
            match form {
                0 => {
                    let product = binary(g, Mul, x, sum);
                    binary(g, Mul, product, half)
                }
                1 => {
                    let x = binary(g, Mul, x, half);
                    binary(g, Mul, x, sum)
                }
                _ => {
                    let sum = binary(g, Mul, sum, half);
                    binary(g, Mul, x, sum)
                }
            }
        });
    }
}

#[test]
fn a_decomposed_layer_norm_becomes_one_operator() {
    for power in [false, true] {
        becomes(&["LayerNormalization"], |g, x| {
            let mean_of = Op::Reduce { kind: ReduceKind::Mean, axes: vec![3], keepdims: true };
            let mean = g.node("", mean_of.clone(), &[x]).unwrap();
            let centred = binary(g, BinaryKind::Sub, x, mean);
            let square = if power {
                let two = scalar(g, 2.0);
                binary(g, BinaryKind::Pow, centred, two)
            } else {
                binary(g, BinaryKind::Mul, centred, centred)
            };
            let variance = g.node("", mean_of, &[square]).unwrap();
            let epsilon = scalar(g, 1e-3);
            let sum = g.node("", Op::Add, &[variance, epsilon]).unwrap();
            let deviation = unary(g, UnaryKind::Sqrt, sum);
            let normal = binary(g, BinaryKind::Div, centred, deviation);
            let scale = g.constant("s", &[6], vec![0.5, 1.0, -1.5, 2.0, 2.5, 3.0]).unwrap();
            let bias = scalar(g, 0.25);
            let scaled = binary(g, BinaryKind::Mul, normal, scale);
            g.node("", Op::Add, &[scaled, bias]).unwrap()
        });
    }
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

#[test]
fn padding_folds_into_windows_that_may_take_it() {
    let padded = |g: &mut Graph, x, value: f32| {
        let mode = PadMode::Constant(value);
        g.node("", Op::Pad { before: vec![0, 0, 1, 0], after: vec![0, 0, 2, 1], mode }, &[x]).unwrap()
    };
    let window = || Window { kernel: [3, 3], ..Window::UNIT };
    for (value, twice, expected) in
        [(0.0, false, &["Conv"][..]), (0.0, true, &["Conv"]), (1.0, false, &["Pad", "Conv"])]
    {
        let g = becomes(expected, |g, x| {
            let mut x = padded(g, x, value);
            if twice {
                x = padded(g, x, value);
            }
            let w = g.constant("w", &[4, 1, 3, 3], (0..36).map(|i| i as f32).collect()).unwrap();
            g.node("conv", Op::Conv { window: window(), groups: 4 }, &[x, w]).unwrap()
        });
        if twice {
            assert!(matches!(&g.nodes[0].op, Op::Conv { window, .. } if window.pads == [2, 0, 4, 2]));
        }
    }
    becomes(&["AveragePool"], |g, x| {
        let x = padded(g, x, 0.0);
        g.node("", Op::AveragePool { window: window(), count_include_pad: false }, &[x]).unwrap()
    });
    for (value, expected) in [(f32::NEG_INFINITY, &["MaxPool"][..]), (0.0, &["Pad", "MaxPool"])] {
        becomes(expected, |g, x| {
            let x = padded(g, x, value);
            g.node("", Op::MaxPool { window: window() }, &[x]).unwrap()
        });
    }
}

/// Each slice of a function of quantised values has the function to itself; of others it is left alone.
#[test]
fn functions_of_quantised_values_follow_slices() {
    for quantised in [false, true] {
        let mut expected = vec!["Slice", "Tanh", "Slice", "Tanh", "Concat"];
        let alone = ["Tanh", "Slice", "Slice", "Concat"];
        if quantised {
            expected.splice(..0, ["QuantizeLinear", "DequantizeLinear"]);
        }
        becomes(if quantised { &expected } else { &alone }, |g, mut x| {
            if quantised {
                let (integer, axis) = (Integer::Int8, None);
                let (scale, zero) = (scalar(g, 0.125), scalar(g, 3.0));
                let q = g.node("", Op::QuantizeLinear { integer, axis }, &[x, scale, zero]).unwrap();
                x = g.node("", Op::DequantizeLinear { integer, axis }, &[q, scale, zero]).unwrap();
            }
            let y = unary(g, UnaryKind::Tanh, x);
            let slices = [0, 2].map(|c| {
                let (steps, extents) = (vec![1, 1, 1, -1], vec![1, 2, 5, 6]);
                let op = Op::Slice { starts: vec![0, c, 0, 5], steps, extents };
                g.node("", op, &[y]).unwrap()
            });
            g.node("", Op::Concat { axis: 1 }, &slices).unwrap()
        });
    }
}

/// Softmax and sigmoid underflow where their logarithms do not.
#[test]
fn logarithms_of_softmax_and_sigmoid_are_taken_of_their_inputs() {
    let log = Op::Unary { kind: UnaryKind::Log };
    for first in [Op::Softmax { axis: 1 }, Op::Unary { kind: UnaryKind::Sigmoid }] {
        for also_read in [false, true] {
            let mut g = Graph::new("g");
            let x = g.input("x", &[1, 4]).unwrap();
            let y = g.node("y", first.clone(), &[x]).unwrap();
            let z = g.node("z", log.clone(), &[y]).unwrap();
            g.outputs = if also_read { vec![z, y] } else { vec![z] };
            let after = run(g.clone()).unwrap();
            assert!(after.nodes.iter().all(|n| n.op != log), "{after}");
            let near = ArrayD::from_shape_vec(IxDyn(&[1, 4]), vec![-3.0, 0.5, 2.0, -1.0]).unwrap();
            let before = float::run(&g, std::slice::from_ref(&near)).unwrap();
            assert_same(&before, &float::run(&after, &[near]).unwrap(), first.name());
            let far = ArrayD::from_shape_vec(IxDyn(&[1, 4]), vec![-300.0, 0.5, 200.0, -1.0]).unwrap();
            let far = float::run(&after, &[far]).unwrap().remove(0);
            let want = if first.name() == "Softmax" { -500.0 } else { -300.0 };
            assert!((far[[0, 0]] - want).abs() < 1e-3, "{far}");
        }
    }
}

/// Of elements in another order as well.
#[test]
fn logarithms_are_taken_before_what_moves_their_operands() {
    let log = Op::Unary { kind: UnaryKind::Log };
    let mut g = Graph::new("g");
    let x = g.input("x", &[1, 4, 2, 3]).unwrap();
    let y = g.node("y", Op::Softmax { axis: 1 }, &[x]).unwrap();
    let y = g.node("t", Op::Transpose { perm: vec![0, 2, 3, 1] }, &[y]).unwrap();
    let y = g.reshape("r", y, &[1, 6, 4]).unwrap();
    let slice = Op::Slice { starts: vec![0, 1, 0], steps: vec![1, 2, 1], extents: vec![1, 2, 4] };
    let y = g.node("s", slice, &[y]).unwrap();
    g.outputs = vec![g.node("z", log.clone(), &[y]).unwrap()];
    let after = run(g.clone()).unwrap();
    assert!(after.nodes.iter().all(|n| n.op != log), "{after}");
    let numbers = (0..24).map(|i| (i * 7 % 24) as f32 / 4.0).collect();
    let numbers = [ArrayD::from_shape_vec(IxDyn(&[1, 4, 2, 3]), numbers).unwrap()];
    let before = float::run(&g, &numbers).unwrap();
    assert_same(&before, &float::run(&after, &numbers).unwrap(), "moved");
}

/// The Pad stayed, for two read it, and no range is left beside the lowest float32.
#[test]
fn two_maxima_do_not_see_the_lowest_float32_that_both_are_padded_with() {
    let mut g = Graph::new("g");
    let x = g.input("x", &[1, 2, 6, 6]).unwrap();
    let mode = PadMode::Constant(f32::MIN);
    let pad = Op::Pad { before: vec![0, 0, 1, 1], after: vec![0, 0, 1, 1], mode };
    let x = g.node("p", pad, &[x]).unwrap();
    for kernel in [[3, 3], [2, 2]] {
        let window = Window { kernel, stride: [2, 2], ..Window::UNIT };
        let y = g.node("m", Op::MaxPool { window }, &[x]).unwrap();
        g.outputs.push(y);
    }
    let after = run(g.clone()).unwrap();
    assert!(after.nodes.iter().all(|n| !matches!(n.op, Op::Pad { .. })), "{after}");
    let numbers =
        [ArrayD::from_shape_vec(IxDyn(&[1, 2, 6, 6]), (0..72).map(|i| -(i as f32)).collect()).unwrap()];
    let before = float::run(&g, &numbers).unwrap();
    assert_same(&before, &float::run(&after, &numbers).unwrap(), "padded");
}

#[test]
fn a_maximum_does_not_see_padding_with_the_lowest_float32() {
    let window = Window { kernel: [3, 3], stride: [2, 2], ..Window::UNIT };
    for (value, folds) in
        [(f32::NEG_INFINITY, true), (f32::MIN, true), (-3.40282e38, true), (-65504.0, false)]
    {
        let mut g = Graph::new("g");
        let x = g.input("x", &[1, 2, 6, 6]).unwrap();
        let pad = Op::Pad { before: vec![0; 4], after: vec![0, 0, 1, 1], mode: PadMode::Constant(value) };
        let y = g.node("pad", pad, &[x]).unwrap();
        let y = g.node("pool", Op::MaxPool { window: window.clone() }, &[y]).unwrap();
        g.outputs = vec![y];
        let after = run(g.clone()).unwrap();
        assert_eq!(after.nodes.len() == 1, folds, "{value:e}");
        let x = inputs(&g, 7);
        assert_same(&float::run(&g, &x).unwrap(), &float::run(&after, &x).unwrap(), "padding");
    }
}

/// A softplus with a threshold is one function, which the machine has as a table.
#[test]
fn thresholds_of_softplus_go() {
    for name in ["softplus_threshold", "softplus_beta"] {
        let case =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/operators/{name}.onnx"));
        let g = run(import(&case).unwrap().graph).unwrap();
        let names: Vec<&str> = g.nodes.iter().map(|n| n.op.name()).collect();
        assert!(names.contains(&"Softplus") && !names.contains(&"Where"), "{names:?}");
    }
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

/// Interpolation by whole factors is a transposed convolution of what the edges continue, and the same numbers; what is
/// no such interpolation stays as it is.
#[test]
fn interpolations_by_whole_factors_are_transposed_convolutions() {
    use Coordinates::{AlignCorners, Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel};
    let keys = |exclude_outside| Interpolation::Cubic { coefficient: -0.75, exclude_outside };
    let kinds = [(Interpolation::Linear, 2), (keys(false), 4), (keys(true), usize::MAX)];
    let images = [[1, 2], [2, 2], [2, 3], [3, 4], [4, 5], [5, 8], [9, 4]];
    for ([h, w], (interpolation, neighbours)) in images.iter().flat_map(|e| kinds.map(|k| (*e, k))) {
        for coordinates in [AlignCorners, Asymmetric, HalfPixel, HalfPixelSymmetric, PytorchHalfPixel] {
            for [up, across] in [[1, 2], [2, 2], [3, 2], [4, 4], [2, 7], [8, 8], [20, 16]] {
                let corners = coordinates == AlignCorners;
                let extent =
                    |n: usize, factor: usize| if corners { (n - 1) * factor + 1 } else { n * factor };
                let sizes = vec![1, 3, extent(h, up), extent(w, across)];
                let mut g = Graph::new("t");
                let x = g.input("x", &[1, 3, h, w]).unwrap();
                let scales = vec![1.0, 1.0, up as f32, across as f32];
                let resize = Resize { sizes, scales, interpolation, coordinates };
                let y = g.node("up", Op::Resize(resize), &[x]).unwrap();
                g.outputs = vec![y];
                let x = inputs(&g, (h * w * up * across) as u64);
                let what = format!("{h}x{w} by {up}x{across}, {interpolation:?}, {coordinates:?}");
                let before = float::run(&g, &x).unwrap();
                let g = run(g).unwrap();
                assert_same(&before, &float::run(&g, &x).unwrap(), &what);
                let all = [(h, up), (w, across)].iter().all(|(n, factor)| *n >= neighbours || *factor == 1);
                if all && h > 1 && up * across <= 256 {
                    assert!(!g.nodes.iter().any(|n| matches!(n.op, Op::Resize(_))), "{what}");
                }
            }
        }
    }
}
