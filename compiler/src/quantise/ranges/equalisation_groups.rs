//! Where layers with weights meet: values whose channels may be scaled together.

use crate::graph::{Graph, Node, Op, Source, ValueId};

/// A layer that reads a value of a group.
#[derive(Clone, PartialEq, Debug)]
pub struct Consumer {
    pub node: usize,
    /// Its input.
    pub value: ValueId,
}

/// Values joined by operators that commute with a positive factor for each channel, made and read by
/// nothing but these operators and layers with constant weights.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EqualisationGroup {
    /// Channels of every value; a flattened one has them outermost.
    pub channels: usize,
    /// Nodes whose outputs are in the group.
    pub producers: Vec<usize>,
    /// Layers that read it.
    pub consumers: Vec<Consumer>,
    /// Results of clamps to [0, max], with their maximum.
    pub clamps: Vec<(ValueId, f64)>,
}

/// All groups of a graph, in the order of their first producers.
pub fn groups(graph: &Graph) -> Vec<EqualisationGroup> {
    let mut sets = Sets { parent: (0..graph.values.len()).collect() };
    for node in &graph.nodes {
        if let Some(inputs) = passes(graph, node) {
            inputs.iter().for_each(|id| sets.join(node.outputs[0], *id));
        }
    }
    let mut found: Vec<EqualisationGroup> = vec![EqualisationGroup::default(); graph.values.len()];
    let mut broken = vec![false; graph.values.len()];
    for id in graph.inputs.iter().chain(&graph.outputs) {
        broken[sets.root(*id)] = true;
    }
    for (n, node) in graph.nodes.iter().enumerate() {
        let (out, root) = (node.outputs[0], sets.root(node.outputs[0]));
        if passes(graph, node).is_some() {
            if let Op::Clip { max, .. } = node.op
                && max.is_finite()
            {
                found[root].clamps.push((out, f64::from(max)));
            }
            continue;
        }
        match produces(graph, node) {
            Some(channels) if found[root].producers.is_empty() => {
                found[root].channels = channels;
                found[root].producers.push(n);
            }
            Some(channels) if found[root].channels == channels => found[root].producers.push(n),
            _ => broken[root] = true,
        }
        for (i, &id) in node.inputs.iter().enumerate() {
            let root = sets.root(id);
            match i == 0 && produces(graph, node).is_some() {
                true => found[root].consumers.push(Consumer { node: n, value: id }),
                false => broken[root] = true,
            }
        }
    }
    let usable = |(root, group): (usize, EqualisationGroup)| {
        let fits = |c: &Consumer| graph.shape(c.value)[1].is_multiple_of(group.channels);
        let whole = !broken[root] && !group.producers.is_empty() && !group.consumers.is_empty();
        (whole && group.consumers.iter().all(fits)).then_some(group)
    };
    let mut groups: Vec<EqualisationGroup> = found.into_iter().enumerate().filter_map(usable).collect();
    groups.sort_by_key(|l| l.producers[0]);
    groups
}

/// The operands of a node that may be scaled together with its result, channel by channel.
fn passes(graph: &Graph, node: &Node) -> Option<Vec<ValueId>> {
    let x = node.inputs[0];
    let constant = |id: ValueId| matches!(graph.value(id).source, Source::Constant(_));
    let shape = graph.shape(x);
    if shape.len() < 2 || shape[0] != 1 || constant(x) {
        return None;
    }
    let flattens = || graph.shape(node.outputs[0]) == [1, shape.iter().product()];
    match node.op {
        Op::Relu | Op::LeakyRelu { .. } | Op::MaxPool { .. } => Some(vec![x]),
        Op::AveragePool { .. } | Op::GlobalAveragePool => Some(vec![x]),
        Op::Clip { min: 0.0, max } if max > 0.0 => Some(vec![x]),
        Op::PRelu if constant(node.inputs[1]) => Some(vec![x]),
        Op::Flatten { .. } | Op::Reshape if flattens() => Some(vec![x]),
        Op::Add if !constant(node.inputs[1]) && graph.shape(node.inputs[1]) == shape => {
            Some(node.inputs.clone())
        }
        _ => None,
    }
}

/// The channels of a layer that can be scaled: constant weights with an output channel a row, and one
/// constant bias a channel or none.
fn produces(graph: &Graph, node: &Node) -> Option<usize> {
    match node.op {
        Op::Conv { .. } => {}
        Op::Gemm { trans_a: false, trans_b: true, .. } => {}
        _ => return None,
    }
    let data = |i: usize| node.inputs.get(i).map(|&id| graph.constant_data(id));
    let channels = graph.shape(node.inputs[1])[0];
    let bias = match data(2) {
        None => true,
        Some(bias) => bias.is_some_and(|b| b.len() == channels),
    };
    let batch = graph.shape(node.outputs[0])[0] == 1;
    (data(1)?.is_some() && data(0)?.is_none() && bias && batch).then_some(channels)
}

/// Disjoint sets of values.
struct Sets {
    parent: Vec<usize>,
}

impl Sets {
    fn root(&mut self, id: ValueId) -> usize {
        let mut at = id.0 as usize;
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, a: ValueId, b: ValueId) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}
