//! The machine's arithmetic, bit for bit.
//!
//! Activations are 8-bit affine (`real = scale * (q - zero)`, q in -128..=127) or have 16 bits (see
//! below), weights are 8-bit symmetric per output channel in -127..=127, accumulators have 32 bits.
//! The zero point of the input is folded into the bias by the compiler, so the array multiplies raw
//! bytes.
//!
//! The post unit keeps [`FRACTION`] fractional bits until its one rounding (half up):
//!
//! ```text
//! s = acc + bias
//! t = sat28((s * (s < 0 ? negative_mantissa : mantissa)) >> shift)      floor
//! u = sat28(((operand - operand_zero) * operand_mantissa) >> operand_shift)  floor, 0 without operand
//! y = clamp((t + u + (zero << 16) + 2^15) >> 16, lo, hi)                floor
//! q = table ? table[y + 128] : y
//! ```
//!
//! Mantissas have the 24 significant bits of a float32, and a floor of a floor is one floor: without
//! an operand q is the exact product of sum and scale, rounded once. Each of two terms is exact to
//! 2^-16 of an output step.
//!
//! An operand with [`OperandScale::multiply`] is a factor instead of a term. The scaled accumulator
//! is then the multiplicand, in as many fractional bits as the compiler likes, and only the product
//! has [`FRACTION`] of them:
//!
//! ```text
//! t = sat26((s * (s < 0 ? negative_mantissa : mantissa)) >> shift)      floor
//! p = sat28((t * (operand - operand_zero)) >> operand_shift)            floor
//! y = clamp((p + (zero << 16) + 2^15) >> 16, lo, hi)                    floor
//! ```
//!
//! Half up instead of half to even: the two differ only where a scaled accumulator lies exactly on
//! a tie, which a 24-bit mantissa makes rare unless the scale is a power of two, and half up is one
//! adder.
//!
//! # Wide values
//! A value of 16 bits, v in -32768..=32767, is two bytes in two planes ([`halves`], [`join`]):
//!
//! ```text
//! h = v >> 8      l = (v & 255) - 128      v = 256 * h + l + 128
//! ```
//!
//! A wide tensor of C channels is 2 * C planes: h of channel 0, l of channel 0, h of channel 1, and
//! so on. [`extend`] is e(p) = 257 * p + 128, both halves of which are p: with a zero point e(p) the
//! padding is the byte p as ever, and the ends of the 8-bit range become those of the 16-bit range.
//!
//! * Read: a [`wide`](crate::instr::TileOp::wide) operation counts the bytes of high halves 256-fold,
//!   so that it sums `w * (v - 128)`; the compiler folds the rest into the bias.
//! * Written: each channel is computed twice and says by its [`Half`] which byte it becomes. The 28
//!   bits of t, u and p then have [`WIDE_FRACTION`] fractional bits, and
//!
//! ```text
//! y = clamp((t + u + (e(zero) << 12) + 2^11) >> 12, e(lo), e(hi))       floor; p instead of t + u
//! b = high ? y >> 8 : (y & 255) - 128
//! q = table ? table[b + 128] : b
//! ```

use serde::{Deserialize, Serialize};

/// Fractional bits kept until the rounding of a byte.
pub const FRACTION: u32 = 16;
/// Fractional bits kept until the rounding of a wide value.
pub const WIDE_FRACTION: u32 = 12;
/// Bits (signed) to which the scaled accumulator, the scaled operand and their product saturate.
pub const SCALED_BITS: u32 = 28;
/// Bits (signed) to which the scaled accumulator saturates when an operand multiplies it.
pub const MULTIPLICAND_BITS: u32 = 26;
/// Largest shift of a [`Channel`] or an operand that the compiler makes: a factor of 2^-40 still has
/// all bits of its mantissa. The six bits of a field say up to 63, and mean it.
pub const MAX_SHIFT: u8 = 47;
/// Significant bits of a mantissa.
pub const MANTISSA_BITS: u32 = 24;
/// Largest magnitude of a mantissa (25 bits signed, without the most negative value).
pub const MAX_MANTISSA: i32 = (1 << MANTISSA_BITS) - 1;
/// Bytes of a [`Channel`] in external memory.
pub const CHANNEL_BYTES: usize = 16;

