//! The host link: requests in, answers out, a byte at a time (`docs/host.md`).
//!
//! One request at a time: a frame is kept until its checksum has been found right, then done, then answered. What it
//! asks of registers and memory is done byte by byte, which is fast enough for a serial line.

mod access;
mod answer;
mod request;

use crate::build::{Builder, Expr, Module, Ops, Sig, concat, lit, pack, zero};
use crate::transfer_walk::Bus;
use access::{AccessDecision, Beats, Words};
use answer::{AnswerBytes, found};
use request::{Checksum, Frames, Header, Position, Time};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::link::{Command, Identity, Status};
use tilewright_arch::registers::{ERROR, NUMBER_BITS};

/// Bits of [`Status`].
const STATUS_BITS: usize = 3;

fn code(status: Status) -> Expr {
    lit(status as i128, STATUS_BITS)
}

/// What the link is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
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

fn to(state: Mode) -> Expr {
    lit(state as i128, STATE_BITS)
}

/// Bytes of the line, the register port, and what the memory answers.
#[derive(Clone, Copy)]
struct LinkInputs {
    byte_valid: Sig,
    byte_broken: Sig,
    byte: Sig,
    send_ready: Sig,
    register_data: Sig,
    memory_ready: Sig,
    started: Sig,
    running: Sig,
    was_done: Sig,
    arready: Sig,
    rvalid: Sig,
    rdata: Sig,
    rresp: Sig,
    awready: Sig,
    wready: Sig,
    bvalid: Sig,
    bresp: Sig,
}

impl LinkInputs {
    fn new(b: &mut Builder, bus: &Bus) -> LinkInputs {
        LinkInputs {
            byte_valid: b.input("byte_valid", 1),
            byte_broken: b.input("byte_broken", 1),
            byte: b.input("byte_data", 8),
            send_ready: b.input("send_ready", 1),
            register_data: b.input("register_read_data", 32),
            memory_ready: b.input("memory_ready", 1),
            started: b.input("started", 1),
            running: b.input("running", 1),
            was_done: b.input("was_done", 1),
            arready: b.input("arready", 1),
            rvalid: b.input("rvalid", 1),
            rdata: b.input("rdata", 8 * bus.bytes),
            rresp: b.input("rresp", 2),
            awready: b.input("awready", 1),
            wready: b.input("wready", 1),
            bvalid: b.input("bvalid", 1),
            bresp: b.input("bresp", 2),
        }
    }
}

/// What the link is doing now, and how it has gone so far: registers without a next value.
struct Now {
    state: Sig,
    status: Sig,
    /// A request comes.
    receives: Sig,
    /// A byte of an answer leaves.
    sends: Sig,
}

impl Now {
    fn new(b: &mut Builder, inputs: &LinkInputs) -> Now {
        let state = b.reg_reset("state", STATE_BITS);
        let is = |s: Mode| -> Expr { state.is(s as i128) };
        let receives = b.wire("receives", is(Mode::Header) | is(Mode::Payload) | is(Mode::Checksum));
        let status = b.reg("status", STATUS_BITS);
        let sends = b.wire("sends", is(Mode::Send) & inputs.send_ready);
        Now { state, status, receives, sends }
    }

    fn is(&self, state: Mode) -> Expr {
        self.state.is(state as i128)
    }

    /// The status of what was decided, until an access fails.
    fn judge(
        &self,
        b: &mut Builder,
        inputs: &LinkInputs,
        (header, verdict, words): (&Header, &AccessDecision, &Words),
        time: &Time,
    ) {
        let LinkInputs { rvalid, rresp, bvalid, bresp, .. } = *inputs;
        b.comment("How it ends.");
        let bad_read = self.is(Mode::Read) & header.memory & rvalid & rresp.bit(1);
        let bad_write = words.stores & header.memory & bvalid & bresp.bit(1);
        let silent = time.asks.clone() & time.expired;
        let fails = b.wire("memory_fails", bad_read | bad_write | silent);
        let misses = b.wire("misses", (words.places | self.is(Mode::Read)) & words.outside);
        let well = || self.status.is(0);
        let same = misses.mux(code(Status::Outside), self.status);
        let found_bad = (well() & fails).mux(code(Status::Memory), well().mux(same, self.status));
        let decided = verdict.repeated.mux(self.status, verdict.status.clone());
        b.set(self.status, self.is(Mode::Decide).mux(decided, found_bad));
    }

