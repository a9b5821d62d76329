//! What the quantised network claims of itself, for [`crate::proof`] to check.

use super::Lowered;
use crate::claims::{Claims, ConstantOperand, Linear, Location, Operation, StageNode};
use crate::graph::{Graph, ValueId};
use crate::quantise::ranges::scale_classes::ScaleClasses;
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::epilogue::{Combine, Second};
use crate::quantise::select::plan::{Division, FusedOp, HomeOrigin};
use crate::quantise::select::strided::StridedLayout;
use crate::quantise::select::sum::Observed;

/// The claims of a lowered plan of `graph`, whose biases were corrected on the first `corrected` samples.
pub fn claims(
    graph: &Graph,
    annotations: &Annotations,
    plan: &Division,
    classes: &ScaleClasses,
    corrected: usize,
    lowered: &mut Lowered,
) -> Claims {
    let mut parts: Vec<Vec<StageNode>> = vec![Vec::new(); plan.ops.len()];
    for (stage, provenance) in lowered.provenance.iter_mut().enumerate() {
        for (node, one) in provenance.iter_mut().enumerate() {
            parts[one.fused].push(StageNode { stage, node, rounded: one.rounded.take() });
        }
    }
    let lowered = &*lowered;
    let placed = |held: &StridedLayout, value: ValueId| -> Location {
        let tensor = lowered.tensor[held.home.index()];
        let extents = lowered.network.tensors[tensor.0 as usize].extents();
        let (offset, strides) = classes.located(held).strides(extents);
        Location { value, tensor, offset, strides }
    };
    let operation = |(g, (fused, parts)): (usize, (&FusedOp, Vec<StageNode>))| {
        let home = &plan.homes[fused.output];
        let Observed { value, held, factor } = &fused.observed;
        let (offset, strides) = held.strides(fused.shape);
        Operation {
            nodes: fused.nodes.clone(),
            output: placed(&home.held, home.value),
            linear: Linear { value: *value, factor: *factor, shape: fused.shape, offset, strides },
            table: looked_up(graph, fused).zip(lowered.before_table[g]).map(|(id, a)| (id, a.scale, a.zero)),
            parts,
            constant: constant(fused, lowered),
        }
    };
    let order = plan.order().into_iter().map(|g| (g, (&plan.ops[g], std::mem::take(&mut parts[g]))));
    let is_import = |h: usize| lowered.network.imports.iter().any(|i| i.tensor == lowered.tensor[h]);
    let homes = plan.homes.iter().enumerate();
    let imports = homes.filter(|(h, home)| home.origin == HomeOrigin::Host && is_import(*h));
    let prescribed = (0..graph.values.len() as u32).map(ValueId);
    Claims {
        graph: graph.clone(),
        operations: order.map(operation).collect(),
        imports: imports.map(|(_, home)| placed(&home.held, home.value)).collect(),
        host: plan.host.iter().map(|(n, ..)| *n).collect(),
        corrected,
        prescribed: prescribed
            .filter_map(|id| annotations.qparams(id).map(|a| (id, a.scale, a.zero)))
            .collect(),
        rounded: annotations.rounded().to_vec(),
    }
}

/// What goes into a fused operation's table, as its nodes name it: they may read the value with another shape.
fn looked_up(graph: &Graph, fused: &FusedOp) -> Option<ValueId> {
    let before = fused.epilogue.before_table?;
    let nodes = || fused.nodes.iter().map(|&n| &graph.nodes[n]);
    let named = nodes().any(|node| node.inputs.contains(&before) || node.outputs.contains(&before));
    let mut read = nodes().flat_map(|node| &node.inputs).filter(|id| graph.constant_data(**id).is_none());
    if named { Some(before) } else { read.next().copied() }
}

fn constant(fused: &FusedOp, lowered: &Lowered) -> Option<ConstantOperand> {
    let Some((Second::Constant(_, elements), Combine::Add(factor))) = &fused.epilogue.operand else {
        return None;
    };
    let home = fused.operand.expect("a constant operand has a home").tensor;
    Some(ConstantOperand {
        tensor: lowered.tensor[home.index()],
        elements: elements.clone(),
        factor: *factor,
    })
}
