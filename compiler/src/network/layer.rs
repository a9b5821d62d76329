//! What became of operators: left to the host, or quantised, as it was measured.

use serde::{Deserialize, Serialize};

/// One operation's output against float, with everything before it quantised as well.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MeasuredLayer {
    /// The operation's number among the claimed ones, which is its layer's in an artefact.
    pub id: usize,
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

/// An operator of the source graph that the host runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HostOperator {
    /// Its name in the source model.
    pub name: String,
    /// The operator.
    pub operator: String,
    /// Its multiply-accumulates.
    pub macs: u64,
    /// Why the machine does not run it.
    pub why: String,
    /// What to try, if anything helps.
    pub hint: Option<String>,
}
