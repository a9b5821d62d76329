//! Fusion: which operators become one operation, which tensor every value lies in, and what is left
//! to the host.

use super::chain::Chain;
use super::kind::{COPY, Kind, Refusal, Role, is_heavy, role};
use super::shapes::natural;
use crate::error::Result;
use crate::graph::{Graph, Node, Source, ValueId};

/// A tensor of the machine in the making: a graph input or the result of a group.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Home {
    /// The value it holds; aliases hold the same bytes.
    pub value: ValueId,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Group that writes it; `None` for graph inputs.
    pub group: Option<usize>,
    /// Reads by groups and by the world outside.
    pub reads: usize,
}

/// Operators that become one operation (several for Concat and border regions).
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Group {
    /// Nodes of the source graph, the first one gives the name.
    pub nodes: Vec<usize>,
    /// The reduction.
    pub kind: Kind,
    /// The homes it reduces: one, or all parts of a Concat.
    pub inputs: Vec<usize>,
    /// What follows.
    pub chain: Chain,
    /// Home of the residual operand.
    pub operand: Option<usize>,
    /// Channels, rows, columns before DepthToSpace.
    pub grid: [usize; 3],
    /// The value before slope, operand and clamp.
    pub linear: ValueId,
    /// Home of the result.
    pub output: usize,
}

/// The source graph, divided.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Plan {
    pub homes: Vec<Home>,
    pub groups: Vec<Group>,
    /// Values that leave the machine, with their home.
    pub outputs: Vec<(ValueId, usize)>,
    /// Nodes left to the host, in order.
    pub host: Vec<usize>,
}

struct Planner<'a> {
    graph: &'a Graph,
    /// Nodes that read each value.
    readers: Vec<Vec<usize>>,
    use_counts: Vec<usize>,
    /// Home of each value that lies in the machine.
    home: Vec<Option<usize>>,
    /// For values of the host: the node that had to go there first.
    blocker: Vec<Option<usize>>,
    refusals: Vec<Option<Refusal>>,
    taken: Vec<bool>,
    plan: Plan,
}

/// Divides the graph.
///
/// # Errors
/// An operator that the machine cannot run in front of one that only the machine may run.
pub(super) fn plan(graph: &Graph) -> Result<Plan> {
    let mut readers = vec![Vec::new(); graph.values.len()];
    for (n, node) in graph.nodes.iter().enumerate() {
        for id in &node.inputs {
            readers[id.0 as usize].push(n);
        }
    }
    let mut planner = Planner {
        graph,
        readers,
        use_counts: graph.use_counts(),
        home: vec![None; graph.values.len()],
        blocker: vec![None; graph.values.len()],
        refusals: vec![None; graph.nodes.len()],
        taken: vec![false; graph.nodes.len()],
        plan: Plan { homes: Vec::new(), groups: Vec::new(), outputs: Vec::new(), host: Vec::new() },
    };
    for &id in &graph.inputs {
        planner.add_input(id)?;
    }
    for n in 0..graph.nodes.len() {
        if !planner.taken[n] {
            planner.visit(n)?;
        }
    }
    planner.leave();
    Ok(planner.plan)
}

