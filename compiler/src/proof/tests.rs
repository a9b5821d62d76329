//! Errors planted in right networks: each must be found.

use super::run::integers;
use super::{Groups, Quality, What, check, corrections, equalised, predict};
use crate::fixed::{FixedNode, Reduction};
use crate::float;
use crate::graph::{
    BinaryKind, CoordinateRounding, Coordinates, DepthToSpaceMode, Graph, Integer, Interpolation, Node, Op,
    Resize, UnaryKind, ValueId, Window,
};
use crate::network::{Network, Stage};
use crate::quantise::{self, Options, Precision};
use ndarray::{ArrayD, IxDyn};
use tilewright_arch::Config;
use tilewright_arch::fixed::power_of_two;
use tilewright_random::Random;

/// A graph in the making with one input `x`.
struct Draft {
    graph: Graph,
    random: Random,
}

impl Draft {
    fn new(shape: &[usize]) -> (Draft, ValueId) {
        let mut graph = Graph::new("planted");
        let x = graph.input("x", shape).unwrap();
        (Draft { graph, random: Random::new(3) }, x)
    }

    fn constant(&mut self, shape: &[usize]) -> ValueId {
        let data = self.random.floats(shape.iter().product());
        self.graph.constant("", shape, data).unwrap()
    }

    fn node(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> ValueId {
        self.graph.node(name, op, inputs).unwrap()
    }

    /// A convolution of kernel k with `outputs` channels and a bias.
    fn conv(&mut self, name: &str, x: ValueId, outputs: usize, k: usize, groups: usize) -> ValueId {
        let inputs = self.graph.shape(x)[1];
        let w = self.constant(&[outputs, inputs / groups, k, k]);
        let b = self.constant(&[outputs]);
        let window = Window { kernel: [k, k], pads: [k / 2; 4], ..Window::UNIT };
        self.node(name, Op::Conv { window, groups }, &[x, w, b])
    }

    /// The quantised network and its calibration samples.
    fn finish(mut self, y: ValueId, precision: Precision) -> (Network, Vec<Vec<ArrayD<f32>>>) {
        self.graph.outputs = vec![y];
        let shape = self.graph.shape(self.graph.inputs[0]).to_vec();
        let mut sample = || {
            let data = self.random.floats(shape.iter().product());
            vec![ArrayD::from_shape_vec(IxDyn(&shape), data).unwrap()]
        };
        let samples: Vec<_> = (0..4).map(|_| sample()).collect();
        let options = Options { precision, ..Options::default() };
        let network = quantise::run(&self.graph, &samples, &options, &Config::sized(9, 16)).unwrap();
        assert!(network.host.is_empty(), "{:?}", network.host);
        (network, samples)
    }
}

const IMAGE: [usize; 4] = [1, 4, 9, 10];

/// One small network for each kind of operation, by name.
fn kinds() -> Vec<(&'static str, Network, Vec<ArrayD<f32>>)> {
    type Make = fn(&mut Draft, ValueId) -> ValueId;
    let makes: Vec<(&'static str, &[usize], Precision, Make)> = vec![
        ("convolution", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 6, 3, 1);
            d.node("r", Op::Relu, &[y])
        }),
        ("copies in another order", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 4, 1, 1);
            let y = d.graph.reshape("groups", y, &[1, 2, 2, 9, 10]).unwrap();
            let y = d.node("shuffle", Op::Transpose { perm: vec![0, 2, 1, 3, 4] }, &[y]);
            let y = d.graph.reshape("channels", y, &IMAGE).unwrap();
            d.conv("d", y, 4, 3, 4)
        }),
        ("negated convolution", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 4, 3, 1);
            d.node("s", Op::Binary { kind: BinaryKind::Sub }, &[x, y])
        }),
        ("depthwise", &IMAGE, Precision::Int8, |d, x| d.conv("c", x, 4, 3, 4)),
        ("convolution of 16 bits", &IMAGE, Precision::Int16, |d, x| {
            let y = d.conv("a", x, 4, 3, 1);
            let y = d.node("r", Op::LeakyRelu { alpha: 0.1 }, &[y]);
            d.conv("b", y, 3, 3, 1)
        }),
        ("dense", &[1, 40], Precision::Int8, |d, x| {
            let (w, b) = (d.constant(&[40, 7]), d.constant(&[7]));
            d.node("g", Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false }, &[x, w, b])
        }),
        ("transposed convolution", &IMAGE, Precision::Int8, |d, x| {
            let w = d.constant(&[4, 3, 4, 4]);
            let window = Window { kernel: [4, 4], stride: [2, 2], pads: [1; 4], ..Window::UNIT };
            d.node("t", Op::ConvTranspose { window, groups: 1, output_padding: [0, 0] }, &[x, w])
        }),
        ("resize", &IMAGE, Precision::Int8, |d, x| {
            let resize = Resize {
                sizes: vec![1, 4, 18, 20],
                scales: vec![1.0, 1.0, 2.0, 2.0],
                interpolation: Interpolation::Linear,
                coordinates: Coordinates::HalfPixel,
            };
            d.node("z", Op::Resize(resize), &[x])
        }),
        ("nearest resize with slopes", &IMAGE, Precision::Int8, |d, x| {
            let resize = Resize {
                sizes: vec![1, 4, 18, 20],
                scales: vec![1.0, 1.0, 2.0, 2.0],
                interpolation: Interpolation::Nearest(CoordinateRounding::Floor),
                coordinates: Coordinates::Asymmetric,
            };
            let y = d.node("z", Op::Resize(resize), &[x]);
            let slopes = d.constant(&[4, 1, 1]);
            d.node("r", Op::PRelu, &[y, slopes])
        }),
        ("sum", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 4, 1, 1);
            let y = d.node("m", Op::MaxPool { window: window3() }, &[y]);
            d.node("a", Op::Add, &[x, y])
        }),
        ("sum of 16 bits", &IMAGE, Precision::Int16, |d, x| {
            let y = d.conv("c", x, 4, 1, 1);
            let z = d.conv("e", x, 4, 3, 1);
            let z = d.node("r", Op::Relu, &[z]);
            d.node("a", Op::Add, &[z, y])
        }),
        ("product with a gate", &IMAGE, Precision::Int8, |d, x| {
            let y = d.node("p", Op::GlobalAveragePool, &[x]);
            let y = d.conv("c", y, 4, 1, 1);
            let y = d.node("s", Op::Unary { kind: UnaryKind::Sigmoid }, &[y]);
            d.node("m", Op::Binary { kind: BinaryKind::Mul }, &[x, y])
        }),
        ("product of activations", &[1, 1, 6, 8], Precision::Int8, |d, x| {
            let w = d.constant(&[8, 5]);
            let y = d.node("q", Op::MatMul, &[x, w]);
            let x = d.node("t", Op::Transpose { perm: vec![0, 1, 3, 2] }, &[x]);
            d.node("k", Op::MatMul, &[x, y])
        }),
        ("maximum", &IMAGE, Precision::Int8, |d, x| d.node("m", Op::MaxPool { window: window3() }, &[x])),
        ("average", &IMAGE, Precision::Int8, |d, x| {
            d.node("p", Op::AveragePool { window: window3(), count_include_pad: false }, &[x])
        }),
        ("table", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 4, 3, 1);
            d.node("g", Op::Unary { kind: UnaryKind::Gelu }, &[y])
        }),
        ("concatenation", &IMAGE, Precision::Int8, |d, x| {
            let y = d.node("m", Op::MaxPool { window: window3() }, &[x]);
            d.node("j", Op::Concat { axis: 1 }, &[x, y])
        }),
        ("pixel shuffle", &IMAGE, Precision::Int8, |d, x| {
            let y = d.conv("c", x, 8, 3, 1);
            d.node("d", Op::DepthToSpace { block: 2, mode: DepthToSpaceMode::Crd }, &[y])
        }),
        ("pixel shuffle of a matrix product", &[1, 6, 6, 3], Precision::Int8, |d, x| {
            let w = d.constant(&[3, 4]);
            let y = d.node("q", Op::MatMul, &[x, w]);
            let y = d.node("t", Op::Transpose { perm: vec![0, 3, 1, 2] }, &[y]);
            d.node("d", Op::DepthToSpace { block: 2, mode: DepthToSpaceMode::Crd }, &[y])
        }),
    ];
    let one = |(name, shape, precision, make): (&'static str, &[usize], Precision, Make)| {
        let (mut draft, x) = Draft::new(shape);
        let y = make(&mut draft, x);
        let (network, mut samples) = draft.finish(y, precision);
        (name, network, samples.swap_remove(0))
    };
    makes.into_iter().map(one).collect()
}

