//! Running ONNX models in tract.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use prost::Message;
use tract_onnx::pb;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;

/// Runs an ONNX file on inputs whose shapes become those of the model's inputs; its float outputs, in
/// order.
///
/// # Errors
/// What tract cannot load or run, in its own words; a panic inside tract too.
pub fn run_file(path: &Path, inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>, String> {
    guarded(|| run_loaded(tract_onnx::onnx().model_for_path(path)?, inputs))
}

/// [`run_file`] for the bytes of a model.
///
/// # Errors
/// As [`run_file`].
pub fn run(model: &[u8], inputs: &[ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>, String> {
    let model = pb::ModelProto::decode(model).map_err(|e| e.to_string())?;
    guarded(|| run_loaded(tract_onnx::onnx().model_for_proto_model(&model)?, inputs))
}

/// Turns tract's errors, with their chain of causes, and its panics into text.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|e| format!("{e:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(format!("panic: {}", text.unwrap_or_default()))
        }
    }
}

fn run_loaded(mut model: InferenceModel, inputs: &[ArrayD<f32>]) -> TractResult<Vec<ArrayD<f32>>> {
    let mut given = TVec::new();
    for (i, x) in inputs.iter().enumerate() {
        let data: Vec<f32> = x.iter().copied().collect();
        // Whole numbers of a quantised model are given as floats.
        let kind = model.input_fact(i)?.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(i, InferenceFact::dt_shape(kind, x.shape()))?;
        given.push(Tensor::from_shape(x.shape(), &data)?.cast_to_dt(kind)?.into_owned().into_tvalue());
    }
    let results = model.into_optimized()?.into_runnable()?.run(given)?;
    results
        .iter()
        .map(|y| {
            let y = y.cast_to::<f32>()?;
            let data = y.to_plain_array_view::<f32>()?.iter().copied().collect();
            Ok(ArrayD::from_shape_vec(IxDyn(y.shape()), data)?)
        })
        .collect()
}
