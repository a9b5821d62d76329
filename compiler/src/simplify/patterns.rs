//! Recognises functions that exporters write as several operators: hard-sigmoid, hard-swish,
//! x * sigmoid(x), GELU by the error function, layer normalisation, logarithms of softmax and sigmoid.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::float;
use crate::graph::{BinaryKind, Graph, Node, Op, ReduceKind, UnaryKind, ValueId};

/// The pass. What is joined is read by nobody else; the factors are exact to float32 rounding.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| match node.op {
        Op::Binary { kind: BinaryKind::Mul } => product(r, node),
        Op::Binary { kind: BinaryKind::Div } => quotient(r, node),
        Op::Add => layer_norm(r, node),
        Op::Unary { kind: UnaryKind::Log } => logarithm(r, node),
        _ => Ok(None),
    })
}

/// The logarithm of a softmax or a sigmoid, perhaps of its elements in another order, which underflow to zero where the
/// logarithm does not: what is small keeps its digits, in float32 and far more so in 8 bits.
fn logarithm(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let mut moves = Vec::new();
    let mut at = node.inputs[0];
    let (op, read) = loop {
        let Some((_, maker)) = r.old.producer(at) else { return Ok(None) };
        if !maker.op.only_moves() {
            break (maker.op.clone(), maker.inputs[0]);
        }
        moves.push(maker.clone());
        at = maker.inputs[0];
    };
    let mut y = match op {
        Op::Softmax { axis } => {
            let x = r.get(read)?;
            r.new.node(node.name.clone(), Op::LogSoftmax { axis }, &[x])?
        }
        // -softplus(-x)
        Op::Unary { kind: UnaryKind::Sigmoid } => {
            let mut x = r.get(read)?;
            for kind in [UnaryKind::Neg, UnaryKind::Softplus, UnaryKind::Neg] {
                x = r.new.node(node.name.clone(), Op::Unary { kind }, &[x])?;
            }
            x
        }
        _ => return Ok(None),
    };
    for moved in moves.iter().rev() {
        y = r.copy_of(moved, &[y])?;
    }
    Ok(Some(y))
}

/// A value of the old graph seen as what makes it.
struct Producer<'a>(&'a Rewrite);

