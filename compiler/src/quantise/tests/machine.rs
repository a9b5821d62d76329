//! What a network becomes depends on the machine that it is for: nothing is made that this one cannot run.

use super::operators::Net;
use crate::graph::{Op, Window};
use crate::network::Network;
use crate::quantise::{Options, Precision, run};
use crate::schedule::Search;
use tilewright_arch::Config;

/// The network for a machine with so much weight memory, which has a schedule there.
fn made(net: &Net, precision: Precision, weight_words: usize) -> Network {
    made_for(net, precision, &Config { weight_words, ..Config::sized(9, 16) })
}

fn made_for(net: &Net, precision: Precision, config: &Config) -> Network {
    let options = Options { precision, ..Options::default() };
    let network = run(&net.graph, &net.samples(8, 1), &options, config).unwrap();
    for graph in network.machine() {
        Search::new(graph, config).unwrap().fastest(|| ()).unwrap();
    }
    network
}

/// With an eighth of the feature memory, maps of an eighth are large.
#[test]
fn what_is_large_is_so_beside_the_feature_memory() {
    let usual = Config::sized(9, 16);
    let mut small = usual.clone();
    small.feature.page_rows /= 8;
    let mut mean = Net::new();
    let x = mean.input(&[1, 2, 96, 96]);
    let y = mean.op(Op::GlobalAveragePool, &[x]);
    mean.graph.outputs = vec![y];
    // A mean of the rows, in two bytes, and of these.
    let parts =
        |config| made_for(&mean, Precision::Auto, config).machine().map(|g| g.nodes.len()).sum::<usize>();
    assert_eq!([parts(&usual), parts(&small)], [1, 3]);
    // Maps become lines of a product.
    let mut product = Net::new();
    let x = product.input(&[1, 8, 32, 36]);
    let maps = product.conv(x, 8, 1);
    let lines = product.graph.reshape("lines", maps, &[1, 8, 32 * 36]).unwrap();
    let weights = product.input(&[1, 16, 8]);
    let y = product.op(Op::MatMul, &[weights, lines]);
    product.graph.outputs = vec![y];
    let host = |config| made_for(&product, Precision::Auto, config).host.len();
    assert_eq!([host(&usual), host(&small)], [0, 1]);
}

#[test]
fn a_product_that_is_too_long_for_the_weight_memory_is_the_hosts() {
    let mut net = Net::new();
    let (a, b) = (net.input(&[1, 4, 200]), net.input(&[1, 200, 6]));
    let product = net.op(Op::MatMul, &[a, b]);
    net.graph.outputs = vec![product];
    assert_eq!(made(&net, Precision::Auto, 9216).host, []);
    let host = made(&net, Precision::Auto, 300).host;
    assert!(host.len() == 1 && host[0].why.contains("400 weight words are needed"), "{host:?}");
}

#[test]
fn weights_that_take_two_words_a_step_may_be_too_many_for_the_weight_memory() {
    let mut net = Net::new();
    let image = net.input(&[1, 4, 12, 12]);
    let weights = net.constant(&[4, 1, 9, 9]);
    let window = Window { kernel: [9, 9], pads: [4; 4], ..Window::UNIT };
    let made_of = net.op(Op::Conv { window, groups: 4 }, &[image, weights]);
    net.graph.outputs = vec![made_of];
    let wide = |words: usize| made(&net, Precision::Int16, words).tensors.iter().filter(|t| t.wide).count();
    assert_eq!([wide(9216), wide(300)], [2, 1]);
}
