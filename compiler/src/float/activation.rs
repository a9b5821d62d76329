//! Elementwise operators with two operands or a slope.

use ndarray::{ArrayD, ArrayViewD, IxDyn, Zip};

use super::math;
use crate::graph::BinaryKind;

/// x < 0 ? alpha * x : x.
pub(super) fn leaky_relu(x: &ArrayViewD<f32>, alpha: f32) -> ArrayD<f32> {
    x.mapv(|v| if v < 0.0 { alpha * v } else { v })
}

/// x < 0 ? slope * x : x, with the slope broadcast to x.
pub(super) fn prelu(x: &ArrayViewD<f32>, slope: &ArrayViewD<f32>) -> ArrayD<f32> {
    let slope = slope.broadcast(x.raw_dim()).expect("the rule of PRelu checked the shapes");
    Zip::from(x).and(&slope).map_collect(|&v, &s| if v < 0.0 { s * v } else { v })
}

/// a + b with numpy broadcasting to `shape`.
pub(super) fn add(a: &ArrayViewD<f32>, b: &ArrayViewD<f32>, shape: &[usize]) -> ArrayD<f32> {
    zip(a, b, shape, |a, b| a + b)
}

/// A function of a and b with numpy broadcasting to `shape`.
pub(super) fn binary(
    kind: BinaryKind,
    a: &ArrayViewD<f32>,
    b: &ArrayViewD<f32>,
    shape: &[usize],
) -> ArrayD<f32> {
    match kind {
        BinaryKind::Sub => zip(a, b, shape, |a, b| a - b),
        BinaryKind::Mul => zip(a, b, shape, |a, b| a * b),
        BinaryKind::Div => zip(a, b, shape, |a, b| a / b),
        BinaryKind::Pow => zip(a, b, shape, |a, b| math::pow(a.into(), b.into()) as f32),
        BinaryKind::Min => zip(a, b, shape, f32::min),
        BinaryKind::Max => zip(a, b, shape, f32::max),
        BinaryKind::Mod => zip(a, b, shape, |a, b| a % b),
        BinaryKind::Equal => zip(a, b, shape, |a, b| truth(a == b)),
        BinaryKind::Greater => zip(a, b, shape, |a, b| truth(a > b)),
        BinaryKind::GreaterOrEqual => zip(a, b, shape, |a, b| truth(a >= b)),
        BinaryKind::Less => zip(a, b, shape, |a, b| truth(a < b)),
        BinaryKind::LessOrEqual => zip(a, b, shape, |a, b| truth(a <= b)),
    }
}

fn truth(holds: bool) -> f32 {
    if holds { 1.0 } else { 0.0 }
}

/// x where the condition is not 0, else y, with numpy broadcasting to `shape`.
pub(super) fn choose(inputs: &[ArrayViewD<f32>], shape: &[usize]) -> ArrayD<f32> {
    let [condition, x, y] = [0, 1, 2].map(|i| {
        inputs[i].broadcast(IxDyn(shape)).expect("the rule of elementwise operators checked the shapes")
    });
    Zip::from(&condition).and(&x).and(&y).map_collect(|&c, &x, &y| if c != 0.0 { x } else { y })
}

fn zip(
    a: &ArrayViewD<f32>,
    b: &ArrayViewD<f32>,
    shape: &[usize],
    f: impl Fn(f32, f32) -> f32,
) -> ArrayD<f32> {
    let fit = "the rule of elementwise operators checked the shapes";
    let a = a.broadcast(IxDyn(shape)).expect(fit);
    let b = b.broadcast(IxDyn(shape)).expect(fit);
    Zip::from(&a).and(&b).map_collect(|&a, &b| f(a, b))
}
