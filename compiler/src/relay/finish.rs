//! The last steps of an import: biases join their convolutions, dead constants go, and values get the
//! numbers that the text gives them.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, Node, Op, Source, Value, ValueId};

/// Gives a graph its final form. `numbers` are those of the text, `biases` the additions that came from
/// `nn.bias_add`, by node, with the bias as a vector, `superseded` nodes that go if nothing reads them.
pub(super) fn finish(
    mut graph: Graph,
    numbers: &HashMap<ValueId, u32>,
    biases: &[(usize, ValueId)],
    superseded: &[usize],
) -> Graph {
    let mut removed = join_biases(&mut graph, biases);
    let mut counts = graph.use_counts();
    let mut superseded = superseded.to_vec();
    superseded.sort_unstable();
    superseded.dedup();
    for &index in superseded.iter().rev() {
        let node = &graph.nodes[index];
        if !removed.contains(&index) && node.outputs.iter().all(|id| counts[id.0 as usize] == 0) {
            removed.insert(index);
            node.inputs.iter().for_each(|id| counts[id.0 as usize] -= 1);
        }
    }
    let mut nodes: Vec<Node> = Vec::new();
    for (index, node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        if !removed.contains(&index) {
            nodes.push(node);
        }
    }
    let ids = renumber(&graph, &nodes, numbers);
    let mut values: Vec<Option<Value>> = Vec::new();
    values.resize_with(ids.len(), || None);
    for (old, value) in graph.values.into_iter().enumerate() {
        if let Some(new) = ids.get(&ValueId(old as u32)) {
            values[new.0 as usize] = Some(value);
        }
    }
    let mut values: Vec<Value> = values.into_iter().map(|v| v.expect("each number is given once")).collect();
    for (index, node) in nodes.iter_mut().enumerate() {
        for id in node.inputs.iter_mut().chain(&mut node.outputs) {
            *id = ids[id];
        }
        for (output, id) in node.outputs.iter().enumerate() {
            values[id.0 as usize].source = Source::Node { node: index, output };
        }
    }
    let all = |list: Vec<ValueId>| list.iter().map(|id| ids[id]).collect();
    let (inputs, outputs) = (all(graph.inputs), all(graph.outputs));
    Graph { name: graph.name, values, nodes, inputs, outputs }
}

/// Makes each addition of a bias the third operand of the layer before it, where only the addition
/// reads that; the nodes that are gone.
fn join_biases(graph: &mut Graph, biases: &[(usize, ValueId)]) -> HashSet<usize> {
    let counts = graph.use_counts();
    let mut removed = HashSet::new();
    for &(addition, bias) in biases {
        let x = graph.nodes[addition].inputs[0];
        let Source::Node { node: layer, .. } = graph.value(x).source else {
            continue;
        };
        let takes_bias = match &graph.nodes[layer].op {
            Op::Conv { .. } | Op::ConvTranspose { .. } => true,
            Op::Gemm { alpha, beta, .. } => *alpha == 1.0 && *beta == 1.0,
            _ => false,
        };
        if takes_bias && graph.nodes[layer].inputs.len() == 2 && counts[x.0 as usize] == 1 {
            let outputs = graph.nodes[addition].outputs.clone();
            let mut joined = graph.nodes[layer].clone();
            joined.inputs.push(bias);
            joined.outputs = outputs;
            // What is computed may be computed between the two.
            let computed = matches!(graph.value(bias).source, Source::Node { .. });
            let (kept, gone) = if computed { (addition, layer) } else { (layer, addition) };
            graph.nodes[kept] = joined;
            removed.insert(gone);
        }
    }
    removed
}

/// The final number of every value that is read or made: `%3` stays `%3` where the text binds it, the
/// rest fill the gaps, inputs first, then constants as they are first read, then other results.
fn renumber(graph: &Graph, nodes: &[Node], numbers: &HashMap<ValueId, u32>) -> HashMap<ValueId, ValueId> {
    let mut order: Vec<ValueId> = graph.inputs.clone();
    let mut seen: HashSet<ValueId> = order.iter().copied().collect();
    let constant = |id: &ValueId| matches!(graph.value(*id).source, Source::Constant(_));
    for &id in nodes.iter().flat_map(|n| &n.inputs).chain(&graph.outputs).filter(|id| constant(id)) {
        if seen.insert(id) {
            order.push(id);
        }
    }
    order.extend(nodes.iter().flat_map(|n| &n.outputs));
    let mut taken = vec![false; order.len()];
    let mut ids = HashMap::new();
    for id in &order {
        if let Some(&number) = numbers.get(id)
            && let Some(slot @ false) = taken.get_mut(number as usize)
        {
            *slot = true;
            ids.insert(*id, ValueId(number));
        }
    }
    let mut free = (0..order.len()).filter(|&n| !taken[n]);
    for id in order.iter() {
        if !ids.contains_key(id) {
            let number = free.next().expect("there are as many numbers as values");
            ids.insert(*id, ValueId(number as u32));
        }
    }
    ids
}