fn window3() -> Window {
    Window { kernel: [3, 3], pads: [1; 4], ..Window::UNIT }
}

/// The machine's nodes of a network, one after the other.
fn nodes(network: &mut Network) -> impl Iterator<Item = &mut FixedNode> {
    network.stages.iter_mut().flat_map(|stage| match stage {
        Stage::Machine { graph, .. } => graph.nodes.iter_mut(),
        Stage::Host { .. } => [].iter_mut(),
    })
}

/// Changes to a node that make another operation of it; false where it has no such part.
type Plant = fn(&mut FixedNode) -> bool;

const PLANTS: [(&str, Plant); 9] = [
    ("a weight", |node| match &mut node.reduction {
        Reduction::Conv { weights, .. } => {
            let last = weights.len() - 1;
            weights[last] = if weights[last] > 0 { weights[last] - 12 } else { weights[last] + 12 };
            true
        }
        _ => false,
    }),
    ("a factor", |node| {
        let channel = node.channels.last_mut().unwrap();
        channel.mantissa -= channel.mantissa / 50;
        channel.negative_mantissa -= channel.negative_mantissa / 50;
        channel.mantissa != 0
    }),
    ("a bias of two output steps", |node| {
        let channel = node.channels.last_mut().unwrap();
        let exponent = i32::from(channel.shift) + channel.half.fraction() as i32;
        let factor = f64::from(channel.mantissa) * power_of_two(-exponent);
        // Both halves of 16 bits would have to move together.
        let whole = channel.half == tilewright_arch::fixed::Half::None;
        channel.bias += (2.0 / factor).ceil() as i32;
        whole && node.operand.as_ref().is_none_or(|o| !o.scale.multiply)
    }),
    ("a zero point", |node| {
        node.post.zero = if node.post.zero > 0 { node.post.zero - 2 } else { node.post.zero + 2 };
        true
    }),
    ("the input's view", |node| {
        let view = &mut node.input;
        let row = view.shape[1] > 1 && view.origin[1] == 0 && view.step[1] == 1;
        view.step[1] = if row { 0 } else { view.step[1] };
        row
    }),
    ("the last pixel", |node| {
        let [_, _, rows, columns] = &mut node.place.region;
        let able = *rows * *columns > 1;
        *if *columns > 1 { columns } else { rows } -= usize::from(able);
        able
    }),
    ("an operand's factor", |node| match &mut node.operand {
        Some(operand) if !operand.scale.multiply => {
            operand.scale.mantissa -= operand.scale.mantissa / 20;
            true
        }
        Some(operand) => {
            operand.scale.shift += 1;
            true
        }
        None => false,
    }),
    ("a table's entry", |node| match &mut node.table {
        Some(table) => {
            // The entries around zero are looked up by some element.
            table.iter_mut().skip(100).step_by(3).for_each(|entry| *entry = entry.saturating_add(2));
            true
        }
        None => false,
    }),
    ("a clamp", |node| {
        let tight = node.post.lo == i8::MIN && node.table.is_none();
        node.post.lo = if tight { -2 } else { node.post.lo };
        tight
    }),
];

