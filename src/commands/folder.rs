//! The folder that `compile` writes: programs, memory images, machine, and where they came from, so
//! that `simulate` and `verify` take the folder in place of the model.

use crate::{Machine, Source};
use anyhow::{Context, Result, bail};
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tilewright::model::Model;
use tilewright_compiler::{files, quantise};

/// The file that says where the programs came from.
pub const ORIGIN: &str = "origin.toml";

/// What was compiled, and how.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The model, absolute.
    #[serde(with = "any_path")]
    model: PathBuf,
    /// Calibration samples, absolute, where they do not lie beside the model.
    #[serde(default, with = "any_path::optional", skip_serializing_if = "Option::is_none")]
    calib: Option<PathBuf>,
    /// Options of quantisation, complete.
    quantisation: quantise::Options,
}

/// Paths in TOML: text where they are Unicode, else their bytes.
mod any_path {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Bytes(Vec<u8>),
    }

    fn form(path: &Path) -> Form {
        match path.to_str() {
            Some(text) => Form::Text(text.to_owned()),
            None => Form::Bytes(path.as_os_str().as_encoded_bytes().to_vec()),
        }
    }

    fn path<E: serde::de::Error>(form: Form) -> Result<PathBuf, E> {
        match form {
            Form::Text(text) => Ok(text.into()),
            #[cfg(unix)]
            Form::Bytes(bytes) => {
                Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes)).map(|p: OsString| p.into())
            }
            #[cfg(not(unix))]
            Form::Bytes(_) => Err(E::custom("the path is that of another system")),
        }
    }

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        form(path).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        path(Form::deserialize(from)?)
    }

    pub mod optional {
        use super::{Form, form};
        use serde::{Deserialize, Deserializer, Serialize, Serializer};
        use std::path::PathBuf;

        pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
            path.as_deref().map(form).serialize(to)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
            Option::<Form>::deserialize(from)?.map(super::path).transpose()
        }
    }
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
        let text = files::read_text(&path).with_context(place)?;
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
    /// The calibration samples: where the job names none, those beside the model.
    pub fn calibration(&self, model: &Model) -> Result<Vec<Vec<ArrayD<f32>>>> {
        model.calibration(self.calib.as_deref())
    }

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
            if files::read(&folder.join(name)).ok().as_deref() != Some(bytes.as_slice()) {
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
