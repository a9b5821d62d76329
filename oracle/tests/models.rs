//! tract's opinion on every model at hand, against the float reference on the imported graph: the model's
//! file from end to end, and every node on its own on equal inputs.
//!
//! `cargo test --release -p tilewright-oracle --test models -- --nocapture` prints the table. What tract
//! has no opinion on is listed by name below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use tilewright::model::{self, Model};
use tilewright_compiler::float;
use tilewright_compiler::graph::Graph;
use tilewright_oracle::compare::difference;
use tilewright_oracle::opinion::{comparable, second_opinion};
use tilewright_oracle::{local, round_trip, tract};

/// Models that tract refuses, and a part of its reason.
const REFUSED: [(&str, &str); 0] = [];

/// Every folder with a model and an input: those of this repository, then those beside it.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the repository");
    let mut all = Vec::new();
    for place in ["models", "../shared/models"] {
        let Ok(entries) = std::fs::read_dir(root.join(place)) else {
            eprintln!("SKIPPED: the models in {place}: there is no such folder beside the repository");
            continue;
        };
        let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        found.retain(|p| p.join("model.onnx").is_file() && p.join("input_0.npy").is_file());
        found.sort();
        all.extend(found);
    }
    assert!(all.len() >= 6, "the models of this repository are part of it");
    all
}

/// The outputs without what tract cannot know of them.
fn known(graph: &Graph, outputs: Vec<ArrayD<f32>>) -> Vec<ArrayD<f32>> {
    let one = |(id, y)| match graph.producer(id) {
        Some((_, node)) => comparable(&node.op, y),
        None => y,
    };
    graph.outputs.iter().copied().zip(outputs).map(one).collect()
}

#[test]
fn tract_agrees_on_every_model() {
    let (mut failed, mut silent) = (Vec::new(), BTreeSet::new());
    println!("{:<28} {:>5} {:>10} {:>10} {:>10}", "model", "nodes", "end to end", "allowed", "worst node");
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let model = Model::read(&folder).unwrap();
        let graph = &model.imported;
        let input = model::samples(graph, &model.beside("input_0.npy")).unwrap().remove(0);
        round_trip(graph, &input).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = REFUSED.iter().find(|(n, _)| *n == name);
        let theirs = match (tract::run_file(&model.path, &input), expected) {
            (Ok(theirs), None) => theirs,
            (Err(why), Some((_, part))) if why.contains(part) => {
                println!("{name:<28} REFUSED BY TRACT: {why}");
                continue;
            }
            (result, _) => {
                failed.push(format!("{name}: REFUSED does not say so: {:?}", result.err()));
                continue;
            }
        };
        let ours = float::run(graph, &input).unwrap();
        // Every node may add what one node may cost; networks neither swell nor lose it.
        let allowed = local::TOLERANCE * graph.nodes.len() as f32;
        let apart = difference(&known(graph, ours), &known(graph, theirs));
        let count = graph.nodes.len();
        match second_opinion(graph, &input) {
            Ok(opinion) => {
                println!("{name:<28} {count:>5} {apart:>10.1e} {allowed:>10.1e} {:>10.2}", opinion.worst);
                silent.extend(opinion.missing.into_iter().map(|(op, why)| format!("{op}: {why}")));
            }
            Err(why) => failed.push(format!("{name}: {why}")),
        }
        if apart > allowed {
            failed.push(format!("{name}: differs by {apart:.1e} from end to end, allowed {allowed:.1e}"));
        }
    }
    println!("worst node: in units of what float32 may cost it");
    for line in silent {
        println!("NO OPINION OF TRACT: {line}");
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
