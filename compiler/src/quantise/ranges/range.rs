//! From a value's distribution to its scale and zero point.

use super::entropy;
use super::histogram::Histogram;
use crate::options::Ranges;
use crate::quantise::qparams::QParams;

/// Widening of a range: by this over the root of the number of values seen.
const MARGIN: f64 = 1.0;
/// Candidates of a bound: the extreme times 1, 1 - 1/STEPS ... down to LEAST of STEPS.
const STEPS: i32 = 64;
const LEAST: i32 = 12;

impl Ranges {
    /// Chooses for the result of an operator.
    pub fn choose(self, seen: &Histogram) -> QParams {
        self.choose_before(seen, &|x| x)
    }

    /// Chooses for a value that nothing but the function `f` sees.
    pub fn choose_before(self, seen: &Histogram, f: &dyn Fn(f64) -> f64) -> QParams {
        let (min, max) = (f64::from(seen.min), f64::from(seen.max));
        let (low, high) = match self {
            Ranges::MinMax => (min, max),
            Ranges::Percentile(share) => percentile(seen, share),
            Ranges::Entropy => entropy::range(seen),
            Ranges::Mse => least_error(seen, min.min(0.0), max.max(0.0), f),
        };
        // The fewer values calibration saw, the farther others will lie outside of them.
        let margin = 1.0 + MARGIN / (seen.total.max(1) as f64).sqrt();
        QParams::spanning(low * margin, high * margin)
    }
}

/// The range without `share` of all values, half of them at each end (zeros count as values).
fn percentile(seen: &Histogram, share: f64) -> (f64, f64) {
    let allowed = share.clamp(0.0, 1.0) / 2.0 * seen.total as f64;
    let bins: Vec<(f64, f64)> = seen.bins().collect();
    // zeros have no bin: when the others are too few to reach the share, the bound is zero
    let end = |bins: &mut dyn Iterator<Item = &(f64, f64)>| {
        let mut cut = 0.0;
        for (x, count) in bins {
            cut += count;
            if cut > allowed {
                return *x;
            }
        }
        0.0
    };
    let low = end(&mut bins.iter());
    let high = end(&mut bins.iter().rev());
    // the middle of the outermost bins is inside the values' range by half a bin at most
    (low.max(f64::from(seen.min)), high.min(f64::from(seen.max)))
}

/// Coordinate descent over both bounds from the full range.
fn least_error(seen: &Histogram, min: f64, max: f64, f: &dyn Fn(f64) -> f64) -> (f64, f64) {
    let bins: Vec<(f64, f64)> = seen.bins().collect();
    let mut best = (1.0, 1.0);
    let mut least = QParams::spanning(min, max).error(&bins, f);
    for _ in 0..2 {
        let before = least;
        for side in 0..2 {
            if [min, max][side] == 0.0 {
                continue;
            }
            let (low, high) = best;
            for step in LEAST..=STEPS {
                let share = f64::from(step) / f64::from(STEPS);
                let (low, high) = if side == 0 { (share, high) } else { (low, share) };
                let candidate = QParams::spanning(min * low, max * high);
                let error = candidate.error(&bins, f);
                if error < least {
                    (best, least) = ((low, high), error);
                }
            }
        }
        if least == before {
            break;
        }
    }
    (min * best.0, max * best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_exact_and_the_range_is_covered() {
        for (low, high) in [(0.0, 1.0), (-1.0, 1.0), (-3.0, 0.1), (2.0, 5.0), (-5.0, -2.0)] {
            let a = QParams::spanning(low, high);
            let real = |q: f64| f64::from(a.scale) * (q - f64::from(a.zero));
            assert!(real(-128.0) <= low.min(0.0) + 1e-6, "{low} {high} {a:?}");
            assert!(real(127.0) >= high.max(0.0) - 1e-6, "{low} {high} {a:?}");
        }
        let unit = QParams::spanning(0.0, 1.0);
        assert_eq!(unit, QParams { scale: 1.0 / 255.0, zero: -128 });
        assert_eq!(QParams::spanning(0.0, 0.0).zero, 0);
    }

    /// Whatever lies at the other end of a range, or at both: every value is within half a step.
    #[test]
    fn tiny_huge_and_one_sided_ends_do_not_decide() {
        let ends = [0.0, 1e-45, 1e-38, 1e-20, 1e-16, 1e-3, 0.5, 1.0, 1e10, 1e30, f64::from(f32::MAX)];
        for low in ends {
            for high in ends {
                let a = QParams::spanning(-low, high);
                let most = low.max(high);
                let least = if most == 0.0 { 1.0 } else { f64::from(f32::MIN_POSITIVE) };
                let step = f64::from(a.scale);
                assert!(step <= (most / 120.0).max(least), "-{low:e} {high:e}: {a:?}");
                for x in [-low, high] {
                    let byte = ((x / step).round() + f64::from(a.zero)).clamp(-128.0, 127.0);
                    let error = ((byte - f64::from(a.zero)) * step - x).abs();
                    assert!(error <= step * 0.51, "-{low:e} {high:e}: {a:?}, {x:e} is {error:e} off");
                }
                let w = QParams::wide(most, f64::INFINITY);
                assert!(w.zero == 0 && f64::from(w.scale) * 257.0 * 127.0 >= most * (1.0 - 1e-6), "{w:?}");
            }
        }
        assert_eq!(QParams::spanning(-1e-16, 1.0), QParams::spanning(0.0, 1.0));
        assert_eq!(QParams::spanning(-1.0, 1e-20), QParams::spanning(-1.0, 0.0));
    }

    #[test]
    fn steps_are_raised_and_never_lowered() {
        let a = QParams { scale: 0.5, zero: -3 };
        assert_eq!(a.at_least(0.1), a);
        assert_eq!(a.at_least(2.0), QParams { scale: 2.0, zero: -3 });
        assert!(f64::from(a.at_least(0.7).scale) >= 0.7);
    }

    #[test]
    fn outliers_are_cut_off_by_error_and_percentile_only() {
        // 200,000 values in 0..1 and one of 4: a range c costs 200,000 (c / 255)^2 / 12 + (4 - c)^2,
        // least at c = 3.19
        let mut values: Vec<f32> = (1..200_000).map(|i| i as f32 / 200_000.0).collect();
        values.push(4.0);
        let h = Histogram::of(&values);
        let full = Ranges::MinMax.choose(&h).scale * 255.0;
        assert!((4.0..4.01).contains(&full), "{full}");
        let mse = Ranges::Mse.choose(&h).scale * 255.0;
        assert!((3.1..3.3).contains(&mse), "{mse}");
        let share = Ranges::Percentile(0.001).choose(&h).scale * 255.0;
        assert!((0.98..1.01).contains(&share), "{share}");
    }

    #[test]
    fn even_values_keep_their_range() {
        let values: Vec<f32> = (0..10_000).map(|i| i as f32 / 5000.0 - 1.0).collect();
        let h = Histogram::of(&values);
        let (full, mse) = (Ranges::MinMax.choose(&h).scale, Ranges::Mse.choose(&h).scale);
        assert!(mse > full * 0.97, "{mse} {full}");
    }
}
