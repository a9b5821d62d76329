//! Conv and ConvTranspose.

use super::call::Call;
use super::volume;
use super::window::{Axes, explicit, image, kernel, window};
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Op, Window};
use crate::memory;

/// Conv: image or volume, weights and an optional bias.
pub(super) fn conv(call: &mut Call) -> Result<()> {
    let inputs = call.values(2..=3)?;
    if call.shape(0)?.len() == 5 {
        return volume::conv(call, &inputs);
    }
    let op = layer(call, 0, 1)?;
    call.emit_image(op, &inputs)
}

/// The convolution of input `x` with the weights in input `w`.
pub(super) fn layer(call: &mut Call, x: usize, w: usize) -> Result<Op> {
    let (x, w) = (call.shape(x)?, call.shape(w)?);
    let (x, w) = (image(call, &x)?, image(call, &w)?);
    let own = own_kernel(call, &w)?;
    let window = window(call, Axes::Plane, own, &x[2..])?;
    let groups = groups(call)?;
    Ok(Op::Conv { window, groups })
}

/// Rows and columns of the kernel in weights of shape `w`, which `kernel_shape` must not contradict.
fn own_kernel(call: &mut Call, w: &[usize]) -> Result<[usize; 2]> {
    let [_, _, height, width] = *w else {
        return Err(call.error(format!("the weights {w:?} must have rank 4")));
    };
    let own = [height, width];
    match kernel(call, Axes::Plane)? {
        Some(declared) if declared != own => {
            call.refuse("kernel_shape", format!("{declared:?} disagrees with the weights {w:?}"))
        }
        _ => Ok(own),
    }
}

fn groups(call: &mut Call) -> Result<usize> {
    let groups = call.int("group", 1)?;
    usize::try_from(groups).or_else(|_| call.refuse("group", format!("is {groups}")))
}

/// ConvTranspose of an image or a volume; `output_shape` and `auto_pad` become padding.
pub(super) fn conv_transpose(call: &mut Call) -> Result<()> {
    let inputs = call.values(2..=3)?;
    let (x, w) = (call.shape(0)?, call.shape(1)?);
    if x.len() == 5 {
        return volume::conv_transpose(call, &inputs);
    }
    let (x, w) = (image(call, &x)?, image(call, &w)?);
    let own = own_kernel(call, &w)?;
    let (mut window, mode) = explicit(call, Axes::Plane, own)?;
    let groups = groups(call)?;
    let line = call.shape(0)?.len() == 3;
    let two = |call: &Call, name: &str, values: Option<&[i64]>| match values {
        None => Ok(None),
        Some(&[x]) if line => match usize::try_from(x) {
            Ok(x) if x <= MAX_ELEMENTS => Ok(Some([usize::from(name == "output_shape"), x])),
            _ => call.refuse(name, "is out of range"),
        },
        Some(&[y, x]) => match (usize::try_from(y), usize::try_from(x)) {
            (Ok(y), Ok(x)) if y.max(x) <= MAX_ELEMENTS => Ok(Some([y, x])),
            _ => call.refuse(name, "is out of range"),
        },
        Some(_) => call.refuse(name, "must have two elements, for y and x"),
    };
    let added = call.ints("output_padding")?;
    let mut output_padding = two(call, "output_padding", added)?.unwrap_or([0; 2]);
    let wanted = call.ints("output_shape")?;
    // Some exporters write the whole shape.
    let wanted = wanted.map(|w| if w.len() == 4 || w.len() == 3 { &w[2..] } else { w });
    let wanted = two(call, "output_shape", wanted)?;
    let same = [mode.starts_with("SAME"); 2];
    let targets = wanted.map(|w| w.map(Some)).unwrap_or_else(|| {
        std::array::from_fn(|a| same[a].then(|| x[2 + a].saturating_mul(window.stride[a])))
    });
    for axis in 0..2 {
        let (Some(target), Some(reach)) = (targets[axis], window.reach(axis)) else {
            continue;
        };
        let spread = (x[2 + axis] - 1).saturating_mul(window.stride[axis]);
        let full = spread.saturating_add(reach).saturating_add(output_padding[axis]);
        if same[axis] && target > full {
            let message = format!(
                "a window of {reach} in steps of {} makes {full} of {} elements, fewer than the {target} of SAME padding, \
                 and runtimes do not agree how many they are",
                window.stride[axis],
                x[2 + axis]
            );
            return Err(call.error(message).attribute("auto_pad").hint("explicit pads and output_padding"));
        }
        let total = full.saturating_sub(target);
        output_padding[axis] += target.saturating_sub(full);
        let (small, large) = (total / 2, total - total / 2);
        // The odd row: last for SAME_UPPER, first otherwise.
        let (before, after) = if mode == "SAME_UPPER" { (small, large) } else { (large, small) };
        (window.pads[axis], window.pads[axis + 2]) = (before, after);
    }
    call.emit_image(Op::ConvTranspose { window, groups, output_padding }, &inputs)
}

