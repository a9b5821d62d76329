//! What somebody wants to work on: a model with everything that decides its programs, or an artefact, which has all
//! of that in it. The command line and regression suites open both the same way.

use crate::artefact::{Artefact, Container};
use crate::model::{self, Model, Shapes};
use crate::targets;
use anyhow::{Context, Result, bail};
use ndarray::ArrayD;
use std::path::{Path, PathBuf};
use tilewright_arch::Config;
use tilewright_arch::technology::Technology;
use tilewright_compiler::files;
use tilewright_compiler::options::{Options, Precision};

/// A model or an artefact, and what is wanted of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Request {
    /// An ONNX file, a Relay text, a folder with one of them, or an artefact.
    pub model: PathBuf,
    /// Calibration samples, if not beside the model.
    pub calib: Option<PathBuf>,
    /// Options of quantisation, if not the defaults.
    pub quantisation: Option<PathBuf>,
    /// Goes before that of the options.
    pub precision: Option<Precision>,
    /// Extents of inputs that the model leaves open.
    pub shapes: Shapes,
    /// A target or a board's folder.
    pub target: Option<String>,
    /// LANESxCOLUMNS.
    pub array: Option<String>,
    /// A machine.
    pub config: Option<PathBuf>,
    /// How its memories and multipliers are written, if not as the machine says.
    pub technology: Option<Technology>,
}

/// What a request opened.
pub enum Subject {
    /// To be compiled.
    Model(Box<Compilation>),
    /// Compiled.
    Artefact(Box<Artefact>),
}

/// A model with everything that decides its programs.
pub struct Compilation {
    /// The model.
    pub model: Model,
    /// Calibration samples, where they do not lie beside the model.
    calib: Option<PathBuf>,
    /// Options of quantisation.
    pub options: Options,
    /// The machine.
    pub config: Config,
}

impl Request {
    /// Opens the artefact or the model that lies there.
    ///
    /// # Errors
    /// What cannot be read; an artefact together with what it has itself.
    pub fn open(&self) -> Result<Subject> {
        if !Container::is_there(&self.model) {
            return Ok(Subject::Model(Box::new(self.job()?)));
        }
        if *self != (Request { model: self.model.clone(), ..Request::default() }) {
            bail!(
                "error[input]: {}: an artefact has its machine, calibration and quantisation; try: without those \
                 options, or with the model",
                self.model.display()
            );
        }
        Ok(Subject::Artefact(Box::new(Artefact::read(&self.model)?)))
    }

    /// Opens a model.
    ///
    /// # Errors
    /// An artefact; what cannot be read.
    pub fn job(&self) -> Result<Compilation> {
        if Container::is_there(&self.model) {
            bail!(
                "error[input]: {}: is compiled already; try: simulate, verify, generate or inspect, or the model",
                self.model.display()
            );
        }
        let (options, config) = (self.options()?, self.config()?);
        let model = Model::shaped(&self.model, &self.shapes, self.calib.as_deref())?;
        Ok(Compilation { model, calib: self.calib.clone(), options, config })
    }

    /// The machine.
    ///
    /// # Errors
    /// As [`targets::resolve`].
    pub fn config(&self) -> Result<Config> {
        let config = targets::resolve(self.target.as_deref(), self.array.as_deref(), self.config.as_deref())?;
        Ok(Config { technology: self.technology.unwrap_or(config.technology), ..config })
    }

    /// The options of quantisation: those of the file, or the defaults, and the precision.
    fn options(&self) -> Result<Options> {
        let mut options = Options::default();
        if let Some(path) = &self.quantisation {
            let text = files::read_text(path)
                .with_context(|| format!("error[options]: {} cannot be read", path.display()))?;
            options = Options::from_toml(&text).map_err(|e| e.file(path.display().to_string()))?;
        }
        options.precision = self.precision.unwrap_or(options.precision);
        Ok(options)
    }
}

/// The samples in a file.
fn samples(graph: &tilewright_compiler::graph::Graph, path: &Path) -> Result<Vec<Vec<ArrayD<f32>>>> {
    if !path.exists() {
        bail!(
            "error[input]: {}: there is no such input; try: --input with an .npy or .npz file, or input_0.npy beside the model",
            path.display()
        );
    }
    model::samples(graph, path)
}

impl Compilation {
    /// The calibration samples: where the job names none, those beside the model.
    ///
    /// # Errors
    /// As [`Model::calibration`].
    pub fn calibration(&self) -> Result<Vec<Vec<ArrayD<f32>>>> {
        self.model.calibration(self.calib.as_deref())
    }

    /// The samples of `input`, or of input_0.npy or input_0.npz beside the model.
    ///
    /// # Errors
    /// No such file; samples that do not fit the model.
    pub fn inputs(&self, input: Option<&Path>) -> Result<Vec<Vec<ArrayD<f32>>>> {
        let beside = || {
            let one = self.model.beside("input_0.npy");
            if one.exists() { one } else { self.model.beside("input_0.npz") }
        };
        samples(&self.model.graph, &input.map_or_else(beside, Path::to_path_buf))
    }
}

impl Artefact {
    /// The samples of `input`, or the golden one.
    ///
    /// # Errors
    /// No such file; samples that do not fit the network.
    pub fn inputs(&self, input: Option<&Path>) -> Result<Vec<Vec<ArrayD<f32>>>> {
        match input {
            None => Ok(vec![self.golden.inputs.clone()]),
            Some(path) => samples(&self.interface, path),
        }
    }
}
