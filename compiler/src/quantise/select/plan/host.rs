//! What is left to the host, as graphs of its own.

use crate::error::Result;
use crate::graph::{Graph, Op, Source, ValueId};
use crate::quantise::select::annotations::Annotations;

/// The nodes of one of the host's turns as a graph of its own, with the values it reads and makes. What
/// the model rounds to a scale the host rounds too.
///
/// # Errors
/// None that a verified graph gives.
pub fn host_graph(
    graph: &Graph,
    annotations: &Annotations,
    nodes: &[usize],
    wanted: &dyn Fn(ValueId) -> bool,
) -> Result<(Graph, Vec<ValueId>, Vec<ValueId>)> {
    let mut host = Graph::new(format!("{} (host)", graph.name));
    let mut ids: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for &n in nodes {
        let node = &graph.nodes[n];
        let mut own = Vec::with_capacity(node.inputs.len());
        for &id in &node.inputs {
            let slot = id.0 as usize;
            if ids[slot].is_none() {
                let value = graph.value(id);
                ids[slot] = Some(match &value.source {
                    Source::Constant(data) => host.constant(&value.name, &value.shape, data.clone())?,
                    _ => {
                        inputs.push(id);
                        let input = host.input(&value.name, &value.shape)?;
                        annotations.round(&mut host, id, input)?
                    }
                });
            }
            own.push(ids[slot].expect("just made"));
        }
        let out = node.outputs[0];
        let declared = matches!(node.op, Op::Reshape).then(|| graph.shape(out));
        let made = host.apply(node.name.clone(), node.op.clone(), &own, declared)?;
        let made = annotations.round(&mut host, out, made)?;
        host.values[made.0 as usize].name = graph.value(out).name.clone();
        ids[out.0 as usize] = Some(made);
        if wanted(out) {
            outputs.push(out);
            host.outputs.push(made);
        }
    }
    host.verify()?;
    Ok((host, inputs, outputs))
}
