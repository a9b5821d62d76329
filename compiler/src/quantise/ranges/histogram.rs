//! Histograms whose result does not depend on the order in which values arrive or parts are merged.
//!
//! Bins are [k * 2^e, (k + 1) * 2^e): a bin of exponent e + 1 is exactly two of exponent e, so growing
//! the range loses nothing that a histogram made with the final exponent would have.

use tilewright_arch::fixed::{floor_log2, power_of_two};

/// Most bins. After growing at least half of them lie within the values' range.
pub const BINS: i64 = 2048;
/// Bins are no narrower than the largest magnitude by this power of two, to keep numbers integer.
const FINEST: i32 = 20;

/// The distribution of a value over calibration.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Histogram {
    /// Smallest value seen; 0 when nothing was.
    pub min: f32,
    /// Largest value seen.
    pub max: f32,
    /// Number of values seen, zeros included.
    pub total: u64,
    /// Bins are 2^exponent wide.
    exponent: i32,
    /// Number of the first bin.
    first: i64,
    /// Non-zero values in each bin; empty until there are any.
    counts: Vec<u64>,
}

/// Number of the bin of a value. Exact: scaling by a power of two does not round.
fn bin(value: f32, exponent: i32) -> i64 {
    (f64::from(value) * power_of_two(-exponent)).floor() as i64
}

impl Histogram {
    /// That of some values.
    #[cfg(test)]
    pub fn of(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(values);
        histogram
    }

    /// Counts finite values.
    pub fn add(&mut self, values: &[f32]) {
        let Some(&first) = values.first() else { return };
        let (low, high) = values.iter().fold((first, first), |(l, h), &v| (l.min(v), h.max(v)));
        self.widen(low, high, values.len() as u64);
        if low == 0.0 && high == 0.0 {
            return;
        }
        let exponent = self.exponent_for(low, high);
        self.grow(exponent, bin(low, exponent), bin(high, exponent));
        let scale = power_of_two(-self.exponent);
        for &v in values.iter().filter(|&&v| v != 0.0) {
            let k = (f64::from(v) * scale).floor() as i64 - self.first;
            self.counts[k as usize] += 1;
        }
    }

    /// Adds what another histogram counted.
    pub fn merge(&mut self, other: &Histogram) {
        if other.total == 0 {
            return;
        }
        self.widen(other.min, other.max, other.total);
        if other.counts.is_empty() {
            return;
        }
        let exponent = self.exponent_for(other.min, other.max).max(other.exponent);
        let mut other = other.clone();
        self.grow(exponent, bin(other.min, exponent), bin(other.max, exponent));
        other.rebin(self.exponent);
        for (k, count) in (other.first..).zip(&other.counts) {
            if *count > 0 {
                self.counts[(k - self.first) as usize] += count;
            }
        }
    }

    /// The largest magnitude seen.
    pub fn magnitude(&self) -> f64 {
        f64::from(self.min).abs().max(f64::from(self.max).abs())
    }

    /// Bins that hold anything, as (middle of the bin, count).
    pub fn bins(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let width = power_of_two(self.exponent);
        let filled = (self.first..).zip(&self.counts).filter(|(_, c)| **c > 0);
        filled.map(move |(k, &c)| ((k as f64 + 0.5) * width, c as f64))
    }

    fn widen(&mut self, low: f32, high: f32, count: u64) {
        let none = self.total == 0;
        self.min = if none { low } else { self.min.min(low) };
        self.max = if none { high } else { self.max.max(high) };
        self.total += count;
    }

    /// Counts by magnitude: the width of a bin and, from zero up to the largest magnitude, what each
    /// holds. At least one bin and at most [`BINS`].
    pub fn magnitudes(&self) -> (f64, Vec<f64>) {
        // Bin k of negative values holds magnitudes in (-k - 1, -k].
        let magnitude = |k: i64| if k < 0 { -1 - k } else { k };
        let last = self.first + self.counts.len() as i64 - 1;
        let most = magnitude(self.first).max(magnitude(last.max(self.first)));
        let mut shift = 0;
        while most >> shift >= BINS {
            shift += 1;
        }
        let mut counts = vec![0.0; (most >> shift) as usize + 1];
        for (k, &count) in (self.first..).zip(&self.counts) {
            counts[(magnitude(k) >> shift) as usize] += count as f64;
        }
        (power_of_two(self.exponent + shift), counts)
    }

