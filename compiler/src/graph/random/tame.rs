//! Random nodes of the operator families. Only functions that stay tame are drawn: a chain of powers
//! or roots would leave float32, and tests compare results.

use super::{Random, constant, window};
use crate::graph::{
    BinaryKind, Cell, CoordinateRounding, Coordinates, Direction, Graph, Integer, Interpolation, Op, PadMode,
    Recurrent, ReduceKind, Resize, UnaryKind, ValueId,
};

pub(super) const UNARY: [UnaryKind; 15] = [
    UnaryKind::Neg,
    UnaryKind::Abs,
    UnaryKind::Erf,
    UnaryKind::Sigmoid,
    UnaryKind::Tanh,
    UnaryKind::HardSigmoid { alpha: 0.25, beta: 0.5 },
    UnaryKind::HardSwish,
    UnaryKind::Elu { alpha: 0.5 },
    UnaryKind::Selu { alpha: 1.5, gamma: 1.25 },
    UnaryKind::Celu { alpha: 2.0 },
    UnaryKind::Softplus,
    UnaryKind::Softsign,
    UnaryKind::Mish,
    UnaryKind::Gelu,
    UnaryKind::Swish,
];

const REDUCE: [ReduceKind; 5] =
    [ReduceKind::Mean, ReduceKind::Sum, ReduceKind::Max, ReduceKind::Min, ReduceKind::L1];

pub(super) fn grow(g: &mut Graph, r: &mut Random, x: ValueId, values: &[ValueId]) -> Option<ValueId> {
    let shape = g.shape(x).to_vec();
    let (rank, channels) = (shape.len(), *shape.get(1)?);
    let name = format!("n{}", g.nodes.len());
    let node = |g: &mut Graph, op, inputs: &[ValueId]| g.node(&name, op, inputs).ok();
    let mut full = vec![channels];
    full.resize(rank - 1, 1);
    match r.below(15) {
        0 | 1 => node(g, Op::Unary { kind: UNARY[r.below(15)] }, &[x]),
        2 | 3 => {
            let kind = [BinaryKind::Sub, BinaryKind::Mul, BinaryKind::Min, BinaryKind::Max][r.below(4)];
            let shapes = [vec![], full, shape.clone()];
            let pick = r.below(3);
            let c = constant(g, r, &shapes[pick]);
            let inputs = if r.below(2) == 0 { [x, c] } else { [c, x] };
            node(g, Op::Binary { kind }, &inputs)
        }
        4 => {
            let count = if r.below(2) == 0 { 1 } else { channels };
            full[0] = count;
            let data = (0..count).map(|_| 1.0 + r.float() / 2.0).collect();
            let c = g.constant("divisor", &full, data).ok()?;
            node(g, Op::Binary { kind: BinaryKind::Div }, &[x, c])
        }
        5 => {
            // One factor is bounded, so that a chain of products stays small.
            let other = values[r.below(values.len())];
            let gate = node(g, Op::Unary { kind: UnaryKind::Sigmoid }, &[other])?;
            node(g, Op::Binary { kind: BinaryKind::Mul }, &[x, gate])
        }
        6 => {
            let mut axes: Vec<usize> = (0..rank).filter(|_| r.below(2) == 0).collect();
            let kind = REDUCE[r.below(5)];
            if axes.is_empty() && kind == ReduceKind::L1 {
                // ONNX has no such magnitude without axes.
                axes.push(rank - 1);
            }
            node(g, Op::Reduce { kind, axes, keepdims: true }, &[x])
        }
        7 => {
            let window = window(r, 3);
            let groups = [1, channels][r.below(2)];
            let [ky, kx] = window.kernel;
            let outputs = 1 + r.below(3);
            let w = constant(g, r, &[channels, outputs, ky, kx]);
            node(g, Op::ConvTranspose { window, groups, output_padding: [r.below(2), r.below(2)] }, &[x, w])
        }
        8 => {
            let mut amounts =
                || (0..rank).map(|axis| if axis < 2 { 0 } else { r.below(3) }).collect::<Vec<_>>();
            let (before, after) = (amounts(), amounts());
            let value = [0.0, 0.0, 0.5][r.below(3)];
            let modes = [PadMode::Constant(value), PadMode::Reflect, PadMode::Edge, PadMode::Wrap];
            let mode = modes[r.below(6).saturating_sub(2)];
            node(g, Op::Pad { before, after, mode }, &[x])
        }
        9 => {
            let (mut starts, mut steps, mut extents) = (vec![0; rank], vec![1; rank], shape.clone());
            let axis = 1 + r.below(rank - 1);
            starts[axis] = r.below(shape[axis]);
            steps[axis] = [1, 2, -1][r.below(3)];
            extents[axis] = 1 + r.below(shape[axis]);
            node(g, Op::Slice { starts, steps, extents }, &[x])
        }
        10 => {
            let axis = 1 + r.below(rank - 1);
            let indices: Vec<usize> = (0..1 + r.below(4)).map(|_| r.below(shape[axis])).collect();
            let shape = vec![indices.len()];
            node(g, Op::Gather { axis, indices, shape }, &[x])
        }
        11 => {
            let sizes: Vec<usize> = shape
                .iter()
                .enumerate()
                .map(|(axis, &n)| if axis < 2 { n } else { 1 + r.below(2 * n) })
                .collect();
            let scales = sizes.iter().zip(&shape).map(|(&s, &n)| s as f32 / n as f32).collect();
            let interpolation = [
                Interpolation::Nearest(CoordinateRounding::ALL[r.below(4)].0),
                Interpolation::Linear,
                Interpolation::Cubic { coefficient: -0.75, exclude_outside: r.below(2) == 0 },
            ][r.below(3)];
            let coordinates = Coordinates::ALL[r.below(6)].0;
            node(g, Op::Resize(Resize { sizes, scales, interpolation, coordinates }), &[x])
        }
        12 => match r.below(3) {
            0 => node(g, Op::SpaceToDepth { block: 1 + r.below(2) }, &[x]),
            1 => node(g, Op::LogSoftmax { axis: r.below(rank) }, &[x]),
            _ => {
                let (scale, bias) = (constant(g, r, &[channels]), constant(g, r, &[channels]));
                match r.below(2) {
                    0 => node(g, Op::InstanceNormalization { epsilon: 0.1 }, &[x, scale, bias]),
                    _ => {
                        let rest = &shape[1..];
                        let (scale, bias) = (constant(g, r, rest), constant(g, r, rest));
                        node(g, Op::LayerNormalization { axis: 1, epsilon: 0.1 }, &[x, scale, bias])
                    }
                }
            }
        },
        13 => quantised(g, r, x, channels),
        _ => recurrent(g, r, x, &shape, &name),
    }
}

