//! Recognises softplus as TVM and PyTorch write it: x where beta * x is above a threshold, else
//! log(1 + exp(beta * x)) / beta.

use super::rewrite::rewrite;
use crate::error::Result;
use crate::graph::{BinaryKind, Graph, Node, Op, UnaryKind, ValueId};

/// From here on softplus(x) is x in float32, but for its last digits: exp(-15) is 3e-7.
const LEAST_THRESHOLD: f32 = 15.0;

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match find(&r.old, node) {
        None => Ok(None),
        Some((x, beta)) => {
            let mut y = r.get(x)?;
            let name = || node.name.clone();
            let factor = (beta != 1.0).then(|| r.new.constant("", &[], vec![beta])).transpose()?;
            if let Some(beta) = factor {
                y = r.new.node(name(), Op::Binary { kind: BinaryKind::Mul }, &[y, beta])?;
            }
            y = r.new.node(name(), Op::Unary { kind: UnaryKind::Softplus }, &[y])?;
            if let Some(beta) = factor {
                y = r.new.node(name(), Op::Binary { kind: BinaryKind::Div }, &[y, beta])?;
            }
            Ok(Some(y))
        }
    })
}

/// x and beta of the softplus that a node is.
fn find(g: &Graph, node: &Node) -> Option<(ValueId, f32)> {
    let (Op::Where, &[condition, x, soft]) = (&node.op, &node.inputs[..]) else { return None };
    let [compared, threshold] = operands(g, condition, &Op::Binary { kind: BinaryKind::Greater })?;
    let threshold = uniform(g, threshold)?;
    let (logarithm, divisor) = over(g, soft);
    let [sum] = operands(g, logarithm, &Op::Unary { kind: UnaryKind::Log })?;
    let [a, b] = operands(g, sum, &Op::Add)?;
    let power = if uniform(g, b) == Some(1.0) { a } else { b };
    let one = if power == a { b } else { a };
    let [exponent] = operands(g, power, &Op::Unary { kind: UnaryKind::Exp })?;
    let (base, beta) = times(g, exponent);
    let fits = times(g, compared) == (base, beta) && base == x && divisor == beta && beta > 0.0;
    let same = g.shape(x) == g.shape(node.outputs[0]);
    (fits && same && uniform(g, one) == Some(1.0) && threshold >= LEAST_THRESHOLD).then_some((x, beta))
}

/// The operands of the node that makes a value, if it is this operator.
fn operands<const N: usize>(g: &Graph, id: ValueId, op: &Op) -> Option<[ValueId; N]> {
    let (_, node) = g.producer(id)?;
    (node.op == *op).then_some(())?;
    node.inputs[..].try_into().ok()
}

/// The number that all elements of a constant are.
fn uniform(g: &Graph, id: ValueId) -> Option<f32> {
    let data = g.constant_data(id)?;
    data.iter().all(|x| x == &data[0]).then_some(data[0])
}

/// A value as another one times a number.
fn times(g: &Graph, id: ValueId) -> (ValueId, f32) {
    let Some([a, b]) = operands(g, id, &Op::Binary { kind: BinaryKind::Mul }) else { return (id, 1.0) };
    match (uniform(g, a), uniform(g, b)) {
        (_, Some(factor)) => (a, factor),
        (Some(factor), _) => (b, factor),
        _ => (id, 1.0),
    }
}

/// A value as another one divided by a number.
fn over(g: &Graph, id: ValueId) -> (ValueId, f32) {
    match operands(g, id, &Op::Binary { kind: BinaryKind::Div }) {
        Some([a, b]) => uniform(g, b).map_or((id, 1.0), |divisor| (a, divisor)),
        None => (id, 1.0),
    }
}
