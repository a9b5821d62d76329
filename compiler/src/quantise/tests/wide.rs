//! Which tensors get 16 bits, and what that is worth.

use super::operators::Net;
use crate::fixed::{FixedNode, Reduction};
use crate::float;
use crate::graph::{BinaryKind, Op, ReduceKind, UnaryKind, ValueId, Window};
use crate::network::Network;
use crate::quantise::{Options, Precision, run, run_reported, sqnr_db};
use tilewright_arch::Config;
use tilewright_arch::fixed::Half;

const MUL: Op = Op::Binary { kind: BinaryKind::Mul };

fn quantised(net: &Net, precision: Precision) -> Network {
    let options = Options { precision, ..Options::default() };
    let network = run(&net.graph, &net.samples(16, 5), &options, &Config::sized(9, 16)).unwrap();
    network.machine().for_each(|graph| graph.verify().unwrap());
    network
}

/// The least SQNR of all outputs over some samples that calibration did not see.
fn least_db(net: &Net, network: &Network) -> f64 {
    let mut least = f64::INFINITY;
    for sample in net.samples(4, 77) {
        let (want, got) = (float::run(&net.graph, &sample).unwrap(), network.predict(&sample).unwrap());
        let db = want.iter().zip(&got).map(|(want, got)| sqnr_db(want, got));
        least = db.fold(least, f64::min);
    }
    least
}

/// Names of the tensors with 16 bits.
fn wide(network: &Network) -> Vec<&str> {
    network.tensors.iter().filter(|t| t.wide).map(|t| t.name.as_str()).collect()
}

fn named(net: &mut Net, name: &str, op: Op, inputs: &[ValueId]) -> ValueId {
    net.graph.node(name, op, inputs).unwrap()
}

/// x <- x + r * (x * x - x), eight times, as a network that brightens images does.
#[test]
fn a_value_updated_again_and_again_gets_16_bits() {
    let mut net = Net::new();
    let image = net.input(&[1, 3, 6, 6]);
    let r = net.conv(image, 3, 3);
    let r = net.op(Op::Unary { kind: UnaryKind::Tanh }, &[r]);
    let mut x = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[image]);
    for i in 0..8 {
        let square = net.op(MUL, &[x, x]);
        let bow = net.op(Op::Binary { kind: BinaryKind::Sub }, &[square, x]);
        let change = net.op(MUL, &[r, bow]);
        // Either order of the two sides.
        let sides = if i % 2 == 0 { [x, change] } else { [change, x] };
        x = named(&mut net, &format!("x{i}"), Op::Add, &sides);
    }
    net.graph.outputs = vec![x];
    let (byte, auto) = (quantised(&net, Precision::Int8), quantised(&net, Precision::Auto));
    assert_eq!(wide(&byte), [""; 0]);
    for i in 1..8 {
        assert!(wide(&auto).contains(&format!("x{i}").as_str()), "{auto}");
    }
    // Of value and change the one that was updated more often is gathered, whatever the order.
    let graph = auto.machine().next().unwrap();
    let updates = graph.nodes.iter().filter(|n| n.operator == "add" && n.wide);
    assert_eq!(updates.count(), 2 * 8, "{graph}");
}

/// c <- f * c + i * g; h = o * tanh(c): the state and its product with the gate, and nothing else.
#[test]
fn the_state_of_a_recurrent_layer_gets_16_bits() {
    let mut net = Net::new();
    let sequence = net.input(&[1, 8, 1, 12]);
    let mut state: Option<(ValueId, ValueId)> = None;
    let matrix = |net: &mut Net, x| net.conv(x, 16, 1);
    let mut hidden = Vec::new();
    for t in 0..12 {
        let slice = Op::Slice { starts: vec![0, 0, 0, t], steps: vec![1; 4], extents: vec![1, 8, 1, 1] };
        let x = net.op(slice, &[sequence]);
        let mut gates = matrix(&mut net, x);
        if let Some((h, _)) = state {
            let own = matrix(&mut net, h);
            gates = net.op(Op::Add, &[gates, own]);
        }
        let gate = |net: &mut Net, k: usize, kind| {
            let slice =
                Op::Slice { starts: vec![0, 4 * k, 0, 0], steps: vec![1; 4], extents: vec![1, 4, 1, 1] };
            let part = net.op(slice, &[gates]);
            net.op(Op::Unary { kind }, &[part])
        };
        let [i, o, f] = [0, 1, 2].map(|k| gate(&mut net, k, UnaryKind::Sigmoid));
        let g = gate(&mut net, 3, UnaryKind::Tanh);
        let new = named(&mut net, &format!("new{t}"), MUL, &[i, g]);
        let c = match state {
            Some((_, c)) => {
                let kept = named(&mut net, &format!("kept{t}"), MUL, &[f, c]);
                named(&mut net, &format!("c{t}"), Op::Add, &[kept, new])
            }
            None => new,
        };
        let squashed = net.op(Op::Unary { kind: UnaryKind::Tanh }, &[c]);
        let h = named(&mut net, &format!("h{t}"), MUL, &[o, squashed]);
        hidden.push(h);
        state = Some((h, c));
    }
    net.graph.outputs = vec![*hidden.last().unwrap()];
    let auto = quantised(&net, Precision::Auto);
    let names = wide(&auto);
    for t in 1..11 {
        assert!(names.contains(&format!("c{t}").as_str()), "c{t} of {names:?}");
        assert!(names.contains(&format!("kept{t}").as_str()), "kept{t} of {names:?}");
        assert!(!names.contains(&format!("new{t}").as_str()), "new{t} of {names:?}");
        assert!(!names.contains(&format!("h{t}").as_str()), "h{t} of {names:?}");
    }
    let (byte, auto) = (least_db(&net, &quantised(&net, Precision::Int8)), least_db(&net, &auto));
    assert!(auto > byte, "8 bits {byte:.1} dB, 16 bits {auto:.1} dB");
}

