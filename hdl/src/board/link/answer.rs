//! The answer: where its bytes come from, and their order.

use super::access::Words;
use super::request::{Checksum, Frames, Header, Position};
use super::{LinkInputs, Mode, Now};
use crate::build::{Builder, Expr, Ops, Sig, concat, lit, pack, zero};
use crate::transfer_walk::Bus;
use tilewright_arch::link::{ANSWER_MARK, Command, Identity, STATUS_BYTES};

/// Parts of an answer in their order: mark, sequence number, two bytes of count, payload, status, four of checksum.
const PHASE_PAYLOAD: i128 = 4;
const PHASE_LAST: i128 = 9;
const PHASE_BITS: usize = 4;

/// A byte of an answer's payload, two cycles after its address: of the board's identity, its status, a register, a beat.
pub(super) fn found(
    b: &mut Builder,
    inputs: &LinkInputs,
    bus: &Bus,
    (header, words, frames): (&Header, &Words, &Frames),
    identity: &Identity,
    arrives: Sig,
) -> Sig {
    let LinkInputs { register_data, rdata, .. } = *inputs;
    let address = header.address;
    b.comment("A byte of an answer.");
    let status_bytes: [Expr; STATUS_BYTES] = [
        concat([inputs.was_done, inputs.running, inputs.memory_ready]).zero_extend(8),
        register_data.truncate(8),
        frames.skipped.into(),
        frames.dropped.into(),
    ];
    let own = pack(identity.to_bytes().map(|byte| lit(i128::from(byte), 8)));
    let own = own.select(address.truncate(5), 8);
    let of_status = pack(status_bytes).select(address.truncate(2), 8);
    let of_beat =
        if bus.byte_bits == 0 { rdata.into() } else { rdata.select(address.truncate(bus.byte_bits), 8) };
    let of_register = register_data.select(address.truncate(2), 8);
    let told = header.of(Command::Status).mux(of_status, own);
    let read = header.memory.mux(of_beat, header.registers.mux(of_register, told));
    let zeros = words.skips_access.repeat(8);
    b.register_when("found_byte", arrives, read & !zeros)
}

/// The answer's bytes in their order.
pub(super) struct AnswerBytes {
    /// Which part is next.
    phase: Sig,
    /// The byte that is sent; to be driven.
    pub sent: Sig,
    /// It is part of what the checksum is of.
    pub summed: Sig,
}

impl AnswerBytes {
    pub fn new(b: &mut Builder) -> AnswerBytes {
        let phase = b.reg("phase", PHASE_BITS);
        let sent = b.forward("sent_byte", 8);
        let summed = b.wire("is_summed", phase.any() & phase.less(lit(PHASE_PAYLOAD + 2, PHASE_BITS)));
        AnswerBytes { phase, sent, summed }
    }

    /// Sends part after part; `found` is the byte of the payload.
    pub fn step(
        &self,
        b: &mut Builder,
        now: &Now,
        (header, position, words): (&Header, &Position, &Words),
        checksum: &Checksum,
        found: Sig,
    ) {
        let AnswerBytes { phase, sent, .. } = *self;
        let Position { answered, last, .. } = *position;
        let crc = checksum.crc;
        b.comment("The answer.");
        let sends_payload = b.wire("sends_payload", now.sends & phase.is(PHASE_PAYLOAD));
        b.drive(header.step, (words.places & !words.ends) | words.stored | sends_payload);
        let skips_payload = phase.is(PHASE_PAYLOAD - 1) & !answered.any();
        let advance = now.sends & (!phase.is(PHASE_PAYLOAD) | last);
        let advanced = skips_payload.mux(phase.plus(2), phase.plus(1));
        b.set(phase, now.is(Mode::Hunt).mux(zero(PHASE_BITS), advance.mux(advanced, phase)));
        let parts: [Expr; PHASE_LAST as usize + 1] = [
            lit(i128::from(ANSWER_MARK), 8),
            header.sequence.into(),
            answered.truncate(8),
            answered.slice(8, answered.width() - 8).zero_extend(8),
            found.into(),
            now.status.zero_extend(8),
            !crc.element(0, 8),
            !crc.element(1, 8),
            !crc.element(2, 8),
            !crc.element(3, 8),
        ];
        b.drive(sent, pack(parts).select(phase, 8));
    }

    /// The next byte is one of the payload, and has to be read.
    pub fn to_read(&self, position: &Position) -> Expr {
        let Position { answered, last, .. } = *position;
        let first = self.phase.is(PHASE_PAYLOAD - 1) & answered.any();
        first | (self.phase.is(PHASE_PAYLOAD) & !last)
    }

    /// The byte is the last of all.
    pub fn ends(&self) -> Expr {
        self.phase.is(PHASE_LAST)
    }
}
