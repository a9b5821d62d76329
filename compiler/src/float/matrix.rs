//! Matrix products.

use ndarray::{ArrayD, ArrayView2, ArrayViewD, Ix2, IxDyn, s};

use super::gemm::{add_product, product};

/// alpha * a * b + beta * c, each of a and b possibly stored transposed.
pub(super) fn gemm(
    x: &[ArrayViewD<f32>],
    [alpha, beta]: [f32; 2],
    transposed: [bool; 2],
    shape: &[usize],
) -> ArrayD<f32> {
    let matrix = |i: usize| -> ArrayView2<f32> {
        let view = x[i].view();
        let view = view.into_dimensionality::<Ix2>().expect("the rule of Gemm checked the ranks");
        if transposed[i] { view.reversed_axes() } else { view }
    };
    let mut y = product(matrix(0), matrix(1));
    if alpha != 1.0 {
        y *= alpha;
    }
    if let Some(c) = x.get(2) {
        let c = c.broadcast(IxDyn(shape)).expect("the rule of Gemm checked the addend");
        let c = c.into_dimensionality::<Ix2>().expect("shape has rank 2");
        y.scaled_add(beta, &c);
    }
    y.into_dyn()
}

/// numpy's matmul: vectors are rows on the left and columns on the right, leading axes broadcast.
pub(super) fn matmul(a: &ArrayViewD<f32>, b: &ArrayViewD<f32>, shape: &[usize]) -> ArrayD<f32> {
    let row = a.ndim() == 1;
    let column = b.ndim() == 1;
    let lift = |x: &ArrayViewD<f32>, axis| x.to_owned().insert_axis(ndarray::Axis(axis));
    let a = if row { lift(a, 0) } else { a.to_owned() };
    let b = if column { lift(b, 1) } else { b.to_owned() };
    let matrix = |x: &ArrayD<f32>| (x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1]);
    let ((m, k), (_, n)) = (matrix(&a), matrix(&b));
    let batch = &shape[..shape.len() - usize::from(!row) - usize::from(!column)];
    let count: usize = batch.iter().product();
    let stack = |x: &ArrayD<f32>, (rows, columns): (usize, usize)| {
        let full = [batch, &[rows, columns]].concat();
        let x = x.broadcast(IxDyn(&full)).expect("the rule of MatMul checked the batches");
        let x = x.as_standard_layout().into_owned();
        x.into_shape_with_order((count, rows, columns)).expect("standard layout reshapes")
    };
    let (a, b) = (stack(&a, (m, k)), stack(&b, (k, n)));
    let mut y = ndarray::Array3::<f32>::zeros((count, m, n));
    for i in 0..count {
        add_product(a.slice(s![i, .., ..]), b.slice(s![i, .., ..]), y.slice_mut(s![i, .., ..]));
    }
    y.into_shape_with_order(IxDyn(shape)).expect("a fresh array reshapes")
}
