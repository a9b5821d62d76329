//! The store unit: feature memory to lines of external memory.
//!
//! Bursts are read into two slots and written from there, so that write data never wait for
//! feature memory. With r the cycle in which a beat's place is known:
//!
//! ```text
//! r + 3                    rows and enables at the ports of feature memory
//! r + 5 + ram              bytes of all banks
//! r + 5 + ram + crossbar   the beat is written into its slot
//! ```

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, lit, or_all, pack, zero};
use crate::feature_memory::{feature_read_latency, row_bits};
use crate::load::{beat_places, byte_banks, byte_mask};
use crate::registers::BASE_BITS;
use crate::transfer_walk::{Bus, field, instruction_input, transfer_walk};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::transfer as f;
use tilewright_arch::instr::LocalMemory;
use tilewright_arch::timing;

/// Bursts whose response is still to come; the memory model has far fewer.
pub(crate) const RESPONSE_BITS: usize = 5;

/// An OR of many values in `stages` registered stages of equal fan-in.
fn pipelined_or(b: &mut Builder, name: &str, values: Vec<Expr>, stages: usize) -> Sig {
    let mut level = values;
    for stage in 1..=stages {
        let left = stages - stage;
        let fan_in = (2..).find(|n: &usize| n.pow(left as u32 + 1) >= level.len()).unwrap_or(2);
        level = level
            .chunks(if left == 0 { level.len() } else { fan_in })
            .enumerate()
            .map(|(i, part)| b.register(&format!("{name}_{stage}_{i}"), or_all(part)).into())
            .collect();
    }
    b.wire(name, level.remove(0))
}

