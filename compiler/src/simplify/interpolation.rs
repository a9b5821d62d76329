//! Interpolation by whole factors: every output element is made of its neighbours by the weights of its place between
//! them, which is a transposed convolution of each channel. What lies outside of the image is its edge.

use super::rewrite::{Rewrite, rewrite};
use crate::error::Result;
use crate::float;
use crate::graph::{Graph, Interpolation, Node, Op, PadMode, Resize, ValueId, Window};
use std::collections::BTreeMap;

/// Most phases of a change of resolution; a larger one is left to the host.
const MOST_PHASES: usize = 256;

/// A weight of which nothing is seen: coordinates are rounded.
const NOTHING: f32 = 1e-6;

/// The pass. What a quantised model interpolates stays: its coefficients have no scale.
pub(super) fn run(graph: Graph) -> Result<Graph> {
    if graph.is_quantised() {
        return Ok(graph);
    }
    rewrite(graph, |r, node| match &node.op {
        // All is made of the only pixel.
        Op::Resize(resize) if is_pixel(r.old.shape(node.inputs[0]), &resize.sizes) => {
            let x = r.get(node.inputs[0])?;
            r.new.node(node.name.clone(), Op::Expand { shape: resize.sizes.clone() }, &[x]).map(Some)
        }
        Op::Resize(resize) if !matches!(resize.interpolation, Interpolation::Nearest(_)) => {
            along(&r.old, node, resize).map(|[rows, columns]| replace(r, node, &rows, &columns)).transpose()
        }
        _ => Ok(None),
    })
}

fn is_pixel(from: &[usize], to: &[usize]) -> bool {
    matches!((from, to), ([n, c, 1, 1], [images, channels, ..]) if n == images && c == channels)
}

/// A transposed convolution along one axis.
#[derive(Debug, PartialEq)]
struct TransposedAxis {
    /// Output elements for each input element.
    factor: usize,
    kernel: Vec<f32>,
    /// Elements that continue the input's edges, before and behind.
    edges: [usize; 2],
    /// Elements of the whole result that are cut off, before and behind.
    pads: [usize; 2],
}

/// Rows and columns of an interpolation; `None` where it is none of images by whole factors, or has more phases than
/// a change of resolution may have.
fn along(graph: &Graph, node: &Node, resize: &Resize) -> Option<[TransposedAxis; 2]> {
    let from = graph.shape(node.inputs[0]);
    let [1, _, height, width] = *from else { return None };
    if resize.sizes[..2] != from[..2] {
        return None;
    }
    let taps = float::resize_taps(resize, from);
    let axes = [TransposedAxis::new(&taps[2], height)?, TransposedAxis::new(&taps[3], width)?];
    (axes[0].factor * axes[1].factor <= MOST_PHASES).then_some(axes)
}

impl TransposedAxis {
    /// Of the places and weights of every output element of an input of `extent`.
    fn new(taps: &[Vec<(usize, f32)>], extent: usize) -> Option<TransposedAxis> {
        let out = taps.len();
        let inside = (out - 1).checked_div(extent - 1).unwrap_or(0);
        let mut whole = [out / extent, inside].into_iter().filter(|&factor| factor > 0);
        whole.find_map(|factor| TransposedAxis::by(factor, taps, extent))
    }

    fn by(factor: usize, taps: &[Vec<(usize, f32)>], extent: usize) -> Option<TransposedAxis> {
        // Of two elements in the middle, one has the neighbours before it, the other those behind.
        let middle = (extent - 1) / 2;
        let phase = |r: usize| {
            let inner = [middle, middle + 1].into_iter().filter(|m| m * factor + r < taps.len());
            inner.map(|m| relative(&taps[m * factor + r], m as i64)).max_by_key(BTreeMap::len)
        };
        let phases: Vec<PlaceWeights> = (0..factor).map(phase).collect::<Option<_>>()?;
        let edges = edges(taps, &phases, extent)?;
        let places = || phases.iter().flatten().map(|tap| *tap.0);
        let (first, last) = (places().min()?, places().max()?);
        let mut kernel = vec![0.0; factor * (last - first + 1) as usize];
        for (r, taps) in phases.iter().enumerate() {
            for (place, weight) in taps {
                kernel[r + factor * (last - place) as usize] = *weight;
            }
        }
        let zeros = kernel.iter().take_while(|w| **w == 0.0).count();
        kernel.drain(..zeros);
        while kernel.last() == Some(&0.0) {
            kernel.pop();
        }
        let before = (factor * usize::try_from(last + edges[0] as i64).ok()?).checked_sub(zeros)?;
        let whole = (extent + edges[0] + edges[1] - 1) * factor + kernel.len();
        let behind = whole.checked_sub(before + taps.len())?;
        Some(TransposedAxis { factor, kernel, edges, pads: [before, behind] })
    }
}

/// The weight of each place.
type PlaceWeights = BTreeMap<i64, f32>;

/// Places from `origin` on, each once.
fn relative(taps: &[(usize, f32)], origin: i64) -> PlaceWeights {
    sums(taps.iter().map(|&(place, weight)| (place as i64 - origin, weight)))
}

fn sums(taps: impl Iterator<Item = (i64, f32)>) -> PlaceWeights {
    let mut sums = PlaceWeights::new();
    taps.for_each(|(place, weight)| *sums.entry(place).or_insert(0.0) += weight);
    sums.retain(|_, weight| weight.abs() > NOTHING);
    sums
}

/// How far the phases reach beyond an input of `extent`; `None` where the output elements are not what they make of the
/// input and its edges.
fn edges(taps: &[Vec<(usize, f32)>], phases: &[PlaceWeights], extent: usize) -> Option<[usize; 2]> {
    let last = extent as i64 - 1;
    let mut edges = [0; 2];
    for (o, taps) in taps.iter().enumerate() {
        let reached = phases[o % phases.len()].iter().map(|(place, weight)| {
            let place = (o / phases.len()) as i64 + place;
            edges = [edges[0].max(-place), edges[1].max(place - last)];
            (place.clamp(0, last), *weight)
        });
        let (made, wanted) = (sums(reached), relative(taps, 0));
        let alike = |(a, b): ((&i64, &f32), (&i64, &f32))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-5;
        if made.len() != wanted.len() || !made.iter().zip(&wanted).all(alike) {
            return None;
        }
    }
    Some(edges.map(|edge| edge as usize))
}

fn replace(r: &mut Rewrite, node: &Node, rows: &TransposedAxis, columns: &TransposedAxis) -> Result<ValueId> {
    let mut x = r.get(node.inputs[0])?;
    let channels = r.new.shape(x)[1];
    let edge = |end: usize| vec![0, 0, rows.edges[end], columns.edges[end]];
    if [edge(0), edge(1)].concat().iter().any(|&edge| edge > 0) {
        let op = Op::Pad { before: edge(0), after: edge(1), mode: PadMode::Edge };
        x = r.new.node(node.name.clone(), op, &[x])?;
    }
    let plane: Vec<f32> =
        rows.kernel.iter().flat_map(|y| columns.kernel.iter().map(move |x| y * x)).collect();
    let kernel = [rows.kernel.len(), columns.kernel.len()];
    let weights = r.new.constant("", &[channels, 1, kernel[0], kernel[1]], plane.repeat(channels))?;
    let window = Window {
        kernel,
        stride: [rows.factor, columns.factor],
        dilation: [1, 1],
        pads: [rows.pads[0], columns.pads[0], rows.pads[1], columns.pads[1]],
    };
    let op = Op::ConvTranspose { window, groups: channels, output_padding: [0, 0] };
    r.new.node(node.name.clone(), op, &[x, weights])
}
