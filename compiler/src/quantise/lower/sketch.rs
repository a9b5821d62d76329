//! What a plan will cost with 8 and with 16 bits, before it is decided which tensors have them.

use super::Lowering;
use crate::cost::Cost;
use crate::fixed::{FixedGraph, Tensor, TensorId};
use crate::quantise::held::{HomeId, View};
use crate::quantise::kind::Kind;
use crate::quantise::plan::Group;
use crate::quantise::range::Affine;
use crate::quantise::width::Ranges;
use crate::schedule::Estimate;
use std::collections::{BTreeMap, BTreeSet};
use tilewright_arch::Config;

/// Operations that are made one at a time, with the widths that are asked about.
pub(in crate::quantise) struct Sketch<'a> {
    lowering: Lowering<'a>,
    /// Scale and zero point of each representative, of 8 bits.
    affine: &'a [Affine],
    config: &'a Config,
    /// By the first of the groups that are one operation, and which of the tensors that it touches have 16 bits.
    known: BTreeMap<(usize, Vec<bool>), Option<Cost>>,
}

impl<'a> Sketch<'a> {
    pub fn new(lowering: Lowering<'a>, affine: &'a [Affine], config: &'a Config) -> Sketch<'a> {
        Sketch { lowering, affine, config, known: BTreeMap::new() }
    }

    /// Of all groups when some classes have 16 bits; `None` where an operation cannot have them.
    pub fn costs(&mut self, wide: &BTreeSet<usize>) -> Option<Cost> {
        let plan = self.lowering.plan;
        let costs = plan.groups.iter().enumerate().map(|(g, group)| self.cost(g, group, wide));
        costs.sum()
    }

    fn cost(&mut self, g: usize, group: &Group, wide: &BTreeSet<usize>) -> Option<Cost> {
        let sharing = self.lowering.sharing;
        let touched: Vec<usize> =
            touched(group).map(|view| view.tensor.index()).chain([group.output]).collect();
        let widths: Vec<bool> = touched.iter().map(|&h| wide.contains(&sharing.representative(h))).collect();
        let key = (sharing.first(g), widths);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let cost = self.made(g, group, &touched, &key.1).map(|estimate| estimate.operations());
        // What the machine cannot do with bytes either is refused later, by its name.
        let cost = cost.or((!key.1.contains(&true)).then(Cost::default));
        self.known.insert(key, cost);
        cost
    }

    /// The nodes of a group, over the tensors that it touches.
    fn made(&mut self, g: usize, group: &Group, touched: &[usize], wide: &[bool]) -> Option<Estimate> {
        let Lowering { plan, sharing, seen, .. } = self.lowering;
        self.lowering.fixed = FixedGraph::default();
        self.lowering.provenance.clear();
        let mut tensors: BTreeMap<usize, TensorId> = BTreeMap::new();
        for (&h, &wide) in touched.iter().zip(wide) {
            let whole = sharing.resolve(View::whole(HomeId::At(h), plan.homes[h].shape)).tensor.index();
            let fixed = &mut self.lowering.fixed;
            let id = *tensors.entry(whole).or_insert_with(|| {
                let class = sharing.representative(h);
                let Affine { scale, zero } = match wide {
                    true => Ranges { plan, sharing, seen }.choose(class),
                    false => self.affine[class],
                };
                let tensor = Tensor::bytes("", plan.homes[whole].shape, scale, zero);
                fixed.tensors.push(if wide { tensor.widened() } else { tensor });
                TensorId::nth(fixed.tensors.len() - 1)
            });
            (self.lowering.tensor[h], self.lowering.tensor[whole]) = (id, id);
        }
        self.lowering.group(g, group).ok()?;
        Estimate::new(&self.lowering.fixed, self.config).ok()
    }
}

/// What a group reads.
fn touched(group: &Group) -> impl Iterator<Item = &View> {
    let weights = match &group.kind {
        Kind::Product { batches, .. } => &batches[..],
        _ => &[],
    };
    group.inputs.iter().chain(&group.operand).chain(weights.iter().map(|(_, weights, _)| weights))
}
