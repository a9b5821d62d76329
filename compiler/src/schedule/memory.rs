//! Places in the on-chip memories.

use crate::tile::buffer::wrapped;
use std::ops::Range;

/// Feature memory by whole pages.
#[derive(Clone, Debug)]
pub struct Pages {
    used: Vec<bool>,
    /// Most pages in use at a time.
    pub most: usize,
}

impl Pages {
    /// All free.
    pub fn new(pages: usize) -> Pages {
        Pages { used: vec![false; pages], most: 0 }
    }

    /// The shortest run of free pages that holds `count`, or `None`.
    pub fn take(&mut self, count: usize) -> Option<Range<usize>> {
        let mut best: Option<Range<usize>> = None;
        let mut start = 0;
        for end in 0..=self.used.len() {
            if end == self.used.len() || self.used[end] {
                let run = end - start;
                if run >= count && best.as_ref().is_none_or(|b| run < b.len()) {
                    best = Some(start..end);
                }
                start = end + 1;
            }
        }
        let range = best.map(|b| b.start..b.start + count)?;
        self.used[range.clone()].fill(true);
        self.most = self.most.max(self.used.iter().filter(|u| **u).count());
        Some(range)
    }

    /// Gives pages back.
    pub fn give(&mut self, range: Range<usize>) {
        self.used[range].fill(false);
    }
}

/// A memory of constant words used as a ring: new blocks overwrite the oldest, and a block that is
/// still there need not be loaded again.
#[derive(Clone, Debug)]
pub struct Ring {
    words: usize,
    next: usize,
    /// Whether a block may run over the end of the memory to its beginning.
    wraps: bool,
    resident: Vec<(Vec<Range<usize>>, usize)>,
}

/// Where a block of words is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Its first word.
    pub first: usize,
    /// All its words, as one or two ranges.
    pub words: Vec<Range<usize>>,
    /// Whether it has to be loaded.
    pub fresh: bool,
}

impl Ring {
    /// An empty ring.
    pub fn new(words: usize, wraps: bool) -> Ring {
        Ring { words, next: 0, wraps, resident: vec![] }
    }

    /// A place for `count` words that hold `content` (equal numbers mean equal words); `None` when
    /// the memory is smaller than that.
    pub fn place(&mut self, content: usize, count: usize) -> Option<Slot> {
        if let Some((words, _)) = self.resident.iter().find(|(_, c)| *c == content) {
            return Some(Slot { first: words[0].start, words: words.clone(), fresh: false });
        }
        if count > self.words {
            return None;
        }
        if !self.wraps && self.next + count > self.words {
            self.next = 0;
        }
        let first = self.next % self.words;
        let words = wrapped(first, count, self.words);
        self.next = (first + count) % self.words;
        let clear = |r: &Range<usize>| words.iter().all(|w| r.end <= w.start || w.end <= r.start);
        self.resident.retain(|(old, _)| old.iter().all(clear));
        self.resident.push((words.clone(), content));
        Some(Slot { first, words, fresh: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_best_fit() {
        let mut pages = Pages::new(8);
        let a = pages.take(2).unwrap();
        let b = pages.take(3).unwrap();
        pages.give(a);
        assert_eq!(pages.take(2), Some(0..2));
        assert_eq!(pages.take(4), None);
        pages.give(b);
        assert_eq!(pages.take(6), Some(2..8));
        assert_eq!(pages.most, 8);
    }

    #[test]
    fn ring_evicts_what_it_overwrites() {
        let mut ring = Ring::new(10, true);
        assert!(ring.place(1, 4).unwrap().fresh);
        assert!(ring.place(2, 4).unwrap().fresh);
        assert!(!ring.place(1, 4).unwrap().fresh);
        assert_eq!(ring.place(3, 4), Some(Slot { first: 8, words: vec![8..10, 0..2], fresh: true }));
        assert!(!ring.place(2, 4).unwrap().fresh);
        assert_eq!(ring.place(1, 4).unwrap().first, 2);
        assert_eq!(ring.place(4, 11), None);
        let mut straight = Ring::new(10, false);
        straight.place(1, 6);
        assert_eq!(straight.place(2, 6).unwrap().words, vec![0..6]);
    }
}
