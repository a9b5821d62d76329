//! Arrays in numpy's files: `.npy` (read, write) and `.npz` (read), without numpy.
//!
//! No input, however damaged, makes a reader panic or reserve more memory than the budget
//! ([`crate::memory`]) has: sizes are checked as they are declared. An [`Archive`] reads only the
//! arrays that are asked for.

mod header;
mod zip;

use std::path::Path;

use crate::error::{Error, Result};
use crate::{files, memory};
use header::ElementType;

/// Elements of an [`Array`], row-major.
#[derive(Clone, PartialEq, Debug)]
pub enum ArrayData {
    /// `f4`, and the smaller `f2`
    F32(Vec<f32>),
    /// `f8`
    F64(Vec<f64>),
    /// `b1`: 0 and 1.
    Bool(Vec<u8>),
    /// `u1`
    U8(Vec<u8>),
    /// `i1`
    I8(Vec<i8>),
    /// `i4`, and the smaller `i2` and `u2`
    I32(Vec<i32>),
    /// `i8`, and the smaller `u4`
    I64(Vec<i64>),
}

/// An array of a numpy file.
#[derive(Clone, PartialEq, Debug)]
pub struct Array {
    /// Extents, outermost first; empty for a scalar. A zero extent is possible.
    pub shape: Vec<usize>,
    /// As many elements as the shape says.
    pub data: ArrayData,
}

impl Array {
    /// The elements as float32, rounded where they do not fit exactly.
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            ArrayData::F32(v) => v.clone(),
            ArrayData::F64(v) => v.iter().map(|&x| x as f32).collect(),
            ArrayData::Bool(v) | ArrayData::U8(v) => v.iter().map(|&x| f32::from(x)).collect(),
            ArrayData::I8(v) => v.iter().map(|&x| f32::from(x)).collect(),
            ArrayData::I32(v) => v.iter().map(|&x| x as f32).collect(),
            ArrayData::I64(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }

    /// The elements as float32 that mean the same: whole numbers exactly, float64 rounded to the nearest.
    ///
    /// # Errors
    /// A whole number that float32 does not have (above 2^24 there are gaps), a float64 beyond its range.
    pub fn exact_f32(&self) -> Result<Vec<f32>> {
        let lost = match &self.data {
            ArrayData::F64(v) => {
                v.iter().find(|x| x.is_finite() && !(**x as f32).is_finite()).map(f64::to_string)
            }
            ArrayData::I32(v) => v.iter().find(|&&x| f64::from(x as f32) != f64::from(x)).map(i32::to_string),
            // 128 bits hold what float32 rounds the largest numbers to.
            ArrayData::I64(v) => v.iter().find(|&&x| (x as f32) as i128 != i128::from(x)).map(i64::to_string),
            ArrayData::F32(_) | ArrayData::Bool(_) | ArrayData::U8(_) | ArrayData::I8(_) => None,
        };
        match lost {
            None => Ok(self.to_f32()),
            Some(value) => Err(Error::new("npy", format!("{value} is not a number that float32 has"))
                .hint("smaller numbers: the network computes in float32")),
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
    files::read(path).map_err(|e| Error::new("npy", format!("cannot be read: {e}")))
}

/// Reads a `.npy` file.
///
/// # Errors
/// A file that cannot be read, and as [`parse_npy`].
pub fn read_npy(path: &Path) -> Result<Array> {
    load(path).and_then(|bytes| parse_npy(&bytes)).map_err(|e| e.file(path.display().to_string()))
}

/// A `.npz` file of which only the names have been read.
#[derive(Clone, Debug)]
pub struct Archive {
    bytes: Vec<u8>,
    members: Vec<(String, zip::Member)>,
}

impl Archive {
    /// Opens a file.
    ///
    /// # Errors
    /// A file that cannot be read, and as [`Archive::new`].
    pub fn open(path: &Path) -> Result<Archive> {
        load(path).and_then(Archive::new).map_err(|e| e.file(path.display().to_string()))
    }

    /// Takes the bytes of a file.
    ///
    /// # Errors
    /// A damaged archive, a name that it has twice.
    pub fn new(bytes: Vec<u8>) -> Result<Archive> {
        let mut members: Vec<(String, zip::Member)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for member in zip::members(&bytes)? {
            let Some(name) = member.name.strip_suffix(".npy").map(str::to_owned) else { continue };
            if !seen.insert(name.clone()) {
                return Err(Error::new("npy", format!("has the array {name:?} twice"))
                    .hint("write the archive anew with numpy.savez"));
            }
            members.push((name, member));
        }
        Ok(Archive { bytes, members })
    }

    /// The arrays' names without `.npy`, in the archive's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    fn member(&self, name: &str) -> Result<&zip::Member> {
        match self.members.iter().find(|(n, _)| n == name) {
            Some((_, member)) => Ok(member),
            None => refuse("the archive has no such array"),
        }
    }

    /// The extents that an array declares, without unpacking it.
    ///
    /// # Errors
    /// A name that the archive lacks, a damaged header.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>> {
        let shape = || {
            let head = zip::head(&self.bytes, self.member(name)?, HEADER)?;
            Ok(header::parse(&head)?.0.shape)
        };
        shape().map_err(|e: Error| e.node(name))
    }

