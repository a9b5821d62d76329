//! Sums with an operand of 16 bits.

use super::Lowering;
use crate::error::Result;
use crate::fixed::{Reduction, Tensor, TensorId};
use crate::graph::Window;
use crate::quantise::plan::Group;
use crate::quantise::weights::channel;
use crate::quantise::width::Ranges;

impl Lowering<'_> {
    /// The operand in two steps, `256 * high + low`: its high halves are added to what the group
    /// reduces, without clamps and to 16 bits, and its low halves to that.
    pub(super) fn wide_sum(&mut self, g: usize, group: &Group) -> Result<()> {
        let ranges = Ranges { plan: self.plan, sharing: self.sharing, seen: self.seen };
        let affine = ranges.sum(g);
        let name = format!("{} (sum)", self.output(group).name);
        let tensor = Tensor::bytes(name, group.shape, affine.scale, affine.zero).widened();
        let between = TensorId(self.fixed.tensors.len() as u32);
        let (scale, bias) = (f64::from(tensor.scale), -tensor.zero_term());
        self.fixed.tensors.push(tensor);
        self.between = Some(between);
        let reduced = self.reduced(g, group);
        self.between = None;
        reduced?;
        // The slope of negative sums has been taken.
        let factor = scale / self.result(g, group).scale;
        let Some(channel) = channel(factor, 1.0, bias) else {
            return Err(self.unscaled(group, 0, factor));
        };
        let mut node = self.node(g, group, &Window::UNIT, Reduction::Sum, vec![channel])?;
        node.input = group.to.of(between).high_halves();
        self.push(g, node, Vec::new(), None)
    }
}
