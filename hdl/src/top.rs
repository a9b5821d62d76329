//! The machine: register port, four units, feature memory, memory port.

use crate::build::{Builder, Bundle, Expr, Instance, Module, Ops, Sig, bundle, pack, zero};
use crate::engine::{ChannelBeats, TableBeats, WeightBeats, tile_engine};
use crate::feature_memory::feature_memory;
use crate::memory_port::memory_port;
use crate::registers::{MACHINE_ERRORS, registers};
use crate::sequencer::{COUNT_BITS, semaphores, sequencer};
use crate::transfer_walk::Bus;
use crate::{load, store};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::{TILE_BYTES, TRANSFER_BYTES};
use tilewright_arch::instr::{SEMAPHORES, Unit};
use tilewright_arch::port::{LOAD, MASTERS, STORE};
use tilewright_arch::registers::NUMBER_BITS;

/// Name of the top module.
pub(crate) const TOP: &str = "tilewright";

const UNITS: usize = Unit::ALL.len();

bundle! {
    /// What answers the AXI4 master.
    struct Axi { arready, rvalid, rdata, rresp, rlast, awready, wready, bvalid, bresp }
}

impl Axi<Sig> {
    fn inputs(b: &mut Builder, bus: &Bus) -> Self {
        let mut input = |name: &str, width: usize| b.input(&format!("axi_{name}"), width);
        Axi {
            arready: input("arready", 1),
            rvalid: input("rvalid", 1),
            rdata: input("rdata", 8 * bus.bytes),
            rresp: input("rresp", 2),
            rlast: input("rlast", 1),
            awready: input("awready", 1),
            wready: input("wready", 1),
            bvalid: input("bvalid", 1),
            bresp: input("bresp", 2),
        }
    }
}

bundle! {
    /// A burst that a master shows to the memory port; of all masters an array.
    struct PortRequest { request, address, beats }
}

impl PortRequest<Sig> {
    fn of_all(b: &mut Builder, bus: &Bus) -> Self {
        PortRequest {
            request: b.forward("request", MASTERS),
            address: b.forward("request_address", 32 * MASTERS),
            beats: b.forward("request_beats", bus.beat_bits * MASTERS),
        }
    }

    /// `masters` in their order.
    fn drive(self, b: &mut Builder, masters: &[&Instance]) {
        let shown: Vec<PortRequest<Sig>> = masters.iter().map(|master| PortRequest::of(master)).collect();
        b.drive(self.request, pack(shown.iter().map(|master| master.request)));
        b.drive(self.address, pack(shown.iter().map(|master| master.address)));
        b.drive(self.beats, pack(shown.iter().map(|master| master.beats)));
    }
}

/// What all units have to do with: the run, and the memory port.
struct SharedSignals<'a> {
    config: &'a Config,
    registers: Instance,
    port: Instance,
    /// No instruction is issued.
    no_issue: Sig,
    /// What was begun ends.
    clear: Sig,
}

