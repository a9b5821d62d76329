//! Between real numbers and the whole numbers of quantised models.

use ndarray::{ArrayD, ArrayViewD, Axis, Zip};

use crate::graph::Integer;

/// A parameter with axes of extent 1 behind its own, so that it broadcasts along the right axis of x.
fn aligned(parameter: &ArrayViewD<f32>, axis: Option<usize>, rank: usize) -> ArrayD<f32> {
    let mut parameter = parameter.to_owned();
    for _ in axis.map_or(rank, |axis| axis + 1)..rank {
        let last = Axis(parameter.ndim());
        parameter = parameter.insert_axis(last);
    }
    parameter
}

/// For each element of x its own scale and zero point.
fn apply(x: &[ArrayViewD<f32>], axis: Option<usize>, f: impl Fn(f32, f32, f32) -> f32) -> ArrayD<f32> {
    let (scale, zero) = (aligned(&x[1], axis, x[0].ndim()), aligned(&x[2], axis, x[0].ndim()));
    let mut y = x[0].to_owned();
    let full = |p: &'_ ArrayD<f32>| p.broadcast(y.raw_dim()).expect("the rule checked the shapes").to_owned();
    let (scale, zero) = (full(&scale), full(&zero));
    Zip::from(&mut y).and(&scale).and(&zero).for_each(|y, &scale, &zero| *y = f(*y, scale, zero));
    y
}

/// x / scale to the nearest whole number, halves to even, plus the zero point, saturated.
pub(super) fn quantize(x: &[ArrayViewD<f32>], integer: Integer, axis: Option<usize>) -> ArrayD<f32> {
    let (least, most) = integer.range();
    // The division is rounded to float32, as the standard's is; the sum is exact.
    apply(x, axis, |x, scale, zero| {
        let q = f64::from((x / scale).round_ties_even()) + f64::from(zero);
        q.clamp(least as f64, most as f64) as f32
    })
}

/// (x - zero point) * scale.
pub(super) fn dequantize(x: &[ArrayViewD<f32>], axis: Option<usize>) -> ArrayD<f32> {
    apply(x, axis, |x, scale, zero| (x - zero) * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn halves_go_to_even_and_the_range_saturates() {
        let x = arr1(&[0.5, 1.5, -0.5, -2.5, 1e9, -1e9, 0.0]).into_dyn();
        let (scale, zero) = (ndarray::arr0(1.0f32).into_dyn(), ndarray::arr0(10.0f32).into_dyn());
        let views = [x.view(), scale.view(), zero.view()];
        let y = quantize(&views, Integer::Uint8, None);
        assert_eq!(y, arr1(&[10.0, 12.0, 10.0, 8.0, 255.0, 0.0, 10.0]).into_dyn());
        let y = quantize(&views, Integer::Int8, None);
        assert_eq!(y, arr1(&[10.0, 12.0, 10.0, 8.0, 127.0, -128.0, 10.0]).into_dyn());
    }

    #[test]
    fn each_index_of_the_axis_has_its_own_scale() {
        let x = ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).into_dyn();
        let (scale, zero) = (arr1(&[1.0, 0.5, 2.0]).into_dyn(), arr1(&[0.0, 1.0, 4.0]).into_dyn());
        let y = dequantize(&[x.view(), scale.view(), zero.view()], Some(0));
        assert_eq!(y, ndarray::arr2(&[[1.0, 2.0], [1.0, 1.5], [2.0, 4.0]]).into_dyn());
        let (scale, zero) = (arr1(&[1.0, 2.0]).into_dyn(), arr1(&[1.0, 0.0]).into_dyn());
        let y = dequantize(&[x.view(), scale.view(), zero.view()], Some(1));
        assert_eq!(y, ndarray::arr2(&[[0.0, 4.0], [2.0, 8.0], [4.0, 12.0]]).into_dyn());
    }
}
