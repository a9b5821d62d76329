//! Equalisation: channels that share one scale are given similar ranges.
//!
//! Where layers with weights meet through operators that commute with positive factors (ReLU, pools,
//! additions...), channel c of all values in between may be divided by any `s[c] > 0` if the weights
//! and biases that produce them are divided likewise and the weights that consume them are multiplied.
//! In float nothing changes; in 8 bits weak channels no longer drown in the step that strong ones
//! need. The consumers pay with weights of more unequal size, and channels that fill the range leave it
//! more often on what calibration did not see; so the factors are chosen by the noise that all this makes.

use super::equalisation_groups::{EqualisationGroup, groups};
use crate::error::Result;
use crate::float::{
    self,
    math::{exp, pow},
};
use crate::graph::{Graph, Op, Source, ValueId};
use ndarray::{ArrayD, ArrayViewD};
use rayon::prelude::*;
use std::cell::RefCell;

/// Samples looked at, at most.
const SAMPLES: usize = 32;
/// Channels are amplified by at most this.
const MOST: f64 = 16.0;
/// Observations of a channel from which on its range is trusted; fewer blend it with the range of
/// all channels in proportion.
const TRUSTED: f64 = 256.0;
/// Room left between a channel's largest value and a clamp that moves with it.
const MARGIN: f64 = 1.1;

/// A channel's excess, as a share of its range, that is assumed as if so many samples had shown it.
const ASSUMED: (f64, f64) = (0.05, 1.0);

/// What one channel holds over calibration.
#[derive(Clone, Copy, Default)]
struct Statistics {
    /// Largest value less smallest, zero included.
    seen: f64,
    /// The same with what few samples may have missed.
    range: f64,
    /// Mean of squares.
    power: f64,
    /// By how much a sample that leaves the range of calibration does so, in the mean.
    excess: f64,
    /// Mean over samples and pixels of the square of that.
    overflow: f64,
}

/// Rewrites the weights of a graph; results change by float rounding only, for the samples seen.
///
/// # Errors
/// Samples that the float reference refuses.
pub fn equalise(mut graph: Graph, samples: &[Vec<ArrayD<f32>>]) -> Result<Graph> {
    let groups = groups(&graph);
    if groups.is_empty() {
        return Ok(graph);
    }
    let samples = &samples[..samples.len().min(SAMPLES)];
    // Looked at before anything is rewritten: factors of one group do not move another's values.
    let values = |group: &EqualisationGroup| -> Vec<ValueId> {
        group.consumers.iter().map(|c| c.value).chain(group.clamps.iter().map(|c| c.0)).collect()
    };
    let wanted: Vec<(ValueId, usize)> =
        groups.iter().flat_map(|l| values(l).into_iter().map(|v| (v, l.channels))).collect();
    let run = |sample: &Vec<ArrayD<f32>>| -> Result<Vec<Vec<[f64; 3]>>> {
        let seen = RefCell::new(vec![vec![]; wanted.len()]);
        let see = |id: ValueId, x: &ArrayViewD<f32>| {
            for (seen, (_, channels)) in seen.borrow_mut().iter_mut().zip(&wanted).filter(|(_, w)| w.0 == id)
            {
                *seen = extremes(x, *channels);
            }
            None
        };
        float::replaced(&graph, sample, &see).map_err(|e| e.stage("quantise"))?;
        Ok(seen.into_inner())
    };
    let seen: Vec<Vec<Vec<[f64; 3]>>> = samples.par_iter().map(run).collect::<Result<_>>()?;
    let mut next = 0;
    for group in &groups {
        let mut statistics = Vec::new();
        for id in values(group) {
            let observations = graph.shape(id).iter().product::<usize>() / group.channels * samples.len();
            let seen: Vec<&[[f64; 3]]> = seen.iter().map(|sample| &sample[next][..]).collect();
            statistics.push(trusted(&seen, observations));
            next += 1;
        }
        apply(&mut graph, group, &statistics)?;
    }
    Ok(graph)
}

/// Joins the samples' extremes of one value.
fn trusted(samples: &[&[[f64; 3]]], observations: usize) -> Vec<Statistics> {
    let mut all = vec![[0.0f64; 3]; samples[0].len()];
    for sample in samples {
        for (a, b) in all.iter_mut().zip(*sample) {
            *a = [a[0].min(b[0]), a[1].max(b[1]), a[2] + b[2]];
        }
    }
    let widest = all.iter().fold(0.0f64, |m, a| m.max(a[1] - a[0]));
    let doubt = (TRUSTED / observations as f64).min(1.0);
    let one = |(c, [low, high, squares]): (usize, [f64; 3])| {
        let seen = high - low;
        let excess = excess(samples.iter().map(|sample| sample[c][1] - sample[c][0]), seen);
        // The next sample is the largest of all with this chance, and e beyond the range with the density
        // exp(-e / excess) / excess, whose mean square is 2 excess^2.
        let chance = 1.0 / (samples.len() + 1) as f64;
        let pixels = (observations / samples.len()) as f64;
        let overflow = chance * 2.0 * square(excess) / pixels;
        let range = (seen + (widest - seen) * doubt).max(widest / MOST);
        Statistics { seen, range, power: squares / observations as f64, excess, overflow }
    };
    all.into_iter().enumerate().map(one).collect()
}