/// Col2Im of blocks of images: a transposed convolution of one kernel for each place in a block, which is 1 there.
pub(super) fn column_to_image(call: &mut Call) -> Result<()> {
    call.arity(3)?;
    let x = call.value(0)?;
    let shape = call.shape(0)?;
    let two = |call: &Call, input: usize| match call.integers(input)?[..] {
        [y, x] if y.min(x) > 0 && y.max(x) <= MAX_ELEMENTS as i64 => Ok([y as usize, x as usize]),
        _ => Err(call.error(format!("input {input} must have two extents, rows and columns"))),
    };
    let (image, block) = (two(call, 1)?, two(call, 2)?);
    let [n, channels, columns] = shape[..] else {
        return Err(call.error(format!("the input {shape:?} is not (N, C, L)")));
    };
    let window = columns_window(call, block)?;
    let mut steps = [0; 2];
    let mut output_padding = [0; 2];
    for axis in 0..2 {
        let padded = image[axis].saturating_add(window.pads[axis]).saturating_add(window.pads[axis + 2]);
        let Some(rest) = window.reach(axis).and_then(|reach| padded.checked_sub(reach)) else {
            return Err(call.error(format!("blocks of {block:?} do not fit the image {image:?}")));
        };
        (steps[axis], output_padding[axis]) = (rest / window.stride[axis] + 1, rest % window.stride[axis]);
    }
    let places = block[0].saturating_mul(block[1]);
    if channels % places != 0 || steps[0].saturating_mul(steps[1]) != columns {
        let message = format!("blocks of {block:?} of an image {image:?} do not make an input of {shape:?}");
        return Err(call.error(message));
    }
    let groups = channels / places;
    let elements = channels.saturating_mul(places);
    memory::check(memory::floats(elements), "the kernel of all blocks")?;
    let blocks = call.reshaped(x, &[n, channels, steps[0], steps[1]])?;
    let one = |i: usize| f32::from(u8::from(i / places % places == i % places));
    let kernels = (0..elements).map(one).collect();
    let kernels = call.floats_value(&[channels, 1, block[0], block[1]], kernels)?;
    call.emit(Op::ConvTranspose { window, groups, output_padding }, &[blocks, kernels])
}

/// The window of Col2Im, whose attributes are those of images although its input has one axis for all blocks.
fn columns_window(call: &mut Call, kernel: [usize; 2]) -> Result<Window> {
    let mut window = Window { kernel, ..Window::UNIT };
    for (name, least) in [("strides", 1), ("dilations", 1), ("pads", 0)] {
        let Some(values) = call.ints(name)? else { continue };
        let numbers: Vec<usize> = values
            .iter()
            .map_while(|&v| usize::try_from(v).ok().filter(|v| (least..=MAX_ELEMENTS).contains(v)))
            .collect();
        match (name, &numbers[..]) {
            _ if numbers.len() != values.len() => {
                return call.refuse(name, format!("{values:?} is out of range"));
            }
            ("strides", &[y, x]) => window.stride = [y, x],
            ("dilations", &[y, x]) => window.dilation = [y, x],
            ("pads", &[top, left, bottom, right]) => window.pads = [top, left, bottom, right],
            _ => return call.refuse(name, format!("{values:?} is not of rows and columns")),
        }
    }
    Ok(window)
}
