//! Whole numbers: which operators take them, and what their results are then.
//!
//! Numbers of 8 and 16 bits are in the graph as they are, made by a QuantizeLinear or an input. Those of 32 bits and more
//! are in it as the real numbers that they stand for: sums of products, which TVM keeps as int32, in steps of the products
//! of two scales, and what is computed of them before a `qnn.requantize` or `qnn.dequantize` with just these scales.
//! Numbers that no scale belongs to (indices, inputs) are their own real numbers, in steps of 1.

mod bounds;
mod cast;
mod convert;
mod known;
mod steps;

use std::rc::Rc;

use super::super::call::OperatorCall;
use super::super::fold;
use super::super::lower::Lower;
use super::super::operand::Operand;
use super::super::syntax::Literal;
use super::PREFIX;
use crate::error::{Error, Result};
use crate::graph::Integer;

pub(super) use cast::cast;

/// How the table of operators reads one.
type OperatorRule = fn(&mut OperatorCall) -> Result<Operand>;

/// Operators that move, pick or compare elements: whole numbers stay whole numbers of their type.
const MOVES: [&str; 42] = [
    "nn.max_pool2d",
    "nn.global_max_pool2d",
    "nn.adaptive_max_pool2d",
    "nn.batch_flatten",
    "nn.depth_to_space",
    "nn.space_to_depth",
    "nn.mirror_pad",
    "nn.dropout",
    "copy",
    "annotation.stop_fusion",
    "device_copy",
    "on_device",
    "stop_fusion",
    "reshape",
    "contrib_reverse_reshape",
    "reshape_like",
    "squeeze",
    "expand_dims",
    "transpose",
    "layout_transform",
    "broadcast_to",
    "broadcast_to_like",
    "concatenate",
    "stack",
    "split",
    "strided_slice",
    "take",
    "gather",
    "gather_nd",
    "adv_index",
    "reverse_sequence",
    "meshgrid",
    "slice_like",
    "zeros_like",
    "ones_like",
    "full_like",
    "repeat",
    "tile",
    "reverse",
    "max",
    "min",
    "where",
];

/// Operators that are computed at once of constants of whole numbers, too.
const FOLDED: [&str; 5] = ["prod", "sum", "abs", "negative", "sort"];

/// Operators that bound elements by whole numbers, or put such beside them.
const BOUNDS: [&str; 5] = ["nn.relu", "clip", "maximum", "minimum", "nn.pad"];

/// What the numbers of a value are, where they are not real numbers.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) enum NumberKind {
    /// Whole numbers of a type as they are, and what they stand for; `None` where each index of an axis has its own scale
    /// and zero point, or where numbers of several scales are joined.
    Type(Integer, Option<IntegerScale>),
    /// Real numbers that stand for whole ones of 32 or 64 bits.
    Scaled(IntegerScale),
}

/// How real numbers stand for whole ones: `real / scale + zero`.
#[derive(Clone, PartialEq, Debug)]
pub(in super::super) struct IntegerScale {
    /// One, or one for each index of `axis`.
    pub scales: Rc<[f32]>,
    /// The axis of the graph's value along which the scales vary. It counts only where there are several.
    pub axis: usize,
    /// The whole number of zero; 0 where there are several scales.
    pub zero: f32,
    /// The least and the largest whole number that there may be.
    pub range: [f64; 2],
}

impl IntegerScale {
    /// Whole numbers of a type that are their own real numbers.
    pub fn unit(integer: Integer) -> IntegerScale {
        IntegerScale::of(1.0, 0.0, integer)
    }

    /// Whole numbers of a type with one scale.
    pub fn of(scale: f32, zero: f32, integer: Integer) -> IntegerScale {
        IntegerScale { scales: [scale].into(), axis: 0, zero, range: range(integer) }
    }

    /// Sums of products, with one scale or one for each channel.
    pub fn sums(scales: Rc<[f32]>) -> IntegerScale {
        IntegerScale { scales, axis: 1, zero: 0.0, range: range(Integer::Int32) }
    }

    /// Whether the graph has the whole numbers themselves.
    pub fn is_unit(&self) -> bool {
        *self.scales == [1.0] && self.zero == 0.0
    }

    /// Whether the same numbers stand for the same.
    pub fn alike(&self, other: &IntegerScale) -> bool {
        let axes = self.scales.len() == 1 || self.axis == other.axis;
        self.scales.len() == other.scales.len() && self.fits(&other.scales) && axes && self.zero == other.zero
    }

    /// Whether scales are the same. A text states the product of two of them: rounding may differ in the last digits.
    pub fn fits(&self, scales: &[f32]) -> bool {
        let at = |list: &[f32], i: usize| list[if list.len() == 1 { 0 } else { i }];
        let count = scales.len().max(self.scales.len());
        let paired = scales.len() == self.scales.len() || scales.len() == 1 || self.scales.len() == 1;
        let near = |i: usize| (at(scales, i) - at(&self.scales, i)).abs() <= 1e-4 * at(&self.scales, i);
        paired && !scales.is_empty() && (0..count).all(near)
    }
}

/// The least and the largest number of a type.
pub(super) fn range(integer: Integer) -> [f64; 2] {
    let (low, high) = integer.range();
    [low as f64, high as f64]
}

