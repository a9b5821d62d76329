//! Networks and samples as they lie on disk.

use anyhow::{Context, Result, bail};
use ndarray::{ArrayD, Axis};
use std::path::{Path, PathBuf};
use tilewright_compiler::graph::Graph;
use tilewright_compiler::npy::{self, Array, Data};
use tilewright_compiler::{images, onnx, relay, simplify};

/// A network read from disk.
#[derive(Clone, Debug)]
pub struct Model {
    /// The ONNX file or the Relay text.
    pub path: PathBuf,
    /// As imported.
    pub imported: Graph,
    /// After simplification.
    pub graph: Graph,
    /// What the importer assumed.
    pub warnings: Vec<String>,
}

impl Model {
    /// Reads `path`: an ONNX file, a Relay text (`.relay` or `.txt`, with its parameters in a `.params`
    /// file of the same name beside it), or a folder with a `model.onnx` or else a `model.relay`.
    pub fn read(path: &Path) -> Result<Model> {
        let path = if path.is_dir() {
            let names = ["model.onnx", "model.relay", "model.txt"];
            let found = names.iter().map(|n| path.join(n)).find(|p| p.is_file());
            found.unwrap_or_else(|| path.join(names[0]))
        } else {
            path.to_path_buf()
        };
        if !path.is_file() {
            bail!(
                "error[import]: {}: there is no such file; try: the path of an ONNX file, of a Relay text or of a folder \
                 with a model.onnx or a model.relay",
                path.display()
            );
        }
        let is_text = path.extension().is_some_and(|e| e == "relay" || e == "txt");
        let onnx::Imported { graph: imported, warnings } =
            if is_text { relay::import(&path)? } else { onnx::import(&path)? };
        let graph = simplify::run(imported.clone())?;
        Ok(Model { path, imported, graph, warnings })
    }

    /// A file beside the model.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.path.with_file_name(name)
    }

    /// Calibration samples: from `path`, or from `calib.npz` beside the model.
    pub fn calibration(&self, path: Option<&Path>) -> Result<Vec<Vec<ArrayD<f32>>>> {
        let path = match path {
            Some(path) => path.to_path_buf(),
            None => self.beside("calib.npz"),
        };
        if !path.exists() {
            bail!(
                "error[calibrate]: {}: there is no calibration data; try: --calib with an .npz or .npy file or a folder of images \
                 that look like what the network will see",
                path.display()
            );
        }
        samples(&self.graph, &path)
    }
}

/// Shapes of the graph's inputs.
fn input_shapes(graph: &Graph) -> Vec<(String, Vec<usize>)> {
    let value = |v: &tilewright_compiler::graph::ValueId| &graph.values[v.0 as usize];
    graph.inputs.iter().map(|v| (value(v).name.clone(), value(v).shape.clone())).collect()
}

/// Samples of a graph's inputs: an `.npz` with an array for each input (by its name, or the only
/// one, or `x`), an `.npy`, an image, or a folder of images. The first axis counts samples unless
/// the array has exactly the input's shape. Bytes are taken as images and divided by 255; other
/// numbers are fed as they are.
pub fn samples(graph: &Graph, path: &Path) -> Result<Vec<Vec<ArrayD<f32>>>> {
    let inputs = input_shapes(graph);
    let place = || path.display().to_string();
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let arrays: Vec<(String, Array)> = match extension.as_str() {
        "npz" => npy::read_npz(path).with_context(place)?,
        "npy" => vec![("".into(), npy::read_npy(path).with_context(place)?)],
        _ if path.is_dir() || matches!(extension.as_str(), "png" | "jpg" | "jpeg") => {
            let [(_, shape)] = inputs.as_slice() else {
                bail!(
                    "error[samples]: {}: images feed networks with one input, this one has {}; try: an .npz file",
                    place(),
                    inputs.len()
                );
            };
            let [_, c, h, w] = shape[..] else {
                bail!(
                    "error[samples]: {}: images feed inputs of four axes, this one is {shape:?}; try: an .npz file",
                    place()
                );
            };
            let images = images::read(path, [c, h, w]).with_context(place)?;
            let shape = images.shape().to_vec();
            vec![("".into(), Array { shape, data: Data::F32(images.into_iter().collect()) })]
        }
        _ => bail!(
            "error[samples]: {}: not an .npz or .npy file, an image or a folder of images; try: numpy.savez(file, x=samples)",
            place()
        ),
    };
    let mut columns: Vec<Vec<ArrayD<f32>>> = vec![];
    for (name, shape) in &inputs {
        let named = arrays.iter().find(|(n, _)| n == name);
        let only = (inputs.len() == 1).then(|| {
            arrays.iter().find(|(n, _)| n == "x").or(if arrays.len() == 1 { arrays.first() } else { None })
        });
        let Some((_, array)) = named.or(only.flatten()) else {
            let have: Vec<&str> = arrays.iter().map(|(n, _)| n.as_str()).collect();
            bail!(
                "error[samples]: {}: has no array for input {name:?}, only {have:?}; try: name the array after the input",
                place()
            );
        };
        columns.push(split(array, shape).with_context(|| format!("{}: input {name:?}", place()))?);
    }
    let count = columns.iter().map(Vec::len).min().unwrap_or(0);
    if count == 0 || columns.iter().any(|c| c.len() != count) {
        bail!("error[samples]: {}: the inputs have no or different numbers of samples", place());
    }
    Ok((0..count).map(|i| columns.iter().map(|c| c[i].clone()).collect()).collect())
}

/// Cuts an array into samples of `shape` (whose first extent is the batch of one).
fn split(array: &Array, shape: &[usize]) -> Result<Vec<ArrayD<f32>>> {
    let mut values = array.to_ndarray();
    if matches!(array.data, Data::U8(_)) {
        values /= 255.0;
    }
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        bail!("error[samples]: the data contains {bad}");
    }
    if array.shape == shape {
        return Ok(vec![values]);
    }
    let matches = array.shape.len() == shape.len() && !shape.is_empty() && array.shape[1..] == shape[1..];
    if !matches || shape[0] != 1 {
        bail!("error[samples]: the data has shape {:?}, the network takes {shape:?}", array.shape);
    }
    Ok(values.axis_iter(Axis(0)).map(|s| s.to_owned().insert_axis(Axis(0))).collect())
}
