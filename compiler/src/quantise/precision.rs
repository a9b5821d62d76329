//! How many bits activations have: what is wanted of [`super::ranges::width`].

use super::lower::{Lowering, Sketch};
use super::qparams::QParams;
use super::ranges::calibrate::Seen;
use super::ranges::scale_classes::ScaleClasses;
use super::ranges::width::{self, Why};
use super::select::annotations::Annotations;
use super::select::plan::{Division, FusedOp};
use crate::cost::Cost;
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, ValueId};
use crate::memory;
use crate::options::{Precision, Ranges};
use ndarray::{ArrayD, ArrayViewD};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use tilewright_arch::Config;

/// Updates in a row from which on [`Precision::Auto`] gives a value 16 bits. The six sums of vit_mnist gain
/// 1.3 dB in its layers and nothing at its outputs, for 13 % more cycles.
const UPDATES: usize = 8;
/// The share of further cycles that [`Precision::Auto`] may spend.
const CHEAP: f64 = 0.02;
/// Multiply-accumulates that [`Precision::Auto`] may spend on measuring noise.
const CHEAP_MACS: u64 = 1_000_000_000;
/// Noise, as a share of an output's power, that float32 itself has: bytes that leave no more are exact.
const EXACT: f64 = 1e-12;
/// Share of the budget of memory that a sample's values may take while noise is measured: one of these parts.
const KEPT: u64 = 4;
/// Samples on which noise is measured, at most.
const MEASURED: usize = 2;

/// Which tensors are to have 16 bits, by representative (see [`ScaleClasses`]).
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Choice {
    wanted: BTreeSet<usize>,
    /// Why those that cannot have them cannot.
    why: Why,
    /// How many operations on two activations each has come through.
    before: Vec<usize>,
    /// Whether operands of 16 bits are added, in twice as many operations.
    operands: bool,
}

impl Choice {
    #[cfg(test)]
    pub fn wanting(wanted: BTreeSet<usize>) -> Choice {
        let before = vec![0; wanted.last().map_or(0, |last| last + 1)];
        Choice { wanted, before, ..Choice::default() }
    }

    /// Gives 16 bits to as many as can have them, and turns operations of the plan round where that
    /// helps. Returns for each home whether it has 16 bits.
    pub fn widen(&mut self, plan: &mut Division, classes: &ScaleClasses) -> Vec<bool> {
        let Choice { wanted, why, before, operands } = self;
        width::widen(plan, classes, wanted, &|class| Reverse(before[class]), *operands, why)
    }

    /// Leaves some at 8 bits after all.
    pub fn give_up(&mut self, classes: impl IntoIterator<Item = usize>, reason: &'static str) {
        for class in classes {
            self.wanted.remove(&class);
            self.why.entry(class).or_insert(reason);
        }
    }

    /// Why a representative cannot have 16 bits; `None` for those that can, and where none are wanted.
    pub fn why(&self, class: usize) -> Option<&'static str> {
        self.why.get(&class).copied()
    }
}

/// Cycles that a choice of bits takes more than another, at most: nothing of them hides behind other work.
fn further(cost: Cost, base: Cost) -> f64 {
    cost.work() as f64 - base.work() as f64
}

/// Cycles that a network takes, at least: those of the unit that computes most.
fn busiest(cost: Cost) -> f64 {
    cost.compute.max(cost.vector) as f64
}

/// What the choice goes by.
pub(super) struct Chooser<'a> {
    pub graph: &'a Graph,
    pub annotations: &'a Annotations,
    pub classes: &'a ScaleClasses,
    /// Scale and zero point of each representative, of 8 bits.
    pub qparams: &'a [QParams],
    pub seen: &'a Seen,
    pub calibration: &'a [Vec<ArrayD<f32>>],
    pub config: &'a Config,
}

