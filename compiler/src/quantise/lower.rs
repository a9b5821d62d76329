//! From the plan and the ranges to integer operations.

use super::chain::Chain;
use super::kind::Kind;
use super::plan::{Group, Plan, host_graph};
use super::range::Affine;
use super::rounding::Metric;
use super::sharing::Sharing;
use super::weights::{channel, least_scale, row};
use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Place, Reduction, Tensor, TensorId};
use crate::graph::{Graph, Op, ValueId, Window};
use ndarray::{ArrayView2, s};
use rayon::prelude::*;
use tilewright_arch::fixed::{Channel, OperandScale, Post, mantissa};

/// A quantised network and where its parts come from.
pub(super) struct Lowered {
    pub fixed: FixedGraph,
    /// For each node of the network its group, by index.
    pub groups: Vec<usize>,
    /// For each node the real value of one unit of the sum, by channel; empty without weights.
    pub units: Vec<Vec<f64>>,
}

struct Lowering<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    sharing: &'a Sharing,
    patches: &'a [Vec<f32>],
    /// Tensor of each home; parts have that of the whole.
    tensor: Vec<TensorId>,
    lowered: Lowered,
}

/// Makes the network. `affine` gives scale and zero point of each home, `patches` the observed input
/// vectors of each group, by index.
///
/// # Errors
/// A factor that the post unit cannot express, a sum that can leave 32 bits.
pub(super) fn lower(
    graph: &Graph,
    plan: &Plan,
    sharing: &Sharing,
    affine: &[Affine],
    patches: &[Vec<f32>],
) -> Result<Lowered> {
    let fixed = FixedGraph { name: graph.name.clone(), ..FixedGraph::default() };
    let mut lowering = Lowering {
        graph,
        plan,
        sharing,
        patches,
        tensor: vec![TensorId(0); plan.homes.len()],
        lowered: Lowered { fixed, groups: Vec::new(), units: Vec::new() },
    };
    lowering.add_tensors(affine);
    for (g, group) in plan.groups.iter().enumerate() {
        lowering.group(g, group).map_err(|e| e.file(&graph.name))?;
    }
    lowering.add_ends();
    lowering.lowered.fixed.host = host_graph(graph, plan)?;
    Ok(lowering.lowered)
}

