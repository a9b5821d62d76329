//! What several commands are given: a model, a machine, what is enough.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tilewright::request::Request;
use tilewright_arch::technology::Technology;
use tilewright_compiler::{memory, options};

pub fn size(text: &str) -> Result<u64, String> {
    memory::parse(text).map_err(|e| e.report().message.clone())
}

pub fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| "it is no number".to_owned())
}

pub fn seconds(text: &str) -> Result<f64, String> {
    finite(text).ok().filter(|x| (0.001..=3600.0).contains(x)).ok_or_else(|| "0.001 to 3600".to_owned())
}

fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let read = |(name, extents): (&str, &str)| {
        let extent = |n: &str| n.parse().ok().filter(|&n: &usize| n > 0);
        Some((name.to_owned(), extents.split('x').map(extent).collect::<Option<Vec<usize>>>()?))
    };
    text.rsplit_once('=').and_then(read).ok_or_else(|| "NAME=EXTENTS such as image=1x3x480x640".to_owned())
}

pub fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts =
        text.split_once('/').and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
    parts
        .filter(|(part, parts)| (1..=*parts).contains(part))
        .ok_or_else(|| "I/N with I from 1 to N".to_owned())
}

/// A model and what to quantise it with.
#[derive(Args, Debug)]
pub struct ModelArguments {
    /// An ONNX file, a Relay text (.relay, .txt), a folder with a model.onnx or, but for compile itself, an artefact of
    /// compile.
    pub model: PathBuf,
    /// Calibration samples (.npz, .npy); calib.npz beside the model if left out.
    #[arg(long)]
    pub calib: Option<PathBuf>,
    /// Options of quantisation as TOML: ranges, equalise, bias_correction, rounding, precision, budget.
    #[arg(long, value_name = "FILE.toml")]
    pub quantisation: Option<PathBuf>,
    /// Which activations have 16 bits instead of 8 (goes before the file's); auto if neither says.
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionArgument>,
    /// Extents of an input that the model leaves open, such as image=1x3x480x640; those of the samples if left out.
    #[arg(long, value_name = "NAME=EXTENTS", value_parser = shape)]
    pub shape: Vec<(String, Vec<usize>)>,
    /// Refuse operators that the machine does not run.
    #[arg(long)]
    pub deny_host: bool,
    /// Do not hold the integer operations against the source's operators.
    #[arg(long)]
    pub unchecked: bool,
}

/// What a verification asks for; exit status 3 where it is missed.
#[derive(Args, Debug)]
pub struct Enough {
    /// Least signal to noise of every output against float, in decibels.
    #[arg(long, value_name = "DB", value_parser = finite)]
    pub min_sqnr: Option<f64>,
    /// Largest difference of any output element from float.
    #[arg(long, value_name = "X", value_parser = finite)]
    pub max_error: Option<f64>,
    /// Least metric on eval.npz, in per cent, or decibels where it is a PSNR.
    #[arg(long, value_name = "POINTS", value_parser = finite)]
    pub min_metric: Option<f64>,
}

/// Which activations have 16 bits instead of 8.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrecisionArgument {
    /// Values that are updated again and again, and, for some 2 % more cycles, others that are worth it.
    Auto,
    /// None.
    Int8,
    /// All that can have them.
    Int16,
    /// Those of int16, and weights of 16 bits.
    #[value(name = "int16x16")]
    Int16x16,
    /// Those that are worth most, within the options' budget of cycles.
    Mixed,
}

impl From<PrecisionArgument> for options::Precision {
    fn from(precision: PrecisionArgument) -> Self {
        match precision {
            PrecisionArgument::Auto => options::Precision::Auto,
            PrecisionArgument::Int8 => options::Precision::Int8,
            PrecisionArgument::Int16 => options::Precision::Int16,
            PrecisionArgument::Int16x16 => options::Precision::Int16x16,
            PrecisionArgument::Mixed => options::Precision::Mixed,
        }
    }
}

/// The machine to compile for.
#[derive(Args, Debug)]
pub struct Machine {
    /// A known target, or a board's folder; ulx3s-85f if no machine is named.
    #[arg(long)]
    pub target: Option<String>,
    /// An array of LANESxCOLUMNS with the default memories.
    #[arg(long, conflicts_with = "target")]
    pub array: Option<String>,
    /// A TOML configuration.
    #[arg(long, conflicts_with_all = ["target", "array"])]
    pub config: Option<PathBuf>,
    /// How memories and multipliers are written in Verilog, if not as the machine says.
    #[arg(long, value_parser = technologies())]
    pub technology: Option<Technology>,
}

impl Machine {
    pub fn is_given(&self) -> bool {
        self.request() != Request::default()
    }

    pub fn config(&self) -> anyhow::Result<tilewright_arch::Config> {
        self.request().config()
    }

    /// A machine, and no model.
    pub fn request(&self) -> Request {
        Request {
            target: self.target.clone(),
            array: self.array.clone(),
            config: self.config.clone(),
            technology: self.technology,
            ..Request::default()
        }
    }
}

impl ModelArguments {
    /// What is to be opened, for a machine.
    pub fn request(&self, machine: &Machine) -> Request {
        Request {
            model: self.model.clone(),
            calib: self.calib.clone(),
            quantisation: self.quantisation.clone(),
            precision: self.precision.map(Into::into),
            shapes: self.shape.iter().cloned().collect(),
            ..machine.request()
        }
    }
}

/// Reads a technology by its name.
fn technologies() -> impl TypedValueParser<Value = Technology> {
    let named = |name: String| *Technology::ALL.iter().find(|t| t.name() == name).expect("one of the names");
    PossibleValuesParser::new(Technology::ALL.iter().map(|t| t.name())).map(named)
}

/// Stages of the compilation.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CompilerStage {
    /// The imported graph.
    Graph,
    /// The graph after simplification.
    Simplified,
    /// The quantised graph.
    Fixed,
    /// The quantised graph after each pass that fits it to the machine.
    Passes,
    /// Buffers and order of the work.
    Schedule,
    /// The program's text.
    Program,
    /// The layers by id, as an artefact has them.
    Layers,
}
