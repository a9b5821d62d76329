//! The arithmetic against exact rationals.

use super::*;
use tilewright_random::Random;

const PLAIN: Post = Post { zero: 0, lo: -128, hi: 127 };

fn any_mantissa(random: &mut Random) -> i32 {
    random.within(-MAX_MANTISSA, MAX_MANTISSA)
}

fn any_channel(random: &mut Random, half: Half) -> Channel {
    Channel {
        bias: random.within(-10000, 10000),
        mantissa: any_mantissa(random).abs(),
        negative_mantissa: any_mantissa(random),
        shift: random.within(0, MAX_SHIFT),
        half,
    }
}

/// (sum, mantissa) of an accumulator.
fn chosen(acc: i32, channel: &Channel) -> (i128, i128) {
    let sum = i128::from(acc) + i128::from(channel.bias);
    (sum, (if sum < 0 { channel.negative_mantissa } else { channel.mantissa }).into())
}

#[test]
fn ties_round_half_up() {
    // factor 1/2: 1 -> 0.5 -> 1, -1 -> -0.5 -> 0, 3 -> 1.5 -> 2, -3 -> -1.5 -> -1
    let (mantissa, shift) = mantissa(0.5).unwrap();
    let channel = Channel { mantissa, negative_mantissa: mantissa, shift, ..Channel::default() };
    for (acc, want) in [(1, 1), (-1, 0), (3, 2), (-3, -1), (2, 1), (-2, -1), (255, 127), (-257, -128)] {
        assert_eq!(post(acc, &channel, None, &PLAIN, None), want, "{acc}");
    }
}

#[test]
fn mantissa_is_nearest() {
    for i in 0..3840 {
        // 64 factors between a power of two and the next
        let factor = power_of_two(i / 64 - 50) * (1.0 + f64::from(i % 64) / 63.9);
        let Some((m, shift)) = mantissa(factor) else {
            assert!(factor > 255.9999, "{factor}");
            continue;
        };
        let step = power_of_two(-(i32::from(shift) + 16));
        let got = f64::from(m) * step;
        assert!((got - factor).abs() <= step / 2.0, "{factor} became {got}");
        assert!(m >= 1 << 23 || shift == MAX_SHIFT, "{factor} is not normalised: {m} >> {shift}");
    }
    assert_eq!(mantissa(f64::NAN), None);
    assert_eq!(mantissa(256.0), None);
    assert_eq!(mantissa(-0.25), Some((-(1 << 23), 9)));
}

#[test]
fn powers_of_two_are_exact() {
    let mut power = 1.0;
    for exponent in 0..1024 {
        assert_eq!(power_of_two(exponent), power);
        assert_eq!(power_of_two(-exponent), 1.0 / power);
        assert_eq!([floor_log2(power), floor_log2(1.0 / power)], [exponent, -exponent]);
        assert_eq!(floor_log2(power.next_up()), exponent);
        assert_eq!(floor_log2(power.next_down()), exponent - 1);
        power *= 2.0;
    }
    assert_eq!([power_of_two(1024), power_of_two(-1074)], [f64::INFINITY, f64::from_bits(1)]);
    assert_eq!([power_of_two(-1075), power_of_two(i32::MIN)], [0.0, 0.0]);
    assert_eq!([floor_log2(f64::INFINITY), floor_log2(f64::from_bits(1))], [1024, -1074]);
}

/// Every float32 scale is taken as it is: the byte is the rounded product.
#[test]
fn float_scales_are_exact() {
    let mut random = Random::new(3);
    for _ in 0..20000 {
        let scale = random.within(1 << 23, (1 << 24) - 1) as f64 * power_of_two(-random.within(26, 44));
        assert_eq!(f64::from(scale as f32), scale);
        let (mantissa, shift) = mantissa(scale).unwrap();
        let channel = Channel { mantissa, negative_mantissa: mantissa, shift, ..Channel::default() };
        let acc = (random.within(-140, 140) as f64 / scale).clamp(-1e9, 1e9) as i32 + random.within(0, 99);
        // A product below 2^8 with at most 44 fractional bits is exact in a double.
        let want = (f64::from(acc) * scale + 0.5).floor().clamp(-128.0, 127.0);
        assert_eq!(f64::from(post(acc, &channel, None, &PLAIN, None)), want, "{acc} * {scale}");
    }
}