impl Lowering<'_> {
    fn add_tensors(&mut self, affine: &[Affine]) {
        for (h, home) in self.plan.homes.iter().enumerate() {
            if self.sharing.is_tensor(h) {
                let Affine { scale, zero } = affine[self.sharing.representative(h)];
                let tensor = Tensor { name: self.value_name(home.value), shape: home.shape, scale, zero };
                self.tensor[h] = TensorId(self.lowered.fixed.tensors.len() as u32);
                self.lowered.fixed.tensors.push(tensor);
            }
        }
        for h in 0..self.plan.homes.len() {
            self.tensor[h] = self.tensor[self.sharing.place(h).0];
        }
    }

    /// The value's name, or its node's where the source does not name it.
    fn value_name(&self, id: ValueId) -> String {
        let value = self.graph.value(id);
        match self.graph.producer(id) {
            Some((_, node)) if value.name.is_empty() => node.name.clone(),
            _ => value.name.clone(),
        }
    }

    fn add_ends(&mut self) {
        let shape = |id: ValueId| self.graph.shape(id).to_vec();
        let inputs = self.plan.homes.iter().enumerate().filter(|(_, home)| home.group.is_none());
        self.lowered.fixed.inputs = inputs.map(|(h, home)| (self.tensor[h], shape(home.value))).collect();
        let outputs = self.plan.outputs.iter();
        self.lowered.fixed.outputs = outputs.map(|&(id, h)| (self.tensor[h], shape(id))).collect();
    }

    fn tensor(&self, home: usize) -> &Tensor {
        self.lowered.fixed.tensor(self.tensor[home])
    }

    fn group(&mut self, g: usize, group: &Group) -> Result<()> {
        match &group.kind {
            Kind::Linear { window, weights, bias, groups } => {
                self.linear(g, group, window, weights, bias, *groups)
            }
            Kind::Mean { window, count_include_pad } => self.mean(g, group, window, *count_include_pad),
            Kind::Max { window } => {
                let (from, to) = (self.tensor(group.inputs[0]), self.tensor(group.output));
                let factor = f64::from(from.scale) / f64::from(to.scale);
                let channels = vec![self.channel(group, 0, factor, -i32::from(from.zero))?];
                let (name, operator) = self.names(group);
                let node = self.node(group, name, operator, window, Reduction::Max, channels)?;
                self.push(g, node, Vec::new())
            }
            Kind::Concat => self.concat(g, group),
        }
    }

    fn linear(
        &mut self,
        g: usize,
        group: &Group,
        window: &Window,
        weights: &[f32],
        bias: &[f64],
        groups: usize,
    ) -> Result<()> {
        let (from, to) = (self.tensor(group.inputs[0]), self.tensor(group.output));
        let (scale_in, scale_out) = (f64::from(from.scale), f64::from(to.scale));
        let zero = i64::from(from.zero);
        let terms = weights.len() / bias.len();
        let metrics = metrics(&self.patches[g], terms, groups);
        let outputs = bias.len() / groups;
        let quantise = |(o, (w, &b)): (usize, (&[f32], &f64))| {
            let mut row = row(w, least_scale(b, scale_in, scale_out));
            if let Some(metric) = metrics.get(o / outputs) {
                row.weights = metric.round(w, row.scale);
            }
            row
        };
        let rows: Vec<_> = weights.par_chunks(terms).zip(bias).enumerate().map(quantise).collect();
        let mut channels = Vec::with_capacity(bias.len());
        let mut units = Vec::with_capacity(bias.len());
        for (c, (row, b)) in rows.iter().zip(bias).enumerate() {
            let unit = scale_in * row.scale;
            let sum: i64 = row.weights.iter().map(|&w| i64::from(w)).sum();
            let bias = (b / unit).round_ties_even() as i64 - zero * sum;
            let Ok(bias) = i32::try_from(bias) else {
                return Err(self.error(
                    group,
                    format!("the bias of channel {c} becomes {bias}, above 32 bits"),
                    SPLIT,
                ));
            };
            channels.push(self.channel(group, c, unit / scale_out, bias)?);
            units.push(unit);
        }
        let weights = rows.into_iter().flat_map(|row| row.weights).collect();
        let reduction = Reduction::Conv { weights, groups };
        let (name, operator) = self.names(group);
        let node = self.node(group, name, operator, window, reduction, channels)?;
        self.push(g, node, units)
    }

    /// One node for each part of the output with a divisor of its own.
    fn mean(&mut self, g: usize, group: &Group, window: &Window, count_include_pad: bool) -> Result<()> {
        let (from, to) = (self.tensor(group.inputs[0]), self.tensor(group.output));
        let ratio = f64::from(from.scale) / f64::from(to.scale);
        let (zero, shape) = (i32::from(from.zero), from.shape);
        let taps = window.kernel[0] * window.kernel[1];
        let spans = |axis: usize| match count_include_pad {
            true => vec![(0, group.grid[1 + axis], window.kernel[axis])],
            false => spans(window, axis, shape[1 + axis], group.grid[1 + axis]),
        };
        for (y, height, rows) in spans(0) {
            for &(x, width, columns) in &spans(1) {
                let factor = ratio / (rows * columns) as f64;
                let per_channel = group.chain.slope.as_ref().map_or(1, Vec::len);
                let channels = (0..per_channel)
                    .map(|c| self.channel(group, c, factor, -zero * taps as i32))
                    .collect::<Result<Vec<Channel>>>()?;
                let (name, operator) = self.names(group);
                let mut node = self.node(group, name, operator, window, Reduction::Sum, channels)?;
                node.place.region = [y, x, height, width];
                self.push(g, node, Vec::new())?;
            }
        }
        Ok(())
    }

    /// Copies of the parts that their producers did not write in place.
    fn concat(&mut self, g: usize, group: &Group) -> Result<()> {
        let mut offset = 0;
        for &part in &group.inputs {
            let shape = self.plan.homes[part].shape;
            // a part written in place lies in this very home
            if self.sharing.is_tensor(part) {
                let (from, to) = (self.tensor(part), self.tensor(group.output));
                let factor = f64::from(from.scale) / f64::from(to.scale);
                let channels = vec![self.channel(group, 0, factor, -i32::from(from.zero))?];
                let (name, operator) = self.names(group);
                let mut node = self.node(group, name, operator, &Window::UNIT, Reduction::Sum, channels)?;
                node.input = self.tensor[part];
                node.place.channel += offset;
                self.push(g, node, Vec::new())?;
            }
            offset += shape[0];
        }
        Ok(())
    }

    /// The node of a group, writing the whole grid.
    fn node(
        &self,
        group: &Group,
        name: String,
        operator: String,
        window: &Window,
        reduction: Reduction,
        channels: Vec<Channel>,
    ) -> Result<FixedNode> {
        let to = self.tensor(group.output);
        let operand = match group.operand {
            None => None,
            Some(h) => {
                let from = self.tensor(h);
                let factor = f64::from(from.scale) / f64::from(to.scale);
                let Some((mantissa, shift)) = mantissa(factor) else {
                    return Err(self.error(group, format!("the operand's factor is {factor:e}"), RANGES));
                };
                Some((self.tensor[h], OperandScale { zero: from.zero, mantissa, shift, multiply: false }))
            }
        };
        Ok(FixedNode {
            name,
            operator,
            input: self.tensor[group.inputs[0]],
            window: window.clone(),
            reduction,
            channels,
            operand,
            post: post(&group.chain, to),
            table: None,
            output: self.tensor[group.output],
            place: Place {
                channel: self.sharing.place(group.output).1,
                region: [0, 0, group.grid[1], group.grid[2]],
                depth_to_space: group.chain.depth_to_space,
            },
        })
    }

    fn channel(&self, group: &Group, c: usize, factor: f64, bias: i32) -> Result<Channel> {
        let slope = match group.chain.slope.as_deref() {
            None => 1.0,
            Some([one]) => *one,
            Some(many) => many[c],
        };
        channel(factor, slope, bias).ok_or_else(|| {
            let why = format!("channel {c} would have to be scaled by {factor:e}, more than 255");
            self.error(group, why, RANGES)
        })
    }

    fn push(&mut self, g: usize, node: FixedNode, units: Vec<f64>) -> Result<()> {
        let fixed = &mut self.lowered.fixed;
        for c in 0..fixed.grid(&node)[0] {
            let bound = fixed.accumulator_bound(&node, c);
            if bound > i64::from(i32::MAX) {
                let why = format!(
                    "sums of channel {c} can reach {bound}, more than the {} of an accumulator",
                    i32::MAX
                );
                return Err(self.error(&self.plan.groups[g], why, SPLIT));
            }
        }
        fixed.nodes.push(node);
        self.lowered.groups.push(g);
        self.lowered.units.push(units);
        Ok(())
    }

    fn error(&self, group: &Group, why: String, hint: &str) -> Error {
        let (name, operator) = self.names(group);
        Error::new("quantise", why).node(name).operator(operator).hint(hint)
    }

    /// Name of the first node and operators of all, such as `conv2d+relu`.
    fn names(&self, group: &Group) -> (String, String) {
        let nodes = group.nodes.iter().map(|&n| &self.graph.nodes[n]);
        let operators: Vec<&str> = nodes.clone().filter_map(|n| operator(self.graph, n)).collect();
        match nodes.into_iter().next() {
            Some(first) => (first.name.clone(), operators.join("+")),
            None => (self.value_name(self.plan.homes[group.output].value), "copy".into()),
        }
    }
}

