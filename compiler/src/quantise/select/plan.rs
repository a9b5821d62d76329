//! Which operators become one operation, which tensor every value lies in, and what is left to the host.
//!
//! Machine and host take turns. A value made by the machine in turn s can be read by the machine from
//! then on and by the host in turn s; what the host makes in turn s the machine reads in turn s + 1.

mod behind;
mod copies;
mod group;
mod host;
mod indices;
mod normalisations;
mod prescribed;

use super::annotations::Annotations;
use super::epilogue::Epilogue;
use super::kernel::{COPY, Kernel, Refusal, Selection, refuse};
use super::operators::select;
use super::strided::{HomeId, HomeView, StridedLayout, natural};
use super::sum::Observed;
use crate::graph::{Graph, ValueId, Window};
use std::collections::BTreeMap;
use tilewright_arch::Config;

pub use host::host_graph;

const INDICES: &str = "it computes with indices, which 8 bits do not hold";
const NORMALISES: &str = "it is part of a normalisation, whose statistics 8 bits would spoil";

/// Where a home's bytes come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HomeOrigin {
    /// The network's input or a result of the host, quantised by the host.
    Host,
    /// A constant of the source graph; the index is into [`Division::constants`].
    Constant(usize),
    /// A fused operation, by index.
    FusedOp(usize),
}

/// A tensor of the machine in the making.
#[derive(Clone, PartialEq, Debug)]
pub struct Home {
    /// The value it holds; aliases hold the same bytes.
    pub value: ValueId,
    /// Where in the tensor that value's elements lie: everywhere.
    pub held: StridedLayout,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Who fills it.
    pub origin: HomeOrigin,
    /// The machine's turn from which on it can be read.
    pub turn: usize,
    /// Reads by fused operations and by the world outside.
    pub reads: usize,
    /// It becomes weights of a product: its zero point is 0.
    pub symmetric: bool,
    /// It is multiplied with such weights: its zero point is above -128.
    pub raised: bool,
}

/// Operators that become one operation (several for copies, phases and border regions).
#[derive(Clone, PartialEq, Debug)]
pub struct FusedOp {
    /// Nodes of the source graph, the first one gives the name.
    pub nodes: Vec<usize>,
    /// The reduction.
    pub kernel: Kernel,
    /// What it reduces, as views of homes: see [`SelectedOp::inputs`].
    pub inputs: Vec<HomeView>,
    /// What follows.
    pub epilogue: Epilogue,
    /// The second tensor as the grid sees it.
    pub operand: Option<HomeView>,
    /// Channels, rows, columns before DepthToSpace.
    pub grid: [usize; 3],
    /// Shape of the home it is written to, before DepthToSpace.
    pub shape: [usize; 3],
    /// The grid as a view of that home ([`HomeId::Output`]), before DepthToSpace.
    pub to: HomeView,
    /// What calibration observes of the reduction.
    pub observed: Observed,
    /// Home of the result.
    pub output: usize,
    /// The machine's turn in which it runs.
    pub turn: usize,
}

impl FusedOp {
    /// Whether the bytes read are the table's index just as they are.
    pub fn is_lookup(&self) -> bool {
        let plain = self.epilogue.slope.is_none() && self.epilogue.operand.is_none();
        let open = self.epilogue.low == f64::NEG_INFINITY && self.epilogue.high == f64::INFINITY;
        self.kernel == COPY && plain && open
    }

    /// Whether it makes one pixel of one pixel and does nothing.
    pub fn is_copy(&self) -> bool {
        let plain = Epilogue { depth_to_space: self.epilogue.depth_to_space, ..Epilogue::EMPTY };
        let copies = match &self.kernel {
            Kernel::Mean { window, factor: 1.0, .. } => window.kernel == Window::UNIT.kernel,
            Kernel::Phases { phases, .. } => phases.iter().all(|p| p.weights.is_empty()),
            // Parts of one value, in another order.
            Kernel::Copies { .. } => self.inputs.iter().all(|view| view.tensor == self.inputs[0].tensor),
            _ => false,
        };
        copies && self.epilogue == plain
    }
}

