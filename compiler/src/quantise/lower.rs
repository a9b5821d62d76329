//! From the plan and the ranges to integer operations.

mod mean;
mod names;
mod wide;

use super::calibrate::Seen;
use super::chain::{Chain, Combine};
use super::given::Given;
use super::kind::{Kind, OUTPUT};
use super::phases::Phase;
use super::plan::{Group, Origin, Plan};
use super::range::Affine;
use super::rounding::Metric;
use super::sharing::Sharing;
use super::stages;
use super::weights::{channel, exact_row, least_scale, multiples, row, steps};
use crate::error::{Error, Result};
use crate::fixed::{FixedGraph, FixedNode, Operand, Place, Reduction, Tensor, TensorId, View};
use crate::graph::{Graph, Op, ValueId, Window};
use crate::network::Network;
use ndarray::{ArrayView2, s};
use rayon::prelude::*;
use tilewright_arch::fixed::{
    Channel, FRACTION, Half, MAX_SHIFT, MULTIPLICAND_BITS, OperandScale, Post, WIDE_FRACTION, mantissa,
};

/// Where an operation comes from.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Provenance {
    /// Its group, by index.
    pub group: usize,
    /// The real value of one unit of the sum, by channel; empty where the bias is not to be corrected.
    pub units: Vec<f64>,
}

/// A quantised network and where its parts come from.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Lowered {
    pub network: Network,
    /// For each stage and each of its nodes.
    pub provenance: Vec<Vec<Provenance>>,
    /// The network's tensor of each home; parts have that of the whole.
    pub tensor: Vec<TensorId>,
}

/// What the post unit hands to the table, or writes where there is none.
#[derive(Clone, Copy)]
struct Rounded {
    /// Real value of one step of what is rounded.
    step: f64,
    /// Real value of what [`mantissa`] takes for a step: of 2^[`FRACTION`] units of the scaled sum.
    scale: f64,
    /// The byte that means zero.
    zero: i8,
    /// Real value of a step of the bytes that zero point and clamps are.
    byte: f64,
}

impl Rounded {
    fn new(scale: f32, zero: i8, wide: bool) -> Rounded {
        let step = f64::from(scale);
        let fraction = if wide { WIDE_FRACTION } else { FRACTION };
        // An extended byte is 257 times the byte.
        let byte = step * if wide { 257.0 } else { 1.0 };
        Rounded { step, scale: step * f64::from(FRACTION - fraction).exp2(), zero, byte }
    }
}

pub(super) struct Lowering<'a> {
    pub graph: &'a Graph,
    pub given: &'a Given,
    pub plan: &'a Plan,
    pub sharing: &'a Sharing,
    seen: &'a Seen,
    /// Whether each home has 16 bits.
    wide: &'a [bool],
    /// What goes into the table of each group that has one.
    before_table: &'a [Option<Affine>],
    /// All tensors, and all operations in the plan's order.
    pub fixed: FixedGraph,
    pub provenance: Vec<Provenance>,
    /// Tensor of each home; parts have that of the whole.
    pub tensor: Vec<TensorId>,
    /// Where the group under way puts its first sum instead, if it makes two.
    between: Option<TensorId>,
}

/// Makes the network. `affine` gives scale and zero point of each home, `wide` says which of them have
/// 16 bits, `before_table` is for what goes into the table of each group.
///
/// # Errors
/// A factor that the post unit cannot express, a sum that can leave 32 bits.
pub(super) fn lower(
    graph: &Graph,
    given: &Given,
    plan: &Plan,
    sharing: &Sharing,
    (affine, wide): (&[Affine], &[bool]),
    before_table: &[Option<Affine>],
    seen: &Seen,
) -> Result<Lowered> {
    let mut lowering = Lowering {
        graph,
        given,
        plan,
        sharing,
        seen,
        wide,
        before_table,
        fixed: FixedGraph { name: graph.name.clone(), ..FixedGraph::default() },
        provenance: Vec::new(),
        tensor: vec![TensorId(0); plan.homes.len()],
        between: None,
    };
    lowering.add_tensors(affine);
    for (g, group) in plan.groups.iter().enumerate() {
        lowering.group(g, group).map_err(|e| e.file(&graph.name))?;
    }
    stages::split(lowering)
}

