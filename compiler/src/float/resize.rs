//! Resize: along one axis after the other, each output element a weighted sum of input elements.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::graph::{CoordinateRounding, Coordinates, Interpolation, Resize};

/// Changes the resolution.
pub(super) fn resize(x: &ArrayViewD<f32>, r: &Resize) -> ArrayD<f32> {
    let mut shape = x.shape().to_vec();
    let mut data: Vec<f32> = x.iter().copied().collect();
    // What shrinks goes first, so that nothing on the way is larger than both ends.
    let (shrinking, growing): (Vec<usize>, Vec<usize>) =
        (0..shape.len()).partition(|&axis| r.sizes[axis] <= x.shape()[axis]);
    for axis in [shrinking, growing].concat() {
        let (extent, size) = (shape[axis], r.sizes[axis]);
        if extent == size && r.scales[axis] == 1.0 {
            continue;
        }
        let inner: usize = shape[axis + 1..].iter().product();
        let mut result = Vec::with_capacity(data.len() / extent * size);
        let taps: Vec<_> = (0..size).map(|o| taps(r, axis, o, extent, size)).collect();
        for block in data.chunks_exact(extent * inner) {
            for taps in &taps {
                let from = result.len();
                result.resize(from + inner, 0.0);
                for &(place, weight) in taps {
                    let row = &block[place * inner..][..inner];
                    result[from..].iter_mut().zip(row).for_each(|(y, x)| *y += weight * x);
                }
            }
        }
        shape[axis] = size;
        data = result;
    }
    ArrayD::from_shape_vec(IxDyn(&shape), data).expect("each axis became as long as its taps")
}

/// Input places and weights of every output element along every axis, for an input of shape `from`.
pub(crate) fn taps_by_axis(r: &Resize, from: &[usize]) -> Vec<Vec<Vec<(usize, f32)>>> {
    let axis = |axis: usize| {
        let (extent, size) = (from[axis], r.sizes[axis]);
        match extent == size && r.scales[axis] == 1.0 {
            true => (0..size).map(|o| vec![(o, 1.0)]).collect(),
            false => (0..size).map(|o| taps(r, axis, o, extent, size)).collect(),
        }
    };
    (0..from.len()).map(axis).collect()
}

/// Where output element `o` lies in the input, in float32 as ONNX Runtime computes it.
pub(crate) fn coordinate(r: &Resize, axis: usize, o: usize, extent: usize, size: usize) -> f32 {
    let (o, scale) = (o as f32, r.scales[axis]);
    match r.coordinates {
        Coordinates::Asymmetric => o / scale,
        Coordinates::HalfPixelForNearest => (o + 0.5) / scale,
        Coordinates::AlignCorners if size == 1 => 0.0,
        Coordinates::AlignCorners => o * (extent - 1) as f32 / (size - 1) as f32,
        Coordinates::PytorchHalfPixel if size == 1 => 0.0,
        Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (o + 0.5) / scale - 0.5,
        Coordinates::HalfPixelSymmetric => {
            let adjustment = size as f32 / (scale * extent as f32);
            extent as f32 / 2.0 * (1.0 - adjustment) + (o + 0.5) / scale - 0.5
        }
    }
}

/// Input places and weights of an output element.
fn taps(r: &Resize, axis: usize, o: usize, extent: usize, size: usize) -> Vec<(usize, f32)> {
    taps_at(r.interpolation, coordinate(r, axis, o, extent, size), extent)
}

/// Input places and weights of an output element that lies at `x` among `extent` elements.
pub(crate) fn taps_at(interpolation: Interpolation, x: f32, extent: usize) -> Vec<(usize, f32)> {
    let last = (extent - 1) as f32;
    let clamped = |i: f32| i.clamp(0.0, last) as usize;
    match interpolation {
        Interpolation::Nearest(rounding) => {
            let whole = match rounding {
                CoordinateRounding::PreferFloor => (x - 0.5).ceil(),
                CoordinateRounding::PreferCeil => (x + 0.5).floor(),
                CoordinateRounding::Floor => x.floor(),
                CoordinateRounding::Ceil => x.ceil(),
            };
            vec![(clamped(whole), 1.0)]
        }
        Interpolation::Linear => {
            let x = x.clamp(0.0, last);
            let low = x.floor();
            vec![(clamped(low), 1.0 - (x - low)), (clamped(low + 1.0), x - low)]
        }
        Interpolation::Cubic { coefficient, exclude_outside } => {
            let low = x.floor();
            let mut weights = cubic(x - low, coefficient);
            let place = |k: usize| low + k as f32 - 1.0;
            if exclude_outside {
                for (k, w) in weights.iter_mut().enumerate() {
                    if !(0.0..=last).contains(&place(k)) {
                        *w = 0.0;
                    }
                }
                let sum: f32 = weights.iter().sum();
                weights.iter_mut().for_each(|w| *w /= sum);
            }
            weights.into_iter().enumerate().map(|(k, w)| (clamped(place(k)), w)).collect()
        }
    }
}

/// Keys' weights of the four neighbours of a point `s` behind the second.
pub(crate) fn cubic(s: f32, a: f32) -> [f32; 4] {
    let near = |t: f32| ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    let far = |t: f32| ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a;
    [far(s + 1.0), near(s), near(1.0 - s), far(2.0 - s)]
}