/// The source graph, divided.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Division {
    pub homes: Vec<Home>,
    pub ops: Vec<FusedOp>,
    /// Elements of constant tensors, in their home's order.
    pub constants: Vec<Vec<f64>>,
    /// Values that leave the machine, and where they lie.
    pub exports: Vec<(ValueId, StridedLayout)>,
    /// Nodes left to the host, in order, with the turn in which it runs them and the reason.
    pub host: Vec<(usize, usize, Refusal)>,
}

impl Division {
    /// The fused operations in an order in which they can run, which numbers the claimed operations.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ops.len()).collect();
        order.sort_by_key(|&g| self.ops[g].turn);
        order
    }
}

struct Planner<'a> {
    graph: &'a Graph,
    annotations: &'a Annotations,
    config: &'a Config,
    /// Nodes that read each value.
    readers: Vec<Vec<usize>>,
    use_counts: Vec<usize>,
    /// Where each value lies that the machine holds.
    held: Vec<Option<StridedLayout>>,
    /// Where copies lie of values that do not lie as somebody reads them.
    copies: BTreeMap<ValueId, StridedLayout>,
    /// For values of the host: the turn in which it has them.
    real: Vec<Option<usize>>,
    taken: Vec<bool>,
    /// Why nodes are left to the host that the machine could run.
    kept: Vec<Option<Refusal>>,
    plan: Division,
}

/// Divides the graph: what the machine can run it runs.
pub fn plan(graph: &Graph, annotations: &Annotations, config: &Config) -> Division {
    plan_leaving(graph, annotations, config, &BTreeMap::new())
}

/// [`plan`], with the nodes of `left` on the host for reasons of theirs.
pub fn plan_leaving(
    graph: &Graph,
    annotations: &Annotations,
    config: &Config,
    left: &BTreeMap<usize, Refusal>,
) -> Division {
    let mut readers = vec![Vec::new(); graph.values.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            readers[id.0 as usize].push(n);
        }
    }
    let mut planner = Planner {
        graph,
        annotations,
        config,
        readers,
        use_counts: graph.use_counts(),
        held: vec![None; graph.values.len()],
        copies: BTreeMap::new(),
        real: vec![None; graph.values.len()],
        taken: vec![false; graph.nodes.len()],
        kept: kept(graph, annotations, left),
        plan: Division::default(),
    };
    for &id in &graph.inputs {
        planner.import(id, 0);
    }
    for n in 0..graph.nodes.len() {
        if !planner.taken[n] {
            planner.visit(n);
        }
    }
    planner.leave();
    planner.plan
}

/// For each node why it is left to the host though the machine could run it.
fn kept(graph: &Graph, annotations: &Annotations, left: &BTreeMap<usize, Refusal>) -> Vec<Option<Refusal>> {
    let indices = indices::nodes(graph);
    // A quantised model says itself what is rounded.
    let normalises = annotations.is_empty().then(|| normalisations::nodes(graph));
    let why = |n: usize| {
        if normalises.as_ref().is_some_and(|found| found[n]) {
            refuse(NORMALISES, None)
        } else if indices[n] {
            refuse(INDICES, None)
        } else {
            left.get(&n).cloned().map_or(Ok(()), Err)
        }
    };
    (0..graph.nodes.len()).map(|n| why(n).err()).collect()
}

