//! The small cases of every operator: the importer reads back what is written of them, and tract agrees.
//!
//! tract runs the case's own file too, in whatever opset and form it is written. The cases are those that `compiler/tests/operators.rs` holds against ONNX Runtime, so that what tract
//! has no opinion on is at least held against that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use tilewright_compiler::npy::parse_npz;
use tilewright_compiler::{float, onnx};
use tilewright_oracle::compare::difference;
use tilewright_oracle::opinion::second_opinion;
use tilewright_oracle::{local, round_trip, tract};

/// Cases whose files tract computes otherwise than ONNX Runtime, and why.
const WRONG: [(&str, &str); 16] = [
    ("celu_alpha", "Celu, see opinion::WRONG"),
    (
        "conv_transpose_shape",
        "its ConvTranspose makes other padding of output_shape; a debug build refuses it",
    ),
    ("global_lp_pool", "its GlobalLpPool takes the mean of the powers, not their sum"),
    ("grid_sample_border_bicubic_0", "cubic GridSample, see opinion::WRONG"),
    ("grid_sample_border_bicubic_1", "cubic GridSample, see opinion::WRONG"),
    ("gru_reverse", "direction, see opinion::WRONG"),
    ("lstm_reverse", "direction, see opinion::WRONG"),
    ("rnn_reverse", "direction, see opinion::WRONG"),
    ("resize_antialias_linear_corners", "it knows no antialias"),
    ("resize_corners_cubic_13", "align_corners, see opinion::WRONG"),
    ("resize_corners_linear_13", "align_corners, see opinion::WRONG"),
    ("resize_corners_linear_6", "align_corners, see opinion::WRONG"),
    ("resize_corners_nearest_13", "align_corners, see opinion::WRONG"),
    ("resize_region_scales", "its Resize takes no notice of roi"),
    (
        "resize_opset10",
        "its Resize of opset 10 takes the nearest element as opset 11 does, not the one before",
    ),
    (
        "resize_opset10_down",
        "its Resize of opset 10 takes the nearest element as opset 11 does, not the next",
    ),
];

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/operators");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    let refused = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().starts_with("refused_");
    cases.retain(|p| p.extension().is_some_and(|e| e == "onnx") && !refused(p));
    cases.sort();
    assert!(cases.len() > 150, "the cases are part of the project");
    cases
}

#[test]
fn small_cases_of_every_operator() {
    let (mut failed, mut silent) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
    let (mut agreed, mut files, mut worst) = (0, 0, 0f32);
    for case in cases() {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let graph = onnx::import(&case).unwrap().graph;
        let arrays = parse_npz(&std::fs::read(case.with_extension("npz")).unwrap()).unwrap();
        let inputs = arrays.iter().filter(|(name, _)| name.starts_with("in"));
        let inputs: Vec<ArrayD<f32>> = inputs.map(|(_, a)| a.to_ndarray()).collect();
        if let Err(why) = round_trip(&graph, &inputs) {
            failed.push(format!("{name}: {why}"));
        }
        match tract::run_file(&case, &inputs) {
            Ok(theirs) => {
                let apart = difference(&float::run(&graph, &inputs).unwrap(), &theirs);
                match WRONG.iter().find(|(n, _)| *n == name) {
                    Some((_, why)) => {
                        silent.entry(format!("file: wrong: {why}")).or_default().push(name.clone())
                    }
                    None if apart <= local::TOLERANCE * graph.nodes.len() as f32 => files += 1,
                    None => failed.push(format!("{name}: the file differs by {apart:.1e}")),
                }
            }
            Err(why) => silent.entry(format!("file: {why}")).or_default().push(name.clone()),
        }
        match second_opinion(&graph, &inputs) {
            Ok(opinion) => {
                worst = worst.max(opinion.worst);
                agreed += usize::from(opinion.missing.is_empty());
                for (operator, why) in opinion.missing {
                    silent.entry(format!("{operator}: {why}")).or_default().push(name.clone());
                }
            }
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    for (why, names) in &silent {
        println!("NO OPINION OF TRACT in {}: {}", names.join(" "), why.replace('\n', " "));
    }
    println!("tract agrees on {files} files from end to end");
    println!(
        "tract agrees on every node of {agreed} cases, the worst by {worst:.2} of what float32 may cost"
    );
    assert!(failed.is_empty(), "{} cases fail:\n{}", failed.len(), failed.join("\n"));
    assert!(agreed > 150, "tract agrees on {agreed} cases only");
}
