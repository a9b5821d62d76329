//! Ranges by relative entropy: the threshold whose quantised distribution tells least from the one
//! seen. Magnitudes beyond the threshold count at it; what lies below is spread over 128 levels, the
//! positive half of a symmetric byte.

use super::histogram::Histogram;
use crate::float::math::log;

/// Levels of a magnitude.
const LEVELS: usize = 128;
/// Candidates are this many bins apart.
const STRIDE: usize = 8;
/// Probability of what the quantised distribution rules out: large against no count, small against
/// that of a real bin.
const LEAST: f64 = 1e-12;

/// The range of least relative entropy, within the values seen.
pub fn range(seen: &Histogram) -> (f64, f64) {
    let (width, counts) = seen.magnitudes();
    let bins = counts.len();
    let candidates = (LEVELS..bins).step_by(STRIDE).chain([bins]);
    let mut best = (f64::INFINITY, bins);
    for kept in candidates {
        let divergence = divergence(&counts, kept.min(bins), LEVELS);
        // a tie goes to the wider range
        if divergence <= best.0 {
            best = (divergence, kept);
        }
    }
    let threshold = best.1 as f64 * width;
    (f64::from(seen.min).max(-threshold), f64::from(seen.max).min(threshold))
}

/// Relative entropy, in nats, of the counts with everything from bin `kept` on in the last bin kept,
/// and the same quantised: each of `levels` runs of bins shares its own counts out among those of its
/// bins that hold any.
fn divergence(counts: &[f64], kept: usize, levels: usize) -> f64 {
    let outside: f64 = counts[kept..].iter().sum();
    let inside: f64 = counts[..kept].iter().sum();
    if inside == 0.0 {
        return f64::INFINITY;
    }
    let total = inside + outside;
    let mut sum = 0.0;
    for level in 0..levels {
        let (from, to) = (level * kept / levels, (level + 1) * kept / levels);
        let run = &counts[from..to];
        let filled = run.iter().filter(|&&c| c > 0.0).count();
        let share = run.iter().sum::<f64>() / filled.max(1) as f64;
        for (i, &count) in (from..to).zip(run) {
            let p = if i + 1 == kept { count + outside } else { count } / total;
            let q = if count > 0.0 { share / inside } else { 0.0 };
            if p > 0.0 {
                sum += p * log(p / q.max(LEAST));
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use tilewright_random::Random;

    /// Two bins kept of counts 1, 1, 2: p = 1/4, 3/4, q = 1/2, 1/2.
    #[test]
    fn divergence_by_hand() {
        let d = divergence(&[1.0, 1.0, 2.0, 0.0], 2, 1);
        assert!((d - (0.25 * log(0.5) + 0.75 * log(1.5))).abs() < 1e-12, "{d}");
        // nothing is lost where each level is one bin, nor where counts within a level are equal
        assert_eq!(divergence(&[3.0, 0.0, 5.0, 2.0], 4, 4), 0.0);
        assert_eq!(divergence(&[3.0, 3.0, 0.0, 5.0], 4, 2), 0.0);
        // counts 1, 3 in one level
        let d = divergence(&[1.0, 3.0], 2, 1);
        assert!((d - (0.25 * log(0.5) + 0.75 * log(1.5))).abs() < 1e-12, "{d}");
    }

    /// 100,000 points of the normal distribution by its quantiles, approximated by a sum of uniforms.
    fn bell() -> Vec<f32> {
        let mut random = Random::new(7);
        (0..100_000).map(|_| random.floats(12).iter().sum::<f32>() / 2.0).collect()
    }

    #[test]
    fn outliers_are_cut_off_and_the_bulk_is_kept() {
        let mut values = bell();
        let (low, high) = range(&Histogram::of(&values));
        assert!(low < -2.5 && high > 2.5, "{low} {high}");
        values.extend([40.0; 3]);
        let (low, high) = range(&Histogram::of(&values));
        assert!(low < -2.5 && (2.5..10.0).contains(&high), "{low} {high}");
    }

    #[test]
    fn even_values_keep_their_range_and_signs() {
        let values: Vec<f32> = (1..=50_000).map(|i| i as f32 / 10_000.0).collect();
        let (low, high) = range(&Histogram::of(&values));
        assert!(low > 0.0 && high > 4.9, "{low} {high}");
        let values: Vec<f32> = values.iter().map(|v| -v).collect();
        let (low, high) = range(&Histogram::of(&values));
        assert!(low < -4.9 && high < 0.0, "{low} {high}");
    }

    #[test]
    fn few_values_keep_their_range() {
        for values in [&[0.0f32; 3][..], &[3.0; 4], &[-1e-30, 2e-30], &[f32::MAX, -1.0]] {
            let h = Histogram::of(values);
            let (low, high) = range(&h);
            assert!(low >= f64::from(h.min) && high <= f64::from(h.max) && low <= high, "{values:?}");
        }
    }
}