impl Planner<'_> {
    /// Makes a home for a value that the host fills.
    fn import(&mut self, id: ValueId, turn: usize) {
        let shape = natural(self.graph.shape(id));
        let held = StridedLayout::whole(HomeId::At(self.plan.homes.len()), shape);
        self.add_home(id, held.clone(), shape, HomeOrigin::Host, turn);
        self.held[id.0 as usize] = Some(held);
    }

    fn add_home(
        &mut self,
        value: ValueId,
        held: StridedLayout,
        shape: [usize; 3],
        origin: HomeOrigin,
        turn: usize,
    ) {
        self.plan.homes.push(Home {
            value,
            held,
            shape,
            origin,
            turn,
            reads: 0,
            symmetric: false,
            raised: false,
        });
    }

    fn visit(&mut self, n: usize) {
        let graph = self.graph;
        let node = &graph.nodes[n];
        if let Err(why) = self.takes_from_host(node) {
            return self.leave_to_host(n, why);
        }
        // What the host made comes to the machine when something there may read it.
        let real: Vec<(ValueId, usize)> =
            node.inputs.iter().filter_map(|id| Some((*id, self.real[id.0 as usize]?))).collect();
        let homes = self.plan.homes.len();
        for &(id, turn) in &real {
            if self.held[id.0 as usize].is_none() {
                self.import(id, turn + 1);
            }
        }
        let imported = self.plan.homes.len() > homes;
        let why = match self.attempt(n, imported) {
            Ok(()) => return,
            Err(why) if why.layout && self.attempt_on_copies(n, imported) => return,
            Err(why) => why,
        };
        self.plan.homes.truncate(homes);
        for (id, _) in real {
            let held = &mut self.held[id.0 as usize];
            if held.as_ref().is_some_and(|h| h.home.index() >= homes) {
                *held = None;
            }
        }
        self.leave_to_host(n, why);
    }

    /// Runs node `n` on the machine. Some of what it reads has been `imported` for it.
    fn attempt(&mut self, n: usize, imported: bool) -> Result<(), Refusal> {
        let node = &self.graph.nodes[n];
        if let Some(why) = &self.kept[n] {
            return Err(why.clone());
        }
        self.takes(node)?;
        let selection = select(self.graph, node, &|id| self.held[id.0 as usize].clone())?;
        match self.expressible(node, selection)? {
            Selection::Op(op) => self.group(n, *op),
            // Reshaping what the host has is the host's work.
            Selection::View(_) if imported => refuse("it follows an operator of the host", None),
            Selection::View(held) => {
                self.held[node.outputs[0].0 as usize] = Some(held);
                Ok(())
            }
        }
    }

    fn leave_to_host(&mut self, n: usize, why: Refusal) {
        let node = &self.graph.nodes[n];
        let turn = |id: &ValueId| match (&self.held[id.0 as usize], self.real[id.0 as usize]) {
            (_, Some(turn)) => turn,
            (Some(held), None) => self.plan.homes[held.home.index()].turn,
            (None, None) => 0,
        };
        let turn = node.inputs.iter().map(turn).max().unwrap_or(0);
        for id in &node.outputs {
            self.real[id.0 as usize] = Some(turn);
        }
        self.plan.host.push((n, turn, why));
    }

    /// Decides what leaves the machine: what the host reads and the outputs that it does not make.
    fn leave(&mut self) {
        let graph = self.graph;
        let read = self.plan.host.iter().flat_map(|(n, ..)| &graph.nodes[*n].inputs);
        let mut leaving: Vec<ValueId> = Vec::new();
        for &id in graph.outputs.iter().chain(read) {
            let known = self.real[id.0 as usize].is_some() || graph.inputs.contains(&id);
            if self.held[id.0 as usize].is_some() && !known && !leaving.contains(&id) {
                leaving.push(id);
            }
        }
        for id in leaving {
            let mut held = self.held[id.0 as usize].clone().expect("just filtered");
            // What the machine did not write it cannot give back: it makes a copy.
            if !matches!(self.plan.homes[held.home.index()].origin, HomeOrigin::FusedOp(_)) {
                held.home = HomeId::At(self.copy(held.home.index()));
            }
            self.plan.homes[held.home.index()].reads += 1;
            self.plan.exports.push((id, held));
        }
    }

    fn copy(&mut self, from: usize) -> usize {
        let output = self.plan.homes.len();
        let Home { value, shape, turn, ref held, .. } = self.plan.homes[from];
        let held = held.clone().in_home(HomeId::At(output));
        self.plan.homes[from].reads += 1;
        let origin = HomeOrigin::FusedOp(self.plan.ops.len());
        self.add_home(value, held.clone(), shape, origin, turn);
        self.plan.ops.push(FusedOp {
            nodes: Vec::new(),
            kernel: COPY,
            inputs: vec![HomeView::whole(HomeId::At(from), shape)],
            epilogue: Epilogue::EMPTY,
            operand: None,
            grid: shape,
            shape,
            to: HomeView::whole(HomeId::Output, shape),
            observed: Observed { value, held: held.in_home(HomeId::Output), factor: 1.0 },
            output,
            turn,
        });
        output
    }
}
