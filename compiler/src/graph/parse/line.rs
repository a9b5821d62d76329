//! One line of the text form, read piece by piece.

use std::str::FromStr;

use super::refuse;
use crate::error::Result;
use crate::graph::{Integer, ValueId};

/// The unread rest of a line.
pub(super) struct Line<'a> {
    pub rest: &'a str,
}

/// Extents and integer type; `None` is float32.
pub(super) type TensorType = (Vec<usize>, Option<Integer>);

pub(super) type Arguments<'a> = (Vec<ValueId>, Vec<(&'a str, &'a str)>);

impl<'a> Line<'a> {
    pub fn blank(&mut self) {
        self.rest = self.rest.trim();
    }

    pub fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub fn expect(&mut self, text: &str) -> Result<()> {
        if self.accept(text) {
            return Ok(());
        }
        let found: String = self.rest.chars().take(20).collect();
        refuse(format!("expected {text:?}, found {found:?}"))
    }

    pub fn end(&self) -> Result<()> {
        match self.rest {
            "" => Ok(()),
            rest => refuse(format!("{rest:?} follows the line's end")),
        }
    }

    pub fn until(&mut self, stop: char) -> Result<&'a str> {
        match self.rest.split_once(stop) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => refuse(format!("{stop:?} is missing")),
        }
    }

    pub fn number(&mut self) -> Result<u32> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, tail) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = tail;
        parsed(digits)
    }

    /// `%3` or `meta[Constant][3]`.
    pub fn value(&mut self) -> Result<ValueId> {
        if self.accept("%") {
            return self.number().map(ValueId);
        }
        self.expect("meta[Constant][")?;
        let id = self.number()?;
        self.expect("]")?;
        Ok(ValueId(id))
    }

    /// `%3` or `(%3, meta[Constant][4])`.
    pub fn results(&mut self) -> Result<Vec<ValueId>> {
        if !self.accept("(") {
            return self.value().map(|id| vec![id]);
        }
        let mut all = Vec::new();
        while !self.accept(")") {
            if !all.is_empty() {
                self.expect(", ")?;
            }
            all.push(self.value()?);
        }
        Ok(all)
    }

    /// Values, then `key=value` pairs, up to the closing parenthesis.
    pub fn arguments(&mut self) -> Result<Arguments<'a>> {
        let (mut values, mut attributes) = (Vec::new(), Vec::new());
        let mut first = true;
        while !self.accept(")") {
            if !std::mem::take(&mut first) {
                self.expect(", ")?;
            }
            if self.rest.starts_with('%') || self.rest.starts_with("meta[") {
                values.push(self.value()?);
            } else {
                let key = self.until('=')?;
                let end = match self.rest.strip_prefix('[') {
                    Some(list) => list.find(']').map(|n| n + 2),
                    None => self.rest.find([',', ')']),
                };
                let Some(end) = end else {
                    return refuse(format!("the value of {key:?} does not end"));
                };
                let (value, tail) = self.rest.split_at(end);
                self.rest = tail;
                attributes.push((key, value));
            }
        }
        Ok((values, attributes))
    }

    /// `/* name -> name */: Tensor[(1, 2), float32]`; the comment may be absent.
    pub fn tail(&mut self) -> Result<(Vec<String>, Vec<TensorType>)> {
        let mut names = Vec::new();
        if self.accept(" /* ") {
            let Some((comment, tail)) = self.rest.split_once(" */") else {
                return refuse("the comment does not end");
            };
            self.rest = tail;
            names = comment.split(" -> ").map(unescape).collect::<Result<_>>()?;
        }
        self.expect(": ")?;
        if !self.accept("(") {
            return Ok((names, vec![self.tensor_type()?]));
        }
        let mut types = Vec::new();
        while !self.accept(")") {
            if !types.is_empty() {
                self.expect(", ")?;
            }
            types.push(self.tensor_type()?);
        }
        Ok((names, types))
    }

    fn tensor_type(&mut self) -> Result<TensorType> {
        self.expect("Tensor[(")?;
        let extents = self.until(')')?;
        self.expect(", ")?;
        let name = self.until(']')?;
        let integer = match Integer::ALL.iter().find(|e| e.1 == name) {
            Some(entry) => Some(entry.0),
            None if name == "float32" => None,
            None => return refuse(format!("the element type {name:?} is not known")),
        };
        let extents = extents.split(',').map(str::trim).filter(|e| !e.is_empty());
        Ok((extents.map(parsed).collect::<Result<_>>()?, integer))
    }

    /// A string as Rust's Debug prints it.
    pub fn quoted(&mut self) -> Result<String> {
        self.expect("\"")?;
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            end
        });
        let Some(end) = end else {
            return refuse("the string does not end");
        };
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        unescape(text)
    }
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T> {
    let number = text.trim().parse();
    number.or_else(|_| refuse(format!("{text:?} is not a number in range")))
}

/// Undoes the escapes of Rust's Debug, of which the comments' are a part.
fn unescape(text: &str) -> Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        let real = match chars.next() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('0') => Some('\0'),
            Some(c @ ('\\' | '"' | '\'')) => Some(c),
            Some('u') => {
                let digits = chars.as_str().strip_prefix('{').and_then(|t| t.split_once('}'));
                digits.and_then(|(digits, tail)| {
                    chars = tail.chars();
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)
                })
            }
            _ => None,
        };
        match real {
            Some(c) => result.push(c),
            None => return refuse(format!("{text:?} holds an unknown escape")),
        }
    }
    Ok(result)
}
