//! The inputs and outputs that a model declares.

use super::refuse;
use crate::error::{Error, Result};
use crate::graph::Integer;
use crate::onnx::proto::{ModelProto, ValueInfoProto, data_type};
use crate::onnx::tensor::{integer, type_name};
use std::collections::HashSet;

/// The extents a value is declared with: `Some(n)` fixed, `None` symbolic.
pub(super) fn declared_shape(info: &ValueInfoProto) -> Option<Vec<Option<usize>>> {
    let shape = info.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let extent = |v: i64| usize::try_from(v).ok().filter(|&n| n > 0);
    let dims = shape.dim.iter();
    Some(dims.map(|d| d.dim_value.and_then(extent)).collect())
}

/// Extents as `--shape` takes them, `?` where they are open.
fn extents(shape: &[Option<usize>]) -> String {
    let one = |n: &Option<usize>| n.map_or("?".to_owned(), |n| n.to_string());
    shape.iter().map(one).collect::<Vec<_>>().join("x")
}

pub(super) fn matches(declared: &[Option<usize>], shape: &[usize]) -> bool {
    let fits = |(d, s): (&Option<usize>, &usize)| d.is_none_or(|d| d == *s);
    declared.len() == shape.len() && declared.iter().zip(shape).all(fits)
}

/// Static shape of a graph input, of which only the batch may be open, and then is 1; its type where
/// that is an integer.
pub(super) fn input_type(
    input: &ValueInfoProto,
    given: Option<&[usize]>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<usize>, Option<Integer>)> {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let Some(tensor) = tensor else {
        return refuse("is not a tensor");
    };
    let integer = match tensor.elem_type {
        data_type::INT64 => Some(Integer::Int64),
        data_type::BOOL => Some(Integer::Bool),
        other => integer(other),
    };
    let other = [data_type::FLOAT16, data_type::BFLOAT16, data_type::DOUBLE].contains(&tensor.elem_type);
    if other {
        let of = type_name(tensor.elem_type);
        warnings.push(format!("input {:?} is of {of}, which is computed in float32", input.name));
    }
    if tensor.elem_type != data_type::FLOAT && !other && integer.is_none() {
        let message = format!("has element type {}", type_name(tensor.elem_type));
        return Err(Error::new("import", message)
            .hint("export the float32 model, with integer preprocessing outside of it"));
    }
    let declared = declared_shape(input);
    if let (Some(declared), Some(given)) = (&declared, given)
        && !matches(declared, given)
    {
        return Err(Error::new(
            "import",
            format!(
                "has the extents {}, not {}",
                extents(declared),
                extents(&given.iter().map(|&n| Some(n)).collect::<Vec<_>>())
            ),
        )
        .hint("--shape with as many extents, and others only where the model leaves them open"));
    }
    let given = given.map(|given| given.iter().map(|&n| Some(n)).collect());
    let Some(mut declared) = given.or(declared) else {
        return Err(Error::new("import", "has no declared shape")
            .hint(format!("--shape {}=1x3x480x640 with the extents that it has", input.name)));
    };
    if let Some(batch @ None) = declared.first_mut() {
        *batch = Some(1);
        warnings.push(format!("input {:?}: the open batch size becomes 1", input.name));
    }
    if let Some(integer) = integer {
        warnings.push(format!("input {:?} takes {} numbers, given as floats", input.name, integer.name()));
    }
    let extents = declared.iter().enumerate().map(|(axis, extent)| {
        extent.ok_or_else(|| {
            Error::new("import", format!("axis {axis} has no fixed extent"))
                .hint(format!("--shape {}=1x3x480x640 with the extents that it has", input.name))
        })
    });
    Ok((extents.collect::<Result<_>>()?, integer))
}

/// The inputs of which more than the batch is open.
pub(in crate::onnx) fn open_inputs(model: &ModelProto) -> Vec<(String, Vec<Option<usize>>)> {
    let Some(source) = &model.graph else { return vec![] };
    let initialised: HashSet<&str> = source.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = source.input.iter().filter(|input| !initialised.contains(input.name.as_str()));
    let open = |input: &ValueInfoProto| {
        let shape = declared_shape(input)?;
        shape.iter().skip(1).any(Option::is_none).then(|| (input.name.clone(), shape))
    };
    inputs.filter_map(open).collect()
}
