//! From float to 8 bits: ranges from calibration, fusion into the machine's operations, integers.
//!
//! 1. `plan` fuses operators and decides which values become tensors, `sharing` which of them share
//!    scale and memory.
//! 2. `calibrate` runs the samples in float; `range` makes scales of what it saw.
//! 3. `lower` makes integers and proves that no sum can leave 32 bits.
//! 4. `correct` takes the mean error of every channel out of its bias.
//!
//! The result depends on the graph, the samples and the options alone, not on threads.

mod calibrate;
mod chain;
mod correct;
mod entropy;
mod equalise;
mod histogram;
mod kind;
mod links;
mod lower;
mod options;
mod plan;
mod range;
mod report;
mod rounding;
mod shapes;
mod sharing;
mod weights;

#[cfg(test)]
mod tests;

pub use range::Ranges;
pub use report::{Layer, sqnr_db};

use crate::error::Result;
use crate::fixed::FixedGraph;
use crate::graph::Graph;
use lower::Lowered;
use ndarray::ArrayD;
use plan::Plan;
use range::Affine;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sharing::Sharing;
use std::borrow::Cow;

/// Samples of which means are corrected, at most.
const CORRECTED: usize = 32;
/// Multiply-accumulates that bias correction may spend (it runs a sample at least twice).
const CORRECTION_MACS: u64 = 2_000_000_000;
/// Samples that a report is measured on, at most.
const MEASURED: usize = 4;

/// What may be chosen; the default needs no tuning.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How ranges of activations are chosen. Inputs always get the range seen.
    pub ranges: Ranges,
    /// Whether channels between layers are given similar ranges first.
    pub equalise: bool,
    /// Whether biases are corrected by the mean error that calibration shows.
    pub bias_correction: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { ranges: Ranges::Mse, equalise: true, bias_correction: true }
    }
}

/// Quantises a simplified graph. Each sample holds one array for every graph input.
///
/// # Errors
/// An operator that the machine cannot run (unless only the end of the network needs it), samples
/// that do not fit, a layer that 8-bit arithmetic cannot express; each names node and operator.
pub fn run(graph: &Graph, calibration: &[Vec<ArrayD<f32>>], options: &Options) -> Result<FixedGraph> {
    Ok(quantise(graph, calibration, options)?.lowered.fixed)
}

/// [`run`], and what it did to every layer, measured on the first calibration samples.
///
/// # Errors
/// As [`run`].
pub fn run_reported(
    graph: &Graph,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
) -> Result<(FixedGraph, Vec<Layer>)> {
    let Quantised { graph, plan, sharing, lowered } = quantise(graph, calibration, options)?;
    let samples = &calibration[..calibration.len().min(MEASURED)];
    let layers = report::measure(&graph, &plan, &sharing, &lowered, samples)?;
    Ok((lowered.fixed, layers))
}

struct Quantised<'a> {
    /// What was quantised: the source graph, perhaps equalised.
    graph: Cow<'a, Graph>,
    plan: Plan,
    sharing: Sharing,
    lowered: Lowered,
}

fn quantise<'a>(
    graph: &'a Graph,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
) -> Result<Quantised<'a>> {
    graph.verify().map_err(|e| e.stage("quantise"))?;
    // Refuse what cannot be quantised before any sample is run.
    plan::plan(graph)?;
    let graph = match options.equalise {
        true => Cow::Owned(equalise::equalise(graph.clone(), calibration)?),
        false => Cow::Borrowed(graph),
    };
    let plan = plan::plan(&graph)?;
    let sharing = Sharing::new(&plan);
    let affordable = (CORRECTION_MACS / graph.macs().max(1)).clamp(4, CORRECTED as u64) as usize;
    let corrected = if options.bias_correction { affordable.min(calibration.len()) } else { 0 };
    let seen = calibrate::observe(&graph, &plan, calibration, corrected)?;
    let choose = |h: usize| {
        let seen = &seen.homes[h];
        if sharing.representative(h) != h {
            return Affine::spanning(0.0, 0.0);
        }
        // The host quantises inputs, which often are bytes to begin with: exactly the range seen.
        match plan.homes[h].group {
            None => Affine::spanning(f64::from(seen.min), f64::from(seen.max)),
            Some(_) => options.ranges.choose(seen),
        }
    };
    let affine: Vec<Affine> = (0..plan.homes.len()).into_par_iter().map(choose).collect();
    let mut lowered = lower::lower(&graph, &plan, &sharing, &affine, &seen.patches)?;
    if corrected > 1 {
        correct::correct(&mut lowered, &seen, &calibration[..corrected]);
    }
    lowered.fixed.verify().map_err(|e| e.stage("quantise"))?;
    Ok(Quantised { graph, plan, sharing, lowered })
}
