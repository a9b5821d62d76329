//! `tilewright verify`: the ladder for one input, and the metric over the evaluation samples.

use super::{compiled, grouped, input};
use crate::progress::{counted, during};
use crate::{Machine, Source};
use anyhow::Result;
use serde_json::json;
use std::path::{Path, PathBuf};
use tilewright::metric;
use tilewright::proof::{self, Proof};
use tilewright_arch::Config;
use tilewright_compiler::proof as rung;
use tilewright_hdl::cosim::Rtl;

/// Verifies; false when an exact step of the ladder does not hold.
pub fn run(
    source: &Source,
    machine: &Machine,
    input_path: Option<&Path>,
    rtl: bool,
    metric: bool,
    unchecked: bool,
    json: bool,
) -> Result<bool> {
    let (model, compiled) = compiled(source, machine)?;
    let inputs = input(&model, input_path)?;
    let config = &compiled.config;
    let rtl = if rtl { Some(build(config)?) } else { None };
    let options = proof::Options { rtl: rtl.as_ref(), unchecked };
    let (proof, _) = during("verifying", || proof::verify(&model, &compiled, &inputs, &options))?;
    let evaluated = || counted("evaluating", |watch| metric::evaluate(&model, &compiled, watch));
    let scores = if metric { Some(evaluated()?) } else { None };
    if json {
        let mut object = serde_json::to_value(&proof)?;
        object["host_ops"] = json!(compiled.network.host);
        object["host_macs"] = json!(compiled.network.host_macs());
        if let Some(scores) = &scores {
            object["metric"] = json!(scores);
        }
        println!("{object}");
    } else {
        print(&proof);
        if let Some(scores) = &scores {
            println!("{scores}");
        }
    }
    Ok(proof.holds())
}

/// Builds the Verilator model of a machine, once for each Verilog text.
pub fn build(config: &Config) -> Result<Rtl> {
    let folder = std::env::var_os("TILEWRIGHT_CACHE")
        .map_or_else(|| std::env::temp_dir().join("tilewright-rtl"), PathBuf::from);
    Ok(during("building the Verilator model", || Rtl::build(config, &folder))?)
}

/// The proof for people.
pub fn print(proof: &Proof) {
    if let Some(rung) = &proof.first_rung {
        print_first_rung(rung);
    }
    let say = |n: usize| if n == 0 { "equal".to_string() } else { format!("{n} BYTES DIFFER") };
    println!(
        "integer reference = simulator   {} ({} bytes)",
        say(proof.reference_mismatches),
        proof.compared_bytes
    );
    if let Some(mismatches) = proof.rtl_mismatches {
        println!("simulator = Verilog             {}", say(mismatches));
    }
    println!("cycles of the simulator         {}", grouped(proof.sim_cycles));
    if let Some(cycles) = proof.rtl_cycles {
        let verdict = if cycles == proof.sim_cycles { "equal" } else { "DIFFERENT" };
        println!("cycles of the Verilog           {} ({verdict})", grouped(cycles));
    }
    println!("worst error against float       {:.6}", proof.max_abs_error);
    match proof.sqnr_db {
        Some(db) => println!("SQNR against float              {db:.1} dB"),
        None => println!("SQNR against float              exact"),
    }
}

/// The first rung for people: how many elements were held against the source, and what was found.
pub fn print_first_rung(rung: &rung::Proof) {
    let sum = |count: fn(&rung::Layer) -> usize| rung.layers.iter().map(count).sum::<usize>();
    let verdict =
        if rung.holds() { "within rounding".into() } else { format!("{} DEFECTS", rung.findings.len()) };
    println!(
        "float operators = integers      {verdict} ({} elements, {} saturated, {} unproved)",
        grouped(rung.elements() as u64),
        grouped(sum(|l| l.saturated) as u64),
        grouped(sum(|l| l.unproved) as u64)
    );
    for finding in &rung.findings {
        println!("  {finding}");
    }
}
