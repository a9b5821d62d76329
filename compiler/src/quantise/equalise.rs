//! Equalisation: channels that share one scale are given similar ranges.
//!
//! Between two layers with weights, joined by operators that commute with positive factors (ReLU,
//! pools...), channel c may be divided by any `s[c] > 0` if the first layer's weights and bias are
//! divided likewise and the second layer's weights are multiplied. In float nothing changes; in 8
//! bits weak channels no longer drown in the step that strong ones need. The second layer pays with
//! weights of more unequal size, so the factors are chosen by the noise that both together make.

use crate::error::Result;
use crate::float;
use crate::graph::{Graph, Op, Source, ValueId};
use ndarray::ArrayD;
use rayon::prelude::*;

/// Samples looked at, at most.
const SAMPLES: usize = 32;
/// Channels are amplified by at most this.
const MOST: f64 = 16.0;
/// Observations of a channel from which on its range is trusted; fewer blend it with the range of
/// all channels in proportion.
const TRUSTED: f64 = 32.0;
/// Room left between a channel's largest value and a clamp that moves with it.
const MARGIN: f64 = 1.1;

/// Two layers with weights and what lies between.
struct Pair {
    /// Node whose outputs are divided.
    first: usize,
    /// Node whose inputs are multiplied.
    second: usize,
    /// Input of the second node.
    value: ValueId,
    /// Channels in between.
    channels: usize,
    /// Upper clamp between them, if any.
    clamp: Option<f64>,
}

/// What one channel holds over calibration.
#[derive(Clone, Copy, Default)]
struct Statistics {
    /// Largest value less smallest, zero included.
    range: f64,
    /// Mean of squares.
    power: f64,
}

/// Rewrites the weights of a graph; results change by float rounding only, for the samples seen.
///
/// # Errors
/// Samples that the float reference refuses.
pub(super) fn equalise(mut graph: Graph, samples: &[Vec<ArrayD<f32>>]) -> Result<Graph> {
    let pairs = pairs(&graph);
    if pairs.is_empty() {
        return Ok(graph);
    }
    let samples = &samples[..samples.len().min(SAMPLES)];
    let run = |sample: &Vec<ArrayD<f32>>| -> Result<Vec<Vec<[f64; 3]>>> {
        let values = float::run_all(&graph, sample).map_err(|e| e.stage("quantise"))?;
        Ok(pairs.iter().map(|p| extremes(&values[p.value.0 as usize], p.channels)).collect())
    };
    let seen: Vec<Vec<Vec<[f64; 3]>>> = samples.par_iter().map(run).collect::<Result<_>>()?;
    // Forward: the second layer's weights are final in their rows' relative sizes, which is all that
    // counts for them, whatever later pairs do to its outputs.
    for (i, pair) in pairs.iter().enumerate() {
        let pixels = graph.shape(pair.value).iter().product::<usize>() / pair.channels;
        let statistics: Vec<Statistics> = (0..pair.channels)
            .map(|c| {
                let all = seen.iter().map(|sample| sample[i][c]);
                let [low, high, squares] =
                    all.fold([0.0f64; 3], |a, b| [a[0].min(b[0]), a[1].max(b[1]), a[2] + b[2]]);
                let power = squares / (pixels * samples.len()) as f64;
                Statistics { range: high - low, power }
            })
            .collect();
        let observations = (pixels * samples.len()) as f64;
        if statistics.iter().all(|s| s.range.is_finite() && s.power.is_finite()) {
            apply(&mut graph, pair, &statistics, observations)?;
        }
    }
    Ok(graph)
}

/// Lowest, highest value and sum of squares of every channel.
fn extremes(value: &ArrayD<f32>, channels: usize) -> Vec<[f64; 3]> {
    let pixels = value.len() / channels;
    let mut all = vec![[0.0f64; 3]; channels];
    for (i, &x) in value.iter().enumerate() {
        let (x, e) = (f64::from(x), &mut all[i / pixels]);
        *e = [e[0].min(x), e[1].max(x), e[2] + x * x];
    }
    all
}

/// Whether a node has constant weights with an output channel a row, and one bias a channel or none.
fn has_weights(graph: &Graph, node: usize) -> bool {
    let node = &graph.nodes[node];
    if node.inputs.len() < 2 {
        return false;
    }
    let rows = graph.shape(node.inputs[1]).first();
    if node.inputs.get(2).is_some_and(|&bias| graph.shape(bias).iter().product::<usize>() != rows.copied().unwrap_or(0)) {
        return false;
    }
    let constant = node.inputs[1..].iter().all(|&id| graph.constant_data(id).is_some());
    let plain = match node.op {
        Op::Conv { .. } => true,
        Op::Gemm { trans_a, trans_b, .. } => !trans_a && trans_b,
        _ => false,
    };
    plain && constant && graph.constant_data(node.inputs[0]).is_none()
}

