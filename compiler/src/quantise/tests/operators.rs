//! What small graphs become, and that it computes what float computes.

use crate::fixed::{FixedGraph, FixedNode, Reduction};
use crate::float;
use crate::graph::{
    BinaryKind, CoordinateRounding, Coordinates, DepthToSpaceMode, Graph, Interpolation, Op, PadMode, Resize,
    UnaryKind, ValueId, Window,
};
use crate::network::{Network, Stage};
use crate::quantise::{Options, Precision, Ranges, run, run_reported, sqnr_db};
use ndarray::{ArrayD, IxDyn};
use tilewright_arch::Config;
use tilewright_arch::fixed::power_of_two;
use tilewright_random::Random;

/// A graph in the making, with random constants.
pub(super) struct Net {
    pub graph: Graph,
    random: Random,
}

impl Net {
    pub fn new() -> Net {
        Net::seeded(11)
    }

    fn seeded(seed: u64) -> Net {
        Net { graph: Graph::new("net"), random: Random::new(seed) }
    }

    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        let name = format!("x{}", self.graph.inputs.len());
        self.graph.input(name, shape).unwrap()
    }

    pub fn constant(&mut self, shape: &[usize]) -> ValueId {
        let data = self.random.floats(shape.iter().product());
        self.graph.constant("", shape, data).unwrap()
    }

    pub fn op(&mut self, op: Op, inputs: &[ValueId]) -> ValueId {
        self.graph.node("", op, inputs).unwrap()
    }

    pub fn conv(&mut self, x: ValueId, channels: usize, kernel: usize) -> ValueId {
        let inputs = self.graph.shape(x)[1];
        let w = self.constant(&[channels, inputs, kernel, kernel]);
        let b = self.constant(&[channels]);
        let p = kernel / 2;
        let window = Window { kernel: [kernel, kernel], pads: [p, p, p, p], ..Window::UNIT };
        self.op(Op::Conv { window, groups: 1 }, &[x, w, b])
    }

    pub fn samples(&self, count: usize, seed: u64) -> Vec<Vec<ArrayD<f32>>> {
        let mut random = Random::new(seed);
        let mut one = |id: &ValueId| {
            let shape = self.graph.shape(*id);
            ArrayD::from_shape_vec(IxDyn(shape), random.floats(shape.iter().product())).unwrap()
        };
        (0..count).map(|_| self.graph.inputs.iter().map(&mut one).collect()).collect()
    }

    /// Quantises and compares with float on inputs that calibration did not see; at least `least`
    /// decibels. The network as text without numbers: `operator input -> output` a line.
    fn check(self, outputs: &[ValueId], least: f64, expected: &[&str]) -> FixedGraph {
        self.check_network(outputs, least, expected).machine().next().unwrap().clone()
    }

    fn check_network(mut self, outputs: &[ValueId], least: f64, expected: &[&str]) -> Network {
        self.graph.outputs = outputs.to_vec();
        self.graph.verify().unwrap();
        let calibration = self.samples(24, 1);
        let fixed = run(&self.graph, &calibration, &Options::default(), &Config::sized(9, 16)).unwrap();
        fixed.machine().for_each(|graph| graph.verify().unwrap());
        let wide = Options { precision: Precision::Int16, ..Options::default() };
        let wide = run(&self.graph, &calibration, &wide, &Config::sized(9, 16)).unwrap();
        wide.machine().for_each(|graph| graph.verify().unwrap());
        let line = |n: &FixedNode| format!("{} {} -> {}", n.operator, n.input.tensor, n.output.tensor);
        let lines: Vec<String> = fixed.machine().flat_map(|g| &g.nodes).map(line).collect();
        assert_eq!(lines, expected, "{fixed}");
        for sample in self.samples(4, 99) {
            let (want, got) = (float::run(&self.graph, &sample).unwrap(), fixed.predict(&sample).unwrap());
            for (want, got) in want.iter().zip(&got) {
                assert_eq!(want.shape(), got.shape());
                let sqnr = sqnr_db(want, got);
                assert!(sqnr >= least, "{sqnr:.1} dB\n{fixed}");
            }
            for (want, got) in want.iter().zip(&wide.predict(&sample).unwrap()) {
                let sqnr = sqnr_db(want, got);
                assert!(sqnr >= least, "16 bits: {sqnr:.1} dB\n{wide}");
            }
        }
        fixed
    }
}

