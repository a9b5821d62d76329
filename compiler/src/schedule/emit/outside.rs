//! Where tensors lie in external memory.

use super::Emitter;
use crate::fixed::{Band, TensorId};
use crate::schedule::plan::{Plan, PlanStep};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tilewright_arch::instr::Unit;

/// Where a tensor lies in external memory.
pub(super) struct Outside {
    /// The tensor that is there.
    pub tensor: TensorId,
    /// Its first element of the columns that are moved.
    pub address: usize,
    /// The channel of it that is channel 0 of the tensor on chip.
    pub first: usize,
    /// Its rows and columns.
    pub height: usize,
    pub width: usize,
    /// The columns of it that are moved.
    pub columns: Range<usize>,
}

/// The tensors that steps move, or those whose columns they are, each with the first and the last of all steps of the
/// plan that touch it.
pub(super) fn lives(plan: &Plan, bands: &BTreeMap<TensorId, &Band>) -> BTreeMap<TensorId, [usize; 2]> {
    let steps = || plan.groups.iter().flat_map(|group| &group.steps);
    let load = |step: &PlanStep| if let PlanStep::Load(t, ..) = step { Some(*t) } else { None };
    let loaded: BTreeSet<TensorId> = steps().filter_map(load).collect();
    let mut lives: BTreeMap<TensorId, [usize; 2]> = BTreeMap::new();
    for (at, step) in steps().enumerate() {
        let (PlanStep::Load(t, ..) | PlanStep::Store(t, ..)) = step else { continue };
        let touched = match bands.get(t) {
            None => [Some(*t), None],
            // What is made here and comes back lies there with the columns that are not its own, too.
            Some(band) => [Some(band.whole), (!band.is_read() && loaded.contains(t)).then_some(*t)],
        };
        for tensor in touched.into_iter().flatten() {
            lives.entry(tensor).or_insert([at; 2])[1] = at;
        }
    }
    lives
}

impl Emitter<'_> {
    /// Bytes of a tensor's own, with those of its pieces, unless it has a place.
    pub(super) fn allot_tensor(&mut self, tensor: TensorId) {
        if !self.external.contains_key(&tensor) {
            let address = self.allot(self.graph.output_elements(tensor));
            self.enter(tensor, address);
        }
    }

    fn enter(&mut self, tensor: TensorId, mut address: usize) {
        let graph = self.graph;
        self.external.insert(tensor, address);
        let mut last = tensor;
        for (_, piece) in graph.pieces.iter().filter(|(of, _)| *of == tensor) {
            address += graph.tensor(last).elements();
            self.external.insert(*piece, address);
            last = *piece;
        }
    }

    /// Places behind what has been given out for tensors that have none: where `lives` of two do not meet they may share
    /// bytes. The first in time is placed first, at the lowest address that is free.
    pub(super) fn allot_in_turn(&mut self, lives: &BTreeMap<TensorId, [usize; 2]>) {
        let base = self.used.next_multiple_of(self.boundary());
        let mut waiting: Vec<(TensorId, [usize; 2])> = lives
            .iter()
            .filter(|(t, _)| !self.external.contains_key(t))
            .map(|(t, life)| (*t, *life))
            .collect();
        waiting.sort_by_key(|(t, life)| (life[0], *t));
        // Bytes in use with the last step that needs them, by address.
        let mut taken: Vec<(Range<usize>, usize)> = vec![];
        for (tensor, [first, last]) in waiting {
            taken.retain(|(_, end)| *end >= first);
            let bytes = self.graph.output_elements(tensor);
            let mut address = base;
            for (other, _) in &taken {
                if address + bytes <= other.start {
                    break;
                }
                address = other.end.next_multiple_of(self.boundary()).max(address);
            }
            let at = taken.partition_point(|(other, _)| other.start < address);
            taken.insert(at, (address..address + bytes, last));
            self.used = self.used.max(address + bytes);
            self.enter(tensor, address);
        }
    }

    /// The bytes of a tensor that was given a place.
    pub(super) fn placed(&self, tensor: TensorId) -> Range<usize> {
        let address = self.external[&tensor];
        address..address + self.graph.tensor(tensor).elements()
    }

    /// Where the rows of a tensor come from or go to: one place in external memory, or two.
    pub(super) fn outside(&self, unit: Unit, tensor: TensorId) -> Vec<Outside> {
        let [_, height, width] = self.graph.tensor(tensor).shape;
        let own = || Outside {
            tensor,
            address: self.external[&tensor],
            first: 0,
            height,
            width,
            columns: 0..width,
        };
        let Some(band) = self.bands.get(&tensor) else { return vec![own()] };
        let in_whole = |columns: &Range<usize>| {
            let [_, height, width] = self.graph.tensor(band.whole).shape;
            Outside {
                tensor: band.whole,
                address: self.external[&band.whole] + columns.start,
                first: band.channels.start,
                height,
                width,
                columns: columns.clone(),
            }
        };
        if band.is_read() {
            return vec![in_whole(&band.held)];
        }
        // What is made here and comes back has columns that are not its own.
        let back = self.external.contains_key(&tensor).then(own);
        match unit {
            Unit::Load => back.into_iter().collect(),
            _ => back.into_iter().chain([in_whole(&band.own)]).collect(),
        }
    }
}
