//! Decoding of constant tensors: inline in any of the typed fields, raw, or in another file.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::proto::{TensorProto, data_type};
use crate::error::{Error, Result};
use crate::files;
use crate::float::half;
use crate::graph::{Integer, MAX_ELEMENTS};

/// Elements of a constant: everything floating becomes float32, everything integral int64.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum TensorElements {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
}

/// A decoded constant. Unlike a graph constant it may be empty or hold infinities.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tensor {
    pub shape: Vec<usize>,
    pub elements: TensorElements,
    /// The stored type, where quantised models use it; that of bytes for 4 bits.
    pub integer: Option<Integer>,
    /// Whether the stored type has 4 bits.
    pub four_bits: bool,
}

impl Tensor {
    pub fn ints(shape: Vec<usize>, data: Vec<i64>) -> Tensor {
        let elements = TensorElements::Ints(data);
        Tensor { shape, elements, integer: None, four_bits: false }
    }

    pub fn floats(shape: Vec<usize>, data: Vec<f32>) -> Tensor {
        let elements = TensorElements::Floats(data);
        Tensor { shape, elements, integer: None, four_bits: false }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.elements {
            TensorElements::Floats(data) => data.len(),
            TensorElements::Ints(data) => data.len(),
        }
    }

    /// An element as a number; whole ones exactly up to 2^53.
    pub fn number(&self, element: usize) -> f64 {
        match &self.elements {
            TensorElements::Floats(data) => data[element].into(),
            TensorElements::Ints(data) => data[element] as f64,
        }
    }

    /// All elements as numbers.
    pub fn numbers(&self) -> impl Iterator<Item = f64> {
        (0..self.len()).map(|i| self.number(i))
    }

