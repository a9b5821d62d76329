//! Arrays in numpy's files: `.npy` (read, write) and `.npz` (read), without numpy.
//!
//! No input, however damaged, makes a reader panic or reserve more memory than the input's own size
//! explains (a deflated member may claim at most [`MAX_BYTES`]).

mod header;
mod zip;

use std::path::Path;

use crate::error::{Error, Result};
use header::Kind;

/// Largest uncompressed member of an `.npz` that is read: 2 GB.
pub const MAX_BYTES: usize = 1 << 31;

/// Elements of an [`Array`], row-major.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    /// `f4`
    F32(Vec<f32>),
    /// `f8`
    F64(Vec<f64>),
    /// `u1` and booleans
    U8(Vec<u8>),
    /// `i1`
    I8(Vec<i8>),
    /// `i4`
    I32(Vec<i32>),
    /// `i8`
    I64(Vec<i64>),
}

/// An array of a numpy file.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// Extents, outermost first; empty for a scalar. A zero extent is possible.
    pub shape: Vec<usize>,
    /// As many elements as the shape says.
    pub data: Data,
}

impl Array {
    /// The elements as float32, rounded where they do not fit exactly.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            Data::F32(v) => v.clone(),
            Data::F64(v) => v.iter().map(|&x| x as f32).collect(),
            Data::U8(v) => v.iter().map(|&x| f32::from(x)).collect(),
            Data::I8(v) => v.iter().map(|&x| f32::from(x)).collect(),
            Data::I32(v) => v.iter().map(|&x| x as f32).collect(),
            Data::I64(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }

    /// As an ndarray of float32.
    pub fn to_ndarray(&self) -> ndarray::ArrayD<f32> {
        ndarray::ArrayD::from_shape_vec(ndarray::IxDyn(&self.shape), self.to_f32())
            .expect("readers check that the elements fill the shape")
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("npy", message))
}

fn load(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::new("npy", format!("cannot be read: {e}")))
}

/// Reads a `.npy` file.
///
/// # Errors
/// A file that cannot be read, and as [`parse_npy`].
pub fn read_npy(path: &Path) -> Result<Array> {
    load(path).and_then(|bytes| parse_npy(&bytes)).map_err(|e| e.file(path.display().to_string()))
}

/// Reads the arrays of a `.npz` file with their names, in the archive's order.
///
/// # Errors
/// A file that cannot be read, and as [`parse_npz`].
pub fn read_npz(path: &Path) -> Result<Vec<(String, Array)>> {
    load(path).and_then(|bytes| parse_npz(&bytes)).map_err(|e| e.file(path.display().to_string()))
}

/// Decodes the bytes of a `.npy` file. Both byte orders and both memory orders are understood.
///
/// # Errors
/// A damaged header, an element type other than f4, f8, b1, u1, i1, i4 and i8, or a wrong length.
pub fn parse_npy(bytes: &[u8]) -> Result<Array> {
    let (header, body) = header::parse(bytes)?;
    let count = header.shape.iter().try_fold(1usize, |n, &e| n.checked_mul(e));
    let wanted = count.and_then(|n| n.checked_mul(header.kind.bytes()));
    if wanted != Some(body.len()) {
        return refuse(format!("shape {:?} does not match {} bytes of elements", header.shape, body.len()));
    }
    let big = header.big_endian;
    let data = match header.kind {
        Kind::F32 => Data::F32(elements(body, big, f32::from_le_bytes)),
        Kind::F64 => Data::F64(elements(body, big, f64::from_le_bytes)),
        Kind::U8 => Data::U8(body.to_vec()),
        Kind::I8 => Data::I8(elements(body, big, i8::from_le_bytes)),
        Kind::I32 => Data::I32(elements(body, big, i32::from_le_bytes)),
        Kind::I64 => Data::I64(elements(body, big, i64::from_le_bytes)),
    };
    let shape = header.shape;
    if !header.fortran {
        return Ok(Array { shape, data });
    }
    let data = match data {
        Data::F32(v) => Data::F32(row_major(&shape, &v)),
        Data::F64(v) => Data::F64(row_major(&shape, &v)),
        Data::U8(v) => Data::U8(row_major(&shape, &v)),
        Data::I8(v) => Data::I8(row_major(&shape, &v)),
        Data::I32(v) => Data::I32(row_major(&shape, &v)),
        Data::I64(v) => Data::I64(row_major(&shape, &v)),
    };
    Ok(Array { shape, data })
}

/// Decodes the bytes of a `.npz` file: arrays with their names (without `.npy`), in order.
///
/// # Errors
/// A damaged archive, a wrong checksum, encryption, a compression other than stored and deflated,
/// and as [`parse_npy`], naming the member.
pub fn parse_npz(bytes: &[u8]) -> Result<Vec<(String, Array)>> {
    let members = zip::members(bytes)?;
    let arrays = members.into_iter().filter_map(|member| {
        let name = member.name.strip_suffix(".npy")?.to_owned();
        let array = zip::extract(bytes, &member).and_then(|body| parse_npy(&body));
        Some(array.map(|a| (name.clone(), a)).map_err(|e| e.node(name)))
    });
    arrays.collect()
}

fn elements<const N: usize, T>(body: &[u8], big_endian: bool, f: fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = body.as_chunks::<N>();
    let element = |&chunk: &[u8; N]| {
        let mut chunk = chunk;
        if big_endian {
            chunk.reverse();
        }
        f(chunk)
    };
    chunks.iter().map(element).collect()
}

/// Turns column-major (Fortran) order into row-major order.
fn row_major<T: Copy>(shape: &[usize], data: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for &extent in shape {
        strides.push(stride);
        stride *= extent;
    }
    let mut index = vec![0; shape.len()];
    let mut result = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
        result.push(data[at]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    result
}

/// The bytes of a `.npy` file of float32, row-major.
///
/// # Panics
/// When the elements do not fill the shape.
pub fn npy_f32(shape: &[usize], data: &[f32]) -> Vec<u8> {
    assert_eq!(data.len(), shape.iter().product::<usize>(), "{shape:?}");
    let mut bytes = header::write("<f4", shape);
    bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// The bytes of a `.npy` file of unsigned bytes, row-major.
///
/// # Panics
/// When the elements do not fill the shape.
pub fn npy_u8(shape: &[usize], data: &[u8]) -> Vec<u8> {
    assert_eq!(data.len(), shape.iter().product::<usize>(), "{shape:?}");
    let mut bytes = header::write("|u1", shape);
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests;
