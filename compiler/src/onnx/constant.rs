//! Operators that leave no node behind: Identity, Dropout, Constant, Shape, Cast.

use std::rc::Rc;

use super::call::Call;
use super::import::Operand;
use super::proto::data_type;
use super::tensor::{Tensor, TensorElements, decode, has_four_bits, integer, narrowed, type_name};
use super::whole;
use crate::error::Result;
use crate::graph::{BinaryKind, Op};

/// Identity: another name for its input.
pub(super) fn identity(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    let operand = call.operand(0)?;
    call.alias(operand)
}

/// Dropout, which does nothing at inference. The mask stays unmade.
pub(super) fn dropout(call: &mut Call) -> Result<()> {
    call.arity(1..=if call.opset() < 12 { 1 } else { 3 })?;
    if call.has(2) {
        match &call.constant(2)?.elements {
            TensorElements::Ints(flag) if flag.iter().all(|&f| f == 0) => {}
            _ => {
                return Err(call
                    .error("the node drops elements at random")
                    .attribute("training_mode")
                    .hint("export the model in evaluation mode"));
            }
        }
    }
    call.ignore("ratio");
    call.ignore("seed");
    let operand = call.operand(0)?;
    call.alias(operand)?;
    call.skip_result();
    Ok(())
}

/// Constant in any of its numeric forms.
pub(super) fn constant(call: &mut Call) -> Result<()> {
    call.arity(0)?;
    let tensor = if call.given("value_float") {
        Tensor::floats(vec![], vec![call.float("value_float", 0.0)?])
    } else if call.given("value_int") {
        Tensor::ints(vec![], vec![call.int("value_int", 0)?])
    } else if let Some(data) = call.floats("value_floats")? {
        Tensor::floats(vec![data.len()], data.to_vec())
    } else if let Some(data) = call.ints("value_ints")? {
        Tensor::ints(vec![data.len()], data.to_vec())
    } else if let Some(tensor) = call.tensor("value")? {
        decode(tensor, call.folder).map_err(|e| e.attribute("value"))?
    } else {
        return call.refuse("value", "is missing, or sparse, or text");
    };
    call.alias(Operand::Constant(Rc::new(tensor)))
}

/// Shape: known now, because all shapes are static.
pub(super) fn shape(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    // Extents are at most MAX_ELEMENTS.
    let extents: Vec<i64> = call.shape(0)?.iter().map(|&n| n as i64).collect();
    let rank = extents.len() as i64;
    let (mut start, mut end) = (0, rank);
    if call.opset() >= 15 {
        start = call.int("start", 0)?;
        end = call.int("end", rank)?;
    }
    let clamp = |v: i64| {
        let v = if v < 0 { v.saturating_add(rank) } else { v };
        v.clamp(0, rank) as usize
    };
    let (start, end) = (clamp(start), clamp(end));
    let part = extents.get(start..end).unwrap_or(&[]).to_vec();
    let tensor = Tensor::ints(vec![part.len()], part);
    call.alias(Operand::Constant(Rc::new(tensor)))
}

/// Cast of a constant, or of a value to float32, to truth values or to whole numbers.
pub(super) fn cast(call: &mut Call) -> Result<()> {
    call.arity(1)?;
    call.ignore("saturate");
    match i32::try_from(call.int("to", 0)?) {
        Ok(to) => cast_to(call, to),
        Err(_) => call.refuse("to", "is out of range"),
    }
}

/// CastLike: a Cast to the type of another tensor: of real numbers or of whole ones that are computed. Constants of
/// whole numbers and truths are not told apart unless one is neither 0 nor 1, which are themselves in every type.
pub(super) fn cast_like(call: &mut Call) -> Result<()> {
    call.arity(2)?;
    call.ignore("saturate");
    let whole = match call.operand(1)? {
        Operand::Constant(like) => matches!(like.elements, TensorElements::Ints(_)),
        Operand::Value(_) => call.integer(1)?.is_some() || call.is_whole(1),
    };
    if whole && call.is_constant(0) && call.constant(0)?.numbers().all(|x| x == 0.0 || x == 1.0) {
        return cast_to(call, data_type::INT64);
    }
    let counts = match call.operand(1)? {
        Operand::Constant(like) => like.integer.is_none() && like.numbers().any(|x| x != 0.0 && x != 1.0),
        Operand::Value(_) => call.is_whole(1),
    };
    match whole {
        true if counts => cast_to(call, data_type::INT64),
        true => Err(call.error("cannot compute in whole numbers").hint("export the float32 model")),
        false => cast_to(call, data_type::FLOAT),
    }
}

