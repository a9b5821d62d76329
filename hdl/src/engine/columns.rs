//! The columns of a drained tile.

use super::{COUNT_BITS, Shape, field, instruction_input};
use crate::build::{Builder, Module, Ops, lit, zero};
use std::sync::Arc;
use tilewright_arch::encoding::tile as f;

/// Module `columns`: counts the columns of a tile, S cycles each.
///
/// `start` comes with what is said of the tile: `group_end`, `last_group`, `op_end`. From the next
/// cycle on, for columns times S cycles: `active`; `begin`: the first cycle of a column, with
/// `first`, or `inner`, or neither (an outer column); `slot_end`: its last cycle; `phase`: 0 to
/// S - 1; `restart`: the tile is the last of its group; `done`: the last cycle of the last column
/// of the instruction.
pub(super) fn columns() -> Arc<Module> {
    let mut b = Builder::new("columns", "Columns of a tile, each for the cycles of a slot.");
    let start = b.input("start", 1);
    let group_end = b.input("group_end", 1);
    let last_group = b.input("last_group", 1);
    let op_end = b.input("op_end", 1);
    let slot_less_1 = b.input("slot_less_1", COUNT_BITS);
    let instruction = instruction_input(&mut b);

    let active = b.reg_reset("active", 1);
    let slot_end = b.reg("slot_zero", 1);
    let column_zero = b.reg("column_zero", 1);
    let inner_zero = b.reg("inner_zero", 1);
    let end = b.wire("column_end", active & slot_end);
    let next = b.wire("next_column", end & !column_zero);
    let column = b.wire("new_column", start | next);
    b.set(active, start | (active & !(slot_end & column_zero)));

    let left = b.reg("slot_left", COUNT_BITS);
    b.set(left, column.mux(slot_less_1, left.plus(-1)));
    b.set(slot_end, column.mux(!slot_less_1.any(), left.is(1)));
    let phase = b.reg("phase", COUNT_BITS);
    b.set(phase, column.mux(zero(COUNT_BITS), phase.plus(1)));

    let all = last_group.mux(field(instruction, f::LAST_COLUMNS), field(instruction, f::COLUMNS));
    let columns_left = b.reg("columns_left", COUNT_BITS);
    b.set_when(columns_left, column, start.mux(all.clone(), columns_left.plus(-1)));
    b.set_when(column_zero, column, start.mux(!all.any(), columns_left.is(1)));

    let outer = b.wire("new_outer", start | inner_zero);
    let inner = field(instruction, f::INNER_COLUMNS);
    let inner_left = b.reg("inner_left", COUNT_BITS);
    b.set_when(inner_left, column, outer.mux(inner.clone(), inner_left.plus(-1)));
    b.set_when(inner_zero, column, outer.mux(!inner.any(), inner_left.is(1)));

    let begin = b.register("begins", column);
    let first = b.register("first", start);
    let is_inner = b.register("is_inner", next & !inner_zero);
    let restart = b.register_when("restart", start, group_end);
    let final_tile = b.register_when("final_tile", start, op_end);
    b.output("active", active);
    b.output("begin_column", begin);
    b.output("first", first);
    b.output("inner", is_inner);
    b.output("slot_end", end);
    b.output("phase", phase);
    b.output("restart", restart);
    b.output("done", end & column_zero & final_tile);
    b.finish()
}

/// Module `lead_time`: starts the operand's columns P - S cycles after `start`, so that they are
/// complete P cycles after it, whatever S. `go` comes 1 + P - S cycles after `start`, with the tile's flags.
pub(super) fn lead_time(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("lead_time", "Starts the operand P - S + 1 cycles after the last step.");
    let start = b.input("start", 1);
    let flags = b.input("flags", 3);
    let slot_less_1 = b.input("slot_less_1", COUNT_BITS);
    let waiting = b.reg_reset("waiting", 1);
    let left = b.reg("left", COUNT_BITS);
    let most = lit(shape.lanes as i128 - 1, COUNT_BITS);
    b.comment("P - S, steady long before the first tile ends.");
    let wait = b.register("wait_cycles", most - slot_less_1);
    b.set(left, start.mux(wait, left.plus(-1)));
    let left_zero = b.register("left_zero", start.mux(!wait.any(), left.is(1)));
    b.set(waiting, start | (waiting & !left_zero));
    let held = b.register_when("held_flags", start, flags);
    b.output("go", waiting & left_zero);
    b.output("go_flags", held);
    b.finish()
}