    /// Bytes of memory that the elements take.
    pub fn bytes(&self) -> u64 {
        match &self.elements {
            TensorElements::Floats(data) => 4 * data.len() as u64,
            TensorElements::Ints(data) => 8 * data.len() as u64,
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

/// Element count of a stored shape; unlike in a graph it may be zero.
pub(super) fn count(dims: &[i64]) -> Result<(Vec<usize>, usize)> {
    let mut shape = Vec::with_capacity(dims.len());
    let mut product = 1usize;
    for &dim in dims {
        let Ok(extent) = usize::try_from(dim) else {
            return refuse(format!("the shape {dims:?} has a negative extent"));
        };
        shape.push(extent);
        product = match product.checked_mul(extent) {
            Some(p) if p <= MAX_ELEMENTS => p,
            _ => return refuse(format!("the shape {dims:?} is too large to handle")),
        };
    }
    Ok((shape, product))
}

/// Decodes a tensor; `folder` holds the external files, if any may be read.
///
/// # Errors
/// An element type that has no use here, data that does not fill the shape, an external file that
/// is missing, too short or outside the folder. The caller adds the tensor's name.
pub(super) fn decode(tensor: &TensorProto, folder: Option<&Path>) -> Result<Tensor> {
    let (shape, count) = count(&tensor.dims)?;
    if tensor.segment.is_some() {
        return refuse("the tensor is stored in segments").map_err(resave);
    }
    let Some(width) = stored_bytes(tensor.data_type, count) else {
        return refuse(format!("element type {} is not supported", type_name(tensor.data_type)));
    };
    let raw = match (&tensor.raw_data, tensor.data_location) {
        (_, 1) => Some(Cow::Owned(external(tensor, folder, width)?)),
        (Some(raw), 0) => Some(Cow::Borrowed(raw.as_slice())),
        (None, 0) => None,
        (_, other) => return refuse(format!("data location {other} is unknown")),
    };
    let elements = match &raw {
        Some(raw) => {
            if raw.len() != width {
                return refuse(format!("{} bytes are stored, the shape {shape:?} needs {width}", raw.len()));
            }
            from_raw(raw, tensor.data_type)
        }
        None => from_fields(tensor),
    };
    let four_bits = has_four_bits(tensor.data_type);
    let elements = match elements {
        TensorElements::Ints(pairs) if four_bits => {
            if pairs.len() != count.div_ceil(2) {
                let (stored, needs) = (pairs.len(), count.div_ceil(2));
                return refuse(format!("{stored} pairs are stored, the shape {shape:?} needs {needs}"));
            }
            TensorElements::Ints(halves(&pairs, tensor.data_type, count))
        }
        elements => elements,
    };
    let stored = match &elements {
        TensorElements::Floats(data) => data.len(),
        TensorElements::Ints(data) => data.len(),
    };
    if stored != count {
        return refuse(format!("{stored} elements are stored, the shape {shape:?} needs {count}"));
    }
    if tensor.data_type == data_type::DOUBLE {
        within_float32(tensor, raw.as_deref())?;
    }
    Ok(Tensor { shape, elements, integer: integer(tensor.data_type), four_bits })
}

/// Refuses a float64 that float32 would make infinite. Its own ends are no numbers but masks, as infinities are.
fn within_float32(tensor: &TensorProto, raw: Option<&[u8]>) -> Result<()> {
    let stored = raw.unwrap_or_default().as_chunks::<8>().0.iter().map(|&b| f64::from_le_bytes(b));
    let beyond = |x: &f64| x.abs() < f64::MAX && (*x as f32).is_infinite();
    match stored.chain(tensor.double_data.iter().copied()).find(beyond) {
        Some(x) => Err(Error::new("import", format!("{x:e} is more than float32 has"))
            .hint("numbers up to 3.4e38, or infinity in a mask")),
        None => Ok(()),
    }
}

/// Says what to try with a storage form that only old or odd tools write.
fn resave(e: Error) -> Error {
    e.hint("load and save the model with the onnx package")
}

/// Bytes of `count` elements; `None` for the types that are refused.
fn stored_bytes(code: i32, count: usize) -> Option<usize> {
    Some(match code {
        data_type::DOUBLE | data_type::INT64 => 8 * count,
        data_type::FLOAT | data_type::INT32 => 4 * count,
        data_type::FLOAT16 | data_type::BFLOAT16 | data_type::INT16 | data_type::UINT16 => 2 * count,
        data_type::UINT8 | data_type::INT8 | data_type::BOOL => count,
        data_type::INT4 | data_type::UINT4 => count.div_ceil(2),
        _ => return None,
    })
}

/// Whether two elements share a byte.
pub(super) fn has_four_bits(code: i32) -> bool {
    matches!(code, data_type::INT4 | data_type::UINT4)
}

/// The elements of bytes that hold two each, the first in the low bits.
fn halves(pairs: &[i64], code: i32, count: usize) -> Vec<i64> {
    let signed = |half: i64| if code == data_type::INT4 && half > 7 { half - 16 } else { half };
    pairs.iter().flat_map(|pair| [pair & 15, pair >> 4 & 15]).map(signed).take(count).collect()
}

/// The type of quantised tensors that an element type is; elements of 4 bits are bytes.
pub(super) fn integer(code: i32) -> Option<Integer> {
    Some(match code {
        data_type::INT8 | data_type::INT4 => Integer::Int8,
        data_type::UINT8 | data_type::UINT4 => Integer::Uint8,
        data_type::INT16 => Integer::Int16,
        data_type::UINT16 => Integer::Uint16,
        data_type::INT32 => Integer::Int32,
        _ => return None,
    })
}

/// The name ONNX gives an element type.
pub(super) fn type_name(code: i32) -> String {
    const NAMES: &str = "UNDEFINED FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 \
         COMPLEX64 COMPLEX128 BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 \
         INT4 FLOAT4E2M1 FLOAT8E8M0 UINT2 INT2";
    let known = usize::try_from(code).ok().and_then(|c| NAMES.split(' ').nth(c));
    known.map_or_else(|| format!("number {code}"), str::to_owned)
}

fn from_raw(raw: &[u8], code: i32) -> TensorElements {
    fn each<const N: usize, T>(raw: &[u8], f: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (chunks, _) = raw.as_chunks::<N>();
        chunks.iter().map(|&c| f(c)).collect()
    }
    use TensorElements::{Floats, Ints};
    match code {
        data_type::FLOAT => Floats(each(raw, f32::from_le_bytes)),
        data_type::DOUBLE => Floats(each(raw, |b| f64::from_le_bytes(b) as f32)),
        data_type::FLOAT16 => Floats(each(raw, |b| half(u16::from_le_bytes(b)))),
        data_type::BFLOAT16 => Floats(each(raw, |b| bfloat(u16::from_le_bytes(b)))),
        data_type::INT64 => Ints(each(raw, i64::from_le_bytes)),
        data_type::INT32 => Ints(each(raw, |b| i64::from(i32::from_le_bytes(b)))),
        data_type::INT8 => Ints(each(raw, |b| i64::from(i8::from_le_bytes(b)))),
        data_type::INT16 => Ints(each(raw, |b| i64::from(i16::from_le_bytes(b)))),
        data_type::UINT16 => Ints(each(raw, |b| i64::from(u16::from_le_bytes(b)))),
        _ => Ints(raw.iter().map(|&b| i64::from(b)).collect()),
    }
}

fn from_fields(t: &TensorProto) -> TensorElements {
    use TensorElements::{Floats, Ints};
    // The 16-bit floats travel as their bits in the low half of an int32.
    let bits = |f: fn(u16) -> f32| t.int32_data.iter().map(|&b| f(b as u16)).collect();
    match t.data_type {
        data_type::FLOAT => Floats(t.float_data.clone()),
        data_type::DOUBLE => Floats(t.double_data.iter().map(|&x| x as f32).collect()),
        data_type::FLOAT16 => Floats(bits(half)),
        data_type::BFLOAT16 => Floats(bits(bfloat)),
        data_type::INT64 => Ints(t.int64_data.clone()),
        _ => Ints(t.int32_data.iter().map(|&x| i64::from(x)).collect()),
    }
}

/// bfloat16 is the upper half of binary32.
fn bfloat(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// What is left of a number in the real numbers of type `code`: of float16 and bfloat16 the nearest one, the even one of
/// two, infinity beyond the largest.
pub(super) fn narrowed(x: f32, code: i32) -> f32 {
    match code {
        data_type::FLOAT16 if x.abs() >= 65520.0 => f32::INFINITY.copysign(x),
        data_type::FLOAT16 if x.is_finite() => {
            let exponent = ((x.to_bits() >> 23) & 255).max(127 - 14);
            let step = f32::from_bits((exponent - 10) << 23);
            (x / step).round_ties_even() * step
        }
        data_type::BFLOAT16 if !x.is_nan() => {
            let bits = x.to_bits();
            let even = bits >> 16 & 1;
            f32::from_bits((bits + 0x7fff + even) & 0xffff_0000)
        }
        _ => x,
    }
}

/// Reads exactly `wanted` bytes of the file that the tensor names.
fn external(tensor: &TensorProto, folder: Option<&Path>, wanted: usize) -> Result<Vec<u8>> {
    let entry = |key: &str| {
        let found = tensor.external_data.iter().find(|e| e.key == key);
        found.map(|e| e.value.as_str())
    };
    let number = |key: &str| match entry(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(n)) => Ok(Some(n)),
        Some(Err(_)) => refuse(format!("the external {key} is not a number")),
    };
    let Some(location) = entry("location") else {
        return refuse("the external data has no location");
    };
    let Some(folder) = folder else {
        return refuse(format!("the model was not read from a file, {location:?} cannot be found"));
    };
    let relative = Path::new(location);
    let inside = |c: Component| matches!(c, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || location.contains('\\') || !relative.components().all(inside) {
        return refuse(format!("the external location {location:?} leaves the model's folder"))
            .map_err(resave);
    }
    let unreadable = |e: std::io::Error| {
        Error::new("import", format!("cannot read external data {location:?}: {e}"))
            .hint("keep the data file beside the model")
    };
    // A symbolic link may still lead out of the folder: compare the resolved paths.
    let base = folder.canonicalize().map_err(unreadable)?;
    let path = base.join(relative).canonicalize().map_err(unreadable)?;
    if !path.starts_with(&base) {
        return refuse(format!("the external location {location:?} leaves the model's folder"));
    }
    let (mut file, size) = files::open(&path).map_err(unreadable)?;
    let offset = number("offset")?.unwrap_or(0);
    let available = (size as u64).checked_sub(offset);
    let length = number("length")?.or(available);
    if length != Some(wanted as u64) || available < length {
        return refuse(format!(
            "{location:?} holds {size} bytes, the tensor wants {wanted} from byte {offset} \
             and says its length is {length:?}"
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
    let mut raw = vec![0; wanted];
    file.read_exact(&mut raw).map_err(unreadable)?;
    Ok(raw)
}

#[cfg(test)]
mod tests;
