//! How many bits activations have: what is wanted of [`super::width`].

use super::calibrate::Seen;
use super::given::Given;
use super::kind::Kind;
use super::plan::{Group, Plan};
use super::range::Affine;
use super::sharing::Sharing;
use super::width::{self, Why};
use crate::error::Result;
use crate::fixed::View;
use crate::float;
use crate::graph::{Graph, ValueId};
use crate::memory;
use crate::options::Precision;
use ndarray::{ArrayD, ArrayViewD};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Updates in a row from which on [`Precision::Auto`] gives a value 16 bits. The six sums of vit_mnist gain
/// 1.3 dB in its layers and nothing at its outputs, for 13 % more cycles.
const UPDATES: usize = 8;
/// The share of further cycles that [`Precision::Auto`] may spend.
const CHEAP: f64 = 0.02;
/// Multiply-accumulates that [`Precision::Auto`] may spend on measuring noise.
const CHEAP_MACS: u64 = 1_000_000_000;
/// Cycles of an instruction besides its steps, about.
const INSTRUCTION: f64 = 80.0;
/// Share of the budget of memory that a sample's values may take while noise is measured: one of these parts.
const KEPT: u64 = 4;
/// Samples on which noise is measured, at most.
const MEASURED: usize = 2;
/// Lanes and columns of the machine that cycles are estimated for; only their ratio matters.
const MACHINE: (f64, f64) = (9.0, 16.0);

/// Which tensors are to have 16 bits, by representative (see [`Sharing`]).
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
    pub fn widen(&mut self, plan: &mut Plan, sharing: &Sharing) -> Vec<bool> {
        let Choice { wanted, why, before, operands } = self;
        width::widen(plan, sharing, wanted, &|class| Reverse(before[class]), *operands, why)
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

/// What the choice goes by.
pub(super) struct Chooser<'a> {
    pub graph: &'a Graph,
    pub given: &'a Given,
    pub sharing: &'a Sharing,
    /// Scale and zero point of each representative, of 8 bits.
    pub affine: &'a [Affine],
    pub seen: &'a Seen,
    pub calibration: &'a [Vec<ArrayD<f32>>],
}

