//! One small model per operator and attribute, against what ONNX Runtime computed for it.
//!
//! `tests/operators/make.py` makes the models and runs ONNX Runtime. A model `refused_*` must be
//! refused with the text in its `.expect` file; `BLESS=1` rewrites those files for review.

mod common;

use common::blessing;
use std::fs;
use std::path::PathBuf;

use tilewright_compiler::npy::parse_npz;
use tilewright_compiler::{float, onnx, simplify};

/// Relative to the largest output: float32 sums of up to a hundred terms in another order.
const TOLERANCE: f32 = 1e-6;

fn cases() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/operators");
    let entries = fs::read_dir(folder).expect("the cases are part of the project");
    let mut cases: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    cases.retain(|p| p.extension().is_some_and(|e| e == "onnx"));
    cases.sort();
    assert!(cases.len() > 80, "the cases are part of the project");
    cases
}

fn stem(path: &std::path::Path) -> &str {
    path.file_stem().and_then(|s| s.to_str()).unwrap()
}

#[test]
fn operators_match_onnx_runtime() {
    for case in cases() {
        if stem(&case).starts_with("refused_") {
            continue;
        }
        let graph = onnx::import(&case).unwrap().graph;
        let arrays = parse_npz(&std::fs::read(case.with_extension("npz")).unwrap()).unwrap();
        let named = |prefix: &str| {
            let of_kind = arrays.iter().filter(|(n, _)| n.starts_with(prefix));
            of_kind.map(|(_, a)| a.to_ndarray()).collect::<Vec<_>>()
        };
        let (inputs, expected) = (named("in"), named("out"));
        let simple = simplify::run(graph.clone()).unwrap();
        for graph in [graph, simple] {
            let results = float::run(&graph, &inputs).unwrap();
            assert_eq!(results.len(), expected.len(), "{}", stem(&case));
            for (y, e) in results.iter().zip(&expected) {
                assert_eq!(y.shape(), e.shape(), "{}", stem(&case));
                let scale = e.iter().fold(0f32, |m, v| m.max(v.abs()));
                for (y, e) in y.iter().zip(e) {
                    let close = (y - e).abs() <= TOLERANCE * scale;
                    assert!(close, "{}: {y} is not {e}\n{graph}", stem(&case));
                }
            }
        }
    }
}

#[test]
fn refusals_say_where_and_why() {
    for case in cases() {
        let name = stem(&case);
        if !name.starts_with("refused_") {
            continue;
        }
        let bytes = fs::read(&case).unwrap();
        let error = match onnx::import_bytes(&bytes, &format!("{name}.onnx"), None, &onnx::Shapes::new()) {
            Ok(_) => panic!("{name} is not refused"),
            Err(error) => format!("{error}\n"),
        };
        let file = case.with_extension("expect");
        if blessing() {
            fs::write(&file, error).unwrap();
        } else {
            assert_eq!(error, fs::read_to_string(&file).unwrap(), "{name}");
        }
    }
}
