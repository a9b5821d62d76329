//! What the machine makes of each operator on its own; fusion comes after.

use super::shapes::{keeps_order, natural, per_channel};
use crate::error::Error;
use crate::graph::{DepthToSpaceMode, Graph, Node, Op, ValueId, Window};

/// A reduction with its parameters still real.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    /// Convolution, product or scaling: weights as [`crate::fixed::Reduction::Conv`] orders them.
    Linear {
        window: Window,
        weights: Vec<f32>,
        /// One a channel.
        bias: Vec<f64>,
        groups: usize,
    },
    /// Mean over a window; over one pixel it is a copy.
    Mean { window: Window, count_include_pad: bool },
    /// Maximum over a window.
    Max { window: Window },
    /// Joins tensors along channels.
    Concat,
}

impl Kind {
    /// Channels, rows and columns of the result for an input of shape `from`; not for Concat.
    pub fn grid(&self, from: [usize; 3]) -> [usize; 3] {
        let (channels, window) = match self {
            Kind::Linear { window, bias, .. } => (bias.len(), window),
            Kind::Mean { window, .. } | Kind::Max { window } => (from[0], window),
            Kind::Concat => (from[0], &Window::UNIT),
        };
        let extent = |axis: usize| {
            let reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
            (from[1 + axis] + window.pads[axis] + window.pads[axis + 2] - reach) / window.stride[axis] + 1
        };
        [channels, extent(0), extent(1)]
    }
}

/// What a node is to the machine.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Role {
    /// The same bytes in the same tensor.
    Alias,
    /// Starts an operation on the first input (all inputs for Concat).
    Anchor {
        kind: Kind,
        /// Whether the node itself is still to be absorbed into the copy that `kind` is.
        absorb: bool,
    },
}

/// Why the machine does not run a node, and what to try.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Refusal {
    pub why: String,
    pub hint: &'static str,
}

impl Refusal {
    pub fn error(&self, graph: &Graph, node: &Node) -> Error {
        Error::new("quantise", self.why.clone())
            .file(&graph.name)
            .node(&node.name)
            .operator(node.op.name())
            .hint(self.hint)
    }
}

fn refuse<T>(why: impl Into<String>, hint: &'static str) -> Result<T, Refusal> {
    Err(Refusal { why: why.into(), hint })
}

/// A copy, one pixel to one pixel.
pub(super) const COPY: Kind = Kind::Mean { window: Window::UNIT, count_include_pad: true };

/// Operators that a host tail may not hold: leaving them to the host would hide that the machine
/// does not do the work.
pub(super) fn is_heavy(op: &Op) -> bool {
    matches!(op, Op::Conv { .. } | Op::Gemm { .. } | Op::MatMul | Op::ConvTranspose { .. } | Op::Recurrent(_))
}

