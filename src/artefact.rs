//! A compiled network as one thing on disk: programs, machine, integers, the source to check them against, a
//! golden sample, and a manifest that names and describes them all. `docs/artefact.md` has the format.
//!
//! An artefact needs nothing beside it: not the model, not its calibration, and no quantiser. It is written
//! whole or not at all, and read only if every byte is the one that was written.

mod check;
mod container;
mod golden;
mod host;
mod layers;
mod manifest;

pub use container::Container;
pub use golden::Golden;
pub use host::{Host, Make, Read};
pub(crate) use layers::tables;
pub use layers::{Layer, LayerReport, layers, reports};
pub use manifest::{File, Input, Keys, Manifest, Origin, Output, Place, SCHEMA, Stage};

use crate::assurance::Assurance;
use crate::model::Model;
use crate::pipeline::Compiled;
use manifest::role;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use tilewright_arch::{Config, asm};
use tilewright_compiler::claims::Claims;
use tilewright_compiler::error::{Error, Result};
use tilewright_compiler::graph::{Graph, Source, Value, ValueId};
use tilewright_compiler::network::Network;
use tilewright_compiler::options::Options;
use tilewright_compiler::schedule::Schedule;
use tilewright_compiler::schedule::plan::Plan;

/// A compiled network with all that runs, checks and describes it.
#[derive(Clone, Debug)]
pub struct Artefact {
    /// What is in it.
    pub manifest: Manifest,
    /// Programs, machine and integers.
    pub compiled: Compiled,
    /// The network's inputs and outputs, without an operator.
    pub interface: Graph,
    /// The source in float; absent where it was left out.
    pub model: Option<Model>,
    /// One sample with all that comes of it.
    pub golden: Golden,
}

/// What made a compiled network, for its manifest.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The model.
    pub model: &'a Model,
    /// The calibration samples.
    pub calibration: &'a [Vec<ndarray::ArrayD<f32>>],
    /// Options of quantisation.
    pub options: &'a Options,
    /// What is known of the first rung; absent where it was not checked.
    pub assurance: Option<&'a Assurance>,
    /// Whether the source goes into the artefact.
    pub source: bool,
}

/// Files by name, in order.
pub type Files = Vec<(String, Vec<u8>)>;

impl Artefact {
    /// The artefact of a compiled network.
    ///
    /// # Errors
    /// A model file that cannot be read again; a defect.
    pub fn new(compiled: Compiled, golden: Golden, made: &Made) -> Result<Artefact> {
        let mut compiled = compiled;
        let file = made.model.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        compiled.network.named(&file);
        let interface = called(&interface(&made.model.imported), &file);
        let manifest = Manifest::new(&compiled, &interface, &golden, made)?;
        let model = made.source.then(|| Model {
            imported: called(&made.model.imported, &file),
            graph: called(&made.model.graph, &file),
            ..made.model.clone()
        });
        Ok(Artefact { manifest, compiled, interface, model, golden })
    }

    /// All files, the manifest last.
    ///
    /// # Errors
    /// A program whose instructions do not fit their fields.
    pub fn files(&self) -> Result<Files> {
        let mut contents: Vec<(String, &str, Vec<u8>)> = Vec::new();
        let network = Network { claims: Claims::default(), ..self.compiled.network.clone() };
        let plans: Vec<Option<&Plan>> =
            self.compiled.schedules.iter().map(|s| s.as_ref().map(|s| &s.plan)).collect();
        contents.push((role::MACHINE.into(), "toml", self.compiled.config.to_toml().into_bytes()));
        contents.push((role::NETWORK.into(), "bin", encode(&(&network, &self.interface, plans))?));
        if let Some(model) = &self.model {
            let source = (&model.imported, &model.graph, &self.compiled.network.claims);
            contents.push((role::SOURCE.into(), "bin", encode(&source)?));
        }
        for (stage, schedule) in self.compiled.programs() {
            let text = asm::print(&schedule.program).into_bytes();
            contents.push((role::program(stage), "tasm", text));
            let image = schedule.program.image().map_err(|e| Error::defect("artefact", e))?;
            contents.push((role::memory(stage), "bin", image));
        }
        for (stage, model) in host::models(&self.compiled.network) {
            contents.push((role::host(stage), "onnx", model));
        }
        contents.push((role::GOLDEN.into(), "npz", self.golden.to_npz()));
        let mut manifest = self.manifest.clone();
        let mut files = Files::new();
        for (role, extension, bytes) in contents {
            let file = File::new(&role, extension, &bytes);
            files.push((file.name.clone(), bytes));
            manifest.files.insert(role, file);
        }
        files.push((manifest::NAME.to_owned(), manifest.sealed()?));
        Ok(files)
    }

    /// Writes it into a folder, or as one file where `pack` says so.
    ///
    /// # Errors
    /// A path that cannot be written; something else that lies there. A defect, where what would be written
    /// could not be read.
    pub fn write(&self, path: &Path, pack: bool) -> Result<()> {
        let files = self.files()?;
        Artefact::of(&Container::of(path, &files), path)
            .map_err(|e| Error::defect("artefact", format!("what is to be written cannot be read: {e}")))?;
        if pack { container::write_pack(path, &files) } else { container::write_folder(path, &files) }
    }

    /// That [`Artefact::write`] may write there, as far as can be said before there is something to write.
    ///
    /// # Errors
    /// Something else that lies there.
    pub fn may_take(path: &Path, pack: bool) -> Result<()> {
        container::may_take(path, pack)
    }