#[test]
fn activations_fuse_into_a_convolution() {
    for op in [Op::Relu, Op::Clip { min: -0.5, max: 2.0 }, Op::LeakyRelu { alpha: 0.2 }] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 6]);
        let y = net.conv(x, 4, 3);
        let name = ["conv2d+relu", "conv2d+clip", "conv2d+leaky_relu"]
            [["Relu", "Clip", "LeakyRelu"].iter().position(|n| *n == op.name()).unwrap()];
        let y = net.op(op, &[y]);
        net.check(&[y], 36.0, &[&format!("{name} t0 -> t1")]);
    }
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let y = net.conv(x, 4, 3);
    let slope = net.constant(&[4, 1, 1]);
    let y = net.op(Op::PRelu, &[y, slope]);
    net.check(&[y], 36.0, &["conv2d+prelu t0 -> t1"]);
}

#[test]
fn a_residual_fuses_in_either_position() {
    for swap in [false, true] {
        let mut net = Net::new();
        let x = net.input(&[1, 4, 6, 6]);
        let y = net.conv(x, 4, 3);
        let y = net.op(Op::Add, &if swap { [x, y] } else { [y, x] });
        let y = net.op(Op::Relu, &[y]);
        let fixed = net.check(&[y], 36.0, &["conv2d+add+relu t0 -> t1"]);
        assert!(fixed.nodes[0].operand.is_some());
    }
    // relu before the addition becomes a slope of zero
    let mut net = Net::new();
    let x = net.input(&[1, 4, 6, 6]);
    let y = net.conv(x, 4, 3);
    let y = net.op(Op::Relu, &[y]);
    let y = net.op(Op::Add, &[x, y]);
    let fixed = net.check(&[y], 36.0, &["conv2d+relu+add t0 -> t1"]);
    assert_eq!(fixed.nodes[0].channels[0].negative_mantissa, 0);
}

#[test]
fn of_two_convolutions_the_later_one_adds() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 5, 5]);
    let a = net.conv(x, 4, 1);
    let b = net.conv(x, 4, 3);
    let y = net.op(Op::Add, &[b, a]);
    net.check(&[y], 36.0, &["conv2d t0 -> t1", "conv2d+add t0 -> t2"]);
}

#[test]
fn a_result_read_twice_stays_whole() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 5, 5]);
    let a = net.conv(x, 4, 3);
    let r = net.op(Op::Relu, &[a]);
    let y = net.op(Op::Add, &[a, r]);
    net.check(&[y], 36.0, &["conv2d t0 -> t1", "relu+add t1 -> t2"]);
}

#[test]
fn average_pools_have_a_divisor_for_each_border() {
    let window = Window { kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1], ..Window::UNIT };
    for count_include_pad in [false, true] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 6, 7]);
        let y = net.op(Op::AveragePool { window: window.clone(), count_include_pad }, &[x]);
        // rows: one at the top with 2 taps, two with 3; columns: 2 taps at both ends
        let nodes = if count_include_pad { 1 } else { 6 };
        net.check(&[y], 34.0, &vec!["average_pool t0 -> t1"; nodes]);
    }
}

