//! TVM's NDArray in bytes, as `.params` files and the metadata of texts hold it.
//!
//! Little-endian: magic (u64), reserved (u64), device type and number (i32, i32), rank (i32), type
//! code (u8), bits (u8), lanes (u16), extents (i64 each), bytes of the elements (i64), the elements.

use crate::error::{Error, Result};
use crate::graph::MAX_ELEMENTS;
use tilewright_arch::fixed::power_of_two;

const MAGIC: u64 = 0xDD5E_40F0_96B4_A13F;

/// A tensor of any of the element types that weights and indices have.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct NdArray {
    /// Extents; a scalar has none.
    pub shape: Vec<usize>,
    /// The element type as TVM writes it: `float32`, `int8`.
    pub dtype: String,
    /// The elements, row-major.
    pub elements: Elements,
}

/// Elements, widened to one float and one integer type.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Elements {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

impl NdArray {
    /// A float32 tensor.
    pub fn floats(shape: &[usize], data: Vec<f32>) -> NdArray {
        NdArray { shape: shape.to_vec(), dtype: "float32".to_owned(), elements: Elements::Floats(data) }
    }

    /// An int64 tensor.
    pub fn integers(shape: &[usize], data: Vec<i64>) -> NdArray {
        NdArray { shape: shape.to_vec(), dtype: "int64".to_owned(), elements: Elements::Integers(data) }
    }

    /// The elements as floats, whatever they are stored as.
    pub fn to_floats(&self) -> Vec<f32> {
        match &self.elements {
            Elements::Floats(data) => data.clone(),
            Elements::Integers(data) => data.iter().map(|&v| v as f32).collect(),
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

/// Bytes that are read from the front.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.0.split_at_checked(count) {
            Some((head, tail)) => {
                self.0 = tail;
                Ok(head)
            }
            None => refuse(format!("the data ends {} bytes too early", count - self.0.len())),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.bytes(N)?.try_into().expect("bytes gives as many as asked for"))
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }
}

/// Reads one array.
///
/// # Errors
/// Bytes that are no array; element types and extents that are out of reach.
pub(super) fn read(bytes: &mut Reader) -> Result<NdArray> {
    if bytes.u64()? != MAGIC {
        return refuse("the data is not an NDArray of TVM");
    }
    bytes.u64()?;
    bytes.i32()?;
    bytes.i32()?;
    let rank = bytes.i32()?;
    let [code, bits] = bytes.array()?;
    let lanes = u16::from_le_bytes(bytes.array()?);
    let dtype = match (code, bits) {
        (1, 1) => "bool".to_owned(),
        (0, 8 | 16 | 32 | 64) => format!("int{bits}"),
        (1, 8 | 16 | 32 | 64) => format!("uint{bits}"),
        (2, 16 | 32 | 64) => format!("float{bits}"),
        _ => {
            return refuse(format!("an array has type code {code} with {bits} bits, which is not supported"));
        }
    };
    if lanes != 1 || !(0..=16).contains(&rank) {
        return refuse(format!("an array has {lanes} lanes and {rank} axes"));
    }
    let mut shape = Vec::new();
    let mut count = 1usize;
    for _ in 0..rank {
        let extent = bytes.i64()?;
        match usize::try_from(extent).ok().and_then(|n| Some((n, count.checked_mul(n)?))) {
            Some((n, product)) if product <= MAX_ELEMENTS => {
                shape.push(n);
                count = product;
            }
            _ => return refuse(format!("an array has an extent of {extent}, which is too large to handle")),
        }
    }
    let width = usize::from(bits.div_ceil(8));
    let stated = bytes.i64()?;
    if usize::try_from(stated) != Ok(count * width) {
        return refuse(format!("an array of {shape:?} states {stated} bytes, not {}", count * width));
    }
    let data = bytes.bytes(count * width)?;
    let elements = elements(data, code, bits)?;
    Ok(NdArray { shape, dtype, elements })
}

