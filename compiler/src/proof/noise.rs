//! Noise that quantisation will add to the outputs, predicted.
//!
//! Right operations in a row can still make a useless result: the logarithm of a probability of 8 bits,
//! scores that share a tensor with coordinates. So the source is run once more with every value that the
//! machine will store rounded to its step, from the [claims](crate::claims) alone: no integer operation is
//! asked. Where the first rung holds, the machine's outputs differ from the prediction by ties only.

use super::exact::ExactSource;
use super::integers::{NetworkIntegers, levels, zero};
use super::prescribed::{Off, Rounded, Steps};
use super::quality::{powers, ratio};
use super::{Checked, What};
use crate::claims::{Location, Operation};
use crate::error::{Error, Result};
use crate::fixed::Tensor;
use crate::float;
use crate::graph::{Node, ValueId};
use crate::memory;
use crate::network::{Network, Stage, places};
use ndarray::ArrayD;
use std::collections::{BTreeMap, BTreeSet};

/// Steps from the middle between two within which float32 and float64 may take either.
const TIE: f64 = 1e-3;
/// Steps from the middle within which the post unit's sums, of 16 bits of fractions, lie in it.
const EXACT_TIE: f64 = 1e-5;
/// Share of the budget of memory that all values of an input may take for layers to be compared one by one: one of
/// these parts.
pub(super) const COMPARED: u64 = 4;

/// What one input's outputs are predicted to be.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Prediction {
    /// The outputs.
    pub outputs: Vec<ArrayD<f32>>,
    /// One for each operation, as they ran. Empty for inputs so large that their values do not fit memory beside the
    /// integers.
    pub layers: Vec<LayerNoise>,
}

/// What an operation's result is predicted to be.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LayerNoise {
    /// The operation's number among the claimed ones.
    pub id: usize,
    /// Its name: that of the first of its nodes.
    pub name: String,
    /// Signal to noise in decibels; infinite when exact, absent for a result that is zero throughout.
    pub sqnr_db: Option<f64>,
}

/// Predicts the outputs for `inputs`.
///
/// # Errors
/// Inputs that do not fit the network; claims that leave something open.
pub fn predict(network: &Network, inputs: &[ArrayD<f32>]) -> Result<Prediction> {
    Ok(run(network, inputs, false, BTreeMap::new())?.0)
}

/// Predicts what the outputs for `inputs` would be if ranges had no ends: what [`predict`] has less than
/// that is lost to values beyond those of calibration.
///
/// # Errors
/// Those of [`predict`].
pub fn predict_unbounded(network: &Network, inputs: &[ArrayD<f32>]) -> Result<Prediction> {
    Ok(run(network, inputs, true, BTreeMap::new())?.0)
}

/// The layers that are predicted to make other integers than those of the quantised `model` of the model's own: every
/// value that the machine or the host makes of them is the model's for those who read it.
pub(super) fn off(
    network: &Network,
    inputs: &[ArrayD<f32>],
    model: BTreeMap<ValueId, Rounded>,
) -> Result<Vec<Off>> {
    Ok(run(network, inputs, false, model)?.1)
}

