//! The finest steps of results that the post unit can make of what it is given.
//!
//! A step finer than these says nothing: it would be a small part of the step of what is read. Where
//! calibration saw next to nothing of a result's range, behind a clamp say, its step is raised to them.

use super::calibrate::Seen;
use super::scale_classes::ScaleClasses;
use crate::quantise::qparams::QParams;
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::epilogue::Combine;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::{Division, FusedOp};
use tilewright_arch::fixed::{FRACTION, MANTISSA_BITS, SCALED_BITS};

/// The largest factor, in steps of the result, of a unit of a sum or of an operand: a mantissa has
/// [`MANTISSA_BITS`], and [`FRACTION`] of them are fractions.
const LARGEST_FACTOR: f64 = ((1u32 << (MANTISSA_BITS - FRACTION)) - 1) as f64;
/// The largest magnitude of a sum or of an operand that is added to it, in steps of a result of 8 bits:
/// half of where the post unit saturates.
const LARGEST_TERM: f64 = (1u32 << (SCALED_BITS - 2 - FRACTION)) as f64;
/// Steps of a largest weight that a row has at least: half of 127.
const WEIGHT_STEPS: f64 = 64.0;

/// Steps to a clamp, at least.
const CLAMP_STEPS: f64 = 16.0;

/// What the finest steps follow from.
pub struct Least<'a> {
    pub plan: &'a Division,
    pub classes: &'a ScaleClasses,
    pub seen: &'a Seen,
    /// Scale and zero point of each representative, of 8 bits.
    pub qparams: &'a [QParams],
}

impl Least<'_> {
    /// The largest real value of one unit of what a fused operation scales to its result.
    pub fn unit(&self, fused: &FusedOp) -> f64 {
        self.unit_of(fused, |rows| rows.fold(0.0, f64::max))
    }

    /// [`Least::unit`] of what `choose` takes of the largest weights of the rows.
    fn unit_of(&self, fused: &FusedOp, choose: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) -> f64 {
        let step = |home: usize| f64::from(self.qparams[self.classes.representative(home)].scale);
        let read = |i: usize| step(fused.inputs[i].tensor.index());
        let largest = |row: &[f32]| row.iter().fold(0.0, |most: f64, w| most.max(f64::from(w.abs())));
        let chosen = |weights: &[f32], rows: usize| {
            let rows = weights.chunks(weights.len().div_ceil(rows).max(1)).map(largest);
            choose(&mut rows.filter(|largest| *largest > 0.0)) / WEIGHT_STEPS
        };
        let sum = match &fused.kernel {
            Kernel::Linear { weights, bias, .. } => read(0) * chosen(weights, bias.len()),
            Kernel::Phases { phases, bias, .. } => {
                let phase = |weights: &[f32]| match weights {
                    [] => 1.0,
                    _ => chosen(weights, bias.len()),
                };
                read(0) * phases.iter().map(|p| phase(&p.weights)).fold(0.0, f64::max)
            }
            Kernel::Product { batches, factor } => {
                let steps = batches.iter().map(|(a, b, _)| step(a.tensor.index()) * step(b.tensor.index()));
                steps.fold(0.0, f64::max) * factor.abs()
            }
            Kernel::Mean { factor, .. } => read(0) * factor.abs(),
            // They have their inputs' scales, or that of what their inputs are parts of.
            Kernel::Max { .. } | Kernel::Copies { .. } => 0.0,
        };
        let slope = fused.epilogue.slope.iter().flatten().fold(1.0, |most: f64, s| most.max(s.abs()));
        let operand = fused.operand.as_ref().map_or(0.0, |view| step(view.tensor.index()));
        match &fused.epilogue.operand {
            None => sum * slope,
            Some((_, Combine::Add(factor))) => (sum * slope).max(operand * factor.abs()),
            Some((_, Combine::Multiply)) => sum * slope * operand,
        }
    }

    /// The least step of 8 bits, or of what goes into a fused operation's table. Where it would not express a clamp
    /// any more, lowering refuses the finer one.
    pub fn step(&self, g: usize) -> f64 {
        let fused = &self.plan.ops[g];
        // Channels whose sums are coarser than all of the range say where it ends, which needs no step.
        let smallest = |rows: &mut dyn Iterator<Item = f64>| rows.reduce(f64::min).unwrap_or(0.0);
        let unit = match fused.operand {
            None => self.unit_of(fused, smallest),
            Some(_) => self.unit(fused),
        };
        let finest = unit / LARGEST_FACTOR;
        let clamps = [fused.epilogue.low.abs(), fused.epilogue.high.abs()];
        let nearest = clamps.into_iter().filter(|c| *c > 0.0).fold(f64::INFINITY, f64::min);
        let finest = if CLAMP_STEPS * finest <= nearest { finest } else { 0.0 };
        let largest = self.terms(g).into_iter().fold(0.0, f64::max);
        finest.max(largest / LARGEST_TERM)
    }

    /// The magnitudes seen of the two terms of a fused operation that adds an operand: the post unit holds each of
    /// them in the result's steps. Zeros for other fused operations.
    pub fn terms(&self, g: usize) -> [f64; 2] {
        terms(self.plan, self.seen, g)
    }
}

/// See [`Least::terms`].
pub fn terms(plan: &Division, seen: &Seen, g: usize) -> [f64; 2] {
    let magnitude = |home: usize| seen.homes[home].magnitude();
    let fused = &plan.ops[g];
    let (Some(operand), Some((_, Combine::Add(factor)))) = (&fused.operand, &fused.epilogue.operand) else {
        return [0.0; 2];
    };
    let own = match fused.kernel {
        Kernel::Mean { factor, .. } => magnitude(fused.inputs[0].tensor.index()) * factor.abs(),
        _ => f64::from(seen.sums[g]),
    };
    let slope = fused.epilogue.slope.iter().flatten().fold(1.0, |most: f64, s| most.max(s.abs()));
    [own * slope, magnitude(operand.tensor.index()) * factor.abs()]
}

/// Raises the steps of results, which nothing prescribes, to what can be made of what is read.
pub fn raise(
    plan: &Division,
    classes: &ScaleClasses,
    seen: &Seen,
    annotations: &Annotations,
    qparams: &mut [QParams],
) {
    // What reads a raised result is raised after it; only what feeds itself takes more than one turn.
    for _ in 0..plan.ops.len() {
        let mut raised = false;
        for (g, fused) in plan.ops.iter().enumerate() {
            let class = classes.representative(fused.output);
            if !fused.epilogue.table.is_empty() || annotations.qparams(plan.homes[class].value).is_some() {
                continue;
            }
            let least = Least { plan, classes, seen, qparams }.step(g);
            let higher = qparams[class].at_least(least);
            raised |= higher != qparams[class];
            qparams[class] = higher;
        }
        if !raised {
            break;
        }
    }
}