impl SharedSignals<'_> {
    fn base(&self) -> Expr {
        self.registers.out("base").into()
    }

    /// The bit of master `index` of a port's output.
    fn of_master(&self, output: &str, index: usize) -> Expr {
        self.port.out(output).bit(index)
    }

    /// One sequencer a unit.
    fn sequencers(&self, b: &mut Builder, nonzero: Sig, done: Sig) -> Vec<Instance> {
        let kinds = [TILE_BYTES, TRANSFER_BYTES].map(|bytes| sequencer(self.config, bytes));
        let mut place = |(u, unit): (usize, &Unit)| {
            let kind = &kinds[usize::from(matches!(unit, Unit::Load | Unit::Store))];
            b.instance(
                &format!("{}_sequencer", unit.name()),
                kind,
                &[
                    ("reset", self.no_issue.into()),
                    ("start", self.registers.out("start").into()),
                    ("list_address", self.registers.out("list_addresses").element(u, 32)),
                    ("base", self.base()),
                    ("count", self.registers.out("counts").element(u, COUNT_BITS)),
                    ("grant", self.of_master("grant", u)),
                    ("beat_valid", self.of_master("beat_valid", u)),
                    ("beat_data", self.port.out("beat_data").into()),
                    ("nonzero", nonzero.into()),
                    ("done", done.bit(u)),
                ],
            )
        };
        Unit::ALL.iter().enumerate().map(&mut place).collect()
    }

    /// The load unit.
    fn load(&self, b: &mut Builder, issued: Issued) -> Instance {
        b.instance(
            "load",
            &load::load(self.config),
            &[
                ("reset", self.clear.into()),
                ("base", self.base()),
                ("start", issued.strobe),
                ("instruction", issued.instruction),
                ("grant", self.of_master("grant", LOAD)),
                ("beat_valid", self.of_master("beat_valid", LOAD)),
                ("beat_data", self.port.out("beat_data").into()),
                ("beat_last", self.port.out("beat_last").into()),
            ],
        )
    }

    /// The store unit; it alone gives data to the bus.
    fn store(&self, b: &mut Builder, issued: Issued, axi: &Axi<Sig>) -> StoreUnit {
        let stored = b.forward("store_data", 8 * self.config.lanes);
        let placed = b.instance(
            "store",
            &store::store(self.config),
            &[
                ("reset", self.clear.into()),
                ("base", self.base()),
                ("start", issued.strobe),
                ("instruction", issued.instruction),
                ("grant", self.of_master("grant", STORE)),
                ("feature_data", stored.into()),
                ("wready", axi.wready.into()),
                ("bvalid", axi.bvalid.into()),
            ],
        );
        StoreUnit { placed, stored }
    }

    /// The engine of `unit`, whose memories `load` fills.
    fn engine(&self, b: &mut Builder, unit: Unit, issued: Issued, load: &Instance) -> EngineInstance {
        let name = unit.name();
        let [gathered, operand] = ["gather", "operand"]
            .map(|port| b.forward(&format!("{name}_{port}_data"), 8 * self.config.lanes));
        let data = load.out("word_data");
        let channel = ChannelBeats {
            channel_write: load.out(&format!("{name}_channel_write")),
            channel_word: load.out("channel_word"),
            channel_beat: load.out("channel_beat"),
            channel_data: data,
        };
        let table = TableBeats {
            table_write: load.out("table_write"),
            table_address: load.out("table_address"),
            table_data: data,
        };
        let mut inputs = vec![
            ("reset", self.clear.into()),
            ("issue", issued.strobe),
            ("instruction", issued.instruction),
            ("gather_data", gathered.into()),
            ("operand_data", operand.into()),
        ];
        inputs.extend(channel.ports());
        inputs.extend(table.ports());
        if unit == Unit::Compute {
            let weight = WeightBeats {
                weight_write: load.out("weight_write"),
                weight_word: load.out("weight_word"),
                weight_beat: load.out("weight_beat"),
                weight_data: data,
            };
            inputs.extend(weight.ports());
        }
        let placed = b.instance(&format!("{name}_engine"), &tile_engine(self.config, unit), &inputs);
        EngineInstance { name, placed, gathered, operand }
    }
}

/// An instruction of a unit, in the cycle of its issue.
struct Issued {
    strobe: Expr,
    instruction: Expr,
}

/// The store unit, and the data that feature memory gives it; to be driven.
struct StoreUnit {
    placed: Instance,
    stored: Sig,
}

/// A tile engine, and the data that feature memory gives it; to be driven.
struct EngineInstance {
    name: &'static str,
    placed: Instance,
    gathered: Sig,
    operand: Sig,
}

/// The feature memory between all.
fn feature(b: &mut Builder, config: &Config, engines: &[EngineInstance], store: &StoreUnit, load: &Instance) {
    let mut ports: Vec<(String, Expr)> = vec![];
    let mut connect = |requester: &str, block: &Instance, prefix: &str, parts: &[&str]| {
        for part in parts {
            let shown = block.out(&format!("{prefix}{part}"));
            ports.push((format!("{requester}_{part}"), shown.into()));
        }
    };
    for EngineInstance { name, placed, .. } in engines {
        connect(&format!("{name}_gather"), placed, "gather_", &["row", "enable"]);
        connect(&format!("{name}_operand"), placed, "operand_", &["row", "enable"]);
        connect(&format!("{name}_output"), placed, "output_", &["row", "enable", "data"]);
    }
    connect("store", &store.placed, "", &["row", "enable"]);
    connect("load", load, "", &["row", "enable", "data"]);
    let ports: Vec<(&str, Expr)> = ports.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let feature = b.instance("feature_memory", &feature_memory(config), &ports);
    b.drive(store.stored, feature.out("store_data"));
    for EngineInstance { name, gathered, operand, .. } in engines {
        b.drive(*gathered, feature.out(&format!("{name}_gather_data")));
        b.drive(*operand, feature.out(&format!("{name}_operand_data")));
    }
}

