//! The register port: how a host starts the machine and asks how it is.
//!
//! A synchronous port of 32-bit words: in a cycle with `register_write`, `register_write_data` goes to
//! `register_address`; `register_read_data` is the word at the address of the cycle before.
//!
//! [`tilewright_arch::registers`] says what the words are.

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, lit, pack, zero};
use crate::sequencer::COUNT_BITS;
use std::sync::Arc;
use tilewright_arch::instr::Unit;
use tilewright_arch::registers::{ADDRESS, CONTROL, COUNT, ERRORS, NUMBER_BITS};

/// Module `registers`.
pub(crate) fn registers() -> Arc<Module> {
    let mut b =
        Builder::new("registers", "Register port: start, status, cycle counter, places of the programs.");
    let units = Unit::ALL.len();
    let write = b.input("write", 1);
    let address = b.input("address", NUMBER_BITS);
    let write_data = b.input("write_data", 32);
    let finished = b.input("finished", units);
    let errors = b.input("errors", ERRORS.len());

    let at = |index: usize| write & address.is(index as i128);
    let running = b.reg_reset("running", 1);
    let start = b.wire("starts", at(CONTROL.number) & write_data.bit(0) & !running);
    let done = b.reg_reset("was_done", 1);
    let finish = b.wire("finish", running & finished.all());
    b.set(running, start | (running & !finish));
    b.set(done, finish | (done & !start));
    let cycles = b.reg_reset("cycles", 64);
    let change = start | running;
    b.set_when(cycles, change, start.mux(lit(1, 64), cycles.plus(1)));
    let error = b.reg_reset("error", ERRORS.len());
    b.set(error, start.mux(zero(ERRORS.len()), error | errors));

    let word = |b: &mut Builder, name: &str, index: usize, width: usize| -> Sig {
        b.register_when(name, at(index), write_data.truncate(width))
    };
    let bases: Vec<Sig> =
        (0..units).map(|u| word(&mut b, &format!("base_{u}"), ADDRESS.number + u, 32)).collect();
    let counts: Vec<Sig> =
        (0..units).map(|u| word(&mut b, &format!("count_{u}"), COUNT.number + u, COUNT_BITS)).collect();
    // What was written can be read back from a memory beside the registers: (list, unit).
    let is_place = address.bit(2) | address.bit(3);
    let place = concat([address.bit(3), address.truncate(2)]);
    let ram = Ram {
        depth: 8,
        write_enable: write & is_place.clone(),
        write_address: place.clone(),
        write_data: write_data.into(),
        read_address: place,
    };
    let written = b.small_ram("places", ram);
    let status: [Expr; 4] = [
        concat([running, done]).zero_extend(32),
        error.zero_extend(32),
        cycles.truncate(32),
        cycles.slice(32, 32),
    ];
    let status = b.wire("status", pack(status));
    let read = is_place.mux(written, status.select(address.truncate(2), 32));
    let read = b.register("read_data_r", read);

    b.output("start", start);
    b.output("done", done);
    b.output("read_data", read);
    b.output("bases", pack(bases));
    b.output("counts", pack(counts));
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};
    use tilewright_arch::registers::{CYCLES, ERROR};

    #[test]
    fn counts_cycles() {
        let module = registers();
        let mut bench = Bench::new(&module);
        let put = |bench: &mut Bench, address: usize, data: u32| {
            bench.set("write", 1);
            bench.set("address", address as i128);
            bench.set("write_data", data);
            let start = bench.number("start");
            bench.tick();
            bench.set("write", 0);
            start
        };
        assert_eq!(put(&mut bench, ADDRESS.number + 2, 0x1234_5678), 0);
        assert_eq!(put(&mut bench, COUNT.number + 1, 77), 0);
        for round in 0..2 {
            assert_eq!(put(&mut bench, CONTROL.number, 1), 1);
            // Cycle 1.
            assert_eq!(put(&mut bench, CONTROL.number, 1), 0, "a start while running");
            bench.set("errors", 1 << round);
            bench.tick();
            bench.set("errors", 0);
            bench.set("finished", 0b1011);
            bench.tick();
            bench.set("finished", 0b1111);
            assert_eq!(bench.number("done"), 0);
            // Cycle 4: the last unit is done; the machine is in cycle 5.
            bench.tick();
            assert_eq!(bench.number("done"), 1);
            bench.set("finished", 0);
            bench.tick();
            let mut get = |address: usize| {
                bench.set("address", address as i128);
                bench.tick();
                bench.number("read_data")
            };
            let numbers = [CONTROL, ERROR, CYCLES].map(|r| r.number);
            let cycles_high = CYCLES.number + 1;
            let places = [ADDRESS.number + 2, COUNT.number + 1, COUNT.number];
            let all: Vec<u64> =
                numbers.into_iter().chain([cycles_high]).chain(places).map(&mut get).collect();
            assert_eq!(all, [1, 1 << round, 5, 0, 0x1234_5678, 77, 0]);
        }
    }

    #[test]
    fn verilog_agrees() {
        differential(&Tested::new(registers()).below("write_data", 2), 500, 3);
    }
}
