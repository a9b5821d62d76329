//! What enters the command line means what its type says, and what leaves it is never silently not finite.

mod common;

use common::{case, text, tilewright};
use std::process::Output;
use tilewright_compiler::float::math::log10;
use tilewright_compiler::npy::{npy_f32, read_npy};

/// The command with a case's model, calibration and input.
fn run(command: &str, model: &str, calib: &str, input: &str, more: &[&str]) -> Output {
    let (model, calib, input) = (case(model), case(calib), case(input));
    tilewright(&[&[command, &model, "--calib", &calib, "--input", &input], more].concat())
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)))
}

/// 10 log10(sum(want^2) / sum((want - got)^2)).
fn sqnr(want: &[f32], got: &[f32]) -> f64 {
    assert_eq!(want.len(), got.len());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let signal: f64 = want.iter().map(|&w| square(w)).sum();
    let noise: f64 = want.iter().zip(got).map(|(&w, &g)| square(w - g)).sum();
    10.0 * log10(signal / noise)
}

/// The network normalises bytes by itself: divided by 255 beforehand they give -9 dB against ONNX Runtime.
#[test]
fn a_network_that_takes_bytes_is_given_bytes() {
    let out = common::folder("uint8-input");
    let folder = out.to_str().unwrap();
    let case_of = |file: &str| format!("uint8-input/{file}");
    let (model, calib, input) = (case_of("model.onnx"), case_of("calib.npz"), case_of("input_0.npy"));
    let output = run("simulate", &model, &calib, &input, &["-o", folder]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |path: String| read_npy(path.as_ref()).unwrap().to_f32();
    let db = sqnr(&read(case(&case_of("output_0.npy"))), &read(format!("{folder}/output_0.npy")));
    assert!(db > 30.0, "{db}");
    // The type survives the printed graph.
    let printed = tilewright(&["inspect", &case(&model), "--stage", "graph"]);
    assert!(text(&printed.stdout).contains("uint8]"), "{}", text(&printed.stdout));
    let relay = out.join("model.relay");
    std::fs::write(&relay, &printed.stdout).unwrap();
    let again = tilewright(&["inspect", relay.to_str().unwrap(), "--stage", "graph"]);
    assert!(printed.stdout == again.stdout, "{}", text(&again.stderr));
}

#[test]
fn booleans_are_zero_and_one() {
    let output = run(
        "verify",
        "npz-bool-dup/model.onnx",
        "npz-bool-dup/bool.npz",
        "npz-bool-dup/bool.npz",
        &["--json"],
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    // Relu of 0 and 1 in steps of 1/255: divided by 255 it would be at most 0.004.
    let out = common::folder("booleans");
    let done = run(
        "simulate",
        "npz-bool-dup/model.onnx",
        "npz-bool-dup/bool.npz",
        "npz-bool-dup/bool.npz",
        &["-o", out.to_str().unwrap()],
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let values = read_npy(&out.join("output_0.npy")).unwrap().to_f32();
    assert!(values.iter().any(|v| (v - 1.0).abs() < 0.01), "{values:?}");
}

#[test]
fn a_name_twice_in_an_archive_is_refused() {
    let output =
        run("verify", "npz-bool-dup/model.onnx", "npz-bool-dup/bool.npz", "npz-bool-dup/dup.npz", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("\"x\" twice"), "{}", text(&output.stderr));
}

/// (8, 3, 8, 8) for an input of [3, 8, 8].
#[test]
fn samples_of_inputs_without_a_batch_have_an_axis_more() {
    let calib = "leading-dim-one-sample/calib.npz";
    let output = run("verify", "leading-dim-one-sample/model.onnx", calib, calib, &["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(json(&output)["sqnr_db"].as_f64().unwrap() > 30.0);
}

#[test]
fn a_bad_eval_file_is_found_before_the_work_starts() {
    let folder = common::folder("bad-eval");
    for file in ["model.onnx", "calib.npz", "input_0.npy"] {
        std::fs::copy(common::model("lenet_mnist").join(file), folder.join(file)).unwrap();
    }
    std::fs::copy(folder.join("calib.npz"), folder.join("eval.npz")).unwrap();
    let output = tilewright(&["verify", folder.to_str().unwrap(), "--metric"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("has no array y") && !error.contains("quantising"), "{error}");
}

/// The square root of a negative number is no number in float, and a byte on the machine.
#[test]
fn what_is_not_finite_is_never_exact() {
    let (model, calib, input) = (
        "verify-nan-exact/sqrt.onnx",
        "verify-nan-exact/calib_positive.npz",
        "verify-nan-exact/input_with_negatives.npy",
    );
    let output = run("verify", model, calib, input, &["--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let object = json(&output);
    assert_eq!(object["exact"], false);
    let found = &object["not_finite"][0];
    assert_eq!(found["begins"]["operator"], "Sqrt");
    let x = read_npy(case(input).as_ref()).unwrap().to_f32();
    assert_eq!(found["float"], x.iter().filter(|v| **v < 0.0).count());
    assert!(object["sqnr_db"].as_f64().unwrap() > 30.0, "over what is finite: {object}");
    let output = run("simulate", model, calib, input, &["--json"]);
    assert!(text(&output.stderr).contains("(Sqrt)"), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(json(&output)["not_finite"][0]["output"], 0);
}

/// Zeros, whose roots are exact, and one number that has no root.
#[test]
fn equal_where_finite_is_not_exact() {
    let mut x = vec![0.0; 3 * 8 * 8];
    x[5] = -1.0;
    let input = common::folder("not-exact").join("x.npy");
    std::fs::write(&input, npy_f32(&[1, 3, 8, 8], &x)).unwrap();
    let (model, calib) = (case("verify-nan-exact/sqrt.onnx"), case("verify-nan-exact/calib_positive.npz"));
    let output =
        tilewright(&["verify", &model, "--calib", &calib, "--input", input.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let object = json(&output);
    assert_eq!(object["max_abs_error"], 0.0, "{object}");
    assert_eq!(object["exact"], false);
}

#[test]
fn the_logarithm_of_zero_is_named() {
    let [model, calib, input] =
        ["model.onnx", "calib.npz", "input_0.npy"].map(|f| format!("wide-fields-loginf/{f}"));
    let output = run("verify", &model, &calib, &input, &["--json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(json(&output)["not_finite"][0]["begins"]["operator"], "Log");
    assert!(text(&output.stderr).contains("(Log)"), "{}", text(&output.stderr));
}

/// ceil(x) to the power of ceil(x): -1 to the power of -1 is -1, -1.0001 to the power of -1.0001 is no
/// number, so whole numbers have to stay whole.
#[test]
fn rounded_values_stay_whole() {
    for precision in ["auto", "int8", "int16"] {
        let output = run(
            "verify",
            "verify-nan-exact/ceil_pow.onnx",
            "verify-nan-exact/ceil_pow_calib.npz",
            "verify-nan-exact/ceil_pow_input.npz",
            &["--json", "--precision", precision],
        );
        assert!(output.status.success(), "{precision}: {}", text(&output.stderr));
        assert_eq!(json(&output)["not_finite"], serde_json::json!([]), "{precision}");
    }
}
