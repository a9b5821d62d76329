//! Which graphs a machine refuses, and why: that they are too large for it, or have what the quantiser makes of no
//! network.

use super::common;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tilewright_arch::Config;
use tilewright_compiler::error::{Error, Report};

/// Numbers of the cases that are refused, by machine and by the reason, of which numbers are left out.
#[derive(Default)]
pub struct Refusals(pub BTreeMap<[String; 2], BTreeSet<u32>>);

impl Refusals {
    /// Notes what refuses a case on a machine.
    pub fn add(&mut self, case: u32, config: &Config, refusal: &Error) {
        let Report { stage, message, hint, defect, .. } = refusal.report();
        assert!(!defect, "case {case} on {}: {refusal}", config.name);
        let hint = hint.as_ref().map_or(String::new(), |hint| format!("; try: {hint}"));
        let reason = without_numbers(&format!("{stage}: {message}{hint}"));
        self.0.entry([config.name.clone(), reason]).or_default().insert(case);
    }

    /// Asserts that of the first `cases` those are refused that the file `name` has, each for its reason, and that those
    /// after them have no reason that no file has. (That of the simulator has many more cases than are usual.)
    pub fn hold(&self, name: &str, cases: u32) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ladder");
        let path = folder.join(format!("{name}.txt"));
        if common::blessing() {
            std::fs::write(&path, self.text()).unwrap();
        }
        let kept = Refusals::parse(&std::fs::read_to_string(&path).unwrap());
        let again = "if that is meant: BLESS=1 cargo test --release --test ladder; TILEWRIGHT_CASES=3000 for the simulator's";
        assert_eq!(self.until(cases).text(), kept.until(cases).text(), "{again}");
        let most = Refusals::parse(&std::fs::read_to_string(folder.join("simulator.txt")).unwrap());
        let known: BTreeSet<&String> = kept.0.keys().chain(most.0.keys()).map(|[_, reason]| reason).collect();
        for ([machine, reason], cases) in &self.0 {
            assert!(
                known.contains(reason),
                "{cases:?} on {machine} are refused for a new reason: {reason}; {again}"
            );
        }
    }

    /// Those of the first `cases`.
    fn until(&self, cases: u32) -> Refusals {
        let own = |(key, all): (&[String; 2], &BTreeSet<u32>)| {
            let all: BTreeSet<u32> = all.range(..cases).copied().collect();
            (!all.is_empty()).then(|| (key.clone(), all))
        };
        Refusals(self.0.iter().filter_map(own).collect())
    }

    /// Three lines for each reason: machine, reason, cases.
    fn text(&self) -> String {
        let entry = |([machine, reason], cases): (&[String; 2], &BTreeSet<u32>)| {
            let cases: Vec<String> = cases.iter().map(u32::to_string).collect();
            format!("{machine}\n{reason}\n{}\n", cases.join(" "))
        };
        self.0.iter().map(entry).collect()
    }

    fn parse(text: &str) -> Refusals {
        let lines: Vec<&str> = text.lines().collect();
        let entry = |lines: &[&str]| {
            let cases = lines[2].split(' ').map(|case| case.parse().unwrap());
            ([lines[0].to_owned(), lines[1].to_owned()], cases.collect())
        };
        Refusals(lines.chunks(3).map(entry).collect())
    }
}

/// A text with `#` in place of each number.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(c),
        }
    }
    out
}