impl Lowering<'_> {
    fn add_tensors(&mut self, affine: &[Affine]) {
        for (h, home) in self.plan.homes.iter().enumerate() {
            if self.sharing.is_tensor(h) {
                let Affine { scale, zero } = affine[self.sharing.representative(h)];
                let (name, wide) = (self.value_name(home.value), self.wide[h]);
                let tensor = Tensor::bytes(name, home.shape, scale, zero);
                let tensor = if wide { tensor.widened() } else { tensor };
                self.tensor[h] = TensorId(self.fixed.tensors.len() as u32);
                if let Origin::Constant(c) = home.origin {
                    let real = self.plan.constants[c].iter().map(|&x| x as f32);
                    let elements = crate::reference::quantise(&tensor, real);
                    self.fixed.constants.push((self.tensor[h], elements));
                }
                self.fixed.tensors.push(tensor);
            }
        }
        for h in 0..self.plan.homes.len() {
            let whole = View::whole(TensorId(h as u32), self.plan.homes[h].shape);
            self.tensor[h] = self.tensor[self.sharing.resolve(whole).tensor.0 as usize];
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

    /// A view of a home as one of its tensor, of the high halves where that is wide.
    fn placed(&self, view: &View) -> View {
        let mut view = *view;
        match self.between {
            Some(between) if view.tensor.0 == OUTPUT as u32 => view.tensor = between,
            _ => {
                view = self.sharing.resolve(view);
                view.tensor = self.tensor[view.tensor.0 as usize];
            }
        }
        if self.fixed.tensor(view.tensor).wide { view.high_halves() } else { view }
    }

    fn read(&self, view: &View) -> &Tensor {
        self.fixed.tensor(self.tensor[view.tensor.0 as usize])
    }

    fn output(&self, group: &Group) -> &Tensor {
        self.fixed.tensor(self.tensor[group.output])
    }

    /// The grid, after DepthToSpace, as a view of the output's home.
    fn whole_output(&self, group: &Group) -> View {
        if self.between.is_some() {
            return group.to;
        }
        let home = TensorId(group.output as u32);
        match group.chain.depth_to_space.0 {
            1 => View { tensor: home, ..group.to },
            _ => View::whole(home, self.plan.homes[group.output].shape),
        }
    }

    /// What the sums of a group are scaled to.
    fn result(&self, g: usize, group: &Group) -> Rounded {
        if let Some(between) = self.between {
            let to = self.fixed.tensor(between);
            return Rounded::new(to.scale, to.zero, to.wide);
        }
        let to = self.output(group);
        match self.before_table[g] {
            Some(Affine { scale, zero }) => Rounded::new(scale, zero, false),
            None => Rounded::new(to.scale, to.zero, to.wide),
        }
    }

    fn group(&mut self, g: usize, group: &Group) -> Result<()> {
        match &group.operand {
            Some(operand) if self.read(operand).wide => self.wide_sum(g, group),
            _ => self.reduced(g, group),
        }
    }

    fn reduced(&mut self, g: usize, group: &Group) -> Result<()> {
        match &group.kind {
            Kind::Linear { window, weights, bias, groups } => {
                self.linear(g, group, window, weights, bias, *groups)
            }
            Kind::Phases { phases, bias, groups } => {
                phases.iter().try_for_each(|phase| self.phase(g, group, phase, bias, *groups))
            }
            Kind::Product { batches, factor } => {
                batches.iter().try_for_each(|batch| self.product(g, group, batch, *factor))
            }
            Kind::Mean { window, count_include_pad, factor } => {
                self.mean(g, group, window, *count_include_pad, *factor)
            }
            Kind::Max { window } => {
                let from = self.read(&group.inputs[0]);
                let factor = f64::from(from.scale) / self.result(g, group).scale;
                let channels = vec![self.channel(group, 0, factor, -from.zero_term())?];
                let node = self.node(g, group, window, Reduction::Max, channels)?;
                self.push(g, node, Vec::new())
            }
            Kind::Copies { to } => self.copies(g, group, to),
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
        let from = self.read(&group.inputs[0]);
        let (scale_in, scale_out) = (f64::from(from.scale), self.result(g, group).scale);
        let zero = i64::from(from.zero_term());
        let terms = weights.len() / bias.len();
        let metrics = metrics(self.seen, self.sharing.first(g), terms, groups);
        let outputs = bias.len() / groups;
        let integers = self.integers(group);
        let quantise = |(o, (w, &b)): (usize, (&[f32], &f64))| {
            if let Some(scales) = integers {
                let scale = scales.get(if scales.len() == 1 { 0 } else { o });
                let own = scale.and_then(|&scale| multiples(w, scale.into()));
                // An operator after it has scaled the weights, or the scales are of another axis.
                let least = least_scale(b, scale_in, scale_out);
                return own.or_else(|| steps(w, least)).ok_or_else(|| {
                    let why = format!("the integers of channel {o} are not one step times -127 to 127");
                    self.error(group, why, "weights with a scale for each output channel, without -128")
                });
            }
            let mut row = row(w, least_scale(b, scale_in, scale_out));
            if let Some(metric) = metrics.get(o / outputs) {
                row.weights = metric.round(w, row.scale);
            }
            Ok(row)
        };
        let rows = weights.par_chunks(terms).zip(bias).enumerate().map(quantise);
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let mut channels = Vec::with_capacity(bias.len());
        let mut units = Vec::with_capacity(bias.len());
        for (c, (row, b)) in rows.iter().zip(bias).enumerate() {
            let unit = scale_in * row.scale;
            let bias = self.bias(group, c, b / unit, &row.weights, zero)?;
            channels.push(self.channel(group, c, unit / scale_out, bias)?);
            units.push(unit);
        }
        let weights = rows.into_iter().flat_map(|row| row.weights).collect();
        let reduction = Reduction::Conv { weights, groups };
        let node = self.node(g, group, window, reduction, channels)?;
        // What is done several times has one bias, not one for each time.
        let units = if self.sharing.is_repeated(g) { Vec::new() } else { units };
        self.push(g, node, units)
    }

    /// The steps of a group's weights, where they are integers of the model: those stay as they are.
    fn integers(&self, group: &Group) -> Option<&[f32]> {
        let node = &self.graph.nodes[*group.nodes.first()?];
        match node.op {
            Op::Conv { .. } | Op::Gemm { .. } | Op::MatMul => self.given.steps(node.inputs[1]),
            _ => None,
        }
    }

    /// A bias in units of the sum, with the input's zero point folded in.
    fn bias(&self, group: &Group, c: usize, bias: f64, weights: &[i8], zero: i64) -> Result<i32> {
        let sum: i64 = weights.iter().map(|&w| i64::from(w)).sum();
        let bias = bias.round_ties_even() as i64 - zero * sum;
        i32::try_from(bias).map_err(|_| {
            self.error(group, format!("the bias of channel {c} becomes {bias}, above 32 bits"), SPLIT)
        })
    }

    /// One phase of a transposed convolution or a change of resolution.
    fn phase(&mut self, g: usize, group: &Group, phase: &Phase, bias: &[f64], groups: usize) -> Result<()> {
        let from = self.read(&group.inputs[0]);
        let (scale_in, scale_out) = (f64::from(from.scale), self.result(g, group).scale);
        let zero = from.zero_term();
        let (reduction, channels) = if phase.weights.is_empty() {
            let channel = self.channel(group, 0, scale_in / scale_out, -zero)?;
            (Reduction::Sum, vec![channel])
        } else {
            let terms = phase.weights.len() / bias.len();
            let mut channels = Vec::with_capacity(bias.len());
            let mut weights = Vec::with_capacity(phase.weights.len());
            for (c, (w, b)) in phase.weights.chunks(terms).zip(bias).enumerate() {
                let row = exact_row(w, least_scale(*b, scale_in, scale_out));
                let unit = scale_in * row.scale;
                let bias = self.bias(group, c, b / unit, &row.weights, zero.into())?;
                channels.push(self.channel(group, c, unit / scale_out, bias)?);
                weights.extend(row.weights);
            }
            (Reduction::Conv { weights, groups }, channels)
        };
        let mut node = self.node(g, group, &phase.window, reduction, channels)?;
        let (mut from, mut to) = (group.inputs[0], self.whole_output(group));
        for axis in [1, 2] {
            let (first, count) = phase.from[axis - 1];
            from = from.slice(axis, first, count);
            let (first, step, count) = phase.to[axis - 1];
            to = to.every(axis, first, step, count);
        }
        (node.input, node.output) = (self.placed(&from), self.placed(&to));
        node.place.region = [0, 0, to.shape[1], to.shape[2]];
        self.push(g, node, Vec::new())
    }

    /// One product of two activations.
    fn product(&mut self, g: usize, group: &Group, batch: &(View, View, usize), factor: f64) -> Result<()> {
        let (gathered, weights, first) = batch;
        let scales = f64::from(self.read(gathered).scale) * f64::from(self.read(weights).scale);
        let factor = scales * factor / self.result(g, group).scale;
        let channels = vec![self.channel(group, 0, factor, 0)?];
        let reduction = Reduction::Product { weights: self.placed(weights) };
        let mut node = self.node(g, group, &Window::UNIT, reduction, channels)?;
        node.input = self.placed(gathered);
        node.output = self.placed(&self.whole_output(group).slice(0, *first, weights.shape[2]));
        self.push(g, node, Vec::new())
    }

    /// Copies of the parts that their producers did not write in place.
    fn copies(&mut self, g: usize, group: &Group, to: &[View]) -> Result<()> {
        for (part, to) in group.inputs.iter().zip(to) {
            // a part written in place lies in this very home
            if self.sharing.is_tensor(part.tensor.0 as usize) {
                let from = self.read(part);
                let factor = f64::from(from.scale) / self.result(g, group).scale;
                let channels = vec![self.channel(group, 0, factor, -from.zero_term())?];
                let mut node = self.node(g, group, &Window::UNIT, Reduction::Sum, channels)?;
                let to = View { tensor: TensorId(group.output as u32), ..*to };
                (node.input, node.output) = (self.placed(part), self.placed(&to));
                node.place.region = [0, 0, to.shape[1], to.shape[2]];
                self.push(g, node, Vec::new())?;
            }
        }
        Ok(())
    }

    /// The second operand, and the real value of a step of what it multiplies.
    fn operand(&self, g: usize, group: &Group) -> Result<Option<(Operand, Option<f64>)>> {
        let (Some(view), Some((_, combine))) = (&group.operand, &group.chain.operand) else {
            return Ok(None);
        };
        let (from, to) = (self.read(view), self.result(g, group));
        let (zero, mut view) = (from.zero, self.placed(view));
        let mut scale = f64::from(from.scale);
        match self.between {
            Some(_) => scale *= 256.0,
            None if from.wide => view = view.low_halves(),
            None => {}
        }
        if group.grid != group.shape {
            // Rows of the grid are pieces of the one line that the operand is seen as.
            let width = group.grid[2];
            (view.axes[1], view.step[1]) = (view.axes[2], view.step[2] * width);
            view.shape = group.grid;
        }
        let factor = scale / to.scale;
        match combine {
            Combine::Add(sign) => match mantissa(factor * sign) {
                Some((mantissa, shift)) => {
                    let scale = OperandScale { zero, mantissa, shift, multiply: false };
                    Ok(Some((Operand { view, scale }, None)))
                }
                None => Err(self.error(group, format!("the operand's factor is {factor:e}"), RANGES)),
            },
            Combine::Multiply => {
                // The multiplicand is as fine as its bits allow: largest * 2^shift * factor fits.
                let own = match group.kind {
                    Kind::Mean { factor, .. } => {
                        let from = self.read(&group.inputs[0]);
                        let most = if from.wide { 65535.0 } else { 255.0 };
                        f64::from(from.scale) * factor.abs() * most
                    }
                    _ => unreachable!("only copies and means are multiplied"),
                };
                let limit = f64::from((1 << (MULTIPLICAND_BITS - 1)) - 1);
                let steps = f64::from(1 << FRACTION);
                let room = (limit / (own * steps * factor)).log2().floor();
                let shift = room.clamp(0.0, f64::from(MAX_SHIFT)) as u8;
                let scale = OperandScale { zero, mantissa: 0, shift, multiply: true };
                let step = to.scale / (f64::from(from.scale) * f64::from(shift).exp2());
                Ok(Some((Operand { view, scale }, Some(step))))
            }
        }
    }

    /// The node of a group, reading the first input and writing the whole grid.
    fn node(
        &self,
        g: usize,
        group: &Group,
        window: &Window,
        reduction: Reduction,
        channels: Vec<Channel>,
    ) -> Result<FixedNode> {
        let (name, operator) = self.names(group);
        let result = self.result(g, group);
        let plain = Chain::EMPTY;
        let chain = if self.between.is_some() { &plain } else { &group.chain };
        Ok(FixedNode {
            name,
            operator,
            input: self.placed(&group.inputs[0]),
            window: window.clone(),
            reduction,
            channels,
            wide: false,
            operand: self.operand(g, group)?.map(|(operand, _)| operand),
            post: post(chain, result),
            table: self.table(g, group).filter(|_| self.between.is_none()),
            output: self.placed(&self.whole_output(group)),
            place: Place {
                region: [0, 0, group.grid[1], group.grid[2]],
                depth_to_space: chain.depth_to_space,
            },
        })
    }

    /// The table of a group, from bytes before to bytes after.
    fn table(&self, g: usize, group: &Group) -> Option<Box<[i8; 256]>> {
        let Affine { scale, zero } = self.before_table[g]?;
        let to = self.output(group);
        let mut table = Box::new([0; 256]);
        for (entry, byte) in table.iter_mut().zip(-128i32..) {
            // Rounded to float32 step by step, as the operators are.
            let x = scale * (byte - i32::from(zero)) as f32;
            let y = group.chain.table.iter().fold(x, |x, fun| fun.apply(x.into()) as f32);
            *entry = crate::reference::quantise(to, [y])[0];
        }
        Some(table)
    }

    fn channel(&self, group: &Group, c: usize, factor: f64, bias: i32) -> Result<Channel> {
        let slope = match group.chain.slope.as_deref() {
            None => 1.0,
            Some([one]) => *one,
            Some(many) => many[c],
        };
        channel(factor, slope, bias).ok_or_else(|| self.unscaled(group, c, factor))
    }

    fn unscaled(&self, group: &Group, c: usize, factor: f64) -> Error {
        let why = format!("channel {c} would have to be scaled by {factor:e}, more than 255");
        self.error(group, why, RANGES)
    }

    /// Adds a node; where the tensor that it writes is wide, two, or one for both halves of a plane.
    fn push(&mut self, g: usize, mut node: FixedNode, units: Vec<f64>) -> Result<()> {
        node.wide = self.fixed.tensor(node.input.tensor).wide;
        for c in 0..self.fixed.grid(&node)[0] {
            let bound = self.fixed.accumulator_bound(&node, c);
            if bound > i64::from(i32::MAX) {
                let why = format!(
                    "sums of channel {c} can reach {bound}, more than the {} of an accumulator",
                    i32::MAX
                );
                return Err(self.error(&self.plan.groups[g], why, SPLIT));
            }
        }
        if self.fixed.tensor(node.output.tensor).wide {
            let half = |half: Half, output: View| FixedNode {
                channels: node.channels.iter().map(|c| Channel { half, ..*c }).collect(),
                output,
                ..node.clone()
            };
            let (high, low) = (half(Half::High, node.output), half(Half::Low, node.output.low_halves()));
            node = match both(&high, &low) {
                Some(both) => both,
                None => {
                    self.fixed.nodes.push(high);
                    self.provenance.push(Provenance { group: g, units: units.clone() });
                    low
                }
            };
        }
        self.fixed.nodes.push(node);
        self.provenance.push(Provenance { group: g, units });
        Ok(())
    }

    fn error(&self, group: &Group, why: String, hint: &str) -> Error {
        let (name, operator) = self.names(group);
        Error::new("quantise", why).node(name).operator(operator).hint(hint)
    }
}

/// The two halves of a sum over one plane as the channels of one node, which reads the plane twice: half
/// the instructions, each of which takes about as long to start as a short row of pixels.
fn both(high: &FixedNode, low: &FixedNode) -> Option<FixedNode> {
    let plain = high.reduction == Reduction::Sum && high.place.depth_to_space.0 == 1;
    if !plain || high.output.shape[0] != 1 || high.output.axes != [0, 1, 2] {
        return None;
    }
    let twice = |view: &View, step: usize| View {
        step: [step, view.step[1], view.step[2]],
        shape: [2, view.shape[1], view.shape[2]],
        ..*view
    };
    Some(FixedNode {
        input: twice(&high.input, 0),
        channels: vec![high.channels[0], low.channels[0]],
        operand: high.operand.as_ref().map(|o| Operand { view: twice(&o.view, 0), ..o.clone() }),
        output: twice(&high.output, 1),
        ..high.clone()
    })
}

const SPLIT: &str = "fewer input channels or a smaller kernel in this layer";
const RANGES: &str = "more calibration samples, or ranges that cut off outliers";

/// How rounding errors of operation `g` are weighed, for each group of a convolution with `terms`
/// inputs a group; empty when there are no observations.
fn metrics(seen: &Seen, g: usize, terms: usize, groups: usize) -> Vec<Metric> {
    let patches = &seen.patches[g][..];
    let Ok(observed) = ArrayView2::from_shape((patches.len() / (terms * groups), terms * groups), patches)
    else {
        return Vec::new();
    };
    if observed.nrows() == 0 {
        return Vec::new();
    }
    let one = |g: usize| Metric::new(observed.slice(s![.., g * terms..(g + 1) * terms]), seen.rounding);
    (0..groups).into_par_iter().map(one).collect()
}

/// Zero point and clamps of what the post unit makes.
fn post(chain: &Chain, to: Rounded) -> Post {
    let bound = |real: f64| {
        let q = (real / to.byte).round_ties_even() + f64::from(to.zero);
        q.clamp(-128.0, 127.0) as i8
    };
    Post { zero: to.zero, lo: bound(chain.low), hi: bound(chain.high) }
}
