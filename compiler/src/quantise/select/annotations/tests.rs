//! What stays of quantised graphs, and what is noted of them.

use super::*;
use crate::graph::{UnaryKind, Window};
use tilewright_arch::Config;

struct Build(Graph);

impl Build {
    fn scalar(&mut self, v: f32) -> ValueId {
        self.0.constant("", &[], vec![v]).unwrap()
    }

    fn q(&mut self, x: ValueId, integer: Integer, scale: f32, zero: f32) -> ValueId {
        let inputs = [x, self.scalar(scale), self.scalar(zero)];
        self.0.node("q", Op::QuantizeLinear { integer, axis: None }, &inputs).unwrap()
    }

    fn dq(&mut self, x: ValueId, integer: Integer, scale: f32, zero: f32) -> ValueId {
        let inputs = [x, self.scalar(scale), self.scalar(zero)];
        self.0.node("dq", Op::DequantizeLinear { integer, axis: None }, &inputs).unwrap()
    }
}

fn names(g: &Graph) -> Vec<&'static str> {
    g.nodes.iter().map(|n| n.op.name()).collect()
}

/// uint8 activations around a convolution of int8 weights: the convolution alone is left.
#[test]
fn a_quantised_layer_becomes_the_layer() {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[1, 2, 3, 3]).unwrap();
    let q = b.q(x, Integer::Uint8, 0.5, 3.0);
    let x = b.dq(q, Integer::Uint8, 0.5, 3.0);
    let w = b.0.constant("w", &[2, 2, 1, 1], vec![1.0, -2.0, 127.0, 4.0]).unwrap();
    let s = b.0.constant("", &[2], vec![0.25, 2.0]).unwrap();
    let z = b.0.constant("", &[2], vec![0.0, 1.0]).unwrap();
    let op = Op::DequantizeLinear { integer: Integer::Int8, axis: Some(0) };
    let w = b.0.node("dw", op, &[w, s, z]).unwrap();
    let y = b.0.node("conv", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]).unwrap();
    let q = b.q(y, Integer::Int8, 0.125, -7.0);
    let q = b.0.node("pool", Op::MaxPool { window: Window::UNIT }, &[q]).unwrap();
    let y = b.dq(q, Integer::Int8, 0.125, -7.0);
    b.0.outputs = vec![y];
    let (g, annotations) = strip(&b.0).unwrap();
    g.verify().unwrap();
    assert_eq!(names(&g), ["Conv", "MaxPool"]);
    let conv = &g.nodes[0];
    assert_eq!(annotations.qparams(conv.inputs[0]), Some(QParams { scale: 0.5, zero: -125 }));
    let last = Some(QParams { scale: 0.125, zero: -7 });
    assert_eq!((annotations.qparams(conv.outputs[0]), annotations.qparams(g.outputs[0])), (last, last));
    assert_eq!(g.constant_data(conv.inputs[1]), Some(&[0.25, -0.5, 252.0, 6.0][..]));
    assert_eq!(annotations.steps(conv.inputs[1]), Some(&[0.25, 2.0][..]));
}

/// A second scale for a value, and one behind a Reshape, are copies; integers at the ends stay.
#[test]
fn other_scales_are_copies_and_integer_ends_stay() {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[4]).unwrap();
    let x = b.dq(x, Integer::Uint8, 0.5, 128.0);
    let q = b.q(x, Integer::Uint8, 0.25, 128.0);
    let y = b.dq(q, Integer::Uint8, 0.25, 128.0);
    let y = b.0.reshape("r", y, &[2, 2]).unwrap();
    let q = b.q(y, Integer::Int8, 0.75, 0.0);
    b.0.outputs = vec![q];
    let (g, annotations) = strip(&b.0).unwrap();
    g.verify().unwrap();
    assert_eq!(names(&g), ["DequantizeLinear", "Clip", "Reshape", "Clip", "QuantizeLinear"]);
    let scales: Vec<Option<f32>> =
        g.nodes.iter().map(|n| annotations.qparams(n.outputs[0]).map(|a| a.scale)).collect();
    assert_eq!(scales, [Some(0.5), Some(0.25), None, Some(0.75), None]);
}

