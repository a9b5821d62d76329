//! Families of operators that share one variant of [`super::Op`]: which function, which mode.
//!
//! Each family lists its members in one table, `ALL`, with the name in ONNX and the name in the text
//! form; the importer, the printer, the parser and the documentation walk it.

mod unary;

use serde::{Deserialize, Serialize};

pub use unary::UnaryKind;

/// An elementwise function of two operands with numpy broadcasting. Addition is [`super::Op::Add`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum BinaryKind {
    /// a - b.
    Sub,
    /// a * b.
    Mul,
    /// a / b.
    Div,
    /// a to the power of b.
    Pow,
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// The rest of a / b towards zero, with the sign of a.
    Mod,
    /// 1 where a = b, else 0.
    Equal,
    /// 1 where a > b, else 0.
    Greater,
    /// 1 where a >= b, else 0.
    GreaterOrEqual,
    /// 1 where a < b, else 0.
    Less,
    /// 1 where a <= b, else 0.
    LessOrEqual,
}

impl BinaryKind {
    /// Whether the smallest change of an operand may change the result by a step.
    pub fn is_step(self) -> bool {
        self.is_comparison() || self == BinaryKind::Mod
    }

    /// Whether it compares: the result is 1 or 0.
    pub fn is_comparison(self) -> bool {
        use BinaryKind::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        matches!(self, Equal | Greater | GreaterOrEqual | Less | LessOrEqual)
    }

    /// Every kind, its name in ONNX and its name in the text form.
    pub const ALL: &[(BinaryKind, &str, &str)] = &[
        (BinaryKind::Sub, "Sub", "subtract"),
        (BinaryKind::Mul, "Mul", "multiply"),
        (BinaryKind::Div, "Div", "divide"),
        (BinaryKind::Pow, "Pow", "power"),
        (BinaryKind::Min, "Min", "minimum"),
        (BinaryKind::Max, "Max", "maximum"),
        (BinaryKind::Mod, "Mod", "mod"),
        (BinaryKind::Equal, "Equal", "equal"),
        (BinaryKind::Greater, "Greater", "greater"),
        (BinaryKind::GreaterOrEqual, "GreaterOrEqual", "greater_equal"),
        (BinaryKind::Less, "Less", "less"),
        (BinaryKind::LessOrEqual, "LessOrEqual", "less_equal"),
    ];

    fn entry(self) -> &'static (BinaryKind, &'static str, &'static str) {
        BinaryKind::ALL.iter().find(|e| e.0 == self).expect("ALL lists every kind")
    }

    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The operator's name in the text form.
    pub fn text_name(self) -> &'static str {
        self.entry().2
    }
}

/// How a reduction combines elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ReduceKind {
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Sum,
    /// Product.
    Prod,
    /// Maximum.
    Max,
    /// Minimum.
    Min,
    /// Sum of absolute values.
    L1,
    /// Root of the sum of squares.
    L2,
    /// Logarithm of the sum.
    LogSum,
    /// Logarithm of the sum of exponentials.
    LogSumExp,
    /// Sum of squares.
    SumSquare,
    /// Index of the largest, the first of equals, counted along one axis.
    ArgMax,
    /// Index of the smallest, likewise.
    ArgMin,
}

impl ReduceKind {
    /// Every kind, its name in ONNX and its name in the text form.
    pub const ALL: &[(ReduceKind, &str, &str)] = &[
        (ReduceKind::Mean, "ReduceMean", "mean"),
        (ReduceKind::Sum, "ReduceSum", "sum"),
        (ReduceKind::Prod, "ReduceProd", "prod"),
        (ReduceKind::Max, "ReduceMax", "max"),
        (ReduceKind::Min, "ReduceMin", "min"),
        (ReduceKind::L1, "ReduceL1", "l1"),
        (ReduceKind::L2, "ReduceL2", "l2"),
        (ReduceKind::LogSum, "ReduceLogSum", "log_sum"),
        (ReduceKind::LogSumExp, "ReduceLogSumExp", "log_sum_exp"),
        (ReduceKind::SumSquare, "ReduceSumSquare", "sum_square"),
        (ReduceKind::ArgMax, "ArgMax", "argmax"),
        (ReduceKind::ArgMin, "ArgMin", "argmin"),
    ];

    /// Whether the result is the place of an element: a step that a rounding error may take.
    pub fn is_index(self) -> bool {
        matches!(self, ReduceKind::ArgMax | ReduceKind::ArgMin)
    }

