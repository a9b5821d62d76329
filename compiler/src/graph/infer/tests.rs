use super::infer;
use crate::graph::{
    Cell, Coordinates, Direction, Interpolation, Op, PadMode, Recurrent, ReduceKind, Resize, UnaryKind,
    Window,
};

fn window(kernel: usize, stride: usize, dilation: usize, pad: usize) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], dilation: [dilation; 2], pads: [pad; 4] }
}

/// Shapes worked out by hand from the ONNX text.
#[test]
fn shapes_by_hand() {
    let gemm = |trans_a, trans_b| Op::Gemm { alpha: 1.0, beta: 1.0, trans_a, trans_b };
    let conv = |window, groups| Op::Conv { window, groups };
    let perm = Op::Transpose { perm: vec![2, 0, 1] };
    let shuffle = Op::DepthToSpace { block: 2, mode: crate::graph::DepthToSpaceMode::Dcr };
    let max = |window| Op::MaxPool { window };
    type Row<'a> = (Op, &'a [&'a [usize]], &'a [usize]);
    let rows: &[Row] = &[
        (conv(window(3, 2, 1, 1), 1), &[&[1, 3, 224, 224], &[8, 3, 3, 3]], &[1, 8, 112, 112]),
        (conv(window(3, 1, 2, 0), 4), &[&[2, 4, 9, 7], &[4, 1, 3, 3], &[4]], &[2, 4, 5, 3]),
        (max(window(3, 2, 1, 1)), &[&[1, 5, 7, 8]], &[1, 5, 4, 4]),
        (Op::GlobalAveragePool, &[&[1, 5, 7, 8]], &[1, 5, 1, 1]),
        (Op::Add, &[&[4, 1, 3], &[2, 1]], &[4, 2, 3]),
        (Op::Concat { axis: 1 }, &[&[1, 2, 3], &[1, 5, 3]], &[1, 7, 3]),
        (gemm(false, true), &[&[2, 3], &[4, 3], &[4]], &[2, 4]),
        (gemm(true, false), &[&[3, 2], &[3, 4]], &[2, 4]),
        (Op::MatMul, &[&[5, 1, 2, 3], &[7, 3, 4]], &[5, 7, 2, 4]),
        (Op::MatMul, &[&[3], &[3]], &[]),
        (Op::MatMul, &[&[3], &[3, 4]], &[4]),
        (Op::Flatten { axis: 0 }, &[&[2, 3]], &[1, 6]),
        (Op::Flatten { axis: 2 }, &[&[2, 3]], &[6, 1]),
        (perm, &[&[4, 5, 6]], &[6, 4, 5]),
        (shuffle, &[&[1, 8, 3, 5]], &[1, 2, 6, 10]),
    ];
    for (op, inputs, expected) in rows {
        assert_eq!(infer(op, inputs, None).unwrap(), *expected, "{op:?}");
    }
}

#[test]
fn refuses_what_the_rules_forbid() {
    let conv = |window, groups| Op::Conv { window, groups };
    let max = |window| Op::MaxPool { window };
    let huge = window(usize::MAX, 1, usize::MAX, usize::MAX);
    let rows: &[(Op, &[&[usize]])] = &[
        (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 8], &[8, 3, 3]]),
        (conv(window(3, 1, 1, 0), 0), &[&[1, 3, 8, 8], &[8, 3, 3, 3]]),
        (conv(window(3, 1, 1, 0), 2), &[&[1, 3, 8, 8], &[8, 3, 3, 3]]),
        (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 2, 8], &[8, 3, 3, 3]]),
        (conv(window(3, 1, 1, 0), 1), &[&[1, 3, 8, 8], &[8, 3, 3, 3], &[1, 8]]),
        (max(huge.clone()), &[&[1, 3, 8, 8]]),
        (max(window(2, 1, 1, 2)), &[&[1, 3, 8, 8]]),
        (max(window(2, 1, 4, 2)), &[&[1, 3, 2, 2]]),
        (max(window(2, 0, 1, 0)), &[&[1, 3, 8, 8]]),
        (Op::Clip { min: 1.0, max: 0.0 }, &[&[2]]),
        (Op::Clip { min: f32::NAN, max: 0.0 }, &[&[2]]),
        (Op::Add, &[&[2], &[3]]),
        (Op::Add, &[&[2]]),
        (Op::PRelu, &[&[2], &[3, 2]]),
        (Op::Softmax { axis: 1 }, &[&[2]]),
        (Op::Flatten { axis: 2 }, &[&[2]]),
        (Op::MatMul, &[&[], &[2]]),
        (Op::Concat { axis: 0 }, &[&[], &[]]),
        (Op::Reshape, &[&[2]]),
        (Op::Transpose { perm: vec![0, 0] }, &[&[2, 2]]),
        (Op::GlobalAveragePool, &[&[2, 2]]),
    ];
    for (op, inputs) in rows {
        assert!(infer(op, inputs, None).is_err(), "{op:?} {inputs:?}");
    }
    assert!(infer(&Op::Reshape, &[&[4]], Some(&[3])).is_err());
    assert!(infer(&Op::Reshape, &[&[4]], Some(&[usize::MAX, 2])).is_err());
}

fn transposed(stride: usize, pad: usize, output_padding: usize) -> Op {
    let window = Window { kernel: [4; 2], stride: [stride; 2], dilation: [1; 2], pads: [pad; 4] };
    Op::ConvTranspose { window, groups: 2, output_padding: [output_padding; 2] }
}

fn slice(start: usize, step: i64, extent: usize) -> Op {
    Op::Slice { starts: vec![start], steps: vec![step], extents: vec![extent] }
}

