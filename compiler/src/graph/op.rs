//! What operators are called and how they treat what they read.

use super::{Cell, Op};

impl Op {
    /// Whether it turns real numbers to integers of a scale, or back: only models that are quantised have it.
    pub fn converts(&self) -> bool {
        matches!(self, Op::QuantizeLinear { .. } | Op::DequantizeLinear { .. })
    }

    /// Whether it moves elements of its first input and computes nothing.
    pub fn only_moves(&self) -> bool {
        matches!(
            self,
            Op::Flatten { .. }
                | Op::Reshape
                | Op::Transpose { .. }
                | Op::Slice { .. }
                | Op::Gather { .. }
                | Op::Expand { .. }
        )
    }

    /// Whether it puts elements of its first input elsewhere and computes nothing, by addresses alone or not.
    pub fn rearranges(&self) -> bool {
        self.only_moves() || matches!(self, Op::DepthToSpace { .. } | Op::SpaceToDepth { .. })
    }

    /// The operator's name in ONNX, for messages and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Conv { .. } => "Conv",
            Op::BatchNormalization { .. } => "BatchNormalization",
            Op::Relu => "Relu",
            Op::Clip { .. } => "Clip",
            Op::LeakyRelu { .. } => "LeakyRelu",
            Op::PRelu => "PRelu",
            Op::MaxPool { .. } => "MaxPool",
            Op::AveragePool { .. } => "AveragePool",
            Op::GlobalAveragePool => "GlobalAveragePool",
            Op::Add => "Add",
            Op::Concat { .. } => "Concat",
            Op::Gemm { .. } => "Gemm",
            Op::MatMul => "MatMul",
            Op::Flatten { .. } => "Flatten",
            Op::Reshape => "Reshape",
            Op::Transpose { .. } => "Transpose",
            Op::DepthToSpace { .. } => "DepthToSpace",
            Op::Softmax { .. } => "Softmax",
            Op::LogSoftmax { .. } => "LogSoftmax",
            Op::Unary { kind } => kind.name(),
            Op::Binary { kind } => kind.name(),
            Op::Where => "Where",
            Op::TopK { .. } => "TopK",
            Op::GatherElements { .. } => "GatherElements",
            Op::Reduce { kind, .. } => kind.name(),
            Op::ConvTranspose { .. } => "ConvTranspose",
            Op::Pad { .. } => "Pad",
            Op::Slice { .. } => "Slice",
            Op::Gather { .. } => "Gather",
            Op::Expand { .. } => "Expand",
            Op::Resize(_) => "Resize",
            Op::SpaceToDepth { .. } => "SpaceToDepth",
            Op::LayerNormalization { .. } => "LayerNormalization",
            Op::InstanceNormalization { .. } => "InstanceNormalization",
            Op::Recurrent(r) => match r.cell {
                Cell::Rnn => "RNN",
                Cell::Lstm => "LSTM",
                Cell::Gru { .. } => "GRU",
            },
            Op::QuantizeLinear { .. } => "QuantizeLinear",
            Op::DequantizeLinear { .. } => "DequantizeLinear",
            Op::Described(op) => op.descriptor.name,
        }
    }
}