/// Whether an element type is one of real numbers: all are computed in float32.
fn is_real(to: i32) -> bool {
    [data_type::FLOAT, data_type::FLOAT16, data_type::BFLOAT16, data_type::DOUBLE].contains(&to)
}

/// Input 0 in a type of ONNX.
fn cast_to(call: &mut Call, to: i32) -> Result<()> {
    let computed = matches!(call.operand(0)?, Operand::Value(_));
    if computed && [data_type::FLOAT16, data_type::BFLOAT16].contains(&to) {
        call.warn(&format!("gives {}, which is computed in float32", type_name(to)));
    }
    // What is computed has 24 bits.
    let to = if computed && is_real(to) { data_type::FLOAT } else { to };
    if to == data_type::FLOAT
        && let Some(integer) = call.integer(0)?
    {
        let (x, _) = call.whole(0)?;
        let (one, zero) = (call.scalar_value(1.0)?, call.scalar_value(0.0)?);
        return call.emit(Op::DequantizeLinear { integer, axis: None }, &[x, one, zero]);
    }
    if to == data_type::BOOL && matches!(call.operand(0)?, Operand::Value(_)) {
        // What is not zero is true.
        let (x, zero) = (call.value(0)?, call.scalar_value(0.0)?);
        let equal = Op::Binary { kind: BinaryKind::Equal };
        let is_zero = call.apply(equal.clone(), &[x, zero])?;
        return call.emit(equal, &[is_zero, zero]);
    }
    let own = integer(to).filter(|_| !has_four_bits(to));
    if computed && call.integer(0)?.is_none() && (own.is_some() || to == data_type::INT64) {
        // Beyond 2^24 there is not every whole number.
        return whole::cast(call, own.map(|own| own.range()).filter(|(_, high)| *high < 1 << 24));
    }
    let tensor = match (call.operand(0)?, to) {
        (value @ Operand::Value(_), to) if is_real(to) => return call.alias(value),
        (Operand::Constant(tensor), _) => tensor,
        _ => {
            return Err(call
                .error(format!("cannot compute in {}", type_name(to)))
                .attribute("to")
                .hint("export the float32 model, with Floor, Ceil or Round in place of whole numbers"));
        }
    };
    let range = match to {
        data_type::INT64 => Some((i64::MIN, i64::MAX)),
        _ => own.map(|integer| integer.range()),
    };
    let elements = match (&tensor.elements, to) {
        (TensorElements::Floats(data), to) if is_real(to) => {
            TensorElements::Floats(data.iter().map(|&x| narrowed(x, to)).collect())
        }
        (TensorElements::Ints(data), to) if is_real(to) => {
            TensorElements::Floats(data.iter().map(|&x| narrowed(x as f32, to)).collect())
        }
        (_, data_type::BOOL) => TensorElements::Ints(tensor.numbers().map(|x| i64::from(x != 0.0)).collect()),
        (TensorElements::Ints(data), _)
            if data.iter().all(|x| range.is_some_and(|(l, h)| (l..=h).contains(x))) =>
        {
            TensorElements::Ints(data.clone())
        }
        // Towards zero.
        (TensorElements::Floats(data), _)
            if data
                .iter()
                .all(|x| x.abs() < 1e15 && range.is_some_and(|(l, h)| (l..=h).contains(&(*x as i64)))) =>
        {
            TensorElements::Ints(data.iter().map(|&x| x as i64).collect())
        }
        _ => {
            let message = match (own, to) {
                (None, to) if to != data_type::INT64 => {
                    format!("constants of {} are not supported", type_name(to))
                }
                _ => format!("the constant does not fit {}", type_name(to)),
            };
            return call.refuse("to", message);
        }
    };
    let shape = tensor.shape.clone();
    call.alias(Operand::Constant(Rc::new(Tensor { shape, elements, integer: own, four_bits: false })))
}
