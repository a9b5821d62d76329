//! Expressions: trees of operations whose operand widths are checked when they are made.
//!
//! A panic here means that a block of this crate was described wrongly (widths that do not match);
//! widths never depend on anything but the validated [`tilewright_arch::Config`].

use crate::dynsig::BitVector;
use std::ops::{Add, BitAnd, BitOr, BitXor, Not, Sub};
use std::rc::Rc;

/// A named signal of a [`Builder`](super::Builder): an input, wire, register or instance output.
#[derive(Clone, Copy, Debug)]
pub struct Sig {
    pub(super) builder: usize,
    pub(super) index: usize,
    pub(super) width: usize,
}

/// A value computed from signals.
#[derive(Clone, Debug)]
pub struct Expr(pub(super) Rc<Tree>);

#[derive(Debug)]
pub(super) struct Tree {
    pub width: usize,
    pub op: LogicOp<Expr>,
}

/// An operation on operands `T`: [`Expr`] while building, node numbers in a finished module.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum LogicOp<T> {
    /// A named signal: (builder, index) while building; its own source in a finished module.
    Signal(usize, usize),
    Constant(BitVector),
    Not(T),
    Binary(Binary, T, T),
    /// Condition (one bit), then, otherwise.
    Mux(T, T, T),
    /// Operand, lowest bit.
    Slice(T, usize),
    /// Most significant first.
    Concat(Vec<T>),
    ZeroExtend(T),
    SignExtend(T),
    /// One when any bit is.
    Any(T),
    /// One when all bits are.
    All(T),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Binary {
    Add,
    Sub,
    And,
    Or,
    Xor,
    Equal,
    Less,
    LessSigned,
}

fn make(width: usize, op: LogicOp<Expr>) -> Expr {
    assert!(width > 0, "every value has at least one bit");
    match simpler(&op) {
        Some(expr) => expr,
        None => Expr(Rc::new(Tree { width, op })),
    }
}

/// What an operation with constants is without them: blocks of special sizes (one byte a beat, a
/// power of two of lanes) stay free of comparisons that can only end one way.
fn simpler(op: &LogicOp<Expr>) -> Option<Expr> {
    let constant = |e: &Expr| match &e.0.op {
        LogicOp::Constant(value) => Some(value.clone()),
        _ => None,
    };
    let zero_value = |e: &Expr| constant(e).is_some_and(|v| v == BitVector::zero(v.width()));
    let ones_value = |e: &Expr| constant(e).is_some_and(|v| v == BitVector::new(-1, v.width()));
    // Of numbers, as far as ordinary arithmetic goes.
    let number = |e: &Expr| constant(e).filter(|v| v.width() <= 62).map(|v| i128::from(v.to_u64()));
    match op {
        LogicOp::Binary(Binary::Add, a, b) if zero_value(a) => Some(b.clone()),
        LogicOp::Binary(Binary::Add | Binary::Sub, a, b) if zero_value(b) => Some(a.clone()),
        LogicOp::Binary(Binary::Add, a, b) => Some(lit(number(a)? + number(b)?, a.0.width)),
        LogicOp::Binary(Binary::Sub, a, b) => Some(lit(number(a)? - number(b)?, a.0.width)),
        LogicOp::Not(a) if zero_value(a) => Some(lit(-1, a.0.width)),
        LogicOp::Not(a) if ones_value(a) => Some(zero(a.0.width)),
        LogicOp::Binary(Binary::Less, a, b) if ones_value(a) || zero_value(b) => Some(zero(1)),
        LogicOp::Binary(Binary::And, a, b) if ones_value(a) || zero_value(b) => Some(b.clone()),
        LogicOp::Binary(Binary::And, a, b) if ones_value(b) || zero_value(a) => Some(a.clone()),
        LogicOp::Binary(Binary::Or, a, b) if zero_value(a) || ones_value(b) => Some(b.clone()),
        LogicOp::Binary(Binary::Or, a, b) if zero_value(b) || ones_value(a) => Some(a.clone()),
        LogicOp::Mux(c, a, _) if ones_value(c) => Some(a.clone()),
        LogicOp::Mux(c, _, b) if zero_value(c) => Some(b.clone()),
        _ => None,
    }
}

/// The low `width` bits of `value` (two's complement) as a constant.
pub fn lit(value: impl Into<i128>, width: usize) -> Expr {
    make(width, LogicOp::Constant(BitVector::new(value.into(), width)))
}

/// Zeros.
pub fn zero(width: usize) -> Expr {
    lit(0, width)
}

