//! Mixed-radix arithmetic on (row, bank) pairs: flat addresses of a memory of `lanes` banks
//! ([`tilewright_arch::layout`]), added without ever dividing.

use crate::build::{Expr, Ops, concat, lit, zero};

/// A row of any width and a bank in 0..lanes.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    /// Row, two's complement.
    pub row: Expr,
    /// Bank, as wide as the instruction's bank field or narrower.
    pub bank: Expr,
}

impl Flat {
    /// Both parts as one value, the row above the bank.
    pub fn packed(&self) -> Expr {
        concat([self.row.clone(), self.bank.clone()])
    }

    /// Inverse of [`Flat::packed`].
    pub fn unpack(value: impl Into<Expr>, bank_bits: usize) -> Flat {
        let value = value.into();
        let rows = value.width() - bank_bits;
        Flat { row: value.clone().slice(bank_bits, rows), bank: value.truncate(bank_bits) }
    }

    /// `self + step`, both with banks below `lanes`.
    pub fn plus(&self, step: &Flat, lanes: usize) -> Flat {
        let bits = self.bank.width();
        let sum = self.bank.clone().zero_extend(bits + 1) + step.bank.clone().zero_extend(bits + 1);
        let folded = sum.clone().plus(-(lanes as i128));
        let carry = !sum.clone().less(lit(lanes as i128, bits + 1));
        let width = self.row.width();
        Flat {
            row: self.row.clone() + step.row.clone() + carry.clone().zero_extend(width),
            bank: carry.mux(folded, sum).truncate(bits),
        }
    }

    /// `self - offset`, `offset` below `lanes`.
    pub fn minus_small(&self, offset: impl Into<Expr>, lanes: usize) -> Flat {
        let bits = self.bank.width();
        let difference = self.bank.clone().zero_extend(bits + 1) - offset.into().resize(bits + 1);
        let borrow = difference.clone().sign();
        let folded = difference.clone().plus(lanes as i128);
        let width = self.row.width();
        Flat {
            row: self.row.clone() - borrow.clone().zero_extend(width),
            bank: borrow.mux(folded, difference).truncate(bits),
        }
    }

    /// `self + offset` for a constant below or equal to `lanes`.
    pub fn plus_small(&self, offset: usize, lanes: usize) -> Flat {
        let (bits, width) = (self.bank.width(), self.row.width());
        if offset == lanes {
            return Flat { row: self.row.clone().plus(1), bank: self.bank.clone() };
        }
        let step = Flat { row: zero(width), bank: lit(offset as i128, bits) };
        self.plus(&step, lanes)
    }
}
