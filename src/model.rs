//! Networks as they lie on disk, with the samples beside them.

pub use crate::samples::samples;
use anyhow::{Result, bail};
use ndarray::ArrayD;
use std::path::{Path, PathBuf};
use tilewright_compiler::graph::Graph;
use tilewright_compiler::{onnx, relay, simplify};

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
    ///
    /// # Errors
    /// A file that is not there, and what the importers refuse: each with file, node, operator and attribute.
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
    ///
    /// # Errors
    /// No file there, and those of [`samples`].
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
