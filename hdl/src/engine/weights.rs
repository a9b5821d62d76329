//! The weights: a memory of C-byte words read in sequence, and the expander of `Reduce::Rows`.

use super::{Shape, WeightBeats, field, instruction_input};
use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, index_bits, lit, pack, zero};
use std::sync::Arc;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::instr::Reduce;

/// Cycles from a step at the address to its weights: two address registers (the second one spreads
/// over the memories), the memory, a register (a deep memory is several blocks and a choice between
/// them), and the expander's.
pub(super) fn weight_latency(shape: &Shape) -> usize {
    4 + shape.ram
}

/// Module `weights`.
///
/// In cycle 0 come `valid`, `first`, `level` and `group_start` of a step; its `weight` bytes
/// (column 0 lowest) come in cycle [`weight_latency`]. The address starts at the instruction's
/// `weights` with every `issue`; a tile starts again at its group's first word, a group goes on
/// after the last word of the one before, and the memory wraps.
///
/// `weight_write` stores beat `weight_beat` (bytes `beat * B` and on) of word `weight_word`.
pub(super) fn weights(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("weights", "Weight memory, its address, and the expander of shifted taps.");
    let issue = b.input("issue", 1);
    let instruction = instruction_input(&mut b);
    let valid = b.input("valid", 1);
    let first = b.input("first", 1);
    let level = b.input("level", 2);
    let group_start = b.input("group_start", 1);
    let words = shape.config.weight_words;
    let bits = index_bits(words);
    let rows = b.register("rows", field(instruction, f::REDUCE).is(Reduce::Rows as i128));

    b.comment("Address of the present step.");
    let fresh = b.reg("fresh", 1);
    b.set_when(fresh, issue | valid, issue);
    let address = b.reg("address", bits);
    let base = b.reg("base", bits);
    let start = field(instruction, f::WEIGHTS).truncate(bits);
    let after = address.is(words as i128 - 1).mux(zero(bits), address.plus(1));
    let inner_start = b.wire("inner_start", first | level.any());
    let again = b.wire("again", first & !group_start);
    let stay = b.wire("stay", (first & fresh) | !(inner_start | !rows));
    let next = issue.mux(start.clone(), again.mux(base, after));
    b.set_when(address, issue | (valid & !stay), next);
    let new_group = b.register("new_group", valid & first & group_start);
    b.set_when(base, new_group, address);
    let spread = b.register("address_spread", address);

    b.comment("The memory, one for each beat of a word.");
    let beat_bytes = shape.config.memory.bus_bytes;
    let beats = shape.columns.div_ceil(beat_bytes);
    let WeightBeats { weight_write, weight_word, weight_beat, weight_data } =
        WeightBeats::inputs(&mut b, shape);
    let word = b.register("write_word", weight_word);
    let data = b.register("write_data", weight_data);
    let mut bytes = vec![];
    for k in 0..beats {
        let own = beat_bytes.min(shape.columns - k * beat_bytes);
        let enable = b.register(&format!("write_{k}"), weight_write & weight_beat.is(k as i128));
        let ram = Ram {
            depth: words,
            write_enable: enable.into(),
            write_address: word.into(),
            write_data: data.truncate(8 * own),
            read_address: spread.into(),
        };
        let read = b.ram(&format!("memory_{k}"), shape.config.technology, shape.ram, ram);
        bytes.extend(b.register(&format!("word_{k}"), read).elements(8));
    }

    b.comment("Dense: the word. Rows: its bytes one a step at column 0, and from column to column.");
    let start = b.delay("start", inner_start, 3 + shape.ram);
    let taps = field(instruction, f::TAPS);
    let mut later: Expr = zero(8);
    for c in (1..shape.columns).rev() {
        let within = b.register(&format!("within_{c}"), lit(c as i128, f::TAPS.width).less(taps.clone()));
        let tap = b.reg(&format!("tap_{c}"), 8);
        b.set(tap, start.mux(within.repeat(8) & bytes[c].clone(), later));
        later = tap.into();
    }
    let mut weight: Vec<Sig> = vec![];
    for (c, byte) in bytes.into_iter().enumerate() {
        let shifted = match weight.last() {
            None => start.mux(byte.clone(), later.clone()),
            Some(before) => (!start).repeat(8) & *before,
        };
        weight.push(b.register(&format!("weight_{c}"), rows.mux(shifted, byte)));
    }
    b.output("weight", pack(weight));
    b.finish()
}
