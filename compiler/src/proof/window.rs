//! Convolutions and pools in float64, straight from their definitions.

use crate::graph::Window;
use rayon::prelude::*;

/// Output channels that share a pass over the input.
const TOGETHER: usize = 4;
/// Pixels below which a convolution goes pixel by pixel.
const FEW: usize = 8;

/// A map with what lies around it: C x H x W elements, padded by zeros.
pub(super) struct PaddedMap {
    data: Vec<f64>,
    height: usize,
    width: usize,
}

impl PaddedMap {
    pub fn new(input: &[f64], [channels, height, width]: [usize; 3], pads: [usize; 4]) -> PaddedMap {
        let [top, left, bottom, right] = pads;
        let (tall, wide) = (height + top + bottom, width + left + right);
        let mut data = vec![0.0; channels * tall * wide];
        for (i, row) in input.chunks(width).enumerate() {
            let start = ((i / height) * tall + i % height + top) * wide + left;
            data[start..start + width].copy_from_slice(row);
        }
        PaddedMap { data, height: tall, width: wide }
    }

    fn row(&self, channel: usize, y: usize) -> &[f64] {
        &self.data[(channel * self.height + y) * self.width..][..self.width]
    }
}

/// A convolution of `input` (C x H x W) with `weights` (O x C/groups x KH x KW), without bias; `grid` is
/// O x OH x OW. Sums run over input channels, kernel rows, kernel columns, in this order.
pub(super) fn convolve(
    input: &[f64],
    shape: [usize; 3],
    window: &Window,
    groups: usize,
    weights: &[f64],
    grid: [usize; 3],
) -> Vec<f64> {
    let [outputs, rows, columns] = grid;
    if rows * columns < FEW {
        return pixel_by_pixel(input, shape, window, groups, weights, grid);
    }
    let padded = PaddedMap::new(input, shape, window.pads);
    let inputs = shape[0] / groups;
    let taps = window.kernel[0] * window.kernel[1];
    let plane = rows * columns;
    let mut sums = vec![0.0; outputs * plane];
    let per_group = outputs / groups;
    let together = if per_group.is_multiple_of(TOGETHER) { TOGETHER } else { 1 };
    sums.par_chunks_mut(together * plane).enumerate().for_each(|(block, sums)| {
        let first = block * together;
        let channel = first / per_group * inputs;
        let kernel = |o: usize, i: usize, tap: usize| weights[((first + o) * inputs + i) * taps + tap];
        for i in 0..inputs {
            for ky in 0..window.kernel[0] {
                for kx in 0..window.kernel[1] {
                    let tap = ky * window.kernel[1] + kx;
                    let w: Vec<f64> = (0..together).map(|o| kernel(o, i, tap)).collect();
                    if w.iter().all(|w| *w == 0.0) {
                        continue;
                    }
                    for y in 0..rows {
                        let row = padded.row(channel + i, y * window.stride[0] + ky * window.dilation[0]);
                        let row = &row[kx * window.dilation[1]..];
                        add(sums, &w, row, window.stride[1], y * columns, columns, plane);
                    }
                }
            }
        }
    });
    sums
}

/// [`convolve`] for a few pixels: each sees one long row of the input.
fn pixel_by_pixel(
    input: &[f64],
    [channels, height, width]: [usize; 3],
    window: &Window,
    groups: usize,
    weights: &[f64],
    [outputs, rows, columns]: [usize; 3],
) -> Vec<f64> {
    let terms = weights.len() / outputs;
    let inputs = channels / groups;
    let mut sums = vec![0.0; outputs * rows * columns];
    for pixel in 0..rows * columns {
        let place = |axis: usize, o: usize, k: usize, extent: usize| {
            let at = o * window.stride[axis] + k * window.dilation[axis];
            at.checked_sub(window.pads[axis]).filter(|&i| i < extent)
        };
        let mut seen = Vec::with_capacity(terms * groups);
        for c in 0..channels {
            for ky in 0..window.kernel[0] {
                let y = place(0, pixel / columns, ky, height);
                for kx in 0..window.kernel[1] {
                    let at = y.zip(place(1, pixel % columns, kx, width));
                    seen.push(at.map_or(0.0, |(y, x)| input[(c * height + y) * width + x]));
                }
            }
        }
        let taps = window.kernel[0] * window.kernel[1];
        for (o, w) in weights.chunks(terms).enumerate() {
            let first = o / (outputs / groups) * inputs * taps;
            let sum: f64 = w.iter().zip(&seen[first..]).map(|(w, x)| w * x).sum();
            sums[o * rows * columns + pixel] = sum;
        }
    }
    sums
}

/// Adds a row of the input, times a weight for each plane, to a row of each plane of sums.
#[inline(always)]
fn add(sums: &mut [f64], w: &[f64], row: &[f64], stride: usize, start: usize, columns: usize, plane: usize) {
    if let ([a, b, c, d], 1) = (w, stride) {
        let (first, rest) = sums.split_at_mut(plane);
        let (second, rest) = rest.split_at_mut(plane);
        let (third, fourth) = rest.split_at_mut(plane);
        let [first, second, third, fourth] =
            [first, second, third, fourth].map(|s| &mut s[start..start + columns]);
        let row = &row[..columns];
        for x in 0..columns {
            first[x] += a * row[x];
            second[x] += b * row[x];
            third[x] += c * row[x];
            fourth[x] += d * row[x];
        }
        return;
    }
    for (w, plane) in w.iter().zip(sums.chunks_mut(plane)) {
        let row = row.iter().step_by(stride);
        plane[start..start + columns].iter_mut().zip(row).for_each(|(sum, x)| *sum += w * x);
    }
}

/// Input places of output position `o` along an axis that lie inside an input of `extent`.
fn inside(window: &Window, axis: usize, o: usize, extent: usize) -> impl Iterator<Item = usize> + Clone {
    let (start, pad, dilation) = (o * window.stride[axis], window.pads[axis], window.dilation[axis]);
    let place = move |k: usize| (start + k * dilation).checked_sub(pad).filter(|&i| i < extent);
    (0..window.kernel[axis]).filter_map(place)
}

/// What a pool makes of each window.
#[derive(Clone, Copy)]
pub(super) enum Pool {
    Max,
    /// The mean of what lies inside, or of all.
    Mean {
        count_pads: bool,
    },
}

/// A pool over planes of H x W to OH x OW.
pub(super) fn pool(
    input: &[f64],
    [height, width]: [usize; 2],
    window: &Window,
    to: [usize; 2],
    pool: Pool,
) -> Vec<f64> {
    let planes: Vec<&[f64]> = input.chunks(height * width).collect();
    let one = |plane: &&[f64]| -> Vec<f64> {
        let mut all = Vec::with_capacity(to[0] * to[1]);
        for oy in 0..to[0] {
            let rows = inside(window, 0, oy, height);
            for ox in 0..to[1] {
                let columns = inside(window, 1, ox, width);
                let taps = rows.clone().flat_map(|y| columns.clone().map(move |x| y * width + x));
                all.push(match pool {
                    Pool::Max => taps.fold(f64::NEG_INFINITY, |most, at| most.max(plane[at])),
                    Pool::Mean { count_pads } => {
                        let (mut sum, mut count) = (0.0, 0usize);
                        taps.for_each(|at| (sum, count) = (sum + plane[at], count + 1));
                        let all = if count_pads { window.kernel[0] * window.kernel[1] } else { count };
                        sum / all as f64
                    }
                });
            }
        }
        all
    };
    planes.par_iter().flat_map_iter(one).collect()
}