#[test]
fn right_networks_have_no_findings() {
    for (name, network, inputs) in kinds() {
        let proof = check(&network, &inputs).unwrap();
        assert!(proof.holds(), "{name}: {:?}", proof.findings);
        assert!(proof.elements() > 0 && proof.layers.iter().all(|l| l.unproved == 0), "{name}");
    }
}

/// In every kind of operation every planted error is found, in the layer that has it.
#[test]
fn planted_errors_are_found() {
    let mut planted = 0;
    for (name, network, inputs) in kinds() {
        let count = nodes(&mut network.clone()).count();
        for n in 0..count {
            for (what, plant) in PLANTS {
                let mut wrong = network.clone();
                let node = nodes(&mut wrong).nth(n).unwrap();
                let layer = node.name.clone();
                if !plant(node) {
                    continue;
                }
                // A clamp that no element comes near changes nothing.
                let levels = |network| integers(network, &inputs).unwrap().0.levels;
                if levels(&wrong) == levels(&network) {
                    continue;
                }
                let proof = check(&wrong, &inputs).unwrap();
                assert!(!proof.holds(), "{name}: {what} of node {n} ({layer}) is not found");
                let first = &proof.findings[0];
                assert_eq!(first.layer, layer, "{name}: {what}: {first}");
                planted += 1;
            }
        }
    }
    assert!(planted > 80, "only {planted} errors could be planted");
}

