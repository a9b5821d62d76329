//! The machine's arithmetic, bit for bit.
//!
//! Activations are 8-bit affine (`real = scale * (q - zero)`, q in -128..=127), weights 8-bit
//! symmetric per output channel in -127..=127, accumulators 32 bits. The zero point of the input is
//! folded into the bias by the compiler, so the array multiplies raw bytes.
//!
//! The post unit keeps [`FRACTION`] fractional bits until its one rounding (half up):
//!
//! ```text
//! s = acc + bias
//! t = sat20((s * (s < 0 ? negative_mantissa : mantissa)) >> shift)      floor
//! u = sat20(((operand - operand_zero) * operand_mantissa) >> operand_shift)  floor, 0 without operand
//! y = clamp((t + u + (zero << 8) + 128) >> 8, lo, hi)                   floor
//! q = table ? table[y + 128] : y
//! ```
//!
//! An operand with [`OperandScale::multiply`] is a factor instead of a term. The scaled accumulator
//! is then the multiplicand, in as many fractional bits as the compiler likes, and only the product
//! has [`FRACTION`] of them:
//!
//! ```text
//! t = sat18((s * (s < 0 ? negative_mantissa : mantissa)) >> shift)      floor
//! p = sat20((t * (operand - operand_zero)) >> operand_shift)            floor
//! y = clamp((p + (zero << 8) + 128) >> 8, lo, hi)                       floor
//! ```
//!
//! Half up instead of half to even: the two differ only where a scaled accumulator lies exactly on
//! a tie, which a 16-bit mantissa makes rarer than one value in thousands, and half up is one adder.

use serde::{Deserialize, Serialize};

/// Fractional bits kept until the rounding.
pub const FRACTION: u32 = 8;
/// Bits (signed) to which the scaled accumulator, the scaled operand and their product saturate.
pub const SCALED_BITS: u32 = 20;
/// Bits (signed) to which the scaled accumulator saturates when an operand multiplies it: one input
/// of a hardware multiplier.
pub const MULTIPLICAND_BITS: u32 = 18;
/// Largest shift of a [`Channel`] or an operand.
pub const MAX_SHIFT: u8 = 31;
/// Largest magnitude of a mantissa (17 bits signed, without the most negative value).
pub const MAX_MANTISSA: i32 = 65535;
/// Bytes of a [`Channel`] in external memory.
pub const CHANNEL_BYTES: usize = 16;

/// Requantisation of one output channel: a word of the parameter memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Channel {
    /// Added to the accumulator.
    pub bias: i32,
    /// Scale of sums >= 0, in -65535..=65535.
    pub mantissa: i32,
    /// Scale of sums < 0 (leaky and parametric ReLU; equal to `mantissa` otherwise).
    pub negative_mantissa: i32,
    /// Right shift after the product, 0..=31.
    pub shift: u8,
}

impl Channel {
    /// Little-endian word: bias, mantissa, negative mantissa (4 bytes each), shift, zeros.
    pub fn to_bytes(&self) -> [u8; CHANNEL_BYTES] {
        let mut bytes = [0; CHANNEL_BYTES];
        bytes[0..4].copy_from_slice(&self.bias.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.mantissa.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.negative_mantissa.to_le_bytes());
        bytes[12] = self.shift;
        bytes
    }

    /// Inverse of [`Channel::to_bytes`], reading the bits the hardware reads: 17-bit signed
    /// mantissas and a 5-bit shift.
    pub fn from_bytes(bytes: &[u8; CHANNEL_BYTES]) -> Channel {
        let word = |i: usize| i32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        let mantissa = |v: i32| (v << 15) >> 15;
        Channel {
            bias: word(0),
            mantissa: mantissa(word(4)),
            negative_mantissa: mantissa(word(8)),
            shift: bytes[12] & 31,
        }
    }
}

/// What the post unit does with its second operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OperandScale {
    /// Zero point of the operand.
    pub zero: i8,
    /// Scale, in -65535..=65535; not used (but encoded) by an operand that multiplies.
    pub mantissa: i32,
    /// Right shift after the product, 0..=31.
    pub shift: u8,
    /// The operand multiplies the scaled accumulator instead of being scaled and added to it.
    pub multiply: bool,
}

impl OperandScale {
    /// The operand less its zero point, in -255..=255.
    pub fn difference(&self, operand: i8) -> i32 {
        i32::from(operand) - i32::from(self.zero)
    }

