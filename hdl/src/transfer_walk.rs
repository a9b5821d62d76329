//! The lines and planes of a transfer, cut into bursts.
//!
//! Load and store use the same walk: the load to request its bursts, the store to read feature
//! memory and to request its bursts. A burst never crosses a multiple of `burst_bytes` of external
//! memory and never spans two lines.

use crate::build::{Builder, Expr, Module, Ops, Sig, concat, index_bits, lit, zero};
use crate::flat::{Flat, add_carry, less_lanes};
use crate::registers::{BASE_BITS, BASE_SHIFT};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::{Field, ROW_BITS, TRANSFER_BYTES, transfer as f};

/// Bits of an encoded transfer.
pub(crate) const TRANSFER_BITS: usize = 8 * TRANSFER_BYTES;

/// The input `instruction`, whose fields have their names in the Verilog.
pub(crate) fn instruction_input(b: &mut Builder) -> Sig {
    b.input_of_fields("instruction", TRANSFER_BITS, f::ALL)
}

/// A field of an encoded instruction.
pub(crate) fn field(instruction: Sig, field: Field) -> Expr {
    instruction.slice(field.offset, field.width)
}

/// Widths that follow from the memory of a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bus {
    /// Bytes of a beat.
    pub bytes: usize,
    /// log2 of that.
    pub byte_bits: usize,
    /// log2 of the longest burst in bytes.
    pub burst_bits: usize,
    /// Bits of a count of beats of a burst, up to and including the most.
    pub beat_bits: usize,
}

impl Bus {
    /// Of a configuration.
    pub fn new(config: &Config) -> Bus {
        let byte_bits = config.memory.bus_bytes.trailing_zeros() as usize;
        let burst_bits = config.memory.burst_bytes.trailing_zeros() as usize;
        Bus { bytes: config.memory.bus_bytes, byte_bits, burst_bits, beat_bits: burst_bits - byte_bits + 1 }
    }

    /// Bits of `head` and of counts inside a beat: at least one, though always zero for one byte.
    pub fn head_bits(&self) -> usize {
        self.byte_bits.max(1)
    }

    /// Bits of a count of bytes of a burst, head included.
    pub fn count_bits(&self) -> usize {
        self.burst_bits + 1
    }

    /// Byte inside the beat that `address` starts at.
    pub fn head(&self, address: impl Into<Expr>) -> Expr {
        let address = address.into();
        if self.byte_bits == 0 { zero(1) } else { address.truncate(self.byte_bits) }
    }
}

/// `value` with `bits` zeros below.
fn concat_low(value: Expr, bits: usize) -> Expr {
    if bits == 0 { value } else { concat([value, zero(bits)]) }
}

