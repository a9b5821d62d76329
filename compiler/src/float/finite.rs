//! Where numbers stop being finite.

use ndarray::ArrayD;

use super::run_all;
use crate::error::Result;
use crate::graph::{Graph, Node, ValueId};

/// The first node on the way to `output` that makes an infinity or a NaN of finite numbers.
///
/// Keeps every value of the graph: for use when something is wrong.
///
/// # Errors
/// As [`super::run`].
pub fn first_not_finite<'a>(
    graph: &'a Graph,
    inputs: &[ArrayD<f32>],
    output: ValueId,
) -> Result<Option<&'a Node>> {
    let values = run_all(graph, inputs)?;
    let finite = |id: &ValueId| values[id.0 as usize].iter().all(|v| v.is_finite());
    let mut needed = vec![false; graph.values.len()];
    needed[output.0 as usize] = true;
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|id| needed[id.0 as usize]) {
            node.inputs.iter().for_each(|id| needed[id.0 as usize] = true);
        }
    }
    let begins = |node: &&Node| {
        node.outputs.iter().any(|id| needed[id.0 as usize] && !finite(id)) && node.inputs.iter().all(finite)
    };
    Ok(graph.nodes.iter().find(begins))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Op, UnaryKind};
    use ndarray::arr1;

    #[test]
    fn the_first_node_on_the_way_is_named() {
        let mut g = Graph::new("t");
        let x = g.input("x", &[2]).unwrap();
        let unary = |kind| Op::Unary { kind };
        let elsewhere = g.node("elsewhere", unary(UnaryKind::Log), &[x]).unwrap();
        let abs = g.node("abs", unary(UnaryKind::Abs), &[x]).unwrap();
        let root = g.node("root", unary(UnaryKind::Sqrt), &[x]).unwrap();
        let sum = g.node("sum", Op::Add, &[root, abs]).unwrap();
        g.outputs = vec![sum, abs, elsewhere];
        let name = |x: [f32; 2], id| {
            let inputs = [arr1(&x).into_dyn()];
            first_not_finite(&g, &inputs, id).unwrap().map(|n| n.name.clone())
        };
        assert_eq!(name([1.0, -1.0], sum).as_deref(), Some("root"));
        assert_eq!(name([1.0, -1.0], abs), None);
        assert_eq!(name([1.0, 0.0], sum), None);
        assert_eq!(name([1.0, 0.0], elsewhere).as_deref(), Some("elsewhere"));
    }
}
