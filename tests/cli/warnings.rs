//! What a user is warned of, with exit status 0.

use crate::common::{case, folder, lenet, text, tilewright};

/// With 16 bits asked of all layers, those that keep 8 are told, with the reason.
#[test]
fn layers_that_keep_8_bits_are_told() {
    let told = |precision: &str| {
        let output = tilewright(&["simulate", &lenet(), "--precision", precision]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let error = told("int16");
    assert!(error.contains("keep 8 bits: a maximum compares bytes"), "{error}");
    assert!(!told("auto").contains("keep 8 bits"));
}

/// Of several samples the first is taken, which people and programs are told.
#[test]
fn several_samples_are_said() {
    let calib = format!("{}/calib.npz", lenet());
    for command in ["simulate", "verify"] {
        let output = tilewright(&[command, &lenet(), "--array", "4x4", "--input", &calib, "--json"]);
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let warning = object["warnings"][0].as_str().unwrap();
        assert!(warning.ends_with("samples, the first is taken"), "{command}: {warning}");
        assert!(text(&output.stderr).contains(warning), "{command}");
    }
}

/// The command ends well and warns of what `parts` say, all in one warning.
fn warned(command: &str, case: &str, parts: &[&str]) {
    warned_at("auto", command, case, parts);
}

fn warned_at(precision: &str, command: &str, case: &str, parts: &[&str]) {
    let output = tilewright(&[command, case, "--precision", precision, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{command}: {}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = object["warnings"].as_array().unwrap();
    let told =
        |warning: &serde_json::Value| parts.iter().all(|part| warning.as_str().unwrap().contains(part));
    assert!(warnings.iter().any(told), "{command} {case}: {warnings:?}");
}

/// The logarithm of a sum of exponentials, one number: all calibration samples together are good, and nothing was said of
/// an input that is not.
#[test]
fn an_input_that_is_worse_than_rounding_alone_is_warned_of() {
    for command in ["verify", "simulate"] {
        let parts = ["output \"y\" has 2", "where values are rounded to 8 bits in float"];
        warned(command, &case("one-number-unlike-calibration"), &parts);
    }
}

/// An artefact has no samples, and all that calibration has is good: nothing was said of such an input.
#[test]
fn an_input_unlike_calibration_is_warned_of_without_its_samples() {
    let out = folder("unlike").display().to_string();
    let case = case("one-number-unlike-calibration");
    assert!(tilewright(&["-q", "compile", &case, "-o", &out]).status.success());
    for command in ["verify", "simulate"] {
        let input = format!("{case}/input_0.npy");
        let output = tilewright(&[command, &out, "--input", &input]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let told = text(&output.stderr);
        let parts = ["output \"y\" has 2", "on the calibration samples"];
        assert!(parts.iter().all(|part| told.contains(part)), "{command}: {told}");
    }
}

/// Behind a Transpose the channels of images are the last axis, which nobody looked at. The default has the exponential of
/// the boxes from the host.
#[test]
fn scores_that_boxes_drown_are_warned_of_wherever_their_axis_is() {
    let case = case("boxes-and-scores-turned");
    for command in ["verify", "simulate"] {
        warned_at("int8", command, &case, &[" of axis 3", "drowned"]);
    }
    let output = tilewright(&["verify", &case, "--json"]);
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&object["warnings"], &object["host_ops"][0]["operator"]),
        (&serde_json::json!([]), &serde_json::json!("Exp"))
    );
}

/// One score is too few elements to judge one input by; the calibration samples together have enough, which `compile`
/// alone said.
#[test]
fn a_score_that_boxes_drown_is_warned_of() {
    for command in ["verify", "simulate"] {
        warned(
            command,
            &case("one-score-beside-boxes"),
            &["index 4 of axis 1", "calibration samples", "drowned"],
        );
    }
}

/// Two bytes of one scale, added and halved: every other sum lies between two steps, and 28 % were a step above the
/// model's.
#[test]
fn halves_that_the_model_rounds_to_even_are_warned_of() {
    warned("verify", &case("halves-between-steps"), &["exactly between two steps", "\"n_Add_v5_quant\""]);
}
