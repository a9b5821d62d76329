//! Elementwise functions of one operand, computed in float64 and rounded once.

use super::math::{
    acos, acosh, asin, asinh, atan, atanh, cos, cosh, erf, exp, expm1, log, sigmoid, sin, sinh, softplus,
    tan, tanh,
};
use crate::graph::UnaryKind;

/// The function of a kind at one point.
pub(crate) fn unary(kind: UnaryKind, x: f32) -> f32 {
    let v = f64::from(x);
    let y = match kind {
        UnaryKind::Neg => -v,
        UnaryKind::Abs => v.abs(),
        UnaryKind::Sqrt => v.sqrt(),
        UnaryKind::Exp => exp(v),
        UnaryKind::Log => log(v),
        UnaryKind::Reciprocal => 1.0 / v,
        UnaryKind::Erf => erf(v),
        UnaryKind::Sigmoid => sigmoid(v),
        UnaryKind::Tanh => tanh(v),
        UnaryKind::HardSigmoid { alpha, beta } => (f64::from(alpha) * v + f64::from(beta)).clamp(0.0, 1.0),
        UnaryKind::HardSwish => v * (v / 6.0 + 0.5).clamp(0.0, 1.0),
        UnaryKind::Elu { alpha } => elu(v, alpha.into()),
        UnaryKind::Selu { alpha, gamma } => f64::from(gamma) * elu(v, alpha.into()),
        UnaryKind::Celu { alpha } => {
            let alpha = f64::from(alpha);
            v.max(0.0) + (alpha * expm1(v / alpha)).min(0.0)
        }
        UnaryKind::ThresholdedRelu { alpha } => {
            if v > f64::from(alpha) {
                v
            } else {
                0.0
            }
        }
        UnaryKind::Softplus => softplus(v),
        UnaryKind::Softsign => v / (1.0 + v.abs()),
        UnaryKind::Mish => v * tanh(softplus(v)),
        UnaryKind::Gelu => 0.5 * v * (1.0 + erf(v * std::f64::consts::FRAC_1_SQRT_2)),
        UnaryKind::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v * v * v);
            0.5 * v * (1.0 + tanh(inner))
        }
        UnaryKind::Swish => v * sigmoid(v),
        UnaryKind::Floor => v.floor(),
        UnaryKind::Ceil => v.ceil(),
        UnaryKind::Round => v.round_ties_even(),
        UnaryKind::Sign if v == 0.0 => 0.0,
        UnaryKind::Sign => v.signum(),
        UnaryKind::Sin => sin(v),
        UnaryKind::Cos => cos(v),
        UnaryKind::Tan => tan(v),
        UnaryKind::Asin => asin(v),
        UnaryKind::Acos => acos(v),
        UnaryKind::Atan => atan(v),
        UnaryKind::Sinh => sinh(v),
        UnaryKind::Cosh => cosh(v),
        UnaryKind::Asinh => asinh(v),
        UnaryKind::Acosh => acosh(v),
        UnaryKind::Atanh => atanh(v),
        UnaryKind::Shrink { lambd, bias } => shrink(v, lambd.into(), bias.into()),
    };
    y as f32
}

fn shrink(v: f64, lambd: f64, bias: f64) -> f64 {
    match v {
        _ if v < -lambd => v + bias,
        _ if v > lambd => v - bias,
        _ if v.is_nan() => v,
        _ => 0.0,
    }
}

fn elu(v: f64, alpha: f64) -> f64 {
    if v < 0.0 { alpha * expm1(v) } else { v }
}
