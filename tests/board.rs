//! Networks on the simulated Verilog of a board, down to its serial line, driven by the code that drives a board.

mod common;

use common::{folder, lenet, text, tilewright};
use std::path::PathBuf;

/// The artefact of the network of digits for a 4x4, compiled once.
fn artefact() -> PathBuf {
    static MADE: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let make = || {
        let path = folder("board").join("lenet.tw");
        let out = path.display().to_string();
        let output = tilewright(&["compile", &lenet(), "--array", "4x4", "-o", &out, "-q"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        path
    };
    MADE.get_or_init(make).clone()
}

/// Three digits through the serial line: bytes, outputs and cycles are the simulator's.
#[test]
fn digits_run_on_the_simulated_board() {
    let path = artefact().display().to_string();
    let samples = common::model("lenet_mnist").join("calib.npz");
    let few = folder("few");
    let graph = tilewright::artefact::Artefact::read(&artefact()).unwrap().interface;
    let images = tilewright::model::samples(&graph, &samples).unwrap();
    let three: Vec<f32> = images[..3].iter().flat_map(|inputs| inputs[0].iter().copied()).collect();
    let input = few.join("three.npy");
    std::fs::write(&input, tilewright_compiler::npy::npy_f32(&[3, 1, 28, 28], &three)).unwrap();
    let input = input.display().to_string();
    let out = few.join("out");
    let asked = ["run", &path, "--simulated", "--input", &input, "--check", "--json"];
    let output = tilewright(&[&asked[..], &["-o", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["samples"], 3);
    assert_eq!(object["differences"].as_array().unwrap().len(), 0);
    assert_eq!(object["cycles_are_exact"], true);
    let simulated = tilewright(&["simulate", &path, "--json"]);
    let simulated: serde_json::Value = serde_json::from_slice(&simulated.stdout).unwrap();
    for cycles in object["cycles"].as_array().unwrap() {
        assert_eq!(cycles, &simulated["cycles"]);
    }
    assert!(out.join("sample_2_output_0.npy").is_file());
}
