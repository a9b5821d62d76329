//! The one writer of standard output, and the one of standard error.
//!
//! What cannot be written is an error, never a panic and never lost in silence. Names come from files:
//! characters that steer a terminal are written as escapes, whatever holds them.

use anyhow::{Context, Result};
use std::fmt;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Nobody reads standard output any more. Exit status [`CLOSED`].
#[derive(Debug)]
pub struct Closed;

/// The exit status when the reader of standard output has gone, as of a process that SIGPIPE ended.
pub const CLOSED: u8 = 141;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard output is closed")
    }
}

impl std::error::Error for Closed {}

/// Says a line on standard output, as `format!` takes it: `say!("{} bytes", n)?`.
macro_rules! say {
    ($($arg:tt)*) => { $crate::output::line(&format!($($arg)*)) };
}
pub(crate) use say;

/// Notes a line on standard error, as `format!` takes it.
macro_rules! note {
    ($($arg:tt)*) => { $crate::output::to_stderr(&format!($($arg)*)) };
}
pub(crate) use note;

/// Writes one line to standard output.
///
/// # Errors
/// [`Closed`]; what the system says, a full disk for one.
pub fn line(text: &str) -> Result<()> {
    put(&format!("{}\n", escaped(text, false)))
}

/// Writes lines to standard output and ends the last one.
///
/// # Errors
/// As [`line`].
pub fn lines(text: &str) -> Result<()> {
    put(&format!("{}\n", escaped(text.trim_end(), true)))
}

/// Version of the objects, as `docs/json.md` describes them.
const SCHEMA: u32 = 1;

/// Whether an object has been written.
static WRITTEN: AtomicBool = AtomicBool::new(false);

/// Whether standard output has its one object.
pub fn has_object() -> bool {
    WRITTEN.load(Ordering::Relaxed)
}

/// Writes one JSON object to standard output, with the version of its form and of the tool.
///
/// # Errors
/// As [`line`].
pub fn json(object: &serde_json::Value) -> Result<()> {
    WRITTEN.store(true, Ordering::Relaxed);
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("schema".into(), SCHEMA.into());
        fields.insert("tool".into(), concat!("tilewright ", env!("CARGO_PKG_VERSION")).into());
    }
    // JSON escapes only the older half of the control characters by itself.
    let text: String =
        object.to_string().chars().map(|c| if steers(c) { unicode(c) } else { c.into() }).collect();
    put(&format!("{text}\n"))
}

/// Writes text of our own making to standard output, as it is.
///
/// # Errors
/// As [`line`].
pub fn raw(text: &[u8]) -> Result<()> {
    failed(std::io::stdout().write_all(text))
}

/// Writes what has not been written yet.
///
/// # Errors
/// As [`line`].
pub fn flush() -> Result<()> {
    failed(std::io::stdout().flush())
}

fn put(text: &str) -> Result<()> {
    failed(std::io::stdout().write_all(text.as_bytes()))
}

/// What a failure of standard output means.
///
/// # Errors
/// As [`line`].
pub fn failed(done: std::io::Result<()>) -> Result<()> {
    match done {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        done => {
            done.context("error[output]: standard output cannot be written; try: another place, with room")
        }
    }
}

/// Writes lines to standard error. Where that is impossible there is nobody to tell.
pub fn to_stderr(text: &str) {
    let _ = std::io::stderr().write_all(format!("{}\n", escaped(text, true)).as_bytes());
}

/// Whether a character does something to a terminal instead of standing for itself: control characters,
/// and those that turn the direction of what follows.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text with the characters that steer a terminal as `\u{1b}`; ends of lines stay if they are meant.
fn escaped(text: &str, ends_of_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if ends_of_lines => out.push(c),
            c if steers(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

fn unicode(c: char) -> String {
    let mut units = [0; 2];
    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(escaped("a\u{1b}[2Jb\n", false), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(escaped("a\nb\r", true), "a\nb\\u{d}");
        assert_eq!(escaped("é \u{9b}2J \u{202e}x", true), "é \\u{9b}2J \\u{202e}x");
        assert_eq!(unicode('\u{9b}'), "\\u009b");
    }
}
