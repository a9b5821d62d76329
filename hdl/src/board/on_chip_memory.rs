//! Block memories as the machine's external memory: for boards without another, and for simulation.
//!
//! Its timing is the one that the configuration's `memory` states (`docs/interface.md`): a command is accepted at
//! once while fewer than `outstanding` bursts are under way, bursts are served in order of acceptance, a beat a cycle,
//! the first no earlier than `latency` cycles after its acceptance, and the response of a write comes in the cycle
//! after its last beat. So a machine takes the simulator's cycles on it. A word is read a cycle ahead: what has been
//! written in the cycle before is not seen yet, which nobody asks for before the response of the write.

use super::{MEMORY_START, memory_inputs};
use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, index_bits, lit, pack, zero};
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::technology::Technology;

/// Least latency: a command enters the queue, then becomes the burst that is served.
pub(crate) const LEAST_LATENCY: usize = 2;
/// AXI's answer where there is no memory.
const DECERR: i128 = 3;

/// Module `on_chip_memory` of `bytes`, a power of two, written in `technology`. Addresses beyond it are answered
/// with DECERR, and change nothing.
pub(crate) fn on_chip_memory(config: &Config, bytes: usize, technology: Technology) -> Arc<Module> {
    let mut b = Builder::new(
        "on_chip_memory",
        format!("External memory of {bytes} bytes in block memories, with the timing of the configuration."),
    );
    let bus = Bus::new(config);
    let memory = &config.memory;
    let inputs = memory_inputs(&bus).map(|(name, width)| (name, b.input(name, width)));
    let of = |name: &str| -> Sig {
        inputs.iter().find(|(n, _)| *n == name).map(|(_, s)| *s).expect("a name of the list")
    };
    let words = bytes / bus.bytes;
    let address_bits = index_bits(words);
    let high_bits = 32 - address_bits - bus.byte_bits;

    b.comment("Commands: accepted at once while there is room.");
    let under_way = b.reg_reset("bursts_under_way", index_bits(memory.outstanding + 1));
    let free = b.wire("has_room", under_way.less(lit(memory.outstanding as i128, under_way.width())));
    let accepted = b.wire("accepted", free & (of("axi_arvalid") | of("axi_awvalid")));
    let writes = b.wire("accepted_write", of("axi_awvalid"));
    let address = b.wire("accepted_address", writes.mux(of("axi_awaddr"), of("axi_araddr")));
    let less_1 = writes.mux(of("axi_awlen"), of("axi_arlen"));
    let outside = match high_bits {
        0 => zero(1),
        bits => address.slice(32 - bits, bits).any(),
    };
    let word = address.slice(bus.byte_bits, address_bits);
    let command = b.wire("command", concat([outside, writes.into(), less_1, word]));

    b.comment("Those that wait, in order.");
    let entries = memory.outstanding.next_power_of_two().max(2);
    let place_bits = index_bits(entries);
    let takes = b.forward("takes", 1);
    let [back, front] = [("queue_back", accepted), ("queue_front", takes)].map(|(name, step)| {
        let place = b.reg_reset(name, place_bits);
        b.set_when(place, step, place.plus(1));
        place
    });
    let waiting = b.reg_reset("queue_count", place_bits + 1);
    b.set(waiting, waiting + accepted.zero_extend(place_bits + 1) - takes.zero_extend(place_bits + 1));
    let queue = Ram {
        depth: entries,
        write_enable: accepted.into(),
        write_address: back.into(),
        write_data: command.into(),
        read_address: front.into(),
    };
    let oldest = b.small_ram("queue", queue);

    b.comment("The latency of each: a mark that arrives when its burst may begin.");
    let steps = memory.latency - 1;
    let marks = b.reg_reset("marks", steps);
    let marked =
        if steps == 1 { accepted.into() } else { concat([marks.truncate(steps - 1), accepted.into()]) };
    b.set(marks, marked);
    let ends = b.forward("ends", 1);
    let ripe = b.reg_reset("bursts_ripe", under_way.width());
    let arrives = marks.bit(steps - 1).zero_extend(ripe.width());
    b.set(ripe, ripe + arrives - ends.zero_extend(ripe.width()));

    b.comment("The burst that is served.");
    let active = b.reg_reset("active", 1);
    let has_begun = b.wire("moves", active & ripe.any());
    let write = b.reg("is_write", 1);
    let missing = b.reg("is_outside", 1);
    let left = b.reg("beats_left_less_1", 8);
    let place = b.reg("place", address_bits);
    let beat = b.wire("beat", has_begun & (!write | of("axi_wvalid")));
    let last = b.wire("last", !left.any());
    b.drive(ends, beat & last);
    b.drive(takes, waiting.any() & (!active | ends));
    b.set(active, takes | (active & !ends));
    b.set(
        under_way,
        under_way + accepted.zero_extend(under_way.width()) - ends.zero_extend(under_way.width()),
    );
    b.set_when(write, takes, oldest.bit(address_bits + 8));
    b.set_when(missing, takes, oldest.bit(address_bits + 9));
    b.set(left, takes.mux(oldest.slice(address_bits, 8), beat.mux(left.plus(-1), left)));
    let next_place = takes.mux(oldest.truncate(address_bits), beat.mux(place.plus(1), place));
    let next_place = b.wire("next_place", next_place);
    b.set(place, next_place);

    b.comment("The bytes: what the next cycle may show is read in this one.");
    let stored = b.wire("stores", beat & write & !missing);
    let lanes = (0..bus.bytes).map(|lane| {
        let ram = Ram {
            depth: words,
            write_enable: stored & of("axi_wstrb").bit(lane),
            write_address: place.into(),
            write_data: of("axi_wdata").element(lane, 8),
            read_address: next_place.into(),
        };
        Expr::from(b.ram(&format!("bytes_{lane}"), technology, 1, ram))
    });
    let data = pack(lanes.collect::<Vec<_>>());
    let response = b.reg_reset("response", 1);
    b.set(response, ends & write);
    let refused = b.register("response_is_error", missing);
    let started = b.reg_reset("started", 1);
    b.set(started, of("start_request"));

    let error = |refused: Sig| refused.mux(lit(DECERR, 2), zero(2));
    b.output("ready", lit(1, 1));
    b.output(MEMORY_START, started);
    b.output("axi_arready", free);
    b.output("axi_awready", free);
    b.output("axi_rvalid", has_begun & !write);
    b.output("axi_rdata", data);
    b.output("axi_rresp", error(missing));
    b.output("axi_rlast", last);
    b.output("axi_wready", has_begun & write);
    b.output("axi_bvalid", response);
    b.output("axi_bresp", error(refused));
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential, lint};
    use std::collections::VecDeque;
    use tilewright_random::Random;

    /// The memory that `docs/interface.md` describes, burst by burst.
    struct Described {
        bytes: Vec<u8>,
        latency: u64,
        outstanding: usize,
        bursts: VecDeque<Burst>,
        answers: VecDeque<u64>,
        /// Place of the beat that was written in the cycle before.
        fresh: Option<usize>,
    }

    struct Burst {
        write: bool,
        place: usize,
        left: usize,
        from: u64,
    }

    /// One cycle of it and of the module, on the same random commands and data.
    fn step(bench: &mut Bench, model: &mut Described, random: &mut Random, time: u64) {
        let ready = model.bursts.len() < model.outstanding;
        let front = model.bursts.front().filter(|burst| time >= burst.from + model.latency);
        let moves = front.map(|burst| (burst.write, burst.place, burst.left));
        let kind = random.below(4);
        let (reads, writes) = (kind == 0, kind == 1);
        let beats = 1 + random.below(4);
        let place = 4 * random.below(60);
        let valid = random.below(3) > 0;
        let (data, strobes) = (random.bits() as u32, random.below(16));
        for (name, value) in [
            ("axi_arvalid", i128::from(reads)),
            ("axi_awvalid", i128::from(writes)),
            ("axi_araddr", place as i128),
            ("axi_awaddr", place as i128),
            ("axi_arlen", beats as i128 - 1),
            ("axi_awlen", beats as i128 - 1),
            ("axi_wvalid", i128::from(valid)),
            ("axi_wdata", i128::from(data)),
            ("axi_wstrb", strobes as i128),
        ] {
            bench.set(name, value);
        }
        let answer = model.answers.front() == Some(&time);
        let [shows_read, takes_write] = [false, true].map(|write| moves.is_some_and(|(w, ..)| w == write));
        let want = [ready, ready, shows_read, takes_write, answer].map(u64::from);
        let names = ["axi_arready", "axi_awready", "axi_rvalid", "axi_wready", "axi_bvalid"];
        assert_eq!(names.map(|name| bench.number(name)), want, "{names:?} in cycle {time}");
        let fresh = moves.filter(|(write, ..)| *write && valid).map(|(_, at, _)| at);
        if let Some((write, at, left)) = moves {
            if !write {
                let beat = u32::from_le_bytes(model.bytes[at..at + 4].try_into().expect("four bytes"));
                if model.fresh != Some(at) {
                    assert_eq!(bench.number("axi_rdata"), u64::from(beat), "cycle {time}");
                }
                assert_eq!(bench.number("axi_rlast"), u64::from(left == 1), "cycle {time}");
            }
            if !write || valid {
                for lane in (0..4).filter(|lane| write && strobes >> lane & 1 == 1) {
                    model.bytes[at + lane] = data.to_le_bytes()[lane];
                }
                let front = model.bursts.front_mut().expect("it moves");
                (front.place, front.left) = (at + 4, left - 1);
            }
        }
        model.fresh = fresh;
        if answer {
            model.answers.pop_front();
        }
        if let Some(ended) = model.bursts.pop_front_if(|burst| burst.left == 0)
            && ended.write
        {
            model.answers.push_back(time + 1);
        }
        if ready && (reads || writes) {
            model.bursts.push_back(Burst { write: writes, place, left: beats, from: time });
        }
        bench.tick();
    }

    #[test]
    fn keeps_the_timing_of_the_configuration() {
        for (latency, outstanding) in [(2, 1), (2, 4), (5, 3), (30, 4), (9, 16)] {
            let mut config = Config::sized(4, 4);
            (config.memory.latency, config.memory.outstanding) = (latency, outstanding);
            let mut bench = Bench::new(&on_chip_memory(&config, 256, Technology::Portable));
            let mut model = Described {
                bytes: vec![0; 256],
                latency: latency as u64,
                outstanding,
                bursts: VecDeque::new(),
                answers: VecDeque::new(),
                fresh: None,
            };
            let mut random = Random::new(latency as u64);
            for time in 0..3000 {
                step(&mut bench, &mut model, &mut random, time);
            }
            // Some of it was written.
            assert!(model.bytes.iter().any(|&byte| byte != 0));
        }
    }

    #[test]
    fn verilog_agrees() {
        let mut config = Config::sized(4, 4);
        config.memory.latency = 3;
        let module = on_chip_memory(&config, 256, Technology::Portable);
        lint(&module);
        let tested = Tested::new(module).below("axi_araddr", 256).rarely("axi_awvalid", 6);
        differential(&tested.below("axi_awaddr", 512), 2000, 7);
    }
}
