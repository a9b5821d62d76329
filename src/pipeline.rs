//! From a model to programs, in one call.

use crate::model::Model;
use anyhow::Result;
use ndarray::ArrayD;
use tilewright_arch::Config;
use tilewright_compiler::Watch;
use tilewright_compiler::error::Error;
#[cfg(feature = "quantise")]
use tilewright_compiler::graph::Source;
use tilewright_compiler::network::{Coarser, MeasuredLayer, Network, Stage};
use tilewright_compiler::options::{Options, Precision};
use tilewright_compiler::schedule::{Schedule, Search, wrong_program};

/// A network compiled for a machine.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The quantised network.
    pub network: Network,
    /// Program and plan of each stage; none for the host's.
    pub schedules: Vec<Option<Schedule>>,
    /// The machine.
    pub config: Config,
}

/// Quantises with `calibration` for `config`, telling `watch` how many samples have been observed.
///
/// # Errors
/// A network whose weights alone do not fit the chip of the machine's memory, with both sizes; as
/// `tilewright_compiler::quantise::run`; a build that has no quantiser.
pub fn quantise(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
    watch: Watch,
) -> Result<Network> {
    #[cfg(feature = "quantise")]
    {
        check_size(model, config)?;
        Ok(tilewright_compiler::quantise::run_watched(&model.graph, calibration, options, config, watch)?)
    }
    #[cfg(not(feature = "quantise"))]
    no_quantiser(model, (calibration, options, config, watch))
}

/// Quantises and measures every layer on the first of the samples.
///
/// # Errors
/// As [`quantise`].
pub fn measured(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
) -> Result<Vec<MeasuredLayer>> {
    #[cfg(feature = "quantise")]
    return Ok(tilewright_compiler::quantise::run_reported(&model.graph, calibration, options, config)?.1);
    #[cfg(not(feature = "quantise"))]
    no_quantiser(model, (calibration, options, config))
}

/// The outputs when values are rounded to 8 bits of the range that `calibration` has, and nothing else is done: every
/// value, and those alone that quantisers of models round.
///
/// # Errors
/// Inputs or samples that do not fit the model; a build that has no quantiser.
pub fn rounded(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    inputs: &[ArrayD<f32>],
) -> Result<[Vec<ArrayD<f32>>; 2]> {
    #[cfg(feature = "quantise")]
    return Ok(tilewright_compiler::quantise::rounded(&model.graph, calibration, inputs)?);
    #[cfg(not(feature = "quantise"))]
    no_quantiser(model, (calibration, inputs))
}

/// Refuses a network whose weights alone are more than the chip of the machine's memory holds: no sample and no plan
/// would change that.
#[cfg(feature = "quantise")]
fn check_size(model: &Model, config: &Config) -> Result<()> {
    let Some(chip) = &config.memory.sdram else { return Ok(()) };
    let graph = &model.graph;
    let constant = |source: &Source| match source {
        Source::Constant(data) => data.len(),
        _ => 0,
    };
    if graph.values.iter().map(|value| constant(&value.source)).sum::<usize>() as u64 <= chip.bytes() {
        return Ok(());
    }
    let bytes = tilewright_compiler::quantise::least_bytes(graph, config)?;
    if bytes <= chip.bytes() {
        return Ok(());
    }
    let what =
        format!("its weights take at least {bytes} bytes of external memory, the chip has {}", chip.bytes());
    Err(Error::new("quantise", what)
        .file(&graph.name)
        .hint("a smaller network, or a board with more memory")
        .into())
}

/// What a build says that was made to run artefacts alone; it has no use for the rest that was `given`.
#[cfg(not(feature = "quantise"))]
fn no_quantiser<T>(model: &Model, given: impl Sized) -> Result<T> {
    let _ = given;
    let error = Error::new("quantise", "this build runs what is compiled already: it has no quantiser");
    let hint = "an artefact that compile wrote, or a build with the feature \"quantise\"";
    Err(error.file(model.path.display().to_string()).hint(hint).into())
}

/// Quantises with `calibration` and compiles for `config`.
///
/// # Errors
/// As [`quantise`] and [`Compiled::new`].
pub fn compile(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
) -> Result<Compiled> {
    let quantise = |options: &Options| quantise(model, calibration, options, config, &|_, _| ());
    compile_by(options, quantise, |network| Compiled::new(network, config))
        .map_err(|error| model.named(error))
}