impl Planner<'_> {
    fn add_input(&mut self, id: ValueId) -> Result<()> {
        let value = self.graph.value(id);
        let Some(shape) = natural(&value.shape) else {
            let e = crate::error::Error::new(
                "quantise",
                format!(
                    "input {:?} has shape {:?}; the machine holds batch 1 and at most rank 4",
                    value.name, value.shape
                ),
            );
            return Err(e.file(&self.graph.name).hint("export with batch size 1"));
        };
        self.home[id.0 as usize] = Some(self.plan.homes.len());
        self.plan.homes.push(Home { value: id, shape, group: None, reads: 0 });
        Ok(())
    }

    fn shape_of(&self, id: ValueId) -> Option<[usize; 3]> {
        self.home[id.0 as usize].map(|h| self.plan.homes[h].shape)
    }

    fn visit(&mut self, n: usize) -> Result<()> {
        let graph = self.graph;
        let node = &graph.nodes[n];
        let out = node.outputs[0].0 as usize;
        if let Some(first) = node.inputs.iter().find_map(|id| self.blocker[id.0 as usize]) {
            if is_heavy(&node.op) {
                return Err(self.blocked(first, node));
            }
            self.blocker[out] = Some(first);
            self.plan.host.push(n);
            return Ok(());
        }
        match role(graph, node, &|id| self.shape_of(id)) {
            Ok(Role::Alias) => self.home[out] = self.home[node.inputs[0].0 as usize],
            Ok(Role::Anchor { kind, absorb }) => self.group(n, kind, absorb),
            Err(refusal) if is_heavy(&node.op) => return Err(refusal.error(graph, node)),
            Err(refusal) => {
                self.blocker[out] = Some(n);
                self.refusals[n] = Some(refusal);
                self.plan.host.push(n);
            }
        }
        Ok(())
    }

    fn blocked(&self, first: usize, node: &Node) -> crate::error::Error {
        let refusal = self.refusals[first].as_ref().expect("a blocker is a refused node");
        let why = format!(
            "{}, and {} {:?} needs its result (only the end of a network may be left to the host)",
            refusal.why,
            node.op.name(),
            node.name
        );
        Refusal { why, hint: refusal.hint }.error(self.graph, &self.graph.nodes[first])
    }

    /// Starts a group at node `n` and takes in all that follows and fits.
    fn group(&mut self, n: usize, mut kind: Kind, absorb: bool) {
        let graph = self.graph;
        let node = &graph.nodes[n];
        let data: Vec<ValueId> =
            node.inputs.iter().copied().filter(|&id| graph.constant_data(id).is_none()).collect();
        let homes: Vec<usize> =
            data.iter().map(|id| self.home[id.0 as usize].expect("role checked that it is held")).collect();
        let inputs = if kind == Kind::Concat { homes } else { vec![homes[0]] };
        let from = self.plan.homes[inputs[0]].shape;
        let grid = match &kind {
            Kind::Concat => [inputs.iter().map(|&h| self.plan.homes[h].shape[0]).sum(), from[1], from[2]],
            kind => kind.grid(from),
        };
        let held = |id: ValueId| self.shape_of(id);
        let mut chain = Chain::EMPTY;
        if absorb {
            let done = chain.absorb(graph, node, data[0], &mut kind, grid, &held);
            assert!(done, "an empty chain takes every operator that role calls pointwise");
        }
        let mut nodes = vec![n];
        let mut value = node.outputs[0];
        let mut linear = if absorb { data[0] } else { value };
        while self.use_counts[value.0 as usize] == 1
            && let [next] = self.readers[value.0 as usize][..]
        {
            let node = &graph.nodes[next];
            let tensor = placed(grid, &chain);
            let here = |id: ValueId| if id == value { Some(tensor) } else { held(id) };
            match role(graph, node, &here) {
                Ok(Role::Alias) => {}
                Err(_) => break,
                Ok(Role::Anchor { .. }) => {
                    let plain = chain == Chain::EMPTY;
                    if !chain.absorb(graph, node, value, &mut kind, grid, &held) {
                        break;
                    }
                    // still empty: a bias went into the sum
                    if plain && chain == Chain::EMPTY {
                        linear = node.outputs[0];
                    }
                }
            }
            nodes.push(next);
            value = node.outputs[0];
        }
        for &n in &nodes {
            self.taken[n] = true;
        }
        let output = self.plan.homes.len();
        let operand =
            chain.operand.map(|id| self.home[id.0 as usize].expect("absorb checked that it is held"));
        for &h in inputs.iter().chain(&operand) {
            self.plan.homes[h].reads += 1;
        }
        self.home[value.0 as usize] = Some(output);
        let group = Some(self.plan.groups.len());
        self.plan.homes.push(Home { value, shape: placed(grid, &chain), group, reads: 0 });
        self.plan.groups.push(Group { nodes, kind, inputs, chain, operand, grid, linear, output });
    }

    /// Decides what leaves the machine: what the host reads and the outputs that it does not make.
    fn leave(&mut self) {
        let graph = self.graph;
        let read = self.plan.host.iter().flat_map(|&n| &graph.nodes[n].inputs);
        let mut leaving: Vec<ValueId> = Vec::new();
        for &id in graph.outputs.iter().chain(read) {
            let again = !self.plan.host.is_empty() && leaving.contains(&id);
            if self.home[id.0 as usize].is_some() && !again {
                leaving.push(id);
            }
        }
        for id in leaving {
            let mut home = self.home[id.0 as usize].expect("just filtered");
            // The host writes inputs; an output of the machine is always written by the machine.
            if self.plan.homes[home].group.is_none() {
                home = self.copy(home);
            }
            self.plan.homes[home].reads += 1;
            self.plan.outputs.push((id, home));
        }
    }

    fn copy(&mut self, from: usize) -> usize {
        let output = self.plan.homes.len();
        let Home { value, shape, .. } = self.plan.homes[from];
        self.plan.homes[from].reads += 1;
        let group = Some(self.plan.groups.len());
        self.plan.homes.push(Home { value, shape, group, reads: 0 });
        self.plan.groups.push(Group {
            nodes: Vec::new(),
            kind: COPY,
            inputs: vec![from],
            chain: Chain::EMPTY,
            operand: None,
            grid: shape,
            linear: value,
            output,
        });
        output
    }
}

