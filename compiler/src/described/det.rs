//! Det: determinants of matrices.

use super::{Described, Descriptor, misfit};
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

/// Inputs: x (..., N, N).
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "Det",
    text: "det",
    attributes: &[],
    inputs: 1..=1,
    whole: &[],
    steps: |_| false,
    limits: "",
    absent: |_| vec![],
    shape,
    value,
};

fn shape(_: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    match inputs[0] {
        [batch @ .., rows, columns] if rows == columns => Ok(batch.to_vec()),
        x => misfit(format!("{x:?} are no square matrices")),
    }
}

fn value(_: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let x = &inputs[0];
    let size = x.shape()[x.ndim() - 1];
    let elements: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    let determinants = elements.chunks(size * size).map(|matrix| determinant(matrix.to_vec(), size) as f32);
    ArrayD::from_shape_vec(IxDyn(shape), determinants.collect()).expect("there is one for each matrix")
}

/// By elimination, with the largest element of a column as its pivot.
fn determinant(mut m: Vec<f64>, size: usize) -> f64 {
    let mut product = 1.0;
    for k in 0..size {
        let largest = |a: &usize, b: &usize| m[a * size + k].abs().total_cmp(&m[b * size + k].abs());
        let pivot = (k..size).max_by(largest).unwrap_or(k);
        if m[pivot * size + k] == 0.0 {
            return 0.0;
        }
        if pivot != k {
            product = -product;
            (0..size).for_each(|column| m.swap(k * size + column, pivot * size + column));
        }
        product *= m[k * size + k];
        for row in k + 1..size {
            let factor = m[row * size + k] / m[k * size + k];
            for column in k..size {
                m[row * size + column] -= factor * m[k * size + column];
            }
        }
    }
    product
}
