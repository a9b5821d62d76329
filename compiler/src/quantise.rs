//! From float to 8 or 16 bits: ranges from calibration, fusion into the machine's operations, integers.
//!
//! 1. `select` makes operations of operators: what fuses, which values become tensors and how they lie in
//!    them, what is left to the host.
//! 2. `ranges` runs the samples in float and makes scales of what it saw (numbers that `sentinels` knows need none); `precision` chooses which of the
//!    tensors that can have 16 bits have them.
//! 3. `lower` makes integers, proves that no sum can leave 32 bits, and cuts them into stages where the host
//!    works.
//! 4. `correct` takes the mean error of every channel out of its bias.
//! 5. `floor` asks what the outputs are predicted to be, and `baseline` what rounding alone would leave of
//!    them: where that is better, it is taken, and where outputs drown in noise, more tensors get 16 bits, `finer`
//!    takes operators apart that 8 bits coarsen, and what usual quantisers keep in float the host has.
//!
//! The result depends on the graph, the samples, the options and the machine alone, not on threads.

mod attempt;
mod baseline;
mod correct;
mod finer;
mod floor;
mod lower;
mod precision;
mod qparams;
mod ranges;
mod report;
mod room;
mod select;
mod size;
mod weights;

#[cfg(test)]
mod tests;

pub use crate::options::{Options, Precision, Ranges, Rounding};
pub use baseline::rounded;
pub use report::sqnr_db;
pub use size::least_bytes;

use crate::Watch;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::network::{Coarser, MeasuredLayer, Network};
use attempt::Attempt;
use finer::Finer;
use floor::{Floor, LADDER, LADDER_OF_WHOLE};
use lower::Lowered;
use ndarray::ArrayD;
use precision::{Choice, Chooser};
use qparams::QParams;
use ranges::calibrate::Seen;
use ranges::scale_classes::ScaleClasses;
use ranges::{calibrate, equalise, least, scales};
use select::annotations;
use select::annotations::Annotations;
use select::kernel::Refusal;
use select::plan::{self, Division};
use select::{spoilt, tables};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use tilewright_arch::Config;

/// Samples of which means are corrected, at most.
const CORRECTED: usize = 32;
/// Multiply-accumulates that bias correction may spend (it runs a sample at least twice).
const CORRECTION_MACS: u64 = 2_000_000_000;
/// Multiply-accumulates up to which [`Precision::Auto`] takes operators apart: the recogniser of PP-OCRv4 (0.7 G) compiles
/// in half a minute more, for 10 dB. Larger networks have `int16` by name.
const APART_MACS: u64 = 2_000_000_000;
/// Samples that a report is measured on, at most.
const MEASURED: usize = 4;

/// Quantises a simplified graph for a machine. Each sample holds one array for every graph input; a model that is
/// quantised already, and completely, needs none.
///
/// # Errors
/// An operator that the machine cannot run and the host may not, samples
/// that do not fit, a layer that 8-bit arithmetic cannot express; each names node and operator.
pub fn run(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
) -> Result<Network> {
    run_watched(graph, calibration, options, config, &|_, _| ())
}

/// [`run`], telling `watch` how far it is.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
    watch: Watch,
) -> Result<Network> {
    Ok(quantise(graph, calibration, options, config, watch)?.lowered.network)
}

/// [`run`], and what it did to every layer, measured on the first calibration samples.
///
/// # Errors
/// As [`run`].
pub fn run_reported(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
) -> Result<(Network, Vec<MeasuredLayer>)> {
    let Quantisation { prepared, plan, choice, lowered } =
        quantise(graph, calibration, options, config, &|_, _| ())?;
    let samples = &calibration[..calibration.len().min(MEASURED)];
    let layers = report::measure(&prepared.graph, &plan, &prepared.classes, &choice, &lowered, samples)?;
    Ok((lowered.network, layers))
}

/// Integers, and what was chosen for them.
struct Quantisation<'a> {
    prepared: Arc<Prepared<'a>>,
    plan: Division,
    choice: Choice,
    lowered: Lowered,
}

/// What all choices of bits have in common.
struct Prepared<'a> {
    graph: Cow<'a, Graph>,
    annotations: Annotations,
    plan: Division,
    classes: ScaleClasses,
    seen: Seen,
    /// Scale and zero point of each representative, of 8 bits.
    qparams: Vec<QParams>,
    /// Homes whose values are whole numbers.
    whole: Vec<bool>,
    /// Samples that biases are corrected by.
    corrected: &'a [Vec<ArrayD<f32>>],
    /// The machine.
    config: &'a Config,
}

/// What is prepared of a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Variant {
    /// As it is.
    Given,
    /// With operators taken apart for the sake of 16 bits.
    Finer(Finer),
    /// With what usual quantisers keep in float, and the machine has only 8 bits for, on the host.
    InFloat,
}

