//! The header of a `.npy` file: a Python dictionary of three keys.

use super::refuse;
use crate::error::Result;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Element types that are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ElementType {
    F16,
    F32,
    F64,
    Bool,
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
}

impl ElementType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::Bool | ElementType::U8 | ElementType::I8 => 1,
            ElementType::F16 | ElementType::I16 | ElementType::U16 => 2,
            ElementType::F32 | ElementType::I32 | ElementType::U32 => 4,
            ElementType::F64 | ElementType::I64 => 8,
        }
    }
}

/// What a header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ArrayHeader {
    pub kind: ElementType,
    pub big_endian: bool,
    pub fortran: bool,
    pub shape: Vec<usize>,
}

/// Splits a file into its header and its elements.
pub(super) fn parse(bytes: &[u8]) -> Result<(ArrayHeader, &[u8])> {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return refuse("is not a .npy file");
    };
    let (text, body) = match *rest {
        [1, _, a, b, ref rest @ ..] => rest.split_at_checked(u16::from_le_bytes([a, b]).into()),
        [2 | 3, _, a, b, c, d, ref rest @ ..] => {
            let length = usize::try_from(u32::from_le_bytes([a, b, c, d]));
            length.ok().and_then(|n| rest.split_at_checked(n))
        }
        _ => return refuse("has an unknown version or ends in its header"),
    }
    .unzip();
    let (Some(text), Some(body)) = (text, body) else {
        return refuse("ends in its header");
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return refuse("has a header that is not text");
    };
    match dictionary(text) {
        Some(header) => Ok((header?, body)),
        None => refuse(format!("has a header that is not understood: {}", text.trim())),
    }
}

/// The text after `'key':`, with blanks removed.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let single = text.find(&format!("'{key}'"));
    let at = single.or_else(|| text.find(&format!("\"{key}\"")))?;
    text[at + key.len() + 2..].trim_start().strip_prefix(':').map(str::trim_start)
}

fn dictionary(text: &str) -> Option<Result<ArrayHeader>> {
    let descr = entry(text, "descr")?;
    let quote = descr.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let descr = descr[1..].split(quote).next()?;
    let fortran = entry(text, "fortran_order")?;
    let fortran = match (fortran.starts_with("True"), fortran.starts_with("False")) {
        (true, _) => true,
        (_, true) => false,
        _ => return None,
    };
    let shape = entry(text, "shape")?.strip_prefix('(')?.split(')').next()?;
    let extents = shape.split(',').map(str::trim).filter(|e| !e.is_empty());
    // Python 2 wrote long integers with an L.
    let extents = extents.map(|e| e.trim_end_matches('L').parse().ok());
    let shape: Vec<usize> = extents.collect::<Option<_>>()?;
    let kind = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f4" => ElementType::F32,
        "f8" => ElementType::F64,
        "f2" => ElementType::F16,
        "b1" => ElementType::Bool,
        "u1" => ElementType::U8,
        "i1" => ElementType::I8,
        "i2" => ElementType::I16,
        "u2" => ElementType::U16,
        "i4" => ElementType::I32,
        "u4" => ElementType::U32,
        "i8" => ElementType::I64,
        _ => {
            return Some(refuse(format!(
                "element type {descr:?} is not one of f2, f4, f8, b1, u1, u2, u4, i1, i2, i4, i8"
            )));
        }
    };
    Some(Ok(ArrayHeader { kind, big_endian: descr.starts_with('>'), fortran, shape }))
}

/// A version 1 header for row-major elements.
pub(super) fn write(descr: &str, shape: &[usize]) -> Vec<u8> {
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", extents.join(", "));
    // numpy aligns the elements to 64 bytes: magic, version, length, text and a newline.
    let unpadded = MAGIC.len() + 4 + text.len() + 1;
    text.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let length = u16::try_from(text.len()).expect("no tensor has thousands of axes");
    [MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat()
}
