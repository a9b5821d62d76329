//! What is compiled runs without a quantiser. The artefact in `golden/kept.tw` was made by a build that has
//! one; this test runs in both:
//!
//! ```sh
//! cargo test --test kept_artefact
//! cargo test --no-default-features --test kept_artefact
//! ```
//!
//! With a quantiser it is also held against what `compile` makes now, which `BLESS=1` writes.

mod common;

use common::{folder, text, tilewright};
use std::path::{Path, PathBuf};

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kept.tw")
}

/// A network of which machine and host take turns.
fn model() -> String {
    format!("{}/tests/cases/divisor-next-to-zero", env!("CARGO_MANIFEST_DIR"))
}

fn compiled(out: &Path) -> std::process::Output {
    tilewright(&["compile", &model(), "--array", "4x4", "--pack", "-o", out.to_str().unwrap()])
}

#[cfg(feature = "quantise")]
#[test]
fn it_is_what_compile_writes() {
    let made = folder("kept").join("made.tw");
    let done = compiled(&made);
    assert!(done.status.success(), "{}", text(&done.stderr));
    if common::blessing() {
        std::fs::copy(&made, kept()).unwrap();
    }
    let same = std::fs::read(&made).unwrap() == std::fs::read(kept()).unwrap();
    assert!(same, "if that is meant: BLESS=1 cargo test --test kept_artefact what_compile_writes");
}

#[test]
fn it_runs_in_every_build() {
    let kept = kept().display().to_string();
    let work = folder("kept-runs");
    let verified = tilewright(&["verify", &kept, "--json"]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["golden_difference"], serde_json::Value::Null);
    assert!(
        verified["assurance"]["first_rung"]["layers"].as_array().is_some_and(|layers| !layers.is_empty())
    );
    for command in ["simulate", "generate"] {
        let out = work.join(command);
        let done = tilewright(&[command, &kept, "-o", out.to_str().unwrap()]);
        assert!(done.status.success(), "{command}: {}", text(&done.stderr));
        assert!(std::fs::read_dir(&out).unwrap().count() > 0, "{command}");
    }
    let printed = tilewright(&["inspect", &kept, "--stage", "program"]);
    assert!(printed.status.success() && !printed.stdout.is_empty(), "{}", text(&printed.stderr));
}

#[cfg(not(feature = "quantise"))]
#[test]
fn models_are_refused_without_a_quantiser() {
    let work = folder("no-quantiser");
    let done = compiled(&work.join("made.tw"));
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    for words in ["divisor-next-to-zero", "no quantiser", "an artefact that compile wrote"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0);
}