impl Variant {
    /// The one that a precision asks for.
    fn of(precision: Precision) -> Variant {
        match precision {
            Precision::Auto | Precision::Int8 | Precision::Mixed => Variant::Given,
            Precision::Int16 => Variant::Finer(Finer::Functions),
            Precision::Int16x16 => Variant::Finer(Finer::Weights),
        }
    }

    /// The next coarser one, which has fewer operators to make integers of, and what it leaves.
    fn coarser(self) -> Option<(Variant, &'static str)> {
        match self {
            Variant::Finer(Finer::Weights) => {
                Some((Variant::Finer(Finer::Functions), "weights have 8 bits, as with int16"))
            }
            Variant::Finer(Finer::Functions) => {
                Some((Variant::Given, "weights have 8 bits, and functions round to 8 bits"))
            }
            Variant::Given | Variant::InFloat => None,
        }
    }
}

/// What `make` makes of a precision, and, where that is less than was asked for, why and what it lacks: what is taken apart
/// never refuses what can be made whole.
///
/// # Errors
/// That of the graph as it is.
fn finest<T>(precision: Precision, make: impl Fn(Variant) -> Result<T>) -> Result<(T, Option<String>)> {
    let (mut variant, mut refused) = (Variant::of(precision), None);
    loop {
        let error = match make(variant) {
            Ok(made) => return Ok((made, refused.map(|(left, error)| told(precision, left, &error)))),
            Err(error) => error,
        };
        let Some((coarser, left)) = variant.coarser() else { return Err(error) };
        // The first refusal is of what was asked for.
        (variant, refused) = (coarser, Some((left, refused.map_or(error, |(_, first)| first))));
    }
}

fn told(precision: Precision, left: &str, error: &Error) -> String {
    format!("{} cannot be had everywhere: {left} ({error})", precision.name())
}

/// With the refinements and the bits that the outputs need.
fn quantise<'a>(
    graph: &'a Graph,
    calibration: &'a [Vec<ArrayD<f32>>],
    options: &Options,
    config: &'a Config,
    watch: Watch,
) -> Result<Quantisation<'a>> {
    let prepare = |options: &Options, variant| {
        Prepared::new(graph, calibration, options, config, watch, variant).map(Arc::new)
    };
    let one = |options: &Options| -> Result<Quantisation<'a>> {
        let Options { ranges, precision, budget, .. } = *options;
        let make = |variant| prepare(options, variant)?.make(calibration, ranges, precision, budget);
        let (mut made, coarser) = finest(precision, make)?;
        made.lowered.network.coarser = coarser.map(|why| Coarser { precision, why });
        Ok(made)
    };
    let made = one(options)?;
    // A quantised model is taken as it is.
    if !made.prepared.annotations.is_empty() || calibration.is_empty() {
        return Ok(made);
    }
    let (floor, mut judged) = Floor::new(graph, calibration, made)?;
    let mut options = *options;
    if options.are_open() && floor.lack_db(&judged) > 0.0 {
        // Refinement is better on most networks, not on all: a correction moves the mean over elements that a
        // clamp then cuts off, a range that is best for a tensor is not for the output.
        let plain = options.plain();
        // Rounding alone that fails is not taken.
        if let Ok(alone) = one(&plain) {
            let alone = floor.judge(alone)?;
            if floor.lack_db(&alone) < floor.lack_db(&judged) {
                (judged, options) = (alone, plain);
            }
        }
    }
    if options.precision == Precision::Auto {
        let before = judged.outputs.clone();
        let given = judged.made.prepared.clone();
        let apart = graph.macs() <= APART_MACS;
        let make = |precision, budget| {
            let prepared = match Variant::of(precision) {
                variant @ Variant::Finer(_) if apart => prepare(&options, variant)?,
                _ => given.clone(),
            };
            prepared.make(calibration, options.ranges, precision, budget)
        };
        let ladder = if apart { LADDER } else { LADDER_OF_WHOLE };
        judged = floor.reach(&judged, &before, ladder, make)?.unwrap_or(judged);
        if floor.lack_db(&judged) > 0.0
            && let Ok(coarse) = prepare(&options, Variant::InFloat)
            && coarse.plan.host.len() > given.plan.host.len()
        {
            let make = |precision, budget| coarse.make(calibration, options.ranges, precision, budget);
            judged = floor.reach(&judged, &before, LADDER_OF_WHOLE, make)?.unwrap_or(judged);
        }
    }
    let mut made = judged.made;
    let network = &mut made.lowered.network;
    (network.rounding_db, network.judged) = (floor.rounding_db, judged.outputs);
    Ok(made)
}

