//! Runs calibration samples in float and keeps what quantisation needs of them.

use super::histogram::Histogram;
use super::sentinels;
use crate::Watch;
use crate::error::{Error, Result};
use crate::float;
use crate::graph::{Graph, Source, Value, ValueId, Window};
use crate::memory;
use crate::options::Rounding;
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::{Division, FusedOp};
use crate::quantise::select::strided::StridedLayout;
use crate::quantise::select::sum::Observed;
use ndarray::ArrayD;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Samples observed at a time, at most: bounds memory, changes nothing else.
const CHUNK: usize = 16;
/// Bytes for each element of the largest value beside all values: a copy in the order of its tensor, the
/// places of the copy.
const BESIDE: u64 = 16;

/// How many samples may be observed at a time within the budget of memory.
///
/// # Errors
/// A graph of which not even one sample's values fit, naming the node that makes the largest.
pub fn at_once(graph: &Graph) -> Result<usize> {
    let elements = |v: &Value| v.shape.iter().product::<usize>() as u64;
    let all: u64 = graph.values.iter().map(|v| 4 * elements(v)).sum();
    let Some(largest) = graph.values.iter().max_by_key(|v| elements(v)) else { return Ok(CHUNK) };
    let one = all + BESIDE * elements(largest);
    let place = |e: Error| match largest.source {
        Source::Node { node, .. } => {
            let node = &graph.nodes[node];
            e.node(&node.name).operator(node.op.name())
        }
        _ => e.node(&largest.name),
    };
    let what = "the largest of the values that one calibration sample has, with all others,";
    memory::check(one, what).map_err(|e| place(e).file(&graph.name))?;
    Ok((memory::limit() / one.max(1)).clamp(1, CHUNK as u64) as usize)
}

/// What calibration saw.
pub struct Seen {
    /// Distribution of each home's value, by home.
    pub homes: Vec<Histogram>,
    /// Distribution of what goes into the table, by fused operation; empty for fused operations without one.
    pub tables: Vec<Histogram>,
    /// The largest magnitude of each fused operation's sum before slope, operand and clamp.
    pub sums: Vec<f32>,
    /// For each of the first samples and each fused operation: the mean of the fused operation's sum (before slope,
    /// operand and clamp) in every channel; empty for fused operations without weights.
    pub means: Vec<Vec<Vec<f64>>>,
    /// For each fused operation with weights, some of the vectors that they are multiplied with, evenly spread
    /// over samples and pixels, as [`patches`] orders them; empty for other fused operations.
    pub patches: Vec<Vec<f32>>,
    /// What weights are to be made of the patches.
    pub rounding: Rounding,
}

impl Seen {
    /// Of a model that leaves nothing open.
    pub fn nothing(plan: &Division) -> Seen {
        Seen {
            homes: vec![Histogram::default(); plan.homes.len()],
            tables: vec![Histogram::default(); plan.ops.len()],
            sums: vec![0.0; plan.ops.len()],
            means: Vec::new(),
            patches: vec![Vec::new(); plan.ops.len()],
            rounding: Rounding::Nearest,
        }
    }

    /// What was seen of a plan, without what weights are rounded and biases corrected by.
    pub fn ranges(&self, plan: &Division) -> Seen {
        let Seen { homes, tables, sums, .. } = self;
        let (homes, tables, sums) = (homes.clone(), tables.clone(), sums.clone());
        Seen { homes, tables, sums, ..Seen::nothing(plan) }
    }
}

/// Vectors kept for a fused operation, at most.
const PATCHES: usize = 8192;
/// Numbers kept for all fused operations together, at most (256 MB).
const PATCH_NUMBERS: usize = 1 << 26;

/// What one sample contributes.
struct SampleStatistics {
    histograms: Vec<Histogram>,
    tables: Vec<Histogram>,
    sums: Vec<f32>,
    means: Vec<Vec<f64>>,
    patches: Vec<Vec<f32>>,
}