/// What is rounded behind a Reshape is rounded before it, unless somebody else reads it before.
#[test]
fn values_that_only_moved_are_rounded_where_they_were_made() {
    for other_reader in [false, true] {
        let mut b = Build(Graph::new("t"));
        let x = b.0.input("x", &[4]).unwrap();
        let y = b.0.node("f", Op::Unary { kind: UnaryKind::Tanh }, &[x]).unwrap();
        let moved = b.0.reshape("r", y, &[2, 2]).unwrap();
        let q = b.q(moved, Integer::Int8, 0.75, 0.0);
        let y_out = b.dq(q, Integer::Int8, 0.75, 0.0);
        b.0.outputs = vec![y_out];
        if other_reader {
            b.0.outputs.push(y);
        }
        let (g, annotations) = strip(&b.0).unwrap();
        g.verify().unwrap();
        let scales: Vec<Option<f32>> =
            g.nodes.iter().map(|n| annotations.qparams(n.outputs[0]).map(|a| a.scale)).collect();
        match other_reader {
            false => assert_eq!(scales, [Some(0.75), Some(0.75)]),
            true => assert_eq!(scales, [None, None, Some(0.75)]),
        }
    }
}

#[test]
fn what_bytes_cannot_say_is_refused_by_name() {
    let refusal = |build: &dyn Fn(&mut Build, ValueId) -> ValueId| {
        let mut b = Build(Graph::new("net.onnx"));
        let x = b.0.input("x", &[1, 3]).unwrap();
        let y = build(&mut b, x);
        b.0.outputs = vec![y];
        strip(&b.0).unwrap_err().to_string()
    };
    let wide = refusal(&|b, x| b.q(x, Integer::Int32, 0.5, 0.0));
    assert!(wide.contains("int32") && wide.contains("\"q\""), "{wide}");
    let other = refusal(&|b, x| {
        let q = b.q(x, Integer::Int8, 0.5, 0.0);
        b.dq(q, Integer::Uint8, 0.5, 0.0)
    });
    assert!(other.contains("\"dq\"") && other.contains("reads uint8"), "{other}");
    let each = refusal(&|b, x| {
        let s = b.0.constant("", &[3], vec![0.5; 3]).unwrap();
        b.0.node("q", Op::QuantizeLinear { integer: Integer::Int8, axis: Some(1) }, &[x, s, s]).unwrap()
    });
    assert!(each.contains("one scale"), "{each}");
}

/// The same bytes, read with another scale and zero point, are other real numbers.
#[test]
fn bytes_that_are_read_otherwise_are_scaled_and_moved() {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[1, 3]).unwrap();
    let q = b.q(x, Integer::Uint8, 0.5, 130.0);
    let y = b.dq(q, Integer::Uint8, 0.25, 120.0);
    b.0.outputs = vec![y];
    let (g, annotations) = strip(&b.0).unwrap();
    g.verify().unwrap();
    assert_eq!(names(&g), ["Mul", "Add"]);
    let constants: Vec<_> = g.nodes.iter().map(|n| g.constant_data(n.inputs[1])).collect();
    assert_eq!(constants, [Some(&[0.5][..]), Some(&[2.5][..])]);
    assert_eq!(annotations.qparams(g.inputs[0]), Some(QParams { scale: 0.5, zero: 2 }));
    assert_eq!(annotations.qparams(g.outputs[0]), Some(QParams { scale: 0.25, zero: -8 }));
}

/// The scale behind sums of whole numbers goes into the weights where nobody else reads the sums.
#[test]
fn scales_of_sums_are_taken_by_the_weights_that_are_theirs_alone() {
    let steps = |readers: usize| {
        let mut b = Build(Graph::new("t"));
        let x = b.0.input("x", &[1, 2, 3, 3]).unwrap();
        let q = b.q(x, Integer::Int8, 0.5, 0.0);
        let x = b.dq(q, Integer::Int8, 1.0, 0.0);
        let w = b.0.constant("w", &[2, 2, 1, 1], vec![1.0, -2.0, 127.0, 4.0]).unwrap();
        let w = b.dq(w, Integer::Int8, 1.0, 0.0);
        let sums = b.0.node("conv", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]).unwrap();
        for scale in [0.25, 3.0].into_iter().take(readers) {
            let real = b.dq(sums, Integer::Int32, 1.0, 0.0);
            let scale = b.scalar(scale);
            let y = b.0.node("scale", Op::Binary { kind: BinaryKind::Mul }, &[real, scale]).unwrap();
            b.0.outputs.push(y);
        }
        let (g, annotations) = strip(&b.0).unwrap();
        g.verify().unwrap();
        let conv = g.nodes.iter().find(|n| n.op.name() == "Conv").unwrap();
        annotations.steps(conv.inputs[1]).unwrap().to_vec()
    };
    assert_eq!((steps(1), steps(2)), (vec![0.25; 2], vec![1.0]));
}

/// A layer from bytes to bytes: what goes in and comes out are whole numbers, made real by the host.
fn bytes_to_bytes(weights: Vec<f32>, integer: Integer, zero: f32, scale: f32) -> Graph {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[1, 2, 2, 2]).unwrap();
    let x = b.dq(x, Integer::Uint8, 0.5, 100.0);
    let w = b.0.constant("w", &[2, 2, 1, 1], weights).unwrap();
    let w = b.dq(w, integer, 0.25, zero);
    let y = b.0.node("conv", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]).unwrap();
    let q = b.q(y, Integer::Uint8, scale, 90.0);
    b.0.outputs = vec![q];
    b.0
}

