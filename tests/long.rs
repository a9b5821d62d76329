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
use tilewright_compiler::graph::{Graph, Op, Window};
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

/// A convolution of `channels[0]` channels to `channels[1]` whose image and kernel have these rows and columns.
fn convolution(channels: [usize; 2], image: usize, kernel: usize, pad: usize) -> (Model, ArrayD<f32>) {
    let mut random = Random::new(5);
    let mut numbers = |count: usize| -> Vec<f32> {
        (0..count).map(|_| random.within(-1000, 1000) as f32 / 1000.0).collect()
    };
    let [inputs, outputs] = channels;
    let shape = [1, inputs, image, image];
    let mut graph = Graph::new("long");
    let x = graph.input("x", &shape).unwrap();
    let weights = [outputs, inputs, kernel, kernel];
    let weights = graph.constant("w", &weights, numbers(weights.iter().product())).unwrap();
    let window = Window { kernel: [kernel; 2], pads: [pad; 4], ..Window::UNIT };
    let y = graph.node("node", Op::Conv { window, groups: 1 }, &[x, weights]).unwrap();
    let y = graph.node("relu", Op::Relu, &[y]).unwrap();
    graph.outputs.push(y);
    let input = ArrayD::from_shape_vec(IxDyn(&shape), numbers(shape.iter().product())).unwrap();
    let simplified = simplify::run(graph.clone()).unwrap();
    (Model { path: PathBuf::new(), imported: graph, graph: simplified, warnings: vec![] }, input)
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
    // One rounding of the sum to 8 bits, however many parts it has, beside those of inputs and weights.
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