/// Module `transfer_walk`.
///
/// `start` in cycle t (with `instruction` valid from the cycle before on) makes the first burst `valid` in cycle
/// t + 2; `advance` in cycle g takes it, and the next is valid in cycle g + 2. Addresses count from `base` (a multiple
/// of 4 KiB, without the zeros). A burst is
///
/// * `address`: of its first beat (a multiple of the bus width), `beats`;
/// * `head`: bytes of the first beat before the line; `ends`: `head` and the bytes of the burst;
/// * `line_first`: it starts a line, whose byte -head lies at (`row`, `bank`) on chip;
/// * `last`: the transfer ends with it.
pub(crate) fn transfer_walk(config: &Config) -> Arc<Module> {
    let mut b = Builder::new("transfer_walk", "The lines and planes of a transfer, cut into bursts.");
    let bus = Bus::new(config);
    let lanes = config.lanes;
    let start = b.input("start", 1);
    let advance = b.input("advance", 1);
    let instruction = instruction_input(&mut b);
    let base = b.input("base", BASE_BITS);
    let field = |f: Field| field(instruction, f);
    let bank_bits = index_bits(lanes);
    let flat = |row: Field, bank: Field| Flat { row: field(row), bank: field(bank).truncate(bank_bits) };
    let packed = ROW_BITS + bank_bits;

    b.comment("Where the next burst begins, and what its line and its plane began with.");
    let address = b.reg("next_address", 32);
    let left = b.reg("bytes_left_less_1", f::LINE_BYTES.width);
    let first = b.reg("next_line_first", 1);
    let line = b.reg("line_address", 32);
    let plane = b.reg("plane_address", 32);
    let line_local = b.reg("line_local", packed);
    let plane_local = b.reg("plane_local", packed);
    let lines = b.reg("lines_left", f::LINES.width);
    let planes = b.reg("planes_left", f::PLANES.width);
    let pending = b.reg_reset("pending", 1);
    let valid = b.reg_reset("burst_valid", 1);

    b.comment(
        "The burst, computed in the cycle after its place is known: what is left of the line, or what is left of \
         the aligned block, whichever is less. The line ends in the block if its last byte lies there.",
    );
    let k = bus.burst_bits;
    let count_bits = bus.count_bits();
    let block = lit(1i128 << k, count_bits);
    let offset = b.wire("offset_in_burst", address.truncate(k).zero_extend(count_bits));
    let line_end = b.wire("line_end_in_block", left.truncate(k).zero_extend(count_bits) + offset);
    let ends_line = b.wire("ends_line", !left.slice(k, left.width() - k).any() & !line_end.sign());
    let head = b.wire("next_head", bus.head(address));
    // The head and the bytes of the burst together never pass the burst size.
    let to_line_end = left.resize(count_bits);
    let to_line_end = b.wire("to_line_end", add_carry(to_line_end, head.resize(count_bits), lit(1, 1)));
    let beats_of = |ends: Expr| ends.slice(bus.byte_bits, bus.beat_bits);
    let line_beats = beats_of(to_line_end.plus(bus.bytes as i128 - 1));
    let aligned = offset.slice(bus.byte_bits, count_bits - bus.byte_bits);
    let block_beats = beats_of(block.clone()) - aligned;
    let to_block_end = concat_low(block_beats.clone(), bus.byte_bits);
    let ends = ends_line.mux(to_line_end, to_block_end);
    let beats = ends_line.mux(line_beats, block_beats);
    let ready = b.wire("computed", pending);
    let no_lines = b.wire("last_line", !lines.any());
    let no_planes = b.wire("last_plane", !planes.any());
    let room = b.register_when("bytes_to_block_end", ready, block - offset);
    let new_line = b.register_when("burst_ends_line", ready, ends_line);
    let new_plane = b.register_when("burst_ends_plane", ready, ends_line & no_lines);
    let out_beats = b.register_when("burst_beats", ready, beats);
    let out_ends = b.register_when("burst_ends", ready, ends);
    let local = Flat::unpack(line_local, bank_bits).minus_small(head, lanes);
    let out_local = b.register_when("burst_local", ready, local.packed());
    let out_last = b.register_when("burst_last", ready, ends_line & no_lines & no_planes);

    b.comment(
        "The next line and the next plane. Bursts are two cycles apart, so there is a cycle in which these are \
         added before one of them is chosen.",
    );
    let line_next = b.register("next_line_address", line + field(f::EXTERNAL_LINE));
    let plane_next = b.register("next_plane_address", plane + field(f::EXTERNAL_PLANE));
    let mut stepped = |name: &str, from: Sig, step: Flat| {
        let less = b.register(&format!("{name}_step_less"), less_lanes(&step.bank, lanes));
        b.register(&format!("next_{name}_local"), Flat::unpack(from, bank_bits).plus(&step, less).packed())
    };
    let line_local_next = stepped("line", line_local, flat(f::LOCAL_LINE_ROW, f::LOCAL_LINE_BANK));
    let plane_local_next = stepped("plane", plane_local, flat(f::LOCAL_PLANE_ROW, f::LOCAL_PLANE_BANK));

    b.comment("The first address; the instruction has been there for a cycle when it starts.");
    let external = field(f::EXTERNAL);
    let high = external.clone().slice(BASE_SHIFT, BASE_BITS) + base;
    let first_address = b.register("first_address", concat([high, external.truncate(BASE_SHIFT)]));

    b.comment("What follows; taken over with `advance`. A burst that does not end its line ends its block.");
    let next_block = concat([address.slice(k, 32 - k).plus(1), zero(k)]);
    let onward = b.wire("onward", new_plane.mux(plane_next, new_line.mux(line_next, next_block)));
    let place = b.wire("next_place", start.mux(first_address, onward));
    let onward = new_plane.mux(plane_local_next, line_local_next);
    let local = b.wire("next_local", start.mux(flat(f::LOCAL_ROW, f::LOCAL_BANK).packed(), onward));
    let change = b.wire("change", start | advance);
    let change_line = b.wire("change_line", start | (advance & new_line));
    let change_plane = b.wire("change_plane", start | (advance & new_plane));

    b.set_when(address, change, place);
    b.set_when(line, change_line, place);
    b.set_when(plane, change_plane, place);
    b.set_when(line_local, change_line, local);
    b.set_when(plane_local, change_plane, local);
    let whole = field(f::LINE_BYTES).plus(-1);
    let remaining = b.wire("remaining", left - room.resize(left.width()));
    b.set_when(left, change, (start | new_line).mux(whole, remaining));
    b.set_when(first, change, start | new_line);
    let fewer = (start | no_lines).mux(field(f::LINES), lines.plus(-1));
    b.set_when(lines, change_line, fewer);
    b.set_when(planes, change_plane, start.mux(field(f::PLANES), planes.plus(-1)));
    b.set(pending, start | (advance & !out_last));
    b.set(valid, pending | (valid & !advance));

    b.output("valid", valid);
    b.output("address", concat_low(address.slice(bus.byte_bits, 32 - bus.byte_bits), bus.byte_bits));
    b.output("beats", out_beats);
    b.output("head", head);
    b.output("ends", out_ends);
    b.output("line_first", first);
    let local = Flat::unpack(out_local, bank_bits);
    b.output("row", local.row);
    b.output("bank", local.bank);
    b.output("last", out_last);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};
    use crate::dynsig::BitVector;
    use tilewright_arch::instr::{LocalMemory, Transfer};
    use tilewright_arch::layout::RowBank;
    use tilewright_random::Random;

    /// The bursts of a transfer, from its meaning: (address, beats, head, ends, line's place, last).
    fn bursts(config: &Config, t: &Transfer, base: u64) -> Vec<(u64, u64, u64, u64, Option<RowBank>)> {
        let (bus, burst) = (config.memory.bus_bytes as u64, config.memory.burst_bytes as u64);
        let mut list = vec![];
        for p in 0..t.planes as i64 {
            for l in 0..t.lines as i64 {
                let place = |base: i64, line: i64, plane: i64| base + p * plane + l * line;
                let mut at = place(t.external as i64, t.external_line, t.external_plane) as u64;
                let local = place(t.local, t.local_line, t.local_plane);
                let end = at + t.line_bytes as u64;
                let mut first = Some(RowBank::split(local - (at % bus) as i64, config.lanes));
                while at < end {
                    let stop = end.min((at / burst + 1) * burst);
                    let (head, bytes) = (at % bus, stop - at);
                    let address = (base + at - head) % (1 << 32);
                    list.push((address, (head + bytes).div_ceil(bus), head, head + bytes, first.take()));
                    at = stop;
                }
            }
        }
        list
    }

    #[test]
    fn walks_lines_and_planes() {
        let mut random = Random::new(7);
        for (lanes, bus, burst) in [(9, 4, 64), (4, 4, 16), (5, 1, 2), (16, 16, 1024), (3, 2, 512)] {
            let mut config = Config::sized(lanes, 4);
            config.memory.bus_bytes = bus;
            config.memory.burst_bytes = burst;
            let module = transfer_walk(&config);
            let mut bench = Bench::new(&module);
            for _ in 0..20 {
                let mut small = |limit| random.below(limit) as i64;
                let transfer = Transfer {
                    memory: LocalMemory::Feature,
                    external: 4000 + small(100) as usize,
                    external_line: small(200) - 50,
                    external_plane: small(600) - 300,
                    local: small(1000) - 10,
                    local_line: small(100) - 30,
                    local_plane: small(300) - 100,
                    line_bytes: 1 + small(if burst > 100 { 3000 } else { 70 }) as usize,
                    lines: 1 + small(4) as usize,
                    planes: 1 + small(3) as usize,
                    ..Transfer::default()
                };
                // Some of the last bases wrap.
                let base = if small(2) == 0 { small(1 << 20) } else { (1 << 20) - 1 - small(3) };
                bench.set("base", base);
                bench.set_value("instruction", &BitVector::from_bytes(&transfer.encode(lanes).unwrap()));
                bench.tick();
                bench.set("start", 1);
                assert_eq!(bench.number("valid"), 0);
                bench.tick();
                bench.set("start", 0);
                let expected = bursts(&config, &transfer, (base as u64) << BASE_SHIFT);
                for (i, (address, beats, head, ends, first)) in expected.iter().enumerate() {
                    assert_eq!(bench.number("valid"), 0);
                    bench.tick();
                    let found = ["valid", "address", "beats", "head", "ends", "line_first", "last"];
                    let found = found.map(|name| bench.number(name));
                    let last = u64::from(i + 1 == expected.len());
                    let want = [1, *address, *beats, *head, *ends, u64::from(first.is_some()), last];
                    assert_eq!(found, want, "burst {i} of {transfer:?}");
                    if let Some(first) = first {
                        assert_eq!(bench.get("row").to_i64(), first.row);
                        assert_eq!(bench.number("bank"), first.bank as u64);
                    }
                    for _ in 0..small(3) {
                        bench.tick();
                    }
                    bench.set("advance", 1);
                    bench.tick();
                    bench.set("advance", 0);
                }
                assert_eq!(bench.number("valid"), 0);
                bench.tick();
                assert_eq!(bench.number("valid"), 0);
            }
        }
    }

    #[test]
    fn verilog_agrees() {
        for bus in [1, 4] {
            let mut config = Config::sized(9, 4);
            config.memory.bus_bytes = bus;
            differential(
                &Tested::new(transfer_walk(&config)).held("instruction", 50).rarely("start", 30),
                500,
                3,
            );
        }
    }
}
