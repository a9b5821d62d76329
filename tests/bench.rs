//! The test bench that `generate` writes says `equal` of what it should, and nothing else.

mod common;

use ndarray::ArrayD;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tilewright::artefact::Golden;
use tilewright::bench::bench;
use tilewright::model::{Model, samples};
use tilewright::pipeline::{self, Compiled};
use tilewright_arch::{Config, registers};
use tilewright_compiler::graph::{Graph, Op, Window};
use tilewright_compiler::{quantise, simplify};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A fresh folder with the bench of a network and the Verilog of its machine.
fn written(name: &str, compiled: &Compiled, golden: &Golden) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tilewright-bench-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    for (name, bytes) in bench(compiled, golden).unwrap() {
        std::fs::write(path.join(name), bytes).unwrap();
    }
    std::fs::write(path.join("tilewright.v"), tilewright_hdl::generate(&compiled.config).unwrap()).unwrap();
    if let Some(controller) = tilewright_hdl::sdram(&compiled.config).unwrap() {
        std::fs::write(path.join("sdram.v"), controller).unwrap();
    }
    path
}

fn run(folder: &Path, command: &str, args: &[&str]) -> Output {
    let output = Command::new(command).args(args).current_dir(folder).output();
    output.unwrap_or_else(|e| panic!("{command} cannot be started: {e}; ./run-tests installs it"))
}

/// Built with Icarus Verilog and run: what it prints, and whether it ends well.
fn icarus(folder: &Path, args: &[&str]) -> (String, bool) {
    let built = run(folder, "iverilog", &["-g2012", "-o", "bench", "-c", "files.f"]);
    assert!(built.status.success(), "{}", text(&built));
    let ran = run(folder, "vvp", &[&["bench"], args].concat());
    (text(&ran), ran.status.success())
}

fn verilator(folder: &Path, args: &[&str]) -> (String, bool) {
    let build = ["--binary", "-Wno-fatal", "--top-module", "bench", "-f", "files.f"];
    let built = run(folder, "verilator", &build);
    assert!(built.status.success(), "{}", text(&built));
    let ran = run(folder, "obj_dir/Vbench", args);
    (text(&ran), ran.status.success())
}

/// A 1x1 convolution of four pixels.
fn tiny(config: &Config) -> (Compiled, Golden) {
    let mut graph = Graph::new("tiny");
    let x = graph.input("x", &[1, 2, 2, 2]).unwrap();
    let w = graph.constant("w", &[3, 2, 1, 1], vec![1.0, -0.5, 0.25, 2.0, -1.0, 0.5]).unwrap();
    let y = graph.node("conv", Op::Conv { window: Window::UNIT, groups: 1 }, &[x, w]).unwrap();
    graph.outputs.push(y);
    let simplified = simplify::run(graph.clone()).unwrap();
    let model = Model { path: PathBuf::new(), imported: graph, graph: simplified, warnings: vec![] };
    let sample = ArrayD::from_shape_fn(vec![1, 2, 2, 2], |i| 0.3 * (i[1] + 2 * i[2] + i[3]) as f32 - 0.5);
    let options = quantise::Options::default();
    let compiled = pipeline::compile(&model, &[vec![sample.clone()]], &options, config).unwrap();
    let golden = Golden::of(&compiled, vec![sample]).unwrap();
    (compiled, golden)
}

fn compiled(name: &str, config: &Config) -> (Compiled, Golden) {
    let model = Model::read(&common::model(name)).unwrap();
    let calibration = model.calibration(None).unwrap();
    let compiled = pipeline::compile(&model, &calibration, &quantise::Options::default(), config).unwrap();
    let input = samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    let golden = Golden::of(&compiled, input).unwrap();
    (compiled, golden)
}

