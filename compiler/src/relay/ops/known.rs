//! Operators whose results are known when a text is read, and those of the `dyn` dialect, whose operands are attributes
//! elsewhere.

use std::rc::Rc;

use super::super::arrange::{constant, upright};
use super::super::array::{Elements, NdArray};
use super::super::call::{OperatorCall, refuse};
use super::super::operand::Operand;
use super::super::syntax::Literal;
use crate::error::{Error, Result};
use crate::graph::{Integer, MAX_ELEMENTS, Op};

/// Whole numbers of the attribute `dtype`.
fn whole(call: &mut OperatorCall, shape: &[usize], data: Vec<i64>) -> Result<Operand> {
    let dtype = call.text("dtype", "int32")?;
    let elements = match Integer::named(&dtype) {
        Some(_) => Elements::Integers(data),
        None if dtype == "float32" => Elements::Floats(data.iter().map(|&n| n as f32).collect()),
        None => {
            return Err(Error::new("import", format!("is {dtype}"))
                .attribute("dtype")
                .hint("int32 or int64"));
        }
    };
    Ok(constant(NdArray { shape: shape.to_vec(), dtype, elements }))
}

/// `shape_of(x)` and `ndarray_size(x)`.
pub(super) fn shape_of(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let shape: Vec<i64> = call.shape(0)?.iter().map(|&n| n as i64).collect();
    match call.operator {
        "shape_of" => whole(call, &[shape.len()], shape),
        _ => whole(call, &[], vec![shape.iter().product()]),
    }
}

/// `arange(start, stop, step, dtype)` of constants.
pub(super) fn arange(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(3)?;
    // The operands once more.
    for key in ["start", "stop", "step"] {
        call.attribute(key);
    }
    let dtype = call.text("dtype", "float32")?;
    let mut ends = [0.0; 3];
    for (index, slot) in ends.iter_mut().enumerate() {
        *slot = match call.known_integers(index) {
            Some(&[n]) => n as f64,
            _ => call.scalar(index)?.into(),
        };
    }
    let [start, stop, step] = ends;
    let count = ((stop - start) / step).ceil();
    if !(1.0..=MAX_ELEMENTS as f64).contains(&count) {
        return refuse(format!("{start} to {stop} in steps of {step} makes {count} elements"));
    }
    let count = count as usize;
    let number = |i: usize| start + i as f64 * step;
    let elements = match Integer::named(&dtype) {
        None if dtype == "float32" => {
            let (start, step) = (start as f32, step as f32);
            Elements::Floats((0..count).map(|i| start + i as f32 * step).collect())
        }
        Some(_) if [start, step].iter().all(|n| n.fract() == 0.0) => {
            Elements::Integers((0..count).map(|i| number(i) as i64).collect())
        }
        _ => {
            return Err(Error::new("import", format!("is {dtype}"))
                .attribute("dtype")
                .hint("float32, or whole numbers in whole steps"));
        }
    };
    Ok(constant(NdArray { shape: vec![count], dtype, elements }))
}

/// `meshgrid((a, b, ...), indexing)`: each along an axis of its own.
pub(super) fn meshgrid(call: &mut OperatorCall) -> Result<Operand> {
    call.operands(1)?;
    let Operand::Tuple(fields) = call.arguments[0].clone() else {
        return refuse("needs a tuple of tensors");
    };
    let turned = match call.text("indexing", "ij")?.as_str() {
        "ij" => false,
        "xy" => fields.len() > 1,
        other => return Err(Error::new("import", format!("{other:?} is not known")).attribute("indexing")),
    };
    let axis = |index: usize| if turned && index < 2 { 1 - index } else { index };
    let mut shape = vec![1; fields.len()];
    for (index, field) in fields.iter().enumerate() {
        shape[axis(index)] = match call.lower.shape(field)?[..] {
            [] => 1,
            [n] => n,
            ref other => return refuse(format!("{other:?} is no line")),
        };
    }
    let mut made = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let x = call.lower.plain(field, call.name)?;
        let mut own = vec![1; shape.len()];
        own[axis(index)] = shape[axis(index)];
        let x = call.shaped("line", x, &own)?;
        let y = call.part(&index.to_string(), Op::Expand { shape: shape.clone() }, &[x])?;
        made.push(upright(y, shape.len()));
    }
    Ok(Operand::Tuple(Rc::new(made)))
}

/// What the operands of an operator of the `dyn` dialect are called elsewhere, behind its first one; empty names are
/// operands there too.
const DYNAMIC: [(&str, &str, &[&str]); 13] = [
    ("dyn.reshape", "reshape", &["", "newshape"]),
    ("dyn.tile", "tile", &["", "reps"]),
    ("dyn.topk", "topk", &["", "k"]),
    ("dyn.broadcast_to", "broadcast_to", &["", "shape"]),
    ("dyn.zeros", "zeros", &["shape"]),
    ("dyn.ones", "ones", &["shape"]),
    ("dyn.full", "full", &["", "shape"]),
    ("dyn.one_hot", "one_hot", &["", "", "", "depth"]),
    ("dyn.expand_dims", "expand_dims", &["", "axis"]),
    ("dyn.squeeze", "squeeze", &["", "axis"]),
    ("dyn.strided_slice", "strided_slice", &["", "begin", "end", "strides"]),
    ("dyn.image.resize2d", "image.resize2d", &["", "size", "roi"]),
    ("dyn.nn.upsampling", "nn.upsampling", &["", "scale_h", "scale_w"]),
];

/// Turns a call of the `dyn` dialect whose shapes are known now to one of the static operator.
///
/// # Errors
/// An operand that is computed.
pub(super) fn made_static(call: &mut OperatorCall) -> Result<()> {
    let Some((_, name, keys)) = DYNAMIC.iter().find(|row| row.0 == call.operator) else { return Ok(()) };
    call.operands(keys.len())?;
    for (index, key) in keys.iter().enumerate().rev().filter(|(_, key)| !key.is_empty()) {
        let computed =
            |e: Error| e.hint("make the module static: relay.transform.DynamicToStatic, FoldConstant");
        let constant = call.constant(index).map_err(computed)?;
        let literals: Vec<Literal> = match &constant.array.elements {
            Elements::Integers(data) => data.iter().map(|&n| Literal::Integer(n)).collect(),
            Elements::Floats(data) => data.iter().map(|&x| Literal::Float(x.into())).collect(),
        };
        let value = match &literals[..] {
            [one] if constant.array.shape.is_empty() => one.clone(),
            _ => Literal::List(literals),
        };
        call.attribute(key);
        call.put(key, value);
        call.arguments.truncate(index);
    }
    call.operator = name;
    Ok(())
}