/// Parts side by side, the *most* significant first, as Verilog's braces.
pub fn concat<E: Into<Expr>>(parts: impl IntoIterator<Item = E>) -> Expr {
    let mut parts: Vec<Expr> = parts.into_iter().map(Into::into).collect();
    if parts.len() == 1 {
        return parts.remove(0);
    }
    make(parts.iter().map(|p| p.0.width).sum(), LogicOp::Concat(parts))
}

/// Elements of an array side by side, element 0 the *least* significant.
pub fn pack<E: Into<Expr>>(elements: impl IntoIterator<Item = E>) -> Expr {
    let mut parts: Vec<Expr> = elements.into_iter().map(Into::into).collect();
    parts.reverse();
    concat(parts)
}

/// The OR of values of equal width, as a balanced tree; `values` must not be empty.
pub fn or_all<E: Into<Expr>>(values: impl IntoIterator<Item = E>) -> Expr {
    let mut level: Vec<Expr> = values.into_iter().map(Into::into).collect();
    assert!(!level.is_empty(), "a tree needs at least one leaf");
    while level.len() > 1 {
        let mut pairs = level.into_iter();
        let mut next = vec![];
        while let Some(first) = pairs.next() {
            next.push(match pairs.next() {
                Some(second) => first | second,
                None => first,
            });
        }
        level = next;
    }
    level.remove(0)
}

/// AND-OR selection: the OR of the values whose select bit is one (zero when none is).
pub fn and_or(choices: impl IntoIterator<Item = (Expr, Expr)>) -> Expr {
    or_all(choices.into_iter().map(|(select, value)| {
        let width = value.width();
        select.repeat(width) & value
    }))
}

impl From<Sig> for Expr {
    fn from(sig: Sig) -> Expr {
        make(sig.width, LogicOp::Signal(sig.builder, sig.index))
    }
}

impl From<&Sig> for Expr {
    fn from(sig: &Sig) -> Expr {
        (*sig).into()
    }
}

impl From<&Expr> for Expr {
    fn from(expr: &Expr) -> Expr {
        expr.clone()
    }
}

/// What can be done with a [`Sig`] or an [`Expr`], besides `+ - & | ^ !` (operands and result of
/// one width; sums wrap). All comparisons give one bit.
pub trait Ops: Into<Expr> + Sized {
    /// Bits.
    fn width(&self) -> usize;

    /// `self ? then : otherwise`; `self` is one bit, the others have one width.
    fn mux(self, then: impl Into<Expr>, otherwise: impl Into<Expr>) -> Expr {
        let (condition, then, otherwise) = (self.into(), then.into(), otherwise.into());
        assert_eq!(condition.0.width, 1, "a condition is one bit");
        assert_eq!(then.0.width, otherwise.0.width, "both sides of a choice have one width");
        make(then.0.width, LogicOp::Mux(condition, then, otherwise))
    }

    /// Bits `low .. low + width`.
    fn slice(self, low: usize, width: usize) -> Expr {
        let this = self.into();
        assert!(low + width <= this.0.width, "bits {low}+{width} of {}", this.0.width);
        match &this.0.op {
            _ if width == this.0.width => this,
            LogicOp::Slice(inner, offset) => inner.clone().slice(low + offset, width),
            LogicOp::Constant(value) => make(width, LogicOp::Constant(value.slice(low, width))),
            LogicOp::Concat(parts) => {
                // A slice inside one part is a slice of that part.
                let mut base = 0;
                for part in parts.iter().rev() {
                    if low >= base && low + width <= base + part.0.width {
                        return part.clone().slice(low - base, width);
                    }
                    base += part.0.width;
                }
                make(width, LogicOp::Slice(this, low))
            }
            _ => make(width, LogicOp::Slice(this, low)),
        }
    }

    /// One bit.
    fn bit(self, index: usize) -> Expr {
        self.slice(index, 1)
    }

    /// The most significant bit: the sign.
    fn sign(self) -> Expr {
        let top = self.width() - 1;
        self.bit(top)
    }

    /// Element `index` of an array of `width`-bit elements, element 0 least significant.
    fn element(self, index: usize, width: usize) -> Expr {
        self.slice(index * width, width)
    }

    /// All elements of an array of `width`-bit elements, element 0 (least significant) first.
    fn elements(self, width: usize) -> Vec<Expr> {
        let this = self.into();
        (0..this.0.width / width).map(|i| this.clone().element(i, width)).collect()
    }

    /// The low bits.
    fn truncate(self, width: usize) -> Expr {
        self.slice(0, width)
    }