/// Against exact rational arithmetic: floor(x + 1/2) of the real product.
#[test]
fn scale_matches_rationals() {
    let mut random = Random::new(1);
    for _ in 0..20000 {
        let acc = random.within(-1_000_000, 1_000_000);
        let channel = any_channel(&mut random, Half::None);
        let (sum, m) = chosen(acc, &channel);
        let denominator = 1i128 << (u32::from(channel.shift) + 16);
        let exact = (2 * sum * m + denominator).div_euclid(2 * denominator);
        assert_eq!(i128::from(post(acc, &channel, None, &PLAIN, None)), exact.clamp(-128, 127));
    }
}

/// Both modes of an operand, of bytes and of wide values, against exact rational arithmetic: floors
/// at the bits that the module text names, then floor(x + 1/2).
#[test]
fn operands_match_rationals() {
    let mut random = Random::new(7);
    let (mut saturated, mut inside) = ([0; 2], [0; 2]);
    for i in 0..80000 {
        let half = [Half::None, Half::High, Half::None, Half::Low][i / 2 % 4];
        let channel = any_channel(&mut random, half);
        let acc = random.within(-1_000_000, 1_000_000);
        let (zero, mantissa) = (random.bits() as i8, any_mantissa(&mut random));
        let added = OperandScale::addend(zero, mantissa, random.within(0, MAX_SHIFT));
        let by = OperandScale { multiply: i % 2 == 0, ..added };
        let (value, zero) = (random.bits() as i8, random.bits() as i8);
        let shifted = |value: i128, shift: u8, bits: u32| {
            let limit = 1i128 << (bits - 1);
            value.div_euclid(1i128 << shift).clamp(-limit, limit - 1)
        };
        let (sum, m) = chosen(acc, &channel);
        let difference = i128::from(value) - i128::from(by.zero);
        let total = if by.multiply {
            let t = shifted(sum * m, channel.shift, 26);
            let p = shifted(t * difference, by.shift, 28);
            saturated[0] += u32::from(t == (1 << 25) - 1 || t == -(1 << 25));
            saturated[1] += u32::from(p == (1 << 27) - 1 || p == -(1 << 27));
            p
        } else {
            shifted(sum * m, channel.shift, 28) + shifted(difference * i128::from(by.mantissa), by.shift, 28)
        };
        let (lo, hi) = (-(random.bits() as i8 & 127), random.bits() as i8 & 127);
        let post_unit = Post { zero, lo, hi };
        let got = i128::from(post(acc, &channel, Some((value, &by)), &post_unit, None));
        let context = format!("{acc} {channel:?} {value} {by:?} {post_unit:?}");
        if half == Half::None {
            let exact = (2 * (total + (i128::from(zero) << 16)) + (1 << 16)).div_euclid(1 << 17);
            inside[0] += u32::from(by.multiply && (-127..127).contains(&exact) && total != 0);
            assert_eq!(got, exact.clamp(lo.into(), hi.into()), "{context}");
        } else {
            let e = |p: i8| 257 * i128::from(p) + 128;
            let exact = (2 * (total + (e(zero) << 12)) + (1 << 12)).div_euclid(1 << 13);
            inside[1] += u32::from((e(lo)..e(hi)).contains(&exact) && total != 0);
            let exact = exact.clamp(e(lo), e(hi));
            let [high, low] = [exact.div_euclid(256), exact.rem_euclid(256) - 128];
            assert_eq!(got, if half == Half::High { high } else { low }, "{context}");
        }
    }
    assert!(saturated.iter().chain(&inside).all(|n| *n > 1000), "{saturated:?} {inside:?}");
}

#[test]
fn wide_values_are_two_bytes() {
    for value in i16::MIN..=i16::MAX {
        let [high, low] = halves(value);
        assert_eq!(join([high, low]), value);
        assert_eq!(256 * i32::from(high) + i32::from(low) + 128, i32::from(value));
    }
    for byte in i8::MIN..=i8::MAX {
        assert_eq!(i32::from(extend(byte)), 257 * i32::from(byte) + 128);
        assert_eq!(halves(extend(byte)), [byte, byte]);
    }
    assert_eq!((extend(-128), extend(127)), (i16::MIN, i16::MAX));
}

#[test]
fn channel_bytes_round_trip() {
    for half in [Half::None, Half::High, Half::Low] {
        let (mantissa, negative_mantissa) = (MAX_MANTISSA, -MAX_MANTISSA);
        let channel = Channel { bias: -5, mantissa, negative_mantissa, shift: MAX_SHIFT, half };
        assert_eq!(Channel::from_bytes(&channel.to_bytes()), channel);
    }
}
