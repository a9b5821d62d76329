//! What is in an artefact, for people, for other programs and for the check that nothing has changed.

mod derived;

use super::host::Host;
use super::layers::{self, Layer};
use super::{Golden, Made, damaged};
use crate::pipeline::Compiled;
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tilewright_arch::program::TensorPort;
use tilewright_compiler::error::{Error, Result};
use tilewright_compiler::files;
use tilewright_compiler::graph::Graph;
use tilewright_compiler::network::{ByteLayer, Coarser, HostOperator, Raised};
use tilewright_compiler::options::Options;
use tilewright_compiler::proof::Quality;

pub(super) use derived::{derived, exported, imported};

/// The file's name.
pub(super) const NAME: &str = "manifest.json";
/// Version of the manifest and of the files that it names.
pub const SCHEMA: u32 = 11;
/// Digits of a hash in the name of a file.
const DIGITS: usize = 16;

/// What files are for.
pub(super) mod role {
    pub const MACHINE: &str = "machine";
    pub const NETWORK: &str = "network";
    pub const SOURCE: &str = "source";
    pub const GOLDEN: &str = "golden";

    pub fn program(stage: usize) -> String {
        format!("program_{stage}")
    }

    pub fn host(stage: usize) -> String {
        format!("host_{stage}")
    }

    pub fn memory(stage: usize) -> String {
        format!("memory_{stage}")
    }
}

/// The manifest of an artefact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The tool that wrote it, and its version.
    pub tool: String,
    /// The model.
    pub model: Origin,
    /// The calibration samples: their number, and the hash of all their elements as float32, little-endian.
    pub calibration: Origin,
    /// Options of quantisation.
    pub options: Options,
    /// Which machines run it.
    pub keys: Keys,
    /// The network's inputs.
    pub inputs: Vec<Input>,
    /// The network's outputs.
    pub outputs: Vec<Output>,
    /// What runs, in order.
    pub stages: Vec<Stage>,
    /// Layers of the machine, in order; [`Layer::id`] names one wherever it is spoken of.
    pub layers: Vec<Layer>,
    /// Operators that the host runs.
    pub host: Vec<HostOperator>,
    /// Layers of 8 bits where 16 were wanted of all.
    pub byte_layers: Vec<ByteLayer>,
    /// Whether it is less fine than was asked for; left out where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarser: Option<Coarser>,
    /// Whether an output got more 16-bit layers than the budget of cycles had.
    pub raised: Option<Raised>,
    /// Whether every integer operation was held against the source's operators when it was compiled.
    pub checked: bool,
    /// What was predicted of each output on the first calibration sample; empty where it was not checked.
    pub predicted: Vec<Quality>,
    /// What the user was told.
    pub warnings: Vec<String>,
    /// Cycles of all stages together.
    pub cycles: u64,
    /// The other files, by what they are for.
    pub files: BTreeMap<String, File>,
    /// SHA-256 of this text with nothing between the quotes that follow.
    pub sha256: String,
}

/// Where something came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// A name, without folders.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What a machine and a program must agree in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Encoding, array, memories, bus and burst: other machines refuse the program. It is the number in the
    /// machine's register and in the images, in hexadecimal digits.
    pub isa: String,
    /// Pipeline, slots and memory timing: machines of the same take the same cycles.
    pub timing: String,
}

/// An input of the network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name in the model.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// `float32`, or the whole numbers that the model takes.
    pub element: String,
    /// Where the host writes it after quantising; empty where only the host reads it.
    pub places: Vec<Place>,
}

/// An output of the network.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name in the model.
    pub name: String,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Where the host reads it before dequantising; absent where the host makes it.
    pub place: Option<Place>,
}

/// Bytes of a value in the memory of a stage.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The stage.
    pub stage: usize,
    /// Address of the first byte of its tensor.
    pub address: u32,
    /// Planes, rows, columns of bytes of its tensor; of 16-bit values two planes each, high halves first.
    pub shape: Vec<usize>,
    /// 8 or 16.
    pub bits: usize,
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero; of 16-bit values, both halves of what does.
    pub zero: i8,
    /// Where the tensor's first value lies among the elements of the place (not bytes).
    pub offset: usize,
    /// Extents of the tensor's values, outermost first, and how far apart their elements lie in the place.
    pub strides: Vec<(usize, usize)>,
}

/// What runs at a time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "runs_on", rename_all = "snake_case", deny_unknown_fields)]
pub enum Stage {
    /// A program of the machine, in a memory of its own.
    Machine {
        /// Where its image begins in one memory that has those of all stages, without overlap.
        base: u64,
        /// Bytes of memory.
        memory_bytes: u32,
        /// Addresses of the four instruction lists: compute, vector, load, store.
        stream_address: [u32; 4],
        /// Their instructions.
        instructions: [usize; 4],
        /// Cycles from start to done.
        cycles: u64,
        /// Multiply-accumulates.
        macs: u64,
        /// Tensors to be written before the start.
        inputs: Vec<TensorPort>,
        /// Tensors to be read after the end.
        outputs: Vec<TensorPort>,
    },
    /// Operators of the host.
    Host(Host),
}

