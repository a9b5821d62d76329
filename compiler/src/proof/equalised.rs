//! Equalisation: what is stored of a value is the source's value divided by a positive factor of its channel,
//! which every operator in between lets through.
//!
//! The factors are not believed: those of a layer's result follow from its weights in both graphs and from the
//! factors of what it reads.

use super::apart::joined;
use super::{Finding, What};
use crate::float;
use crate::graph::{Graph, Node, Op, ValueId};
use ndarray::ArrayD;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How far a number that was multiplied by factors in float32, once as a row's and once as a column's, may be off
/// from what others say of the same factors, as a share of itself: some roundings of 2^-24.
const ROUNDED: f64 = 2e-6;

/// What a graph was equalised by.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Equalised {
    /// Operators that do not let the factors through, and numbers that are not scaled by them.
    pub findings: Vec<Finding>,
    /// Clamps whose values are stored scaled: what they are set to is another bound in the source.
    clamps: Vec<(usize, Vec<f64>)>,
    /// The stored graph with the source's operators, where some were taken apart.
    joined: Option<Graph>,
}

/// Factors of a value's channels, its elements in equal parts. A channel of zeros throughout, as pruned networks
/// have them, is a multiple of the source's by any factor: it has none.
type Scalings = Vec<Option<f64>>;

/// Shows that `stored` computes what `source` does, but for factors.
pub fn equalised(source: &Graph, stored: &Graph) -> Equalised {
    let mut result = Equalised::default();
    let wrong = |node: &Node, message: String| Finding {
        id: None,
        layer: node.name.clone(),
        nodes: vec![node.name.clone()],
        what: What::Claim { message: format!("equalisation: {message}") },
    };
    let stored = match joined(source, stored) {
        Ok(stored) => stored,
        Err((layer, message)) => {
            let what = What::Claim { message: format!("equalisation: {message}") };
            result.findings.push(Finding { id: None, nodes: vec![layer.clone()], layer, what });
            return result;
        }
    };
    // Values that are not listed are those of the source.
    let mut factors: BTreeMap<ValueId, Scalings> = BTreeMap::new();
    for (n, (node, other)) in source.nodes.iter().zip(&stored.nodes).enumerate() {
        match through([source, &stored], [node, other], &factors) {
            Ok(made) if made.iter().all(|factor| *factor == Some(1.0)) => {}
            Ok(made) => {
                if let (Op::Clip { .. }, false) = (&node.op, unscaled(&made)) {
                    let factors = made.iter().map(|factor| factor.unwrap_or(1.0)).collect();
                    result.clamps.push((n, factors));
                }
                factors.insert(node.outputs[0], made);
            }
            Err(message) => result.findings.push(wrong(node, message)),
        }
    }
    for id in source.outputs.iter().filter(|id| factors.get(id).is_some_and(|made| !unscaled(made))) {
        let (_, node) = source.producer(*id).expect("only results of nodes have factors");
        result.findings.push(wrong(node, "an output of the network is scaled".into()));
    }
    if let (Cow::Owned(joined), false) = (stored, result.clamps.is_empty()) {
        result.joined = Some(joined);
    }
    result
}

impl Equalised {
    /// Elements that a clamp of the stored graph cuts off and that of the source does not, for these inputs,
    /// by the clamp's name, and of how many; clamps that cut off nothing are left out.
    ///
    /// # Errors
    /// Inputs that do not fit.
    pub fn clipped(
        &self,
        stored: &Graph,
        inputs: &[ArrayD<f32>],
    ) -> crate::error::Result<Vec<(String, usize, usize)>> {
        if self.clamps.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.joined.as_ref().unwrap_or(stored);
        let values = float::run_all(stored, inputs)?;
        let one = |(n, factors): &(usize, Vec<f64>)| {
            let node = &stored.nodes[*n];
            let Op::Clip { max, .. } = node.op else { unreachable!("only clamps are listed") };
            let x = &values[node.inputs[0].0 as usize];
            let part = x.len() / factors.len();
            let cut = |(i, &x): (usize, &f32)| x > max && f64::from(x) * factors[i / part] < f64::from(max);
            let count = x.iter().enumerate().filter(|x| cut(*x)).count();
            (node.name.clone(), count, x.len())
        };
        Ok(self.clamps.iter().map(one).filter(|(_, count, _)| *count > 0).collect())
    }
}

