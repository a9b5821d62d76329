//! The register port: how a host starts the machine and asks how it is, and how a run ends.
//!
//! A synchronous port of 32-bit words: in a cycle with `register_write`, `register_write_data` goes to
//! `register_address`; `register_read_data` is the word at the address of the cycle before.
//! [`tilewright_arch::registers`] says what the words are.

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, index_bits, lit, pack, zero};
use crate::sequencer::COUNT_BITS;
use std::sync::Arc;
use tilewright_arch::instr::Unit;
use tilewright_arch::registers::{
    ADDRESS, BASE, BASE_BYTES, CONTROL, COUNT, CYCLES, ERRORS, ISA, LIMIT, NUMBER_BITS, Register,
};
use tilewright_arch::{Config, isa};

/// Zeros below what is stored of the base.
pub(crate) const BASE_SHIFT: usize = BASE_BYTES.trailing_zeros() as usize;
/// Bits that are stored of it.
pub(crate) const BASE_BITS: usize = 32 - BASE_SHIFT;
/// The first of [`ERRORS`] come from the machine, the last two from here: base, cycle limit.
pub(crate) const MACHINE_ERRORS: usize = ERRORS.len() - 2;

/// Module `registers`.
///
/// A run ends when all units have `finished`. After an error it ends early: `stop`, until the memory port is `idle`,
/// then `clear` for as long as a reset takes.
pub(crate) fn registers(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(
        "registers",
        "Register port: start, status, cycle counter, places of the programs, and the end of a run.",
    );
    let units = Unit::ALL.len();
    let write = b.input("write", 1);
    let address = b.input("address", NUMBER_BITS);
    let write_data = b.input("write_data", 32);
    let finished = b.input("finished", units);
    let errors = b.input("errors", MACHINE_ERRORS);
    let idle = b.input("idle", 1);

    b.comment("What the host writes.");
    let at = |number: usize| write & address.is(number as i128);
    let word = |b: &mut Builder, name: &str, number: usize, value: Expr| -> Sig {
        b.register_when(name, at(number), value)
    };
    let per_unit = |b: &mut Builder, name: &str, register: Register, value: Expr| -> Vec<Sig> {
        (0..units).map(|u| word(b, &format!("{name}_{u}"), register.number + u, value.clone())).collect()
    };
    let lists = per_unit(&mut b, "list", ADDRESS, write_data.into());
    let counts = per_unit(&mut b, "count", COUNT, write_data.truncate(COUNT_BITS));
    let limit = word(&mut b, "limit", LIMIT.number, write_data.into());
    let limited = word(&mut b, "limited", LIMIT.number, write_data.any());
    let base = word(&mut b, "base", BASE.number, write_data.slice(BASE_SHIFT, BASE_BITS));
    let below = config.memory.base_bytes().trailing_zeros() as usize;
    let misaligned = word(&mut b, "misaligned", BASE.number, write_data.truncate(below).any());

    b.comment("Start, and the cycle counter.");
    let running = b.reg_reset("running", 1);
    let start = b.wire("starts", at(CONTROL.number) & write_data.bit(0) & !running);
    let cycles = b.reg_reset("cycles", 64);
    b.set_when(cycles, start | running, start.mux(lit(1, 64), cycles.plus(1)));

    b.comment("Errors: each ends the run.");
    let stopped = b.reg_reset("stopped", 1);
    let expires = b.wire("expires", running & !stopped & limited & cycles.truncate(32).equals(limit));
    let error = b.reg_reset("error", ERRORS.len());
    let found = concat([expires.into(), zero(1), errors.into()]);
    let at_start = concat([zero(1), misaligned.into(), zero(MACHINE_ERRORS)]);
    b.set(error, start.mux(at_start, error | found.clone()));

    b.comment("The end: of all units, or of what was begun and of the reset of what began it.");
    let drained = b.wire("drained", stopped & idle);
    // The strobe is a register, because all of the machine hangs on it.
    let clear = b.reg_reset("clears", 1);
    let cycles_to_clear = crate::reset_cycles(config) as usize;
    let cleared = b.reg_reset("cycles_cleared", index_bits(cycles_to_clear + 1));
    b.set(cleared, drained.mux(cleared.plus(1), zero(cleared.width())));
    let done = b.reg_reset("was_done", 1);
    let end = stopped.mux(drained & cleared.is(cycles_to_clear as i128), finished.all());
    let finish = b.wire("finish", running & end);
    b.set(clear, drained & !finish);
    b.set(stopped, start.mux(misaligned, (stopped | (running & found.any())) & !finish));
    b.set(running, start | (running & !finish));
    b.set(done, finish | (done & !start));

    b.comment("What is read: status, or what was written, from a memory beside the registers.");
    let ram = Ram {
        depth: 1 << NUMBER_BITS,
        write_enable: write.into(),
        write_address: address.into(),
        write_data: write_data.into(),
        read_address: address.into(),
    };
    let written = b.small_ram("written", ram);
    let status: [Expr; 4] = [
        concat([running, done]).zero_extend(32),
        error.zero_extend(32),
        cycles.truncate(32),
        cycles.slice(32, 32),
    ];
    debug_assert_eq!(CYCLES.number + CYCLES.count, status.len());
    let status = b.wire("status", pack(status));
    let of_status = !address.slice(2, NUMBER_BITS - 2).any();
    let key = lit(i128::from(isa::key(config)), 32);
    let others = address.is(ISA.number as i128).mux(key, written);
    let read = b.register("read_data_r", of_status.mux(status.select(address.truncate(2), 32), others));

    b.output("start", start);
    b.output("done", done);
    b.output("read_data", read);
    b.output("list_addresses", pack(lists));
    b.output("counts", pack(counts));
    b.output("base", base);
    b.output("stop", stopped);
    b.output("clear", clear);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};
    use tilewright_arch::registers::ERROR;
    use tilewright_arch::sdram::Sdram;

    /// Writes a register; whether that starts a run.
    fn put(bench: &mut Bench, number: usize, data: u32) -> u64 {
        bench.set("write", 1);
        bench.set("address", number as i128);
        bench.set("write_data", data);
        let start = bench.number("start");
        bench.tick();
        bench.set("write", 0);
        start
    }

    fn get(bench: &mut Bench, number: usize) -> u64 {
        bench.set("address", number as i128);
        bench.tick();
        bench.number("read_data")
    }

    fn error(name: &str) -> u64 {
        1 << ERRORS.iter().position(|error| error.name == name).expect("a name of the table")
    }

    #[test]
    fn counts_cycles() {
        let config = Config::sized(4, 4);
        let mut bench = Bench::new(&registers(&config));
        put(&mut bench, ADDRESS.number + 2, 0x1234_5678);
        put(&mut bench, COUNT.number + 1, 77);
        put(&mut bench, ISA.number, 5);
        for _ in 0..2 {
            assert_eq!(put(&mut bench, CONTROL.number, 1), 1);
            // Cycle 1.
            assert_eq!(put(&mut bench, CONTROL.number, 1), 0, "a start while running");
            bench.tick();
            bench.set("finished", 0b1011);
            bench.tick();
            bench.set("finished", 0b1111);
            assert_eq!(bench.number("done"), 0);
            // Cycle 4: the last unit is done; the machine is in cycle 5.
            bench.tick();
            assert_eq!(bench.number("done"), 1);
            bench.set("finished", 0);
            bench.tick();
            let numbers = [CONTROL, ERROR, CYCLES, ISA, COUNT].map(|r| r.number);
            let found = numbers.map(|number| get(&mut bench, number));
            assert_eq!(found, [1, 0, 5, u64::from(isa::key(&config)), 0]);
            let numbers = [CYCLES.number + 1, ADDRESS.number + 2, COUNT.number + 1];
            assert_eq!(numbers.map(|number| get(&mut bench, number)), [0, 0x1234_5678, 77]);
        }
    }

    /// An error, the limit and a base that is none stop, drain, clear, and end; the next start is free of them.
    #[test]
    fn errors_end_a_run() {
        let config = Config::sized(4, 4);
        let mut bench = Bench::new(&registers(&config));
        let signals = |bench: &mut Bench| ["stop", "clear", "done"].map(|name| bench.number(name));
        let cases = [
            ("semaphore_overflow", 0, 0),
            ("foreign_program", 9, 0),
            ("cycle_limit", 3, 0),
            ("base_misaligned", 0, 64),
        ];
        for (name, limit, base) in cases {
            put(&mut bench, LIMIT.number, limit);
            put(&mut bench, BASE.number, 0x7000 + base);
            assert_eq!(bench.number("base"), 7);
            assert_eq!(put(&mut bench, CONTROL.number, 1), 1);
            for cycle in 1..=3 {
                assert_eq!(signals(&mut bench), [u64::from(base > 0), 0, 0], "{name} in cycle {cycle}");
                let now = error(name) < 1 << MACHINE_ERRORS && cycle == 3;
                bench.set("errors", if now { error(name) as i128 } else { 0 });
                bench.tick();
            }
            bench.set("errors", 0);
            bench.set("finished", 0b1111);
            for _ in 0..5 {
                assert_eq!(signals(&mut bench), [1, 0, 0], "{name}: the memory is not idle");
                bench.tick();
            }
            bench.set("finished", 0);
            bench.set("idle", 1);
            assert_eq!(signals(&mut bench), [1, 0, 0], "{name}");
            bench.tick();
            for _ in 0..crate::reset_cycles(&config) {
                assert_eq!(signals(&mut bench), [1, 1, 0], "{name}");
                bench.tick();
            }
            bench.set("idle", 0);
            assert_eq!(signals(&mut bench), [0, 0, 1], "{name}");
            assert_eq!(get(&mut bench, ERROR.number), error(name));
        }
    }

    /// The limit is the number of cycles that a run may take: one that takes as many is right.
    #[test]
    fn a_limit_is_exact() {
        let mut bench = Bench::new(&registers(&Config::sized(4, 4)));
        bench.set("idle", 1);
        for limit in [0, 8, 7, 6, 5, 9] {
            put(&mut bench, LIMIT.number, limit);
            put(&mut bench, CONTROL.number, 1);
            (1..6).for_each(|_| bench.tick());
            bench.set("finished", 0b1111);
            let mut waited = 0;
            while bench.number("done") == 0 {
                bench.tick();
                waited += 1;
            }
            bench.set("finished", 0);
            let within = limit == 0 || limit >= 7;
            assert_eq!(
                get(&mut bench, ERROR.number),
                if within { 0 } else { error("cycle_limit") },
                "{limit}"
            );
            if within {
                assert_eq!((waited, get(&mut bench, CYCLES.number)), (1, 7), "{limit}");
            }
        }
    }

    /// Behind a memory chip a base is a multiple of a row of all banks.
    #[test]
    fn a_base_moves_rows_alone() {
        let mut config = Config::sized(4, 4);
        config.memory.bus_bytes = 2;
        config.memory.sdram = Some(Sdram { column_bits: 10, ..Sdram::default() });
        config.validate().expect("a legal configuration");
        let mut bench = Bench::new(&registers(&config));
        for (base, wrong) in [(8192, 0), (4096, 1), (3 * 4096, 1), (5 * 8192, 0), (64, 1)] {
            put(&mut bench, BASE.number, base);
            put(&mut bench, CONTROL.number, 1);
            assert_eq!(bench.number("stop"), wrong, "base {base}");
            bench.set("finished", 0b1111);
            bench.set("idle", 1);
            for _ in 0..crate::reset_cycles(&config) + 3 {
                bench.tick();
            }
            assert_eq!(bench.number("done"), 1);
            bench.set("finished", 0);
        }
    }

    #[test]
    fn verilog_agrees() {
        let tested = Tested::new(registers(&Config::sized(4, 4)));
        differential(&tested.below("write_data", 2).rarely("errors", 20), 500, 3);
    }
}
