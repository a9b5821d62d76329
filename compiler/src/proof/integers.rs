//! The integers of a network by tensor, and what the source reads of them.

use super::exact::SourceValues;
use super::intervals::{FACTOR, coarsest, factors, radius, rounding};
use super::rounded::compare;
use super::source::evaluate;
use super::{Checked, Layer, What};
use crate::claims::{Location, Operation, StageNode};
use crate::fixed::{FixedGraph, FixedNode, Reduction, Tensor, TensorId};
use crate::graph::{Graph, Op, ValueId};
use crate::network::{Network, Stage, places};
use ndarray::{ArrayD, IxDyn};
use std::collections::BTreeMap;
use tilewright_arch::fixed as arithmetic;
use tilewright_arch::fixed::power_of_two;

/// A network and an integer for each element of each of its tensors that has been made.
pub(super) struct NetworkIntegers<'a> {
    pub network: &'a Network,
    pub graph: &'a Graph,
    /// By tensor, in the order of its values: what is stored, 8 or 16 bits.
    pub levels: Vec<Vec<i16>>,
    /// Where the machine reads each value that it holds.
    stored: BTreeMap<ValueId, &'a Location>,
}

/// The integers that a tensor's bytes say.
pub(super) fn levels(tensor: &Tensor, bytes: &[i8]) -> Vec<i16> {
    if !tensor.wide {
        return bytes.iter().map(|&q| q.into()).collect();
    }
    let plane = tensor.shape[1] * tensor.shape[2];
    let mut all = Vec::with_capacity(bytes.len() / 2);
    for halves in bytes.chunks(2 * plane) {
        all.extend((0..plane).map(|i| 256 * i16::from(halves[i]) + (i16::from(halves[plane + i]) + 128)));
    }
    all
}

/// The integer that means zero.
pub(super) fn zero(tensor: &Tensor) -> i16 {
    if tensor.wide { arithmetic::extend(tensor.zero) } else { tensor.zero.into() }
}

/// What integers of a tensor stand for.
pub(super) fn numbers(tensor: &Tensor, levels: &[i16]) -> Vec<f64> {
    let (scale, zero) = (f64::from(tensor.scale), i32::from(zero(tensor)));
    levels.iter().map(|&q| scale * f64::from(i32::from(q) - zero)).collect()
}

fn coarsest_of(all: &[[f64; 2]]) -> [f64; 2] {
    all.iter().fold([FACTOR; 2], |worst, own| [worst[0].max(own[0]), worst[1].max(own[1])])
}

impl<'a> NetworkIntegers<'a> {
    pub fn new(network: &'a Network, levels: Vec<Vec<i16>>) -> NetworkIntegers<'a> {
        let claims = &network.claims;
        let mut stored = BTreeMap::new();
        // A copy is held against what it copies, and is the same to those that read it.
        let made = claims.operations.iter().filter(|o| !o.nodes.is_empty()).map(|o| &o.output);
        for placed in claims.imports.iter().chain(made) {
            stored.entry(placed.value).or_insert(placed);
        }
        NetworkIntegers { network, graph: &claims.graph, levels, stored }
    }

    pub fn tensor(&self, id: TensorId) -> &'a Tensor {
        &self.network.tensors[id.0 as usize]
    }

    fn numbers(&self, id: TensorId) -> Vec<f64> {
        numbers(self.tensor(id), &self.levels[id.0 as usize])
    }

    /// The elements of a stored value, as the source orders them.
    pub fn elements(&self, placed: &Location) -> Option<ArrayD<f64>> {
        let all = self.numbers(placed.tensor);
        let places = places(placed.offset, &placed.strides);
        // Of large images this is large, so it does not grow.
        let mut own = Vec::with_capacity(places.len());
        for place in places {
            own.push(*all.get(place)?);
        }
        ArrayD::from_shape_vec(IxDyn(self.graph.shape(placed.value)), own).ok()
    }