    /// The next state: that of the first condition that holds.
    fn step(&self, b: &mut Builder, steps: impl DoubleEndedIterator<Item = (Expr, Expr)>) {
        let stays: (Expr, Expr) = (lit(1, 1), self.state.into());
        let next = steps
            .chain([stays])
            .rev()
            .reduce(|otherwise, (when, then)| (when.clone(), when.mux(then, otherwise.1)));
        b.set(self.state, next.expect("there are steps").1);
    }
}

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
    let inputs = LinkInputs::new(&mut b, &bus);
    let now = Now::new(&mut b, &inputs);
    let header = Header::new(&mut b, &now, &inputs);
    let position = Position::new(&mut b, &now, &inputs, &header);
    let buffered = position.payload(&mut b, &inputs, config.technology);

    b.comment("The checksum, a bit a cycle.");
    let answer = AnswerBytes::new(&mut b);
    let checksum = Checksum::new(&mut b, &now, &inputs, answer.sent, answer.summed);
    let time = Time::new(&mut b, &now, &inputs, config, identity);
    let frames = Frames::new(&mut b, &now, &inputs, (&position, &checksum), time.expired);

    let verdict = AccessDecision::new(&mut b, &now, &inputs, &header, &position);
    let words = Words::new(&mut b, &now, &bus, (&header, &position), buffered, identity);
    let beats = Beats::new(&mut b, &now, &inputs, (&header, &words), time.expired);
    let found = found(&mut b, &inputs, &bus, (&header, &words, &frames), identity, beats.arrives);
    answer.step(&mut b, &now, (&header, &position, &words), &checksum, found);
    now.judge(&mut b, &inputs, (&header, &verdict, &words), &time);
    let goes = |command: Command| verdict.goes & header.of(command);
    let asks_start = b.reg_reset("asks_start", 1);
    b.set(asks_start, goes(Command::Start));

    b.comment("What comes next.");
    let begins_write = verdict.goes & header.writes & header.count.any();
    let next_byte = || position.last.mux(to(Mode::Send), to(Mode::Fetch));
    let steps: [(Expr, Expr); 20] = [
        (frames.drops.into(), to(Mode::Hunt)),
        (frames.begins.into(), to(Mode::Header)),
        (position.header_ends.into(), to(Mode::Payload)),
        (position.payload_ends.into(), to(Mode::Checksum)),
        (position.checksum_ends.into(), to(Mode::Verify)),
        (frames.right.into(), to(Mode::Decide)),
        (begins_write, to(Mode::Fetch)),
        (goes(Command::Start), to(Mode::Start)),
        (goes(Command::Reset), to(Mode::Clear)),
        (now.is(Mode::Decide), to(Mode::Send)),
        (now.is(Mode::Fetch), to(Mode::Fetched)),
        (now.is(Mode::Fetched), to(Mode::Place)),
        (words.places & words.ends, to(Mode::Store)),
        (words.places.into(), next_byte()),
        (words.stored.into(), next_byte()),
        (now.is(Mode::Start) & (inputs.started | time.expired), to(Mode::Send)),
        (now.is(Mode::Clear) & time.cleared.clone(), to(Mode::Send)),
        (beats.arrives.into(), to(Mode::Send)),
        (now.sends & answer.to_read(&position), to(Mode::Read)),
        (now.sends & answer.ends(), to(Mode::Hunt)),
    ];
    now.step(&mut b, steps.into_iter());

    b.output("send_valid", now.is(Mode::Send));
    b.output("send_data", answer.sent);
    b.output("register_write", words.stores & header.registers);
    let error = lit(ERROR.number as i128, NUMBER_BITS);
    b.output("register_address", (header.registers & !now.is(Mode::Hunt)).mux(words.number, error));
    b.output("register_write_data", pack(words.lanes[..4].iter().copied()));
    b.output("shows_error", now.is(Mode::Hunt));
    b.output("start_request", asks_start);
    b.output("clear", now.is(Mode::Clear));
    let aligned = match bus.byte_bits {
        0 => header.address.into(),
        bits => concat([header.address.slice(bits, 32 - bits), zero(bits)]),
    };
    b.output("address", aligned);
    b.output("arvalid", beats.asks_read);
    b.output("awvalid", beats.asks_write);
    b.output("wvalid", beats.gives_data);
    b.output("wdata", pack(words.lanes[..bus.bytes].iter().copied()));
    b.output("wstrb", words.mask);
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