/// A file of the artefact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name: what it is for and the first digits of its hash.
    pub name: String,
    /// Its size.
    pub bytes: usize,
    /// Its SHA-256.
    pub sha256: String,
}

fn hash(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl File {
    pub(super) fn new(role: &str, extension: &str, bytes: &[u8]) -> File {
        let sha256 = hash(bytes);
        File { name: format!("{role}-{}.{extension}", &sha256[..DIGITS]), bytes: bytes.len(), sha256 }
    }

    /// That its bytes are the ones that were written.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<()> {
        if bytes.len() != self.bytes || hash(bytes) != self.sha256 {
            let message = "its bytes are not those that compile wrote";
            return Err(Error::new("artefact", message).hint("compile again, or another copy"));
        }
        Ok(())
    }
}

impl Manifest {
    pub(super) fn new(
        compiled: &Compiled,
        interface: &Graph,
        golden: &Golden,
        made: &Made,
    ) -> Result<Manifest> {
        let (network, model) = (&compiled.network, made.model);
        let bytes = files::read(&model.path).map_err(|e| {
            Error::new("input", format!("cannot be read again: {e}")).file(model.path.display().to_string())
        })?;
        let name = model.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let predicted = made.assurance.map_or(vec![], |a| a.predicted.clone());
        let (keys, inputs, outputs, stages, cycles) = derived(compiled, interface, golden);
        Ok(Manifest {
            schema: SCHEMA,
            tool: format!("tilewright {}", env!("CARGO_PKG_VERSION")),
            model: Origin { name, sha256: hash(&bytes) },
            calibration: calibration(made.calibration),
            options: *made.options,
            keys,
            inputs,
            outputs,
            stages,
            layers: layers::predicted(compiled, made.assurance),
            host: network.host.clone(),
            byte_layers: network.byte_layers.clone(),
            coarser: network.coarser.clone(),
            raised: network.raised.clone(),
            checked: made.assurance.is_some(),
            predicted,
            warnings: made.assurance.map_or(vec![], |a| a.warnings.clone()),
            cycles,
            files: BTreeMap::new(),
            sha256: String::new(),
        })
    }

    /// The text, with its own hash in it.
    pub(super) fn sealed(mut self) -> Result<Vec<u8>> {
        self.sha256 = String::new();
        self.sha256 = hash(self.text()?.as_bytes());
        Ok(self.text()?.into_bytes())
    }

    fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        Ok(text.map_err(|e| Error::defect("artefact", e))? + "\n")
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Text of something else, or of another version; text that has changed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Manifest> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
            tool: String,
        }
        let broken = |e| damaged(format!("is no manifest of an artefact: {e}"));
        let Version { schema, tool } = serde_json::from_slice(bytes).map_err(broken)?;
        if schema != SCHEMA {
            let message = format!(
                "has schema {schema}, of {tool}; this is tilewright {} with schema {SCHEMA}",
                env!("CARGO_PKG_VERSION")
            );
            return Err(Error::new("artefact", message).hint("compile the model again, or use that version"));
        }
        let changed = || {
            let message = "its text is not the one that compile wrote";
            Error::new("artefact", message).hint("compile again, or another copy")
        };
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| changed())?;
        let text = String::from_utf8_lossy(bytes);
        let (before, seal) = (format!("\"sha256\": \"{}\"\n}}\n", manifest.sha256), "\"sha256\": \"\"\n}\n");
        let unsealed = text.strip_suffix(&before).map(|rest| format!("{rest}{seal}"));
        if unsealed.is_none_or(|text| hash(text.as_bytes()) != manifest.sha256) {
            return Err(changed());
        }
        Ok(manifest)
    }

    /// The files that a manifest of any version names, its own among them; `None` for something else.
    pub(super) fn names(bytes: &[u8]) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        #[derive(Deserialize)]
        struct FileList {
            #[serde(rename = "schema")]
            _schema: u32,
            #[serde(rename = "tool")]
            _tool: String,
            files: BTreeMap<String, Named>,
        }
        let files: FileList = serde_json::from_slice(bytes).ok()?;
        Some(files.files.into_values().map(|file| file.name).collect())
    }
}

fn calibration(samples: &[Vec<ArrayD<f32>>]) -> Origin {
    let mut hash = Sha256::new();
    for x in samples.iter().flatten().flat_map(|x| x.iter()) {
        hash.update(x.to_le_bytes());
    }
    Origin { name: format!("{} samples", samples.len()), sha256: hex(hash.finalize().as_slice()) }
}
