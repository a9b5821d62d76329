//! Transposed convolutions and changes of resolution: each phase of the output is a convolution of
//! its own, written to every n-th row and column.

use crate::float;
use crate::graph::{Graph, Node, Resize, Window};
use crate::tile::buffer::gcd;

/// One phase.
#[derive(Clone, PartialEq, Debug)]
pub struct Phase {
    /// First row and number of rows read, then columns.
    pub from: [(usize, usize); 2],
    /// Window over what is read.
    pub window: Window,
    /// Weights as [`crate::fixed::Reduction::Conv`] orders them; none for a plain copy.
    pub weights: Vec<f32>,
    /// First row written, distance and number of rows, then columns.
    pub to: [(usize, usize, usize); 2],
}

/// A phase along one axis.
#[derive(Clone, PartialEq, Debug)]
struct AxisPhase<T> {
    /// First output element, distance, count.
    to: (usize, usize, usize),
    /// Input elements from an output element to the next.
    stride: usize,
    /// Input element under the first tap of the first output element; may be outside.
    first: i64,
    /// Input elements from tap to tap.
    dilation: usize,
    /// What each tap stands for.
    taps: Vec<T>,
}

impl<T> AxisPhase<T> {
    /// Elements read (first, count) of an input of `extent`, and how many more the window needs in
    /// front and behind; `None` when all taps are outside.
    fn crop(&self, extent: usize) -> Option<((usize, usize), [usize; 2])> {
        let last =
            self.first + ((self.to.2 - 1) * self.stride + (self.taps.len() - 1) * self.dilation) as i64;
        let (begin, end) = (self.first.max(0), (last + 1).min(extent as i64));
        (begin < end).then(|| {
            let pads = [(begin - self.first) as usize, (last + 1 - end) as usize];
            ((begin as usize, (end - begin) as usize), pads)
        })
    }
}

/// Joins phases along rows and columns; `weights` makes those of a pair of tap lists.
fn combine<T>(
    rows: &[AxisPhase<T>],
    columns: &[AxisPhase<T>],
    [height, width]: [usize; 2],
    weights: impl Fn(&[T], &[T]) -> Vec<f32>,
) -> Option<Vec<Phase>> {
    let mut phases = Vec::new();
    for y in rows {
        let (from_y, [top, bottom]) = y.crop(height)?;
        for x in columns {
            let (from_x, [left, right]) = x.crop(width)?;
            let window = Window {
                kernel: [y.taps.len(), x.taps.len()],
                stride: [y.stride, x.stride],
                dilation: [y.dilation, x.dilation],
                pads: [top, left, bottom, right],
            };
            let weights = weights(&y.taps, &x.taps);
            phases.push(Phase { from: [from_y, from_x], window, weights, to: [y.to, x.to] });
        }
    }
    Some(phases)
}

/// Phases of a transposed convolution of weights (C, O/groups, KH, KW) with `output` rows and
/// columns; `None` where a phase sees nothing but padding.
pub fn transposed(
    window: &Window,
    weights: &[f32],
    [inputs, per_group]: [usize; 2],
    groups: usize,
    input: [usize; 2],
    output: [usize; 2],
) -> Option<Vec<Phase>> {
    let along = |axis: usize| -> Vec<AxisPhase<Option<usize>>> {
        let (s, d, k) = (window.stride[axis], window.dilation[axis], window.kernel[axis]);
        let pad = window.pads[axis];
        // y = i * s - pad + tap * d
        (0..s.min(output[axis]))
            .map(|r| {
                let taps: Vec<usize> =
                    (0..k).rev().filter(|t| (r + pad + s * d * k - t * d).is_multiple_of(s)).collect();
                let first = taps.first().map_or(0, |t| (r as i64 + pad as i64 - (t * d) as i64) / s as i64);
                let dilation = match taps[..] {
                    [a, b, ..] => (a - b) * d / s,
                    _ => 1,
                };
                // A phase that no tap reaches: one tap of weight zero.
                let taps = if taps.is_empty() { vec![None] } else { taps.into_iter().map(Some).collect() };
                AxisPhase { to: (r, s, (output[axis] - r).div_ceil(s)), stride: 1, first, dilation, taps }
            })
            .collect()
    };
    let [kh, kw] = window.kernel;
    let group_inputs = inputs / groups;
    combine(&along(0), &along(1), input, |rows, columns| {
        let mut all = Vec::new();
        for o in 0..groups * per_group {
            for i in 0..group_inputs {
                let channel = o / per_group * group_inputs + i;
                for ky in rows {
                    for kx in columns {
                        let weight = |(ky, kx): (usize, usize)| {
                            weights[((channel * per_group + o % per_group) * kh + ky) * kw + kx]
                        };
                        all.push((*ky).zip(*kx).map_or(0.0, weight));
                    }
                }
            }
        }
        all
    })
}

/// Most nodes that a Resize may become.
const MOST_PHASES: usize = 64;

/// Phases of a change of resolution of `channels` feature maps, with weights for each channel (none
/// where every phase copies); `None` where other axes change too or the phases are too many.
pub fn resized(graph: &Graph, node: &Node, resize: &Resize) -> Option<Vec<Phase>> {
    let from = graph.shape(node.inputs[0]);
    let [1, channels, height, width] = *from else { return None };
    let taps = float::resize_taps(resize, from);
    if resize.sizes[..2] != from[..2] {
        return None;
    }
    let (rows, columns) = (runs(&taps[2], height), runs(&taps[3], width));
    if rows.len() * columns.len() > MOST_PHASES {
        return None;
    }
    let copies = rows.iter().chain(&columns).all(|a| a.taps == [1.0]);
    combine(&rows, &columns, [height, width], |rows, columns| {
        let one: Vec<f32> = rows.iter().flat_map(|y| columns.iter().map(move |x| y * x)).collect();
        if copies { Vec::new() } else { one.repeat(channels) }
    })
}

/// Joins output elements of one axis that are made alike: same weights, places advancing evenly.
fn runs(taps: &[Vec<(usize, f32)>], extent: usize) -> Vec<AxisPhase<f32>> {
    let g = gcd(extent, taps.len());
    let (out, stride) = (taps.len() / g, extent / g);
    let mut all: Vec<AxisPhase<f32>> = Vec::new();
    for r in 0..out.min(taps.len()) {
        let mut run: Option<AxisPhase<f32>> = None;
        for o in (r..taps.len()).step_by(out) {
            let (first, weights) = dense(&taps[o]);
            match &mut run {
                Some(run)
                    if alike(&run.taps, &weights) && run.first + (run.to.2 * stride) as i64 == first =>
                {
                    run.to.2 += 1;
                }
                _ => {
                    all.extend(run.take());
                    run = Some(AxisPhase { to: (o, out, 1), stride, first, dilation: 1, taps: weights });
                }
            }
        }
        all.extend(run);
    }
    all
}

/// Equal but for rounding: coordinates far from the origin are less exact.
fn alike(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
}

/// Taps as neighbouring weights from the first place on, without zeros at the ends.
fn dense(taps: &[(usize, f32)]) -> (i64, Vec<f32>) {
    let used = taps.iter().filter(|(_, w)| w.abs() > 1e-6);
    let places = || used.clone().map(|(place, _)| *place);
    let (Some(first), Some(last)) = (places().min(), places().max()) else { return (0, vec![0.0]) };
    let mut weights = vec![0.0; last - first + 1];
    used.for_each(|(place, w)| weights[place - first] += w);
    (first as i64, weights)
}
