//! GridSample, in the order of operations in which ONNX Runtime works: float32 decides which element is nearest.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit};
use crate::error::Result;
use crate::float::cubic;
use ndarray::{ArrayD, ArrayView2, ArrayView3, ArrayViewD, IxDyn, s};
use std::borrow::Cow;

/// Inputs: x (N,C,H,W), grid (N,OH,OW,2) of x and y in -1 to 1, or x (N,C,D,H,W), grid (N,OD,OH,OW,3) of x, y and z: the
/// elements of each channel there.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "GridSample",
    text: "grid_sample",
    attributes: &[
        Attribute {
            words: &["nearest", "linear", "cubic"],
            former: &[("bilinear", "linear"), ("bicubic", "cubic")],
            ..Attribute::new("mode", &[(1, AttributeValue::Word(Cow::Borrowed("linear")))])
        },
        Attribute {
            words: &["zeros", "border", "reflection"],
            ..Attribute::new("padding_mode", &[(1, AttributeValue::Word(Cow::Borrowed("zeros")))])
        },
        Attribute::new("align_corners", &[(1, AttributeValue::Integer(0))]),
    ],
    inputs: 2..=2,
    whole: &[],
    steps: |op| op.word("mode") == "nearest",
    limits: "images; volumes but for cubic",
    absent: |_| vec![],
    shape,
    value,
};

/// How many elements around a place are taken together: the nearest one, halves to even; the four around it; the
/// sixteen.
#[derive(Clone, Copy, PartialEq)]
enum Sampling {
    Nearest,
    Linear,
    Cubic,
}

/// What lies outside of the image: zeros, its nearest element, the image mirrored.
#[derive(Clone, Copy)]
enum PaddingMode {
    Zeros,
    Border,
    Reflection,
}

/// Keys' coefficient of the cubic form.
const COEFFICIENT: f32 = -0.75;

/// One axis of the image.
struct ImageAxis {
    extent: usize,
    outside: PaddingMode,
    /// Where the image ends, in elements.
    ends: [f32; 2],
}

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    match (inputs[0], inputs[1]) {
        (&[_, _, _, _, _], _) if op.word("mode") == "cubic" => {
            misfit("mode cubic is of images, not of volumes")
        }
        (&[n, c, _, _], &[batch, rows, columns, 2]) if batch == n => Ok(vec![n, c, rows, columns]),
        (&[n, c, _, _, _], &[batch, depth, rows, columns, 3]) if batch == n => {
            Ok(vec![n, c, depth, rows, columns])
        }
        (x, grid) => misfit(format!("the grid {grid:?} does not give places in images or volumes {x:?}")),
    }
}

fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let (x, grid) = (&inputs[0], &inputs[1]);
    let sampling = match op.word("mode") {
        "nearest" => Sampling::Nearest,
        "linear" => Sampling::Linear,
        _ => Sampling::Cubic,
    };
    let outside = match op.word("padding_mode") {
        "zeros" => PaddingMode::Zeros,
        "border" => PaddingMode::Border,
        _ => PaddingMode::Reflection,
    };
    let align_corners = op.integer("align_corners") != 0;
    let axes = x.ndim();
    let along = |axis: usize| {
        let extent = x.shape()[axis];
        let ends = if align_corners { [0.0, extent as f32 - 1.0] } else { [-0.5, extent as f32 - 0.5] };
        ImageAxis { extent, outside, ends }
    };
    let (rows, columns) = (along(axes - 2), along(axes - 1));
    let mut y = ArrayD::zeros(IxDyn(shape));
    if axes == 5 {
        let along = [&along(2), &rows, &columns];
        for (place, y) in y.indexed_iter_mut() {
            let (n, c) = (place[0], place[1]);
            let volume: ArrayView3<f32> = x.slice(s![n, c, .., .., ..]);
            let at = |i: usize| along[i].place(grid[[n, place[2], place[3], place[4], 2 - i]], align_corners);
            *y = sample_volume(&volume, along, [at(0), at(1), at(2)], sampling);
        }
        return y;
    }
    for (place, y) in y.indexed_iter_mut() {
        let (n, c) = (place[0], place[1]);
        let image: ArrayView2<f32> = x.slice(s![n, c, .., ..]);
        let at = |i: usize| grid[[n, place[2], place[3], i]];
        let (across, down) = (columns.place(at(0), align_corners), rows.place(at(1), align_corners));
        *y = sample(&image, &rows, &columns, [down, across], sampling);
    }
    y
}