    /// A value that an operation reads: a constant, what the machine holds, or what such values become
    /// by moving elements.
    pub fn value(&self, id: ValueId) -> std::result::Result<ArrayD<f64>, String> {
        let shape = self.graph.shape(id);
        if let Some(data) = self.graph.constant_data(id) {
            let data = data.iter().map(|&x| x.into()).collect();
            return ArrayD::from_shape_vec(IxDyn(shape), data).map_err(|e| e.to_string());
        }
        if let Some(placed) = self.stored.get(&id) {
            return self.elements(placed).ok_or_else(|| format!("{id} lies outside of its tensor"));
        }
        match self.graph.producer(id) {
            Some((_, node)) if node.op.only_moves() => {
                let inputs: Vec<ArrayD<f64>> =
                    node.inputs.iter().map(|&id| self.value(id)).collect::<std::result::Result<_, _>>()?;
                let views: Vec<&ArrayD<f64>> = inputs.iter().collect();
                evaluate(&node.op, &views, shape).ok_or_else(|| format!("{} is not defined", node.op.name()))
            }
            Some((_, node)) => Err(format!("nobody claims {:?} ({})", node.name, node.op.name())),
            None => Err(format!("{id} has not been made")),
        }
    }

    /// The machine's nodes of an operation, with their graph and the network's numbers of its tensors.
    pub fn nodes(&self, operation: &Operation) -> Vec<(&'a FixedGraph, &'a [TensorId], &'a FixedNode)> {
        let one = |part: &StageNode| match &self.network.stages[part.stage] {
            Stage::Machine { graph, tensors } => Some((graph, &tensors[..], &graph.nodes[part.node])),
            Stage::Host { .. } => None,
        };
        operation.parts.iter().filter_map(one).collect()
    }

    /// What an operation reads.
    pub fn inputs(&self, operation: &Operation) -> std::result::Result<SourceValues, String> {
        let nodes = || operation.nodes.iter().map(|&n| &self.graph.nodes[n]);
        let made: Vec<ValueId> = nodes().map(|node| node.outputs[0]).collect();
        let read = nodes().flat_map(|node| &node.inputs).filter(|id| !made.contains(id));
        let copied = operation.nodes.is_empty().then_some(&operation.output.value);
        read.chain(copied).map(|&id| Ok((id, self.value(id)?))).collect()
    }

    /// What the rounding of weights and biases adds to the sums, by place in their grid; empty where
    /// nothing was rounded.
    pub fn sums(&self, operation: &Operation, step: f64, layer: &mut Layer) -> Checked<Vec<f64>> {
        let shape = operation.linear.shape;
        let mut sums = Vec::new();
        for part in &operation.parts {
            let (Stage::Machine { graph, tensors }, Some(claim)) =
                (&self.network.stages[part.stage], &part.rounded)
            else {
                continue;
            };
            let node = &graph.nodes[part.node];
            let id = tensors[node.output.tensor.0 as usize];
            let from = self.tensor(claim.from.tensor);
            if tensors[node.input.tensor.0 as usize] != claim.from.tensor {
                return Err(What::Claim { message: "weights are claimed for another input".into() });
            }
            // Sums that an operation keeps for itself have a step of their own.
            let step = if id == operation.output.tensor { step } else { self.tensor(id).scale.into() };
            let found = compare(node, from, step, claim)?;
            layer.clipped_weights += found.clipped;
            layer.weight_steps = layer.weight_steps.max(found.largest_steps);
            // Both halves of a wide value are one sum.
            if node.half() != arithmetic::Half::Low {
                sums.resize(shape.iter().product(), 0.0);
                let values = self.numbers(claim.from.tensor);
                found.add_to(&mut sums, shape, claim, from.extents(), &values);
            }
        }
        Ok(sums)
    }

    /// [`NetworkIntegers::sums`], and what the rounding of a constant operand adds.
    pub fn sums_and_constant(
        &self,
        operation: &Operation,
        step: f64,
        layer: &mut Layer,
    ) -> Checked<Vec<f64>> {
        let mut sums = self.sums(operation, step, layer)?;
        let shape = operation.linear.shape;
        if let Some(constant) = &operation.constant {
            sums.resize(shape.iter().product(), 0.0);
            let tensor = self.tensor(constant.tensor);
            let stored = self.numbers(constant.tensor);
            let half = f64::from(tensor.scale) * radius(0.5, 255.0);
            for (i, (sum, (&stored, &source))) in
                sums.iter_mut().zip(stored.iter().zip(&constant.elements)).enumerate()
            {
                if (stored - source).abs() > half {
                    let step = tensor.scale.into();
                    return Err(What::Parameter {
                        name: format!("element {i} of the constant operand"),
                        source,
                        stored,
                        step,
                    });
                }
                *sum += constant.factor * (stored - source);
            }
        }
        Ok(sums)
    }

