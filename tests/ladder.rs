//! Random fixed graphs through the exact part of the ladder: integer reference = simulator =
//! Verilog, bytes and cycles. `TILEWRIGHT_CASES` sets the number of graphs. Which of them are refused, and why, is in
//! `ladder/`; `BLESS=1` writes these files anew.

mod common;
#[path = "ladder/refusals.rs"]
mod refusals;

use common::Random;
use common::rungs::{small, tiny};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use refusals::Refusals;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use tilewright_arch::instr::Reduce;
use tilewright_arch::{Config, Program};
use tilewright_compiler::error::Error;
use tilewright_compiler::fixed::{FixedGraph, Reduction};
use tilewright_hdl::cosim::Rtl;

/// Runs `graph` on a machine; `None` where it does, else why it is refused.
fn check(
    graph: &FixedGraph,
    config: &Config,
    inputs: &[Vec<i8>],
    rtl: Option<&Rtl>,
) -> Result<Option<Error>, String> {
    let schedules = match common::schedules(graph, config) {
        Ok(schedules) => schedules,
        Err(refusal) => return Ok(Some(refusal)),
    };
    // Whole tensors on every rung; stripes of all kinds in the simulator, the shortest also in Verilog.
    for (i, schedule) in schedules.iter().enumerate() {
        let last = i == 0 || i + 1 == schedules.len();
        common::rungs::check(graph, &schedule.program, inputs, if last { rtl } else { None })?;
    }
    Ok(None)
}

/// Checks random graphs on all machines. A failing case shrinks to fewer operations. Refusals are those of the file
/// that `name` says.
fn walk(name: &str, machines: &[(Config, Option<Rtl>)], default_cases: u32) {
    let cases = common::cases(default_cases);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    // Always the same cases: a red run is red again.
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (ran, case, refused) = (Cell::new(0), Cell::new(0), RefCell::new(Refusals::default()));
    let result = runner.run(&(any::<u64>(), 1..6usize), |(seed, nodes)| {
        let mut random = Random::new(seed);
        let graph = common::random_graph(&mut random, nodes);
        let inputs = common::random_inputs(&graph, &mut random);
        for (config, rtl) in machines {
            match check(&graph, config, &inputs, rtl.as_ref()) {
                Ok(None) => ran.set(ran.get() + 1),
                Ok(Some(refusal)) => refused.borrow_mut().add(case.get(), config, &refusal),
                Err(e) => return Err(TestCaseError::fail(format!("{}: {e}\n{graph}", config.name))),
            }
        }
        case.set(case.get() + 1);
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
    let refused = refused.into_inner();
    let count: usize = refused.0.values().map(BTreeSet::len).sum();
    eprintln!("{} programs ran, {count} were refused", ran.get());
    assert!(ran.get() > 9 * count, "too few programs fit");
    refused.hold(name, cases.min(default_cases));
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
    walk("simulator", &machines, 300);
}

/// As [`walk`], in Verilog too; machines are built and walked side by side, each in a test of its own.
fn walk_in_verilog(name: &str, config: Config) {
    let rtl = common::built(&config);
    walk(name, &[(config, Some(rtl))], 200);
}

/// Odd lanes and columns, with full-rate requantisers.
#[test]
fn reference_equals_simulator_equals_verilog() {
    let mut odd = Config::sized(5, 3);
    odd.compute_slot = 1;
    walk_in_verilog("odd", odd);
}

/// Even lanes and columns, with small memories.
#[test]
fn the_same_with_small_memories() {
    walk_in_verilog("small", small(4, 4));
}

/// A machine that keeps little on chip.
#[test]
fn the_same_with_little_on_chip() {
    walk_in_verilog("tiny", tiny(5, 4));
}
