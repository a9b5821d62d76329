//! Values that do not lie as an operator reads them are copied, and the machine runs it.

use super::operators::Net;
use crate::float;
use crate::graph::{Op, ValueId, Window};
use crate::proof;
use crate::quantise::{Options, run, sqnr_db};
use tilewright_arch::Config;

/// A Reshape, a Transpose and a Reshape.
fn moved(net: &mut Net, x: ValueId, split: &[usize], perm: &[usize], joined: &[usize]) -> ValueId {
    let y = net.graph.reshape("split", x, split).unwrap();
    let y = net.op(Op::Transpose { perm: perm.to_vec() }, &[y]);
    net.graph.reshape("joined", y, joined).unwrap()
}

fn depthwise(net: &mut Net, x: ValueId) -> ValueId {
    let channels = net.graph.shape(x)[1];
    let w = net.constant(&[channels, 1, 3, 3]);
    let window = Window { kernel: [3, 3], pads: [1; 4], ..Window::UNIT };
    net.op(Op::Conv { window, groups: channels }, &[x, w])
}

/// Nothing is left to the host, and `copies` operations have no operator but the copy.
fn all_on_machine(mut net: Net, outputs: &[ValueId], copies: usize) {
    net.graph.outputs = outputs.to_vec();
    let network = run(&net.graph, &net.samples(8, 1), &Options::default(), &Config::sized(9, 16)).unwrap();
    assert_eq!(network.host, [], "{network}");
    let nodes = network.machine().flat_map(|graph| &graph.nodes);
    assert_eq!(nodes.filter(|node| node.operator == "copy").count(), copies, "{network}");
    for sample in net.samples(2, 5) {
        let proof = proof::check(&network, &sample).unwrap();
        assert!(proof.holds(), "{:?}\n{network}", proof.findings);
        let predicted = proof::predict(&network, &sample).unwrap().outputs;
        let (want, got) = (float::run(&net.graph, &sample).unwrap(), network.predict(&sample).unwrap());
        for ((want, got), predicted) in want.iter().zip(&got).zip(&predicted) {
            let (sqnr, predicted) = (sqnr_db(want, got), sqnr_db(want, predicted));
            assert!(sqnr > 25.0, "{sqnr:.1} dB\n{network}");
            assert!(
                (sqnr - predicted).abs() < 3.0,
                "{predicted:.1} dB predicted, {sqnr:.1} measured\n{network}"
            );
        }
    }
}

#[test]
fn behind_a_shuffle() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 7]);
    let y = net.conv(x, 8, 1);
    let y = moved(&mut net, y, &[1, 2, 4, 6, 7], &[0, 2, 1, 3, 4], &[1, 8, 6, 7]);
    let y = depthwise(&mut net, y);
    all_on_machine(net, &[y], 2);
}

#[test]
fn half_of_a_shuffle() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 7]);
    let y = net.conv(x, 12, 1);
    let y = moved(&mut net, y, &[1, 2, 6, 6, 7], &[0, 2, 1, 3, 4], &[1, 12, 6, 7]);
    let half =
        |start| Op::Slice { starts: vec![0, start, 0, 0], steps: vec![1; 4], extents: vec![1, 5, 6, 7] };
    let (a, b) = (net.op(half(0), &[y]), net.op(half(7), &[y]));
    let b = depthwise(&mut net, b);
    let y = net.op(Op::Concat { axis: 1 }, &[a, b]);
    all_on_machine(net, &[y], 2);
}

#[test]
fn behind_an_unshuffle() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 6, 8]);
    let y = moved(&mut net, x, &[1, 2, 3, 2, 4, 2], &[0, 1, 3, 5, 2, 4], &[1, 8, 3, 4]);
    let y = net.conv(y, 5, 3);
    all_on_machine(net, &[y], 4);
}

/// Self-attention over positions: maps become rows of both operands.
#[test]
fn products_of_maps() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 4, 5]);
    let [q, k] = [4, 4].map(|channels| {
        let y = net.conv(x, channels, 1);
        net.graph.reshape("line", y, &[1, channels, 20]).unwrap()
    });
    let q = net.op(Op::Transpose { perm: vec![0, 2, 1] }, &[q]);
    let y = net.op(Op::MatMul, &[q, k]);
    all_on_machine(net, &[y], 1);
}

/// A sum of a value and of the same in another order.
#[test]
fn sums_across_orders() {
    let mut net = Net::new();
    let x = net.input(&[1, 4, 4, 6]);
    let y = net.conv(x, 4, 1);
    let turned = moved(&mut net, y, &[1, 2, 2, 4, 6], &[0, 2, 1, 3, 4], &[1, 4, 4, 6]);
    let z = net.conv(x, 4, 3);
    let y = net.op(Op::Add, &[turned, z]);
    all_on_machine(net, &[y], 2);
}
