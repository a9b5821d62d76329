//! Ranges that are tiny, huge, of one sign, or made of numbers that stand for infinity.

use super::operators::Net;
use crate::float;
use crate::graph::{BinaryKind, Graph, Op, ReduceKind, UnaryKind, ValueId, Window};
use crate::quantise::{Options, Precision, run, run_reported, sqnr_db};
use ndarray::ArrayD;
use tilewright_arch::Config;

const SUB: Op = Op::Binary { kind: BinaryKind::Sub };

/// Two convolutions without bias, and a relu between them.
fn convolutions(net: &mut Net, x: ValueId) -> ValueId {
    let window = Window { kernel: [3, 3], pads: [1; 4], ..Window::UNIT };
    let (a, b) = (net.constant(&[6, 3, 3, 3]), net.constant(&[2, 6, 3, 3]));
    let x = net.op(Op::Conv { window: window.clone(), groups: 1 }, &[x, a]);
    let x = net.op(Op::Relu, &[x]);
    net.op(Op::Conv { window, groups: 1 }, &[x, b])
}

/// The least decibels over some of the samples that it was calibrated with.
fn decibels(net: &Net, samples: &[Vec<ArrayD<f32>>], precision: Precision) -> f64 {
    let options = Options { precision, ..Options::default() };
    let network = run(&net.graph, samples, &options, &Config::sized(9, 16)).unwrap();
    network.machine().for_each(|graph| graph.verify().unwrap());
    let one = |sample: &Vec<ArrayD<f32>>| {
        let (want, got) = (float::run(&net.graph, sample).unwrap(), network.predict(sample).unwrap());
        want.iter().zip(&got).map(|(w, g)| sqnr_db(w, g)).fold(f64::INFINITY, f64::min)
    };
    samples[..2].iter().map(one).fold(f64::INFINITY, f64::min)
}

const ALL: [Precision; 5] =
    [Precision::Auto, Precision::Int8, Precision::Mixed, Precision::Int16, Precision::Int16x16];

#[test]
fn the_magnitude_of_inputs_does_not_matter() {
    for scale in [1e-30, 1e-20, 1e-4, 1.0, 1e10, 1e20, 1e30] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 6]);
        let y = convolutions(&mut net, x);
        net.graph.outputs = vec![y];
        let mut samples = net.samples(12, 3);
        samples.iter_mut().flatten().for_each(|x| *x *= scale);
        for precision in ALL {
            let db = decibels(&net, &samples, precision);
            assert!(db > 34.0, "inputs of {scale:e}, {precision:?}: {db:.1} dB");
        }
    }
}

#[test]
fn zeros_and_denormal_numbers_run() {
    for scale in [0.0, 1e-38, 1e-42] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 6]);
        let y = convolutions(&mut net, x);
        let z = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[y]);
        net.graph.outputs = vec![y, z];
        let mut samples = net.samples(8, 3);
        samples.iter_mut().flatten().for_each(|x| *x *= scale);
        for precision in ALL {
            let options = Options { precision, ..Options::default() };
            let network = run(&net.graph, &samples, &options, &Config::sized(9, 16)).unwrap();
            let got = network.predict(&samples[0]).unwrap();
            assert!(got[0].iter().all(|y| y.abs() < 1e-36), "{scale:e}");
            assert!(got[1].iter().all(|z| (z - 0.5).abs() < 0.01), "{scale:e}");
        }
    }
}

/// Inputs of one sign but for one number far below a step.
#[test]
fn one_tiny_number_of_the_other_sign_does_not_matter() {
    for sign in [1.0, -1.0] {
        for tiny in [1e-45, 1e-20, 1e-16, 1e-8] {
            let mut net = Net::new();
            let x = net.input(&[1, 3, 6, 6]);
            let y = convolutions(&mut net, x);
            let z = net.op(Op::LeakyRelu { alpha: tiny }, &[x]);
            net.graph.outputs = vec![y, z];
            let mut samples = net.samples(12, 3);
            samples.iter_mut().flatten().for_each(|x| x.mapv_inplace(|x| sign * x.abs()));
            samples[0][0][[0, 0, 0, 0]] = -sign * tiny;
            for precision in ALL {
                let db = decibels(&net, &samples, precision);
                let least = if sign > 0.0 { 34.0 } else { -1.0 };
                assert!(db > least, "{sign} and {tiny:e}, {precision:?}: {db:.1} dB");
            }
        }
    }
}

