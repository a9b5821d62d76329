//! Tests of modules: rust-hdl's simulation, alone and against the emitted Verilog.

use crate::build::{Circuit, Module};
use crate::dynsig::BitVector;
use rust_hdl_core::prelude::{Block, simulate};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tilewright_random::Random;

/// A module in rust-hdl's simulation.
pub(crate) struct Bench {
    module: Arc<Module>,
    circuit: Circuit,
}

impl Bench {
    /// At power-up, clock low, all inputs zero.
    pub fn new(module: &Arc<Module>) -> Bench {
        let mut circuit = Circuit::new(module);
        circuit.connect_all();
        let mut bench = Bench { module: module.clone(), circuit };
        bench.settle();
        bench
    }

    fn settle(&mut self) {
        assert!(simulate(&mut self.circuit, 1000), "{} does not settle", self.module.name);
    }

    /// Sets an input from now on; shows at [`Bench::get`] after the next [`Bench::tick`] or
    /// [`Bench::settled`].
    pub fn set(&mut self, input: &str, value: impl Into<i128>) {
        let index = self.index(input);
        let width = self.module.inputs[index].width;
        self.circuit.inputs[index].next = BitVector::new(value.into(), width);
    }

    /// Sets an input of any width.
    pub fn set_value(&mut self, input: &str, value: &BitVector) {
        let index = self.index(input);
        self.circuit.inputs[index].next = value.clone();
    }

    fn index(&self, input: &str) -> usize {
        self.module.input(input).unwrap_or_else(|| panic!("{} has no input {input}", self.module.name))
    }

    /// An output, after the inputs have been set and before the clock edge.
    pub fn get(&mut self, output: &str) -> BitVector {
        self.settle();
        let index = self.module.output(output);
        let index = index.unwrap_or_else(|| panic!("{} has no output {output}", self.module.name));
        self.circuit.outputs[index].val().clone()
    }

    /// An output of up to 64 bits as a number.
    pub fn number(&mut self, output: &str) -> u64 {
        self.get(output).to_u64()
    }

    /// Sets the inputs in their order from the bits of one word, the first least significant.
    fn set_all(&mut self, word: &BitVector) {
        let mut low = 0;
        for (port, signal) in self.module.inputs.iter().zip(&mut self.circuit.inputs) {
            signal.next = word.slice(low, port.width);
            low += port.width;
        }
    }

    /// One rising clock edge.
    pub fn tick(&mut self) {
        self.settle();
        self.circuit.clock.next = true.into();
        self.settle();
        self.circuit.clock.next = false.into();
        self.settle();
    }
}

