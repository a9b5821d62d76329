//! Resize and Upsample; the grids of AffineGrid.

use super::call::Call;
use super::moves::axes;
use super::resampled::{self, Resampling, is_of_regions};
use crate::error::Result;
use crate::graph::{CoordinateRounding, Coordinates, Interpolation, MAX_ELEMENTS, Op, Resize, elements};
use crate::memory;

/// Floats of an optional input; an empty list means that it is left out.
fn floats(call: &Call, input: usize) -> Result<Option<Vec<f32>>> {
    if !call.has(input) {
        return Ok(None);
    }
    let data = call.float_list(input)?;
    Ok((!data.is_empty()).then_some(data))
}

/// Extents that scales give: rounded down, as float32 products.
fn sizes(call: &Call, scales: &[f32], shape: &[usize]) -> Result<Vec<usize>> {
    let size = |(s, n): (&f32, &usize)| {
        let size = s * *n as f32;
        (size >= 1.0 && size <= MAX_ELEMENTS as f32).then_some(size as usize)
    };
    match scales.iter().zip(shape).map(size).collect() {
        Some(sizes) if scales.len() == shape.len() => Ok(sizes),
        _ => call.refuse("scales", format!("{scales:?} does not fit {shape:?}")),
    }
}

/// Upsample: nearest downwards, or linear, from coordinates o / scale.
pub(super) fn upsample(call: &mut Call) -> Result<()> {
    let scales = if call.opset() < 9 {
        call.arity(1)?;
        call.floats("scales")?.map(<[f32]>::to_vec)
    } else {
        call.arity(2)?;
        floats(call, 1)?
    };
    let interpolation = match call.string("mode", "nearest")? {
        "nearest" => Interpolation::Nearest(CoordinateRounding::Floor),
        "linear" => Interpolation::Linear,
        other => return call.refuse("mode", format!("{other:?} is not known")),
    };
    let Some(scales) = scales else {
        return call.refuse("scales", "is missing");
    };
    let sizes = sizes(call, &scales, &call.shape(0)?)?;
    let x = call.value(0)?;
    call.emit(Op::Resize(Resize { sizes, scales, interpolation, coordinates: Coordinates::Asymmetric }), &[x])
}

/// Resize by constant scales or sizes.
pub(super) fn resize(call: &mut Call) -> Result<()> {
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    if call.opset() < 11 {
        return resize_10(call);
    }
    call.arity(1..=4)?;
    let of_regions = is_of_regions(call)?;
    let coordinates = if of_regions { resampled::UNUSED } else { coordinates(call)? };
    let antialias = call.opset() >= 18 && call.flag("antialias", false)?;
    let exclude_outside = call.flag("exclude_outside", false)?;
    let interpolation = interpolation(call, antialias)?;
    let beyond = call.float("extrapolation_value", 0.0)?;
    let named = match call.opset() {
        18.. => call.ints("axes")?.map(|a| axes(call, a, shape.len())).transpose()?,
        _ => None,
    };
    let named = named.unwrap_or_else(|| (0..shape.len()).collect());
    let regions = of_regions.then(|| resampled::regions(call, shape.len(), &named)).transpose()?;
    let policy = match call.opset() {
        18.. => call.string("keep_aspect_ratio_policy", "stretch")?,
        _ => "stretch",
    };
    let wanted = if call.has(3) { call.integers(3)? } else { Vec::new() };
    let mut r = Resize { sizes: shape.clone(), scales: vec![1.0; shape.len()], interpolation, coordinates };
    match floats(call, 2)? {
        Some(given) if wanted.is_empty() && given.len() == named.len() => {
            for (&axis, scale) in named.iter().zip(given) {
                r.scales[axis] = scale;
            }
            // Regions do not count, for ONNX Runtime; for the ONNX text they do.
            r.sizes = sizes(call, &r.scales, &shape)?;
        }
        None if wanted.len() == named.len() => by_sizes(call, &mut r, &wanted, &named, policy)?,
        _ => return call.refuse("scales", format!("or sizes do not fit {shape:?}: one of them is needed")),
    }
    match antialias || of_regions {
        false => call.emit(Op::Resize(r), &[x]),
        true => {
            let made = Resampling { resize: r, regions, antialias, exclude_outside, beyond };
            resampled::resampled(call, x, &made)
        }
    }
}

