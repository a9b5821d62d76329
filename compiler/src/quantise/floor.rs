//! The least quality of the outputs, which comes before cycles.
//!
//! [`Precision::Auto`] spends few cycles on 16 bits, and none in large networks. Where the outputs of that
//! are predicted to drown in noise, or are worse than rounding alone would leave them, more tensors get 16 bits,
//! whatever they cost, and the user is told.

use super::{Precision, Quantisation, baseline};
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, ValueId};
use crate::network::Raised;
use crate::proof::{self, GOOD_DB, Groups, LEAST_CHANNEL_DB, LEAST_OUTPUT_DB, LESS_DB, Quality};
use ndarray::{ArrayD, Axis, concatenate, stack};
use rayon::prelude::*;

/// What is tried in turn: precision and budget.
pub(super) const LADDER: &[(Precision, f64)] =
    &[(Precision::Mixed, 0.25), (Precision::Int16, 0.0), (Precision::Int16x16, 0.0)];
/// What is tried where no operator is taken apart: finer weights are nothing but that.
pub(super) const LADDER_OF_WHOLE: &[(Precision, f64)] = LADDER.split_at(2).0;
/// The share of what lacks to the floor that a step of the ladder may leave; otherwise it is not worth its
/// cycles. The recogniser of PP-OCRv4 would gain 2.3 dB for 44 % more cycles, and read the same text.
const LEFT: f64 = 0.5;

/// Decibels above [`GOOD_DB`] from which on an output is not looked at any closer: samples that calibration did not
/// have lose a little.
const CLOSE_DB: f64 = 1.0;
/// Samples that the outputs are predicted for, at most: one alone may be better than the rest.
const SAMPLES: u64 = 8;
/// Multiply-accumulates that may be spent on a prediction; large networks are judged by one sample.
const MACS: u64 = 100_000_000;
/// The same where an output has few elements: those of one sample say little.
const MACS_OF_FEW: u64 = 1_000_000_000;
/// Elements below which they are few.
const FEW: usize = 4096;

/// What the outputs are to reach on some calibration samples.
pub(super) struct Floor<'a> {
    samples: &'a [Vec<ArrayD<f32>>],
    /// What each output is judged by beside the whole.
    groups: Vec<Groups>,
    /// The outputs of each sample, in float.
    wanted: Vec<Vec<ArrayD<f32>>>,
    /// Decibels that each output is to have.
    least: Vec<f64>,
    /// What [`baseline`] has, by output; empty where nobody needs to know.
    pub rounding_db: Vec<Option<f64>>,
}

/// Integers, and how good their outputs are predicted to be.
pub(super) struct Judged<'g> {
    pub made: Quantisation<'g>,
    /// By output, over all samples together, of the elements that are finite in both.
    pub outputs: Vec<Quality>,
    /// Whether an element is not finite that is finite in float.
    spoilt: bool,
}

