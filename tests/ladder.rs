//! Random fixed graphs through the exact part of the ladder: integer reference = simulator, on
//! several machines, whole and in stripes. `TILEWRIGHT_CASES` sets the number of graphs.

mod common;

use common::Random;
use tilewright_arch::Config;
use tilewright_compiler::fixed::FixedGraph;
use tilewright_compiler::{reference, schedule};

/// Machines of all kinds: odd and even lanes, wide and narrow, small memories that force stripes.
fn machines() -> Vec<Config> {
    let mut machines: Vec<Config> =
        [(9, 16), (8, 8), (7, 11), (4, 4), (5, 3)].map(|(p, c)| Config::sized(p, c)).into();
    for (p, c) in [(9, 4), (4, 16)] {
        let mut small = Config::sized(p, c);
        small.feature.page_rows = 64;
        small.feature.pages = 32;
        small.weight_words = 300;
        small.parameter_words = 128;
        machines.push(small);
    }
    machines
}

fn check(graph: &FixedGraph, config: &Config, inputs: &[Vec<i8>]) -> Result<bool, String> {
    let schedule = match schedule::run(graph, config) {
        Ok(schedule) => schedule,
        // Too large for a small machine is an answer; a broken program is not.
        Err(e) if !e.to_string().contains("defect") => return Ok(false),
        Err(e) => return Err(e.to_string()),
    };
    let program = &schedule.program;
    let mut memory = program.image().map_err(|e| e.to_string())?;
    for (port, bytes) in program.inputs.iter().zip(inputs) {
        for (i, byte) in bytes.iter().enumerate() {
            memory[port.address as usize + i] = *byte as u8;
        }
    }
    tilewright_sim::run(program, &mut memory, &Default::default()).map_err(|e| e.to_string())?;
    let tensors = reference::run(graph, inputs);
    for (port, (tensor, _)) in program.outputs.iter().zip(&graph.outputs) {
        let start = port.address as usize;
        let got = memory[start..start + port.bytes()].iter().map(|&b| b as i8);
        let want = &tensors[tensor.0 as usize];
        if let Some(i) = got.zip(want).position(|(a, b)| a != *b) {
            return Err(format!("{tensor} differs first at {i}"));
        }
    }
    Ok(true)
}

#[test]
fn reference_equals_simulator() {
    let machines = machines();
    let (mut ran, mut refused) = (0, 0);
    for case in 0..common::cases(300) {
        let mut random = Random::new(case.into());
        let graph = common::random_graph(&mut random);
        let inputs = common::random_inputs(&graph, &mut random);
        for config in &machines {
            match check(&graph, config, &inputs) {
                Ok(true) => ran += 1,
                Ok(false) => refused += 1,
                Err(e) => panic!("case {case} on {}: {e}\n{graph:#?}", config.name),
            }
        }
    }
    eprintln!("{ran} programs ran, {refused} did not fit");
    assert!(ran > 5 * refused, "too few programs fit");
}
