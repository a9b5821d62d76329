//! Errors: one clear sentence, exit status 1, never a panic.

use crate::common::{self, case, folder, lenet, refused, text, tilewright};
use std::path::{Path, PathBuf};

#[test]
fn missing_files_are_named() {
    refused(&["verify", "no/such/model"], &["no/such/model", "try:"]);
    let empty = folder("empty");
    refused(&["verify", empty.to_str().unwrap()], &["model.onnx", "try:"]);
    refused(&["verify", &lenet(), "--input", "nothing.npy"], &["nothing.npy", "try:"]);
    refused(&["verify", &lenet(), "--calib", "nothing.npz"], &["nothing.npz", "try:"]);
}

/// A file where a folder is to be is found before the work.
#[test]
fn folders_that_cannot_be_are_found_before_the_work() {
    let file = folder("no-folder").join("file");
    std::fs::write(&file, "mine").unwrap();
    let (net, below) = (lenet(), file.join("out").display().to_string());
    let file = file.display().to_string();
    for out in [&file, &below] {
        for command in [
            &["simulate", &net, "-o", out][..],
            &["generate", &net, "-o", out],
            &["demo", &net, "-o", out],
            &["run", &net, "--simulated", "-o", out],
            &["verify", &net, "--reduce", out],
        ] {
            refused(command, &[&format!("{file} is no folder"), "try:"]);
        }
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

/// What is made of a step of a recurrent layer is named by the layer and its operator.
#[test]
fn recurrent_layers_are_named_by_their_operator() {
    let layer = case("recurrent-layer-overflows");
    let named = ["node \"rnn_node\" (RNN): forward/", "not finite", "try: calibration data"];
    refused(&["compile", &layer, "-o", folder("overflows").to_str().unwrap()], &named);
}

#[test]
fn machines_are_checked() {
    refused(&["verify", &lenet(), "--array", "99x2"], &["lanes = 99", "2 to 63"]);
    refused(&["verify", &lenet(), "--target", "nowhere"], &["nowhere", "ulx3s-85f"]);
    let file = folder("config").join("machine.toml");
    std::fs::write(&file, "lanes = \"many\"").unwrap();
    refused(
        &["verify", &lenet(), "--config", file.to_str().unwrap()],
        &[&format!("error[config]: {}: ", file.display()), "lanes = \"many\" is not legal"],
    );
    assert_eq!(tilewright(&["verify"]).status.code(), Some(2));
}

/// A copy of a model folder with other bytes as the model.
fn with_model(name: &str, bytes: &[u8]) -> PathBuf {
    let out = folder(name);
    for file in ["calib.npz", "input_0.npy"] {
        std::fs::copy(common::model("lenet_mnist").join(file), out.join(file)).unwrap();
    }
    std::fs::write(out.join("model.onnx"), bytes).unwrap();
    out
}

fn lenet_bytes() -> Vec<u8> {
    std::fs::read(Path::new(&lenet()).join("model.onnx")).unwrap()
}

#[test]
fn damaged_models_are_refused() {
    let whole = lenet_bytes();
    for keep in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        let out = with_model(&format!("cut{keep}"), &whole[..keep]);
        refused(&["verify", out.to_str().unwrap()], &["model.onnx", "error["]);
    }
    let mut random = common::Random::new(1);
    let noise: Vec<u8> = (0..5000).map(|_| common::byte(&mut random) as u8).collect();
    refused(&["verify", with_model("noise", &noise).to_str().unwrap()], &["model.onnx", "error["]);
}

/// Flipping any byte of the model gives a result or a refusal, never a panic.
#[test]
fn flipped_bytes_never_panic() {
    let whole = lenet_bytes();
    let mut random = common::Random::new(2);
    for i in 0..40 {
        let mut bytes = whole.clone();
        // Most bytes are weights; half of the flips hit the structure around them.
        let at = if i % 2 == 0 { random.below(bytes.len()) } else { bytes.len() - 1 - random.below(1500) };
        bytes[at] ^= 1 << random.below(8);
        let out = with_model("flip", &bytes);
        let output = tilewright(&["verify", out.to_str().unwrap(), "--array", "4x4", "--json"]);
        let error = text(&output.stderr);
        assert!(!error.contains("panicked") && output.status.code().is_some(), "byte {at}: {error}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "byte {at}: {error}");
    }
}

#[test]
fn inputs_must_fit_the_network() {
    let wrong = common::model("espcn_x2").join("input_0.npy").display().to_string();
    refused(&["verify", &lenet(), "--input", &wrong], &["[1, 1, 64, 64]", "[1, 1, 28, 28]"]);
}

#[test]
fn networks_larger_than_memory_are_refused() {
    let file = folder("tiny").join("machine.toml");
    let mut config = tilewright_arch::Config::sized(4, 4);
    (config.feature.pages, config.feature.page_rows) = (2, 64);
    std::fs::write(&file, config.to_toml()).unwrap();
    let resnet = common::model("resnet_mnist").display().to_string();
    refused(
        &["verify", &resnet, "--config", file.to_str().unwrap()],
        &["does not fit", "feature.pages", "try:"],
    );
}

/// What lies in the folder already stays, unless it was written there by the same program.
#[test]
fn files_of_others_are_not_written_over() {
    let work = folder("others");
    let mine = work.join("output_0.npy");
    std::fs::write(&mine, "mine").unwrap();
    let simulate = ["simulate", &lenet(), "--array", "4x4", "-o", work.to_str().unwrap()];
    refused(&simulate, &["output_0.npy", "not written by this program", "try:"]);
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    std::fs::remove_file(&mine).unwrap();
    for _ in 0..2 {
        assert!(tilewright(&simulate).status.success());
    }
    assert!(std::fs::read(&mine).unwrap().len() > 100);
}

/// Later stages have words of their own for operators (`dense`), which the model's reader does not know.
#[test]
fn refusals_call_operators_as_the_model_does() {
    let (model, samples) = ("weights-of-16-bits/refused.onnx", "weights-of-16-bits/calib.npz");
    let out = folder("dense").display().to_string();
    let output = tilewright(&["-q", "compile", &case(model), "--calib", &case(samples), "-o", &out]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("refused.onnx: node \"product\" (MatMul): ") && told.contains("; try: "), "{told}");
}

/// A missing Verilator is one sentence with what to do, and its cause once.
#[test]
fn a_missing_verilator_is_said_once() {
    let cache = folder("no-verilator");
    let out = cache.join("demo").display().to_string();
    let commands: [(&[&str], usize); 2] =
        [(&["verify", &lenet(), "--array", "4x4", "--rtl"], 2), (&["demo", "--rtl", "-o", &out], 1)];
    for (args, lines) in commands {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tilewright"));
        let output = command.args(args).env("PATH", &cache).env("TILEWRIGHT_CACHE", &cache).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.contains("verilator cannot be started") && error.contains("try: apt-get install verilator"),
            "{error}"
        );
        // Before any work: no more than the reading of the model was said.
        assert_eq!((error.matches("os error").count(), error.lines().count()), (1, lines), "{error}");
    }
    assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0);
}

/// Errors as objects keep their parts, also those that a command finds and no stage of the compiler.
#[test]
fn an_error_keeps_its_parts() {
    let out = folder("parts").join("net.tw").display().to_string();
    let vit = common::model("vit_mnist").display().to_string();
    let report = |args: &[&str]| -> serde_json::Value {
        let output = tilewright(&[args, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        object["report"].clone()
    };
    let missing = report(&["simulate", "no/such/model"]);
    assert_eq!(
        (missing["file"].as_str(), missing["stage"].as_str()),
        (Some("no/such/model"), Some("import"))
    );
    let denied = report(&["compile", &vit, "--array", "4x4", "--deny-host", "-o", &out]);
    assert_eq!(denied["operator"], "LayerNormalization");
    assert!(denied["node"].as_str().unwrap().contains("LayerNormalization") && denied["hint"].is_string());
    // Compiling again would not help where memory is too small.
    assert!(tilewright(&["-q", "compile", &lenet(), "--array", "4x4", "-o", &out]).status.success());
    let small = report(&["simulate", &out, "--memory-limit", "1k"]);
    assert!(
        small["message"].as_str().unwrap().contains("the limit is") && small["hint"].is_null(),
        "{small}"
    );
}
