//! Products of two activations on the array: one is gathered, the other becomes weights by way of
//! external memory.
//!
//! Weight word k of column group g holds the factors (k, g * columns + c). The zero point of the
//! gathered tensor cannot be folded into a bias, for the factors are not known: where it is not
//! zero, every tile runs a second time over the same weights with all rows outside of the input, so
//! that it gathers `-zero`, the padding, and sums what the zero point added up to.

use super::pack::WeightWords;
use super::{Columns, Factors, Job, Part, columns};
use crate::error::Result;
use crate::fixed::View;
use tilewright_arch::instr::{Step, Unit};

/// Tile operations of the product with `weights`, as many columns at a time as fit half the weight
/// memory.
pub(super) fn parts(job: &Job, weights: &View) -> Result<Vec<Part>> {
    let config = job.config;
    let [reduction, _, channels] = weights.shape;
    let passes = if job.zero() == 0 { 1 } else { 2 };
    let words = reduction * passes;
    if words > config.weight_words {
        return Err(job
            .refuse(format!(
                "a product over {reduction} elements needs {words} weight words, the machine has {}",
                config.weight_words
            ))
            .hint(format!("weight_words = {words} or more")));
    }
    if job.node.place.depth_to_space.0 > 1 {
        return Err(job.refuse("DepthToSpace directly after a product of two activations is not supported"));
    }
    let most = (config.weight_words / 2 / words).max(1) * config.columns;
    let most = most.min(job.most_channels().next_multiple_of(config.columns));
    let part = |first: usize| {
        let range = first..(first + most).min(channels);
        let columns = columns::plain(range.clone(), job.at.output.plane, config.columns);
        one(job, reduction, passes, &columns, range)
    };
    Ok((0..channels).step_by(most).map(part).collect())
}

fn one(job: &Job, reduction: usize, passes: usize, columns: &Columns, range: std::ops::Range<usize>) -> Part {
    let input = job.at.input;
    // Far enough that no row of the second pass is inside.
    let away = input.shape[1] as i64;
    let steps = [
        Step { count: passes, address: 0, y: away, x: 0 },
        Step { count: reduction, address: input.plane as i64, y: 0, x: 0 },
        Step { count: 1, ..Step::default() },
    ];
    Part {
        unit: Unit::Compute,
        op: job.dense_op(columns, steps, job.input(0, 1, job.zero().wrapping_neg())),
        weights: WeightWords::default(),
        channels: range.clone().map(|c| job.channel(c)).collect(),
        macs: (range.len() * reduction * job.rows.len() * job.width()) as u64,
        factors: Some(Factors { channels: range, passes }),
    }
}