    /// What an operand that is added contributes (`u` of the module text), with [`FRACTION`]
    /// fractional bits.
    pub fn added(&self, operand: i8) -> i32 {
        let product = i64::from(self.difference(operand)) * i64::from(self.mantissa);
        saturate(product >> self.shift, SCALED_BITS)
    }

    /// The product (`p` of the module text) of an operand and a multiplicand of
    /// [`MULTIPLICAND_BITS`], with [`FRACTION`] fractional bits.
    pub fn multiplied(&self, multiplicand: i32, operand: i8) -> i32 {
        let product = i64::from(multiplicand) * i64::from(self.difference(operand));
        saturate(product >> self.shift, SCALED_BITS)
    }
}

/// What the post unit does after scaling.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Post {
    /// Output zero point.
    pub zero: i8,
    /// Lower clamp.
    pub lo: i8,
    /// Upper clamp.
    pub hi: i8,
}

fn saturate(value: i64, bits: u32) -> i32 {
    let limit = 1i64 << (bits - 1);
    value.clamp(-limit, limit - 1) as i32
}

/// The scaled accumulator (`t` of the module text), saturated to `bits`: [`SCALED_BITS`], or
/// [`MULTIPLICAND_BITS`] for an operand that multiplies.
/// The sum wraps at 32 bits as the hardware's does; the compiler proves that it never has to.
pub fn scale(acc: i32, channel: &Channel, bits: u32) -> i32 {
    let sum = acc.wrapping_add(channel.bias);
    let mantissa = if sum < 0 { channel.negative_mantissa } else { channel.mantissa };
    saturate((i64::from(sum) * i64::from(mantissa)) >> channel.shift, bits)
}

/// Rounds, offsets, clamps and looks up: `t + u` or `p` to the output byte.
pub fn finish(scaled: i32, post: &Post, table: Option<&[i8; 256]>) -> i8 {
    let y = (scaled + (i32::from(post.zero) << FRACTION) + (1 << (FRACTION - 1))) >> FRACTION;
    let y = if y < i32::from(post.lo) {
        post.lo
    } else if y > i32::from(post.hi) {
        post.hi
    } else {
        y as i8
    };
    table.map_or(y, |t| t[(i32::from(y) + 128) as usize])
}

/// The whole post unit on one value.
pub fn post(
    acc: i32,
    channel: &Channel,
    operand: Option<(i8, &OperandScale)>,
    post: &Post,
    table: Option<&[i8; 256]>,
) -> i8 {
    let scaled = match operand {
        None => scale(acc, channel, SCALED_BITS),
        Some((value, by)) if by.multiply => by.multiplied(scale(acc, channel, MULTIPLICAND_BITS), value),
        Some((value, by)) => scale(acc, channel, SCALED_BITS) + by.added(value),
    };
    finish(scaled, post, table)
}