/// The factors of a node's result, none where it is the source's; an error says what contradicts them.
fn through(
    [source, stored]: [&Graph; 2],
    [node, other]: [&Node; 2],
    factors: &BTreeMap<ValueId, Scalings>,
) -> Result<Scalings, String> {
    let weights = |graph: &Graph, node: &Node| Some(graph.constant_data(*node.inputs.get(1)?)?.to_vec());
    let read = |id: &ValueId| factors.get(id);
    if let (true, Some(w), Some(v)) = (layer(&node.op), weights(source, node), weights(stored, other)) {
        let groups = if let Op::Conv { groups, .. } = node.op { groups } else { 1 };
        let made = of_rows(source.shape(node.inputs[1]), groups, [&w, &v], read(&node.inputs[0]))?;
        let bias = |graph, node: &Node| node.inputs.get(2).map(|&id| Bias::of(graph, id));
        return with_bias(made, bias(source, node), bias(stored, other));
    }
    for (a, b) in node.inputs.iter().zip(&other.inputs) {
        let equal = match (source.constant_data(*a), stored.constant_data(*b)) {
            (None, None) => a == b,
            (a, b) => a == b,
        };
        if !equal {
            return Err("it reads other numbers".into());
        }
    }
    let plain = |ids: &[ValueId]| ids.iter().filter_map(read).all(unscaled);
    match (&node.op, read(&node.inputs[0])) {
        // What a constant is added to, or a value of other factors, is no multiple of the source's.
        (Op::Add, _) => common(source, node, &node.inputs.iter().map(read).collect::<Vec<_>>()),
        (_, Some(made)) if commutes(source, node) && plain(&node.inputs[1..]) => Ok(made.clone()),
        _ if plain(&node.inputs) => Ok(Vec::new()),
        _ => Err("it reads scaled values and does not let the factors through".into()),
    }
}

/// Whether a positive factor of the first operand's channel becomes one of the result's.
fn commutes(graph: &Graph, node: &Node) -> bool {
    match node.op {
        Op::Relu | Op::LeakyRelu { .. } | Op::PRelu => true,
        Op::MaxPool { .. } | Op::AveragePool { .. } | Op::GlobalAveragePool => true,
        Op::Clip { min, max } => min == 0.0 && max > 0.0,
        Op::Flatten { .. } | Op::Reshape => graph.shape(node.outputs[0])[0] == 1,
        _ => false,
    }
}

/// The factors of a sum: those that its operands have in common, as zeros have any.
fn common(graph: &Graph, node: &Node, operands: &[Option<&Scalings>]) -> Result<Scalings, String> {
    let Some(channels) = operands.iter().flatten().map(|made| made.len()).next() else {
        return Ok(Vec::new());
    };
    let alike = node.inputs.iter().all(|id| graph.shape(*id) == graph.shape(node.outputs[0]));
    let mut sum: Scalings = vec![None; channels];
    let source = vec![Some(1.0); channels];
    for operand in operands {
        let operand = operand.unwrap_or(&source);
        if operand.len() != channels || !(alike || unscaled(operand)) {
            return Err("it adds values whose channels are scaled apart".into());
        }
        for (sum, factor) in sum.iter_mut().zip(operand) {
            match (*sum, factor) {
                (Some(a), Some(b)) if !near(a, *b) => {
                    return Err("it adds values of other factors".into());
                }
                (None, _) => *sum = *factor,
                _ => {}
            }
        }
    }
    Ok(if alike { sum } else { Vec::new() })
}

/// Whether values of these factors are the source's.
fn unscaled(factors: &Scalings) -> bool {
    factors.iter().flatten().all(|factor| *factor == 1.0)
}

fn near(wanted: f64, got: f64) -> bool {
    (wanted - got).abs() <= ROUNDED * wanted.abs() + f64::from(f32::MIN_POSITIVE)
}

/// Whether a node has a row of weights for each channel of its result.
fn layer(op: &Op) -> bool {
    matches!(op, Op::Conv { .. } | Op::Gemm { trans_a: false, trans_b: true, .. })
}

/// The factor that leads from what is stored to what the source says, exactly 1 for what was left alone.
fn factor(channel: usize, wanted: f64, got: f64) -> Result<f64, String> {
    let made = wanted / got;
    match made.is_finite() && made > 0.0 {
        true => Ok(if (made - 1.0).abs() <= ROUNDED { 1.0 } else { made }),
        false => Err(format!("channel {channel} has no positive factor")),
    }
}

