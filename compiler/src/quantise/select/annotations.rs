//! What an already quantised model prescribes: the scale and zero point of its values, which weights
//! are integers.
//!
//! [`strip`] takes QuantizeLinear and DequantizeLinear out of the graph and notes what they said. A
//! value that nobody but QuantizeLinears of one scale reads is the rounded one itself; where others read it too,
//! what is rounded is made a second time. What the model rounds to 16 bits stays on the host, with all that is
//! computed of it (`fine`); what else the machine's bytes cannot express is refused by name.

mod dequantise;
mod fine;
mod moved;
mod parts;
mod products;

use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Graph, Integer, Node, Op, Source, ValueId};
use crate::quantise::qparams::QParams;
use std::collections::BTreeMap;

/// What a model prescribes; nothing for a float model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Annotations {
    qparams: Vec<Option<QParams>>,
    /// Steps of the constants that the model keeps as integers.
    steps: BTreeMap<ValueId, Vec<f32>>,
    /// Values that 8 bits must not round, see [`fine`].
    fine: Vec<bool>,
    /// Values as they are rounded, and what the model calls them.
    rounded: Vec<(ValueId, String)>,
}

impl Annotations {
    /// Whether a value is finer than bytes: the host computes it.
    pub fn is_fine(&self, id: ValueId) -> bool {
        self.fine.get(id.0 as usize).is_some_and(|&fine| fine)
    }

    /// Scale and zero point of a value.
    pub fn qparams(&self, id: ValueId) -> Option<QParams> {
        self.qparams.get(id.0 as usize).copied().flatten()
    }

    /// The value of another graph that stands for `id`, rounded as prescribed.
    pub fn round(&self, graph: &mut Graph, id: ValueId, value: ValueId) -> Result<ValueId> {
        match self.qparams(id) {
            Some(qparams) => round(graph, "", value, qparams),
            None => Ok(value),
        }
    }

    /// The step of a constant that is whole numbers, or one for each index of an axis.
    pub fn steps(&self, id: ValueId) -> Option<&[f32]> {
        self.steps.get(&id).map(Vec::as_slice)
    }

    /// Values that are, rounded, values of the model, and their names there.
    pub fn rounded(&self) -> &[(ValueId, String)] {
        &self.rounded
    }

    /// Whether the model prescribes nothing.
    pub fn is_empty(&self) -> bool {
        self.qparams.iter().all(Option::is_none) && self.steps.is_empty()
    }
}

/// The graph without QuantizeLinear and DequantizeLinear, and what they prescribed. Left are those that
/// turn integer inputs to real numbers and results to integer outputs, and those of 16 bits: the host's work.
///
/// # Errors
/// Activations of 32 bits or with a scale for each channel, integers read as of another type than they
/// were made of; each names the node.
pub fn strip(graph: &Graph) -> Result<(Graph, Annotations)> {
    let mut strip = Strip {
        old: graph,
        uses: graph.use_counts(),
        shared: shared(graph),
        new: Graph::new(graph.name.clone()),
        annotations: Annotations::default(),
        map: vec![None; graph.values.len()],
    };
    for &id in &graph.inputs {
        let value = graph.value(id);
        let new = strip.new.typed_input(value.name.clone(), &value.shape, value.integer)?;
        strip.map[id.0 as usize] = Some(Mapped::Real(new));
    }
    for node in &graph.nodes {
        let place = |e: Error| {
            let e = e.stage("quantise").file(&graph.name).node(&node.name).operator(node.op.name());
            e.hint("leave this part of the model in float32")
        };
        let mapped = strip.node(node).map_err(place)?;
        strip.note(node, mapped);
        strip.map[node.outputs[0].0 as usize] = Some(mapped);
    }
    for &id in &graph.outputs {
        let mapped = strip.get(id)?;
        let name = &graph.value(id).name;
        let mut new = strip.materialise(mapped, name)?;
        // Nobody makes an input, so nobody has rounded it.
        if strip.new.producer(new).is_none() && strip.new.constant_data(new).is_none() {
            strip.annotations.qparams.resize(strip.new.values.len(), None);
            new = strip.annotations.round(&mut strip.new, new, new)?;
        }
        strip.new.outputs.push(new);
    }
    strip.annotate_copies();
    strip.annotations.fine = fine::values(&strip.new, &strip.annotations);
    Ok((strip.new, strip.annotations))
}