#[test]
fn integer_inputs_and_outputs_are_whole_numbers() {
    runs_as_said(&bytes_to_bytes(vec![1.0, -2.0, 127.0, 4.0], Integer::Int8, 0.0, 3.7));
}

/// The machine gives what the float reference gives.
fn runs_as_said(graph: &Graph) {
    let network =
        crate::quantise::run(graph, &[], &crate::quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let x = ndarray::ArrayD::from_shape_vec(
        ndarray::IxDyn(&[1, 2, 2, 2]),
        vec![0.0, 255.0, 100.0, 101.0, 3.0, 99.0, 180.0, 254.0],
    );
    let x = [x.unwrap()];
    let want = crate::float::run(graph, &x).unwrap();
    assert_eq!(network.predict(&x).unwrap(), want);
    // Neither all saturated nor all zero.
    assert!(want[0].iter().filter(|v| (1.0..255.0).contains(*v)).count() > 3, "{want:?}");
}

/// Less their zero points these weights take two bytes each, and three.
#[test]
fn weights_beyond_a_byte_are_sums_of_bytes() {
    for (weights, integer, zero, channels) in [
        (vec![1.0, -128.0, 127.0, 3.0], Integer::Int8, 0.0, 4),
        (vec![0.0, 255.0, 131.0, 3.0], Integer::Uint8, 131.0, 4),
        (vec![255.0, 254.0, 0.0, 3.0], Integer::Uint8, 0.0, 6),
    ] {
        let graph = bytes_to_bytes(weights, integer, zero, 47.0);
        let (stripped, _) = strip(&graph).unwrap();
        let conv = stripped.nodes.iter().find(|n| n.op.name() == "Conv").unwrap();
        assert_eq!(stripped.shape(conv.inputs[0]), [1, channels, 2, 2]);
        runs_as_said(&graph);
    }
}

#[test]
fn weights_that_cannot_be_taken_apart_are_refused_by_name() {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[1, 2, 2, 2]).unwrap();
    let w = b.0.constant("w", &[2, 1, 1, 1], vec![-128.0, 1.0]).unwrap();
    let w = b.dq(w, Integer::Int8, 0.25, 0.0);
    let op = Op::ConvTranspose { window: Window::UNIT, groups: 2, output_padding: [0, 0] };
    let y = b.0.node("up", op, &[x, w]).unwrap();
    b.0.outputs = vec![y];
    let e = strip(&b.0).unwrap_err().to_string();
    assert!(e.contains("\"up\" (ConvTranspose)") && e.contains("reach 128"), "{e}");
}

/// From bytes to bytes by way of 16 bits: what lies between the bytes is the host's, the rest the machine's.
#[test]
fn sixteen_bits_stay_on_the_host_up_to_bytes() {
    let mut b = Build(Graph::new("t"));
    let x = b.0.input("x", &[1, 2, 2, 2]).unwrap();
    let q = b.q(x, Integer::Int8, 0.5, 3.0);
    let x = b.dq(q, Integer::Int8, 0.5, 3.0);
    let tanh = b.0.node("tanh", Op::Unary { kind: UnaryKind::Tanh }, &[x]).unwrap();
    let q = b.q(tanh, Integer::Uint16, 0.0001, 32768.0);
    let fine = b.dq(q, Integer::Uint16, 0.0001, 32768.0);
    let sum = b.0.node("sum", Op::Add, &[fine, x]).unwrap();
    let q = b.q(sum, Integer::Int8, 0.25, 0.0);
    let y = b.dq(q, Integer::Int8, 0.25, 0.0);
    let y = b.0.node("relu", Op::Relu, &[y]).unwrap();
    let q = b.q(y, Integer::Int8, 0.25, 0.0);
    let y = b.dq(q, Integer::Int8, 0.25, 0.0);
    b.0.outputs = vec![y];
    let network =
        crate::quantise::run(&b.0, &[], &crate::quantise::Options::default(), &Config::sized(9, 16)).unwrap();
    let host: Vec<&str> = network.host.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(host, ["tanh", "q", "q", "sum"]);
    let x = (0..8).map(|i| i as f32 * 0.9 - 3.0).collect();
    let x = [ndarray::ArrayD::from_shape_vec(ndarray::IxDyn(&[1, 2, 2, 2]), x).unwrap()];
    assert_eq!(network.predict(&x).unwrap(), crate::float::run(&b.0, &x).unwrap());
}
