//! `tilewright compile`: the programs of a model.

use super::folder::{self, Origin};
use super::{compiled, grouped, options, programs, write};
use crate::{Machine, Source};
use anyhow::Result;
use serde_json::json;
use std::path::Path;
use tilewright_sim::Report;

/// Writes the programs with their memory images, the machine and where they came from.
pub fn run(source: &Source, machine: &Machine, out: &Path, json: bool) -> Result<bool> {
    let (_, compiled) = compiled(source, machine)?;
    for (name, bytes) in programs(&compiled)? {
        write(&out.join(name), bytes)?;
    }
    write(&out.join(folder::ORIGIN), Origin::new(source, options(source)?)?.to_toml()?)?;
    let mut timing = Report::default();
    for (_, schedule) in compiled.programs() {
        timing.append(&tilewright_sim::time(&schedule.program, false)?);
    }
    let (network, config) = (&compiled.network, &compiled.config);
    let programs = || compiled.programs().map(|(_, s)| s);
    let memory: u64 = programs().map(|s| u64::from(s.program.memory_bytes)).sum();
    let counts = programs().map(|s| s.program.counts());
    let counts = counts.fold([0; 4], |all, one| [0, 1, 2, 3].map(|i| all[i] + one[i]));
    let pages = programs().map(|s| s.plan.pages).max().unwrap_or(0);
    if json {
        let object = json!({
            "model": source.model, "machine": config.name, "cycles": timing.cycles,
            "macs": timing.macs, "utilisation": timing.utilisation, "instructions": counts,
            "memory_bytes": memory, "host_ops": network.host, "host_macs": network.host_macs(),
            "stages": network.stages.len(), "feature_pages": pages,
            "stripe_rows": programs().map(|s| s.plan.stripe).collect::<Vec<_>>(),
        });
        println!("{object}");
        return Ok(true);
    }
    let [compute, vector, load, store] = counts;
    println!("machine        {} ({} x {})", config.name, config.lanes, config.columns);
    println!("cycles         {}", grouped(timing.cycles));
    println!("utilisation    {:.1} %", 100.0 * timing.utilisation);
    println!("instructions   compute {compute}, vector {vector}, load {load}, store {store}");
    println!("memory         {} bytes", grouped(memory));
    println!("features       up to {pages} of {} pages", config.feature.pages);
    super::print_host(network, timing.macs);
    println!("written        {}", out.display());
    Ok(true)
}