fn run(
    network: &Network,
    inputs: &[ArrayD<f32>],
    unbounded: bool,
    model: BTreeMap<ValueId, Rounded>,
) -> Result<(Prediction, Vec<Off>)> {
    network.start(inputs)?;
    let graph = &network.claims.graph;
    // Of large images there is no room for all values beside the integers.
    let bytes: u64 = graph.values.iter().map(|v| 4 * v.shape.iter().product::<usize>() as u64).sum();
    let compared: Vec<ValueId> = match bytes <= memory::limit() / COMPARED {
        true => network.claims.operations.iter().map(|o| o.output.value).collect(),
        false => vec![],
    };
    let exact = if compared.is_empty() { vec![] } else { float::run_some(graph, inputs, &compared)? };
    let exact: BTreeMap<ValueId, ArrayD<f32>> = compared.into_iter().zip(exact).collect();
    let mut run = NoiseRun {
        integers: NetworkIntegers::new(network, constants(network)),
        real: graph.inputs.iter().copied().zip(inputs.iter().cloned()).collect(),
        made: BTreeSet::new(),
        unbounded,
        steps: Steps::new(&network.claims),
        model,
        off: Vec::new(),
    };
    let mut prediction = Prediction::default();
    let mut imports: Vec<&Location> = network.claims.imports.iter().collect();
    let mut operations: Vec<(usize, &Operation)> = network.claims.operations.iter().enumerate().collect();
    let mut host: Vec<usize> = network.claims.host.clone();
    // Machine and host take turns: each does what it can until nothing is left.
    while !(imports.is_empty() && operations.is_empty() && host.is_empty()) {
        let left = imports.len() + operations.len() + host.len();
        let (ready, rest) = imports.into_iter().partition(|p| run.real.contains_key(&p.value));
        imports = rest;
        let ready: Vec<&Location> = ready;
        ready.into_iter().for_each(|placed| run.import(placed));
        let mut rest = Vec::new();
        for (id, operation) in operations {
            if !run.ready(operation) {
                rest.push((id, operation));
                continue;
            }
            let y = run.operation(operation).map_err(|what| open(network, &what))?;
            // A copy has the name of what makes the value that it copies.
            let made_by = graph.producer(operation.output.value).map(|(_, node)| node);
            let first = operation.nodes.first().map(|&n| &graph.nodes[n]).or(made_by);
            let name = first.map_or("", |node| &node.name);
            if let Some(exact) = exact.get(&operation.output.value) {
                let [signal, noise, _] = powers(exact.iter().zip(&y));
                prediction.layers.push(LayerNoise { id, name: name.into(), sqnr_db: ratio(signal, noise) });
            }
        }
        operations = rest;
        let mut rest = Vec::new();
        for n in host {
            match run.on_host(n)? {
                true => {}
                false => rest.push(n),
            }
        }
        host = rest;
        if imports.len() + operations.len() + host.len() == left {
            return Err(Error::new("proof", "the claimed operations wait for each other").file(&network.name));
        }
    }
    for &id in &network.outputs {
        let output = run.value(id);
        let missing = || Error::new("proof", format!("output {id} is made by nobody")).file(&network.name);
        prediction.outputs.push(output.ok_or_else(missing)?);
    }
    Ok((prediction, run.off))
}

fn open(network: &Network, what: &What) -> Error {
    Error::new("proof", what.to_string()).file(&network.name)
}

/// The integers of constant tensors; zeros for what has not been made.
fn constants(network: &Network) -> Vec<Vec<i16>> {
    let mut all: Vec<Vec<i16>> =
        network.tensors.iter().map(|t| vec![0; t.extents().iter().product()]).collect();
    for stage in &network.stages {
        let Stage::Machine { graph, tensors } = stage else { continue };
        for (id, bytes) in &graph.constants {
            all[tensors[id.0 as usize].0 as usize] = levels(graph.tensor(*id), bytes);
        }
    }
    all
}

struct NoiseRun<'a> {
    integers: NetworkIntegers<'a>,
    /// What the host has.
    real: BTreeMap<ValueId, ArrayD<f32>>,
    /// Values that lie in tensors.
    made: BTreeSet<ValueId>,
    /// Tensors of 8 bits take 16.
    unbounded: bool,
    /// What a quantised model rounds wherever it is made.
    steps: Steps,
    /// Rounded values of a quantised model, which stand in the place of what is made.
    model: BTreeMap<ValueId, Rounded>,
    /// Where these differ.
    off: Vec<Off>,
}

