//! Random fixed graphs through the exact part of the ladder: integer reference = simulator =
//! Verilog, bytes and cycles. `TILEWRIGHT_CASES` sets the number of graphs.

mod common;

use common::Random;
use common::rungs::{small, tiny};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use std::cell::Cell;
use tilewright_arch::instr::Reduce;
use tilewright_arch::{Config, Program};
use tilewright_compiler::fixed::{FixedGraph, Reduction};
use tilewright_hdl::cosim::Rtl;

/// What refusals say: that a graph is too large for a machine, or has what the quantiser makes of no network.
/// Any other refusal is a failure.
const REFUSALS: [&str; 7] = [
    "it does not fit: even in stripes of one row",
    "and may not share pages, and no way was found",
    "words do not fit the memory for",
    "a product over",
    "the weights of one channel over 16-bit values fill",
    "a kernel of several rows and columns over transposed 16-bit values",
    "DepthToSpace directly after",
];

/// Runs `graph` on a machine; whether it fits the machine at all.
fn check(graph: &FixedGraph, config: &Config, inputs: &[Vec<i8>], rtl: Option<&Rtl>) -> Result<bool, String> {
    let schedules = match common::schedules(graph, config) {
        Ok(schedules) => schedules,
        Err(e) if REFUSALS.iter().any(|part| e.report().message.contains(part)) => return Ok(false),
        Err(e) => return Err(e.to_string()),
    };
    // Whole tensors on every rung; stripes of all kinds in the simulator, the shortest also in Verilog.
    for (i, schedule) in schedules.iter().enumerate() {
        let last = i == 0 || i + 1 == schedules.len();
        common::rungs::check(graph, &schedule.program, inputs, if last { rtl } else { None })?;
    }
    Ok(true)
}

/// Checks random graphs on all machines. A failing case shrinks to fewer operations.
fn walk(machines: &[(Config, Option<Rtl>)], default_cases: u32) {
    let config = ProptestConfig {
        cases: common::cases(default_cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // Always the same cases: a red run is red again.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (ran, refused) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&(any::<u64>(), 1..6usize), |(seed, nodes)| {
        let mut random = Random::new(seed);
        let graph = common::random_graph(&mut random, nodes);
        let inputs = common::random_inputs(&graph, &mut random);
        for (config, rtl) in machines {
            match check(&graph, config, &inputs, rtl.as_ref()) {
                Ok(true) => ran.set(ran.get() + 1),
                Ok(false) => refused.set(refused.get() + 1),
                Err(e) => return Err(TestCaseError::fail(format!("{}: {e}\n{graph}", config.name))),
            }
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
    eprintln!("{} programs ran, {} did not fit", ran.get(), refused.get());
    assert!(ran.get() > 9 * refused.get(), "too few programs fit");
}

/// What the compiler does with large images only, counted in `seen`: blocks of a depthwise
/// convolution on the columns, left-over channels with several rows, sums on the array.
fn note_mappings(graph: &FixedGraph, program: &Program, seen: &mut [u32; 3]) {
    for (i, layer) in program.layers.iter().enumerate() {
        let Some(node) = graph.nodes.iter().find(|n| n.name == layer.name) else {
            continue;
        };
        let parts: Vec<_> = program.compute.iter().filter(|l| l.layer == i).map(|l| &l.op).collect();
        let channels = node.input.shape[0];
        match &node.reduction {
            Reduction::Conv { groups, .. } if *groups == channels && channels > 1 => {
                seen[0] += u32::from(parts.iter().any(|op| op.reduce == Reduce::Dense));
            }
            Reduction::Conv { .. } => {
                let plain = parts.iter().any(|op| op.line_step == 1);
                seen[1] += u32::from(plain && parts.iter().any(|op| op.line_step > 1));
            }
            Reduction::Sum => seen[2] += u32::from(!parts.is_empty()),
            Reduction::Product { .. } | Reduction::Max => {}
        }
    }
}

#[test]
fn larger_images() {
    let machines = [(9, 16), (8, 8), (7, 11)].map(|(p, c)| Config::sized(p, c));
    let mut seen = [0; 3];
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let shape = [1 + random.below(3), 20 + random.below(30), 20 + random.below(30)];
        let nodes = 1 + random.below(2);
        let graph = common::random_graph_of(&mut random, nodes, shape);
        let inputs = common::random_inputs(&graph, &mut random);
        for config in &machines {
            for schedule in common::schedules(&graph, config).unwrap() {
                note_mappings(&graph, &schedule.program, &mut seen);
                if let Err(e) = common::rungs::check(&graph, &schedule.program, &inputs, None) {
                    panic!("seed {seed} on {}: {e}\n{graph}", config.name);
                }
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 5), "mappings occur only {seen:?} times");
}

#[test]
fn reference_equals_simulator() {
    let sizes = [(9, 16), (8, 8), (7, 11), (4, 4), (5, 3)].map(|(p, c)| Config::sized(p, c));
    let machines: Vec<_> = sizes
        .into_iter()
        .chain([small(9, 4), small(4, 16), tiny(9, 4), tiny(8, 8)])
        .map(|c| (c, None))
        .collect();
    walk(&machines, 300);
}

/// As [`walk`], in Verilog too; machines are built and walked side by side, each in a test of its own.
fn walk_in_verilog(config: Config) {
    let rtl = common::built(&config);
    walk(&[(config, Some(rtl))], 200);
}

/// Odd lanes and columns, with full-rate requantisers.
#[test]
fn reference_equals_simulator_equals_verilog() {
    let mut odd = Config::sized(5, 3);
    odd.compute_slot = 1;
    walk_in_verilog(odd);
}

/// Even lanes and columns, with small memories.
#[test]
fn the_same_with_small_memories() {
    walk_in_verilog(small(4, 4));
}

/// A machine that keeps little on chip.
#[test]
fn the_same_with_little_on_chip() {
    walk_in_verilog(tiny(5, 4));
}