/// The scale of the exponential tail in which values beyond the range seen lie: the mean by which the
/// upper quarter of the samples exceeds the others.
fn excess(ranges: impl Iterator<Item = f64>, range: f64) -> f64 {
    let mut ranges: Vec<f64> = ranges.collect();
    ranges.sort_unstable_by(|a, b| b.total_cmp(a));
    let upper = ranges.len() / 4;
    let (share, samples) = ASSUMED;
    let above: f64 = ranges[..upper].iter().map(|r| r - ranges[upper]).sum();
    (above + samples * share * range) / (upper as f64 + samples)
}

/// Lowest, highest value and sum of squares of every channel.
fn extremes(value: &ArrayViewD<f32>, channels: usize) -> Vec<[f64; 3]> {
    let pixels = value.len() / channels;
    let mut all = vec![[0.0f64; 3]; channels];
    for (i, &x) in value.iter().enumerate() {
        let (x, e) = (f64::from(x), &mut all[i / pixels]);
        *e = [e[0].min(x), e[1].max(x), e[2] + x * x];
    }
    all
}

fn square(x: f64) -> f64 {
    x * x
}

/// A consumer's weights by (output, input channel of its group): largest magnitude and energy.
struct Taps {
    /// Outputs of a group.
    outputs: usize,
    /// Input channels of a group.
    inputs: usize,
    /// Weights of one output and one channel.
    taps: usize,
    largest: Vec<f64>,
    energy: Vec<f64>,
}

impl Taps {
    fn new(weights: &[f32], rows: usize, channels: usize, groups: usize) -> Taps {
        let inputs = channels / groups;
        let taps = weights.len() / rows / inputs;
        let cells = weights.chunks(taps);
        let largest = cells.clone().map(|w| w.iter().fold(0.0, |m: f64, &w| m.max(f64::from(w).abs())));
        let energy = cells.map(|w| w.iter().map(|&w| f64::from(w) * f64::from(w)).sum());
        Taps { outputs: rows / groups, inputs, taps, largest: largest.collect(), energy: energy.collect() }
    }

    /// Noise power at the consumer's outputs: rounding of its inputs (with one step for all
    /// channels) and of its weights (with one step a row), and what samples that calibration did not see
    /// have beyond the range that all channels share.
    fn noise(&self, s: &[f64], statistics: &[Statistics]) -> f64 {
        let widest = s.iter().zip(statistics).fold(0.0, |m: f64, (s, x)| m.max(x.range / s));
        let input = square(widest / 255.0) / 12.0;
        let mut noise = 0.0;
        for (o, (largest, energy)) in
            self.largest.chunks(self.inputs).zip(self.energy.chunks(self.inputs)).enumerate()
        {
            let first = o / self.outputs * self.inputs;
            let (mut row, mut gain, mut power, mut overflow) = (0.0f64, 0.0, 0.0, 0.0);
            for c in 0..self.inputs {
                let (s, x) = (s[first + c], &statistics[first + c]);
                row = row.max(largest[c] * s);
                gain += energy[c] * s * s;
                power += x.power / (s * s);
                if x.overflow > 0.0 {
                    overflow += energy[c] * x.overflow * exp((x.seen - widest * s) / x.excess);
                }
            }
            noise += overflow + input * gain + square(row / 127.0) / 12.0 * power * self.taps as f64;
        }
        noise
    }

    /// For every channel the largest share of a row's largest weight that it has in any row.
    fn prominence(&self, channels: usize) -> Vec<f64> {
        let mut share = vec![0.0f64; channels];
        for (o, largest) in self.largest.chunks(self.inputs).enumerate() {
            let row = largest.iter().fold(0.0f64, |m, &w| m.max(w));
            let first = o / self.outputs * self.inputs;
            for (share, w) in share[first..].iter_mut().zip(largest).filter(|_| row > 0.0) {
                *share = share.max(w / row);
            }
        }
        share
    }
}

