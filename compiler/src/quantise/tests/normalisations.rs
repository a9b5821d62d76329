//! Normalisations that are written as several operators are the host's, whole; what only looks like one is not.

use super::operators::Net;
use crate::float;
use crate::graph::{BinaryKind, Op, ReduceKind, UnaryKind, ValueId, Window};
use crate::network::Network;
use crate::quantise::{Options, run, sqnr_db};
use crate::simplify;
use tilewright_arch::Config;

const SQRT: UnaryKind = UnaryKind::Sqrt;
const RECIPROCAL: UnaryKind = UnaryKind::Reciprocal;

impl Net {
    fn unary(&mut self, kind: UnaryKind, x: ValueId) -> ValueId {
        self.op(Op::Unary { kind }, &[x])
    }

    fn binary(&mut self, kind: BinaryKind, a: ValueId, b: ValueId) -> ValueId {
        self.op(Op::Binary { kind }, &[a, b])
    }

    fn reduce(&mut self, kind: ReduceKind, axes: &[usize], x: ValueId) -> ValueId {
        self.op(Op::Reduce { kind, axes: axes.to_vec(), keepdims: true }, &[x])
    }

    fn number(&mut self, number: f32) -> ValueId {
        self.graph.constant("", &[], vec![number]).unwrap()
    }

    /// A mean of squares and something against zero.
    fn power(&mut self, axes: &[usize], x: ValueId) -> ValueId {
        let squares = self.binary(BinaryKind::Mul, x, x);
        let mean = self.reduce(ReduceKind::Mean, axes, squares);
        let epsilon = self.number(1e-6);
        self.op(Op::Add, &[mean, epsilon])
    }

    /// The slope of a line through the points of a window: covariance over variance.
    fn slope(&mut self, x: ValueId) -> ValueId {
        let window = Window { kernel: [3, 3], pads: [1; 4], ..Window::UNIT };
        let pool = Op::AveragePool { window, count_include_pad: false };
        let other = self.conv(x, 6, 1);
        let mean = self.op(pool.clone(), &[x]);
        let mut spread = |other: ValueId| {
            let product = self.binary(BinaryKind::Mul, x, other);
            let (of_product, of_other) = (self.op(pool.clone(), &[product]), self.op(pool.clone(), &[other]));
            let of_means = self.binary(BinaryKind::Mul, mean, of_other);
            self.binary(BinaryKind::Sub, of_product, of_means)
        };
        let (covariance, variance) = (spread(other), spread(x));
        let epsilon = self.number(1e-2);
        let variance = self.op(Op::Add, &[variance, epsilon]);
        self.binary(BinaryKind::Div, covariance, variance)
    }

    /// By the deviation from the mean, with a scale and a bias for each channel.
    fn standard(&mut self, axes: &[usize], x: ValueId) -> ValueId {
        let mean = self.reduce(ReduceKind::Mean, axes, x);
        let centred = self.binary(BinaryKind::Sub, x, mean);
        let power = self.power(axes, centred);
        let deviation = self.unary(SQRT, power);
        let normal = self.binary(BinaryKind::Div, centred, deviation);
        let (scale, bias) = (self.constant(&[6, 1, 1]), self.constant(&[6, 1, 1]));
        let scaled = self.binary(BinaryKind::Mul, normal, scale);
        self.op(Op::Add, &[scaled, bias])
    }
}

/// What runs of `part` between two convolutions, and the outputs' signal to noise on samples that calibration
/// does not have. Half of the pixels are a hundredth of the others.
fn quantised(part: impl Fn(&mut Net, ValueId) -> ValueId) -> (Network, f64) {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 8, 8]);
    let sizes = (0..64).map(|pixel| if pixel % 2 == 0 { 1.0 } else { 0.05 }).collect();
    let sizes = net.graph.constant("", &[8, 8], sizes).unwrap();
    let sized = net.binary(BinaryKind::Mul, x, sizes);
    let y = net.conv(sized, 6, 1);
    let y = part(&mut net, y);
    net.graph.outputs = vec![net.conv(y, 4, 1)];
    let graph = simplify::run(net.graph.clone()).unwrap();
    let network = run(&graph, &net.samples(12, 1), &Options::default(), &Config::sized(9, 16)).unwrap();
    let worst = net.samples(4, 99).into_iter().map(|sample| {
        let want = float::run(&graph, &sample).unwrap();
        sqnr_db(&want[0], &network.predict(&sample).unwrap()[0])
    });
    let worst = worst.fold(f64::INFINITY, f64::min);
    (network, worst)
}

#[test]
fn a_normalisation_written_out_is_computed_in_float() {
    type Part = fn(&mut Net, ValueId) -> ValueId;
    let parts: [(&str, Part); 7] = [
        ("over channels", |net, x| net.standard(&[1], x)),
        ("of an instance", |net, x| net.standard(&[2, 3], x)),
        ("by the root of the mean square", |net, x| {
            let power = net.power(&[1], x);
            let root = net.unary(SQRT, power);
            let factor = net.unary(RECIPROCAL, root);
            net.binary(BinaryKind::Mul, x, factor)
        }),
        ("by a power of the mean square", |net, x| {
            let power = net.power(&[1], x);
            let half = net.number(-0.5);
            let factor = net.binary(BinaryKind::Pow, power, half);
            net.binary(BinaryKind::Mul, factor, x)
        }),
        ("to length one", |net, x| {
            let norm = net.reduce(ReduceKind::L2, &[1], x);
            let norm = net.op(Op::Clip { min: 1e-12, max: f32::INFINITY }, &[norm]);
            net.binary(BinaryKind::Div, x, norm)
        }),
        ("to a sum of one", |net, x| {
            let power = net.unary(UnaryKind::Exp, x);
            let sum = net.reduce(ReduceKind::Sum, &[1], power);
            net.binary(BinaryKind::Div, power, sum)
        }),
        ("of windows", |net, x| net.slope(x)),
    ];
    for (name, part) in parts {
        let (network, db) = quantised(part);
        let machine: Vec<_> = network.machine().flat_map(|g| &g.nodes).map(|n| n.operator.clone()).collect();
        let sums = |operator: &&String| operator.starts_with("conv2d") || operator.starts_with("multiply");
        assert!(machine.iter().all(|operator| sums(&operator)), "{name}: {machine:?}");
        assert!(db >= 28.0, "{name}: {db:.1} dB");
    }
}

#[test]
fn what_is_no_normalisation_stays_on_the_machine() {
    type Part = fn(&mut Net, ValueId) -> ValueId;
    let parts: [(&str, Part); 3] = [
        ("a gate of the channels", |net, x| {
            let mean = net.reduce(ReduceKind::Mean, &[2, 3], x);
            let gate = net.conv(mean, 6, 1);
            let gate = net.unary(UnaryKind::Sigmoid, gate);
            net.binary(BinaryKind::Mul, x, gate)
        }),
        ("a root without a reduction", |net, x| {
            let size = net.unary(UnaryKind::Abs, x);
            let one = net.number(1.0);
            let sum = net.op(Op::Add, &[size, one]);
            net.unary(SQRT, sum)
        }),
        ("a difference from the mean", |net, x| {
            let mean = net.reduce(ReduceKind::Mean, &[2, 3], x);
            net.binary(BinaryKind::Sub, x, mean)
        }),
    ];
    for (name, part) in parts {
        let (network, _) = quantised(part);
        assert!(network.host.iter().all(|op| op.operator == "Mul"), "{name}: {:?}", network.host);
    }
}