/// Two output steps in one channel of 64, where nothing but the elements shows it.
#[test]
fn two_steps_in_one_channel_of_64_are_found() {
    let (mut draft, x) = Draft::new(&[1, 16, 12, 12]);
    let y = draft.conv("c", x, 64, 3, 1);
    let (mut network, samples) = draft.finish(y, Precision::Int8);
    let node = nodes(&mut network).next().unwrap();
    let channel = &mut node.channels[41];
    let exponent = i32::from(channel.shift) + channel.half.fraction() as i32;
    let factor = f64::from(channel.mantissa) * power_of_two(-exponent);
    let units = (2.0 / factor).ceil() as i32;
    channel.bias += units;
    // The claim goes along, so that the bias is not what is found.
    let rounded = network.claims.operations[0].parts[0].rounded.as_mut().unwrap();
    let unit = rounded.scales[41] * f64::from(network.tensors[rounded.from.tensor.0 as usize].scale);
    rounded.bias[41] += f64::from(units) * unit;
    let proof = check(&network, &samples[0]).unwrap();
    let What::Element { index, count, .. } = &proof.findings[0].what else { panic!("{:?}", proof.findings) };
    assert_eq!(index[1], 41);
    assert!(*count > 100, "{count}");
}

/// The factor of negative sums shares its exponent with that of positive ones: of a slope of 2^-13 eleven bits are
/// left, and what they make of sums far beyond the range of positive results is that much off.
#[test]
fn small_slopes_have_few_bits() {
    let (mut draft, x) = Draft::new(&[1, 4, 16, 16]);
    let mut weights = draft.random.floats(8 * 4);
    // Of the first channel come the positive results.
    weights[..4].iter_mut().for_each(|w| *w *= 0.1);
    let w = draft.graph.constant("", &[8, 4, 1, 1], weights).unwrap();
    let bias = (0..8).map(|c| if c == 0 { 0.0 } else { -30.0 }).collect();
    let b = draft.graph.constant("", &[8], bias).unwrap();
    let y = draft.node("c", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w, b]);
    let slopes = (0..8).map(|c| (1.0 + 0.1 * c as f32) * power_of_two(-13) as f32).collect();
    let slopes = draft.graph.constant("", &[8, 1, 1], slopes).unwrap();
    let y = draft.node("p", Op::PRelu, &[y, slopes]);
    for precision in [Precision::Int8, Precision::Int16] {
        let (network, samples) =
            Draft { graph: draft.graph.clone(), random: Random::new(3) }.finish(y, precision);
        for sample in &samples {
            assert_eq!(check(&network, sample).unwrap().findings, [], "{precision:?}");
        }
    }
}

