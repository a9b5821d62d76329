//! Relay texts in TVM's style against results that numpy computed.
//!
//! `tests/relay/make.py` writes the texts, their `.params` files and the results. A text `refused_*`
//! must be refused with the text in its `.expect` file; `BLESS=1` rewrites those files for review.

mod common;

use common::blessing;
use std::fs;
use std::path::{Path, PathBuf};
use tilewright_random::Random;

use ndarray::ArrayD;
use tilewright_compiler::graph::Graph;
use tilewright_compiler::npy::parse_npz;
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
        let arrays = parse_npz(&std::fs::read(case.with_extension("npz")).unwrap()).unwrap();
        let named = |prefix: &str| -> Vec<_> {
            let count = arrays.iter().filter(|(n, _)| n.starts_with(prefix)).count();
            let find = |i| arrays.iter().find(|(n, _)| *n == format!("{prefix}{i}")).unwrap();
            (0..count).map(|i| find(i).1.to_ndarray()).collect()
        };
        let (inputs, expected) = (named("in_"), named("out_"));
        let again = relay::print(&graph, relay::Data::Full);
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
        let text = relay::print(&graph, relay::Data::Full);
        let back = relay::parse(&text, &graph.name, &Params::default());
        let back = back.unwrap_or_else(|e| panic!("{}: {e}", stem(case))).graph;
        assert_eq!(back.nodes.len(), graph.nodes.len(), "{}", stem(case));
        for (a, b) in back.nodes.iter().zip(&graph.nodes) {
            assert_eq!((&a.name, &a.op), (&b.name, &b.op), "{}", stem(case));
        }
        // Printing is a function of the graph: what it misses would differ the second time.
        assert_eq!(relay::print(&back, relay::Data::Full), text, "{}", stem(case));
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
        if blessing() {
            fs::write(&expect, &e).unwrap();
        }
        assert_eq!(e, fs::read_to_string(&expect).unwrap_or_default(), "{name}");
        count += 1;
    }
    assert!(count > 15, "the cases are part of the project");
}

/// Operators that ONNX has too, against what ONNX Runtime stored of them.
#[test]
fn operators_of_both_texts_give_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operators");
    let rows = [
        ("lrn", "(1, 6, 4, 4)", "nn.lrn(%x, size=5, axis=1, bias=1.5f, alpha=0.3f, beta=0.6f)"),
        ("argmax", "(3, 5, 2)", "argmax(%x, axis=[1], keepdims=True)"),
        ("argmin_flat", "(3, 5)", "argmin(%x, axis=[-1])"),
        ("relu", "(1, 4, 7, 9)", "maximum(%x, zeros_like(%x))"),
        ("relu", "(1, 4, 7, 9)", "reshape_like(reshape(nn.relu(%x), newshape=[-1]), %x)"),
        ("relu", "(1, 4, 7, 9)", "maximum(%x, broadcast_to_like(full_like(%x, 0f), %x))"),
    ];
    for (case, shape, call) in rows {
        let arrays = parse_npz(&std::fs::read(folder.join(format!("{case}.npz"))).unwrap()).unwrap();
        let array = |name: &str| arrays.iter().find(|(n, _)| n == name).unwrap().1.to_ndarray();
        let text = format!("def @main(%x: Tensor[{shape}, float32]) {{ {call} }}");
        let graph = relay::parse(&text, "net.relay", &Params::default()).unwrap().graph;
        let got = float::run(&graph, &[array("in0")]).unwrap().remove(0);
        let want = array("out0");
        assert_eq!(got.shape(), want.shape(), "{call}");
        let apart = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
        assert!(apart < 1e-5, "{call}: {apart}");
    }
}

/// A line is convolved as the image of height 1 is.
#[test]
fn lines_are_images_of_height_1() {
    let parse = |text: &str| relay::parse(text, "net.relay", &Params::default()).unwrap().graph;
    let line = parse(
        "def @main(%x: Tensor[(1, 4, 9), float32], %w: Tensor[(6, 2, 3), float32]) { \
         nn.conv1d(%x, %w, strides=[2], padding=[1, 2], groups=2, channels=6, kernel_size=[3]) }",
    );
    let image = parse(
        "def @main(%x: Tensor[(1, 4, 1, 9), float32], %w: Tensor[(6, 2, 1, 3), float32]) { \
         nn.conv2d(%x, %w, strides=[1, 2], padding=[0, 1, 0, 2], groups=2, channels=6, kernel_size=[1, 3]) }",
    );
    let mut random = Random::new(3);
    let (x, w) = (random.floats(36), random.floats(36));
    let run = |graph: &Graph, x_shape: &[usize], w_shape: &[usize]| {
        let array = |shape: &[usize], data: &[f32]| ArrayD::from_shape_vec(shape, data.to_vec()).unwrap();
        float::run(graph, &[array(x_shape, &x), array(w_shape, &w)]).unwrap().remove(0)
    };
    let (line, image) = (run(&line, &[1, 4, 9], &[6, 2, 3]), run(&image, &[1, 4, 1, 9], &[6, 2, 1, 3]));
    assert_eq!(line.shape(), [1, 6, 5]);
    assert!(line.iter().eq(image.iter()));
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
    assert!(!known("nn.sparse_dense"));
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