/// What a value of the old graph is in the new one.
#[derive(Clone, Copy)]
enum Mapped {
    /// The same real numbers.
    Real(ValueId),
    /// Whole numbers: the new value, as scale and zero point round it.
    Whole(ValueId, Encoding),
}

/// How whole numbers stand for real ones.
#[derive(Clone, Copy, PartialEq)]
struct Encoding {
    integer: Integer,
    scale: f32,
    zero: f32,
}

struct Strip<'a> {
    old: &'a Graph,
    /// How often each old value is read.
    uses: Vec<usize>,
    /// Whether others read it than QuantizeLinears of one scale and zero point.
    shared: Vec<bool>,
    new: Graph,
    annotations: Annotations,
    map: Vec<Option<Mapped>>,
}

/// A value as scale and zero point round it, computed by the host in a node `name`.
fn round(graph: &mut Graph, name: &str, value: ValueId, QParams { scale, zero }: QParams) -> Result<ValueId> {
    let (scale, zero) = (graph.constant("", &[], vec![scale])?, graph.constant("", &[], vec![zero.into()])?);
    let (integer, axis) = (Integer::Int8, None);
    let whole = graph.node(name, Op::QuantizeLinear { integer, axis }, &[value, scale, zero])?;
    graph.node("", Op::DequantizeLinear { integer, axis }, &[whole, scale, zero])
}

/// Of each value, whether it is read by a QuantizeLinear, and by others than QuantizeLinears of the same scale and
/// zero point.
fn shared(graph: &Graph) -> Vec<bool> {
    let uses = graph.use_counts();
    let mut rounded: Vec<Option<[Option<&[f32]>; 2]>> = vec![None; graph.values.len()];
    let mut other = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|id| other[id.0 as usize] = true);
    for node in &graph.nodes {
        if uses[node.outputs[0].0 as usize] == 0 {
            continue;
        }
        if !matches!(node.op, Op::QuantizeLinear { .. }) {
            node.inputs.iter().for_each(|id| other[id.0 as usize] = true);
            continue;
        }
        let by = [1, 2].map(|i| graph.constant_data(node.inputs[i]));
        let x = node.inputs[0].0 as usize;
        match rounded[x] {
            None => rounded[x] = Some(by),
            Some(before) => other[x] |= before != by,
        }
    }
    rounded.iter().zip(other).map(|(rounded, other)| rounded.is_some() && other).collect()
}

/// Whether an operator computes each element of its only computed input alone.
fn is_pointwise(op: &Op) -> bool {
    matches!(
        op,
        Op::Relu
            | Op::Clip { .. }
            | Op::LeakyRelu { .. }
            | Op::PRelu
            | Op::Unary { .. }
            | Op::BatchNormalization { .. }
    )
}

/// From an element's number in a tensor of `shape` to its index along an axis; 0 without an axis.
fn index_along(axis: Option<usize>, shape: &[usize]) -> impl Fn(usize) -> usize + use<> {
    let (extent, inner) = match axis {
        Some(axis) => (shape[axis], shape[axis + 1..].iter().product::<usize>()),
        None => (1, 1),
    };
    move |i| i / inner % extent
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("quantise", message))
}

impl Encoding {
    /// As a byte of the machine: uint8 shifted by 128. `None` for 16 bits.
    fn qparams(self) -> Result<Option<QParams>> {
        let shift = match self.integer {
            Integer::Int8 => 0.0,
            Integer::Uint8 => 128.0,
            Integer::Int16 | Integer::Uint16 => return Ok(None),
            other => return refuse(format!("its activations are {}", other.name())),
        };
        // The zero point is of the type: the importer read it so.
        Ok(Some(QParams { scale: self.scale, zero: (self.zero - shift) as i8 }))
    }
}

