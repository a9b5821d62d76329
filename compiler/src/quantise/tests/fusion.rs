//! Every reduction followed by every two of the operators that may be fused into it: what the lowering
//! cannot do after a reduction must not be fused, and all of it must compute what float computes.

use super::operators::Net;
use crate::float;
use crate::graph::{
    BinaryKind, CoordinateRounding, Coordinates, DepthToSpaceMode, Interpolation, Op, Resize, UnaryKind,
    ValueId, Window,
};
use crate::quantise::{Options, Precision, run, sqnr_db};
use crate::schedule;
use rayon::prelude::*;
use tilewright_arch::Config;

/// Makes a value of the network's own inputs, or of a value.
type Start = fn(&mut Net) -> ValueId;
type Follow = fn(&mut Net, ValueId) -> ValueId;
/// A reduction and what follows it.
type Case =
    (&'static (&'static str, Start), &'static (&'static str, Follow), &'static (&'static str, Follow));

const SUB: Op = Op::Binary { kind: BinaryKind::Sub };
const MUL: Op = Op::Binary { kind: BinaryKind::Mul };

fn shape(net: &Net, x: ValueId) -> Vec<usize> {
    net.graph.shape(x).to_vec()
}

fn window(kernel: usize, pad: usize) -> Window {
    Window { kernel: [kernel, kernel], pads: [pad; 4], ..Window::UNIT }
}

fn conv(net: &mut Net, groups: usize) -> ValueId {
    let x = net.input(&[1, 4, 6, 6]);
    let (w, b) = (net.constant(&[4, 4 / groups, 3, 3]), net.constant(&[4]));
    net.op(Op::Conv { window: window(3, 1), groups }, &[x, w, b])
}

fn resize(net: &mut Net, interpolation: Interpolation) -> ValueId {
    let x = net.input(&[1, 4, 3, 3]);
    let resize = Resize {
        sizes: vec![1, 4, 6, 6],
        scales: vec![1.0, 1.0, 2.0, 2.0],
        interpolation,
        coordinates: Coordinates::Asymmetric,
    };
    net.op(Op::Resize(resize), &[x])
}

const STARTS: &[(&str, Start)] = &[
    ("convolution", |net| conv(net, 1)),
    ("grouped convolution", |net| conv(net, 2)),
    ("depthwise convolution", |net| conv(net, 4)),
    ("scaling", |net| {
        let (x, c) = (net.input(&[1, 4, 6, 6]), net.constant(&[4, 1, 1]));
        net.op(MUL, &[x, c])
    }),
    ("transposed convolution", |net| {
        let (x, w, b) = (net.input(&[1, 3, 3, 3]), net.constant(&[3, 4, 2, 2]), net.constant(&[4]));
        let window = Window { stride: [2, 2], ..window(2, 0) };
        net.op(Op::ConvTranspose { window, groups: 1, output_padding: [0, 0] }, &[x, w, b])
    }),
    ("nearest resize", |net| resize(net, Interpolation::Nearest(CoordinateRounding::Floor))),
    ("linear resize", |net| resize(net, Interpolation::Linear)),
    ("matrix product", |net| {
        let (x, w) = (net.input(&[1, 6, 6, 3]), net.constant(&[3, 4]));
        let y = net.op(Op::MatMul, &[x, w]);
        net.op(Op::Transpose { perm: vec![0, 3, 1, 2] }, &[y])
    }),
    ("product of activations", |net| {
        let (a, b) = (net.input(&[1, 4, 6, 5]), net.input(&[1, 4, 5, 6]));
        net.op(Op::MatMul, &[a, b])
    }),
    ("average pool", |net| {
        let x = net.input(&[1, 4, 6, 6]);
        net.op(Op::AveragePool { window: window(3, 1), count_include_pad: false }, &[x])
    }),
    ("global average pool", |net| {
        let x = net.input(&[1, 4, 6, 6]);
        net.op(Op::GlobalAveragePool, &[x])
    }),
    ("max pool", |net| {
        let x = net.input(&[1, 4, 6, 6]);
        net.op(Op::MaxPool { window: window(3, 1) }, &[x])
    }),
    ("concat", |net| {
        let (a, b) = (net.input(&[1, 1, 6, 6]), net.input(&[1, 3, 6, 6]));
        net.op(Op::Concat { axis: 1 }, &[a, b])
    }),
    ("input", |net| net.input(&[1, 4, 6, 6])),
];

/// An operator of a value and a constant of the shape that a function makes of the value's.
fn with_constant(net: &mut Net, op: Op, x: ValueId, of: fn(&[usize]) -> Vec<usize>, first: bool) -> ValueId {
    let of = of(&shape(net, x));
    let c = net.constant(&of);
    net.op(op, &if first { [c, x] } else { [x, c] })
}

