//! One file for each command. A command returns whether everything it checked holds.

pub mod build;
pub mod compile;
pub mod demo;
pub mod generate;
pub mod inspect;
pub mod run;
pub mod simulate;
mod subject;
pub mod targets;
pub mod test;
pub mod verify;
mod written;

use crate::output::say;
use crate::progress::counted;
use anyhow::Result;
use ndarray::ArrayD;
use tilewright::model::Model;
use tilewright::pipeline::{self, Compiled};
use tilewright_arch::{Config, asm};
use tilewright_compiler::network::{COARSE, Network, Raised};
use tilewright_compiler::options::Options;
use tilewright_compiler::proof::{LEAST_CHANNEL_DB, Quality};

/// Quantises and compiles, showing how far it is.
fn compile(
    model: &Model,
    calibration: &[Vec<ArrayD<f32>>],
    options: &Options,
    config: &Config,
) -> Result<Compiled> {
    let quantise = |options: &Options| {
        counted("quantising", |watch| pipeline::quantise(model, calibration, options, config, watch))
    };
    let schedule = |network| counted("compiling", |watch| Compiled::watched(network, config, watch));
    pipeline::compile_by(options, quantise, schedule).map_err(|error| model.named(error))
}

/// The files of a compiled model: `program.tasm` and `memory.bin`, numbered by stage where there are
/// several, and `machine.toml`.
fn programs(compiled: &Compiled) -> Result<Vec<(String, Vec<u8>)>> {
    let several = compiled.programs().count() > 1;
    let mut files = vec![("machine.toml".to_string(), compiled.config.to_toml().into_bytes())];
    for (stage, schedule) in compiled.programs() {
        let number = if several { format!("-{stage}") } else { String::new() };
        files.push((format!("program{number}.tasm"), asm::print(&schedule.program).into_bytes()));
        files.push((format!("memory{number}.bin"), schedule.program.image()?));
    }
    Ok(files)
}

/// What is left to the host and why, for people; `macs` are the machine's.
fn print_host(network: &Network, macs: u64) -> Result<()> {
    if network.host.is_empty() {
        return say!("host operators none");
    }
    let share = 100.0 * network.host_macs() as f64 / (macs + network.host_macs()).max(1) as f64;
    say!("host operators {}, with {share:.2} % of the multiply-accumulates:", network.host.len())?;
    let mut seen: Vec<(&str, &str, usize)> = Vec::new();
    for op in &network.host {
        match seen.iter_mut().find(|(operator, why, _)| *operator == op.operator && *why == op.why) {
            Some((_, _, count)) => *count += 1,
            None => seen.push((&op.operator, &op.why, 1)),
        }
    }
    for (operator, why, count) in seen {
        say!("               {count} x {operator}: {why}")?;
    }
    Ok(())
}

/// The layers that keep 8 bits where 16 were wanted of all, by reason, in one line; `None` without any.
fn byte_layers(network: &Network) -> Option<String> {
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    for layer in &network.byte_layers {
        match reasons.iter_mut().find(|(why, ..)| *why == layer.why) {
            Some((.., count)) => *count += 1,
            None => reasons.push((&layer.why, &layer.name, 1)),
        }
    }
    let told: Vec<String> =
        reasons.iter().map(|(why, name, n)| format!("{why} ({n}, {name:?} first)")).collect();
    let count = network.byte_layers.len();
    (count > 0).then(|| format!("{count} layers keep 8 bits: {}", told.join("; ")))
}

/// What 16 bits beyond the budget of cycles were given for.
fn raised(network: &Network) -> Option<String> {
    let Raised { output, precision, before, after } = network.raised.as_ref()?;
    let told = |quality: &Quality| {
        let worst = quality.worst.as_ref().filter(|worst| worst.sqnr_db < LEAST_CHANNEL_DB);
        let channel = worst.map(|w| format!(" ({:.1} in index {})", w.sqnr_db, w.index));
        let part = || quality.worst_part().filter(|(_, db)| *db < LEAST_CHANNEL_DB);
        let part = || part().map(|(part, db)| format!(" ({db:.1} in part {:?})", part.name));
        let channel = channel.or_else(part).unwrap_or_default();
        let whole = quality.sqnr_db.map_or("no".to_string(), |db| format!("{db:.1}"));
        format!("{whole} dB of signal to noise{channel}")
    };
    let precision = precision.name();
    let host = match network.host.iter().filter(|operator| operator.why == COARSE).count() {
        0 => String::new(),
        count => format!(" and {count} more operators on the host"),
    };
    Some(format!(
        "output {output:?} is predicted at {} with the precision of auto, at {} with {precision}{host}, which is taken; \
         --precision int8 keeps 8 bits and the cycles of them",
        told(before),
        told(after)
    ))
}

/// A ratio in a column of a table; nothing where there is no signal or no noise.
fn decibels(db: Option<f64>) -> String {
    db.filter(|db| db.is_finite()).map_or("-".into(), |db| format!("{db:.1}"))
}

/// A count with thousands set apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
