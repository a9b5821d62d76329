//! `tilewright targets`: the boards that `--target` knows.

use crate::output::{self, say};
use anyhow::Result;
use serde_json::json;
use tilewright::targets::{Board, KnownBoard, TARGETS};
use tilewright_arch::Config;

/// Lists them, the default first.
pub fn run(json: bool) -> Result<bool> {
    let one = |target: &KnownBoard| Ok((target.name, target.board()?, target.machine()?));
    let all: Vec<(&str, Board, Config)> = TARGETS.iter().map(one).collect::<Result<_>>()?;
    if json {
        let object = |(name, board, machine): &(&str, Board, Config)| {
            json!({
                "name": name, "about": board.about, "device": board.device, "package": board.package,
                "lanes": machine.lanes, "columns": machine.columns, "clock_mhz": machine.clock_mhz,
                "memory_bytes": board.memory.bytes, "memory_bytes_a_cycle": machine.memory.bus_bytes,
            })
        };
        output::json(&json!({ "targets": all.iter().map(object).collect::<Vec<_>>() }))?;
        return Ok(true);
    }
    for (n, (name, board, machine)) in all.iter().enumerate() {
        let default = if n == 0 { ", the default" } else { "" };
        say!("{name}: {}{default}", board.about)?;
        say!(
            "    {} {}, {} lanes x {} columns at {} MHz, {} MiB of {} with {} bytes a cycle",
            board.device,
            board.package,
            machine.lanes,
            machine.columns,
            machine.clock_mhz,
            board.memory.bytes >> 20,
            board.memory.kind,
            machine.memory.bus_bytes
        )?;
    }
    Ok(true)
}
