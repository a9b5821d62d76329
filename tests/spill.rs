//! Networks on machines that hold little of them: what leaves the chip and comes back, what passes
//! in stripes, what shares pages.

mod common;

use common::Random;
use std::path::Path;
use tilewright::model::{self, Model};
use tilewright::pipeline::Compiled;
use tilewright::proof;
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, Half, OperandScale, Post};
use tilewright_arch::sdram::Sdram;
use tilewright_compiler::fixed::{
    FixedGraph, FixedNode, Operand, Placement, Reduction, Tensor, TensorId, View,
};
use tilewright_compiler::graph::Window;
use tilewright_compiler::schedule::plan::{Plan, PlanStep};
use tilewright_compiler::schedule::{Schedule, Search};
use tilewright_compiler::{quantise, reference};

/// A 3x3 convolution that keeps the shape, perhaps with a sum.
fn conv(graph: &mut FixedGraph, input: TensorId, channels: usize, operand: Option<TensorId>) -> TensorId {
    let [inputs, height, width] = graph.tensor(input).shape;
    let shape = [channels, height, width];
    let output = tensor(graph, shape);
    let (mantissa, half) = (1 << 23, Half::None);
    let channel = Channel { bias: 0, mantissa, negative_mantissa: mantissa, shift: 9, half };
    graph.nodes.push(FixedNode {
        name: format!("conv{}", graph.nodes.len()),
        operator: "conv2d".into(),
        input: View::whole(input, [inputs, height, width]),
        wide: false,
        window: Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pads: [1; 4] },
        reduction: Reduction::Conv {
            weights: (0..channels * inputs * 9).map(|i| (i * 37 % 15) as i8 - 7).collect(),
            groups: 1,
        },
        channels: vec![channel; channels],
        operand: operand
            .map(|t| Operand { view: View::whole(t, shape), scale: OperandScale::addend(0, 1 << 22, 7) }),
        post: Post::default(),
        table: None,
        output: View::whole(output, shape),
        place: Placement::plain([0, 0, height, width]),
    });
    output
}

fn tensor(graph: &mut FixedGraph, shape: [usize; 3]) -> TensorId {
    let id = TensorId(graph.tensors.len() as u32);
    graph.tensors.push(Tensor::bytes(format!("tensor{}", id.0), shape, 1.0, 0));
    id
}

/// `nodes` convolutions of `channels` channels on an image, every `skip`-th with a sum over the last
/// `skip` ones.
fn chain(nodes: usize, channels: usize, side: usize, skip: usize) -> FixedGraph {
    let mut graph = FixedGraph { name: "chain".into(), ..FixedGraph::default() };
    let input = tensor(&mut graph, [channels, side, side]);
    graph.inputs.push((input, vec![1, channels, side, side]));
    let (mut last, mut from) = (input, input);
    for n in 1..=nodes {
        let operand = (n % skip == 0).then_some(from);
        last = conv(&mut graph, last, channels, operand);
        if n % skip == 0 {
            from = last;
        }
    }
    graph.outputs.push((last, vec![1, channels, side, side]));
    graph
}

fn machine(pages: usize, page_rows: usize) -> Config {
    let mut config = Config::sized(9, 16);
    config.feature.pages = pages;
    config.feature.page_rows = page_rows;
    config
}

/// The simulator finds no fault and computes the bytes of the integer reference.
fn right(graph: &FixedGraph, schedule: &Schedule) {
    let inputs = common::random_inputs(graph, &mut Random::new(7));
    let program = &schedule.program;
    let mut memory = program.image().unwrap();
    for (port, bytes) in program.inputs.iter().zip(&inputs) {
        for (i, byte) in bytes.iter().enumerate() {
            memory[port.address as usize + i] = *byte as u8;
        }
    }
    tilewright_sim::run(program, &mut memory, &Default::default()).unwrap();
    let tensors = reference::run(graph, &inputs);
    for (port, (tensor, _)) in program.outputs.iter().zip(&graph.outputs) {
        let got: Vec<i8> = memory[port.address as usize..][..port.bytes()].iter().map(|&b| b as i8).collect();
        assert!(got == tensors[tensor.0 as usize], "{tensor} differs\n{}", schedule.plan);
    }
}

/// Tensors that a plan stores and loads again.
fn spilled(plan: &Plan) -> Vec<TensorId> {
    let steps = || plan.groups.iter().flat_map(|g| &g.steps);
    let loaded = |t: TensorId| steps().any(|s| matches!(s, PlanStep::Load(l, ..) if *l == t));
    let mut tensors: Vec<TensorId> = steps()
        .filter_map(|s| if let PlanStep::Store(t, ..) = s { Some(*t) } else { None })
        .filter(|t| loaded(*t))
        .collect();
    tensors.sort_unstable();
    tensors.dedup();
    tensors
}

/// On a chip that does not hold all tensors beside each other those that are not needed at the same time share bytes, in
/// an order that the simulator finds nothing wrong with.
#[test]
fn tensors_share_bytes_where_the_chip_is_small() {
    for (nodes, channels, side, skip, row_bits) in [(24, 4, 220, 2, 12), (16, 8, 300, 4, 13)] {
        let graph = chain(nodes, channels, side, skip);
        let mut config = machine(4, 512);
        config.memory.bus_bytes = 2;
        let apart = Search::new(&graph, &config).unwrap().schedules();
        let apart = apart.map(|schedule| schedule.unwrap().program.memory_bytes).min().unwrap();
        let chip = Sdram { column_bits: 8, banks: 2, row_bits, ..Sdram::default() };
        assert!(u64::from(apart) > chip.bytes(), "{apart} bytes fit");
        config.memory.sdram = Some(chip.clone());
        let schedule = Search::new(&graph, &config).unwrap().fastest(|| ()).unwrap();
        assert!(u64::from(schedule.program.memory_bytes) <= chip.bytes());
        right(&graph, &schedule);
    }
}

