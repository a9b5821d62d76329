//! A request as it comes: header, payload, checksum, and what is no request.

use super::{LinkInputs, Mode, Now};
use crate::build::{Builder, Expr, Ops, Ram, Sig, concat, index_bits, lit, zero};
use crate::reset_cycles;
use tilewright_arch::Config;
use tilewright_arch::link::{CHECKSUM_BYTES, Command, HEADER_BYTES, Identity, MOST_BYTES, REQUEST_MARK};
use tilewright_arch::technology::Technology;

/// What CRC-32 comes to after a message and its checksum.
const RESIDUE: i128 = 0xdebb_20e3;
/// Its polynomial, least significant bit first.
const POLYNOMIAL: i128 = 0xedb8_8320;

/// The header of a request is shifted in; its address then counts.
pub(super) struct Header {
    /// A byte of it is taken.
    takes: Sig,
    /// The next byte's turn; to be driven.
    pub step: Sig,
    /// Bytes that are asked for, or follow.
    pub count: Sig,
    pub address: Sig,
    command: Sig,
    pub sequence: Sig,
    /// The command changes something, and has a payload.
    pub changes: Sig,
    /// It is about registers, about memory.
    pub registers: Sig,
    pub memory: Sig,
    pub reads: Sig,
    pub writes: Sig,
}

impl Header {
    pub fn new(b: &mut Builder, now: &Now, inputs: &LinkInputs) -> Header {
        b.comment("The header of a request is shifted in; its address then counts.");
        let takes = b.wire("takes_header", now.is(Mode::Header) & inputs.byte_valid);
        let step = b.forward("step", 1);
        let count = b.reg("count", 16);
        let address = b.reg("address", 32);
        b.set_when(count, takes, concat([inputs.byte.into(), count.slice(8, 8)]));
        let shifted = concat([count.truncate(8), address.slice(8, 24)]);
        b.set(address, takes.mux(shifted, step.mux(address.plus(1), address)));
        let command = b.register_when("command", takes, address.truncate(8));
        let sequence = b.register_when("sequence_number", takes, command);
        let of = |c: Command| -> Expr { command.is(c as i128) };
        let changes = b.wire("changes", command.bit(7));
        let registers = b.wire("of_registers", of(Command::ReadRegisters) | of(Command::WriteRegisters));
        let memory = b.wire("of_memory", of(Command::ReadMemory) | of(Command::WriteMemory));
        let reads = of(Command::Identify)
            | of(Command::Status)
            | of(Command::ReadRegisters)
            | of(Command::ReadMemory);
        let reads = b.wire("reads", reads);
        let writes = b.wire("writes", of(Command::WriteRegisters) | of(Command::WriteMemory));
        Header { takes, step, count, address, command, sequence, changes, registers, memory, reads, writes }
    }

    /// Whether this is the command.
    pub fn of(&self, command: Command) -> Expr {
        self.command.is(command as i128)
    }
}

/// Which byte of header, payload, checksum or answer is next.
pub(super) struct Position {
    index: Sig,
    /// Bytes of the answer's payload, a register without a next value.
    pub answered: Sig,
    /// It is the last byte of the payload.
    pub last: Sig,
    too_long: Sig,
    pub header_ends: Sig,
    payload_byte: Sig,
    pub payload_ends: Sig,
    pub checksum_ends: Sig,
}

impl Position {
    pub fn new(b: &mut Builder, now: &Now, inputs: &LinkInputs, header: &Header) -> Position {
        let Header { takes, step, count, changes, .. } = *header;
        b.comment("Which byte of header, payload, checksum or answer is next.");
        let width = index_bits(MOST_BYTES + 1);
        let index = b.reg("index", width);
        let answered = b.reg("answer_count", width);
        let goal = changes.mux(count.truncate(width), answered);
        // Compared a cycle ahead of their use: a byte's turn lasts for longer, and so does a payload before its first byte.
        let last = b.register("is_last", index.plus(1).equals(goal));
        let in_payload = || now.is(Mode::Payload);
        let none = b.register("has_no_payload", in_payload() & (!changes | !count.any()));
        let too_long = b.register("too_long", in_payload() & lit(MOST_BYTES as i128, 16).less(count));
        let header_ends = b.wire("header_ends", takes & index.is(HEADER_BYTES as i128 - 1));
        let payload_byte = b.wire("payload_byte", in_payload() & inputs.byte_valid);
        let checksum_byte = b.wire("checksum_byte", now.is(Mode::Checksum) & inputs.byte_valid);
        let checksum_ends = b.wire("checksum_ends", checksum_byte & index.is(CHECKSUM_BYTES as i128 - 1));
        let ends = in_payload() & (none | (inputs.byte_valid & last));
        let payload_ends = b.wire("payload_ends", ends);
        let counts = b.wire("counts", takes | payload_byte | checksum_byte | step);
        let first = now.is(Mode::Hunt) | now.is(Mode::Decide) | header_ends | payload_ends;
        b.set(index, first.mux(zero(width), counts.mux(index.plus(1), index)));
        Position { index, answered, last, too_long, header_ends, payload_byte, payload_ends, checksum_ends }
    }