/// What `node` is to the machine. `held` gives the tensor shape of the values the machine holds.
///
/// # Errors
/// The machine cannot run it.
pub(super) fn role(
    graph: &Graph,
    node: &Node,
    held: &dyn Fn(ValueId) -> Option<[usize; 3]>,
) -> Result<Role, Refusal> {
    let data: Vec<ValueId> =
        node.inputs.iter().copied().filter(|&id| graph.constant_data(id).is_none()).collect();
    for &id in data.iter().chain(&node.outputs) {
        if natural(graph.shape(id)).is_none() {
            let shape = graph.shape(id);
            return refuse(
                format!("{id} has shape {shape:?}; the machine holds batch 1 and at most rank 4"),
                "export with batch size 1",
            );
        }
    }
    let Some(tensor) = data.first().and_then(|&id| held(id)) else {
        return refuse("its operands are all constants", "fold constants when exporting");
    };
    let anchor = |kind: Kind| Ok(Role::Anchor { kind, absorb: false });
    let pointwise = Ok(Role::Anchor { kind: COPY, absorb: true });
    let x = node.inputs[0];
    let out = graph.shape(node.outputs[0]);
    // Operators with rows and columns need the tensor to be stored as the value's shape says.
    let image = || match natural(graph.shape(x)) == Some(tensor) && data[0] == x {
        true => Ok(()),
        false => refuse(
            format!("its input {:?} lies in memory as {tensor:?}", graph.shape(x)),
            "no Reshape between channels and pixels in front of it",
        ),
    };
    match &node.op {
        Op::Conv { window, groups } => {
            image()?;
            conv(graph, node, window, *groups).and_then(anchor)
        }
        Op::Gemm { .. } | Op::MatMul => product(graph, node, tensor).and_then(anchor),
        Op::BatchNormalization { epsilon } => {
            image()?;
            batch_normalization(graph, node, *epsilon).and_then(anchor)
        }
        Op::MaxPool { window } => image().and_then(|()| anchor(Kind::Max { window: window.clone() })),
        Op::AveragePool { window, count_include_pad } => {
            image()?;
            let (window, count_include_pad) = (window.clone(), *count_include_pad);
            anchor(Kind::Mean { window, count_include_pad })
        }
        Op::GlobalAveragePool => {
            image()?;
            let window = Window { kernel: [tensor[1], tensor[2]], ..Window::UNIT };
            anchor(Kind::Mean { window, count_include_pad: true })
        }
        Op::Relu | Op::Clip { .. } | Op::LeakyRelu { .. } => pointwise,
        Op::PRelu => match slopes(graph, node, tensor) {
            Some(_) => pointwise,
            None => refuse("its slope is not one constant a channel", "train with one slope a channel"),
        },
        Op::DepthToSpace { .. } => image().and(pointwise),
        Op::Add if data.len() == 1 => match addend(graph, node, tensor) {
            Some(bias) => anchor(scaling(vec![1.0; tensor[0]], bias)),
            None => refuse("it adds a constant that differs within a channel", "one bias a channel"),
        },
        Op::Add => {
            if held(data[0]) == held(data[1]) && graph.shape(data[0]) == graph.shape(data[1]) {
                return pointwise;
            }
            let (a, b) = (graph.shape(data[0]), graph.shape(data[1]));
            refuse(format!("it adds {a:?} and {b:?}"), "operands of the same shape: no broadcasting")
        }
        Op::Concat { axis } => {
            let outer: usize = out[..*axis].iter().product();
            let all_data = data.len() == node.inputs.len();
            if all_data
                && outer == 1
                && data.iter().all(|&id| held(id).is_some_and(|t| t[1..] == tensor[1..]))
            {
                return anchor(Kind::Concat);
            }
            refuse("it joins along another axis than the channels", "Concat of feature maps on axis 1")
        }
        Op::Flatten { .. } => Ok(Role::Alias),
        Op::Reshape if unfolds(graph, node, tensor).is_some() => pointwise,
        Op::Reshape => Ok(Role::Alias),
        Op::Transpose { perm } if keeps_order(graph.shape(x), perm) => Ok(Role::Alias),
        Op::Transpose { perm } => refuse(
            format!("permuting axes {perm:?} of {:?} reorders elements", graph.shape(x)),
            "export in NCHW",
        ),
        Op::Softmax { .. } => {
            refuse("the machine has no exponential", "end the network before it, or have it at the end")
        }
        _ => refuse("the machine has no such operation", "end the network before it, or have it at the end"),
    }
}

/// The block size where a Reshape makes a column of channels into square maps: a DepthToSpace.
pub(super) fn unfolds(graph: &Graph, node: &Node, tensor: [usize; 3]) -> Option<(usize, DepthToSpaceMode)> {
    let [_, h, w] = natural(graph.shape(node.outputs[0]))?;
    let column = matches!(node.op, Op::Reshape) && tensor[1..] == [1, 1];
    (column && h == w && h > 1).then_some((h, DepthToSpaceMode::Crd))
}

