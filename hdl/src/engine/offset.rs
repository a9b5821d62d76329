//! Mixed-radix accumulation of (row, bank) addresses.
//!
//! A bank is less than P; what overflows it carries into the row a cycle later
//! ([`fold`](crate::flat::fold)).

use super::Shape;
use crate::build::{Builder, Module, Ops, lit};
use crate::flat::{add_carry, fold, less_lanes};
use std::sync::Arc;

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
    let less_1 = b.register("less_1", less_lanes(bank, shape.lanes));

    let bank_2 = b.reg("bank_2", shape.bank_bits);
    let (folded, carry) = fold(bank_2, bank_1, less_1);
    b.set_when(bank_2, advance_1, first_1.mux(lit(0, shape.bank_bits), folded));
    let carry_2 = b.register("carry_2", carry);
    let advance_2 = b.register("advance_2", advance_1);
    let first_2 = b.register("first_2", first_1);
    let row_2 = b.register("row_2", row_1);

    let bank_3 = b.register("bank_3", bank_2);
    let less_3 = b.register("less_3", less_lanes(bank_2, shape.lanes));
    let row_3 = b.reg("row_3", shape.row_bits);
    let next = add_carry(row_3, row_2, carry_2);
    b.set_when(row_3, advance_2, first_2.mux(lit(0, shape.row_bits), next));
    b.output("sum_row", row_3);
    b.output("sum_bank", bank_3);
    b.output("sum_less", less_3);
    b.finish()
}