/// The same with a number, which leaves something of every value.
fn with_number(net: &mut Net, op: Op, x: ValueId, number: f32, first: bool) -> ValueId {
    let c = net.graph.constant("", &[], vec![number]).unwrap();
    net.op(op, &if first { [c, x] } else { [x, c] })
}

fn channels(shape: &[usize]) -> Vec<usize> {
    vec![shape[1], 1, 1]
}

fn with_input(net: &mut Net, op: Op, x: ValueId, first: bool) -> ValueId {
    let of = shape(net, x);
    let other = net.input(&of);
    net.op(op, &if first { [other, x] } else { [x, other] })
}

const FOLLOWERS: &[(&str, Follow)] = &[
    ("relu", |net, x| net.op(Op::Relu, &[x])),
    ("clip", |net, x| net.op(Op::Clip { min: -0.3, max: 0.4 }, &[x])),
    ("leaky relu", |net, x| net.op(Op::LeakyRelu { alpha: 0.2 }, &[x])),
    ("prelu", |net, x| with_constant(net, Op::PRelu, x, channels, false)),
    ("sigmoid", |net, x| net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[x])),
    ("+ number", |net, x| with_number(net, Op::Add, x, 0.25, false)),
    ("+ channels", |net, x| with_constant(net, Op::Add, x, channels, true)),
    ("+ map", |net, x| with_constant(net, Op::Add, x, <[usize]>::to_vec, false)),
    ("number -", |net, x| with_number(net, SUB, x, 0.25, true)),
    ("* number", |net, x| with_number(net, MUL, x, 0.25, false)),
    ("* channels", |net, x| with_constant(net, MUL, x, channels, false)),
    ("max number", |net, x| with_number(net, Op::Binary { kind: BinaryKind::Max }, x, 0.0625, false)),
    ("+ value", |net, x| with_input(net, Op::Add, x, false)),
    ("value +", |net, x| with_input(net, Op::Add, x, true)),
    ("- value", |net, x| with_input(net, SUB, x, false)),
    ("value -", |net, x| with_input(net, SUB, x, true)),
    ("* value", |net, x| with_input(net, MUL, x, false)),
    ("* gate", |net, x| {
        let of = channels(&shape(net, x));
        let gate = net.input(&[&[1], &of[..]].concat());
        net.op(MUL, &[x, gate])
    }),
    ("depth to space", |net, x| {
        let block = if shape(net, x)[1].is_multiple_of(4) { 2 } else { 1 };
        net.op(Op::DepthToSpace { block, mode: DepthToSpaceMode::Dcr }, &[x])
    }),
];

/// The decibels over all samples, with `precision`; every stage is scheduled.
fn decibels(net: &Net, precision: Precision) -> Result<f64, String> {
    let options = Options { precision, ..Options::default() };
    // Measured on the same: what lies outside of the ranges seen is not what this is about.
    let samples = net.samples(8, 1);
    let network = run(&net.graph, &samples, &options, &Config::sized(9, 16)).map_err(|e| e.to_string())?;
    let config = Config::sized(9, 16);
    for graph in network.machine() {
        graph.verify().map_err(|e| e.to_string())?;
        let plans = schedule::Search::new(graph, &config).and_then(|s| s.schedules().next().transpose());
        plans.map_err(|e| e.to_string())?;
    }
    let (mut want, mut got) = (vec![], vec![]);
    for sample in &samples {
        want.extend(float::run(&net.graph, sample).map_err(|e| e.to_string())?);
        got.extend(network.predict(sample).map_err(|e| e.to_string())?);
    }
    Ok(sqnr_db(want.iter().flatten(), got.iter().flatten()))
}

#[test]
fn every_reduction_with_every_two_followers() {
    let mut cases: Vec<Case> = Vec::new();
    for start in STARTS {
        for one in FOLLOWERS {
            cases.extend(FOLLOWERS.iter().map(|two| (start, one, two)));
        }
    }
    let check = |(start, one, two): &Case| {
        let mut net = Net::new();
        let mut x = start.1(&mut net);
        x = one.1(&mut net, x);
        x = two.1(&mut net, x);
        net.graph.outputs = vec![x];
        net.graph.verify().unwrap();
        let name = format!("{}, {}, {}", start.0, one.0, two.0);
        let wrong = |(precision, least): (Precision, f64)| match decibels(&net, precision) {
            Ok(db) if db >= least => None,
            Ok(db) => Some(format!("{name}: {db:.1} dB with {precision:?}")),
            Err(e) => Some(format!("{name}: {precision:?}: {e}")),
        };
        [(Precision::Int8, 28.0), (Precision::Int16, 28.0)].map(wrong).into_iter().flatten().collect()
    };
    let failures: Vec<String> = cases.par_iter().flat_map_iter::<_, Vec<String>>(check).collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
