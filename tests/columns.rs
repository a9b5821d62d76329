//! What is too large for a machine: random graphs over images whose width has to be cut, and batches of products that
//! have to be taken apart, through integer reference = simulator = Verilog (images alone).

mod common;

use common::Random;
use common::rungs::{self, tiny};
use ndarray::ArrayD;
use tilewright::model::{self, Model};
use tilewright::pipeline::Compiled;
use tilewright::proof;
use tilewright_arch::Config;
use tilewright_compiler::fixed::{FixedGraph, passes};
use tilewright_compiler::graph::{Graph, Op, Window};
use tilewright_compiler::quantise;
use tilewright_compiler::schedule::Schedule;
use tilewright_hdl::cosim::Rtl;

/// A graph over an image that is wide and low.
fn graph(seed: u64) -> (FixedGraph, Vec<Vec<i8>>) {
    let mut random = Random::new(seed);
    let shape = [1 + random.below(4), 1 + random.below(8), 100 + random.below(400)];
    let nodes = 1 + random.below(5);
    let graph = common::random_graph_of(&mut random, nodes, shape);
    let inputs = common::random_inputs(&graph, &mut random);
    (graph, inputs)
}

/// Whether a schedule has more nodes than the graph has on that machine.
fn is_in_blocks(graph: &FixedGraph, schedule: &Schedule, config: &Config) -> bool {
    let nodes = passes::run(graph, config).unwrap().nodes.len();
    schedule.plan.groups.last().is_some_and(|group| group.nodes.end > nodes)
}

/// Checks `seeds` on a machine; how many of the graphs ran, in blocks and otherwise, and how many did not.
fn walk(config: &Config, rtl: Option<&Rtl>, seeds: std::ops::Range<u64>) -> [u32; 3] {
    let mut ran = [0; 3];
    for seed in seeds {
        let (graph, inputs) = graph(seed);
        let schedules = match common::schedules(&graph, config) {
            Ok(schedules) => schedules,
            Err(e) => {
                println!("seed {seed}: {e}\n{graph}");
                ran[2] += 1;
                continue;
            }
        };
        let in_blocks = is_in_blocks(&graph, &schedules[0], config);
        ran[usize::from(!in_blocks)] += 1;
        for (i, schedule) in schedules.iter().enumerate() {
            println!("seed {seed} on {}, schedule {i}, in blocks: {in_blocks}\n{graph}", config.name);
            if in_blocks || i == 0 {
                rungs::check(&graph, &schedule.program, &inputs, rtl).unwrap();
            }
        }
    }
    ran
}

#[test]
fn blocks_of_columns_equal_the_reference() {
    let cases = u64::from(common::cases(150));
    for config in [tiny(9, 16), tiny(4, 4), tiny(5, 3)] {
        let [blocks, rest, refused] = walk(&config, None, 0..cases);
        eprintln!("{}: {blocks} in blocks, {rest} not, {refused} refused", config.name);
        assert!(blocks > 10, "{blocks} graphs ran in blocks, {rest} without, {refused} did not fit");
    }
}

#[test]
fn blocks_of_columns_equal_the_verilog() {
    let config = tiny(4, 4);
    let rtl = common::built(&config);
    let [blocks, ..] = walk(&config, Some(&rtl), 0..150);
    assert!(blocks > 3, "{blocks} graphs ran in blocks");
}

/// A network whose 32 channels of 64 columns are more than a row of the machine.
#[test]
fn a_network_in_blocks() {
    let model = Model::read(&common::model("espcn_x2")).unwrap();
    let calibration = model.calibration(None).unwrap();
    let network =
        quantise::run(&model.graph, &calibration, &quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    for (pages, page_rows) in [(4, 64), (3, 128)] {
        let mut config = Config::sized(9, 16);
        (config.feature.pages, config.feature.page_rows) = (pages, page_rows);
        let compiled = Compiled::new(network.clone(), &config).unwrap();
        for (_, schedule) in compiled.programs() {
            let graph = network.machine().next().unwrap();
            assert!(is_in_blocks(graph, schedule, &config), "{}", schedule.plan);
        }
        let (proof, _) = proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
        assert_eq!(proof.reference_mismatches, 0, "{pages} pages of {page_rows} rows");
    }
}

/// The products of windows, as attention has them: each fits, all together do not, and what follows reads all results.
#[test]
fn a_batch_of_products_in_parts() {
    let mut config = tiny(4, 4);
    (config.feature.pages, config.feature.page_rows) = (6, 128);
    let mut graph = Graph::new("windows");
    let (a, b) = (graph.input("a", &[24, 8, 12]).unwrap(), graph.input("b", &[24, 12, 8]).unwrap());
    let y = graph.node("product", Op::MatMul, &[a, b]).unwrap();
    let y = graph.reshape("maps", y, &[1, 24, 8, 8]).unwrap();
    let window = Window { kernel: [2, 2], stride: [2, 2], ..Window::UNIT };
    let y = graph.node("pool", Op::MaxPool { window }, &[y]).unwrap();
    graph.outputs.push(y);
    let sample = |extents: &[usize]| {
        ArrayD::from_shape_fn(extents, |i| (i[0] * 7 + i[1] * 5 + i[2] * 3) as f32 % 11.0 / 5.0 - 1.0)
    };
    let samples = [vec![sample(&[24, 8, 12]), sample(&[24, 12, 8])]];
    let network = quantise::run(&graph, &samples, &quantise::Options::default(), &config).unwrap();
    let fixed = network.machine().next().unwrap();
    let inputs = common::random_inputs(fixed, &mut Random::new(1));
    for schedule in &common::schedules(fixed, &config).unwrap() {
        rungs::check(fixed, &schedule.program, &inputs, None).unwrap();
    }
}
