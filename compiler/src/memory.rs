//! The one budget of memory: what a file declares is held against it before anything is allocated.
//!
//! The budget is the process's, so it is set once, at the start. What is checked here is refused with a
//! sentence that names what wanted it; the command line's allocator stops at the same number whatever
//! was not foreseen.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The limit where nobody sets one: 8 GiB.
pub const DEFAULT: u64 = 8 << 30;

static LIMIT: AtomicU64 = AtomicU64::new(DEFAULT);

/// Bytes that the process may use.
pub fn limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// Sets the bytes that the process may use.
pub fn set_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Checks that `bytes` for `what` are within the budget. The caller adds the place.
///
/// # Errors
/// More bytes than [`limit`], saying both and what to try.
pub fn check(bytes: u64, what: &str) -> Result<()> {
    within(bytes, limit(), what)
}

fn within(bytes: u64, limit: u64, what: &str) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    let (bytes, limit) = (human(bytes), human(limit));
    Err(Error::new("memory", format!("{what} takes {bytes} of memory, the limit is {limit}"))
        .hint("a smaller input or model, or a higher --memory-limit"))
}

/// Bytes of `elements` float32 numbers.
pub fn floats(elements: usize) -> u64 {
    (elements as u64).saturating_mul(4)
}

/// A number of bytes for people: whole up to a megabyte, then with one decimal.
pub fn human(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} bytes"),
    }
}

/// Reads a number of bytes such as `800M`, `8GiB` or `1000000`; K, M, G and T are powers of 1024.
///
/// # Errors
/// Text that is no such number, or one above 2^63.
pub fn parse(text: &str) -> Result<u64> {
    let wrong = || {
        Error::new("memory", format!("{text:?} is no size of memory"))
            .hint("a number such as 512M, 8G or 8GiB")
    };
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * (1u64 << shift) as f64;
    if !(1.0..9e18).contains(&bytes) {
        return Err(wrong());
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let rows = [
            ("1000000", 1_000_000),
            ("512M", 512 << 20),
            ("8GiB", 8 << 30),
            ("1.5 g", 3 << 29),
            ("2t", 2 << 40),
        ];
        for (text, bytes) in rows {
            assert_eq!(parse(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "G", "-1G", "1X", "1e9", "0", "9999999999T", "1.2.3M", "NaN"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_message_has_both_numbers() {
        assert!(within(5, 5, "it").is_ok());
        let e = within(3 << 30, 1 << 20, "the result").unwrap_err().to_string();
        assert!(e.contains("the result takes 3.0 GiB of memory, the limit is 1.0 MiB; try:"), "{e}");
        assert_eq!(human(1000), "1000 bytes");
    }
}