/// Module `store`. `start` is the unit's issue; `instruction` stays until `done`.
pub(crate) fn store(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(
        "store",
        "Store unit: feature memory to lines of external memory, through two burst slots.",
    );
    let bus = Bus::new(config);
    let (lanes, rows) = (config.lanes, row_bits(config));
    let start = b.input("start", 1);
    let instruction = instruction_input(&mut b);
    let grant = b.input("grant", 1);
    let base = b.input("base", BASE_BITS);
    let feature_data = b.input("feature_data", 8 * lanes);
    let wready = b.input("wready", 1);
    let bvalid = b.input("bvalid", 1);

    b.comment("Cycle r: the place of a beat.");
    let take = b.forward("take", 1);
    let walk = b.instance(
        "walk",
        &transfer_walk(config),
        &[
            ("start", start.into()),
            ("advance", take.into()),
            ("instruction", instruction.into()),
            ("base", base.into()),
        ],
    );
    let sent = b.forward("slot_sent", 1);
    let used = b.reg_reset("slots_used", 2);
    b.set(used, used + take.zero_extend(2) - sent.zero_extend(2));
    let responses = b.reg_reset("responses_left", RESPONSE_BITS);
    let change = take.zero_extend(RESPONSE_BITS) - bvalid.zero_extend(RESPONSE_BITS);
    b.set(responses, responses + change);
    let middle = b.reg_reset("middle_of_burst", 1);
    let pause = b.reg_reset("pause", 1);
    let room = !used.bit(1) & !responses.sign();
    b.drive(take, walk.out("valid") & !middle & !pause & room);
    let step = b.wire("step", take | middle);
    let left = b.reg("beats_left", bus.beat_bits);
    let beats = b.wire("beats_now", middle.mux(left, walk.out("beats")));
    let last = b.wire("last_beat", step & beats.is(1));
    b.set(left, beats.plus(-1));
    b.set(middle, step & !last);
    b.set(pause, last);
    let ends_left = b.reg("ends_left", bus.count_bits());
    let ends = b.wire("ends", middle.mux(ends_left, walk.out("ends")));
    b.set(ends_left, ends.plus(-(bus.bytes as i128)));
    let head = b.wire("head", walk.out("head") & (!middle).repeat(bus.head_bits()));
    let fresh = b.wire("fresh", !middle & walk.out("line_first"));
    let first = [walk.out("row").truncate(rows), walk.out("bank").into()];
    let [row_1, bank_1] = beat_places(&mut b, &bus, lanes, step, fresh, first);
    let all_taken = b.reg_reset("all_taken", 1);

    b.comment("r + 1: masks; r + 2: banks of the bytes; r + 3: rows of the banks.");
    let mask = byte_mask(&bus, &head.into(), &ends.into()) & step.repeat(bus.bytes);
    let mask_1 = b.register("mask_1", mask);
    let banks_2 = byte_banks(&mut b, &bus, &bank_1.into(), lanes);
    let mask_2 = b.register("mask_2", mask_1);
    let row_2 = b.register("row_2", row_1);
    let row_2_plus_1 = b.register("row_2_plus_1", row_1.plus(1));
    let bank_2 = b.register("bank_2", bank_1);
    let (mut out_rows, mut out_enable) = (vec![], vec![]);
    for lane in 0..lanes {
        let hit = |(i, bank): (usize, &Sig)| mask_2.bit(i) & bank.is(lane as i128);
        let hits = pack(banks_2.iter().enumerate().map(hit)).any();
        out_enable.push(b.register(&format!("bank_enable_{lane}"), hits));
        let carried = lit(lane as i128, bank_2.width()).less(bank_2);
        out_rows.push(b.register(&format!("bank_row_{lane}"), carried.mux(row_2_plus_1, row_2)));
    }

    b.comment("Bytes of the beat out of those of the banks.");
    let wait = 1 + feature_read_latency(config);
    let mut bytes = vec![];
    for (i, bank) in banks_2.iter().enumerate() {
        let bank = b.delay(&format!("byte_bank_{i}_late"), *bank, wait - 1);
        let choice =
            b.register(&format!("byte_choice_{i}"), pack((0..lanes).map(|lane| bank.is(lane as i128))));
        let chosen =
            (0..lanes).map(|lane| choice.bit(lane).repeat(8) & feature_data.element(lane, 8)).collect();
        bytes.push(pipelined_or(&mut b, &format!("byte_{i}"), chosen, config.pipeline.crossbar));
    }
    let latency = wait + config.pipeline.crossbar;
    let write_strobes = b.delay("strobes_late", mask_2, latency);
    let early = b.delay("marks_late", concat([step, last]), 1 + latency);
    let marks = b.register("written", early);

    b.comment("The slots: a memory of twice the longest burst.");
    let index = bus.beat_bits - 1;
    let write_slot = b.reg_reset("write_slot", 1);
    let write_beat = b.reg_reset("write_beat", index);
    let (written, ends_burst) = (marks.bit(1), marks.bit(0));
    b.set_when(write_beat, &written, ends_burst.clone().mux(zero(index), write_beat.plus(1)));
    b.set_when(write_slot, &ends_burst, !write_slot);
    let send_slot = b.reg_reset("send_slot", 1);
    let send_beat = b.reg_reset("send_beat", index);
    let next_slot = b.wire("send_slot_next", send_slot ^ sent);
    let moved = b.forward("beat_sent", 1);
    let wlast = b.forward("is_last", 1);
    let next_beat = b.wire("send_beat_next", moved.mux(wlast.mux(zero(index), send_beat.plus(1)), send_beat));
    b.set(send_slot, next_slot);
    b.set(send_beat, next_beat);
    let ram = Ram {
        depth: 2 << index,
        write_enable: written,
        write_address: concat([write_slot, write_beat]),
        write_data: concat([Expr::from(write_strobes), pack(bytes)]),
        read_address: concat([next_slot, next_beat]),
    };
    let word = b.ram("slots", config.technology, 1, ram);

    b.comment("Requests: a burst is complete when its last beat reaches its slot.");
    let take_slot = b.reg_reset("take_slot", 1);
    b.set_when(take_slot, take, !take_slot);
    let takes = [take & !take_slot, take & take_slot];
    let by_slot = |b: &mut Builder, name: &str, value: Expr| -> [Sig; 2] {
        [0, 1].map(|slot| b.register_when(&format!("{name}_{slot}"), &takes[slot], value.clone()))
    };
    let addresses = by_slot(&mut b, "slot_address", walk.out("address").into());
    let counts = by_slot(&mut b, "slot_beats", walk.out("beats").into());
    // Once more less one: whether a beat is the last of its burst is seen without an addition.
    let last_beats = by_slot(&mut b, "slot_last_beat", walk.out("beats").plus(-1).truncate(index));
    let complete = b.reg_reset("complete", 2);
    b.set(complete, complete + early.bit(0).zero_extend(2) - grant.zero_extend(2));
    let granted = b.reg_reset("was_granted", 1);
    b.set(granted, grant);
    let request_slot = b.reg_reset("request_slot", 1);
    b.set_when(request_slot, grant, !request_slot);

    b.comment("Write data: a burst is sent from two cycles after its grant on.");
    let armed = b.reg_reset("armed", 2);
    b.set(armed, armed + granted.zero_extend(2) - sent.zero_extend(2));
    let wvalid = b.wire("sending", armed.any());
    b.drive(moved, wvalid & wready);
    b.drive(wlast, send_beat.equals(send_slot.mux(last_beats[1], last_beats[0])));
    b.drive(sent, moved & wlast);

    let done = b.reg_reset("done_r", 1);
    b.set(done, all_taken & !responses.any() & !done);
    b.set(all_taken, (take & walk.out("last")) | (all_taken & !done));
    let illegal = b.register(
        "illegal_r",
        start & field(instruction, f::MEMORY).differs(lit(LocalMemory::Feature as i128, 3)),
    );

    b.output("request", complete.any() & !granted);
    b.output("address", request_slot.mux(addresses[1], addresses[0]));
    b.output("beats", request_slot.mux(counts[1], counts[0]));
    b.output("done", done);
    b.output("illegal", illegal);
    b.output("row", pack(out_rows));
    b.output("enable", pack(out_enable));
    b.output("wvalid", wvalid);
    b.output("wdata", word.truncate(8 * bus.bytes));
    b.output("wstrb", word.slice(8 * bus.bytes, bus.bytes));
    b.output("wlast", wlast);
    debug_assert_eq!(latency + 2, timing::store_latency(config) as usize + 1);
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
            let tested = Tested::new(store(&config)).held("instruction", 50).rarely("start", 30);
            differential(&tested.rarely("grant", 4), 500, 3);
        }
    }
}
