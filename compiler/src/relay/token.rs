//! From characters to tokens, each with its place and the comment behind it.

use crate::error::{Error, Result};

/// Line and column of a token, both from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pos {
    pub line: u32,
    pub column: u32,
}

/// What TVM writes behind an expression: `/* ty=... span=conv1:0:0 */`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Note {
    /// The node's name, which spans carry; empty where there is none.
    pub span: String,
    /// The result's own name, which only this project writes.
    pub name: String,
}

/// A token.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Token {
    /// `2`, `-3i64`: value and width.
    Integer(i64, u32),
    /// `1.5f`, `2f64`, `inff`: value and width.
    Float(f64, u32),
    /// `"NCHW"`.
    Text(String),
    /// `def`, `nn.conv2d`.
    Name(String),
    /// `%x`.
    Local(String),
    /// `%3`.
    Temp(u32),
    /// `@main`.
    Global(String),
    /// `meta[relay.Constant][3]`.
    Meta(String, usize),
    /// `#[version = "0.0.5"]`: the text between the brackets.
    Header(String),
    /// A punctuation mark.
    Mark(char),
    /// The end of the text.
    End,
}

/// A token with its place and what the comment behind it says.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub token: Token,
    pub place: Pos,
    pub note: Option<Box<Note>>,
}

/// The tokens of a text and its metadata section, if there is one.
pub(super) struct Tokens<'a> {
    pub tokens: Vec<Spanned>,
    pub metadata: Option<(&'a str, Pos)>,
}

/// Cuts a text into tokens.
///
/// # Errors
/// Characters, numbers, strings or comments that are none of TVM's, with their place.
pub(super) fn tokenise<'a>(text: &'a str, file: &str) -> Result<Tokens<'a>> {
    let mut lexer = Lexer { text, at: 0, line: 1, column: 1 };
    let mut tokens: Vec<Spanned> = Vec::new();
    let mut metadata = None;
    loop {
        let place = lexer.place();
        let at = |e: Error| e.file(located(file, place));
        if let Some(comment) = lexer.skip().map_err(at)? {
            if let (Some(last), Some(note)) = (tokens.last_mut(), note(comment)) {
                last.note = Some(Box::new(note));
            }
            continue;
        }
        let place = lexer.place();
        let at = |e: Error| e.file(located(file, place));
        let token = lexer.token().map_err(at)?;
        if token == Token::Header("metadata".to_owned()) {
            metadata = Some((lexer.rest(), lexer.place()));
            lexer.at = text.len();
            continue;
        }
        let end = token == Token::End;
        tokens.push(Spanned { token, place, note: None });
        if end {
            return Ok(Tokens { tokens, metadata });
        }
    }
}

/// `file:line:column`, the form that editors understand.
pub(super) fn located(file: &str, place: Pos) -> String {
    format!("{file}:{}:{}", place.line, place.column)
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new("import", message))
}

/// What a comment says about the expression before it.
fn note(comment: &str) -> Option<Note> {
    let comment = comment.trim();
    let mut note = Note::default();
    let rest = match comment.rsplit_once("name=") {
        Some((rest, name)) if rest.is_empty() || rest.ends_with(' ') => {
            note.name = unescape(name);
            rest.trim_end()
        }
        _ => comment,
    };
    if let Some((before, span)) = rest.split_once("span=")
        && (before.is_empty() || before.ends_with(' '))
    {
        // Importers of other formats put the node's name at line 0, column 0. Any other place lies in a
        // text, whose name says nothing about the node.
        if let Some(source) = span.strip_suffix(":0:0") {
            note.span = unescape(source);
        }
    }
    (note != Note::default()).then_some(note)
}