/// The factors of a layer's rows: weights `w` in the source times the factors of what they read are these times
/// the weights `v` that are stored. Rows that add nothing have none.
fn of_rows(
    shape: &[usize],
    groups: usize,
    [w, v]: [&[f32]; 2],
    read: Option<&Scalings>,
) -> Result<Scalings, String> {
    if w.len() != v.len() {
        return Err("it has another number of weights".into());
    }
    let (rows, columns) = (shape[0], shape[1]);
    let (terms, taps) = (w.len() / rows, w.len() / rows / columns);
    let of_row = |row: usize| {
        let first = row / (rows / groups) * columns;
        let column = |i: usize| (first + i / taps) * read.map_or(1, Vec::len) / (columns * groups);
        // What is multiplied by zeros may be anything.
        let counts = |i: usize| read.map_or(Some(1.0), |read| read[column(i)]);
        let pairs: Vec<(usize, f64, f64)> = (0..terms)
            .filter_map(|i| {
                let at = row * terms + i;
                counts(i).map(|factor| (i, f64::from(w[at]) * factor, f64::from(v[at])))
            })
            .collect();
        let largest = pairs.iter().max_by(|a, b| a.2.abs().total_cmp(&b.2.abs()));
        let made = match largest {
            Some(&(_, wanted, got)) if got != 0.0 => Some(factor(row, wanted, got)?),
            _ => None,
        };
        let differs = |(_, wanted, got): &&(usize, f64, f64)| !near(*wanted, made.unwrap_or(1.0) * got);
        match pairs.iter().find(differs) {
            Some((i, wanted, got)) => {
                Err(format!("weight {i} of channel {row} is {wanted} and was stored as {got}"))
            }
            None => Ok(made),
        }
    };
    (0..rows).map(of_row).collect()
}

/// What a layer adds to its rows.
#[derive(PartialEq)]
enum Bias {
    Constant(Vec<f32>),
    Made(ValueId),
}

impl Bias {
    fn of(graph: &Graph, id: ValueId) -> Bias {
        graph.constant_data(id).map_or(Bias::Made(id), |data| Bias::Constant(data.to_vec()))
    }
}

