//! Elementwise functions of one operand.

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::mem::discriminant;

/// An elementwise function of one operand.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum UnaryKind {
    /// -x.
    Neg,
    /// |x|.
    Abs,
    /// Square root; NaN for negative x.
    Sqrt,
    /// e to the x.
    Exp,
    /// Natural logarithm.
    Log,
    /// 1 / x.
    Reciprocal,
    /// Error function.
    Erf,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// clamp(alpha * x + beta, 0, 1).
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Value at zero.
        beta: f32,
    },
    /// x * clamp(x / 6 + 0.5, 0, 1).
    HardSwish,
    /// x < 0 ? alpha * (exp(x) - 1) : x.
    Elu {
        /// Scales the negative side.
        alpha: f32,
    },
    /// gamma * (x < 0 ? alpha * (exp(x) - 1) : x).
    Selu {
        /// Scales the negative side.
        alpha: f32,
        /// Scales the result.
        gamma: f32,
    },
    /// max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)).
    Celu {
        /// Where the negative side saturates; not zero.
        alpha: f32,
    },
    /// x > alpha ? x : 0.
    ThresholdedRelu {
        /// The threshold.
        alpha: f32,
    },
    /// ln(1 + exp(x)).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// x * tanh(softplus(x)).
    Mish,
    /// x / 2 * (1 + erf(x / sqrt 2)).
    Gelu,
    /// x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))).
    GeluTanh,
    /// x * sigmoid(x), also called SiLU.
    Swish,
    /// Largest integer not above x.
    Floor,
    /// Smallest integer not below x.
    Ceil,
    /// Nearest integer, halves to even.
    Round,
    /// -1, 0 or 1.
    Sign,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Arcsine; NaN beyond -1 and 1.
    Asin,
    /// Arccosine; NaN beyond -1 and 1.
    Acos,
    /// Arctangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse of the hyperbolic sine.
    Asinh,
    /// Inverse of the hyperbolic cosine; NaN below 1.
    Acosh,
    /// Inverse of the hyperbolic tangent; NaN beyond -1 and 1.
    Atanh,
    /// x < -lambd ? x + bias : x > lambd ? x - bias : 0.
    Shrink {
        /// The threshold.
        lambd: f32,
        /// What is taken off beyond it.
        bias: f32,
    },
}

impl UnaryKind {
    /// Whether its results are whole numbers, so that the smallest change of x may change them by one.
    pub fn is_whole(self) -> bool {
        matches!(self, UnaryKind::Floor | UnaryKind::Ceil | UnaryKind::Round | UnaryKind::Sign)
    }

    /// Whether every finite number has a finite result: others have poles or gaps, or grow beyond float32.
    pub fn is_total(self) -> bool {
        use UnaryKind::{Acos, Acosh, Asin, Atanh, Cosh, Exp, Log, Reciprocal, Sinh, Sqrt};
        !matches!(self, Acos | Acosh | Asin | Atanh | Cosh | Exp | Log | Reciprocal | Sinh | Sqrt)
    }