/// One byte of the output or one cycle that is not the simulator's is found, and ends in a failing status.
#[test]
fn a_wrong_byte_and_a_wrong_cycle_are_found() {
    let (compiled, golden) = tiny(&Config::sized(4, 4));
    let folder = written("right", &compiled, &golden);
    let (right, ended) = icarus(&folder, &[]);
    assert!(ended && right.contains("\nequal\n"), "{right}");
    let (paused, ended) = icarus(&folder, &["+pause=7"]);
    assert!(ended && paused.contains("\nequal\n"), "{paused}");
    let cycles = |text: &str| text.lines().next().map(str::to_owned);
    assert_ne!(cycles(&right), cycles(&paused), "the memory did not pause");
    let mut other = golden.clone();
    other.stages[0].outputs[0][5] ^= 1;
    let (wrong, ended) = icarus(&written("byte", &compiled, &other), &[]);
    assert!(!ended && wrong.contains("byte 5 of the output") && wrong.contains("DIFFERENT"), "{wrong}");
    let mut other = golden;
    other.stages[0].cycles += 1;
    let (wrong, ended) = icarus(&written("cycle", &compiled, &other), &[]);
    assert!(!ended && wrong.contains("the simulator has") && wrong.contains("DIFFERENT"), "{wrong}");
}

/// On a board the bench has its memory: controller and chip.
#[test]
fn a_board_has_its_memory() {
    let board = tilewright::targets::resolve(Some("ulx3s-25f"), None, None).unwrap();
    let (compiled, mut golden) = tiny(&board);
    let (right, ended) = icarus(&written("board", &compiled, &golden), &[]);
    assert!(ended && right.contains("\nequal\n"), "{right}");
    golden.stages[0].cycles += 1;
    let (wrong, ended) = icarus(&written("board-cycle", &compiled, &golden), &[]);
    assert!(!ended && wrong.contains("the simulator has") && wrong.contains("DIFFERENT"), "{wrong}");
}

