//! `tilewright verify`: the ladder for one input, and the metric over the evaluation samples.

use super::folder::Job;
use super::{compile_job, grouped, input, read};
use crate::output::{self, note, say};
use crate::progress::{counted, during};
use crate::{Machine, Source};
use anyhow::Result;
use serde_json::json;
use std::path::{Path, PathBuf};
use tilewright::metric::Evaluation;
use tilewright::proof::{self, Proof};
use tilewright_arch::Config;
use tilewright_hdl::cosim::Rtl;

/// Verifies; false when an exact step of the ladder does not hold.
pub fn run(
    source: &Source,
    machine: &Machine,
    input_path: Option<&Path>,
    rtl: bool,
    metric: bool,
    json: bool,
) -> Result<bool> {
    let job = Job::new(source, machine)?;
    let model = read(&job)?;
    // What is wrong with the inputs is found before the work starts.
    let inputs = input(&model, input_path)?;
    let evaluation = if metric { Some(Evaluation::read(&model)?) } else { None };
    let compiled = compile_job(&job, &model, source.deny_host)?;
    let config = &compiled.config;
    let rtl = if rtl { Some(build(config)?) } else { None };
    let (proof, _) = during("verifying", || proof::verify(&model, &compiled, &inputs, rtl.as_ref()))?;
    let evaluated = |e: &Evaluation| counted("evaluating", |watch| e.run(&model, &compiled, watch));
    let scores = evaluation.as_ref().map(evaluated).transpose()?;
    proof.not_finite.iter().for_each(|n| note!("warning: {n}"));
    if json {
        let mut object = serde_json::to_value(&proof)?;
        object["host_ops"] = json!(compiled.network.host);
        object["host_macs"] = json!(compiled.network.host_macs());
        if let Some(scores) = &scores {
            object["metric"] = json!(scores);
        }
        output::json(&object)?;
    } else {
        print(&proof)?;
        if let Some(scores) = &scores {
            say!("{scores}")?;
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

/// What the SQNR leaves out, if anything.
fn left_out(proof: &Proof) -> String {
    let elements: usize = proof.not_finite.iter().map(|n| n.elements).sum();
    match proof.not_finite.iter().map(|n| n.float + n.machine - n.both()).sum::<usize>() {
        0 => String::new(),
        count => format!(" where finite; {count} of {elements} elements of such outputs are not"),
    }
}

/// The proof for people.
pub fn print(proof: &Proof) -> Result<()> {
    let verdict = |n: usize| if n == 0 { "equal".to_string() } else { format!("{n} BYTES DIFFER") };
    say!(
        "integer reference = simulator   {} ({} bytes)",
        verdict(proof.reference_mismatches),
        proof.compared_bytes
    )?;
    if let Some(mismatches) = proof.rtl_mismatches {
        say!("simulator = Verilog             {}", verdict(mismatches))?;
    }
    say!("cycles of the simulator         {}", grouped(proof.sim_cycles))?;
    if let Some(cycles) = proof.rtl_cycles {
        let verdict = if cycles == proof.sim_cycles { "equal" } else { "DIFFERENT" };
        say!("cycles of the Verilog           {} ({verdict})", grouped(cycles))?;
    }
    say!("worst error against float       {:.6}", proof.max_abs_error)?;
    match proof.sqnr_db {
        Some(db) => say!("SQNR against float              {db:.1} dB{}", left_out(proof)),
        None if proof.exact => say!("SQNR against float              exact"),
        None => say!("SQNR against float              equal{}", left_out(proof)),
    }
}
