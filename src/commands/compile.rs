//! `tilewright compile`: the program of a model.

use super::{compiled, grouped, write};
use crate::{Machine, Source};
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use tilewright_arch::asm;

/// Writes `program.tasm`, `memory.bin` and `machine.toml`.
pub fn run(source: &Source, machine: &Machine, out: &Path, json: bool) -> Result<bool> {
    let (_, compiled) = compiled(source, machine)?;
    let program = &compiled.schedule.program;
    write(&out.join("program.tasm"), asm::print(program))?;
    write(&out.join("memory.bin"), program.image()?)?;
    write(&out.join("machine.toml"), program.config.to_toml())?;
    let host: Vec<String> =
        compiled.fixed.host.iter().flat_map(|g| &g.nodes).map(|n| n.name.clone()).collect();
    let timing = tilewright_sim::time(program, false)?;
    if json {
        let object = json!({
            "model": source.model, "machine": program.config.name, "cycles": timing.cycles,
            "macs": timing.macs, "utilisation": timing.utilisation, "instructions": program.counts(),
            "memory_bytes": program.memory_bytes, "host_ops": host, "stripe_rows": compiled.schedule.plan.stripe,
            "feature_pages": compiled.schedule.plan.pages,
        });
        println!("{object}");
        return Ok(true);
    }
    let [compute, vector, load, store] = program.counts();
    println!(
        "machine        {} ({} x {})",
        program.config.name, program.config.lanes, program.config.columns
    );
    println!("cycles         {}", grouped(timing.cycles));
    println!("utilisation    {:.1} %", 100.0 * timing.utilisation);
    println!("instructions   compute {compute}, vector {vector}, load {load}, store {store}");
    println!("memory         {} bytes", grouped(program.memory_bytes.into()));
    let stripes =
        compiled.schedule.plan.stripe.map_or("whole tensors".into(), |s| format!("stripes of {s} rows"));
    println!(
        "features       {stripes}, {} of {} pages",
        compiled.schedule.plan.pages, program.config.feature.pages
    );
    println!("host operators {}", if host.is_empty() { "none".into() } else { host.join(", ") });
    println!("written        {}", out.display());
    Ok(true)
}