fn pairs(graph: &Graph) -> Vec<Pair> {
    let counts = graph.use_counts();
    let single = |id: ValueId| counts[id.0 as usize] == 1;
    let mut pairs = Vec::new();
    for first in 0..graph.nodes.len() {
        if !has_weights(graph, first) {
            continue;
        }
        let mut value = graph.nodes[first].outputs[0];
        let shape = graph.shape(value);
        if shape.first() != Some(&1) {
            continue;
        }
        let channels = shape[1];
        let mut clamp = None;
        while single(value)
            && let [next] = graph.users(value)[..]
        {
            let node = &graph.nodes[next];
            if node.inputs[0] != value {
                break;
            }
            match node.op {
                Op::Conv { .. } | Op::Gemm { .. } if has_weights(graph, next) => {
                    let inputs = graph.shape(value)[1];
                    if inputs.is_multiple_of(channels) {
                        pairs.push(Pair { first, second: next, value, channels, clamp });
                    }
                    break;
                }
                Op::Relu | Op::LeakyRelu { .. } | Op::MaxPool { .. } => {}
                Op::Clip { min: 0.0, max } if clamp.is_none() => clamp = Some(f64::from(max)),
                Op::AveragePool { .. } | Op::GlobalAveragePool | Op::Flatten { axis: 1 } => {}
                Op::PRelu if graph.constant_data(node.inputs[1]).is_some() => {}
                Op::Reshape if graph.shape(node.outputs[0]) == [1, graph.shape(value).iter().product()] => {}
                _ => break,
            }
            value = node.outputs[0];
        }
    }
    pairs
}

/// The second layer's weights by (output, input channel of its group): largest magnitude and energy.
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

    /// Noise power at the second layer's outputs: rounding of its inputs (with one step for all
    /// channels) and of its weights (with one step a row).
    fn noise(&self, s: &[f64], statistics: &[Statistics]) -> f64 {
        let widest = s.iter().zip(statistics).fold(0.0, |m: f64, (s, x)| m.max(x.range / s));
        let input = (widest / 255.0).powi(2) / 12.0;
        let mut noise = 0.0;
        for (o, (largest, energy)) in
            self.largest.chunks(self.inputs).zip(self.energy.chunks(self.inputs)).enumerate()
        {
            let first = o / self.outputs * self.inputs;
            let (mut row, mut gain, mut power) = (0.0f64, 0.0, 0.0);
            for c in 0..self.inputs {
                let s = s[first + c];
                row = row.max(largest[c] * s);
                gain += energy[c] * s * s;
                power += statistics[first + c].power / (s * s);
            }
            noise += input * gain + (row / 127.0).powi(2) / 12.0 * power * self.taps as f64;
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

fn apply(graph: &mut Graph, pair: &Pair, seen: &[Statistics], observations: f64) -> Result<()> {
    let widest = seen.iter().fold(0.0f64, |m, s| m.max(s.range));
    if widest == 0.0 {
        return Ok(());
    }
    let doubt = (TRUSTED / observations).min(1.0);
    let trusted = |s: &Statistics| {
        let range = (s.range + (widest - s.range) * doubt).max(widest / MOST);
        Statistics { range, ..*s }
    };
    let statistics: Vec<Statistics> = seen.iter().map(trusted).collect();
    let second = &graph.nodes[pair.second];
    let groups = if let Op::Conv { groups, .. } = second.op { groups } else { 1 };
    let weights = graph.constant_data(second.inputs[1]).expect("a pair has constant weights");
    let rows = graph.shape(second.inputs[1])[0];
    let taps = Taps::new(weights, rows, pair.channels, groups);
    let factors = choose(&taps, &statistics, widest, pair.clamp);
    if factors.iter().all(|&s| s == 1.0) {
        return Ok(());
    }
    let ic = pair.channels / groups;
    let (outputs, per_channel) = (taps.outputs, taps.taps);
    scale(graph, pair.second, 1, |i| {
        let (row, column) = (i / (ic * per_channel), i / per_channel % ic);
        factors[row / outputs * ic + column]
    })?;
    let first = &graph.nodes[pair.first];
    let terms = graph.shape(first.inputs[1])[1..].iter().product::<usize>();
    let bias = first.inputs.get(2).is_some();
    scale(graph, pair.first, 1, |i| 1.0 / factors[i / terms])?;
    if bias {
        scale(graph, pair.first, 2, |c| 1.0 / factors[c])?;
    }
    Ok(())
}

/// The factors with the least noise among a family: powers of the channels' ranges and of the
/// prominence of their weights.
fn choose(taps: &Taps, statistics: &[Statistics], widest: f64, clamp: Option<f64>) -> Vec<f64> {
    let prominence = taps.prominence(statistics.len());
    let mut best = vec![1.0; statistics.len()];
    let mut least = taps.noise(&best, statistics);
    for alpha in 0..=8 {
        for beta in 0..=4 {
            let (alpha, beta) = (f64::from(alpha) / 8.0, f64::from(beta) / 4.0);
            let factor = |(x, p): (&Statistics, &f64)| {
                let s = (x.range / widest).powf(alpha) * p.max(1.0 / MOST).powf(-beta);
                match clamp {
                    // The clamp stays where it is, so a channel may not grow beyond it; nor shrink,
                    // as it would no longer be clamped.
                    Some(clamp) => s.max(MARGIN * x.range / clamp).min(1.0),
                    None => s.max(1.0 / MOST),
                }
            };
            let s: Vec<f64> = statistics.iter().zip(&prominence).map(factor).collect();
            let noise = taps.noise(&s, statistics);
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
        unreachable!("pairs checked that weights and bias are constants");
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
