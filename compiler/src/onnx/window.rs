//! The sliding window that convolutions and pools share: kernel, strides, dilations, padding.

use super::call::Call;
use crate::error::Result;
use crate::graph::{MAX_ELEMENTS, Window};

/// Pixels that SAME padding would crop, from which on runtimes differ.
const MOST_CROPPED: usize = 2;

/// Which axes of a window are read: volumes have windows over planes and along their depth, one after the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// Rows and columns, or columns alone.
    Plane,
    /// The depth of a volume, as rows; one column.
    Depth,
}

/// Extents of an input as those of images (N, C, H, W): what has one spatial axis is an image of height 1, and
/// the depth of what has three is taken together with the channels.
pub(super) fn image(call: &Call, x: &[usize]) -> Result<Vec<usize>> {
    match *x {
        [_, _, _, _] => Ok(x.to_vec()),
        [n, c, width] => Ok(vec![n, c, 1, width]),
        [n, c, depth, height, width] if call.operator().ends_with("Pool") => {
            Ok(vec![n, c.saturating_mul(depth), height, width])
        }
        _ => Err(call
            .error(format!("the input {x:?} is neither a line, (N, C, W), nor an image, (N, C, H, W)"))
            .hint("cut the graph before it")),
    }
}

fn pair(call: &Call, part: Axes, name: &str, values: &[i64]) -> Result<[usize; 2]> {
    let positive = |v: i64| usize::try_from(v).ok().filter(|v| (1..=MAX_ELEMENTS).contains(v));
    let spatial = call.shape(0)?.len().saturating_sub(2);
    let (y, x) = match (part, values) {
        _ if values.len() != spatial => {
            return call
                .refuse(name, format!("{values:?} must have {spatial} elements, one for each spatial axis"));
        }
        (Axes::Depth, &[depth, _, _]) => (depth, 1),
        (Axes::Plane, &[y, x] | &[_, y, x]) => (y, x),
        (Axes::Plane, &[x]) => (1, x),
        _ => return call.refuse(name, format!("{values:?} is out of range")),
    };
    match (positive(y), positive(x)) {
        (Some(y), Some(x)) => Ok([y, x]),
        _ => call.refuse(name, format!("{values:?} is out of range")),
    }
}

/// The attribute `kernel_shape`, if given.
pub(super) fn kernel(call: &mut Call, part: Axes) -> Result<Option<[usize; 2]>> {
    match call.ints("kernel_shape")? {
        Some(values) => pair(call, part, "kernel_shape", values).map(Some),
        None => Ok(None),
    }
}

/// Reads `strides`, `dilations`, explicit `pads` and the name in `auto_pad`.
pub(super) fn explicit<'a>(call: &mut Call<'a>, part: Axes, kernel: [usize; 2]) -> Result<(Window, &'a str)> {
    let mut read = |name| match call.ints(name)? {
        Some(values) => pair(call, part, name, values),
        None => Ok([1, 1]),
    };
    let mut window = Window { kernel, stride: read("strides")?, dilation: read("dilations")?, pads: [0; 4] };
    let explicit = call.ints("pads")?;
    let mode = call.string("auto_pad", "NOTSET")?;
    // Exporters write explicit zeros beside auto_pad; anything else contradicts it.
    let contradicts = explicit.is_some_and(|pads| pads.iter().any(|&p| p != 0));
    match mode {
        "NOTSET" | "" => {
            if let Some(pads) = explicit {
                window.pads = explicit_pads(call, part, pads)?;
            }
        }
        _ if contradicts => return call.refuse("auto_pad", "contradicts the explicit pads"),
        "VALID" | "SAME_UPPER" | "SAME_LOWER" => {}
        other => {
            return call
                .refuse("auto_pad", format!("{other:?} is not NOTSET, SAME_UPPER, SAME_LOWER or VALID"));
        }
    }
    Ok((window, mode))
}

/// The window over an image of spatial extents `spatial`, with `auto_pad` turned into padding.
pub(super) fn window(call: &mut Call, part: Axes, kernel: [usize; 2], spatial: &[usize]) -> Result<Window> {
    let (mut window, mode) = explicit(call, part, kernel)?;
    if let "SAME_UPPER" | "SAME_LOWER" = mode {
        same(call, &mut window, spatial, mode == "SAME_UPPER")?;
    }
    Ok(window)
}

fn explicit_pads(call: &Call, part: Axes, pads: &[i64]) -> Result<[usize; 4]> {
    let spatial = call.shape(0)?.len().saturating_sub(2);
    let [top, left, bottom, right] = match (part, pads) {
        _ if pads.len() != 2 * spatial => {
            return call.refuse("pads", format!("{pads:?} must have {} elements", 2 * spatial));
        }
        (Axes::Depth, &[front, _, _, back, _, _]) => [front, 0, back, 0],
        (Axes::Plane, &[top, left, bottom, right] | &[_, top, left, _, bottom, right]) => {
            [top, left, bottom, right]
        }
        (Axes::Plane, &[left, right]) => [0, left, 0, right],
        _ => return call.refuse("pads", format!("{pads:?} does not fit")),
    };
    let mut result = [0; 4];
    for (slot, pad) in result.iter_mut().zip([top, left, bottom, right]) {
        *slot = match usize::try_from(pad) {
            Ok(p) if p <= MAX_ELEMENTS => p,
            _ => return call.refuse("pads", format!("{pads:?} is out of range (no cropping)")),
        };
    }
    Ok(result)
}

/// Pads so that the result has ceil(extent / stride) elements; the odd one goes last if `upper`.
fn same(call: &Call, window: &mut Window, spatial: &[usize], upper: bool) -> Result<()> {
    for (axis, &extent) in spatial.iter().enumerate() {
        let Some(reach) = window.reach(axis) else {
            return call.refuse("dilations", "the window is too large to handle");
        };
        let stride = window.stride[axis];
        let covered = (extent.div_ceil(stride) - 1) * stride;
        // ONNX's text pads nothing then and begins at the first pixel; runtimes crop, and begin at another one.
        if extent.saturating_sub(covered.saturating_add(reach)) >= MOST_CROPPED {
            let message = format!(
                "a window of {reach} in steps of {stride} over {extent} would crop the image instead of padding it, and \
                 runtimes do not agree where it begins"
            );
            let hint = "explicit pads, with a Slice before them if pixels are to be left out";
            return Err(call.error(message).attribute("auto_pad").hint(hint));
        }
        let total = covered.saturating_add(reach).saturating_sub(extent);
        let (small, large) = (total / 2, total - total / 2);
        let (before, after) = if upper { (small, large) } else { (large, small) };
        window.pads[axis] = before;
        window.pads[axis + 2] = after;
    }
    Ok(())
}
