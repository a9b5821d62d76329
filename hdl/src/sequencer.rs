//! Instruction fetch and issue of one unit, and the semaphores that all units share.

use crate::build::{Builder, Expr, Module, Ops, Ram, concat, index_bits, lit, pack, zero};
use crate::registers::{BASE_BITS, BASE_SHIFT};
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::encoding::{KEY_BYTES, tile, transfer};
use tilewright_arch::instr::SEMAPHORES;
use tilewright_arch::{Config, isa, timing};

/// Bits of the number of instructions of a list.
pub(crate) const COUNT_BITS: usize = 24;

/// Module `sequencer_{bytes}`: runs a list of instructions of `bytes` bytes, one at a time.
///
/// `start` takes `list_address` (a multiple of `bytes`), counted from `base` (a multiple of 4 KiB, without the
/// zeros), and `count`. The list is read burst by burst: first the key, in the place of an instruction, which is
/// compared as it comes (`foreign`: it is not this machine's), then instructions, into a small memory. A complete
/// instruction moves on to `instruction`, a word a cycle, as soon as the one before is done, and is issued when all
/// the semaphores it waits for are in `nonzero`. `instruction` stays from then until the unit's `done`. `finished` is
/// one from the last `done` on, or without instructions.
///
/// Nothing is issued after `foreign` because that error stops the run, long before an instruction is complete.
pub(crate) fn sequencer(config: &Config, bytes: usize) -> Arc<Module> {
    let mut b = Builder::new(
        format!("sequencer_{bytes}"),
        format!("Fetches and issues the instructions ({bytes} bytes each) of one unit."),
    );
    // Both kinds of instruction begin alike.
    assert_eq!((tile::WAIT.offset, tile::SIGNAL.offset), (transfer::WAIT.offset, transfer::SIGNAL.offset));
    let bus = Bus::new(config);
    let start = b.input("start", 1);
    let list = b.input("list_address", 32);
    let base = b.input("base", BASE_BITS);
    let count = b.input("count", COUNT_BITS);
    let grant = b.input("grant", 1);
    let beat = b.input("beat_valid", 1);
    let data = b.input("beat_data", 8 * bus.bytes);
    let nonzero = b.input("nonzero", SEMAPHORES);
    let done = b.input("done", 1);

    b.comment(
        "Fetch: the bursts of the key, then of an instruction; two cycles from a grant to the next request.",
    );
    let chunk = bytes.min(config.memory.burst_bytes);
    let bursts = bytes / chunk;
    // A beat may be more than the key, a burst less.
    let key_beats = KEY_BYTES.div_ceil(bus.bytes);
    let key_bursts = KEY_BYTES.div_ceil(chunk);
    let fetch_key = b.reg_reset("fetch_key", 1);
    let issue = b.reg_reset("issued", 1);
    let to_fetch = b.reg_reset("to_fetch", COUNT_BITS);
    let more = b.wire("more", to_fetch.any());
    let request = b.reg_reset("requested", 1);
    let inside = chunk.trailing_zeros() as usize;
    let address = b.reg("fetch_burst", 32 - inside);
    let last_burst: Expr = if bursts == 1 {
        lit(1, 1)
    } else {
        let burst = b.reg_reset("burst", bursts.trailing_zeros() as usize);
        let last = b.wire("last_burst", fetch_key.mux(burst.is(key_bursts as i128 - 1), burst.all()));
        b.set_when(burst, grant, last.mux(zero(burst.width()), burst.plus(1)));
        last.into()
    };
    let ends = b.wire("last_granted", grant & last_burst.clone());
    b.set(fetch_key, start | (fetch_key & !ends));
    let again = b.reg_reset("again", 1);
    b.set(again, grant & (!last_burst.clone() | fetch_key));
    let begin = b.wire("shows", (start & count.any()) | (issue & more) | again);
    b.set(request, begin | (request & !grant));
    let place = (list.slice(BASE_SHIFT, BASE_BITS) + base, list.slice(inside, BASE_SHIFT - inside));
    // Behind the key the rest of its place is left out. The sum does not hang on the grant, which comes late.
    let key_ends = b.wire("key_ends", fetch_key & last_burst);
    let skip = bursts - key_bursts + 1;
    let onward = address + key_ends.mux(lit(skip as i128, address.width()), lit(1, address.width()));
    b.set_when(address, start | grant, start.mux(concat([place.0, place.1]), onward));
    let fetched_one = b.wire("fetched_one", ends & !fetch_key);
    b.set_when(to_fetch, start | fetched_one, start.mux(count, to_fetch.plus(-1)));

    b.comment("Beats come in the order of their bursts: those of the key first, which are compared.");
    let expects_key = b.reg_reset("expects_key", 1);
    let is_key = b.wire("is_key", beat & expects_key);
    let beats = bytes / bus.bytes;
    let received = b.reg_reset("received", beats.trailing_zeros() as usize);
    let key_bits = 8 * bus.bytes.min(KEY_BYTES);
    let key = lit(i128::from(isa::key(config)), 8 * KEY_BYTES);
    let (key, key_received) = match key_beats {
        1 => (key, lit(1, 1)),
        _ => {
            let index = received.truncate(key_beats.trailing_zeros() as usize);
            (key.select(index.clone(), key_bits), index.all())
        }
    };
    let key_received = b.wire("key_received", is_key & key_received);
    b.set(expects_key, start | (expects_key & !key_received));
    b.set_when(received, beat, key_received.mux(zero(received.width()), received.plus(1)));
    let foreign = b.register("foreign_r", is_key & data.truncate(key_bits).differs(key));

    b.comment("The prefetch memory: rows of one or more beats, a memory for each beat of a row.");
    let rows = (timing::UNPACK as usize).min(beats);
    let row_beats = beats / rows;
    let full = b.reg_reset("prefetch_full", 1);
    let waiting = b.reg_reset("waiting", 1);
    let busy = b.reg_reset("busy", 1);
    let take = b.wire("take", full & !waiting & (!busy | done));
    b.set(full, (beat & received.all()) | (full & !take));

    b.comment("The instruction register, a row a cycle.");
    let unpacking = b.reg_reset("unpacking", 1);
    let step = b.reg_reset("unpack_step", timing::UNPACK.trailing_zeros() as usize);
    let unpack = b.wire("unpack", take | unpacking);
    b.set_when(step, unpack, step.plus(1));
    let unpacked = b.wire("unpacked", unpack & step.all());
    b.set(unpacking, unpack & !unpacked);
    let row_bits = index_bits(rows);
    let write_row = received.slice(received.width() - row_bits, row_bits);
    let mut row = vec![];
    for k in 0..row_beats {
        let here = if row_beats == 1 {
            beat.into()
        } else {
            beat & received.truncate(row_beats.trailing_zeros() as usize).is(k as i128)
        };
        let ram = Ram {
            depth: rows,
            write_enable: here,
            write_address: write_row.clone(),
            write_data: data.into(),
            read_address: step.truncate(row_bits),
        };
        row.push(b.small_ram(&format!("prefetch_{k}"), ram));
    }
    let row = b.wire("prefetched_row", pack(row));
    let parts: Vec<_> = (0..rows)
        .map(|r| b.register_when(&format!("instruction_{r}"), unpack & step.is(r as i128), row))
        .collect();
    let instruction = b.wire("instruction_r", pack(parts));

    b.comment("Issue.");
    let wait = b.wire("waits_for", instruction.slice(tile::WAIT.offset, SEMAPHORES));
    // The masks are in the first row, there in time for the cycle of the last. The issue has a
    // register of its own: much hangs on it.
    let complete = b.wire("complete", unpacked | waiting);
    let go = b.wire("go", complete & !(wait & !nonzero).any());
    b.set(waiting, complete & !go);
    b.set(issue, go);
    b.set(busy, issue | (busy & !done));
    // One instruction is under way and one is prefetched at most.
    let fetched = b.reg_reset("fetched_not_done", 2);
    b.set(fetched, fetched + fetched_one.zero_extend(2) - done.zero_extend(2));
    let finished = b.wire("all_done", !more & (!fetched.any() | (fetched.is(1) & done)));

    let beats_of = |bytes: usize| lit(bytes.div_ceil(bus.bytes) as i128, bus.beat_bits);
    b.output("request", request);
    b.output("address", concat([address.into(), zero(inside)]));
    b.output("beats", fetch_key.mux(beats_of(KEY_BYTES.min(chunk)), beats_of(chunk)));
    b.output("foreign", foreign);
    b.output("issue", issue);
    b.output("instruction", instruction);
    b.output("wait_mask", wait);
    b.output("signal_mask", instruction.slice(tile::SIGNAL.offset, SEMAPHORES));
    b.output("finished", finished);
    b.finish()
}

