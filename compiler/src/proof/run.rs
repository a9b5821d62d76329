//! Walks a network's operations and holds each against its source.

use super::claimed;
use super::ended;
use super::exact::ExactSource;
use super::integers::{NetworkIntegers, levels};
use super::intervals::{LayerElements, TABLE, radius};
use super::prescribed::Steps;
use super::{Checked, Finding, IMPORT, InputProof, Layer, What};
use crate::claims::{Location, Operation};
use crate::error::{Error, Result};
use crate::graph::{Node, ValueId};
use crate::network::{Network, NetworkState, Stage};
use crate::{float, reference};
use ndarray::ArrayD;
use std::collections::BTreeMap;

/// Holds every operation of `network`, run on `inputs` by the integer reference, against the source.
///
/// # Errors
/// Inputs that do not fit the network. What is found wrong is no error but a [`Finding`].
pub fn check(network: &Network, inputs: &[ArrayD<f32>]) -> Result<InputProof> {
    let (integers, state) = integers(network, inputs)?;
    let steps = Steps::new(&network.claims);
    let mut checker = Prover { integers, state, steps, proof: InputProof::default() };
    claimed::gaps(network).into_iter().for_each(|gap| checker.claim(gap));
    network.claims.imports.iter().for_each(|placed| checker.import(placed));
    let operations = network.claims.operations.iter().enumerate();
    operations.for_each(|(id, operation)| checker.operation(id, operation));
    checker.exports();
    checker.host();
    Ok(checker.proof)
}

/// All tensors and values, computed as the definition says.
pub(super) fn integers<'a>(
    network: &'a Network,
    inputs: &[ArrayD<f32>],
) -> Result<(NetworkIntegers<'a>, NetworkState)> {
    let mut state = network.start(inputs)?;
    let mut bytes = vec![Vec::new(); network.tensors.len()];
    for stage in &network.stages {
        match stage {
            Stage::Machine { graph, tensors } => {
                let all = reference::run(graph, &network.fetch(&state, graph, tensors));
                let outputs = graph.outputs.iter().map(|(id, _)| all[id.0 as usize].clone()).collect();
                network.put(&mut state, graph, tensors, outputs)?;
                for (id, own) in tensors.iter().zip(all) {
                    bytes[id.0 as usize] = own;
                }
            }
            Stage::Host { .. } => network.host(&mut state, stage)?,
        }
    }
    for import in &network.imports {
        let own = &mut bytes[import.tensor.0 as usize];
        if let (true, Some(imported)) = (own.is_empty(), state.tensor(import.tensor)) {
            own.extend(imported);
        }
    }
    let levels = network.tensors.iter().zip(&bytes).map(|(tensor, bytes)| levels(tensor, bytes)).collect();
    Ok((NetworkIntegers::new(network, levels), state))
}

struct Prover<'a> {
    integers: NetworkIntegers<'a>,
    state: NetworkState,
    /// What a quantised model rounds wherever it is made.
    steps: Steps,
    proof: InputProof,
}

