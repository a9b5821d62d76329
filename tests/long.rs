//! Reductions over more steps than the weight memory has words: integer reference = simulator = Verilog, and the
//! float model within what rounding once at the end explains.

mod common;

use common::Random;
use common::rungs::{self, small, tiny};
use ndarray::{ArrayD, IxDyn};
use std::path::PathBuf;
use tilewright::model::Model;
use tilewright::{pipeline, proof};
use tilewright_arch::Config;
use tilewright_compiler::graph::{Coordinates, Graph, Interpolation, Op, Resize, ValueId, Window};
use tilewright_compiler::{quantise, simplify};
use tilewright_hdl::cosim::Rtl;

/// The machine with as few weight words as there may be.
fn short(mut config: Config) -> Config {
    config.weight_words = 64;
    config.name += "-short";
    config
}

/// Runs random graphs of one or two operations over many channels; how many instructions kept their sums.
fn walk(config: &Config, rtl: Option<&Rtl>, seeds: std::ops::Range<u64>) -> usize {
    let (mut kept, mut refused) = (0, 0);
    for seed in seeds.clone() {
        let mut random = Random::new(seed);
        let shape = [1 + random.below(40), 1 + random.below(12), 1 + random.below(12)];
        let nodes = 1 + random.below(2);
        let graph = common::random_graph_of(&mut random, nodes, shape);
        let inputs = common::random_inputs(&graph, &mut random);
        let schedules = match common::schedules(&graph, config) {
            Ok(schedules) => schedules,
            Err(e) => {
                let message = &e.report().message;
                assert!(!message.contains("a reduction of"), "seed {seed}: {e}");
                refused += 1;
                continue;
            }
        };
        for (i, schedule) in schedules.iter().enumerate() {
            kept += schedule.program.compute.iter().filter(|line| line.op.keep).count();
            let rtl = if i == 0 || i + 1 == schedules.len() { rtl } else { None };
            if let Err(e) = rungs::check(&graph, &schedule.program, &inputs, rtl) {
                panic!("seed {seed} on {}, schedule {i}: {e}\n{graph}", config.name);
            }
        }
    }
    eprintln!("{}: {kept} instructions kept their sums, {refused} of {seeds:?} did not fit", config.name);
    kept
}

#[test]
fn random_graphs_equal_the_reference() {
    let cases = u64::from(common::cases(150));
    for config in [Config::sized(9, 16), small(8, 8), tiny(7, 11), Config::sized(5, 3)] {
        assert!(walk(&short(config), None, 0..cases) > 1000);
    }
}

#[test]
fn random_graphs_equal_the_verilog() {
    let config = short(small(4, 4));
    let rtl = common::built(&config);
    assert!(walk(&config, Some(&rtl), 0..60) > 1000);
}

/// A network being made with random parameters.
struct Layers {
    graph: Graph,
    random: Random,
    last: ValueId,
}

impl Layers {
    /// Of an input of `shape`.
    fn of(shape: &[usize]) -> Layers {
        let mut graph = Graph::new("long");
        let last = graph.input("x", shape).unwrap();
        Layers { graph, random: Random::new(5), last }
    }

    /// Numbers of at most `most` on either side of zero.
    fn numbers(&mut self, shape: &[usize], most: f32) -> Vec<f32> {
        let count = shape.iter().product();
        (0..count).map(|_| most * self.random.within(-1000, 1000) as f32 / 1000.0).collect()
    }

    fn then(&mut self, op: Op, parameters: &[ValueId]) {
        let inputs = [&[self.last], parameters].concat();
        let name = format!("{}_{}", op.name(), self.graph.nodes.len());
        self.last = self.graph.node(name, op, &inputs).unwrap();
    }

    /// Weights under which numbers keep their size behind a Relu, as He et al. initialise them.
    fn weights(&mut self, shape: &[usize]) -> ValueId {
        let terms: usize = shape[1..].iter().product();
        let weights = self.numbers(shape, (6.0 / terms as f32).sqrt());
        self.graph.constant("w", shape, weights).unwrap()
    }

    fn convolution(&mut self, outputs: usize, kernel: usize, pad: usize) {
        let inputs = self.graph.shape(self.last)[1];
        let weights = self.weights(&[outputs, inputs, kernel, kernel]);
        let window = Window { kernel: [kernel; 2], pads: [pad; 4], ..Window::UNIT };
        self.then(Op::Conv { window, groups: 1 }, &[weights]);
    }

    fn product(&mut self, outputs: usize) {
        let inputs = self.graph.shape(self.last)[1];
        let weights = self.weights(&[outputs, inputs]);
        let gemm = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: true };
        self.then(gemm, &[weights]);
    }

    /// The model and an input.
    fn finish(mut self) -> (Model, ArrayD<f32>) {
        self.graph.outputs.push(self.last);
        let shape = self.graph.shape(self.graph.inputs[0]).to_vec();
        let input = ArrayD::from_shape_vec(IxDyn(&shape), self.numbers(&shape, 1.0)).unwrap();
        let simplified = simplify::run(self.graph.clone()).unwrap();
        (Model { path: PathBuf::new(), imported: self.graph, graph: simplified, warnings: vec![] }, input)
    }
}