/// Where sharing bytes as tensors come leaves gaps that nothing fits into, the largest are placed first.
#[test]
fn gaps_between_tensors_are_filled() {
    let mut graph = FixedGraph { name: "gaps".into(), ..FixedGraph::default() };
    let input = tensor(&mut graph, [2, 260, 260]);
    graph.inputs.push((input, vec![1, 2, 260, 260]));
    // Above what the first leaves lies the second, which lives on; the third is larger than the first.
    let first = conv(&mut graph, input, 16, None);
    let skip = conv(&mut graph, first, 4, None);
    let mut last = conv(&mut graph, skip, 24, None);
    for channels in [24, 16, 16, 8, 8] {
        last = conv(&mut graph, last, channels, None);
    }
    last = conv(&mut graph, last, 4, Some(skip));
    last = conv(&mut graph, last, 2, None);
    graph.outputs.push((last, vec![1, 2, 260, 260]));
    let mut config = machine(4, 1024);
    config.memory.bus_bytes = 2;
    let chip = Sdram { column_bits: 8, banks: 2, row_bits: 12, ..Sdram::default() };
    config.memory.sdram = Some(chip.clone());
    // Node by node everything leaves the chip; 56 planes of an image live at once, 72 were taken.
    let schedule = Search::new(&graph, &config).unwrap().schedules().next().unwrap().unwrap();
    assert!(u64::from(schedule.program.memory_bytes) <= chip.bytes());
    right(&graph, &schedule);
}

#[test]
fn what_fits_stays_on_chip() {
    let graph = chain(8, 8, 16, 4);
    for schedule in &common::schedules(&graph, &Config::sized(9, 16)).unwrap() {
        assert_eq!(spilled(&schedule.plan), [], "{}", schedule.plan);
        right(&graph, schedule);
    }
}

#[test]
fn a_long_skip_leaves_the_chip_and_comes_back() {
    // Two tensors of 2048 bytes fit, three do not.
    let graph = chain(6, 8, 16, 6);
    let schedules = common::schedules(&graph, &machine(4, 128)).unwrap();
    // The input is there already, so it leaves; nothing else is needed later than in the next layer.
    let groups = schedules[0].plan.groups.iter();
    let loads = |t: u32| move |s: &PlanStep| matches!(s, PlanStep::Load(l, ..) if l.0 == t);
    let loading = groups.filter(|g| g.steps.iter().any(loads(0)));
    assert_eq!(loading.count(), 2, "{}", schedules[0].plan);
    for schedule in &schedules {
        right(&graph, schedule);
    }
}

#[test]
fn a_layer_that_does_not_fit_passes_in_stripes() {
    let graph = chain(1, 8, 64, 2);
    let schedule = common::schedules(&graph, &machine(3, 256)).unwrap().swap_remove(0);
    assert!(schedule.plan.groups[0].stripe < 64, "{}", schedule.plan);
    right(&graph, &schedule);
    let graph = chain(3, 8, 64, 2);
    for schedule in &common::schedules(&graph, &machine(3, 256)).unwrap() {
        right(&graph, schedule);
    }
}

#[test]
fn small_tensors_share_pages() {
    // Seven tensors in stripes on three pages.
    let graph = chain(6, 2, 40, 7);
    let schedules = common::schedules(&graph, &machine(3, 256)).unwrap();
    let together = schedules.iter().find(|s| s.plan.groups.len() == 1);
    let together = together.expect("all nodes fit in stripes");
    assert_eq!(spilled(&together.plan), []);
    tilewright_sim::check(&together.program).unwrap();
}

#[test]
fn too_large_says_what_and_how_much() {
    let error = common::schedules(&chain(1, 64, 64, 2), &machine(2, 64)).unwrap_err().to_string();
    assert!(error.starts_with("error[schedule]: chain: node \"conv0\" (conv2d): it does not fit"), "{error}");
}

/// What is tried for a thousand layers does not grow with them, and is right in few pages as well as in many.
#[test]
fn a_thousand_layers_have_few_plans() {
    for config in [machine(4, 64), machine(14, 2048)] {
        let plans = |layers: usize| common::schedules(&chain(layers, 4, 12, 3), &config).unwrap();
        let (few, many) = (plans(100), plans(1000));
        assert!(many.len() <= few.len(), "{} and {}", few.len(), many.len());
        for schedule in &many {
            tilewright_sim::check(&schedule.program).unwrap();
        }
    }
}

/// Real networks whose tensors do not fit: the integer reference and the simulator agree.
fn verified(folder: &Path, configs: &[Config]) {
    let model = Model::read(folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let network =
        quantise::run(&model.graph, &calibration, &quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    for config in configs {
        let compiled = Compiled::new(network.clone(), config).unwrap();
        let (proof, _) = proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
        let place = format!("{} with {} pages", folder.display(), config.feature.pages);
        assert_eq!(proof.reference_mismatches, 0, "{place}");
    }
}

#[test]
fn own_networks_in_few_pages() {
    for (name, pages) in [("lenet_mnist", 2), ("resnet_mnist", 4), ("mobilenetv2_mnist", 6)] {
        verified(&common::model(name), &[machine(pages, 256), machine(2 * pages, 128), machine(2, 1024)]);
    }
}

#[test]
fn shared_networks_in_few_pages() {
    for (name, pages) in [("mlperf_ic_resnet8", 8), ("mlperf_vww_mobilenet025", 4), ("derain", 12)] {
        if let Some(folder) = common::shared_model(name) {
            verified(&folder, &[machine(pages, 256), machine(pages / 2, 1024)]);
        }
    }
}
