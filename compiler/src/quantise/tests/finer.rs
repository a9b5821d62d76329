//! Operators taken apart for the sake of 16 bits: what is stored is what the source says, and what it is worth.

use super::operators::Net;
use crate::error::Error;
use crate::float;
use crate::graph::{Graph, Op, Source, UnaryKind, ValueId, Window};
use crate::proof::equalised;
use crate::quantise::finer::{self, Finer};
use crate::quantise::{Options, Precision, Variant, finest, run, sqnr_db};
use ndarray::{ArrayD, IxDyn};
use tilewright_arch::Config;

const FUNCTIONS: [UnaryKind; 9] = [
    UnaryKind::HardSwish,
    UnaryKind::Mish,
    UnaryKind::Swish,
    UnaryKind::Gelu,
    UnaryKind::GeluTanh,
    UnaryKind::Softplus,
    UnaryKind::Elu { alpha: 0.7 },
    UnaryKind::Celu { alpha: 1.3 },
    UnaryKind::Selu { alpha: 1.67, gamma: 1.05 },
];

/// A function of numbers from -20 to 20.
fn function(kind: UnaryKind) -> (Graph, ArrayD<f32>) {
    let numbers: Vec<f32> = (-2000..=2000).map(|i| i as f32 / 100.0).collect();
    let shape = [1, 1, 1, numbers.len()];
    let mut graph = Graph::new("function");
    let x = graph.input("x", &shape).unwrap();
    let y = graph.node("f", Op::Unary { kind }, &[x]).unwrap();
    graph.outputs = vec![y];
    (graph, ArrayD::from_shape_vec(IxDyn(&shape), numbers).unwrap())
}

#[test]
fn functions_taken_apart_are_what_they_were() {
    for kind in FUNCTIONS {
        let (graph, x) = function(kind);
        let made = finer::run(graph.clone(), Finer::Functions).unwrap();
        assert!(made.nodes.len() > 1, "{kind:?}");
        let [want, got] = [&graph, &made].map(|g| float::run(g, std::slice::from_ref(&x)).unwrap().remove(0));
        for ((x, want), got) in x.iter().zip(&want).zip(&got) {
            assert!((want - got).abs() <= 1e-6 * (1.0 + x.abs()), "{kind:?} of {x}: {want} and {got}");
        }
        assert_eq!(equalised(&graph, &made).findings, [], "{kind:?}");
        // Each operator of the form is looked at: none may be another one, or read something else.
        for n in 0..made.nodes.len() {
            let mut other = made.clone();
            other.nodes[n].op = Op::Unary { kind: UnaryKind::Floor };
            assert_eq!(equalised(&graph, &other).findings.len(), 1, "{kind:?} without operator {n}");
            if n > 0 && made.nodes[n].inputs[0] != made.inputs[0] {
                let mut other = made.clone();
                other.nodes[n].inputs[0] = made.inputs[0];
                assert_eq!(
                    equalised(&graph, &other).findings.len(),
                    1,
                    "{kind:?}, operator {n} of the input"
                );
            }
        }
    }
}

fn depthwise(net: &mut Net, x: ValueId) -> ValueId {
    let channels = net.graph.shape(x)[1];
    let w = net.constant(&[channels, 1, 3, 3]);
    let window = Window { kernel: [3, 3], pads: [1, 1, 1, 1], ..Window::UNIT };
    net.op(Op::Conv { window, groups: channels }, &[x, w])
}

/// Convolutions of all kinds, a dense layer and a product with a constant, with functions in between.
fn network() -> Net {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 12, 12]);
    let x = net.conv(x, 8, 3);
    let x = net.op(Op::Unary { kind: UnaryKind::HardSwish }, &[x]);
    let x = depthwise(&mut net, x);
    let x = net.op(Op::Unary { kind: UnaryKind::Swish }, &[x]);
    let x = net.conv(x, 8, 1);
    let x = net.op(Op::Unary { kind: UnaryKind::Gelu }, &[x]);
    let x = depthwise(&mut net, x);
    let x = net.op(Op::Unary { kind: UnaryKind::Elu { alpha: 1.0 } }, &[x]);
    let x = net.conv(x, 4, 1);
    net.graph.outputs = vec![x];
    net
}

