//! Random nodes of whatever the other files leave out: functions with a domain, operands that are both
//! activations, reductions of every kind, values that are no images.
//!
//! Nothing here is ill-conditioned: what a function would blow up is clipped before.

use super::{Random, constant};
use crate::described::{AttributeValue, Described};
use crate::graph::{
    BinaryKind, Cell, CoordinateRounding, Coordinates, Direction, Graph, Integer, Interpolation, Op,
    Recurrent, ReduceKind, Resize, UnaryKind, ValueId, Window,
};

/// Functions that are only well-conditioned between 1/4 and 4.
const POSITIVE: [UnaryKind; 3] = [UnaryKind::Sqrt, UnaryKind::Log, UnaryKind::Reciprocal];

pub(super) fn grow(g: &mut Graph, r: &mut Random, x: ValueId, values: &[ValueId]) -> Option<ValueId> {
    let shape = g.shape(x).to_vec();
    let rank = shape.len();
    if rank == 0 {
        // Axes are drawn below.
        return None;
    }
    let name = format!("n{}", g.nodes.len());
    let node = |g: &mut Graph, op, inputs: &[ValueId]| g.node(&name, op, inputs).ok();
    match r.below(17) {
        0 | 1 => {
            let kind = UnaryKind::ALL[r.below(UnaryKind::ALL.len())].0;
            let changed = r.below(2) as f32 / 4.0;
            let kind = kind.with(|_, default| Ok(default * (1.0 + changed * r.float()))).ok()?;
            let x = match kind {
                UnaryKind::Exp | UnaryKind::Sinh | UnaryKind::Cosh => clip(g, x, [-4.0, 2.0])?,
                UnaryKind::Tan => clip(g, x, [-1.25, 1.25])?,
                UnaryKind::Asin | UnaryKind::Acos | UnaryKind::Atanh => clip(g, x, [-0.875, 0.875])?,
                UnaryKind::Acosh => clip(g, x, [1.125, 8.0])?,
                _ if POSITIVE.contains(&kind) => positive(g, x)?,
                _ => x,
            };
            node(g, Op::Unary { kind }, &[x])
        }
        2 => {
            let kind = POSITIVE[r.below(3)];
            let x = positive(g, x)?;
            node(g, Op::Unary { kind }, &[x])
        }
        3 | 4 => {
            let other = values[r.below(values.len())];
            let kind = BinaryKind::ALL[r.below(6)].0;
            let (mut x, mut other) = (x, other);
            match kind {
                BinaryKind::Div => other = positive(g, other)?,
                BinaryKind::Pow => {
                    x = positive(g, x)?;
                    other = g.node("exponent", Op::Clip { min: -2.0, max: 2.0 }, &[other]).ok()?;
                }
                BinaryKind::Mul => {
                    other = g.node("gate", Op::Unary { kind: UnaryKind::Tanh }, &[other]).ok()?;
                }
                _ => {}
            }
            node(g, Op::Binary { kind }, &[x, other])
        }
        5 => {
            let exponents = [0.5, 2.0, 3.0, -1.0, 1.5];
            let exponent = g.constant("exponent", &[], vec![exponents[r.below(5)]]).ok()?;
            let x = positive(g, x)?;
            node(g, Op::Binary { kind: BinaryKind::Pow }, &[x, exponent])
        }
        6 | 7 => reduce(g, r, x, &name),
        8 => match r.below(2) {
            0 => node(g, Op::Flatten { axis: r.below(rank + 1) }, &[x]),
            _ => {
                // Neighbouring axes taken together, or a new one of extent 1.
                let mut wanted = shape.clone();
                let axis = r.below(rank);
                match r.below(2) {
                    0 if axis > 0 => {
                        let extent = wanted.remove(axis);
                        wanted[axis - 1] *= extent;
                    }
                    _ => wanted.insert(axis, 1),
                }
                g.reshape(&name, x, &wanted).ok()
            }
        },
        9 => {
            let axis = r.below(rank);
            let op = Op::Reduce { kind: ReduceKind::Mean, axes: vec![axis], keepdims: true };
            let mean = g.node("mean", op, &[x]).ok()?;
            node(g, Op::Expand { shape }, &[mean])
        }
        10 => product(g, r, x, &shape, &name),
        11 => {
            let axis = r.below(rank);
            let same = |&&v: &&ValueId| g.shape(v) == shape;
            let alike: Vec<ValueId> = values.iter().filter(same).copied().collect();
            let other = alike[r.below(alike.len())];
            let third = if r.below(3) == 0 { constant(g, r, &shape) } else { x };
            node(g, Op::Concat { axis }, &[x, other, third])
        }
        12 => {
            let axis = r.below(rank);
            let (scale, bias) = (constant(g, r, &shape[axis..]), constant(g, r, &shape[axis..]));
            node(g, Op::LayerNormalization { axis, epsilon: 0.1 }, &[x, scale, bias])
        }
        13 => {
            let scale = g.constant("step", &[], vec![1.0 / 64.0]).ok()?;
            let integer = [Integer::Int8, Integer::Uint8][r.below(2)];
            let zero = if integer == Integer::Uint8 { 128.0 } else { r.below(20) as f32 };
            let zero = g.constant("zero", &[], vec![zero]).ok()?;
            let op = Op::QuantizeLinear { integer, axis: None };
            let q = g.node("quantise", op, &[x, scale, zero]).ok()?;
            node(g, Op::DequantizeLinear { integer, axis: None }, &[q, scale, zero])
        }
        14 => moved(g, r, x, &shape, &name),
        15 => chosen(g, r, x, values, &name),
        _ => match r.below(2) {
            0 => recurrent(g, r, x, &shape, &name),
            _ => convolution(g, r, x, &shape, &name),
        },
    }
}

