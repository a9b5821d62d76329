//! Nodes of 16-bit values: one for the high and one for the low half of what is written, alike but for the planes.

use super::{Lowering, Provenance, SPLIT};
use crate::claims::RealWeights;
use crate::error::Result;
use crate::fixed::{self, FixedNode, Operand, Reduction};
use tilewright_arch::fixed::{Channel, Half};

impl Lowering<'_> {
    /// Adds a node; where the tensor that it writes is wide, two, or one for both halves of a plane.
    pub fn push(
        &mut self,
        g: usize,
        mut node: FixedNode,
        units: Vec<f64>,
        rounded: Option<RealWeights>,
    ) -> Result<()> {
        node.wide = self.fixed.tensor(node.input.tensor).wide;
        for c in 0..self.fixed.grid(&node)[0] {
            let bound = self.fixed.accumulator_bound(&node, c);
            if bound > i64::from(i32::MAX) {
                let why = format!(
                    "sums of channel {c} can reach {bound}, more than the {} of an accumulator",
                    i32::MAX
                );
                return Err(self.error(&self.plan.ops[g], why, SPLIT));
            }
        }
        if self.fixed.tensor(node.output.tensor).wide {
            let half = |half: Half, output: fixed::View| FixedNode {
                channels: node.channels.iter().map(|c| Channel { half, ..*c }).collect(),
                output,
                ..node.clone()
            };
            let (high, low) = (half(Half::High, node.output), half(Half::Low, node.output.low_halves()));
            node = match both(&high, &low) {
                Some(both) => both,
                None => {
                    self.fixed.nodes.push(high);
                    self.provenance.push(Provenance {
                        fused: g,
                        units: units.clone(),
                        rounded: rounded.clone(),
                    });
                    low
                }
            };
        }
        self.fixed.nodes.push(node);
        self.provenance.push(Provenance { fused: g, units, rounded });
        Ok(())
    }
}

/// The two halves of a sum over one plane as the channels of one node, which reads the plane twice: half
/// the instructions, each of which takes about as long to start as a short row of pixels.
fn both(high: &FixedNode, low: &FixedNode) -> Option<FixedNode> {
    let plain = high.reduction == Reduction::Sum && high.place.depth_to_space.0 == 1;
    if !plain || high.output.shape[0] != 1 || high.output.axes != [0, 1, 2] {
        return None;
    }
    let twice = |view: &fixed::View, step: usize| fixed::View {
        step: [step, view.step[1], view.step[2]],
        shape: [2, view.shape[1], view.shape[2]],
        ..*view
    };
    Some(FixedNode {
        input: twice(&high.input, 0),
        channels: vec![high.channels[0], low.channels[0]],
        operand: high.operand.as_ref().map(|o| Operand { view: twice(&o.view, 0), ..o.clone() }),
        output: twice(&high.output, 1),
        ..high.clone()
    })
}