impl Chooser<'_> {
    /// Decides which tensors of a plan are to have 16 bits. `budget` is the share of further cycles for
    /// [`Precision::Mixed`].
    pub fn choose(&self, plan: &Division, precision: Precision, budget: f64) -> Result<Choice> {
        let classes = self.classes;
        if precision == Precision::Int8 {
            return Ok(Choice::default());
        }
        let updates = width::updates(plan);
        let mut before = vec![0; plan.homes.len()];
        let mut often = BTreeSet::new();
        for (h, &(made, used)) in updates.iter().enumerate() {
            let class = classes.representative(h);
            before[class] = made.max(before[class]);
            if made > 0 && made + used >= UPDATES {
                often.insert(class);
            }
        }
        let ranges = width::WideRanges { plan, classes, seen: self.seen };
        let columns = match precision {
            Precision::Int16 | Precision::Int16x16 => width::BLOCK,
            Precision::Auto | Precision::Mixed | Precision::Int8 => usize::MAX,
        };
        let why = width::unable(&ranges, self.annotations, self.qparams, self.config, columns);
        let found = (0..plan.homes.len()).map(|h| classes.representative(h));
        let mut wanted: BTreeSet<usize> = found.filter(|class| !why.contains_key(class)).collect();
        match precision {
            // What a quantised model leaves in float is not rounded to a byte of calibration's range.
            Precision::Auto | Precision::Mixed if !self.annotations.is_empty() => {
                return Ok(Choice { wanted, why, before, operands: true });
            }
            Precision::Int8 | Precision::Int16 | Precision::Int16x16 => {
                return Ok(Choice { wanted, why, before, operands: true });
            }
            Precision::Auto | Precision::Mixed => {}
        }
        let seen = self.seen.ranges(plan);
        let input_of_table = |(g, fused): (usize, &FusedOp)| {
            let seen = &seen.tables[classes.first(g)];
            fused.epilogue.before_table.map(|_| Ranges::MinMax.choose(seen))
        };
        let before_table: Vec<Option<QParams>> = plan.ops.iter().enumerate().map(input_of_table).collect();
        let lowering =
            Lowering::new(self.graph, self.annotations, plan, classes, &seen, &before_table, self.config);
        let mut sketch = Sketch::new(lowering, self.qparams);
        if precision == Precision::Auto {
            wanted = self.cheap(&mut sketch, wanted, &often);
            wanted = self.worth(plan, &mut sketch, &wanted, &often, CHEAP)?;
        } else {
            wanted = self.worth(plan, &mut sketch, &wanted, &often, budget)?;
        }
        Ok(Choice { wanted, why, before, operands: precision != Precision::Auto })
    }

    /// Of the classes that can have 16 bits those of `first`, and, the cheapest first, as many others as
    /// may be worth their cycles and as noise can be measured of in reasonable time.
    fn cheap(&self, sketch: &mut Sketch, able: BTreeSet<usize>, first: &BTreeSet<usize>) -> BTreeSet<usize> {
        let base = sketch.costs(&BTreeSet::new()).unwrap_or_default();
        let (mut chosen, others): (BTreeSet<usize>, BTreeSet<usize>) =
            able.into_iter().partition(|class| first.contains(class));
        let cost = |class: usize| Some((further(sketch.costs(&[class].into())?, base), class));
        let mut others: Vec<(f64, usize)> = others.into_iter().filter_map(cost).collect();
        others.retain(|(cost, _)| *cost <= CHEAP * busiest(base));
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let measurable = CHEAP_MACS / (self.graph.macs() * MEASURED as u64).max(1);
        chosen.extend(others.iter().take(measurable as usize).map(|(_, class)| class));
        chosen
    }

    /// Of the classes that can have 16 bits those of `first`, and as many others as the budget allows.
    fn worth(
        &self,
        plan: &Division,
        sketch: &mut Sketch,
        able: &BTreeSet<usize>,
        first: &BTreeSet<usize>,
        budget: f64,
    ) -> Result<BTreeSet<usize>> {
        let mut chosen: BTreeSet<usize> = able.intersection(first).copied().collect();
        let others: BTreeSet<usize> = able.difference(&chosen).copied().collect();
        let (Some(base), Some(before)) = (sketch.costs(&BTreeSet::new()), sketch.costs(&chosen)) else {
            return Ok(chosen);
        };
        if others.is_empty() {
            return Ok(chosen);
        }
        let noise = self.noise(plan, &others)?;
        let mut gain = |class: usize| {
            let with = chosen.iter().copied().chain([class]).collect();
            Some((noise[&class] / further(sketch.costs(&with)?, before).max(1.0), class))
        };
        let heard = |class: &&usize| noise[class] > EXACT;
        let mut order: Vec<(f64, usize)> =
            others.iter().filter(heard).filter_map(|&class| gain(class)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, class) in order {
            chosen.insert(class);
            let affordable = |cost: Cost| further(cost, base) <= budget * busiest(base);
            if !sketch.costs(&chosen).is_some_and(affordable) {
                chosen.remove(&class);
            }
        }
        Ok(chosen)
    }

    /// What the 8 bits of each class alone add to the outputs: the noise's share of each output's
    /// power, summed over outputs and samples.
    fn noise(&self, plan: &Division, classes: &BTreeSet<usize>) -> Result<BTreeMap<usize, f64>> {
        let mut rounded: BTreeMap<usize, BTreeSet<ValueId>> = BTreeMap::new();
        for (h, home) in plan.homes.iter().enumerate() {
            rounded.entry(self.classes.representative(h)).or_default().insert(home.value);
        }
        let mut noise: BTreeMap<usize, f64> = classes.iter().map(|&class| (class, 0.0)).collect();
        for sample in &self.calibration[..self.calibration.len().min(MEASURED)] {
            // Values that are kept need not be computed again for each class, where there is room for them.
            let bytes: u64 =
                self.graph.values.iter().map(|v| 4 * v.shape.iter().product::<usize>() as u64).sum();
            let values = match bytes <= memory::limit() / KEPT {
                true => Some(float::run_all(self.graph, sample)?),
                false => None,
            };
            let exact = match &values {
                Some(values) => self.graph.outputs.iter().map(|id| values[id.0 as usize].clone()).collect(),
                None => float::run(self.graph, sample)?,
            };
            let one = |&class: &usize| -> Result<f64> {
                let round = |id: ValueId, x: &ArrayViewD<f32>| {
                    rounded[&class].contains(&id).then(|| x.mapv(|x| self.qparams[class].rounded(x)))
                };
                let outputs = match &values {
                    Some(values) => float::rerun(self.graph, values, &round)?,
                    None => float::replaced(self.graph, sample, &round)?,
                };
                let shares = exact.iter().zip(&outputs).map(|(want, got)| {
                    let power = |sum: f64, x: f64| sum + x * x;
                    let signal = want.iter().map(|&x| f64::from(x)).fold(0.0, power);
                    let errors = want.iter().zip(got).map(|(&w, &g)| f64::from(w) - f64::from(g));
                    errors.fold(0.0, power) / signal.max(f64::MIN_POSITIVE)
                });
                Ok(shares.sum())
            };
            let measured: Vec<f64> =
                classes.iter().collect::<Vec<_>>().into_par_iter().map(one).collect::<Result<_>>()?;
            noise.values_mut().zip(measured).for_each(|(all, one)| *all += one);
        }
        Ok(noise)
    }
}
