//! Computes nodes whose inputs are all constants. A constant that a model keeps as integers and scales
//! stays so: the quantiser wants those, not their products.

use super::rewrite::rewrite;
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, Op, elements};
use crate::memory;

/// Largest result, in elements, and most products of a node that is computed here. Exporters compute
/// weights and masks; a file that asks for more is kept as it is instead of stalling the compiler.
const LARGEST: usize = 1 << 24;
/// How often a constant is held while passes run: imported, before a pass, after it.
const HELD: u64 = 3;

/// The pass.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    // Bytes of all that was computed so far.
    let mut folded = 0;
    rewrite(graph, |r, node| {
        if matches!(node.op, Op::DequantizeLinear { .. }) {
            return Ok(None);
        }
        let output = node.outputs[0];
        let shape = r.old.shape(output).to_vec();
        if elements(&shape)? > LARGEST || r.old.node_macs(node) > LARGEST as u64 {
            return Ok(None);
        }
        let inputs = r.inputs(node)?;
        let Some(result) = float::fold(&r.new, &node.op, &inputs, &shape) else {
            return Ok(None);
        };
        folded += HELD * memory::floats(elements(&shape)?);
        memory::check(folded, "what constants were folded to, with this one,")?;
        let data: Vec<f32> = result?.into_iter().collect();
        // An infinity is the user's to see at run time, not a constant that graphs may hold.
        if data.iter().any(|x| !x.is_finite()) {
            return Ok(None);
        }
        r.new.constant(node.name.clone(), &shape, data).map(Some)
    })
}