/// [`compile`] by the two steps of it, which may tell how far they are. Where the 16 bits that [`Precision::Auto`] gave do
/// not fit the machine or its memory, 8 bits are taken, and [`Network::coarser`] says so.
///
/// # Errors
/// As [`quantise`] and [`Compiled::new`].
pub fn compile_by(
    options: &Options,
    quantise: impl Fn(&Options) -> Result<Network>,
    schedule: impl Fn(Network) -> Result<Compiled>,
) -> Result<Compiled> {
    let network = quantise(options)?;
    let is_wide = network.tensors.iter().any(|tensor| tensor.wide);
    let error = match schedule(network) {
        Err(error) if options.precision == Precision::Auto && is_wide && !is_defect(&error) => error,
        done => return done,
    };
    // What is refused then needs the least.
    let precision = Precision::Int8;
    let mut compiled = schedule(quantise(&Options { precision, ..*options })?)?;
    let why = format!("the 16 bits that auto chooses do not fit, 8 are taken in their place ({error})");
    compiled.network.coarser = Some(Coarser { precision, why });
    Ok(compiled)
}

fn is_defect(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_none_or(|error| error.report().defect)
}

impl Compiled {
    /// Compiles every stage of the machine.
    ///
    /// # Errors
    /// A node that does not fit the machine; a defect.
    pub fn new(network: Network, config: &Config) -> Result<Compiled> {
        Compiled::watched(network, config, &|_, _| ())
    }

    /// [`Compiled::new`], telling `watch` how many plans have been compiled, and of how many.
    ///
    /// # Errors
    /// As [`Compiled::new`].
    pub fn watched(network: Network, config: &Config, watch: Watch) -> Result<Compiled> {
        let searches = |stage: &Stage| match stage {
            Stage::Machine { graph, .. } => Search::new(graph, config).map(Some),
            Stage::Host { .. } => Ok(None),
        };
        let searches: Vec<Option<Search>> =
            network.stages.iter().map(searches).collect::<tilewright_compiler::error::Result<_>>()?;
        let total = searches.iter().flatten().map(Search::len).sum();
        let mut done = 0;
        let mut schedules = Vec::with_capacity(searches.len());
        for search in searches {
            let tried = || {
                done += 1;
                watch(done, total);
            };
            schedules.push(search.map(|search| search.fastest(tried)).transpose()?);
        }
        Ok(Compiled { network, schedules, config: config.clone() })
    }

    /// Checks that the programs break no rule of the machine, for any input: every field is legal, nothing is
    /// read before it is written, no two instructions meet in a port or in a byte without an order.
    ///
    /// # Errors
    /// A defect, with the instruction and its layer.
    pub fn check(&self) -> Result<()> {
        self.programs().try_for_each(|(_, s)| Ok(tilewright_sim::check(&s.program).map_err(wrong_program)?))
    }

    /// The programs with the numbers of their stages.
    pub fn programs(&self) -> impl Iterator<Item = (usize, &Schedule)> {
        self.schedules.iter().enumerate().filter_map(|(i, s)| Some((i, s.as_ref()?)))
    }

    /// Where the image of each stage's program begins in one memory that has them all, side by side: its base while it runs.
    /// None for the host's stages. With the end of the last one, in bytes.
    pub fn memory_map(&self) -> (Vec<Option<u64>>, u64) {
        let step = self.config.memory.base_bytes() as u64;
        let mut end = 0u64;
        let base = |schedule: &Option<Schedule>| {
            let bytes = schedule.as_ref()?.program.memory_bytes;
            let base = end.next_multiple_of(step);
            end = base + u64::from(bytes);
            Some(base)
        };
        (self.schedules.iter().map(base).collect(), end)
    }
}

/// External memory before a program starts: constants, instructions and input bytes.
///
/// # Errors
/// A program whose instructions do not fit their fields.
pub fn memory(schedule: &Schedule, inputs: &[Vec<i8>]) -> Result<Vec<u8>> {
    let program = &schedule.program;
    let mut memory = program.image()?;
    for (port, bytes) in program.inputs.iter().zip(inputs) {
        let start = port.address as usize;
        for (place, byte) in memory[start..].iter_mut().zip(bytes) {
            *place = *byte as u8;
        }
    }
    Ok(memory)
}

/// The output bytes in external memory after a program's end.
pub fn outputs(schedule: &Schedule, memory: &[u8]) -> Vec<Vec<i8>> {
    let ports = schedule.program.outputs.iter();
    ports
        .map(|port| {
            let start = port.address as usize;
            memory[start..start + port.bytes()].iter().map(|&b| b as i8).collect()
        })
        .collect()
}
