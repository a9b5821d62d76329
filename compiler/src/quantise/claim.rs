//! What the quantised network claims of itself, for [`crate::proof`] to check.

use super::chain::{Combine, Second};
use super::given::Given;
use super::held::Held;
use super::lower::Lowered;
use super::plan::{Group, Origin, Plan};
use super::sharing::Sharing;
use super::sum::Observed;
use crate::claims::{Claims, Constant, Linear, Operation, Part, Placed};
use crate::graph::{Graph, ValueId};

/// The claims of a lowered plan of `graph`, whose biases were corrected on the first `corrected` samples.
pub(super) fn claims(
    graph: &Graph,
    given: &Given,
    plan: &Plan,
    sharing: &Sharing,
    corrected: usize,
    lowered: &mut Lowered,
) -> Claims {
    let mut parts: Vec<Vec<Part>> = vec![Vec::new(); plan.groups.len()];
    for (stage, provenance) in lowered.provenance.iter_mut().enumerate() {
        for (node, one) in provenance.iter_mut().enumerate() {
            parts[one.group].push(Part { stage, node, rounded: one.rounded.take() });
        }
    }
    let lowered = &*lowered;
    let placed = |held: &Held, value: ValueId| -> Placed {
        let tensor = lowered.tensor[held.home.index()];
        let extents = lowered.network.tensors[tensor.0 as usize].extents();
        let (offset, strides) = sharing.located(held).strides(extents);
        Placed { value, tensor, offset, strides }
    };
    let operation = |(g, (group, parts)): (usize, (&Group, Vec<Part>))| {
        let home = &plan.homes[group.output];
        let Observed { value, held, factor } = &group.observed;
        let (offset, strides) = held.strides(group.shape);
        Operation {
            nodes: group.nodes.clone(),
            output: placed(&home.held, home.value),
            linear: Linear { value: *value, factor: *factor, shape: group.shape, offset, strides },
            table: looked_up(graph, group).zip(lowered.before_table[g]).map(|(id, a)| (id, a.scale, a.zero)),
            parts,
            constant: constant(group, lowered),
        }
    };
    let order = plan.order().into_iter().map(|g| (g, (&plan.groups[g], std::mem::take(&mut parts[g]))));
    let is_import = |h: usize| lowered.network.imports.iter().any(|i| i.tensor == lowered.tensor[h]);
    let homes = plan.homes.iter().enumerate();
    let imports = homes.filter(|(h, home)| home.origin == Origin::Host && is_import(*h));
    let prescribed = (0..graph.values.len() as u32).map(ValueId);
    Claims {
        graph: graph.clone(),
        operations: order.map(operation).collect(),
        imports: imports.map(|(_, home)| placed(&home.held, home.value)).collect(),
        host: plan.host.iter().map(|(n, ..)| *n).collect(),
        corrected,
        prescribed: prescribed.filter_map(|id| given.affine(id).map(|a| (id, a.scale, a.zero))).collect(),
        rounded: given.rounded().to_vec(),
    }
}

/// What goes into a group's table, as its nodes name it: they may read the value with another shape.
fn looked_up(graph: &Graph, group: &Group) -> Option<ValueId> {
    let before = group.chain.before_table?;
    let nodes = || group.nodes.iter().map(|&n| &graph.nodes[n]);
    let named = nodes().any(|node| node.inputs.contains(&before) || node.outputs.contains(&before));
    let mut read = nodes().flat_map(|node| &node.inputs).filter(|id| graph.constant_data(**id).is_none());
    if named { Some(before) } else { read.next().copied() }
}

fn constant(group: &Group, lowered: &Lowered) -> Option<Constant> {
    let Some((Second::Constant(_, elements), Combine::Add(factor))) = &group.chain.operand else {
        return None;
    };
    let home = group.operand.expect("a constant operand has a home").tensor;
    Some(Constant { tensor: lowered.tensor[home.index()], elements: elements.clone(), factor: *factor })
}
