//! What quantisation did to every layer, measured.

use super::lower::Lowered;
use super::precision::Choice;
use super::ranges::scale_classes::ScaleClasses;
use super::select::plan::Division;
use super::select::strided::{HomeId, HomeView};
use crate::error::{Error, Result};
use crate::fixed::FixedNode;
use crate::float::{self, math::log10};
use crate::graph::Graph;
use crate::network::{ByteLayer, MeasuredLayer, Stage};
use crate::reference;
use ndarray::ArrayD;
use rayon::prelude::*;

#[derive(Clone, Copy)]
struct Sums {
    min: f32,
    max: f32,
    signal: f64,
    noise: f64,
    outside: usize,
    count: usize,
}

impl Sums {
    const EMPTY: Sums =
        Sums { min: f32::INFINITY, max: f32::NEG_INFINITY, signal: 0.0, noise: 0.0, outside: 0, count: 0 };

    fn merge(&mut self, other: &Sums) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.signal += other.signal;
        self.noise += other.noise;
        self.outside += other.outside;
        self.count += other.count;
    }
}

/// The first of a fused operation's nodes; copies that are all written in place have none.
fn first_node(lowered: &Lowered, g: usize) -> Option<&FixedNode> {
    let place = lowered.provenance.iter().zip(&lowered.network.stages);
    let mut nodes = place.filter_map(|(sources, stage)| match stage {
        Stage::Machine { graph, .. } => sources.iter().position(|p| p.fused == g).map(|n| &graph.nodes[n]),
        Stage::Host { .. } => None,
    });
    nodes.next()
}

/// Why the result of a fused operation has 8 bits, where it cannot have 16.
fn why(
    plan: &Division,
    classes: &ScaleClasses,
    choice: &Choice,
    lowered: &Lowered,
    g: usize,
) -> Option<&'static str> {
    let home = plan.ops[g].output;
    let wide = lowered.network.tensors[lowered.tensor[home].0 as usize].wide;
    choice.why(classes.representative(home)).filter(|_| !wide)
}

/// The layers whose results cannot have 16 bits, and why.
pub(super) fn byte_layers(
    plan: &Division,
    classes: &ScaleClasses,
    lowered: &Lowered,
    choice: &Choice,
) -> Vec<ByteLayer> {
    let layer = |(id, g): (usize, usize)| {
        let (node, why) = (first_node(lowered, g)?, why(plan, classes, choice, lowered, g)?);
        Some(ByteLayer { id, name: node.name.clone(), operator: node.operator.clone(), why: why.into() })
    };
    plan.order().into_iter().enumerate().filter_map(layer).collect()
}

/// Measures every fused operation on some samples.
pub(super) fn measure(
    graph: &Graph,
    plan: &Division,
    classes: &ScaleClasses,
    choice: &Choice,
    lowered: &Lowered,
    samples: &[Vec<ArrayD<f32>>],
) -> Result<Vec<MeasuredLayer>> {
    let network = &lowered.network;
    let measure = |sample: &Vec<ArrayD<f32>>| measure_one(graph, plan, classes, lowered, sample);
    let per_sample: Vec<Vec<Sums>> = samples.par_iter().map(measure).collect::<Result<_>>()?;
    let mut layers = Vec::new();
    for (id, g) in plan.order().into_iter().enumerate() {
        let (fused, Some(node)) = (&plan.ops[g], first_node(lowered, g)) else { continue };
        let mut sums = Sums::EMPTY;
        per_sample.iter().for_each(|sample| sums.merge(&sample[g]));
        let tensor = &network.tensors[lowered.tensor[fused.output].0 as usize];
        layers.push(MeasuredLayer {
            id,
            name: node.name.clone(),
            operator: node.operator.clone(),
            shape: plan.homes[fused.output].shape,
            min: sums.min,
            max: sums.max,
            bits: if tensor.wide { 16 } else { 8 },
            why_8_bits: why(plan, classes, choice, lowered, g).map(String::from),
            scale: tensor.scale,
            zero: tensor.zero,
            sqnr_db: (sums.signal > 0.0).then(|| 10.0 * log10(sums.signal / sums.noise)),
            saturated: sums.outside as f64 / sums.count.max(1) as f64,
        });
    }
    Ok(layers)
}

fn measure_one(
    graph: &Graph,
    plan: &Division,
    classes: &ScaleClasses,
    lowered: &Lowered,
    sample: &[ArrayD<f32>],
) -> Result<Vec<Sums>> {
    let network = &lowered.network;
    let values = float::run_all(graph, sample)?;
    // All tensors, of all stages.
    let mut bytes: Vec<Vec<i8>> = vec![Vec::new(); network.tensors.len()];
    network.run(sample, |number, fixed, inputs| {
        let tensors = reference::run(fixed, &inputs);
        let outputs = fixed.outputs.iter().map(|(id, _)| tensors[id.0 as usize].clone()).collect();
        if let Stage::Machine { tensors: names, .. } = &network.stages[number] {
            for (name, tensor) in names.iter().zip(tensors) {
                bytes[name.0 as usize] = tensor;
            }
        }
        Ok::<_, Error>(outputs)
    })?;
    let mut all = Vec::with_capacity(plan.ops.len());
    for fused in &plan.ops {
        let mut sums = Sums::EMPTY;
        let home = &plan.homes[fused.output];
        let tensor = &network.tensors[lowered.tensor[fused.output].0 as usize];
        let whole = HomeView::whole(HomeId::At(fused.output), home.shape);
        let stored = &bytes[lowered.tensor[fused.output].0 as usize];
        if stored.is_empty() {
            all.push(sums);
            continue;
        }
        let numbers = reference::dequantise(tensor, stored);
        let real = classes.resolve(whole).read(tensor.extents(), &numbers);
        let (low, high) = tensor.range();
        let half = f64::from(tensor.scale) / 2.0;
        let (low, high) = ((low - half) as f32, (high + half) as f32);
        let places = home.held.offsets(home.shape);
        for (&want, place) in values[home.value.0 as usize].iter().zip(places) {
            let error = f64::from(want) - f64::from(real[place]);
            sums.merge(&Sums {
                min: want,
                max: want,
                signal: f64::from(want) * f64::from(want),
                noise: error * error,
                outside: usize::from(want < low || want > high),
                count: 1,
            });
        }
        all.push(sums);
    }
    Ok(all)
}

/// Signal to noise of a result against what it should be, in decibels.
pub fn sqnr_db<'a>(want: impl IntoIterator<Item = &'a f32>, got: impl IntoIterator<Item = &'a f32>) -> f64 {
    let (mut signal, mut noise) = (0.0, 0.0);
    for (&want, &got) in want.into_iter().zip(got) {
        let (want, got) = (f64::from(want), f64::from(got));
        signal += want * want;
        noise += (want - got) * (want - got);
    }
    10.0 * log10(signal / noise)
}
