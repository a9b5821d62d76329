//! The lanes of a tile: their own addresses, and the sum with the common offset.

use super::{COORDINATE_BITS, COUNT_BITS, Shape};
use crate::build::{Builder, Expr, Instance, Module, Ops, Sig, concat, pack};
use crate::flat::{add_carry, fold};
use std::sync::Arc;

/// Module `<name>_chain`: `state` of lane 0, 1, ... is pushed into a shift chain while `present`
/// (lane 0 lowest) keeps the lanes of the running tile; `load` copies the chain.
pub(super) fn chain(shape: &Shape, name: &str, bits: usize) -> Arc<Module> {
    let mut b =
        Builder::new(format!("{name}_chain"), "Lanes of the next tile (shifted in) and of the present one.");
    let push = b.input("push", 1);
    let state = b.input("state", bits);
    let load = b.input("load", 1);
    let next = b.reg("next", bits * shape.lanes);
    b.set_when(next, push, concat([state.into(), next.slice(bits, bits * (shape.lanes - 1))]));
    let present = b.register_when("held", load, next);
    b.output("present", present);
    b.finish()
}

/// Whose lanes they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneUse {
    /// Of the gathered input: pixels have an input row `y` and a column `x`, checked at every step.
    Input,
    /// Of a target: the walker has said how many of the tile's output rows from a lane's own on
    /// exist (`to_end`) and how many do not wrap (`to_ring`), and in which `segment` the lane is accessed.
    Target,
}

impl LaneUse {
    /// The parts of a lane's state with their bits, from the lowest.
    fn parts(self, shape: &Shape) -> Vec<(&'static str, usize)> {
        let address = [("bank", shape.bank_bits), ("row", shape.row_bits)];
        let more: &[(&str, usize)] = match self {
            LaneUse::Input => &[("valid", 1), ("y", COORDINATE_BITS), ("x", COORDINATE_BITS)],
            LaneUse::Target => {
                &[("to_end", shape.down_bits()), ("to_ring", shape.down_bits()), ("segment", shape.bank_bits)]
            }
        };
        address.iter().chain(more).copied().collect()
    }

    /// Bits of a lane's state.
    pub(super) fn bits(self, shape: &Shape) -> usize {
        self.parts(shape).iter().map(|(_, bits)| bits).sum()
    }

    /// A lane's state out of the outputs of its walker.
    pub(super) fn state(self, shape: &Shape, walk: &Instance) -> Expr {
        concat(self.parts(shape).iter().rev().map(|(part, _)| walk.out(part)))
    }

    /// Cycles from a lane's state to its address.
    pub(super) fn latency(self) -> usize {
        match self {
            LaneUse::Input => 3,
            LaneUse::Target => 2,
        }
    }

    /// What all lanes have in common, with its bits.
    fn common(self, shape: &Shape) -> Vec<(&'static str, usize)> {
        let address = [
            ("live", 1),
            ("offset_row", shape.row_bits),
            ("offset_bank", shape.bank_bits),
            ("offset_less", shape.bank_bits + 2),
            ("ring_less", shape.row_bits),
        ];
        let more: &[(&str, usize)] = match self {
            LaneUse::Input => &[
                ("offset_y", COORDINATE_BITS),
                ("offset_x", COORDINATE_BITS),
                ("height", COORDINATE_BITS - 1),
                ("width", COORDINATE_BITS - 1),
                ("ring_line", COORDINATE_BITS - 1),
            ],
            LaneUse::Target => &[("down", shape.down_bits()), ("phase", COUNT_BITS)],
        };
        address.iter().chain(more).copied().collect()
    }
}

