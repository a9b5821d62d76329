//! Operators that move elements.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::graph::DepthToSpaceMode;

/// Same elements in row-major order, new shape.
pub(super) fn reshape(x: &ArrayViewD<f32>, shape: &[usize]) -> ArrayD<f32> {
    let data: Vec<f32> = x.iter().copied().collect();
    ArrayD::from_shape_vec(IxDyn(shape), data).expect("the rule of Reshape checked the count")
}

/// Output axis i is input axis `perm[i]`.
pub(super) fn transpose(x: &ArrayViewD<f32>, perm: &[usize]) -> ArrayD<f32> {
    let moved = x.view().permuted_axes(IxDyn(perm));
    moved.as_standard_layout().into_owned()
}

/// Moves channel blocks into space, as the reshape-transpose-reshape of the ONNX text.
pub(super) fn depth_to_space(x: &ArrayViewD<f32>, block: usize, mode: DepthToSpaceMode) -> ArrayD<f32> {
    let &[n, c, h, w] = x.shape() else {
        unreachable!("the rule of DepthToSpace checked the rank");
    };
    let depth = c / (block * block);
    let (split, perm) = match mode {
        DepthToSpaceMode::Dcr => ([n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2]),
        DepthToSpaceMode::Crd => ([n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
    };
    let parts = transpose(&reshape(x, &split).view(), &perm);
    reshape(&parts.view(), &[n, depth, h * block, w * block])
}
