//! The order of instructions that follows from the lists and the semaphores alone, never from time.
//!
//! Each semaphore has one signalling and one waiting unit, so its n-th wait meets its n-th signal.
//! Together with the order inside each list this is a partial order, kept as vector clocks.

use crate::fault::{InstrId, TimingFault, Waiting};
use tilewright_arch::instr::{SEMAPHORES, Sync, Unit};
use tilewright_arch::program::Program;

/// For each unit, in the order of [`Unit::ALL`], how many of its instructions are certainly done.
pub type VectorClock = [u32; 4];

/// The partial order and one total order that agrees with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Every instruction after all it depends on.
    pub list: Vec<(Unit, usize)>,
    /// For each unit and instruction: what is done before it starts.
    pub clocks: [Vec<VectorClock>; 4],
}

impl Order {
    /// Derives the order, or says who waits for ever.
    ///
    /// # Errors
    /// A unit that waits for a semaphore that nobody will signal.
    pub fn new(program: &Program) -> Result<Order, TimingFault> {
        let syncs = Unit::ALL.map(|unit| program.syncs(unit));
        let mut list = Vec::new();
        let mut clocks: [Vec<VectorClock>; 4] = Default::default();
        // For each semaphore: the clock that each signal hands on, and the signals taken.
        let mut signals: [Vec<VectorClock>; SEMAPHORES] = Default::default();
        let mut taken = [0usize; SEMAPHORES];
        loop {
            let mut moved = false;
            for unit in Unit::ALL {
                let u = unit as usize;
                while let Some(sync) = syncs[u].get(clocks[u].len()) {
                    if missing(sync, &signals, &taken).is_some() {
                        break;
                    }
                    let mut clock = clocks[u].last().copied().unwrap_or_default();
                    clock[u] = clocks[u].len() as u32;
                    for s in bits(sync.wait) {
                        for (mine, theirs) in clock.iter_mut().zip(signals[s][taken[s]]) {
                            *mine = (*mine).max(theirs);
                        }
                        taken[s] += 1;
                    }
                    list.push((unit, clocks[u].len()));
                    clocks[u].push(clock);
                    clock[u] += 1;
                    bits(sync.signal).for_each(|s| signals[s].push(clock));
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let stuck = |unit: Unit| {
            let index = clocks[unit as usize].len();
            let sync = syncs[unit as usize].get(index)?;
            let semaphore = missing(sync, &signals, &taken)?;
            Some(Waiting { site: InstrId::new(program, unit, index), semaphore })
        };
        let waiting: Vec<Waiting> = Unit::ALL.into_iter().filter_map(stuck).collect();
        if waiting.is_empty() { Ok(Order { list, clocks }) } else { Err(TimingFault::Deadlock(waiting)) }
    }

    /// Whether instruction `first` is done before instruction `second` starts.
    pub fn before(&self, first: (Unit, usize), second: (Unit, usize)) -> bool {
        self.clocks[second.0 as usize][second.1][first.0 as usize] > first.1 as u32
    }
}

/// The first semaphore that `sync` waits for and that has no signal left.
fn missing(
    sync: &Sync,
    signals: &[Vec<VectorClock>; SEMAPHORES],
    taken: &[usize; SEMAPHORES],
) -> Option<usize> {
    bits(sync.wait).find(|&s| signals[s].len() <= taken[s])
}

/// Numbers of the bits that are set.
pub fn bits(mask: u16) -> impl Iterator<Item = usize> {
    (0..SEMAPHORES).filter(move |s| mask >> s & 1 == 1)
}
