//! BatchNormalization at inference.

use super::call::Call;
use super::import::Operand;
use super::tensor::Elements;
use crate::error::Result;
use crate::graph::Op;

/// BatchNormalization with stored statistics.
pub(super) fn batch_normalization(call: &mut Call) -> Result<()> {
    let inputs = call.values(5, 5)?;
    if call.flag("training_mode", false)? {
        return Err(call
            .error("the node computes its own statistics")
            .attribute("training_mode")
            .hint("export the model in evaluation mode"));
    }
    if call.opset() < 9 && !call.flag("spatial", true)? {
        return call.refuse("spatial", "statistics per element are not supported");
    }
    call.ignore("momentum");
    let epsilon = call.float("epsilon", 1e-5)?;
    if let Operand::Constant(variance) = call.operand(4)?
        && let Elements::Floats(variance) = &variance.elements
        && let Some(v) = variance.iter().find(|v| **v + epsilon <= 0.0)
    {
        return Err(call.error(format!("a variance is {v}, its root does not exist")));
    }
    call.emit(Op::BatchNormalization { epsilon }, &inputs)
}
