//! A model that came quantised: that what is left of it without its QuantizeLinear and DequantizeLinear, rounded
//! where the claims say, is the model.
//!
//! The model runs in float32 with those operators as ONNX defines them. Of the graph without them every value that
//! is claimed to be a rounded one of the model is computed from values that are the model's own, and lies within a
//! step of it: half a step is rounding, and where two orders of summing float32 leave a number between two steps is
//! the rest. So defects do not add up to noise, and none hides in it. With what the machine stores in between it is
//! done once more: a value that is off then is so because the machine rounds what the model does not.

use super::noise::{self, COMPARED};
use super::{Finding, What};
use crate::claims::Claims;
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, Node, Op, ValueId};
use crate::memory;
use crate::network::Network;
use ndarray::{ArrayD, Dimension};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How far a value may lie from the model's rounded one, in steps.
const STEPS: f32 = 1.001;

/// What holding a network against the quantised model that it was made of gives.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PrescribedCheck {
    /// Values that rounding does not explain: defects.
    pub findings: Vec<Finding>,
    /// The outputs of the graph without the model's conversions when all its rounded values are the model's.
    pub outputs: Vec<ArrayD<f32>>,
    /// Layers some of whose integers are not the model's though what they read is.
    pub off: Vec<Off>,
}

/// A layer that does not make the model's integers of the model's integers.
#[derive(Clone, PartialEq, Debug)]
pub struct Off {
    /// Its name.
    pub layer: String,
    /// Its elements.
    pub elements: usize,
    /// How many are not the model's.
    pub count: usize,
    /// By how many steps, at most.
    pub steps: u32,
    /// How many others lie between two steps, of which the model takes the lower one and the machine the upper one.
    pub ties: usize,
}

/// Scale and zero point of the values that a quantised model rounds wherever they are made.
pub(super) struct Steps(BTreeMap<ValueId, (f32, f32)>);

impl Steps {
    pub fn new(claims: &Claims) -> Steps {
        Steps(claims.prescribed.iter().map(|&(id, scale, zero)| (id, (scale, zero.into()))).collect())
    }

    /// A value as all who read it have it: where the model prescribes steps, at the nearest one, as
    /// QuantizeLinear and DequantizeLinear of ONNX do.
    pub fn rounded(&self, id: ValueId, value: ArrayD<f32>) -> ArrayD<f32> {
        let Some(&(scale, zero)) = self.0.get(&id) else { return value };
        value.mapv(|x| (((x / scale).round_ties_even() + zero).clamp(-128.0, 127.0) - zero) * scale)
    }
}

/// A value as the model rounds it.
pub(super) struct Rounded {
    pub real: ArrayD<f32>,
    pub step: f32,
    /// The least and the largest real number of its integers.
    ends: [f32; 2],
    /// Of the machine's bytes; `None` for finer integers.
    zero: Option<f32>,
}

/// Holds the graph that `network` was made of against the imported `model` on `inputs` of the model's own batch.
/// `None` for inputs so large that the model's values would not fit memory beside the integers.
///
/// # Errors
/// Inputs that do not fit the model; claims that leave something open.
pub fn prescribed(
    model: &Graph,
    network: &Network,
    inputs: &[ArrayD<f32>],
) -> Result<Option<PrescribedCheck>> {
    let claims = &network.claims;
    let graph = &claims.graph;
    let bytes: u64 = graph.values.iter().map(|v| 4 * v.shape.iter().product::<usize>() as u64).sum();
    if bytes > memory::limit() / COMPARED {
        return Ok(None);
    }
    let steps = Steps::new(claims);
    let rounded = rounded(model, network, inputs)?;
    let findings = RefCell::new(Vec::new());
    let find = |id: ValueId, what: What| {
        let node = graph.producer(id).map(|(_, node)| node.name.clone());
        let layer = node.clone().unwrap_or_else(|| graph.value(id).name.clone());
        findings.borrow_mut().push(Finding { id: None, layer, nodes: node.into_iter().collect(), what });
    };
    let outputs = float::replaced(graph, inputs, &|id, made| {
        let Some(model) = rounded.get(&id) else {
            return steps.0.contains_key(&id).then(|| steps.rounded(id, made.to_owned()));
        };
        if let Some(zero) = model.zero
            && steps.0.get(&id) != Some(&(model.step, zero))
        {
            let message = format!("its scale is not the model's, {} with zero point {zero}", model.step);
            find(id, What::Claim { message });
        }
        if let Some(what) = outside(&made.to_owned(), model) {
            find(id, what);
        }
        Some(model.real.clone())
    })?;
    let findings = findings.into_inner();
    // What contradicts the model says nothing of what is rounded.
    let off = if findings.is_empty() { noise::off(network, inputs, rounded)? } else { vec![] };
    Ok(Some(PrescribedCheck { findings, outputs, off }))
}

