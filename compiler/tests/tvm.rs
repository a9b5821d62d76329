//! Relay texts against a real TVM: texts that it writes are read and give what its executor gives, texts that are printed of
//! ONNX models are read by it and give what the model gives.
//!
//! `tests/tvm/make.py` is the half that runs in Python; `docs/relay.md` says how to install that.

mod common;

use common::blessing;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::ArrayD;
use tilewright_compiler::graph::Graph;
use tilewright_compiler::npy::parse_npz;
use tilewright_compiler::{float, onnx, relay};
use tilewright_random::Random;

/// Relative to the largest output: float32 sums in another order, over the layers of a network.
const TOLERANCE: f64 = 1e-4;
/// Least signal to noise of networks of whole numbers, 25 dB: TVM rounds halves up and cuts means off.
const QUANTISED: f64 = 316.0;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that has TVM; `None`, said aloud, where there is none.
fn python() -> Option<String> {
    let python = std::env::var("TILEWRIGHT_TVM_PYTHON").ok();
    let runs = |python: &String| {
        let imported = Command::new(python).args(["-c", "from tvm import relay"]).output();
        imported.is_ok_and(|output| output.status.success())
    };
    let found = python.filter(runs);
    if found.is_none() {
        eprintln!(
            "SKIPPED: TILEWRIGHT_TVM_PYTHON names no Python that imports tvm.relay; docs/relay.md says how to get one"
        );
    }
    found
}

/// ONNX models of this project.
fn models() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for folder in fs::read_dir(here().join("../models")).unwrap() {
        all.push(folder.unwrap().path().join("model.onnx"));
    }
    for file in ["lenet_qdq", "lenet_qoperator", "lenet_weights_uint8_qdq", "blocks_int8", "blocks_uint8"] {
        all.push(here().join(format!("tests/quantised/{file}.onnx")));
    }
    all.retain(|path| path.is_file());
    all.sort();
    all
}

fn make(python: &str, command: &str, folder: &Path, models: &[PathBuf]) -> String {
    let mut run = Command::new(python);
    run.arg(here().join("tests/tvm/make.py")).arg(command).arg(folder);
    if !models.is_empty() {
        run.arg("--onnx").args(models);
    }
    let output = run.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn named(arrays: &[(String, tilewright_compiler::npy::Array)], prefix: &str) -> Vec<ArrayD<f32>> {
    let find = |i: usize| arrays.iter().find(|(name, _)| *name == format!("{prefix}{i}"));
    (0..).map_while(|i| find(i).map(|(_, array)| array.to_ndarray())).collect()
}

/// How two results differ, or nothing.
fn differs(name: &str, got: &[ArrayD<f32>], want: &[ArrayD<f32>]) -> Option<String> {
    if got.len() != want.len() {
        return Some(format!("{} outputs, not {}", got.len(), want.len()));
    }
    for (number, (got, want)) in got.iter().zip(want).enumerate() {
        if got.shape() != want.shape() {
            return Some(format!("output {number} has shape {:?}, not {:?}", got.shape(), want.shape()));
        }
        let pairs = || got.iter().zip(want).map(|(g, w)| (f64::from(*g), f64::from(*w)));
        let largest = pairs().fold(0f64, |m, (_, w)| m.max(w.abs()));
        let apart = pairs().fold(0f64, |m, (g, w)| m.max((g - w).abs()));
        let quantised = ["_qdq", "qoperator", "blocks_", "_integers"].iter().any(|part| name.contains(part));
        let noise: f64 = pairs().map(|(g, w)| (g - w) * (g - w)).sum();
        let signal: f64 = pairs().map(|(_, w)| w * w).sum();
        let close = match quantised {
            true => noise * QUANTISED <= signal,
            false if name.contains("whole") => apart == 0.0,
            false => apart <= TOLERANCE * largest,
        };
        if !close {
            return Some(format!("output {number} is apart by {apart:.3e} of {largest:.3e}"));
        }
    }
    None
}

/// `TILEWRIGHT_TVM_PYTHON=PATH cargo test --release -p tilewright-compiler --test tvm -- --ignored --show-output`
#[test]
#[ignore = "needs TVM: docs/relay.md"]
fn what_tvm_writes_gives_what_tvm_computes() {
    let Some(python) = python() else { return };
    let folder = folder("tvm-writes");
    make(&python, "write", &folder, &[]);
    let index = fs::read_to_string(folder.join("index.txt")).unwrap();
    let (mut equal, mut wrong, mut refused) = (0, String::new(), String::new());
    let written: Vec<&str> = index.lines().filter(|line| !line.contains(':')).collect();
    assert!(written.len() > 100, "{index}");
    for name in &written {
        let arrays = parse_npz(&std::fs::read(folder.join(format!("{name}.npz"))).unwrap()).unwrap();
        match relay::import(&folder.join(format!("{name}.relay"))) {
            Err(e) => _ = writeln!(refused, "{name}: {}", e.report().message),
            Ok(imported) => match float::run(&imported.graph, &named(&arrays, "in_")) {
                Err(e) => _ = writeln!(wrong, "{name}: {e}"),
                Ok(got) => match differs(name, &got, &named(&arrays, "out_")) {
                    Some(how) => _ = writeln!(wrong, "{name}: {how}"),
                    None => equal += 1,
                },
            },
        }
    }
    println!("{} texts, {equal} equal, {} refused:\n{refused}", written.len(), refused.lines().count());
    assert!(wrong.is_empty(), "{wrong}");
    let known = here().join("tests/tvm/refused.txt");
    if blessing() {
        fs::write(&known, &refused).unwrap();
    }
    assert_eq!(
        refused,
        fs::read_to_string(known).unwrap_or_default(),
        "other texts are refused than those known"
    );
}

fn inputs(graph: &Graph) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(7);
    let one = |id| {
        let shape = graph.shape(id);
        let data = random.floats(shape.iter().product());
        let data = match graph.value(id).integer {
            None => data,
            Some(integer) => {
                let [low, high] = integer.ends();
                data.iter().map(|x| (x * 100.0).round().clamp(low.max(0.0), high)).collect()
            }
        };
        ArrayD::from_shape_vec(shape, data).unwrap()
    };
    graph.inputs.iter().copied().map(one).collect()
}

