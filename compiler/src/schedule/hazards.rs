//! From one sequential order of instructions to four parallel lists: which must wait for which.
//!
//! Instructions are given in an order in which they could run one at a time. Two instructions of
//! different units keep that order when they touch the same data and one writes it, or when they
//! would use the same port of a feature page; all others may overlap. The order is enforced by
//! one semaphore for each ordered pair of units.

use crate::fixed::TensorId;
use std::ops::Range;
use tilewright_arch::instr::{SEMAPHORE_MAX, Sync, Unit};

/// What lies in external memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum External {
    /// A tensor.
    Tensor(TensorId),
    /// A block of constants, or of weights that are made: the program's blob of this number.
    Blob(usize),
}

/// What an instruction touches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// Rows of a tensor in feature memory.
    Rows {
        /// Which buffer; buffers of one number never move.
        buffer: usize,
        /// Rows as held, in ring order.
        rows: Vec<Range<usize>>,
        /// Bytes of the whole buffer.
        bytes: Range<usize>,
        /// Pages of the whole buffer.
        pages: Range<usize>,
        /// Written, not read.
        write: bool,
    },
    /// Words of a constant memory: 0 weights, 1 compute parameters, 2 vector parameters, 3 tables.
    Words {
        /// Which memory.
        memory: usize,
        /// Which words.
        words: Vec<Range<usize>>,
        /// Written, not read.
        write: bool,
    },
    /// A block of external memory.
    External {
        /// Of what.
        of: External,
        /// Where all of that lies, in bytes: what is not needed at the same time may share them.
        place: Range<usize>,
        /// Channels of it.
        channels: Range<usize>,
        /// Rows of it.
        rows: Range<usize>,
        /// Columns of it.
        columns: Range<usize>,
        /// Written, not read.
        write: bool,
    },
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn any_overlap(a: &[Range<usize>], b: &[Range<usize>]) -> bool {
    a.iter().any(|a| b.iter().any(|b| overlap(a, b)))
}

impl Access {
    /// All of something in external memory that is read and written as a whole.
    pub fn whole(of: External, place: Range<usize>, write: bool) -> Access {
        Access::External { of, place, channels: 0..1, rows: 0..1, columns: 0..1, write }
    }

    /// Whether two instructions with these accesses must keep their order.
    fn conflicts(&self, other: &Access) -> bool {
        match (self, other) {
            (
                Access::Rows { buffer, rows, bytes, pages, write },
                Access::Rows { buffer: buffer2, rows: rows2, bytes: bytes2, pages: pages2, write: write2 },
            ) => {
                if !overlap(pages, pages2) {
                    return false;
                }
                // Same direction: the page port. Otherwise what lies, or lay, at the same place.
                let met =
                    || if buffer == buffer2 { any_overlap(rows, rows2) } else { overlap(bytes, bytes2) };
                write == write2 || met()
            }
            (
                Access::External { of, place, channels, rows, columns, write },
                Access::External {
                    of: of2,
                    place: place2,
                    channels: channels2,
                    rows: rows2,
                    columns: columns2,
                    write: write2,
                },
            ) => {
                let met = || match of == of2 {
                    true => {
                        overlap(channels, channels2) && overlap(rows, rows2) && overlap(columns, columns2)
                    }
                    false => overlap(place, place2),
                };
                (*write || *write2) && met()
            }
            (
                Access::Words { memory, words, write },
                Access::Words { memory: memory2, words: words2, write: write2 },
            ) => memory == memory2 && (*write || *write2) && any_overlap(words, words2),
            _ => false,
        }
    }
}

/// The semaphore by which `from` tells `to`.
fn semaphore(from: Unit, to: Unit) -> u16 {
    let (from, to) = (from as u16, to as u16);
    from * 3 + if to > from { to - 1 } else { to }
}

/// Most instructions by which a unit may be ahead of one that waits for it. Less than
/// [`SEMAPHORE_MAX`], so that no count overflows.
const AHEAD: usize = SEMAPHORE_MAX as usize - 55;

