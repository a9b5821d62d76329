//! The innermost loops, compiled for several instruction sets: the only unsafe code of the crate.
//!
//! All levels compute the same integers: sums wrap at 32 bits, so their order does not matter.

use super::dense::{COLUMNS, Packed, QUAD};
use tilewright_arch::fixed::{
    Channel, FRACTION, Half, MULTIPLICAND_BITS, Post, SCALED_BITS, WIDE_FRACTION, extend,
};
use tilewright_arch::processor::Level;

/// The second operand of [`post`], a value for each sum.
#[derive(Clone, Copy, Debug)]
pub enum Operands<'a> {
    /// There is none.
    None,
    /// Scaled, to be added.
    Add(&'a [i32]),
    /// Less its zero point, to be multiplied; and the shift of the product.
    Multiply(&'a [i32], u8),
}

/// Calls `$body` compiled for the level. A level above the processor's is not a safety hole:
/// [`Level::best`] caps it.
macro_rules! dispatch {
    ($level:expr, $portable:ident, $avx2:ident, $vnni:ident, ($($argument:expr),*)) => {{
        #[cfg(target_arch = "x86_64")]
        {
            let level = $level.min(Level::best());
            // SAFETY: `Level::best` found the features that these functions are compiled for.
            match level {
                Level::Vnni => return unsafe { x86::$vnni($($argument),*) },
                Level::Avx2 => return unsafe { x86::$avx2($($argument),*) },
                Level::Portable => {}
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = $level;
        $portable($($argument),*)
    }};
}

/// `sums[pixel][column]` = dot product of gathered bytes (less their offset of 128) and weights.
pub fn dense(level: Level, gathered: &[u8], pixels: usize, packed: &Packed, sums: &mut [i32]) {
    assert_eq!(gathered.len(), packed.quads * pixels * QUAD);
    assert_eq!(packed.bytes.len(), packed.quads * packed.columns * QUAD);
    assert_eq!(sums.len(), pixels * packed.columns);
    assert!(packed.columns.is_multiple_of(COLUMNS) && packed.correction.len() == packed.columns);
    dispatch!(level, dense_body, dense_avx2, dense_vnni, (gathered, pixels, packed, sums))
}

/// `sums[i] += 256 * high[i]`: the sums of high halves to those of low ones.
pub fn widen(level: Level, high: &[i32], sums: &mut [i32]) {
    dispatch!(level, widen_body, widen_avx2, widen_vnni, (high, sums))
}

/// `sums[i] += values[i] * weight`; the values are signed bytes.
pub fn axpy(level: Level, values: &[u8], weight: i8, sums: &mut [i32]) {
    dispatch!(level, axpy_body, axpy_avx2, axpy_vnni, (values, weight, sums))
}

/// `sums[i] = max(sums[i], values[i])`; the values are signed bytes.
pub fn maximum(level: Level, values: &[u8], sums: &mut [i32]) {
    dispatch!(level, maximum_body, maximum_avx2, maximum_vnni, (values, sums))
}

/// `out[4 * i + j] = lines[j][i] ^ flip`.
pub fn interleave(level: Level, lines: [&[u8]; QUAD], flip: u8, out: &mut [u8]) {
    dispatch!(level, interleave_body, interleave_avx2, interleave_vnni, (lines, flip, out))
}

/// Adds the signed bytes of four lines to `sums`.
pub fn add(level: Level, lines: [&[u8]; QUAD], sums: &mut [i32]) {
    dispatch!(level, add_body, add_avx2, add_vnni, (lines, sums))
}

/// Scales, adds or multiplies the operands, rounds and clamps: [`tilewright_arch::fixed::post`] without table.
pub fn post(level: Level, sums: &[i32], channel: &Channel, operands: Operands, post: &Post, out: &mut [u8]) {
    dispatch!(level, post_body, post_avx2, post_vnni, (sums, channel, operands, post, out))
}

#[inline(always)]
fn dense_body(gathered: &[u8], pixels: usize, packed: &Packed, sums: &mut [i32]) {
    for row in sums.chunks_exact_mut(packed.columns) {
        row.copy_from_slice(&packed.correction);
    }
    let mut wide = [[0i16; COLUMNS]; QUAD];
    for first in (0..packed.columns).step_by(COLUMNS) {
        for quad in 0..packed.quads {
            let weights = &packed.bytes[(quad * packed.columns + first) * QUAD..][..COLUMNS * QUAD];
            for (j, wide) in wide.iter_mut().enumerate() {
                wide.iter_mut()
                    .zip(weights[j..].iter().step_by(QUAD))
                    .for_each(|(w, &b)| *w = i16::from(b as i8));
            }
            let bytes = gathered[quad * pixels * QUAD..][..pixels * QUAD].chunks_exact(QUAD);
            for (bytes, row) in bytes.zip(sums.chunks_exact_mut(packed.columns)) {
                let row: &mut [i32] = &mut row[first..first + COLUMNS];
                for (sum, c) in row.iter_mut().zip(0..COLUMNS) {
                    let product = |j: usize| i32::from(bytes[j]) * i32::from(wide[j][c]);
                    let total = (product(0) + product(1)) + (product(2) + product(3));
                    *sum = sum.wrapping_add(total);
                }
            }
        }
    }
}

#[inline(always)]
fn widen_body(high: &[i32], sums: &mut [i32]) {
    for (sum, &high) in sums.iter_mut().zip(high) {
        *sum = sum.wrapping_add(high.wrapping_mul(256));
    }
}

#[inline(always)]
fn axpy_body(values: &[u8], weight: i8, sums: &mut [i32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = sum.wrapping_add(i32::from(i16::from(value as i8) * i16::from(weight)));
    }
}

#[inline(always)]
fn maximum_body(values: &[u8], sums: &mut [i32]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = (*sum).max(i32::from(value as i8));
    }
}

#[inline(always)]
fn interleave_body([a, b, c, d]: [&[u8]; QUAD], flip: u8, out: &mut [u8]) {
    let flip = u32::from_le_bytes([flip; QUAD]);
    let lines = a.iter().zip(b).zip(c.iter().zip(d));
    for (out, ((&a, &b), (&c, &d))) in out.chunks_exact_mut(QUAD).zip(lines) {
        let quad = u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16 | u32::from(d) << 24;
        out.copy_from_slice(&(quad ^ flip).to_le_bytes());
    }
}

#[inline(always)]
fn add_body([a, b, c, d]: [&[u8]; QUAD], sums: &mut [i32]) {
    let lines = a.iter().zip(b).zip(c.iter().zip(d));
    for (sum, ((&a, &b), (&c, &d))) in sums.iter_mut().zip(lines) {
        let [a, b, c, d] = [a, b, c, d].map(|byte| i16::from(byte as i8));
        *sum = sum.wrapping_add(i32::from(a + b + c + d));
    }
}

#[inline(always)]
fn post_body(sums: &[i32], channel: &Channel, operands: Operands, post: &Post, out: &mut [u8]) {
    // Each kind of byte has a loop of its own, with its shifts as constants.
    let own = |p: i8| i32::from(if channel.half == Half::None { i16::from(p) } else { extend(p) });
    let limits = [post.zero, post.lo, post.hi].map(own);
    match channel.half {
        Half::None => post_loop::<FRACTION>(sums, channel, operands, limits, out, |y| y as u8),
        Half::High => {
            post_loop::<WIDE_FRACTION>(sums, channel, operands, limits, out, |y| (y >> 8) as u8);
        }
        Half::Low => {
            post_loop::<WIDE_FRACTION>(sums, channel, operands, limits, out, |y| y as u8 ^ 0x80);
        }
    }
}

/// `BITS` are the fractional bits of what is scaled, `limits` zero point and clamps; `byte` is the one of
/// a clamped value that is made.
#[inline(always)]
fn post_loop<const BITS: u32>(
    sums: &[i32],
    channel: &Channel,
    operands: Operands,
    [zero, lo, hi]: [i32; 3],
    out: &mut [u8],
    byte: impl Fn(i32) -> u8,
) {
    let offset = (zero << BITS) + (1 << (BITS - 1));
    let saturate = |value: i64, bits: u32| {
        let limit = 1i64 << (bits - 1);
        value.clamp(-limit, limit - 1) as i32
    };
    let scale = |sum: i32, bits: u32| {
        let sum = sum.wrapping_add(channel.bias);
        let mantissa = if sum < 0 { channel.negative_mantissa } else { channel.mantissa };
        saturate((i64::from(sum) * i64::from(mantissa)) >> channel.shift, bits)
    };
    let finish = |scaled: i32| {
        let y = (scaled + offset) >> BITS;
        // The low clamp wins when lo > hi, as in the contract.
        byte(if y < lo { lo } else { y.min(hi) })
    };
    match operands {
        Operands::None => {
            out.iter_mut().zip(sums).for_each(|(o, &s)| *o = finish(scale(s, SCALED_BITS)));
        }
        Operands::Add(terms) => {
            let pairs = sums.iter().zip(terms);
            out.iter_mut().zip(pairs).for_each(|(o, (&s, &u))| *o = finish(scale(s, SCALED_BITS) + u));
        }
        Operands::Multiply(factors, shift) => {
            let product =
                |s: i32, factor: i32| (i64::from(scale(s, MULTIPLICAND_BITS)) * i64::from(factor)) >> shift;
            let pairs = sums.iter().zip(factors);
            out.iter_mut()
                .zip(pairs)
                .for_each(|(o, (&s, &u))| *o = finish(saturate(product(s, u), SCALED_BITS)));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::*;

    macro_rules! compiled {
        ($features:literal; $($name:ident = $body:ident($($argument:ident: $type:ty),*);)*) => {
            $(
                #[target_feature(enable = $features)]
                pub fn $name($($argument: $type),*) {
                    $body($($argument),*)
                }
            )*
        };
    }

    compiled! { "avx2";
        dense_avx2 = dense_body(gathered: &[u8], pixels: usize, packed: &Packed, sums: &mut [i32]);
        widen_avx2 = widen_body(high: &[i32], sums: &mut [i32]);
        axpy_avx2 = axpy_body(values: &[u8], weight: i8, sums: &mut [i32]);
        maximum_avx2 = maximum_body(values: &[u8], sums: &mut [i32]);
        interleave_avx2 = interleave_body(lines: [&[u8]; QUAD], flip: u8, out: &mut [u8]);
        add_avx2 = add_body(lines: [&[u8]; QUAD], sums: &mut [i32]);
        post_avx2 = post_body(sums: &[i32], channel: &Channel, operands: Operands, post: &Post, out: &mut [u8]);
    }

    compiled! { "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni";
        widen_vnni = widen_body(high: &[i32], sums: &mut [i32]);
        axpy_vnni = axpy_body(values: &[u8], weight: i8, sums: &mut [i32]);
        maximum_vnni = maximum_body(values: &[u8], sums: &mut [i32]);
        interleave_vnni = interleave_body(lines: [&[u8]; QUAD], flip: u8, out: &mut [u8]);
        add_vnni = add_body(lines: [&[u8]; QUAD], sums: &mut [i32]);
        post_vnni = post_body(sums: &[i32], channel: &Channel, operands: Operands, post: &Post, out: &mut [u8]);
    }

    /// Pixels whose sums are kept in registers together.
    const PIXELS: usize = 12;

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub fn dense_vnni(gathered: &[u8], pixels: usize, packed: &Packed, sums: &mut [i32]) {
        for first in (0..packed.columns).step_by(COLUMNS) {
            let mut pixel = 0;
            while pixel + PIXELS <= pixels {
                pixels_vnni::<PIXELS>(gathered, pixels, pixel, packed, first, sums);
                pixel += PIXELS;
            }
            while pixel + 4 <= pixels {
                pixels_vnni::<4>(gathered, pixels, pixel, packed, first, sums);
                pixel += 4;
            }
            while pixel < pixels {
                pixels_vnni::<1>(gathered, pixels, pixel, packed, first, sums);
                pixel += 1;
            }
        }
    }

    /// Sums of N pixels and 16 columns.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn pixels_vnni<const N: usize>(
        gathered: &[u8],
        pixels: usize,
        pixel: usize,
        packed: &Packed,
        first: usize,
        sums: &mut [i32],
    ) {
        let load = |values: &[i32]| {
            assert!(values.len() >= COLUMNS);
            // SAFETY: sixteen values are there.
            unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
        };
        let mut totals = [load(&packed.correction[first..]); N];
        let lines = gathered.chunks_exact(pixels * QUAD);
        let words = packed.bytes.chunks_exact(packed.columns * QUAD);
        for (line, words) in lines.zip(words) {
            let words = &words[first * QUAD..][..COLUMNS * QUAD];
            let line = &line[pixel * QUAD..][..N * QUAD];
            // SAFETY: `words` has 64 bytes.
            let weights = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
            for (i, total) in totals.iter_mut().enumerate() {
                let quad = [line[i * QUAD], line[i * QUAD + 1], line[i * QUAD + 2], line[i * QUAD + 3]];
                *total = _mm512_dpbusd_epi32(*total, _mm512_set1_epi32(i32::from_le_bytes(quad)), weights);
            }
        }
        for (i, total) in totals.into_iter().enumerate() {
            let row = &mut sums[(pixel + i) * packed.columns + first..][..COLUMNS];
            // SAFETY: `row` has sixteen values.
            unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), total) }
        }
    }
}