impl Strip<'_> {
    /// What an old value is, constants included.
    fn get(&mut self, id: ValueId) -> Result<Mapped> {
        if let Some(mapped) = self.map[id.0 as usize] {
            return Ok(mapped);
        }
        let value = self.old.value(id);
        let Source::Constant(data) = &value.source else {
            unreachable!("nodes are in topological order and mapped when passed");
        };
        let mapped = Mapped::Real(self.new.constant(value.name.clone(), &value.shape, data.clone())?);
        self.map[id.0 as usize] = Some(mapped);
        Ok(mapped)
    }

    /// The new value itself; whole numbers are made of it once more, by the host.
    fn materialise(&mut self, mapped: Mapped, name: &str) -> Result<ValueId> {
        match mapped {
            Mapped::Real(id) => Ok(id),
            Mapped::Whole(id, quantised) => {
                let id = self.whole("", id, quantised)?;
                self.new.values[id.0 as usize].name = name.to_owned();
                Ok(id)
            }
        }
    }

    /// The whole numbers that the host makes of real ones in a node `name`.
    fn whole(&mut self, name: &str, real: ValueId, quantised: Encoding) -> Result<ValueId> {
        let Encoding { integer, scale, zero } = quantised;
        let (scale, zero) =
            (self.new.constant("", &[], vec![scale])?, self.new.constant("", &[], vec![zero])?);
        self.new.node(name, Op::QuantizeLinear { integer, axis: None }, &[real, scale, zero])
    }

    /// Notes what the model calls a value that `node` rounds, or reads as rounded.
    fn note(&mut self, node: &Node, made: Mapped) {
        let (Mapped::Real(id) | Mapped::Whole(id, _)) = made;
        let name = &self.old.value(node.outputs[0]).name;
        let sums = matches!(node.op, Op::DequantizeLinear { integer: Integer::Int32, .. });
        let constant = self.new.constant_data(id).is_some();
        if node.op.converts() && !(sums || constant || name.is_empty()) {
            // Of two roundings of one value its readers have the later one.
            self.annotations.rounded.retain(|(known, _)| *known != id);
            self.annotations.rounded.push((id, name.clone()));
        }
    }

    /// One scale and zero point of a node between real and whole numbers.
    fn quantised(&self, node: &Node, integer: Integer) -> Result<Encoding> {
        let number = |id: ValueId| self.old.constant_data(id);
        match (number(node.inputs[1]), number(node.inputs[2])) {
            (Some(&[scale]), Some(&[zero])) => Ok(Encoding { integer, scale, zero }),
            (Some(_), Some(_)) => refuse("activations have one scale, not one for each channel"),
            _ => refuse("its scale and zero point are not constants"),
        }
    }

    fn node(&mut self, node: &Node) -> Result<Mapped> {
        match node.op {
            Op::QuantizeLinear { integer, .. } => {
                let quantised = self.quantised(node, integer)?;
                let qparams = quantised.qparams()?;
                let x = self.get(node.inputs[0])?;
                let mut x = self.materialise(x, "")?;
                let Some(qparams) = qparams else {
                    let whole = self.whole(&node.name, x, quantised)?;
                    return Ok(Mapped::Whole(self.real(node, whole, quantised)?, quantised));
                };
                if self.uses[node.outputs[0].0 as usize] == 0 {
                    return Ok(Mapped::Whole(x, quantised));
                }
                self.annotate_source(node.inputs[0], qparams);
                if self.shared[node.inputs[0].0 as usize] {
                    x = self.again(x, qparams, &node.name)?;
                }
                let x = self.annotate(x, qparams, &node.name)?;
                Ok(Mapped::Whole(x, quantised))
            }
            Op::DequantizeLinear { integer, axis } => self.dequantise(node, integer, axis),
            Op::Binary { kind: BinaryKind::Mul } | Op::Conv { .. } => match self.taken_by_weights(node)? {
                Some(id) => Ok(Mapped::Real(id)),
                None => self.other(node),
            },
            _ => self.other(node),
        }
    }

    /// Any other operator: on real numbers, or moving whole ones.
    fn other(&mut self, node: &Node) -> Result<Mapped> {
        let mapped = node.inputs.iter().map(|&id| self.get(id)).collect::<Result<Vec<_>>>()?;
        let whole = |m: &Mapped| match m {
            Mapped::Whole(_, q) => Some(*q),
            Mapped::Real(_) => None,
        };
        let kinds: Vec<Option<Encoding>> = mapped.iter().map(whole).collect();
        if kinds.iter().any(|k| *k != kinds[0]) {
            return refuse("it joins integers of different scales");
        }
        let inputs: Vec<ValueId> = mapped
            .iter()
            .map(|m| match m {
                Mapped::Real(id) | Mapped::Whole(id, _) => *id,
            })
            .collect();
        let out = self.old.value(node.outputs[0]);
        let declared = matches!(node.op, Op::Reshape).then_some(out.shape.as_slice());
        let (op, inputs) = match self.parts(node, &inputs)? {
            Some(parted) => parted,
            None => (node.op.clone(), inputs),
        };
        let id = self.new.apply(node.name.clone(), op, &inputs, declared)?;
        self.new.values[id.0 as usize].name.clone_from(&out.name);
        match kinds[0] {
            None => Ok(Mapped::Real(id)),
            Some(quantised) => {
                let id = match quantised.qparams()? {
                    Some(qparams) => self.annotate(id, qparams, &node.name)?,
                    None => id,
                };
                Ok(Mapped::Whole(id, quantised))
            }
        }
    }

    /// A real value once more, for a rounding of its own that other readers do not see: an input is rounded by the
    /// host, anything else computed a second time, from where its elements are sums.
    fn again(&mut self, id: ValueId, qparams: QParams, name: &str) -> Result<ValueId> {
        self.annotations.qparams.resize(self.new.values.len(), None);
        if self.annotations.qparams(id).is_some() || self.new.constant_data(id).is_some() {
            return Ok(id);
        }
        let Some((_, maker)) = self.new.producer(id) else {
            return round(&mut self.new, name, id, qparams);
        };
        let (op, old, mut inputs) = (maker.op.clone(), maker.name.clone(), maker.inputs.clone());
        if is_pointwise(&op) && self.new.producer(inputs[0]).is_some() {
            inputs[0] = self.again(inputs[0], qparams, name)?;
        }
        let shape = self.new.shape(id).to_vec();
        let declared = matches!(op, Op::Reshape).then_some(shape.as_slice());
        self.new.apply(old, op, &inputs, declared)
    }

    /// Prescribes scale and zero point of a new value. Where it has others already, or lies in the
    /// bytes of a value that has, a copy takes them; in the end most copies are part of the operation
    /// before.
    fn annotate(&mut self, mut id: ValueId, qparams: QParams, name: &str) -> Result<ValueId> {
        self.annotations.qparams.resize(self.new.values.len(), None);
        let own = self.annotations.qparams(id);
        if own == Some(qparams) {
            return Ok(id);
        }
        let shares = self.new.producer(id).is_some_and(|(_, maker)| {
            maker.op.only_moves() && self.annotations.qparams(maker.inputs[0]) != Some(qparams)
        });
        if own.is_some() || shares {
            let op = Op::Clip { min: f32::NEG_INFINITY, max: f32::INFINITY };
            id = self.new.node(name, op, &[id])?;
            self.annotations.qparams.resize(self.new.values.len(), None);
        }
        self.annotations.qparams[id.0 as usize] = Some(qparams);
        Ok(id)
    }
}

#[cfg(test)]
mod tests;
