//! What is written beside the Verilog of a machine: a self-checking test bench with the golden sample of a
//! network, and a C header for whoever drives the machine.

use crate::artefact::Golden;
use crate::pipeline::{self, Compiled};
use crate::proof::StageBytes;
use anyhow::{Context, Result};
use std::fmt::Write;
use tilewright_arch::Config;
use tilewright_arch::instr::Unit;
use tilewright_arch::program::TensorPort;
use tilewright_arch::{isa, registers};
use tilewright_compiler::schedule::Schedule;
use tilewright_hdl::with_chip;

/// The test bench with holes for what depends on the network.
const BENCH: &str = include_str!("bench/bench.v");
/// External memory of a fixed latency, and an SDRAM with its controller.
const PORT: &str = include_str!("bench/port.v");
const SDRAM: &str = include_str!("bench/sdram.v");
/// Bytes of a line of a memory file.
const LINE: usize = 16;

/// Files by name.
pub type BenchFiles = Vec<(String, Vec<u8>)>;

/// The test bench `bench.v`, the memory files that it reads (`stage_S_before.hex` and `stage_S_outputs.hex` for
/// each stage of the machine), models of the technology's hard blocks where the machine has any, and the list
/// `files.f` of all Verilog.
///
/// # Errors
/// A program whose instructions do not fit their fields.
pub fn bench(compiled: &Compiled, golden: &Golden) -> Result<BenchFiles> {
    let memory = &compiled.config.memory;
    let mut files = BenchFiles::new();
    let (mut runs, mut most, mut most_outputs) = (String::new(), 1, 1);
    for run in &golden.stages {
        let StageBytes { stage, inputs, outputs, cycles } = run;
        let schedule = schedule(compiled, *stage)?;
        let program = &schedule.program;
        let before = pipeline::memory(schedule, inputs)?;
        let expected: Vec<u8> = outputs.iter().flatten().map(|&byte| byte as u8).collect();
        // Whole beats, so that the last bytes can be read.
        most = most.max(before.len().next_multiple_of(memory.bus_bytes));
        most_outputs = most_outputs.max(expected.len());
        let _ = writeln!(
            runs,
            "        begin_stage({stage}, \"stage_{stage}_before.hex\", \"stage_{stage}_outputs.hex\");"
        );
        for unit in Unit::ALL {
            let (u, counts) = (unit as usize, program.counts());
            let address = program.stream_address[u];
            let _ = writeln!(runs, "        list({u}, {address}, {}); // {}", counts[u], unit.name());
        }
        let _ = writeln!(runs, "        run(64'd{cycles});");
        let mut first = 0;
        for (port, bytes) in program.outputs.iter().zip(outputs) {
            let _ = writeln!(runs, "        compare({}, {first}, {});", port.address, bytes.len());
            first += bytes.len();
        }
        files.push((format!("stage_{stage}_before.hex"), hex(&before)));
        files.push((format!("stage_{stage}_outputs.hex"), hex(&expected)));
    }
    let numbers = [
        ("BUS_BYTES", memory.bus_bytes),
        ("LATENCY", memory.latency),
        ("OUTSTANDING", memory.outstanding),
        ("MEMORY_BYTES", most),
        ("OUTPUT_BYTES", most_outputs),
        ("KEY", isa::key(&compiled.config) as usize),
    ];
    let chip = memory.sdram.as_ref();
    let port = chip.map_or(PORT.to_owned(), |chip| with_chip(SDRAM, chip, &compiled.config));
    let text = BENCH.replace("    // MEMORY\n", &port);
    let mut text = text.replace("        // RUNS\n", &runs);
    let numbers = numbers.map(|(name, number)| (name.to_owned(), number));
    let registers = registers::ALL.map(|register| (register.name.to_uppercase(), register.number));
    for (name, number) in numbers.into_iter().chain(registers) {
        text = text.replace(&format!("/*{name}*/"), &number.to_string());
    }
    files.insert(0, ("bench.v".into(), text.into_bytes()));
    let models = tilewright_hdl::models(compiled.config.technology);
    let mut list = "tilewright.v\nbench.v\n".to_owned();
    if !models.is_empty() {
        list.push_str("models.v\n");
        files.push(("models.v".into(), models.into()));
    }
    if chip.is_some() {
        list.push_str("sdram.v\nsdram_chip.v\n");
        files.push(("sdram_chip.v".into(), tilewright_hdl::SDRAM_CHIP.into()));
    }
    files.push(("files.f".into(), list.into_bytes()));
    Ok(files)
}