fn elements(data: &[u8], code: u8, bits: u8) -> Result<Elements> {
    fn each<const N: usize, T>(data: &[u8], convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        let whole = |c: &[u8]| convert(c.try_into().expect("chunks_exact gives whole chunks"));
        data.chunks_exact(N).map(whole).collect()
    }
    Ok(match (code, bits) {
        (2, 16) => Elements::Floats(each(data, |b| half(u16::from_le_bytes(b)))),
        (2, 32) => Elements::Floats(each(data, f32::from_le_bytes)),
        (2, _) => Elements::Floats(each(data, |b| f64::from_le_bytes(b) as f32)),
        (0, 8) => Elements::Integers(each(data, |b| i64::from(i8::from_le_bytes(b)))),
        (0, 16) => Elements::Integers(each(data, |b| i64::from(i16::from_le_bytes(b)))),
        (0, 32) => Elements::Integers(each(data, |b| i64::from(i32::from_le_bytes(b)))),
        (0, _) => Elements::Integers(each(data, i64::from_le_bytes)),
        (_, 1 | 8) => Elements::Integers(each(data, |[b]: [u8; 1]| i64::from(b))),
        (_, 16) => Elements::Integers(each(data, |b| i64::from(u16::from_le_bytes(b)))),
        (_, 32) => Elements::Integers(each(data, |b| i64::from(u32::from_le_bytes(b)))),
        _ => {
            let wide = each(data, u64::from_le_bytes);
            let narrow = wide.into_iter().map(i64::try_from).collect::<std::result::Result<_, _>>();
            Elements::Integers(narrow.or_else(|_| refuse("an array holds an integer above 2^63"))?)
        }
    })
}

/// A half-precision float.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023));
    sign * match exponent {
        0 => mantissa * power_of_two(-24) as f32,
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + mantissa) * power_of_two(exponent - 25) as f32,
    }
}

/// Appends one array: floats as float32, whole numbers in the bytes of their type.
pub(super) fn write(array: &NdArray, out: &mut Vec<u8>) {
    out.extend(MAGIC.to_le_bytes());
    out.extend(0u64.to_le_bytes());
    // The processor is device type 1, number 0.
    out.extend(1i32.to_le_bytes());
    out.extend(0i32.to_le_bytes());
    out.extend((array.shape.len() as i32).to_le_bytes());
    let (code, bits, count) = match &array.elements {
        Elements::Floats(data) => (2, 32, data.len()),
        Elements::Integers(data) => {
            let (code, digits) = match array.dtype.strip_prefix("uint") {
                Some(digits) => (1, digits),
                None => (0, array.dtype.trim_start_matches("int")),
            };
            (code, digits.parse().unwrap_or(64), data.len())
        }
    };
    out.extend([code, bits, 1, 0]);
    for &extent in &array.shape {
        out.extend((extent as i64).to_le_bytes());
    }
    let width = usize::from(bits / 8);
    out.extend(((count * width) as i64).to_le_bytes());
    match &array.elements {
        Elements::Floats(data) => out.extend(data.iter().flat_map(|v| v.to_le_bytes())),
        // The low bytes of a number are those of a shorter type.
        Elements::Integers(data) => data.iter().for_each(|v| out.extend(&v.to_le_bytes()[..width])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Laid out by hand from TVM's `SaveDLTensor`.
    #[test]
    fn bytes_are_tvms() {
        let array = NdArray::floats(&[1, 2], vec![1.0, -2.0]);
        let mut bytes = Vec::new();
        write(&array, &mut bytes);
        let expected: Vec<u8> = [
            &[0x3f, 0xa1, 0xb4, 0x96, 0xf0, 0x40, 0x5e, 0xdd][..],
            &[0; 8],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 2, 32, 1, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[8, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0],
        ]
        .concat();
        assert_eq!(bytes, expected);
        assert_eq!(read(&mut Reader(&bytes)).unwrap(), array);
        for cut in 0..bytes.len() {
            assert!(read(&mut Reader(&bytes[..cut])).is_err(), "{cut}");
        }
    }

    #[test]
    fn halves_by_hand() {
        let rows = [(0x3c00, 1.0), (0xc000, -2.0), (0x0001, 5.960_464_5e-8), (0x7c00, f32::INFINITY)];
        for (bits, value) in rows {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(0x7bff), 65504.0);
        assert!(half(0x7c01).is_nan());
    }

    #[test]
    fn integers_survive() {
        let of = |dtype: &str, data: &[i64]| NdArray {
            dtype: dtype.into(),
            ..NdArray::integers(&[3], data.to_vec())
        };
        let arrays = [
            of("int64", &[-1, 0, 1 << 40]),
            of("int32", &[-1, 7, i64::from(i32::MIN)]),
            of("int16", &[-300, 300, 0]),
            of("uint16", &[0, 40_000, 1]),
            of("int8", &[-128, 127, -1]),
            of("uint8", &[0, 255, 128]),
        ];
        for array in arrays {
            let mut bytes = Vec::new();
            write(&array, &mut bytes);
            assert_eq!(read(&mut Reader(&bytes)).unwrap(), array);
        }
    }
}
