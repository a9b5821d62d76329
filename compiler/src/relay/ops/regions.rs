//! Operators on regions of images: `vision.roi_align`, `vision.roi_pool`, `image.crop_and_resize`, and the grid of
//! `image.affine_grid`.

use super::super::arrange::{lying, upright};
use super::super::array::Elements;
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::layout::layout;
use crate::error::{Error, Result};
use crate::graph::{Op, ValueId, Window};
use crate::onnx::{SingleAttribute, SingleInput};

/// Rows and columns of a result.
fn extents(call: &mut OperatorCall, key: &str) -> Result<[usize; 2]> {
    if !call.has(key) {
        return Err(Error::new("import", "is missing").attribute(key));
    }
    let extents = call.pair(key, 1)?;
    match extents.iter().all(|n| (1..=4096).contains(n)) {
        true => Ok(extents),
        false => Err(Error::new("import", format!("{extents:?} is out of reach")).attribute(key)),
    }
}

/// Columns of a table as a value.
fn columns(call: &mut OperatorCall, table: ValueId, first: usize, count: usize) -> Result<ValueId> {
    let rows = call.lower.graph.shape(table)[0];
    let op = Op::Slice { starts: vec![0, first], steps: vec![1; 2], extents: vec![rows, count] };
    call.part("columns", op, &[table])
}

/// `vision.roi_align(data, rois, pooled_size, spatial_scale, sample_ratio, layout, mode)`: rois are (R, 5) of the image's
/// number, left, top, right and bottom.
pub(super) fn roi_align(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let [rows, across] = extents(call, "pooled_size")?;
    let scale = call.float("spatial_scale", 1.0)?;
    let ratio = call.integer("sample_ratio")?.unwrap_or(-1).max(0);
    let mode = call.text("mode", "avg")?;
    let regions = call.shape(1)?;
    if regions.len() != 2 || regions[1] != 5 {
        return refuse(format!("the regions {regions:?} are no rows of 5"));
    }
    // The largest sample, where ONNX Runtime takes the largest share of a sample: each is a cell of its own first.
    let cell = match mode.as_str() {
        "avg" => 1,
        "max" if (1..=64).contains(&ratio) => ratio as usize,
        "max" => {
            return Err(Error::new("import", "the largest of as many samples as fit is not supported")
                .attribute("sample_ratio")
                .hint("a fixed number of samples, 1 to 64, or mode=\"avg\""));
        }
        other => return Err(Error::new("import", format!("{other:?} is not known")).attribute("mode")),
    };
    let x = call.arranged(0, &data)?;
    let table = call.plain(1)?;
    let numbers = columns(call, table, 0, 1)?;
    let numbers = call.shaped("numbers", numbers, &regions[..1])?;
    let table = columns(call, table, 1, 4)?;
    let attributes = [
        ("mode", SingleAttribute::Word("avg")),
        ("output_height", SingleAttribute::Integer((rows * cell) as i64)),
        ("output_width", SingleAttribute::Integer((across * cell) as i64)),
        ("sampling_ratio", SingleAttribute::Integer(if cell > 1 { 1 } else { ratio })),
        ("spatial_scale", SingleAttribute::Real(scale)),
        ("coordinate_transformation_mode", SingleAttribute::Word("output_half_pixel")),
    ];
    let mut y = call.onnx("RoiAlign", [x, table, numbers].map(SingleInput::Value).into(), &attributes)?;
    if cell > 1 {
        let window = Window { kernel: [cell; 2], stride: [cell; 2], ..Window::UNIT };
        y = call.part("max", Op::MaxPool { window }, &[y])?;
    }
    Ok(lying(y, &data))
}

/// Whether cells of a region of `size` pixels begin and end elsewhere where float32 rounds: TVM allows for that, ONNX
/// Runtime does not.
fn differs(size: usize, cells: usize) -> bool {
    let cell = size as f32 / cells as f32;
    (0..cells).any(|i| {
        let (first, end) = ((i as f32 * cell).floor(), ((i + 1) as f32 * cell).ceil());
        first != (i * size / cells) as f32 || end != ((i + 1) * size).div_ceil(cells) as f32
    })
}

