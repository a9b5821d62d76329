//! Instructions of different units that no semaphore orders may not share a page port or data.

use super::access::{Footprint, WORDS};
use crate::faults::{Fault, Shared};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use tilewright_arch::instr::Unit;
use tilewright_arch::program::Program;
use tilewright_timing::InstrId;
use tilewright_timing::order::Order;

/// What was executed and may still meet something that is not ordered after it.
pub struct Races<'a> {
    program: &'a Program,
    order: &'a Order,
    /// For each unit: accesses of its instructions from `dropped` on.
    kept: [VecDeque<Arc<Footprint>>; 4],
    dropped: [usize; 4],
}

impl<'a> Races<'a> {
    /// Nothing executed.
    pub fn new(program: &'a Program, order: &'a Order) -> Races<'a> {
        Races { program, order, kept: Default::default(), dropped: [0; 4] }
    }

    /// Compares the next instruction of `unit` with all that it may overlap in time.
    ///
    /// # Errors
    /// Two instructions that touch the same bytes or the same port of a page without an order.
    pub fn add(&mut self, unit: Unit, index: usize, access: Arc<Footprint>) -> Result<(), Fault> {
        let clock = self.order.clocks[unit as usize][index];
        for other in Unit::ALL {
            let o = other as usize;
            if other == unit {
                continue;
            }
            let from = (clock[o] as usize).max(self.dropped[o]);
            for (i, theirs) in self.kept[o].iter().enumerate().skip(from - self.dropped[o]) {
                let sites = || {
                    let first = InstrId::new(self.program, other, self.dropped[o] + i);
                    (first, InstrId::new(self.program, unit, index))
                };
                compare(theirs, &access, sites)?;
            }
        }
        self.kept[unit as usize].push_back(access);
        self.drop_ordered(unit, index);
        Ok(())
    }

    /// Forgets what everything still to come is ordered after.
    fn drop_ordered(&mut self, unit: Unit, index: usize) {
        for other in Unit::ALL.into_iter().filter(|&o| o != unit) {
            let o = other as usize;
            let bound = Unit::ALL
                .into_iter()
                .filter(|&u| u != other)
                .filter_map(|u| {
                    let executed = if u == unit {
                        index + 1
                    } else {
                        self.dropped[u as usize] + self.kept[u as usize].len()
                    };
                    self.order.clocks[u as usize].get(executed).map(|clock| clock[o] as usize)
                })
                .min()
                .unwrap_or(usize::MAX);
            while self.dropped[o] < bound && self.kept[o].pop_front().is_some() {
                self.dropped[o] += 1;
            }
        }
    }
}

fn compare(
    first: &Footprint,
    second: &Footprint,
    sites: impl Fn() -> (InstrId, InstrId),
) -> Result<(), Fault> {
    let race = |access: (&'static str, &'static str), memory: Shared, place: Option<usize>| match place {
        None => Ok(()),
        Some(place) => {
            let (first, second) = sites();
            Err(Fault::Race { first, second, access, memory, place })
        }
    };
    const READS: (&str, &str) = ("reads", "writes");
    const OVERWRITES: (&str, &str) = ("writes", "reads");
    const TWICE: (&str, &str) = ("writes", "writes");
    race(READS, Shared::Features, first.writes.meets(&second.reads))?;
    race(OVERWRITES, Shared::Features, first.reads.meets(&second.writes))?;
    race(TWICE, Shared::Features, first.writes.meets(&second.writes))?;
    for (i, memory) in WORDS.into_iter().enumerate() {
        race(READS, memory, first.word_writes[i].meets(&second.word_reads[i]))?;
        race(OVERWRITES, memory, first.word_reads[i].meets(&second.word_writes[i]))?;
    }
    race(READS, Shared::External, common(&first.external_writes, &second.external_reads))?;
    race(OVERWRITES, Shared::External, common(&first.external_reads, &second.external_writes))?;
    let pages =
        [("read", first.read_pages & second.read_pages), ("write", first.write_pages & second.write_pages)];
    for (access, both) in pages {
        if both != 0 {
            let (first, second) = sites();
            let page = both.trailing_zeros() as usize;
            return Err(Fault::PagePort { first, second, access, page });
        }
    }
    Ok(())
}

/// Whether two instructions must not overlap in time.
pub fn overlap(a: &Footprint, b: &Footprint) -> bool {
    let nobody = || {
        let site = InstrId { unit: Unit::Load, index: 0, layer: "".into() };
        (site.clone(), site)
    };
    compare(a, b, nobody).is_err()
}

/// The first byte in both lists of ascending ranges.
pub fn common(a: &[Range<usize>], b: &[Range<usize>]) -> Option<usize> {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let start = a[i].start.max(b[j].start);
        if start < a[i].end.min(b[j].end) {
            return Some(start);
        }
        if a[i].end <= b[j].end { i += 1 } else { j += 1 }
    }
    None
}
