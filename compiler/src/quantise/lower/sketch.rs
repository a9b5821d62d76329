//! What a plan will cost with 8 and with 16 bits, before it is decided which tensors have them.

use super::Lowering;
use crate::cost::Cost;
use crate::fixed::{FixedGraph, Tensor, TensorId};
use crate::quantise::qparams::QParams;
use crate::quantise::ranges::width::WideRanges;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::FusedOp;
use crate::quantise::select::strided::{HomeId, HomeView};
use crate::schedule::Estimate;
use std::collections::{BTreeMap, BTreeSet};

/// Operations that are made one at a time, with the widths that are asked about.
pub struct Sketch<'a> {
    lowering: Lowering<'a>,
    /// Scale and zero point of each representative, of 8 bits.
    qparams: &'a [QParams],
    /// By the first of the fused operations that are one, and which of the tensors that it touches have 16 bits.
    known: BTreeMap<(usize, Vec<bool>), Option<Cost>>,
}

impl<'a> Sketch<'a> {
    pub fn new(lowering: Lowering<'a>, qparams: &'a [QParams]) -> Sketch<'a> {
        Sketch { lowering, qparams, known: BTreeMap::new() }
    }

    /// Of all fused operations when some classes have 16 bits; `None` where an operation cannot have them.
    pub fn costs(&mut self, wide: &BTreeSet<usize>) -> Option<Cost> {
        let plan = self.lowering.plan;
        let costs = plan.ops.iter().enumerate().map(|(g, fused)| self.cost(g, fused, wide));
        costs.sum()
    }

    fn cost(&mut self, g: usize, fused: &FusedOp, wide: &BTreeSet<usize>) -> Option<Cost> {
        let classes = self.lowering.classes;
        let touched: Vec<usize> =
            touched(fused).map(|view| view.tensor.index()).chain([fused.output]).collect();
        let widths: Vec<bool> = touched.iter().map(|&h| wide.contains(&classes.representative(h))).collect();
        let key = (classes.first(g), widths);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let cost = self.made(g, fused, &touched, &key.1).map(|estimate| estimate.operations());
        // What the machine cannot do with bytes either is refused later, by its name.
        let cost = cost.or((!key.1.contains(&true)).then(Cost::default));
        self.known.insert(key, cost);
        cost
    }

    /// The nodes of a fused operation, over the tensors that it touches.
    fn made(&mut self, g: usize, fused: &FusedOp, touched: &[usize], wide: &[bool]) -> Option<Estimate> {
        let Lowering { plan, classes, seen, .. } = self.lowering;
        self.lowering.fixed = FixedGraph::default();
        self.lowering.provenance.clear();
        let mut tensors: BTreeMap<usize, TensorId> = BTreeMap::new();
        for (&h, &wide) in touched.iter().zip(wide) {
            let whole = classes.resolve(HomeView::whole(HomeId::At(h), plan.homes[h].shape)).tensor.index();
            let fixed = &mut self.lowering.fixed;
            let id = *tensors.entry(whole).or_insert_with(|| {
                let class = classes.representative(h);
                let QParams { scale, zero } = match wide {
                    true => WideRanges { plan, classes, seen }.choose(class),
                    false => self.qparams[class],
                };
                let tensor = Tensor::bytes("", plan.homes[whole].shape, scale, zero);
                fixed.tensors.push(if wide { tensor.widened() } else { tensor });
                TensorId::nth(fixed.tensors.len() - 1)
            });
            (self.lowering.tensor[h], self.lowering.tensor[whole]) = (id, id);
        }
        self.lowering.group(g, fused).ok()?;
        Estimate::new(&self.lowering.fixed, self.lowering.config).ok()
    }
}

/// What a fused operation reads.
fn touched(fused: &FusedOp) -> impl Iterator<Item = &HomeView> {
    let weights = match &fused.kernel {
        Kernel::Product { batches, .. } => &batches[..],
        _ => &[],
    };
    fused.inputs.iter().chain(&fused.operand).chain(weights.iter().map(|(_, weights, _)| weights))
}
