//! What a suite remembers, in a folder beside it: only `--bless` writes there.

use super::integers::Integers;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tilewright_compiler::files;

/// Counts of one inference of the first sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Cycles of all stages together.
    pub cycles: u64,
    /// Bytes read from external memory.
    pub read_bytes: u64,
    /// Bytes written to it.
    pub write_bytes: u64,
}

/// The folder `NAME.golden` beside a suite `NAME.toml`: `recorded.toml`, and an `.npz` of integers a case.
#[derive(Clone, Debug)]
pub struct GoldenFolder {
    folder: PathBuf,
    recorded: BTreeMap<String, Recorded>,
}

impl GoldenFolder {
    /// What a suite remembers; nothing where the folder is not there yet.
    ///
    /// # Errors
    /// A `recorded.toml` that cannot be read.
    pub fn open(suite: &Path) -> Result<GoldenFolder> {
        let folder = suite.with_extension("golden");
        let path = folder.join("recorded.toml");
        let mut recorded = BTreeMap::new();
        if path.exists() {
            let place = || format!("error[suite]: {}", path.display());
            recorded = toml::from_str(&files::read_text(&path).with_context(place)?).with_context(place)?;
        }
        Ok(GoldenFolder { folder, recorded })
    }

    /// The counts of a case.
    pub fn counts(&self, case: &str) -> Option<Recorded> {
        self.recorded.get(case).copied()
    }

    fn path(&self, case: &str) -> PathBuf {
        self.folder.join(format!("{}.npz", case.replace(' ', "-")))
    }

    /// The integers of a case; none where there is no file.
    ///
    /// # Errors
    /// A file of something else.
    pub(super) fn integers(&self, case: &str) -> Result<Option<Integers>> {
        let path = self.path(case);
        if !path.exists() {
            return Ok(None);
        }
        let place = || format!("error[suite]: {}", path.display());
        let bytes = files::read(&path).with_context(place)?;
        Integers::from_npz(&bytes).with_context(place).map(Some)
    }

    /// Remembers a case.
    ///
    /// # Errors
    /// Where the environment says that this is continuous integration; a folder that cannot be written.
    pub(super) fn bless(&mut self, case: &str, counts: Recorded, integers: Option<&Integers>) -> Result<()> {
        if std::env::var_os("CI").is_some() {
            bail!(
                "error[suite]: nothing is blessed where CI is set; try: --bless on your own machine, and commit it"
            );
        }
        let unwritable = |path: &Path| format!("error[output]: {} cannot be written", path.display());
        std::fs::create_dir_all(&self.folder).with_context(|| unwritable(&self.folder))?;
        if let Some(integers) = integers {
            let path = self.path(case);
            std::fs::write(&path, integers.to_npz()).with_context(|| unwritable(&path))?;
        }
        self.recorded.insert(case.to_owned(), counts);
        let path = self.folder.join("recorded.toml");
        std::fs::write(&path, toml::to_string(&self.recorded)?).with_context(|| unwritable(&path))
    }
}
