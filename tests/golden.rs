//! Every stage of the compiler as text, of six small networks of different kinds, and the Verilog of a 4x4
//! machine: what a change of the compiler changes is read in the difference.
//!
//! `BLESS=1 cargo test --test golden` writes the texts anew; it refuses where `CI` is set. The
//! networks are in `golden/networks.rs`, the texts in `golden/NETWORK/`.

mod common;
#[path = "golden/networks.rs"]
mod networks;

use ndarray::{ArrayD, IxDyn};
use std::path::{Path, PathBuf};
use tilewright::model::Model;
use tilewright::pipeline::{self, Compiled};
use tilewright_arch::{Config, asm};
use tilewright_compiler::graph::Graph;
use tilewright_compiler::{quantise, relay, simplify};
use tilewright_hdl::generate;
use tilewright_random::Random;

/// Calibration samples.
const SAMPLES: u64 = 4;

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The first line in which two texts differ, with its number.
fn difference(kept: &str, made: &str) -> Option<String> {
    let (mut kept, mut made) = (kept.lines(), made.lines());
    for number in 1.. {
        match (kept.next(), made.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_string();
                return Some(format!("line {number}\n  kept {}\n  made {}", shown(a), shown(b)));
            }
        }
    }
    unreachable!("texts end")
}

/// Holds texts against the kept ones, or writes them.
fn hold(texts: &[(String, String)]) {
    let bless = common::blessing();
    let mut changed = Vec::new();
    for (name, made) in texts {
        let path = place(name);
        if bless {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, made).unwrap();
            continue;
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        changed.extend(difference(&kept, made).map(|d| format!("{name}, {d}")));
    }
    assert!(
        changed.is_empty(),
        "{}\nif that is meant: BLESS=1 cargo test --test golden, and read the difference",
        changed.join("\n")
    );
}

/// FNV-1a of 64 bits: a memory image in one line.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

fn samples(graph: &Graph) -> Vec<Vec<ArrayD<f32>>> {
    let mut random = Random::new(7);
    let mut one = |shape: &[usize]| {
        ArrayD::from_shape_vec(IxDyn(shape), random.floats(shape.iter().product())).unwrap()
    };
    (0..SAMPLES).map(|_| graph.inputs.iter().map(|&id| one(graph.shape(id))).collect()).collect()
}

fn program(compiled: &Compiled) -> String {
    let one = |(stage, schedule): (usize, &tilewright_compiler::schedule::Schedule)| {
        let image = schedule.program.image().unwrap();
        let cycles = tilewright_timing::time(&schedule.program, false).unwrap().cycles;
        let told = format!(
            "// stage {stage}: {cycles} cycles, an image of {} bytes, FNV-1a {:016x}\n",
            image.len(),
            digest(&image)
        );
        told + &asm::print(&schedule.program)
    };
    compiled.programs().map(one).collect()
}

fn stages(name: &str, graph: Graph) {
    let simplified = simplify::run(graph.clone()).unwrap();
    let model = Model { path: PathBuf::from(name), imported: graph, graph: simplified, warnings: vec![] };
    let calibration = samples(&model.graph);
    let config = Config::sized(4, 4);
    let options = quantise::Options::default();
    let compiled = pipeline::compile(&model, &calibration, &options, &config).unwrap();
    let texts = [
        ("graph.relay", relay::print(&model.imported, relay::Data::Elided)),
        ("simplified.relay", relay::print(&model.graph, relay::Data::Elided)),
        ("fixed.txt", compiled.network.to_string()),
        ("schedule.txt", compiled.programs().map(|(_, s)| s.plan.to_string()).collect()),
        ("program.tasm", program(&compiled)),
    ];
    hold(&texts.map(|(stage, text)| (format!("{name}/{stage}"), text)));
}

#[test]
fn residual() {
    stages("residual", networks::residual());
}

#[test]
fn depthwise() {
    stages("depthwise", networks::depthwise());
}

#[test]
fn unet() {
    stages("unet", networks::unet());
}

#[test]
fn transformer() {
    stages("transformer", networks::transformer());
}

#[test]
fn lstm() {
    stages("lstm", networks::lstm());
}

#[test]
fn quantised() {
    stages("quantised", networks::quantised());
}

#[test]
fn verilog_of_a_4x4() {
    hold(&[("machine_4x4.v".to_string(), generate(&Config::sized(4, 4)).unwrap())]);
}

#[test]
fn a_difference_is_shown_by_line() {
    assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    let told = difference("a\nb\n", "a\nc\n").unwrap();
    assert!(told.contains("line 2") && told.contains("kept b") && told.contains("made c"), "{told}");
    assert!(difference("a\n", "a\nb\n").unwrap().contains("(the end)"));
}