#[test]
fn a_maximum_is_exact() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let window = Window { kernel: [3, 3], stride: [2, 2], pads: [1, 1, 1, 1], ..Window::UNIT };
    let y = net.op(Op::MaxPool { window }, &[x]);
    let samples = net.samples(1, 5);
    let fixed = net.check(&[y], 36.0, &["max_pool t0 -> t1"]);
    let (from, to) = (&fixed.tensors[0], &fixed.tensors[1]);
    assert_eq!((from.scale, from.zero), (to.scale, to.zero));
    let x = vec![crate::reference::quantise(from, samples[0][0].iter().copied())];
    let y = crate::reference::run(&fixed, &x).swap_remove(1);
    assert_eq!(y[..9].iter().max(), x[0][..36].iter().max());
}

#[test]
fn concat_parts_are_written_in_place() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 5, 5]);
    let a = net.conv(x, 4, 1);
    let b = net.conv(x, 2, 3);
    let b = net.op(Op::Relu, &[b]);
    // x has two more readers and must be copied
    let y = net.op(Op::Concat { axis: 1 }, &[a, x, b]);
    let y = net.conv(y, 3, 1);
    let fixed = net.check(
        &[y],
        33.0,
        &["conv2d t0 -> t1", "conv2d+relu t0 -> t1", "concat t0 -> t1", "conv2d t1 -> t2"],
    );
    let channels: Vec<usize> = fixed.nodes.iter().map(|n| n.output.origin[0]).collect();
    assert_eq!(channels, [0, 7, 4, 0]);
}

#[test]
fn nested_concats_and_pools_share_one_scale() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let a = net.conv(x, 4, 3);
    let window = Window { kernel: [2, 2], stride: [2, 2], ..Window::UNIT };
    let a = net.op(Op::MaxPool { window: window.clone() }, &[a]);
    let b = net.conv(x, 2, 3);
    let b = net.op(Op::MaxPool { window }, &[b]);
    let inner = net.op(Op::Concat { axis: 1 }, &[b, a]);
    let y = net.op(Op::Concat { axis: 1 }, &[a, inner]);
    let fixed = net.check(
        &[y],
        33.0,
        &[
            "conv2d t0 -> t1",
            "max_pool t1 -> t2",
            "conv2d t0 -> t3",
            "max_pool t3 -> t4",
            "concat t2 -> t4",
            "concat t2 -> t4",
        ],
    );
    // b's pool writes into the inner concat's place, which lies in the outer one
    assert_eq!(fixed.nodes.iter().map(|n| n.output.origin[0]).collect::<Vec<_>>(), [0, 0, 0, 4, 6, 0]);
    assert_eq!(
        (fixed.tensors[1].scale, fixed.tensors[3].scale),
        (fixed.tensors[2].scale, fixed.tensors[4].scale)
    );
}

#[test]
fn flattened_maps_and_rows_are_multiplied_alike() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 4, 5]);
    let f = net.op(Op::Flatten { axis: 1 }, &[x]);
    let w = net.constant(&[7, 60]);
    let b = net.constant(&[7]);
    let gemm = Op::Gemm { alpha: 0.5, beta: 2.0, trans_a: false, trans_b: true };
    let y = net.op(gemm, &[f, w, b]);
    let y = net.op(Op::Relu, &[y]);
    let m = net.constant(&[7, 5]);
    let y = net.op(Op::MatMul, &[y, m]);
    // Of 8 bits throughout: an input of 16 would take more cycles than are spent without being asked for.
    let fixed = net.check(&[y], 30.0, &["dense+relu t0 -> t1", "dense t1 -> t2"]);
    assert_eq!(fixed.nodes[0].window.kernel, [4, 5]);
    assert_eq!(fixed.tensors[2].shape, [5, 1, 1]);
}

