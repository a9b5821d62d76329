//! Operators that were taken apart for the sake of 16 bits, put together again.
//!
//! What the operations are held against is a graph in which some functions and layers are several operators. Here those
//! are shown to be what the source says: a function one of the identities of [`form`], a layer two of the same kind whose
//! weights add up to one float32 number each, without rounding.

use crate::graph::{BinaryKind, Graph, Node, Op, Source, UnaryKind, ValueId};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What an operator of a [`form`] reads.
#[derive(Clone, Copy)]
enum FormInput {
    /// The function's operand.
    X,
    /// What an earlier operator of the form made.
    Made(usize),
    /// A constant.
    Number(f32),
}

/// Why a graph is not its source taken apart: a node and what is wrong with it.
pub(super) type Mismatch = (String, String);

/// The stored graph with the source's operators and values: the graph itself where nothing was taken apart.
pub(super) fn joined<'a>(source: &Graph, stored: &'a Graph) -> Result<Cow<'a, Graph>, Mismatch> {
    let same = |(a, b): (&Node, &Node)| a.op == b.op && a.outputs == b.outputs;
    if source.nodes.len() == stored.nodes.len() && source.nodes.iter().zip(&stored.nodes).all(same) {
        return Ok(Cow::Borrowed(stored));
    }
    let others = |name: &str| (name.to_string(), "the operators are others".to_string());
    let inputs = source.inputs.iter().copied().zip(stored.inputs.iter().copied());
    let mut join =
        Join { source, stored, at: inputs.collect(), numbers: BTreeMap::new(), rest: &stored.nodes };
    for node in &source.nodes {
        join.node(node).ok_or_else(|| others(&node.name))?;
    }
    let outputs: Vec<_> = source.outputs.iter().map(|id| join.at.get(id).copied()).collect();
    if !join.rest.is_empty() || outputs != stored.outputs.iter().copied().map(Some).collect::<Vec<_>>() {
        return Err(others(stored.nodes.last().map_or("", |node| &node.name)));
    }
    let mut graph = source.clone();
    for (id, numbers) in join.numbers {
        graph.values[id.0 as usize].source = Source::Constant(numbers);
    }
    Ok(Cow::Owned(graph))
}

struct Join<'a> {
    source: &'a Graph,
    stored: &'a Graph,
    /// Where each value of the source is in the stored graph.
    at: BTreeMap<ValueId, ValueId>,
    /// The numbers of the source's constants as they were stored.
    numbers: BTreeMap<ValueId, Vec<f32>>,
    /// Nodes of the stored graph that nothing of the source has been found in yet.
    rest: &'a [Node],
}

impl<'a> Join<'a> {
    /// Finds a node of the source in the next ones of the stored graph; `None` where they are not it.
    fn node(&mut self, node: &Node) -> Option<()> {
        let first = self.rest.first()?;
        let halves = self.rest.get(1).is_some_and(|second| second.name == format!("{} (rest)", node.name));
        let count = if first.op == node.op && halves {
            self.layer(node)?
        } else if first.op == node.op {
            self.reads(node, first, None)?;
            1
        } else {
            let Op::Unary { kind } = node.op else { return None };
            self.function(node, &form(kind)?)?
        };
        let (taken, rest) = self.rest.split_at(count);
        let last = taken.last()?;
        if last.outputs.len() != node.outputs.len() {
            return None;
        }
        for (&id, &made) in node.outputs.iter().zip(&last.outputs) {
            if self.source.shape(id) != self.stored.shape(made) {
                return None;
            }
            self.at.insert(id, made);
        }
        self.rest = rest;
        Some(())
    }

    /// That a stored node reads what a node of the source does; the constant at `weights` is not looked at.
    fn reads(&mut self, node: &Node, stored: &Node, weights: Option<usize>) -> Option<()> {
        if node.inputs.len() != stored.inputs.len() {
            return None;
        }
        let all = node.inputs.iter().zip(&stored.inputs).enumerate();
        for (_, (&id, &read)) in all.filter(|(index, _)| Some(*index) != weights) {
            match self.stored.constant_data(read) {
                Some(numbers) => {
                    let numbers = numbers.to_vec();
                    self.constant(id, read, numbers)?;
                }
                None if self.at.get(&id) == Some(&read) => {}
                None => return None,
            }
        }
        Some(())
    }

    /// That a constant of the source, of the shape of a stored one, has these numbers.
    fn constant(&mut self, id: ValueId, read: ValueId, numbers: Vec<f32>) -> Option<()> {
        self.source.constant_data(id)?;
        if self.source.shape(id) != self.stored.shape(read) {
            return None;
        }
        // One that several nodes read was stored once, or alike.
        let known = self.numbers.entry(id).or_insert_with(|| numbers.clone());
        (*known == numbers).then_some(())
    }

