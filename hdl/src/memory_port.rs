//! The one port to external memory: arbiter of six masters and AXI4 master.
//!
//! Each master shows one burst at a time. In a cycle in which the command register is free, or is
//! being accepted, the shown burst of highest priority is granted and enters it. Read beats come
//! back in the order of the commands and are handed out one cycle after they arrive.
//!
//! A run that has to end early is stopped here: with `stop` nothing is granted any more, and `idle` says when all
//! that was granted has ended. Whoever was granted a write still gives its data.

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, and_or, concat, index_bits, lit, pack, zero};
use crate::store::RESPONSE_BITS;
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::port::{LOAD, MASTERS, STORE};

/// Error responses of the memory, as in the error register.
pub(crate) const RESPONSES: [&str; 2] = ["read_error", "write_error"];

/// A queue whose head is registered: an entry can be read two cycles after it went in, which every
/// queue here allows since a beat comes at least two cycles after its burst was granted.
pub(crate) struct Queue {
    /// The oldest entry.
    pub head: Sig,
    /// There is no place for another entry.
    pub full: Sig,
    /// Entries.
    pub count: Sig,
}

/// A queue of `entries` (rounded up to a power of two) of what `value` is when `push`.
pub(crate) fn queue(
    b: &mut Builder,
    name: &str,
    entries: usize,
    value: Expr,
    push: &Expr,
    pop: &Expr,
) -> Queue {
    let entries = entries.next_power_of_two().max(2);
    let bits = index_bits(entries);
    let write = b.reg_reset(&format!("{name}_write"), bits);
    b.set_when(write, push, write.plus(1));
    let read = b.reg_reset(&format!("{name}_read"), bits);
    let next = b.wire(&format!("{name}_read_next"), pop.clone().mux(read.plus(1), read));
    b.set(read, next);
    let count = b.reg_reset(&format!("{name}_count"), bits + 1);
    let change = concat([push, pop]);
    let more = change.clone().is(2);
    let fewer = change.is(1);
    b.set(count, more.mux(count.plus(1), fewer.mux(count.plus(-1), count)));
    let ram = Ram {
        depth: entries,
        write_enable: push.clone(),
        write_address: write.into(),
        write_data: value,
        read_address: next.into(),
    };
    let stored = b.small_ram(&format!("{name}_entries"), ram);
    let head = b.register(&format!("{name}_head"), stored);
    let full = b.wire(&format!("{name}_full"), count.is(entries as i128));
    Queue { head, full, count }
}

