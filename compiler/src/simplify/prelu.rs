//! Gives the constant slope of a PRelu one element per channel, in the shape (C, 1, ..., 1).

use super::rewrite::rewrite;
use crate::error::Result;
use crate::graph::{Graph, Op, ValueId};

/// The pass. A slope that varies within a channel stays as it is.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    rewrite(graph, |r, node| {
        if node.op != Op::PRelu {
            return Ok(None);
        }
        let inputs = r.inputs(node)?;
        let [x, slope] = inputs[..] else {
            return Ok(None);
        };
        let rank = r.new.shape(x).len();
        if rank < 2 {
            return Ok(None);
        }
        let channels = r.new.shape(x)[1];
        let mut canonical = vec![channels];
        canonical.resize(rank - 1, 1);
        if r.new.shape(slope) == canonical {
            return Ok(None);
        }
        let Some(slopes) = per_channel(&r.new, slope, channels, rank) else {
            return Ok(None);
        };
        let name = r.new.value(slope).name.clone();
        let slope = r.new.constant(name, &canonical, slopes)?;
        r.new.node(node.name.clone(), Op::PRelu, &[x, slope]).map(Some)
    })
}

/// The slope of each channel, if it is constant and uniform within each.
fn per_channel(graph: &Graph, slope: ValueId, channels: usize, rank: usize) -> Option<Vec<f32>> {
    let data = graph.constant_data(slope)?;
    // Extents aligned to the axes of x: leading ones are implied.
    let mut shape = vec![1; rank];
    let own = graph.shape(slope);
    shape[rank - own.len()..].copy_from_slice(own);
    if shape[0] != 1 {
        return None;
    }
    let plane: usize = shape[2..].iter().product();
    let chunks: Vec<&[f32]> = data.chunks_exact(plane).collect();
    let uniform = chunks.iter().all(|c| c.iter().all(|s| *s == c[0]));
    let pick = |c: usize| chunks[if shape[1] == 1 { 0 } else { c }][0];
    uniform.then(|| (0..channels).map(pick).collect())
}
