//! The folder that `compile` writes: programs, memory images, machine, and where they came from, so
//! that `simulate` and `verify` take the folder in place of the model.

use crate::{Machine, Source};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tilewright_compiler::quantise;

/// The file that says where the programs came from.
pub const ORIGIN: &str = "origin.toml";

/// What was compiled, and how.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The model, absolute.
    model: PathBuf,
    /// Calibration samples, absolute, where they do not lie beside the model.
    #[serde(default)]
    calib: Option<PathBuf>,
    /// Options of quantisation, complete.
    quantisation: quantise::Options,
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("error[output]: {} has no place", path.display()))
}

impl Origin {
    /// That of a job.
    pub fn new(job: &Job) -> Result<Origin> {
        let calib = job.calib.as_deref().map(absolute).transpose()?;
        Ok(Origin { model: absolute(&job.model)?, calib, quantisation: job.options })
    }

    /// The file's text.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// That of a folder of `compile`; `None` for models.
    pub fn of(folder: &Path) -> Result<Option<Origin>> {
        let path = folder.join(ORIGIN);
        if !path.is_file() {
            return Ok(None);
        }
        let place =
            || format!("error[input]: {}: is not what compile wrote; try: compile again", path.display());
        let text = std::fs::read_to_string(&path).with_context(place)?;
        Ok(Some(toml::from_str(&text).with_context(place)?))
    }
}

/// A model with everything that decides its programs: from the options, or from a folder of `compile`.
pub struct Job {
    /// The model's path.
    pub model: PathBuf,
    /// Calibration samples, where they do not lie beside the model.
    pub calib: Option<PathBuf>,
    /// Options of quantisation.
    pub options: quantise::Options,
    /// The machine.
    pub config: tilewright_arch::Config,
    /// The folder whose programs are to be the same.
    pub folder: Option<PathBuf>,
}

impl Job {
    /// What the options name.
    pub fn new(source: &Source, machine: &Machine) -> Result<Job> {
        let Some(origin) = Origin::of(&source.model)? else {
            return Ok(Job {
                model: source.model.clone(),
                calib: source.calib.clone(),
                options: super::options(source)?,
                config: machine.config()?,
                folder: None,
            });
        };
        let given = source.calib.is_some()
            || source.quantisation.is_some()
            || source.precision.is_some()
            || machine.is_given();
        if given {
            bail!(
                "error[input]: {}: a compiled folder has its machine, calibration and quantisation; try: without \
                 those options, or with the model {}",
                source.model.display(),
                origin.model.display()
            );
        }
        let machine = source.model.join("machine.toml");
        let config = tilewright::targets::resolve(None, None, Some(&machine))?;
        let Origin { model, calib, quantisation } = origin;
        Ok(Job { model, calib, options: quantisation, config, folder: Some(source.model.clone()) })
    }

    /// That what was compiled is what lies in the folder, byte for byte.
    pub fn check(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for (name, bytes) in files {
            if std::fs::read(folder.join(name)).ok().as_deref() != Some(bytes.as_slice()) {
                bail!(
                    "error[input]: {}: is not what {} compiles to; try: compile again (the model, its calibration \
                     or this compiler has changed)",
                    folder.join(name).display(),
                    self.model.display()
                );
            }
        }
        Ok(())
    }
}
