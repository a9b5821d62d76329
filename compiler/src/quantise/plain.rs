//! Rounding alone, as what all refinement has to beat.
//!
//! Equalisation, chosen ranges, compensated rounding and corrected biases are each better on most networks, and
//! on some are not: a correction moves the mean over elements that a clamp then cuts off, a range that is
//! best for a tensor is not for the output. So where an output is predicted below what is good enough, ranges
//! from the least to the largest value and each weight to the nearest are tried too, and taken where they are better.

use super::{Made, Options, Ranges, Rounding, floor};
use crate::error::Result;
use crate::proof::{GOOD_DB, Quality};
use ndarray::ArrayD;

/// Decibels by which rounding alone has to be better.
const BETTER_DB: f64 = 0.25;

impl Options {
    /// The same precision without any refinement.
    pub(super) fn plain(&self) -> Options {
        Options {
            ranges: Ranges::MinMax,
            equalise: false,
            bias_correction: false,
            rounding: Rounding::Nearest,
            precision: self.precision,
            budget: self.budget,
        }
    }

    /// Whether nobody has chosen a refinement or left one out.
    fn are_open(&self) -> bool {
        *self == Options { precision: self.precision, budget: self.budget, ..Options::default() }
    }
}

/// Decibels that each output lacks to [`GOOD_DB`] over all samples together; on one sample alone either may be
/// better by chance.
fn lacks(made: &Made, samples: &[Vec<ArrayD<f32>>]) -> Result<Vec<f64>> {
    let lack = |quality: &Quality| quality.sqnr_db.map_or(0.0, |db| (GOOD_DB - db).max(0.0));
    Ok(floor::qualities(made, samples)?.iter().map(lack).collect())
}

/// `refined`, or what `plain` makes where one output needs it and no output gets worse by it.
///
/// # Errors
/// A sample that does not fit. Rounding alone that fails is not taken.
pub(super) fn unless_worse<T>(
    refined: T,
    made: impl Fn(&T) -> &Made,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    plain: impl FnOnce(&Options) -> Result<T>,
) -> Result<T> {
    let samples = floor::samples_for(made(&refined), calibration);
    if !options.are_open() || samples.is_empty() {
        return Ok(refined);
    }
    let before = lacks(made(&refined), samples)?;
    if before.iter().all(|lack| *lack == 0.0) {
        return Ok(refined);
    }
    let Ok(alone) = plain(&options.plain()) else { return Ok(refined) };
    let after = lacks(made(&alone), samples)?;
    let gains = || before.iter().zip(&after).map(|(before, after)| before - after);
    match gains().any(|gain| gain > BETTER_DB) && gains().all(|gain| gain >= 0.0) {
        true => Ok(alone),
        false => Ok(refined),
    }
}
