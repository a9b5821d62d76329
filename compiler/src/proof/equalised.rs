//! Equalisation: what is stored of a value is the source's value divided by a positive factor of its channel,
//! which every operator in between lets through.
//!
//! The factors are not believed: those of a layer's result follow from its weights in both graphs and from the
//! factors of what it reads.

use super::{Finding, What};
use crate::float;
use crate::graph::{Graph, Node, Op, ValueId};
use ndarray::ArrayD;
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
}

/// Factors of a value's channels, its elements in equal parts; none where all are 1.
type Factors = Option<Vec<f64>>;

/// Shows that `stored` computes what `source` does, but for factors.
pub fn equalised(source: &Graph, stored: &Graph) -> Equalised {
    let mut result = Equalised::default();
    let wrong = |node: &Node, message: String| Finding {
        layer: node.name.clone(),
        nodes: vec![node.name.clone()],
        what: What::Claim { message: format!("equalisation: {message}") },
    };
    let same = |(a, b): (&Node, &Node)| a.op == b.op && a.outputs == b.outputs;
    if source.nodes.len() != stored.nodes.len() || !source.nodes.iter().zip(&stored.nodes).all(same) {
        let node = stored.nodes.first().or(source.nodes.first());
        result.findings.extend(node.map(|node| wrong(node, "the operators are others".into())));
        return result;
    }
    let mut factors: BTreeMap<ValueId, Vec<f64>> = BTreeMap::new();
    for (n, (node, other)) in source.nodes.iter().zip(&stored.nodes).enumerate() {
        match through([source, stored], [node, other], &factors) {
            Ok(None) => {}
            Ok(Some(made)) => {
                if let Op::Clip { .. } = node.op {
                    result.clamps.push((n, made.clone()));
                }
                factors.insert(node.outputs[0], made);
            }
            Err(message) => result.findings.push(wrong(node, message)),
        }
    }
    for id in source.outputs.iter().filter(|id| factors.contains_key(id)) {
        let (_, node) = source.producer(*id).expect("only results of nodes have factors");
        result.findings.push(wrong(node, "an output of the network is scaled".into()));
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

/// The factors of a node's result, in the source and as stored; an error says what contradicts them.
fn through(
    [source, stored]: [&Graph; 2],
    [node, other]: [&Node; 2],
    factors: &BTreeMap<ValueId, Vec<f64>>,
) -> Result<Factors, String> {
    let weights = |graph: &Graph, node: &Node| Some(graph.constant_data(*node.inputs.get(1)?)?.to_vec());
    let read = |id: &ValueId| factors.get(id);
    if let (true, Some(w), Some(v)) = (layer(&node.op), weights(source, node), weights(stored, other)) {
        let bias = |graph: &Graph, node: &Node| {
            node.inputs
                .get(2)
                .map(|&id| graph.constant_data(id).map(<[f32]>::to_vec).ok_or("its bias is made"))
        };
        let bias = [bias(source, node).transpose()?, bias(stored, other).transpose()?];
        let groups = if let Op::Conv { groups, .. } = node.op { groups } else { 1 };
        return of_layer(source.shape(node.inputs[1]), groups, [&w, &v], bias, read(&node.inputs[0]));
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
    let Some(first) = node.inputs.iter().find_map(read) else { return Ok(None) };
    let commutes = match &node.op {
        Op::Relu | Op::LeakyRelu { .. } | Op::PRelu => true,
        Op::MaxPool { .. } | Op::AveragePool { .. } | Op::GlobalAveragePool => true,
        Op::Clip { min, max } => *min == 0.0 && *max > 0.0,
        Op::Flatten { .. } | Op::Reshape => source.shape(node.outputs[0])[0] == 1,
        Op::Add => true,
        _ => false,
    };
    // What a constant is added to, or a value of other factors, is no multiple of the source's.
    let all = match node.op {
        Op::Add => node.inputs.iter().all(|id| read(id).is_some_and(|other| alike(first, other))),
        _ => read(&node.inputs[0]).is_some(),
    };
    match commutes && all {
        true => Ok(Some(first.clone())),
        false => Err("it reads scaled values and does not let the factors through".into()),
    }
}

fn near(wanted: f64, got: f64) -> bool {
    (wanted - got).abs() <= ROUNDED * wanted.abs() + f64::from(f32::MIN_POSITIVE)
}

fn alike(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
}

/// Whether a node has a row of weights for each channel of its result.
fn layer(op: &Op) -> bool {
    matches!(op, Op::Conv { .. } | Op::Gemm { trans_a: false, trans_b: true, .. })
}

/// The factors of a layer's rows: weights `w` in the source times the factors of what they read are these times
/// the weights `v` that are stored.
fn of_layer(
    shape: &[usize],
    groups: usize,
    [w, v]: [&[f32]; 2],
    bias: [Option<Vec<f32>>; 2],
    read: Option<&Vec<f64>>,
) -> Result<Factors, String> {
    if w.len() != v.len() {
        return Err("it has another number of weights".into());
    }
    let (rows, columns) = (shape[0], shape[1]);
    let (terms, taps) = (w.len() / rows, w.len() / rows / columns);
    let mut made = vec![1.0; rows];
    for (row, made) in made.iter_mut().enumerate() {
        let first = row / (rows / groups) * columns;
        let factor =
            |i: usize| read.map_or(1.0, |read| read[(first + i / taps) * read.len() / (columns * groups)]);
        let wanted = |i: usize| f64::from(w[row * terms + i]) * factor(i);
        let got = |i: usize| f64::from(v[row * terms + i]);
        let largest = (0..terms).max_by(|a, b| got(*a).abs().total_cmp(&got(*b).abs())).unwrap_or(0);
        if got(largest) != 0.0 {
            *made = wanted(largest) / got(largest);
        }
        if !(made.is_finite() && *made > 0.0) {
            return Err(format!("channel {row} has no positive factor"));
        }
        // A row that was left alone has a factor of exactly 1.
        if (*made - 1.0).abs() <= ROUNDED {
            *made = 1.0;
        }
        if let Some(i) = (0..terms).find(|&i| !near(wanted(i), *made * got(i))) {
            return Err(format!("weight {i} of channel {row} is {} and was stored as {}", wanted(i), got(i)));
        }
    }
    let unscaled = made.iter().all(|made| *made == 1.0);
    match bias {
        [None, None] => {}
        [Some(a), Some(b)] if unscaled && a == b => {}
        [Some(a), Some(b)] if a.len() == rows && b.len() == rows => {
            let scaled = |c: &usize| near(f64::from(a[*c]), made[*c] * f64::from(b[*c]));
            if let Some(c) = (0..rows).find(|c| !scaled(c)) {
                return Err(format!("the bias of channel {c} is {} and was stored as {}", a[c], b[c]));
            }
        }
        _ => return Err("its bias is another one".into()),
    }
    Ok((!unscaled).then_some(made))
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
