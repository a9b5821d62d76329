//! Sums with an operand of 16 bits.

use super::Lowering;
use crate::error::Result;
use crate::fixed::{Operand, Reduction, Tensor, TensorId};
use crate::graph::Window;
use crate::quantise::ranges::width::WideRanges;
use crate::quantise::select::epilogue::{Combine, Epilogue};
use crate::quantise::select::plan::FusedOp;
use crate::quantise::weights::channel;

impl Lowering<'_> {
    /// The operand in two steps, `256 * high + low`: its high halves are added to what the fused operation
    /// reduces, without clamps and to 16 bits, and its low halves to that.
    pub fn wide_sum(&mut self, g: usize, fused: &FusedOp) -> Result<()> {
        let ranges = WideRanges { plan: self.plan, classes: self.classes, seen: self.seen };
        let qparams = ranges.sum(g);
        let name = format!("{} (sum)", self.output(fused).name);
        let tensor = Tensor::bytes(name, fused.shape, qparams.scale, qparams.zero).widened();
        let (scale, bias) = (f64::from(tensor.scale), -tensor.zero_term());
        let Epilogue { slope, operand, .. } = fused.epilogue.clone();
        let operand = operand.map(|(second, combine)| match combine {
            Combine::Add(sign) => (second, Combine::Add(256.0 * sign)),
            // Estimates ask for it; in the end what multiplies is a byte.
            Combine::Multiply => (second, combine),
        });
        let epilogue = Epilogue { slope, operand, ..Epilogue::EMPTY };
        // It has a home for as long as that takes.
        let first = FusedOp { epilogue, output: self.tensor.len(), ..fused.clone() };
        self.tensor.push(TensorId::nth(self.fixed.tensors.len()));
        self.fixed.tensors.push(tensor);
        let reduced = self.reduced(g, &first);
        let sum = self.placed(&self.whole_output(&first));
        self.tensor.pop();
        reduced?;
        // The slope of negative sums has been taken.
        let factor = scale / self.result(g, fused).scale;
        let Some(channel) = channel(factor, 1.0, bias) else {
            return Err(self.unscaled(fused, 0, factor));
        };
        let mut node = self.node(g, fused, &Window::UNIT, Reduction::Sum, vec![channel])?;
        node.input = sum;
        node.operand = node.operand.map(|o| Operand { view: o.view.low_halves(), ..o });
        self.push(g, node, Vec::new(), None)
    }
}
