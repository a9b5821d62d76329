//! Runs calibration samples in float and keeps what quantisation needs of them.

use super::histogram::Histogram;
use super::kind::Kind;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::float;
use crate::graph::{Graph, ValueId};
use ndarray::ArrayD;
use rayon::prelude::*;

/// Samples observed at a time: bounds memory, changes nothing else.
const CHUNK: usize = 16;

/// What calibration saw.
pub(super) struct Seen {
    /// Distribution of each home's value, by home.
    pub homes: Vec<Histogram>,
    /// For each of the first samples and each group: the mean of the group's sum (before slope,
    /// operand and clamp) in every channel; empty for groups without weights.
    pub means: Vec<Vec<Vec<f64>>>,
}

/// Observes all samples. `means` of the first so many are kept.
///
/// # Errors
/// No samples, samples that do not fit the graph's inputs, results that are not finite.
pub(super) fn observe(graph: &Graph, plan: &Plan, samples: &[Vec<ArrayD<f32>>], means: usize) -> Result<Seen> {
    if samples.is_empty() {
        return Err(Error::new("quantise", "there are no calibration samples")
            .file(&graph.name)
            .hint("some 10 to 100 typical inputs"));
    }
    let mut seen = Seen { homes: vec![Histogram::default(); plan.homes.len()], means: Vec::new() };
    for chunk in samples.chunks(CHUNK) {
        let parts: Result<Vec<(Vec<Histogram>, Vec<Vec<f64>>)>> =
            chunk.par_iter().map(|sample| observe_one(graph, plan, sample)).collect();
        for (histograms, group_means) in parts? {
            seen.homes.iter_mut().zip(&histograms).for_each(|(all, one)| all.merge(one));
            if seen.means.len() < means {
                seen.means.push(group_means);
            }
        }
    }
    Ok(seen)
}

fn observe_one(
    graph: &Graph,
    plan: &Plan,
    sample: &[ArrayD<f32>],
) -> Result<(Vec<Histogram>, Vec<Vec<f64>>)> {
    for (x, &id) in sample.iter().zip(&graph.inputs) {
        if x.shape() != graph.shape(id) {
            return Err(Error::new(
                "quantise",
                format!("a calibration sample has shape {:?}, the input has {:?}", x.shape(), graph.shape(id)),
            )
            .file(&graph.name)
            .node(&graph.value(id).name));
        }
    }
    let values = float::run_all(graph, sample).map_err(|e| e.stage("quantise"))?;
    let elements = |id: ValueId| -> Vec<f32> { values[id.0 as usize].iter().copied().collect() };
    let mut histograms = Vec::with_capacity(plan.homes.len());
    for home in &plan.homes {
        let elements = elements(home.value);
        if !elements.iter().all(|x| x.is_finite()) {
            let e = Error::new("quantise", "a calibration sample gives values that are not finite");
            let e = e.file(&graph.name).hint("check the scale of the calibration data");
            return Err(match graph.producer(home.value) {
                Some((_, node)) => e.node(&node.name).operator(node.op.name()),
                None => e.node(&graph.value(home.value).name),
            });
        }
        let mut histogram = Histogram::default();
        histogram.add(&elements);
        histograms.push(histogram);
    }
    let mean = |channel: &[f32]| channel.iter().map(|&x| f64::from(x)).sum::<f64>() / channel.len() as f64;
    let means = plan.groups.iter().map(|group| match group.kind {
        Kind::Linear { .. } => {
            elements(group.linear).chunks(group.grid[1] * group.grid[2]).map(mean).collect()
        }
        _ => Vec::new(),
    });
    Ok((histograms, means.collect()))
}
