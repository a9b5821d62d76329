//! How far results lie apart.

use ndarray::ArrayD;

/// Largest difference of two elements, relative to the largest element of their output; infinite where
/// shapes differ or something is no number in one of them alone.
pub fn difference(ours: &[ArrayD<f32>], theirs: &[ArrayD<f32>]) -> f32 {
    if ours.len() != theirs.len() {
        return f32::INFINITY;
    }
    ours.iter().zip(theirs).map(|(a, b)| difference_of(a, b, largest(a))).fold(0.0, f32::max)
}

/// [`difference`] of one output, relative to `scale`.
pub fn difference_of(ours: &ArrayD<f32>, theirs: &ArrayD<f32>, scale: f32) -> f32 {
    if ours.shape() != theirs.shape() {
        return f32::INFINITY;
    }
    let apart = |(&a, &b): (&f32, &f32)| match (a - b).abs() / scale.max(f32::MIN_POSITIVE) {
        _ if a == b || a.is_nan() && b.is_nan() => 0.0,
        d if d.is_nan() => f32::INFINITY,
        d => d,
    };
    ours.iter().zip(theirs).map(apart).fold(0.0, f32::max)
}

/// Largest magnitude in an array.
pub fn largest(array: &ArrayD<f32>) -> f32 {
    array.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// Whether two lists of outputs are the same in shape and in every bit but the sign of zeros: a choice by a constant
/// condition is imported as a sum, where -0 and 0 are 0.
pub fn same_numbers(a: &[ArrayD<f32>], b: &[ArrayD<f32>]) -> bool {
    let same = |(a, b): (&ArrayD<f32>, &ArrayD<f32>)| {
        a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a == b || a.to_bits() == b.to_bits())
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}