/// Module `semaphores`: counters of eight bits. `issue` and `done` have a bit a unit, `wait_masks` and
/// `signal_masks` a mask a unit. A take and a signal in one cycle cancel. A count never wraps: a signal too many is
/// `overflow`.
pub(crate) fn semaphores(units: usize) -> Arc<Module> {
    let mut b = Builder::new(
        "semaphores",
        "Counting semaphores: what a unit waits for and who is told when it is done.",
    );
    let clear = b.input("clear", 1);
    let issue = b.input("issue", units);
    let waits = b.input("wait_masks", SEMAPHORES * units);
    let done = b.input("done", units);
    let signals = b.input("signal_masks", SEMAPHORES * units);
    let mut nonzero = vec![];
    let mut overflow = vec![];
    for s in 0..SEMAPHORES {
        let hit = |strobes: crate::build::Sig, masks: crate::build::Sig| {
            pack((0..units).map(|u| strobes.bit(u) & masks.bit(SEMAPHORES * u + s))).any()
        };
        let take = b.wire(&format!("take_{s}"), hit(issue, waits));
        let give = b.wire(&format!("give_{s}"), hit(done, signals));
        let count = b.reg_reset(&format!("count_{s}"), 8);
        let more = b.wire(&format!("more_{s}"), give & !take);
        // What would be one too many ends the run; until it has, the count stays.
        let full = b.wire(&format!("full_{s}"), count.all());
        let up = b.wire(&format!("up_{s}"), more & !full);
        let down = b.wire(&format!("down_{s}"), take & !give);
        // One addition, of one or of minus one.
        let step = concat([down.repeat(7), lit(1, 1)]);
        b.set_when(count, clear | up | down, clear.mux(zero(8), count + step));
        let any = b.reg_reset(&format!("nonzero_{s}"), 1);
        b.set_when(any, clear | up | down, !clear & (up | count.slice(1, 7).any()));
        nonzero.push(any);
        overflow.push(more & full);
    }
    b.output("nonzero", pack(nonzero));
    let overflow = b.register("overflow_r", pack(overflow).any());
    b.output("overflow", overflow);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};
    use crate::dynsig::BitVector;
    use tilewright_random::Random;

    /// Requests, readiness and issue of two instructions at the cycles that the contract states.
    #[test]
    fn fetches_and_issues_on_time() {
        let mut config = Config::sized(4, 4);
        config.memory.burst_bytes = 32;
        config.memory.bus_bytes = 4;
        let module = sequencer(&config, 64);
        let mut bench = Bench::new(&module);
        bench.set("start", 1);
        bench.set("list_address", 0x1240);
        bench.set("base", 0xfffff);
        bench.set("count", 2);
        bench.tick();
        bench.set("start", 0);
        let granted = |bench: &mut Bench, address: u64, beats: u64| {
            let shown = ["request", "address", "beats"].map(|name| bench.number(name));
            assert_eq!(shown, [1, address, beats]);
            bench.set("grant", 1);
            bench.tick();
            bench.set("grant", 0);
            for _ in 1..timing::REQUEST_NEXT {
                assert_eq!(bench.number("request"), 0);
                bench.tick();
            }
        };
        // The address wraps; the key has the place of an instruction.
        let first = 0x240;
        granted(&mut bench, first, 1);
        bench.set("beat_valid", 1);
        bench.set("beat_data", i128::from(isa::key(&config)));
        bench.tick();
        bench.set("beat_valid", 0);
        assert_eq!(bench.number("foreign"), 0);
        let mut issue = 0;
        for instruction in 0..2u64 {
            for burst in 0..2 {
                granted(&mut bench, first + 64 * (1 + instruction) + 32 * burst, 8);
            }
            for beat in 0..16 {
                // The beat arrives at the port in the cycle before it comes here.
                bench.set("beat_valid", 1);
                bench.set("beat_data", if beat == 0 { 0x0002_0005 } else { beat });
                assert_eq!(bench.number("issue"), 0);
                bench.tick();
                bench.set("beat_valid", 0);
            }
            for _ in 2..timing::FETCH_READY {
                assert_eq!(bench.number("issue"), 0);
                bench.tick();
            }
            bench.set("nonzero", 4);
            if instruction == 1 {
                bench.set("nonzero", 5);
                bench.tick();
                bench.tick();
                assert_eq!(bench.number("issue"), 0, "the first is not done");
                bench.set("done", 1);
                assert_eq!(bench.number("finished"), 0);
                bench.tick();
                bench.set("done", 0);
                for _ in 1..timing::ISSUE_NEXT {
                    assert_eq!(bench.number("issue"), 0);
                    bench.tick();
                }
            } else {
                assert_eq!(bench.number("issue"), 0);
                bench.tick();
                // Shows in the cycle after the signal.
                bench.set("nonzero", 5);
                for _ in 1..timing::SIGNAL_TO_ISSUE {
                    assert_eq!(bench.number("issue"), 0);
                    bench.tick();
                }
            }
            assert_eq!(bench.number("issue"), 1);
            assert_eq!(bench.number("signal_mask"), 2);
            issue += bench.number("issue");
            bench.tick();
        }
        assert_eq!(issue, 2);
        bench.set("done", 1);
        assert_eq!(bench.number("finished"), 1);
        bench.tick();
        bench.set("done", 0);
        assert_eq!(["finished", "issue", "request"].map(|n| bench.number(n)), [1, 0, 0]);
    }

    /// A key that differs in any bit is foreign, on buses narrower and wider than it.
    #[test]
    fn every_bit_of_the_key_is_compared() {
        for bus in [1, 2, 4, 8, 16] {
            let mut config = Config::sized(16, 4);
            config.memory.bus_bytes = bus;
            config.memory.burst_bytes = 2 * bus;
            let module = sequencer(&config, 32);
            let mut bench = Bench::new(&module);
            for wrong in 0..33 {
                // The last round has the right key, behind it whatever is there.
                let key = (u128::from(isa::key(&config)) | 0xabcd << 64) ^ (1 << wrong);
                bench.set("reset", 1);
                bench.tick();
                bench.set("reset", 0);
                bench.set("start", 1);
                bench.set("count", 1);
                bench.tick();
                bench.set("start", 0);
                let mut foreign = 0;
                for beat in 0..KEY_BYTES.div_ceil(bus) {
                    bench.set("beat_valid", 1);
                    bench.set_value(
                        "beat_data",
                        &BitVector::from_bytes(&key.to_le_bytes()[bus * beat..][..bus]),
                    );
                    bench.tick();
                    foreign |= bench.number("foreign");
                }
                bench.set("beat_valid", 0);
                bench.tick();
                assert_eq!(bench.number("foreign"), 0);
                assert_eq!(foreign, u64::from(wrong < 32), "bit {wrong} on {bus} bytes");
            }
        }
    }

    #[test]
    fn semaphores_count() {
        let module = semaphores(4);
        let mut bench = Bench::new(&module);
        let mut random = Random::new(3);
        let mut counts = [0u32; SEMAPHORES];
        for _ in 0..600 {
            let nonzero: u16 = (0..16).map(|s| u16::from(counts[s] > 0) << s).sum();
            assert_eq!(bench.number("nonzero"), u64::from(nonzero));
            let (give, take) = (random.bits() as u16, random.bits() as u16 & nonzero);
            let give = give & !(0..16).map(|s| u16::from(counts[s] > 250) << s).sum::<u16>();
            bench.set("issue", 0b1000);
            bench.set("done", 0b0010);
            bench.set("wait_masks", i128::from(take) << 48 | 0xffff_ffff);
            bench.set("signal_masks", i128::from(give) << 16);
            bench.tick();
            for (s, count) in counts.iter_mut().enumerate() {
                *count = *count + u32::from(give >> s & 1) - u32::from(take >> s & 1);
            }
        }
        bench.set("clear", 1);
        bench.tick();
        assert_eq!(bench.number("nonzero"), 0);
    }

    #[test]
    fn verilog_agrees() {
        for (bus, burst) in [(4, 64), (1, 2)] {
            let mut config = Config::sized(4, 4);
            (config.memory.bus_bytes, config.memory.burst_bytes) = (bus, burst);
            let tested = Tested::new(sequencer(&config, 64)).rarely("start", 100).rarely("done", 9);
            differential(&tested, 1000, 3);
        }
        differential(&Tested::new(semaphores(4)).rarely("clear", 50), 300, 3);
    }
}