impl Prover<'_> {
    fn find(&mut self, id: Option<usize>, layer: &str, nodes: &[usize], what: What) {
        let nodes = nodes.iter().map(|&n| self.integers.graph.nodes[n].name.clone()).collect();
        self.proof.findings.push(Finding { id, layer: layer.into(), nodes, what });
    }

    fn claim(&mut self, (layer, message): (String, String)) {
        self.find(None, &layer, &[], What::Claim { message });
    }

    /// A value that the host quantises: the nearest step, or an end of the range.
    fn import(&mut self, placed: &Location) {
        let value = self.integers.graph.value(placed.value);
        let made = self.integers.graph.producer(placed.value).filter(|_| value.name.is_empty());
        let name = made.map_or_else(|| value.name.clone(), |(_, node)| node.name.clone());
        let mut layer = Layer { name, operator: IMPORT.into(), ..Layer::default() };
        let Some(real) = self.state.value(placed.value).cloned() else {
            return self.claim((layer.name, "it is quantised and never made".into()));
        };
        let Some(got) = self.integers.elements(placed) else {
            return self.claim((layer.name, "it lies outside of its tensor".into()));
        };
        let tensor = self.integers.tensor(placed.tensor);
        let scale = f64::from(tensor.scale);
        let mut elements = LayerElements::new(tensor);
        for (i, (&got, &x)) in got.iter().zip(&real).enumerate() {
            // float32 divides, so a tie may go either way.
            let x = f64::from(x);
            elements.add(i, got, x, x, scale * radius(0.5, x / scale));
        }
        let what = elements.finish(&mut layer, &value.shape);
        if let Some(what) = what {
            self.find(None, &layer.name, &[], what);
        }
        self.proof.layers.push(layer);
    }

    fn operation(&mut self, id: usize, operation: &Operation) {
        let mut layer = Layer { id: Some(id), ..Layer::default() };
        match self.integers.nodes(operation).first() {
            Some((_, _, node)) => {
                (layer.name, layer.operator) = (node.name.clone(), node.operator.clone());
            }
            None => {
                let name = operation.nodes.first().map(|&n| &self.integers.graph.nodes[n]);
                layer.name = name.map_or(String::new(), |n| n.name.clone());
                layer.operator = name.map_or("copy", |n| n.op.name()).into();
            }
        }
        if let Err(what) = self.compared(operation, &mut layer) {
            self.find(layer.id, &layer.name, &operation.nodes, what);
        }
        self.proof.layers.push(layer);
    }

    /// Holds the operation's result against the source; what is wrong, if anything.
    fn compared(&self, operation: &Operation, layer: &mut Layer) -> Checked<()> {
        let open = |message: String| What::Claim { message };
        let output = self.integers.tensor(operation.output.tensor);
        let to = f64::from(output.scale);
        // What the post unit of the operation's last nodes rounds to.
        let step = operation.table.map_or(to, |(_, scale, _)| scale.into());
        let sums = self.integers.sums_and_constant(operation, step, layer)?;
        let uncertain = self.integers.uncertain(operation, step);
        let values = self.integers.inputs(operation).map_err(open)?;
        let mut exact = ExactSource::new(self.integers.graph, operation, sums, values);
        let ended = ended::terms(&self.integers, operation, &mut exact)?;
        let hull = self.hull(operation, exact, uncertain)?;
        let ended = ended.map(|exact| self.hull(operation, exact, uncertain)).transpose()?;
        let mut ended = ended.as_ref().map(Hull::intervals);
        let got = self
            .integers
            .elements(&operation.output)
            .ok_or_else(|| open("it lies outside of its tensor".into()))?;
        let mut elements = LayerElements::of_post(output);
        let factors = if operation.table.is_some() { Vec::new() } else { self.integers.factors(operation) };
        for (i, (&got, [low, high])) in got.iter().zip(hull.intervals()).enumerate() {
            let radius = |end: f64| {
                to * match factors.get(i) {
                    None => radius(TABLE, end / to),
                    Some(factor) => uncertain + (end / to).abs() * factor[usize::from(end > 0.0)],
                }
            };
            let is_of = |[low, high]: [f64; 2]| got >= low - radius(low) && got <= high + radius(low);
            let of_ended = ended.as_mut().and_then(Iterator::next).is_some_and(is_of);
            let saturated = if of_ended && !is_of([low, high]) {
                elements.add_saturated(low, high);
                true
            } else {
                elements.add(i, got, low, high, radius(low))
            };
            layer.clipped += usize::from(!saturated && hull.lost.get(i) == Some(&true));
        }
        match elements.finish(layer, self.integers.graph.shape(operation.output.value)) {
            Some(what) => Err(what),
            None => Ok(()),
        }
    }

    /// What the source makes of an operation's inputs, at least and at most; `uncertain` steps are what goes into
    /// a table away from what it should be.
    fn hull(&self, operation: &Operation, mut exact: ExactSource, uncertain: f64) -> Checked<Hull> {
        let Some((before, scale, zero)) = operation.table else {
            exact.run(None)?;
            let low = exact.result()?;
            return Ok(Hull { high: low.clone(), low, lost: Vec::new() });
        };
        exact.run(Some(before))?;
        let (mut byte, last, clipped) = exact.bytes(before, scale.into(), zero, uncertain)?;
        // All bytes of the rounding cell: a function that turns inside it has its ends in the middle.
        let mut low = exact.with(before, byte.clone())?;
        let mut high = low.clone();
        while byte.iter().zip(&last).any(|(byte, last)| byte < last) {
            byte.zip_mut_with(&last, |byte, &last| *byte = (*byte + f64::from(scale)).min(last));
            let next = exact.with(before, byte.clone())?;
            low.zip_mut_with(&next, |low, &next| *low = low.min(next));
            high.zip_mut_with(&next, |high, &next| *high = high.max(next));
        }
        let mut lost = Vec::new();
        if clipped {
            // Where the function is flat beyond the table's end nothing is lost.
            let open = exact.with(before, exact.value(before)?.clone())?;
            let output = self.integers.tensor(operation.output.tensor);
            let (to, (bottom, top)) = (f64::from(output.scale), output.range());
            let changed = |((&x, &low), &high): ((&f64, &f64), &f64)| {
                let x = x.clamp(bottom, top);
                x < low - to || x > high + to
            };
            lost = open.iter().zip(&low).zip(&high).map(changed).collect();
        }
        Ok(Hull { low, high, lost })
    }

    /// What leaves the machine is what the source makes of what it holds.
    fn exports(&mut self) {
        let mut findings = Vec::new();
        for export in &self.integers.network.exports {
            let name = self.integers.graph.value(export.value).name.clone();
            let held = match self.integers.value(export.value) {
                Ok(held) => held,
                Err(message) => {
                    findings.push((name, message));
                    continue;
                }
            };
            let made = self.state.value(export.value);
            let equal = made.is_some_and(|made| {
                // A zero may stand for a number within half a step of it.
                let half = 0.5 * f64::from(self.integers.tensor(export.tensor).scale);
                let zero =
                    |a: f64, b: f64| b == 0.0 && a == f64::from(export.next_to_zero) && a.abs() <= half;
                let near = |a: f64, b: f64| (a - b).abs() <= b.abs() * 1e-6 || zero(a, b);
                let alike = |(a, b): (&f32, &f64)| near(f64::from(*a), *b);
                made.shape() == held.shape() && made.iter().zip(&held).all(alike)
            });
            if !equal {
                findings.push((name, "what leaves the machine is not what it holds".into()));
            }
        }
        findings.into_iter().for_each(|finding| self.claim(finding));
    }

    /// The host's results are those of the source's operators, rounded where the model says so.
    fn host(&mut self) {
        let claims = &self.integers.network.claims;
        let mut made: BTreeMap<ValueId, ArrayD<f32>> = BTreeMap::new();
        let mut findings = Vec::new();
        for &n in &claims.host {
            let node = &self.integers.graph.nodes[n];
            let id = node.outputs[0];
            match self.on_host(node, &made) {
                Ok(y) => {
                    let y = self.steps.rounded(id, y);
                    if self.state.value(id).is_some_and(|kept| !same(kept, &y)) {
                        findings
                            .push((node.name.clone(), "the host made something else of its inputs".into()));
                    }
                    made.insert(id, y);
                }
                Err(e) => findings.push((node.name.clone(), e.to_string())),
            }
        }
        findings.into_iter().for_each(|finding| self.claim(finding));
    }

    fn on_host(&self, node: &Node, made: &BTreeMap<ValueId, ArrayD<f32>>) -> Result<ArrayD<f32>> {
        let read = |&id: &ValueId| -> Result<ArrayD<f32>> {
            if let Some(value) = self.state.value(id).or_else(|| made.get(&id)) {
                return Ok(self.steps.rounded(id, value.clone()));
            }
            let value = self.integers.value(id).map_err(|message| Error::new("proof", message))?;
            Ok(value.mapv(|x| x as f32))
        };
        let inputs: Vec<ArrayD<f32>> = node.inputs.iter().map(read).collect::<Result<_>>()?;
        float::apply(&node.op, &inputs, self.integers.graph.shape(node.outputs[0]))
    }
}

/// What the source makes of an operation's inputs.
struct Hull {
    low: ArrayD<f64>,
    high: ArrayD<f64>,
    /// Elements that the end of a table's bytes changes; empty where it changes none.
    lost: Vec<bool>,
}

impl Hull {
    /// Of all elements, row-major.
    fn intervals(&self) -> impl Iterator<Item = [f64; 2]> {
        self.low.iter().zip(&self.high).map(|(&low, &high)| [low, high])
    }
}

fn same(a: &ArrayD<f32>, b: &ArrayD<f32>) -> bool {
    a.shape() == b.shape()
        && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() || a == b)
}
