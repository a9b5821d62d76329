//! What operations are called in reports and errors.

use super::Lowering;
use crate::graph::{Graph, Op};
use crate::quantise::select::plan::FusedOp;

impl Lowering<'_> {
    /// Name of the first node and operators of all, such as `conv2d+relu`.
    pub fn names(&self, fused: &FusedOp) -> (String, String) {
        let nodes = fused.nodes.iter().map(|&n| &self.graph.nodes[n]);
        let operators: Vec<&str> = nodes.clone().filter_map(|n| operator(self.graph, n)).collect();
        match nodes.into_iter().next() {
            Some(first) => (first.name.clone(), operators.join("+")),
            None => (self.value_name(self.plan.homes[fused.output].value), "copy".into()),
        }
    }
}

/// The operator's name in reports; `None` for those that cost nothing.
fn operator(graph: &Graph, node: &crate::graph::Node) -> Option<&'static str> {
    Some(match &node.op {
        Op::Conv { groups, .. } if *groups > 1 && *groups == graph.shape(node.inputs[0])[1] => {
            "depthwise_conv2d"
        }
        Op::Conv { .. } => "conv2d",
        Op::BatchNormalization { .. } => "batch_norm",
        Op::Relu => "relu",
        Op::Clip { .. } => "clip",
        Op::LeakyRelu { .. } => "leaky_relu",
        Op::PRelu => "prelu",
        Op::MaxPool { .. } => "max_pool",
        Op::AveragePool { .. } => "average_pool",
        Op::GlobalAveragePool => "global_average_pool",
        Op::Add => "add",
        Op::Concat { .. } => "concat",
        Op::Gemm { .. } | Op::MatMul => "dense",
        Op::DepthToSpace { .. } => "depth_to_space",
        Op::Softmax { .. } => "softmax",
        op if op.only_moves() => return None,
        other => other.name(),
    })
}
