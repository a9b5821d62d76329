//! The controller of an SDR SDRAM: module `sdram`, between the machine's AXI port and the pins.
//!
//! [`tilewright_arch::sdram`] says when every burst moves; its cycles are decisions here, which reach the chip so:
//!
//! ```text
//! cycle c            a command is decided on
//!       c + 1        it is in a register; a write's word is taken from the AXI port (`axi_wready`)
//!       c + 2        it is in the registers at the pads, with the word; the chip samples it at the end of the cycle
//!       c + 2 + CL   a read's word is at the pins
//!       c + 3 + CL   it has been registered, and is given (`axi_rvalid`)
//! ```
//!
//! Without byte masks the first and the last word of a write are read before it, and their bytes that stay are
//! written back.
//!
//! After power-up: a pause, eight refreshes, each after a precharge of all banks, and the mode: bursts of a whole row,
//! which commands end, so that a burst of any length takes one column command.

mod commands;
mod pads;
mod requests;
mod states;

use crate::build::{Builder, Module, Ops, Sig};
use commands::{Commands, OpenRows};
use pads::{Registered, answers, pads};
use requests::{NextBurst, PowerUp, Refresh, Requests};
use states::{States, Stream};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::sdram::Sdram;

/// Bits of AXI's count of beats.
const LENGTH_BITS: usize = 8;

/// A command of the AXI port: of reads or of writes.
struct AxiCommand {
    valid: Sig,
    address: Sig,
    length: Sig,
}

/// What comes from the machine, and from the chip.
struct Signals {
    start_request: Sig,
    read: AxiCommand,
    write: AxiCommand,
    wvalid: Sig,
    wdata: Sig,
    wstrb: Sig,
    dq_in: Sig,
}

impl Signals {
    fn new(b: &mut Builder, bus_bytes: usize, chip: &Sdram) -> Signals {
        let start_request = b.input("start_request", 1);
        let mut command = |prefix: &str| {
            let mut part = |name: &str, width: usize| b.input(&format!("axi_{prefix}{name}"), width);
            let command = AxiCommand {
                valid: part("valid", 1),
                address: part("addr", 32),
                length: part("len", LENGTH_BITS),
            };
            for (name, width) in [("size", 3), ("burst", 2), ("id", 1)] {
                part(name, width);
            }
            command
        };
        let (read, write) = (command("ar"), command("aw"));
        b.input("axi_rready", 1);
        let wvalid = b.input("axi_wvalid", 1);
        let wdata = b.input("axi_wdata", 8 * bus_bytes);
        let wstrb = b.input("axi_wstrb", bus_bytes);
        b.input("axi_wlast", 1);
        b.input("axi_bready", 1);
        let dq_in = b.input("sdram_dq_in", chip.data_bits);
        Signals { start_request, read, write, wvalid, wdata, wstrb, dq_in }
    }
}

/// Where the controller is between power-up and runs.
struct Control {
    /// The chip has its mode.
    initialised: Sig,
    /// A start has been asked for.
    starting: Sig,
    /// Commands of the AXI port are taken.
    ready: Sig,
}

impl Control {
    fn new(b: &mut Builder) -> Control {
        Control {
            initialised: b.reg_reset("initialised", 1),
            starting: b.reg_reset("starting", 1),
            ready: b.reg_reset("command_ready", 1),
        }
    }
}

/// The start of a run, a register: after a refresh that begins when nothing is `under_way`, with nothing to wait for.
fn start(
    b: &mut Builder,
    (inputs, control): (&Signals, &Control),
    (requests, refresh, commands): (&Requests, &Refresh, &Commands),
    refreshed: Sig,
) -> Sig {
    let Control { initialised, starting, ready } = *control;
    let starts = refresh.starts;
    b.comment("The start of a run: after a refresh, with nothing to wait for.");
    b.set(refreshed, starting & (refreshed | (commands.refresh & !requests.under_way.any())));
    b.drive(starts, starting & refreshed & commands.rested.clone());
    b.set(starting, inputs.start_request | (starting & !starts));
    let start = b.reg_reset("start_r", 1);
    b.set(start, starts);
    b.set(ready, requests.room() & initialised & (!starting | starts) & !inputs.start_request);
    start
}

/// Module `sdram`. `start_request`, when nothing is under way, makes a refresh and then `start`: that is cycle 0 of a
/// run. Ports `axi_*` are the slave of the machine's, `sdram_*` the pins.
pub(crate) fn sdram(config: &Config, chip: &Sdram) -> Arc<Module> {
    let mut b = Builder::new(
        "sdram",
        "Controller of an SDR SDRAM: bursts in order, a row is opened while another bank streams, refresh between \
         bursts; the times of all are those of the simulator.",
    );
    let inputs = Signals::new(&mut b, config.memory.bus_bytes, chip);

    b.comment(
        "Commands of the AXI port, until they are taken; as many are under way as the machine counts on.",
    );
    let control = Control::new(&mut b);
    let requests = Requests::new(&mut b, config, chip, &inputs, &control);
    let refresh = Refresh::new(&mut b, chip);
    let power = PowerUp::new(&mut b, chip);

    b.comment("What is prepared: a burst, a refresh or the mode.");
    let states = States::new(&mut b, chip);
    let free = b.wire("free", !states.busy());
    let start_refreshed = b.reg_reset("start_refreshed", 1);
    let last = b.wire("refresh_to_start", control.starting & !start_refreshed & !requests.under_way.any());
    let when_running = (refresh.due & !control.starting) | last;
    let wanted = control.initialised.mux(when_running, power.powered & !power.refreshed);
    let wanted = b.wire("refresh_wanted", wanted);
    b.drive(refresh.take, free & wanted);
    b.drive(requests.take, free & control.initialised & !wanted & requests.takeable.any());
    let take_mode = b.wire("take_mode", free & !control.initialised & power.refreshed);
    let burst = NextBurst::new(&mut b, chip, &requests);
    let stream = Stream::new(&mut b, &burst);

    let commands = Commands::new(&mut b, chip, &states, &burst, &stream);
    let rows = OpenRows::new(&mut b, chip, &burst, &commands);

    b.comment("The next state.");
    states.step(&mut b, &rows, &burst, &commands, [requests.take, refresh.take, take_mode]);
    power.step(&mut b, &control, &commands);
    stream.step(&mut b, &states, &burst, commands.column);
    let start = start(&mut b, (&inputs, &control), (&requests, &refresh, &commands), start_refreshed);

    let registered = Registered::new(&mut b, chip, &states, &burst, &commands);
    let captured = pads(&mut b, chip, &inputs, (&control, &stream), (&states, &commands, &registered));
    answers(&mut b, chip, (&control, &requests, &stream), &registered, [captured, start]);
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Tested, differential, lint};

    #[test]
    fn verilog_agrees() {
        let plain = Sdram { power_up: 20, ..Sdram::default() };
        let wide = Sdram { data_bits: 32, row_bits: 11, column_bits: 8, byte_masks: false, ..plain.clone() };
        for (chip, seed) in [(plain, 1), (wide, 2)] {
            let mut config = Config::sized(4, 4);
            config.memory.bus_bytes = chip.data_bits / 8;
            let module = sdram(&config, &chip);
            lint(&module);
            let tested = Tested::new(module).rarely("reset", 1000).rarely("start_request", 300);
            differential(&tested.rarely("axi_arvalid", 5).rarely("axi_awvalid", 9), 3000, seed);
        }
    }
}
