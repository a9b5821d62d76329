//! Reading ONNX models: networks of opset 7 to 25 with static shapes, float32 or quantised.
//!
//! Every node becomes nodes of [`Graph`] with the same meaning or is refused by file, node,
//! operator and attribute; nothing is dropped silently. What only carries constants or copies
//! (Identity, Constant, Dropout, arithmetic on shapes) leaves no node behind.
//!
//! No input, however damaged, makes the importer panic or read a file outside the model's folder.

mod activation;
mod attention;
mod branch;
mod call;
mod center;
mod choice;
mod constant;
mod conv;
mod described;
mod document;
mod einsum;
mod elementwise;
mod fold;
mod import;
mod inline;
mod matrix;
mod max_places;
mod moves;
mod norm;
mod order;
mod picked;
mod pool;
mod proto;
mod quantized;
mod recurrent;
mod reduce;
mod resampled;
mod resize;
mod scatter;
mod sequence;
mod shape;
mod single;
mod spectrum;
mod table;
mod tensor;
mod triangle;
mod volume;
mod whole;
mod window;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message;

pub(crate) use single::{SingleAttribute, SingleInput, single};

pub use document::document;
pub use table::{MachineSupport, Operator, operators};
pub use write::{OPSET, write, write_values};

use crate::error::{Error, Result};
use crate::files;
use crate::graph::Graph;

/// What an import yields.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network; [`Graph::verify`] holds.
    pub graph: Graph,
    /// What the importer assumed, for the user to read: a batch size, a stale declared shape.
    pub warnings: Vec<String>,
}

/// Extents that a user gives to inputs, by name.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Reads a model file; external data is looked for beside it.
///
/// # Errors
/// A file that cannot be read or is not ONNX; a model that uses what is not supported, naming the
/// node, the operator, the attribute and what to try.
pub fn import(path: &Path) -> Result<Imported> {
    import_shaped(path, &Shapes::new())
}

/// Reads a model file whose inputs have the extents of `shapes` where it leaves them open.
///
/// # Errors
/// As [`import`]; a name that no input has, a shape of another rank or that contradicts the model's.
pub fn import_shaped(path: &Path, shapes: &Shapes) -> Result<Imported> {
    let (name, bytes) = read(path)?;
    // The parent of a bare file name is the empty path, which means the current folder.
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    import_bytes(&bytes, &name, Some(folder), shapes)
}

/// The inputs of a model file of which more than the batch is open: their names, and the extents that are known.
///
/// # Errors
/// A file that cannot be read or is not ONNX.
pub fn open_inputs(path: &Path) -> Result<Vec<(String, Vec<Option<usize>>)>> {
    let (name, bytes) = read(path)?;
    let model = decoded(&bytes, &name).map_err(|e| e.file(&name))?;
    Ok(import::open_inputs(&model))
}

fn read(path: &Path) -> Result<(String, Vec<u8>)> {
    let name = path.display().to_string();
    let bytes =
        files::read(path).map_err(|e| Error::new("import", format!("cannot be read: {e}")).file(&name))?;
    Ok((name, bytes))
}

fn decoded(bytes: &[u8], name: &str) -> Result<proto::ModelProto> {
    proto::ModelProto::decode(bytes).map_err(|e| {
        Error::new("import", format!("is not an ONNX model: {e}"))
            .file(name)
            .hint("check that the file is complete: python -m onnx.checker")
    })
}

/// Reads a model from memory. `name` stands for the file in messages; without a `folder`, external
/// data is refused. Inputs have the extents of `shapes` where it leaves them open.
///
/// # Errors
/// As [`import_shaped`].
pub fn import_bytes(bytes: &[u8], name: &str, folder: Option<&Path>, shapes: &Shapes) -> Result<Imported> {
    let model = decoded(bytes, name)?;
    import::run(&model, name, folder, shapes).map_err(|e| e.stage("import").file(name))
}