/// What a mask of ones and zeros chooses, the first elements in an order, and elements at given places. Masks and
/// places are constants: rounding errors decide steps between near equals.
fn chosen(g: &mut Graph, r: &mut Random, x: ValueId, values: &[ValueId], name: &str) -> Option<ValueId> {
    let shape = g.shape(x).to_vec();
    if let (&[n, _, _, _], 0) = (&shape[..], r.below(2)) {
        let words = [["linear", "cubic"][r.below(2)], ["zeros", "border", "reflection"][r.below(3)]];
        let extents = [n, 1 + r.below(4), 1 + r.below(4), 2];
        let places = (0..extents.iter().product()).map(|_| 1.5 * r.float()).collect();
        let grid = g.constant("grid", &extents, places).ok()?;
        let values = words.map(|word| AttributeValue::Word(word.into())).into_iter();
        let corners = AttributeValue::Integer((r.below(2) == 0).into());
        let op = Described::of("GridSample", values.chain([corners])).ok()?;
        return g.node(name, Op::Described(op), &[x, grid]).ok();
    }
    if r.below(2) == 0 {
        let axis = r.below(shape.len());
        let (count, largest) = (1 + r.below(shape[axis]), r.below(2) == 0);
        return g.node(name, Op::TopK { axis, count, largest, indices: false }, &[x]).ok();
    }
    let mask = (0..shape.iter().product()).map(|_| r.below(2) as f32).collect();
    let mask = g.constant("mask", &shape, mask).ok()?;
    let other = values[r.below(values.len())];
    g.node(name, Op::Where, &[mask, x, other]).ok()
}

fn clip(g: &mut Graph, x: ValueId, [min, max]: [f32; 2]) -> Option<ValueId> {
    g.node("bounded", Op::Clip { min, max }, &[x]).ok()
}

/// Between 1/4 and 4, where roots, logarithms, quotients and powers are well-conditioned.
fn positive(g: &mut Graph, x: ValueId) -> Option<ValueId> {
    g.node("positive", Op::Clip { min: 0.25, max: 4.0 }, &[x]).ok()
}

fn reduce(g: &mut Graph, r: &mut Random, x: ValueId, name: &str) -> Option<ValueId> {
    // Indices are steps: rounding errors decide between near equals.
    let kinds: Vec<ReduceKind> = ReduceKind::ALL.iter().map(|e| e.0).filter(|k| !k.is_index()).collect();
    let kind = kinds[r.below(kinds.len())];
    let rank = g.shape(x).len();
    let first = r.below(rank);
    let many = !matches!(kind, ReduceKind::Prod | ReduceKind::SumSquare);
    let axes = (0..rank).filter(|&a| a == first || many && r.below(3) == 0).collect();
    let x = match kind {
        ReduceKind::LogSum => positive(g, x)?,
        ReduceKind::Prod => g.node("near_one", Op::Clip { min: -1.5, max: 1.5 }, &[x]).ok()?,
        ReduceKind::SumSquare | ReduceKind::LogSumExp => {
            g.node("bounded", Op::Clip { min: -8.0, max: 8.0 }, &[x]).ok()?
        }
        _ => x,
    };
    g.node(name, Op::Reduce { kind, axes, keepdims: r.below(3) > 0 }, &[x]).ok()
}

