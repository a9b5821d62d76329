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

    /// `self + step`, both with banks below `lanes`; `less` is the step's bank [less](less_lanes) `lanes`.
    pub fn plus(&self, step: &Flat, less: impl Into<Expr>) -> Flat {
        let (bank, carry) = fold(&self.bank, &step.bank, less);
        Flat { row: add_carry(&self.row, &step.row, carry), bank }
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
        let less = less_lanes(&step.bank, lanes);
        let (bank, carry) = fold(&self.bank, &step.bank, less);
        Flat { row: self.row.clone() + carry.zero_extend(width), bank }
    }
}

/// `bank` plus a step given as itself and [less](less_lanes) P: the new bank and the carry into the row.
/// Both sums are made side by side and the sign of the smaller chooses: one addition and one choice.
pub(crate) fn fold(bank: impl Into<Expr>, step: impl Into<Expr>, step_less: impl Into<Expr>) -> (Expr, Expr) {
    let (bank, step) = (bank.into(), step.into());
    let width = bank.width();
    let sum = bank.clone().zero_extend(width + 1) + step.zero_extend(width + 1);
    let less = bank.zero_extend(width + 2) + step_less.into();
    let borrow = less.clone().sign();
    (borrow.clone().mux(sum.truncate(width), less.truncate(width)), !borrow)
}

/// `a + b + carry` in one adder: the carry comes in below the lowest bits.
pub(crate) fn add_carry(a: impl Into<Expr>, b: impl Into<Expr>, carry: impl Into<Expr>) -> Expr {
    let (a, b, carry) = (a.into(), b.into(), carry.into());
    let width = a.width();
    (concat([a, carry.clone()]) + concat([b, carry])).slice(1, width)
}

/// A bank less `lanes`, signed and two bits wider, as [`fold`] wants it.
pub(crate) fn less_lanes(bank: impl Into<Expr>, lanes: usize) -> Expr {
    let bank = bank.into();
    let width = bank.width() + 2;
    bank.zero_extend(width) - lit(lanes as i128, width)
}
