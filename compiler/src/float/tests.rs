//! Against ONNX Runtime (outputs stored beside the models) and against sums done by hand.

use approx::assert_relative_eq;
use ndarray::{ArrayD, IxDyn};

use super::*;
use crate::graph::{DepthToSpaceMode, Window};
use crate::npy::read_npy;
use crate::onnx::import;
use crate::testing::{all_models, models};

/// Relative to the largest output: float32 sums of up to a few thousand terms in another order.
const TOLERANCE: f32 = 1e-5;

/// For networks whose sharp functions amplify rounding: ONNX Runtime differs from itself between its levels
/// of optimisation, by 1.3e-5 on the first and by 1.1e-5 on the second.
const SENSITIVE: [(&str, f32); 2] = [("selfie_seg", 2e-4), ("ppocrv4_rec", 2e-5)];

#[test]
fn models_match_onnx_runtime() {
    for folder in all_models() {
        let graph = import(&folder.join("model.onnx")).unwrap().graph;
        let x = read_npy(&folder.join("input_0.npy")).unwrap().to_ndarray();
        let results = run(&graph, &[x]).unwrap();
        for (n, y) in results.iter().enumerate() {
            let expected = read_npy(&folder.join(format!("output_{n}.npy"))).unwrap().to_ndarray();
            assert_eq!(y.shape(), expected.shape());
            let scale = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            let error = y.iter().zip(&expected).fold(0f32, |m, (y, e)| m.max((y - e).abs()));
            let own = SENSITIVE.iter().find(|(name, _)| folder.ends_with(name));
            let most = own.map_or(TOLERANCE, |(_, most)| *most);
            assert!(error <= most * scale, "{}: {error} of {scale}", folder.display());
        }
    }
}

/// 200 images through lenet, as calibration does: the batch is cut, run and joined in order.
#[test]
fn batches_give_the_results_of_single_images() {
    let Some(folder) = models().into_iter().next() else {
        return;
    };
    let graph = import(&folder.join("model.onnx")).unwrap().graph;
    let mut random = tilewright_random::Random::new(7);
    let x = ArrayD::from_shape_vec(IxDyn(&[200, 1, 28, 28]), random.floats(200 * 784)).unwrap();
    let all = run(&graph, std::slice::from_ref(&x)).unwrap().swap_remove(0);
    assert_eq!(all.shape(), [200, 10]);
    for i in [0, 1, 77, 199] {
        let one = x.slice_axis(Axis(0), (i..i + 1).into()).to_owned();
        let alone = run(&graph, &[one]).unwrap().swap_remove(0);
        assert_eq!(alone.index_axis(Axis(0), 0), all.index_axis(Axis(0), i));
    }
    let values = run_all(&graph, &[x]).unwrap();
    assert_eq!(values.len(), graph.values.len());
    for (value, array) in graph.values.iter().zip(&values) {
        let constant = matches!(value.source, Source::Constant(_));
        let batch = if constant { value.shape[0] } else { 200 };
        assert_eq!(array.shape()[0], batch);
    }
    assert_eq!(values[graph.outputs[0].0 as usize], all);
}

