//! The finest steps of results that the post unit can make of what it is given.
//!
//! A step finer than these says nothing: it would be a small part of the step of what is read. Where
//! calibration saw next to nothing of a result's range, behind a clamp say, its step is raised to them.

use super::calibrate::Seen;
use super::chain::Combine;
use super::given::Given;
use super::kind::Kind;
use super::plan::{Group, Plan};
use super::range::Affine;
use super::sharing::Sharing;
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
pub(super) struct Least<'a> {
    pub plan: &'a Plan,
    pub sharing: &'a Sharing,
    pub seen: &'a Seen,
    /// Scale and zero point of each representative, of 8 bits.
    pub affine: &'a [Affine],
}

impl Least<'_> {
    /// The largest real value of one unit of what a group scales to its result.
    pub fn unit(&self, group: &Group) -> f64 {
        self.unit_of(group, |rows| rows.fold(0.0, f64::max))
    }

    /// [`Least::unit`] of what `choose` takes of the largest weights of the rows.
    fn unit_of(&self, group: &Group, choose: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) -> f64 {
        let step = |home: usize| f64::from(self.affine[self.sharing.representative(home)].scale);
        let read = |i: usize| step(group.inputs[i].tensor.index());
        let largest = |row: &[f32]| row.iter().fold(0.0, |most: f64, w| most.max(f64::from(w.abs())));
        let chosen = |weights: &[f32], rows: usize| {
            let rows = weights.chunks(weights.len().div_ceil(rows).max(1)).map(largest);
            choose(&mut rows.filter(|largest| *largest > 0.0)) / WEIGHT_STEPS
        };
        let sum = match &group.kind {
            Kind::Linear { weights, bias, .. } => read(0) * chosen(weights, bias.len()),
            Kind::Phases { phases, bias, .. } => {
                let phase = |weights: &[f32]| match weights {
                    [] => 1.0,
                    _ => chosen(weights, bias.len()),
                };
                read(0) * phases.iter().map(|p| phase(&p.weights)).fold(0.0, f64::max)
            }
            Kind::Product { batches, factor } => {
                let steps = batches.iter().map(|(a, b, _)| step(a.tensor.index()) * step(b.tensor.index()));
                steps.fold(0.0, f64::max) * factor.abs()
            }
            Kind::Mean { factor, .. } => read(0) * factor.abs(),
            // They have their inputs' scales, or that of what their inputs are parts of.
            Kind::Max { .. } | Kind::Copies { .. } => 0.0,
        };
        let slope = group.chain.slope.iter().flatten().fold(1.0, |most: f64, s| most.max(s.abs()));
        let operand = group.operand.as_ref().map_or(0.0, |view| step(view.tensor.index()));
        match &group.chain.operand {
            None => sum * slope,
            Some((_, Combine::Add(factor))) => (sum * slope).max(operand * factor.abs()),
            Some((_, Combine::Multiply)) => sum * slope * operand,
        }
    }

    /// The least step of 8 bits, or of what goes into a group's table. Where it would not express a clamp
    /// any more, lowering refuses the finer one.
    pub fn step(&self, g: usize) -> f64 {
        let group = &self.plan.groups[g];
        // Channels whose sums are coarser than all of the range say where it ends, which needs no step.
        let smallest = |rows: &mut dyn Iterator<Item = f64>| rows.reduce(f64::min).unwrap_or(0.0);
        let unit = match group.operand {
            None => self.unit_of(group, smallest),
            Some(_) => self.unit(group),
        };
        let finest = unit / LARGEST_FACTOR;
        let clamps = [group.chain.low.abs(), group.chain.high.abs()];
        let nearest = clamps.into_iter().filter(|c| *c > 0.0).fold(f64::INFINITY, f64::min);
        let finest = if CLAMP_STEPS * finest <= nearest { finest } else { 0.0 };
        let largest = self.terms(g).into_iter().fold(0.0, f64::max);
        finest.max(largest / LARGEST_TERM)
    }

    /// The magnitudes seen of the two terms of a group that adds an operand: the post unit holds each of
    /// them in the result's steps. Zeros for other groups.
    pub fn terms(&self, g: usize) -> [f64; 2] {
        terms(self.plan, self.seen, g)
    }
}

/// See [`Least::terms`].
pub(super) fn terms(plan: &Plan, seen: &Seen, g: usize) -> [f64; 2] {
    let magnitude = |home: usize| seen.homes[home].magnitude();
    let group = &plan.groups[g];
    let (Some(operand), Some((_, Combine::Add(factor)))) = (&group.operand, &group.chain.operand) else {
        return [0.0; 2];
    };
    let own = match group.kind {
        Kind::Mean { factor, .. } => magnitude(group.inputs[0].tensor.index()) * factor.abs(),
        _ => f64::from(seen.sums[g]),
    };
    let slope = group.chain.slope.iter().flatten().fold(1.0, |most: f64, s| most.max(s.abs()));
    [own * slope, magnitude(operand.tensor.index()) * factor.abs()]
}

/// Raises the steps of results, which nothing prescribes, to what can be made of what is read.
pub(super) fn raise(plan: &Plan, sharing: &Sharing, seen: &Seen, given: &Given, affine: &mut [Affine]) {
    // What reads a raised result is raised after it; only what feeds itself takes more than one turn.
    for _ in 0..plan.groups.len() {
        let mut raised = false;
        for (g, group) in plan.groups.iter().enumerate() {
            let class = sharing.representative(group.output);
            if !group.chain.table.is_empty() || given.affine(plan.homes[class].value).is_some() {
                continue;
            }
            let least = Least { plan, sharing, seen, affine }.step(g);
            let higher = affine[class].at_least(least);
            raised |= higher != affine[class];
            affine[class] = higher;
        }
        if !raised {
            break;
        }
    }
}
