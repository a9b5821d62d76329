//! Places in the on-chip memories.

use crate::tile::buffer::wrapped;
use std::ops::Range;

/// Feature memory: which bytes are taken.
#[derive(Clone, Debug)]
pub struct Space {
    page: usize,
    bytes: usize,
    /// Taken ranges, ascending.
    taken: Vec<Range<usize>>,
    /// Most pages in use at a time.
    pub most: usize,
    /// By page: how much had been given back before it was, or 0; empty where pages are not taken in turn.
    freed: Vec<usize>,
    /// How much was given back so far.
    gifts: usize,
}

impl Space {
    /// `pages` free pages of `page` bytes. Where they are to be taken `in_turn`, what fits one page gets
    /// the one that is free for the longest time: then it waits least for those who last used it.
    pub fn new(pages: usize, page: usize, in_turn: bool) -> Space {
        let freed = vec![0; if in_turn { pages } else { 0 }];
        Space { page, bytes: pages * page, taken: vec![], most: 0, freed, gifts: 0 }
    }

    /// A place for `bytes` bytes from a multiple of `grain` on, in the smallest gap that has one:
    /// whole multiples of `grain`, on no page of `avoid`. `None` when there is none.
    pub fn take(&mut self, bytes: usize, grain: usize, avoid: &[Range<usize>]) -> Option<Range<usize>> {
        let bytes = bytes.next_multiple_of(grain);
        let page = if bytes == self.page { self.longest_free(avoid) } else { None };
        let place = page.or_else(|| self.best_fit(bytes, grain, avoid))?;
        let at = self.taken.partition_point(|t| t.start < place.start);
        self.taken.insert(at, place.clone());
        self.most = self.most.max(self.pages_in_use());
        Some(place)
    }

    /// The page that is free for the longest time; none where pages are not taken in turn.
    fn longest_free(&self, avoid: &[Range<usize>]) -> Option<Range<usize>> {
        let meets = |list: &[Range<usize>], own: &Range<usize>| {
            list.iter().any(|t| t.start < own.end && own.start < t.end)
        };
        let place = |page: usize| page * self.page..(page + 1) * self.page;
        let free = |p: &usize| !meets(&self.taken, &place(*p)) && !meets(avoid, &(*p..p + 1));
        (0..self.freed.len()).filter(free).min_by_key(|&p| self.freed[p]).map(place)
    }

    /// The smallest gap's first place.
    fn best_fit(&self, bytes: usize, grain: usize, avoid: &[Range<usize>]) -> Option<Range<usize>> {
        let mut best: Option<(usize, Range<usize>)> = None;
        let mut start = 0;
        for (i, end) in self.taken.iter().map(|t| t.start).chain([self.bytes]).enumerate() {
            if end.saturating_sub(start) >= bytes
                && let Some(place) = self.fit(start..end, bytes, grain, avoid)
                && best.as_ref().is_none_or(|(gap, _)| end - start < *gap)
            {
                best = Some((end - start, place));
            }
            start = self.taken.get(i).map_or(end, |t| t.end);
        }
        best.map(|(_, place)| place)
    }

    /// The first place in a gap.
    fn fit(
        &self,
        gap: Range<usize>,
        bytes: usize,
        grain: usize,
        avoid: &[Range<usize>],
    ) -> Option<Range<usize>> {
        let mut start = gap.start.next_multiple_of(grain);
        while start + bytes <= gap.end {
            let pages = self.pages(&(start..start + bytes));
            let Some(other) = avoid.iter().find(|a| a.start < pages.end && pages.start < a.end) else {
                return Some(start..start + bytes);
            };
            start = (other.end * self.page).next_multiple_of(grain);
        }
        None
    }

    /// Pages that a range of bytes touches.
    pub fn pages(&self, bytes: &Range<usize>) -> Range<usize> {
        bytes.start / self.page..bytes.end.div_ceil(self.page)
    }

