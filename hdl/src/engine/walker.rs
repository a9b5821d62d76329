//! The walk over the pixels of a tile, one lane a cycle.

use super::{COORDINATE_BITS, Shape, field, instruction_input};
use crate::build::{Builder, Expr, Module, Ops, Sig, index_bits, lit, zero};
use crate::flat::{add_carry, fold, less_lanes};
use std::sync::Arc;
use tilewright_arch::encoding::{Field, INPUT_WALK, TargetFields, WalkFields, tile as f};

/// Whose pixels are walked.
#[derive(Clone, Copy)]
pub(super) enum Walked {
    /// The gathered input: pixels have an input row and an input column.
    Input,
    /// A target: pixels have an output row and a segment.
    Target(&'static str, &'static TargetFields),
}

impl Walked {
    /// Start of the names of the modules and wires that belong to it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Walked::Input => "input",
            Walked::Target(name, _) => name,
        }
    }

    /// Its address fields.
    pub(super) fn walk(&self) -> WalkFields {
        match self {
            Walked::Input => INPUT_WALK,
            Walked::Target(_, fields) => fields.walk,
        }
    }
}

/// Bits of the counters of remaining lines: signed, since the last tile may run over the end.
const REMAINING_BITS: usize = 15;

/// A counter of the output rows from the present line to the instruction's row `limit`.
fn rows_to(b: &mut Builder, name: &str, limit: Expr, line_step: Expr, rewind: Sig, next_line: Sig) -> Sig {
    let left = b.reg(name, REMAINING_BITS);
    let fewer = left - line_step.zero_extend(REMAINING_BITS);
    b.set_when(left, rewind | next_line, rewind.mux(limit.zero_extend(REMAINING_BITS), fewer));
    left
}

/// `left` where it is within 0..2^bits, else the nearest of these.
fn clipped(left: Sig, bits: usize) -> Expr {
    let over = left.slice(bits, REMAINING_BITS - 1 - bits).any();
    (!left.sign()).repeat(bits) & (over.repeat(bits) | left.truncate(bits))
}

