//! Sets of small numbers: bytes of feature memory, words of the other memories.

use std::ops::Range;

/// A set of numbers below a bound, one bit each. [`Bits::trim`] drops the empty ends, so that the
/// sets of many instructions can be kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bits {
    /// Number of the first word kept; everything below is absent.
    first: usize,
    words: Vec<u64>,
}

impl Bits {
    /// The empty set, ready for numbers below `bound`.
    pub fn new(bound: usize) -> Bits {
        Bits { first: 0, words: vec![0; bound.div_ceil(64)] }
    }

    /// Adds one number, which must be below the bound.
    #[inline]
    pub fn insert(&mut self, n: usize) {
        self.words[n / 64 - self.first] |= 1 << (n % 64);
    }

    /// Adds the numbers of a range below the bound.
    #[inline]
    pub fn insert_range(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (a, b) = (range.start / 64 - self.first, (range.end - 1) / 64 - self.first);
        let low = !0u64 << (range.start % 64);
        let high = !0u64 >> (63 - (range.end - 1) % 64);
        if a == b {
            self.words[a] |= low & high;
            return;
        }
        self.words[a] |= low;
        self.words[b] |= high;
        for word in &mut self.words[a + 1..b] {
            *word = !0;
        }
    }

    /// Drops empty words at both ends; nothing may be inserted afterwards.
    pub fn trim(mut self) -> Bits {
        let Some(low) = self.words.iter().position(|&w| w != 0) else {
            return Bits::default();
        };
        let high = self.words.iter().rposition(|&w| w != 0).unwrap_or(low);
        Bits { first: self.first + low, words: self.words.drain(low..=high).collect() }
    }

    /// The words of `self` and `other` where both have one: (number of the word, self's, other's).
    fn common<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = (usize, u64, u64)> + 'a {
        let low = self.first.max(other.first);
        let high = (self.first + self.words.len()).min(other.first + other.words.len()).max(low);
        let part = |bits: &'a Bits| {
            if high == low { &[][..] } else { &bits.words[low - bits.first..high - bits.first] }
        };
        part(self).iter().zip(part(other)).enumerate().map(move |(i, (&a, &b))| (low + i, a, b))
    }

    /// The smallest number in both sets.
    pub fn meets(&self, other: &Bits) -> Option<usize> {
        self.common(other)
            .find_map(|(i, a, b)| (a & b != 0).then(|| i * 64 + (a & b).trailing_zeros() as usize))
    }

    /// The smallest number in `self` and not in `other`.
    pub fn beyond(&self, other: &Bits) -> Option<usize> {
        self.words.iter().enumerate().find_map(|(i, &word)| {
            let at = self.first + i;
            let theirs = at.checked_sub(other.first).and_then(|j| other.words.get(j)).copied().unwrap_or(0);
            let rest = word & !theirs;
            (rest != 0).then(|| at * 64 + rest.trailing_zeros() as usize)
        })
    }

    /// Adds the numbers of `other`, which must lie below the bound.
    pub fn extend(&mut self, other: &Bits) {
        for (i, &word) in other.words.iter().enumerate().filter(|(_, w)| **w != 0) {
            self.words[other.first + i - self.first] |= word;
        }
    }

    /// How many numbers the set has.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// Whether the set has a number in `range`.
    pub fn touches(&self, range: Range<usize>) -> bool {
        let end = ((self.first + self.words.len()) * 64).min(range.end);
        let start = range.start.max(self.first * 64);
        if start >= end {
            return false;
        }
        let (a, b) = (start / 64, (end - 1) / 64);
        (a..=b).any(|w| {
            let mut mask = !0u64;
            if w == a {
                mask &= !0 << (start % 64);
            }
            if w == b {
                mask &= !0 >> (63 - (end - 1) % 64);
            }
            self.words[w - self.first] & mask != 0
        })
    }

    /// The smallest number of `range` that is not in the set.
    pub fn first_missing(&self, range: Range<usize>) -> Option<usize> {
        let mut at = range.start;
        while at < range.end {
            let word =
                (at / 64).checked_sub(self.first).and_then(|w| self.words.get(w)).copied().unwrap_or(0);
            let ones = (word >> (at % 64)).trailing_ones() as usize;
            at += ones;
            if ones == 0 || !at.is_multiple_of(64) {
                break;
            }
        }
        (at < range.end).then_some(at)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(move |(i, &word)| {
            (0..64).filter(move |b| word >> b & 1 == 1).map(move |b| (self.first + i) * 64 + b)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use tilewright_random::Random;

    #[test]
    fn agrees_with_a_set() {
        let mut random = Random::new(9);
        let mut next = |n| random.below(n);
        for _ in 0..300 {
            let bound = 1 + next(400);
            let mut make = || {
                let (mut bits, mut set) = (Bits::new(bound), BTreeSet::new());
                for _ in 0..next(4) {
                    let a = next(bound);
                    let b = a + next(bound - a + 1);
                    bits.insert_range(a..b);
                    set.extend(a..b);
                    bits.insert(a);
                    set.insert(a);
                }
                (bits, set)
            };
            let ((mut a, mut x), (b, y)) = (make(), make());
            let b = b.trim();
            assert_eq!(a.meets(&b), x.intersection(&y).next().copied());
            assert_eq!(b.meets(&a), x.intersection(&y).next().copied());
            assert_eq!(a.beyond(&b), x.difference(&y).next().copied());
            assert_eq!(b.beyond(&a), y.difference(&x).next().copied());
            assert_eq!(b.count(), y.len() as u64);
            let from = next(bound);
            let to = from + next(bound - from + 1);
            assert_eq!(b.touches(from..to), y.range(from..to).next().is_some(), "{y:?} {from}..{to}");
            assert_eq!(b.first_missing(from..to), (from..to).find(|n| !y.contains(n)), "{y:?} {from}..{to}");
            a.extend(&b);
            x.extend(&y);
            assert!(a.iter().eq(x.iter().copied()));
        }
    }
}
