//! Mixed-radix accumulation of (row, bank) addresses.
//!
//! A bank is less than P; what overflows it carries into the row. The sum and the sum less P are
//! both computed and the borrow chooses, so that a loop takes one addition and one choice.

use super::Shape;
use crate::build::{Builder, Expr, Module, Ops, Sig, concat, lit};
use std::sync::Arc;

/// `bank` plus a step given as itself and (signed, two bits wider) less P: the new bank and the
/// carry into the row.
pub(super) fn fold(bank: Sig, step: Sig, step_less: Sig) -> (Expr, Expr) {
    let width = bank.width();
    let sum = bank.zero_extend(width + 1) + step.zero_extend(width + 1);
    let less = bank.zero_extend(width + 2) + step_less;
    let borrow = less.clone().sign();
    (borrow.clone().mux(sum.truncate(width), less.truncate(width)), !borrow)
}

/// `a + b + carry` in one adder: the carry comes in below the lowest bits.
pub(super) fn add_carry(a: impl Into<Expr>, b: impl Into<Expr>, carry: Sig) -> Expr {
    let (a, b) = (a.into(), b.into());
    let width = a.width();
    (concat([a, carry.into()]) + concat([b, carry.into()])).slice(1, width)
}

/// A bank step less P, two bits wider, as [`fold`] wants it.
pub(super) fn less_lanes(shape: &Shape, bank: Expr) -> Expr {
    let width = shape.bank_bits + 2;
    bank.zero_extend(width) - lit(shape.lanes as i128, width)
}

/// Module `offset`: the sum of the address steps of a loop nest.
///
/// In cycle 0 `advance` says that there is a step, `first` that the sum starts at zero with it, and
/// (`row`, `bank`) what is added otherwise. `sum_row` and `sum_bank` show the sum in cycle 3, `sum_less` the bank
/// less P.
pub(super) fn offset(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("offset", "Sum of address steps as row and bank, three cycles after them.");
    let advance = b.input("advance", 1);
    let first = b.input("first", 1);
    let row = b.input("row", shape.row_bits);
    let bank = b.input("bank", shape.bank_bits);

    let advance_1 = b.register("advance_1", advance);
    let first_1 = b.register("first_1", first);
    let row_1 = b.register("row_1", row);
    let bank_1 = b.register("bank_1", bank);
    let less_1 = b.register("less_1", less_lanes(shape, bank.into()));

    let bank_2 = b.reg("bank_2", shape.bank_bits);
    let (folded, carry) = fold(bank_2, bank_1, less_1);
    b.set_when(bank_2, advance_1, first_1.mux(lit(0, shape.bank_bits), folded));
    let carry_2 = b.register("carry_2", carry);
    let advance_2 = b.register("advance_2", advance_1);
    let first_2 = b.register("first_2", first_1);
    let row_2 = b.register("row_2", row_1);

    let bank_3 = b.register("bank_3", bank_2);
    let less_3 = b.register("less_3", less_lanes(shape, bank_2.into()));
    let row_3 = b.reg("row_3", shape.row_bits);
    let next = add_carry(row_3, row_2, carry_2);
    b.set_when(row_3, advance_2, first_2.mux(lit(0, shape.row_bits), next));
    b.output("sum_row", row_3);
    b.output("sum_bank", bank_3);
    b.output("sum_less", less_3);
    b.finish()
}