impl NoiseRun<'_> {
    /// Rounds a value to the steps of its tensor; `half_up` says that the post unit does so, which takes the upper one of
    /// two that are as near.
    fn store(&mut self, placed: &Location, value: &ArrayD<f64>, half_up: bool) {
        let tensor = self.integers.tensor(placed.tensor);
        let mut levels: Vec<i16> = value.iter().map(|&x| level(tensor, x, self.unbounded)).collect();
        if let Some(model) = self.model.get(&placed.value) {
            let wanted: Vec<i16> =
                model.real.iter().map(|&x| level(tensor, x.into(), self.unbounded)).collect();
            let (mut count, mut ties, mut most) = (0, 0, 0);
            for (x, (made, wanted)) in value.iter().zip(levels.iter().zip(&wanted)) {
                let steps = made.abs_diff(*wanted);
                let above = x / f64::from(tensor.scale) + 0.5;
                let off = (above - above.round()).abs();
                if steps <= 1 && off < TIE {
                    let up = level(tensor, above.round() * f64::from(tensor.scale), self.unbounded);
                    ties += usize::from(half_up && off < EXACT_TIE && up > *wanted);
                } else if steps > 0 {
                    (count, most) = (count + 1, most.max(steps.into()));
                }
            }
            if count + ties > 0 {
                let graph = self.integers.graph;
                let node = graph.producer(placed.value).map(|(_, node)| node.name.clone());
                let layer = node.unwrap_or_else(|| graph.value(placed.value).name.clone());
                self.off.push(Off { layer, elements: levels.len(), count, steps: most, ties });
            }
            levels = wanted;
        }
        let own = &mut self.integers.levels[placed.tensor.0 as usize];
        for (place, level) in places(placed.offset, &placed.strides).zip(levels) {
            own[place] = level;
        }
        self.made.insert(placed.value);
    }

    fn import(&mut self, placed: &Location) {
        let value = self.real[&placed.value].mapv(f64::from);
        self.store(placed, &value, false);
    }

    /// Whether a value is known to the machine. What the host moves is a tensor of its own, and known when it has
    /// been imported.
    fn known(&self, id: ValueId) -> bool {
        let graph = self.integers.graph;
        let host = &self.integers.network.claims.host;
        let viewed = |(n, node): (usize, &Node)| {
            node.op.only_moves() && !host.contains(&n) && node.inputs.iter().all(|&id| self.known(id))
        };
        self.made.contains(&id) || graph.constant_data(id).is_some() || graph.producer(id).is_some_and(viewed)
    }

    fn ready(&self, operation: &Operation) -> bool {
        let nodes = || operation.nodes.iter().map(|&n| &self.integers.graph.nodes[n]);
        let own: Vec<ValueId> = nodes().map(|node| node.outputs[0]).collect();
        let mut read = nodes().flat_map(|node| &node.inputs).filter(|id| !own.contains(id));
        match operation.nodes.is_empty() {
            true => self.known(operation.output.value),
            false => read.all(|&id| self.known(id)),
        }
    }

    /// Computes, stores and returns the result of an operation.
    fn operation(&mut self, operation: &Operation) -> Checked<ArrayD<f32>> {
        let integers = &self.integers;
        let output = integers.tensor(operation.output.tensor);
        let step = operation.table.map_or(f64::from(output.scale), |(_, scale, _)| scale.into());
        let sums = integers.sums_and_constant(operation, step, &mut super::Layer::default())?;
        let values = integers.inputs(operation).map_err(|message| What::Claim { message })?;
        let mut exact = ExactSource::new(integers.graph, operation, sums, values);
        let y = match operation.table {
            None => {
                exact.run(None)?;
                exact.result()?
            }
            Some((before, scale, zero)) => {
                exact.run(Some(before))?;
                let (byte, _, _) = exact.bytes(before, scale.into(), zero, 0.5)?;
                exact.with(before, byte)?
            }
        };
        self.store(&operation.output, &y, operation.table.is_none());
        let stored = self.integers.elements(&operation.output);
        stored.map(|y| y.mapv(|x| x as f32)).ok_or_else(|| What::Claim { message: "it lies outside".into() })
    }

    /// A value as the host has it.
    fn value(&self, id: ValueId) -> Option<ArrayD<f32>> {
        match self.real.get(&id) {
            Some(value) => Some(self.steps.rounded(id, value.clone())),
            None if self.known(id) => {
                let exports = &self.integers.network.exports;
                let export = exports.iter().find(|export| export.value == id);
                let real = |x: f64| export.map_or(x as f32, |export| export.read(x as f32));
                Some(self.integers.value(id).ok()?.mapv(real))
            }
            None => None,
        }
    }

    /// Runs one of the host's nodes; false where its inputs are not there yet.
    fn on_host(&mut self, n: usize) -> Result<bool> {
        let node = &self.integers.graph.nodes[n];
        let inputs: Option<Vec<ArrayD<f32>>> = node.inputs.iter().map(|&id| self.value(id)).collect();
        let Some(inputs) = inputs else { return Ok(false) };
        let y = float::apply(&node.op, &inputs, self.integers.graph.shape(node.outputs[0]))?;
        let y = match self.model.get(&node.outputs[0]) {
            Some(model) => model.real.clone(),
            None => self.steps.rounded(node.outputs[0], y),
        };
        self.real.insert(node.outputs[0], y);
        Ok(true)
    }
}

/// The integer nearest to a number, of 16 bits if the tensor is `unbounded`.
fn level(tensor: &Tensor, x: f64, unbounded: bool) -> i16 {
    let steps = (x / f64::from(tensor.scale)).round_ties_even() + f64::from(zero(tensor));
    let (low, high) = if tensor.wide || unbounded { (-32768.0, 32767.0) } else { (-128.0, 127.0) };
    steps.clamp(low, high) as i16
}
