//! Conv and ConvTranspose of volumes (N, C, D, H, W): each plane of the result is a convolution of images, over the planes
//! of the input that its window covers, taken together with the channels, or a sum of transposed ones.

use std::collections::HashMap;

use super::call::Call;
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Op, ValueId, Window};

/// Convolutions of images that one of volumes may become.
const MOST: usize = 256;
/// (N, C, D, H, W) to (N, D, C, H, W) and back.
const TURNED: [usize; 5] = [0, 2, 1, 3, 4];

/// Numbers of an attribute, `default` where it is not given.
fn numbers<const N: usize>(
    call: &mut Call,
    name: &'static str,
    default: usize,
    least: i64,
) -> Result<[usize; N]> {
    let Some(values) = call.ints(name)? else { return Ok([default; N]) };
    let fits = |v: &&i64| (least..=MAX_ELEMENTS as i64).contains(*v);
    if values.len() != N || values.iter().filter(fits).count() != N {
        return call.refuse(name, format!("{values:?} are not {N} numbers from {least} on"));
    }
    Ok(std::array::from_fn(|i| values[i] as usize))
}

/// Refuses a `kernel_shape` other than that of the weights.
fn check_kernel(call: &mut Call, weights: &[usize]) -> Result<()> {
    match call.ints("kernel_shape")? {
        Some(declared)
            if !declared.iter().map(|&d| usize::try_from(d)).eq(weights[2..].iter().map(|&k| Ok(k))) =>
        {
            call.refuse("kernel_shape", format!("{declared:?} disagrees with the weights {weights:?}"))
        }
        _ => Ok(()),
    }
}

/// Conv of a volume with weights (O, C / groups, KD, KH, KW) and maybe a bias.
pub(super) fn conv(call: &mut Call, inputs: &[ValueId]) -> Result<()> {
    let (x, w) = (call.shape_of(inputs[0]), call.shape_of(inputs[1]));
    let (&[n, c, depth, height, width], &[o, each, taps, rows, columns]) = (&x[..], &w[..]) else {
        return Err(call.error(format!("the weights {w:?} do not fit the volume {x:?}")));
    };
    check_kernel(call, &w)?;
    let (strides, dilations) = (numbers::<3>(call, "strides", 1, 1)?, numbers::<3>(call, "dilations", 1, 1)?);
    let pads = numbers::<6>(call, "pads", 0, 0)?;
    let mode = call.string("auto_pad", "NOTSET")?;
    if !matches!(mode, "NOTSET" | "VALID" | "") {
        return call.refuse("auto_pad", format!("{mode:?} of a volume is not supported, explicit pads are"));
    }
    let groups = call.int("group", 1)?;
    let groups = usize::try_from(groups).or_else(|_| call.refuse("group", format!("is {groups}")))?;
    let along = Window {
        kernel: [taps, 1],
        stride: [strides[0], 1],
        dilation: [dilations[0], 1],
        pads: [pads[0], 0, pads[3], 0],
    };
    let padded = depth + pads[0] + pads[3];
    if along.reach(0).is_none_or(|reach| reach > padded) {
        return call
            .refuse("pads", format!("the window covers more than the {padded} planes of the padded input"));
    }
    let planes = along.places(0, depth);
    // With groups the planes of a window cannot join the channels: each tap is a convolution.
    let at_once = if groups == 1 { taps } else { 1 };
    if planes.saturating_mul(taps / at_once) > MOST {
        return Err(call
            .error(format!(
                "becomes {} convolutions of images, at most {MOST} are supported",
                planes * taps / at_once
            ))
            .hint("fewer planes at a time"));
    }
    let window = Window {
        kernel: [rows, columns],
        stride: [strides[1], strides[2]],
        dilation: [dilations[1], dilations[2]],
        pads: [pads[1], pads[2], pads[4], pads[5]],
    };
    let turn = Op::Transpose { perm: TURNED.to_vec() };
    let (volume, weights) =
        (call.apply(turn.clone(), &inputs[..1])?, call.apply(turn.clone(), &inputs[1..2])?);
    let mut kernels: HashMap<(usize, usize), ValueId> = HashMap::new();
    let mut made = Vec::with_capacity(planes);
    for plane in 0..planes {
        let all: Vec<usize> = along.taps_inside(0, plane, depth).collect();
        if all.is_empty() {
            return call.refuse("pads", format!("plane {plane} of the result lies wholly in the padding"));
        }
        let mut sum = None;
        for part in all.chunks(at_once) {
            let (first, count) = (part[0], part.len());
            let from = plane * strides[0] + first * dilations[0] - pads[0];
            let image = cut(call, volume, [from, count], dilations[0], &[n, count * c, height, width])?;
            let kernel = match kernels.get(&(first, count)) {
                Some(&kernel) => kernel,
                None => cut(call, weights, [first, count], 1, &[o, count * each, rows, columns])?,
            };
            kernels.insert((first, count), kernel);
            let bias = inputs.get(2).filter(|_| sum.is_none());
            let operands: Vec<ValueId> = [image, kernel].into_iter().chain(bias.copied()).collect();
            let y = call.apply(Op::Conv { window: window.clone(), groups }, &operands)?;
            sum = Some(match sum {
                None => y,
                Some(sum) => call.apply(Op::Add, &[sum, y])?,
            });
        }
        let y = sum.expect("there are taps inside");
        let mut shape = call.shape_of(y);
        shape.insert(1, 1);
        made.push(call.reshaped(y, &shape)?);
    }
    let joined = call.apply(Op::Concat { axis: 1 }, &made)?;
    call.emit(turn, &[joined])
}

