//! Feature memory: P banks of `pages` pages each, with one read and one write port per page and
//! bank and no arbiter.
//!
//! Every requester that may read or write at any time has its own ports; each (page, bank) takes the
//! OR of what addresses it. Programs guarantee that this is at most one
//! ([`tilewright_arch::instr`]: exclusive ports), so the OR is a choice.
//!
//! ```text
//! read   cycle 0            row and enable of a requester arrive
//!        cycle 1            address register of the page
//!        cycle 1 + ram      data of the page
//!        cycle 2 + ram      data of the requester (page chosen), registered
//! write  cycle 0            row, data, enable arrive
//!        cycle 1            registered at the page; the memory changes at the end of this cycle
//! ```

use crate::build::{Builder, Expr, Module, Ops, Ram, Sig, and_or, concat, index_bits, pack};
use std::sync::Arc;
use tilewright_arch::Config;

/// Requesters that read: the names before `_row`, `_enable` and `_data`.
pub(crate) const READERS: [&str; 5] =
    ["compute_gather", "compute_operand", "vector_gather", "vector_operand", "store"];
/// Requesters that write.
pub(crate) const WRITERS: [&str; 3] = ["compute_output", "vector_output", "load"];

/// Cycles from a row at a read requester's port to its data.
pub(crate) fn feature_read_latency(config: &Config) -> usize {
    config.pipeline.ram + 2
}

/// Bits of a row of the whole feature memory.
pub(crate) fn row_bits(config: &Config) -> usize {
    index_bits(config.feature_rows())
}

/// One bank: all its pages and the choices before and behind them.
fn bank(config: &Config) -> Arc<Module> {
    let mut b =
        Builder::new("feature_bank", "One bank of feature memory: the same byte column of all pages.");
    let (pages, rows) = (config.feature.pages, row_bits(config));
    let inside = index_bits(config.feature.page_rows);
    let page_bits = rows - inside;
    b.comment("The page that every requester addresses.");
    // (row inside the page, one bit a page, page number)
    let address = |b: &mut Builder, name: &str| -> (Expr, Vec<Expr>, Sig) {
        let row = b.input(&format!("{name}_row"), rows);
        let enable = b.input(&format!("{name}_enable"), 1);
        let page = row.slice(inside, page_bits);
        let hit = |p: usize| enable & page.clone().is(p as i128);
        let hits = (0..pages).map(|p| b.wire(&format!("{name}_page_{p}"), hit(p)).into()).collect();
        let number = b.wire(&format!("{name}_page"), concat([enable.into(), page]));
        (row.truncate(inside), hits, number)
    };
    let readers: Vec<_> = READERS.iter().map(|name| address(&mut b, name)).collect();
    let writers: Vec<_> = WRITERS.iter().map(|name| address(&mut b, name)).collect();
    let data: Vec<Sig> = WRITERS.iter().map(|name| b.input(&format!("{name}_data"), 8)).collect();
    let mut found = vec![];
    for page in 0..pages {
        let choose = |from: &[(Expr, Vec<Expr>, Sig)], value: &dyn Fn(usize) -> Expr| {
            and_or(from.iter().enumerate().map(|(i, (_, hits, _))| (hits[page].clone(), value(i))))
        };
        b.comment(format!("Page {page}: of its requesters at most one reads and one writes."));
        let read_row = b.register(&format!("read_row_{page}"), choose(&readers, &|i| readers[i].0.clone()));
        let write_row = b.register(&format!("write_row_{page}"), choose(&writers, &|i| writers[i].0.clone()));
        let write_data = b.register(&format!("write_data_{page}"), choose(&writers, &|i| data[i].into()));
        let any = concat(writers.iter().map(|(_, hits, _)| hits[page].clone())).any();
        let write_enable = b.register(&format!("write_enable_{page}"), any);
        let ram = Ram {
            depth: config.feature.page_rows,
            write_enable: write_enable.into(),
            write_address: write_row.into(),
            write_data: write_data.into(),
            read_address: read_row.into(),
        };
        found.push(b.ram(&format!("page_{page}"), config.technology, config.pipeline.ram, ram));
    }
    for (name, (_, _, number)) in READERS.iter().zip(&readers) {
        b.comment(format!(
            "What {name} reads: the page number travels along and is decoded just before the data come."
        ));
        let late = b.delay(&format!("{name}_page_late"), *number, config.pipeline.ram);
        let decode = |p: usize| late.bit(page_bits) & late.truncate(page_bits).is(p as i128);
        let chosen = b.register(&format!("{name}_chosen"), pack((0..pages).map(decode)));
        let value = and_or(found.iter().enumerate().map(|(p, d)| (chosen.bit(p), (*d).into())));
        let value = b.register(&format!("{name}_data_r"), value);
        b.output(&format!("{name}_data"), value);
    }
    b.finish()
}