/// A product of two activations: rows with rows, or batched with the transposed image.
fn product(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: &str) -> Option<ValueId> {
    let rank = shape.len();
    let bounded = g.node("bounded", Op::Unary { kind: UnaryKind::Softsign }, &[x]).ok()?;
    if r.below(3) == 0 {
        let rows: usize = shape[..rank - 1].iter().product();
        let columns = shape[rank - 1];
        let a = g.reshape("rows", x, &[rows, columns]).ok()?;
        let b = g.reshape("rows", bounded, &[rows, columns]).ok()?;
        let op = Op::Gemm { alpha: 0.5, beta: 1.0, trans_a: false, trans_b: true };
        return g.node(name, op, &[a, b]).ok();
    }
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(rank.checked_sub(2)?, rank - 1);
    let turned = g.node("turned", Op::Transpose { perm }, &[bounded]).ok()?;
    g.node(name, Op::MatMul, &[x, turned]).ok()
}

/// Gathers with indices of other ranks, slices of several axes, resizes by scales that leave a rest.
fn moved(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: &str) -> Option<ValueId> {
    let rank = shape.len();
    match r.below(4) {
        0 => {
            let axis = r.below(rank);
            let own = [vec![], vec![2, 2]][r.below(2)].clone();
            let count = own.iter().product();
            let indices = (0..count).map(|_| r.below(shape[axis])).collect();
            g.node(name, Op::Gather { axis, indices, shape: own }, &[x]).ok()
        }
        1 => {
            let starts: Vec<usize> = shape.iter().map(|&n| r.below(n)).collect();
            let steps: Vec<i64> = shape.iter().map(|_| [1, 1, 2, -1, -2][r.below(5)]).collect();
            let extent = |i: usize| {
                let room = if steps[i] > 0 { shape[i] - 1 - starts[i] } else { starts[i] };
                1 + room / steps[i].unsigned_abs() as usize
            };
            let extents = (0..rank).map(|i| 1 + r.below(extent(i))).collect();
            g.node(name, Op::Slice { starts, steps, extents }, &[x]).ok()
        }
        2 => {
            let mut perm: Vec<usize> = (0..rank).collect();
            perm.swap(r.below(rank), r.below(rank));
            g.node(name, Op::Transpose { perm }, &[x]).ok()
        }
        _ => {
            let scales: Vec<f32> = (0..rank)
                .map(|axis| if axis < 2 { 1.0 } else { [0.75, 1.5, 2.0, 1.0][r.below(4)] })
                .collect();
            let sizes = scales.iter().zip(shape).map(|(s, &n)| (s * n as f32) as usize).collect();
            let interpolation =
                [Interpolation::Nearest(CoordinateRounding::ALL[r.below(4)].0), Interpolation::Linear]
                    [r.below(2)];
            let coordinates = [Coordinates::HalfPixel, Coordinates::Asymmetric][r.below(2)];
            g.node(name, Op::Resize(Resize { sizes, scales, interpolation, coordinates }), &[x]).ok()
        }
    }
}

/// The last cell state of an LSTM, perhaps with peepholes.
fn recurrent(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: &str) -> Option<ValueId> {
    let &[batch, steps, ..] = shape else { return None };
    let features = shape[2..].iter().product::<usize>();
    let x = g.reshape("steps", x, &[steps, batch, features]).ok()?;
    let (direction, hidden) = (Direction::ALL[r.below(3)].0, 1 + r.below(3));
    let (d, rows) = (direction.count(), 4 * hidden);
    let mut inputs = vec![x];
    for shape in [&[d, rows, features][..], &[d, rows, hidden], &[d, 2 * rows]] {
        inputs.push(constant(g, r, shape));
    }
    inputs.push(constant(g, r, &[d, batch, hidden]));
    inputs.push(constant(g, r, &[d, batch, hidden]));
    if r.below(2) == 0 {
        inputs.push(constant(g, r, &[d, 3 * hidden]));
    }
    let cell_state = r.below(2) == 0;
    g.node(name, Op::Recurrent(Recurrent { cell: Cell::Lstm, direction, hidden, cell_state }), &inputs).ok()
}

/// Larger windows, groups between one and all channels.
fn convolution(g: &mut Graph, r: &mut Random, x: ValueId, shape: &[usize], name: &str) -> Option<ValueId> {
    let channels = *shape.get(1)?;
    let groups = (1..=channels).rev().find(|n| channels.is_multiple_of(*n) && *n < channels)?;
    let kernel = [1 + r.below(5), 1 + r.below(5)];
    let mut amount = |most: usize| [1 + r.below(most), 1 + r.below(most)];
    let (stride, dilation) = (amount(3), amount(2));
    let pads = [r.below(3), r.below(3), r.below(3), r.below(3)];
    let window = Window { kernel, stride, dilation, pads };
    let outputs = groups * (1 + r.below(3));
    let w = constant(g, r, &[outputs, channels / groups, kernel[0], kernel[1]]);
    g.node(name, Op::Conv { window, groups }, &[x, w]).ok()
}