/// What the post unit makes of a channel: a byte, or one byte of a wide value (see the module text).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Half {
    /// A byte.
    #[default]
    None,
    /// The upper byte of a wide value.
    High,
    /// The lower byte of a wide value, less 128.
    Low,
}

impl Half {
    /// Fractional bits of the scaled accumulator and the operand's contribution.
    pub fn fraction(self) -> u32 {
        if self == Half::None { FRACTION } else { WIDE_FRACTION }
    }

    /// The two bits of a parameter word: bit 0 says wide, bit 1 low.
    pub fn bits(self) -> u8 {
        match self {
            Half::None => 0,
            Half::High => 1,
            Half::Low => 3,
        }
    }

    /// The half that [`Half::bits`] and the hardware read: without bit 0 bit 1 means nothing.
    pub fn from_bits(bits: u8) -> Half {
        match bits & 3 {
            1 => Half::High,
            3 => Half::Low,
            _ => Half::None,
        }
    }
}

/// The wide value both halves of which are `byte`: e of the module text.
pub fn extend(byte: i8) -> i16 {
    join([byte, byte])
}

/// The bytes (high, low) of a wide value.
pub fn halves(value: i16) -> [i8; 2] {
    [(value >> 8) as i8, (i32::from(value & 255) - 128) as i8]
}

/// The wide value of two bytes (high, low).
pub fn join([high, low]: [i8; 2]) -> i16 {
    (256 * i32::from(high) + i32::from(low) + 128) as i16
}

/// The bits of a parameter word that the hardware reads, as (first bit, bits) of the little-endian word: bias, mantissa,
/// negative mantissa (all signed), shift, half.
pub const CHANNEL_PARTS: [(usize, usize); 5] = [(0, 32), (32, 25), (64, 25), (96, 6), (104, 2)];

/// Requantisation of one output channel: a word of the parameter memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Channel {
    /// Added to the accumulator.
    pub bias: i32,
    /// Scale of sums >= 0, in -[`MAX_MANTISSA`]..=[`MAX_MANTISSA`].
    pub mantissa: i32,
    /// Scale of sums < 0 (leaky and parametric ReLU; equal to `mantissa` otherwise).
    pub negative_mantissa: i32,
    /// Right shift after the product, 0..=[`MAX_SHIFT`].
    pub shift: u8,
    /// The byte that is made.
    pub half: Half,
}

impl Channel {
    /// Little-endian word: bias, mantissa, negative mantissa (4 bytes each), shift, half, zeros.
    pub fn to_bytes(&self) -> [u8; CHANNEL_BYTES] {
        let mut bytes = [0; CHANNEL_BYTES];
        bytes[0..4].copy_from_slice(&self.bias.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.mantissa.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.negative_mantissa.to_le_bytes());
        bytes[12] = self.shift;
        bytes[13] = self.half.bits();
        bytes
    }

    /// Inverse of [`Channel::to_bytes`], reading the bits the hardware reads: [`CHANNEL_PARTS`].
    pub fn from_bytes(bytes: &[u8; CHANNEL_BYTES]) -> Channel {
        let word = u128::from_le_bytes(*bytes);
        let [bias, mantissa, negative_mantissa, shift, half] =
            CHANNEL_PARTS.map(|(low, width)| ((word >> low) as u32) << (32 - width));
        let signed = |part: u32, (_, width): (usize, usize)| part as i32 >> (32 - width);
        let unsigned = |part: u32, (_, width): (usize, usize)| (part >> (32 - width)) as u8;
        Channel {
            bias: signed(bias, CHANNEL_PARTS[0]),
            mantissa: signed(mantissa, CHANNEL_PARTS[1]),
            negative_mantissa: signed(negative_mantissa, CHANNEL_PARTS[2]),
            shift: unsigned(shift, CHANNEL_PARTS[3]),
            half: Half::from_bits(unsigned(half, CHANNEL_PARTS[4])),
        }
    }
}