/// The AXI4 master: commands of the port, data of the store unit.
fn axi_outputs(b: &mut Builder, port: &Instance, store: &Instance) {
    let mut output = |name: &str, value: Expr| b.output(&format!("axi_{name}"), value);
    for command in ["ar", "aw"] {
        for part in ["valid", "addr", "len", "size", "burst"] {
            let name = format!("{command}{part}");
            output(&name, port.out(&name).into());
        }
        output(&format!("{command}id"), zero(1));
    }
    for ready in ["rready", "bready"] {
        output(ready, port.out(ready).into());
    }
    for part in ["wvalid", "wdata", "wstrb", "wlast"] {
        output(part, store.out(part).into());
    }
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
    let reset = b.reset();
    let register_write = b.input("register_write", 1);
    let register_address = b.input("register_address", NUMBER_BITS);
    let register_data = b.input("register_write_data", 32);
    let axi = Axi::inputs(&mut b, &bus);

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

    b.comment(
        "A run that ends early: no instruction is issued any more, and what was begun leaves nothing behind.",
    );
    let stop = registers.out("stop");
    let no_issue = b.wire("no_issue", reset | stop);
    let clear = b.wire("clears", reset | registers.out("clear"));

    b.comment("Requests of the masters; grants and beats come back.");
    let requests = PortRequest::of_all(&mut b, &bus);
    let mut inputs = requests.ports();
    inputs.push(("stop", stop.into()));
    // Whether data are taken concerns whoever gives them.
    inputs.extend(axi.ports().into_iter().filter(|(name, _)| *name != "wready"));
    let port = b.instance("port", &memory_port(config), &inputs);
    b.drive(idle, port.out("idle"));
    let shared = SharedSignals { config, registers, port, no_issue, clear };

    b.comment("Sequencers and semaphores.");
    let nonzero = b.forward("nonzero", SEMAPHORES);
    let done = b.forward("unit_done_strobes", UNITS);
    let sequencers = shared.sequencers(&mut b, nonzero, done);
    let of_all = |name: &str| pack(sequencers.iter().map(|s| s.out(name)));
    let issue = b.wire("unit_issue_strobes", of_all("issue"));
    let semaphores = b.instance(
        "semaphores",
        &semaphores(UNITS),
        &[
            ("reset", clear.into()),
            ("clear", shared.registers.out("start").into()),
            ("issue", issue.into()),
            ("wait_masks", of_all("wait_mask")),
            ("done", done.into()),
            ("signal_masks", of_all("signal_mask")),
        ],
    );
    b.drive(nonzero, semaphores.out("nonzero"));
    b.drive(finished, of_all("finished"));
    let issued = |unit: Unit| Issued {
        strobe: issue.bit(unit as usize),
        instruction: sequencers[unit as usize].out("instruction").into(),
    };

    b.comment("Transfers.");
    let load = shared.load(&mut b, issued(Unit::Load));
    let store = shared.store(&mut b, issued(Unit::Store), &axi);

    b.comment("Tile engines and the feature memory between all.");
    let engines = [Unit::Compute, Unit::Vector].map(|unit| shared.engine(&mut b, unit, issued(unit), &load));
    feature(&mut b, config, &engines, &store, &load);

    let port = &shared.port;
    let [compute, vector] = engines.map(|engine| engine.placed);
    let store = store.placed;
    b.drive(done, pack([&compute, &vector, &load, &store].map(|unit| unit.out("done"))));
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
    requests.drive(&mut b, &sequencers.iter().chain([&store, &load]).collect::<Vec<_>>());

    b.output("register_read_data", shared.registers.out("read_data"));
    b.output("done", shared.registers.out("done"));
    axi_outputs(&mut b, port, &store);
    b.output("unit_issue", issue);
    b.output("unit_done", done);
    b.finish()
}
