//! From tokens to the tree: TVM's grammar without its control flow and user-defined types.

use super::syntax::{
    Block, Bound, CallExpr, ExprId, Expression, Function, IrModule, Kind, Parameter, Statement,
};
use super::token::{Note, Pos, Spanned, Token, located};
use crate::error::{Error, Result};

mod attributes;
mod types;

/// Deepest nesting of expressions: deep enough for any printer, shallow enough for any stack.
const DEPTH: usize = 100;

/// Parses the tokens of a module, or of a single expression, which becomes the body of `main`.
///
/// # Errors
/// The first token that does not fit, with its place.
pub(super) fn parse(tokens: &[Spanned], file: &str) -> Result<IrModule> {
    let mut parser = Parser { tokens, at: 0, file, depth: 0, module: IrModule::default() };
    while let Token::Header(text) = parser.peek() {
        let text = text.clone();
        parser.version(&text)?;
        parser.at += 1;
    }
    if !parser.is_name("def") && !parser.is_name("type") && !parser.is_name("extern") {
        return parser.expression_alone();
    }
    loop {
        match parser.peek() {
            Token::End => return Ok(parser.module),
            Token::Name(name) if name == "def" => {
                parser.at += 1;
                let place = parser.place();
                let Token::Global(name) = parser.peek().clone() else {
                    return parser.expected("the function's name, such as @main");
                };
                parser.at += 1;
                if parser.module.functions.iter().any(|f| f.name == name) {
                    return parser.refuse(place, format!("the function @{name} is defined twice"));
                }
                parser.function(name, place)?;
            }
            Token::Name(name) if name == "type" || name == "extern" => {
                let place = parser.place();
                let error = Error::new("import", "types of the user are not supported")
                    .file(located(file, place))
                    .hint("remove the definition: only tensors and tuples of tensors can be compiled");
                return Err(error);
            }
            _ => return parser.expected("\"def\" or the end of the text"),
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Spanned],
    at: usize,
    file: &'a str,
    depth: usize,
    module: IrModule,
}

impl<'a> Parser<'a> {
    fn spanned(&self, ahead: usize) -> &'a Spanned {
        // The last token is End, and nothing lies behind it.
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &'a Token {
        &self.spanned(0).token
    }

    fn place(&self) -> Pos {
        self.spanned(0).place
    }

    /// What the comment behind the token before says.
    fn note(&self) -> Option<Box<Note>> {
        self.tokens[self.at.saturating_sub(1)].note.clone()
    }

    fn refuse<T>(&self, place: Pos, message: impl Into<String>) -> Result<T> {
        Err(Error::new("import", message).file(located(self.file, place)))
    }

    fn expected<T>(&self, what: &str) -> Result<T> {
        let found = match self.peek() {
            Token::End => "the end of the text".to_owned(),
            Token::Integer(value, _) => format!("{value}"),
            Token::Float(value, _) => format!("{value}"),
            Token::Text(text) => format!("{text:?}"),
            Token::Name(name) => format!("{name:?}"),
            Token::Local(name) => format!("%{name}"),
            Token::Temp(number) => format!("%{number}"),
            Token::Global(name) => format!("@{name}"),
            Token::Meta(key, index) => format!("meta[{key:?}][{index}]"),
            Token::Header(text) => format!("#[{text:?}]"),
            Token::Mark(mark) => format!("{mark:?}"),
        };
        let error = Error::new("import", format!("expected {what}, found {found}"));
        Err(error
            .file(located(self.file, self.place()))
            .hint("check that the text is complete and in the form that TVM's astext() prints"))
    }

    fn is_mark(&self, mark: char) -> bool {
        *self.peek() == Token::Mark(mark)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Token::Name(n) if n == name)
    }

    fn accept(&mut self, mark: char) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<()> {
        if self.accept(mark) {
            return Ok(());
        }
        self.expected(&format!("{mark:?}"))
    }

    fn version(&self, text: &str) -> Result<()> {
        let version = text.strip_prefix("version").map(|t| t.trim_start().trim_start_matches('=').trim());
        match version {
            Some("\"0.0.5\"") => Ok(()),
            Some(other) => {
                let error = Error::new("import", format!("the text has version {other}, known is \"0.0.5\""));
                Err(error.file(located(self.file, self.place())).hint("print it with TVM 0.7 or later"))
            }
            None => self.refuse(self.place(), format!("the annotation #[{text}] is not known")),
        }
    }

    /// A text without `def`: an expression, which may itself be a function.
    fn expression_alone(mut self) -> Result<IrModule> {
        let place = self.place();
        let body = self.block_body(&[Token::End])?;
        if *self.peek() != Token::End {
            return self.expected("the end of the text");
        }
        // `fn (%x) { ... }` alone is the network itself.
        if let (Kind::Function(index), true) =
            (&self.module.get(body.result).kind, body.statements.is_empty())
        {
            let index = *index;
            self.module.functions[index].name = "main".to_owned();
        } else {
            let (name, parameters) = ("main".to_owned(), Vec::new());
            self.module.functions.push(Function { name, parameters, result: None, body, place });
        }
        Ok(self.module)
    }

    /// Parameters, result type and body of a function; its index.
    fn function(&mut self, name: String, place: Pos) -> Result<usize> {
        if self.is_mark('[') {
            return self.refuse(self.place(), "functions with type parameters are not supported");
        }
        self.expect('(')?;
        let mut parameters = Vec::new();
        while !self.accept(')') {
            match self.peek() {
                Token::Local(_) => parameters.push(self.parameter()?),
                // Attributes of the function, such as `Primitive=1`: they do not change what it computes.
                Token::Name(_) => {
                    self.attribute()?;
                }
                _ => return self.expected("a parameter such as %x"),
            }
            if !self.is_mark(')') {
                self.expect(',')?;
            }
        }
        let mut result = None;
        if self.accept('-') {
            self.expect('>')?;
            result = Some(self.type_()?);
        }
        self.expect('{')?;
        let body = self.block_body(&[Token::Mark('}')])?;
        self.expect('}')?;
        self.module.functions.push(Function { name, parameters, result, body, place });
        Ok(self.module.functions.len() - 1)
    }

    fn parameter(&mut self) -> Result<Parameter> {
        let place = self.place();
        let Token::Local(name) = self.peek().clone() else {
            return self.expected("a variable such as %x");
        };
        self.at += 1;
        if self.accept('{') {
            // TVM notes the device of a parameter in braces.
            while !self.accept('}') {
                self.attribute()?;
                self.accept(',');
            }
        }
        let kind = if self.accept(':') { Some(self.type_()?) } else { None };
        Ok(Parameter { name, kind, place, note: self.note() })
    }

    /// Bindings up to an expression that no semicolon follows.
    fn block_body(&mut self, ends: &[Token]) -> Result<Block> {
        let mut statements = Vec::new();
        loop {
            match self.peek() {
                Token::Name(name) if name == "free_var" => {
                    self.at += 1;
                    let parameter = self.parameter()?;
                    statements.push(Statement::Free(parameter));
                    self.expect(';')?;
                    continue;
                }
                Token::Name(name) if name == "let" => {
                    self.at += 1;
                    let target = self.parameter()?;
                    self.expect('=')?;
                    let value = self.expression()?;
                    self.expect(';')?;
                    statements.push(Statement::Bind(Bound::Local(target.name), value));
                    continue;
                }
                Token::Temp(number) if self.spanned(1).token == Token::Mark('=') => {
                    self.at += 2;
                    let value = self.expression()?;
                    self.expect(';')?;
                    statements.push(Statement::Bind(Bound::Temp(*number), value));
                    continue;
                }
                _ => {}
            }
            let result = self.expression()?;
            if self.accept(';') && !ends.contains(self.peek()) {
                statements.push(Statement::Drop);
                continue;
            }
            return Ok(Block { statements, result });
        }
    }

    fn push(&mut self, kind: Kind, place: Pos) -> ExprId {
        let note = self.note();
        self.module.expressions.push(Expression { kind, place, note });
        ExprId(self.module.expressions.len() - 1)
    }

    /// An expression with the operators `+ - * /`, which TVM reads but never prints.
    fn expression(&mut self) -> Result<ExprId> {
        if self.depth == DEPTH {
            let error = Error::new("import", format!("expressions are nested more than {DEPTH} deep"));
            return Err(error.file(located(self.file, self.place())).hint("bind the inner ones: %0 = ...;"));
        }
        self.depth += 1;
        let mut sum = self.product()?;
        loop {
            let name = match self.peek() {
                Token::Mark('+') => "add",
                Token::Mark('-') => "subtract",
                _ => break,
            };
            let place = self.place();
            self.at += 1;
            let right = self.product()?;
            sum = self.binary(name, [sum, right], place);
        }
        self.depth -= 1;
        Ok(sum)
    }

    fn product(&mut self) -> Result<ExprId> {
        let mut product = self.call()?;
        loop {
            let name = match self.peek() {
                Token::Mark('*') => "multiply",
                Token::Mark('/') => "divide",
                _ => return Ok(product),
            };
            let place = self.place();
            self.at += 1;
            let right = self.call()?;
            product = self.binary(name, [product, right], place);
        }
    }

    fn binary(&mut self, name: &str, operands: [ExprId; 2], place: Pos) -> ExprId {
        let callee = self.push(Kind::Operator(name.to_owned()), place);
        let call = CallExpr { callee, arguments: operands.to_vec(), attributes: Vec::new() };
        self.push(Kind::Call(call), place)
    }

    /// An atom with the argument lists and numbers of tuple fields behind it.
    fn call(&mut self) -> Result<ExprId> {
        let place = self.place();
        let mut value = self.atom()?;
        loop {
            if self.accept('(') {
                let (mut arguments, mut attributes) = (Vec::new(), Vec::new());
                while !self.accept(')') {
                    let named =
                        matches!(self.peek(), Token::Name(_)) && self.spanned(1).token == Token::Mark('=');
                    if named {
                        attributes.push(self.attribute()?);
                    } else {
                        arguments.push(self.expression()?);
                    }
                    if !self.is_mark(')') {
                        self.expect(',')?;
                    }
                }
                value = self.push(Kind::Call(CallExpr { callee: value, arguments, attributes }), place);
            } else if self.is_mark('.') {
                self.at += 1;
                let Token::Integer(index, _) = *self.peek() else {
                    return self.expected("the number of a tuple's field");
                };
                let Ok(index) = usize::try_from(index) else {
                    return self.expected("the number of a tuple's field");
                };
                self.at += 1;
                value = self.push(Kind::Pick(value, index), place);
            } else {
                return Ok(value);
            }
        }
    }

    fn atom(&mut self) -> Result<ExprId> {
        let place = self.place();
        let kind = match self.peek().clone() {
            Token::Integer(value, bits) => Kind::Integer(value, bits),
            Token::Float(value, bits) => Kind::Float(value, bits),
            Token::Meta(key, index) => Kind::Meta(key, index),
            Token::Local(name) => Kind::Local(name),
            Token::Temp(number) => Kind::Temp(number),
            Token::Global(name) => Kind::Global(name),
            Token::Mark('(') => return self.parenthesis(place),
            Token::Mark('{') => {
                self.at += 1;
                let block = self.block_body(&[Token::Mark('}')])?;
                self.expect('}')?;
                return Ok(self.push(Kind::Block(block), place));
            }
            Token::Name(name) => match name.as_str() {
                "True" => Kind::Integer(1, 1),
                "False" => Kind::Integer(0, 1),
                "fn" => {
                    self.at += 1;
                    let index = self.function(String::new(), place)?;
                    return Ok(self.push(Kind::Function(index), place));
                }
                "if" | "match" | "ref" | "ref_read" | "ref_write" => {
                    let error = Error::new("import", format!("{name:?} is control flow or state"));
                    return Err(error
                        .file(located(self.file, place))
                        .hint("evaluate it beforehand: only straight-line networks can be compiled"));
                }
                _ => Kind::Operator(name),
            },
            _ => return self.expected("an expression"),
        };
        self.at += 1;
        Ok(self.push(kind, place))
    }

    /// `()`, `(a)`, `(a,)`, `(a, b)` or bindings in parentheses.
    fn parenthesis(&mut self, place: Pos) -> Result<ExprId> {
        self.at += 1;
        let mut fields = Vec::new();
        if self.accept(')') {
            return Ok(self.push(Kind::Tuple(fields), place));
        }
        let block = self.block_body(&[Token::Mark(')')])?;
        if !block.statements.is_empty() {
            self.expect(')')?;
            return Ok(self.push(Kind::Block(block), place));
        }
        if self.accept(')') {
            return Ok(block.result);
        }
        fields.push(block.result);
        while self.accept(',') && !self.is_mark(')') {
            fields.push(self.expression()?);
        }
        self.expect(')')?;
        Ok(self.push(Kind::Tuple(fields), place))
    }
}