    fn pages_in_use(&self) -> usize {
        let mut end = 0;
        let fresh = |t: &Range<usize>| {
            let pages = self.pages(t);
            let first = pages.start.max(end);
            end = end.max(pages.end);
            pages.end.saturating_sub(first)
        };
        self.taken.iter().map(fresh).sum()
    }

    /// Gives back what [`Space::take`] gave.
    pub fn give(&mut self, range: &Range<usize>) {
        self.taken.retain(|t| t != range);
        self.gifts += 1;
        let (pages, gifts) = (self.pages(range), self.gifts);
        self.freed.iter_mut().take(pages.end).skip(pages.start).for_each(|f| *f = gifts);
    }
}

/// A memory of constant words used as a ring: new blocks overwrite the oldest, and a block that is
/// still there need not be loaded again.
#[derive(Clone, Debug)]
pub struct ConstantRing {
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

impl ConstantRing {
    /// An empty ring.
    pub fn new(words: usize, wraps: bool) -> ConstantRing {
        ConstantRing { words, next: 0, wraps, resident: vec![] }
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
        let mut space = Space::new(8, 10, false);
        let a = space.take(15, 10, &[]).unwrap();
        let b = space.take(30, 10, &[]).unwrap();
        space.give(&a);
        assert_eq!(space.take(11, 10, &[]), Some(0..20));
        assert_eq!(space.take(31, 10, &[]), None);
        space.give(&b);
        assert_eq!(space.take(60, 10, &[]), Some(20..80));
        assert_eq!(space.most, 8);
    }

    #[test]
    fn pages_are_shared_and_avoided() {
        let mut space = Space::new(4, 10, false);
        assert_eq!(space.take(3, 2, &[]), Some(0..4));
        assert_eq!(space.take(4, 2, &[]), Some(4..8));
        assert_eq!(space.most, 1);
        // The page of the first two, and the last.
        assert_eq!(space.take(2, 2, &[0..1, 3..4]), Some(10..12));
        assert_eq!(space.take(20, 2, std::slice::from_ref(&(1..2))), Some(20..40));
        assert_eq!(space.take(4, 2, &[]), Some(12..16));
        assert_eq!(space.take(6, 2, &[]), None);
        assert_eq!(space.most, 4);
    }

    #[test]
    fn pages_in_turn() {
        let mut space = Space::new(4, 10, true);
        let taken: Vec<_> = (0..3).map(|_| space.take(4, 10, &[]).unwrap()).collect();
        assert_eq!(taken, [0..10, 10..20, 20..30]);
        space.give(&taken[1]);
        space.give(&taken[0]);
        // Never used, not to be used, then in the order of being given back.
        assert_eq!(space.take(4, 10, &[]), Some(30..40));
        let avoid = std::slice::from_ref(&(1..2));
        assert_eq!(space.take(4, 10, avoid), Some(0..10));
        assert_eq!(space.take(4, 10, avoid), None);
        assert_eq!(space.take(4, 10, &[]), Some(10..20));
        // Several pages, or parts of one, go where they fit best.
        space.give(&taken[0]);
        assert_eq!(space.take(3, 2, &[]), Some(0..4));
    }

    #[test]
    fn ring_evicts_what_it_overwrites() {
        let mut ring = ConstantRing::new(10, true);
        assert!(ring.place(1, 4).unwrap().fresh);
        assert!(ring.place(2, 4).unwrap().fresh);
        assert!(!ring.place(1, 4).unwrap().fresh);
        assert_eq!(ring.place(3, 4), Some(Slot { first: 8, words: vec![8..10, 0..2], fresh: true }));
        assert!(!ring.place(2, 4).unwrap().fresh);
        assert_eq!(ring.place(1, 4).unwrap().first, 2);
        assert_eq!(ring.place(4, 11), None);
        let mut straight = ConstantRing::new(10, false);
        straight.place(1, 6);
        assert_eq!(straight.place(2, 6).unwrap().words, vec![0..6]);
    }
}
