//! The least quality of the outputs, which comes before cycles.
//!
//! [`Precision::Auto`] spends few cycles on 16 bits, and none in large networks. Where the outputs of that
//! are predicted to drown in noise, more tensors get 16 bits, whatever they cost, and the user is told.

use super::Made;
use super::precision::Precision;
use crate::error::Result;
use crate::float;
use crate::network::Raised;
use crate::proof::{self, Quality};
use ndarray::{ArrayD, Axis, concatenate, stack};
use rayon::prelude::*;

/// What is tried in turn: precision and budget.
const LADDER: [(Precision, f64); 2] = [(Precision::Mixed, 0.25), (Precision::Int16, 0.0)];
/// The share of what lacks to the floor that a step of the ladder may leave; otherwise it is not worth its
/// cycles. The recogniser of PP-OCRv4 would gain 2.3 dB for 44 % more cycles, and read the same text.
const LEFT: f64 = 0.5;

/// Samples that the outputs are predicted for, at most: one alone may be better than the rest.
const SAMPLES: u64 = 8;
/// Multiply-accumulates that may be spent on a prediction; large networks are judged by one sample, which has
/// many outputs.
const MACS: u64 = 100_000_000;

/// The calibration samples that a prediction for `made` can be afforded for.
pub(super) fn samples_for<'a>(made: &Made, calibration: &'a [Vec<ArrayD<f32>>]) -> &'a [Vec<ArrayD<f32>>] {
    let affordable = (MACS / made.lowered.network.claims.graph.macs().max(1)).clamp(1, SAMPLES);
    &calibration[..calibration.len().min(affordable as usize)]
}

/// The quality of each output over some samples together.
pub(super) fn qualities(made: &Made, samples: &[Vec<ArrayD<f32>>]) -> Result<Vec<Quality>> {
    let network = &made.lowered.network;
    let one = |sample: &Vec<ArrayD<f32>>| -> Result<[Vec<ArrayD<f32>>; 2]> {
        let float = float::run(&network.claims.graph, sample)?;
        Ok([float, proof::predict(network, sample)?.outputs])
    };
    let all = samples.par_iter().map(one).collect::<Result<Vec<_>>>()?;
    // One after the other along the first axis, which is the batch and no axis of channels.
    let together = |side: usize, output: usize| {
        let views: Vec<_> = all.iter().map(|pair| pair[side][output].view()).collect();
        match views[0].ndim() {
            0 => stack(Axis(0), &views),
            _ => concatenate(Axis(0), &views),
        }
    };
    let quality = |output: usize| {
        let [want, got] = [0, 1].map(|side| together(side, output).expect("outputs have one shape each"));
        Quality::of(&want, &got)
    };
    Ok((0..network.outputs.len()).map(quality).collect())
}

/// `first`, or what `make` makes of the first step of the ladder with which all outputs of some calibration
/// samples reach the floor; or else the one that comes nearest, if it comes much nearer.
///
/// # Errors
/// A sample that does not fit. A step that cannot be made is not taken.
pub(super) fn reach(
    first: Made,
    calibration: &[Vec<ArrayD<f32>>],
    make: impl Fn(Precision, f64) -> Result<Made>,
) -> Result<Made> {
    let samples = samples_for(&first, calibration);
    if samples.is_empty() {
        return Ok(first);
    }
    let qualities = |made: &Made| qualities(made, samples);
    let lacking = |all: &[Quality]| all.iter().map(Quality::shortfall_db).sum::<f64>();
    let before = qualities(&first)?;
    let mut best = (lacking(&before), first);
    if best.0 == 0.0 {
        return Ok(best.1);
    }
    let worst = before.iter().enumerate().max_by(|a, b| a.1.shortfall_db().total_cmp(&b.1.shortfall_db()));
    let worst = worst.map_or(0, |(output, _)| output);
    for (precision, budget) in LADDER {
        let Ok(mut made) = make(precision, budget) else { continue };
        let after = qualities(&made)?;
        let lack = lacking(&after);
        if lack > LEFT * best.0 {
            continue;
        }
        let network = &mut made.lowered.network;
        network.raised = Some(Raised {
            output: network.claims.graph.value(network.outputs[worst]).name.clone(),
            precision,
            before: before[worst].clone(),
            after: after[worst].clone(),
        });
        best = (lack, made);
        if lack == 0.0 {
            break;
        }
    }
    Ok(best.1)
}
