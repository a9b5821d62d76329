//! Elementwise functions of one operand, computed in float64 and rounded once.

use crate::graph::UnaryKind;

/// The function of a kind at one point.
pub(crate) fn unary(kind: UnaryKind, x: f32) -> f32 {
    let v = f64::from(x);
    let y = match kind {
        UnaryKind::Neg => -v,
        UnaryKind::Abs => v.abs(),
        UnaryKind::Sqrt => v.sqrt(),
        UnaryKind::Exp => v.exp(),
        UnaryKind::Log => v.ln(),
        UnaryKind::Reciprocal => 1.0 / v,
        UnaryKind::Erf => erf(v),
        UnaryKind::Sigmoid => sigmoid(v),
        UnaryKind::Tanh => v.tanh(),
        UnaryKind::HardSigmoid { alpha, beta } => (f64::from(alpha) * v + f64::from(beta)).clamp(0.0, 1.0),
        UnaryKind::HardSwish => v * (v / 6.0 + 0.5).clamp(0.0, 1.0),
        UnaryKind::Elu { alpha } => elu(v, alpha.into()),
        UnaryKind::Selu { alpha, gamma } => f64::from(gamma) * elu(v, alpha.into()),
        UnaryKind::Celu { alpha } => {
            let alpha = f64::from(alpha);
            v.max(0.0) + (alpha * (v / alpha).exp_m1()).min(0.0)
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
        UnaryKind::Mish => v * softplus(v).tanh(),
        UnaryKind::Gelu => 0.5 * v * (1.0 + erf(v * std::f64::consts::FRAC_1_SQRT_2)),
        UnaryKind::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v * v * v);
            0.5 * v * (1.0 + inner.tanh())
        }
        UnaryKind::Swish => v * sigmoid(v),
        UnaryKind::Floor => v.floor(),
        UnaryKind::Ceil => v.ceil(),
        UnaryKind::Round => v.round_ties_even(),
        UnaryKind::Sign if v == 0.0 => 0.0,
        UnaryKind::Sign => v.signum(),
        UnaryKind::Sin => v.sin(),
        UnaryKind::Cos => v.cos(),
    };
    y as f32
}

/// 1 / (1 + exp(-x)).
pub(super) fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

fn elu(v: f64, alpha: f64) -> f64 {
    if v < 0.0 { alpha * v.exp_m1() } else { v }
}

/// ln(1 + exp(x)), without overflow.
fn softplus(v: f64) -> f64 {
    v.max(0.0) + (-v.abs()).exp().ln_1p()
}

/// The error function by its series with positive terms only; beyond 6 it is 1 in float64 too.
fn erf(v: f64) -> f64 {
    let x = v.abs();
    if x.is_nan() || x > 6.0 {
        return if v.is_nan() { v } else { v.signum() };
    }
    let (mut term, mut sum, mut n) = (x, x, 1.0);
    while term > 1e-17 * sum {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
        n += 1.0;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum * v.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tables of Abramowitz and Stegun (7.1).
    #[test]
    fn erf_by_table() {
        let rows = [(0.0, 0.0), (0.5, 0.520_499_877_8), (1.0, 0.842_700_792_9), (2.0, 0.995_322_265_0)];
        for (x, y) in rows {
            assert!((erf(x) - y).abs() < 1e-10, "{x}");
            assert!((erf(-x) + y).abs() < 1e-10, "-{x}");
        }
        assert_eq!(erf(f64::INFINITY), 1.0);
        assert!(erf(f64::NAN).is_nan());
        assert!((erf(5.9) - 1.0).abs() < 1e-15);
    }
}