fn pad(before: usize, mode: PadMode) -> Op {
    Op::Pad { before: vec![before], after: vec![0], mode }
}

fn lstm(cell_state: bool) -> Op {
    Op::Recurrent(Recurrent { cell: Cell::Lstm, direction: Direction::Bidirectional, hidden: 3, cell_state })
}

/// Shapes of an LSTM over 7 steps of 5 features in two directions.
const LSTM: [&[usize]; 6] = [&[7, 1, 5], &[2, 12, 5], &[2, 12, 3], &[2, 24], &[2, 1, 3], &[2, 1, 3]];

/// Shapes worked out by hand from the ONNX text.
#[test]
fn shapes_of_moves_and_families_by_hand() {
    let reduce = |keepdims| Op::Reduce { kind: ReduceKind::Max, axes: vec![0, 2], keepdims };
    let gather = Op::Gather { axis: 1, indices: vec![0, 3, 3, 1, 0, 2], shape: vec![2, 3] };
    type Row<'a> = (Op, &'a [&'a [usize]], &'a [usize]);
    let rows: &[Row] = &[
        (reduce(true), &[&[2, 3, 4]], &[1, 3, 1]),
        (reduce(false), &[&[2, 3, 4]], &[3]),
        (transposed(2, 1, 0), &[&[1, 4, 8, 6], &[4, 5, 4, 4], &[10]], &[1, 10, 16, 12]),
        (transposed(3, 0, 1), &[&[1, 4, 2, 1], &[4, 1, 4, 4]], &[1, 2, 8, 5]),
        (pad(3, PadMode::Reflect), &[&[4]], &[7]),
        (slice(3, -1, 4), &[&[4]], &[4]),
        (slice(1, 2, 2), &[&[4]], &[2]),
        (gather, &[&[7, 4, 5]], &[7, 2, 3, 5]),
        (Op::Expand { shape: vec![2, 3, 4] }, &[&[3, 1]], &[2, 3, 4]),
        (Op::SpaceToDepth { block: 2 }, &[&[1, 3, 4, 6]], &[1, 12, 2, 3]),
        (lstm(false), &LSTM, &[7, 2, 1, 3]),
        (lstm(true), &LSTM, &[2, 1, 3]),
    ];
    for (op, inputs, expected) in rows {
        assert_eq!(infer(op, inputs, None).unwrap(), *expected, "{op:?}");
    }
}

#[test]
fn refuses_moves_and_families_out_of_range() {
    let resize = |scale| {
        let (sizes, scales) = (vec![4], vec![scale]);
        let (interpolation, coordinates) = (Interpolation::Linear, Coordinates::HalfPixel);
        Op::Resize(Resize { sizes, scales, interpolation, coordinates })
    };
    let reduce = |axes: &[usize]| Op::Reduce { kind: ReduceKind::Sum, axes: axes.to_vec(), keepdims: true };
    let short = [LSTM[0], LSTM[1], LSTM[2], LSTM[3], LSTM[4], &[2, 1, 4]];
    let rows: &[(Op, &[&[usize]])] = &[
        (reduce(&[1]), &[&[2]]),
        (reduce(&[1, 0]), &[&[2, 3]]),
        (reduce(&[0, 0]), &[&[2, 3]]),
        (transposed(1, 3, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
        (transposed(usize::MAX, 0, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
        (transposed(1, 0, usize::MAX), &[&[1, 4, 2, 2], &[4, 5, 4, 4]]),
        (transposed(1, 0, 0), &[&[1, 3, 2, 2], &[3, 5, 4, 4]]),
        (transposed(1, 0, 0), &[&[1, 4, 2, 2], &[4, 5, 4, 4], &[5]]),
        (pad(4, PadMode::Reflect), &[&[4]]),
        (pad(5, PadMode::Wrap), &[&[4]]),
        (pad(1, PadMode::Constant(f32::NAN)), &[&[4]]),
        (pad(usize::MAX, PadMode::Edge), &[&[4]]),
        (slice(4, 1, 1), &[&[4]]),
        (slice(0, 2, 3), &[&[4]]),
        (slice(2, -1, 4), &[&[4]]),
        (slice(0, 0, 1), &[&[4]]),
        (slice(0, i64::MIN, usize::MAX), &[&[4]]),
        (Op::Gather { axis: 0, indices: vec![4], shape: vec![] }, &[&[4]]),
        (Op::Gather { axis: 0, indices: vec![0], shape: vec![2] }, &[&[4]]),
        (Op::Expand { shape: vec![2] }, &[&[3]]),
        (Op::Expand { shape: vec![1] }, &[&[3]]),
        (resize(0.0), &[&[2]]),
        (resize(f32::INFINITY), &[&[2]]),
        (resize(2.0), &[&[2, 2]]),
        (Op::SpaceToDepth { block: 2 }, &[&[1, 3, 4, 5]]),
        (Op::LayerNormalization { axis: 1, epsilon: 0.1 }, &[&[2, 3], &[2, 3], &[3]]),
        (Op::InstanceNormalization { epsilon: -0.1 }, &[&[1, 3, 4], &[3], &[3]]),
        (Op::Unary { kind: UnaryKind::Celu { alpha: 0.0 } }, &[&[2]]),
        (Op::Unary { kind: UnaryKind::Elu { alpha: f32::NAN } }, &[&[2]]),
        (lstm(false), &short),
        (lstm(false), &LSTM[..5]),
    ];
    for (op, inputs) in rows {
        assert!(infer(op, inputs, None).is_err(), "{op:?} {inputs:?}");
    }
}
