//! Operators that slide windows over images, and changes of resolution.

use super::{elements, refuse};
use crate::error::Result;
use crate::graph::{Interpolation, MAX_ELEMENTS, Resize, Window};

/// Extents of a sliding window's result along y and x.
pub(super) fn slide(window: &Window, spatial: &[usize]) -> Result<[usize; 2]> {
    let mut out = [0; 2];
    for axis in 0..2 {
        let (stride, dilation) = (window.stride[axis], window.dilation[axis]);
        if window.kernel[axis] == 0 || stride == 0 || dilation == 0 {
            return refuse("kernel, strides and dilations must be positive");
        }
        let padded =
            spatial[axis].checked_add(window.pads[axis]).and_then(|n| n.checked_add(window.pads[axis + 2]));
        let (Some(reach), Some(padded)) = (window.reach(axis), padded) else {
            return refuse("the window is too large to handle");
        };
        if reach > padded {
            return refuse(format!("the window covers {reach} elements, the padded input has only {padded}"));
        }
        out[axis] = (padded - reach) / stride + 1;
    }
    Ok(out)
}

pub(super) fn conv(window: &Window, groups: usize, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let (x, w) = (inputs[0], inputs[1]);
    image(x)?;
    if w.len() != 4 {
        return refuse(format!("the weights {w:?} must have rank 4"));
    }
    if groups == 0 || !x[1].is_multiple_of(groups) || !w[0].is_multiple_of(groups) {
        return refuse(format!("{groups} groups do not divide {} input and {} output channels", x[1], w[0]));
    }
    if w[1] != x[1] / groups {
        return refuse(format!(
            "the weights {w:?} expect {} channels a group, the input has {}",
            w[1],
            x[1] / groups
        ));
    }
    if w[2..] != window.kernel {
        return refuse(format!("kernel {:?} and weights {w:?} disagree", window.kernel));
    }
    if let Some(bias) = inputs.get(2)
        && **bias != [w[0]]
    {
        return refuse(format!("the bias {bias:?} must have shape [{}]", w[0]));
    }
    let [height, width] = slide(window, &x[2..])?;
    Ok(vec![x[0], w[0], height, width])
}

pub(super) fn conv_transpose(
    window: &Window,
    groups: usize,
    output_padding: [usize; 2],
    inputs: &[&[usize]],
) -> Result<Vec<usize>> {
    let (x, w) = (inputs[0], inputs[1]);
    image(x)?;
    if w.len() != 4 || w[0] != x[1] || w[2..] != window.kernel {
        return refuse(format!("the weights {w:?} do not fit the input {x:?} and the kernel"));
    }
    if groups == 0 || !x[1].is_multiple_of(groups) {
        return refuse(format!("{groups} groups do not divide {} input channels", x[1]));
    }
    let Some(outputs) = w[1].checked_mul(groups) else {
        return refuse("the result has too many channels");
    };
    if let Some(bias) = inputs.get(2)
        && **bias != [outputs]
    {
        return refuse(format!("the bias {bias:?} must have shape [{outputs}]"));
    }
    let mut shape = vec![x[0], outputs];
    for axis in 0..2 {
        if window.kernel[axis] == 0 || window.stride[axis] == 0 || window.dilation[axis] == 0 {
            return refuse("kernel, strides and dilations must be positive");
        }
        let extra = [window.pads[axis], window.pads[axis + 2], output_padding[axis]];
        let reach = window.reach(axis).filter(|&r| r <= MAX_ELEMENTS);
        let (Some(reach), true) = (reach, extra.iter().all(|&e| e <= MAX_ELEMENTS)) else {
            return refuse("the window is too large to handle");
        };
        let spread = (x[2 + axis] - 1).saturating_mul(window.stride[axis]);
        let full = spread.saturating_add(reach).saturating_add(output_padding[axis]);
        match full.checked_sub(window.pads[axis] + window.pads[axis + 2]) {
            Some(extent) if extent > 0 => shape.push(extent),
            _ => return refuse(format!("the padding cuts off all {full} elements of an axis")),
        }
    }
    Ok(shape)
}

pub(super) fn pool(window: &Window, x: &[usize]) -> Result<Vec<usize>> {
    image(x)?;
    let out = slide(window, &x[2..])?;
    for axis in 0..2 {
        elements(&out)?;
        // A window with no tap inside the input would be the maximum, or mean, of nothing.
        if let Some(o) = (0..out[axis]).find(|&o| window.taps_inside(axis, o, x[2 + axis]).is_empty()) {
            return refuse(format!("window {o} lies wholly in the padding"));
        }
    }
    Ok(vec![x[0], x[1], out[0], out[1]])
}

pub(super) fn global(x: &[usize]) -> Result<Vec<usize>> {
    if x.len() < 3 {
        return refuse(format!("the input {x:?} has no spatial axes"));
    }
    let mut shape = vec![1; x.len()];
    shape[..2].copy_from_slice(&x[..2]);
    Ok(shape)
}

pub(super) fn image(x: &[usize]) -> Result<()> {
    if x.len() != 4 {
        return refuse(format!("the input {x:?} has rank {}, an image has rank 4 (N, C, H, W)", x.len()));
    }
    Ok(())
}

pub(super) fn resize(r: &Resize, x: &[usize]) -> Result<Vec<usize>> {
    if r.sizes.len() != x.len() || r.scales.len() != x.len() {
        return refuse(format!("the sizes {:?} do not fit the rank of {x:?}", r.sizes));
    }
    if let Some(scale) = r.scales.iter().find(|s| !(s.is_finite() && **s > 0.0)) {
        return refuse(format!("a scale is {scale}"));
    }
    if let Interpolation::Cubic { coefficient, .. } = r.interpolation
        && !coefficient.is_finite()
    {
        return refuse(format!("the cubic coefficient is {coefficient}"));
    }
    Ok(r.sizes.clone())
}