/// A clamp of one side, near to or far from the values, in 16 bits and in 8.
#[test]
fn clamps_of_one_side_leave_the_other_open() {
    let open = f32::INFINITY;
    for (min, max) in
        [(0.05, open), (-0.05, open), (1e-12, open), (-open, 0.05), (-open, -0.05), (-open, -1e-12)]
    {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 6]);
        let y = net.conv(x, 4, 3);
        let y = net.op(Op::Clip { min, max }, &[y]);
        net.graph.outputs = vec![y];
        let samples = net.samples(12, 3);
        for precision in ALL {
            let db = decibels(&net, &samples, precision);
            assert!(db > 34.0, "clip to {min:e}..{max:e}, {precision:?}: {db:.1} dB");
        }
    }
}

/// A clamp to a small part of what comes in, and to less than a step of it: that is the sign.
#[test]
fn clamps_to_a_small_part_of_the_range_run() {
    for most in [0.5, 0.05, 1e-3, 1e-6] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 6]);
        let y = net.op(Op::Clip { min: -most, max: most }, &[x]);
        net.graph.outputs = vec![y];
        let samples = net.samples(12, 3);
        for precision in ALL {
            let db = decibels(&net, &samples, precision);
            // Of the numbers some lie within half a step of 1/127 of zero, and those are lost.
            assert!(db > 15.0, "clip to {most:e}, {precision:?}: {db:.1} dB");
        }
    }
}

/// x - 0.99 x: the terms are a hundred times the difference, and must not saturate on the way.
#[test]
fn terms_that_cancel_do_not_saturate() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let weights = (0..9).map(|i| if i % 4 == 0 { 0.99 } else { 0.0 }).collect();
    let w = net.graph.constant("", &[3, 3, 1, 1], weights).unwrap();
    let y = net.op(Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]);
    let z = net.op(SUB, &[x, y]);
    net.graph.outputs = vec![z];
    let samples = net.samples(12, 3);
    for precision in ALL {
        let db = decibels(&net, &samples, precision);
        // Terms that saturate in 16 bits leave no more than 8 bits do.
        let least = if matches!(precision, Precision::Int16 | Precision::Int16x16) { 35.0 } else { 18.0 };
        assert!(db > least, "{precision:?}: {db:.1} dB");
    }
}

/// A factor is large only where the other one is a single step: the multiplicand must not saturate within
/// the range of the product.
#[test]
fn a_product_far_below_its_factors_does_not_saturate() {
    let mut net = Net::new();
    let (x, gate) = (net.input(&[1, 3, 6, 6]), net.input(&[1, 3, 6, 6]));
    let y = net.op(Op::Binary { kind: BinaryKind::Mul }, &[x, gate]);
    net.graph.outputs = vec![y];
    let mut samples = net.samples(12, 3);
    for sample in &mut samples {
        for (i, x) in sample[0].iter_mut().enumerate() {
            *x = if i % 2 == 0 { 100.0 + 20.0 * *x } else { 0.0 };
        }
        for (i, gate) in sample[1].iter_mut().enumerate() {
            *gate = if i % 2 == 0 { 1.0 / 255.0 } else { 1.0 };
        }
    }
    for precision in ALL {
        let db = decibels(&net, &samples, precision);
        assert!(db > 34.0, "{precision:?}: {db:.1} dB");
    }
}

/// A large map is averaged row by row first, and each of its rows has the same mean, less than half a step of
/// the map.
#[test]
fn means_of_large_maps_are_finer_than_the_maps() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 256, 160]);
    let y = net.op(Op::GlobalAveragePool, &[x]);
    net.graph.outputs = vec![y];
    let mut samples = net.samples(2, 3);
    for x in samples.iter_mut().flatten() {
        for pair in x.as_slice_mut().unwrap().chunks_exact_mut(2) {
            (pair[0], pair[1]) = (0.003 + pair[0], 0.003 - pair[0]);
        }
    }
    for precision in ALL {
        let db = decibels(&net, &samples, precision);
        assert!(db > 34.0, "{precision:?}: {db:.1} dB");
    }
}