/// What cannot gather 16 bits reads bytes: maxima, both sides of a product, tables' results.
#[test]
fn only_sums_gather_16_bits() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 8, 8]);
    let a = net.conv(x, 4, 3);
    let pooled =
        net.op(Op::MaxPool { window: Window { kernel: [2, 2], stride: [2, 2], ..Window::UNIT } }, &[a]);
    let b = net.conv(pooled, 6, 3);
    let mean = net.op(Op::GlobalAveragePool, &[b]);
    let gate = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[mean]);
    let scaled = named(&mut net, "scaled", MUL, &[gate, b]);
    let y = net.conv(scaled, 2, 3);
    net.graph.outputs = vec![y];
    let network = quantised(&net, Precision::Int16);
    let graph = network.machine().next().unwrap();
    for node in &graph.nodes {
        let gathers = graph.tensor(node.input.tensor).wide;
        assert_eq!(gathers, node.wide);
        assert!(!gathers || matches!(node.reduction, Reduction::Conv { .. } | Reduction::Sum), "{graph}");
        assert!(node.operand.as_ref().is_none_or(|o| !graph.tensor(o.view.tensor).wide), "{graph}");
        assert_eq!(graph.tensor(node.output.tensor).wide, node.half() != Half::None, "{graph}");
    }
    let halves = |n: &&FixedNode| n.half() == Half::High;
    let made: Vec<&str> = graph.nodes.iter().filter(halves).map(|n| n.operator.as_str()).collect();
    assert_eq!(made, ["conv2d", "Mul", "conv2d"], "{graph}");
    let (byte, wide) = (least_db(&net, &quantised(&net, Precision::Int8)), least_db(&net, &network));
    assert!(wide > byte, "8 bits {byte:.1} dB, 16 bits {wide:.1} dB");
}

/// Clamps are bytes: 16 bits only where the largest byte is the clamp.
#[test]
fn clamps_are_exact() {
    let clipped = |min: f32, max: f32| {
        let mut net = Net::new();
        let x = net.input(&[1, 2, 5, 5]);
        let y = net.conv(x, 3, 3);
        let y = net.op(Op::Clip { min, max }, &[y]);
        net.graph.outputs = vec![y];
        let network = quantised(&net, Precision::Int16);
        let largest = network.tensors[1].scale * 257.0 * 127.0;
        let most = network.predict(&net.samples(1, 9)[0]).unwrap()[0].iter().fold(0f32, |m, x| m.max(*x));
        (network.tensors[1].wide, largest, most)
    };
    for (min, max) in [(0.0, 0.3), (-0.3, 0.3)] {
        let (wide, largest, most) = clipped(min, max);
        assert!(wide && (largest - max).abs() < 1e-6 && (most - max).abs() < 1e-6, "{largest} {most}");
    }
    assert!(!clipped(-0.1, 0.3).0);
}

/// A bound that no value comes near, such as the largest float32, does not coarsen steps.
#[test]
fn clamps_far_away_do_not_coarsen_steps() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 5, 5]);
    let y = net.conv(x, 3, 3);
    let y = net.op(Op::Clip { min: 0.0, max: f32::MAX }, &[y]);
    let z = net.conv(y, 3, 3);
    net.graph.outputs = vec![z];
    let decibels = |precision| least_db(&net, &quantised(&net, precision));
    let (byte, wide) = (decibels(Precision::Int8), decibels(Precision::Int16));
    assert!(wide > byte, "8 bits {byte:.1} dB, 16 bits {wide:.1} dB");
}