/// The least and the largest number of each input over all samples.
fn calibrated(graph: &Graph, calibration: &[Vec<ArrayD<f32>>]) -> Vec<[f32; 2]> {
    let range = |input: usize| {
        let all = calibration.iter().flat_map(|sample| sample[input].iter().copied());
        all.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
    };
    if calibration.is_empty() { vec![] } else { (0..graph.inputs.len()).map(range).collect() }
}

impl<'a> Prepared<'a> {
    fn new(
        graph: &'a Graph,
        calibration: &'a [Vec<ArrayD<f32>>],
        options: &Options,
        config: &'a Config,
        watch: Watch,
        variant: Variant,
    ) -> Result<Prepared<'a>> {
        graph.verify().map_err(|e| e.stage("quantise"))?;
        calibrate::at_once(graph)?;
        // A quantised model is taken as it is: only what it leaves open is chosen.
        let mut annotations = Annotations::default();
        let graph = if graph.is_quantised() {
            let (stripped, prescribed) = annotations::strip(graph)?;
            annotations = prescribed;
            Cow::Owned(stripped)
        } else if options.equalise {
            Cow::Owned(equalise::equalise(graph.clone(), calibration)?)
        } else {
            Cow::Borrowed(graph)
        };
        let graph = match variant {
            Variant::Finer(finer) if annotations.is_empty() => {
                Cow::Owned(finer::run(graph.into_owned(), finer)?)
            }
            _ => graph,
        };
        let divide = |left: &BTreeMap<usize, Refusal>| {
            let mut plan = plan::plan_leaving(&graph, &annotations, config, left);
            tables::tabulate(&mut plan, &annotations);
            let classes = ScaleClasses::new(&graph, &plan, &annotations);
            (plan, classes)
        };
        let mut coarse = BTreeMap::new();
        let (mut plan, mut classes) = divide(&coarse);
        if variant == Variant::InFloat {
            coarse = baseline::in_float(&graph);
            // What the host has anyway it has for another reason.
            coarse.retain(|n, _| plan.host.iter().all(|(left, ..)| left != n));
            (plan, classes) = divide(&coarse);
        }
        let affordable = (CORRECTION_MACS / graph.macs().max(1)).clamp(4, CORRECTED as u64) as usize;
        let correct = options.bias_correction && annotations.is_empty();
        let corrected = if correct { affordable.min(calibration.len()) } else { 0 };
        let mut seen = if scales::all_prescribed(&plan, &classes, &annotations) {
            Seen::nothing(&plan)
        } else {
            let observe = |plan: &Division| {
                calibrate::observe(&graph, plan, calibration, corrected, options.rounding, watch)
            };
            match observe(&plan) {
                Ok(seen) => seen,
                // Numbers that are not finite, and that nothing chooses, the host may have.
                Err(e) => {
                    let mut left = spoilt::nodes(&graph, calibration).ok().flatten().ok_or(e)?;
                    left.extend(coarse);
                    (plan, classes) = divide(&left);
                    observe(&plan)?
                }
            }
        };
        classes.pool(&plan, &mut seen);
        let whole = scales::whole(&graph, &plan, &annotations);
        let mut qparams = scales::choose(&plan, &classes, &annotations, &seen, options.ranges, &whole);
        least::raise(&plan, &classes, &seen, &annotations, &mut qparams);
        let corrected = &calibration[..corrected];
        Ok(Prepared { graph, annotations, plan, classes, seen, qparams, whole, corrected, config })
    }

    /// Makes integers of 8 bits and of 16 where `precision` and `budget` want them.
    fn make(
        self: &Arc<Self>,
        calibration: &[Vec<ArrayD<f32>>],
        ranges: Ranges,
        precision: Precision,
        budget: f64,
    ) -> Result<Quantisation<'a>> {
        let Prepared { graph, annotations, classes, seen, qparams, whole, corrected, config, .. } = &**self;
        let mut plan = self.plan.clone();
        let chooser = Chooser { graph, annotations, classes, qparams, seen, calibration, config };
        let mut choice = chooser.choose(&plan, precision, budget)?;
        let attempt = Attempt { graph, annotations, classes, seen, qparams, whole, ranges, config };
        let mut lowered = attempt.lower(&mut plan, &mut choice)?;
        if matches!(precision, Precision::Int16 | Precision::Int16x16) {
            lowered.network.byte_layers = report::byte_layers(&plan, classes, &lowered, &choice);
        }
        // One sample says nothing of how certain its means are.
        if corrected.len() > 1 {
            correct::correct(&mut lowered, seen, corrected)?;
        }
        for graph in lowered.network.machine() {
            graph.verify().map_err(|e| e.stage("quantise"))?;
        }
        lowered.network.calibrated = calibrated(graph, calibration);
        lowered.network.claims =
            lower::claims(graph, annotations, &plan, classes, corrected.len(), &mut lowered);
        Ok(Quantisation { prepared: self.clone(), plan, choice, lowered })
    }
}