/// The image between its pixels, at a row and a column; it is zero around them.
pub(super) fn bilinear(image: &ArrayView2<f32>, at: [f32; 2]) -> f32 {
    let [rows, columns] = [image.nrows(), image.ncols()].map(|extent| ImageAxis {
        extent,
        outside: PaddingMode::Zeros,
        ends: [0.0; 2],
    });
    sample(image, &rows, &columns, at, Sampling::Linear)
}

fn sample(
    image: &ArrayView2<f32>,
    rows: &ImageAxis,
    columns: &ImageAxis,
    at: [f32; 2],
    sampling: Sampling,
) -> f32 {
    let nearest = sampling == Sampling::Nearest;
    let whole = |v: f32| if nearest { v.round_ties_even() } else { v };
    let (y, x) = (rows.within(whole(at[0])), columns.within(whole(at[1])));
    let pixel = |row: f32, column: f32| match (rows.index(row), columns.index(column)) {
        (Some(row), Some(column)) => image[[row, column]],
        _ => 0.0,
    };
    let (top, left) = (y.floor(), x.floor());
    let (dy, dx) = (y - top, x - left);
    match sampling {
        Sampling::Nearest => pixel(y, x),
        Sampling::Linear => {
            let line = |row: f32| (left + 1.0 - x) * pixel(row, left) + dx * pixel(row, left + 1.0);
            (top + 1.0 - y) * line(top) + dy * line(top + 1.0)
        }
        Sampling::Cubic => {
            let (down, across) = (cubic(dy, COEFFICIENT), cubic(dx, COEFFICIENT));
            let line = |row: f32| (0..4).map(|k| across[k] * pixel(row, left + k as f32 - 1.0)).sum::<f32>();
            (0..4).map(|k| down[k] * line(top + k as f32 - 1.0)).sum()
        }
    }
}

/// A volume at a depth, a row and a column: the nearest element, or between its eight neighbours.
fn sample_volume(volume: &ArrayView3<f32>, along: [&ImageAxis; 3], at: [f32; 3], sampling: Sampling) -> f32 {
    let whole = |v: f32| if sampling == Sampling::Nearest { v.round_ties_even() } else { v };
    let [z, y, x] = [0, 1, 2].map(|i| along[i].within(whole(at[i])));
    let element = |z: f32, y: f32, x: f32| match (along[0].index(z), along[1].index(y), along[2].index(x)) {
        (Some(z), Some(y), Some(x)) => volume[[z, y, x]],
        _ => 0.0,
    };
    if sampling == Sampling::Nearest {
        return element(z, y, x);
    }
    let (front, top, left) = (z.floor(), y.floor(), x.floor());
    let between = |d: f32, near: f32, far: f32| (1.0 - d) * near + d * far;
    let line = |z: f32, y: f32| between(x - left, element(z, y, left), element(z, y, left + 1.0));
    let plane = |z: f32| between(y - top, line(z, top), line(z, top + 1.0));
    between(z - front, plane(front), plane(front + 1.0))
}

impl ImageAxis {
    /// A coordinate of the grid, in elements.
    fn place(&self, coordinate: f32, align_corners: bool) -> f32 {
        let extent = self.extent as f32;
        match align_corners {
            true => (coordinate + 1.0) / 2.0 * (extent - 1.0),
            false => ((coordinate + 1.0) * extent - 1.0) / 2.0,
        }
    }

    /// A place outside of the image, mirrored into it where the image is.
    fn within(&self, v: f32) -> f32 {
        match self.outside {
            PaddingMode::Reflection => self.reflected(v),
            PaddingMode::Zeros | PaddingMode::Border => v,
        }
    }

    /// A place mirrored at the ends until it lies between them.
    fn reflected(&self, v: f32) -> f32 {
        let [low, high] = self.ends;
        let range = high - low;
        let (beyond, near, far) = if v < low { (low - v, low, high) } else { (v - high, high, low) };
        if beyond <= 0.0 {
            return v;
        }
        // An image of one element whose middle is both of its ends.
        if range <= 0.0 {
            return low;
        }
        let turns = (beyond / range).trunc();
        let rest = beyond - turns * range;
        let inwards = if near < far { 1.0 } else { -1.0 };
        if turns % 2.0 == 0.0 { near + inwards * rest } else { far - inwards * rest }
    }

    /// The element at a whole number; `None` for the zeros outside of the image.
    fn index(&self, v: f32) -> Option<usize> {
        let last = self.extent as f32 - 1.0;
        match self.outside {
            PaddingMode::Zeros => (0.0..=last).contains(&v).then_some(v as usize),
            PaddingMode::Border => Some(v.clamp(0.0, last) as usize),
            PaddingMode::Reflection => Some(self.reflected(v).clamp(0.0, last) as usize),
        }
    }
}
