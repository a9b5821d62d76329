//! Columns of a tensor as a tensor of their own.

use super::TensorId;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A tensor that has channels and columns of another, for images too wide to be worked on in whole rows.
///
/// On chip it is a tensor like any other. Its place in external memory is that of the other one: what is
/// loaded of it comes from there, and what is stored goes there, as far as it is [its own](Band::own).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Band {
    /// The band.
    pub part: TensorId,
    /// What it is a band of.
    pub whole: TensorId,
    /// Channels of the whole that it has.
    pub channels: Range<usize>,
    /// Columns of the whole that it has.
    pub held: Range<usize>,
    /// Columns of the whole that it makes, of those that it has; none where it is only read. The others are
    /// made once more by its neighbours, and what it makes of them need not be right.
    pub own: Range<usize>,
}

impl Band {
    /// Whether it is filled from the whole, rather than written by nodes.
    pub fn is_read(&self) -> bool {
        self.own.is_empty()
    }
}
