//! The options of quantisation, and how they are written in a file.
//!
//! ```toml
//! ranges = "mse"                    # or "min_max", "entropy", { percentile = 0.0001 }
//! equalise = true
//! bias_correction = true
//! rounding = "compensated"          # or "nearest", "learned"
//! precision = "auto"                # or "int8", "mixed", "int16", "int16x16"
//! budget = 0.25                     # cycles that "mixed" may add, as a share
//! ```
//!
//! What is left out has its default; what is not known is refused.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What may be chosen; the default needs no tuning.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How ranges of activations are chosen. Inputs always get the range seen.
    pub ranges: Ranges,
    /// Whether channels between layers are given similar ranges first.
    pub equalise: bool,
    /// Whether biases are corrected by the mean error that calibration shows.
    pub bias_correction: bool,
    /// How weights become integers.
    pub rounding: Rounding,
    /// Which tensors have 16 bits instead of 8.
    pub precision: Precision,
    /// Cycles that [`Precision::Mixed`] may add, as a share (0 or more) of those with 8 bits: about,
    /// for they are estimated.
    pub budget: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ranges: Ranges::Mse,
            equalise: true,
            bias_correction: true,
            rounding: Rounding::default(),
            precision: Precision::Auto,
            budget: 0.25,
        }
    }
}

/// How the range of an activation is chosen from what calibration saw.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranges {
    /// All values seen.
    MinMax,
    /// All but the given share of values (0..1, split evenly between both ends).
    Percentile(f64),
    /// The range with the least mean squared error of the quantised values.
    Mse,
    /// The magnitudes whose distribution over 128 levels is closest to the one seen, by relative entropy.
    Entropy,
}

/// How weights become integers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Each to the nearest.
    Nearest,
    /// One after the other, each making up for those before.
    #[default]
    Compensated,
    /// As compensated, then moved as long as that makes the error on the calibration samples less.
    Learned,
}

/// Which tensors have 16 bits instead of 8. Tensors whose scale a quantised model prescribes have 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Values that are updated again and again, as the states of recurrent layers are: each update
    /// would round them anew. And, as far as 2 % more cycles (estimated) go, those of `Mixed`: the cheapest
    /// of them, as many as noise can be measured of in reasonable time (none in large networks). Where the
    /// outputs are then predicted to drown in noise, the next ones, whatever that takes.
    #[default]
    Auto,
    /// None.
    Int8,
    /// All that can be; functions that are straight far from zero are taken apart, so that only what is left of them
    /// is a table of bytes.
    Int16,
    /// Those of `Int16`, and weights of 16 bits, in two layers for one.
    Int16x16,
    /// Those of `Auto`, and the ones whose 8 bits add most noise to the outputs for the cycles that 16
    /// bits would take, until the budget is used.
    Mixed,
}

impl Precision {
    /// The word for it, in options and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Auto => "auto",
            Precision::Int8 => "int8",
            Precision::Int16 => "int16",
            Precision::Int16x16 => "int16x16",
            Precision::Mixed => "mixed",
        }
    }
}

impl Options {
    /// Reads options from TOML.
    ///
    /// # Errors
    /// Text that is not TOML, a field that is not known or whose value does not fit: each names the
    /// field. The caller adds the file.
    pub fn from_toml(text: &str) -> Result<Options> {
        let options: Options = toml::from_str(text).map_err(|e| {
            // The parser's message shows the line below its number; one paragraph is enough here.
            let line = e.span().map_or(1, |s| text[..s.start].lines().count().max(1));
            Error::new("options", format!("line {line}: {}", e.message().replace('\n', " ")))
                .hint("fields are ranges, equalise, bias_correction, rounding, precision, budget")
        })?;
        options.check()?;
        Ok(options)
    }

    /// The options as TOML that [`Options::from_toml`] reads back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("Options hold only values TOML can hold")
    }

    /// The same precision without any refinement.
    pub fn plain(&self) -> Options {
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
    pub fn are_open(&self) -> bool {
        *self == Options { precision: self.precision, budget: self.budget, ..Options::default() }
    }

    fn check(&self) -> Result<()> {
        if let Ranges::Percentile(share) = self.ranges
            && !(0.0..1.0).contains(&share)
        {
            return Err(Error::new("options", format!("cuts off {share} of all values"))
                .attribute("ranges.percentile")
                .hint("a share from 0 up to 1, such as 0.0001"));
        }
        if !(self.budget >= 0.0 && self.budget.is_finite()) {
            return Err(Error::new("options", format!("{} is no share of further cycles", self.budget))
                .attribute("budget")
                .hint("a number from 0 on, such as 0.25"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_defaults() {
        let all = [Ranges::MinMax, Ranges::Percentile(0.001), Ranges::Mse, Ranges::Entropy];
        for ranges in all {
            let options = Options { ranges, equalise: false, ..Options::default() };
            assert_eq!(Options::from_toml(&options.to_toml()).unwrap(), options);
        }
        for rounding in [Rounding::Nearest, Rounding::Compensated, Rounding::Learned] {
            let options = Options { rounding, ..Options::default() };
            assert_eq!(Options::from_toml(&options.to_toml()).unwrap(), options);
        }
        for precision in [Precision::Auto, Precision::Int8, Precision::Int16, Precision::Mixed] {
            let options = Options { precision, budget: 0.5, ..Options::default() };
            assert_eq!(Options::from_toml(&options.to_toml()).unwrap(), options);
        }
        assert_eq!(Options::from_toml("").unwrap(), Options::default());
        let text = "equalise = false\nranges = { percentile = 0.001 }";
        let options = Options { ranges: Ranges::Percentile(0.001), equalise: false, ..Options::default() };
        assert_eq!(Options::from_toml(text).unwrap(), options);
    }

    #[test]
    fn errors_name_the_field() {
        let rows = [
            ("equalise = true\nbias_corection = true", "bias_corection"),
            ("ranges = \"kl\"", "kl"),
            ("ranges = { percentile = 1.5 }", "ranges.percentile"),
            ("ranges = { percentile = nan }", "ranges.percentile"),
            ("precision = \"int4\"", "int4"),
            ("budget = -0.1", "budget"),
            ("\n\nequalise = 3", "line 3"),
            ("ranges", "line 1"),
        ];
        for (text, word) in rows {
            let e = Options::from_toml(text).unwrap_err().to_string();
            assert!(e.contains(word) && !e.trim().contains('\n'), "{text}: {e}");
        }
    }
}