    /// Every kind with its default parameters, its name in ONNX and its name in the text form.
    pub const ALL: &[(UnaryKind, &str, &str)] = &[
        (UnaryKind::Neg, "Neg", "negative"),
        (UnaryKind::Abs, "Abs", "abs"),
        (UnaryKind::Sqrt, "Sqrt", "sqrt"),
        (UnaryKind::Exp, "Exp", "exp"),
        (UnaryKind::Log, "Log", "log"),
        (UnaryKind::Reciprocal, "Reciprocal", "reciprocal"),
        (UnaryKind::Erf, "Erf", "erf"),
        (UnaryKind::Sigmoid, "Sigmoid", "sigmoid"),
        (UnaryKind::Tanh, "Tanh", "tanh"),
        (UnaryKind::HardSigmoid { alpha: 0.2, beta: 0.5 }, "HardSigmoid", "hard_sigmoid"),
        (UnaryKind::HardSwish, "HardSwish", "hard_swish"),
        (UnaryKind::Elu { alpha: 1.0 }, "Elu", "elu"),
        (UnaryKind::Selu { alpha: 1.673_263_2, gamma: 1.050_701 }, "Selu", "selu"),
        (UnaryKind::Celu { alpha: 1.0 }, "Celu", "celu"),
        (UnaryKind::ThresholdedRelu { alpha: 1.0 }, "ThresholdedRelu", "thresholded_relu"),
        (UnaryKind::Softplus, "Softplus", "softplus"),
        (UnaryKind::Softsign, "Softsign", "softsign"),
        (UnaryKind::Mish, "Mish", "mish"),
        (UnaryKind::Gelu, "Gelu", "gelu"),
        (UnaryKind::GeluTanh, "Gelu", "gelu_tanh"),
        (UnaryKind::Swish, "Swish", "swish"),
        (UnaryKind::Floor, "Floor", "floor"),
        (UnaryKind::Ceil, "Ceil", "ceil"),
        (UnaryKind::Round, "Round", "round"),
        (UnaryKind::Sign, "Sign", "sign"),
        (UnaryKind::Sin, "Sin", "sin"),
        (UnaryKind::Cos, "Cos", "cos"),
        (UnaryKind::Tan, "Tan", "tan"),
        (UnaryKind::Asin, "Asin", "asin"),
        (UnaryKind::Acos, "Acos", "acos"),
        (UnaryKind::Atan, "Atan", "atan"),
        (UnaryKind::Sinh, "Sinh", "sinh"),
        (UnaryKind::Cosh, "Cosh", "cosh"),
        (UnaryKind::Asinh, "Asinh", "asinh"),
        (UnaryKind::Acosh, "Acosh", "acosh"),
        (UnaryKind::Atanh, "Atanh", "atanh"),
        (UnaryKind::Shrink { lambd: 0.5, bias: 0.0 }, "Shrink", "shrink"),
    ];

    fn entry(self) -> &'static (UnaryKind, &'static str, &'static str) {
        let own = |e: &&(UnaryKind, _, _)| discriminant(&e.0) == discriminant(&self);
        UnaryKind::ALL.iter().find(own).expect("ALL lists every kind")
    }

    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The operator's name in the text form.
    pub fn text_name(self) -> &'static str {
        self.entry().2
    }

    /// The parameters by name.
    pub fn parameters(self) -> Vec<(&'static str, f32)> {
        match self {
            UnaryKind::HardSigmoid { alpha, beta } => vec![("alpha", alpha), ("beta", beta)],
            UnaryKind::Selu { alpha, gamma } => vec![("alpha", alpha), ("gamma", gamma)],
            UnaryKind::Shrink { lambd, bias } => vec![("lambd", lambd), ("bias", bias)],
            UnaryKind::Elu { alpha } | UnaryKind::Celu { alpha } | UnaryKind::ThresholdedRelu { alpha } => {
                vec![("alpha", alpha)]
            }
            _ => Vec::new(),
        }
    }

    /// The same kind with each parameter replaced by what `read` gives for its name and old value.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn with(self, mut read: impl FnMut(&'static str, f32) -> Result<f32>) -> Result<UnaryKind> {
        Ok(match self {
            UnaryKind::HardSigmoid { alpha, beta } => {
                UnaryKind::HardSigmoid { alpha: read("alpha", alpha)?, beta: read("beta", beta)? }
            }
            UnaryKind::Selu { alpha, gamma } => {
                UnaryKind::Selu { alpha: read("alpha", alpha)?, gamma: read("gamma", gamma)? }
            }
            UnaryKind::Shrink { lambd, bias } => {
                UnaryKind::Shrink { lambd: read("lambd", lambd)?, bias: read("bias", bias)? }
            }
            UnaryKind::Elu { alpha } => UnaryKind::Elu { alpha: read("alpha", alpha)? },
            UnaryKind::Celu { alpha } => UnaryKind::Celu { alpha: read("alpha", alpha)? },
            UnaryKind::ThresholdedRelu { alpha } => {
                UnaryKind::ThresholdedRelu { alpha: read("alpha", alpha)? }
            }
            plain => plain,
        })
    }
}