/// Channels without weights, as pruned networks have them, have any factor; a bias that is computed has none. The
/// equaliser scales them like others.
#[test]
fn dead_channels_are_equalised_like_others() {
    let conv = || Op::Conv { window: Window::UNIT, groups: 1 };
    for bias in [[0.0, 0.0, 0.0, 0.5], [0.0, 2.5, -0.5, 0.0], [0.0; 4]] {
        let (mut draft, x) = Draft::new(&[1, 4, 16, 16]);
        let mut weights = draft.random.floats(16);
        // The first two channels have no weights; the others differ in size, so that there is what to equalise.
        weights.iter_mut().enumerate().for_each(|(i, w)| *w *= [0.0, 0.0, 0.2, 2.0][i / 4]);
        let w = draft.graph.constant("", &[4, 4, 1, 1], weights).unwrap();
        let b = draft.graph.constant("", &[4], bias.to_vec()).unwrap();
        let y = draft.node("c", conv(), &[x, w, b]);
        let y = draft.node("r", Op::Relu, &[y]);
        let y = draft.conv("d", y, 4, 3, 1);
        let y = draft.node("p", Op::GlobalAveragePool, &[y]);
        let y = draft.node("f", Op::Flatten { axis: 1 }, &[y]);
        let w = draft.constant(&[5, 4]);
        let y = draft.node("g", Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true }, &[y, w]);
        let source = Graph { outputs: vec![y], ..draft.graph.clone() };
        let (network, _) = draft.finish(y, Precision::Int8);
        let first = |graph: &Graph| graph.constant_data(graph.nodes[0].inputs[1]).unwrap().to_vec();
        assert_ne!(first(&source), first(&network.claims.graph), "{bias:?}: nothing was equalised");
        assert_eq!(equalised(&source, &network.claims.graph).findings, [], "{bias:?}");
    }
    let (mut draft, x) = Draft::new(&[1, 4]);
    let (w, z) = (draft.constant(&[4, 4]), draft.node("a", Op::Unary { kind: UnaryKind::Abs }, &[x]));
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };
    let y = draft.node("g", gemm, &[x, w, z]);
    draft.graph.outputs = vec![y];
    assert_eq!(equalised(&draft.graph, &draft.graph).findings, []);
}

/// A host that does something else is found, also where a quantised model says how its results are rounded.
#[test]
fn what_the_host_makes_is_compared() {
    for prescribed in [false, true] {
        let (mut draft, x) = Draft::new(&[1, 4]);
        let round = |draft: &mut Draft, x, scale| {
            let (scale, zero) = (
                draft.graph.constant("", &[], vec![scale]).unwrap(),
                draft.graph.constant("", &[], vec![0.0]).unwrap(),
            );
            let (integer, axis) = (Integer::Int8, None);
            let q = draft.node("q", Op::QuantizeLinear { integer, axis }, &[x, scale, zero]);
            if prescribed {
                draft.node("d", Op::DequantizeLinear { integer, axis }, &[q, scale, zero])
            } else {
                x
            }
        };
        let y = round(&mut draft, x, 0.01);
        let y = draft.node("s", Op::Softmax { axis: 1 }, &[y]);
        let y = round(&mut draft, y, 0.005);
        let y = draft.node("t", Op::Softmax { axis: 1 }, &[y]);
        let y = round(&mut draft, y, 0.004);
        draft.graph.outputs = vec![y];
        let sample = vec![ArrayD::from_shape_vec(IxDyn(&[1, 4]), draft.random.floats(4)).unwrap()];
        let mut network = quantise::run(
            &draft.graph,
            std::slice::from_ref(&sample),
            &Options::default(),
            &Config::sized(9, 16),
        )
        .unwrap();
        assert_eq!(network.host.len(), 2, "{:?}", network.host);
        assert_eq!(check(&network, &sample).unwrap().findings, []);
        for stage in &mut network.stages {
            let Stage::Host { graph, .. } = stage else { continue };
            let softmax = |node: &&mut Node| matches!(node.op, Op::Softmax { .. });
            graph.nodes.iter_mut().filter(softmax).for_each(|node| node.op = Op::LogSoftmax { axis: 1 });
        }
        assert!(!check(&network, &sample).unwrap().holds(), "{prescribed}");
    }
}

