//! Real networks on several machines: integers equal, quality kept, cycles as recorded.
//!
//! The cycle counts are a file (`tests/expected/cycles.txt`), so that a scheduling regression is a
//! red diff; `BLESS=1 cargo test --test models` rewrites it.

mod common;

use ndarray::ArrayD;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tilewright::metric::{Evaluation, Metric};
use tilewright::model::{self, Model};
use tilewright::pipeline::{self, Compiled};
use tilewright::proof;
use tilewright_arch::Config;
use tilewright_compiler::float;
use tilewright_compiler::network::Network;
use tilewright_compiler::quantise::{self, Precision};
use tilewright_compiler::schedule::Schedule;

/// The networks of this repository.
const OWN: [&str; 4] = ["lenet_mnist", "resnet_mnist", "mobilenetv2_mnist", "espcn_x2"];
/// Networks that are only beside it, if at all.
const SHARED: [&str; 4] =
    ["mlperf_ic_resnet8", "mlperf_kws_dscnn", "mlperf_vww_mobilenet025", "mlperf_ad_autoencoder"];
const ARRAYS: [(usize, usize); 4] = [(9, 16), (8, 8), (7, 11), (4, 4)];

fn load(folder: &Path) -> (Model, Network, Vec<ArrayD<f32>>) {
    let model = Model::read(folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let network =
        quantise::run(&model.graph, &calibration, &quantise::Options::default(), &Config::sized(9, 16))
            .unwrap();
    let input = model::samples(&model.graph, &model.beside("input_0.npy")).unwrap().remove(0);
    (model, network, input)
}

/// Cycles of every array for one network, each checked against the integer reference.
fn cycles(folder: &Path, name: &str) -> String {
    let (model, network, input) = load(folder);
    let mut lines = String::new();
    for (lanes, columns) in ARRAYS {
        let compiled = Compiled::new(network.clone(), &Config::sized(lanes, columns)).unwrap();
        let (proof, simulated) =
            proof::verify(&model, &compiled, &input, &proof::Options::default()).unwrap();
        assert_eq!(proof.reference_mismatches, 0, "{name} on {lanes}x{columns}");
        let report = simulated.report;
        for layer in &report.layers {
            assert!(layer.utilisation <= 1.0, "{name} on {lanes}x{columns}: {layer:?}");
        }
        assert_eq!(report.layers.iter().map(|l| l.cycles).sum::<u64>(), report.cycles);
        writeln!(lines, "{name} {lanes}x{columns} {} {:.3}", report.cycles, report.utilisation).unwrap();
    }
    lines
}

/// Holds the cycles of `names` against the lines of a file. What is kept of a network that `find` does not find stays.
fn expected(file: &str, names: &[&str], find: impl Fn(&str) -> Option<PathBuf>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(file);
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = |name: &str| -> String {
        let of = |line: &&str| line.split(' ').next() == Some(name);
        want.lines().filter(of).map(|line| format!("{line}\n")).collect()
    };
    let got: String = names
        .iter()
        .map(|name| find(name).map_or_else(|| kept(name), |folder| cycles(&folder, name)))
        .collect();
    if common::blessing() {
        std::fs::write(&path, &got).unwrap();
    } else {
        assert!(want == got, "{} differs; got:\n{got}\nBLESS=1 rewrites it", path.display());
    }
}

#[test]
fn own_networks() {
    expected("cycles.txt", &OWN, |name| Some(common::model(name)));
}

/// Those that are there; the others are named as skipped.
#[test]
fn shared_networks() {
    expected("cycles_shared.txt", &SHARED, common::shared_model);
}

/// ResNet-8 keeps at least 85 % of the 9x16 array busy, with all stalls, at 4 bytes a cycle.
#[test]
fn resnet8_keeps_the_array_busy() {
    let Some(folder) = common::shared_model("mlperf_ic_resnet8") else { return };
    let (_, network, input) = load(&folder);
    let compiled = Compiled::new(network, &Config::sized(9, 16)).unwrap();
    let report = proof::simulate(&compiled, &input).unwrap().report;
    assert!(report.utilisation >= 0.85, "{}", report.utilisation);
}

/// With 16 bits wherever they can be the machine's bytes are the integer reference's, and there is less
/// noise.
#[test]
fn sixteen_bits_are_exact_and_quieter() {
    for name in OWN {
        let model = Model::read(&common::model(name)).unwrap();
        let calibration = model.calibration(None).unwrap();
        // Ten numbers of one input are quiet by chance.
        let evaluation = Evaluation::read(&model).unwrap();
        let inputs = &evaluation.samples()[..8];
        let noise = |precision: Precision, (lanes, columns): (usize, usize)| {
            let options = quantise::Options { precision, ..Default::default() };
            let config = Config::sized(lanes, columns);
            let compiled = pipeline::compile(&model, &calibration, &options, &config).unwrap();
            let (mut signal, mut noise) = (0.0, 0.0);
            for input in inputs {
                let options = proof::Options { unchecked: true, ..Default::default() };
                let (proof, simulated) = proof::verify(&model, &compiled, input, &options).unwrap();
                assert_eq!(proof.reference_mismatches, 0, "{name} {precision:?} on {}", config.name);
                let float = float::run(&model.graph, input).unwrap();
                for (want, got) in float.iter().zip(&simulated.outputs) {
                    signal += want.iter().map(|x| f64::from(x * x)).sum::<f64>();
                    noise += want.iter().zip(got).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>();
                }
            }
            10.0 * float::math::log10(signal / noise)
        };
        let byte = noise(Precision::Int8, (9, 16));
        for array in [(9, 16), (7, 11)] {
            let wide = noise(Precision::Int16, array);
            assert!(wide > byte + 3.0, "{name}: 8 bits {byte:.1} dB, 16 bits {wide:.1} dB");
        }
    }
}

/// The int8 metric is within 0.5 points or 0.3 dB of the float metric on the evaluation samples.
#[test]
fn quality_is_kept() {
    for name in OWN.into_iter().chain(["vit_mnist"]) {
        let model = Model::read(&common::model(name)).unwrap();
        let calibration = model.calibration(None).unwrap();
        let options = quantise::Options::default();
        let compiled = pipeline::compile(&model, &calibration, &options, &Config::sized(9, 16)).unwrap();
        let scores = Evaluation::read(&model).unwrap().run(&model, &compiled, &|_, _| {}).unwrap();
        eprintln!("{name}: {scores}");
        let most = if scores.metric == Metric::Psnr { 0.3 } else { 0.005 };
        assert!(scores.float - scores.int8 <= most + 1e-9, "{name}: {scores}");
    }
}

/// Same input, same bytes.
#[test]
fn compilation_is_deterministic() {
    let text = || {
        let (_, network, _) = load(&common::model("resnet_mnist"));
        let compiled = Compiled::new(network, &Config::sized(9, 16)).unwrap();
        let text = |(_, s): (usize, &Schedule)| {
            (tilewright_arch::asm::print(&s.program), s.program.image().unwrap())
        };
        compiled.programs().map(text).collect::<Vec<_>>()
    };
    assert!(text() == text());
}