/// A host on the AXI4-Lite slave gets the same bytes and cycles.
#[test]
fn a_host_on_axi_lite_runs_the_machine() {
    let config = Config::sized(4, 4);
    let (compiled, golden) = tiny(&config);
    let folder = written("axi-lite", &compiled, &golden);
    std::fs::write(folder.join("tilewright.v"), tilewright_hdl::generate_axi_lite(&config).unwrap()).unwrap();
    let bench = std::fs::read_to_string(folder.join("bench.v")).unwrap();
    let (head, rest) = bench.split_once("    task write(").unwrap();
    let (_, tail) = rest.split_once("    task list(").unwrap();
    let (before, ports) = head.split_once("    tilewright machine (").unwrap();
    let (_, ports) = ports.split_once(".axi_arready").unwrap();
    let host = include_str!("common/axi_lite.v");
    let slave = "        .clock(clock), .reset(reset), .done(done),
        .s_axi_awvalid(lite_awvalid), .s_axi_awready(lite_awready), .s_axi_awaddr({register_address, 2'd0}),
        .s_axi_wvalid(lite_wvalid), .s_axi_wready(lite_wready), .s_axi_wdata(register_write_data),
        .s_axi_wstrb(4'hf), .s_axi_bvalid(lite_bvalid), .s_axi_bready(1'b1), .s_axi_bresp(lite_bresp),
        .s_axi_arvalid(lite_arvalid), .s_axi_arready(lite_arready), .s_axi_araddr({register_address, 2'd0}),
        .s_axi_rvalid(lite_rvalid), .s_axi_rready(1'b1), .s_axi_rdata(register_read_data), .s_axi_rresp(lite_rresp),
        .axi_arready";
    let changed =
        format!("{before}{host}    tilewright_axi_lite machine (\n{slave}{ports}    task list({tail}");
    std::fs::write(folder.join("bench.v"), changed).unwrap();
    let (printed, ended) = icarus(&folder, &[]);
    assert!(ended && printed.contains("\nequal\n"), "{printed}");
}

/// The Verilog of another machine runs nothing of a program, and the bench says why.
#[test]
fn another_machine_runs_nothing() {
    let (compiled, golden) = tiny(&Config::sized(4, 4));
    let folder = written("foreign", &compiled, &golden);
    let other = tilewright_hdl::generate(&Config::sized(4, 5)).unwrap();
    std::fs::write(folder.join("tilewright.v"), other).unwrap();
    let (printed, ended) = icarus(&folder, &[]);
    let bit = registers::ERRORS.iter().position(|error| error.name == "foreign_program").unwrap();
    for part in ["the machine runs programs of key".into(), format!("errors {}\n", 1 << bit)] {
        assert!(!ended && printed.contains(&part), "{part}: {printed}");
    }
}

/// A digit, read by the machine's Verilog; its class is the number of the largest output.
#[test]
fn a_digit_is_read() {
    let (compiled, golden) = compiled("lenet_mnist", &Config::sized(4, 4));
    let class = golden.outputs[0].iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    let (printed, ended) = icarus(&written("digit", &compiled, &golden), &[]);
    let line = format!("the largest is number {class}\nequal\n");
    assert!(ended && printed.contains(&line), "{printed}");
}

/// The same in Verilator, on the array of a board in the form of its technology, and in several stages with the
/// host between them: `./run-tests --long`.
#[test]
#[ignore = "Verilator builds three machines, some minutes; ./run-tests --long runs it"]
fn verilator_agrees() {
    let board = tilewright::targets::resolve(Some("ulx3s-85f"), None, None).unwrap();
    let cases =
        [("lenet_mnist", Config::sized(4, 4)), ("lenet_mnist", board), ("vit_mnist", Config::sized(4, 4))];
    for (n, (name, config)) in cases.into_iter().enumerate() {
        let (compiled, golden) = compiled(name, &config);
        let (printed, ended) = verilator(&written(&format!("verilator-{n}"), &compiled, &golden), &[]);
        assert!(ended && printed.contains("\nequal\n"), "{name} on {}: {printed}", config.name);
    }
}

/// The list of ports has those of the module's head, with the widths that the configuration asks for.
#[test]
fn ports_are_listed_with_their_widths() {
    let mut config = Config::sized(9, 16);
    config.memory.bus_bytes = 8;
    let verilog = tilewright_hdl::generate(&config).unwrap();
    let listed = tilewright::bench::ports(&config, false).unwrap();
    let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let head = verilog.rsplit("\nmodule tilewright(").next().unwrap().split(");").next().unwrap();
    let names: Vec<&str> = head.split(',').map(str::trim).collect();
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), names);
    let wanted = [
        ["clock", "input", "1"],
        ["register_address", "input", "4"],
        ["axi_wdata", "output", "64"],
        ["axi_wstrb", "output", "8"],
        ["axi_rdata", "input", "64"],
        ["unit_done", "output", "4"],
    ];
    for row in wanted {
        assert!(rows.contains(&row.to_vec()), "{row:?}:\n{listed}");
    }
}

/// `docs/interface.md` names every port of the machine, with its width, every register and every error.
#[test]
fn the_interface_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/interface.md");
    let text = std::fs::read_to_string(path).unwrap();
    let ports = |name: &str, verilog: &str| -> Vec<String> {
        let module = verilog.split(&format!("\nmodule {name}(")).nth(1).unwrap();
        let header = module.split(");").next().unwrap();
        header.split(',').map(|port| port.trim().to_owned()).collect()
    };
    let mut all = ports("tilewright", &tilewright_hdl::generate(&Config::sized(4, 4)).unwrap());
    all.extend(ports(
        tilewright_hdl::axi_lite::TOP,
        &tilewright_hdl::generate_axi_lite(&Config::sized(4, 4)).unwrap(),
    ));
    assert!(all.len() > 60, "{all:?}");
    for port in all {
        assert!(text.contains(&format!("`{port}`")), "port {port}");
    }
    let error = |(bit, error): (usize, &registers::ErrorBit)| {
        format!("| {bit} | `{}` | {} |\n", error.name, error.meaning)
    };
    let errors: String = registers::ERRORS.iter().enumerate().map(error).collect();
    for table in [registers::table(), format!("| bit | name | |\n|---|---|---|\n{errors}")] {
        assert!(text.contains(&table), "docs/interface.md should have this table:\n{table}");
    }
}
