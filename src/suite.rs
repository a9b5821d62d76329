//! Numeric regression suites: networks with what must stay true of them. `docs/suites.md` has the format.

mod integers;
mod recorded;
mod report;
mod run;

pub use recorded::{GoldenFolder, Recorded};
pub use report::{json, junit};
pub use run::{Outcome, Verdict, run};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tilewright_compiler::files;
use tilewright_compiler::options::Precision;

/// Version of the format.
pub const SCHEMA: u32 = 1;

/// A suite.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// [`SCHEMA`].
    pub schema: u32,
    /// In the order in which they are reported.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// A network on a machine, with inputs and checks.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, once in a suite; golden files are named by it.
    pub name: String,
    /// A model or an artefact; paths are relative to the suite's folder.
    pub model: PathBuf,
    /// Calibration samples, if not beside the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calib: Option<PathBuf>,
    /// Options of quantisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<PathBuf>,
    /// Goes before the options'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
    /// A target or a board's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// LANESxCOLUMNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// A machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// Inputs; the model's input_0.npy, or the artefact's golden sample, if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<PathBuf>,
    /// How many of the inputs are run, from the first; 0: all.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub samples: usize,
    /// What must stay true.
    #[serde(default)]
    pub check: Checks,
}

/// What must stay true of a case. That simulator and integer reference agree is always checked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// What is recorded, and must stay as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exact: Vec<Exact>,
    /// Every integer operation lies within rounding of the source's operators.
    pub first_rung: bool,
    /// Verilog and simulator agree in bytes and cycles; needs Verilator.
    pub verilog: bool,
    /// Least signal to noise of any output of any sample, in decibels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sqnr: Option<f64>,
    /// Largest difference of any output element from float.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_error: Option<f64>,
    /// Least metric on the eval.npz beside the model, in per cent, or decibels where it is a PSNR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_metric: Option<f64>,
    /// Most cycles of an inference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cycles: Option<u64>,
    /// Most bytes moved by an inference, both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Operators that the host may run; any if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<String>>,
}

/// What is recorded of a case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exact {
    /// Every integer of every layer.
    Integers,
    /// Cycles.
    Cycles,
    /// Bytes read and written.
    Bytes,
}

impl Default for Checks {
    fn default() -> Self {
        Checks {
            exact: vec![],
            first_rung: true,
            verilog: false,
            min_sqnr: None,
            max_error: None,
            min_metric: None,
            max_cycles: None,
            max_bytes: None,
            host: None,
        }
    }
}

fn one() -> usize {
    1
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

impl Suite {
    /// Reads a suite.
    ///
    /// # Errors
    /// A file that cannot be read or is no suite; a name that is there twice or names no file.
    pub fn read(path: &Path) -> Result<Suite> {
        let place = || format!("error[suite]: {}", path.display());
        let text = files::read_text(path).with_context(place)?;
        let suite: Suite = toml::from_str(&text).with_context(place)?;
        if suite.schema != SCHEMA {
            bail!("{}: has schema {}; try: schema = {SCHEMA}", place(), suite.schema);
        }
        let mut names = BTreeSet::new();
        for case in &suite.cases {
            let Checks { min_sqnr, max_error, min_metric, .. } = &case.check;
            if [min_sqnr, max_error, min_metric].into_iter().flatten().any(|x| !x.is_finite()) {
                bail!("{}: case {:?}: a limit is no number", place(), case.name);
            }
            let machines = [case.target.is_some(), case.array.is_some(), case.config.is_some()];
            if machines.into_iter().filter(|given| *given).count() > 1 {
                bail!("{}: case {:?}: names more than one machine", place(), case.name);
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
            let usable =
                case.name.chars().all(plain) && case.name.starts_with(|c: char| c.is_ascii_alphanumeric());
            if !usable {
                bail!(
                    "{}: case {:?} cannot name a file; try: a letter or a digit, then also '-', '_', '.' and spaces",
                    place(),
                    case.name
                );
            }
            if !names.insert(case.name.to_ascii_lowercase()) {
                bail!("{}: the name {:?} is there twice; try: another name", place(), case.name);
            }
        }
        Ok(suite)
    }
}
