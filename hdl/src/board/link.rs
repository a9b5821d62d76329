//! The host link: requests in, answers out, a byte at a time (`docs/host.md`).
//!
//! One request at a time: a frame is kept until its checksum has been found right, then done, then answered. What it
//! asks of registers and memory is done byte by byte, which is fast enough for a serial line.

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, concat, index_bits, lit, pack, zero};
use crate::reset_cycles;
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::link::{
    ANSWER_MARK, CHECKSUM_BYTES, Command, HEADER_BYTES, Identity, MOST_BYTES, REQUEST_MARK, STATUS_BYTES,
    Status,
};
use tilewright_arch::registers::{CONTROL, ERROR, NUMBER_BITS};

/// What CRC-32 comes to after a message and its checksum.
const RESIDUE: i128 = 0xdebb_20e3;
/// Its polynomial, least significant bit first.
const POLYNOMIAL: i128 = 0xedb8_8320;
/// Bits of [`Status`].
const STATUS_BITS: usize = 3;

/// What the link is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Looks for the mark that begins a request.
    Hunt,
    Header,
    Payload,
    /// The checksum comes.
    Checksum,
    /// Its last bits are worked in.
    Verify,
    /// One cycle: what is to be done.
    Decide,
    /// Two cycles: a byte of the payload is read.
    Fetch,
    Fetched,
    /// It is put in its place in a word.
    Place,
    /// The word is written.
    Store,
    /// The memory is asked to let a run begin.
    Start,
    /// Machine and memory are in reset.
    Clear,
    /// A byte of an answer is read.
    Read,
    /// It, or another byte of the answer, waits for the line.
    Send,
}

const STATE_BITS: usize = 4;

/// Parts of an answer in their order: mark, sequence number, two bytes of count, payload, status, four of checksum.
const PHASE_PAYLOAD: i128 = 4;
const PHASE_LAST: i128 = 9;
const PHASE_BITS: usize = 4;