#[test]
fn depth_to_space_fuses_with_a_clip_after_it() {
    for mode in [DepthToSpaceMode::Dcr, DepthToSpaceMode::Crd] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 4, 4]);
        let y = net.conv(x, 8, 3);
        let y = net.op(Op::DepthToSpace { block: 2, mode }, &[y]);
        let y = net.op(Op::Clip { min: -1.0, max: 1.0 }, &[y]);
        net.check(&[y], 36.0, &["conv2d+depth_to_space+clip t0 -> t1"]);
        let mut net = Net::new();
        let x = net.input(&[1, 8, 4, 4]);
        let y = net.op(Op::DepthToSpace { block: 2, mode }, &[x]);
        net.check(&[y], 36.0, &["depth_to_space t0 -> t1"]);
    }
}

#[test]
fn leftover_batch_normalization_and_constants_scale_channels() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 5, 5]);
    let [scale, bias, mean] = [(); 3].map(|()| net.constant(&[3]));
    let variance = net.graph.constant("v", &[3], vec![0.5, 1.0, 2.0]).unwrap();
    let y = net.op(Op::BatchNormalization { epsilon: 1e-5 }, &[x, scale, bias, mean, variance]);
    let c = net.constant(&[3, 1, 1]);
    let y = net.op(Op::Add, &[c, y]);
    let y = net.op(Op::Relu, &[y]);
    let fixed = net.check(&[y], 36.0, &["batch_norm+add+relu t0 -> t1"]);
    assert!(matches!(&fixed.nodes[0].reduction, Reduction::Conv { groups: 3, .. }));
}

#[test]
fn a_tail_goes_to_the_host() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 4, 4]);
    let y = net.conv(x, 4, 3);
    let y = net.op(Op::GlobalAveragePool, &[y]);
    let y = net.op(Op::Flatten { axis: 1 }, &[y]);
    let s = net.op(Op::Softmax { axis: 1 }, &[y]);
    let s = net.op(Op::Add, &[s, y]);
    let network = net.check_network(
        &[s, y],
        30.0,
        &["conv2d t0 -> t1", "global_average_pool t1 -> t2", "add t1 -> t2"],
    );
    let operators: Vec<&str> = network.host.iter().map(|op| op.operator.as_str()).collect();
    assert_eq!(operators, ["Softmax"]);
    let turns: Vec<bool> = network.stages.iter().map(|s| matches!(s, Stage::Host { .. })).collect();
    assert_eq!(turns, [false, true, false]);
}

#[test]
fn the_host_works_between_stages_and_says_why() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 4, 4]);
    let y = net.conv(x, 4, 3);
    let z = net.op(Op::Softmax { axis: 1 }, &[y]);
    let z = net.conv(z, 4, 3);
    // Made by the machine before the host's turn, read again after it.
    let z = net.op(Op::Add, &[z, y]);
    let network = net.check_network(&[z], 30.0, &["conv2d t0 -> t1", "conv2d+add t1 -> t2"]);
    assert_eq!(network.stages.len(), 3);
    let [op] = &network.host[..] else { panic!("{:?}", network.host) };
    assert!(op.name == "Softmax_1" && op.why.contains("exponential"), "{op:?}");
}

#[test]
fn a_mean_of_more_than_a_loop_counts_is_the_hosts() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 1, 70_000]);
    let y = net.op(Op::GlobalAveragePool, &[x]);
    net.graph.outputs = vec![y];
    let network = run(&net.graph, &net.samples(1, 1), &Options::default(), &Config::sized(9, 16)).unwrap();
    let [op] = &network.host[..] else { panic!("{:?}", network.host) };
    assert!(op.why.contains("70000 elements in a line"), "{op:?}");
}

/// Its constants do not differ within a channel, which is what was said.
#[test]
fn a_maximum_with_a_number_for_each_channel_is_the_hosts() {
    let mut net = Net::new();
    let x = net.input(&[1, 2, 4, 4]);
    let y = net.conv(x, 3, 3);
    let numbers = net.graph.constant("c", &[3, 1, 1], vec![0.1, -0.2, 0.3]).unwrap();
    let y = net.op(Op::Binary { kind: BinaryKind::Max }, &[y, numbers]);
    net.graph.outputs = vec![y];
    let network = run(&net.graph, &net.samples(1, 1), &Options::default(), &Config::sized(9, 16)).unwrap();
    let [op] = &network.host[..] else { panic!("{:?}", network.host) };
    assert!(op.why.contains("no scaling of each channel"), "{op:?}");
}

