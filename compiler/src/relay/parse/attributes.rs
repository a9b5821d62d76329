//! `key=value` in argument lists.

use super::super::syntax::Literal;
use super::super::token::Token;
use super::{DEPTH, Parser};
use crate::error::Result;

impl Parser<'_> {
    /// One attribute.
    pub(super) fn attribute(&mut self) -> Result<(String, Literal)> {
        let Token::Name(key) = self.peek().clone() else {
            return self.expected("the name of an attribute");
        };
        self.at += 1;
        self.expect('=')?;
        let value = self.attribute_value()?;
        Ok((key, value))
    }

    fn attribute_value(&mut self) -> Result<Literal> {
        let value = match self.peek().clone() {
            Token::Integer(value, _) => Literal::Integer(value),
            Token::Float(value, _) => Literal::Float(value),
            Token::Text(text) => Literal::Text(text),
            Token::Meta(key, index) => Literal::Meta(format!("meta[{key}][{index}]")),
            Token::Name(name) => match name.as_str() {
                "None" | "nullptr" => Literal::None,
                "True" => Literal::Bool(true),
                "False" => Literal::Bool(false),
                _ => return self.expected("the value of an attribute"),
            },
            Token::Mark('[') => return self.list(']'),
            Token::Mark('(') => return self.list(')'),
            _ => return self.expected("the value of an attribute"),
        };
        self.at += 1;
        Ok(value)
    }

    fn list(&mut self, end: char) -> Result<Literal> {
        if self.depth == DEPTH {
            return self.expected("fewer nested lists");
        }
        self.depth += 1;
        self.at += 1;
        let mut elements = Vec::new();
        while !self.accept(end) {
            elements.push(self.attribute_value()?);
            if !self.is_mark(end) {
                self.expect(',')?;
            }
        }
        self.depth -= 1;
        Ok(Literal::List(elements))
    }
}