/// conv(x) + x with 16 bits on both sides: the high halves of x, then its low ones and the clamp.
#[test]
fn operands_of_16_bits_are_added_in_two_steps() {
    let mut net = Net::new();
    let image = net.input(&[1, 3, 7, 7]);
    // A convolution with one weight a channel is exact: what is left is the noise of activations.
    let mut diagonal = |x: ValueId, weight: f32| {
        let weights = (0..9).map(|i| if i % 4 == 0 { weight } else { 0.0 }).collect();
        let w = net.graph.constant("", &[3, 3, 1, 1], weights).unwrap();
        net.op(Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w])
    };
    let x = diagonal(image, 0.7);
    let y = diagonal(x, -1.3);
    let sum = net.op(Op::Add, &[y, x]);
    let sum = net.op(Op::Relu, &[sum]);
    let twice = net.op(Op::Add, &[sum, sum]);
    net.graph.outputs = vec![twice];
    let network = quantised(&net, Precision::Int16);
    let graph = network.machine().next().unwrap();
    let adds: Vec<&FixedNode> = graph.nodes.iter().filter(|n| n.operator == "conv2d+add+relu").collect();
    assert_eq!(adds.len(), 4, "{graph}");
    let origin = |n: &FixedNode| n.operand.as_ref().unwrap().view.origin[0];
    assert_eq!(adds.iter().map(|n| origin(n)).collect::<Vec<_>>(), [0, 0, 1, 1], "{graph}");
    assert_eq!(adds.iter().map(|n| n.post.lo).collect::<Vec<_>>(), [-128, -128, 0, 0], "{graph}");
    // A step is 2^-14 of 1.6, the sum of both terms' magnitudes; of their difference, 0.2 times the
    // image, half is zero: 0.08 to 3.5e-5.
    let db = least_db(&net, &network);
    assert!(db > 66.0, "{db:.1} dB");
}

/// Two paths to one sum, one of them a thousand times fainter.
#[test]
fn the_budget_goes_to_what_adds_most_noise() {
    let mut net = Net::new();
    let image = net.input(&[1, 4, 6, 6]);
    let strong = net.conv(image, 4, 1);
    let faint = net.conv(image, 4, 1);
    let small = net.graph.constant("small", &[1], vec![0.001]).unwrap();
    let (a, b) = (net.conv(strong, 4, 1), net.conv(faint, 4, 1));
    let b = net.op(MUL, &[b, small]);
    let sum = net.op(Op::Add, &[a, b]);
    net.graph.outputs = vec![sum];
    let names = |budget: f64| {
        let options = Options { precision: Precision::Mixed, budget, ..Options::default() };
        let network = run(&net.graph, &net.samples(16, 5), &options, &Config::sized(9, 16)).unwrap();
        network.machine().for_each(|graph| graph.verify().unwrap());
        let names: Vec<String> = wide(&network).into_iter().map(String::from).collect();
        (names, network)
    };
    let name = |id: ValueId| net.graph.producer(id).unwrap().1.name.clone();
    // What takes no cycles needs no budget: a kernel of 1x1 over 4 channels gathers two bytes of each in 8 steps, and
    // lanes take 12 cycles to walk.
    assert_eq!(names(0.0).0, ["x0"]);
    // Of four operations alike, two may be done twice: a quarter of the cycles each.
    let (some, network) = names(0.6);
    assert!(some.contains(&name(sum)) && !some.contains(&name(faint)), "{some:?}\n{network}");
    let (all, network) = names(100.0);
    assert!(all.contains(&name(strong)) && all.contains(&name(faint)), "{all:?}\n{network}");
}

/// Per layer the report says how many bits it has, and measures them.
#[test]
fn the_report_tells_bits() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let y = net.conv(x, 4, 3);
    let y = net.op(Op::Relu, &[y]);
    let pool = Op::MaxPool { window: Window { kernel: [2, 2], stride: [2, 2], ..Window::UNIT } };
    let z = net.conv(y, 4, 3);
    let z = net.op(pool, &[z]);
    net.graph.outputs = vec![z];
    let options = Options { precision: Precision::Int16, ..Options::default() };
    let (_, layers) = run_reported(&net.graph, &net.samples(16, 5), &options, &Config::sized(9, 16)).unwrap();
    assert_eq!(layers.iter().map(|l| l.bits).collect::<Vec<_>>(), [16, 8, 8]);
    let first = &layers[0];
    assert!(first.saturated == 0.0 && first.sqnr_db.unwrap() > 43.0, "{first:?}");
}

/// A gate for each channel, from the means of maps that are more than a quarter of the feature memory: those are averaged row
/// by row, so the maps need not lie there whole, and have the 16 bits that their other readers want.
#[test]
fn large_maps_that_are_averaged_have_16_bits() {
    for [height, width] in [[72, 72], [700, 8], [8, 700]] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, height, width]);
        let map = net.conv(x, 16, 3);
        let mean = net.op(Op::Reduce { kind: ReduceKind::Mean, axes: vec![2, 3], keepdims: true }, &[map]);
        let gate = net.conv(mean, 16, 1);
        let gate = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[gate]);
        let y = net.op(MUL, &[map, gate]);
        net.graph.outputs = vec![y, mean];
        let network = quantised(&net, Precision::Int16);
        let told: Vec<&str> = network.byte_layers.iter().map(|layer| layer.why.as_str()).collect();
        assert_eq!(told, ["its function is a table of bytes"], "{height}x{width}");
        let db = least_db(&net, &network);
        assert!(db > 42.0, "{height}x{width}: {db:.1} dB");
    }
}
