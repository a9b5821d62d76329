//! The numbers that a field of a machine's file may hold.

use super::Config;

/// Numbers that a field may hold.
pub(super) enum Range {
    /// From the first to the second.
    Between(usize, usize),
    /// Powers of two among those.
    Power(usize, usize),
    /// From what other fields demand to what they allow, powers of two alone or all, and how that reads.
    Depends {
        power: bool,
        ends: fn(&Config) -> (usize, usize),
        reads: &'static str,
        /// How the names of those fields begin.
        on: &'static [&'static str],
        /// The ends whatever they say.
        widest: (usize, usize),
    },
}

/// How a range reads.
pub(super) fn reads(power: bool, ends: impl std::fmt::Display) -> String {
    format!("{}{ends}", if power { "a power of two, " } else { "" })
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&match self {
            Range::Between(low, high) => reads(false, format_args!("{low} to {high}")),
            Range::Power(low, high) => reads(true, format_args!("{low} to {high}")),
            Range::Depends { power, reads: text, .. } => reads(*power, text),
        })
    }
}