    /// The smallest exponent with which all seen so far and [low, high] fit.
    fn exponent_for(&self, low: f32, high: f32) -> i32 {
        let magnitude = f64::from(low.abs().max(high.abs()));
        let finest = floor_log2(magnitude) - FINEST;
        let mut exponent = if self.counts.is_empty() { finest } else { self.exponent.max(finest) };
        // Bounds of the bins so far, not of the values: zeros have no bin.
        while {
            let (mut least, mut most) = (bin(low, exponent), bin(high, exponent));
            if !self.counts.is_empty() {
                let shift = (exponent - self.exponent).min(63);
                least = least.min(self.first >> shift);
                most = most.max((self.first + self.counts.len() as i64 - 1) >> shift);
            }
            most - least >= BINS
        } {
            exponent += 1;
        }
        exponent
    }

    fn grow(&mut self, exponent: i32, least: i64, most: i64) {
        if self.counts.is_empty() {
            self.exponent = exponent;
            self.first = least;
            self.counts = vec![0; (most - least + 1) as usize];
            return;
        }
        self.rebin(exponent);
        let last = self.first + self.counts.len() as i64 - 1;
        if least < self.first {
            let more = vec![0; (self.first - least) as usize];
            self.counts.splice(0..0, more);
            self.first = least;
        }
        if most > last {
            self.counts.resize((most - self.first + 1) as usize, 0);
        }
    }

    fn rebin(&mut self, exponent: i32) {
        let shift = exponent - self.exponent;
        if shift == 0 {
            return;
        }
        let shift = shift.min(63);
        let last = self.first + self.counts.len() as i64 - 1;
        let first = self.first >> shift;
        let mut counts = vec![0; ((last >> shift) - first + 1) as usize];
        for (k, count) in (self.first..).zip(&self.counts) {
            counts[((k >> shift) - first) as usize] += count;
        }
        (self.exponent, self.first, self.counts) = (exponent, first, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_random::Random;

    fn values(seed: u64, n: usize, scale: f32) -> Vec<f32> {
        let mut random = Random::new(seed);
        let mut next = || random.float() / 2.0 + 0.2;
        (0..n).map(|i| if i % 5 == 0 { 0.0 } else { next() * scale }).collect()
    }

    #[test]
    fn order_of_arrival_and_merging_does_not_matter() {
        let parts: Vec<Vec<f32>> = (0..12)
            .map(|i| values(i, 100 + 17 * i as usize, [1e-3, 5.0, 0.4, 1e4][i as usize % 4]))
            .collect();
        let mut whole = Histogram::default();
        parts.iter().for_each(|p| whole.add(p));
        let mut reverse = Histogram::default();
        parts.iter().rev().for_each(|p| reverse.add(p));
        let single = |p: &Vec<f32>| {
            let mut h = Histogram::default();
            h.add(p);
            h
        };
        let tree = |range: &[Vec<f32>]| {
            range.iter().map(single).fold(Histogram::default(), |mut a, b| {
                a.merge(&b);
                a
            })
        };
        let mut merged = tree(&parts[5..]);
        merged.merge(&tree(&parts[..5]));
        let all = single(&parts.concat());
        for other in [reverse, merged, all] {
            assert_eq!(whole.bins().collect::<Vec<_>>(), other.bins().collect::<Vec<_>>());
            assert_eq!((whole.min, whole.max, whole.total), (other.min, other.max, other.total));
        }
        assert_eq!(
            whole.bins().map(|(_, c)| c).sum::<f64>(),
            parts.concat().iter().filter(|v| **v != 0.0).count() as f64
        );
    }

    #[test]
    fn range_is_resolved_finely() {
        let mut h = Histogram::default();
        h.add(&values(3, 4000, 7.0));
        let (low, high) = (h.bins().next().unwrap().0, h.bins().last().unwrap().0);
        let width = power_of_two(h.exponent);
        assert!((high - low) / width > 1000.0, "{}", (high - low) / width);
        assert!((low - f64::from(h.min)).abs() <= width / 2.0);
    }

    #[test]
    fn constants_and_extremes() {
        let mut h = Histogram::default();
        h.add(&[0.0; 4]);
        assert_eq!(h.bins().count(), 0);
        h.add(&[3.0; 4]);
        h.add(&[f32::MAX, f32::MIN_POSITIVE / 8.0]);
        assert_eq!(h.bins().map(|(_, c)| c).sum::<f64>(), 6.0);
        assert_eq!((h.min, h.max, h.total), (0.0, f32::MAX, 10));
    }
}
