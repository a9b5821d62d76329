//! GatherND by computed indices: slices of a tensor whose places along its first axes are rows of indices.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit, place};
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

/// Inputs: x (B, E1, .., EK, inner), rows of K indices (B, .., K), of which the axes B, `batch_dims` of them, are common.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "GatherND",
    text: "gather_nd",
    attributes: &[Attribute::new("batch_dims", &[(1, AttributeValue::Integer(0))])],
    inputs: 2..=2,
    whole: &[1],
    steps: |_| true,
    limits: "by constant indices: Gather",
    absent: |_| vec![],
    shape,
    value,
};

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let batch = op.count("batch_dims", 0)?;
    let (x, indices) = (inputs[0], inputs[1]);
    match indices {
        [rows @ .., named]
            if *named > 0 && batch + named <= x.len() && rows.get(..batch) == x.get(..batch) =>
        {
            Ok([rows, &x[batch + named..]].concat())
        }
        _ => misfit(format!("rows of indices {indices:?} do not fit {x:?} with {batch} axes in common")),
    }
}

/// Of a row that lies outside of x no numbers.
fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let batch = usize::try_from(op.integer("batch_dims")).unwrap_or(0);
    let (x, indices) = (inputs[0].as_standard_layout(), &inputs[1]);
    let named = indices.shape()[indices.ndim() - 1];
    let each: usize = indices.shape()[batch..indices.ndim() - 1].iter().product();
    let extents = &inputs[0].shape()[batch..];
    let inner: usize = extents[named..].iter().product();
    let elements: Vec<f32> = indices.iter().copied().collect();
    let mut y = Vec::with_capacity(shape.iter().product());
    for (n, row) in elements.chunks(named).enumerate() {
        let mut along = row.iter().zip(extents);
        let slice = along.try_fold(n / each, |at, (&i, &extent)| Some(at * extent + place(i, extent)?));
        match slice {
            Some(slice) => y.extend(x.iter().skip(slice * inner).take(inner)),
            None => y.extend(std::iter::repeat_n(f32::NAN, inner)),
        }
    }
    ArrayD::from_shape_vec(IxDyn(shape), y).expect("there is a slice for each row")
}
