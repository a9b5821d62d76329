//! Addresses of a target: of what is written, or of the residual operand.

use super::lanes::{self, LaneUse};
use super::walker::{Walked, walker};
use super::{COUNT_BITS, Shape, field, instruction_input};
use super::{crossbar, offset};
use crate::build::{Builder, Bundle, Expr, Instance, Module, Ops, Sig, bundle, zero};
use std::sync::Arc;
use tilewright_arch::encoding::{Field, OPERAND_TARGET, OUTPUT_TARGET, TargetFields, tile as f};

/// Cycles from a column's `begin_column` to its lane addresses: the common offset, and the lanes.
pub(super) const ADDRESS_LATENCY: usize = 5;

bundle! {
    /// The signals of [`columns`](super::columns) that steer a target, a bit each.
    pub(super) struct Steering {
        begin_column,
        first,
        inner,
        active,
        restart,
    }
}

struct Addresses {
    row: Sig,
    bank: Sig,
    enable: Sig,
}

/// Inputs `issue`, `instruction` and [`Steering`] (cycle 0); addresses of segment s of a column in
/// cycle [`ADDRESS_LATENCY`] + s.
fn addresses(b: &mut Builder, shape: &Shape, name: &'static str, fields: &'static TargetFields) -> Addresses {
    let issue = b.input("issue", 1);
    let instruction = instruction_input(b);
    let Steering { begin_column: begin, first, inner, active, restart } =
        Steering::each(|name| b.input(name, 1));
    let get = |which: Field| field(instruction, which);
    let load = b.delay("load", begin & first, 2);
    let restart = b.delay("restart_walk", restart, 2);
    let walk = b.instance(
        "walker",
        &walker(shape, Walked::Target(name, fields)),
        &[
            ("issue", issue.into()),
            ("start", load.into()),
            ("restart", restart.into()),
            ("instruction", instruction.into()),
        ],
    );
    let bits = LaneUse::Target.bits(shape);
    let state = LaneUse::Target.state(shape, &walk);
    let chain = b.instance(
        "chain",
        &lanes::chain(shape, "target", bits),
        &[("push", walk.out("push").into()), ("state", state), ("load", load.into())],
    );
    let either = |a: Expr, c: Expr| inner.mux(a, c);
    let sum = b.instance(
        "offset",
        &offset::offset(shape),
        &[
            ("advance", begin.into()),
            ("first", first.into()),
            ("row", either(shape.row(instruction, fields.inner.0), shape.row(instruction, fields.outer.0))),
            (
                "bank",
                either(shape.bank(instruction, fields.inner.1), shape.bank(instruction, fields.outer.1)),
            ),
        ],
    );
    b.comment("Output rows of an inner column below the first, and the cycle within the column.");
    let begin_1 = b.register("begin_1", begin);
    let begin_2 = b.register("begin_2", begin_1);
    let inner_1 = b.register("inner_1", inner);
    let inner_2 = b.register("inner_2", inner_1);
    let down_bits = shape.down_bits();
    let down = b.reg("down", down_bits);
    let step = get(f::COLUMN_Y).zero_extend(down_bits);
    b.set_when(down, begin_2, inner_2.mux(down + step, zero(down_bits)));
    let phase = b.reg("phase", COUNT_BITS);
    b.set(phase, begin_2.mux(zero(COUNT_BITS), phase.plus(1)));
    let live = b.delay("live", active, 3);
    let placed: Instance = b.instance(
        "lanes",
        &lanes::lanes(shape, "target", LaneUse::Target),
        &[
            ("present", chain.out("present").into()),
            ("live", live.into()),
            ("phase", phase.into()),
            ("offset_row", sum.out("sum_row").into()),
            ("offset_bank", sum.out("sum_bank").into()),
            ("offset_less", sum.out("sum_less").into()),
            ("down", down.into()),
            ("ring_less", shape.row(instruction, fields.walk.ring_rows)),
        ],
    );
    Addresses { row: placed.out("row"), bank: placed.out("bank"), enable: placed.out("enable") }
}

/// Module `<unit>_output`: writes the bytes `value` of all lanes.
///
/// The steering signals of a column come in cycle 0, its bytes from cycle
/// [`ADDRESS_LATENCY`] + 1 for S cycles; segment s shows at the ports `output_row`, `output_data`
/// and `output_enable` of the banks in cycle [`ADDRESS_LATENCY`] + 1 + crossbar + s.
pub(super) fn output(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new(format!("{}_output", shape.prefix()), "Writes the lanes' bytes to their banks.");
    let to = addresses(&mut b, shape, "output", &OUTPUT_TARGET);
    let value = b.input("value", 8 * shape.lanes);
    b.comment(
        "The crossbar carries rows and bytes; the bytes come a cycle after the addresses, which is when it \
         has decoded them.",
    );
    let rows = b.instance(
        "row_crossbar",
        &crossbar::to_banks(shape, "write_crossbar", shape.row_bits, true),
        &[
            ("bank", to.bank.into()),
            ("enable", to.enable.into()),
            ("value", to.row.into()),
            ("late", value.into()),
        ],
    );
    b.output("output_row", rows.out("bank_value"));
    b.output("output_enable", rows.out("bank_enable"));
    b.output("output_data", rows.out("bank_late"));
    b.finish()
}

/// Module `<unit>_operand`: reads the operand's bytes.
///
/// The steering signals of a column come in cycle 0 (with `slot_end` in its last cycle, S - 1);
/// `operand_row` and `operand_enable` of segment s show in cycle 6 + crossbar + s, `operand_data`
/// comes the feature memory's latency later; `value` holds the bytes of all lanes for S cycles from
/// [`operand_latency`] + S.
pub(super) fn operand(shape: &Shape) -> Arc<Module> {
    let mut b =
        Builder::new(format!("{}_operand", shape.prefix()), "Reads the residual operand of a column.");
    let from = addresses(&mut b, shape, "operand", &OPERAND_TARGET);
    let slot_end = b.input("slot_end", 1);
    let data = b.input("operand_data", 8 * shape.lanes);
    let banks = b.instance(
        "to_banks",
        &crossbar::to_banks(shape, "read_crossbar", shape.row_bits, false),
        &[("bank", from.bank.into()), ("enable", from.enable.into()), ("value", from.row.into())],
    );
    b.output("operand_row", banks.out("bank_value"));
    b.output("operand_enable", banks.out("bank_enable"));
    let wait = shape.crossbar + shape.read_latency();
    let bank = b.delay("bank", from.bank, wait);
    let enable = b.delay("enable", from.enable, wait);
    let back = b.instance(
        "to_lanes",
        &crossbar::to_lanes(shape, "operand_crossbar", false),
        &[("bank", bank.into()), ("enable", enable.into()), ("data", data.into())],
    );
    let came = b.delay("came", enable, 1 + shape.crossbar);
    let value = back.out("value");
    let complete = b.delay("complete", slot_end, operand_latency(shape));
    let mut held = vec![];
    for q in 0..shape.lanes {
        let byte = b.register_when(&format!("byte_{q}"), came.bit(q), value.element(q, 8));
        held.push(b.register_when(&format!("held_{q}"), complete, byte));
    }
    b.output("value", crate::build::pack(held));
    b.finish()
}

/// Cycles, besides S, from a column of the operand to its bytes being held for all lanes.
pub(super) fn operand_latency(shape: &Shape) -> usize {
    ADDRESS_LATENCY + 2 + 2 * shape.crossbar + shape.read_latency()
}
