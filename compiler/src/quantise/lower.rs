//! From the plan and the ranges to integer operations.

mod linear;
mod mean;
mod names;
mod operand;
mod sketch;
mod wide;

pub(super) use sketch::Sketch;

use super::calibrate::Seen;
use super::chain::Chain;
use super::given::Given;
use super::held::{HomeId, View};
use super::kind::Kind;
use super::plan::{Group, Origin, Plan};
use super::range::Affine;
use super::sharing::Sharing;
use super::stages;
use super::weights::channel;
use crate::claims::Rounded;
use crate::error::{Error, Result};
use crate::fixed::{self, FixedGraph, FixedNode, Operand, Place, Reduction, Tensor, TensorId};
use crate::graph::{Graph, ValueId, Window};
use crate::network::Network;
use tilewright_arch::fixed::{Channel, FRACTION, Half, Post, WIDE_FRACTION, power_of_two};

/// Where an operation comes from.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Provenance {
    /// Its group, by index.
    pub group: usize,
    /// The real value of one unit of the sum, by channel; empty where the bias is not to be corrected.
    pub units: Vec<f64>,
    /// What its weights and biases were rounded from.
    pub rounded: Option<Rounded>,
}

/// Why a plan cannot be lowered.
#[derive(Debug)]
pub(super) struct Refused {
    /// The group that cannot be.
    pub group: Option<usize>,
    pub error: Error,
}

/// A quantised network and where its parts come from.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Lowered {
    pub network: Network,
    /// For each stage and each of its nodes.
    pub provenance: Vec<Vec<Provenance>>,
    /// The network's tensor of each home; parts have that of the whole.
    pub tensor: Vec<TensorId>,
    /// What goes into the table of each group.
    pub before_table: Vec<Option<Affine>>,
}

/// What the post unit hands to the table, or writes where there is none.
#[derive(Clone, Copy)]
struct Target {
    /// Real value of what [`mantissa`] takes for a step: of 2^[`FRACTION`] units of the scaled sum.
    scale: f64,
    /// The byte that means zero.
    zero: i8,
    /// Real value of a step of the bytes that zero point and clamps are.
    byte: f64,
}

impl Target {
    fn new(scale: f32, zero: i8, wide: bool) -> Target {
        let step = f64::from(scale);
        let fraction = if wide { WIDE_FRACTION } else { FRACTION };
        // An extended byte is 257 times the byte.
        let byte = step * if wide { 257.0 } else { 1.0 };
        Target { scale: step * power_of_two(FRACTION as i32 - fraction as i32), zero, byte }
    }
}

pub(super) struct Lowering<'a> {
    pub graph: &'a Graph,
    pub given: &'a Given,
    pub plan: &'a Plan,
    pub sharing: &'a Sharing,
    pub(super) seen: &'a Seen,
    /// What goes into the table of each group that has one.
    pub before_table: &'a [Option<Affine>],
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
) -> std::result::Result<Lowered, Refused> {
    let mut lowering = Lowering::new(graph, given, plan, sharing, seen, before_table);
    lowering.add_tensors(affine, wide);
    for (g, group) in plan.groups.iter().enumerate() {
        let refused = |e: Error| Refused { group: Some(g), error: e.file(&graph.name) };
        lowering.group(g, group).map_err(refused)?;
    }
    stages::split(lowering).map_err(|error| Refused { group: None, error })
}

