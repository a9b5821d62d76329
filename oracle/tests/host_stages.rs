//! A host that knows an artefact's files and `docs/artefact.md` alone, with tract for the ONNX models of the host's
//! stages, against the artefact's golden sample.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn};
use tilewright::artefact::{Artefact, Golden, Host, Made, Manifest, Place, Stage};
use tilewright::model::Model;
use tilewright::pipeline;
use tilewright_arch::Config;
use tilewright_compiler::quantise::Options;
use tilewright_oracle::tract;

/// An element of a place as the numbers of its tensor have it, in steps from zero.
fn stored(place: &Place, bytes: &[i8], element: usize) -> f32 {
    let [_, rows, columns] = place.shape[..] else { panic!("{place:?}") };
    if place.bits == 8 {
        return f32::from(bytes[element]) - f32::from(place.zero);
    }
    let (channel, pixel) = (element / (rows * columns), element % (rows * columns));
    let half = |plane: usize| i32::from(bytes[(2 * channel + plane) * rows * columns + pixel]);
    (256 * half(0) + half(1) + 128 - (257 * i32::from(place.zero) + 128)) as f32
}

/// The numbers in the tensor of each element of a value, row-major.
fn elements(place: &Place) -> Vec<usize> {
    place.strides.iter().fold(vec![place.offset], |all, &(extent, step)| {
        all.iter().flat_map(|first| (0..extent).map(move |i| first + i * step)).collect()
    })
}

fn dequantised(place: &Place, next_to_zero: f32, bytes: &[i8], shape: &[usize]) -> ArrayD<f32> {
    let real = |element: usize| match stored(place, bytes, element) {
        0.0 => next_to_zero,
        steps => steps * place.scale,
    };
    let data = elements(place).into_iter().map(real).collect();
    ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
}

struct Run<'a> {
    manifest: &'a Manifest,
    golden: &'a Golden,
    values: BTreeMap<String, ArrayD<f32>>,
    /// How many numbers for the machine were compared with the golden ones.
    compared: usize,
    /// The most steps that one is away from its golden one.
    worst: f32,
}

impl Run<'_> {
    /// The golden bytes at a place, which the stage has made or is to read.
    fn bytes(&self, place: &Place, made: bool) -> &[i8] {
        let Stage::Machine { inputs, outputs, .. } = &self.manifest.stages[place.stage] else {
            panic!("places are the machine's")
        };
        let ports = if made { outputs } else { inputs };
        let port = ports.iter().position(|port| port.address == place.address).unwrap();
        let run = self.golden.stages.iter().find(|run| run.stage == place.stage).unwrap();
        if made { &run.outputs[port] } else { &run.inputs[port] }
    }

    fn host(&mut self, host: &Host, model: &[u8]) {
        let inputs: Vec<ArrayD<f32>> = host
            .reads
            .iter()
            .map(|read| match (&read.place, read.input) {
                (Some(place), _) => {
                    dequantised(place, read.next_to_zero, self.bytes(place, true), &read.shape)
                }
                (None, Some(input)) => self.golden.inputs[input].clone(),
                (None, None) => self.values[&read.name].clone(),
            })
            .collect();
        let made = tract::run(model, &inputs).unwrap();
        assert_eq!(made.len(), host.makes.len());
        for (make, value) in host.makes.iter().zip(made) {
            for &output in &make.outputs {
                let want = &self.golden.outputs[output];
                let largest = want.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * largest;
                assert!(want.shape() == value.shape() && want.iter().zip(&value).all(near), "{}", make.name);
            }
            for place in &make.places {
                let bytes = self.bytes(place, false).to_vec();
                for (element, x) in elements(place).into_iter().zip(&value) {
                    let (low, high) = if place.bits == 8 { (-128.0, 127.0) } else { (-32768.0, 32767.0) };
                    let zero = match place.bits {
                        8 => f32::from(place.zero),
                        _ => 257.0 * f32::from(place.zero) + 128.0,
                    };
                    let steps = ((x / place.scale).round_ties_even() + zero).clamp(low, high) - zero;
                    self.compared += 1;
                    self.worst = self.worst.max((steps - stored(place, &bytes, element)).abs());
                }
            }
            self.values.insert(make.name.clone(), value);
        }
    }
}

/// Stages of the host, numbers for the machine compared, and the most steps apart.
fn check(folder: &Path) -> (usize, usize, f32) {
    let model = Model::read(folder).unwrap();
    let calibration = model.calibration(None).unwrap();
    let (options, config) = (Options::default(), Config::sized(9, 16));
    let compiled = pipeline::compile(&model, &calibration, &options, &config).unwrap();
    let golden = Golden::synthetic(&compiled, &model.graph).unwrap();
    let made =
        Made { model: &model, calibration: &calibration, options: &options, assurance: None, source: false };
    let artefact = Artefact::new(compiled, golden, &made).unwrap();
    let files: BTreeMap<String, Vec<u8>> = artefact.files().unwrap().into_iter().collect();
    let manifest: Manifest = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let mut run = Run {
        manifest: &manifest,
        golden: &artefact.golden,
        values: BTreeMap::new(),
        compared: 0,
        worst: 0.0,
    };
    let mut count = 0;
    for (stage, running) in manifest.stages.iter().enumerate() {
        if let Stage::Host(host) = running {
            assert_eq!(host.unwritten, "", "{}", folder.display());
            run.host(host, &files[&manifest.files[&format!("host_{stage}")].name]);
            count += 1;
        }
    }
    (count, run.compared, run.worst)
}

#[test]
fn onnx_models_of_the_hosts_stages_make_the_golden_bytes() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf();
    let mut folders = vec![root.join("models/vit_mnist")];
    let cases = [
        "auto-refuses-int8-runs",
        "bicubic-of-bytes",
        "conv1d-kws",
        "divisor-next-to-zero",
        "float-branch-beside-4-bits",
        "functions-between-roundings",
        "mask-of-minus-infinity",
        "missing-ops-lrn",
        "yolo-boxes-scores-concat",
    ];
    folders.extend(cases.map(|case| root.join("tests/cases").join(case)));
    let (mut all, mut numbers) = (0, 0);
    for folder in folders {
        let (count, compared, worst) = check(&folder);
        println!("{}: {count} stages, {compared} numbers, at most {worst} steps apart", folder.display());
        assert!(worst <= 1.0, "{}: {worst} steps", folder.display());
        (all, numbers) = (all + count, numbers + compared);
    }
    assert!(all >= 20 && numbers > 40_000, "only {all} stages of the host, {numbers} numbers");
}