/// The ports of a machine, a line each: name, direction, bits; with `axi_lite` another register port.
///
/// # Errors
/// A machine that is not valid.
pub fn ports(config: &Config, axi_lite: bool) -> Result<String> {
    let line = |port: tilewright_hdl::Port| {
        format!("{:<20} {:<6} {:>4}\n", port.name, if port.output { "output" } else { "input" }, port.bits)
    };
    Ok(tilewright_hdl::ports(config, axi_lite)?.into_iter().map(line).collect())
}

fn schedule(compiled: &Compiled, stage: usize) -> Result<&Schedule> {
    let schedule = compiled.schedules.get(stage).and_then(Option::as_ref);
    schedule.with_context(|| {
        format!("error[artefact]: the golden sample has a stage {stage}, the network has not")
    })
}

/// Bytes as `$readmemh` reads them; lines of zeros are left out, which the bench sets before.
fn hex(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    let mut next = None;
    for (n, line) in bytes.chunks(LINE).enumerate() {
        if line.iter().all(|&byte| byte == 0) {
            continue;
        }
        if next != Some(n) {
            let _ = writeln!(text, "@{:x}", n * LINE);
        }
        next = Some(n + 1);
        let words: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "{}", words.join(" "));
    }
    text.into_bytes()
}

/// A C header: registers of the machine, and for each stage the places of its instructions and of what is
/// written before a start and read after the end.
///
/// # Errors
/// A stage without a program.
pub fn header(compiled: &Compiled, golden: &Golden) -> Result<String> {
    let mut text = String::from(
        "/* Registers of the machine, 32-bit words by number, and the memory of each stage in bytes. */\n\
         #ifndef TILEWRIGHT_H\n#define TILEWRIGHT_H\n\n",
    );
    let define = |text: &mut String, name: &str, value: &str, what: &str| {
        let _ = writeln!(text, "#define {name:<40} {value:<12} /* {what} */");
    };
    text.push_str(&registers::c_defines());
    let key = format!("{:#010x}u", isa::key(&compiled.config));
    define(
        &mut text,
        "TILEWRIGHT_ISA_KEY",
        &key,
        "what the register has on a machine that runs these programs",
    );
    let cycles = tilewright_hdl::reset_cycles(&compiled.config).to_string();
    define(&mut text, "TILEWRIGHT_RESET_CYCLES", &cycles, "reset is held as long, when something runs");
    let port = |text: &mut String, prefix: &str, n: usize, port: &TensorPort| {
        let what = format!("{:?}, {:?}", port.name, port.shape).replace("*/", "* /").replace("/*", "/ *");
        define(text, &format!("{prefix}_{n}_ADDRESS"), &port.address.to_string(), &what);
        define(text, &format!("{prefix}_{n}_BYTES"), &port.bytes().to_string(), "");
        define(text, &format!("{prefix}_{n}_SCALE"), &format!("{:e}f", port.scale), "real value of a step");
        let zero = if port.wide { "257 * this + 128 means zero" } else { "the byte that means zero" };
        define(text, &format!("{prefix}_{n}_ZERO"), &port.zero.to_string(), zero);
        define(text, &format!("{prefix}_{n}_BITS"), if port.wide { "16" } else { "8" }, "");
    };
    let (bases, end) = compiled.memory_map();
    define(
        &mut text,
        "TILEWRIGHT_MEMORY_BYTES",
        &end.to_string(),
        "of one memory with all stages, each at its base",
    );
    for run in &golden.stages {
        let program = &schedule(compiled, run.stage)?.program;
        let stage = format!("TILEWRIGHT_STAGE_{}", run.stage);
        text.push('\n');
        let base = bases[run.stage].unwrap_or(0).to_string();
        define(&mut text, &format!("{stage}_BASE"), &base, "of its image, to which all addresses are added");
        define(&mut text, &format!("{stage}_BYTES"), &program.memory_bytes.to_string(), "of memory");
        define(
            &mut text,
            &format!("{stage}_CYCLES"),
            &run.cycles.to_string(),
            "on memory of the model's timing",
        );
        for unit in Unit::ALL {
            let (u, name) = (unit as usize, unit.name().to_uppercase());
            let (address, count) = (program.stream_address[u], program.counts()[u]);
            define(&mut text, &format!("{stage}_{name}_ADDRESS"), &address.to_string(), "");
            define(&mut text, &format!("{stage}_{name}_COUNT"), &count.to_string(), "instructions");
        }
        for (n, input) in program.inputs.iter().enumerate() {
            port(&mut text, &format!("{stage}_INPUT"), n, input);
        }
        for (n, output) in program.outputs.iter().enumerate() {
            port(&mut text, &format!("{stage}_OUTPUT"), n, output);
        }
    }
    text.push_str("\n#endif\n");
    Ok(text.replace(" /*  */", ""))
}
