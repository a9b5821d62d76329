//! The first rung of the ladder: every integer operation against the operators of the source that it
//! stands for, element by element.
//!
//! For each operation of the machine the integers that really enter it are dequantised, and the source's
//! operators, all that were fused, are evaluated on them in float64 (`source`, which knows nothing of
//! the lowering). What then separates the exact result from the integer that the machine makes is
//! rounding alone, so it is bounded:
//!
//! ```text
//! |exact - dequantised| <= scale * (1/2 + floors * 2^-fraction + |exact / scale| * 2^-23) + between
//! ```
//!
//! * *floors*: the post unit rounds down once for the sum and once for an operand
//!   ([`tilewright_arch::fixed`]); a multiplier has 24 significant bits, so its factor is right to 2^-24. Where
//!   negative sums have a factor of their own, the smaller of both has fewer, and 2^-23 is half of its last bit.
//! * *between*: half a step of each tensor that the operation keeps for itself, times what follows it.
//! * A table is looked up at a byte: the exact argument is at most half a step (and the above) away from
//!   it, so the function is evaluated at all bytes that near, and the result is a half step from one.
//! * An integer at the end of its range may stand for what lies beyond that end.
//!
//! Weights and biases are rounded too, which no interval of a few steps contains. So they are bounded
//! apart (`rounded`): each integer stands for a number near the source's, and what the differences make
//! of the very same inputs is added to the exact result. A wrong weight, scale, zero point, view or
//! window leaves more than its rounding explains, in one element at least.
//!
//! Values lie in tensors as the [claims](crate::claims) say. A claim that is wrong gives wrong elements;
//! one that is missing is a [`Finding`] of its own.

mod apart;
mod channels;
mod claimed;
mod corrections;
mod ended;
mod equalised;
mod exact;
mod integers;
mod intervals;
mod noise;
mod parts;
mod prescribed;
mod quality;
mod rounded;
mod run;
mod source;
mod window;

#[cfg(test)]
mod tests;

pub use channels::{Groups, groups};
pub use corrections::corrections;
pub use equalised::{Equalised, equalised};
pub use noise::{LayerNoise, Prediction, predict, predict_unbounded};
pub use prescribed::{Off, PrescribedCheck, prescribed};
pub use quality::{ChannelQuality, GOOD_DB, JoinedPart, LEAST_CHANNEL_DB, LEAST_OUTPUT_DB, LESS_DB, Quality};
pub use run::check;

use serde::Serialize;
use std::fmt;

/// What the check of one input found.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct InputProof {
    /// One for each operation, in order.
    pub layers: Vec<Layer>,
    /// Defects, the first one of each layer.
    pub findings: Vec<Finding>,
}

/// An operation's elements against the source.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Layer {
    /// The operation's number among the claimed ones, which is its layer's in an artefact; none for a value that the
    /// host quantises.
    pub id: Option<usize>,
    /// Name of the source model's node (the first of those fused).
    pub name: String,
    /// Operators, as `conv2d+relu`.
    pub operator: String,
    /// Elements held against the source.
    pub elements: usize,
    /// Of those, how many lie at an end of their range and stand for what lies beyond it.
    pub saturated: usize,
    /// How far the farthest of these lies beyond, as a share of the range's width.
    pub beyond: f64,
    /// Of those, how many were clipped before their table and made something else thereby.
    pub clipped: usize,
    /// Of those, how many have an interval wider than [`WIDE_STEPS`]: nothing is proved of them.
    pub unproved: usize,
    /// Largest distance of an element from the exact result, in half widths of its interval (0..=1
    /// unless something is wrong); saturated ones are left out.
    pub largest: f64,
    /// The median of that.
    pub median: f64,
    /// Weights at the end of their range that stand for larger ones.
    pub clipped_weights: usize,
    /// Largest distance of another weight from its integer, in steps.
    pub weight_steps: f64,
    /// Signal to noise in decibels that is predicted for the result, with the noise of all before it; infinite when
    /// exact, absent where it is zero throughout or nothing was predicted.
    pub predicted_sqnr_db: Option<f64>,
}

/// What [`Layer::operator`] says of a value that the host quantises.
pub const IMPORT: &str = "quantise";

/// Steps of the output beyond which an interval proves nothing.
pub const WIDE_STEPS: f64 = 4.0;

/// Something that rounding does not explain: a defect of the compiler.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Finding {
    /// The operation's number among the claimed ones, where it is one's.
    pub id: Option<usize>,
    /// Name of the layer.
    pub layer: String,
    /// Source nodes that it stands for.
    pub nodes: Vec<String>,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a layer.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// An element outside its interval.
    Element {
        /// Its index in the source's value.
        index: Vec<usize>,
        /// What the machine says.
        got: f64,
        /// The least that the source allows.
        low: f64,
        /// The most that it allows.
        high: f64,
        /// How many elements of the layer lie outside.
        count: usize,
    },
    /// A weight or a bias that its integer does not stand for.
    Parameter {
        /// Which.
        name: String,
        /// The source's number.
        source: f64,
        /// What the integer stands for.
        stored: f64,
        /// The real value of one step.
        step: f64,
    },
    /// Something the claims leave open.
    Claim {
        /// Which.
        message: String,
    },
}

impl InputProof {
    /// Whether rounding explains everything.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// Elements held against the source.
    pub fn elements(&self) -> usize {
        self.layers.iter().map(|l| l.elements).sum()
    }
}

/// A result, or why the source and the network contradict each other.
type Checked<T> = std::result::Result<T, What>;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<String> = self.nodes.iter().map(|n| format!("{n:?}")).collect();
        write!(f, "layer {:?} (source nodes {}): {}", self.layer, nodes.join(", "), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Element { index, got, low, high, count } => write!(
                f,
                "element {index:?} is {got}, the source gives {low} to {high} (and {} more elements)",
                count - 1
            ),
            What::Parameter { name, source, stored, step } => {
                write!(f, "{name} is {source} and was stored as {stored}, with steps of {step}")
            }
            What::Claim { message } => f.write_str(message),
        }
    }
}
