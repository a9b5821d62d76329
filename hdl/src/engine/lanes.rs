//! The lanes of a tile: their own addresses, and the sum with the common offset.

use super::offset::fold;
use super::{COORDINATE_BITS, COUNT_BITS, Shape};
use crate::build::{Builder, Expr, Module, Ops, Sig, concat, pack, zero};
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

/// What else a lane has, besides its address and row `y`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// A column `x`, which is checked too.
    Column,
    /// A segment: the lane is enabled in its segment's cycle only.
    Segment,
}

impl Lane {
    /// Bits of a lane's state: (from the lowest) valid, bank, row, y, and x or segment.
    pub(super) fn bits(self, shape: &Shape) -> usize {
        let more = if self == Lane::Column { COORDINATE_BITS } else { COUNT_BITS };
        1 + shape.bank_bits + shape.row_bits + COORDINATE_BITS + more
    }
}

/// Module `<name>_address`: the address of one lane.
///
/// In cycle 0 come the lane's `state` (see [`Lane::bits`]), the `live` bit of the access, and the
/// common offsets `offset_row`, `offset_bank` (and `offset_less`, the bank less P), `offset_y` and `offset_x` (or the `phase`: the
/// segment that is accessed). Cycle 3 shows `row`, `bank` and `enable`: live, valid, inside
/// 0..`height` (and 0..`width`). From row `ring_line` on `ring_rows` are subtracted.
pub(super) fn address(shape: &Shape, name: &str, lane: Lane) -> Arc<Module> {
    let mut b = Builder::new(format!("{name}_address"), "Address of one lane, three cycles after its parts.");
    let state = b.input("state", lane.bits(shape));
    let live = b.input("live", 1);
    let offset_row = b.input("offset_row", shape.row_bits);
    let offset_bank = b.input("offset_bank", shape.bank_bits);
    let offset_less = b.input("offset_less", shape.bank_bits + 2);
    let offset_y = b.input("offset_y", COORDINATE_BITS);
    let height = b.input("height", COORDINATE_BITS - 1);
    let ring_line = b.input("ring_line", COORDINATE_BITS - 1);
    let ring_rows = b.input("ring_rows", shape.row_bits);
    let mut low = 0;
    let mut part = |b: &mut Builder, name: &str, bits: usize| {
        low += bits;
        b.wire(name, state.slice(low - bits, bits))
    };
    let valid = part(&mut b, "valid", 1);
    let own_bank = part(&mut b, "own_bank", shape.bank_bits);
    let own_row = part(&mut b, "own_row", shape.row_bits);
    let own_y = part(&mut b, "own_y", COORDINATE_BITS);

    // Stage 1: sums.
    let (folded, carry) = fold(own_bank, offset_bank, offset_less);
    let bank_1 = b.register("bank_1", folded);
    let carry_1 = b.register("carry_1", carry);
    let row_1 = b.register("row_1", own_row + offset_row);
    let y_1 = b.register("y_1", own_y + offset_y);
    // Stage 2: carry and comparisons.
    let bank_2 = b.register("bank_2", bank_1);
    let row_2 = b.register("row_2", row_1 + carry_1.zero_extend(shape.row_bits));
    let below = |extent: Sig| extent.zero_extend(COORDINATE_BITS);
    let inside_2 = b.register("inside_2", y_1.less(below(height)));
    let wrap_2 = b.register("wrap_2", !y_1.less(below(ring_line)));
    let more_2 = match lane {
        Lane::Column => {
            let width = b.input("width", COORDINATE_BITS - 1);
            let offset_x = b.input("offset_x", COORDINATE_BITS);
            let own_x = part(&mut b, "own_x", COORDINATE_BITS);
            let x_1 = b.register("x_1", own_x + offset_x);
            let live_1 = b.register("live_1", live & valid);
            let live_2 = b.register("live_2", live_1);
            let column_2 = b.register("column_2", x_1.less(below(width)));
            live_2 & column_2
        }
        Lane::Segment => {
            let phase = b.input("phase", COUNT_BITS);
            let segment = part(&mut b, "segment", COUNT_BITS);
            let live_1 = b.register("live_1", live & valid & segment.equals(phase));
            b.register("live_2", live_1).into()
        }
    };
    // Stage 3: ring.
    let back = wrap_2.mux(ring_rows, zero(shape.row_bits));
    let row_3 = b.register("row_3", row_2 - back);
    let bank_3 = b.register("bank_3", bank_2);
    let enable_3 = b.register("enable_3", more_2 & inside_2);
    b.output("row", row_3);
    b.output("bank", bank_3);
    b.output("enable", enable_3);
    b.finish()
}

/// Module `<name>_lanes`: [`address`] for all lanes. Outputs `row`, `bank` and `enable` are arrays,
/// lane 0 lowest; inputs are those of [`address`], with `present` for the states.
pub(super) fn lanes(shape: &Shape, name: &str, lane: Lane) -> Arc<Module> {
    let one = address(shape, name, lane);
    let mut b = Builder::new(format!("{name}_lanes"), "Addresses of all lanes.");
    let bits = lane.bits(shape);
    let present = b.input("present", bits * shape.lanes);
    let (more, more_bits) = match lane {
        Lane::Column => (["width", "offset_x"].as_slice(), [COORDINATE_BITS - 1, COORDINATE_BITS].as_slice()),
        Lane::Segment => (["phase"].as_slice(), [COUNT_BITS].as_slice()),
    };
    let mut common = vec![];
    for (name, width) in [
        ("live", 1),
        ("offset_row", shape.row_bits),
        ("offset_bank", shape.bank_bits),
        ("offset_less", shape.bank_bits + 2),
        ("offset_y", COORDINATE_BITS),
        ("height", COORDINATE_BITS - 1),
        ("ring_line", COORDINATE_BITS - 1),
        ("ring_rows", shape.row_bits),
    ]
    .into_iter()
    .chain(more.iter().copied().zip(more_bits.iter().copied()))
    {
        common.push((name, b.input(name, width)));
    }
    let (mut rows, mut banks, mut enables) = (vec![], vec![], vec![]);
    for q in 0..shape.lanes {
        let mut inputs = vec![("state", present.element(q, bits))];
        inputs.extend(common.iter().map(|(name, value): &(&str, Sig)| (*name, Expr::from(*value))));
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
