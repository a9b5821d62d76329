//! Blocks as networks have them: a reduction, a sum, functions of one element, a move. One operation of the
//! machine stands for most of a block.

use super::{Random, constant, tame};
use crate::graph::{
    BinaryKind, CoordinateRounding, DepthToSpaceMode, Graph, Interpolation, Op, Resize, ValueId, Window,
};
use crate::graph::{Coordinates, UnaryKind};

/// A block on an image of `values`; `None` where there is none, or where an operator refuses what it gets.
pub(super) fn grow(g: &mut Graph, r: &mut Random, values: &[ValueId]) -> Option<ValueId> {
    let images: Vec<ValueId> = values.iter().copied().filter(|&id| g.shape(id).len() == 4).collect();
    let x = *images.get(r.below(images.len().max(1)))?;
    let y = reduction(g, r, x)?;
    let y = sum(g, r, x, y, values)?;
    let y = function(g, r, y)?;
    let y = if r.below(2) == 0 { scale(g, r, y)? } else { y };
    let y = if r.below(2) == 0 { function(g, r, y)? } else { y };
    moved(g, r, y, values)
}

fn name(g: &Graph) -> String {
    format!("b{}", g.nodes.len())
}

fn reduction(g: &mut Graph, r: &mut Random, x: ValueId) -> Option<ValueId> {
    let shape = g.shape(x).to_vec();
    let channels = shape[1];
    let kernel = [1 + r.below(3), 1 + r.below(3)];
    // Half of all keep the extents, so that the input can be added again.
    let same = r.below(2) == 0;
    let pads = if same {
        let [y, x] = kernel.map(|k| k - 1);
        [y / 2, x / 2, y - y / 2, x - x / 2]
    } else {
        [r.below(2), r.below(2), r.below(2), r.below(2)]
    };
    let stride = if same { [1, 1] } else { [1 + r.below(3), 1 + r.below(2)] };
    let window = Window { kernel, stride, dilation: [1, 1], pads };
    match r.below(8) {
        0..4 => {
            let groups = [1, channels][r.below(2)];
            let out = if same || groups > 1 { channels } else { 1 + r.below(9) };
            let w = constant(g, r, &[out, channels / groups, kernel[0], kernel[1]]);
            let mut inputs = vec![x, w];
            if r.below(2) == 0 {
                inputs.push(constant(g, r, &[out]));
            }
            let y = g.node(name(g), Op::Conv { window, groups }, &inputs).ok()?;
            if r.below(2) == 0 { scale(g, r, y) } else { Some(y) }
        }
        4 => {
            let w = constant(g, r, &[channels, channels, kernel[0], kernel[1]]);
            let op = Op::ConvTranspose { window, groups: 1, output_padding: [0, 0] };
            g.node(name(g), op, &[x, w]).ok()
        }
        5 => g.node(name(g), Op::AveragePool { window, count_include_pad: r.below(2) == 0 }, &[x]).ok(),
        6 => {
            let sizes: Vec<usize> = shape.iter().enumerate().map(|(a, n)| n << (a / 2)).collect();
            let scales = [1.0, 1.0, 2.0, 2.0].to_vec();
            let interpolation =
                [Interpolation::Nearest(CoordinateRounding::ALL[r.below(4)].0), Interpolation::Linear];
            let coordinates = [Coordinates::HalfPixel, Coordinates::Asymmetric][r.below(2)];
            let resize = Resize { sizes, scales, interpolation: interpolation[r.below(2)], coordinates };
            g.node(name(g), Op::Resize(resize), &[x]).ok()
        }
        _ => scale(g, r, x),
    }
}

/// Multiplies and adds by channel.
fn scale(g: &mut Graph, r: &mut Random, x: ValueId) -> Option<ValueId> {
    let channels = g.shape(x)[1];
    let (a, b) = (constant(g, r, &[channels, 1, 1]), constant(g, r, &[channels, 1, 1]));
    let y = g.node(name(g), Op::Binary { kind: BinaryKind::Mul }, &[x, a]).ok()?;
    g.node(name(g), Op::Add, &[y, b]).ok()
}

/// Joins `y` with the block's input, an earlier value, or a convolution of the input.
fn sum(g: &mut Graph, r: &mut Random, x: ValueId, y: ValueId, values: &[ValueId]) -> Option<ValueId> {
    let shape = g.shape(y).to_vec();
    let alike: Vec<ValueId> = values.iter().copied().filter(|&id| g.shape(id) == shape).collect();
    let other = match r.below(4) {
        0..2 if g.shape(x) == shape => x,
        0..3 if !alike.is_empty() => alike[r.below(alike.len())],
        // Something that is computed elsewhere.
        _ => {
            let tanh = g.node(name(g), Op::Unary { kind: UnaryKind::Tanh }, &[y]).ok()?;
            let weights = constant(g, r, &[shape[1], shape[1], 1, 1]);
            g.node(name(g), Op::Conv { window: Window::UNIT, groups: 1 }, &[tanh, weights]).ok()?
        }
    };
    let inputs = if r.below(2) == 0 { [y, other] } else { [other, y] };
    let op = match r.below(6) {
        0 => Op::Binary { kind: BinaryKind::Sub },
        1 => Op::Binary { kind: BinaryKind::Max },
        _ => Op::Add,
    };
    g.node(name(g), op, &inputs).ok()
}

fn function(g: &mut Graph, r: &mut Random, x: ValueId) -> Option<ValueId> {
    let channels = g.shape(x)[1];
    let op = match r.below(8) {
        0 => Op::Relu,
        1 => Op::Clip { min: [0.0, -0.25][r.below(2)], max: [6.0, 0.5][r.below(2)] },
        2 => Op::LeakyRelu { alpha: 0.1 },
        3 => {
            let slope = constant(g, r, &[channels, 1, 1]);
            return g.node(name(g), Op::PRelu, &[x, slope]).ok();
        }
        _ => Op::Unary { kind: tame::UNARY[r.below(tame::UNARY.len())] },
    };
    g.node(name(g), op, &[x]).ok()
}

/// Perhaps moves the elements, or joins them with others.
fn moved(g: &mut Graph, r: &mut Random, y: ValueId, values: &[ValueId]) -> Option<ValueId> {
    let shape = g.shape(y).to_vec();
    match r.below(6) {
        0 if shape[1].is_multiple_of(4) => {
            let mode = [DepthToSpaceMode::Dcr, DepthToSpaceMode::Crd][r.below(2)];
            g.node(name(g), Op::DepthToSpace { block: 2, mode }, &[y]).ok()
        }
        1 => {
            let fits = |id: &ValueId| {
                let other = g.shape(*id);
                other.len() == 4 && other[0] == shape[0] && other[2..] == shape[2..]
            };
            let Some(other) = values.iter().copied().find(fits) else { return Some(y) };
            g.node(name(g), Op::Concat { axis: 1 }, &[y, other]).ok()
        }
        2 => g.node(name(g), Op::Flatten { axis: 1 }, &[y]).ok(),
        3 => g.node(name(g), Op::Transpose { perm: vec![0, 2, 3, 1] }, &[y]).ok(),
        _ => Some(y),
    }
}
