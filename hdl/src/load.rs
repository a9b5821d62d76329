//! The load unit: lines of external memory into the on-chip memories.
//!
//! ```text
//! cycle 0   beat at the port
//!       1   beat registered; masks and place of the beat computed from the burst's description
//!       2   banks of its bytes
//!       3   word memories: write strobes out; feature memory: bytes to banks
//!       4   feature memory: row, data, enable of every bank out
//!       6   done: feature memory changed at the end of cycle 5
//! ```
//!
//! The word memories (weights, parameters, tables) must change at the end of cycle 5 at the latest:
//! they may have two registers of their own.

use crate::build::{Builder, Expr, Module, Ops, Sig, and_or, concat, index_bits, lit, pack, zero};
use crate::feature_memory::row_bits;
use crate::flat::Flat;
use crate::memory_port::queue;
use crate::registers::BASE_BITS;
use crate::transfer_walk::{Bus, field, instruction_input, transfer_walk};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::{ROW_BITS, transfer as f};
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::LocalMemory;
use tilewright_arch::timing;

/// Bits of the index of a beat in a weight word, a channel word and a table.
pub(crate) fn beat_bits(config: &Config) -> [usize; 3] {
    let bus = config.memory.bus_bytes;
    [config.columns.div_ceil(bus), CHANNEL_BYTES / bus, 256 / bus].map(index_bits)
}

/// For each byte of a beat, one if it belongs to the line: `head <= i < ends`.
pub(crate) fn byte_mask(bus: &Bus, head: &Expr, ends: &Expr) -> Expr {
    let width = ends.width();
    let byte = |i: usize| {
        let after_head = if i == 0 { !head.clone().any() } else { !lit(i as i128, head.width()).less(head) };
        after_head & lit(i as i128, width).less(ends)
    };
    pack((0..bus.bytes).map(byte))
}

/// Banks of the bytes of a beat that starts at (`bank`): bank + i, folded.
pub(crate) fn byte_banks(b: &mut Builder, bus: &Bus, bank: &Expr, lanes: usize) -> Vec<Sig> {
    let place = |i: usize| Flat { row: zero(1), bank: bank.clone() }.plus_small(i, lanes).bank;
    (0..bus.bytes).map(|i| b.register(&format!("byte_bank_{i}"), place(i))).collect()
}

/// Row and bank on chip of each beat's first byte, the cycle after `step` says that there is a beat: of its
/// line (`first`) when `fresh`, else after the beat before. The row takes its carry only when the next beat
/// needs it: the bank's addition and the row's are in different cycles.
pub(crate) fn beat_places(
    b: &mut Builder,
    bus: &Bus,
    lanes: usize,
    step: Sig,
    fresh: Sig,
    [first_row, first_bank]: [Expr; 2],
) -> [Sig; 2] {
    let row = b.reg("beat_row", first_row.width());
    let bank_after = b.reg("bank_after", first_bank.width());
    let carry_after = b.reg("carry_after", 1);
    let row_after = row + carry_after.zero_extend(row.width());
    b.set_when(row, step, fresh.mux(first_row, row_after));
    let bank = b.wire("bank_now", fresh.mux(first_bank, bank_after));
    // The carry as a row of one bit.
    let after = Flat { row: zero(1), bank: bank.into() }.plus_small(bus.bytes, lanes);
    b.set_when(bank_after, step, after.bank);
    b.set_when(carry_after, step, after.row);
    [row, b.register("beat_bank", bank)]
}

