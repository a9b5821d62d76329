//! How tensors are spread over the banks of feature memory.

use crate::cost::Cost;
use crate::error::Result;
use crate::fixed::{FixedGraph, FixedNode, Reduction, TensorId};
use crate::tile::buffer::{Buffer, gcd};
use crate::tile::{self, Part, PlacedViews};
use std::ops::Range;
use tilewright_arch::Config;

/// Bytes from row to row and how planes follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pitch {
    row: usize,
    /// Planes are made coprime to the lanes, so that channels can be lanes.
    coprime_plane: bool,
}

impl Pitch {
    /// Rows without gaps.
    pub fn dense(shape: [usize; 3]) -> Pitch {
        Pitch { row: shape[2], coprime_plane: false }
    }

    /// Rows that begin in the first bank.
    pub fn padded(self, shape: [usize; 3], lanes: usize) -> Pitch {
        Pitch { row: shape[2].next_multiple_of(lanes), ..self }
    }

    fn plane_padding(self, plane: usize, lanes: usize) -> usize {
        if !self.coprime_plane {
            return 0;
        }
        (0..lanes).find(|p| gcd(plane + p, lanes) == 1).unwrap_or(0)
    }
}

/// A tensor held in at least `rows` rows, whole blocks of `block` rows, at address zero.
pub fn buffer(shape: [usize; 3], pitch: Pitch, rows: usize, block: usize, lanes: usize) -> Buffer {
    let mut buffer = Buffer::ring(shape, pitch.row, rows, block, lanes);
    buffer.plane += pitch.plane_padding(buffer.plane, lanes);
    buffer
}

/// Tile operations of a node whose tensors lie in `buffers`: those it reads, in order, and the
/// written one; for estimates, see [`tile::sketch`].
pub fn parts(
    graph: &FixedGraph,
    node: &FixedNode,
    buffers: &[Buffer],
    rows: Range<usize>,
    config: &Config,
) -> Result<Vec<Part>> {
    let tensors: Vec<TensorId> = node.tensors_read().chain([node.output.tensor]).collect();
    let buffer = |t: TensorId| {
        let place = tensors.iter().position(|&other| other == t);
        &buffers[place.expect("a node has a buffer for each of its tensors")]
    };
    tile::sketch(graph, node, PlacedViews::new(node, buffer), rows, config)
}

/// The pitch at which those that gather a tensor take the fewest cycles, and these cycles.
///
/// # Errors
/// A reader that the machine cannot run.
pub fn best(
    graph: &FixedGraph,
    config: &Config,
    tensor: TensorId,
    readers: &[usize],
) -> Result<(Pitch, u64)> {
    let shape = graph.tensor(tensor).shape;
    let readers: Vec<&FixedNode> =
        readers.iter().map(|&n| &graph.nodes[n]).filter(|n| n.input.tensor == tensor).collect();
    // Channels become lanes only where pools and sums leave one pixel, and in views that say so.
    let single = |n: &&FixedNode| {
        let [_, height, width] = graph.grid(n);
        let pool = !matches!(n.reduction, Reduction::Conv { .. }) && height * width == 1;
        pool || n.input.axes[1..].contains(&0)
    };
    let planes: &[bool] = if readers.iter().any(single) { &[false, true] } else { &[false] };
    // Every multiplier busy.
    let macs: u64 = readers.iter().map(|n| graph.macs(n)).sum();
    let ideal = macs / config.peak_macs() as u64;
    let mut best = (Pitch::dense(shape), u64::MAX);
    for row in shape[2]..shape[2] + if shape[1] > 1 { config.lanes } else { 1 } {
        for &coprime_plane in planes {
            let pitch = Pitch { row, coprime_plane };
            let of = |t: TensorId| if t == tensor { pitch } else { Pitch::dense(graph.tensor(t).shape) };
            let mut cycles = 0;
            for node in &readers {
                let (parts, rows) = sample(graph, node, of, config)?;
                let all = node.place.region[2];
                cycles +=
                    parts.iter().map(|p| p.cost(config)).sum::<Cost>().work() * all as u64 / rows as u64;
            }
            if cycles < best.1 {
                best = (pitch, cycles);
            }
            // Others can hardly be better.
            if best.1 <= ideal + ideal / 32 {
                return Ok(best);
            }
        }
    }
    Ok(best)
}

/// Tile operations of a node for its first rows, as many as feature memory holds with what they
/// touch, and how many these are.
///
/// # Errors
/// A node that the machine cannot run.
pub fn sample(
    graph: &FixedGraph,
    node: &FixedNode,
    pitch: impl Fn(TensorId) -> Pitch,
    config: &Config,
) -> Result<(Vec<Part>, usize)> {
    let [y0, _, mut rows, _] = node.place.region;
    loop {
        let range = y0..y0 + rows;
        let mut touched = tile::reads(node, range.clone());
        touched.push((node.output.tensor, tile::writes(node, range.clone())));
        let held = |(t, rows): &(TensorId, Range<usize>)| {
            buffer(graph.tensor(*t).shape, pitch(*t), rows.len(), 1, config.lanes)
        };
        let buffers: Vec<Buffer> = touched.iter().map(held).collect();
        let fits = buffers.iter().map(Buffer::span).sum::<usize>() <= config.feature_bytes();
        if fits || rows == 1 {
            match parts(graph, node, &buffers, range, config) {
                Err(_) if rows > 1 => {}
                found => return found.map(|parts| (parts, rows)),
            }
        }
        rows = rows.div_ceil(2);
    }
}
