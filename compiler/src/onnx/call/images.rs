//! Lines as images: what has one spatial axis, (N, C, W), is computed as an image of height 1, (N, C, 1, W).
//!
//! Between two operators with a window the operators that touch each element alone are computed on the image too, so
//! that no Reshape stands between a convolution and what can be folded into it.

use super::Call;
use crate::error::Result;
use crate::graph::{BinaryKind, Op, ValueId};
use crate::onnx::window::image;

/// Whether an operator computes each element of its inputs alone, whatever axes there are.
fn is_pointwise(op: &Op) -> bool {
    match op {
        Op::Relu | Op::Clip { .. } | Op::LeakyRelu { .. } | Op::Unary { .. } | Op::Add => true,
        Op::Binary { kind } => !matches!(kind, BinaryKind::Pow),
        Op::BatchNormalization { .. } => true,
        _ => false,
    }
}

impl Call<'_> {
    /// Applies an operator with a window; its value is the node's first result.
    pub fn emit_image(&mut self, op: Op, inputs: &[ValueId]) -> Result<()> {
        if self.shape_of(inputs[0]).len() == 4 {
            return self.emit(op, inputs);
        }
        let y = self.apply_image(op, inputs)?;
        self.result(y)
    }

    /// Applies an operator with a window to an image, or to what is seen as one: a line, the planes of a volume.
    pub fn apply_image(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        let shape = self.shape_of(inputs[0]);
        if shape.len() == 4 {
            return self.apply(op, inputs);
        }
        let mut raised = inputs.to_vec();
        raised[0] = self.as_image(inputs[0])?;
        if let (3, Some(&w)) = (shape.len(), inputs.get(1)) {
            let weights = image(self, &self.shape_of(w))?;
            raised[1] = self.reshaped(w, &weights)?;
        }
        let y = self.apply(op, &raised)?;
        let made = self.shape_of(y);
        let old = match shape.len() {
            3 => vec![made[0], made[1], made[3]],
            _ => vec![shape[0], shape[1], shape[2], made[2], made[3]],
        };
        let line = self.reshaped(y, &old)?;
        if shape.len() == 3 {
            self.importer.images.insert(line, y);
        }
        Ok(line)
    }

    fn as_image(&mut self, x: ValueId) -> Result<ValueId> {
        if let Some(&image) = self.importer.images.get(&x) {
            return Ok(image);
        }
        let shape = image(self, &self.shape_of(x))?;
        self.reshaped(x, &shape)
    }

    /// Applies an operator to the images that its inputs are made of; `None` where they are not.
    pub(super) fn on_images(&mut self, op: &Op, inputs: &[ValueId]) -> Result<Option<ValueId>> {
        let image = |id: &ValueId| self.importer.images.get(id).copied();
        let constant = |id: &ValueId| self.importer.graph.constant_data(*id).is_some();
        let usable = |id: &ValueId| image(id).is_some() || constant(id);
        if !is_pointwise(op) || !inputs.iter().any(|id| image(id).is_some()) || !inputs.iter().all(usable) {
            return Ok(None);
        }
        let mut raised = Vec::with_capacity(inputs.len());
        for &id in inputs {
            let shape = self.shape_of(id);
            raised.push(match self.importer.images.get(&id) {
                Some(&image) => image,
                // Channels of a normalisation, a number, or elements along the line.
                None if shape.len() < 2 => id,
                None => {
                    let mut with_height = shape.clone();
                    with_height.insert(shape.len() - 1, 1);
                    self.reshaped(id, &with_height)?
                }
            });
        }
        let y = self.apply(op.clone(), &raised)?;
        let made = self.shape_of(y);
        let [n, c, 1, width] = made[..] else { return Ok(None) };
        let line = self.reshaped(y, &[n, c, width])?;
        self.importer.images.insert(line, y);
        Ok(Some(line))
    }
}
