//! Every operator's small case on the machine: integer reference = simulator = Verilog, bytes and cycles.
//!
//! The cases are those that `compiler/tests/operators.rs` holds against ONNX Runtime. What a machine of
//! 4 x 4 and the host can run is quantised, compiled and run; `cargo test --test operators -- --nocapture`
//! prints, by operator, what ran on the machine, what on the host alone and what was refused.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::Random;
use ndarray::ArrayD;
use tilewright::model::Model;
use tilewright::{pipeline, proof};
use tilewright_arch::Config;
use tilewright_compiler::error::Error;
use tilewright_compiler::npy::parse_npz;
use tilewright_compiler::quantise;
use tilewright_hdl::cosim::Rtl;

/// What became of a case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The machine ran at least one stage, in the Verilog too.
    Machine,
    /// The host runs all of it.
    Host,
    /// Refused, with the place named.
    Refused,
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("compiler/tests/operators");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    let refused = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().starts_with("refused_");
    cases.retain(|p| p.extension().is_some_and(|e| e == "onnx") && !refused(p));
    cases.sort();
    assert!(cases.len() > 150, "the cases are part of the project");
    cases
}

/// The stored input, and copies of it that are a little smaller or larger in places, for ranges that no
/// single sample gives.
fn calibration(inputs: &[ArrayD<f32>], whole: bool) -> Vec<Vec<ArrayD<f32>>> {
    let mut random = Random::new(7);
    let mut samples = vec![inputs.to_vec()];
    for _ in 0..3 {
        let mut jitter =
            |x: &f32| if whole { *x } else { x * (1.0 + random.within(-50, 50) as f32 / 1000.0) };
        samples.push(inputs.iter().map(|x| x.map(&mut jitter)).collect());
    }
    samples
}

fn run(case: &Path, config: &Config, rtl: &Rtl) -> Result<(Outcome, Vec<String>, u64), String> {
    let model = Model::read(case).map_err(|e| format!("{e:#}"))?;
    let operators: BTreeSet<&str> = model.imported.nodes.iter().map(|n| n.op.name()).collect();
    let operators: Vec<String> = operators.into_iter().map(str::to_string).collect();
    let arrays = parse_npz(&std::fs::read(case.with_extension("npz")).map_err(|e| e.to_string())?)
        .map_err(|e| e.to_string())?;
    let inputs = arrays.iter().filter(|(name, _)| name.starts_with("in"));
    let inputs: Vec<ArrayD<f32>> = inputs.map(|(_, a)| a.to_ndarray()).collect();
    // Whole numbers of quantised models stay whole.
    let whole = model.warnings.iter().any(|w| w.contains("numbers, given as floats"));
    let calibration = calibration(&inputs, whole);
    let options = quantise::Options::default();
    let compiled = match pipeline::compile(&model, &calibration, &options, config) {
        Ok(compiled) => compiled,
        Err(e) => {
            let named = e.downcast_ref::<Error>().is_some_and(|e| e.report().node.is_some());
            return match named {
                true => Ok((Outcome::Refused, operators, 0)),
                false => Err(format!("refused without naming a node: {e:#}")),
            };
        }
    };
    let (proof, _) =
        proof::verify(&model, &compiled, &inputs, &proof::Options { rtl: Some(rtl), ..Default::default() })
            .map_err(|e| format!("{e:#}"))?;
    if !proof.holds() {
        return Err(format!("{proof:?}"));
    }
    let machine = compiled.programs().next().is_some();
    Ok((if machine { Outcome::Machine } else { Outcome::Host }, operators, proof.sim_cycles))
}

#[test]
fn small_cases_of_every_operator_in_verilog() {
    let config = Config::sized(4, 4);
    let rtl = common::built(&config);
    let mut rows: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut all, mut cycles) = ([0; 3], 0);
    let (mut refused, mut failed) = (Vec::new(), Vec::new());
    for case in cases() {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        match run(&case, &config, &rtl) {
            Ok((outcome, operators, own)) => {
                all[outcome as usize] += 1;
                cycles += own;
                for operator in operators {
                    rows.entry(operator).or_default()[outcome as usize] += 1;
                }
                if outcome == Outcome::Refused {
                    refused.push(name);
                }
            }
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    println!("{:<24} {:>8} {:>10} {:>8}", "cases with", "machine", "host only", "refused");
    for (operator, [machine, host, refused]) in &rows {
        println!("{operator:<24} {machine:>8} {host:>10} {refused:>8}");
    }
    let [machine, host, none] = all;
    println!(
        "{machine} cases ran on the machine in {cycles} cycles, {host} on the host alone, {none} refused \
         ({}), {} failed",
        refused.join(" "),
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(refused, [""; 0]);
    assert!(machine >= 170, "only {machine} cases run on the machine");
}
