//! ReverseSequence: the first steps of each sequence of a batch in the reverse order.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit};
use crate::error::Result;
use ndarray::{ArrayD, ArrayViewD};

/// Inputs: x of rank 2 and more, the length (N) of each sequence.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "ReverseSequence",
    text: "reverse_sequence",
    attributes: &[
        Attribute::new("batch_axis", &[(1, AttributeValue::Integer(1))]),
        Attribute::new("time_axis", &[(1, AttributeValue::Integer(0))]),
    ],
    inputs: 2..=2,
    whole: &[1],
    steps: |_| true,
    limits: "",
    absent: |_| vec![],
    shape,
    value,
};

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let (batch, time) = (op.count("batch_axis", 0)?, op.count("time_axis", 0)?);
    let x = inputs[0];
    if batch == time || batch.max(time) > 1 || x.len() < 2 || inputs[1] != [x[batch]] {
        return misfit(format!(
            "lengths {:?} along axis {batch}, of steps along axis {time}, do not fit {x:?}",
            inputs[1]
        ));
    }
    Ok(x.to_vec())
}

fn value(op: &Described, inputs: &[ArrayViewD<f32>], _: &[usize]) -> ArrayD<f32> {
    let (x, lengths) = (&inputs[0], &inputs[1]);
    let [batch, time] = ["batch_axis", "time_axis"].map(|name| usize::from(op.integer(name) == 1));
    let mut y = x.to_owned();
    for (place, y) in y.indexed_iter_mut() {
        let (mut from, length) = (place.clone(), lengths[[place[batch]]] as usize);
        if place[time] < length.min(x.shape()[time]) {
            from[time] = length.min(x.shape()[time]) - 1 - place[time];
        }
        *y = x[from];
    }
    y
}