/// The values that are claimed to be rounded ones of the model, as the model has them.
fn rounded(model: &Graph, network: &Network, inputs: &[ArrayD<f32>]) -> Result<BTreeMap<ValueId, Rounded>> {
    let named: BTreeMap<&str, &Node> = model
        .nodes
        .iter()
        .filter(|node| node.op.converts())
        .map(|node| (model.value(node.outputs[0]).name.as_str(), node))
        .collect();
    let of = |(id, name): &(ValueId, String)| Some((*id, *named.get(name.as_str())?));
    let pairs: Vec<(ValueId, &Node)> = network.claims.rounded.iter().filter_map(of).collect();
    let wanted: Vec<ValueId> = pairs.iter().map(|(_, node)| node.outputs[0]).collect();
    let values = float::run_some(model, inputs, &wanted)?;
    let one = |((id, node), value): ((ValueId, &Node), ArrayD<f32>)| {
        let (Op::QuantizeLinear { integer, .. } | Op::DequantizeLinear { integer, .. }) = node.op else {
            return None;
        };
        let [&[step], &[zero]] = [1, 2].map(|i| model.constant_data(node.inputs[i]).unwrap_or(&[])) else {
            return None;
        };
        let real = |whole: f32| (whole - zero) * step;
        let (least, most) = integer.range();
        let value = if matches!(node.op, Op::QuantizeLinear { .. }) { value.mapv(real) } else { value };
        let byte = most - least == 255;
        let rounded = Rounded {
            real: value,
            step,
            ends: [real(least as f32), real(most as f32)],
            zero: byte.then_some(zero - least as f32 - 128.0),
        };
        Some((id, rounded))
    };
    Ok(pairs.into_iter().zip(values).filter_map(one).collect())
}

