//! Relay texts in TVM's style against results that numpy computed.
//!
//! `tests/relay/make.py` writes the texts, their `.params` files and the results. A text `refused_*`
//! must be refused with the text in its `.expect` file; `BLESS=1` rewrites those files for review.

use std::fs;
use std::path::{Path, PathBuf};
use tilewright_random::Random;

use tilewright_compiler::graph::Data;
use tilewright_compiler::npy::read_npz;
use tilewright_compiler::relay::{self, Params};
use tilewright_compiler::{float, onnx, simplify};

/// Relative to the largest output: float32 sums of up to a hundred terms in another order.
const TOLERANCE: f32 = 2e-6;

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(folder).expect("the cases are part of the project");
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == extension));
    files.sort();
    files
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|s| s.to_str()).unwrap()
}

#[test]
fn texts_match_numpy() {
    let cases = files("relay", "relay");
    assert!(cases.len() > 12, "the cases are part of the project");
    for case in cases.iter().filter(|c| !stem(c).starts_with("refused_")) {
        let graph = relay::import(case).unwrap().graph;
        let arrays = read_npz(&case.with_extension("npz")).unwrap();
        let named = |prefix: &str| -> Vec<_> {
            let count = arrays.iter().filter(|(n, _)| n.starts_with(prefix)).count();
            let find = |i| arrays.iter().find(|(n, _)| *n == format!("{prefix}{i}")).unwrap();
            (0..count).map(|i| find(i).1.to_ndarray()).collect()
        };
        let (inputs, expected) = (named("in_"), named("out_"));
        let again = relay::print(&graph, Data::Full);
        let again = relay::parse(&again, "printed", &Params::default()).unwrap().graph;
        let simple = simplify::run(graph.clone()).unwrap();
        for graph in [graph, again, simple] {
            let results = float::run(&graph, &inputs).unwrap();
            assert_eq!(results.len(), expected.len(), "{}", stem(case));
            for (number, (y, e)) in results.iter().zip(&expected).enumerate() {
                assert_eq!(y.shape(), e.shape(), "{} result {number}", stem(case));
                let scale = e.iter().fold(0f32, |m, v| m.max(v.abs()));
                for (y, e) in y.iter().zip(e) {
                    let close = (y - e).abs() <= TOLERANCE * scale;
                    assert!(close, "{} result {number}: {y} is not {e}", stem(case));
                }
            }
        }
    }
}

/// Between the layers of an NHWC network no Transpose is left but one at each end.
#[test]
fn images_become_nchw_once() {
    let tflite = files("relay", "relay").into_iter().find(|p| stem(p) == "tflite").unwrap();
    let graph = relay::import(&tflite).unwrap().graph;
    let names: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
    let first = ["Transpose", "Conv", "Clip", "Conv", "Mul", "Add", "Concat", "Slice", "AveragePool"];
    assert_eq!(names[..9], first, "{names:?}");
    assert_eq!(names.iter().filter(|n| **n == "Transpose").count(), 3, "{names:?}");
}

/// Every operator of the ONNX importer survives printing and parsing.
#[test]
fn onnx_operators_survive_the_round_trip() {
    for case in files("operators", "onnx").iter().filter(|c| !stem(c).starts_with("refused_")) {
        let graph = onnx::import(case).unwrap().graph;
        let text = relay::print(&graph, Data::Full);
        let back = relay::parse(&text, &graph.name, &Params::default()).unwrap().graph;
        assert_eq!(back.nodes.len(), graph.nodes.len(), "{}", stem(case));
        for (a, b) in back.nodes.iter().zip(&graph.nodes) {
            assert_eq!((&a.name, &a.op), (&b.name, &b.op), "{}", stem(case));
        }
        // Printing is a function of the graph: what it misses would differ the second time.
        assert_eq!(relay::print(&back, Data::Full), text, "{}", stem(case));
    }
}

#[test]
fn refusals_say_where_and_why() {
    let cases = files("relay", "relay");
    let mut count = 0;
    for case in cases.iter().filter(|c| stem(c).starts_with("refused_")) {
        let text = fs::read_to_string(case).unwrap();
        let name = format!("{}.relay", stem(case));
        let e = format!("{}\n", relay::parse(&text, &name, &Params::default()).unwrap_err());
        let expect = case.with_extension("expect");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expect, &e).unwrap();
        }
        assert_eq!(e, fs::read_to_string(&expect).unwrap_or_default(), "{name}");
        count += 1;
    }
    assert!(count > 15, "the cases are part of the project");
}

/// The operators that `docs/relay.md` lists are those that the table of operators has.
#[test]
fn documented_operators_are_known() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/relay.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| |"));
    let names: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 80, "{names:?}");
    let known = |name: &str| {
        let text = format!("def @main(%x: Tensor[(1), float32]) {{ {name}(%x) }}");
        let result = relay::parse(&text, "net.relay", &Params::default());
        !result.is_err_and(|e| e.to_string().contains("the operator is not supported"))
    };
    for name in names {
        assert!(known(name), "{name}");
    }
    assert!(!known("nn.lrn"));
}

/// Every operator of the cases with damaged operands and attributes: refused with a place, or a graph.
#[test]
fn damaged_cases_never_panic() {
    let mut random = Random::new(5);
    let (mut read, mut refused) = (0, 0);
    for case in files("relay", "relay") {
        let text = fs::read_to_string(&case).unwrap();
        let params = case.with_extension("params");
        let params = match fs::read(&params) {
            Ok(bytes) => Params::read(&bytes, "net.params").unwrap(),
            Err(_) => Params::default(),
        };
        let (body, meta) = text.split_once("#[metadata]").unwrap_or((&text, ""));
        let meta = if meta.is_empty() { String::new() } else { format!("#[metadata]{meta}") };
        let words: Vec<&str> = body.split_inclusive([' ', '(', ')', ',', '=', '[', ']', '\n']).collect();
        for _ in 0..200 {
            let mut damaged = words.clone();
            for _ in 0..1 + random.below(2) {
                let (at, other) = (random.below(words.len()), random.below(words.len()));
                match random.below(4) {
                    0 => damaged[at] = words[other],
                    1 => damaged[at] = "",
                    2 => {
                        damaged[at] = ["-1,", "0,", "7]", "2147483647,", "1f", "None", "[]"][random.below(7)]
                    }
                    _ => damaged.swap(at, other),
                }
            }
            match relay::parse(&format!("{}{meta}", damaged.concat()), "net.relay", &params) {
                Ok(imported) => {
                    imported.graph.verify().unwrap();
                    read += 1;
                }
                Err(e) => {
                    assert!(e.to_string().starts_with("error[import]: net.relay"), "{e}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 300 && refused > 3000, "{read} read, {refused} refused");
}
