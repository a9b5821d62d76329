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
use ndarray::ArrayD;

/// What is tried in turn: precision and budget.
const LADDER: [(Precision, f64); 2] = [(Precision::Mixed, 0.25), (Precision::Int16, 0.0)];
/// The share of what lacks to the floor that a step of the ladder may leave; otherwise it is not worth its
/// cycles. The recogniser of PP-OCRv4 would gain 2.3 dB for 44 % more cycles, and read the same text.
const LEFT: f64 = 0.5;

/// `first`, or what `make` makes of the first step of the ladder with which all outputs of the first
/// calibration sample reach the floor; or else the one that comes nearest, if it comes much nearer.
///
/// # Errors
/// A sample that does not fit. A step that cannot be made is not taken.
pub(super) fn reach(
    first: Made,
    calibration: &[Vec<ArrayD<f32>>],
    make: impl Fn(Precision, f64) -> Result<Made>,
) -> Result<Made> {
    let Some(sample) = calibration.first() else { return Ok(first) };
    // All steps stand for one graph.
    let float = float::run(&first.lowered.network.claims.graph, sample)?;
    let qualities = |made: &Made| -> Result<Vec<Quality>> {
        let predicted = proof::predict(&made.lowered.network, sample)?;
        Ok(float.iter().zip(&predicted.outputs).map(|(want, got)| Quality::of(want, got)).collect())
    };
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