/// Observes all samples, telling `watch` how many are done, and of how many. `means` of the first so many
/// are kept; no patches where `rounding` needs none.
///
/// # Errors
/// No samples, samples that do not fit the graph's inputs, results that are not finite.
pub fn observe(
    graph: &Graph,
    plan: &Division,
    samples: &[Vec<ArrayD<f32>>],
    means: usize,
    rounding: Rounding,
    watch: Watch,
) -> Result<Seen> {
    if samples.is_empty() {
        return Err(Error::new("quantise", "there are no calibration samples")
            .file(&graph.name)
            .hint("some 10 to 100 typical inputs"));
    }
    let mut seen = Seen { rounding, ..Seen::nothing(plan) };
    let length = |g: &FusedOp| match &g.kernel {
        Kernel::Linear { weights, bias, groups, .. } => weights.len() / bias.len() * groups,
        _ => 0,
    };
    let all: usize = plan.ops.iter().map(length).sum();
    let vectors = match rounding {
        Rounding::Nearest => 0,
        _ => PATCHES.min(PATCH_NUMBERS / all.max(1)).div_ceil(samples.len()),
    };
    let done = AtomicUsize::new(0);
    let compared = sentinels::results(graph);
    let one = |sample: &Vec<ArrayD<f32>>| {
        let part = observe_one(graph, plan, sample, vectors, &compared);
        watch(done.fetch_add(1, Ordering::Relaxed) + 1, samples.len());
        part
    };
    for chunk in samples.chunks(at_once(graph)?) {
        let parts: Result<Vec<SampleStatistics>> = chunk.par_iter().map(one).collect();
        for part in parts? {
            seen.homes.iter_mut().zip(&part.histograms).for_each(|(all, one)| all.merge(one));
            seen.tables.iter_mut().zip(&part.tables).for_each(|(all, one)| all.merge(one));
            seen.sums.iter_mut().zip(part.sums).for_each(|(all, one)| *all = all.max(one));
            seen.patches.iter_mut().zip(part.patches).for_each(|(all, one)| all.extend(one));
            if seen.means.len() < means {
                seen.means.push(part.means);
            }
        }
    }
    Ok(seen)
}

