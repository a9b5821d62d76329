//! Outcomes of a suite as JSON and as JUnit's XML.

use super::run::{Outcome, Verdict};
use serde_json::{Value, json as object};
use std::fmt::Write;

/// One JSON object.
pub fn json(outcomes: &[Outcome]) -> Value {
    let count = |which: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| which(o)).count();
    object!({
        "cases": outcomes,
        "passed": count(&|o| o.holds()),
        "failed": count(&|o| !o.holds()),
        "with_skipped_checks": count(&|o| o.skips()),
    })
}

/// Text as XML has it; what XML has no character for becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

/// The XML that continuous integration reads: a test suite with a test case for each check.
pub fn junit(name: &str, outcomes: &[Outcome]) -> String {
    let checks = || outcomes.iter().flat_map(|outcome| &outcome.checks);
    let count = |which: fn(&Verdict) -> bool| checks().filter(|(_, verdict)| which(verdict)).count();
    let (failed, skipped) =
        (count(|v| matches!(v, Verdict::Failed(_))), count(|v| matches!(v, Verdict::Skipped(_))));
    let seconds: f64 = outcomes.iter().map(|o| o.seconds).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" \
         skipped=\"{skipped}\" time=\"{seconds:.3}\">\n",
        escaped(name),
        checks().count()
    );
    for outcome in outcomes {
        let class = escaped(&outcome.name);
        for (n, (check, verdict)) in outcome.checks.iter().enumerate() {
            // All of a case's time stands at its first check.
            let seconds = if n == 0 { outcome.seconds } else { 0.0 };
            let _ = write!(
                text,
                "  <testcase classname=\"{class}\" name=\"{}\" time=\"{seconds:.3}\"",
                escaped(check)
            );
            let _ = match verdict {
                Verdict::Passed => writeln!(text, "/>"),
                Verdict::Failed(why) => {
                    writeln!(text, "><failure message=\"{}\"/></testcase>", escaped(why))
                }
                Verdict::Skipped(why) => {
                    writeln!(text, "><skipped message=\"{}\"/></testcase>", escaped(why))
                }
            };
        }
    }
    text.push_str("</testsuite>\n");
    text
}
