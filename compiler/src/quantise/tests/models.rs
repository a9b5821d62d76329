//! The eight models with default options: signal to noise, and the metric where there is an
//! evaluation set, against float and against ONNX Runtime's int8 quantisation.

use crate::float::math::log10;
use crate::graph::Graph;
use crate::network::Network;
use crate::npy::{Array, parse_npz, read_npy};
use crate::onnx::import;
use crate::quantise::{Options, run_reported, sqnr_db};
use crate::{simplify, testing::models};
use ndarray::{ArrayD, Axis, IxDyn};
use rayon::prelude::*;
use std::path::Path;
use tilewright_arch::Config;

/// What a model must reach.
struct Row {
    name: &'static str,
    /// SQNR in decibels of ONNX Runtime's int8 model: ours is at least this. Over the evaluation set
    /// (as the models' `metrics.json` have it), because that of single inputs spreads by several
    /// decibels; of `input_0` where there is no such set.
    sqnr: f64,
    /// Metric of the float model (share or decibels) and what int8 may lose; `None` without one.
    metric: Option<(f64, f64)>,
}

const ROWS: [Row; 8] = [
    Row { name: "lenet_mnist", sqnr: 34.81, metric: Some((0.99, 0.005)) },
    Row { name: "resnet_mnist", sqnr: 37.57, metric: Some((0.985, 0.005)) },
    Row { name: "mobilenetv2_mnist", sqnr: 34.73, metric: Some((0.985, 0.005)) },
    Row { name: "espcn_x2", sqnr: 34.71, metric: Some((34.00, 0.3)) },
    Row { name: "mlperf_ic_resnet8", sqnr: 19.5, metric: None },
    Row { name: "mlperf_kws_dscnn", sqnr: 48.2, metric: None },
    Row { name: "mlperf_vww_mobilenet025", sqnr: 50.2, metric: None },
    Row { name: "mlperf_ad_autoencoder", sqnr: 45.0, metric: None },
];

/// Samples of an array whose first axis counts them, each with a batch axis of 1.
fn samples(array: &Array, scale: f32) -> Vec<ArrayD<f32>> {
    let all = array.to_ndarray();
    all.axis_iter(Axis(0)).map(|x| x.insert_axis(Axis(0)).mapv(|v| v * scale)).collect()
}

fn calibration(folder: &Path) -> Vec<Vec<ArrayD<f32>>> {
    let arrays = parse_npz(&std::fs::read(folder.join("calib.npz")).unwrap()).unwrap();
    samples(&arrays[0].1, 1.0).into_iter().map(|x| vec![x]).collect()
}

fn outputs(network: &Network, inputs: &[ArrayD<f32>]) -> Vec<ArrayD<f32>> {
    let one = |x: &ArrayD<f32>| network.predict(std::slice::from_ref(x)).unwrap().swap_remove(0);
    inputs.par_iter().map(one).collect()
}

/// Over the evaluation set: SQNR in decibels, and top-1 share or mean PSNR in decibels (peak 1, a
/// border of 4 pixels left out).
fn evaluate(network: &Network, graph: &Graph, folder: &Path) -> Option<(f64, f64)> {
    let arrays = parse_npz(&std::fs::read(folder.join("eval.npz")).ok()?).ok()?;
    let get = |name: &str| &arrays.iter().find(|(n, _)| n == name).unwrap().1;
    let inputs = samples(get("x"), 1.0 / 255.0);
    let got = outputs(network, &inputs);
    let float = |x: &ArrayD<f32>| crate::float::run(graph, std::slice::from_ref(x)).unwrap().swap_remove(0);
    let float: Vec<ArrayD<f32>> = inputs.par_iter().map(float).collect();
    let sqnr = sqnr_db(float.iter().flatten(), got.iter().flatten());
    let want = get("y").to_ndarray();
    let mut total = 0.0;
    for (got, want) in got.iter().zip(want.axis_iter(Axis(0))) {
        if want.ndim() == 0 {
            let best = got.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            total += f64::from(best as f32 == want[IxDyn(&[])]);
            continue;
        }
        let (h, w) = (want.shape()[1], want.shape()[2]);
        let mut squares = Vec::new();
        for y in 4..h - 4 {
            for x in 4..w - 4 {
                let e = got[[0, 0, y, x]].clamp(0.0, 1.0) - want[[0, y, x]] / 255.0;
                squares.push(f64::from(e) * f64::from(e));
            }
        }
        total -= 10.0 * log10(squares.iter().sum::<f64>() / squares.len() as f64);
    }
    Some((sqnr, total / got.len() as f64))
}

fn load(folder: &Path) -> Graph {
    simplify::run(import(&folder.join("model.onnx")).unwrap().graph).unwrap()
}

#[test]
fn models_keep_their_quality() {
    let mut failures = Vec::new();
    println!("{:26}{:>9}{:>9}{:>10}{:>10}", "model", "SQNR dB", "wanted", "metric", "float");
    for folder in models() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let row = ROWS.iter().find(|r| r.name == name).unwrap();
        let graph = load(&folder);
        let (network, layers) =
            run_reported(&graph, &calibration(&folder), &Options::default(), &Config::sized(9, 16)).unwrap();
        let x = read_npy(&folder.join("input_0.npy")).unwrap().to_ndarray();
        let want = read_npy(&folder.join("output_0.npy")).unwrap().to_ndarray();
        let got = &outputs(&network, &[x])[0];
        let (sqnr, metric) = match evaluate(&network, &graph, &folder) {
            Some((sqnr, metric)) => (sqnr, Some(metric)),
            None => (sqnr_db(&want, got), None),
        };
        let shown = |m: Option<f64>| m.map_or("-".into(), |m| format!("{m:.4}"));
        let float = row.metric.map(|m| m.0);
        println!("{name:26}{sqnr:>9.1}{:>9.1}{:>10}{:>10}", row.sqnr, shown(metric), shown(float));
        let last = layers.last().unwrap();
        let fixed = network.machine().last().unwrap();
        assert_eq!(last.shape, fixed.tensor(fixed.outputs[0].0).extents(), "{name}");
        assert!(last.sqnr_db.unwrap() > 30.0 && last.saturated < 0.01, "{name}: {last:?}");
        if sqnr < row.sqnr {
            failures.push(format!("{name}: {sqnr:.2} dB, wanted {:.2}", row.sqnr));
        }
        if let (Some(got), Some((float, loss))) = (metric, row.metric)
            && got < float - loss
        {
            failures.push(format!("{name}: metric {got:.4}, float {float:.4}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
