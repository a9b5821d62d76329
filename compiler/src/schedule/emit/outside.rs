//! Where tensors lie in external memory.

use super::Emitter;
use crate::fixed::{Band, TensorId};
use crate::schedule::plan::{Plan, PlanStep};
use std::cmp::Reverse;
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

/// A tensor that has no place yet.
struct Unplaced {
    tensor: TensorId,
    bytes: usize,
    /// The first and the last step that need it.
    life: [usize; 2],
}

/// A place for each tensor, in this order the lowest one that is free while it lives, from `base` on, on multiples of
/// `boundary`.
fn packed(waiting: &[Unplaced], base: usize, boundary: usize) -> Vec<(TensorId, Range<usize>)> {
    // By address, with lives.
    let mut taken: Vec<(Range<usize>, [usize; 2])> = vec![];
    let mut places = Vec::with_capacity(waiting.len());
    for &Unplaced { tensor, bytes, life: [first, last] } in waiting {
        let mut address = base;
        for (other, life) in &taken {
            if life[0] > last || life[1] < first {
                continue;
            }
            if address + bytes <= other.start {
                break;
            }
            address = other.end.next_multiple_of(boundary).max(address);
        }
        let at = taken.partition_point(|(other, _)| other.start < address);
        taken.insert(at, (address..address + bytes, [first, last]));
        places.push((tensor, address..address + bytes));
    }
    places
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
    /// bytes. The first in time is placed first, or the one of most bytes where `largest_first`.
    pub(super) fn allot_together(&mut self, lives: &BTreeMap<TensorId, [usize; 2]>, largest_first: bool) {
        let base = self.used.next_multiple_of(self.boundary());
        let mut waiting: Vec<Unplaced> = lives
            .iter()
            .filter(|(t, _)| !self.external.contains_key(t))
            .map(|(&tensor, &life)| Unplaced { tensor, bytes: self.graph.output_elements(tensor), life })
            .collect();
        waiting.sort_by_key(|w| (largest_first.then_some(Reverse(w.bytes)), w.life[0], w.tensor));
        for (tensor, bytes) in packed(&waiting, base, self.boundary()) {
            self.used = self.used.max(bytes.end);
            self.enter(tensor, bytes.start);
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

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_random::Random;

    /// What lives at the same time lies apart, in whatever order it is placed; the largest first need no more bytes than
    /// live at once where the others leave gaps.
    #[test]
    fn what_lives_together_lies_apart() {
        let one = |id: u32, bytes, life| Unplaced { tensor: TensorId(id), bytes, life };
        let end = |waiting: &[Unplaced]| packed(waiting, 64, 1).iter().map(|(_, r)| r.end).max().unwrap();
        // 40 lies above 10 and 20, of which nothing is left when 50 comes: it finds 30 free bytes, not 50.
        let mut waiting =
            vec![one(0, 10, [0, 2]), one(1, 20, [0, 2]), one(2, 40, [1, 4]), one(3, 50, [3, 4])];
        assert_eq!(end(&waiting), 64 + 120);
        waiting.sort_by_key(|w| Reverse(w.bytes));
        assert_eq!(end(&waiting), 64 + 90);

        let mut random = Random::new(5);
        for _ in 0..200 {
            let waiting: Vec<Unplaced> = (0..20)
                .map(|id| {
                    let first = random.below(30);
                    one(id, 1 + random.below(100), [first, first + random.below(8)])
                })
                .collect();
            let places = packed(&waiting, 64, 16);
            for (i, (a, (_, x))) in waiting.iter().zip(&places).enumerate() {
                assert!(x.start >= 64 && x.start % 16 == 0 && x.len() == a.bytes);
                for (b, (_, y)) in waiting.iter().zip(&places).skip(i + 1) {
                    let apart = x.end <= y.start || y.end <= x.start;
                    assert!(apart || a.life[1] < b.life[0] || b.life[1] < a.life[0]);
                }
            }
        }
    }
}
