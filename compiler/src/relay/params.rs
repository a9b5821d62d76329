//! TVM's binary `.params` files: named arrays.
//!
//! Little-endian: magic (u64), reserved (u64), number of names (u64), each name with its length
//! (u64) before it, number of arrays (u64), each array as [`super::array`] lays it out.

use std::collections::HashMap;

use super::array::{self, NdArray, Reader};
use crate::error::{Error, Result};

const MAGIC: u64 = 0xF7E5_8D4F_0504_9CB7;

/// The parameters of a network by name.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// Lookups only: nothing walks this map, so its order cannot reach an output.
    named: HashMap<String, NdArray>,
    names: Vec<String>,
}

impl Params {
    /// Reads a `.params` file from memory; `file` stands for it in messages.
    ///
    /// # Errors
    /// Bytes that are no such file, or a damaged one.
    pub fn read(bytes: &[u8], file: &str) -> Result<Params> {
        parse(bytes).map_err(|e| {
            e.file(file).hint("write it with tvm.runtime.save_param_dict(params) or relay.save_param_dict")
        })
    }

    /// Adds a float32 tensor of `shape`, row-major.
    ///
    /// # Errors
    /// A name that is taken; a number of elements that does not fit the shape.
    pub fn insert(&mut self, name: &str, shape: &[usize], data: Vec<f32>) -> Result<()> {
        if crate::graph::elements(shape)? != data.len() {
            return Err(Error::new("import", "the elements do not fit the shape").node(name));
        }
        self.add(name.to_owned(), NdArray::floats(shape, data))
    }

    /// The bytes of the file that holds these parameters.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC.to_le_bytes());
        out.extend(0u64.to_le_bytes());
        out.extend((self.names.len() as u64).to_le_bytes());
        for name in &self.names {
            out.extend((name.len() as u64).to_le_bytes());
            out.extend(name.bytes());
        }
        out.extend((self.names.len() as u64).to_le_bytes());
        for name in &self.names {
            array::write(&self.named[name], &mut out);
        }
        out
    }

    /// The names in the file's order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Shape and elements of a parameter as float32.
    pub fn get(&self, name: &str) -> Option<(&[usize], Vec<f32>)> {
        let array = self.named.get(name)?;
        Some((&array.shape, array.to_floats()))
    }

    pub(super) fn array(&self, name: &str) -> Option<&NdArray> {
        self.named.get(name)
    }

    fn add(&mut self, name: String, array: NdArray) -> Result<()> {
        if self.named.insert(name.clone(), array).is_some() {
            return Err(Error::new("import", "the parameter is given twice").node(name));
        }
        self.names.push(name);
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<Params> {
    let mut reader = Reader(bytes);
    if reader.u64()? != MAGIC {
        return Err(Error::new("import", "is not a .params file of TVM"));
    }
    reader.u64()?;
    let mut names = Vec::new();
    // Every name takes at least its length: a count that lies fails before it fills the memory.
    for _ in 0..reader.u64()? {
        let length = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
        if length > bytes.len() {
            return Err(Error::new("import", "a name is longer than the file"));
        }
        let name = String::from_utf8(reader.bytes(length)?.to_vec());
        names.push(name.map_err(|_| Error::new("import", "a name is not UTF-8"))?);
    }
    if reader.u64()? != names.len() as u64 {
        return Err(Error::new("import", "the file holds another number of arrays than of names"));
    }
    let mut params = Params::default();
    for name in names {
        let array = array::read(&mut reader).map_err(|e| e.node(&name))?;
        params.add(name, array)?;
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Params {
        let mut params = Params::default();
        params.insert("w", &[2, 1], vec![0.5, -1.0]).unwrap();
        params.insert("b", &[], vec![3.0]).unwrap();
        params
    }

    #[test]
    fn survives_the_round_trip() {
        let bytes = two().write();
        assert_eq!(bytes[..8], [0xb7, 0x9c, 0x04, 0x05, 0x4f, 0x8d, 0xe5, 0xf7]);
        assert_eq!(bytes[16..33], [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, b'w']);
        let back = Params::read(&bytes, "net.params").unwrap();
        assert_eq!(back.names(), ["w", "b"]);
        assert_eq!(back.get("w"), Some((&[2, 1][..], vec![0.5, -1.0])));
        assert_eq!(back.get("b"), Some((&[][..], vec![3.0])));
        assert_eq!(back.get("x"), None);
    }

    #[test]
    fn damage_is_refused_by_file() {
        let bytes = two().write();
        for cut in 0..bytes.len() {
            let e = Params::read(&bytes[..cut], "net.params").unwrap_err();
            assert!(e.to_string().contains("net.params"), "{e}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = Params::read(&damaged, "net.params");
        }
        assert!(two().insert("w", &[1], vec![1.0]).is_err());
        assert!(two().insert("v", &[2], vec![1.0]).is_err());
    }
}
