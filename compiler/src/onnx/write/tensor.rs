//! Initialisers.

use crate::graph::Integer;
use crate::onnx::proto::{TensorProto, data_type};

/// Number of an element type in ONNX; float32 where it is no integer.
pub(super) fn element_type(integer: Option<Integer>) -> i32 {
    match integer {
        None => data_type::FLOAT,
        Some(Integer::Int8) => data_type::INT8,
        Some(Integer::Uint8) => data_type::UINT8,
        Some(Integer::Int16) => data_type::INT16,
        Some(Integer::Uint16) => data_type::UINT16,
        Some(Integer::Int32) => data_type::INT32,
        Some(Integer::Int64) => data_type::INT64,
        Some(Integer::Bool) => data_type::BOOL,
    }
}

fn tensor(name: String, shape: &[usize], data_type: i32, raw_data: Vec<u8>) -> TensorProto {
    let dims = shape.iter().map(|&n| n as i64).collect();
    TensorProto { dims, data_type, name, raw_data: Some(raw_data), ..Default::default() }
}

pub(super) fn float_tensor(name: String, shape: &[usize], data: &[f32]) -> TensorProto {
    let raw = data.iter().flat_map(|x| x.to_le_bytes()).collect();
    tensor(name, shape, element_type(None), raw)
}

pub(super) fn long_tensor(name: String, shape: &[usize], data: &[i64]) -> TensorProto {
    let raw = data.iter().flat_map(|x| x.to_le_bytes()).collect();
    tensor(name, shape, data_type::INT64, raw)
}

/// Whole numbers of a type, which the graph keeps as floats.
pub(super) fn integer_tensor(name: String, shape: &[usize], data: &[f32], integer: Integer) -> TensorProto {
    let bytes = |x: &f32| match integer {
        Integer::Int8 => (*x as i8).to_le_bytes().to_vec(),
        Integer::Uint8 => (*x as u8).to_le_bytes().to_vec(),
        Integer::Int16 => (*x as i16).to_le_bytes().to_vec(),
        Integer::Uint16 => (*x as u16).to_le_bytes().to_vec(),
        Integer::Int32 => (*x as i32).to_le_bytes().to_vec(),
        Integer::Int64 => (*x as i64).to_le_bytes().to_vec(),
        Integer::Bool => vec![u8::from(*x != 0.0)],
    };
    tensor(name, shape, element_type(Some(integer)), data.iter().flat_map(bytes).collect())
}