/// Module `memory_port`. Per master (array ports, master 0 least significant): `request`,
/// `address`, `beats` in, `grant` out in the same cycle. Read data: `beat_valid` (a bit per master),
/// `beat_data`, `beat_last`. The rest is AXI4.
pub(crate) fn memory_port(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(
        "memory_port",
        "Arbiter of the masters of external memory, and AXI4 master: incrementing bursts, one ID, in order.",
    );
    let bus = Bus::new(config);
    let request = b.input("request", MASTERS);
    let addresses = b.input("address", 32 * MASTERS);
    let beats = b.input("beats", bus.beat_bits * MASTERS);
    let arready = b.input("arready", 1);
    let awready = b.input("awready", 1);
    let rvalid = b.input("rvalid", 1);
    let rdata = b.input("rdata", 8 * bus.bytes);
    let rresp = b.input("rresp", 2);
    let rlast = b.input("rlast", 1);
    let bvalid = b.input("bvalid", 1);
    let bresp = b.input("bresp", 2);
    let stop = b.input("stop", 1);

    let arvalid = b.reg_reset("read_command", 1);
    let awvalid = b.reg_reset("write_command", 1);
    let busy = concat([arvalid & !arready, awvalid & !awready]).any();
    let full = b.forward("returns_are_full", 1);
    let free = b.wire("command_free", !busy.clone() & !full & !stop);
    b.comment("Fixed priority: a request wins when none of the ones before it is shown.");
    let wins = |m: usize| -> Expr {
        let shown: Expr = request.bit(m);
        if m == 0 { shown } else { shown & !request.truncate(m).any() }
    };
    let winner = b.wire("winner", pack((0..MASTERS).map(wins)));
    let grant = b.wire("granted", winner & free.repeat(MASTERS));
    let any = b.wire("any_granted", request.any() & free);
    let chosen = (0..MASTERS).map(|m| (winner.bit(m), addresses.element(m, 32)));
    let address = b.register_when("command_address", free, and_or(chosen));
    let less_1 = (0..MASTERS).map(|m| (winner.bit(m), beats.element(m, bus.beat_bits).plus(-1)));
    let less_1 = b.wire("beats_less_1", and_or(less_1));
    let length = b.register_when("command_length", free, less_1.resize(8));
    let writes = grant.bit(STORE);
    b.set(arvalid, (any & !writes.clone()) | (arvalid & !arready));
    b.set(awvalid, writes.clone() | (awvalid & !awready));
    let responses = b.reg_reset("responses_left", RESPONSE_BITS);
    let change = writes.clone().zero_extend(RESPONSE_BITS) - bvalid.zero_extend(RESPONSE_BITS);
    b.set(responses, responses + change);

    b.comment("Who the beats of each read under way are for.");
    let reads = any & !writes;
    let master = concat([LOAD, 3, 2, 1, 0].map(|m| winner.bit(m)));
    let ends = rvalid & rlast;
    let returns = queue(&mut b, "returns", config.memory.outstanding + 3, master, &reads, &ends);
    b.drive(full, returns.full);
    let valid = b.register("beat_valid_r", returns.head & rvalid.repeat(5));
    let data = b.register("beat_data_r", rdata);
    let last = b.register("beat_last_r", rlast);
    let read_error = b.register("read_error_r", rvalid & rresp.bit(1));
    let write_error = b.register("write_error_r", bvalid & bresp.bit(1));

    b.output("grant", grant);
    let under_way = [arvalid.into(), awvalid.into(), returns.count.any(), responses.any()];
    b.output("idle", !concat::<Expr>(under_way).any());
    // The store master reads nothing.
    b.output("beat_valid", concat([valid.bit(4), zero(1), valid.truncate(4)]));
    b.output("beat_data", data);
    b.output("beat_last", last);
    b.output(RESPONSES[0], read_error);
    b.output(RESPONSES[1], write_error);
    for (prefix, command) in [("ar", arvalid), ("aw", awvalid)] {
        b.output(&format!("{prefix}valid"), command);
        b.output(&format!("{prefix}addr"), address);
        b.output(&format!("{prefix}len"), length);
        b.output(&format!("{prefix}size"), lit(bus.byte_bits as i128, 3));
        b.output(&format!("{prefix}burst"), lit(1, 2));
    }
    b.output("rready", lit(1, 1));
    b.output("bready", lit(1, 1));
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};

    /// Grants go by priority, one a free command register; beats go to who asked.
    #[test]
    fn grants_by_priority() {
        let module = memory_port(&Config::sized(4, 4));
        let mut bench = Bench::new(&module);
        bench.set("request", 0b11_0010);
        bench.set("beats", 7 | 2 << (2 * 5) | 3 << (5 * 4) | 4 << (5 * 5) | 5 << 5);
        assert_eq!(bench.number("grant"), 0b10);
        bench.tick();
        // Not accepted yet: nothing more is granted.
        bench.set("request", 0b11_0000);
        assert_eq!(["grant", "arvalid", "arlen"].map(|n| bench.number(n)), [0, 1, 4]);
        bench.set("arready", 1);
        assert_eq!(bench.number("grant"), 0b1_0000);
        bench.tick();
        bench.set("request", 0b10_0000);
        assert_eq!(["grant", "arvalid", "awvalid", "awlen"].map(|n| bench.number(n)), [0, 0, 1, 2]);
        bench.set("awready", 1);
        assert_eq!(bench.number("grant"), 0b10_0000);
        bench.tick();
        bench.set("request", 0);
        bench.tick();
        for (beat, (last, to)) in [(0, 2), (1, 2), (0, 32), (1, 32)].into_iter().enumerate() {
            bench.set("rvalid", 1);
            bench.set("rdata", beat as i128 + 5);
            bench.set("rlast", last);
            bench.tick();
            assert_eq!(
                ["beat_valid", "beat_data", "beat_last"].map(|n| bench.number(n)),
                [to, beat as u64 + 5, last as u64]
            );
        }
        bench.set("rvalid", 0);
        bench.tick();
        assert_eq!(bench.number("beat_valid"), 0);
    }

    /// After `stop` nothing is granted; `idle` waits for the command, the read and the response under way.
    #[test]
    fn stops_and_drains() {
        let module = memory_port(&Config::sized(4, 4));
        let mut bench = Bench::new(&module);
        bench.set("arready", 1);
        bench.set("request", 0b1_0000);
        assert_eq!(["grant", "idle"].map(|n| bench.number(n)), [0b1_0000, 1]);
        bench.tick();
        bench.set("request", 1);
        bench.set("awready", 1);
        assert_eq!(["grant", "idle"].map(|n| bench.number(n)), [1, 0]);
        bench.tick();
        bench.set("request", 0b11_1111);
        bench.set("stop", 1);
        let quiet = |bench: &mut Bench, idle: u64| {
            assert_eq!(["grant", "idle"].map(|n| bench.number(n)), [0, idle]);
            bench.tick();
        };
        quiet(&mut bench, 0);
        quiet(&mut bench, 0);
        bench.set("bvalid", 1);
        quiet(&mut bench, 0);
        bench.set("bvalid", 0);
        bench.set("rvalid", 1);
        quiet(&mut bench, 0);
        bench.set("rlast", 1);
        quiet(&mut bench, 0);
        bench.set("rvalid", 0);
        quiet(&mut bench, 1);
        bench.set("stop", 0);
        assert_eq!(bench.number("grant"), 1);
    }

    #[test]
    fn verilog_agrees() {
        let tested = Tested::new(memory_port(&Config::sized(4, 4)));
        differential(&tested.rarely("rvalid", 3).rarely("stop", 9), 1000, 5);
    }
}