    fn entry(self) -> &'static (ReduceKind, &'static str, &'static str) {
        ReduceKind::ALL.iter().find(|e| e.0 == self).expect("ALL lists every kind")
    }

    /// The operator's name in ONNX.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The operator's name in the text form.
    pub fn text_name(self) -> &'static str {
        self.entry().2
    }
}

/// What a Pad writes around its input.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum PadMode {
    /// One value.
    Constant(f32),
    /// The input mirrored at its first and last element, which are not repeated.
    Reflect,
    /// The nearest element of the input.
    Edge,
    /// The input again, as if it were periodic.
    Wrap,
}

/// Which input elements make an output element of a Resize.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Interpolation {
    /// The nearest one.
    Nearest(CoordinateRounding),
    /// The two around it along each axis.
    Linear,
    /// The four around it along each axis.
    Cubic {
        /// Keys' coefficient a.
        coefficient: f32,
        /// Taps outside the input count zero and the rest is rescaled, instead of repeating the edge.
        exclude_outside: bool,
    },
}

/// How [`Interpolation::Nearest`] makes a coordinate whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CoordinateRounding {
    /// To the nearest, halves down.
    PreferFloor,
    /// To the nearest, halves up.
    PreferCeil,
    /// Down.
    Floor,
    /// Up.
    Ceil,
}

impl CoordinateRounding {
    /// Every rounding and its name, in ONNX as in the text form.
    pub const ALL: &[(CoordinateRounding, &str)] = &[
        (CoordinateRounding::PreferFloor, "round_prefer_floor"),
        (CoordinateRounding::PreferCeil, "round_prefer_ceil"),
        (CoordinateRounding::Floor, "floor"),
        (CoordinateRounding::Ceil, "ceil"),
    ];

    /// The name, in ONNX as in the text form.
    pub fn name(self) -> &'static str {
        CoordinateRounding::ALL.iter().find(|e| e.0 == self).expect("ALL lists every rounding").1
    }
}

/// Where in the input an output element of a Resize lies, with `o` its index and `s` the scale.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Coordinates {
    /// (o + 0.5) / s - 0.5.
    HalfPixel,
    /// As `HalfPixel`, centred where scale times extent is not whole.
    HalfPixelSymmetric,
    /// As `HalfPixel`, 0 where the output has one element.
    PytorchHalfPixel,
    /// o * (in - 1) / (out - 1): corners lie on corners.
    AlignCorners,
    /// o / s.
    Asymmetric,
    /// (o + 0.5) / s, meant for nearest neighbours that round down.
    HalfPixelForNearest,
}

impl Coordinates {
    /// Every mode and its name, in ONNX as in the text form.
    pub const ALL: &[(Coordinates, &str)] = &[
        (Coordinates::HalfPixel, "half_pixel"),
        (Coordinates::HalfPixelSymmetric, "half_pixel_symmetric"),
        (Coordinates::PytorchHalfPixel, "pytorch_half_pixel"),
        (Coordinates::AlignCorners, "align_corners"),
        (Coordinates::Asymmetric, "asymmetric"),
        (Coordinates::HalfPixelForNearest, "tf_half_pixel_for_nn"),
    ];

    /// The name, in ONNX as in the text form.
    pub fn name(self) -> &'static str {
        Coordinates::ALL.iter().find(|e| e.0 == self).expect("ALL lists every mode").1
    }
}

/// A recurrent cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Cell {
    /// tanh(Wx + Rh + b).
    Rnn,
    /// Gates in the order i, o, f, c.
    Lstm,
    /// Gates in the order z, r, h.
    Gru {
        /// The reset gate scales the product instead of the state that enters it.
        linear_before_reset: bool,
    },
}

impl Cell {
    /// Rows of the weights for each hidden element.
    pub fn gates(self) -> usize {
        match self {
            Cell::Rnn => 1,
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
        }
    }
}

/// In which order a recurrent cell sees the steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Direction {
    /// First to last.
    Forward,
    /// Last to first.
    Reverse,
    /// Both, each with its own weights.
    Bidirectional,
}

impl Direction {
    /// Every direction and its name, in ONNX as in the text form.
    pub const ALL: &[(Direction, &str)] = &[
        (Direction::Forward, "forward"),
        (Direction::Reverse, "reverse"),
        (Direction::Bidirectional, "bidirectional"),
    ];

    /// The name, in ONNX as in the text form.
    pub fn name(self) -> &'static str {
        Direction::ALL.iter().find(|e| e.0 == self).expect("ALL lists every direction").1
    }

    /// Number of directions.
    pub fn count(self) -> usize {
        if self == Direction::Bidirectional { 2 } else { 1 }
    }
}
