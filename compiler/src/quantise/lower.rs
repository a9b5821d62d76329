//! From the plan and the ranges to integer operations.

mod claim;
mod halves;
mod linear;
mod mean;
mod names;
mod operand;
mod rounding;
mod sketch;
mod stages;
mod wide;

pub use claim::claims;
pub use sketch::Sketch;

use super::qparams::QParams;
use super::ranges::calibrate::Seen;
use super::ranges::scale_classes::ScaleClasses;
use super::select::annotations::Annotations;
use super::select::epilogue::Epilogue;
use super::select::kernel::Kernel;
use super::select::plan::{Division, FusedOp, HomeOrigin};
use super::select::strided::{HomeId, HomeView};
use super::weights::channel;
use crate::claims::RealWeights;
use crate::error::{Error, Result};
use crate::fixed::{self, FixedGraph, FixedNode, Placement, Reduction, Tensor, TensorId};
use crate::graph::{Graph, ValueId, Window};
use crate::network::Network;
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, FRACTION, Post, WIDE_FRACTION, power_of_two};

/// Where an operation comes from.
#[derive(Clone, PartialEq, Debug)]
pub struct Provenance {
    /// Its fused operation, by index.
    pub fused: usize,
    /// The real value of one unit of the sum, by channel; empty where the bias is not to be corrected.
    pub units: Vec<f64>,
    /// What its weights and biases were rounded from.
    pub rounded: Option<RealWeights>,
}

/// Why a plan cannot be lowered.
#[derive(Debug)]
pub struct Refused {
    /// The fused operation that cannot be.
    pub fused: Option<usize>,
    pub error: Error,
}

/// A quantised network and where its parts come from.
#[derive(Clone, PartialEq, Debug)]
pub struct Lowered {
    pub network: Network,
    /// For each stage and each of its nodes.
    pub provenance: Vec<Vec<Provenance>>,
    /// The network's tensor of each home; parts have that of the whole.
    pub tensor: Vec<TensorId>,
    /// What goes into the table of each fused operation.
    pub before_table: Vec<Option<QParams>>,
}

/// What the post unit hands to the table, or writes where there is none.
#[derive(Clone, Copy)]
struct PostTarget {
    /// Real value of what [`mantissa`] takes for a step: of 2^[`FRACTION`] units of the scaled sum.
    scale: f64,
    /// The byte that means zero.
    zero: i8,
    /// Real value of a step of the bytes that zero point and clamps are.
    byte: f64,
}

impl PostTarget {
    fn new(scale: f32, zero: i8, wide: bool) -> PostTarget {
        let step = f64::from(scale);
        let fraction = if wide { WIDE_FRACTION } else { FRACTION };
        // An extended byte is 257 times the byte.
        let byte = step * if wide { 257.0 } else { 1.0 };
        PostTarget { scale: step * power_of_two(FRACTION as i32 - fraction as i32), zero, byte }
    }
}

pub struct Lowering<'a> {
    pub graph: &'a Graph,
    pub annotations: &'a Annotations,
    pub plan: &'a Division,
    pub classes: &'a ScaleClasses,
    pub seen: &'a Seen,
    /// What goes into the table of each fused operation that has one.
    pub before_table: &'a [Option<QParams>],
    /// All tensors, and all operations in the plan's order.
    pub fixed: FixedGraph,
    pub provenance: Vec<Provenance>,
    /// Tensor of each home; parts have that of the whole.
    pub tensor: Vec<TensorId>,
    config: &'a Config,
}