/// The slopes of a PRelu's negative side: one a channel.
pub(super) fn slopes(graph: &Graph, node: &Node, tensor: [usize; 3]) -> Option<Vec<f64>> {
    per_channel(graph, node.inputs[1], graph.shape(node.outputs[0]), tensor[1] * tensor[2])
}

/// The constant of an Add that does not broadcast its other operand: one number a channel.
pub(super) fn addend(graph: &Graph, node: &Node, tensor: [usize; 3]) -> Option<Vec<f64>> {
    let is_constant = |id: &&ValueId| graph.constant_data(**id).is_some();
    let constant = *node.inputs.iter().find(is_constant)?;
    let out = graph.shape(node.outputs[0]);
    if out.iter().product::<usize>() != tensor.iter().product::<usize>() {
        return None;
    }
    per_channel(graph, constant, out, tensor[1] * tensor[2])
}

/// y = scale * x + offset, channel by channel: a depthwise convolution of one tap, so that the offset
/// is rounded to a fraction of the input's step.
fn scaling(scale: Vec<f32>, offset: Vec<f64>) -> Kind {
    let groups = scale.len();
    Kind::Linear { window: Window::UNIT, weights: scale, bias: offset, groups }
}

fn conv(graph: &Graph, node: &Node, window: &Window, groups: usize) -> Result<Kind, Refusal> {
    let weights = graph.constant_data(node.inputs[1]);
    let bias = node.inputs.get(2).map(|&id| graph.constant_data(id));
    let (Some(weights), true) = (weights, bias != Some(None)) else {
        return refuse("its weights are not constant", "a network whose weights do not depend on its input");
    };
    let channels = graph.shape(node.inputs[1])[0];
    let bias = match bias.flatten() {
        Some(bias) => bias.iter().map(|&b| f64::from(b)).collect(),
        None => vec![0.0; channels],
    };
    Ok(Kind::Linear { window: window.clone(), weights: weights.to_vec(), bias, groups })
}

fn batch_normalization(graph: &Graph, node: &Node, epsilon: f32) -> Result<Kind, Refusal> {
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

/// Gemm and MatMul of one row: a convolution whose kernel is the whole input map.
fn product(graph: &Graph, node: &Node, tensor: [usize; 3]) -> Result<Kind, Refusal> {
    let (alpha, beta, trans_b) = match node.op {
        Op::Gemm { alpha, beta, trans_b, .. } => (f64::from(alpha), f64::from(beta), trans_b),
        _ => (1.0, 1.0, false),
    };
    let out = graph.shape(node.outputs[0]);
    let columns = out.iter().product::<usize>();
    let matrix = node.inputs[1];
    let (Some(b), [rows_b, columns_b]) = (graph.constant_data(matrix), graph.shape(matrix)) else {
        return refuse("its second operand is no constant matrix", "trained weights as the second operand");
    };
    let (n, k) = if trans_b { (*rows_b, *columns_b) } else { (*columns_b, *rows_b) };
    if n != columns || k != tensor.iter().product::<usize>() || graph.constant_data(node.inputs[0]).is_some()
    {
        return refuse(
            format!("its result {out:?} has more than one row"),
            "batch size 1, with the weights as the second operand",
        );
    }
    let weight = |o: usize, i: usize| alpha * f64::from(if trans_b { b[o * k + i] } else { b[i * n + o] });
    let weights = (0..n * k).map(|j| weight(j / k, j % k) as f32).collect();
    let bias = match node.inputs.get(2) {
        None => vec![0.0; n],
        Some(&c) => match per_channel(graph, c, out, 1) {
            Some(c) => c.iter().map(|c| beta * c).collect(),
            None => return refuse("its addend is no constant", "trained weights as the addend"),
        },
    };
    let window = Window { kernel: [tensor[1], tensor[2]], ..Window::UNIT };
    Ok(Kind::Linear { window, weights, bias, groups: 1 })
}