/// What the post unit does with its second operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct OperandScale {
    /// Zero point of the operand.
    pub zero: i8,
    /// Scale, in -[`MAX_MANTISSA`]..=[`MAX_MANTISSA`]; not used (but encoded) by an operand that
    /// multiplies.
    pub mantissa: i32,
    /// Right shift after the product, 0..=[`MAX_SHIFT`].
    pub shift: u8,
    /// The operand multiplies the scaled accumulator instead of being scaled and added to it.
    pub multiply: bool,
}

impl OperandScale {
    /// Of an operand that is added.
    pub fn addend(zero: i8, mantissa: i32, shift: u8) -> OperandScale {
        OperandScale { zero, mantissa, shift, multiply: false }
    }

    /// Of an operand that multiplies.
    pub fn factor(zero: i8, shift: u8) -> OperandScale {
        OperandScale { multiply: true, ..OperandScale::addend(zero, 0, shift) }
    }

    /// The operand less its zero point, in -255..=255.
    pub fn difference(&self, operand: i8) -> i32 {
        i32::from(operand) - i32::from(self.zero)
    }

    /// What an operand that is added contributes (`u` of the module text), with
    /// [`Half::fraction`] fractional bits.
    pub fn added(&self, operand: i8) -> i32 {
        let product = i64::from(self.difference(operand)) * i64::from(self.mantissa);
        saturate(product >> self.shift, SCALED_BITS)
    }

    /// The product (`p` of the module text) of an operand and a multiplicand of
    /// [`MULTIPLICAND_BITS`], with [`Half::fraction`] fractional bits.
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
pub fn finish(scaled: i32, half: Half, post: &Post, table: Option<&[i8; 256]>) -> i8 {
    let own = |p: i8| i32::from(if half == Half::None { i16::from(p) } else { extend(p) });
    let fraction = half.fraction();
    let y = (scaled + (own(post.zero) << fraction) + (1 << (fraction - 1))) >> fraction;
    let y = if y < own(post.lo) { own(post.lo) } else { y.min(own(post.hi)) };
    let byte = match half {
        Half::None => y as i8,
        Half::High => halves(y as i16)[0],
        Half::Low => halves(y as i16)[1],
    };
    table.map_or(byte, |t| t[(i32::from(byte) + 128) as usize])
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
    finish(scaled, channel.half, post, table)
}

/// 2 to an integer power, exactly: what lies below the subnormal numbers is 0, what lies above is infinite.
pub fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        -1074..=-1023 => f64::from_bits(1 << (exponent + 1074)),
        _ => 0.0,
    }
}

/// The largest integer whose power of two is not above a positive magnitude; 1024 for infinity.
pub fn floor_log2(magnitude: f64) -> i32 {
    let bits = magnitude.to_bits();
    match (bits >> 52) as i32 {
        0 => 63 - bits.leading_zeros() as i32 - 1074,
        biased => biased - 1023,
    }
}

/// A real factor as `mantissa * 2^-(shift + FRACTION)`: the nearest with [`MANTISSA_BITS`]
/// significant bits. `None` when the factor is not finite or its magnitude is 256 or more. Factors
/// too small for the largest shift lose precision and become zero in the end.
///
/// Where a wide value is made, the exponent is shift + [`WIDE_FRACTION`]: a factor in steps of the
/// wide value is `mantissa(factor / 16.0)`, and may be as large as 4096.
pub fn mantissa(factor: f64) -> Option<(i32, u8)> {
    if !factor.is_finite() {
        return None;
    }
    if factor == 0.0 {
        return Some((0, 0));
    }
    let magnitude = factor.abs();
    let fraction = FRACTION as i32;
    let top = MANTISSA_BITS as i32 - 1;
    let mut shift = (top - floor_log2(magnitude) - fraction).min(i32::from(MAX_SHIFT));
    loop {
        if shift < 0 {
            return None;
        }
        let m = (magnitude * power_of_two(shift + fraction)).round();
        if m <= f64::from(MAX_MANTISSA) {
            return Some((if factor < 0.0 { -(m as i32) } else { m as i32 }, shift as u8));
        }
        shift -= 1;
    }
}

#[cfg(test)]
mod tests;