impl<'a> Producer<'a> {
    /// The node that makes a value nobody else reads.
    fn maker(&self, id: ValueId) -> Option<&'a Node> {
        let node = self.0.old.producer(id)?.1;
        self.0.read_once(id).then_some(node)
    }

    /// The single element of a constant.
    fn scalar(&self, id: ValueId) -> Option<f32> {
        match self.0.old.constant_data(id)? {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The other operand of a commutative node with one operand that is a scalar near `wanted`.
    fn beside(&self, node: &Node, wanted: f32) -> Option<ValueId> {
        let near = |id| self.scalar(id).is_some_and(|s| (s - wanted).abs() <= 1e-6 * wanted.abs());
        let [a, b] = node.inputs[..] else { return None };
        let same = |id: ValueId| self.0.old.shape(id) == self.0.old.shape(node.outputs[0]);
        match (near(a), near(b)) {
            (_, true) if same(a) => Some(a),
            (true, _) if same(b) => Some(b),
            _ => None,
        }
    }

    /// x where the node is clip(x + 3, 0, 6).
    fn hard_step(&self, id: ValueId) -> Option<ValueId> {
        let clip = self.maker(id)?;
        let add = self.maker(*clip.inputs.first()?)?;
        let fits = clip.op == Op::Clip { min: 0.0, max: 6.0 } && add.op == Op::Add;
        fits.then(|| self.beside(add, 3.0)).flatten()
    }

    /// x where the value is 1 + erf(x / sqrt 2).
    fn erf_step(&self, id: ValueId) -> Option<ValueId> {
        let add = self.maker(id).filter(|n| n.op == Op::Add)?;
        let erf = self.maker(self.beside(add, 1.0)?)?;
        let inner = self.maker(*erf.inputs.first()?)?;
        match (&erf.op, &inner.op) {
            (Op::Unary { kind: UnaryKind::Erf }, Op::Binary { kind: BinaryKind::Mul }) => {
                self.beside(inner, std::f32::consts::FRAC_1_SQRT_2)
            }
            (Op::Unary { kind: UnaryKind::Erf }, Op::Binary { kind: BinaryKind::Div }) => {
                let root = self.scalar(inner.inputs[1])?;
                let near = (root - std::f32::consts::SQRT_2).abs() <= 1e-6;
                near.then_some(inner.inputs[0])
            }
            _ => None,
        }
    }

    /// What a product multiplies: the node's operands in both orders.
    fn factors(&self, id: ValueId) -> Option<[(ValueId, ValueId); 2]> {
        let node = self.maker(id)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Binary { kind: BinaryKind::Mul }, &[a, b]) => Some([(a, b), (b, a)]),
            _ => None,
        }
    }

    /// The function of one operand that a product of a and b is.
    fn product(&self, node: &Node, a: ValueId, b: ValueId) -> Option<(UnaryKind, ValueId)> {
        // x * sigmoid(x), x * hard_sigmoid(x) with the slope of a hard-swish.
        if let Some(gate) = self.maker(b)
            && gate.inputs.first() == Some(&a)
        {
            match gate.op {
                Op::Unary { kind: UnaryKind::Sigmoid } => return Some((UnaryKind::Swish, a)),
                Op::Unary { kind: UnaryKind::HardSigmoid { alpha, beta } }
                    if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 =>
                {
                    return Some((UnaryKind::HardSwish, a));
                }
                _ => {}
            }
        }
        // x * (clip(x + 3, 0, 6) / 6), or times a sixth.
        if let Some(scaled) = self.maker(b) {
            let inner = match scaled.op {
                Op::Binary { kind: BinaryKind::Div } if self.scalar(scaled.inputs[1]) == Some(6.0) => {
                    Some(scaled.inputs[0])
                }
                Op::Binary { kind: BinaryKind::Mul } => self.beside(scaled, 1.0 / 6.0),
                _ => None,
            };
            if inner.and_then(|i| self.hard_step(i)) == Some(a) {
                return Some((UnaryKind::HardSwish, a));
            }
        }
        // (x * clip(x + 3, 0, 6)) * sixth.
        if let Some(inner) = self.beside(node, 1.0 / 6.0)
            && let Some(pairs) = self.factors(inner)
            && let Some((x, _)) = pairs.into_iter().find(|&(x, c)| self.hard_step(c) == Some(x))
        {
            return Some((UnaryKind::HardSwish, x));
        }
        // (x * 0.5) * (1 + erf), x * ((1 + erf) * 0.5) and (x * (1 + erf)) * 0.5.
        if let Some(x) = self.erf_step(b)
            && let Some(half) = self.maker(a)
            && half.op == (Op::Binary { kind: BinaryKind::Mul })
            && self.beside(half, 0.5) == Some(x)
        {
            return Some((UnaryKind::Gelu, x));
        }
        if let Some(half) = self.maker(b)
            && half.op == (Op::Binary { kind: BinaryKind::Mul })
            && let Some(inner) = self.beside(half, 0.5)
            && self.erf_step(inner) == Some(a)
        {
            return Some((UnaryKind::Gelu, a));
        }
        if let Some(inner) = self.beside(node, 0.5)
            && let Some(pairs) = self.factors(inner)
            && let Some((x, _)) = pairs.into_iter().find(|&(x, e)| self.erf_step(e) == Some(x))
        {
            return Some((UnaryKind::Gelu, x));
        }
        None
    }
}

fn emit(r: &mut Rewrite, node: &Node, found: Option<(UnaryKind, ValueId)>) -> Result<Option<ValueId>> {
    let Some((kind, x)) = found else {
        return Ok(None);
    };
    if r.old.shape(x) != r.old.shape(node.outputs[0]) {
        return Ok(None);
    }
    let x = r.get(x)?;
    r.new.node(node.name.clone(), Op::Unary { kind }, &[x]).map(Some)
}

fn product(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let [a, b] = node.inputs[..] else {
        return Ok(None);
    };
    let view = Producer(r);
    let found = view.product(node, a, b).or_else(|| view.product(node, b, a));
    // clip(x + 3, 0, 6) * sixth is a hard-sigmoid on its own, unless a hard-swish reads it.
    let found = found.or_else(|| {
        let x = view.hard_step(view.beside(node, 1.0 / 6.0)?)?;
        (!feeds_product(r, node, x)).then_some((SIXTH, x))
    });
    emit(r, node, found)
}

/// The hard-sigmoid that exporters write as clip(x + 3, 0, 6) / 6.
const SIXTH: UnaryKind = UnaryKind::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 };

/// Whether a product of the node's result with `x` follows, which is recognised as a whole.
fn feeds_product(r: &Rewrite, node: &Node, x: ValueId) -> bool {
    r.old.nodes.iter().any(|n| {
        n.op == (Op::Binary { kind: BinaryKind::Mul })
            && n.inputs.contains(&node.outputs[0])
            && n.inputs.contains(&x)
    })
}