/// A real factor as `mantissa * 2^-(shift + FRACTION)`: the nearest with 16 significant bits.
/// `None` when the factor is not finite or its magnitude is 256 or more. Factors too small for the
/// largest shift lose precision and become zero in the end.
pub fn mantissa(factor: f64) -> Option<(i32, u8)> {
    if !factor.is_finite() {
        return None;
    }
    if factor == 0.0 {
        return Some((0, 0));
    }
    let magnitude = factor.abs();
    let fraction = FRACTION as i32;
    let mut shift = (15 - magnitude.log2().floor() as i32 - fraction).min(i32::from(MAX_SHIFT));
    loop {
        if shift < 0 {
            return None;
        }
        let m = (magnitude * f64::from(shift + fraction).exp2()).round();
        if m <= f64::from(MAX_MANTISSA) {
            return Some((if factor < 0.0 { -(m as i32) } else { m as i32 }, shift as u8));
        }
        shift -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Post = Post { zero: 0, lo: -128, hi: 127 };

    #[test]
    fn ties_round_half_up() {
        // factor 1/2: 1 -> 0.5 -> 1, -1 -> -0.5 -> 0, 3 -> 1.5 -> 2, -3 -> -1.5 -> -1
        let (mantissa, shift) = mantissa(0.5).unwrap();
        let channel = Channel { bias: 0, mantissa, negative_mantissa: mantissa, shift };
        for (acc, want) in [(1, 1), (-1, 0), (3, 2), (-3, -1), (2, 1), (-2, -1), (255, 127), (-257, -128)] {
            assert_eq!(post(acc, &channel, None, &PLAIN, None), want, "{acc}");
        }
    }

    #[test]
    fn mantissa_is_nearest() {
        for i in 0..4000 {
            let factor = (f64::from(i) * 0.01 - 32.0).exp2();
            let Some((m, shift)) = mantissa(factor) else {
                assert!(factor > 255.99, "{factor}");
                continue;
            };
            let got = f64::from(m) * f64::from(-(i32::from(shift) + 8)).exp2();
            let step = f64::from(-(i32::from(shift) + 8)).exp2();
            assert!((got - factor).abs() <= step / 2.0, "{factor} became {got}");
            assert!(m >= 1 << 15 || shift == MAX_SHIFT, "{factor} is not normalised: {m} >> {shift}");
        }
        assert_eq!(mantissa(f64::NAN), None);
        assert_eq!(mantissa(256.0), None);
        assert_eq!(mantissa(-0.25), Some((-32768, 9)));
    }

    /// Against exact rational arithmetic: floor(x + 1/2) of the real product.
    #[test]
    fn scale_matches_rationals() {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as i64
        };
        for _ in 0..20000 {
            let acc = (next() % 2_000_001 - 1_000_000) as i32;
            let channel = Channel {
                bias: (next() % 20001 - 10000) as i32,
                mantissa: (next() % 65536) as i32,
                negative_mantissa: (next() % 131071 - 65535) as i32,
                shift: (next() % 32) as u8,
            };
            let sum = i128::from(acc) + i128::from(channel.bias);
            let m = if sum < 0 { channel.negative_mantissa } else { channel.mantissa };
            let denominator = 1i128 << (u32::from(channel.shift) + FRACTION);
            let exact = (2 * sum * i128::from(m) + denominator).div_euclid(2 * denominator);
            assert_eq!(i128::from(post(acc, &channel, None, &PLAIN, None)), exact.clamp(-128, 127));
        }
    }

    /// Both modes of an operand against exact rational arithmetic: floors at the bits that the
    /// module text names, then floor(x + 1/2).
    #[test]
    fn operands_match_rationals() {
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as i64
        };
        let (mut saturated, mut inside) = ([0; 2], 0);
        for i in 0..40000 {
            let channel = Channel {
                bias: (next() % 20001 - 10000) as i32,
                mantissa: (next() % 65536) as i32,
                negative_mantissa: (next() % 131071 - 65535) as i32,
                shift: (next() % 32) as u8,
            };
            let acc = (next() % 2_000_001 - 1_000_000) as i32;
            let by = OperandScale {
                zero: next() as i8,
                mantissa: (next() % 131071 - 65535) as i32,
                shift: (next() % 32) as u8,
                multiply: i % 2 == 0,
            };
            let value = next() as i8;
            let zero = next() as i8;
            let shifted = |value: i128, shift: u8, bits: u32| {
                let limit = 1i128 << (bits - 1);
                value.div_euclid(1i128 << shift).clamp(-limit, limit - 1)
            };
            let sum = i128::from(acc) + i128::from(channel.bias);
            let m = if sum < 0 { channel.negative_mantissa } else { channel.mantissa };
            let difference = i128::from(value) - i128::from(by.zero);
            let total = if by.multiply {
                let t = shifted(sum * i128::from(m), channel.shift, 18);
                let p = shifted(t * difference, by.shift, 20);
                saturated[0] += u32::from(t == (1 << 17) - 1 || t == -(1 << 17));
                saturated[1] += u32::from(p == (1 << 19) - 1 || p == -(1 << 19));
                p
            } else {
                shifted(sum * i128::from(m), channel.shift, 20)
                    + shifted(difference * i128::from(by.mantissa), by.shift, 20)
            };
            let exact = (2 * (total + 256 * i128::from(zero)) + 256).div_euclid(512);
            inside += u32::from(by.multiply && (-127..127).contains(&exact) && total != 0);
            let got = post(acc, &channel, Some((value, &by)), &Post { zero, ..PLAIN }, None);
            assert_eq!(i128::from(got), exact.clamp(-128, 127), "{acc} {channel:?} {value} {by:?}");
        }
        assert!(saturated.iter().all(|n| *n > 1000) && inside > 1000, "{saturated:?} {inside}");
    }

    #[test]
    fn channel_bytes_round_trip() {
        let channel = Channel { bias: -5, mantissa: 65535, negative_mantissa: -65535, shift: 31 };
        assert_eq!(Channel::from_bytes(&channel.to_bytes()), channel);
    }
}
