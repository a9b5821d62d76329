//! Weights and biases: what their integers stand for, near the source's numbers, and what the
//! differences make of an input.

use super::intervals::FACTOR;
use super::window::convolve;
use super::{Checked, What};
use crate::claims::RealWeights;
use crate::fixed::{FixedNode, Reduction, Tensor};
use tilewright_arch::fixed::{Half, power_of_two};

/// Steps by which rounding may move a weight that is not clipped: half a step where each goes to its
/// nearest integer, more where later ones make up for earlier ones.
pub(super) const WEIGHT_STEPS: f64 = 4.0;
/// Steps from one end of a byte's range to the other, less what 24 bits may lose.
const ALL_STEPS: f64 = 255.0 * (1.0 - FACTOR);
/// What float64 may lose where an exact multiple is expected, in steps.
const SLACK: f64 = 1e-3;

/// What was found of one node's parameters.
#[derive(Default)]
pub(super) struct Differences {
    /// Stored weight less the source's.
    weights: Vec<f64>,
    /// Stored bias less the source's, by output channel.
    bias: Vec<f64>,
    pub clipped: usize,
    pub largest_steps: f64,
}

/// Holds the integers of a node against the numbers that they claim to stand for. `from` is the tensor
/// that is multiplied, `step` the real value of what the post unit rounds to.
pub(super) fn compare(
    node: &FixedNode,
    from: &Tensor,
    step: f64,
    claim: &RealWeights,
) -> Checked<Differences> {
    let Reduction::Conv { weights, groups } = &node.reduction else {
        return Err(What::Claim { message: "weights are claimed for an operation that has none".into() });
    };
    let outputs = claim.bias.len();
    let one_each = claim.weights.len() == weights.len() && claim.scales.len() == outputs;
    if !one_each || *groups != claim.groups || node.channels.len() != outputs && node.channels.len() != 1 {
        return Err(What::Claim { message: "weights are claimed of another shape".into() });
    }
    let terms = weights.len() / outputs;
    let scale_in = f64::from(from.scale);
    let mut found = Differences { weights: Vec::with_capacity(weights.len()), ..Differences::default() };
    for o in 0..outputs {
        let scale = claim.scales[o];
        let own = &weights[o * terms..(o + 1) * terms];
        for (k, (&stored, &source)) in own.iter().zip(&claim.weights[o * terms..]).enumerate() {
            let (number, source) = (f64::from(stored) * scale, f64::from(source));
            let steps = if scale > 0.0 { source / scale } else { 0.0 };
            let distance = (steps - f64::from(stored)).abs();
            let end = stored.unsigned_abs() == 127 && steps.abs() > 127.0 && (steps > 0.0) == (stored > 0);
            if end {
                found.clipped += 1;
            } else if distance.is_nan() || distance > WEIGHT_STEPS {
                let name = format!("weight {k} of channel {o}");
                return Err(What::Parameter { name, source, stored: number, step: scale });
            } else {
                found.largest_steps = found.largest_steps.max(distance);
            }
            found.weights.push(number - source);
        }
        let unit = scale_in * scale;
        let channel = node.channels[if node.channels.len() == 1 { 0 } else { o }];
        // The factor from sums to steps is that of the scales.
        let exponent = i32::from(channel.shift) + channel.half.fraction() as i32;
        let factor = f64::from(channel.mantissa) * power_of_two(-exponent) * step;
        // With all steps of a byte for one unit, every sum but zero leaves its range, and with more too.
        let leaves = node.operand.is_none() && channel.half == Half::None && factor >= ALL_STEPS * step;
        if unit > 0.0
            && !(leaves && unit >= factor)
            && (factor / unit - 1.0).abs() > FACTOR
            && (factor - unit).abs() > power_of_two(-exponent) * step
        {
            let name = format!("the factor of channel {o}");
            return Err(What::Parameter { name, source: unit, stored: factor, step: unit * FACTOR });
        }
        let sum: i64 = own.iter().map(|&w| i64::from(w)).sum();
        let units = i64::from(channel.bias) + i64::from(from.zero_term()) * sum;
        let correction = claim.corrections.get(o).copied().unwrap_or(0);
        let (bias, uncorrected) = (units as f64 * unit, (units + i64::from(correction)) as f64 * unit);
        if (uncorrected - claim.bias[o]).abs() > (0.5 + SLACK) * unit + claim.bias[o].abs() * 1e-12 {
            let name = format!("the bias of channel {o}");
            return Err(What::Parameter { name, source: claim.bias[o], stored: uncorrected, step: unit });
        }
        found.bias.push(bias - claim.bias[o]);
    }
    Ok(found)
}

impl Differences {
    /// Adds what they make of `values`, the real elements of the tensor that is multiplied, to the sums
    /// of the grid.
    pub fn add_to(
        &self,
        sums: &mut [f64],
        shape: [usize; 3],
        claim: &RealWeights,
        extents: [usize; 3],
        values: &[f64],
    ) {
        let input = claim.from.read(extents, values);
        let outputs = claim.bias.len();
        let [_, rows, columns] = claim.to.shape;
        let grid = [outputs, rows, columns];
        let made = convolve(&input, claim.from.shape, &claim.window, claim.groups, &self.weights, grid);
        let (first, step) = claim.to.strides(shape);
        for (o, (plane, bias)) in made.chunks(rows * columns).zip(&self.bias).enumerate() {
            for (i, difference) in plane.iter().enumerate() {
                let place = first + o * step[0] + i / columns * step[1] + i % columns * step[2];
                sums[place] += difference + bias;
            }
        }
    }
}
