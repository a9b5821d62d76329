//! Whole numbers that the network computes: indices of maxima, and what is made of them.
//!
//! The graph holds them as floats. Sums, products and comparisons of those are right; quotients, means and powers
//! would keep fractions, which whole numbers do not have, so those are refused.

use super::proto::NodeProto;
use crate::error::{Error, Result};
use std::collections::HashSet;

/// ONNX's codes of whole number types: signed and unsigned ones of 8, 16, 32 and 64 bits.
const TYPES: [i64; 8] = [2, 3, 4, 5, 6, 7, 12, 13];

/// Names of tensors that hold whole numbers. Lookups only.
#[derive(Default)]
pub(super) struct Whole(HashSet<String>);

impl Whole {
    /// Follows whole numbers through a node.
    ///
    /// # Errors
    /// An operator that divides whole numbers.
    pub fn follow(&mut self, node: &NodeProto) -> Result<()> {
        let read = node.input.iter().any(|name| self.0.contains(name));
        // Indices say which elements are taken, not what they are.
        let data = node.input.first().is_some_and(|name| self.0.contains(name));
        let code = |name: &str| node.attribute.iter().find(|a| a.name == name).map(|a| a.i);
        let made = match node.op_type.as_str() {
            "ArgMax" | "ArgMin" => &node.output[..],
            "TopK" => node.output.get(1..).unwrap_or_default(),
            "Cast" if code("to").is_some_and(|code| TYPES.contains(&code)) => &node.output[..],
            "Div" | "Pow" | "Mean" | "ReduceMean" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceL2"
                if read =>
            {
                return Err(Error::new("import", "its operands are whole numbers, so that its results have no fractions; floats stand for them here")
                    .hint("a Cast to float32 before it, and Floor behind it"));
            }
            "Add" | "Sub" | "Mul" | "Neg" | "Abs" | "Max" | "Min" | "Mod" | "Clip" | "Sum" | "Sign"
            | "Where" | "Concat"
                if read =>
            {
                &node.output[..]
            }
            "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Transpose" | "Slice"
            | "Split" | "Expand" | "Tile" | "Pad" | "Gather" | "ReduceSum" | "ReduceMax" | "ReduceMin"
                if data =>
            {
                &node.output[..]
            }
            _ => &[],
        };
        self.0.extend(made.iter().filter(|name| !name.is_empty()).cloned());
        Ok(())
    }
}