    /// Zeros above, to `width` bits.
    fn zero_extend(self, width: usize) -> Expr {
        let this = self.into();
        assert!(width >= this.0.width, "cannot extend {} to {width} bits", this.0.width);
        match &this.0.op {
            _ if width == this.0.width => this,
            LogicOp::Constant(value) if value.width() <= 62 => lit(value.to_u64(), width),
            _ => make(width, LogicOp::ZeroExtend(this)),
        }
    }

    /// Copies of the sign above, to `width` bits.
    fn sign_extend(self, width: usize) -> Expr {
        let this = self.into();
        assert!(width >= this.0.width, "cannot extend {} to {width} bits", this.0.width);
        if width == this.0.width { this } else { make(width, LogicOp::SignExtend(this)) }
    }

    /// Zero-extended or truncated to `width` bits.
    fn resize(self, width: usize) -> Expr {
        if width > self.width() { self.zero_extend(width) } else { self.truncate(width) }
    }

    /// Sign-extended or truncated to `width` bits.
    fn resize_signed(self, width: usize) -> Expr {
        if width > self.width() { self.sign_extend(width) } else { self.truncate(width) }
    }

    /// One bit, `count` times.
    fn repeat(self, count: usize) -> Expr {
        assert_eq!(self.width(), 1, "only a bit can be repeated");
        self.sign_extend(count)
    }

    /// Equal; one width.
    fn equals(self, other: impl Into<Expr>) -> Expr {
        compare(Binary::Equal, self.into(), other.into())
    }

    /// Equal to a constant.
    fn is(self, value: impl Into<i128>) -> Expr {
        let width = self.width();
        self.equals(lit(value, width))
    }

    /// Not equal; one width.
    fn differs(self, other: impl Into<Expr>) -> Expr {
        !self.equals(other)
    }

    /// Unsigned `self < other`; one width.
    fn less(self, other: impl Into<Expr>) -> Expr {
        compare(Binary::Less, self.into(), other.into())
    }

    /// Signed `self < other`; one width.
    fn less_signed(self, other: impl Into<Expr>) -> Expr {
        compare(Binary::LessSigned, self.into(), other.into())
    }

    /// Any bit is one: the value is not zero.
    fn any(self) -> Expr {
        let this = self.into();
        if this.0.width == 1 { this } else { make(1, LogicOp::Any(this)) }
    }

    /// All bits are one.
    fn all(self) -> Expr {
        let this = self.into();
        if this.0.width == 1 { this } else { make(1, LogicOp::All(this)) }
    }

    /// Plus a constant, wrapping; `value` may be negative.
    fn plus(self, value: impl Into<i128>) -> Expr {
        let (width, value) = (self.width(), value.into());
        if value == 0 {
            return self.into();
        }
        if value < 0 { self.into() - lit(-value, width) } else { self.into() + lit(value, width) }
    }

    /// Element `index` (a signal) of an array of `width`-bit elements; zero when there is none.
    /// A tree of two-way choices on the bits of `index`.
    fn select(self, index: impl Into<Expr>, width: usize) -> Expr {
        let index = index.into();
        let mut level = self.elements(width);
        let mut bit = 0;
        while level.len() > 1 || bit < index.0.width {
            let choice = if bit < index.0.width { index.clone().bit(bit) } else { zero(1) };
            let mut pairs = level.into_iter();
            let mut next = vec![];
            while let Some(low) = pairs.next() {
                let high = pairs.next().unwrap_or_else(|| zero(width));
                next.push(choice.clone().mux(high, low));
            }
            level = next;
            bit += 1;
        }
        level.remove(0)
    }
}

fn compare(op: Binary, a: Expr, b: Expr) -> Expr {
    assert_eq!(a.0.width, b.0.width, "compared values have one width");
    make(1, LogicOp::Binary(op, a, b))
}

impl Ops for Expr {
    fn width(&self) -> usize {
        self.0.width
    }
}

impl Ops for Sig {
    fn width(&self) -> usize {
        self.width
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<R: Into<Expr>> $trait<R> for Expr {
            type Output = Expr;
            fn $method(self, other: R) -> Expr {
                let other = other.into();
                assert_eq!(self.0.width, other.0.width, "operands have one width");
                make(self.0.width, LogicOp::Binary(Binary::$op, self, other))
            }
        }
        impl<R: Into<Expr>> $trait<R> for Sig {
            type Output = Expr;
            fn $method(self, other: R) -> Expr {
                $trait::$method(Expr::from(self), other)
            }
        }
    )*};
}

operator! {
    Add add Add;
    Sub sub Sub;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
}

impl Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        make(self.0.width, LogicOp::Not(self))
    }
}

impl Not for Sig {
    type Output = Expr;
    fn not(self) -> Expr {
        !Expr::from(self)
    }
}