/// Module `<name>_walker`.
///
/// In the cycle of `issue` or `start` a walk of P lanes begins; with `restart` (or `issue`) at the
/// first pixel of the next (first) group, else where the walk before ended. From three cycles later
/// `push` is one for P cycles and the other outputs describe lane 0, 1, ...: `row`, `bank`, and
///
/// * of the input: `y`, `x` and `valid` (the lane has a pixel);
/// * of a target: `segment`, `to_end` (output rows from the lane's own to the last; zero if the lane
///   has no pixel) and `to_ring` (to the first that wraps), as far as columns reach
///   ([`Shape::down_bits`]).
///
/// Three cycles after the last lane was shown in its first stage a new walk may begin: starts are
/// P + [`WALK`](tilewright_arch::timing::WALK) cycles apart.
pub(super) fn walker(shape: &Shape, walked: Walked) -> Arc<Module> {
    let name = format!("{}_walker", walked.name());
    let mut b = Builder::new(name, "Pixels of the next tile, one lane a cycle.");
    let issue = b.input("issue", 1);
    let start = b.input("start", 1);
    let restart = b.input("restart", 1);
    let instruction = instruction_input(&mut b);
    let get = |which: Field| field(instruction, which);
    let fields = walked.walk();

    b.comment("Stage 0: which lanes take a pixel, and where lines end.");
    let go = b.wire("go", issue | start);
    let rewind = b.wire("rewind", issue | (start & restart));
    let count_bits = index_bits(shape.lanes);
    let active = b.reg_reset("active", 1);
    let count = b.reg("count", count_bits);
    b.set(count, go.mux(lit(shape.lanes as i128 - 1, count_bits), count.plus(-1)));
    let count_zero = b.register("count_zero", !go & count.is(1));
    b.set(active, go | (active & !count_zero));
    let lane_left = b.reg("lane_left", f::LANES.width);
    b.set(lane_left, go.mux(get(f::LANES), lane_left.plus(-1)));
    let lane_zero = b.register("lane_zero", go.mux(!get(f::LANES).any(), lane_left.is(1)));
    let inside = b.reg("in_tile", 1);
    b.set(inside, go | (inside & !lane_zero));
    let stopped = b.reg("stopped", 1);
    let take = b.wire("take", active & inside & !stopped);
    let x_left = b.reg("x_left", f::WIDTH.width);
    let line_end = b.reg("line_end", 1);
    let new_line = b.wire("new_line", rewind | (take & line_end));
    let width = get(f::WIDTH);
    b.set_when(x_left, rewind | take, new_line.mux(width.clone(), x_left.plus(-1)));
    b.set_when(line_end, rewind | take, new_line.mux(!width.any(), x_left.is(1)));
    b.set(stopped, !go & (stopped | (take & line_end & get(f::LINE_STOP))));
    let segment = match walked {
        Walked::Input => None,
        Walked::Target(_, target) => {
            let lanes = get(target.segment_lanes);
            Some(segments(&mut b, shape, go, take, line_end, lanes))
        }
    };

    b.comment("Addresses of the group that is walked next.");
    let (base_row, base_bank) =
        (shape.row(instruction, fields.base.0), shape.bank(instruction, fields.base.1));
    let group_step = b.register("group_step", shape.bank(instruction, fields.group.1));
    let group_less =
        b.register("group_less", less_lanes(shape.bank(instruction, fields.group.1), shape.lanes));
    let group_bank = b.reg("group_bank", shape.bank_bits);
    let group_row = b.reg("group_row", shape.row_bits);
    let (folded, carry) = fold(group_bank, group_step, group_less);
    let next_bank = b.register("next_bank", folded);
    let next_carry = b.register("next_carry", carry);
    let next_row =
        b.register("next_row", add_carry(group_row, shape.row(instruction, fields.group.0), next_carry));
    let first_bank = b.wire("first_bank", issue.mux(base_bank, next_bank));
    let first_row = b.wire("first_row", issue.mux(base_row, next_row));
    b.set_when(group_bank, rewind, first_bank);
    b.set_when(group_row, rewind, first_row);

    b.comment("Stage 1: bank and line.");
    let choose =
        |b: &mut Builder, name: &str, wrap: Expr, pixel: Expr| b.register(name, line_end.mux(wrap, pixel));
    let pixel_bank = shape.bank(instruction, fields.pixel.1);
    let wrap_bank = shape.bank(instruction, fields.wrap.1);
    let pixel_less = b.register("pixel_less", less_lanes(&pixel_bank, shape.lanes));
    let wrap_less = b.register("wrap_less", less_lanes(&wrap_bank, shape.lanes));
    let step_1 = choose(&mut b, "step_1", wrap_bank, pixel_bank);
    let less_1 = choose(&mut b, "less_1", wrap_less.into(), pixel_less.into());
    let wrap_row = shape.row(instruction, fields.wrap.0);
    let row_step_1 = choose(&mut b, "row_step_1", wrap_row, shape.row(instruction, fields.pixel.0));
    b.comment(
        "The walk behind the last tile of an instruction may still be under way when the next is issued.",
    );
    let push_1 = b.register("push_1", active & !issue);
    let take_1 = b.register("take_1", take & !issue);
    let line_1 = b.register("line_1", take & line_end & !issue);
    let bank_1 = b.reg("bank_1", shape.bank_bits);
    let (folded, carry) = fold(bank_1, step_1, less_1);
    b.set_when(bank_1, rewind | take_1, rewind.mux(first_bank, folded));
    let remaining = rows_to(&mut b, "remaining", get(f::LINES), get(f::LINE_STEP), rewind, line_1);

    b.comment("Stage 2: row and coordinates.");
    let carry_2 = b.register("carry_2", carry);
    let row_step_2 = b.register("row_step_2", row_step_1);
    let push_2 = b.register("push_2", push_1 & !issue);
    let take_2 = b.register("take_2", take_1 & !issue);
    let bank_2 = b.register("bank_2", bank_1);
    let row_2 = b.reg("row_2", shape.row_bits);
    let next = add_carry(row_2, row_step_2, carry_2);
    b.set_when(row_2, rewind | take_2, rewind.mux(first_row, next));
    b.output("push", push_2);
    b.output("row", row_2);
    b.output("bank", bank_2);
    match walked {
        Walked::Target(..) => {
            let bits = shape.down_bits();
            let ring_line = get(fields.ring_line);
            let ring = rows_to(&mut b, "ring_left", ring_line, get(f::LINE_STEP), rewind, line_1);
            let end_2 = b.register("end_2", take_1.repeat(bits) & clipped(remaining, bits));
            let ring_2 = b.register("ring_2", clipped(ring, bits));
            let segment = segment.expect("targets have segments");
            let segment_2 = b.delay("segment", segment, 2);
            b.output("to_end", end_2);
            b.output("to_ring", ring_2);
            b.output("segment", segment_2);
        }
        Walked::Input => {
            let some_2 = b.register("some_2", take_1 & !remaining.sign() & remaining.any());
            let line_2 = b.register("line_2", line_1 & !issue);
            let y_2 = b.reg("y_2", COORDINATE_BITS);
            let y_next = y_2 + get(f::INPUT_Y_STEP).zero_extend(COORDINATE_BITS);
            b.set_when(y_2, rewind | line_2, rewind.mux(get(f::INPUT_Y0), y_next));
            let x_2 = b.reg("x_2", COORDINATE_BITS);
            let x_first = get(f::INPUT_X0);
            let x_next = x_2 + get(f::INPUT_X_STEP).zero_extend(COORDINATE_BITS);
            let fresh = b.wire("fresh", rewind | line_2);
            b.set_when(x_2, rewind | take_2, fresh.mux(x_first, x_next));
            b.output("valid", some_2);
            b.output("y", y_2);
            b.output("x", x_2);
        }
    }
    b.finish()
}

/// The segment of the present lane, less than P: a new one begins after every line end and after
/// `lanes` + 1 lanes.
fn segments(b: &mut Builder, shape: &Shape, go: Sig, take: Sig, line_end: Sig, lanes: Expr) -> Sig {
    let left = b.reg("segment_left", lanes.width());
    let full = b.reg("segment_full", 1);
    let segment = b.reg("segment", shape.bank_bits);
    let next = b.wire("next_segment", take & (line_end | full));
    let load = b.wire("segment_load", go | next);
    b.set_when(left, go | take, load.mux(lanes.clone(), left.plus(-1)));
    b.set_when(full, go | take, load.mux(!lanes.any(), left.is(1)));
    b.set_when(segment, load, go.mux(zero(shape.bank_bits), segment.plus(1)));
    segment
}
