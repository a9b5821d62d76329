//! How many operands an operator takes.

use std::fmt;
use std::ops::{RangeFrom, RangeInclusive};

/// A number of operands: exactly so many (`2`), one of some (`2..=3`), or at least so many (`1..`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Arity {
    pub least: usize,
    most: Option<usize>,
}

impl Arity {
    /// Whether it may be `count` operands.
    pub fn allows(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl From<usize> for Arity {
    fn from(count: usize) -> Arity {
        Arity { least: count, most: Some(count) }
    }
}

impl From<RangeInclusive<usize>> for Arity {
    fn from(counts: RangeInclusive<usize>) -> Arity {
        Arity { least: *counts.start(), most: Some(*counts.end()) }
    }
}

impl From<RangeFrom<usize>> for Arity {
    fn from(counts: RangeFrom<usize>) -> Arity {
        Arity { least: counts.start, most: None }
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (least, None) => write!(f, "at least {least}"),
            (least, Some(most)) if least == most => write!(f, "{least}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}
