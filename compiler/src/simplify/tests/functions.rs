//! Functions that were written as several operators, and where they are taken.

use super::*;

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
