//! The tree of a Relay text.
//!
//! Expressions lie in one list and name each other by index, so that dropping a long program needs
//! no recursion and a shared `%3` is one expression.

use super::token::{Note, Pos};

/// Names an expression of a [`IrModule`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ExprId(pub usize);

/// An expression with its place and the comment behind it.
#[derive(Debug)]
pub(super) struct Expression {
    pub kind: Kind,
    pub place: Pos,
    pub note: Option<Box<Note>>,
}

/// What an expression is.
#[derive(Debug)]
pub(super) enum Kind {
    /// `2`, `-3i64`, `True`: value and bits.
    Integer(i64, u32),
    /// `1f`: value and bits.
    Float(f64, u32),
    /// `meta[key][index]`.
    Meta(String, usize),
    /// `%x` or `%x.0`: looked up with its dots first.
    Local(String),
    /// `%3`.
    Temp(u32),
    /// `@f`.
    Global(String),
    /// `nn.relu`.
    Operator(String),
    /// `(a, b)`.
    Tuple(Vec<ExprId>),
    /// `a.0`.
    Pick(ExprId, usize),
    /// `f(a, b, key=value)`.
    Call(CallExpr),
    /// `fn (%x) { ... }`.
    Function(usize),
    /// `{ ... }`, or bindings in parentheses.
    Block(Block),
}

/// A call with its operands and attributes.
#[derive(Debug)]
pub(super) struct CallExpr {
    pub callee: ExprId,
    pub arguments: Vec<ExprId>,
    pub attributes: Vec<(String, Literal)>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Literal>),
    /// `meta[...][n]`: its key.
    Meta(String),
}

/// Bindings and the expression that they lead to.
#[derive(Debug)]
pub(super) struct Block {
    pub statements: Vec<Statement>,
    pub result: ExprId,
}

/// One binding.
#[derive(Debug)]
pub(super) enum Statement {
    /// `%3 = e;` or `let %x = e;`.
    Bind(Bound, ExprId),
    /// `free_var %x: type;`.
    Free(Parameter),
    /// `e;`, which nobody can refer to.
    Drop,
}

/// What a binding names.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Bound {
    Temp(u32),
    Local(String),
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub kind: Option<Type>,
    pub place: Pos,
    pub note: Option<Box<Note>>,
}

/// A type as far as it matters here.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Type {
    /// `Tensor[(1, ?, 3), float32]`; a scalar has no extents, `None` is `?`.
    Tensor(Vec<Option<i64>>, String),
    /// `(a, b)`.
    Tuple(Vec<Type>),
    /// `_`, functions and types of the user.
    Other,
}

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub result: Option<Type>,
    pub body: Block,
    pub place: Pos,
}

/// A whole text.
#[derive(Debug, Default)]
pub(super) struct IrModule {
    pub expressions: Vec<Expression>,
    pub functions: Vec<Function>,
}

impl IrModule {
    /// The expression named by `id`.
    pub fn get(&self, id: ExprId) -> &Expression {
        &self.expressions[id.0]
    }
}