/// The factors of a layer's result, from those of its rows and from its bias in the source and as stored.
fn with_bias(mut made: Scalings, source: Option<Bias>, stored: Option<Bias>) -> Result<Scalings, String> {
    match (source, stored) {
        (None, None) => {}
        (Some(Bias::Constant(a)), Some(Bias::Constant(b))) if a.len() == made.len() && b.len() == a.len() => {
            for (c, (made, (a, b))) in made.iter_mut().zip(a.iter().zip(&b)).enumerate() {
                let (a, b) = (f64::from(*a), f64::from(*b));
                if made.is_none() && b != 0.0 {
                    *made = Some(factor(c, a, b)?);
                }
                if !near(a, made.unwrap_or(1.0) * b) {
                    return Err(format!("the bias of channel {c} is {a} and was stored as {b}"));
                }
            }
        }
        // One that is made, or one for several channels, is added to rows that are the source's.
        (Some(a), Some(b)) if unscaled(&made) && a == b => made.fill(Some(1.0)),
        _ => return Err("its bias is another one".into()),
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Window;
    use ndarray::IxDyn;

    /// Two layers of two channels with a clamp and a pool in between.
    fn graph(first: [f32; 2], bias: [f32; 2], second: [f32; 2]) -> Graph {
        let mut g = Graph::new("two");
        let x = g.input("x", &[1, 1, 2, 2]).unwrap();
        let conv = Op::Conv { window: Window::UNIT, groups: 1 };
        let (w, b) =
            (g.constant("w", &[2, 1, 1, 1], first.to_vec()).unwrap(), g.constant("b", &[2], bias.to_vec()));
        let x = g.node("conv1", conv.clone(), &[x, w, b.unwrap()]).unwrap();
        let x = g.node("clip", Op::Clip { min: 0.0, max: 6.0 }, &[x]).unwrap();
        let x = g.node("pool", Op::GlobalAveragePool, &[x]).unwrap();
        let w = g.constant("v", &[1, 2, 1, 1], second.to_vec()).unwrap();
        let y = g.node("conv2", conv, &[x, w]).unwrap();
        g.outputs.push(y);
        g
    }

    fn source() -> Graph {
        graph([1.0, 3.0], [0.5, -1.0], [2.0, 5.0])
    }

    /// The second channel is stored four times as large.
    fn stored() -> Graph {
        graph([1.0, 12.0], [0.5, -4.0], [2.0, 1.25])
    }

    #[test]
    fn factors_are_found_and_cancel() {
        let same = equalised(&source(), &source());
        assert_eq!(same, Equalised::default());
        let result = equalised(&source(), &stored());
        assert_eq!(result.findings, []);
        assert_eq!(result.clamps, [(1, vec![1.0, 0.25])]);
    }

    #[test]
    fn what_is_not_scaled_by_its_factor_is_found() {
        let wrong = [
            (graph([1.0, 12.0], [0.5, -4.0], [2.0, 1.3]), "conv2"),
            (graph([1.0, 12.0], [0.5, -4.0], [2.1, 1.25]), "conv2"),
            (graph([1.0, 12.0], [0.5, -1.0], [2.0, 1.25]), "conv1"),
            (graph([1.0, -12.0], [0.5, 4.0], [2.0, -1.25]), "conv1"),
        ];
        for (stored, layer) in wrong {
            let found = equalised(&source(), &stored).findings;
            assert!(found.iter().any(|f| f.layer == layer), "{layer}: {found:?}");
        }
    }

    #[test]
    fn only_operators_that_commute_let_factors_through() {
        for op in [Op::Clip { min: -1.0, max: 6.0 }, Op::Softmax { axis: 1 }] {
            let (mut a, mut b) = (source(), stored());
            (a.nodes[1].op, b.nodes[1].op) = (op.clone(), op);
            assert!(equalised(&a, &b).findings.iter().any(|f| f.layer == "clip"));
        }
        let (mut a, mut b) = (source(), stored());
        (a.outputs, b.outputs) = (vec![a.nodes[2].outputs[0]], vec![b.nodes[2].outputs[0]]);
        assert!(equalised(&a, &b).findings.iter().any(|f| f.layer == "pool"));
        let mut other = stored();
        other.nodes.pop();
        assert!(!equalised(&source(), &other).findings.is_empty());
    }

    /// Zeros are a multiple of the source's by any factor, until something is added to them.
    #[test]
    fn channels_of_zeros_have_any_factor() {
        let dead = |v| graph([0.0, 3.0], [0.0, -1.0], [v, 5.0]);
        assert_eq!(equalised(&dead(2.0), &dead(7.0)), Equalised::default());
        let biased = |b, v| graph([0.0, 3.0], [b, -1.0], [v, 5.0]);
        assert_eq!(equalised(&biased(1.0, 2.0), &biased(0.5, 4.0)).clamps, [(1, vec![2.0, 1.0])]);
        assert!(!equalised(&biased(1.0, 2.0), &biased(0.5, 5.0)).findings.is_empty());
        assert!(!equalised(&biased(1.0, 2.0), &biased(0.0, 2.0)).findings.is_empty());
        let [a, b] = [dead(2.0), dead(7.0)].map(|mut g| {
            let one = g.constant("one", &[1, 2, 1, 1], vec![1.0; 2]).unwrap();
            let y = g.node("add", Op::Add, &[g.nodes[2].outputs[0], one]).unwrap();
            let (conv, w) = (g.nodes[3].op.clone(), g.nodes[3].inputs[1]);
            g.outputs[0] = g.node("conv3", conv, &[y, w]).unwrap();
            g
        });
        assert_eq!(equalised(&a, &b).findings[0].layer, "conv3");
    }

    #[test]
    fn other_constants_are_found() {
        let mut other = source();
        let slope = |g: &mut Graph, slope: f32| {
            let y = g.outputs[0];
            let slope = g.constant("slope", &[1, 1, 1], vec![slope]).unwrap();
            g.outputs[0] = g.node("prelu", Op::PRelu, &[y, slope]).unwrap();
        };
        let mut own = source();
        slope(&mut own, 0.1);
        slope(&mut other, 0.2);
        assert_eq!(equalised(&own, &own.clone()).findings, []);
        assert_eq!(equalised(&own, &other).findings[0].layer, "prelu");
    }

    /// 3 * 1 - 1 = 2 is 8 as stored, which is more than 6.
    #[test]
    fn clamps_met_through_a_factor_alone_are_counted() {
        let result = equalised(&source(), &stored());
        let sample = |x: [f32; 4]| vec![ArrayD::from_shape_vec(IxDyn(&[1, 1, 2, 2]), x.to_vec()).unwrap()];
        assert_eq!(result.clipped(&stored(), &sample([0.5, 0.1, 0.0, -1.0])).unwrap(), []);
        let clipped = result.clipped(&stored(), &sample([1.0, 0.1, 9.0, -1.0])).unwrap();
        assert_eq!(clipped, [("clip".to_string(), 1, 8)]);
    }
}