/// Module `host_link`. Bytes of the line on one side; on the other the register port, a memory port of single beats
/// that is quiet while `running`, the start handshake of the memory, and `clear`, the reset of machine and memory.
///
/// Bytes of the line are at least sixteen cycles apart. The `timeout_cycles` of `identity` are a power of two.
pub(crate) fn host_link(config: &Config, identity: &Identity) -> Arc<Module> {
    let mut b = Builder::new(
        "host_link",
        "Host link: frames with a checksum to registers, memory and starts of the machine.",
    );
    let bus = Bus::new(config);
    let byte_valid = b.input("byte_valid", 1);
    let byte_broken = b.input("byte_broken", 1);
    let byte = b.input("byte_data", 8);
    let send_ready = b.input("send_ready", 1);
    let register_data = b.input("register_read_data", 32);
    let memory_ready = b.input("memory_ready", 1);
    let started = b.input("started", 1);
    let running = b.input("running", 1);
    let was_done = b.input("was_done", 1);
    let arready = b.input("arready", 1);
    let rvalid = b.input("rvalid", 1);
    let rdata = b.input("rdata", 8 * bus.bytes);
    let rresp = b.input("rresp", 2);
    let awready = b.input("awready", 1);
    let wready = b.input("wready", 1);
    let bvalid = b.input("bvalid", 1);
    let bresp = b.input("bresp", 2);

    let state = b.reg_reset("state", STATE_BITS);
    let is = |s: State| -> Expr { state.is(s as i128) };
    let receives = b.wire("receives", is(State::Header) | is(State::Payload) | is(State::Checksum));
    let status = b.reg("status", STATUS_BITS);
    let sends = b.wire("sends", is(State::Send) & send_ready);

    b.comment("The header of a request is shifted in; its address then counts.");
    let takes = b.wire("takes_header", is(State::Header) & byte_valid);
    let step = b.forward("step", 1);
    let count = b.reg("count", 16);
    let address = b.reg("address", 32);
    b.set_when(count, takes, concat([byte.into(), count.slice(8, 8)]));
    let shifted = concat([count.truncate(8), address.slice(8, 24)]);
    b.set(address, takes.mux(shifted, step.mux(address.plus(1), address)));
    let command = b.register_when("command", takes, address.truncate(8));
    let sequence = b.register_when("sequence_number", takes, command);
    let of = |c: Command| -> Expr { command.is(c as i128) };
    let changes = b.wire("changes", command.bit(7));
    let registers = b.wire("of_registers", of(Command::ReadRegisters) | of(Command::WriteRegisters));
    let memory = b.wire("of_memory", of(Command::ReadMemory) | of(Command::WriteMemory));
    let reads =
        of(Command::Identify) | of(Command::Status) | of(Command::ReadRegisters) | of(Command::ReadMemory);
    let reads = b.wire("reads", reads);
    let writes = b.wire("writes", of(Command::WriteRegisters) | of(Command::WriteMemory));

    b.comment("Which byte of header, payload, checksum or answer is next.");
    let index_width = index_bits(MOST_BYTES + 1);
    let index = b.reg("index", index_width);
    let answered = b.reg("answer_count", index_width);
    let goal = changes.mux(count.truncate(index_width), answered);
    let last = b.wire("is_last", index.plus(1).equals(goal));
    let none = b.wire("has_no_payload", !changes | !count.any());
    let too_long = b.wire("too_long", lit(MOST_BYTES as i128, 16).less(count));
    let header_ends = b.wire("header_ends", takes & index.is(HEADER_BYTES as i128 - 1));
    let payload_byte = b.wire("payload_byte", is(State::Payload) & byte_valid);
    let checksum_byte = b.wire("checksum_byte", is(State::Checksum) & byte_valid);
    let checksum_ends = b.wire("checksum_ends", checksum_byte & index.is(CHECKSUM_BYTES as i128 - 1));
    let payload_ends = b.wire("payload_ends", is(State::Payload) & (none | (byte_valid & last)));
    let counts = b.wire("counts", takes | payload_byte | checksum_byte | step);
    let first = is(State::Hunt) | is(State::Decide) | header_ends | payload_ends;
    b.set(index, first.mux(zero(index_width), counts.mux(index.plus(1), index)));

    b.comment("Payload that waits until its checksum has been found right.");
    let buffer = Ram {
        depth: MOST_BYTES,
        write_enable: payload_byte.into(),
        write_address: index.truncate(index_bits(MOST_BYTES)),
        write_data: byte.into(),
        read_address: index.truncate(index_bits(MOST_BYTES)),
    };
    let buffered = b.ram("payload", config.technology, 2, buffer);

    b.comment("The checksum, a bit a cycle.");
    let phase = b.reg("phase", PHASE_BITS);
    let sent = b.forward("sent_byte", 8);
    let summed = b.wire("is_summed", phase.any() & phase.less(lit(PHASE_PAYLOAD + 2, PHASE_BITS)));
    let load = b.wire("crc_load", (receives & byte_valid) | (sends & summed));
    let bits_left = b.reg_reset("crc_bits_left", 4);
    let crc_busy = b.wire("crc_busy", bits_left.any());
    b.set(bits_left, load.mux(lit(8, 4), crc_busy.mux(bits_left.plus(-1), bits_left)));
    let bits = b.reg("crc_bits", 8);
    let coming = is(State::Send).mux(sent, byte);
    b.set(bits, load.mux(coming, concat([zero(1), bits.slice(1, 7)])));
    let crc = b.reg("crc", 32);
    let feedback = (crc.bit(0) ^ bits.bit(0)).repeat(32) & lit(POLYNOMIAL, 32);
    let worked = crc_busy.mux(concat([zero(1), crc.slice(1, 31)]) ^ feedback, crc);
    b.set(crc, (is(State::Hunt) | is(State::Decide)).mux(lit(-1, 32), worked));

    b.comment(
        "Time: frames that stop in the middle, a memory that does not answer, and the length of a reset.",
    );
    let timeout_bits = identity.timeout_cycles.trailing_zeros() as usize;
    let asks = is(State::Start) | is(State::Clear) | is(State::Read) | is(State::Store);
    let waits = b.wire("waits", receives | asks.clone());
    let quiet = b.reg("quiet_cycles", timeout_bits + 1);
    b.set(quiet, (waits & !byte_valid).mux(quiet.plus(1), zero(timeout_bits + 1)));
    let expired = b.wire("expired", quiet.bit(timeout_bits));
    let clear_bits = index_bits(reset_cycles(config) as usize + 1);
    assert!(clear_bits < timeout_bits, "a reset is shorter than a time-out");
    let cleared = quiet.bit(clear_bits);

    b.comment("What is no request: frames that are dropped, and bytes outside of frames.");
    let verified = b.wire("verified", is(State::Verify) & !crc_busy);
    let right = b.wire("is_right", verified & crc.is(RESIDUE));
    let wrong = (is(State::Payload) & too_long) | (verified & !right);
    let drops = b.wire("drops", (receives & (byte_broken | expired)) | wrong);
    let dropped = b.reg_reset("frames_dropped", 8);
    b.set_when(dropped, drops, dropped.plus(1));
    let begins = b.wire("begins", is(State::Hunt) & byte_valid & byte.is(i128::from(REQUEST_MARK)));
    let skips = (byte_valid | byte_broken) & !receives & !begins;
    let skipped = b.reg_reset("bytes_skipped", 8);
    b.set_when(skipped, skips, skipped.plus(1));

    b.comment("What is to be done. What changes something is done once: its sequence number comes again for the answer.");
    let last_sequence = b.register_when("last_sequence", is(State::Decide), sequence);
    let last_changed = b.reg_reset("last_changed", 1);
    b.set_when(last_changed, is(State::Decide), changes);
    let repeated = b.wire("is_repeated", changes & last_changed & sequence.equals(last_sequence));
    let known = reads | writes | of(Command::Start) | of(Command::Reset);
    let needs_memory = memory | of(Command::Start);
    let needs_rest = needs_memory.clone() | of(Command::WriteRegisters);
    let is_busy = b.wire("is_busy", (needs_rest & running) | (needs_memory & !memory_ready));
    let code = |s: Status| lit(s as i128, STATUS_BITS);
    let refused = b.wire("refused", is_busy | !known.clone());
    let verdict = known.mux(is_busy.mux(code(Status::Busy), code(Status::Done)), code(Status::Unknown));
    let goes = b.wire("goes", is(State::Decide) & !refused & !repeated);
    let wanted = (reads & !refused).mux(count.truncate(index_width), zero(index_width));
    b.set_when(answered, is(State::Decide), wanted);

    b.comment("Bytes of words: a register's four, a beat's, or less at the ends of a block.");
    let word_lanes = bus.bytes.max(4);
    let place = b.wire("places", is(State::Place));
    let stores = b.wire("stores", is(State::Store));
    let bits_of = |bits: usize, value: usize| match bits {
        0 => lit(1, 1),
        _ => address.truncate(bits).is(value as i128),
    };
    let lanes: Vec<Sig> = (0..word_lanes)
        .map(|lane| {
            let for_memory = if lane < bus.bytes { bits_of(bus.byte_bits, lane) & memory } else { zero(1) };
            let for_register = if lane < 4 { bits_of(2, lane) & registers } else { zero(1) };
            b.register_when(&format!("word_{lane}"), place & (for_memory | for_register), buffered)
        })
        .collect();
    let high_bits = 32 - u64::from(identity.memory_bytes).trailing_zeros() as usize;
    let beyond = if high_bits == 0 { zero(1) } else { address.slice(32 - high_bits, high_bits).any() };
    let number = b.wire("register_number", address.slice(2, NUMBER_BITS));
    let no_register =
        address.slice(2 + NUMBER_BITS, 30 - NUMBER_BITS).any() | (writes & number.is(CONTROL.number as i128));
    let outside = b.wire("is_outside", (memory & beyond) | (registers & no_register));
    let skips_access = b.wire("skips_access", outside | status.any());
    let beat_ends = last | bits_of(bus.byte_bits, bus.bytes - 1);
    let word_ends = b.wire("word_ends", registers.mux(address.truncate(2).all(), beat_ends) & !skips_access);
    let stored = b.forward("stored", 1);
    let mask = (0..bus.bytes).map(|lane| {
        let bit = b.reg_reset(&format!("mask_{lane}"), 1);
        let set = place & bits_of(bus.byte_bits, lane);
        b.set(bit, (set | bit) & !(stored | is(State::Decide)));
        bit
    });
    let mask = pack(mask.collect::<Vec<_>>());

    b.comment("Single beats.");
    let commanded = b.reg_reset("commanded", 1);
    let written = b.reg_reset("written", 1);
    let asks_read = b.wire("asks_read", is(State::Read) & memory & !skips_access & !commanded);
    let asks_write = b.wire("asks_write", stores & memory & !commanded);
    let gives_data = b.wire("gives_data", stores & memory & !written);
    let accepted = (asks_read & arready) | (asks_write & awready);
    // Of a register: its number has waited for a cycle and been shown for another.
    let waited = b.register("number_waited", is(State::Read) & !memory);
    let shown = waited & is(State::Read);
    b.set(commanded, (is(State::Read) | stores) & (commanded | accepted | shown));
    b.set(written, stores & (written | (gives_data & wready)));
    b.drive(stored, stores & (!memory | bvalid | expired));
    let arrives =
        b.wire("arrives", is(State::Read) & (skips_access | expired | memory.mux(rvalid, commanded)));

    b.comment("A byte of an answer.");
    let status_bytes: [Expr; STATUS_BYTES] = [
        concat([was_done, running, memory_ready]).zero_extend(8),
        register_data.truncate(8),
        skipped.into(),
        dropped.into(),
    ];
    let own = pack(identity.to_bytes().map(|byte| lit(i128::from(byte), 8)));
    let own = own.select(address.truncate(5), 8);
    let of_status = pack(status_bytes).select(address.truncate(2), 8);
    let of_beat =
        if bus.byte_bits == 0 { rdata.into() } else { rdata.select(address.truncate(bus.byte_bits), 8) };
    let of_register = register_data.select(address.truncate(2), 8);
    let told = of(Command::Status).mux(of_status, own);
    let read = memory.mux(of_beat, registers.mux(of_register, told));
    let zeros = skips_access.repeat(8);
    let found = b.register_when("found_byte", arrives, read & !zeros);

    b.comment("The answer.");
    let sends_payload = b.wire("sends_payload", sends & phase.is(PHASE_PAYLOAD));
    b.drive(step, (place & !word_ends) | stored | sends_payload);
    let skips_payload = phase.is(PHASE_PAYLOAD - 1) & !answered.any();
    let advance = sends & (!phase.is(PHASE_PAYLOAD) | last);
    let advanced = skips_payload.mux(phase.plus(2), phase.plus(1));
    b.set(phase, is(State::Hunt).mux(zero(PHASE_BITS), advance.mux(advanced, phase)));
    let to_read = phase.is(PHASE_PAYLOAD - 1) & answered.any() | (phase.is(PHASE_PAYLOAD) & !last);
    let parts: [Expr; PHASE_LAST as usize + 1] = [
        lit(i128::from(ANSWER_MARK), 8),
        sequence.into(),
        answered.truncate(8),
        answered.slice(8, index_width - 8).zero_extend(8),
        found.into(),
        status.zero_extend(8),
        !crc.element(0, 8),
        !crc.element(1, 8),
        !crc.element(2, 8),
        !crc.element(3, 8),
    ];
    b.drive(sent, pack(parts).select(phase, 8));

    b.comment("How it ends.");
    let bad_read = is(State::Read) & memory & rvalid & rresp.bit(1);
    let bad_write = stores & memory & bvalid & bresp.bit(1);
    let silent = asks & expired;
    let fails = b.wire("memory_fails", bad_read | bad_write | silent);
    let misses = b.wire("misses", (place | is(State::Read)) & outside);
    let same = misses.mux(code(Status::Outside), status);
    let found_bad = (status.is(0) & fails).mux(code(Status::Memory), status.is(0).mux(same, status));
    let decided = repeated.mux(status, verdict);
    b.set(status, is(State::Decide).mux(decided, found_bad));

    let asks_start = b.reg_reset("asks_start", 1);
    b.set(asks_start, goes & of(Command::Start));

    b.comment("What comes next.");
    let begins_write = goes & writes & count.any();
    let next_byte = |to: &dyn Fn(State) -> Expr| last.mux(to(State::Send), to(State::Fetch));
    let to = |s: State| lit(s as i128, STATE_BITS);
    let steps: [(Expr, Expr); 21] = [
        (drops.into(), to(State::Hunt)),
        (begins.into(), to(State::Header)),
        (header_ends.into(), to(State::Payload)),
        (payload_ends.into(), to(State::Checksum)),
        (checksum_ends.into(), to(State::Verify)),
        (right.into(), to(State::Decide)),
        (begins_write, to(State::Fetch)),
        (goes & of(Command::Start), to(State::Start)),
        (goes & of(Command::Reset), to(State::Clear)),
        (is(State::Decide), to(State::Send)),
        (is(State::Fetch), to(State::Fetched)),
        (is(State::Fetched), to(State::Place)),
        (place & word_ends, to(State::Store)),
        (place.into(), next_byte(&to)),
        (stored.into(), next_byte(&to)),
        (is(State::Start) & (started | expired), to(State::Send)),
        (is(State::Clear) & cleared, to(State::Send)),
        (arrives.into(), to(State::Send)),
        (sends & to_read, to(State::Read)),
        (sends & phase.is(PHASE_LAST), to(State::Hunt)),
        (lit(1, 1), state.into()),
    ];
    let next =
        steps.into_iter().rev().reduce(|otherwise, (when, then)| (when.clone(), when.mux(then, otherwise.1)));
    b.set(state, next.expect("there are steps").1);

    b.output("send_valid", is(State::Send));
    b.output("send_data", sent);
    b.output("register_write", stores & registers);
    b.output(
        "register_address",
        (registers & !is(State::Hunt)).mux(number, lit(ERROR.number as i128, NUMBER_BITS)),
    );
    b.output("register_write_data", pack(lanes[..4].iter().copied()));
    b.output("shows_error", is(State::Hunt));
    b.output("start_request", asks_start);
    b.output("clear", is(State::Clear));
    let aligned = match bus.byte_bits {
        0 => address.into(),
        bits => concat([address.slice(bits, 32 - bits), zero(bits)]),
    };
    b.output("address", aligned);
    b.output("arvalid", asks_read);
    b.output("awvalid", asks_write);
    b.output("wvalid", gives_data);
    b.output("wdata", pack(lanes[..bus.bytes].iter().copied()));
    b.output("wstrb", mask);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Tested, differential, lint};

    fn identity() -> Identity {
        Identity { memory_bytes: 1 << 16, timeout_cycles: 1 << 13, ..Identity::default() }
    }

    #[test]
    fn verilog_agrees() {
        for bus_bytes in [1, 4] {
            let mut config = Config::sized(4, 4);
            config.memory.bus_bytes = bus_bytes;
            let module = host_link(&config, &identity());
            lint(&module);
            // Mostly marks and commands, so that frames begin.
            differential(&Tested::new(module).rarely("byte_valid", 3).below("byte_data", 256), 3000, 5);
        }
    }
}
