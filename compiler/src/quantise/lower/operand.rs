//! Second operands: terms and factors.

use super::Lowering;
use crate::error::Result;
use crate::fixed::Operand;
use crate::quantise::select::epilogue::Combine;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::FusedOp;
use tilewright_arch::fixed::{
    FRACTION, MAX_SHIFT, MULTIPLICAND_BITS, OperandScale, floor_log2, mantissa, power_of_two,
};

impl Lowering<'_> {
    /// The second operand, of one with 16 bits the high halves, and the real value of a step of what it multiplies.
    pub fn operand(&self, g: usize, fused: &FusedOp) -> Result<Option<(Operand, Option<f64>)>> {
        let (Some(view), Some((_, combine))) = (&fused.operand, &fused.epilogue.operand) else {
            return Ok(None);
        };
        let (from, to) = (self.read(view), self.result(g, fused));
        let (zero, mut view) = (from.zero, self.placed(view));
        if fused.grid != fused.shape {
            // Rows of the grid are pieces of the one line that the operand is seen as.
            let width = fused.grid[2];
            (view.axes[1], view.step[1]) = (view.axes[2], view.step[2] * width);
            view.shape = fused.grid;
        }
        let factor = f64::from(from.scale) / to.scale;
        match combine {
            Combine::Add(sign) => match mantissa(factor * sign) {
                Some((mantissa, shift)) => {
                    let scale = OperandScale::addend(zero, mantissa, shift);
                    Ok(Some((Operand { view, scale }, None)))
                }
                None => Err(self.error(fused, format!("the operand's factor is {factor:e}"), self.ranges())),
            },
            Combine::Multiply => {
                // The multiplicand is as fine as its bits allow: largest * 2^shift * factor fits.
                let own = match fused.kernel {
                    Kernel::Mean { factor, .. } => {
                        let from = self.read(&fused.inputs[0]);
                        let most = if from.wide { 65535.0 } else { 255.0 };
                        f64::from(from.scale) * factor.abs() * most
                    }
                    _ => unreachable!("only copies and means are multiplied"),
                };
                let limit = f64::from((1 << (MULTIPLICAND_BITS - 1)) - 1);
                let steps = f64::from(1 << FRACTION);
                let room = floor_log2(limit / (own * steps * factor));
                // What saturates is 512 steps of a byte, which clips anyway, but a quarter of 16 bits.
                if room < 0 && self.output(fused).wide {
                    let why = "the product of its operands can be too many steps of 16 bits".to_string();
                    return Err(self.error(fused, why, self.ranges()));
                }
                let shift = room.clamp(0, i32::from(MAX_SHIFT)) as u8;
                let scale = OperandScale::factor(zero, shift);
                let step = to.scale / (f64::from(from.scale) * power_of_two(shift.into()));
                Ok(Some((Operand { view, scale }, Some(step))))
            }
        }
    }
}