    /// Unpacks an array.
    ///
    /// # Errors
    /// A name that the archive lacks, more bytes than the budget of memory has, a wrong checksum,
    /// encryption, a compression other than stored and deflated, and as [`parse_npy`].
    pub fn read(&self, name: &str) -> Result<Array> {
        let read = || parse_npy(&zip::extract(&self.bytes, self.member(name)?)?);
        read().map_err(|e| e.node(name))
    }
}

/// Longest header of an array that is looked at before it is unpacked; numpy's are 128 bytes.
const HEADER: usize = 4096;

/// Decodes the bytes of a `.npy` file. Both byte orders and both memory orders are understood.
///
/// # Errors
/// A damaged header, an element type other than f2, f4, f8, b1, u1, u2, u4, i1, i2, i4 and i8, a wrong
/// length, a boolean other than 0 and 1.
pub fn parse_npy(bytes: &[u8]) -> Result<Array> {
    let (header, body) = header::parse(bytes)?;
    let count = header.shape.iter().try_fold(1usize, |n, &e| n.checked_mul(e));
    let wanted = count.and_then(|n| n.checked_mul(header.kind.bytes()));
    if wanted != Some(body.len()) {
        return refuse(format!("shape {:?} does not match {} bytes of elements", header.shape, body.len()));
    }
    let big = header.big_endian;
    let data = match header.kind {
        ElementType::F32 => ArrayData::F32(elements(body, big, f32::from_le_bytes)),
        ElementType::F64 => ArrayData::F64(elements(body, big, f64::from_le_bytes)),
        ElementType::F16 => {
            ArrayData::F32(elements(body, big, |b| crate::float::half(u16::from_le_bytes(b))))
        }
        ElementType::Bool if body.iter().any(|&b| b > 1) => return refuse("a boolean is neither 0 nor 1"),
        ElementType::Bool => ArrayData::Bool(body.to_vec()),
        ElementType::U8 => ArrayData::U8(body.to_vec()),
        ElementType::I16 => ArrayData::I32(elements(body, big, |b| i16::from_le_bytes(b).into())),
        ElementType::U16 => ArrayData::I32(elements(body, big, |b| u16::from_le_bytes(b).into())),
        ElementType::U32 => ArrayData::I64(elements(body, big, |b| u32::from_le_bytes(b).into())),
        ElementType::I8 => ArrayData::I8(elements(body, big, i8::from_le_bytes)),
        ElementType::I32 => ArrayData::I32(elements(body, big, i32::from_le_bytes)),
        ElementType::I64 => ArrayData::I64(elements(body, big, i64::from_le_bytes)),
    };
    let shape = header.shape;
    if !header.fortran {
        return Ok(Array { shape, data });
    }
    let data = match data {
        ArrayData::F32(v) => ArrayData::F32(row_major(&shape, &v)),
        ArrayData::F64(v) => ArrayData::F64(row_major(&shape, &v)),
        ArrayData::Bool(v) => ArrayData::Bool(row_major(&shape, &v)),
        ArrayData::U8(v) => ArrayData::U8(row_major(&shape, &v)),
        ArrayData::I8(v) => ArrayData::I8(row_major(&shape, &v)),
        ArrayData::I32(v) => ArrayData::I32(row_major(&shape, &v)),
        ArrayData::I64(v) => ArrayData::I64(row_major(&shape, &v)),
    };
    Ok(Array { shape, data })
}

/// Decodes the bytes of a `.npz` file: arrays with their names (without `.npy`), in order.
///
/// # Errors
/// A damaged archive, a name that it has twice, arrays that together take more than the budget of memory,
/// and as [`Archive::read`], naming the member.
pub fn parse_npz(bytes: &[u8]) -> Result<Vec<(String, Array)>> {
    let archive = Archive::new(bytes.to_vec())?;
    let all = archive.members.iter().fold(0u64, |sum, (_, m)| sum.saturating_add(m.bytes as u64));
    memory::check(all, "what the archive unpacks to")?;
    archive.names().map(|name| Ok((name.to_owned(), archive.read(name)?))).collect()
}

fn elements<const N: usize, T>(body: &[u8], big_endian: bool, f: impl Fn([u8; N]) -> T) -> Vec<T> {
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

/// The bytes of an `.npz` file of arrays by name, such as [`npy_f32`] makes them; equal arrays make equal
/// bytes.
///
/// # Panics
/// When an array or all together have 4 GiB or more.
pub fn npz(arrays: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let members: Vec<_> = arrays.into_iter().map(|(name, bytes)| (format!("{name}.npy"), bytes)).collect();
    zip::write(&members)
}

/// The members of a zip archive, by name.
///
/// # Errors
/// Bytes that are no archive; a member whose length or checksum is wrong.
pub fn unzip(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let member = |member: zip::Member| {
        let body = zip::extract(bytes, &member).map_err(|e| e.node(&member.name))?.into_owned();
        Ok((member.name, body))
    };
    zip::members(bytes)?.into_iter().map(member).collect()
}

/// A zip archive of stored members; equal members make equal bytes.
///
/// # Errors
/// 4 GiB or more, which the format has no room for.
pub fn zip(members: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let bytes: usize = members.iter().map(|(name, body)| 2 * name.len() + body.len() + 128).sum();
    match u32::try_from(bytes) {
        Ok(_) => Ok(zip::write(members)),
        Err(_) => refuse(format!("{bytes} bytes are more than a zip archive holds, which is 4 GiB")),
    }
}

#[cfg(test)]
mod tests;
