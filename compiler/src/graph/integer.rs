//! Integer types of quantised models, and the rule of the operators between them and real numbers.
//!
//! A graph holds float32 alone: an integer tensor is one whose elements are whole numbers within the
//! range of its type. Above 2^24 in magnitude (biases alone get there) they are the nearest float32.

use super::infer::refuse;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// The type of a tensor of whole numbers: of a quantised one, or of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Integer {
    /// -128 to 127.
    Int8,
    /// 0 to 255.
    Uint8,
    /// -32768 to 32767.
    Int16,
    /// 0 to 65535.
    Uint16,
    /// -2^31 to 2^31 - 1: sums and biases.
    Int32,
    /// -2^63 to 2^63 - 1: of inputs alone.
    Int64,
    /// Truth values, 0 and 1: of inputs alone.
    Bool,
}

impl Integer {
    /// Every type of quantised tensors and its name in the text form.
    pub const ALL: &[(Integer, &str)] = &[
        (Integer::Int8, "int8"),
        (Integer::Uint8, "uint8"),
        (Integer::Int16, "int16"),
        (Integer::Uint16, "uint16"),
        (Integer::Int32, "int32"),
    ];

    /// The types that inputs have beside them.
    const OF_INPUTS: &[(Integer, &str)] = &[(Integer::Int64, "int64"), (Integer::Bool, "bool")];

    /// The name, as the text form and messages write it.
    pub fn name(self) -> &'static str {
        let mut all = Integer::ALL.iter().chain(Integer::OF_INPUTS);
        all.find(|e| e.0 == self).expect("the lists have every type").1
    }

    /// The type of a name, of inputs too.
    pub fn named(name: &str) -> Option<Integer> {
        Integer::ALL.iter().chain(Integer::OF_INPUTS).find(|e| e.1 == name).map(|e| e.0)
    }

    /// Least and largest number of the type.
    pub fn range(self) -> (i64, i64) {
        match self {
            Integer::Int8 => (i8::MIN.into(), i8::MAX.into()),
            Integer::Uint8 => (u8::MIN.into(), u8::MAX.into()),
            Integer::Int16 => (i16::MIN.into(), i16::MAX.into()),
            Integer::Uint16 => (u16::MIN.into(), u16::MAX.into()),
            Integer::Int32 => (i32::MIN.into(), i32::MAX.into()),
            Integer::Int64 => (i64::MIN, i64::MAX),
            Integer::Bool => (0, 1),
        }
    }

    /// [`Integer::range`] in float32.
    pub fn ends(self) -> [f32; 2] {
        let (low, high) = self.range();
        [low as f32, high as f32]
    }
}

/// The shape stays; scale and zero point are one number, or one for each index of the axis.
pub(super) fn rule(axis: Option<usize>, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let x = inputs[0];
    let wanted = match axis {
        None => Vec::new(),
        Some(axis) if axis < x.len() => vec![x[axis]],
        // Importers let a wrong axis pass as the largest number, for most scales do not vary.
        Some(_) => return refuse(format!("the scales vary along an axis that {x:?} does not have")),
    };
    for (what, shape) in [("scale", inputs[1]), ("zero point", inputs[2])] {
        if shape != wanted {
            return refuse(format!("the {what} has shape {shape:?}, not {wanted:?}"));
        }
    }
    Ok(x.to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::{Op, infer};
    use super::*;

    #[test]
    fn scales_are_one_or_one_for_each_index() {
        let op = |axis| Op::QuantizeLinear { integer: Integer::Int8, axis };
        let x: &[usize] = &[1, 3, 5];
        assert_eq!(infer(&op(None), &[x, &[], &[]], None).unwrap(), x);
        assert_eq!(infer(&op(Some(1)), &[x, &[3], &[3]], None).unwrap(), x);
        let refused: &[(Option<usize>, &[&[usize]])] = &[
            (None, &[x, &[1], &[]]),
            (Some(1), &[x, &[3], &[]]),
            (Some(1), &[x, &[5], &[5]]),
            (Some(3), &[x, &[1], &[1]]),
            (None, &[x, &[]]),
        ];
        for (axis, inputs) in refused {
            assert!(infer(&op(*axis), inputs, None).is_err(), "{axis:?} {inputs:?}");
        }
    }
}
