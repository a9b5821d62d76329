//! The options of quantisation as a file.
//!
//! ```toml
//! ranges = "mse"                    # or "min_max", "entropy", { percentile = 0.0001 }
//! equalise = true
//! bias_correction = true
//! rounding = "compensated"          # or "nearest", "learned"
//! precision = "auto"                # or "int8", "int16", "mixed"
//! budget = 0.25                     # cycles that "mixed" may add, as a share
//! ```
//!
//! What is left out has its default; what is not known is refused.

use super::{Options, Ranges};
use crate::error::{Error, Result};

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
    use super::super::Rounding;
    use super::*;
    use crate::quantise::Precision;

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
