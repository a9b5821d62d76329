//! Fourier transforms of a length that is known: DFT is a product with a matrix, STFT a convolution.

use super::call::Call;
use super::shape::axis;
use crate::error::Result;
use crate::float::math;
use crate::graph::{MAX_ELEMENTS, Op, ValueId, Window};
use crate::memory;
use std::f64::consts::TAU;

/// Cosine and sine of a step of a transform.
fn turn(n: usize, length: usize) -> (f64, f64) {
    let angle = TAU * (n % length) as f64 / length as f64;
    (math::cos(angle), math::sin(angle))
}

/// The length that an input states.
fn stated(call: &Call, input: usize) -> Result<Option<usize>> {
    if !call.has(input) {
        return Ok(None);
    }
    let given = call.integer_tensor(input)?.1;
    match given[..] {
        [n] if (1..=MAX_ELEMENTS as i64).contains(&n) => Ok(Some(n as usize)),
        _ => Err(call.error(format!("input {input}, {given:?}, is not one length"))),
    }
}

/// DFT along an axis of numbers whose last axis has their real and, perhaps, imaginary parts.
pub(super) fn dft(call: &mut Call) -> Result<()> {
    call.arity(1..=if call.opset() >= 20 { 3 } else { 2 })?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let value = match call.opset() {
        ..20 => call.int("axis", 1)?,
        _ if call.has(2) => call.integer_tensor(2)?.1.first().copied().unwrap_or(-2),
        _ => -2,
    };
    let along = axis(call, value, shape.len())?;
    let last = shape.len() - 1;
    let parts = shape[last];
    if along == last || !(1..=2).contains(&parts) {
        return Err(call.error(format!("{shape:?} are no real or complex numbers along axis {along}")));
    }
    let (inverse, half) = (call.flag("inverse", false)?, call.flag("onesided", false)?);
    if half && (inverse || parts == 2) {
        let message = "is 1, which is of transforms of real numbers alone";
        return call.refuse("onesided", message);
    }
    let extent = shape[along];
    let length = stated(call, 1)?.unwrap_or(extent);
    let kept = if half { length / 2 + 1 } else { length };
    memory::check(
        16 * (extent as u64 * parts as u64).saturating_mul(kept as u64),
        "the matrix of its waves",
    )?;
    let (sign, scale) = if inverse { (1.0, 1.0 / length as f64) } else { (-1.0, 1.0) };
    let mut matrix = Vec::with_capacity(extent * parts * kept * 2);
    for row in 0..extent * parts {
        let (n, imaginary) = (row / parts, row % parts == 1);
        for k in 0..kept {
            // What is longer than the transform is left out.
            let (cos, sin) = if n < length { turn(n * k, length) } else { (0.0, 0.0) };
            let sin = sign * sin;
            let pair = if imaginary { [-sin, cos] } else { [cos, sin] };
            matrix.extend(pair.map(|x| (x * scale) as f32));
        }
    }
    let matrix = call.floats_value(&[extent * parts, kept * 2], matrix)?;
    // The axis beside the parts, with which it is one.
    let mut perm: Vec<usize> = (0..last).filter(|&a| a != along).collect();
    let outer: Vec<usize> = perm.iter().map(|&a| shape[a]).collect();
    perm.extend([along, last]);
    let turned = transposed(call, x, &perm)?;
    let rows = call.reshaped(turned, &[outer.iter().product(), extent * parts])?;
    let y = call.apply(Op::MatMul, &[rows, matrix])?;
    let y = call.reshaped(y, &[outer, vec![kept, 2]].concat())?;
    let mut back = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    let y = transposed(call, y, &back)?;
    call.result(y)
}

/// STFT of real signals: a convolution with the waves of all frequencies, times the window.
pub(super) fn stft(call: &mut Call) -> Result<()> {
    call.arity(2..=4)?;
    let (x, shape) = (call.value(0)?, call.shape(0)?);
    let ([batch, samples] | [batch, samples, 1]) = shape[..] else {
        return Err(call.error(format!("{shape:?} are no real signals (N, L) or (N, L, 1)")));
    };
    let half = call.flag("onesided", true)?;
    let step = stated(call, 1)?.unwrap_or(1);
    let window = if call.has(2) { Some(call.float_list(2)?) } else { None };
    let length = stated(call, 3)?.or(window.as_ref().map(Vec::len));
    let Some(length) = length.filter(|&n| n <= samples) else {
        return Err(call.error(format!("frames of {length:?} samples do not fit {samples}")));
    };
    let window = window.unwrap_or_else(|| vec![1.0; length]);
    if window.len() != length {
        return Err(call.error(format!("a window of {} does not fit frames of {length}", window.len())));
    }
    let kept = if half { length / 2 + 1 } else { length };
    memory::check(16 * (length as u64).saturating_mul(kept as u64), "its waves")?;
    let mut waves = Vec::with_capacity(2 * kept * length);
    for row in 0..2 * kept {
        let wave = |(n, w): (usize, &f32)| {
            let (cos, sin) = turn(row / 2 * n, length);
            (f64::from(*w) * if row % 2 == 1 { -sin } else { cos }) as f32
        };
        waves.extend(window.iter().enumerate().map(wave));
    }
    let waves = call.floats_value(&[2 * kept, 1, 1, length], waves)?;
    let signal = call.reshaped(x, &[batch, 1, 1, samples])?;
    let window = Window { kernel: [1, length], stride: [1, step], ..Window::UNIT };
    let y = call.apply(Op::Conv { window, groups: 1 }, &[signal, waves])?;
    let frames = call.shape_of(y)[3];
    let y = call.reshaped(y, &[batch, kept, 2, frames])?;
    call.emit(Op::Transpose { perm: vec![0, 3, 1, 2] }, &[y])
}

fn transposed(call: &mut Call, x: ValueId, perm: &[usize]) -> Result<ValueId> {
    match perm.is_sorted() {
        true => Ok(x),
        false => call.apply(Op::Transpose { perm: perm.to_vec() }, &[x]),
    }
}
