//! What is computed of indices is exact.

use super::operators::Net;
use crate::float;
use crate::graph::{BinaryKind, Op};
use crate::quantise::{Options, run};
use tilewright_arch::Config;

/// Places among 1600, in another unit, and what lies there: bytes would name every sixth.
#[test]
fn places_stay_whole() {
    let mut net = Net::new();
    let x = net.input(&[1, 1600]);
    let indices = net.op(Op::TopK { axis: 1, count: 9, largest: true, indices: true }, &[x]);
    let number = |net: &mut Net, n: f32| net.graph.constant("", &[], vec![n]).unwrap();
    let (minus_one, three) = (number(&mut net, -1.0), number(&mut net, 3.0));
    let before = net.op(Op::Add, &[indices, minus_one]);
    let scaled = net.op(Op::Binary { kind: BinaryKind::Mul }, &[before, three]);
    let beside = net.op(Op::GatherElements { axis: 1 }, &[x, before]);
    net.graph.outputs = vec![scaled, beside];
    let network = run(&net.graph, &net.samples(12, 1), &Options::default(), &Config::sized(9, 16)).unwrap();
    for sample in net.samples(4, 99) {
        assert_eq!(network.predict(&sample).unwrap(), float::run(&net.graph, &sample).unwrap());
    }
}