/// As above.
#[test]
#[ignore = "needs TVM: docs/relay.md"]
fn tvm_reads_what_is_printed_of_onnx_models() {
    let Some(python) = python() else { return };
    let folder = folder("tvm-reads");
    let mut all = models();
    let cases = fs::read_dir(here().join("tests/operators")).unwrap().map(|e| e.unwrap().path());
    let mut cases: Vec<PathBuf> = cases.filter(|p| p.extension().is_some_and(|e| e == "onnx")).collect();
    cases.retain(|p| !p.file_stem().unwrap().to_string_lossy().starts_with("refused_"));
    cases.sort();
    all.extend(cases);
    for path in &all {
        let graph = onnx::import(path).unwrap().graph;
        let stem = match path.file_stem().unwrap().to_str().unwrap() {
            "model" => path.parent().unwrap().file_name().unwrap().to_str().unwrap(),
            stem => stem,
        };
        let given = inputs(&graph);
        let outputs = float::run(&graph, &given).unwrap();
        fs::write(folder.join(format!("{stem}.relay")), relay::print(&graph, relay::Data::Full)).unwrap();
        let arrays = given.iter().enumerate().map(|(i, a)| (format!("in_{i}"), a));
        let arrays = arrays.chain(outputs.iter().enumerate().map(|(i, a)| (format!("out_{i}"), a)));
        for (name, array) in arrays {
            let data: Vec<f32> = array.iter().copied().collect();
            let bytes = tilewright_compiler::npy::npy_f32(array.shape(), &data);
            fs::write(folder.join(format!("{stem}.{name}.npy")), bytes).unwrap();
        }
    }
    let said = make(&python, "read", &folder, &[]);
    let (mut equal, mut own, mut rest) = (0, 0, String::new());
    for line in said.lines() {
        let (name, what) = line.split_once(": ").unwrap();
        let quantised = name.contains("qdq") || name.contains("qoperator") || name.contains("blocks_");
        match what.split_once(' ') {
            Some(("differs", by))
                if by.parse::<f64>().unwrap() <= if quantised { 0.05 } else { TOLERANCE } =>
            {
                equal += 1
            }
            Some(("own", _)) => own += 1,
            _ => _ = writeln!(rest, "{line}"),
        }
    }
    println!("{} texts, {equal} equal, {own} with operators that Relay lacks, else:\n{rest}", all.len());
    let known = here().join("tests/tvm/unread.txt");
    let rest: String = rest.lines().map(|line| format!("{}\n", line.split(": ").next().unwrap())).collect();
    if blessing() {
        fs::write(&known, &rest).unwrap();
    }
    assert_eq!(rest, fs::read_to_string(known).unwrap_or_default(), "TVM reads others than those known");
}