/// `vision.roi_pool(data, rois, pooled_size, spatial_scale, layout)`, with rois as for `vision.roi_align`.
pub(super) fn roi_pool(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(2)?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    if data != [0, 1, 2, 3] {
        return Err(Error::new("import", "is not NCHW").attribute("layout").hint("NCHW"));
    }
    let wanted = extents(call, "pooled_size")?;
    let scale = call.float("spatial_scale", 1.0)?;
    let shape = call.shape(0)?;
    // What the regions are that are computed is not known: as large as twice the image at most.
    let largest = 2 * shape.iter().skip(2).max().copied().unwrap_or(0) + 1;
    let mut sizes: [Vec<usize>; 2] = [(1..=largest).collect(), (1..=largest).collect()];
    if let Ok(constant) = call.constant(1)
        && constant.array.shape.len() == 2
        && constant.array.shape[1] == 5
    {
        let rois = constant.array.to_floats();
        let size = |roi: &[f32], first: usize| {
            let at = |i: usize| (roi[i] * scale).round();
            (at(first + 2) - at(first) + 1.0).clamp(1.0, 65_536.0) as usize
        };
        sizes = [2, 1].map(|first| rois.chunks(5).map(|roi| size(roi, first)).collect());
    }
    for (sizes, cells) in sizes.iter().zip(wanted) {
        if let Some(size) = sizes.iter().find(|&&size| differs(size, cells)) {
            let message = format!("{cells} cells of a region of {size} pixels are rounded in another way");
            return Err(Error::new("import", message)
                .attribute("pooled_size")
                .hint("another number of cells"));
        }
    }
    let inputs = vec![call.given(0)?, call.given(1)?];
    let attributes = [
        ("pooled_shape", SingleAttribute::Integers(wanted.map(|n| n as i64).into())),
        ("spatial_scale", SingleAttribute::Real(scale)),
    ];
    let y = call.onnx("MaxRoiPool", inputs, &attributes)?;
    Ok(upright(y, 4))
}

/// Weights (extent, size) of a cropped axis, and which elements of the result lie outside: in float32 in TVM's order.
fn crop(start: f32, end: f32, extent: usize, size: usize, nearest: bool) -> (Vec<f32>, Vec<bool>) {
    let last = (extent - 1) as f32;
    let step = last * (end - start) / (size - 1) as f32;
    let mut weights = vec![0.0; extent * size];
    let mut outside = vec![false; size];
    for (o, outside) in outside.iter_mut().enumerate() {
        let place = start * last + step * o as f32;
        *outside = !(0.0..=last).contains(&place);
        if *outside {
            continue;
        }
        // Halves go away from zero.
        let (low, share) = match nearest {
            true => (place.round(), 0.0),
            false => (place.floor(), place - place.floor()),
        };
        let low = low as usize;
        weights[low * size + o] += 1.0 - share;
        weights[(low + 1).min(extent - 1) * size + o] += share;
    }
    (weights, outside)
}

