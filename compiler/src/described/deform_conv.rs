//! DeformConv: a convolution whose taps are moved by computed offsets.
//!
//! J. Dai et al., "Deformable Convolutional Networks", 2017, and, with a mask, X. Zhu et al., "Deformable ConvNets v2",
//! 2018.

use super::grid_sample::bilinear;
use super::{Attribute, AttributeValue, Described, Descriptor, misfit};
use crate::error::Result;
use crate::graph::Window;
use ndarray::{ArrayD, ArrayViewD, IxDyn, s};
use std::borrow::Cow;

const ONES: &[(i64, AttributeValue)] = &[(1, AttributeValue::Integers(Cow::Borrowed(&[1, 1])))];

/// Inputs: x (N,C,H,W), w (O,C/groups,KH,KW), offsets (N,2*G*KH*KW,OH,OW) of rows and columns, each tap's in turn,
/// optional bias (O), optional mask (N,G*KH*KW,OH,OW); G offset groups share the channels out.
pub(super) static DESCRIPTOR: Descriptor = Descriptor {
    name: "DeformConv",
    text: "deformable_conv2d",
    attributes: &[
        Attribute::new("dilations", ONES),
        Attribute::new("group", &[(1, AttributeValue::Integer(1))]),
        Attribute::new("kernel_shape", &[(1, AttributeValue::Integers(Cow::Borrowed(&[])))]),
        Attribute::new("offset_group", &[(1, AttributeValue::Integer(1))]),
        Attribute::new("pads", &[(1, AttributeValue::Integers(Cow::Borrowed(&[0; 4])))]),
        Attribute::new("strides", ONES),
    ],
    inputs: 3..=5,
    whole: &[],
    steps: |_| false,
    limits: "images",
    absent: |before| vec![before[1][0]],
    shape,
    value,
};

/// The window that is moved over the image.
fn window(op: &Described, kernel: [usize; 2]) -> Result<Window> {
    let (stride, dilation) = (op.counts("strides", 1)?, op.counts("dilations", 1)?);
    Ok(Window { kernel, stride, dilation, pads: op.counts("pads", 0)? })
}

fn shape(op: &Described, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let (&[n, channels, height, width], &[outputs, depth, rows, columns]) = (inputs[0], inputs[1]) else {
        return misfit(format!("weights {:?} do not fit images {:?}", inputs[1], inputs[0]));
    };
    let (groups, parts) = (op.count("group", 1)?, op.count("offset_group", 1)?);
    let given = op.integers("kernel_shape");
    if !given.is_empty() && op.counts::<2>("kernel_shape", 1)? != [rows, columns] {
        return misfit(format!("the kernel {given:?} is not that of weights {:?}", inputs[1]));
    }
    if depth.checked_mul(groups) != Some(channels) || outputs % groups != 0 || channels % parts != 0 {
        return misfit(format!(
            "weights {:?} in {groups} groups, with offsets in {parts}, do not fit {channels} channels",
            inputs[1]
        ));
    }
    let window = window(op, [rows, columns])?;
    let extent = |axis: usize, size: usize| {
        let padded = size.checked_add(window.pads[axis])?.checked_add(window.pads[axis + 2])?;
        window.reach(axis).filter(|&reach| reach <= padded).map(|_| window.places(axis, size))
    };
    let (Some(high), Some(wide)) = (extent(0, height), extent(1, width)) else {
        return misfit(format!("the kernel does not fit into {height}x{width} with its padding"));
    };
    let taps = parts * rows * columns;
    let wanted = [vec![n, 2 * taps, high, wide], vec![outputs], vec![n, taps, high, wide]];
    for (input, (given, wanted)) in inputs[2..].iter().zip(&wanted).enumerate() {
        if given != wanted {
            return misfit(format!("input {} is {given:?}, not {wanted:?}", input + 2));
        }
    }
    Ok(vec![n, outputs, high, wide])
}

fn value(op: &Described, inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let (x, w, offsets) = (&inputs[0], &inputs[1], &inputs[2]);
    let (channels, outputs, depth) = (x.shape()[1], w.shape()[0], w.shape()[1]);
    let kernel = [w.shape()[2], w.shape()[3]];
    let window = window(op, kernel).expect("inference has read it");
    let parts = op.count("offset_group", 1).expect("inference has read it");
    let taps = kernel[0] * kernel[1];
    let mut y = ArrayD::zeros(IxDyn(shape));
    let place = |axis: usize, at: usize, tap: usize| {
        (at * window.stride[axis] + tap * window.dilation[axis]) as f32 - window.pads[axis] as f32
    };
    // What the taps of a place read, channel by channel.
    let mut read = vec![0.0f32; channels * taps];
    for n in 0..shape[0] {
        for (row, column) in (0..shape[2]).flat_map(|row| (0..shape[3]).map(move |column| (row, column))) {
            for (i, read) in read.iter_mut().enumerate() {
                let (channel, tap) = (i / taps, i % taps);
                let moved = channel / (channels / parts) * taps + tap;
                let offset = |axis: usize| offsets[[n, 2 * moved + axis, row, column]];
                let at = [
                    place(0, row, tap / kernel[1]) + offset(0),
                    place(1, column, tap % kernel[1]) + offset(1),
                ];
                let mask = inputs.get(4).map_or(1.0, |mask| mask[[n, moved, row, column]]);
                *read = mask * bilinear(&x.slice(s![n, channel, .., ..]), at);
            }
            for output in 0..outputs {
                let first = output / (outputs / (channels / depth)) * depth * taps;
                let weights = w.slice(s![output, .., .., ..]);
                let products = weights.iter().zip(&read[first..]).map(|(w, x)| f64::from(*w) * f64::from(*x));
                let bias = inputs.get(3).map_or(0.0, |bias| f64::from(bias[[output]]));
                y[[n, output, row, column]] = (bias + products.sum::<f64>()) as f32;
            }
        }
    }
    y
}
