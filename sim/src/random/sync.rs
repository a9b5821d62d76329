//! Semaphores for a list of instructions in a total order.

use super::Any;
use crate::check::access::Footprint;
use crate::check::races;
use std::sync::Arc;
use tilewright_arch::instr::{SEMAPHORES, Sync, Unit};
use tilewright_random::Random;
use tilewright_timing::order::VectorClock;

/// Semaphores that order every two instructions which must not overlap.
pub fn orders(list: &[(Unit, Any, Arc<Footprint>)], rng: &mut Random) -> Vec<Sync> {
    let mut syncs = vec![Sync::default(); list.len()];
    // Places in `list` of each unit's instructions, and what is done before each starts.
    let mut places: [Vec<usize>; 4] = Default::default();
    let mut clocks: [Vec<VectorClock>; 4] = Default::default();
    // A semaphore for each (signaller, waiter), in random order.
    let mut numbers: Vec<usize> = (0..SEMAPHORES).collect();
    for i in (1..SEMAPHORES).rev() {
        numbers.swap(i, rng.below(i + 1));
    }
    for (at, (unit, _, access)) in list.iter().enumerate() {
        let u = *unit as usize;
        let mut clock = clocks[u].last().copied().unwrap_or_default();
        clock[u] = places[u].len() as u32;
        // The latest first: it often covers the needs towards the other units, too.
        let mut needs: Vec<(usize, usize)> = vec![];
        for other in (0..4).filter(|&o| o != u) {
            let meets = |&i: &usize| races::overlap(&list[places[other][i]].2, access);
            let need = (clock[other] as usize..places[other].len()).rev().find(meets);
            let extra = if rng.percent(10) { places[other].len().checked_sub(1) } else { None };
            needs.extend(need.max(extra).map(|i| (places[other][i], other)));
        }
        needs.sort_unstable_by(|a, b| b.cmp(a));
        for (place, other) in needs {
            let index = places[other].partition_point(|&p| p < place);
            if clock[other] as usize > index {
                continue;
            }
            let semaphore = numbers[other * 3 + if u > other { u - 1 } else { u }];
            syncs[place].signal |= 1 << semaphore;
            syncs[at].wait |= 1 << semaphore;
            let mut theirs = clocks[other][index];
            theirs[other] = index as u32 + 1;
            for (mine, theirs) in clock.iter_mut().zip(theirs) {
                *mine = (*mine).max(theirs);
            }
        }
        places[u].push(at);
        clocks[u].push(clock);
    }
    syncs
}
