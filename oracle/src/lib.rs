//! Second opinions on what Tilewright computes, for tests alone; nothing that is shipped depends on it.
//!
//! [tract](https://github.com/sonos/tract) is another runtime of ONNX models, written by other people.
//! The tests of this crate hold the float reference against it: on every model at hand
//! (`tests/models.rs`) and on random graphs of every operator (`tests/random.rs`), which [`onnx::write_values`]
//! turns into ONNX files that the importer must read back. tract reads them with messages of its own.
//!
//! Where tract gives no opinion, because it refuses an operator or computes something else than ONNX
//! says, tests print it by name and count it: [`opinion::WRONG`] lists what is wrong in tract.

pub mod compare;
pub mod local;
pub mod opinion;
pub mod rebuild;
pub mod tract;

use ndarray::{ArrayD, IxDyn};
use tilewright_compiler::graph::{Graph, ValueId};
use tilewright_random::Random;

use compare::same_numbers;
use tilewright_compiler::{float, onnx};

/// Writes the graph as ONNX and reads it back; the results must be the same to the last bit, but for the
/// sign of zeros.
///
/// # Errors
/// What cannot be written, what the importer refuses, results that differ.
pub fn round_trip(graph: &Graph, inputs: &[ArrayD<f32>]) -> Result<(), String> {
    let bytes = onnx::write_values(graph, &graph.outputs).map_err(|e| e.to_string())?;
    let read =
        onnx::import_bytes(&bytes, "written.onnx", None, &onnx::Shapes::new()).map_err(|e| e.to_string())?;
    let ours = float::run(&rebuild::without_swish(graph), inputs).map_err(|e| e.to_string())?;
    let again = float::run(&read.graph, inputs).map_err(|e| e.to_string())?;
    match same_numbers(&ours, &again) {
        true => Ok(()),
        false => Err("what the importer reads back computes something else".into()),
    }
}

/// Inputs of a graph: uniform in -1..1.
pub fn random_inputs(graph: &Graph, seed: u64) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(seed);
    let mut input = |id: &ValueId| {
        let shape = graph.shape(*id);
        let data = random.floats(shape.iter().product());
        ArrayD::from_shape_vec(IxDyn(shape), data).expect("as many as the shape says")
    };
    graph.inputs.iter().map(&mut input).collect()
}
