//! Whole numbers that the network computes: indices of maxima, and what is made of them.
//!
//! The graph holds them as floats. Sums, products and comparisons of those are right; quotients lose their fractions;
//! means and powers would keep theirs, so those are refused.

use super::call::Call;
use super::proto::NodeProto;
use crate::error::{Error, Result};
use crate::graph::{BinaryKind, Op, UnaryKind, ValueId};
use std::collections::HashSet;

/// ONNX's codes of whole number types: signed and unsigned ones of 8, 16, 32 and 64 bits.
const TYPES: [i64; 8] = [2, 3, 4, 5, 6, 7, 12, 13];

/// Names of tensors that hold whole numbers. Lookups only.
#[derive(Default)]
pub(super) struct Whole(HashSet<String>);

impl Whole {
    /// Whether a tensor of that name holds whole numbers that are computed.
    pub fn holds(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Notes that a tensor of that name does.
    pub fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// Follows whole numbers through a node.
    ///
    /// # Errors
    /// An operator that divides whole numbers.
    pub fn follow(&mut self, node: &NodeProto) -> Result<()> {
        let read = node.input.iter().any(|name| self.0.contains(name));
        // Indices say which elements are taken, not what they are.
        let data = node.input.first().is_some_and(|name| self.0.contains(name));
        let updates = node.input.get(2).is_some_and(|name| self.0.contains(name));
        let code = |name: &str| node.attribute.iter().find(|a| a.name == name).map(|a| a.i);
        let made = match node.op_type.as_str() {
            "ArgMax" | "ArgMin" => &node.output[..],
            "TopK" | "MaxPool" => node.output.get(1..).unwrap_or_default(),
            "Cast" if code("to").is_some_and(|code| TYPES.contains(&code)) => &node.output[..],
            "Pow" | "Mean" | "ReduceMean" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceL2" if read => {
                return Err(Error::new("import", "its operands are whole numbers, so that its results have no fractions; floats stand for them here")
                    .hint("a Cast to float32 before it, and Floor behind it"));
            }
            "Add" | "Sub" | "Mul" | "Div" | "Neg" | "Abs" | "Max" | "Min" | "Mod" | "Clip" | "Sum"
            | "Sign" | "Where" | "Concat"
                if read =>
            {
                &node.output[..]
            }
            "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Transpose" | "Slice"
            | "Split" | "Expand" | "Tile" | "Pad" | "Gather" | "GatherElements" | "GatherND"
            | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "CumSum" | "Trilu"
            | "CenterCropPad" | "ReverseSequence"
                if data =>
            {
                &node.output[..]
            }
            "ScatterElements" | "ScatterND" if data || updates => &node.output[..],
            _ => &[],
        };
        self.0.extend(made.iter().filter(|name| !name.is_empty()).cloned());
        Ok(())
    }
}

fn binary(kind: BinaryKind) -> Op {
    Op::Binary { kind }
}

/// A value without its fractions.
pub(super) fn truncated(call: &mut Call, x: ValueId) -> Result<ValueId> {
    let unary = |kind| Op::Unary { kind };
    let (sign, size) = (call.apply(unary(UnaryKind::Sign), &[x])?, call.apply(unary(UnaryKind::Abs), &[x])?);
    let size = call.apply(unary(UnaryKind::Floor), &[size])?;
    call.apply(binary(BinaryKind::Mul), &[sign, size])
}

/// Div of whole numbers, towards zero. Up to 2^24 no quotient is rounded to the next whole number.
pub(super) fn divide(call: &mut Call) -> Result<()> {
    let inputs = [call.value(0)?, call.value(1)?];
    let quotient = call.apply(binary(BinaryKind::Div), &inputs)?;
    let y = truncated(call, quotient)?;
    call.result(y)
}

/// Mod of whole numbers, with the sign of the divisor.
pub(super) fn remainder(call: &mut Call) -> Result<()> {
    let (x, divisor) = (call.value(0)?, call.value(1)?);
    let y = remainder_of(call, x, divisor)?;
    call.result(y)
}

fn remainder_of(call: &mut Call, x: ValueId, divisor: ValueId) -> Result<ValueId> {
    let quotient = call.apply(binary(BinaryKind::Div), &[x, divisor])?;
    let times = call.apply(Op::Unary { kind: UnaryKind::Floor }, &[quotient])?;
    let multiple = call.apply(binary(BinaryKind::Mul), &[times, divisor])?;
    call.apply(binary(BinaryKind::Sub), &[x, multiple])
}

/// Cast of a value to whole numbers of the range `range`; `None` for those that no float32 here leaves. Whole numbers
/// outside of it wrap around. What other numbers become there is nowhere said: the end that they are beyond.
pub(super) fn cast(call: &mut Call, range: Option<(i64, i64)>) -> Result<()> {
    let x = call.value(0)?;
    let bounds = range.map(|(low, high)| (low as f32, high as f32));
    call.makes_whole();
    let y = match (call.is_whole(0), bounds) {
        (true, None) => x,
        (true, Some((low, high))) => {
            let (low, count) = (call.scalar_value(low)?, call.scalar_value(high - low + 1.0)?);
            let above = call.apply(binary(BinaryKind::Sub), &[x, low])?;
            let rest = remainder_of(call, above, count)?;
            call.apply(Op::Add, &[rest, low])?
        }
        (false, None) => truncated(call, x)?,
        (false, Some((min, max))) => {
            let y = truncated(call, x)?;
            call.apply(Op::Clip { min, max }, &[y])?
        }
    };
    match y == x {
        true => call.alias(super::import::Operand::Value(x)),
        false => call.result(y),
    }
}