/// A convolution of integer weights with scales. Only inputs are quantised in front of it: where sums
/// are, another order of them may go to the next step.
fn quantised(g: &mut Graph, r: &mut Random, mut x: ValueId, channels: usize) -> Option<ValueId> {
    let integer = Integer::ALL[r.below(4)].0;
    if g.inputs.contains(&x) {
        let axis = [None, Some(1)][r.below(2)].filter(|_| channels > 1);
        let shape: &[usize] = if axis.is_some() { &[channels] } else { &[] };
        let count = shape.iter().product();
        let scale = (0..count).map(|_| 0.02 + r.float().abs() / 100.0).collect();
        let zero = (0..count).map(|_| r.below(100) as f32).collect();
        let (scale, zero) = (g.constant("s", shape, scale).ok()?, g.constant("z", shape, zero).ok()?);
        let q = g.node("", Op::QuantizeLinear { integer, axis }, &[x, scale, zero]).ok()?;
        x = g.node("", Op::DequantizeLinear { integer, axis }, &[q, scale, zero]).ok()?;
    }
    let (window, outputs) = (window(r, 3), 1 + r.below(3));
    let shape = [outputs, channels, window.kernel[0], window.kernel[1]];
    let data = (0..shape.iter().product()).map(|_| r.below(255) as f32 - 127.0).collect();
    let w = g.constant("w", &shape, data).ok()?;
    let scale = (0..outputs).map(|_| 0.01 + r.float().abs() / 100.0).collect();
    // One scale has no axis, as importers have it.
    let axis = Some(0).filter(|_| outputs > 1);
    let shape: &[usize] = if axis.is_some() { &[outputs] } else { &[] };
    let (scale, zero) =
        (g.constant("s", shape, scale).ok()?, g.constant("z", shape, vec![0.0; outputs]).ok()?);
    let op = Op::DequantizeLinear { integer: Integer::Int8, axis };
    let w = g.node("", op, &[w, scale, zero]).ok()?;
    g.node("", Op::Conv { window, groups: 1 }, &[x, w]).ok()
}

/// The rows of each channel as steps: reshaped to three axes before, back to an image after.
fn recurrent(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: &str) -> Option<ValueId> {
    let (steps, features) = (shape[1], shape[2..].iter().product::<usize>());
    let x = g.reshape("steps", x, &[steps, shape[0], features]).ok()?;
    let cells = [Cell::Rnn, Cell::Lstm, Cell::Gru { linear_before_reset: r.below(2) == 0 }];
    let (cell, direction) = (cells[r.below(3)], Direction::ALL[r.below(3)].0);
    let (hidden, d) = (1 + r.below(3), direction.count());
    let rows = cell.gates() * hidden;
    let state = [d, shape[0], hidden];
    let mut inputs = vec![x];
    inputs.push(constant(g, r, &[d, rows, features]));
    inputs.push(constant(g, r, &[d, rows, hidden]));
    inputs.push(constant(g, r, &[d, 2 * rows]));
    inputs.push(constant(g, r, &state));
    if cell == Cell::Lstm {
        inputs.push(constant(g, r, &state));
    }
    let op = Op::Recurrent(Recurrent { cell, direction, hidden, cell_state: false });
    let y = g.node(name, op, &inputs).ok()?;
    g.reshape("image", y, &[shape[0], steps, d, hidden]).ok()
}
