//! Who has the memory: the machine while it runs, the host link otherwise.

use super::memory_inputs;
use crate::build::{Builder, Expr, Module, Ops, lit, zero};
use crate::transfer_walk::Bus;
use std::sync::Arc;
use tilewright_arch::Config;

/// What the link shows of a command or data; the rest is that of a single beat.
const OF_LINK: [(&str, &str); 7] = [
    ("axi_arvalid", "arvalid"),
    ("axi_araddr", "address"),
    ("axi_awvalid", "awvalid"),
    ("axi_awaddr", "address"),
    ("axi_wvalid", "wvalid"),
    ("axi_wdata", "wdata"),
    ("axi_wstrb", "wstrb"),
];

/// Module `memory_switch`: ports of the machine by their names, those of the link behind `link_`.
pub(crate) fn memory_switch(config: &Config) -> Arc<Module> {
    let mut b =
        Builder::new("memory_switch", "The memory is the machine's while it runs, else the host link's.");
    let bus = Bus::new(config);
    let running = b.input("running", 1);
    let widths = [("address", 32), ("arvalid", 1), ("awvalid", 1), ("wvalid", 1)];
    let of_data = [("wdata", 8 * bus.bytes), ("wstrb", bus.bytes)];
    let link: Vec<_> = widths
        .into_iter()
        .chain(of_data)
        .map(|(name, width)| (name, b.input(&format!("link_{name}"), width)))
        .collect();
    let of_link = |port: &str| -> Option<Expr> {
        let (_, name) = OF_LINK.iter().find(|(p, _)| *p == port)?;
        link.iter().find(|(n, _)| n == name).map(|(_, s)| (*s).into())
    };
    let ports: Vec<_> = memory_inputs(&bus).into_iter().filter(|(name, _)| name.starts_with("axi")).collect();
    let machine: Vec<_> = ports.iter().map(|(name, width)| (*name, b.input(name, *width))).collect();
    b.comment("What the memory tells is for whoever has it: the machine counts what it is told.");
    for name in ["axi_rvalid", "axi_bvalid"] {
        let told = b.input(&format!("memory_{name}"), 1);
        b.output(name, told & running);
    }
    for (name, value) in machine {
        let other = of_link(name).unwrap_or_else(|| match name {
            "axi_wlast" => lit(1, 1),
            _ => zero(value.width()),
        });
        let shown: Expr = match name {
            // Whoever has not the memory shows no command.
            "axi_arvalid" | "axi_awvalid" | "axi_wvalid" => value | other,
            // The same of both.
            "axi_arsize" | "axi_arburst" | "axi_arid" | "axi_rready" => value.into(),
            "axi_awsize" | "axi_awburst" | "axi_awid" | "axi_bready" => value.into(),
            _ => running.mux(value, other),
        };
        b.output(&format!("memory_{name}"), shown);
    }
    b.finish()
}