impl<'a> Floor<'a> {
    /// The floor under what `made` makes of `graph`, and how it stands to it.
    ///
    /// # Errors
    /// A sample that does not fit.
    pub fn new<'g>(
        graph: &Graph,
        calibration: &'a [Vec<ArrayD<f32>>],
        made: Quantisation<'g>,
    ) -> Result<(Floor<'a>, Judged<'g>)> {
        let elements = |id: &ValueId| graph.shape(*id).iter().product::<usize>();
        let few = graph.outputs.iter().any(|id| elements(id) < FEW);
        let macs = if few { MACS_OF_FEW } else { MACS };
        let affordable = (macs / graph.macs().max(1)).clamp(1, SAMPLES);
        let samples = &calibration[..calibration.len().min(affordable as usize)];
        let wanted =
            samples.par_iter().map(|sample| float::run(graph, sample)).collect::<Result<Vec<_>>>()?;
        let least = vec![LEAST_OUTPUT_DB; graph.outputs.len()];
        let groups = graph.outputs.iter().map(|&id| proof::groups(graph, id)).collect();
        let mut floor = Floor { samples, groups, wanted, least, rounding_db: Vec::new() };
        let judged = floor.judge(made)?;
        let good = |quality: &Quality| quality.sqnr_db.is_none_or(|db| db >= GOOD_DB + CLOSE_DB);
        if !judged.outputs.iter().all(good) {
            let [all, usual] = baseline::outputs(graph, calibration, samples)?;
            let [all, usual] = [&all, &usual].map(|got| floor.qualities(got));
            let better = |(all, usual): (&Quality, &Quality)| Some(all.sqnr_db?.max(usual.sqnr_db?));
            floor.rounding_db = all.iter().zip(&usual).map(better).collect();
            // Half of what may be lost: other samples lose a little more or less than these.
            for (least, db) in floor.least.iter_mut().zip(&floor.rounding_db) {
                *least = least.max(db.map_or(0.0, |db| (GOOD_DB + CLOSE_DB).min(db - LESS_DB / 2.0)));
            }
        }
        Ok((floor, judged))
    }

    /// Predicts what the outputs of `made` will be.
    ///
    /// # Errors
    /// A sample that does not fit.
    pub fn judge<'g>(&self, made: Quantisation<'g>) -> Result<Judged<'g>> {
        let predict = |sample: &Vec<ArrayD<f32>>| Ok(proof::predict(&made.lowered.network, sample)?.outputs);
        let outputs = self.samples.par_iter().map(predict).collect::<Result<Vec<_>>>()?;
        Ok(Judged { outputs: self.qualities(&outputs), spoilt: self.spoils(&outputs), made })
    }

    fn spoils(&self, got: &[Vec<ArrayD<f32>>]) -> bool {
        let pairs = self.wanted.iter().flatten().zip(got.iter().flatten());
        pairs
            .flat_map(|(want, got)| want.iter().zip(got))
            .any(|(want, got)| want.is_finite() && !got.is_finite())
    }

    /// The quality of each output over all samples together.
    fn qualities(&self, got: &[Vec<ArrayD<f32>>]) -> Vec<Quality> {
        // One after the other along the first axis, which is the batch and no axis of channels.
        let together = |all: &[Vec<ArrayD<f32>>], output: usize| {
            let views: Vec<_> = all.iter().map(|outputs| outputs[output].view()).collect();
            let joined = match views.first().map_or(0, |view| view.ndim()) {
                0 => stack(Axis(0), &views),
                _ => concatenate(Axis(0), &views),
            };
            joined.expect("outputs have one shape each")
        };
        let quality = |output| {
            Quality::of(&together(&self.wanted, output), &together(got, output), &self.groups[output])
        };
        (0..self.least.len()).map(quality).collect()
    }

    /// Decibels that an output, its worst channel and its worst part lack.
    fn shortfall_db(&self, output: usize, quality: &Quality) -> f64 {
        let lacking = |db: Option<f64>, least: f64| db.map_or(0.0, |db| (least - db).max(0.0));
        let channel = quality.worst.as_ref().map(|worst| worst.sqnr_db);
        let part = quality.worst_part().map(|(_, db)| db);
        lacking(quality.sqnr_db, self.least[output])
            + lacking(channel, LEAST_CHANNEL_DB).max(lacking(part, LEAST_CHANNEL_DB))
    }

    /// Decibels that all outputs lack together; infinite where one is not finite that is so in float.
    pub fn lack_db(&self, judged: &Judged) -> f64 {
        if judged.spoilt {
            return f64::INFINITY;
        }
        judged.outputs.iter().enumerate().map(|(output, quality)| self.shortfall_db(output, quality)).sum()
    }

    /// What `make` makes of the first step of `ladder` with which all outputs reach the floor, or else of the one that
    /// comes nearest; none where nothing comes much nearer than `first` does. `before` is what was predicted of the outputs
    /// before anything was tried.
    ///
    /// # Errors
    /// A sample that does not fit. A step that cannot be made is not taken.
    pub fn reach<'g>(
        &self,
        first: &Judged,
        before: &[Quality],
        ladder: &[(Precision, f64)],
        make: impl Fn(Precision, f64) -> Result<Quantisation<'g>>,
    ) -> Result<Option<Judged<'g>>> {
        let mut lack = self.lack_db(first);
        let shortfall = |output: &usize| self.shortfall_db(*output, &before[*output]);
        let worst = (0..before.len()).max_by(|a, b| shortfall(a).total_cmp(&shortfall(b))).unwrap_or(0);
        let mut best = None;
        for &(precision, budget) in ladder {
            if lack == 0.0 {
                break;
            }
            let Ok(made) = make(precision, budget) else { continue };
            let mut judged = self.judge(made)?;
            let left = self.lack_db(&judged);
            if left > LEFT * lack || left.is_infinite() {
                continue;
            }
            let after = judged.outputs[worst].clone();
            let network = &mut judged.made.lowered.network;
            network.raised = Some(Raised {
                output: network.claims.graph.value(network.outputs[worst]).name.clone(),
                precision,
                before: before[worst].clone(),
                after,
            });
            (lack, best) = (left, Some(judged));
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    /// Qualities are of what is finite in both; what is no number any more counts all the same.
    #[test]
    fn what_is_finite_in_float_alone_is_seen() {
        let output = |x: [f32; 2]| vec![vec![arr1(&x).into_dyn()]];
        let floor = |wanted| Floor {
            samples: &[],
            groups: vec![Groups::default()],
            wanted,
            least: vec![LEAST_OUTPUT_DB],
            rounding_db: vec![],
        };
        let (one, none) = (output([1.0, 2.0]), output([1.0, f32::NAN]));
        assert!(floor(one.clone()).spoils(&none));
        assert_eq!(floor(one.clone()).qualities(&none)[0].sqnr_db, Some(f64::INFINITY));
        assert!(!floor(one.clone()).spoils(&one));
        assert!(!floor(none.clone()).spoils(&none));
    }
}
