//! The `#[metadata]` section: TVM's JSON of a graph of objects, of which constants matter here and attributes.
//!
//! `{"root": 1, "nodes": [...], "b64ndarrays": [...]}`. The root is a map from type keys to arrays of
//! nodes; a `relay.Constant` names its tensor by number in `attrs.data`; tensors are base64. Attributes of operators that
//! are registered without a type of them are objects too: their fields are texts, numbers or numbers of nodes.

use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

use serde::Deserialize;

use super::array::{self, NdArray, Reader};
use super::syntax::Literal;
use crate::error::{Error, Result};

/// The key under which the constants lie.
pub(super) const CONSTANT: &str = "relay.Constant";

/// What the type keys of attributes begin with.
pub(super) const ATTRIBUTES: &str = "relay.attrs.";

/// The attributes of which some fields are numbers themselves, and these fields. All other whole numbers name nodes.
const NUMBERS: [(&str, &[&str]); 7] = [
    ("ScanopAttrs", &[]),
    ("TriluAttrs", &["upper"]),
    ("DilateAttrs", &["dilation_value"]),
    ("ScatterElementsAttrs", &[]),
    ("ScatterNDAttrs", &[]),
    ("ROIAlignAttrs", &["spatial_scale", "sample_ratio"]),
    ("ROIPoolAttrs", &["spatial_scale"]),
];

/// What a metadata section holds.
#[derive(Default)]
pub(super) struct Metadata {
    /// Constants in order.
    pub constants: Vec<NdArray>,
    /// Attributes by type key and number.
    pub attributes: HashMap<(String, usize), Rc<KeptAttributes>>,
}

/// Attributes of a call.
pub(super) struct KeptAttributes {
    /// Their type.
    pub key: String,
    /// Names and values; `None` for a type whose fields are not known.
    pub fields: Option<Vec<(String, Literal)>>,
}

