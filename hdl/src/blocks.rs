//! The one list of blocks: tests walk it, so that no block is forgotten.

use crate::build::Module;
use crate::engine::tile_engine;
use crate::{feature_memory, load, memory_port, registers, sequencer, store, top, transfer_walk};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::{TILE_BYTES, TRANSFER_BYTES};
use tilewright_arch::instr::Unit;
#[cfg(test)]
use tilewright_arch::technology::Technology;

/// Every block of a machine that is more than a part of another, leaves first, the top last.
fn blocks(config: &Config) -> Vec<Arc<Module>> {
    vec![
        registers::registers(config),
        sequencer::semaphores(Unit::ALL.len()),
        sequencer::sequencer(config, TILE_BYTES),
        sequencer::sequencer(config, TRANSFER_BYTES),
        memory_port::memory_port(config),
        feature_memory::feature_memory(config),
        transfer_walk::transfer_walk(config),
        load::load(config),
        store::store(config),
        tile_engine(config, Unit::Compute),
        tile_engine(config, Unit::Vector),
        top::top(config),
    ]
}

/// Machines whose sizes differ in everything that decides how a block is written.
fn machines() -> Vec<Config> {
    let mut small = Config::sized(4, 4);
    small.feature.pages = 4;
    let mut odd = Config::sized(9, 5);
    odd.feature.pages = 3;
    odd.feature.page_rows = 64;
    odd.weight_words = 100;
    odd.parameter_words = 20;
    odd.tables = 3;
    odd.compute_slot = 1;
    odd.memory.bus_bytes = 8;
    odd.pipeline.ram = 1;
    odd.pipeline.crossbar = 1;
    let mut bytes = Config::sized(2, 3);
    bytes.feature.pages = 2;
    bytes.tables = 1;
    bytes.memory.bus_bytes = 1;
    bytes.memory.burst_bytes = 2;
    bytes.memory.outstanding = 1;
    bytes.pipeline.multiplier = 1;
    bytes.pipeline.crossbar = 3;
    bytes.pipeline.fanout = 1;
    vec![small, odd, bytes]
}

#[test]
fn lint_finds_nothing() {
    for config in machines() {
        config.validate().expect("a legal machine");
        crate::check::lint(&top::top(&config));
    }
    for block in blocks(&machines()[0]) {
        crate::check::lint(&block);
    }
}

/// The largest modules have groups, each with a comment; instructions are read by the names of their fields; lines
/// fit a screen.
#[test]
fn text_is_for_readers() {
    for config in machines() {
        for &technology in Technology::ALL {
            let text = crate::generate(&Config { technology, ..config.clone() }).expect("a legal machine");
            let long = text.lines().find(|line| line.len() >= 120);
            assert_eq!(long, None);
            let bare = |line: &&str| line.contains("instruction[") && !line.contains("= instruction[");
            assert_eq!(text.lines().find(bare), None);
            assert!(text.contains(&format!("at least {} cycles", crate::reset_cycles(&config))));
        }
    }
    let text = crate::generate(&machines()[0]).expect("a legal machine");
    for module in text.split("\nmodule ").skip(1) {
        let body = module.split("endmodule").next().unwrap_or_default();
        let (lines, groups) = (body.lines().count(), body.matches("\n    // ").count());
        // The sequencing of programs is still to be told in groups.
        let untold = ["registers", "sequencer", "semaphores"].iter().any(|name| body.starts_with(name));
        assert!(untold || lines < 100 || groups > 0, "{} lines without a comment in {}", lines, &body[..60]);
    }
}

#[test]
fn same_configuration_same_text() {
    let config = &Config { technology: Technology::Ecp5, ..machines().swap_remove(1) };
    let text = crate::generate(config).expect("a legal machine");
    assert_eq!(text, crate::generate(config).expect("a legal machine"));
    let comments = text.lines().filter(|l| l.starts_with("// ")).count();
    let modules = text.lines().filter(|l| l.starts_with("module ")).count();
    assert!(comments >= modules, "every module says what it is");
    assert!(!text.contains('$') || !text.replace("$signed", "").contains('$'), "no generated names");
}
