//! A host that knows no more than `docs/artefact.md` says.

use crate::common::{folder, model};
use crate::{done, json, list, whole};
use tilewright::artefact::Artefact;
use tilewright_compiler::{float, onnx};

/// Elements of a place in the order of the tensor's values, as `docs/artefact.md` has it.
fn elements(place: &serde_json::Value) -> Vec<usize> {
    let mut elements = vec![whole(&place["offset"])];
    for pair in list(&place["strides"]) {
        let (extent, step) = (whole(&pair[0]), whole(&pair[1]));
        elements = elements.iter().flat_map(|&at| (0..extent).map(move |i| at + i * step)).collect();
    }
    elements
}

/// Scale, zero point, and the places of the high and the low byte of an element of 16 bits.
fn form(place: &serde_json::Value) -> (f32, i32, impl Fn(usize) -> (usize, usize)) {
    let plane = whole(&place["shape"][1]) * whole(&place["shape"][2]);
    let halves =
        move |at: usize| (at / plane * 2 * plane + at % plane, (at / plane * 2 + 1) * plane + at % plane);
    (place["scale"].as_f64().unwrap() as f32, place["zero"].as_i64().unwrap() as i32, halves)
}

/// The values of a tensor from the bytes of its port, by the document's formulas.
fn dequantised(bytes: &[i8], place: &serde_json::Value) -> Vec<f32> {
    let (scale, zero, halves) = form(place);
    let value = |at: usize| {
        if place["bits"] == 8 {
            return (i32::from(bytes[at]) - zero) as f32 * scale;
        }
        let (high, low) = halves(at);
        let v = 256 * i32::from(bytes[high]) + i32::from(bytes[low]) + 128;
        (v - (257 * zero + 128)) as f32 * scale
    };
    elements(place).into_iter().map(value).collect()
}

/// The bytes of a port from the values of its tensor.
fn quantised(values: &[f32], place: &serde_json::Value) -> Vec<i8> {
    let (scale, zero, halves) = form(place);
    let mut bytes = vec![0; list(&place["shape"]).iter().map(whole).product()];
    for (at, x) in elements(place).into_iter().zip(values) {
        let steps = (x / scale).round_ties_even() as i32;
        if place["bits"] == 8 {
            bytes[at] = (steps + zero).clamp(-128, 127) as i8;
            continue;
        }
        let v = (steps + 257 * zero + 128).clamp(-32768, 32767);
        let (high, low) = halves(at);
        bytes[high] = v.div_euclid(256) as i8;
        bytes[low] = (v.rem_euclid(256) - 128) as i8;
    }
    bytes
}

/// A host that knows the manifest and the models of its stages alone writes the bytes that the golden sample has.
#[test]
fn a_host_gets_by_with_the_manifest() {
    let net = folder("host-alone").join("vit.tw");
    let vit = model("vit_mnist").display().to_string();
    done(&["compile", &vit, "--array", "4x4", "-o", net.to_str().unwrap()]);
    let manifest = json(&std::fs::read_to_string(net.join("manifest.json")).unwrap());
    let golden = Artefact::read(&net).unwrap().golden;
    let port = |place: &serde_json::Value, ports: &str| {
        let stage = whole(&place["stage"]);
        let mut ports = list(&manifest["stages"][stage][ports]).iter();
        let number = ports.position(|port| port["address"] == place["address"]).unwrap();
        (golden.stages.iter().find(|bytes| bytes.stage == stage).unwrap(), number)
    };
    let mut wide = 0;
    let mut write = |values: &ndarray::ArrayD<f32>, places: &serde_json::Value| {
        let values: Vec<f32> = values.iter().copied().collect();
        for place in list(places) {
            let (bytes, number) = port(place, "inputs");
            assert!(quantised(&values, place) == bytes.inputs[number], "{place}");
            wide += usize::from(place["bits"] == 16);
        }
    };
    for (input, values) in list(&manifest["inputs"]).iter().zip(&golden.inputs) {
        write(values, &input["places"]);
    }
    for (n, stage) in list(&manifest["stages"]).iter().enumerate().filter(|(_, s)| s["runs_on"] == "host") {
        let file = manifest["files"][format!("host_{n}")]["name"].as_str().unwrap();
        let model = onnx::import(&net.join(file)).unwrap().graph;
        let read = |read: &serde_json::Value| {
            let (bytes, number) = port(&read["place"], "outputs");
            let shape: Vec<usize> = list(&read["shape"]).iter().map(whole).collect();
            let values = dequantised(&bytes.outputs[number], &read["place"]);
            ndarray::ArrayD::from_shape_vec(shape, values).unwrap()
        };
        let inputs: Vec<_> = list(&stage["reads"]).iter().map(read).collect();
        let made = float::run(&model, &inputs).unwrap();
        for (make, values) in list(&stage["makes"]).iter().zip(&made) {
            write(values, &make["places"]);
        }
    }
    assert!(wide > 0, "no place of 16 bits");
    let place = &manifest["outputs"][0]["place"];
    let (bytes, number) = port(place, "outputs");
    let values: Vec<f32> = golden.outputs[0].iter().copied().collect();
    assert_eq!(dequantised(&bytes.outputs[number], place), values);
}
