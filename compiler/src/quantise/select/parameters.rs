//! Operators whose other operands are constants: weights, a factor and a term for each channel.

use super::candidate::Candidate;
use super::constants::{in_grid, is_mask, per_channel, scalar};
use super::epilogue::ScalarFn;
use super::kernel::{Kernel, Refusal, Selection, refuse};
use crate::graph::{BinaryKind, Graph, Node, Op, ValueId, Window};

impl Candidate<'_> {
    /// Sum, difference, product... with a constant.
    pub fn with_constant(&self, value: ValueId) -> Result<Selection, Refusal> {
        let constant = self.node.inputs[usize::from(self.node.inputs[0] == value)];
        let shape = self.graph.shape(value);
        let (graph, out) = (self.graph, self.out);
        if shape.iter().product::<usize>() != out.iter().product::<usize>() {
            return refuse(
                format!("it repeats its operand of shape {shape:?}"),
                "operands of the same shape",
            );
        }
        let sum = matches!(self.node.op, Op::Add | Op::Binary { kind: BinaryKind::Sub });
        if sum && is_mask(graph, constant) {
            return refuse("its constant is a mask, which no range has together with what it leaves", None);
        }
        let selection = self.pointwise(value)?;
        // A scalar that the post unit of a copy can apply; an offset needs a sum that is finer.
        let fun = scalar(graph, constant).and_then(|c| ScalarFn::of(graph, self.node, c));
        if fun.is_some_and(|fun| !matches!(fun, ScalarFn::Affine(_, offset) if offset != 0.0)) {
            return Ok(selection);
        }
        let Selection::Op(mut op) = selection else { unreachable!("pointwise makes operations") };
        let channels = || per_channel(graph, constant, out, &op.out, op.grid);
        let scaled = |factors: Vec<f64>, offsets: Vec<f64>| {
            (factors.iter().all(|f| (*f as f32).is_finite()))
                .then(|| scaling(factors.iter().map(|&f| f as f32).collect(), offsets))
        };
        let zeros = || vec![0.0; op.grid[0]];
        let kind = match (&self.node.op, channels()) {
            (Op::Add, Some(c)) => scaled(vec![1.0; c.len()], c),
            (Op::Add, None) if in_grid(graph, constant, out, &op.out, op.grid).is_some() => {
                return Ok(Selection::Op(op));
            }
            (Op::Binary { kind: BinaryKind::Sub }, Some(c)) if self.node.inputs[0] == value => {
                scaled(vec![1.0; c.len()], c.iter().map(|c| -c).collect())
            }
            (Op::Binary { kind: BinaryKind::Sub }, Some(c)) => scaled(vec![-1.0; c.len()], c),
            (Op::Binary { kind: BinaryKind::Mul }, Some(c)) => scaled(c, zeros()),
            (Op::Binary { kind: BinaryKind::Div }, Some(c)) if self.node.inputs[0] == value => {
                scaled(c.iter().map(|c| 1.0 / c).collect(), zeros())
            }
            _ => None,
        };
        match kind {
            Some(kind) => {
                (op.kernel, op.absorb) = (kind, None);
                Ok(Selection::Op(op))
            }
            None if channels().is_some() => {
                refuse("it is no scaling of each channel by finite numbers", "one number for all channels")
            }
            None => refuse("its constant differs within a channel", "one number a channel"),
        }
    }
}

/// y = scale * x + offset, channel by channel: a depthwise convolution of one tap, so that the offset
/// is rounded to a fraction of the input's step.
fn scaling(scale: Vec<f32>, offset: Vec<f64>) -> Kernel {
    let groups = scale.len();
    Kernel::Linear { window: Window::UNIT, weights: scale, bias: offset, groups }
}

/// Constant weights and bias of a convolution.
pub fn parameters<'a>(
    graph: &'a Graph,
    node: &Node,
    channels: usize,
) -> Result<(&'a [f32], Vec<f64>), Refusal> {
    let weights = graph.constant_data(node.inputs[1]);
    let bias = node.inputs.get(2).map(|&id| graph.constant_data(id));
    let (Some(weights), true) = (weights, bias != Some(None)) else {
        return refuse("its weights are not constant", "a network whose weights do not depend on its input");
    };
    let bias = match bias.flatten() {
        Some(bias) => bias.iter().map(|&b| f64::from(b)).collect(),
        None => vec![0.0; channels],
    };
    Ok((weights, bias))
}

pub fn conv(graph: &Graph, node: &Node, window: &Window, groups: usize) -> Result<Kernel, Refusal> {
    let (weights, bias) = parameters(graph, node, graph.shape(node.outputs[0])[1])?;
    Ok(Kernel::Linear { window: window.clone(), weights: weights.to_vec(), bias, groups })
}

pub fn batch_normalization(graph: &Graph, node: &Node, epsilon: f32) -> Result<Kernel, Refusal> {
    let mut parameters = Vec::with_capacity(4);
    for &id in &node.inputs[1..] {
        match graph.constant_data(id) {
            Some(data) => parameters.push(data),
            None => return refuse("its parameters are not constant", "export in inference mode"),
        }
    }
    let [scale, bias, mean, variance] = parameters[..] else {
        return refuse("it does not have five inputs", "export in inference mode");
    };
    let mut factors = Vec::with_capacity(scale.len());
    let mut offsets = Vec::with_capacity(scale.len());
    for c in 0..scale.len() {
        let factor = f64::from(scale[c]) / (f64::from(variance[c]) + f64::from(epsilon)).sqrt();
        if !(factor as f32).is_finite() {
            return refuse(format!("channel {c} is divided by the root of {}", variance[c]), "retrain");
        }
        factors.push(factor as f32);
        offsets.push(f64::from(bias[c]) - factor * f64::from(mean[c]));
    }
    Ok(scaling(factors, offsets))
}