/// The tensor shape of a grid after its DepthToSpace.
fn placed(grid: [usize; 3], chain: &Chain) -> [usize; 3] {
    let r = chain.depth_to_space.0;
    [grid[0] / (r * r), grid[1] * r, grid[2] * r]
}

/// The nodes left to the host as a graph of their own: inputs are the machine's outputs, outputs the
/// model's. `None` when the machine makes all outputs itself.
pub(super) fn host_graph(graph: &Graph, plan: &Plan) -> Result<Option<Graph>> {
    let constant = |id: &ValueId| matches!(graph.value(*id).source, Source::Constant(_));
    if plan.host.is_empty() && !graph.outputs.iter().any(constant) {
        return Ok(None);
    }
    let mut host = Graph::new(format!("{} (host)", graph.name));
    let mut ids: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    for (id, _) in &plan.outputs {
        let value = graph.value(*id);
        ids[id.0 as usize] = Some(host.input(&value.name, &value.shape)?);
    }
    let read = plan.host.iter().flat_map(|&n| &graph.nodes[n].inputs);
    for &id in read.chain(&graph.outputs) {
        if let (None, Source::Constant(data)) = (ids[id.0 as usize], &graph.value(id).source) {
            let value = graph.value(id);
            ids[id.0 as usize] = Some(host.constant(&value.name, &value.shape, data.clone())?);
        }
    }
    let known = |ids: &[Option<ValueId>], id: &ValueId| {
        ids[id.0 as usize].expect("what the host reads it makes, holds or gets from the machine")
    };
    for &n in &plan.host {
        let node = &graph.nodes[n];
        let inputs: Vec<ValueId> = node.inputs.iter().map(|id| known(&ids, id)).collect();
        let out = node.outputs[0];
        let declared = matches!(node.op, crate::graph::Op::Reshape).then(|| graph.shape(out));
        let made = host.apply(node.name.clone(), node.op.clone(), &inputs, declared)?;
        host.values[made.0 as usize].name = graph.value(out).name.clone();
        ids[out.0 as usize] = Some(made);
    }
    host.outputs = graph.outputs.iter().map(|id| known(&ids, id)).collect();
    host.verify()?;
    Ok(Some(host))
}
