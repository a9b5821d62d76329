//! Whole numbers in the text: which values have them, and the operators between them and real ones.

use super::printed::{Printed, PrintedOperand, Style, call};
use crate::graph::{Graph, Integer, Interpolation, Node, Op, ReduceKind, ValueId};

/// The type of whole numbers that each value has in the text; `None` where it is float32.
pub(super) fn types(graph: &Graph) -> Vec<Option<Integer>> {
    let mut types: Vec<Option<Integer>> = graph.values.iter().map(|value| value.integer).collect();
    for node in &graph.nodes {
        let moves = node.op.rearranges()
            || matches!(node.op, Op::Concat { .. } | Op::MaxPool { .. })
            || matches!(node.op, Op::Reduce { kind: ReduceKind::Max, .. })
            || matches!(&node.op, Op::Resize(r) if matches!(r.interpolation, Interpolation::Nearest(_)));
        let first = types[node.inputs[0].0 as usize];
        let alike = node.inputs.iter().all(|id| types[id.0 as usize] == first);
        types[node.outputs[0].0 as usize] = match node.op {
            Op::QuantizeLinear { integer, .. } => Some(integer),
            // Other inputs are cast before anything is made of them.
            _ if moves && alike => {
                first.filter(|integer| !matches!(integer, Integer::Int32 | Integer::Int64 | Integer::Bool))
            }
            _ => None,
        };
    }
    types
}

/// A QuantizeLinear or a DequantizeLinear.
pub(super) fn conversion(
    style: &Style,
    node: &Node,
    integer: Integer,
    axis: Option<usize>,
) -> Option<Printed> {
    let [x, scale, zero] = node.inputs[..] else { return None };
    if style.graph.constant_data(scale).is_none() || !counts_whole(style, zero) {
        return None;
    }
    let quantise = matches!(node.op, Op::QuantizeLinear { .. });
    let first = match (quantise, style.graph.constant_data(x).is_some()) {
        (true, _) => PrintedOperand::Value(x),
        (false, true) if counts_whole(style, x) => PrintedOperand::Numbers(x, integer),
        (false, false) if style.types[x.0 as usize] == Some(integer) => PrintedOperand::Whole(x),
        _ => return None,
    };
    let mut attributes = Vec::new();
    attributes.push(("out_dtype", format!("\"{}\"", if quantise { integer.name() } else { "float32" })));
    attributes.extend(axis.map(|axis| ("axis", axis.to_string())));
    let mut printed = call(if quantise { "qnn.quantize" } else { "qnn.dequantize" }, attributes)?;
    printed.operands =
        vec![first, PrintedOperand::Value(scale), PrintedOperand::Numbers(zero, Integer::Int32)];
    Some(printed)
}

/// Whether a constant is read as whole numbers alone: elements that are dequantised, or zero points.
fn counts_whole(style: &Style, id: ValueId) -> bool {
    let nodes = style.graph.nodes.iter().filter(|node| node.inputs.contains(&id));
    let whole = |node: &Node, input: usize| match node.op {
        Op::DequantizeLinear { .. } => input != 1,
        Op::QuantizeLinear { .. } => input == 2,
        _ => false,
    };
    let reads = |node: &Node| (0..node.inputs.len()).all(|i| node.inputs[i] != id || whole(node, i));
    style.graph.constant_data(id).is_some()
        && !style.graph.outputs.contains(&id)
        && nodes.into_iter().all(reads)
}
