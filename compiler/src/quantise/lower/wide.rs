//! Sums with an operand of 16 bits.

use super::Lowering;
use crate::error::Result;
use crate::fixed::{Reduction, Tensor, TensorId};
use crate::graph::Window;
use crate::quantise::ranges::width::Ranges;
use crate::quantise::select::plan::FusedOp;
use crate::quantise::weights::channel;

impl Lowering<'_> {
    /// The operand in two steps, `256 * high + low`: its high halves are added to what the fused operation
    /// reduces, without clamps and to 16 bits, and its low halves to that.
    pub fn wide_sum(&mut self, g: usize, fused: &FusedOp) -> Result<()> {
        let ranges = Ranges { plan: self.plan, classes: self.classes, seen: self.seen };
        let qparams = ranges.sum(g);
        let name = format!("{} (sum)", self.output(fused).name);
        let tensor = Tensor::bytes(name, fused.shape, qparams.scale, qparams.zero).widened();
        let between = TensorId(self.fixed.tensors.len() as u32);
        let (scale, bias) = (f64::from(tensor.scale), -tensor.zero_term());
        self.fixed.tensors.push(tensor);
        self.between = Some(between);
        let reduced = self.reduced(g, fused);
        self.between = None;
        reduced?;
        // The slope of negative sums has been taken.
        let factor = scale / self.result(g, fused).scale;
        let Some(channel) = channel(factor, 1.0, bias) else {
            return Err(self.unscaled(fused, 0, factor));
        };
        let mut node = self.node(g, fused, &Window::UNIT, Reduction::Sum, vec![channel])?;
        node.input = fused.to.of(between).high_halves();
        self.push(g, node, Vec::new(), None)
    }
}
