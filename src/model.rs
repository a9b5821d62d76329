//! Networks as they lie on disk, with the samples beside them.

pub use crate::samples::samples;
use anyhow::{Result, bail};
use ndarray::ArrayD;
use std::path::{Path, PathBuf};
use tilewright_compiler::error::Error;
use tilewright_compiler::graph::{Graph, Node, Op};
pub use tilewright_compiler::onnx::Shapes;
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

/// Whether a path is that of a Relay text.
fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "relay" || e == "txt")
}

/// The given shapes, and those of the arrays in `data` for inputs whose extents are open beside.
fn settled(path: &Path, shapes: &Shapes, data: Option<&Path>) -> Result<Shapes> {
    let mut all = shapes.clone();
    let open = onnx::open_inputs(path)?;
    let beside = path.with_file_name("calib.npz");
    let data = data.map(Path::to_path_buf).unwrap_or(beside);
    for (name, declared) in open.iter().filter(|(name, _)| !shapes.contains_key(name)) {
        let Some(shape) = crate::samples::stored_shape(&data, name, open.len() == 1) else { continue };
        // The first axis counts samples, or is the batch.
        let whole = [vec![declared[0].unwrap_or(1)], shape.get(1..).unwrap_or(&[]).to_vec()].concat();
        if shape.len() == declared.len() {
            all.insert(name.clone(), whole);
        }
    }
    Ok(all)
}

impl Model {
    /// Reads `path`: an ONNX file, a Relay text (`.relay` or `.txt`, with its parameters in a `.params`
    /// file of the same name beside it), or a folder with a `model.onnx` or else a `model.relay`.
    ///
    /// # Errors
    /// A file that is not there, and what the importers refuse: each with file, node, operator and attribute.
    pub fn read(path: &Path) -> Result<Model> {
        Model::shaped(path, &Shapes::new(), None)
    }

    /// Reads `path` as [`Model::read`] does; where an ONNX file leaves extents open, inputs have those of `shapes`, or
    /// else of the arrays in `data`, an `.npz` or `.npy`.
    ///
    /// # Errors
    /// As [`Model::read`]; shapes that do not fit the model.
    pub fn shaped(path: &Path, shapes: &Shapes, data: Option<&Path>) -> Result<Model> {
        let path = if path.is_dir() {
            let names = ["model.onnx", "model.relay", "model.txt"];
            let found = names.iter().map(|n| path.join(n)).find(|p| p.is_file());
            found.unwrap_or_else(|| path.join(names[0]))
        } else {
            path.to_path_buf()
        };
        if !path.is_file() {
            let hint = "the path of an ONNX file, of a Relay text, of a folder with a model.onnx or a model.relay, or of an \
                        artefact, whose folder has a manifest.json";
            let (what, hint) = match path.exists() {
                true => {
                    ("it is a pipe, a socket or a device, not a file", "a file that the model is written to")
                }
                false => ("there is no such file", hint),
            };
            return Err(Error::new("import", what).file(path.display().to_string()).hint(hint).into());
        }
        let onnx::Imported { graph: mut imported, warnings } = match is_text(&path) {
            true if !shapes.is_empty() => {
                bail!("error[import]: {}: Relay texts have all extents; try: without --shape", path.display())
            }
            true => relay::import(&path)?,
            false => onnx::import_shaped(&path, &settled(&path, shapes, data)?)?,
        };
        for (n, id) in imported.outputs.clone().into_iter().enumerate() {
            // Relay's results have no names: they are called as the files that they are written to.
            let name = &mut imported.values[id.0 as usize].name;
            if name.is_empty() {
                *name = format!("output_{n}");
            }
        }
        let graph = simplify::run(imported.clone())?;
        Ok(Model { path, imported, graph, warnings })
    }

    /// An error of a later stage with the operator that an ONNX model has under the node's name; the compiler has words of
    /// its own for what it fuses, and names for what it makes of a recurrent layer.
    pub fn named(&self, error: anyhow::Error) -> anyhow::Error {
        let error = match error.downcast::<Error>() {
            Ok(error) if !is_text(&self.path) => error,
            Ok(error) => return error.into(),
            Err(other) => return other,
        };
        let Some(name) = error.report().node.clone() else { return error.into() };
        let mut operators = self.imported.nodes.iter().filter(|n| n.name == name).map(|n| n.op.name());
        match operators.next() {
            Some(first) if operators.all(|other| other == first) => error.source_operator(first).into(),
            Some(_) => error.into(),
            None => self.of_step(error, &name).into(),
        }
    }

    /// An error of node `name`, which is one of a recurrent layer's steps, as one of the layer.
    fn of_step(&self, error: Error, name: &str) -> Error {
        let part = |node: &Node| name.strip_prefix(&node.name)?.strip_prefix('/').map(str::to_owned);
        let layers = self.imported.nodes.iter().filter(|node| matches!(node.op, Op::Recurrent(_)));
        let found = layers.filter_map(|node| Some((node, part(node)?)));
        match found.max_by_key(|(node, _)| node.name.len()) {
            Some((node, part)) => error.within(part).source_node(&node.name).source_operator(node.op.name()),
            None => error,
        }
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