#[test]
fn refusals_name_the_node_and_what_to_try() {
    let mut net = Net::new();
    let x = net.input(&[1, 150_000]);
    let ones = net.graph.constant("w", &[1, 150_000], vec![1.0; 150_000]).unwrap();
    let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };
    let y = net.op(gemm, &[x, ones]);
    net.graph.outputs = vec![y];
    let options = Options { bias_correction: false, ..Options::default() };
    let e = run(&net.graph, &net.samples(1, 1), &options, &Config::sized(9, 16)).unwrap_err().to_string();
    assert!(e.contains("\"Gemm_0\" (dense)") && e.contains("can reach"), "{e}");

    let net = Net {
        graph: {
            let mut n = Net::new();
            let x = n.input(&[1, 2]);
            let y = n.op(Op::Relu, &[x]);
            n.graph.outputs = vec![y];
            n.graph
        },
        random: Random::new(1),
    };
    let e = run(&net.graph, &[], &Options::default(), &Config::sized(9, 16)).unwrap_err().to_string();
    assert!(e.contains("no calibration samples"), "{e}");
    let nan = vec![vec![ArrayD::from_elem(IxDyn(&[1, 2]), f32::NAN)]];
    let e = run(&net.graph, &nan, &Options::default(), &Config::sized(9, 16)).unwrap_err().to_string();
    assert!(e.contains("not finite"), "{e}");
}

#[test]
fn functions_become_tables() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 6, 6]);
    let y = net.conv(x, 4, 3);
    let y = net.op(Op::Unary { kind: UnaryKind::HardSwish }, &[y]);
    let half = net.graph.constant("half", &[], vec![0.5]).unwrap();
    let y = net.op(Op::Binary { kind: BinaryKind::Mul }, &[y, half]);
    let z = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[y]);
    let z = net.op(Op::Add, &[z, y]);
    let fixed = net.check(&[z], 33.0, &["conv2d+HardSwish+Mul t0 -> t1", "Sigmoid t1 -> t2", "add t2 -> t3"]);
    assert_eq!(fixed.nodes.iter().filter(|n| n.table.is_some()).count(), 2);
}

#[test]
fn products_and_differences_of_maps() {
    let mut net = Net::seeded(7);
    let x = net.input(&[1, 3, 6, 6]);
    let a = net.conv(x, 4, 3);
    let b = net.conv(x, 4, 1);
    let gate = net.op(Op::GlobalAveragePool, &[a]);
    let gate = net.op(Op::Unary { kind: UnaryKind::Sigmoid }, &[gate]);
    let p = net.op(Op::Binary { kind: BinaryKind::Mul }, &[gate, a]);
    let q = net.op(Op::Binary { kind: BinaryKind::Mul }, &[p, b]);
    let d = net.op(Op::Binary { kind: BinaryKind::Sub }, &[b, q]);
    let e = net.op(Op::Binary { kind: BinaryKind::Sub }, &[gate, d]);
    let y = net.op(Op::Relu, &[e]);
    net.check(
        &[y],
        33.0,
        &[
            "conv2d t0 -> t1",
            "conv2d t0 -> t2",
            "global_average_pool+Sigmoid t1 -> t3",
            "Mul t1 -> t4",
            "Mul t4 -> t5",
            "Sub t2 -> t6",
            "Sub+relu t6 -> t7",
        ],
    );
}