fn by_sizes(call: &Call, r: &mut Resize, wanted: &[i64], named: &[usize], policy: &str) -> Result<()> {
    let positive = |&n: &i64| usize::try_from(n).ok().filter(|n| (1..=MAX_ELEMENTS).contains(n));
    let Some(wanted) = wanted.iter().map(positive).collect::<Option<Vec<usize>>>() else {
        return call.refuse("sizes", format!("{wanted:?} is out of range"));
    };
    let old = r.sizes.clone();
    let ratios: Vec<f32> = named.iter().zip(&wanted).map(|(&a, &n)| n as f32 / old[a] as f32).collect();
    let common = match policy {
        "stretch" => None,
        "not_larger" => Some(ratios.iter().copied().fold(f32::INFINITY, f32::min)),
        "not_smaller" => Some(ratios.iter().copied().fold(0.0, f32::max)),
        other => return call.refuse("keep_aspect_ratio_policy", format!("{other:?} is not known")),
    };
    for (i, &axis) in named.iter().enumerate() {
        r.scales[axis] = common.unwrap_or(ratios[i]);
        r.sizes[axis] = match common {
            None => wanted[i],
            Some(scale) => ((scale * old[axis] as f32).round() as usize).max(1),
        };
    }
    Ok(())
}

/// Resize of opset 10: as Upsample, but nearest is upwards where it shrinks.
fn resize_10(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let Some(scales) = floats(call, 1)? else {
        return call.refuse("scales", "is empty");
    };
    let grows = scales.iter().all(|&s| s >= 1.0);
    let interpolation = match call.string("mode", "nearest")? {
        "linear" => Interpolation::Linear,
        "nearest" if grows => Interpolation::Nearest(CoordinateRounding::Floor),
        "nearest" if scales.iter().all(|&s| s <= 1.0) => Interpolation::Nearest(CoordinateRounding::Ceil),
        "nearest" => return call.refuse("scales", "both grow and shrink"),
        other => return call.refuse("mode", format!("{other:?} is not known")),
    };
    let sizes = sizes(call, &scales, &call.shape(0)?)?;
    let x = call.value(0)?;
    call.emit(Op::Resize(Resize { sizes, scales, interpolation, coordinates: Coordinates::Asymmetric }), &[x])
}

fn coordinates(call: &mut Call) -> Result<Coordinates> {
    let name = call.string("coordinate_transformation_mode", "half_pixel")?;
    match Coordinates::ALL.iter().find(|e| e.1 == name) {
        Some(e) => Ok(e.0),
        None => call.refuse("coordinate_transformation_mode", format!("{name:?} is not supported")),
    }
}

fn interpolation(call: &mut Call, antialias: bool) -> Result<Interpolation> {
    let rounding = call.string("nearest_mode", "round_prefer_floor")?;
    let Some(&(rounding, _)) = CoordinateRounding::ALL.iter().find(|e| e.1 == rounding) else {
        return call.refuse("nearest_mode", format!("{rounding:?} is not known"));
    };
    let coefficient = call.float("cubic_coeff_a", -0.75)?;
    let exclude_outside = call.flag("exclude_outside", false)?;
    match call.string("mode", "nearest")? {
        "nearest" if antialias => call.refuse("antialias", "is of linear and cubic, not of nearest"),
        "nearest" => Ok(Interpolation::Nearest(rounding)),
        "linear" if exclude_outside && !antialias => {
            call.refuse("exclude_outside", "is supported for cubic alone")
        }
        "linear" => Ok(Interpolation::Linear),
        "cubic" => Ok(Interpolation::Cubic { coefficient, exclude_outside }),
        other => call.refuse("mode", format!("{other:?} is not known")),
    }
}

/// AffineGrid: the places (x, y) of all pixels, from -1 to 1, as homogeneous coordinates, times matrices (N, 2, 3).
pub(super) fn affine_grid(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    let theta = call.value(0)?;
    let size = call.integers(1)?;
    let corners = call.flag("align_corners", false)?;
    let given = call.shape(0)?;
    let extent = |n: &i64| usize::try_from(*n).ok().filter(|n| (1..=MAX_ELEMENTS).contains(n));
    let Some([batch, _, height, width]) = size
        .iter()
        .map(extent)
        .collect::<Option<Vec<_>>>()
        .and_then(|size| <[usize; 4]>::try_from(size).ok())
    else {
        return call.refuse("size", format!("{size:?} is not that of images (N, C, H, W)"));
    };
    let count = elements(&[batch, height, width, 3])?;
    memory::check(8 * count as u64, "the grid of places")?;
    if given != [batch, 2, 3] {
        return Err(call.error(format!("matrices of {given:?} do not fit images of {size:?}")));
    }
    let place = |n: usize, count: usize| -> f32 {
        let (n, count) = (n as f64, count as f64);
        let place = match corners {
            true if count > 1.0 => 2.0 * n / (count - 1.0) - 1.0,
            // The only one lies at the start.
            true => -1.0,
            false => (2.0 * n + 1.0) / count - 1.0,
        };
        place as f32
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let places = pixels.flat_map(|(x, y)| [place(x, width), place(y, height), 1.0]).collect();
    let places = call.floats_value(&[height * width, 3], places)?;
    let theta = call.apply(Op::Transpose { perm: vec![0, 2, 1] }, &[theta])?;
    let grid = call.apply(Op::MatMul, &[places, theta])?;
    let grid = call.reshaped(grid, &[batch, height, width, 2])?;
    call.result(grid)
}
