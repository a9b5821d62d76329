//! What the post unit does after each kind of reduction. Fusion asks here, and [`crate::quantise::lower`] does what
//! is said here: what a reduction does not take becomes an operation of its own.

use super::kernel::Kernel;
use crate::graph::Window;

/// Something that follows a reduction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Following {
    /// Clamps, the same for all channels.
    Clamp,
    /// One slope of negative sums for all channels.
    Slope,
    /// A slope of negative sums for each channel.
    Slopes,
    /// A table.
    Table,
    /// A second tensor, added.
    Add,
    /// A second tensor, multiplied.
    Multiply,
    /// DepthToSpace.
    Place,
}

impl Kernel {
    /// Whether `step` can follow this reduction in one operation.
    pub fn takes(&self, step: Following) -> bool {
        match self {
            // Their producers may write in place.
            Kernel::Copies { .. } => false,
            // It keeps its input's scale, which leaves room for clamps only.
            Kernel::Max { .. } => step == Following::Clamp,
            // One requantisation for all channels; rows of channels are written batch by batch.
            Kernel::Product { .. } => matches!(step, Following::Clamp | Following::Slope | Following::Table),
            // Each phase writes pixels that are not neighbours.
            Kernel::Phases { .. } => !matches!(step, Following::Multiply | Following::Place),
            Kernel::Linear { window, weights, bias, groups } => match step {
                // How large its sums become is not known well enough for a multiplicand.
                Following::Multiply => false,
                // Blocks of pixels are written by columns that see the same inputs.
                Following::Place => *groups == 1 && !is_depthwise(window, weights, bias),
                _ => true,
            },
            Kernel::Mean { .. } => true,
        }
    }
}

/// Every output channel sees one input channel.
fn is_depthwise(window: &Window, weights: &[f32], bias: &[f64]) -> bool {
    weights.len() == bias.len() * window.kernel[0] * window.kernel[1]
}