fn observe_one(
    graph: &Graph,
    plan: &Division,
    sample: &[ArrayD<f32>],
    vectors: usize,
    compared: &BTreeSet<ValueId>,
) -> Result<SampleStatistics> {
    for (x, &id) in sample.iter().zip(&graph.inputs) {
        if x.shape() != graph.shape(id) {
            return Err(Error::new(
                "quantise",
                format!(
                    "a calibration sample has shape {:?}, the input has {:?}",
                    x.shape(),
                    graph.shape(id)
                ),
            )
            .file(&graph.name)
            .node(&graph.value(id).name));
        }
    }
    let homes = plan.homes.iter().map(|home| home.value);
    let of_groups = |fused: &FusedOp| fused.epilogue.before_table.into_iter().chain([fused.observed.value]);
    let wanted = homes.chain(plan.ops.iter().flat_map(of_groups)).chain(compared.iter().copied());
    let wanted: BTreeSet<ValueId> = wanted.collect();
    let wanted: Vec<ValueId> = wanted.into_iter().collect();
    let made = float::run_some(graph, sample, &wanted).map_err(|e| e.stage("quantise"))?;
    let values: BTreeMap<ValueId, ArrayD<f32>> = wanted.into_iter().zip(made).collect();
    let elements = |id: ValueId| -> Vec<f32> { values[&id].iter().copied().collect() };
    // A value's elements in the order of the tensor of `shape` that it fills.
    let stored = |id: ValueId, held: &StridedLayout, shape: [usize; 3]| -> Vec<f32> {
        let mut stored = vec![0.0; shape.iter().product()];
        for (place, x) in held.offsets(shape).zip(&values[&id]) {
            stored[place] = *x;
        }
        stored
    };
    let needs = sentinels::needs(graph, &values);
    let mut histograms = Vec::with_capacity(plan.homes.len());
    for home in &plan.homes {
        let mut histogram = Histogram::default();
        let mut all = finite(graph, home.value, elements(home.value))?;
        sentinels::cut(&mut all, needs[home.value.0 as usize]);
        histogram.add(&all);
        histograms.push(histogram);
    }
    let mut tables = Vec::with_capacity(plan.ops.len());
    for fused in &plan.ops {
        let mut histogram = Histogram::default();
        if let Some(value) = fused.epilogue.before_table {
            let mut all = finite(graph, value, elements(value))?;
            sentinels::cut(&mut all, needs[value.0 as usize]);
            histogram.add(&all);
        }
        tables.push(histogram);
    }
    let largest = |fused: &FusedOp| {
        let Observed { value, factor, .. } = &fused.observed;
        let most = values[value].iter().fold(0f32, |most, x| most.max(x.abs()));
        (f64::from(most) * factor.abs()) as f32
    };
    let sums = plan.ops.iter().map(largest).collect();
    let mean = |channel: &[f32]| channel.iter().map(|&x| f64::from(x)).sum::<f64>() / channel.len() as f64;
    let means = plan.ops.iter().map(|fused| match fused.kernel {
        Kernel::Linear { .. } => {
            let Observed { value, held, factor } = &fused.observed;
            let sums = stored(*value, held, fused.shape);
            sums.chunks(fused.grid[1] * fused.grid[2]).map(|channel| factor * mean(channel)).collect()
        }
        _ => Vec::new(),
    });
    let patches = plan.ops.iter().map(|fused| match &fused.kernel {
        Kernel::Linear { window, .. } => {
            let view = &fused.inputs[0];
            let home = &plan.homes[view.tensor.index()];
            let input = view.read(home.shape, &stored(home.value, &home.held, home.shape));
            patches(&input, view.shape, window, fused.grid, vectors)
        }
        _ => Vec::new(),
    });
    Ok(SampleStatistics { histograms, tables, sums, means: means.collect(), patches: patches.collect() })
}

/// The elements of a value, if all are finite.
fn finite(graph: &Graph, value: ValueId, elements: Vec<f32>) -> Result<Vec<f32>> {
    let count = elements.iter().filter(|x| !x.is_finite()).count();
    if count == 0 {
        return Ok(elements);
    }
    let all = elements.len();
    let what = format!(
        "a calibration sample gives values that are not finite: {count} of {all}, and so is an output"
    );
    let e = Error::new("quantise", what).file(&graph.name).hint(
        "calibration data of the scale that the network was trained with, or a Max or Clip in front of the node that keeps \
         what it reads in its domain",
    );
    Err(match graph.producer(value) {
        Some((_, node)) => e.node(&node.name).operator(node.op.name()),
        None => e.node(&graph.value(value).name),
    })
}

/// The input windows of up to `count` evenly spread output pixels: channel, row, column of each
/// window in turn, zeros outside.
fn patches(input: &[f32], shape: [usize; 3], window: &Window, grid: [usize; 3], count: usize) -> Vec<f32> {
    let [channels, height, width] = shape;
    let pixels = grid[1] * grid[2];
    let count = count.min(pixels);
    let mut all = Vec::with_capacity(count * channels * window.kernel[0] * window.kernel[1]);
    for i in 0..count {
        // the middle of the i-th of `count` runs of pixels
        let pixel = (2 * i + 1) * pixels / (2 * count);
        let (oy, ox) = (pixel / grid[2], pixel % grid[2]);
        for c in 0..channels {
            for ky in 0..window.kernel[0] {
                let y = (oy * window.stride[0] + ky * window.dilation[0]).wrapping_sub(window.pads[0]);
                for kx in 0..window.kernel[1] {
                    let x = (ox * window.stride[1] + kx * window.dilation[1]).wrapping_sub(window.pads[1]);
                    let inside = y < height && x < width;
                    all.push(if inside { input[(c * height + y) * width + x] } else { 0.0 });
                }
            }
        }
    }
    all
}
