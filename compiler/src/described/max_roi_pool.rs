//! MaxRoiPool: the largest elements of the cells of regions of images.
//!
//! R. Girshick, "Fast R-CNN", 2015; rounding as in ONNX Runtime.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit};
use crate::error::Result;
use ndarray::{ArrayD, ArrayView2, ArrayViewD, IxDyn, s};
use std::borrow::Cow;

/// Inputs: x (N,C,H,W), regions (R,5): the image's number, left, top, right and bottom.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "MaxRoiPool",
    text: "roi_pool",
    attributes: &[
        Attribute::new("pooled_shape", &[(1, AttributeValue::Integers(Cow::Borrowed(&[])))]),
        Attribute::new("spatial_scale", &[(1, AttributeValue::Real(1.0))]),
    ],
    inputs: 2..=2,
    whole: &[],
    steps: |_| true,
    limits: "",
    absent: |_| vec![],
    shape,
    value,
};

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let [rows, columns] = op.counts("pooled_shape", 1)?;
    match (inputs[0], inputs[1]) {
        (&[_, channels, _, _], &[regions, 5]) => Ok(vec![regions, channels, rows, columns]),
        (x, regions) => misfit(format!("regions {regions:?} do not fit images {x:?}")),
    }
}

fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let (x, regions) = (&inputs[0], &inputs[1]);
    let scale = op.real("spatial_scale");
    let mut y = ArrayD::zeros(IxDyn(shape));
    for (place, y) in y.indexed_iter_mut() {
        let at = |i: usize| regions[[place[0], i]];
        if !(0.0..x.shape()[0] as f32).contains(&at(0)) {
            *y = f32::NAN;
            continue;
        }
        let image: ArrayView2<f32> = x.slice(s![at(0) as usize, place[1], .., ..]);
        // Rows, or columns, of a cell.
        let cell = |first: usize, index: usize, cells: usize, extent: usize| {
            let (start, end) = ((at(first) * scale).round(), (at(first + 2) * scale).round());
            let size = (end - start + 1.0).max(1.0) / cells as f32;
            let inside = |v: f32| (v + start).clamp(0.0, extent as f32) as usize;
            inside((index as f32 * size).floor())..inside(((index + 1) as f32 * size).ceil())
        };
        let rows = cell(2, place[2], shape[2], image.nrows());
        let columns = cell(1, place[3], shape[3], image.ncols());
        let pixels = rows.flat_map(|row| columns.clone().map(move |column| [row, column]));
        *y = pixels.map(|at| image[at]).reduce(f32::max).unwrap_or(0.0);
    }
    y
}