#[test]
fn transposed_convolutions_and_resizes_are_phases() {
    for (kernel, stride, pad, extra, groups) in
        [(2, 2, 0, 0, 1), (4, 2, 1, 0, 1), (3, 2, 1, 1, 1), (3, 3, 0, 0, 2), (2, 3, 0, 1, 1), (5, 1, 2, 0, 2)]
    {
        let mut net = Net::new();
        let x = net.input(&[1, 4, 5, 6]);
        let w = net.constant(&[4, 3, kernel, kernel]);
        let b = net.constant(&[3 * groups]);
        let window = Window {
            kernel: [kernel, kernel],
            stride: [stride, stride],
            pads: [pad, pad, pad, pad],
            ..Window::UNIT
        };
        let y = net.op(Op::ConvTranspose { window, groups, output_padding: [extra, extra] }, &[x, w, b]);
        let y = net.op(Op::Relu, &[y]);
        let lines = vec!["ConvTranspose+relu t0 -> t1"; stride * stride];
        net.check(&[y], 36.0, &lines);
    }
    for (sizes, interpolation, count) in [
        ([10, 12], Interpolation::Nearest(CoordinateRounding::PreferFloor), 4),
        ([10, 12], Interpolation::Linear, 16),
        ([5, 3], Interpolation::Linear, 1),
        ([15, 9], Interpolation::Linear, 5 * 5),
    ] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 5, 6]);
        let scales = vec![1.0, 1.0, sizes[0] as f32 / 5.0, sizes[1] as f32 / 6.0];
        let resize = Resize {
            sizes: vec![1, 3, sizes[0], sizes[1]],
            scales,
            interpolation,
            coordinates: Coordinates::HalfPixel,
        };
        let y = net.op(Op::Resize(resize), &[x]);
        let lines = vec!["Resize t0 -> t1"; count];
        net.check(&[y], 38.0, &lines);
    }
}

#[test]
fn padding_slices_and_blocks_move_by_copies_or_not_at_all() {
    for mode in [PadMode::Reflect, PadMode::Edge, PadMode::Constant(0.0)] {
        let mut net = Net::new();
        let x = net.input(&[1, 3, 5, 6]);
        let pad = Op::Pad { before: vec![0, 0, 1, 2], after: vec![0, 0, 2, 1], mode };
        let y = net.op(pad, &[x]);
        let lines = vec![
            "Pad t0 -> t1";
            [16, 9, 1]
                [[PadMode::Reflect, PadMode::Edge].iter().position(|m| *m == mode).unwrap_or(2)]
        ];
        net.check(&[y], 40.0, &lines);
    }
    let mut net = Net::new();
    let x = net.input(&[1, 4, 6, 8]);
    let s = Op::Slice { starts: vec![0, 1, 0, 1], steps: vec![1, 2, 1, 3], extents: vec![1, 2, 4, 3] };
    let s = net.op(s, &[x]);
    let y = net.conv(s, 3, 3);
    let z = net.op(Op::SpaceToDepth { block: 2 }, &[x]);
    net.check(
        &[y, z],
        36.0,
        &[
            "conv2d t0 -> t1",
            "SpaceToDepth t0 -> t2",
            "SpaceToDepth t0 -> t2",
            "SpaceToDepth t0 -> t2",
            "SpaceToDepth t0 -> t2",
        ],
    );
}

