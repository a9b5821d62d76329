//! The walk that every pass shares: a new graph is built node by node from an old one.

use crate::error::Result;
use crate::graph::{Graph, Node, Op, Source, ValueId};

/// An old graph being copied into a new one.
pub(crate) struct Rewrite {
    /// The graph before the pass.
    pub old: Graph,
    /// The graph so far. Constants enter it when they are first read.
    pub new: Graph,
    /// How often each old value is read by what the outputs depend on.
    uses: Vec<usize>,
    map: Vec<Option<ValueId>>,
}

/// How often each value is read by a graph output or by a node that one depends on.
pub(super) fn live_uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.values.len()];
    for id in &graph.outputs {
        uses[id.0 as usize] += 1;
    }
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|id| uses[id.0 as usize] > 0) {
            for id in &node.inputs {
                uses[id.0 as usize] += 1;
            }
        }
    }
    uses
}

/// Copies a graph, asking `replace` about each node: the new value that takes the place of the node's
/// result, or `None` to copy the node.
pub(crate) fn rewrite(
    old: Graph,
    mut replace: impl FnMut(&mut Rewrite, &Node) -> Result<Option<ValueId>>,
) -> Result<Graph> {
    let mut r = Rewrite {
        new: Graph::new(old.name.clone()),
        uses: live_uses(&old),
        map: vec![None; old.values.len()],
        old,
    };
    for n in 0..r.old.inputs.len() {
        let id = r.old.inputs[n];
        let value = r.old.value(id);
        let new = r.new.typed_input(value.name.clone(), &value.shape, value.integer)?;
        r.map[id.0 as usize] = Some(new);
    }
    for n in 0..r.old.nodes.len() {
        let node = r.old.nodes[n].clone();
        let place = |e: crate::error::Error| e.node(&node.name).operator(node.op.name());
        let replaced = replace(&mut r, &node).map_err(place)?;
        let new = match replaced {
            Some(new) if r.hides_output(node.outputs[0], new) => {
                let shape = r.new.shape(new).to_vec();
                r.new.reshape(node.name.clone(), new, &shape).map_err(place)?
            }
            Some(new) => new,
            None => r.copy(&node).map_err(place)?,
        };
        r.bind(node.outputs[0], new);
    }
    for n in 0..r.old.outputs.len() {
        let id = r.old.outputs[n];
        let new = r.get(id)?;
        r.new.outputs.push(new);
    }
    Ok(r.new)
}

impl Rewrite {
    /// The new value of an old one that is made already.
    pub fn get(&mut self, id: ValueId) -> Result<ValueId> {
        if let Some(new) = self.map[id.0 as usize] {
            return Ok(new);
        }
        let value = self.old.value(id);
        let Source::Constant(data) = &value.source else {
            unreachable!("nodes are in topological order and bound when passed");
        };
        let new = self.new.constant(value.name.clone(), &value.shape, data.clone())?;
        self.map[id.0 as usize] = Some(new);
        Ok(new)
    }

    /// The new values of a node's inputs.
    pub fn inputs(&mut self, node: &Node) -> Result<Vec<ValueId>> {
        node.inputs.iter().map(|&id| self.get(id)).collect()
    }

    /// Copies a node as it is.
    pub fn copy(&mut self, node: &Node) -> Result<ValueId> {
        let inputs = self.inputs(node)?;
        self.copy_of(node, &inputs)
    }

    /// Copies a node of other `inputs` of the same shapes.
    pub fn copy_of(&mut self, node: &Node, inputs: &[ValueId]) -> Result<ValueId> {
        let shape = self.old.shape(node.outputs[0]).to_vec();
        let reshape = matches!(node.op, Op::Reshape).then_some(shape.as_slice());
        self.new.apply(node.name.clone(), node.op.clone(), inputs, reshape)
    }

    /// Whether an output would lose its name to another one that `new` stands for already.
    fn hides_output(&self, old: ValueId, new: ValueId) -> bool {
        let is_output = |id: &ValueId| self.old.outputs.contains(id);
        let stands = |id: &&ValueId| self.map[id.0 as usize] == Some(new) && **id != old;
        is_output(&old) && !self.new.inputs.contains(&new) && self.old.outputs.iter().any(|id| stands(&id))
    }

    /// Whether an old value has exactly one reader, so that its maker may change what it makes.
    pub fn read_once(&self, id: ValueId) -> bool {
        self.uses[id.0 as usize] == 1
    }

    /// Records the new value and hands on the name that the source model gave the old one.
    fn bind(&mut self, old: ValueId, new: ValueId) {
        self.map[old.0 as usize] = Some(new);
        let is_output = self.old.outputs.contains(&old);
        let name = &self.old.value(old).name;
        let value = &mut self.new.values[new.0 as usize];
        let made = !matches!(value.source, Source::Input(_));
        if value.name.is_empty() || (is_output && made) {
            value.name.clone_from(name);
        }
    }
}
