//! What a request does: whether it may, the words that its bytes are in, and accesses of registers and memory.

use super::request::{Header, Position};
use super::{LinkInputs, Mode, Now, code};
use crate::build::{Builder, Expr, Ops, Sig, index_bits, lit, pack, zero};
use crate::transfer_walk::Bus;
use tilewright_arch::link::{Command, Identity, MOST_BYTES, Status};
use tilewright_arch::registers::{CONTROL, NUMBER_BITS};

/// What is to be done, in the cycle that decides.
pub(super) struct AccessDecision {
    /// The same as before: only answered.
    pub repeated: Sig,
    /// It is done.
    pub goes: Sig,
    /// Its first status, if it is not repeated.
    pub status: Expr,
}

impl AccessDecision {
    pub fn new(
        b: &mut Builder,
        now: &Now,
        inputs: &LinkInputs,
        header: &Header,
        position: &Position,
    ) -> AccessDecision {
        let Header { sequence, changes, memory, reads, writes, .. } = *header;
        b.comment(
            "What is to be done. What changes something is done once: its sequence number comes again for the answer.",
        );
        let decides = || now.is(Mode::Decide);
        let last_sequence = b.register_when("last_sequence", decides(), sequence);
        let last_changed = b.reg_reset("last_changed", 1);
        b.set_when(last_changed, decides(), changes);
        let repeated = b.wire("is_repeated", changes & last_changed & sequence.equals(last_sequence));
        let known = reads | writes | header.of(Command::Start) | header.of(Command::Reset);
        let needs_memory = memory | header.of(Command::Start);
        let needs_rest = needs_memory.clone() | header.of(Command::WriteRegisters);
        let busy = (needs_rest & inputs.running) | (needs_memory & !inputs.memory_ready);
        let is_busy = b.wire("is_busy", busy);
        let refused = b.wire("refused", is_busy | !known.clone());
        let of_known = is_busy.mux(code(Status::Busy), code(Status::Done));
        let status = known.mux(of_known, code(Status::Unknown));
        let goes = b.wire("goes", decides() & !refused & !repeated);
        let width = index_bits(MOST_BYTES + 1);
        let wanted = (reads & !refused).mux(header.count.truncate(width), zero(width));
        b.set_when(position.answered, decides(), wanted);
        AccessDecision { repeated, goes, status }
    }
}

/// Whether the low bits of an address are `value`.
fn at(address: Sig, bits: usize, value: usize) -> Expr {
    match bits {
        0 => lit(1, 1),
        _ => address.truncate(bits).is(value as i128),
    }
}

/// Bytes of words: a register's four, a beat's, or less at the ends of a block.
pub(super) struct Words {
    /// A byte is put in its place.
    pub places: Sig,
    /// The word is written.
    pub stores: Sig,
    /// The word, least significant byte first.
    pub lanes: Vec<Sig>,
    /// Which of a beat's bytes were placed.
    pub mask: Expr,
    /// Number of the register.
    pub number: Sig,
    /// The address is of nothing.
    pub outside: Sig,
    /// Nothing is accessed: there is nothing, or the request has failed.
    pub skips_access: Sig,
    /// The byte is the word's last.
    pub ends: Sig,
    /// The word has been written; to be driven.
    pub stored: Sig,
}

impl Words {
    pub fn new(
        b: &mut Builder,
        now: &Now,
        bus: &Bus,
        (header, position): (&Header, &Position),
        buffered: Sig,
        identity: &Identity,
    ) -> Words {
        let Header { address, registers, memory, writes, .. } = *header;
        b.comment("Bytes of words: a register's four, a beat's, or less at the ends of a block.");
        let places = b.wire("places", now.is(Mode::Place));
        let stores = b.wire("stores", now.is(Mode::Store));
        let lanes: Vec<Sig> = (0..bus.bytes.max(4))
            .map(|lane| {
                let of_beat =
                    if lane < bus.bytes { at(address, bus.byte_bits, lane) & memory } else { zero(1) };
                let of_register = if lane < 4 { at(address, 2, lane) & registers } else { zero(1) };
                b.register_when(&format!("word_{lane}"), places & (of_beat | of_register), buffered)
            })
            .collect();
        let high_bits = 32 - u64::from(identity.memory_bytes).trailing_zeros() as usize;
        let beyond = if high_bits == 0 { zero(1) } else { address.slice(32 - high_bits, high_bits).any() };
        let number = b.wire("register_number", address.slice(2, NUMBER_BITS));
        let no_number = address.slice(2 + NUMBER_BITS, 30 - NUMBER_BITS).any();
        let no_register = no_number | (writes & number.is(CONTROL.number as i128));
        let outside = b.wire("is_outside", (memory & beyond) | (registers & no_register));
        let skips_access = b.wire("skips_access", outside | now.status.any());
        let beat_ends = position.last | at(address, bus.byte_bits, bus.bytes - 1);
        let ends = registers.mux(address.truncate(2).all(), beat_ends) & !skips_access;
        let ends = b.wire("word_ends", ends);
        let stored = b.forward("stored", 1);
        let mask = (0..bus.bytes).map(|lane| {
            let bit = b.reg_reset(&format!("mask_{lane}"), 1);
            let set = places & at(address, bus.byte_bits, lane);
            b.set(bit, (set | bit) & !(stored | now.is(Mode::Decide)));
            bit
        });
        let mask = pack(mask.collect::<Vec<_>>());
        Words { places, stores, lanes, mask, number, outside, skips_access, ends, stored }
    }
}

/// Single beats of the memory, and reads of registers.
pub(super) struct Beats {
    pub asks_read: Sig,
    pub asks_write: Sig,
    pub gives_data: Sig,
    /// What was read is there.
    pub arrives: Sig,
}

impl Beats {
    pub fn new(
        b: &mut Builder,
        now: &Now,
        inputs: &LinkInputs,
        (header, words): (&Header, &Words),
        expired: Sig,
    ) -> Beats {
        let Words { stores, stored, skips_access, .. } = *words;
        let memory = header.memory;
        b.comment("Single beats.");
        let reads = || now.is(Mode::Read);
        let commanded = b.reg_reset("commanded", 1);
        let written = b.reg_reset("written", 1);
        let asks_read = b.wire("asks_read", reads() & memory & !skips_access & !commanded);
        let asks_write = b.wire("asks_write", stores & memory & !commanded);
        let gives_data = b.wire("gives_data", stores & memory & !written);
        let accepted = (asks_read & inputs.arready) | (asks_write & inputs.awready);
        // Of a register: its number has waited for a cycle and been shown for another.
        let waited = b.register("number_waited", reads() & !memory);
        let shown = waited & reads();
        b.set(commanded, (reads() | stores) & (commanded | accepted | shown));
        b.set(written, stores & (written | (gives_data & inputs.wready)));
        b.drive(stored, stores & (!memory | inputs.bvalid | expired));
        let came = memory.mux(inputs.rvalid, commanded);
        let arrives = b.wire("arrives", reads() & (skips_access | expired | came));
        Beats { asks_read, asks_write, gives_data, arrives }
    }
}
