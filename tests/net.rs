//! A compiled network from Rust: plain data, and errors whose parts can be read.

mod common;

use common::{folder, lenet, text, tilewright};
use std::path::PathBuf;
use tilewright::net::ndarray::ArrayD;
use tilewright::net::{Layer, LayerCycles, Net, Output, Place, Proof};

fn compiled(name: &str) -> PathBuf {
    let net = folder(name).join("net.tw");
    let done = tilewright(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    net
}

/// As an object whose text was read: some floats are not read to the last bit.
fn as_told(rows: &impl serde::Serialize) -> serde_json::Value {
    serde_json::from_str(&serde_json::to_string(rows).unwrap()).unwrap()
}

/// It says what the command line says of the same network.
#[test]
fn it_runs_and_verifies_as_the_command_line_does() {
    let path = compiled("net-runs");
    let net = Net::load(&path).unwrap();
    let run = net.run(net.sample()).unwrap();
    let told = tilewright(&["simulate", path.to_str().unwrap(), "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["cycles"], run.cycles);
    assert_eq!(told["layers"].as_array().unwrap().len(), run.layers.len());
    for (row, told) in run.layers.iter().zip(told["layers"].as_array().unwrap()) {
        assert_eq!(as_told(row), *told);
        // The layer of that id says so as well.
        let [id] = row.ids[..] else { panic!("{row:?}") };
        assert!(row.report.name == net.layers()[id].nodes[0], "{row:?}");
    }
    assert_eq!(run.layers.iter().map(|layer| layer.report.cycles).sum::<u64>(), run.cycles);
    assert_eq!([&told["dram_read_bytes"], &told["dram_write_bytes"]], run.bytes.each_ref());
    // Whoever depends on the crate alone can name what it gets.
    let cycles: &LayerCycles = &run.layers[0].report;
    assert!(cycles.cycles > 0);
    let place: Option<&Place> = net.outputs()[0].place.as_ref();
    assert!(place.is_some_and(|place| place.stage == 0));
    let layers: &[Layer] = net.layers();
    let outputs: &[Output] = net.outputs();
    let [output] = outputs else { panic!("{:?}", net.outputs()) };
    assert_eq!(run.outputs[0].shape(), output.shape);
    assert!(layers.iter().all(|layer| layers[layer.id] == *layer));
    let proof: Proof = net.verify(net.sample()).unwrap();
    assert!(proof.holds() && proof.assurance.is_some());
    let traces = net.trace().unwrap();
    let last = traces[0].lines.iter().map(|line| line.done).max().unwrap();
    assert!(last < run.cycles && last + 64 > run.cycles, "{last} of {}", run.cycles);
}

/// Rows of cycles have the ids of their layers also where the source, which says them, was left out.
#[test]
fn rows_have_ids_without_a_source() {
    let rows = |more: &[&str]| {
        let net = folder("net-ids").join("net.tw");
        let to = net.to_str().unwrap();
        let done = tilewright(&[&["compile", &lenet(), "--array", "4x4", "-o", to], more].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        let told = tilewright(&["simulate", to, "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        let net = Net::load(&net).unwrap();
        let run = net.run(net.sample()).unwrap();
        assert_eq!(as_told(&run.layers), told["layers"]);
        run.layers
    };
    let whole = rows(&[]);
    assert!(whole.len() > 5 && whole.iter().all(|row| row.ids.len() == 1), "{whole:?}");
    assert_eq!(rows(&["--no-source"]), whole);
}

/// Each error has its place and says what to try.
#[test]
fn errors_keep_their_parts() {
    let path = compiled("net-errors");
    let missing = Net::load(path.with_file_name("nothing.tw")).unwrap_err();
    assert!(missing.report().file.as_deref().is_some_and(|file| file.ends_with("nothing.tw")), "{missing}");
    assert!(missing.report().hint.is_some(), "{missing}");
    let net = Net::load(&path).unwrap();
    for inputs in [vec![], vec![ArrayD::zeros(vec![1, 2, 3])]] {
        let error = net.run(&inputs).unwrap_err();
        assert!(error.report().hint.is_some() && !error.report().defect, "{error}");
        assert_eq!(net.verify(&inputs).unwrap_err(), error);
    }
    for entry in std::fs::read_dir(&path).unwrap() {
        let file = entry.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        std::fs::write(&file, flipped).unwrap();
        let error = Net::load(&path).unwrap_err();
        let (report, name) = (error.report(), file.file_name().unwrap().to_str().unwrap());
        assert!(report.file.as_deref().is_some_and(|file| file.ends_with(name)), "{name}: {error}");
        assert!(report.stage == "artefact" && report.hint.is_some() && !report.defect, "{error}");
        std::fs::write(&file, bytes).unwrap();
    }
}
