//! Scale and zero point of a tensor: what its bytes, or its 16 bits, mean.

use tilewright_arch::fixed::{floor_log2, power_of_two};

/// Scale and zero point of an affine tensor.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct QParams {
    /// Real value of one step.
    pub scale: f32,
    /// The byte that means zero.
    pub zero: i8,
}

impl QParams {
    /// The bytes -128..=127 spread over [low, high], widened to include zero, which is exact.
    /// When that leaves nothing but zero the step is 1. An end within half a step of zero is rounded to
    /// zero whatever the range: it moves nothing.
    pub fn spanning(low: f64, high: f64) -> QParams {
        let half = (high.max(0.0) - low.min(0.0)) / 255.0 / 2.0;
        let (low, high) = (if low < -half { low } else { 0.0 }, if high > half { high } else { 0.0 });
        if low == high {
            return QParams { scale: 1.0, zero: 0 };
        }
        let ideal = -128.0 - low / ((high - low) / 255.0);
        // Rounding the zero point moves the range: the step grows until it covers both ends again.
        let step = |zero: f64| {
            let below = if low < 0.0 { -low / (zero + 128.0) } else { 0.0 };
            let above = if high > 0.0 { high / (127.0 - zero) } else { 0.0 };
            (below.max(above), zero)
        };
        let (down, up) = (step(ideal.floor().max(-128.0)), step(ideal.ceil().min(127.0)));
        let (scale, zero) = if down.0 <= up.0 { down } else { up };
        QParams { scale: normal(scale), zero: zero as i8 }
    }

    /// 16-bit values up to `most` in magnitude. The zero point is 0, for the post unit's sums hold no
    /// more than the 16 bits on either side of it; and `clamp`, which is at least the 127th part of
    /// `most`, is a byte where it is finite.
    pub fn wide(most: f64, clamp: f64) -> QParams {
        if most == 0.0 {
            return QParams { scale: 1.0, zero: 0 };
        }
        let byte = match clamp.is_finite() {
            true => clamp / (WIDEST * clamp / most).floor().clamp(1.0, WIDEST),
            false => most / WIDEST,
        };
        QParams { scale: normal(byte / 257.0), zero: 0 }
    }

    /// The same zero point, with steps of `least` or more.
    pub fn at_least(self, least: f64) -> QParams {
        // As a float32 it must not be less.
        let up = |step: f32| if f64::from(step) < least { step.next_up() } else { step };
        QParams { scale: if f64::from(self.scale) < least { up(normal(least)) } else { self.scale }, ..self }
    }

    /// A number as 8 bits have it.
    pub fn rounded(self, x: f32) -> f32 {
        let zero = f32::from(self.zero);
        (((x / self.scale).round_ties_even() + zero).clamp(-128.0, 127.0) - zero) * self.scale
    }

    /// The same range with a zero point of 0.
    pub fn symmetric(self) -> QParams {
        let steps = 128 + i32::from(self.zero).abs();
        QParams { scale: (f64::from(self.scale) * f64::from(steps) / 127.0) as f32, zero: 0 }
    }

    /// The same range with a zero point above -128.
    pub fn raised(self) -> QParams {
        match self.zero {
            i8::MIN => QParams { scale: (f64::from(self.scale) * 255.0 / 254.0) as f32, zero: -127 },
            _ => self,
        }
    }

    /// The same range or more in steps that whole numbers are multiples of, where steps are below 1.
    pub fn whole(self) -> QParams {
        if self.scale >= 1.0 {
            return self;
        }
        // A power of two, so that products with it are exact.
        let below = power_of_two(floor_log2(self.scale.into())) as f32;
        QParams { scale: if below < self.scale { 2.0 * below } else { below }, zero: self.zero }
    }

    /// Sum of squared errors over a histogram, as if values lay in the middle of their bins, after
    /// the function `f`.
    pub fn error(self, bins: &[(f64, f64)], f: &dyn Fn(f64) -> f64) -> f64 {
        let (scale, zero) = (f64::from(self.scale), f64::from(self.zero));
        let (low, high) = (-128.0 - zero, 127.0 - zero);
        let inverse = 1.0 / scale;
        let square = |&(x, count): &(f64, f64)| {
            let e = f((x * inverse).round_ties_even().clamp(low, high) * scale) - f(x);
            // A pole is as bad as it gets, but must not make all candidates alike.
            if e.is_finite() { e * e * count } else { count * f64::from(f32::MAX) }
        };
        bins.iter().map(square).sum()
    }
}

/// A step as a float32 with all its bits.
fn normal(step: f64) -> f32 {
    step.clamp(f32::MIN_POSITIVE.into(), f32::MAX.into()) as f32
}

/// The largest byte.
pub const WIDEST: f64 = 127.0;
