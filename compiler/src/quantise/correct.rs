//! Bias correction: rounding shifts the mean of every channel a little; calibration says by how much.

use super::lower::{Lowered, Provenance};
use super::ranges::calibrate::Seen;
use crate::error::Result;
use crate::fixed::FixedGraph;
use crate::network::{NetworkState, Stage};
use crate::reference;
use ndarray::ArrayD;
use rayon::prelude::*;

/// Corrects the biases of all nodes with weights, in order, so that later ones see the corrected
/// results of earlier ones. `samples` are those of `seen.means`.
///
/// A channel's shift is estimated from the samples' means. Of an estimate as uncertain as it is large
/// nothing is applied, of a certain one all of it (positive-part shrinkage), so that a handful of
/// samples does no harm.
pub(super) fn correct(lowered: &mut Lowered, seen: &Seen, samples: &[Vec<ArrayD<f32>>]) -> Result<()> {
    // The stages change while the rest of the network is read.
    let mut stages = std::mem::take(&mut lowered.network.stages);
    let network = &lowered.network;
    let mut states: Vec<NetworkState> = samples.iter().map(|s| network.start(s)).collect::<Result<_>>()?;
    for (stage, provenance) in stages.iter_mut().zip(&mut lowered.provenance) {
        match stage {
            Stage::Machine { graph, tensors } => {
                let inputs: Vec<_> = states.iter().map(|s| network.fetch(s, graph, tensors)).collect();
                for (state, outputs) in states.iter_mut().zip(machine(graph, provenance, seen, &inputs)) {
                    network.put(state, graph, tensors, outputs)?;
                }
            }
            Stage::Host { .. } => states.par_iter_mut().try_for_each(|state| network.host(state, stage))?,
        }
    }
    lowered.network.stages = stages;
    Ok(())
}

/// Corrects one stage of the machine; returns the output bytes of every sample.
fn machine(
    fixed: &mut FixedGraph,
    provenance: &mut [Provenance],
    seen: &Seen,
    inputs: &[Vec<Vec<i8>>],
) -> Vec<Vec<Vec<i8>>> {
    let mut tensors: Vec<Vec<Vec<i8>>> = inputs.iter().map(|x| reference::start(fixed, x)).collect();
    for (n, Provenance { fused, units, rounded }) in provenance.iter_mut().enumerate() {
        let node = &fixed.nodes[n];
        let [_, _, rows, columns] = node.place.region;
        let sums: Vec<Vec<i32>> =
            tensors.par_iter().map(|tensors| reference::accumulate(fixed, node, tensors)).collect();
        let mut corrections = Vec::with_capacity(units.len());
        for (c, unit) in units.iter().enumerate() {
            let bias = f64::from(node.channels[c].bias);
            let shift = |(sums, means): (&Vec<i32>, &Vec<Vec<f64>>)| {
                let sums = &sums[c * rows * columns..(c + 1) * rows * columns];
                let mean = sums.iter().map(|&s| f64::from(s)).sum::<f64>() / sums.len() as f64;
                mean + bias - means[*fused][c] / unit
            };
            let shifts: Vec<f64> = sums.iter().zip(&seen.means).map(shift).collect();
            corrections.push(shrunk_mean(&shifts));
        }
        for (channel, correction) in fixed.nodes[n].channels.iter_mut().zip(corrections) {
            // Beyond this the estimate is broken, not the bias; it also keeps the proof about
            // accumulators simple to redo.
            let correction = correction.clamp(-1e8, 1e8) as i32;
            let before = channel.bias;
            channel.bias = channel.bias.saturating_sub(correction);
            if let Some(rounded) = rounded {
                rounded.corrections.push(before - channel.bias);
            }
        }
        let node = &fixed.nodes[n];
        tensors
            .par_iter_mut()
            .zip(&sums)
            .for_each(|(tensors, sums)| reference::finish(fixed, node, sums, tensors));
    }
    let outputs =
        |tensors: &Vec<Vec<i8>>| fixed.outputs.iter().map(|(id, _)| tensors[id.0 as usize].clone()).collect();
    tensors.iter().map(outputs).collect()
}

/// The mean, less where it is uncertain: times max(0, 1 - variance of the mean / mean^2).
fn shrunk_mean(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 || mean == 0.0 {
        return 0.0;
    }
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
    mean * (1.0 - variance / n / (mean * mean)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certain_means_count() {
        assert_eq!(shrunk_mean(&[2.0; 8]), 2.0);
        assert_eq!(shrunk_mean(&[5.0]), 0.0);
        assert_eq!(shrunk_mean(&[1.0, -1.0, 1.5, -1.4]), 0.0);
        let m = shrunk_mean(&[1.0, 2.0, 3.0]);
        assert!((m - 2.0 * (1.0 - 1.0 / 3.0 / 4.0)).abs() < 1e-12, "{m}");
    }
}