const SPLIT: &str = "fewer input channels or a smaller kernel in this layer";
const RANGES: &str = "more calibration samples, or ranges that cut off outliers";

/// The operator's name in reports; `None` for those that cost nothing.
fn operator(graph: &Graph, node: &crate::graph::Node) -> Option<&'static str> {
    Some(match &node.op {
        Op::Conv { groups, .. } if *groups > 1 && *groups == graph.shape(node.inputs[0])[1] => {
            "depthwise_conv2d"
        }
        Op::Conv { .. } => "conv2d",
        Op::BatchNormalization { .. } => "batch_norm",
        Op::Relu => "relu",
        Op::Clip { .. } => "clip",
        Op::LeakyRelu { .. } => "leaky_relu",
        Op::PRelu => "prelu",
        Op::MaxPool { .. } => "max_pool",
        Op::AveragePool { .. } => "average_pool",
        Op::GlobalAveragePool => "global_average_pool",
        Op::Add => "add",
        Op::Concat { .. } => "concat",
        Op::Gemm { .. } | Op::MatMul => "dense",
        Op::DepthToSpace { .. } => "depth_to_space",
        Op::Softmax { .. } => "softmax",
        Op::Flatten { .. } | Op::Reshape | Op::Transpose { .. } => return None,
        other => other.name(),
    })
}

/// How rounding errors are weighed, for each group of a convolution with `terms` inputs a group;
/// empty when there are no observations.
fn metrics(patches: &[f32], terms: usize, groups: usize) -> Vec<Metric> {
    let Ok(observed) = ArrayView2::from_shape((patches.len() / (terms * groups), terms * groups), patches)
    else {
        return Vec::new();
    };
    if observed.nrows() == 0 {
        return Vec::new();
    }
    let one = |g: usize| Metric::new(observed.slice(s![.., g * terms..(g + 1) * terms]));
    (0..groups).into_par_iter().map(one).collect()
}

/// Zero point and clamps of the output.
fn post(chain: &Chain, to: &Tensor) -> Post {
    let bound = |real: f64| {
        let q = (real / f64::from(to.scale)).round_ties_even() + f64::from(to.zero);
        q.clamp(-128.0, 127.0) as i8
    };
    Post { zero: to.zero, lo: bound(chain.low), hi: bound(chain.high) }
}

/// Runs of output positions along an axis whose windows have the same number of taps inside the
/// input: (first, length, taps).
fn spans(window: &Window, axis: usize, extent: usize, positions: usize) -> Vec<(usize, usize, usize)> {
    let pad = window.pads[axis];
    let inside = |o: usize| {
        let tap = |k: usize| o * window.stride[axis] + k * window.dilation[axis];
        (0..window.kernel[axis]).filter(|&k| (pad..pad + extent).contains(&tap(k))).count()
    };
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    for o in 0..positions {
        let taps = inside(o);
        match spans.last_mut() {
            Some((_, length, same)) if *same == taps => *length += 1,
            _ => spans.push((o, 1, taps)),
        }
    }
    spans
}