#[test]
fn weights_taken_apart_add_up_to_what_they_were() {
    let graph = network().graph;
    let made = finer::run(graph.clone(), Finer::Weights).unwrap();
    assert_eq!(equalised(&graph, &made).findings, []);
    let rests: Vec<usize> =
        (0..made.nodes.len()).filter(|&n| made.nodes[n].name.ends_with(" (rest)")).collect();
    assert_eq!(rests.len(), 5);
    for n in rests {
        let mut other = made.clone();
        let id = other.nodes[n].inputs[1];
        let Source::Constant(numbers) = &mut other.values[id.0 as usize].source else {
            panic!("weights are constant")
        };
        let largest = numbers.iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        *largest = -*largest;
        assert_eq!(equalised(&graph, &other).findings.len(), 1, "node {n}");
    }
    // Bytes are exact as they are.
    let mut exact = Graph::new("exact");
    let x = exact.input("x", &[1, 1, 2, 2]).unwrap();
    let w = exact.constant("w", &[1, 1, 1, 2], vec![127.0, -3.0]).unwrap();
    let y =
        exact.node("c", Op::Conv { window: Window { kernel: [1, 2], ..Window::UNIT }, groups: 1 }, &[x, w]);
    exact.outputs = vec![y.unwrap()];
    assert_eq!(finer::run(exact, Finer::Weights).unwrap().nodes.len(), 1);
}

/// Tables of bytes and weights of bytes are each worth decibels.
#[test]
fn each_of_both_is_worth_decibels() {
    let net = network();
    let decibels = |precision| {
        let options = Options { precision, ..Options::default() };
        let network = run(&net.graph, &net.samples(16, 5), &options, &Config::sized(9, 16)).unwrap();
        let of = |sample: &Vec<ArrayD<f32>>| {
            let (want, got) = (float::run(&net.graph, sample).unwrap(), network.predict(sample).unwrap());
            sqnr_db(&want[0], &got[0])
        };
        net.samples(4, 77).iter().map(of).fold(f64::INFINITY, f64::min)
    };
    let [byte, wide, both] = [Precision::Int8, Precision::Int16, Precision::Int16x16].map(decibels);
    println!("int8 {byte:.1} dB, int16 {wide:.1} dB, int16x16 {both:.1} dB");
    assert!(wide > byte + 8.0, "int8 {byte:.1} dB, int16 {wide:.1} dB");
    assert!(both > wide + 4.0, "int16 {wide:.1} dB, int16x16 {both:.1} dB");
}

/// Where a precision cannot be made, the next coarser one is, and it is said; the reason is that of what was asked for.
#[test]
fn what_cannot_be_taken_apart_is_said() {
    let (functions, weights) = (Variant::Finer(Finer::Functions), Variant::Finer(Finer::Weights));
    let made = |precision, refused: &[Variant]| {
        finest(precision, |variant| match refused.contains(&variant) {
            true => Err(Error::new("quantise", format!("not {variant:?}"))),
            false => Ok(variant),
        })
    };
    for precision in [Precision::Auto, Precision::Int8, Precision::Mixed] {
        assert_eq!(made(precision, &[]).unwrap(), (Variant::Given, None));
    }
    assert_eq!(made(Precision::Int16, &[weights]).unwrap(), (functions, None));
    assert_eq!(made(Precision::Int16x16, &[]).unwrap(), (weights, None));
    let (variant, told) = made(Precision::Int16x16, &[weights]).unwrap();
    let told = told.unwrap();
    assert_eq!(variant, functions);
    assert!(
        told.starts_with("int16x16 cannot be had everywhere: weights have 8 bits, as with int16"),
        "{told}"
    );
    let (variant, told) = made(Precision::Int16x16, &[weights, functions]).unwrap();
    let told = told.unwrap();
    assert_eq!(variant, Variant::Given);
    assert!(told.contains("functions round to 8 bits") && told.contains("not Finer(Weights)"), "{told}");
    let error = made(Precision::Int16, &[functions, Variant::Given]).unwrap_err().to_string();
    assert!(error.contains("not Given"), "{error}");
}
