//! The register port as an AXI4-Lite slave: module `tilewright_axi_lite`, the machine in it.
//!
//! ```text
//! write   address and data are taken together, in one cycle, and written in it; the answer is shown from the next
//! read    the address is taken; two cycles later the word is shown
//! ```
//!
//! One write and one read are under way at a time; a write goes before a read, because the machine has one address.
//! Words are whole: a write of some bytes is answered with SLVERR, and nothing is written.

use crate::build::{Builder, Module, Ops, Sig, lit, zero};
use crate::top::top;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::registers::NUMBER_BITS;

/// Name of the module around the machine.
pub const TOP: &str = "tilewright_axi_lite";
/// Prefix of its slave ports.
const SLAVE: &str = "s_axi_";
/// Bits of a byte address: registers of four bytes.
const ADDRESS_BITS: usize = NUMBER_BITS + 2;
/// AXI's answer of a slave that refuses.
const SLVERR: i128 = 2;

/// The slave's inputs and their bits.
const INPUTS: [(&str, usize); 9] = [
    ("awvalid", 1),
    ("awaddr", ADDRESS_BITS),
    ("wvalid", 1),
    ("wdata", 32),
    ("wstrb", 4),
    ("bready", 1),
    ("arvalid", 1),
    ("araddr", ADDRESS_BITS),
    ("rready", 1),
];
/// Its outputs.
const OUTPUTS: [&str; 8] = ["awready", "wready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp"];

/// Module `axi_lite`: the slave on one side, the register port on the other.
fn bridge() -> Arc<Module> {
    let mut b = Builder::new("axi_lite", "AXI4-Lite to the register port.");
    let [awvalid, awaddr, wvalid, wdata, wstrb, bready, arvalid, araddr, rready] =
        INPUTS.map(|(name, width)| b.input(name, width));
    let read_data = b.input("register_read_data", 32);
    let number = |address: Sig| address.slice(2, NUMBER_BITS);

    b.comment("A write: taken in a cycle of its own, answered until the answer is taken.");
    let write = b.reg_reset("takes_write", 1);
    let bvalid = b.reg_reset("write_answered", 1);
    b.set(write, awvalid & wvalid & !write & (!bvalid | bready));
    b.set(bvalid, write | (bvalid & !bready));
    let whole = b.wire("is_whole", wstrb.is(0b1111));
    let refused = b.register_when("write_refused", write, !whole);

    b.comment("A read: the word comes the cycle after the address, and is kept until it is taken.");
    let read = b.reg_reset("takes_read", 1);
    let looked = b.reg_reset("looked_up", 1);
    let rvalid = b.reg_reset("read_answered", 1);
    let shown = b.wire("address_shown", read & !write);
    b.set(read, (arvalid & !read & !looked & (!rvalid | rready)) | (read & write));
    b.set(looked, shown);
    b.set(rvalid, looked | (rvalid & !rready));
    let word = b.register_when("word", looked, read_data);

    b.output("awready", write);
    b.output("wready", write);
    b.output("bvalid", bvalid);
    b.output("bresp", refused.mux(lit(SLVERR, 2), zero(2)));
    b.output("arready", shown);
    b.output("rvalid", rvalid);
    b.output("rdata", word);
    b.output("rresp", zero(2));
    b.output("register_write", write & whole);
    b.output("register_address", write.mux(number(awaddr), number(araddr)));
    b.output("register_write_data", wdata);
    b.finish()
}