#[derive(Deserialize)]
struct Document {
    root: usize,
    nodes: Vec<Object>,
    #[serde(default)]
    b64ndarrays: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Object {
    #[serde(default)]
    type_key: String,
    #[serde(default)]
    attrs: HashMap<String, String>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    data: Vec<usize>,
    #[serde(default)]
    repr_str: String,
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

impl Document {
    fn node(&self, index: usize) -> Result<&Object> {
        match self.nodes.get(index) {
            Some(node) => Ok(node),
            None => refuse(format!("the metadata names node {index} of {}", self.nodes.len())),
        }
    }

    fn constant(&self, object: &Object) -> Result<NdArray> {
        if object.type_key != CONSTANT {
            return refuse(format!("is a {:?}, not a constant", object.type_key));
        }
        let tensor = object.attrs.get("data").and_then(|n| n.parse::<usize>().ok());
        let Some(text) = tensor.and_then(|n| self.b64ndarrays.get(n)) else {
            return refuse("names no tensor of the metadata");
        };
        let Some(bytes) = decode(text) else {
            return refuse("is not base64");
        };
        array::read(&mut Reader(&bytes))
    }

    fn attributes(&self, object: &Object) -> Result<KeptAttributes> {
        let key = object.type_key.clone();
        let own = key.trim_start_matches(ATTRIBUTES);
        let Some((_, numbers)) = NUMBERS.iter().find(|(known, _)| *known == own) else {
            return Ok(KeptAttributes { key, fields: None });
        };
        let mut fields = Vec::new();
        for (name, text) in &object.attrs {
            let value = match text.parse::<usize>() {
                Ok(index) if !numbers.contains(&name.as_str()) => self.value(index, 0)?,
                Ok(number) => Literal::Integer(number as i64),
                Err(_) if text.parse::<i64>().is_ok_and(|n| n < 0) => {
                    Literal::Integer(text.parse().unwrap_or_default())
                }
                Err(_) => match text.parse::<f64>() {
                    Ok(number) => Literal::Float(number),
                    Err(_) if text.is_empty() => Literal::None,
                    Err(_) => Literal::Text(text.clone()),
                },
            };
            fields.push((name.clone(), value));
        }
        // The map has them in any order.
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(KeptAttributes { key, fields: Some(fields) })
    }

    /// A node as the value of an attribute, `depth` lists deep.
    fn value(&self, index: usize, depth: usize) -> Result<Literal> {
        let object = self.node(index)?;
        let text = object.attrs.get("value").map_or("", String::as_str);
        Ok(match object.type_key.as_str() {
            "" => Literal::None,
            "IntImm" => match text.parse() {
                Ok(number) => Literal::Integer(number),
                Err(_) => return refuse(format!("node {index} of the metadata is no whole number")),
            },
            "FloatImm" => match text.parse() {
                Ok(number) => Literal::Float(number),
                Err(_) => return refuse(format!("node {index} of the metadata is no number")),
            },
            "runtime.String" => Literal::Text(object.repr_str.clone()),
            "Array" if depth < 8 => {
                let items = object.data.iter().map(|&item| self.value(item, depth + 1));
                Literal::List(items.collect::<Result<_>>()?)
            }
            other => return refuse(format!("node {index} of the metadata is a {other:?}, not a value")),
        })
    }
}

/// Reads the constants and the attributes of a metadata section.
///
/// # Errors
/// JSON that is damaged or not of this form, and damaged tensors.
pub(super) fn read(json: &str) -> Result<Metadata> {
    let document: Document =
        serde_json::from_str(json).or_else(|e| refuse(format!("the metadata is not TVM's JSON: {e}")))?;
    let root = document.node(document.root)?;
    if root.type_key != "Map" || root.keys.len() != root.data.len() {
        return refuse("the root of the metadata is not a map");
    }
    let mut metadata = Metadata::default();
    for (key, &list) in root.keys.iter().zip(&root.data) {
        let list = document.node(list)?;
        for (index, &item) in list.data.iter().enumerate() {
            let place = |e: Error| e.node(format!("meta[{key}][{index}]"));
            let object = document.node(item).map_err(place)?;
            if key == CONSTANT {
                metadata.constants.push(document.constant(object).map_err(place)?);
            } else if key.starts_with(ATTRIBUTES) {
                let attributes = document.attributes(object).map_err(place)?;
                metadata.attributes.insert((key.clone(), index), Rc::new(attributes));
            }
        }
    }
    Ok(metadata)
}

/// The metadata section that holds `constants`, as TVM's `SaveJSON` lays it out.
pub(super) fn write(constants: &[NdArray]) -> String {
    let items: Vec<String> = (3..3 + constants.len()).map(|n| n.to_string()).collect();
    let mut out = String::from(
        "#[metadata]\n{\n  \"root\": 1, \n  \"nodes\": [\n    {\n      \"type_key\": \"\"\n    }, \n",
    );
    let _ = write!(
        out,
        "    {{\n      \"type_key\": \"Map\", \n      \"keys\": [\n        \"{CONSTANT}\"\n      ], \n      \
         \"data\": [2]\n    }}, \n    {{\n      \"type_key\": \"Array\", \n      \"data\": [{}]\n    }}",
        items.join(", ")
    );
    for tensor in 0..constants.len() {
        // Node 0 is TVM's null: no checked type, no span, no device.
        let _ = write!(
            out,
            ", \n    {{\n      \"type_key\": \"{CONSTANT}\", \n      \"attrs\": {{\n        \
             \"_checked_type_\": \"0\", \n        \"data\": \"{tensor}\", \n        \"span\": \"0\", \n        \
             \"virtual_device_\": \"0\"\n      }}\n    }}"
        );
    }
    out.push_str("\n  ], \n  \"b64ndarrays\": [");
    for (index, constant) in constants.iter().enumerate() {
        let mut bytes = Vec::new();
        array::write(constant, &mut bytes);
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}\n    \"{}\"", encode(&bytes));
    }
    out.push_str("\n  ], \n  \"attrs\": {\"tvm_version\": \"0.14.0\"}\n}\n");
    out
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    out
}

/// The bytes of a base64 text, which may be broken into lines; `None` for anything else.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0u32, 0, 0);
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                0
            }
            _ => return None,
        };
        if padding > 2 || padding > 0 && byte != b'=' {
            return None;
        }
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    if count != 0 {
        return None;
    }
    out.truncate(out.len() - padding);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn base64_by_the_standard() {
        let rows = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in rows {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
        for bad in ["Zg=", "Z", "Zg==Zg==", "Z*==", "====", "=AAA"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn constants_survive_the_round_trip() {
        let constants = [NdArray::floats(&[2], vec![1.5, -0.25]), NdArray::integers(&[], vec![7])];
        let text = write(&constants);
        assert_eq!(read(text.strip_prefix("#[metadata]").unwrap()).unwrap().constants, constants);
    }

    #[test]
    fn damaged_metadata_is_refused() {
        let rows = [
            ("", "not TVM's JSON"),
            (r#"{"root": 9, "nodes": []}"#, "names node 9"),
            (r#"{"root": 0, "nodes": [{"type_key": "Array"}]}"#, "not a map"),
            (
                r#"{"root": 0, "nodes": [{"type_key": "Map", "keys": ["relay.Constant"], "data": [1]},
                {"type_key": "Array", "data": [1]}]}"#,
                "not a constant",
            ),
        ];
        for (json, expected) in rows {
            let e = read(json).err().unwrap().to_string();
            assert!(e.contains(expected), "{json}: {e}");
        }
        assert!(read(r#"{"root": 0, "nodes": [{"type_key": "Map"}]}"#).unwrap().constants.is_empty());
    }
}