fn quotient(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let view = Producer(r);
    if view.scalar(node.inputs[1]) != Some(6.0) {
        return Ok(None);
    }
    // (x * clip(x + 3, 0, 6)) / 6.
    let pairs = view.factors(node.inputs[0]);
    let swish = pairs.and_then(|p| p.into_iter().find(|&(x, c)| view.hard_step(c) == Some(x)));
    let found = match swish {
        Some((x, _)) => Some((UnaryKind::HardSwish, x)),
        None => {
            let x = view.hard_step(node.inputs[0]);
            x.filter(|&x| !feeds_product(r, node, x)).map(|x| (SIXTH, x))
        }
    };
    emit(r, node, found)
}

/// Parts of a layer normalisation written as
/// (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias.
struct LayerNorm {
    x: ValueId,
    axis: usize,
    epsilon: f32,
    scale: ValueId,
    bias: ValueId,
}

/// The axes of a mean that keeps them.
fn mean_axes(graph: &Graph, node: &Node) -> Option<Vec<usize>> {
    match &node.op {
        Op::Reduce { kind: ReduceKind::Mean, axes, keepdims: true } => Some(axes.clone()),
        Op::GlobalAveragePool => Some((2..graph.shape(node.inputs[0]).len()).collect()),
        _ => None,
    }
}

fn find_layer_norm(view: &Producer, node: &Node) -> Option<LayerNorm> {
    let old = &view.0.old;
    let constant = |id: ValueId| old.constant_data(id).is_some();
    let split = |node: &Node| match node.inputs[..] {
        [a, b] if constant(b) => Some((a, b)),
        [a, b] if constant(a) => Some((b, a)),
        _ => None,
    };
    let (scaled, bias) = split(node)?;
    let scaling = view.maker(scaled).filter(|n| n.op == Op::Binary { kind: BinaryKind::Mul })?;
    let (normal, scale) = split(scaling)?;
    let division = view.maker(normal).filter(|n| n.op == Op::Binary { kind: BinaryKind::Div })?;
    let [centred, deviation] = division.inputs[..] else { return None };
    let root = view.maker(deviation)?;
    let is_root = match root.op {
        Op::Unary { kind: UnaryKind::Sqrt } => true,
        Op::Binary { kind: BinaryKind::Pow } => view.scalar(root.inputs[1]) == Some(0.5),
        _ => false,
    };
    let sum = view.maker(*root.inputs.first()?).filter(|n| is_root && n.op == Op::Add)?;
    let (variance, epsilon) = split(sum)?;
    let epsilon = view.scalar(epsilon)?;
    let variance = view.maker(variance)?;
    let axes = mean_axes(old, variance)?;
    let square = view.maker(*variance.inputs.first()?)?;
    let is_square = match square.op {
        Op::Binary { kind: BinaryKind::Pow } => view.scalar(square.inputs[1]) == Some(2.0),
        Op::Binary { kind: BinaryKind::Mul } => square.inputs[0] == square.inputs[1],
        _ => false,
    };
    // Exporters subtract the mean once or twice: for the square and for the quotient.
    let subtraction = |id: ValueId| {
        let node = old.producer(id)?.1;
        let fits = node.op == Op::Binary { kind: BinaryKind::Sub };
        let mean = old.producer(*node.inputs.get(1)?)?.1;
        let same = fits && mean_axes(old, mean)? == axes && mean.inputs[0] == node.inputs[0];
        same.then_some(node.inputs[0])
    };
    let x = subtraction(centred)?;
    let shape = old.shape(x);
    let axis = *axes.first()?;
    let last = axes.iter().copied().eq(axis..shape.len());
    let fits = |id: ValueId| {
        let own = old.shape(id);
        own.len() <= shape.len() - axis
            && own.iter().rev().zip(shape.iter().rev()).all(|(a, b)| a == b || *a == 1)
    };
    let sound = is_square && last && subtraction(square.inputs[0]) == Some(x) && epsilon >= 0.0;
    (sound && fits(scale) && fits(bias)).then_some(LayerNorm { x, axis, epsilon, scale, bias })
}

fn layer_norm(r: &mut Rewrite, node: &Node) -> Result<Option<ValueId>> {
    let Some(found) = find_layer_norm(&Producer(r), node) else {
        return Ok(None);
    };
    let LayerNorm { axis, epsilon, .. } = found;
    let rest = r.old.shape(found.x)[axis..].to_vec();
    let mut inputs = vec![r.get(found.x)?];
    for id in [found.scale, found.bias] {
        let id = r.get(id)?;
        let same = r.new.shape(id) == rest;
        inputs.push(match same {
            true => id,
            false => {
                let name = r.new.value(id).name.clone();
                let full = float::fold(&r.new, &Op::Expand { shape: rest.clone() }, &[id], &rest);
                let full = full.expect("both were found to be constants")?;
                r.new.constant(name, &rest, full.into_iter().collect())?
            }
        });
    }
    r.new.node(node.name.clone(), Op::LayerNormalization { axis, epsilon }, &inputs).map(Some)
}