/// Module `<name>_address`: the address of one lane.
///
/// In cycle 0 come the lane's `state` (see [`LaneUse`]), the `live` bit of the access, and the common
/// offsets `offset_row`, `offset_bank` and `offset_less` (the bank less P). [`LaneUse::latency`] cycles
/// later `row`, `bank` and `enable` show.
///
/// * Input: enabled when live, valid, and inside 0..`height` and 0..`width` with `offset_y` and
///   `offset_x` added; from row `ring_line` on it wraps.
/// * Target: enabled when live, in the cycle `phase` of its segment, and when the output row `down`
///   rows below its own is before its end; from its ring on it wraps.
///
/// To wrap is to add `ring_less`, minus the rows of the ring.
fn address(shape: &Shape, name: &str, lane: LaneUse) -> Arc<Module> {
    let comment = format!("Address of one lane, {} cycles after its parts.", lane.latency());
    let mut b = Builder::new(format!("{name}_address"), comment);
    let state = b.input("state", lane.bits(shape));
    let common: Vec<_> =
        lane.common(shape).iter().map(|(name, bits)| (*name, b.input(name, *bits))).collect();
    let given = |name: &str| -> Sig {
        common.iter().find(|(n, _)| *n == name).map(|(_, s)| *s).expect("one of the list above")
    };
    let mut low = 0;
    let mut own: Vec<(&str, Sig)> = vec![];
    for (part, bits) in lane.parts(shape) {
        own.push((part, b.wire(&format!("own_{part}"), state.slice(low, bits))));
        low += bits;
    }
    let own =
        |name: &str| own.iter().find(|(n, _)| *n == name).map(|(_, s)| *s).expect("a part of the state");

    b.comment("Stage 1: sums.");
    let (folded, carry) = fold(own("bank"), given("offset_bank"), given("offset_less"));
    let mut bank = b.register("bank_1", folded);
    let mut carry = b.register("carry_1", carry);
    let mut row = b.register("row_1", own("row") + given("offset_row"));
    let live = given("live");
    let (wrap, enable) = match lane {
        LaneUse::Input => {
            let live_1 = b.register("live_1", live & own("valid"));
            let y_1 = b.register("y_1", own("y") + given("offset_y"));
            let x_1 = b.register("x_1", own("x") + given("offset_x"));
            b.comment("Stage 2: comparisons.");
            bank = b.register("bank_2", bank);
            carry = b.register("carry_2", carry);
            row = b.register("row_2", row);
            let extent = |name| given(name).zero_extend(COORDINATE_BITS);
            let inside_2 = b.register("inside_2", y_1.less(extent("height")));
            let column_2 = b.register("column_2", x_1.less(extent("width")));
            let live_2 = b.register("live_2", live_1);
            let wrap_2 = b.register("wrap_2", !y_1.less(extent("ring_line")));
            (wrap_2, live_2 & column_2 & inside_2)
        }
        LaneUse::Target => {
            let down = given("down");
            let now = live & own("segment").zero_extend(COUNT_BITS).equals(given("phase"));
            let live_1 = b.register("live_1", now & down.less(own("to_end")));
            let wrap_1 = b.register("wrap_1", !down.less(own("to_ring")));
            (wrap_1, live_1.into())
        }
    };
    b.comment("Last stage: carry and ring.");
    let back = wrap.repeat(shape.row_bits) & given("ring_less");
    let row = b.register("row_r", add_carry(row, back, carry));
    let bank = b.register("bank_r", bank);
    let enable = b.register("enable_r", enable);
    b.output("row", row);
    b.output("bank", bank);
    b.output("enable", enable);
    b.finish()
}

/// Module `<name>_lanes`: the addresses of all lanes. `present` has the states, lane 0 lowest, and so
/// have the outputs `row`, `bank` and `enable`; the other inputs are those of [`address`].
pub(super) fn lanes(shape: &Shape, name: &str, lane: LaneUse) -> Arc<Module> {
    let one = address(shape, name, lane);
    let mut b = Builder::new(format!("{name}_lanes"), "Addresses of all lanes.");
    let bits = lane.bits(shape);
    let present = b.input("present", bits * shape.lanes);
    let common: Vec<(&str, Sig)> =
        lane.common(shape).iter().map(|(name, bits)| (*name, b.input(name, *bits))).collect();
    let (mut rows, mut banks, mut enables) = (vec![], vec![], vec![]);
    for q in 0..shape.lanes {
        b.comment(format!("Lane {q}."));
        let mut inputs = vec![("state", present.element(q, bits))];
        inputs.extend(common.iter().map(|(name, value)| (*name, Expr::from(*value))));
        let placed = b.instance(&format!("lane_{q}"), &one, &inputs);
        rows.push(placed.out("row"));
        banks.push(placed.out("bank"));
        enables.push(placed.out("enable"));
    }
    b.output("row", pack(rows));
    b.output("bank", pack(banks));
    b.output("enable", pack(enables));
    b.finish()
}