    /// Reads an artefact, a folder or a pack.
    ///
    /// # Errors
    /// What is not there, was not written by `compile`, or has changed since, by file, with what to try.
    pub fn read(path: &Path) -> Result<Artefact> {
        Artefact::of(&Container::open(path)?, path)
    }

    /// Of the files of a container that lies, or will lie, at `path`.
    fn of(container: &Container, path: &Path) -> Result<Artefact> {
        let place = |name: &str| format!("{}: {name}", path.display());
        let parsed = Manifest::parse(&container.read(manifest::NAME)?);
        let manifest = parsed.map_err(|e| e.file(place(manifest::NAME)))?;
        // A file that nobody asks for would be a file that nobody checks.
        for file in manifest.files.values() {
            let bytes = container.read(&file.name).map_err(|e| e.file(place(manifest::NAME)))?;
            file.check(&bytes).map_err(|e| e.file(place(&file.name)))?;
        }
        let known = |name: &&str| *name == manifest::NAME || manifest.files.values().any(|f| f.name == *name);
        if let Some(other) = container.members().into_iter().find(|name| !known(name)) {
            let error = Error::new("artefact", "is not of the artefact").file(place(other));
            return Err(error.hint("another copy"));
        }
        let read = |role: &str| -> Result<(String, Vec<u8>)> {
            let Some(file) = manifest.files.get(role) else {
                return Err(damaged(format!("has no {role:?}")).file(place(manifest::NAME)));
            };
            Ok((place(&file.name), container.read(&file.name)?))
        };
        let (at, bytes) = read(role::MACHINE)?;
        let config = Config::from_toml(&String::from_utf8_lossy(&bytes));
        let config = config.map_err(|e| damaged(e.message()).file(at))?;
        let (at, bytes) = read(role::NETWORK)?;
        let (mut network, interface, plans): (Network, Graph, Vec<Option<Plan>>) = decode(&at, &bytes)?;
        let mut schedules = Vec::with_capacity(plans.len());
        for (stage, plan) in plans.into_iter().enumerate() {
            let Some(plan) = plan else {
                schedules.push(None);
                continue;
            };
            let (at, bytes) = read(&role::program(stage))?;
            let wrong = |e: String| damaged(e).file(at.clone());
            let program = asm::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| wrong(e.to_string()))?;
            let (memory, image) = read(&role::memory(stage))?;
            if program.config != config || program.image().map_err(|e| wrong(e.to_string()))? != image {
                return Err(wrong(format!("is not the program of {memory} and its machine")));
            }
            schedules.push(Some(Schedule { program, plan }));
        }
        if schedules.len() != network.stages.len() {
            return Err(damaged("its stages and plans differ in number").file(at));
        }
        for (stage, model) in host::models(&network) {
            let (at, bytes) = read(&role::host(stage))?;
            if bytes != model {
                return Err(damaged(format!("is not what the host does in stage {stage}")).file(at));
            }
        }
        let mut model = None;
        if manifest.files.contains_key(role::SOURCE) {
            let (at, bytes) = read(role::SOURCE)?;
            let (imported, graph, claims): (Graph, Graph, Claims) = decode(&at, &bytes)?;
            network.claims = claims;
            let whole = [imported.verify(), graph.verify(), network.verify_claims()];
            whole.into_iter().collect::<Result<()>>().map_err(|e| e.stage("artefact").file(at))?;
            model = Some(Model { path: path.to_path_buf(), imported, graph, warnings: vec![] });
        }
        let (at, bytes) = read(role::GOLDEN)?;
        let golden = Golden::from_npz(&bytes).map_err(|e| e.stage("artefact").file(at.clone()))?;
        let compiled = Compiled { network, schedules, config };
        let belong = |checked: Result<()>, at: String| checked.map_err(|e| e.stage("artefact").file(at));
        belong(check::network(&compiled, &interface), place("network"))?;
        belong(check::golden(&compiled, &golden), at)?;
        belong(check::manifest(&manifest, &compiled, &interface, &golden), place(manifest::NAME))?;
        Ok(Artefact { manifest, compiled, interface, model, golden })
    }
}

/// Something is not as `compile` writes it.
fn damaged(message: impl Into<String>) -> Error {
    Error::new("artefact", message).hint("compile again")
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|e| Error::defect("artefact", e))
}

fn decode<T: DeserializeOwned>(at: &str, bytes: &[u8]) -> Result<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((decoded, [])) => Ok(decoded),
        _ => Err(damaged("is damaged, or of another version of this tool").file(at)),
    }
}

/// The same graph, called by the file's name alone: where it lay is nobody's business.
fn called(graph: &Graph, name: &str) -> Graph {
    Graph { name: name.to_owned(), ..graph.clone() }
}

/// A graph's inputs and outputs, without what lies between.
fn interface(graph: &Graph) -> Graph {
    let mut interface = Graph::new(&graph.name);
    for (n, &id) in graph.inputs.iter().enumerate() {
        let value = Value { source: Source::Input(n), ..graph.value(id).clone() };
        let id = push(&mut interface, value);
        interface.inputs.push(id);
    }
    for &id in &graph.outputs {
        // Nothing makes it here: an empty constant stands for what the network does.
        let value = Value { source: Source::Constant(vec![]), ..graph.value(id).clone() };
        let id = push(&mut interface, value);
        interface.outputs.push(id);
    }
    interface
}

fn push(graph: &mut Graph, value: Value) -> ValueId {
    graph.values.push(value);
    ValueId(graph.values.len() as u32 - 1)
}