/// Two heads of attention over 12 tokens; nothing but the softmax is the host's.
#[test]
fn attention_runs_on_the_array() {
    let mut net = Net::seeded(7);
    let x = net.input(&[1, 3, 6, 8]);
    let w = net.constant(&[8, 3, 2, 2]);
    let window = Window { kernel: [2, 2], stride: [2, 2], ..Window::UNIT };
    let x = net.op(Op::Conv { window, groups: 1 }, &[x, w]);
    let x = net.graph.reshape("tokens", x, &[1, 8, 12]).unwrap();
    let x = net.op(Op::Transpose { perm: vec![0, 2, 1] }, &[x]);
    let position = net.constant(&[1, 12, 8]);
    let x = net.op(Op::Add, &[x, position]);
    let [q, k, v] = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(|perm| {
        let w = net.constant(&[8, 8]);
        let y = net.op(Op::MatMul, &[x, w]);
        let b = net.constant(&[8]);
        let y = net.op(Op::Add, &[b, y]);
        let y = net.graph.reshape("heads", y, &[1, 12, 2, 4]).unwrap();
        net.op(Op::Transpose { perm: perm.to_vec() }, &[y])
    });
    let scores = net.op(Op::MatMul, &[q, k]);
    let half = net.graph.constant("scale", &[], vec![0.5]).unwrap();
    let scores = net.op(Op::Binary { kind: BinaryKind::Mul }, &[scores, half]);
    let weights = net.op(Op::Softmax { axis: 3 }, &[scores]);
    let y = net.op(Op::MatMul, &[weights, v]);
    let y = net.op(Op::Transpose { perm: vec![0, 2, 1, 3] }, &[y]);
    let y = net.graph.reshape("joined", y, &[1, 12, 8]).unwrap();
    let w = net.constant(&[8, 5]);
    let y = net.op(Op::MatMul, &[y, w]);
    let y = net.op(Op::Add, &[y, y]);
    let network = net.check_network(
        &[y],
        25.0,
        &[
            "conv2d+add t0 -> t2",
            "dense+add t2 -> t3",
            "dense+add t2 -> t4",
            "dense+add t2 -> t5",
            "dense+Mul t3 -> t6",
            "dense+Mul t3 -> t6",
            "dense t1 -> t2",
            "dense t1 -> t2",
            "dense t2 -> t3",
            "add t3 -> t4",
        ],
    );
    assert_eq!(network.host.len(), 1);
}

#[test]
fn equalisation_lifts_weak_channels() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 12, 12]);
    let y = net.conv(x, 8, 3);
    // channels differ in size by up to 128
    let w = net.graph.nodes[0].inputs[1];
    let crate::graph::Source::Constant(data) = &mut net.graph.values[w.0 as usize].source else { panic!() };
    data.iter_mut().enumerate().for_each(|(i, w)| *w *= power_of_two(i as i32 / 27) as f32);
    let y = net.op(Op::Relu, &[y]);
    let y = net.conv(y, 8, 3);
    let w = net.graph.nodes[2].inputs[1];
    let crate::graph::Source::Constant(data) = &mut net.graph.values[w.0 as usize].source else { panic!() };
    data.iter_mut().enumerate().for_each(|(i, w)| *w /= power_of_two(i as i32 / 9 % 8) as f32);
    net.graph.outputs = vec![y];
    let sqnr = |equalise: bool| {
        // Of 8 bits: else weights of 16 make up for what is not equalised.
        let options = Options { equalise, precision: Precision::Int8, ..Options::default() };
        let (fixed, layers) =
            run_reported(&net.graph, &net.samples(16, 1), &options, &Config::sized(9, 16)).unwrap();
        assert_eq!(layers.len(), 2);
        let x = &net.samples(1, 77)[0];
        sqnr_db(&float::run(&net.graph, x).unwrap()[0], &fixed.predict(x).unwrap()[0])
    };
    let (without, with) = (sqnr(false), sqnr(true));
    assert!(with > without + 6.0, "{without:.1} {with:.1}");
}

#[test]
fn results_do_not_depend_on_threads() {
    let mut net = Net::new();
    let x = net.input(&[1, 3, 9, 9]);
    let y = net.conv(x, 6, 3);
    let y = net.op(Op::Relu, &[y]);
    let y = net.conv(y, 4, 3);
    net.graph.outputs = vec![y];
    let samples = net.samples(20, 3);
    let options = Options { ranges: Ranges::Percentile(1e-3), ..Options::default() };
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&net.graph, &samples, &options, &Config::sized(9, 16)).unwrap())
    };
    assert_eq!(on(1), on(3));
}