impl<'a> Lowering<'a> {
    /// Without tensors.
    pub fn new(
        graph: &'a Graph,
        annotations: &'a Annotations,
        plan: &'a Division,
        classes: &'a ScaleClasses,
        seen: &'a Seen,
        before_table: &'a [Option<QParams>],
        config: &'a Config,
    ) -> Lowering<'a> {
        Lowering {
            graph,
            annotations,
            plan,
            classes,
            seen,
            before_table,
            fixed: FixedGraph { name: graph.name.clone(), ..FixedGraph::default() },
            provenance: Vec::new(),
            tensor: vec![TensorId(0); plan.homes.len()],
            config,
        }
    }

    /// Makes the network. `qparams` gives scale and zero point of each home, `wide` says which of them have 16 bits.
    ///
    /// # Errors
    /// A factor that the post unit cannot express, a sum that can leave 32 bits.
    pub fn all(mut self, qparams: &[QParams], wide: &[bool]) -> std::result::Result<Lowered, Refused> {
        self.add_tensors(qparams, wide);
        for (g, fused) in self.plan.ops.iter().enumerate() {
            let refused = |e: Error| Refused { fused: Some(g), error: e.file(&self.graph.name) };
            self.group(g, fused).map_err(refused)?;
        }
        stages::split(self).map_err(|error| Refused { fused: None, error })
    }

    /// `wide` says which homes have 16 bits.
    fn add_tensors(&mut self, qparams: &[QParams], wide: &[bool]) {
        for (h, home) in self.plan.homes.iter().enumerate() {
            if self.classes.is_tensor(h) {
                let QParams { scale, zero } = qparams[self.classes.representative(h)];
                let (name, wide) = (self.value_name(home.value), wide[h]);
                let tensor = Tensor::bytes(name, home.shape, scale, zero);
                let tensor = if wide { tensor.widened() } else { tensor };
                self.tensor[h] = TensorId(self.fixed.tensors.len() as u32);
                if let HomeOrigin::Constant(c) = home.origin {
                    let real = self.plan.constants[c].iter().map(|&x| x as f32);
                    let elements = crate::reference::quantise(&tensor, real);
                    self.fixed.constants.push((self.tensor[h], elements));
                }
                self.fixed.tensors.push(tensor);
            }
        }
        for h in 0..self.plan.homes.len() {
            let whole = HomeView::whole(HomeId::At(h), self.plan.homes[h].shape);
            self.tensor[h] = self.tensor[self.classes.resolve(whole).tensor.index()];
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
    fn placed(&self, view: &HomeView) -> fixed::View {
        let view = self.claimed(view);
        if self.fixed.tensor(view.tensor).wide { view.high_halves() } else { view }
    }

    fn read(&self, view: &HomeView) -> &Tensor {
        self.fixed.tensor(self.tensor[view.tensor.index()])
    }

    fn output(&self, fused: &FusedOp) -> &Tensor {
        self.fixed.tensor(self.tensor[fused.output])
    }

    /// The grid, after DepthToSpace, as a view of the output's home.
    fn whole_output(&self, fused: &FusedOp) -> HomeView {
        let home = HomeId::At(fused.output);
        match fused.epilogue.depth_to_space.0 {
            1 => fused.to.of(home),
            _ => HomeView::whole(home, self.plan.homes[fused.output].shape),
        }
    }

    /// What the sums of a fused operation are scaled to.
    fn result(&self, g: usize, fused: &FusedOp) -> PostTarget {
        let to = self.output(fused);
        match fused.epilogue.before_table.and(self.before_table[g]) {
            Some(QParams { scale, zero }) => PostTarget::new(scale, zero, false),
            None => PostTarget::new(to.scale, to.zero, to.wide),
        }
    }

    fn group(&mut self, g: usize, fused: &FusedOp) -> Result<()> {
        match &fused.operand {
            Some(operand) if self.read(operand).wide => self.wide_sum(g, fused),
            _ => self.reduced(g, fused),
        }
    }

    fn reduced(&mut self, g: usize, fused: &FusedOp) -> Result<()> {
        match &fused.kernel {
            Kernel::Linear { window, weights, bias, groups } => {
                self.linear(g, fused, window, weights, bias, *groups)
            }
            Kernel::Phases { phases, bias, groups } => {
                phases.iter().try_for_each(|phase| self.phase(g, fused, phase, bias, *groups))
            }
            Kernel::Product { batches, factor } => {
                batches.iter().try_for_each(|batch| self.product(g, fused, batch, *factor))
            }
            Kernel::Mean { window, count_include_pad, factor } => {
                self.mean(g, fused, window, *count_include_pad, *factor)
            }
            Kernel::Max { window } => {
                let from = self.read(&fused.inputs[0]);
                let factor = f64::from(from.scale) / self.result(g, fused).scale;
                let channels = vec![self.channel(fused, 0, factor, -from.zero_term())?];
                let node = self.node(g, fused, window, Reduction::Max, channels)?;
                self.push(g, node, Vec::new(), None)
            }
            Kernel::Copies { to } => self.copies(g, fused, to),
        }
    }

    /// One product of two activations.
    fn product(
        &mut self,
        g: usize,
        fused: &FusedOp,
        batch: &(HomeView, HomeView, usize),
        factor: f64,
    ) -> Result<()> {
        let (gathered, weights, first) = batch;
        let scales = f64::from(self.read(gathered).scale) * f64::from(self.read(weights).scale);
        let factor = scales * factor / self.result(g, fused).scale;
        let channels = vec![self.channel(fused, 0, factor, 0)?];
        let reduction = Reduction::Product { weights: self.placed(weights) };
        let mut node = self.node(g, fused, &Window::UNIT, reduction, channels)?;
        node.input = self.placed(gathered);
        node.output = self.placed(&self.whole_output(fused).slice(0, *first, weights.shape[2]));
        self.push(g, node, Vec::new(), None)
    }

    /// Copies of the parts that their producers did not write in place.
    fn copies(&mut self, g: usize, fused: &FusedOp, to: &[HomeView]) -> Result<()> {
        for (part, to) in fused.inputs.iter().zip(to) {
            // a part written in place lies in this very home
            if self.classes.is_tensor(part.tensor.index()) {
                let from = self.read(part);
                let factor = f64::from(from.scale) / self.result(g, fused).scale;
                let channels = vec![self.channel(fused, 0, factor, -from.zero_term())?];
                let mut node = self.node(g, fused, &Window::UNIT, Reduction::Sum, channels)?;
                let to = to.of(HomeId::At(fused.output));
                (node.input, node.output) = (self.placed(part), self.placed(&to));
                node.place.region = [0, 0, to.shape[1], to.shape[2]];
                self.push(g, node, Vec::new(), None)?;
            }
        }
        Ok(())
    }

    /// The node of a fused operation, reading the first input and writing the whole grid.
    fn node(
        &self,
        g: usize,
        fused: &FusedOp,
        window: &Window,
        reduction: Reduction,
        channels: Vec<Channel>,
    ) -> Result<FixedNode> {
        let (name, operator) = self.names(fused);
        let result = self.result(g, fused);
        Ok(FixedNode {
            name,
            operator,
            input: self.placed(&fused.inputs[0]),
            window: window.clone(),
            reduction,
            channels,
            wide: false,
            operand: self.operand(g, fused)?.map(|(operand, _)| operand),
            post: post(&fused.epilogue, result),
            table: self.table(g, fused),
            output: self.placed(&self.whole_output(fused)),
            place: Placement {
                region: [0, 0, fused.grid[1], fused.grid[2]],
                depth_to_space: fused.epilogue.depth_to_space,
            },
        })
    }

    /// The table of a fused operation, from bytes before to bytes after.
    fn table(&self, g: usize, fused: &FusedOp) -> Option<Box<[i8; 256]>> {
        let QParams { scale, zero } = fused.epilogue.before_table.and(self.before_table[g])?;
        let to = self.output(fused);
        let mut table = Box::new([0; 256]);
        for (entry, byte) in table.iter_mut().zip(-128i32..) {
            // Rounded to float32 step by step, as the operators are.
            let x = scale * (byte - i32::from(zero)) as f32;
            let y = fused.epilogue.table.iter().fold(x, |x, fun| fun.apply(x.into()) as f32);
            *entry = crate::reference::quantise(to, [y])[0];
        }
        Some(table)
    }

    fn channel(&self, fused: &FusedOp, c: usize, factor: f64, bias: i32) -> Result<Channel> {
        let slope = match fused.epilogue.slope.as_deref() {
            None => 1.0,
            Some([one]) => *one,
            Some(many) => many[c],
        };
        // A sum is a whole number, so with as many steps for one of it as a byte has, all but zero leave the
        // range of a byte: on the side where they would with more.
        let alone = fused.operand.is_none() && !self.output(fused).wide;
        let [plain, sloped] = [factor, factor * slope].map(|f| f.clamp(-ALL_STEPS, ALL_STEPS));
        let made = match alone && plain != 0.0 && [plain, sloped] != [factor, factor * slope] {
            true => channel(plain, sloped / plain, bias),
            false => channel(factor, slope, bias),
        };
        made.ok_or_else(|| self.unscaled(fused, c, factor))
    }

    /// What to try where scales are too far apart.
    fn ranges(&self) -> &'static str {
        if self.annotations.is_empty() { RANGES } else { SCALES }
    }

    fn unscaled(&self, fused: &FusedOp, c: usize, factor: f64) -> Error {
        let why = format!("channel {c} would have to be scaled by {factor:e}, more than 255");
        self.error(fused, why, self.ranges())
    }

    fn error(&self, fused: &FusedOp, why: String, hint: &str) -> Error {
        let (name, operator) = self.names(fused);
        Error::new("quantise", why).node(name).operator(operator).hint(hint)
    }
}

/// Steps from one end of a byte's range to the other.
const ALL_STEPS: f64 = 255.0;
const SPLIT: &str = "fewer input channels or a smaller kernel in this layer";
const RANGES: &str = "more calibration samples, or ranges that cut off outliers";
const SCALES: &str = "scales of the model that are nearer to each other there, or float";

/// Zero point and clamps of what the post unit makes.
fn post(epilogue: &Epilogue, to: PostTarget) -> Post {
    let bound = |real: f64| {
        let q = (real / to.byte).round_ties_even() + f64::from(to.zero);
        q.clamp(-128.0, 127.0) as i8
    };
    Post { zero: to.zero, lo: bound(epilogue.low), hi: bound(epilogue.high) }
}