/// Attention that must not look ahead: the mask is made of the lowest float32.
#[test]
fn masks_do_not_destroy_ranges() {
    for lowest in [f32::MIN, -1e38, -1e30] {
        let mut net = Net::new();
        let (q, k, v) = (net.input(&[1, 1, 4, 8]), net.input(&[1, 1, 8, 4]), net.input(&[1, 1, 4, 8]));
        let mask = (0..16).map(|i| if i % 4 > i / 4 { lowest } else { 0.0 }).collect();
        let mask = net.graph.constant("mask", &[1, 1, 4, 4], mask).unwrap();
        let scores = net.op(Op::MatMul, &[q, k]);
        let scores = net.op(Op::Add, &[scores, mask]);
        let scores = net.op(Op::Softmax { axis: 3 }, &[scores]);
        let y = net.op(Op::MatMul, &[scores, v]);
        net.graph.outputs = vec![y];
        let samples = net.samples(12, 3);
        for precision in ALL {
            let db = decibels(&net, &samples, precision);
            assert!(db > 30.0, "mask of {lowest:e}, {precision:?}: {db:.1} dB");
        }
    }
}

/// With 16 bits wanted of all, the layers that keep 8 say why.
#[test]
fn layers_that_keep_8_bits_say_why() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let y = net.conv(x, 4, 3);
    let y = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[y]);
    let z = net.conv(y, 4, 3);
    let mean = net.op(Op::Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keepdims: true }, &[z]);
    net.graph.outputs = vec![z, mean];
    let options = Options { precision: Precision::Int16, ..Options::default() };
    let samples = net.samples(8, 3);
    let (network, layers) = run_reported(&net.graph, &samples, &options, &Config::sized(9, 16)).unwrap();
    let why: Vec<(u8, Option<&str>)> = layers.iter().map(|l| (l.bits, l.why_8_bits.as_deref())).collect();
    assert_eq!(why, [(8, Some("its function is a table of bytes")), (16, None), (16, None)]);
    let told: Vec<(&str, &str)> =
        network.byte_layers.iter().map(|l| (l.name.as_str(), l.why.as_str())).collect();
    assert_eq!(told, [(layers[0].name.as_str(), "its function is a table of bytes")]);
    let auto = run(&net.graph, &samples, &Options::default(), &Config::sized(9, 16)).unwrap();
    assert!(auto.byte_layers.is_empty());
}

/// A layer that a clamp cuts off throughout calibration: what reads it has biases finer than its weights, whose
/// unit is that of the zeros' step. Nothing else may make up for it.
#[test]
fn zeros_behind_a_clamp_are_as_fine_as_what_is_cut_off() {
    let mut graph = Graph::new("cut");
    let x = graph.input("x", &[1, 1, 4, 4]).unwrap();
    let mut layer = |x, name: &str, weights: Vec<f32>, bias: Vec<f32>| {
        let w = graph.constant("w", &[weights.len(), 1, 1, 1], weights).unwrap();
        let b = graph.constant("b", &[bias.len()], bias).unwrap();
        let y = graph.node(name, Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w, b]).unwrap();
        graph.node(format!("{name}/relu"), Op::Relu, &[y]).unwrap()
    };
    let y = layer(x, "cut", vec![0.01], vec![-0.2]);
    let y = layer(y, "read", vec![50.0, -80.0], vec![0.63, 0.11]);
    graph.outputs = vec![y];
    let sample = |k: i32| vec![ArrayD::from_elem(ndarray::IxDyn(&[1, 1, 4, 4]), 0.1 * k as f32)];
    let samples: Vec<_> = (0..4).map(sample).collect();
    // One refinement left out by hand, and 8 bits: neither plain rounding nor 16 bits are tried.
    let options = Options { precision: Precision::Int8, bias_correction: false, ..Options::default() };
    let network = run(&graph, &samples, &options, &Config::sized(9, 16)).unwrap();
    let (want, got) = (float::run(&graph, &samples[1]).unwrap(), network.predict(&samples[1]).unwrap());
    assert!(sqnr_db(&want[0], &got[0]) > 40.0, "{want:?} {got:?}");
}
