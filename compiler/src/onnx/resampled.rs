//! Forms of Resize that are a product with a matrix along each axis: with antialiasing, and of a region
//! (tf_crop_and_resize).

use super::call::Call;
use crate::error::Result;
use crate::float::resize_taps_at;
use crate::graph::{Coordinates, Interpolation, Op, Resize, ValueId};
use crate::memory;

/// The part of an axis that is resampled, from its start to its end, 0 to 1.
pub(super) type Region = [f32; 2];

/// What a matrix is made by.
pub(super) struct Resampling {
    pub resize: Resize,
    /// Along each axis, for coordinates in a region of it; `None` for those of `resize`.
    pub regions: Option<Vec<Region>>,
    pub antialias: bool,
    pub exclude_outside: bool,
    /// What lies outside of the image, where there are regions.
    pub beyond: f32,
}

/// The result for `x`.
pub(super) fn resampled(call: &mut Call, x: ValueId, r: &Resampling) -> Result<()> {
    let shape = call.shape_of(x);
    let (mut y, mut outside) = (x, Vec::new());
    for (along, &extent) in shape.iter().enumerate() {
        let size = r.resize.sizes[along];
        let rows: Vec<_> = match &r.regions {
            None if extent == size && r.resize.scales[along] == 1.0 => continue,
            Some(regions) if extent == size && regions[along] == [0.0, 1.0] => continue,
            _ => (0..size).map(|o| taps(r, along, o, extent, size)).collect(),
        };
        memory::check(8 * (extent as u64).saturating_mul(size as u64), "the matrix of its weights")?;
        let mut matrix = vec![0.0; extent * size];
        for (o, row) in rows.iter().enumerate() {
            for &(place, weight) in row.iter().flatten() {
                matrix[place * size + o] += weight;
            }
        }
        let out: Vec<bool> = rows.iter().map(Option::is_none).collect();
        if out.contains(&true) {
            outside.push((along, out));
        }
        let matrix = call.floats_value(&[extent, size], matrix)?;
        y = product_along(call, y, along, matrix)?;
    }
    // Rows of weights that are left out give zeros.
    if r.beyond != 0.0 && !outside.is_empty() {
        let mut extents = vec![1; shape.len()];
        outside.iter().for_each(|(along, out)| extents[*along] = out.len());
        let value = |mut n: usize| {
            let mut out = false;
            for (along, &extent) in extents.iter().enumerate().rev() {
                let own = outside.iter().find(|(axis, _)| *axis == along);
                out |= own.is_some_and(|(_, out)| out[n % extent]);
                n /= extent;
            }
            if out { r.beyond } else { 0.0 }
        };
        let values = (0..extents.iter().product()).map(value).collect();
        let values = call.floats_value(&extents, values)?;
        y = call.apply(Op::Add, &[y, values])?;
    }
    call.result(y)
}

/// The product of rows along an axis with a matrix.
pub(super) fn product_along(call: &mut Call, x: ValueId, along: usize, matrix: ValueId) -> Result<ValueId> {
    let last = call.shape_of(x).len() - 1;
    if along == last {
        return call.apply(Op::MatMul, &[x, matrix]);
    }
    // The axis and the last one change places, and change them back.
    let mut perm: Vec<usize> = (0..=last).collect();
    perm.swap(along, last);
    let turned = call.apply(Op::Transpose { perm: perm.clone() }, &[x])?;
    let y = call.apply(Op::MatMul, &[turned, matrix])?;
    call.apply(Op::Transpose { perm }, &[y])
}

/// Places and weights of an output element; `None` where it lies outside.
fn taps(r: &Resampling, along: usize, o: usize, extent: usize, size: usize) -> Option<Vec<(usize, f32)>> {
    let own = &r.resize;
    let last = (extent - 1) as f32;
    let place = match &r.regions {
        None => crate::float::resize_place(own, along, o, extent, size),
        Some(regions) => {
            let [start, end] = regions[along];
            match size {
                1 => 0.5 * (start + end) * last,
                _ => start * last + o as f32 * (end - start) * last / (size - 1) as f32,
            }
        }
    };
    if r.regions.is_some() && !(0.0..=last).contains(&place) {
        return None;
    }
    match r.antialias {
        false => Some(resize_taps_at(own.interpolation, place, extent)),
        true => Some(smoothed(r, own.scales[along], place, extent)),
    }
}

/// Antialiasing as ONNX Runtime and PIL do it: the filter is as much wider as the image becomes smaller.
fn smoothed(r: &Resampling, scale: f32, place: f32, extent: usize) -> Vec<(usize, f32)> {
    let wider = (1.0 / scale).max(1.0);
    let (half, filter): (f32, fn(f32, f32) -> f32) = match r.resize.interpolation {
        Interpolation::Cubic { .. } => (2.0, cubic),
        _ => (1.0, |x, _| (1.0 - x.abs()).max(0.0)),
    };
    let coefficient = match r.resize.interpolation {
        Interpolation::Cubic { coefficient, .. } => coefficient,
        _ => 0.0,
    };
    let (center, support) = (place + 0.5, half * wider);
    let (first, end) = ((center - support + 0.5).floor() as i64, (center + support + 0.5).floor() as i64);
    let last = extent as i64 - 1;
    let kept = |i: &i64| !r.exclude_outside || (0..=last).contains(i);
    let weight = |i: i64| (i.clamp(0, last) as usize, filter((i as f32 - center + 0.5) / wider, coefficient));
    let mut taps: Vec<(usize, f32)> = (first..end).filter(kept).map(weight).collect();
    let sum: f32 = taps.iter().map(|(_, weight)| weight).sum();
    if sum != 0.0 {
        taps.iter_mut().for_each(|(_, weight)| *weight /= sum);
    }
    taps
}

/// Keys' cubic at a distance.
fn cubic(x: f32, a: f32) -> f32 {
    match x.abs() {
        x if x < 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
        x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
        _ => 0.0,
    }
}

/// The regions that the input `roi` of a Resize names, whose axes are `named` of `rank`: starts, then ends.
pub(super) fn regions(call: &mut Call, rank: usize, named: &[usize]) -> Result<Vec<Region>> {
    let given = call.float_list(1)?;
    if given.len() != 2 * named.len() || !given.iter().all(|x| x.is_finite()) {
        return call.refuse("roi", format!("{given:?} are no starts and ends of {} axes", named.len()));
    }
    let mut regions = vec![[0.0, 1.0]; rank];
    for (i, &axis) in named.iter().enumerate() {
        regions[axis] = [given[i], given[i + named.len()]];
    }
    Ok(regions)
}

/// The coordinates whose places are those of a region.
pub(super) fn is_of_regions(call: &mut Call) -> Result<bool> {
    Ok(call.string("coordinate_transformation_mode", "half_pixel")? == "tf_crop_and_resize")
}

/// Coordinates that stand for none where regions say the places.
pub(super) const UNUSED: Coordinates = Coordinates::AlignCorners;