/// `image.crop_and_resize(data, boxes, box_indices, crop_size, layout, method, extrapolation_value)` of constant boxes
/// (R, 4) of top, left, bottom and right, each 0 to 1: products with a matrix along columns and along rows.
pub(super) fn crop_and_resize(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    call.float_result()?;
    let data = layout(call, "layout", "NCHW", "NCHW")?;
    let wanted = extents(call, "crop_size")?;
    if wanted.contains(&1) {
        return Err(Error::new("import", "a size of 1 has no step")
            .attribute("crop_size")
            .hint("2 and more"));
    }
    let nearest = match call.text("method", "bilinear")?.as_str() {
        "bilinear" => false,
        "nearest_neighbor" => true,
        other => return Err(Error::new("import", format!("{other:?} is not known")).attribute("method")),
    };
    let beyond = call.float("extrapolation_value", 0.0)?;
    let boxes = call.constant(1)?;
    let (images, numbers) = call.integers(2)?;
    let Elements::Floats(edges) = &boxes.array.elements else { return refuse("boxes must be floats") };
    if boxes.array.shape != [numbers.len(), 4] || images.len() != 1 || edges.iter().any(|e| !e.is_finite()) {
        return refuse(format!("boxes {:?} and images {images:?} do not fit", boxes.array.shape));
    }
    let mut x = call.arranged(0, &data)?;
    let shape = call.lower.graph.shape(x).to_vec();
    let number = |&n: &i64| usize::try_from(n).ok().filter(|n| *n < shape[0]);
    let Some(numbers) = numbers.iter().map(number).collect::<Option<Vec<_>>>() else {
        return refuse(format!("a box names none of {} images", shape[0]));
    };
    let count = numbers.len();
    if !numbers.iter().copied().eq(0..shape[0]) {
        x = call.part("images", Op::Gather { axis: 0, indices: numbers, shape: vec![count] }, &[x])?;
    }
    let mut outside = vec![vec![]; 2];
    for axis in [1, 0] {
        let (extent, size) = (shape[2 + axis], wanted[axis]);
        let mut weights = Vec::new();
        for edges in edges.chunks(4) {
            let (own, out) = crop(edges[axis], edges[axis + 2], extent, size, nearest);
            weights.extend(own);
            outside[axis].push(out);
        }
        let each: &[usize] = &[count, 1, extent, size];
        let weights = call.reals(if count == 1 { &each[2..] } else { each }, weights)?;
        let turn = Op::Transpose { perm: vec![0, 1, 3, 2] };
        if axis == 0 {
            x = call.part("turn", turn.clone(), &[x])?;
        }
        x = call.part("crop", Op::MatMul, &[x, weights])?;
        if axis == 0 {
            x = call.part("back", turn, &[x])?;
        }
    }
    if beyond != 0.0 && outside.iter().flatten().flatten().any(|out| *out) {
        let [rows, columns] = wanted;
        let value = |n: usize| {
            let (region, row, column) = (n / (rows * columns), n / columns % rows, n % columns);
            if outside[0][region][row] || outside[1][region][column] { beyond } else { 0.0 }
        };
        let values = (0..count * rows * columns).map(value).collect();
        let values = call.reals(&[count, 1, rows, columns], values)?;
        x = call.part("beyond", Op::Add, &[x, values])?;
    }
    Ok(lying(x, &data))
}

/// `image.affine_grid(theta, target_shape)`: theta (N, 2, 3) times the places of all pixels, -1 to 1, as columns.
pub(super) fn affine_grid(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let theta = call.shape(0)?;
    let [rows, columns] = extents(call, "target_shape")?;
    if rows < 2 || columns < 2 {
        return Err(Error::new("import", "must be 2 and more").attribute("target_shape"));
    }
    if theta.len() != 3 || theta[1..] != [2, 3] {
        return refuse(format!("the matrices {theta:?} are not (N, 2, 3)"));
    }
    // As TVM steps: not quite to 1.
    let place = |i: usize, count: usize| -1.0 + i as f32 * ((2.0 - 1e-7) / (count - 1) as f64) as f32;
    let pixels = rows * columns;
    let value = |n: usize| match n / pixels {
        0 => place(n % columns, columns),
        1 => place(n % pixels / columns, rows),
        _ => 1.0,
    };
    let places = call.reals(&[3, pixels], (0..3 * pixels).map(value).collect())?;
    let theta_value = call.plain(0)?;
    let y = call.part("places", Op::MatMul, &[theta_value, places])?;
    let y = call.lower.graph.reshape(call.name, y, &[theta[0], 2, rows, columns])?;
    Ok(upright(y, 4))
}