/// A module with what its tests need to know about its inputs.
pub(crate) struct Tested {
    /// The module.
    pub module: Arc<Module>,
    /// Inputs that must stay below a limit, such as addresses of memories of odd sizes.
    limits: Vec<(&'static str, usize)>,
    /// Inputs that are one in one cycle of this many.
    rare: Vec<(&'static str, usize)>,
    /// Inputs that keep their value for this many cycles.
    held: Vec<(&'static str, usize)>,
    /// Verilog that the simulation needs besides.
    models: &'static str,
}

impl Tested {
    /// All inputs random.
    pub fn new(module: Arc<Module>) -> Tested {
        Tested { module, limits: vec![], rare: vec![("reset", 100)], held: vec![], models: "" }
    }

    /// The input stays below `limit`.
    pub fn below(mut self, input: &'static str, limit: usize) -> Tested {
        self.limits.push((input, limit));
        self
    }

    /// The input (a strobe) is one every `cycles` cycles on average.
    pub fn rarely(mut self, input: &'static str, cycles: usize) -> Tested {
        self.rare.push((input, cycles));
        self
    }

    /// The input changes every `cycles` cycles only.
    pub fn held(mut self, input: &'static str, cycles: usize) -> Tested {
        self.held.push((input, cycles));
        self
    }

    /// Models of primitives, in Verilog.
    pub fn with(mut self, models: &'static str) -> Tested {
        self.models = models;
        self
    }

    fn stimulus(&self, random: &mut Random, last: Option<&BitVector>, cycle: usize) -> BitVector {
        let mut word = BitVector::zero(self.module.inputs.iter().map(|p| p.width).sum());
        let mut low = 0;
        for port in &self.module.inputs {
            let named = |list: &[(&'static str, usize)]| {
                list.iter().rev().find(|(name, _)| *name == port.name).map(|(_, value)| *value)
            };
            let held = self.held.iter().find(|(name, _)| *name == port.name);
            let mut part = BitVector::zero(port.width);
            if let (Some((_, cycles)), Some(last)) = (held, last)
                && !cycle.is_multiple_of(*cycles)
            {
                part = last.slice(low, port.width);
            } else if let Some(cycles) = named(&self.rare) {
                // Reset in the first cycles, so that both sides start alike.
                let start = port.name == "reset" && cycle < 2;
                part = BitVector::new(i128::from(start || random.once_in(cycles)), port.width);
            } else if let Some(limit) = named(&self.limits) {
                part = BitVector::new(random.below(limit) as i128, port.width);
            } else {
                // Extremes more often than chance would have them.
                match random.below(8) {
                    0 => {}
                    1 => part = BitVector::new(-1, port.width),
                    _ => {
                        for at in (0..port.width).step_by(32) {
                            let width = 32.min(port.width - at);
                            part.set_slice(at, &BitVector::new(i128::from(random.bits() >> 32), width));
                        }
                    }
                }
            }
            word.set_slice(low, &part);
            low += port.width;
        }
        word
    }
}

/// An empty folder for the files of one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let unique = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("tilewright-hdl-{}-{unique}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("the temporary folder is writable");
    path
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{text}{errors}");
    text
}

fn hex(value: &BitVector) -> String {
    value.limbs().iter().rev().map(|l| format!("{l:016x}")).collect()
}

/// Drives `tested` with `cycles` cycles of random inputs in rust-hdl's simulation and, as emitted
/// Verilog, in Icarus Verilog; every output has to agree in every cycle.
pub(crate) fn differential(tested: &Tested, cycles: usize, seed: u64) {
    let module = &tested.module;
    let verilog = crate::emit::emit(module).expect("a block passes the checks");
    let verilog = format!("{verilog}{}", tested.models);
    let mut random = Random::new(seed);
    let mut bench = Bench::new(module);
    let (mut stimuli, mut expected) = (String::new(), vec![]);
    let mut last = None;
    for cycle in 0..cycles {
        let word = tested.stimulus(&mut random, last.as_ref(), cycle);
        writeln!(stimuli, "{}", hex(&word)).expect("strings grow");
        bench.set_all(&word);
        bench.settle();
        expected.push(bench.circuit.outputs.iter().map(|o| o.val().clone()).collect::<Vec<_>>());
        bench.tick();
        last = Some(word);
    }
    let path = folder(&module.name);
    let found = icarus(module, &verilog, &stimuli, cycles, &path);
    for (cycle, (line, want)) in found.lines().zip(&expected).enumerate() {
        for ((port, text), want) in module.outputs.iter().zip(line.split(' ')).zip(want) {
            let digits = port.width.div_ceil(4);
            let want: String =
                hex(want).chars().rev().take(digits).collect::<Vec<_>>().iter().rev().collect();
            assert_eq!(text, want, "{}.{} in cycle {cycle} (Verilog, rust-hdl)", module.name, port.name);
        }
    }
    assert_eq!(found.lines().count(), cycles, "the Verilog simulation ended early");
    std::fs::remove_dir_all(path).ok();
}

fn icarus(module: &Module, verilog: &str, stimuli: &str, cycles: usize, path: &Path) -> String {
    let width: usize = module.inputs.iter().map(|p| p.width).sum();
    let top = &module.name;
    let mut bench = format!("module bench;\nreg clock = 0;\nreg [{}:0] word;\n", width.div_ceil(64) * 64 - 1);
    let mut ports = if module.clocked { vec![".clock(clock)".to_string()] } else { vec![] };
    let mut low = 0;
    for port in &module.inputs {
        ports.push(format!(".{}(word[{}:{low}])", port.name, low + port.width - 1));
        low += port.width;
    }
    for port in &module.outputs {
        writeln!(bench, "wire [{}:0] o_{};", port.width - 1, port.name).expect("strings grow");
        ports.push(format!(".{0}(o_{0})", port.name));
    }
    let shown = module.outputs.iter().map(|p| format!("o_{}", p.name)).collect::<Vec<_>>().join(", ");
    let format = vec!["%h"; module.outputs.len()].join(" ");
    write!(
        bench,
        "reg [{}:0] words [0:{}];\ninteger i;\n{top} dut ({});\ninitial begin\n    $readmemh(\"stimuli\", words);\n    \
         for (i = 0; i < {cycles}; i = i + 1) begin\n        word = words[i];\n        #1 $display(\"{format}\", {shown});\n        \
         clock = 1;\n        #1 clock = 0;\n        #1;\n    end\n    $finish;\nend\nendmodule\n",
        width.div_ceil(64) * 64 - 1,
        cycles - 1,
        ports.join(", "),
    )
    .expect("strings grow");
    let write =
        |name: &str, text: &str| std::fs::write(path.join(name), text).expect("the folder is writable");
    write("dut.v", verilog);
    write("bench.v", &bench);
    write("stimuli", stimuli);
    run(Command::new("iverilog").args(["-g2005", "-o", "bench", "bench.v", "dut.v"]).current_dir(path));
    run(Command::new("vvp").args(["-n", "bench"]).current_dir(path))
}

/// Decoders take whole instruction words and use their own fields of them; narrow results of wide
/// operations leave bits behind.
const LINT: &str = "/* verilator lint_off UNUSED */\n";

/// Verilator's lint finds nothing in the Verilog of `module`.
pub(crate) fn lint(module: &Arc<Module>) {
    let verilog = crate::emit::emit(module).expect("a block passes the checks");
    let path = folder(&format!("lint-{}", module.name));
    std::fs::write(path.join("dut.v"), format!("{}{verilog}", LINT)).expect("the folder is writable");
    let options =
        ["--lint-only", "-Wall", "-Wno-WIDTH", "-Wno-DECLFILENAME", "--top-module", &module.name, "dut.v"];
    run(Command::new("verilator").args(options).current_dir(&path));
    std::fs::remove_dir_all(path).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Builder, Ops, Ram, concat, lit};
    use tilewright_arch::technology::Technology;

    #[test]
    fn accumulator() {
        let mut b = Builder::new("accumulator", "Sums signed bytes; `clear` starts again.");
        let value = b.input("value", 8);
        let clear = b.input("clear", 1);
        let sum = b.reg_reset("sum", 32);
        let next = b.wire("next_sum", sum + value.sign_extend(32));
        b.set(sum, clear.mux(lit(0, 32), next));
        b.output("total", sum);
        let p = b.multiply("square", Technology::Portable, 3, true, value, value);
        b.output("square_of", p);
        let data = b.ram(
            "words",
            Technology::Portable,
            2,
            Ram {
                depth: 128,
                write_enable: clear.into(),
                write_address: value.truncate(7),
                write_data: concat([sum.truncate(5), (sum + next).slice(3, 7)]),
                read_address: (value + lit(1, 8)).truncate(7),
            },
        );
        b.output("data", data);
        let module = b.finish();
        let mut bench = Bench::new(&module);
        bench.set("value", -3);
        bench.tick();
        bench.tick();
        assert_eq!(bench.get("total").to_i64(), -6);
        bench.tick();
        assert_eq!(bench.get("square_of").to_i64(), 9);
        differential(&Tested::new(module.clone()), 300, 1);
        lint(&module);
    }
}
