//! Weights, biases and factors to integers, one output channel at a time.

use tilewright_arch::fixed::{Channel, FRACTION, Half, MAX_SHIFT, mantissa, power_of_two};

/// Candidates of a channel's weight range: the largest magnitude times 1 - i / STEPS.
const STEPS: u32 = 100;
/// How many of them.
const TRIED: u32 = 40;
/// Largest magnitude of a bias before the input's zero point is folded in.
const BIAS_LIMIT: f64 = (1u32 << 29) as f64;
/// Smallest factor of a sum, in output steps: smaller ones would lose bits of the mantissa.
const LEAST_FACTOR: f64 = 1.0 / (1u64 << 39) as f64;

/// One output channel's weights in integers: `real = scale * weight`.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub weights: Vec<i8>,
    pub scale: f64,
}

/// The scale with the least squared error of the weights, but at least `least`.
pub fn row(weights: &[f32], least: f64) -> Row {
    let largest = weights.iter().fold(0f32, |m, w| m.max(w.abs()));
    let full = f64::from(largest) / 127.0;
    let mut scale = full;
    let mut error = squared_error(weights, scale);
    for step in 1..TRIED {
        let candidate = full * (1.0 - f64::from(step) / f64::from(STEPS));
        let e = squared_error(weights, candidate);
        if e < error {
            (scale, error) = (candidate, e);
        }
    }
    let scale = scale.max(least);
    let byte = |&w: &f32| (f64::from(w) / scale).round_ties_even().clamp(-127.0, 127.0) as i8;
    Row { weights: weights.iter().map(byte).collect(), scale }
}

/// Most steps of the largest weight that [`steps`] tries.
const MOST_STEPS: u32 = 127;

/// A row whose weights are multiples of a common step, as those of an interpolation are, without any
/// error; otherwise [`row`].
pub fn exact_row(weights: &[f32], least: f64) -> Row {
    steps(weights, least).unwrap_or_else(|| row(weights, least))
}

/// A row whose weights are multiples of a common step of at least `least`, the finest there is: biases
/// are rounded to it. `None` if there is none; for zeros any step is right.
pub fn steps(weights: &[f32], least: f64) -> Option<Row> {
    let largest = weights.iter().fold(0f32, |m, w| m.max(w.abs()));
    if largest == 0.0 {
        return Some(row(weights, least));
    }
    let fits = |steps: u32| multiples(weights, f64::from(largest) / f64::from(steps));
    (1..=MOST_STEPS).rev().filter_map(fits).find(|row| row.scale >= least)
}

/// The row of weights that are whole in steps of `scale`; `None` where one is not, or above 127 steps.
pub fn multiples(weights: &[f32], scale: f64) -> Option<Row> {
    let whole = |&w: &f32| {
        let steps = f64::from(w) / scale;
        let near = (steps - steps.round()).abs() < 1e-3 && steps.round().abs() <= f64::from(MOST_STEPS);
        near.then_some(steps.round() as i8)
    };
    let weights = weights.iter().map(whole).collect::<Option<_>>()?;
    Some(Row { weights, scale })
}

fn squared_error(weights: &[f32], scale: f64) -> f64 {
    if scale == 0.0 {
        return 0.0;
    }
    let inverse = 1.0 / scale;
    let square = |&w: &f32| {
        let w = f64::from(w);
        let e = (w * inverse).round_ties_even().clamp(-127.0, 127.0) * scale - w;
        e * e
    };
    weights.iter().map(square).sum()
}

/// The least weight scale with which a channel's bias and factor can be expressed: of the channel's
/// real bias and the scales of input and output.
pub fn least_scale(bias: f64, input: f64, output: f64) -> f64 {
    (bias.abs() / (input * BIAS_LIMIT)).max(LEAST_FACTOR * output / input)
}

/// The requantisation of a channel: `factor` output steps for one unit of the sum, times `slope` where
/// the result is negative; with a negative factor that is where the sum is positive. `None` when the factor is too large to be expressed.
pub fn channel(factor: f64, slope: f64, bias: i32) -> Option<Channel> {
    let (largest, shift) = mantissa(factor.abs().max((factor * slope).abs()))?;
    debug_assert!(shift <= MAX_SHIFT && largest >= 0);
    let scaled = |f: f64| (f * power_of_two(i32::from(shift) + FRACTION as i32)).round() as i32;
    let (plain, sloped) = (scaled(factor), scaled(factor * slope));
    let (mantissa, negative_mantissa) = if factor < 0.0 { (sloped, plain) } else { (plain, sloped) };
    Some(Channel { bias, mantissa, negative_mantissa, shift, half: Half::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_nearest_and_never_minus_128() {
        let weights: Vec<f32> = (-50..=50).map(|i| i as f32 * 0.013).collect();
        let row = row(&weights, 0.0);
        assert!(row.weights.iter().all(|&w| w != -128));
        for (w, q) in weights.iter().zip(&row.weights) {
            assert!((f64::from(*w) - row.scale * f64::from(*q)).abs() <= row.scale * 0.51, "{w} {q}");
        }
    }

    #[test]
    fn a_single_weight_is_exact_and_zeros_stay() {
        let one = row(&[-0.37], 0.0);
        assert_eq!(one.weights, [-127]);
        assert!((one.scale * 127.0 - 0.37f32 as f64).abs() < 1e-12);
        assert_eq!(row(&[0.0; 3], 0.25), Row { weights: vec![0; 3], scale: 0.25 });
    }

    #[test]
    fn common_steps_are_found_and_others_are_not() {
        let row = steps(&[0.25, -0.5, 0.0], 0.0).unwrap();
        assert_eq!((row.weights, row.scale), (vec![63, -126, 0], 0.5 / 126.0));
        let scale = f64::from(0.013f32);
        let integers = [127i8, -3, 64];
        let real: Vec<f32> = integers.iter().map(|&q| f32::from(q) * 0.013).collect();
        assert_eq!(steps(&real, 0.0).unwrap().weights, integers);
        assert_eq!(multiples(&real, scale).unwrap().weights, integers);
        assert_eq!(multiples(&real, scale / 2.0), None);
        assert_eq!(steps(&[1.0, 0.3137], 0.0), None);
    }

    #[test]
    fn the_slope_is_that_of_negative_results() {
        let (up, down) = (channel(0.5, 0.25, 0).unwrap(), channel(-0.5, 0.25, 0).unwrap());
        assert_eq!(up.mantissa, 4 * up.negative_mantissa);
        assert_eq!((down.negative_mantissa, down.mantissa), (-up.mantissa, -up.negative_mantissa));
    }

    #[test]
    fn both_slopes_share_a_shift() {
        let c = channel(0.01, 3.0, 5).unwrap();
        let value = |m: i32| f64::from(m) * power_of_two(-(i32::from(c.shift) + FRACTION as i32));
        assert!((value(c.mantissa) / 0.01 - 1.0).abs() < 1e-6);
        assert!((value(c.negative_mantissa) / 0.03 - 1.0).abs() < 1e-6);
        assert_eq!(channel(1.0, 1.0, 0).unwrap().mantissa, channel(1.0, 1.0, 0).unwrap().negative_mantissa);
        assert_eq!(channel(300.0, 1.0, 0), None);
    }
}