/// The instructions of one unit so far.
#[derive(Default)]
struct List {
    /// Their places in the sequential order.
    places: Vec<usize>,
    /// What is done before each starts.
    clocks: Vec<[usize; 4]>,
    /// By unit that waited: (instruction of this unit waited for, waiting instruction).
    waited: [Vec<(usize, usize)>; 4],
}

/// Semaphores for instructions given in sequential order.
pub fn synchronise(instructions: &[(Unit, Vec<Access>)]) -> Vec<Sync> {
    let mut syncs = vec![Sync::default(); instructions.len()];
    let mut lists: [List; 4] = Default::default();
    for (index, (unit, accesses)) in instructions.iter().enumerate() {
        let to = *unit as usize;
        let number = lists[to].places.len();
        let mut clock = lists[to].clocks.last().copied().unwrap_or_default();
        clock[to] = number;
        // The latest first: waiting for it often covers the needs towards the others, too.
        let mut needs: Vec<(usize, usize, usize)> = vec![];
        for from in (0..4).filter(|&f| f != to) {
            let list = &lists[from];
            let conflict = |place: &usize| {
                instructions[*place].1.iter().any(|a| accesses.iter().any(|b| a.conflicts(b)))
            };
            let met = list.places[clock[from]..].iter().rposition(conflict).map(|i| clock[from] + i);
            // Signals long ago must have been taken.
            let waited = &lists[to].waited[from];
            let old = waited.partition_point(|(signal, _)| signal + AHEAD <= number);
            let taken = old.checked_sub(1).map(|i| waited[i].1).filter(|&i| i >= clock[from]);
            needs.extend(met.max(taken).map(|i| (list.places[i], from, i)));
        }
        needs.sort_unstable_by(|a, b| b.cmp(a));
        for (place, from, i) in needs {
            if clock[from] > i {
                continue;
            }
            let bit = 1 << semaphore(Unit::ALL[from], *unit);
            syncs[place].signal |= bit;
            syncs[index].wait |= bit;
            lists[from].waited[to].push((i, number));
            let theirs = lists[from].clocks[i];
            for (mine, theirs) in clock.iter_mut().zip(theirs) {
                *mine = (*mine).max(theirs);
            }
            clock[from] = clock[from].max(i + 1);
        }
        lists[to].places.push(index);
        lists[to].clocks.push(clock);
    }
    syncs
}

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_random::Random;

    fn words(words: Range<usize>, write: bool) -> Vec<Access> {
        vec![Access::Words { memory: 0, words: vec![words], write }]
    }

    /// Every pair of conflicting instructions is ordered by the semaphores alone.
    #[test]
    fn conflicts_are_ordered() {
        let mut random = Random::new(7);
        let mut next = |n| random.below(n);
        for _ in 0..200 {
            let list: Vec<(Unit, Vec<Access>)> = (0..30)
                .map(|_| {
                    let (start, count, write) = (next(12), 1 + next(4), next(2) == 0);
                    let (rows, other) = (start..start + count, next(3));
                    let access = match next(3) {
                        0 => Access::Words { memory: 0, words: vec![rows], write },
                        1 => {
                            let of = External::Tensor(TensorId::nth(other));
                            let (channel, column) = (next(2), next(3));
                            let (channels, columns) = (channel..channel + 2, column..column + 1 + next(2));
                            // Neighbours share a byte.
                            let place = 2 * other..2 * other + 3;
                            Access::External { of, place, channels, rows, columns, write }
                        }
                        // Three buffers, the first two on one page.
                        _ => {
                            let (bytes, page) = (other * 20..other * 20 + 20, other / 2);
                            Access::Rows {
                                buffer: other,
                                rows: vec![rows],
                                bytes,
                                pages: page..page + 1,
                                write,
                            }
                        }
                    };
                    (Unit::ALL[next(4)], vec![access])
                })
                .collect();
            let syncs = synchronise(&list);
            let before = happens_before(&list, &syncs);
            for i in 0..list.len() {
                for j in 0..i {
                    if list[i].0 != list[j].0 && meet(&list[i].1[0], &list[j].1[0]) {
                        assert!(before[i][j], "{j} and {i} are not ordered");
                    }
                }
            }
        }
    }

    /// What must be ordered, said once more: places of which one writes, and ports of pages.
    fn meet(a: &Access, b: &Access) -> bool {
        let places = |access: &Access| -> (Vec<String>, bool) {
            match access {
                Access::Words { words, write, .. } => {
                    (words[0].clone().map(|w| format!("word {w}")).collect(), *write)
                }
                Access::External { of, channels, rows, columns, write, .. } => {
                    let all = channels.clone().flat_map(|c| rows.clone().map(move |r| (c, r)));
                    let row = |(c, r)| columns.clone().map(move |x| format!("{of:?} {c} {r} {x}"));
                    (all.flat_map(row).collect(), *write)
                }
                Access::Rows { buffer, rows, write, .. } => {
                    (rows[0].clone().map(|r| format!("buffer {buffer} {r}")).collect(), *write)
                }
            }
        };
        let ((mine, write), (theirs, write2)) = (places(a), places(b));
        let port = match (a, b) {
            (Access::Rows { pages, .. }, Access::Rows { pages: pages2, .. }) => {
                write == write2 && pages == pages2
            }
            _ => false,
        };
        let shared = match (a, b) {
            (Access::External { of, place, .. }, Access::External { of: of2, place: place2, .. }) => {
                of != of2 && place.clone().any(|byte| place2.contains(&byte))
            }
            _ => false,
        };
        port || ((write || write2) && (shared || mine.iter().any(|p| theirs.contains(p))))
    }

    /// A unit that signals far ahead of one that waits is held back.
    #[test]
    fn counts_stay_small() {
        // Pairs: a load of a word of its own and a compute instruction that reads it.
        let pair = |n: usize| [(Unit::Load, words(n..n + 1, true)), (Unit::Compute, words(n..n + 1, false))];
        let list: Vec<(Unit, Vec<Access>)> = (0..1000).flat_map(pair).collect();
        let syncs = synchronise(&list);
        let back = 1 << semaphore(Unit::Compute, Unit::Load);
        let forth = 1 << semaphore(Unit::Load, Unit::Compute);
        let (mut signals, mut taken) = (0, 0);
        let mut computed: Vec<usize> = vec![];
        // Loads run as early as they may, compute as late.
        for (sync, (unit, _)) in syncs.iter().zip(&list) {
            if *unit == Unit::Compute {
                computed.push(usize::from(sync.signal & back != 0));
                continue;
            }
            if sync.wait & back != 0 {
                while taken < computed.len() {
                    taken += 1;
                    if computed[taken - 1] == 1 {
                        break;
                    }
                }
            }
            signals += usize::from(sync.signal & forth != 0);
            assert!(signals - taken <= SEMAPHORE_MAX as usize, "{signals} signals, {taken} taken");
        }
        assert_eq!(signals, 1000);
    }

    /// Reachability over program order and matched semaphores.
    fn happens_before(list: &[(Unit, Vec<Access>)], syncs: &[Sync]) -> Vec<Vec<bool>> {
        let n = list.len();
        let mut before = vec![vec![false; n]; n];
        let pick = |s: usize, f: fn(&Sync) -> u16| -> Vec<usize> {
            (0..n).filter(|&i| f(&syncs[i]) >> s & 1 == 1).collect()
        };
        for s in 0..16 {
            let (signals, waits) = (pick(s, |x| x.signal), pick(s, |x| x.wait));
            assert_eq!(signals.len(), waits.len());
            for (a, b) in signals.into_iter().zip(waits) {
                before[b][a] = true;
            }
        }
        for i in 0..n {
            for j in 0..i {
                before[i][j] |= list[i].0 == list[j].0;
            }
        }
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    before[i][j] |= before[i][k] && before[k][j];
                }
            }
        }
        before
    }
}
