//! Types of parameters and results.

use super::super::syntax::Type;
use super::super::token::Token;
use super::{DEPTH, Parser};
use crate::error::Result;

impl Parser<'_> {
    /// A type.
    pub(super) fn type_(&mut self) -> Result<Type> {
        if self.depth == DEPTH {
            return self.expected("a type that is nested less deep");
        }
        self.depth += 1;
        let parsed = self.type_inner()?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn type_inner(&mut self) -> Result<Type> {
        if self.accept('(') {
            return Ok(Type::Tuple(self.types()?));
        }
        let Token::Name(name) = self.peek().clone() else {
            return self.expected("a type such as Tensor[(1, 3, 32, 32), float32]");
        };
        self.at += 1;
        match name.as_str() {
            "Tensor" => {
                self.expect('[')?;
                let shape = self.shape()?;
                self.expect(',')?;
                let Token::Name(dtype) = self.peek().clone() else {
                    return self.expected("an element type such as float32");
                };
                self.at += 1;
                self.expect(']')?;
                Ok(Type::Tensor(shape, dtype))
            }
            "fn" => {
                self.expect('(')?;
                self.types()?;
                self.expect('-')?;
                self.expect('>')?;
                self.type_()?;
                Ok(Type::Other)
            }
            scalar if ["float", "int", "uint", "bool"].iter().any(|p| scalar.starts_with(p)) => {
                Ok(Type::Tensor(Vec::new(), name))
            }
            _ => Ok(Type::Other),
        }
    }

    /// Types up to the closing parenthesis.
    fn types(&mut self) -> Result<Vec<Type>> {
        let mut types = Vec::new();
        while !self.accept(')') {
            types.push(self.type_()?);
            if !self.is_mark(')') {
                self.expect(',')?;
            }
        }
        Ok(types)
    }

    fn shape(&mut self) -> Result<Vec<Option<i64>>> {
        self.expect('(')?;
        let mut extents = Vec::new();
        while !self.accept(')') {
            match *self.peek() {
                Token::Integer(extent, _) => extents.push(Some(extent)),
                // `?`, and the symbols that TVM keeps in its metadata, are not known extents.
                Token::Mark('?') | Token::Meta(..) => extents.push(None),
                _ => return self.expected("an extent"),
            }
            self.at += 1;
            if !self.is_mark(')') {
                self.expect(',')?;
            }
        }
        Ok(extents)
    }
}