/// Undoes what the printer escapes: `\u{2a}`. Anything else stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        out.push_str(before);
        let decoded = after.split_once('}').and_then(|(digits, tail)| {
            let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
            Some((c, tail))
        });
        match decoded {
            Some((c, tail)) => {
                out.push(c);
                rest = tail;
            }
            None => {
                out.push_str("\\u{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn place(&self) -> Pos {
        Pos { line: self.line, column: self.column }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.next();
        }
        &self.text[start..self.at]
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            for _ in text.chars() {
                self.next();
            }
        }
        found
    }

    /// Skips blanks and one comment; the text of a block comment.
    fn skip(&mut self) -> Result<Option<&'a str>> {
        self.take_while(char::is_whitespace);
        if self.accept("//") {
            self.take_while(|c| c != '\n');
            return Ok(Some(""));
        }
        if !self.accept("/*") {
            return Ok(None);
        }
        let start = self.at;
        let mut depth = 1;
        loop {
            let end = self.at;
            // TVM nests comments.
            if self.accept("/*") {
                depth += 1;
            } else if self.accept("*/") {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(&self.text[start..end]));
                }
            } else if self.next().is_none() {
                return refuse("the comment that starts here does not end");
            }
        }
    }

    fn token(&mut self) -> Result<Token> {
        let Some(c) = self.peek() else {
            return Ok(Token::End);
        };
        let signed = |l: &Lexer| l.rest()[1..].starts_with(|d: char| d.is_ascii_digit());
        Ok(match c {
            '0'..='9' => self.number(false)?,
            '-' if signed(self) => {
                self.next();
                self.number(true)?
            }
            '-' if self.accept("-inff") => Token::Float(f64::NEG_INFINITY, 32),
            '"' => self.string()?,
            '%' => self.variable()?,
            '@' => {
                self.next();
                let name = self.dotted();
                if name.is_empty() {
                    return refuse("a name must follow '@'");
                }
                Token::Global(name)
            }
            '#' => self.header()?,
            c if starts_name(c) => {
                if self.accept("meta[") {
                    return self.meta();
                }
                let name = self.dotted();
                if name == "inff" { Token::Float(f64::INFINITY, 32) } else { Token::Name(name) }
            }
            '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | ':' | '=' | '.' | '<' | '>' | '+' | '-' | '*'
            | '/' | '?' | '!' => {
                self.next();
                Token::Mark(c)
            }
            other => return refuse(format!("the character {other:?} has no meaning here")),
        })
    }

    /// Names joined by dots, such as `nn.conv2d`; a number behind a dot picks from a tuple.
    fn dotted(&mut self) -> String {
        let start = self.at;
        self.take_while(continues_name);
        while self.rest().strip_prefix('.').is_some_and(|r| r.starts_with(starts_name)) {
            self.next();
            self.take_while(continues_name);
        }
        self.text[start..self.at].to_owned()
    }

    /// `%3`, `%x`, `%base/x` and, as PyTorch names weights, `%layer1.0.conv1.weight`.
    fn variable(&mut self) -> Result<Token> {
        self.next();
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let digits = self.take_while(|c| c.is_ascii_digit());
            return match digits.parse() {
                Ok(number) => Ok(Token::Temp(number)),
                Err(_) => refuse(format!("%{digits} is too large a number")),
            };
        }
        let start = self.at;
        loop {
            self.take_while(continues_name);
            let rest = self.rest();
            let joins = |mark: &str| rest.strip_prefix(mark).is_some_and(|r| r.starts_with(continues_name));
            if self.at == start || !(joins(".") || joins("/") || joins("::")) {
                break;
            }
            self.take_while(|c| matches!(c, '.' | '/' | ':'));
        }
        match &self.text[start..self.at] {
            "" => refuse("a name or a number must follow '%'"),
            name => Ok(Token::Local(name.to_owned())),
        }
    }

    fn string(&mut self) -> Result<Token> {
        self.next();
        let text = self.take_while(|c| c != '"');
        if self.next().is_none() {
            return refuse("the string that starts here does not end");
        }
        Ok(Token::Text(text.to_owned()))
    }

    fn number(&mut self, negative: bool) -> Result<Token> {
        let start = self.at;
        let digits = |c: char| c.is_ascii_digit();
        self.take_while(digits);
        let mut float = false;
        if self.rest().strip_prefix('.').is_some_and(|r| r.starts_with(digits)) {
            float = true;
            self.next();
            self.take_while(digits);
        } else if self.rest().starts_with(".f") {
            float = true;
            self.next();
        }
        let exponent = self.rest().strip_prefix(['e', 'E']);
        if exponent.is_some_and(|r| r.strip_prefix(['-', '+']).unwrap_or(r).starts_with(digits)) {
            float = true;
            self.next();
            self.take_while(|c| c == '-' || c == '+');
            self.take_while(digits);
        }
        let literal = &self.text[start..self.at];
        let suffix = self.peek().filter(|c| matches!(c, 'f' | 'i'));
        let mut width = 32;
        if suffix.is_some() {
            self.next();
            let bits = self.take_while(digits);
            if !bits.is_empty() {
                width = match bits {
                    "16" => 16,
                    "32" => 32,
                    "64" => 64,
                    other => return refuse(format!("no number is {other} bits wide; TVM has 16, 32 and 64")),
                };
            }
        }
        if self.peek().is_some_and(continues_name) {
            return refuse(format!("{literal:?} is followed by letters that are no suffix of a number"));
        }
        if float || suffix == Some('f') {
            return match literal.parse::<f64>() {
                Ok(value) if suffix != Some('i') => {
                    Ok(Token::Float(if negative { -value } else { value }, width))
                }
                _ => refuse(format!("{literal:?} is not a number")),
            };
        }
        let signed = if negative { format!("-{literal}") } else { literal.to_owned() };
        match signed.parse::<i64>() {
            Ok(value) if width == 64 || i32::try_from(value).is_ok() => Ok(Token::Integer(value, width)),
            Ok(value) => Ok(Token::Integer(value, 64)),
            Err(_) => refuse(format!("{signed} does not fit 64 bits")),
        }
    }

    fn header(&mut self) -> Result<Token> {
        if !self.accept("#[") {
            return refuse("'#' starts an annotation such as #[version = \"0.0.5\"]");
        }
        let text = self.take_while(|c| c != ']').trim();
        if self.next().is_none() {
            return refuse("the annotation that starts here does not end");
        }
        Ok(Token::Header(text.to_owned()))
    }

    /// The rest of `meta[relay.Constant][3]`.
    fn meta(&mut self) -> Result<Token> {
        let key = self.take_while(|c| c != ']' && c != '\n');
        if self.accept("][") {
            let digits = self.take_while(|c| c.is_ascii_digit());
            if let (Ok(index), true) = (digits.parse(), self.accept("]")) {
                return Ok(Token::Meta(key.to_owned(), index));
            }
        }
        refuse("a reference to metadata is written meta[relay.Constant][0]")
    }
}