/// Module [`TOP`]: ports `s_axi_*` in the place of the machine's register port, the others as they are.
pub(crate) fn wrapper(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(TOP, "The machine with an AXI4-Lite slave in the place of its register port.");
    let machine = top(config);
    let reset = b.reset();
    let mut ports: Vec<_> =
        INPUTS.map(|(name, width)| (name, b.input(&format!("{SLAVE}{name}"), width).into())).to_vec();
    let read_data = b.forward("register_read_data", 32);
    ports.push(("register_read_data", read_data.into()));
    ports.push(("reset", reset.into()));
    let bridge = b.instance("bridge", &bridge(), &ports);

    let own = |name: &str| !["clock", "reset"].contains(&name) && !name.starts_with("register_");
    let passed: Vec<_> = machine.inputs.iter().filter(|port| own(&port.name)).collect();
    let mut ports: Vec<_> =
        passed.iter().map(|p| (p.name.as_str(), b.input(&p.name, p.width).into())).collect();
    for name in ["register_write", "register_address", "register_write_data"] {
        ports.push((name, bridge.out(name).into()));
    }
    ports.push(("reset", reset.into()));
    let placed = b.instance("machine", &machine, &ports);
    b.drive(read_data, placed.out("register_read_data"));

    for name in OUTPUTS {
        b.output(&format!("{SLAVE}{name}"), bridge.out(name));
    }
    for port in machine.outputs.iter().filter(|port| own(&port.name)) {
        b.output(&port.name, placed.out(&port.name));
    }
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};

    /// A register file as the machine's: a word is there the cycle after its address.
    struct Host {
        bench: Bench,
        registers: [u32; 1 << NUMBER_BITS],
        cycles: usize,
    }

    impl Host {
        fn new() -> Host {
            Host { bench: Bench::new(&bridge()), registers: [0; 16], cycles: 0 }
        }

        fn tick(&mut self) {
            let number = self.bench.number("register_address") as usize;
            let shown = self.registers[number];
            if self.bench.number("register_write") == 1 {
                self.registers[number] = self.bench.number("register_write_data") as u32;
            }
            self.bench.tick();
            self.bench.set("register_read_data", i128::from(shown));
            self.cycles += 1;
            assert!(self.cycles < 10_000, "nothing is answered");
        }

        /// A write whose data come `later` cycles after its address (before, if negative), and whose answer waits.
        fn write(&mut self, number: usize, word: u32, strobe: i128, later: i32, wait: usize) -> u64 {
            let (mut address, mut data, mut cycle) = (false, false, 0);
            while !(address && data) {
                self.bench.set("awvalid", i128::from(!address && cycle >= -later));
                self.bench.set("awaddr", 4 * number as i128);
                self.bench.set("wvalid", i128::from(!data && cycle >= later));
                self.bench.set("wdata", i128::from(word));
                self.bench.set("wstrb", strobe);
                address |= cycle >= -later && self.bench.number("awready") == 1;
                data |= cycle >= later && self.bench.number("wready") == 1;
                self.tick();
                cycle += 1;
            }
            self.bench.set("awvalid", 0);
            self.bench.set("wvalid", 0);
            self.answer("b", wait)
        }

        fn answer(&mut self, channel: &str, wait: usize) -> u64 {
            self.bench.set(&format!("{channel}ready"), 0);
            while self.bench.number(&format!("{channel}valid")) == 0 {
                self.tick();
            }
            for _ in 0..wait {
                self.tick();
                assert_eq!(self.bench.number(&format!("{channel}valid")), 1);
            }
            self.bench.set(&format!("{channel}ready"), 1);
            let answer = self.bench.number(&format!("{channel}resp"));
            let word = if channel == "r" { self.bench.number("rdata") } else { answer };
            self.tick();
            self.bench.set(&format!("{channel}ready"), 0);
            assert_eq!(self.bench.number(&format!("{channel}valid")), 0);
            word
        }

        fn read(&mut self, number: usize, wait: usize) -> u32 {
            self.bench.set("arvalid", 1);
            self.bench.set("araddr", 4 * number as i128);
            while self.bench.number("arready") == 0 {
                self.tick();
            }
            self.tick();
            self.bench.set("arvalid", 0);
            self.answer("r", wait) as u32
        }
    }

    #[test]
    fn words_are_written_and_read() {
        let mut host = Host::new();
        for wait in 0..4 {
            for number in 0..16 {
                for later in -2..=2 {
                    let word = 0x0123_4567u32.wrapping_mul(number as u32 + 1).wrapping_add_signed(later);
                    assert_eq!(host.write(number, word, 0b1111, later, wait), 0);
                    assert_eq!(host.registers[number], word);
                    assert_eq!(host.read(number, wait), word, "{number} after {wait}");
                }
            }
        }
        // Some bytes are refused, and the word stays.
        let before = host.registers;
        assert_eq!(host.write(3, 1, 0b0111, 0, 0), SLVERR as u64);
        assert_eq!(host.registers, before);
        assert_eq!(host.write(3, 1, 0b1111, 0, 0), 0);
    }

    /// A read and a write that are asked for in the same cycle both happen.
    #[test]
    fn reads_and_writes_share_the_address() {
        for (number, other) in [(3, 5), (5, 3), (4, 4)] {
            let mut host = Host::new();
            host.registers[other] = 77;
            for (name, value) in [
                ("awvalid", 1),
                ("wvalid", 1),
                ("arvalid", 1),
                ("awaddr", 4 * number as i128),
                ("araddr", 4 * other as i128),
                ("wdata", 1),
                ("wstrb", 15),
                ("bready", 1),
                ("rready", 1),
            ] {
                host.bench.set(name, value);
            }
            let (mut answered, mut word) = (false, None);
            for _ in 0..12 {
                let [taken, asked] = ["awready", "arready"].map(|name| host.bench.number(name) == 1);
                answered |= host.bench.number("bvalid") == 1;
                if host.bench.number("rvalid") == 1 {
                    word = Some(host.bench.number("rdata"));
                }
                host.tick();
                if taken {
                    host.bench.set("awvalid", 0);
                    host.bench.set("wvalid", 0);
                }
                if asked {
                    host.bench.set("arvalid", 0);
                }
            }
            assert!(answered);
            assert_eq!(host.registers[number], 1);
            assert_eq!(word, Some(if number == other { 1 } else { 77 }));
        }
    }

    #[test]
    fn verilog_agrees() {
        differential(&Tested::new(bridge()), 2000, 1);
    }
}