/// The first element that is no rounded one of the model's, and how many are not.
fn outside(made: &ArrayD<f32>, model: &Rounded) -> Option<What> {
    let [least, most] = model.ends;
    let bounds = |real: f32| {
        let low = if real <= least { f32::NEG_INFINITY } else { real - STEPS * model.step };
        let high = if real >= most { f32::INFINITY } else { real + STEPS * model.step };
        [low, high]
    };
    let elements = made.indexed_iter().zip(&model.real);
    // What the model makes of a number that is none is nobody's to say.
    let mut wrong = elements.filter(|((_, x), real)| {
        let [low, high] = bounds(**real);
        !(real.is_nan() || (low..=high).contains(*x))
    });
    let ((index, &got), &real) = wrong.next()?;
    let [low, high] = bounds(real).map(f64::from);
    let index = index.as_array_view().to_vec();
    Some(What::Element { index, got: got.into(), low, high, count: 1 + wrong.count() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Integer, UnaryKind, Window};
    use crate::quantise::{self, Options};
    use ndarray::IxDyn;
    use tilewright_arch::Config;

    /// Two convolutions of bytes, a function between them where `open`, not rounded.
    fn model(open: bool) -> Graph {
        let mut graph = Graph::new("t");
        let mut at = graph.input("x", &[1, 2, 6, 6]).unwrap();
        let round = |graph: &mut Graph, x: ValueId, step: f32, zero: f32, name: &str| {
            let (step, zero) =
                (graph.constant("", &[], vec![step]).unwrap(), graph.constant("", &[], vec![zero]).unwrap());
            let (integer, axis) = (Integer::Uint8, None);
            let q = graph.node("q", Op::QuantizeLinear { integer, axis }, &[x, step, zero]).unwrap();
            graph.values[q.0 as usize].name = format!("{name}_q");
            let d = graph.node("d", Op::DequantizeLinear { integer, axis }, &[q, step, zero]).unwrap();
            graph.values[d.0 as usize].name = format!("{name}_d");
            d
        };
        at = round(&mut graph, at, 0.02, 120.0, "x");
        for layer in ["a", "b"] {
            let weights: Vec<f32> = (0..36).map(|i| f32::from((i * 37 % 251) as u8) - 125.0).collect();
            let w = graph.constant("", &[2, 2, 3, 3], weights).unwrap();
            let (step, zero) =
                (graph.constant("", &[], vec![0.004]).unwrap(), graph.constant("", &[], vec![0.0]).unwrap());
            let op = Op::DequantizeLinear { integer: Integer::Int8, axis: None };
            let w = graph.node("w", op, &[w, step, zero]).unwrap();
            let window = Window { kernel: [3, 3], pads: [1; 4], ..Window::UNIT };
            at = graph.node(layer, Op::Conv { window, groups: 1 }, &[at, w]).unwrap();
            if open {
                at = graph.node("s", Op::Unary { kind: UnaryKind::Sigmoid }, &[at]).unwrap();
            }
            at = round(&mut graph, at, if open { 0.004 } else { 0.03 }, 100.0, layer);
        }
        graph.outputs = vec![at];
        graph
    }

    fn sample() -> Vec<ArrayD<f32>> {
        let numbers = (0..72).map(|i| (i * 29 % 64) as f32 / 20.0 - 1.6).collect();
        vec![ArrayD::from_shape_vec(IxDyn(&[1, 2, 6, 6]), numbers).unwrap()]
    }

    fn quantised(model: &Graph) -> Network {
        quantise::run(model, &[sample()], &Options::default(), &Config::sized(9, 16)).unwrap()
    }

    #[test]
    fn a_quantised_model_is_itself() {
        let model = model(false);
        let network = quantised(&model);
        assert_eq!(network.claims.rounded.len(), 3, "{:?}", network.claims.rounded);
        let held = prescribed(&model, &network, &sample()).unwrap().unwrap();
        assert_eq!((held.findings, held.off), (vec![], vec![]));
        assert_eq!(held.outputs, float::run(&model, &sample()).unwrap());
    }

    /// Each in the graph or the scales that the rest of the proof starts from.
    #[test]
    fn what_is_no_longer_the_model_is_found() {
        let model = model(false);
        let network = quantised(&model);
        let found = |plant: &dyn Fn(&mut Claims)| {
            let mut network = network.clone();
            plant(&mut network.claims);
            let held = prescribed(&model, &network, &sample()).unwrap().unwrap();
            held.findings.iter().map(|finding| finding.layer.clone()).collect::<Vec<_>>()
        };
        let weights = |claims: &mut Claims, change: &dyn Fn(&mut Vec<f32>)| {
            let id = claims.graph.nodes[1].inputs[1];
            let crate::graph::Source::Constant(data) = &mut claims.graph.values[id.0 as usize].source else {
                panic!("weights are constants");
            };
            change(data);
        };
        assert_eq!(found(&|claims| weights(claims, &|data| data.iter_mut().for_each(|w| *w *= 0.25))), ["b"]);
        assert_eq!(found(&|claims| weights(claims, &|data| data[4] += 0.5)), ["b"]);
        assert_eq!(found(&|claims| claims.graph.nodes[1].inputs[0] = claims.graph.inputs[0]), ["b"]);
        let steps = |claims: &mut Claims, change: &dyn Fn(&mut (ValueId, f32, i8))| {
            let id = claims.rounded[1].0;
            claims.prescribed.iter_mut().filter(|steps| steps.0 == id).for_each(change);
        };
        assert_eq!(found(&|claims| steps(claims, &|steps| steps.1 *= 1.5)), ["a"]);
        assert_eq!(found(&|claims| steps(claims, &|steps| steps.2 += 1)), ["a"]);
        assert_eq!(found(&|claims| steps(claims, &|steps| steps.0 = ValueId(u32::MAX))), ["a"]);
        // A value of another name is another value.
        assert!(!found(&|claims| claims.rounded[1].1 = claims.rounded[2].1.clone()).is_empty());
    }

    /// The convolution's sums go into a table of bytes, which the model has not.
    #[test]
    fn what_is_rounded_on_the_way_is_counted() {
        let model = model(true);
        let network = quantised(&model);
        let held = prescribed(&model, &network, &sample()).unwrap().unwrap();
        assert_eq!(held.findings, []);
        let off: Vec<&Off> = held.off.iter().filter(|off| off.count > 0).collect();
        assert!(off.iter().all(|off| off.steps <= 2 && off.elements == 72), "{off:?}");
        assert!(!off.is_empty());
    }
}
