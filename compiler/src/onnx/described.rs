//! Operators that the graph keeps as ONNX defines them.

use super::call::Call;
use crate::described::{Attribute, AttributeValue, Described, Descriptor, named};
use crate::error::Result;
use crate::graph::Op;

/// The operator whose description has its name.
pub(super) fn by_name(call: &mut Call) -> Result<()> {
    match named(call.operator()) {
        Some(descriptor) => described(call, descriptor),
        None => Err(call.error("the operator is not supported")),
    }
}

/// The operator of a description.
pub(super) fn described(call: &mut Call, descriptor: &'static Descriptor) -> Result<()> {
    let opset = call.opset();
    let read = |attribute: &'static Attribute| {
        Ok(match attribute.default(opset) {
            AttributeValue::Integer(default) => AttributeValue::Integer(call.int(attribute.name, *default)?),
            AttributeValue::Real(default) => AttributeValue::Real(call.float(attribute.name, *default)?),
            AttributeValue::Word(default) => {
                let word = call.string(attribute.name, default)?;
                AttributeValue::Word(word.to_owned().into())
            }
            AttributeValue::Integers(default) => match call.ints(attribute.name)? {
                Some(list) => AttributeValue::Integers(list.to_vec().into()),
                None => AttributeValue::Integers(default.clone()),
            },
        })
    };
    let op = Described::new(descriptor, read)?;
    call.arity(descriptor.inputs.clone())?;
    let given = (0..call.inputs()).filter(|&input| call.has(input)).max().map_or(0, |last| last + 1);
    let mut inputs = vec![];
    for input in 0..given {
        let whole = match descriptor.whole.contains(&input) {
            true => call.whole_value(input)?,
            false => None,
        };
        inputs.push(match whole {
            Some(id) => id,
            None if call.has(input) => call.value(input)?,
            None => {
                let shapes: Vec<Vec<usize>> = inputs.iter().map(|&id| call.shape_of(id)).collect();
                let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
                call.zeros(&(descriptor.absent)(&shapes))?
            }
        });
    }
    call.emit(Op::Described(op), &inputs)
}
