//! The gather: from the steps of a tile to one byte for each lane.

use super::lanes::{self, LaneUse};
use super::walker::{Walked, walker};
use super::{COORDINATE_BITS, Shape, field, instruction_input};
use super::{crossbar, offset};
use crate::build::{Builder, Expr, Module, Ops, Sig, zero};
use std::sync::Arc;
use tilewright_arch::encoding::{Field, STEPS, tile as f};

/// The field of each loop level that `level` selects: 0 the innermost, 1, or 2.
fn by_level(level: Sig, of: impl Fn(usize) -> Expr) -> Expr {
    level.bit(1).mux(of(2), level.bit(0).mux(of(1), of(0)))
}

/// Module `<unit>_gather`.
///
/// In cycle 0 come `valid`, `first` and `level` of a step, with `group_end` of its tile. Cycle
/// 7 + crossbar shows `gather_row` and `gather_enable` of all banks; `gather_data` comes
/// [`feature_read_latency`](tilewright_arch::timing::feature_read_latency) later; `value` (all
/// lanes, zero without a step) comes in cycle
/// [`gather_latency`](tilewright_arch::timing::gather_latency), and with it `high`: its bytes count
/// 256-fold. `issue` starts the walk of the first tile.
pub(super) fn gather(shape: &Shape) -> Arc<Module> {
    let name = format!("{}_gather", shape.prefix());
    let mut b = Builder::new(name, "Reads one byte for each lane and step.");
    let issue = b.input("issue", 1);
    let instruction = instruction_input(&mut b);
    let valid = b.input("valid", 1);
    let first = b.input("first", 1);
    let level = b.input("level", 2);
    let group_end = b.input("group_end", 1);
    let data = b.input("gather_data", 8 * shape.lanes);
    let get = |which: Field| field(instruction, which);

    b.comment("The next tile's lanes. They become the present ones when the first offset is ready.");
    let load = b.delay("load", valid & first, 2);
    let restart = b.delay("restart", group_end, 2);
    let walk = b.instance(
        "walker",
        &walker(shape, Walked::Input),
        &[
            ("issue", issue.into()),
            ("start", load.into()),
            ("restart", restart.into()),
            ("instruction", instruction.into()),
        ],
    );
    let bits = LaneUse::Input.bits(shape);
    let state = LaneUse::Input.state(shape, &walk);
    let chain = b.instance(
        "chain",
        &lanes::chain(shape, "input", bits),
        &[("push", walk.out("push").into()), ("state", state), ("load", load.into())],
    );

    b.comment("The common offset of the step.");
    let sum = b.instance(
        "offset",
        &offset::offset(shape),
        &[
            ("advance", valid.into()),
            ("first", first.into()),
            ("row", by_level(level, |i| shape.row(instruction, STEPS[i][1]))),
            ("bank", by_level(level, |i| shape.bank(instruction, STEPS[i][2]))),
        ],
    );
    let live_1 = b.register("live_1", valid);
    let live_2 = b.register("live_2", live_1);
    let live_3 = b.register("live_3", live_2);
    let first_1 = b.register("first_1", first);
    let first_2 = b.register("first_2", first_1);
    let mut coordinate = |name: &str, part: usize| {
        let step_1 = b.register(&format!("{name}_step_1"), by_level(level, |i| get(STEPS[i][part])));
        let step_2 = b.register(&format!("{name}_step_2"), step_1);
        let sum = b.reg(&format!("{name}_3"), COORDINATE_BITS);
        b.set_when(sum, live_2, first_2.mux(zero(COORDINATE_BITS), sum + step_2));
        sum
    };
    let y = coordinate("y", 3);
    let x = coordinate("x", 4);

    let placed = b.instance(
        "lanes",
        &lanes::lanes(shape, "input", LaneUse::Input),
        &[
            ("present", chain.out("present").into()),
            ("live", live_3.into()),
            ("offset_row", sum.out("sum_row").into()),
            ("offset_bank", sum.out("sum_bank").into()),
            ("offset_less", sum.out("sum_less").into()),
            ("offset_y", y.into()),
            ("offset_x", x.into()),
            ("height", get(f::INPUT_HEIGHT)),
            ("width", get(f::INPUT_WIDTH)),
            ("ring_line", get(f::INPUT_RING_LINE)),
            ("ring_less", shape.row(instruction, f::INPUT_RING_ROWS)),
        ],
    );
    let (row, bank, enable) = (placed.out("row"), placed.out("bank"), placed.out("enable"));
    let banks = b.instance(
        "to_banks",
        &crossbar::to_banks(shape, "read_crossbar", shape.row_bits, false),
        &[("bank", bank.into()), ("enable", enable.into()), ("value", row.into())],
    );
    b.output("gather_row", banks.out("bank_value"));
    b.output("gather_enable", banks.out("bank_enable"));

    b.comment("The planes of a wide operation: high halves at even counts of the outermost loop.");
    let before = b.reg("high_before", 1);
    let high = b.wire("high_plane", first | (before ^ level.bit(1)));
    b.set_when(before, valid, high);
    let high = b.register("high_1", get(f::WIDE) & high);
    let high = b.delay("high_later", high, shape.gather_latency() - 1);
    b.output("high", high);

    b.comment("The way back: the selects wait for the data.");
    let wait = shape.crossbar + shape.read_latency();
    let live_6 = b.delay("live_until", live_3, 3);
    let outside = b.delay("outside", !enable & live_6.repeat(shape.lanes), wait);
    let bank = b.delay("bank", bank, wait);
    let enable = b.delay("enable", enable, wait);
    let back = b.instance(
        "to_lanes",
        &crossbar::to_lanes(shape, "data_crossbar", true),
        &[
            ("bank", bank.into()),
            ("enable", enable.into()),
            ("data", data.into()),
            ("outside", outside.into()),
            ("pad", get(f::INPUT_PAD)),
        ],
    );
    b.output("value", back.out("value"));
    b.finish()
}