/// ConvTranspose of a volume with weights (C, O / groups, KD, KH, KW) and maybe a bias.
pub(super) fn conv_transpose(call: &mut Call, inputs: &[ValueId]) -> Result<()> {
    let (x, w) = (call.shape_of(inputs[0]), call.shape_of(inputs[1]));
    let (&[n, c, depth, height, width], &[into, each, taps, rows, columns]) = (&x[..], &w[..]) else {
        return Err(call.error(format!("the weights {w:?} do not fit the volume {x:?}")));
    };
    check_kernel(call, &w)?;
    const EXPLICIT: &str = "of a volume is not supported, explicit pads and output_padding are";
    if call.given("output_shape") {
        return call.refuse("output_shape", EXPLICIT);
    }
    if !matches!(call.string("auto_pad", "NOTSET")?, "NOTSET" | "VALID" | "") {
        return call.refuse("auto_pad", EXPLICIT);
    }
    let (strides, dilations) = (numbers::<3>(call, "strides", 1, 1)?, numbers::<3>(call, "dilations", 1, 1)?);
    let (pads, added) = (numbers::<6>(call, "pads", 0, 0)?, numbers::<3>(call, "output_padding", 0, 0)?);
    let groups = call.int("group", 1)?;
    let groups = usize::try_from(groups).or_else(|_| call.refuse("group", format!("is {groups}")))?;
    let window = Window {
        kernel: [rows, columns],
        stride: [strides[1], strides[2]],
        dilation: [dilations[1], dilations[2]],
        pads: [pads[1], pads[2], pads[4], pads[5]],
    };
    let op = Op::ConvTranspose { window, groups, output_padding: [added[1], added[2]] };
    let reach = (taps - 1).saturating_mul(dilations[0]).saturating_add(1);
    let spread = (depth - 1).saturating_mul(strides[0]).saturating_add(reach).saturating_add(added[0]);
    let Some(planes) = spread.checked_sub(pads[0] + pads[3]).filter(|&planes| planes > 0) else {
        return call.refuse("pads", format!("{pads:?} leave nothing of {spread} planes"));
    };
    if depth.saturating_mul(taps) > MOST || planes > MOST {
        return Err(call
            .error(format!("becomes {} convolutions of images, at most {MOST} are supported", depth * taps))
            .hint("fewer planes at a time"));
    }
    let volume = call.apply(Op::Transpose { perm: TURNED.to_vec() }, &inputs[..1])?;
    let weights = call.apply(Op::Transpose { perm: vec![2, 0, 1, 3, 4] }, &inputs[1..2])?;
    let mut images = Vec::with_capacity(depth);
    for plane in 0..depth {
        images.push(cut(call, volume, [plane, 1], 1, &[n, c, height, width])?);
    }
    let mut kernels = Vec::with_capacity(taps);
    for tap in 0..taps {
        let (starts, steps) = (vec![tap, 0, 0, 0, 0], vec![1; 5]);
        let slice = Op::Slice { starts, steps, extents: vec![1, into, each, rows, columns] };
        let kernel = call.apply(slice, &[weights])?;
        kernels.push(call.reshaped(kernel, &[into, each, rows, columns])?);
    }
    let mut made = Vec::with_capacity(planes);
    for plane in 0..planes {
        // The plane of the input that each tap takes to this one.
        let from = |tap: usize| {
            let offset = (plane + pads[0]).checked_sub(tap * dilations[0])?;
            let from = offset / strides[0];
            (offset % strides[0] == 0 && from < depth).then_some((from, tap))
        };
        let mut sum = None;
        for (from, tap) in (0..taps).filter_map(from) {
            let bias = inputs.get(2).filter(|_| sum.is_none());
            let operands: Vec<ValueId> =
                [images[from], kernels[tap]].into_iter().chain(bias.copied()).collect();
            let y = call.apply(op.clone(), &operands)?;
            sum = Some(match sum {
                None => y,
                Some(sum) => call.apply(Op::Add, &[sum, y])?,
            });
        }
        let Some(y) = sum else {
            return call.refuse("strides", format!("plane {plane} of the result has nothing but its bias"));
        };
        let mut shape = call.shape_of(y);
        shape.insert(1, 1);
        made.push(call.reshaped(y, &shape)?);
    }
    let joined = call.apply(Op::Concat { axis: 1 }, &made)?;
    call.emit(Op::Transpose { perm: TURNED.to_vec() }, &[joined])
}

/// So many planes of a turned volume, `step` apart, as an image of `shape`.
fn cut(
    call: &mut Call,
    x: ValueId,
    [first, count]: [usize; 2],
    step: usize,
    shape: &[usize],
) -> Result<ValueId> {
    let mut extents = call.shape_of(x);
    extents[1] = count;
    let steps = vec![1, if count > 1 { step as i64 } else { 1 }, 1, 1, 1];
    let part = call.apply(Op::Slice { starts: vec![0, first, 0, 0, 0], steps, extents }, &[x])?;
    call.reshaped(part, shape)
}
