//! Small networks that went wrong, whole or by the figures that an artefact has of them.

use crate::common::{case, folder, model, refused, text, tilewright};
use crate::{at, done, json, list, whole};
use std::path::Path;
use tilewright_compiler::npy;

/// What is compiled is read again before it is written; numbers that JSON does not have were not.
#[test]
fn a_channel_without_noise_is_read_again() {
    let net = at(&folder("noiseless"), "net");
    done(&["compile", &case("channel-without-noise"), "-o", &net]);
    done(&["verify", &net]);
}

/// What the post unit scales to 16 bits ends 128 steps above their lowest value, and float32 is no measure of
/// 16 bits: neither is a defect.
#[test]
fn the_lowest_values_of_16_bits_are_ends_of_a_range() {
    let net = at(&folder("lowest"), "net");
    done(&["compile", &case("int16-below-its-end"), "--precision", "int16", "-o", &net]);
    done(&["verify", &net]);
    // Three times what calibration had: they are reached.
    let input = at(Path::new(&case("int16-below-its-end")), "input.npz");
    done(&["verify", &net, "--input", &input]);
    // A term of the second ends before it is added.
    for (name, precision) in [("state-beyond-its-range", "auto"), ("int16-sum-below-its-end", "int16")] {
        let state = case(name);
        let input = at(Path::new(&state), "input.npz");
        done(&["verify", &state, "--input", &input, "--precision", precision]);
    }
}

/// 16 bits have room for numbers beyond those of calibration, which are no less unexpected for that.
#[test]
fn inputs_beyond_calibration_are_said_at_any_precision() {
    let state = case("state-beyond-its-range");
    let input = at(Path::new(&state), "input.npz");
    for command in ["simulate", "verify"] {
        for precision in ["int8", "int16"] {
            let output = tilewright(&[command, &state, "--input", &input, "--precision", precision]);
            let said = text(&output.stderr);
            assert!(said.contains("100.00 % of input \"h\" lie outside"), "{command}, {precision}: {said}");
        }
    }
}

/// Operators of one node of the source, called alike, are layers of their own; each had the rows of all.
#[test]
fn layers_that_are_called_alike_have_their_own_rows() {
    let work = folder("alike");
    let net = work.join("net");
    done(&["compile", &case("sum-cancels"), "--precision", "int8", "-o", net.to_str().unwrap()]);
    let manifest = json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let sums = |layer: &&serde_json::Value| layer["nodes"] == serde_json::json!(["sum_y"]);
    let layers = manifest["layers"].as_array().unwrap();
    let rows: Vec<_> = layers.iter().filter(sums).map(|layer| layer["programs"].to_string()).collect();
    assert_eq!(rows, ["[[0,2]]", "[[0,3]]", "[[0,4]]"]);
}

/// Noise is predicted by id: of one calibration sample it is what is measured of the same layers, those of one name too.
#[test]
fn noise_is_predicted_of_every_layer() {
    let net = folder("noise").join("net");
    let to = net.to_str().unwrap();
    let manifest = || json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let (vit, sums) = (model("vit_mnist").display().to_string(), case("sum-cancels"));
    for (model, precision, least, alike) in [(&vit, "auto", 20, 1), (&sums, "int8", 4, 3)] {
        let sample = at(Path::new(model), "input_0.npy");
        let asked = ["compile", model, "--calib", &sample, "--precision", precision, "--layers", "--json"];
        let told = json(&done(&[&asked[..], &["-o", to]].concat()));
        let (manifest, printed) = (manifest(), done(&["inspect", to, "--stage", "layers"]));
        let layers = list(&manifest["layers"]);
        let mut compared = std::collections::BTreeMap::<String, usize>::new();
        for measured in list(&told["layers"]) {
            let layer = &layers[whole(&measured["id"])];
            assert_eq!(layer["predicted_sqnr_db"], measured["predicted_sqnr_db"]);
            let Some(node) = list(&layer["nodes"]).first() else { continue };
            assert_eq!(*node, measured["name"]);
            let db = |of: &serde_json::Value, field: &str| of[field].as_f64();
            let both = db(layer, "predicted_sqnr_db").zip(db(measured, "sqnr_db"));
            let (predicted, measured) = both.unwrap_or_else(|| panic!("{layer}, {measured}"));
            // Ties are all that sets them apart.
            assert!((predicted - measured).abs() < 0.5, "{layer}: {measured} dB are measured");
            let row = |row: &str| {
                row.contains(node.as_str().unwrap()) && row.contains(&format!(" {predicted:.1} "))
            };
            assert!(printed.lines().any(row), "{layer}: {printed}");
            *compared.entry(node.to_string()).or_default() += 1;
        }
        let most = compared.values().max();
        assert!(compared.values().sum::<usize>() >= least && most == Some(&alike), "{compared:?}");
    }
    // Without the check there is no prediction.
    done(&["compile", &sums, "--unchecked", "-o", to]);
    assert!(list(&manifest()["layers"]).iter().all(|layer| layer["predicted_sqnr_db"].is_null()));
}

/// What float32 leaves of numbers that cancel is another thing in another order, and no defect.
#[test]
fn rounding_errors_of_float_are_no_defects() {
    let folder = case("what-rounding-leaves");
    done(&["verify", &folder, "--input", &at(Path::new(&folder), "input.npz")]);
}

/// All pixels at the end of their range at once are beyond what an exponential takes: one pixel of each
/// calibration sample was.
#[test]
fn the_golden_sample_is_one_that_the_network_takes() {
    let net = at(&folder("outlier"), "net");
    done(&["compile", &case("exponential-of-an-outlier"), "-o", &net]);
    assert!(done(&["verify", &net]).contains("golden sample                   equal"));
}

/// Floats stand for indices, and would keep the fractions of their quotient.
#[test]
fn quotients_of_indices_are_whole() {
    let made = folder("quotients");
    let model = case("quotient-of-indices");
    let samples =
        npy::parse_npz(&std::fs::read(Path::new(&model).join("calib.npz")).unwrap()).unwrap().remove(0).1;
    let samples: Vec<f32> = samples.to_f32();
    for (n, sample) in samples.chunks_exact(6 * 9).enumerate() {
        let input = made.join(format!("{n}.npy"));
        std::fs::write(&input, npy::npy_f32(&[1, 6, 9], sample)).unwrap();
        done(&["simulate", &model, "--input", &input.display().to_string(), "-o", &at(&made, "out")]);
        let found = npy::read_npy(&made.join("out/output_0.npy")).unwrap();
        // The model's nodes, by hand: (max + 2 min) / |i - j| of the places of the largest and the smallest element.
        let place = |column: usize, better: fn(f32, f32) -> bool| {
            (1..6)
                .fold(0, |at, k| if better(sample[9 * k + column], sample[9 * at + column]) { k } else { at })
        };
        let wanted: Vec<f32> = (0..9)
            .map(|column| (place(column, |a, b| a > b), place(column, |a, b| a < b)))
            .map(|(i, j)| ((i.max(j) + 2 * i.min(j)) / i.abs_diff(j)) as f32)
            .collect();
        assert_eq!(found.to_f32(), wanted, "sample {n}");
    }
}

/// ONNX's text and ONNX Runtime begin at different pixels.
#[test]
fn padding_that_would_crop_is_refused() {
    let net = at(&folder("crops"), "net");
    refused(
        &["compile", &case("same-pads-that-crop"), "-o", &net],
        &["conv", "Conv", "auto_pad", "runtimes do not agree", "explicit pads"],
    );
}