/// A convolution of `channels[0]` channels to `channels[1]` whose image and kernel have these rows and columns.
fn convolution(channels: [usize; 2], image: usize, kernel: usize, pad: usize) -> (Model, ArrayD<f32>) {
    let mut layers = Layers::of(&[1, channels[0], image, image]);
    layers.convolution(channels[1], kernel, pad);
    layers.then(Op::Relu, &[]);
    layers.finish()
}

/// Compiles and verifies it, in the Verilog too where that is given; returns the cycles.
fn verify((model, input): &(Model, ArrayD<f32>), config: &Config, rtl: Option<&Rtl>) -> u64 {
    let options = quantise::Options::default();
    let compiled = pipeline::compile(model, &[vec![input.clone()]], &options, config).unwrap();
    compiled.check().unwrap();
    let kept = |program: &tilewright_arch::Program| program.compute.iter().filter(|l| l.op.keep).count();
    assert!(compiled.programs().any(|(_, schedule)| kept(&schedule.program) > 0));
    let options = proof::Options { rtl, ..Default::default() };
    let (proof, simulated) = proof::verify(model, &compiled, std::slice::from_ref(input), &options).unwrap();
    assert!(proof.holds(), "{proof:?}");
    assert_eq!((proof.reference_mismatches, proof.rtl_mismatches.unwrap_or(0)), (0, 0));
    // One rounding of each sum to 8 bits, however many parts it has, beside those of inputs and weights.
    assert!(proof.sqnr_db.is_none_or(|db| db > 36.0), "{:?}", proof.sqnr_db);
    eprintln!("{} cycles, {:?} dB", simulated.report.cycles, proof.sqnr_db);
    simulated.report.cycles
}

/// The first classifier of VGG-16 has so many inputs; few outputs do.
#[test]
fn a_layer_of_25_088_inputs() {
    let machine = Config::sized(9, 16);
    // As it is exported: of a vector, or of the map it was.
    for (channels, image) in [(25_088, 1), (512, 7)] {
        verify(&convolution([channels, 20], image, image, 0), &machine, None);
    }
}

/// The head of FCN-ResNet50, on a small map.
#[test]
fn a_kernel_over_2048_channels() {
    verify(&convolution([2048, 20], 5, 3, 1), &Config::sized(9, 16), None);
}

/// The same two, as much smaller as the machine.
#[test]
fn the_verilog_of_a_small_machine() {
    let config = short(small(4, 4));
    let rtl = common::built(&config);
    verify(&convolution([700, 6], 1, 1, 0), &config, Some(&rtl));
    verify(&convolution([14, 6], 7, 7, 0), &config, Some(&rtl));
    verify(&convolution([60, 6], 5, 3, 1), &config, Some(&rtl));
}

/// `cargo test --release --test long whole -- --ignored --nocapture`, or `./run-tests --long`: 138 million weights.
#[test]
#[ignore = "some five minutes and 5 GB in release mode; ./run-tests --long runs it"]
fn vgg_16_whole() {
    let mut layers = Layers::of(&[1, 3, 224, 224]);
    for (channels, count) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
        for _ in 0..count {
            layers.convolution(channels, 3, 1);
            layers.then(Op::Relu, &[]);
        }
        layers.then(Op::MaxPool { window: Window { kernel: [2; 2], stride: [2; 2], ..Window::UNIT } }, &[]);
    }
    layers.then(Op::Flatten { axis: 1 }, &[]);
    for outputs in [4096, 4096] {
        layers.product(outputs);
        layers.then(Op::Relu, &[]);
    }
    layers.product(1000);
    verify(&layers.finish(), &Config::sized(9, 16), None);
}

/// `cargo test --release --test long whole -- --ignored --nocapture`, or `./run-tests --long`.
#[test]
#[ignore = "a minute in release mode; ./run-tests --long runs it"]
fn the_head_of_fcn_resnet50_whole() {
    let mut layers = Layers::of(&[1, 2048, 28, 28]);
    layers.convolution(512, 3, 1);
    layers.then(Op::Relu, &[]);
    layers.convolution(21, 1, 0);
    let resize = Resize {
        sizes: vec![1, 21, 224, 224],
        scales: vec![1.0, 1.0, 8.0, 8.0],
        interpolation: Interpolation::Linear,
        coordinates: Coordinates::HalfPixel,
    };
    layers.then(Op::Resize(resize), &[]);
    verify(&layers.finish(), &Config::sized(9, 16), None);
}