/// The whole feature memory. Ports of every reader: `{name}_row` (P rows, lane 0 least
/// significant), `{name}_enable` (P bits), `{name}_data` (P bytes); of every writer the same with
/// the data as an input.
pub(crate) fn feature_memory(config: &Config) -> Arc<Module> {
    let mut b = Builder::new(
        "feature_memory",
        "Feature memory: banks side by side, a byte of each for every requester.",
    );
    let (lanes, rows) = (config.lanes, row_bits(config));
    let bank = bank(config);
    let mut ports: Vec<(String, usize, Sig)> = vec![];
    for name in READERS.iter().chain(&WRITERS) {
        for (part, width) in [("row", rows), ("enable", 1)] {
            let port = format!("{name}_{part}");
            let sig = b.input(&port, lanes * width);
            ports.push((port, width, sig));
        }
    }
    for name in WRITERS {
        let port = format!("{name}_data");
        let sig = b.input(&port, lanes * 8);
        ports.push((port, 8, sig));
    }
    let mut data: Vec<Vec<Expr>> = vec![vec![]; READERS.len()];
    for lane in 0..lanes {
        let inputs: Vec<(&str, Expr)> =
            ports.iter().map(|(name, width, sig)| (name.as_str(), sig.element(lane, *width))).collect();
        b.comment(format!("Bank {lane}: its element of every port."));
        let placed = b.instance(&format!("bank_{lane}"), &bank, &inputs);
        for (data, name) in data.iter_mut().zip(READERS) {
            data.push(placed.out(&format!("{name}_data")).into());
        }
    }
    for (data, name) in data.into_iter().zip(READERS) {
        b.output(&format!("{name}_data"), pack(data));
    }
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Bench, Tested, differential};

    /// A write of one requester is what every reader finds, at the stated latency.
    #[test]
    fn reads_what_was_written() {
        let mut config = Config::sized(4, 4);
        config.feature.pages = 3;
        config.feature.page_rows = 64;
        for ram in [1, 2] {
            config.pipeline.ram = ram;
            let module = feature_memory(&config);
            let mut bench = Bench::new(&module);
            let rows = row_bits(&config);
            for (writer, name) in WRITERS.iter().enumerate() {
                let row = 64 * writer as i128 + 7;
                bench.set(&format!("{name}_row"), row << (2 * rows));
                bench.set(&format!("{name}_data"), (0x51 + writer as i128) << 16);
                bench.set(&format!("{name}_enable"), 4);
            }
            bench.tick();
            for name in WRITERS {
                bench.set(&format!("{name}_enable"), 0);
            }
            bench.tick();
            for (reader, name) in READERS.iter().enumerate() {
                let page = reader as i128 % 3;
                bench.set(&format!("{name}_row"), (64 * page + 7) << (2 * rows));
                bench.set(&format!("{name}_enable"), 4);
                for _ in 0..feature_read_latency(&config) {
                    assert_ne!(bench.number(&format!("{name}_data")), (0x51 + page as u64) << 16);
                    bench.tick();
                    bench.set(&format!("{name}_enable"), 0);
                }
                assert_eq!(bench.number(&format!("{name}_data")), (0x51 + page as u64) << 16);
            }
        }
    }

    #[test]
    fn verilog_agrees() {
        let mut config = Config::sized(3, 4);
        config.feature.pages = 3;
        config.feature.page_rows = 64;
        differential(&Tested::new(feature_memory(&config)), 200, 3);
    }
}