    /// The payload's byte, two cycles later.
    pub fn payload(&self, b: &mut Builder, inputs: &LinkInputs, technology: Technology) -> Sig {
        b.comment("Payload that waits until its checksum has been found right.");
        let buffer = Ram {
            depth: MOST_BYTES,
            write_enable: self.payload_byte.into(),
            write_address: self.index.truncate(index_bits(MOST_BYTES)),
            write_data: inputs.byte.into(),
            read_address: self.index.truncate(index_bits(MOST_BYTES)),
        };
        b.ram("payload", technology, 2, buffer)
    }
}

/// The checksum of what comes and of what is sent.
pub(super) struct Checksum {
    pub crc: Sig,
    /// Bits of the last byte are still to be worked in.
    busy: Sig,
}

impl Checksum {
    /// A bit a cycle; `sent` is the byte of an answer, which counts if `summed`.
    pub fn new(b: &mut Builder, now: &Now, inputs: &LinkInputs, sent: Sig, summed: Sig) -> Checksum {
        let load = b.wire("crc_load", (now.receives & inputs.byte_valid) | (now.sends & summed));
        let bits_left = b.reg_reset("crc_bits_left", 4);
        let busy = b.wire("crc_busy", bits_left.any());
        b.set(bits_left, load.mux(lit(8, 4), busy.mux(bits_left.plus(-1), bits_left)));
        let bits = b.reg("crc_bits", 8);
        let coming = now.is(Mode::Send).mux(sent, inputs.byte);
        b.set(bits, load.mux(coming, concat([zero(1), bits.slice(1, 7)])));
        let crc = b.reg("crc", 32);
        let feedback = (crc.bit(0) ^ bits.bit(0)).repeat(32) & lit(POLYNOMIAL, 32);
        let worked = busy.mux(concat([zero(1), crc.slice(1, 31)]) ^ feedback, crc);
        b.set(crc, (now.is(Mode::Hunt) | now.is(Mode::Decide)).mux(lit(-1, 32), worked));
        Checksum { crc, busy }
    }
}

/// Time: frames that stop in the middle, a memory that does not answer, and the length of a reset.
pub(super) struct Time {
    /// Machine or memory is asked.
    pub asks: Expr,
    /// What was waited for has not come.
    pub expired: Sig,
    /// A reset was long enough.
    pub cleared: Expr,
}

impl Time {
    pub fn new(
        b: &mut Builder,
        now: &Now,
        inputs: &LinkInputs,
        config: &Config,
        identity: &Identity,
    ) -> Time {
        b.comment(
            "Time: frames that stop in the middle, a memory that does not answer, and the length of a reset.",
        );
        let timeout_bits = identity.timeout_cycles.trailing_zeros() as usize;
        let asks = now.is(Mode::Start) | now.is(Mode::Clear) | now.is(Mode::Read) | now.is(Mode::Store);
        let waits = b.wire("waits", now.receives | asks.clone());
        let quiet = b.reg("quiet_cycles", timeout_bits + 1);
        b.set(quiet, (waits & !inputs.byte_valid).mux(quiet.plus(1), zero(timeout_bits + 1)));
        let expired = b.wire("expired", quiet.bit(timeout_bits));
        let clear_bits = index_bits(reset_cycles(config) as usize + 1);
        assert!(clear_bits < timeout_bits, "a reset is shorter than a time-out");
        Time { asks, expired, cleared: quiet.bit(clear_bits) }
    }
}

/// Frames: where one begins and is right; what is no request, which is counted.
pub(super) struct Frames {
    pub begins: Sig,
    pub right: Sig,
    pub drops: Sig,
    /// Frames dropped, and bytes outside of frames, modulo 256.
    pub dropped: Sig,
    pub skipped: Sig,
}

impl Frames {
    pub fn new(
        b: &mut Builder,
        now: &Now,
        inputs: &LinkInputs,
        (position, checksum): (&Position, &Checksum),
        expired: Sig,
    ) -> Frames {
        let LinkInputs { byte_valid, byte_broken, byte, .. } = *inputs;
        b.comment("What is no request: frames that are dropped, and bytes outside of frames.");
        let verified = b.wire("verified", now.is(Mode::Verify) & !checksum.busy);
        let right = b.wire("is_right", verified & checksum.crc.is(RESIDUE));
        let wrong = (now.is(Mode::Payload) & position.too_long) | (verified & !right);
        let drops = b.wire("drops", (now.receives & (byte_broken | expired)) | wrong);
        let dropped = b.reg_reset("frames_dropped", 8);
        b.set_when(dropped, drops, dropped.plus(1));
        let begins = b.wire("begins", now.is(Mode::Hunt) & byte_valid & byte.is(i128::from(REQUEST_MARK)));
        let skips = (byte_valid | byte_broken) & !now.receives & !begins;
        let skipped = b.reg_reset("bytes_skipped", 8);
        b.set_when(skipped, skips, skipped.plus(1));
        Frames { begins, right, drops, dropped, skipped }
    }
}
