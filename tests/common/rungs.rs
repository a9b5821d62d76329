//! One program through the exact part of the ladder, and machines that are hard on it.

use tilewright_arch::{Config, Program};
use tilewright_compiler::fixed::FixedGraph;
use tilewright_compiler::reference;
use tilewright_hdl::cosim::{Options, Rtl};

/// A machine whose memories are so small that many graphs pass in stripes and reload weights.
pub fn small(lanes: usize, columns: usize) -> Config {
    let mut config = Config::sized(lanes, columns);
    config.name += "-small";
    config.feature.page_rows = 64;
    config.feature.pages = 32;
    config.weight_words = 300;
    config.parameter_words = 128;
    config
}

/// A machine with so few pages that tensors leave the chip and come back, and pages are shared.
pub fn tiny(lanes: usize, columns: usize) -> Config {
    let mut config = small(lanes, columns);
    config.name += "-tiny";
    config.feature.pages = 4;
    config
}

/// Runs one program of `graph` on every rung.
pub fn check(
    graph: &FixedGraph,
    program: &Program,
    inputs: &[Vec<i8>],
    rtl: Option<&Rtl>,
) -> Result<(), String> {
    let mut memory = program.image().map_err(|e| e.to_string())?;
    for (port, bytes) in program.inputs.iter().zip(inputs) {
        for (i, byte) in bytes.iter().enumerate() {
            memory[port.address as usize + i] = *byte as u8;
        }
    }
    let before = memory.clone();
    let report = tilewright_sim::run(program, &mut memory, &Default::default()).map_err(|e| e.to_string())?;
    let tensors = reference::run(graph, inputs);
    for (port, (tensor, _)) in program.outputs.iter().zip(&graph.outputs) {
        let start = port.address as usize;
        let got = memory[start..start + port.bytes()].iter().map(|&b| b as i8);
        let want = &tensors[tensor.0 as usize];
        if let Some(i) = got.zip(want).position(|(a, b)| a != *b) {
            return Err(format!("{tensor} of the simulator differs first at {i}"));
        }
    }
    if let Some(rtl) = rtl {
        let options = Options { max_cycles: 2 * report.cycles + 1000, ..Options::default() };
        let run = rtl
            .run(&before, program.stream_address, program.counts(), &options)
            .map_err(|e| e.to_string())?;
        if run.cycles != report.cycles {
            return Err(format!("simulator {} cycles, Verilog {}", report.cycles, run.cycles));
        }
        if let Some(i) = run.memory.iter().zip(&memory).position(|(a, b)| a != b) {
            return Err(format!("memory of the Verilog differs first at {i}"));
        }
        // With a memory that pauses at random, cycles differ and values do not.
        let max_cycles = 20 * report.cycles + 1000;
        let options = Options { max_cycles, stall: Some(report.cycles), ..Options::default() };
        let paused = rtl
            .run(&before, program.stream_address, program.counts(), &options)
            .map_err(|e| e.to_string())?;
        if paused.memory != memory {
            return Err("memory differs when external memory pauses".into());
        }
    }
    Ok(())
}