/// What the numbers of an operand are; `None` for real ones and constants.
pub(super) fn of(lower: &Lower, operand: &Operand) -> Option<NumberKind> {
    match operand {
        Operand::Value(lying) => lower.integers.get(&lying.id).cloned(),
        _ => None,
    }
}

/// Notes what the numbers of a result are.
pub(super) fn mark(lower: &mut Lower, operand: &Operand, kind: &NumberKind) {
    match operand {
        Operand::Value(lying) => {
            lower.integers.insert(lying.id, kind.clone());
        }
        Operand::Tuple(fields) => fields.iter().for_each(|f| mark(lower, f, kind)),
        _ => {}
    }
}

/// What the numbers of each tensor of an operand are that is no constant.
fn kinds(lower: &Lower, operand: &Operand, out: &mut Vec<Option<NumberKind>>) {
    match operand {
        Operand::Value(_) => out.push(of(lower, operand)),
        Operand::Real(_) => out.push(None),
        Operand::Tuple(fields) => fields.iter().for_each(|f| kinds(lower, f, out)),
        _ => {}
    }
}

/// The operands without the note that they are taken as real numbers, which their operator has read.
fn plain(operand: &Operand) -> Operand {
    match operand {
        Operand::Real(lying) => Operand::Value(lying.clone()),
        Operand::Tuple(fields) => Operand::Tuple(Rc::new(fields.iter().map(plain).collect())),
        other => other.clone(),
    }
}

/// Which operands hold the numbers that the result is made of: not conditions, indices and shapes.
pub(in super::super) fn data(operator: &str, count: usize) -> Vec<usize> {
    let is_data = |at: &usize| match operator {
        "where" => *at > 0,
        "scatter" | "scatter_add" | "scatter_elements" | "scatter_nd" => *at != 1,
        "one_hot" => false,
        "take" | "gather" | "gather_nd" | "adv_index" | "reverse_sequence" | "sequence_mask"
        | "reshape_like" | "broadcast_to_like" | "slice_like" | "zeros_like" | "ones_like" | "full_like" => {
            *at == 0
        }
        _ => true,
    };
    (0..count).filter(is_data).collect()
}

/// Whether a change of resolution only copies elements.
fn copies(call: &OperatorCall) -> bool {
    let method = call.peek("method");
    match call.operator {
        "nn.upsampling" => method.is_none_or(|m| m == Literal::Text("nearest_neighbor".into())),
        "image.resize2d" => method == Some(Literal::Text("nearest_neighbor".into())),
        _ => false,
    }
}

/// Calls an operator of the other dialects, whose operands may be whole numbers only as far as it is known what becomes of
/// them.
pub(super) fn guarded(call: &mut OperatorCall, run: OperatorRule) -> Result<Operand> {
    if let Some(made) = known::arithmetic(call) {
        return made;
    }
    if (MOVES.contains(&call.operator) || FOLDED.contains(&call.operator))
        && let Some(made) = fold::moved(call, run)
    {
        return made;
    }
    let mut all = Vec::new();
    let operands = data(call.operator, call.arguments.len());
    operands.iter().for_each(|&at| kinds(call.lower, &call.arguments[at], &mut all));
    call.arguments = call.arguments.iter().map(plain).collect();
    let Some(kind) = all.iter().flatten().next().cloned() else {
        return run(call);
    };
    let alike = |other: &Option<NumberKind>| match (&kind, other) {
        (NumberKind::Type(a, _), Some(NumberKind::Type(b, _))) => a == b,
        (NumberKind::Scaled(_), Some(NumberKind::Scaled(_))) => true,
        _ => false,
    };
    if !all.iter().all(alike) {
        return Err(Error::new("import", "the operands are numbers of different types")
            .hint("bring them to one type with qnn.quantize, qnn.requantize, qnn.dequantize or cast"));
    }
    let steps = all.iter().flatten().map(|other| match other {
        NumberKind::Type(_, own) => own.as_ref(),
        NumberKind::Scaled(own) => Some(own),
    });
    let joined = steps.reduce(|a, b| a.filter(|a| b.is_some_and(|b| a.alike(b))));
    let same = joined.flatten().is_some();
    let ranges = all.iter().flatten().filter_map(|other| match other {
        NumberKind::Type(_, own) => own.as_ref().map(|own| own.range),
        NumberKind::Scaled(own) => Some(own.range),
    });
    let range = ranges.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)]);
    match kind {
        NumberKind::Scaled(mut own) => {
            own.range = range.unwrap_or(own.range);
            steps::apply(call, run, &own, same)
        }
        NumberKind::Type(integer, own) => {
            let own = own.filter(|_| same);
            if MOVES.contains(&call.operator) || copies(call) {
                convert::constants(call, &IntegerScale::unit(integer))?;
                let result = run(call)?;
                mark(call.lower, &result, &NumberKind::Type(integer, own));
                return Ok(result);
            }
            if BOUNDS.contains(&call.operator) {
                return bounds::bounded(call, run, integer, own);
            }
            if call.operator.starts_with(PREFIX) {
                // This project's own operators take numbers as the graph has them.
                let ends = call.operator.ends_with(".dequantize");
                let result = run(call)?;
                if !ends {
                    mark(call.lower, &result, &NumberKind::Type(integer, own));
                }
                return Ok(result);
            }
            Err(Error::new("import", format!("operates on {} numbers", integer.name()))
                .hint("put qnn.dequantize in front of it and qnn.quantize behind it"))
        }
    }
}
