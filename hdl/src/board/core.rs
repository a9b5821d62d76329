//! The core of a board: machine, host link and a memory.

use super::{CORE, MEMORY_OUTPUTS, MEMORY_START, Options, link, memory_inputs, memory_switch, uart};
use crate::build::{Builder, Expr, Module, Ops, lit};
use crate::top::top;
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::registers::{CONTROL, NUMBER_BITS};

/// Module [`CORE`]: `serial_rx` and `serial_tx`, lights `running`, `done` and `error`, and the ports of `memory` that
/// are no memory's.
pub(super) fn core(config: &Config, memory: &Arc<Module>, options: &Options) -> Arc<Module> {
    let mut b = Builder::new(CORE, "The machine with host link and memory.");
    let bus = Bus::new(config);
    let reset = b.reset();
    let line = b.input("serial_rx", 1);
    let inputs = memory_inputs(&bus);
    let own = |name: &str| !["clock", "reset"].contains(&name) && inputs.iter().all(|(n, _)| *n != name);
    let pins: Vec<_> = memory.inputs.iter().filter(|port| own(&port.name)).collect();
    let pins: Vec<_> = pins.into_iter().map(|p| (p.name.as_str(), b.input(&p.name, p.width))).collect();

    b.comment("The serial line.");
    let receive = b.instance("receive", &uart::receive(options.divider), &[("line", line.into())]);
    let [send_valid, send_data] = [("send_valid", 1), ("send_data", 8)].map(|(n, w)| b.forward(n, w));
    let send_ports = [("valid", send_valid.into()), ("data", send_data.into())];
    let send = b.instance("send", &uart::send(options.divider), &send_ports);

    b.comment("What answers the master of the memory.");
    let answers = MEMORY_OUTPUTS.map(|name| {
        let index = memory.output(name).unwrap_or_else(|| panic!("a memory has the output {name}"));
        (name, b.forward(&format!("memory_{name}"), memory.outputs[index].width))
    });
    let answer = |name: &str| -> Expr {
        answers.iter().find(|(n, _)| *n == name).map(|(_, s)| (*s).into()).expect("a name of the list")
    };
    let starts = b.wire("starts", answer(MEMORY_START));

    b.comment("The host link.");
    let running = b.reg_reset("is_running", 1);
    let [was_done, read_data] = [("was_done", 1), ("register_read_data", 32)].map(|(n, w)| b.forward(n, w));
    let mut ports = vec![
        ("byte_valid", receive.out("valid").into()),
        ("byte_broken", receive.out("broken").into()),
        ("byte_data", receive.out("data").into()),
        ("send_ready", send.out("ready").into()),
        ("register_read_data", read_data.into()),
        ("memory_ready", answer("ready")),
        ("started", starts.into()),
        ("running", running.into()),
        ("was_done", was_done.into()),
    ];
    for name in ["arready", "rvalid", "rdata", "rresp", "awready", "wready", "bvalid", "bresp"] {
        ports.push((name, answer(&format!("axi_{name}"))));
    }
    let link = b.instance("link", &link::host_link(config, &options.identity(config)), &ports);
    b.drive(send_valid, link.out("send_valid"));
    b.drive(send_data, link.out("send_data"));
    let clear = b.register("clears", reset | link.out("clear"));
    let clear = b.wire("machine_reset", clear | reset);
    b.set(running, (starts | (running & !was_done)) & !clear);

    b.comment("What the host asks waits a cycle: the way from its command through a start is long.");
    let writes = b.register("host_writes", link.out("register_write"));
    let number = b.register("host_number", link.out("register_address"));
    let word = b.register("host_word", link.out("register_write_data"));
    b.comment("The machine; its control register is written in the cycle that the memory begins a run with.");
    let address = starts.mux(lit(CONTROL.number as i128, NUMBER_BITS), number);
    let data = word | starts.zero_extend(32);
    let mut ports = vec![
        ("reset", clear.into()),
        ("register_write", writes | starts),
        ("register_address", address),
        ("register_write_data", data),
    ];
    let told = [("axi_rvalid", 1), ("axi_bvalid", 1)]
        .map(|(name, width)| (name, b.forward(&format!("machine_{name}"), width)));
    for port in MEMORY_OUTPUTS.iter().filter(|name| name.starts_with("axi")) {
        let gated = told.iter().find(|(name, _)| name == port);
        ports.push((port, gated.map_or_else(|| answer(port), |(_, wire)| (*wire).into())));
    }
    let machine = b.instance("machine", &top(config), &ports);
    b.drive(was_done, machine.out("done"));
    b.drive(read_data, machine.out("register_read_data"));

    b.comment("The memory.");
    let mut ports = vec![("running", running.into())];
    for (port, name) in [
        ("link_address", "address"),
        ("link_arvalid", "arvalid"),
        ("link_awvalid", "awvalid"),
        ("link_wvalid", "wvalid"),
        ("link_wdata", "wdata"),
        ("link_wstrb", "wstrb"),
    ] {
        ports.push((port, link.out(name).into()));
    }
    let axi = inputs.iter().filter(|(name, _)| name.starts_with("axi"));
    ports.extend(axi.clone().map(|(name, _)| (*name, Expr::from(machine.out(name)))));
    ports.extend([("memory_axi_rvalid", answer("axi_rvalid")), ("memory_axi_bvalid", answer("axi_bvalid"))]);
    let switch = b.instance("switch", &memory_switch::memory_switch(config), &ports);
    for (name, wire) in told {
        b.drive(wire, switch.out(name));
    }
    let mut ports: Vec<(&str, Expr)> = vec![("start_request", link.out("start_request").into())];
    ports.extend(axi.map(|(name, _)| (*name, switch.out(&format!("memory_{name}")).into())));
    ports.extend(pins.iter().map(|(name, pin)| (*name, Expr::from(*pin))));
    if memory.input("reset").is_some() {
        ports.push(("reset", clear.into()));
    }
    let placed = b.instance("memory", memory, &ports);
    for (name, wire) in answers {
        b.drive(wire, placed.out(name));
    }

    b.output("serial_tx", send.out("line"));
    b.output("running", running);
    b.output("done", was_done);
    let shows = b.delay("shows_error", link.out("shows_error"), 2);
    let error = b.reg_reset("has_error", 1);
    b.set_when(error, shows, read_data.truncate(8).any());
    b.output("error", error);
    for port in memory.outputs.iter().filter(|port| !MEMORY_OUTPUTS.contains(&port.name.as_str())) {
        b.output(&port.name, placed.out(&port.name));
    }
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::on_chip_memory::on_chip_memory;
    use crate::check::lint;
    use tilewright_arch::technology::Technology;

    #[test]
    fn lint_finds_nothing() {
        let mut config = Config::sized(4, 4);
        config.feature.pages = 4;
        let options =
            Options { clock_hz: 100_000_000, divider: 2, memory_bytes: 1 << 16, timeout_cycles: 1 << 14 };
        let memory = on_chip_memory(&config, options.memory_bytes as usize, Technology::Portable);
        lint(&core(&config, &memory, &options));
    }
}