    /// [`factors`] of what makes the operation's result, for each element of it.
    pub fn factors(&self, operation: &Operation) -> Vec<[f64; 2]> {
        let linear = &operation.linear;
        let [channels, rows, columns] = linear.shape;
        let mut by_channel = vec![[FACTOR; 2]; channels];
        for (_, tensors, node) in self.nodes(operation) {
            if tensors[node.output.tensor.0 as usize] != operation.output.tensor {
                continue;
            }
            let own = factors(node);
            for (c, worst) in by_channel.iter_mut().enumerate() {
                let own = if own.len() == channels { own[c] } else { coarsest_of(&own) };
                *worst = [worst[0].max(own[0]), worst[1].max(own[1])];
            }
        }
        let shape = self.graph.shape(operation.output.value);
        if shape == self.graph.shape(linear.value) {
            let grid = places(linear.offset, &linear.strides);
            return grid.map(|place| by_channel[(place / (rows * columns)).min(channels - 1)]).collect();
        }
        // Elements that were moved on their way may be of any channel.
        vec![coarsest_of(&by_channel); shape.iter().product()]
    }

    /// Steps of what the operation rounds to by which rounding may miss the exact result.
    pub fn uncertain(&self, operation: &Operation, step: f64) -> f64 {
        let mut own = if operation.parts.is_empty() { 0.5 } else { 0.0f64 };
        let mut kept: BTreeMap<TensorId, f64> = BTreeMap::new();
        let mut read: Vec<(TensorId, f64)> = Vec::new();
        for (graph, tensors, node) in self.nodes(operation) {
            let id = tensors[node.output.tensor.0 as usize];
            let rounded = rounding(node);
            if id == operation.output.tensor {
                // What goes into a table is a byte.
                let steps = if operation.table.is_some() { 255.0 } else { 0.0 };
                own = own.max(rounded + steps * (coarsest(node) - FACTOR));
            } else {
                let scale = f64::from(self.tensor(id).scale);
                // A value of 16 bits is also as far from its factor as its size says.
                let size = if self.tensor(id).wide { 32768.0 } else { 255.0 };
                kept.insert(id, scale * (rounded + size * coarsest(node)));
            }
            // How much an uncertainty of the input grows.
            let channel = node.channels[0];
            let exponent = i32::from(channel.shift) + channel.half.fraction() as i32;
            let largest = channel.mantissa.unsigned_abs().max(channel.negative_mantissa.unsigned_abs());
            let from = tensors[node.input.tensor.0 as usize];
            let taps = match node.reduction {
                Reduction::Sum => (node.window.kernel[0] * node.window.kernel[1]) as f64,
                _ => 1.0,
            };
            let to = if id == operation.output.tensor { step } else { self.tensor(id).scale.into() };
            let gain = f64::from(largest) * power_of_two(-exponent) * taps * to;
            read.push((from, gain / f64::from(graph.tensor(node.input.tensor).scale)));
        }
        let between = kept.iter().map(|(id, radius)| {
            let gain =
                read.iter().filter(|(from, _)| from == id).fold(0.0f64, |most, (_, gain)| most.max(*gain));
            gain * radius / step
        });
        own + between.sum::<f64>() + self.coefficients(operation) / step
    }

    /// What float32 may make of the coefficients of a change of resolution, which the source has in float64 here: the
    /// magnitudes of those of an element sum to two at most.
    fn coefficients(&self, operation: &Operation) -> f64 {
        let resizes = |&n: &usize| matches!(self.graph.nodes[n].op, Op::Resize(_));
        if !operation.nodes.iter().any(resizes) {
            return 0.0;
        }
        let ranges =
            self.nodes(operation).into_iter().map(|(graph, _, node)| graph.tensor(node.input.tensor).range());
        let largest = ranges.fold(0.0f64, |most, (low, high)| most.max(-low).max(high));
        2.0 * f64::from(f32::EPSILON) * largest
    }
}