/// The definition of a convolution, as the ONNX text writes it, against the fast one.
#[test]
fn convolution_equals_its_definition() {
    let mut random = tilewright_random::Random::new(3);
    for _ in 0..400 {
        let mut below = |n: usize| random.below(n);
        let groups = 1 + below(3);
        let (cin, cout) = (groups * (1 + below(3)), groups * (1 + below(3)));
        let (height, width) = (1 + below(9), 1 + below(9));
        let window = Window {
            kernel: [1 + below(4), 1 + below(4)],
            stride: [1 + below(3), 1 + below(3)],
            dilation: [1 + below(3), 1 + below(3)],
            pads: [below(4), below(4), below(4), below(4)],
        };
        let [ky, kx] = window.kernel;
        let w_shape = [cout, cin / groups, ky, kx];
        let mut array = |shape: &[usize]| {
            let data = random.floats(shape.iter().product());
            ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
        };
        let (x, w, b) = (array(&[2, cin, height, width]), array(&w_shape), array(&[cout]));
        let op = Op::Conv { window: window.clone(), groups };
        let Ok(shape) = crate::graph::infer(&op, &[x.shape(), &w_shape, &[cout]], None) else {
            continue;
        };
        let y = evaluate(&op, &[x.view(), w.view(), b.view()], &shape).unwrap();
        for (at, y) in y.indexed_iter() {
            let (n, o) = (at[0], at[1]);
            let mut sum = f64::from(b[[o]]);
            for c in 0..cin / groups {
                for i in 0..ky {
                    for j in 0..kx {
                        let place = |axis: usize, k: usize| {
                            let p = at[2 + axis] * window.stride[axis] + k * window.dilation[axis];
                            p.checked_sub(window.pads[axis])
                        };
                        let (Some(iy), Some(ix)) = (place(0, i), place(1, j)) else {
                            continue;
                        };
                        let channel = o / (cout / groups) * (cin / groups) + c;
                        if iy < height && ix < width {
                            let product = x[[n, channel, iy, ix]] * w[[o, c, i, j]];
                            sum += f64::from(product);
                        }
                    }
                }
            }
            assert_relative_eq!(*y, sum as f32, epsilon = 1e-5);
        }
    }
}

#[test]
fn tiny_cases_by_hand() {
    let array = |shape: &[usize], data: &[f32]| ArrayD::from_shape_vec(IxDyn(shape), data.to_vec()).unwrap();
    let check = |op: Op, inputs: &[&ArrayD<f32>], shape: &[usize], expected: &[f32]| {
        let views: Vec<_> = inputs.iter().map(|x| x.view()).collect();
        let y = evaluate(&op, &views, shape).unwrap();
        assert_eq!(y, array(shape, expected), "{op:?}");
    };
    let square = array(&[1, 1, 2, 2], &[1.0, -2.0, 3.0, 4.0]);
    let padded = Window { kernel: [2, 2], stride: [2, 2], pads: [1, 1, 1, 1], ..Window::UNIT };
    let window = padded.clone();
    let corners = [1.0, -2.0, 3.0, 4.0];
    check(Op::MaxPool { window }, &[&square], &[1, 1, 2, 2], &corners);
    for (count_include_pad, share) in [(true, 0.25), (false, 1.0)] {
        let window = padded.clone();
        let op = Op::AveragePool { window, count_include_pad };
        check(op, &[&square], &[1, 1, 2, 2], &corners.map(|c| c * share));
    }
    check(Op::GlobalAveragePool, &[&square], &[1, 1, 1, 1], &[1.5]);
    check(Op::Clip { min: -1.0, max: 2.0 }, &[&square], &[1, 1, 2, 2], &[1.0, -1.0, 2.0, 2.0]);
    let slope = array(&[1, 1], &[0.5]);
    check(Op::PRelu, &[&square, &slope], &[1, 1, 2, 2], &[1.0, -1.0, 3.0, 4.0]);
    let row = array(&[1, 4, 1, 1], &[0.0, 1.0, 2.0, 3.0]);
    for mode in [DepthToSpaceMode::Dcr, DepthToSpaceMode::Crd] {
        // With one output channel both numberings agree.
        let op = Op::DepthToSpace { block: 2, mode };
        check(op, &[&row], &[1, 1, 2, 2], &[0.0, 1.0, 2.0, 3.0]);
    }
    let big = array(&[2], &[1000.0, 1000.0]);
    check(Op::Softmax { axis: 0 }, &[&big], &[2], &[0.5, 0.5]);
}

#[test]
fn wrong_inputs_are_refused() {
    let mut graph = Graph::new("t");
    let x = graph.input("x", &[1, 3]).unwrap();
    let y = graph.node("relu", Op::Relu, &[x]).unwrap();
    graph.outputs = vec![y];
    let zeros = |shape: &[usize]| ArrayD::<f32>::zeros(IxDyn(shape));
    assert!(run(&graph, &[zeros(&[5, 3])]).is_ok());
    for shape in [&[1, 4][..], &[3], &[0, 3], &[1, 3, 1]] {
        let e = run(&graph, &[zeros(shape)]).unwrap_err();
        assert!(e.to_string().contains("\"x\""), "{e}");
    }
    assert!(run(&graph, &[]).is_err());
}
