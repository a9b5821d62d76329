//! What quantisation did to a layer, as it was measured.

use serde::Serialize;

/// One operation's output against float, with everything before it quantised as well.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MeasuredLayer {
    /// Name of the source model's node (the first of those fused).
    pub name: String,
    /// Operators, as `conv2d+relu`.
    pub operator: String,
    /// Channels, rows, columns of the result.
    pub shape: [usize; 3],
    /// Bits of the result, 8 or 16.
    pub bits: u8,
    /// Why it cannot have 16; absent where it has them, could have them, or none are wanted.
    pub why_8_bits: Option<String>,
    /// Smallest value seen in float.
    pub min: f32,
    /// Largest value seen in float.
    pub max: f32,
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero; of 16 bits, as both halves.
    pub zero: i8,
    /// Signal to quantisation noise in decibels; infinite when exact, and absent when the result is
    /// zero throughout.
    pub sqnr_db: Option<f64>,
    /// Share of values (0..=1) that in float lie outside of what the bits can express.
    pub saturated: f64,
}
