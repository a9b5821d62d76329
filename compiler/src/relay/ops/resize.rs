//! Changes of resolution.

use super::super::arrange::{lying, upright};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::super::syntax::Literal;
use super::layout::order;
use crate::described::{AttributeValue, Described};
use crate::error::{Error, Result};
use crate::graph::{CoordinateRounding, Coordinates, Interpolation, Op, Resize, ValueId};

/// `image.resize1d(x, size, ...)`, `image.resize2d` and `image.resize3d`.
pub(super) fn resize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    call.float_result()?;
    let own = match call.operator {
        "image.resize1d" => "NCW",
        "image.resize3d" => "NCDHW",
        _ => "NCHW",
    };
    let data = order(call, "layout", own, own)?;
    let x = call.arranged(0, &data)?;
    let axes = own.len() - 2;
    let size = match call.sizes("size")?.as_deref() {
        None => return Err(Error::new("import", "is missing").attribute("size")),
        Some(&[all]) => vec![all; axes],
        Some(list) if list.len() == axes => list.to_vec(),
        Some(_) => return Err(Error::new("import", format!("must be {axes} numbers")).attribute("size")),
    };
    let zeros = |item: &Literal| matches!(item, Literal::Float(0.0) | Literal::Integer(0));
    match call.attribute("roi") {
        None => {}
        // A region counts with tf_crop_and_resize only, which is refused below.
        Some(Literal::List(list)) if list.iter().all(zeros) => {}
        Some(_) => {
            return Err(Error::new("import", "a region is not supported")
                .attribute("roi")
                .hint("slice before"));
        }
    }
    call.float("extrapolation_value", 0.0)?;
    let coordinates = call.text("coordinate_transformation_mode", "half_pixel")?;
    let Some(&(coordinates, _)) = Coordinates::ALL.iter().find(|e| e.1 == coordinates) else {
        return Err(Error::new("import", format!("{coordinates:?} is not supported"))
            .attribute("coordinate_transformation_mode")
            .hint("half_pixel, align_corners or asymmetric"));
    };
    let method = call.text("method", "linear")?;
    let rounding = call.text("rounding_method", "round")?;
    let coefficient = call.float("cubic_alpha", -0.5)?;
    let exclude_outside = call.flag("cubic_exclude", false)?;
    let extents = call.lower.graph.shape(x)[2..].to_vec();
    let whole = axes == 2 && (0..2).all(|a| extents[a] > 0 && size[a].is_multiple_of(extents[a]));
    let interpolation = match method.as_str() {
        // TVM divides integers where it enlarges by a whole factor from the corner.
        "nearest_neighbor" if coordinates == Coordinates::Asymmetric && whole => {
            Interpolation::Nearest(CoordinateRounding::Floor)
        }
        "nearest_neighbor" => Interpolation::Nearest(match rounding.as_str() {
            // Halves away from zero: coordinates below zero are clamped anyway.
            "round" | "round_prefer_ceil" => CoordinateRounding::PreferCeil,
            "round_prefer_floor" => CoordinateRounding::PreferFloor,
            "floor" => CoordinateRounding::Floor,
            "ceil" => CoordinateRounding::Ceil,
            "" if coordinates == Coordinates::AlignCorners => CoordinateRounding::PreferCeil,
            "" => CoordinateRounding::Floor,
            other => {
                return Err(
                    Error::new("import", format!("{other:?} is not known")).attribute("rounding_method")
                );
            }
        }),
        "linear" => Interpolation::Linear,
        "cubic" => Interpolation::Cubic { coefficient, exclude_outside },
        other => {
            return Err(Error::new("import", format!("{other:?} is not known"))
                .attribute("method")
                .hint("nearest_neighbor, linear or cubic"));
        }
    };
    emit(call, x, &size, interpolation, coordinates, &data)
}

/// `nn.upsampling(x, scale_h, scale_w, ...)` and `nn.upsampling3d`.
pub(super) fn upsampling(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let volume = call.operator == "nn.upsampling3d";
    let own = if volume { "NCDHW" } else { "NCHW" };
    let data = order(call, "layout", own, own)?;
    let x = call.arranged(0, &data)?;
    let mut scales = vec![call.float("scale_h", 1.0)?, call.float("scale_w", 1.0)?];
    let coordinates = if volume {
        scales.insert(0, call.float("scale_d", 1.0)?);
        let key = "coordinate_transformation_mode";
        let stated = call.text(key, "half_pixel")?;
        match Coordinates::ALL.iter().find(|e| e.1 == stated) {
            Some(&(coordinates, _)) => coordinates,
            None => return Err(Error::new("import", format!("{stated:?} is not supported")).attribute(key)),
        }
    } else if call.flag("align_corners", false)? {
        Coordinates::AlignCorners
    } else {
        Coordinates::Asymmetric
    };
    let interpolation = match call.text("method", "nearest_neighbor")?.as_str() {
        "nearest_neighbor" if coordinates == Coordinates::AlignCorners => {
            Interpolation::Nearest(CoordinateRounding::PreferCeil)
        }
        "nearest_neighbor" => Interpolation::Nearest(CoordinateRounding::Floor),
        "bilinear" if !volume => Interpolation::Linear,
        "trilinear" if volume => Interpolation::Linear,
        "bicubic" if !volume => Interpolation::Cubic { coefficient: -0.5, exclude_outside: false },
        other => {
            return Err(Error::new("import", format!("{other:?} is not known"))
                .attribute("method")
                .hint("nearest_neighbor, bilinear (trilinear of volumes) or bicubic"));
        }
    };
    let mut size = vec![0; scales.len()];
    for axis in 0..scales.len() {
        let extent = (call.lower.graph.shape(x)[2 + axis] as f32 * scales[axis]).round();
        if !(1.0..=65_536.0).contains(&extent) {
            return refuse(format!("a scale of {} gives {extent} pixels", scales[axis]));
        }
        size[axis] = extent as usize;
    }
    emit(call, x, &size, interpolation, coordinates, &data)
}

fn emit(
    call: &mut OperatorCall,
    x: ValueId,
    size: &[usize],
    interpolation: Interpolation,
    coordinates: Coordinates,
    data: &[usize],
) -> Result<Operand> {
    let shape = call.lower.graph.shape(x);
    let sizes = [&shape[..2], size].concat();
    let scales = sizes.iter().zip(shape).map(|(&to, &from)| to as f32 / from as f32).collect();
    let id = call.node(Op::Resize(Resize { sizes, scales, interpolation, coordinates }), &[x])?;
    Ok(lying(id, data))
}

/// `image.grid_sample(data, grid)`: the grid is (N, 2, OH, OW).
pub(super) fn grid_sample(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let layout = call.text("layout", "NCHW")?;
    if layout != "NCHW" {
        return Err(Error::new("import", format!("is {layout}")).attribute("layout").hint("NCHW"));
    }
    let method = call.text("method", "bilinear")?;
    if !["nearest", "bilinear", "bicubic"].contains(&method.as_str()) {
        return Err(Error::new("import", format!("{method:?} is not known")).attribute("method"));
    }
    let words = [method, call.text("padding_mode", "zeros")?];
    let words = words.map(|word| AttributeValue::Word(word.into()));
    let corners = AttributeValue::Integer(call.flag("align_corners", true)?.into());
    let op = Described::of("GridSample", words.into_iter().chain([corners]))?;
    let (x, grid) = (call.plain(0)?, call.plain(1)?);
    let places = call.part("grid", Op::Transpose { perm: vec![0, 2, 3, 1] }, &[grid])?;
    let id = call.node(Op::Described(op), &[x, places])?;
    Ok(upright(id, 4))
}
