//! RoiAlign: regions of images, each sampled to one size.
//!
//! K. He et al., "Mask R-CNN", 2017; where samples lie and what lies outside of the image as in ONNX Runtime.

use super::{Attribute, AttributeValue, Described, Descriptor, misfit};
use crate::error::Result;
use ndarray::{ArrayD, ArrayView2, ArrayViewD, IxDyn, s};
use std::borrow::Cow;

const MODES: &[(i64, AttributeValue)] = &[
    (1, AttributeValue::Word(Cow::Borrowed("output_half_pixel"))),
    (16, AttributeValue::Word(Cow::Borrowed("half_pixel"))),
];
const ONE: &[(i64, AttributeValue)] = &[(1, AttributeValue::Integer(1))];

/// Inputs: x (N,C,H,W), regions (R,4) of left, top, right and bottom, the number (R) of the image of each.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "RoiAlign",
    text: "roi_align",
    attributes: &[
        Attribute {
            words: &["half_pixel", "output_half_pixel"],
            ..Attribute::new("coordinate_transformation_mode", MODES)
        },
        Attribute {
            words: &["avg", "max"],
            ..Attribute::new("mode", &[(1, AttributeValue::Word(Cow::Borrowed("avg")))])
        },
        Attribute::new("output_height", ONE),
        Attribute::new("output_width", ONE),
        Attribute::new("sampling_ratio", &[(1, AttributeValue::Integer(0))]),
        Attribute::new("spatial_scale", &[(1, AttributeValue::Real(1.0))]),
    ],
    inputs: 3..=3,
    whole: &[2],
    steps: |_| true,
    limits: "",
    absent: |_| vec![],
    shape,
    value,
};

/// Most samples along an axis of a cell of the result: a region that is not finite or is far larger than any image would
/// take for ever.
const MOST_SAMPLES: f32 = 4096.0;

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let extents = [op.count("output_height", 1)?, op.count("output_width", 1)?];
    let samples = op.count("sampling_ratio", 0)?;
    if samples as f32 > MOST_SAMPLES {
        return misfit(format!("{samples} samples a cell are more than {MOST_SAMPLES}"));
    }
    match (inputs[0], inputs[1], inputs[2]) {
        (&[_, channels, _, _], &[regions, 4], &[images]) if images == regions => {
            Ok(vec![regions, channels, extents[0], extents[1]])
        }
        (x, regions, images) => misfit(format!("regions {regions:?} in images {images:?} do not fit {x:?}")),
    }
}

fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let (x, regions, images) = (&inputs[0], &inputs[1], &inputs[2]);
    let half = op.word("coordinate_transformation_mode") == "half_pixel";
    let largest = op.word("mode") == "max";
    let (scale, ratio) = (op.real("spatial_scale"), op.integer("sampling_ratio"));
    let mut y = ArrayD::zeros(IxDyn(shape));
    for (place, y) in y.indexed_iter_mut() {
        let region = place[0];
        let number = images[[region]];
        // One that names no image is of none.
        if !(0.0..x.shape()[0] as f32).contains(&number) {
            *y = f32::NAN;
            continue;
        }
        let image: ArrayView2<f32> = x.slice(s![number as usize, place[1], .., ..]);
        let shift = if half { 0.5 } else { 0.0 };
        let at = |i: usize| regions[[region, i]] * scale - shift;
        // Along rows, then along columns: where the region begins, how much of it a cell has, samples of that.
        let axis = |first: usize, cells: usize| {
            let (start, end) = (at(first), at(first + 2));
            let extent = if half { end - start } else { (end - start).max(1.0) };
            let cell = extent / cells as f32;
            let samples = if ratio > 0 { ratio as f32 } else { cell.ceil() };
            (start, cell, samples.clamp(0.0, MOST_SAMPLES) as usize)
        };
        let (down, across) = (axis(1, shape[2]), axis(0, shape[3]));
        let places = |(start, cell, samples): (f32, f32, usize), index: usize| {
            (0..samples).map(move |i| start + index as f32 * cell + (i as f32 + 0.5) * cell / samples as f32)
        };
        let (mut sum, mut most) = (0.0f32, None::<f32>);
        for row in places(down, place[2]) {
            for column in places(across, place[3]) {
                let parts = corners(&image, row, column);
                sum += parts.iter().sum::<f32>();
                let here = parts.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                most = Some(most.map_or(here, |most| most.max(here)));
            }
        }
        *y = match largest {
            true => most.unwrap_or(0.0),
            false => sum / (down.2 * across.2).max(1) as f32,
        };
    }
    y
}

/// The four pixels around a place, each times its share; zeros a pixel and more outside of the image, the border's
/// nearer than that.
fn corners(image: &ArrayView2<f32>, y: f32, x: f32) -> [f32; 4] {
    let axis = |v: f32, extent: usize| {
        let last = extent - 1;
        if !(-1.0..=extent as f32).contains(&v) {
            return None;
        }
        let v = v.max(0.0);
        let low = v as usize;
        Some(if low >= last { (last, last, 0.0) } else { (low, low + 1, v - low as f32) })
    };
    let (Some((top, bottom, down)), Some((left, right, across))) =
        (axis(y, image.nrows()), axis(x, image.ncols()))
    else {
        return [0.0; 4];
    };
    [
        (1.0 - down) * (1.0 - across) * image[[top, left]],
        (1.0 - down) * across * image[[top, right]],
        down * (1.0 - across) * image[[bottom, left]],
        down * across * image[[bottom, right]],
    ]
}