    /// A layer, one of the rest of its weights, and their sum.
    fn layer(&mut self, node: &Node) -> Option<usize> {
        let [coarse, fine, sum, ..] = self.rest else { return None };
        let linear =
            matches!(node.op, Op::Conv { .. } | Op::ConvTranspose { .. } | Op::Gemm { .. } | Op::MatMul);
        let summed = sum.op == Op::Add && sum.inputs == [coarse.outputs[0], fine.outputs[0]];
        if !linear
            || fine.op != node.op
            || fine.inputs.len() != 2
            || fine.inputs[0] != coarse.inputs[0]
            || !summed
        {
            return None;
        }
        self.reads(node, coarse, Some(1))?;
        let parts = [coarse.inputs[1], fine.inputs[1]];
        let [a, b] = parts.map(|id| self.stored.constant_data(id));
        if self.stored.shape(parts[0]) != self.stored.shape(parts[1]) {
            return None;
        }
        let whole = |(a, b): (&f32, &f32)| {
            let both = f64::from(*a) + f64::from(*b);
            let number = both as f32;
            (f64::from(number) == both).then_some(number)
        };
        let numbers = a?.iter().zip(b?).map(whole).collect::<Option<Vec<f32>>>()?;
        self.constant(node.inputs[1], parts[0], numbers)?;
        Some(3)
    }

    /// A function in the operators of its form.
    fn function(&self, node: &Node, form: &[(Op, Vec<FormInput>)]) -> Option<usize> {
        let x = *self.at.get(&node.inputs[0])?;
        let taken = self.rest.get(..form.len())?;
        for (stored, (op, reads)) in taken.iter().zip(form) {
            let reads_it = |(id, read): (&ValueId, &FormInput)| match *read {
                FormInput::X => *id == x,
                FormInput::Made(index) => *id == taken[index].outputs[0],
                FormInput::Number(number) => {
                    self.stored.shape(*id).is_empty() && self.stored.constant_data(*id) == Some(&[number])
                }
            };
            let alike = stored.op == *op && stored.inputs.len() == reads.len();
            if !alike || !stored.inputs.iter().zip(reads).all(reads_it) {
                return None;
            }
        }
        Some(form.len())
    }
}

/// A function in other operators, the last of which makes it.
///
/// x g(x) with g(x) + g(-x) = 1 is max(x, 0) + f(-|x|): for x > 0, x g(x) = x - x g(-x) = x + f(-x). ln(1 + e^x) is
/// x + ln(e^-x + 1) likewise. The exponential units are straight above zero, and zero at zero.
fn form(kind: UnaryKind) -> Option<Vec<(Op, Vec<FormInput>)>> {
    use FormInput::{Made, Number, X};
    let unary = |kind| Op::Unary { kind };
    let times = Op::Binary { kind: BinaryKind::Mul };
    let positive = (Op::LeakyRelu { alpha: 0.0 }, vec![X]);
    let below = (Op::Clip { min: f32::NEG_INFINITY, max: 0.0 }, vec![X]);
    Some(match kind {
        UnaryKind::HardSwish => vec![
            (times.clone(), vec![X, Number(1.0 / 6.0)]),
            (Op::Add, vec![Made(0), Number(0.5)]),
            (Op::Clip { min: 0.0, max: 1.0 }, vec![Made(1)]),
            (times, vec![X, Made(2)]),
        ],
        UnaryKind::Mish => vec![
            (unary(UnaryKind::Softplus), vec![X]),
            (unary(UnaryKind::Tanh), vec![Made(0)]),
            (times, vec![X, Made(1)]),
        ],
        UnaryKind::Swish | UnaryKind::Gelu | UnaryKind::GeluTanh | UnaryKind::Softplus => vec![
            (unary(UnaryKind::Abs), vec![X]),
            (unary(UnaryKind::Neg), vec![Made(0)]),
            (unary(kind), vec![Made(1)]),
            positive,
            (Op::Add, vec![Made(3), Made(2)]),
        ],
        UnaryKind::Elu { .. } | UnaryKind::Celu { .. } => {
            vec![below, (unary(kind), vec![Made(0)]), positive, (Op::Add, vec![Made(2), Made(1)])]
        }
        UnaryKind::Selu { gamma, .. } => vec![
            below,
            (unary(kind), vec![Made(0)]),
            positive,
            (times, vec![Made(2), Number(gamma)]),
            (Op::Add, vec![Made(3), Made(1)]),
        ],
        _ => return None,
    })
}
