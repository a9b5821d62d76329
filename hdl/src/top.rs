//! The machine: register port, four units, feature memory, memory port.

use crate::build::{Builder, Expr, Instance, Module, Ops, Sig, pack, zero};
use crate::engine::tile_engine;
use crate::feature_memory::feature_memory;
use crate::memory_port::{LOAD, MASTERS, STORE, memory_port};
use crate::registers::{MACHINE_ERRORS, registers};
use crate::sequencer::{COUNT_BITS, semaphores, sequencer};
use crate::transfer_walk::Bus;
use crate::{load, store};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::{TILE_BYTES, TRANSFER_BYTES};
use tilewright_arch::instr::{SEMAPHORES, Unit};
use tilewright_arch::registers::NUMBER_BITS;

/// Name of the top module.
pub(crate) const TOP: &str = "tilewright";

const UNITS: usize = Unit::ALL.len();

/// Inputs of the AXI4 master, with their widths.
fn axi_inputs(bus: &Bus) -> [(&'static str, usize); 9] {
    [
        ("arready", 1),
        ("rvalid", 1),
        ("rdata", 8 * bus.bytes),
        ("rresp", 2),
        ("rlast", 1),
        ("awready", 1),
        ("wready", 1),
        ("bvalid", 1),
        ("bresp", 2),
    ]
}

/// Module `tilewright`: ports `clock`, `reset` (synchronous), `register_*`, `axi_*`, `done`, and
/// for traces `unit_issue` and `unit_done`, a bit a unit.
pub(crate) fn top(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(
        TOP,
        format!(
            "{}: {} lanes, {} columns, {} bytes of feature memory, {} weight words.",
            config.name,
            config.lanes,
            config.columns,
            config.feature_bytes(),
            config.weight_words
        ),
    );
    let bus = Bus::new(config);
    b.reset();
    let register_write = b.input("register_write", 1);
    let register_address = b.input("register_address", NUMBER_BITS);
    let register_data = b.input("register_write_data", 32);
    let axi = axi_inputs(&bus).map(|(name, width)| (name, b.input(&format!("axi_{name}"), width)));
    let axi = |name: &str| -> Expr {
        axi.iter().find(|(n, _)| *n == name).map(|(_, s)| (*s).into()).expect("a name of the list above")
    };

    let finished = b.forward("unit_finished", UNITS);
    let errors = b.forward("errors", MACHINE_ERRORS);
    let idle = b.forward("memory_idle", 1);
    let registers = b.instance(
        "registers",
        &registers(config),
        &[
            ("write", register_write.into()),
            ("address", register_address.into()),
            ("write_data", register_data.into()),
            ("finished", finished.into()),
            ("errors", errors.into()),
            ("idle", idle.into()),
        ],
    );
    let start = registers.out("start");
    let base = registers.out("base");

    b.comment(
        "A run that ends early: no instruction is issued any more, and what was begun leaves nothing behind.",
    );
    let reset = b.reset();
    let stop = registers.out("stop");
    let no_issue = b.wire("no_issue", reset | stop);
    let clear = b.wire("clears", reset | registers.out("clear"));

    b.comment("Requests of the masters; grants and beats come back.");
    let request = b.forward("request", MASTERS);
    let address = b.forward("request_address", 32 * MASTERS);
    let beats = b.forward("request_beats", bus.beat_bits * MASTERS);
    let mut port_inputs: Vec<(&str, Expr)> = vec![
        ("request", request.into()),
        ("address", address.into()),
        ("beats", beats.into()),
        ("stop", stop.into()),
    ];
    for name in ["arready", "awready", "rvalid", "rdata", "rresp", "rlast", "bvalid", "bresp"] {
        port_inputs.push((name, axi(name)));
    }
    let port = b.instance("port", &memory_port(config), &port_inputs);
    b.drive(idle, port.out("idle"));
    let grant = port.out("grant");
    let beat_valid = port.out("beat_valid");
    let beat_data = port.out("beat_data");

    b.comment("Sequencers and semaphores.");
    let nonzero = b.forward("nonzero", SEMAPHORES);
    let done = b.forward("unit_done_strobes", UNITS);
    let kinds = [TILE_BYTES, TRANSFER_BYTES].map(|bytes| sequencer(config, bytes));
    let sequencers: Vec<Instance> = Unit::ALL
        .iter()
        .enumerate()
        .map(|(u, unit)| {
            let kind = &kinds[usize::from(matches!(unit, Unit::Load | Unit::Store))];
            b.instance(
                &format!("{}_sequencer", unit.name()),
                kind,
                &[
                    ("reset", no_issue.into()),
                    ("start", start.into()),
                    ("list_address", registers.out("list_addresses").element(u, 32)),
                    ("base", base.into()),
                    ("count", registers.out("counts").element(u, COUNT_BITS)),
                    ("grant", grant.bit(u)),
                    ("beat_valid", beat_valid.bit(u)),
                    ("beat_data", beat_data.into()),
                    ("nonzero", nonzero.into()),
                    ("done", done.bit(u)),
                ],
            )
        })
        .collect();
    let of_all = |name: &str| pack(sequencers.iter().map(|s| s.out(name)));
    let issue = b.wire("unit_issue_strobes", of_all("issue"));
    let semaphores = b.instance(
        "semaphores",
        &semaphores(UNITS),
        &[
            ("reset", clear.into()),
            ("clear", start.into()),
            ("issue", issue.into()),
            ("wait_masks", of_all("wait_mask")),
            ("done", done.into()),
            ("signal_masks", of_all("signal_mask")),
        ],
    );
    b.drive(nonzero, semaphores.out("nonzero"));
    b.drive(finished, of_all("finished"));
    let unit = |u: Unit| (issue.bit(u as usize), Expr::from(sequencers[u as usize].out("instruction")));

    b.comment("Transfers.");
    let (strobe, instruction) = unit(Unit::Load);
    let load = b.instance(
        "load",
        &load::load(config),
        &[
            ("reset", clear.into()),
            ("base", base.into()),
            ("start", strobe),
            ("instruction", instruction),
            ("grant", grant.bit(LOAD)),
            ("beat_valid", beat_valid.bit(LOAD)),
            ("beat_data", beat_data.into()),
            ("beat_last", port.out("beat_last").into()),
        ],
    );
    let (strobe, instruction) = unit(Unit::Store);
    let stored = b.forward("store_data", 8 * config.lanes);
    let store = b.instance(
        "store",
        &store::store(config),
        &[
            ("reset", clear.into()),
            ("base", base.into()),
            ("start", strobe),
            ("instruction", instruction),
            ("grant", grant.bit(STORE)),
            ("feature_data", stored.into()),
            ("wready", axi("wready")),
            ("bvalid", axi("bvalid")),
        ],
    );

    b.comment("Tile engines and the feature memory between all.");
    let mut engines = vec![];
    let mut read: Vec<(String, Sig)> = vec![("store".into(), stored)];
    for kind in [Unit::Compute, Unit::Vector] {
        let (strobe, instruction) = unit(kind);
        let name = kind.name();
        let [gathered, operand] =
            ["gather", "operand"].map(|port| b.forward(&format!("{name}_{port}_data"), 8 * config.lanes));
        read.push((format!("{name}_gather"), gathered));
        read.push((format!("{name}_operand"), operand));
        let mut inputs = vec![
            ("reset", clear.into()),
            ("issue", strobe),
            ("instruction", instruction),
            ("gather_data", gathered.into()),
            ("operand_data", operand.into()),
            ("channel_write", load.out(&format!("{name}_channel_write")).into()),
            ("channel_word", load.out("channel_word").into()),
            ("channel_beat", load.out("channel_beat").into()),
            ("channel_data", load.out("word_data").into()),
            ("table_write", load.out("table_write").into()),
            ("table_address", load.out("table_address").into()),
            ("table_data", load.out("word_data").into()),
        ];
        if kind == Unit::Compute {
            for part in ["weight_write", "weight_word", "weight_beat"] {
                inputs.push((part, load.out(part).into()));
            }
            inputs.push(("weight_data", load.out("word_data").into()));
        }
        engines.push(b.instance(&format!("{name}_engine"), &tile_engine(config, kind), &inputs));
    }
    let (compute, vector) = (&engines[0], &engines[1]);
    let port_of = |from: &Instance, name: &str| Expr::from(from.out(name));
    let mut ports: Vec<(String, Expr)> = vec![];
    for (name, engine) in [("compute", compute), ("vector", vector)] {
        for part in ["gather_row", "gather_enable", "operand_row", "operand_enable"] {
            ports.push((format!("{name}_{part}"), port_of(engine, part)));
        }
        for part in ["row", "enable", "data"] {
            ports.push((format!("{name}_output_{part}"), port_of(engine, &format!("output_{part}"))));
        }
    }
    for part in ["row", "enable"] {
        ports.push((format!("store_{part}"), port_of(&store, part)));
    }
    for part in ["row", "enable", "data"] {
        ports.push((format!("load_{part}"), port_of(&load, part)));
    }
    let ports: Vec<(&str, Expr)> = ports.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let feature = b.instance("feature_memory", &feature_memory(config), &ports);
    for (name, data) in read {
        b.drive(data, feature.out(&format!("{name}_data")));
    }

    b.drive(done, pack([compute, vector, &load, &store].map(|unit| unit.out("done"))));
    let foreign = b.wire("foreign_program", of_all("foreign").any());
    b.drive(
        errors,
        pack([
            port.out("read_error"),
            port.out("write_error"),
            load.out("illegal"),
            store.out("illegal"),
            semaphores.out("overflow"),
            foreign,
        ]),
    );
    let mut requests: Vec<Expr> = sequencers.iter().map(|s| s.out("request").into()).collect();
    let mut addresses: Vec<Expr> = sequencers.iter().map(|s| s.out("address").into()).collect();
    let mut counts: Vec<Expr> = sequencers.iter().map(|s| s.out("beats").into()).collect();
    for unit in [&store, &load] {
        requests.push(unit.out("request").into());
        addresses.push(unit.out("address").into());
        counts.push(unit.out("beats").into());
    }
    b.drive(request, pack(requests));
    b.drive(address, pack(addresses));
    b.drive(beats, pack(counts));

    b.output("register_read_data", registers.out("read_data"));
    b.output("done", registers.out("done"));
    let mut axi_out = |name: &str, value: Expr| b.output(&format!("axi_{name}"), value);
    for command in ["ar", "aw"] {
        for part in ["valid", "addr", "len", "size", "burst"] {
            axi_out(&format!("{command}{part}"), port.out(&format!("{command}{part}")).into());
        }
        axi_out(&format!("{command}id"), zero(1));
    }
    for ready in ["rready", "bready"] {
        axi_out(ready, port.out(ready).into());
    }
    for part in ["wvalid", "wdata", "wstrb", "wlast"] {
        axi_out(part, store.out(part).into());
    }
    b.output("unit_issue", issue);
    b.output("unit_done", done);
    b.finish()
}