/// Chooses factors for a group and rewrites its weights. `statistics` are of the consumers' inputs and
/// of the clamped values, in the group's order.
fn apply(graph: &mut Graph, group: &EqualisationGroup, statistics: &[Vec<Statistics>]) -> Result<()> {
    let finite = |s: &Statistics| s.range.is_finite() && s.power.is_finite();
    if !statistics.iter().flatten().all(finite) {
        return Ok(());
    }
    let (inputs, clamped) = statistics.split_at(group.consumers.len());
    let mut consumers = Vec::with_capacity(inputs.len());
    for (consumer, statistics) in group.consumers.iter().zip(inputs) {
        let node = &graph.nodes[consumer.node];
        let groups = if let Op::Conv { groups, .. } = node.op { groups } else { 1 };
        let weights = graph.constant_data(node.inputs[1]).expect("groups checked that weights are constants");
        let rows = graph.shape(node.inputs[1])[0];
        consumers.push((Taps::new(weights, rows, group.channels, groups), &statistics[..]));
    }
    // What a clamp leaves free: no growth beyond it, and no shrinking, which would unclamp.
    let mut bounds = vec![(1.0 / MOST, f64::INFINITY); group.channels];
    for (&(_, clamp), statistics) in group.clamps.iter().zip(clamped) {
        for (bound, s) in bounds.iter_mut().zip(statistics) {
            *bound = (bound.0.max(MARGIN * s.range / clamp).min(1.0), 1.0);
        }
    }
    let factors = choose(&consumers, &bounds);
    if factors.iter().all(|&s| s == 1.0) {
        return Ok(());
    }
    for (consumer, (taps, _)) in group.consumers.iter().zip(&consumers) {
        scale(graph, consumer.node, 1, |i| {
            let (row, column) = (i / (taps.inputs * taps.taps), i / taps.taps % taps.inputs);
            factors[row / taps.outputs * taps.inputs + column]
        })?;
    }
    for &producer in &group.producers {
        let node = &graph.nodes[producer];
        let terms = graph.shape(node.inputs[1])[1..].iter().product::<usize>();
        let bias = node.inputs.get(2).is_some();
        scale(graph, producer, 1, |i| 1.0 / factors[i / terms])?;
        if bias {
            scale(graph, producer, 2, |c| 1.0 / factors[c])?;
        }
    }
    Ok(())
}

/// The factors with the least noise, relative to no factors, among a family: powers of the channels'
/// ranges and of the prominence of their weights.
fn choose(consumers: &[(Taps, &[Statistics])], bounds: &[(f64, f64)]) -> Vec<f64> {
    let channels = bounds.len();
    let noise = |s: &[f64]| consumers.iter().map(|(taps, x)| taps.noise(s, x)).collect::<Vec<f64>>();
    let mut best = vec![1.0; channels];
    let before = noise(&best);
    if before.iter().any(|&n| n.is_nan() || n <= 0.0) {
        return best;
    }
    let relative = |s: &[f64]| noise(s).iter().zip(&before).map(|(n, b)| n / b).sum::<f64>();
    let mut least = relative(&best);
    // of a channel: its largest share of the widest range, and of a row's largest weight
    let (mut ranges, mut prominence) = (vec![0.0f64; channels], vec![1.0 / MOST; channels]);
    for (taps, statistics) in consumers {
        let widest = statistics.iter().fold(0.0f64, |m, x| m.max(x.range));
        ranges.iter_mut().zip(*statistics).for_each(|(r, x)| *r = r.max(x.range / widest));
        prominence.iter_mut().zip(taps.prominence(channels)).for_each(|(p, q)| *p = p.max(q));
    }
    for alpha in 0..=8 {
        for beta in 0..=4 {
            let (alpha, beta) = (f64::from(alpha) / 8.0, f64::from(beta) / 4.0);
            let factor = |c: usize| {
                let s = pow(ranges[c], alpha) * pow(prominence[c], -beta);
                s.max(bounds[c].0).min(bounds[c].1)
            };
            let s: Vec<f64> = (0..channels).map(factor).collect();
            let noise = relative(&s);
            if noise < least {
                (best, least) = (s, noise);
            }
        }
    }
    best
}

/// Multiplies element `i` of a node's constant input by `factor(i)`, in a copy if others read it.
fn scale(graph: &mut Graph, node: usize, input: usize, factor: impl Fn(usize) -> f64) -> Result<()> {
    let id = graph.nodes[node].inputs[input];
    let value = graph.value(id).clone();
    let Source::Constant(mut data) = value.source else {
        unreachable!("groups checked that weights and bias are constants");
    };
    for (i, x) in data.iter_mut().enumerate() {
        *x = (f64::from(*x) * factor(i)) as f32;
    }
    if graph.use_counts()[id.0 as usize] == 1 {
        graph.values[id.0 as usize].source = Source::Constant(data);
    } else {
        graph.nodes[node].inputs[input] = graph.constant(value.name, &value.shape, data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A weak channel is lifted to the range of the strong one, but not so far that it leaves the range as often.
    #[test]
    fn weak_channels_keep_room() {
        let taps = || Taps::new(&[1.0, 1.0], 1, 2, 1);
        let factor = |excess: f64, pixels: usize| {
            let samples: Vec<[[f64; 3]; 2]> = (0..8usize)
                .map(|i| {
                    let high = if i % 4 == 0 { 1.0 } else { 1.0 - excess };
                    [[0.0, high, pixels as f64], [0.0, high / 8.0, pixels as f64 / 64.0]]
                })
                .collect();
            let seen: Vec<&[[f64; 3]]> = samples.iter().map(|s| &s[..]).collect();
            let statistics = trusted(&seen, 8 * pixels);
            choose(&[(taps(), &statistics)], &[(1.0 / MOST, f64::INFINITY); 2])[1]
        };
        // of all values alike, or of many pixels, next to nothing lies beyond
        let (even, many, few) = (factor(0.0, 250), factor(0.9, 10_000_000), factor(0.9, 250));
        assert!(even < 0.6 && many < 0.6, "{even} {many}");
        assert!(few > 1.1 * even, "{few} {even}");
    }
}
