//! The sequence of an instruction: groups, tiles, and the steps of a tile.
//!
//! A tile begins as soon as the steps of the one before have ended, its columns times slot cycles
//! have passed, and the walkers have had time for its lanes: three counters that run side by side
//! make the period the largest of the three without multiplying anything.

use super::{COUNT_BITS, Shape, field, instruction_input};
use crate::build::{Builder, Expr, Module, Ops, Sig, concat, index_bits, lit};
use std::sync::Arc;
use tilewright_arch::encoding::{OPERAND_TARGET, OUTPUT_TARGET, STEPS, tile as f};
use tilewright_arch::timing;

/// A counter that counts down: its value and a register that says that it is zero.
struct Down {
    value: Sig,
    zero: Sig,
}

impl Down {
    fn new(b: &mut Builder, name: &str, width: usize) -> Down {
        Down { value: b.reg(name, width), zero: b.reg(&format!("{name}_zero"), 1) }
    }

    /// Takes `start` when `load` is one, else counts when `count` is one.
    fn run(&self, b: &mut Builder, load: Expr, start: Expr, count: Expr) {
        let change = load.clone() | count;
        let less = self.value.plus(-1);
        b.set_when(self.value, change.clone(), load.clone().mux(start.clone(), less));
        let empty = load.mux(!start.any(), self.value.is(1));
        b.set_when(self.zero, change, empty);
    }
}

/// Module `stepper`. Outputs, all of one cycle:
/// * `valid`: there is a step; `first`, `last`: of its tile;
/// * `level`: which loop advanced into it, 0 the innermost;
/// * `group_start`, `group_end`: its tile is the first, the last of its group;
/// * `last_group`, `op_end`: its tile is in the last group, is the last of all;
/// * `slot_less_1`: S - 1, steady from two cycles after the issue.
pub(super) fn stepper(shape: &Shape) -> Arc<Module> {
    let name = format!("{}_stepper", shape.prefix());
    let mut b = Builder::new(name, "Groups, tiles and steps of an instruction.");
    let issue = b.input("issue", 1);
    let instruction = instruction_input(&mut b);

    b.comment("S - 1: the largest of three.");
    let larger = |a: Expr, c: Expr| a.clone().less(c.clone()).mux(c, a);
    let operand =
        field(instruction, f::OPERAND_ON).repeat(COUNT_BITS) & field(instruction, OPERAND_TARGET.segments);
    let segments = b.register("segments", larger(field(instruction, OUTPUT_TARGET.segments), operand));
    let slot = lit(shape.slot as i128 - 1, COUNT_BITS);
    let slot_less_1 = b.register("slot_less_1", larger(slot, segments.into()));

    b.comment("Tiles: these describe the tile that begins next.");
    let begin = b.forward("begin_tile", 1);
    let tile_left = b.reg("tile_left", f::TILES.width);
    let group_left = b.reg("group_left", f::GROUPS.width);
    let tile_zero = b.register("tile_zero", !tile_left.any());
    let group_zero = b.register("group_zero", !group_left.any());
    let restart = issue | (begin & tile_zero);
    let tiles = field(instruction, f::TILES);
    b.set_when(tile_left, issue | begin, restart.clone().mux(tiles, tile_left.plus(-1)));
    let groups = field(instruction, f::GROUPS);
    b.set_when(group_left, restart.clone(), issue.mux(groups, group_left.plus(-1)));
    let starts_group = b.register_when("starts_group", issue | begin, restart);
    let pending = b.reg_reset("pending", 1);
    b.set_when(pending, issue | (begin & tile_zero & group_zero), issue);
    for (name, value) in [
        ("group_start", starts_group.into()),
        ("group_end", tile_zero.into()),
        ("last_group", group_zero.into()),
        ("op_end", tile_zero & group_zero),
    ] {
        let present: Expr = b.register_when(name, begin, value).into();
        b.output(name, present);
    }

    b.comment("Steps: three nested loops, the innermost first.");
    let valid = b.reg_reset("valid", 1);
    let loops: Vec<Down> =
        (0..3).map(|i| Down::new(&mut b, &format!("step_{i}"), STEPS[i][0].width)).collect();
    let mut carry: Expr = valid.into();
    let mut ends = vec![];
    for (counter, fields) in loops.iter().zip(STEPS) {
        let end = b.wire("loop_end", carry.clone() & counter.zero);
        counter.run(&mut b, begin | end, field(instruction, fields[0]), carry);
        ends.push(end);
        carry = end.into();
    }
    let last = ends[2];
    b.set(valid, begin | (valid & !last));
    let first = b.register("first", begin);
    let level = b.register("level", concat([Expr::from(ends[1]), ends[0] & !ends[1]]));
    let steps_ended = last | !valid;

    b.comment("Columns of the drain, as many as the instruction's, whatever the group.");
    let draining = b.reg_reset("draining", 1);
    let cycle = Down::new(&mut b, "cycle", COUNT_BITS);
    let column = Down::new(&mut b, "column", COUNT_BITS);
    let column_end = b.wire("column_end", draining & cycle.zero);
    let drain_end = b.wire("drain_end", column_end & column.zero);
    cycle.run(&mut b, begin | column_end, slot_less_1.into(), draining.into());
    column.run(&mut b, begin.into(), field(instruction, f::COLUMNS), column_end.into());
    // The instruction before may have ended in fewer columns than were counted for its last tile.
    b.set(draining, begin | (draining & !drain_end & !issue));

    b.comment("The walk of the next tile's lanes; the first walk begins with the issue.");
    let period = shape.lanes + timing::WALK as usize;
    let bits = index_bits(period);
    let walking = b.reg_reset("walking", 1);
    let walk = Down::new(&mut b, "walk", bits);
    let walk_end = b.wire("walk_end", walking & walk.zero);
    let walk_start = issue.mux(lit(shape.lanes as i128 - 1, bits), lit(period as i128 - 1, bits));
    walk.run(&mut b, issue | begin, walk_start, walking.into());
    b.set(walking, issue | begin | (walking & !walk_end));

    b.drive(begin, pending & steps_ended & (drain_end | !draining) & (walk_end | !walking));

    b.output("valid", valid);
    b.output("first", first);
    b.output("last", last);
    b.output("level", level);
    b.output("slot_less_1", slot_less_1);
    b.finish()
}