/// Module `load`. `start` is the unit's issue; `instruction` stays until `done`.
pub(crate) fn load(config: &Config) -> Arc<Module> {
    let mut b = Builder::new("load", "Load unit: lines of external memory into the on-chip memories.");
    let bus = Bus::new(config);
    let (lanes, rows) = (config.lanes, row_bits(config));
    let start = b.input("start", 1);
    let instruction = instruction_input(&mut b);
    let base = b.input("base", BASE_BITS);
    let grant = b.input("grant", 1);
    let beat = b.input("beat_valid", 1);
    let data = b.input("beat_data", 8 * bus.bytes);
    let beat_last = b.input("beat_last", 1);

    let walk = b.instance(
        "walk",
        &transfer_walk(config),
        &[
            ("start", start.into()),
            ("advance", grant.into()),
            ("instruction", instruction.into()),
            ("base", base.into()),
        ],
    );
    b.comment("Descriptions of the bursts under way, in the order of their beats.");
    let names = ["last", "line_first", "head", "ends", "row", "bank"];
    let description = concat(names.map(|name| walk.out(name)));
    let pop = b.wire("burst_ends", beat & beat_last);
    let bursts =
        queue(&mut b, "bursts", config.memory.outstanding + 4, description, &grant.into(), &pop.into());
    let mut low = bursts.head.width();
    let mut part = |name: &str| {
        let width = walk.out(name).width();
        low -= width;
        bursts.head.slice(low, width)
    };
    let parts = names.map(&mut part);
    let [last, line_first, head, ends, row, bank] = parts;

    b.comment("Place of the beat: of its line at the line's first beat, else after the beat before.");
    let middle = b.reg_reset("middle_of_burst", 1);
    b.set_when(middle, beat, !beat_last);
    let fresh = b.wire("fresh", !middle & line_first);
    let ends_left = b.reg("ends_left", bus.count_bits());
    let ends = b.wire("ends", middle.mux(ends_left, ends));
    b.set_when(ends_left, beat, ends.plus(-(bus.bytes as i128)));
    let head = b.wire("head", head & (!middle).repeat(bus.head_bits()));
    let [row_2, bank_2] = beat_places(&mut b, &bus, lanes, beat, fresh, [row.clone().truncate(rows), bank]);

    b.comment("Which memory; for words the beat inside the word.");
    let memory = field(instruction, f::MEMORY);
    let kinds = [
        LocalMemory::Feature,
        LocalMemory::Weights,
        LocalMemory::ComputeChannels,
        LocalMemory::VectorChannels,
        LocalMemory::Tables,
    ];
    let names = ["feature", "weights", "compute_channels", "vector_channels", "tables"];
    let is: [Expr; 5] = std::array::from_fn(|i| {
        b.wire(&format!("to_{}", names[i]), memory.clone().is(kinds[i] as i128)).into()
    });
    let index_width = *beat_bits(config).iter().max().expect("there are three");
    let last_beats = [
        (is[1].clone(), config.columns.div_ceil(bus.bytes) - 1),
        (is[2].clone() | is[3].clone(), CHANNEL_BYTES / bus.bytes - 1),
        (is[4].clone(), 256 / bus.bytes - 1),
    ];
    let last_beat = last_beats.map(|(is, last)| (is, lit(last as i128, index_width)));
    let last_beat = b.register("last_beat", and_or(last_beat));
    let next_word = b.reg("next_word", ROW_BITS);
    let next_beat = b.reg("next_beat", index_width);
    let word = b.wire("word", fresh.mux(row, next_word));
    let index = b.wire("word_beat", fresh.mux(zero(index_width), next_beat));
    let word_ends = b.wire("word_ends", index.equals(last_beat));
    let wraps = b.wire("wraps", is[1].clone() & word.is(config.weight_words as i128 - 1));
    let following = wraps.mux(zero(ROW_BITS), word.plus(1));
    b.set_when(next_word, beat, word_ends.mux(following, word));
    b.set_when(next_beat, beat, word_ends.mux(zero(index_width), index.plus(1)));

    b.comment("Cycle 2: a beat with its place.");
    let feature = is[0].clone();
    let mask = byte_mask(&bus, &head.into(), &ends.into()) & (beat & feature).repeat(bus.bytes);
    let mask = b.register("mask_2", mask);
    let data_2 = b.register("data_2", data);
    let word_2 = b.register("word_2", word);
    let index_2 = b.register("word_beat_2", index);
    let writes_2: Vec<Sig> = ["weight", "compute_channel", "vector_channel", "table"]
        .iter()
        .zip(&is[1..])
        .map(|(name, is)| b.register(&format!("{name}_write_2"), beat & is.clone()))
        .collect();

    b.comment("Cycle 3: banks of the bytes; words are on their way.");
    let banks = byte_banks(&mut b, &bus, &bank_2.into(), lanes);
    let mask_3 = b.register("mask_3", mask);
    let data_3 = b.register("data_3", data_2);
    let row_3 = b.register("row_3", row_2);
    let row_3_plus_1 = b.register("row_3_plus_1", row_2.plus(1));
    let bank_3 = b.register("bank_3", bank_2);
    let word_3 = b.register("word_3", word_2);
    let index_3 = b.register("word_beat_3", index_2);

    b.comment("Cycle 4: every bank its byte.");
    let (mut out_rows, mut out_data, mut out_enable) = (vec![], vec![], vec![]);
    for lane in 0..lanes {
        let hits: Vec<Sig> = banks
            .iter()
            .enumerate()
            .map(|(i, bank)| b.wire(&format!("hit_{lane}_{i}"), mask_3.bit(i) & bank.is(lane as i128)))
            .collect();
        let byte = and_or(hits.iter().enumerate().map(|(i, hit)| ((*hit).into(), data_3.element(i, 8))));
        out_data.push(b.register(&format!("bank_data_{lane}"), byte));
        out_enable.push(b.register(&format!("bank_enable_{lane}"), pack(hits).any()));
        let carried = lit(lane as i128, bank_3.width()).less(bank_3);
        out_rows.push(b.register(&format!("bank_row_{lane}"), carried.mux(row_3_plus_1, row_3)));
    }

    let ended = b.wire("transfer_ends", beat & beat_last & last);
    let done = b.delay("finished", ended, timing::LOAD_DONE as usize - 1);
    let illegal = b.register("illegal_r", start & !concat(is).any());

    b.output("request", walk.out("valid") & !bursts.full);
    b.output("address", walk.out("address"));
    b.output("beats", walk.out("beats"));
    b.output("done", done);
    b.output("illegal", illegal);
    b.output("row", pack(out_rows));
    b.output("data", pack(out_data));
    b.output("enable", pack(out_enable));
    for (name, write) in ["weight", "compute_channel", "vector_channel", "table"].iter().zip(writes_2) {
        let write = b.register(&format!("{name}_write_3"), write);
        b.output(&format!("{name}_write"), write);
    }
    let [weight_beats, channel_beats, table_beats] = beat_bits(config);
    b.output("weight_word", word_3.truncate(index_bits(config.weight_words)));
    b.output("weight_beat", index_3.truncate(weight_beats));
    b.output("channel_word", word_3.truncate(index_bits(config.parameter_words)));
    b.output("channel_beat", index_3.truncate(channel_beats));
    let byte = index_3.truncate(table_beats);
    let byte = if bus.byte_bits == 0 { byte } else { concat([byte, zero(bus.byte_bits)]) };
    b.output("table_address", concat([word_3.into(), byte]).truncate(index_bits(256 * config.tables)));
    b.output("word_data", data_3);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Tested, differential};

    #[test]
    fn verilog_agrees() {
        for (lanes, bus) in [(9, 4), (4, 4), (5, 1)] {
            let mut config = Config::sized(lanes, 5);
            config.memory.bus_bytes = bus;
            let tested = Tested::new(load(&config)).held("instruction", 50).rarely("start", 30);
            differential(&tested, 500, 3);
        }
    }
}
