//! TopK.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Zip};

/// The first elements of each line along `axis` in their order, or their indices; `shape` says how many.
pub(super) fn top(
    x: &ArrayViewD<f32>,
    axis: usize,
    largest: bool,
    indices: bool,
    shape: &[usize],
) -> ArrayD<f32> {
    let mut y = ArrayD::zeros(IxDyn(shape));
    Zip::from(x.lanes(Axis(axis))).and(y.lanes_mut(Axis(axis))).for_each(|x, mut y| {
        let mut order: Vec<usize> = (0..x.len()).collect();
        // Stable: the first of equals stays first.
        let key = |i: usize| x[i] + 0.0; // -0 equals 0
        order.sort_by(|&a, &b| if largest { key(b).total_cmp(&key(a)) } else { key(a).total_cmp(&key(b)) });
        for (y, &i) in y.iter_mut().zip(&order) {
            *y = if indices { i as f32 } else { x[i] };
        }
    });
    y
}
