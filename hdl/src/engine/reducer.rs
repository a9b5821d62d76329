//! The vector unit's reducer: the sum or the maximum of the bytes of each lane.

use super::array::{ACCUMULATOR_BITS, weighted};
use super::{INSTRUCTION_BITS, Shape, field};
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
    let instruction = b.input("instruction", INSTRUCTION_BITS);
    let maximum = b.register("maximum", field(instruction, f::REDUCE).is(Reduce::Max as i128));
    let last_1 = b.register("last_1", last);
    let mut drained = vec![];
    for q in 0..shape.lanes {
        let byte = weighted(value.element(q, 8), high.into()).sign_extend(ACCUMULATOR_BITS);
        let byte = b.wire(&format!("byte_{q}"), byte);
        let total = b.reg(&format!("total_{q}"), ACCUMULATOR_BITS);
        // A maximum fits eight bits: it is not wide.
        let larger = total.truncate(8).less_signed(byte.truncate(8)).mux(byte, total);
        let sum = total + byte;
        b.set(total, first.mux(byte, maximum.mux(larger, sum)));
        drained.push(b.register_when(&format!("shadow_{q}"), last_1, total));
    }
    b.output("drained", pack(drained));
    b.finish()
}
