//! The vector unit's reducer: the sum or the maximum of the bytes of each lane.

use super::array::{ACCUMULATOR_BITS, weighted};
use super::{Shape, field, instruction_input};
use crate::build::{Builder, Module, Ops, pack};
use std::sync::Arc;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::instr::Reduce;

/// Module `reducer`.
///
/// `value` (bytes of all lanes), `high`, `first` and `last` of a step come in cycle 0; from two cycles
/// after the last step, until the next one, `drained` shows the sums (lane 0 lowest).
pub(super) fn reducer(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("reducer", "Sum or maximum of the bytes of each lane.");
    let value = b.input("value", 8 * shape.lanes);
    let high = b.input("high", 1);
    let first = b.input("first", 1);
    let last = b.input("last", 1);
    let instruction = instruction_input(&mut b);
    let maximum = b.register("maximum", field(instruction, f::REDUCE).is(Reduce::Max as i128));
    b.comment(
        "The weighted bytes have a register of their own: the way from the crossbar and the comparison, each \
         with its routing, are two cycles. The shadow takes the total as it is made, not a cycle later.",
    );
    let first = b.register("first_1", first);
    let last = b.register("last_1", last);
    let mut drained = vec![];
    for q in 0..shape.lanes {
        let byte = b.register(&format!("byte_{q}"), weighted(value.element(q, 8), high.into()));
        let term = byte.sign_extend(ACCUMULATOR_BITS);
        let total = b.reg(&format!("total_{q}"), ACCUMULATOR_BITS);
        // A maximum fits eight bits: it is not wide.
        let old = total.truncate(8);
        // The comparison is the sign of a difference: one carry chain that ends in a bit of its sum.
        let difference = old.clone().sign_extend(9) - byte.truncate(8).sign_extend(9);
        let takes = first | difference.sign();
        let larger = takes.mux(term.clone(), old.sign_extend(ACCUMULATOR_BITS));
        let next = b.wire(&format!("next_total_{q}"), (first | maximum).mux(larger, total + term));
        b.set(total, next);
        drained.push(b.register_when(&format!("shadow_{q}"), last, next));
    }
    b.output("drained", pack(drained));
    b.finish()
}