/// What the host moves between two stages of the machine is read when it is there: the prediction is that of the
/// same network without the move.
#[test]
fn the_noise_behind_a_move_of_the_host_is_predicted() {
    for indices in [vec![0, 1, 2, 3], vec![0, 1, 3, 2]] {
        let (mut draft, x) = Draft::new(&[1, 4, 8, 8]);
        let y = draft.conv("a", x, 4, 3, 1);
        let y = draft.node("r", Op::Relu, &[y]);
        let y = draft.node("m", Op::Gather { axis: 1, indices, shape: vec![4] }, &[y]);
        let y = draft.conv("b", y, 3, 3, 1);
        draft.graph.outputs = vec![y];
        let sample = vec![ArrayD::from_shape_vec(IxDyn(&[1, 4, 8, 8]), draft.random.floats(256)).unwrap()];
        let network = quantise::run(
            &draft.graph,
            std::slice::from_ref(&sample),
            &Options::default(),
            &Config::sized(9, 16),
        )
        .unwrap();
        let want = float::run(&draft.graph, &sample).unwrap();
        let quality =
            |got: &[ArrayD<f32>]| Quality::of(&want[0], &got[0], &Groups::default()).sqnr_db.unwrap();
        let predicted = quality(&predict(&network, &sample).unwrap().outputs);
        let measured = quality(&network.predict(&sample).unwrap());
        assert!((predicted - measured).abs() < 3.0, "{predicted} dB, {measured} dB measured");
    }
}

/// Claims that leave something open, or say it twice, are findings of their own.
#[test]
fn claims_are_complete() {
    let (name, network, inputs) = kinds().swap_remove(0);
    let found = |network: &Network, part: &str| {
        let findings = check(network, &inputs).unwrap().findings;
        findings.iter().any(|f| matches!(&f.what, What::Claim { message } if message.contains(part)))
    };
    assert!(!found(&network, ""), "{name}");
    let mut missing = network.clone();
    missing.claims.operations.clear();
    assert!(found(&missing, "the source's node is claimed 0 times"));
    assert!(found(&missing, "node 0 of stage 0 is claimed 0 times"));
    let mut twice = network.clone();
    let operation = twice.claims.operations[0].clone();
    twice.claims.operations.push(operation);
    assert!(found(&twice, "the source's node is claimed 2 times"));
    assert!(found(&twice, "node 0 of stage 0 is claimed 2 times"));
    let mut elsewhere = network.clone();
    elsewhere.claims.operations[0].output.strides[0].1 = 0;
    assert!(found(&elsewhere, "two of its elements lie in one place"));
}

/// A value beyond the range saturates, and is counted; one that saturates without need is a finding.
#[test]
fn saturated_elements_are_counted() {
    let (_, network, inputs) = kinds().swap_remove(0);
    let large = vec![inputs[0].mapv(|x| 3.0 * x)];
    let proof = check(&network, &large).unwrap();
    assert!(proof.holds(), "{:?}", proof.findings);
    let input = &proof.layers[0];
    assert!(input.saturated > 100 && input.beyond > 0.5, "{input:?}");
}

/// A bias that was corrected by another mean than its own: no interval shows it.
#[test]
fn wrong_corrections_are_found() {
    let (mut draft, x) = Draft::new(&IMAGE);
    let y = draft.conv("c", x, 6, 3, 1);
    let y = draft.node("r", Op::Relu, &[y]);
    let (mut network, samples) = draft.finish(y, Precision::Int8);
    assert_eq!(corrections(&network, &samples).unwrap(), []);
    let rounded = network.claims.operations[0].parts[0].rounded.as_mut().unwrap();
    rounded.corrections[2] += 40;
    nodes(&mut network).next().unwrap().channels[2].bias -= 40;
    assert!(check(&network, &samples[0]).unwrap().holds());
    let findings = corrections(&network, &samples).unwrap();
    assert!(matches!(&findings[0].what, What::Parameter { name, .. } if name.contains("channel 2")));
}