impl Chooser<'_> {
    /// Decides which tensors of a plan are to have 16 bits. `budget` is the share of further cycles for
    /// [`Precision::Mixed`].
    pub fn choose(&self, plan: &Plan, precision: Precision, budget: f64) -> Result<Choice> {
        let sharing = self.sharing;
        if precision == Precision::Int8 {
            return Ok(Choice::default());
        }
        let updates = width::updates(plan);
        let mut before = vec![0; plan.homes.len()];
        let mut often = BTreeSet::new();
        for (h, &(made, used)) in updates.iter().enumerate() {
            let class = sharing.representative(h);
            before[class] = made.max(before[class]);
            if made > 0 && made + used >= UPDATES {
                often.insert(class);
            }
        }
        let ranges = width::Ranges { plan, sharing, seen: self.seen };
        let why = width::unable(&ranges, self.given, self.affine);
        let classes = (0..plan.homes.len()).map(|h| sharing.representative(h));
        let mut wanted: BTreeSet<usize> = classes.filter(|class| !why.contains_key(class)).collect();
        match precision {
            // What a quantised model leaves in float is not rounded to a byte of calibration's range.
            Precision::Auto | Precision::Mixed if !self.given.is_empty() => {
                return Ok(Choice { wanted, why, before, operands: true });
            }
            Precision::Auto => {
                wanted = self.cheap(plan, wanted, &often);
                wanted = self.worth(plan, &wanted, &often, CHEAP)?;
            }
            Precision::Mixed => wanted = self.worth(plan, &wanted, &often, budget)?,
            Precision::Int8 | Precision::Int16 => {}
        }
        Ok(Choice { wanted, why, before, operands: precision != Precision::Auto })
    }

    /// Of the classes that can have 16 bits those of `first`, and, the cheapest first, as many others as
    /// may be worth their cycles and as noise can be measured of in reasonable time.
    fn cheap(&self, plan: &Plan, able: BTreeSet<usize>, first: &BTreeSet<usize>) -> BTreeSet<usize> {
        let base = self.cycles(plan, &BTreeSet::new());
        let cost = |&class: &usize| self.cycles(plan, &[class].into()) - base;
        let (mut chosen, others): (BTreeSet<usize>, BTreeSet<usize>) =
            able.into_iter().partition(|class| first.contains(class));
        let mut others: Vec<(f64, usize)> = others.iter().map(|class| (cost(class), *class)).collect();
        others.retain(|(cost, _)| *cost <= CHEAP * base);
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let measurable = CHEAP_MACS / (self.graph.macs() * MEASURED as u64).max(1);
        chosen.extend(others.iter().take(measurable as usize).map(|(_, class)| class));
        chosen
    }

    /// Of the classes that can have 16 bits those of `first`, and as many others as the budget allows.
    fn worth(
        &self,
        plan: &Plan,
        able: &BTreeSet<usize>,
        first: &BTreeSet<usize>,
        budget: f64,
    ) -> Result<BTreeSet<usize>> {
        let mut chosen: BTreeSet<usize> = able.intersection(first).copied().collect();
        let others: BTreeSet<usize> = able.difference(&chosen).copied().collect();
        if others.is_empty() {
            return Ok(chosen);
        }
        let noise = self.noise(plan, &others)?;
        let limit = (1.0 + budget) * self.cycles(plan, &BTreeSet::new());
        let before = self.cycles(plan, &chosen);
        let gain = |class: usize| {
            let with = chosen.iter().copied().chain([class]).collect();
            noise[&class] / (self.cycles(plan, &with) - before).max(1.0)
        };
        let mut order: Vec<(f64, usize)> =
            others.iter().map(|&class| (gain(class), class)).filter(|(gain, _)| *gain > 0.0).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, class) in order {
            chosen.insert(class);
            if self.cycles(plan, &chosen) > limit {
                chosen.remove(&class);
            }
        }
        Ok(chosen)
    }

    /// What the 8 bits of each class alone add to the outputs: the noise's share of each output's
    /// power, summed over outputs and samples.
    fn noise(&self, plan: &Plan, classes: &BTreeSet<usize>) -> Result<BTreeMap<usize, f64>> {
        let mut rounded: BTreeMap<usize, BTreeSet<ValueId>> = BTreeMap::new();
        for (h, home) in plan.homes.iter().enumerate() {
            rounded.entry(self.sharing.representative(h)).or_default().insert(home.value);
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
                    rounded[&class].contains(&id).then(|| x.mapv(|x| self.affine[class].rounded(x)))
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

    /// Estimated cycles of all groups when some classes have 16 bits.
    fn cycles(&self, plan: &Plan, wide: &BTreeSet<usize>) -> f64 {
        let is_wide = |view: &View| wide.contains(&self.sharing.representative(view.tensor.0 as usize));
        let times = |wide: bool| if wide { 2.0 } else { 1.0 };
        let one = |group: &Group| {
            let outputs = group.grid.iter().product::<usize>() as f64;
            let (lanes, columns) = MACHINE;
            let steps = match &group.kind {
                Kind::Linear { weights, bias, .. } => (weights.len() / bias.len()) as f64 / columns,
                Kind::Phases { phases, bias, .. } => {
                    let terms = phases.iter().map(|p| p.weights.len() as f64 / bias.len() as f64);
                    terms.sum::<f64>() / phases.len() as f64 / columns
                }
                Kind::Product { batches, .. } => batches[0].1.shape[0] as f64 / columns,
                Kind::Mean { window, .. } | Kind::Max { window } => {
                    (window.kernel[0] * window.kernel[1]) as f64
                }
                Kind::Copies { to } => {
                    let parts = group.inputs.iter().filter(|v| self.sharing.is_tensor(v.tensor.0 as usize));
                    parts.count() as f64 / to.len() as f64
                }
            };
            let made = times(wide.contains(&self.sharing.representative(group.output)));
            let gathered = times(group.inputs.iter().any(is_wide));
            // A second sum gathers 16 bits; the first one makes them.
            let summed = group.operand.as_ref().is_some_and(is_wide);
            let (first, second) = if summed { (2.0, 2.0 * made) } else { (made, 0.0) };
            outputs / lanes * (steps * gathered * first + second) + INSTRUCTION * (first + second)
        };
        plan.groups.iter().map(one).sum()
    }
}
