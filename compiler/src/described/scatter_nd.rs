//! ScatterND at computed indices, or with a reduction at places that are named more than once.

use super::scatter_elements::{REDUCTION, reduced};
use super::{Described, Descriptor, misfit, place};
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

/// Inputs: x (E1, .., EK, inner), rows of K indices (.., K), a slice (.., inner) for each.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "ScatterND",
    text: "scatter_nd",
    attributes: &[REDUCTION],
    inputs: 3..=3,
    whole: &[1],
    steps: |_| true,
    limits: "at constant places that are named once: Slice and Concat, which the machine runs, or Concat and Gather",
    absent: |_| vec![],
    shape,
    value,
};

fn shape(_: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let [x, indices, updates] = [inputs[0], inputs[1], inputs[2]];
    let fits = match indices {
        [rows @ .., named] if (1..=x.len()).contains(named) => updates == [rows, &x[*named..]].concat(),
        _ => false,
    };
    match fits {
        true => Ok(x.to_vec()),
        false => misfit(format!("rows of indices {indices:?} and updates {updates:?} do not fit {x:?}")),
    }
}

/// Of indices of which one lies outside of x no numbers: it might have meant any of them.
fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let reduction = op.word("reduction");
    let named = inputs[1].shape()[inputs[1].ndim() - 1];
    let inner: usize = shape[named..].iter().product();
    let (indices, updates): (Vec<f32>, Vec<f32>) =
        (inputs[1].iter().copied().collect(), inputs[2].iter().copied().collect());
    let mut y: Vec<f32> = inputs[0].iter().copied().collect();
    for (row, updates) in indices.chunks(named).zip(updates.chunks(inner)) {
        let mut along = row.iter().zip(shape);
        let slice = along.try_fold(0, |at, (&i, &extent)| Some(at * extent + place(i, extent)?));
        let Some(slice) = slice else {
            return ArrayD::from_elem(shape, f32::NAN);
        };
        for (y, &update) in y[slice * inner..][..inner].iter_mut().zip(updates) {
            *y = reduced(reduction, *y, update);
        }
    }
    ArrayD::from_shape_vec(IxDyn(shape), y).expect("it has the shape of x")
}