impl<'a> Lowering<'a> {
    /// Without tensors.
    pub fn new(
        graph: &'a Graph,
        given: &'a Given,
        plan: &'a Plan,
        sharing: &'a Sharing,
        seen: &'a Seen,
        before_table: &'a [Option<Affine>],
    ) -> Lowering<'a> {
        Lowering {
            graph,
            given,
            plan,
            sharing,
            seen,
            before_table,
            fixed: FixedGraph { name: graph.name.clone(), ..FixedGraph::default() },
            provenance: Vec::new(),
            tensor: vec![TensorId(0); plan.homes.len()],
            between: None,
        }
    }

    /// `wide` says which homes have 16 bits.
    fn add_tensors(&mut self, affine: &[Affine], wide: &[bool]) {
        for (h, home) in self.plan.homes.iter().enumerate() {
            if self.sharing.is_tensor(h) {
                let Affine { scale, zero } = affine[self.sharing.representative(h)];
                let (name, wide) = (self.value_name(home.value), wide[h]);
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
            let whole = View::whole(HomeId::At(h), self.plan.homes[h].shape);
            self.tensor[h] = self.tensor[self.sharing.resolve(whole).tensor.index()];
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
    fn placed(&self, view: &View) -> fixed::View {
        let view = match (view.tensor, self.between) {
            (HomeId::Output, Some(between)) => view.of(between),
            _ => self.claimed(view),
        };
        if self.fixed.tensor(view.tensor).wide { view.high_halves() } else { view }
    }

    fn read(&self, view: &View) -> &Tensor {
        self.fixed.tensor(self.tensor[view.tensor.index()])
    }

    fn output(&self, group: &Group) -> &Tensor {
        self.fixed.tensor(self.tensor[group.output])
    }

    /// The grid, after DepthToSpace, as a view of the output's home.
    fn whole_output(&self, group: &Group) -> View {
        if self.between.is_some() {
            return group.to;
        }
        let home = HomeId::At(group.output);
        match group.chain.depth_to_space.0 {
            1 => group.to.of(home),
            _ => View::whole(home, self.plan.homes[group.output].shape),
        }
    }

    /// What the sums of a group are scaled to.
    fn result(&self, g: usize, group: &Group) -> Target {
        if let Some(between) = self.between {
            let to = self.fixed.tensor(between);
            return Target::new(to.scale, to.zero, to.wide);
        }
        let to = self.output(group);
        match self.before_table[g] {
            Some(Affine { scale, zero }) => Target::new(scale, zero, false),
            None => Target::new(to.scale, to.zero, to.wide),
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
                self.push(g, node, Vec::new(), None)
            }
            Kind::Copies { to } => self.copies(g, group, to),
        }
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
        self.push(g, node, Vec::new(), None)
    }

    /// Copies of the parts that their producers did not write in place.
    fn copies(&mut self, g: usize, group: &Group, to: &[View]) -> Result<()> {
        for (part, to) in group.inputs.iter().zip(to) {
            // a part written in place lies in this very home
            if self.sharing.is_tensor(part.tensor.index()) {
                let from = self.read(part);
                let factor = f64::from(from.scale) / self.result(g, group).scale;
                let channels = vec![self.channel(group, 0, factor, -from.zero_term())?];
                let mut node = self.node(g, group, &Window::UNIT, Reduction::Sum, channels)?;
                let to = to.of(HomeId::At(group.output));
                (node.input, node.output) = (self.placed(part), self.placed(&to));
                node.place.region = [0, 0, to.shape[1], to.shape[2]];
                self.push(g, node, Vec::new(), None)?;
            }
        }
        Ok(())
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
        // A sum is a whole number, so with as many steps for one of it as a byte has, all but zero leave the
        // range of a byte: on the side where they would with more.
        let alone = self.between.is_none() && group.operand.is_none() && !self.output(group).wide;
        let [plain, sloped] = [factor, factor * slope].map(|f| f.clamp(-ALL_STEPS, ALL_STEPS));
        let made = match alone && plain != 0.0 && [plain, sloped] != [factor, factor * slope] {
            true => channel(plain, sloped / plain, bias),
            false => channel(factor, slope, bias),
        };
        made.ok_or_else(|| self.unscaled(group, c, factor))
    }

    /// What to try where scales are too far apart.
    fn ranges(&self) -> &'static str {
        if self.given.is_empty() { RANGES } else { SCALES }
    }

    fn unscaled(&self, group: &Group, c: usize, factor: f64) -> Error {
        let why = format!("channel {c} would have to be scaled by {factor:e}, more than 255");
        self.error(group, why, self.ranges())
    }

    /// Adds a node; where the tensor that it writes is wide, two, or one for both halves of a plane.
    fn push(
        &mut self,
        g: usize,
        mut node: FixedNode,
        units: Vec<f64>,
        rounded: Option<Rounded>,
    ) -> Result<()> {
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
            let half = |half: Half, output: fixed::View| FixedNode {
                channels: node.channels.iter().map(|c| Channel { half, ..*c }).collect(),
                output,
                ..node.clone()
            };
            let (high, low) = (half(Half::High, node.output), half(Half::Low, node.output.low_halves()));
            node = match both(&high, &low) {
                Some(both) => both,
                None => {
                    self.fixed.nodes.push(high);
                    self.provenance.push(Provenance {
                        group: g,
                        units: units.clone(),
                        rounded: rounded.clone(),
                    });
                    low
                }
            };
        }
        self.fixed.nodes.push(node);
        self.provenance.push(Provenance { group: g, units, rounded });
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
    let twice = |view: &fixed::View, step: usize| fixed::View {
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

/// Steps from one end of a byte's range to the other.
const ALL_STEPS: f64 = 255.0;
const SPLIT: &str = "fewer input channels or a smaller kernel in this layer";
const RANGES: &str = "more calibration samples, or ranges that cut off outliers";
const SCALES: &str = "scales of the model that are nearer to each other there, or float";

/// Zero point and clamps of what the post unit makes.
fn post(chain: &Chain, to: Target) -> Post {
    let bound = |real: f64| {
        let q = (real / to.byte).round_ties_even() + f64::from(to.zero);
        q.clamp(-128.0, 127.0) as i8
    };
    Post { zero: to.zero, lo: bound(chain.low), hi: bound(chain.high) }
}
