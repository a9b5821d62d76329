//! `tilewright demo`: the whole path, with a summary.

use super::{compile, grouped, programs, simulate, verify, written};
use crate::arguments::Machine;
use crate::output::say;
use crate::progress::{bar, counted, during};
use anyhow::Result;
use std::path::Path;
use tilewright::metric::Evaluation;
use tilewright::model::Model;
use tilewright::{artefact, proof};
use tilewright_compiler::options::Options;
use tilewright_hdl::cosim::Rtl;

/// The demonstration's model, which an installed program has nowhere else.
const MODEL: [(&str, &[u8]); 3] = [
    ("model.onnx", include_bytes!("../../models/resnet_mnist/model.onnx")),
    ("calib.npz", include_bytes!("../../models/resnet_mnist/calib.npz")),
    ("eval.npz", include_bytes!("../../models/resnet_mnist/eval.npz")),
];

/// Quantises, compiles, simulates and checks every evaluation sample, and writes program and
/// Verilog. Without a `path` the demonstration's model is written first.
pub fn run(path: Option<&Path>, machine: &Machine, out: &Path, rtl: bool) -> Result<bool> {
    written::may_write(out)?;
    let config = machine.config()?;
    if rtl {
        Rtl::check(&config)?;
    }
    let mut files: Vec<(String, Vec<u8>)> = vec![];
    if path.is_none() {
        files.extend(MODEL.map(|(name, bytes)| (name.into(), bytes.to_vec())));
        written::write(out, "demo", &files)?;
    }
    let model = Model::read(path.unwrap_or(out))?;
    let calibration = model.calibration(None)?;
    let evaluation = Evaluation::read(&model)?;
    let samples = evaluation.samples();
    let compiled = compile(&model, &calibration, &Options::default(), &config)?;
    let progress = bar("simulating and checking every sample", samples.len());
    let (mut mismatches, mut compared, mut worst) = (0, 0, 0f64);
    let (mut elements, mut findings) = (0, 0);
    for sample in samples {
        let (proof, _) = proof::verify(&model, &compiled, sample, &proof::Options::default())?;
        mismatches += proof.reference_mismatches;
        compared += proof.compared_bytes;
        if let Some(assurance) = &proof.assurance {
            elements += assurance.first_rung.elements();
            findings += assurance.first_rung.findings.len();
        }
        worst = worst.max(proof.max_abs_error);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let built = if rtl { Some(verify::build(&config)?) } else { None };
    let (first, simulated) = proof::verify(
        &model,
        &compiled,
        &samples[0],
        &proof::Options { rtl: built.as_ref(), ..Default::default() },
    )?;
    let scores = counted("evaluating", |watch| evaluation.run(&model, &compiled, watch))?;
    let verilog = during("generating Verilog", || tilewright_hdl::generate(&config))?;
    files.extend(programs(&compiled)?);
    files.push(("tilewright.v".into(), verilog.into_bytes()));
    if let Some(controller) = tilewright_hdl::sdram(&config)? {
        files.push(("sdram.v".into(), controller.into_bytes()));
    }
    written::write(out, "demo", &files)?;
    say!("model          {}", model.path.display())?;
    say!(
        "machine        {}: {} lanes x {} columns, {} MHz",
        config.name,
        config.lanes,
        config.columns,
        config.clock_mhz
    )?;
    say!("")?;
    let layers = artefact::reports(&compiled, &artefact::layers(&compiled), &simulated.report);
    simulate::print(&simulated.report, &layers, &config)?;
    say!("{scores}")?;
    say!("worst error    {worst:.6} (largest difference of an output from the float model)")?;
    let verdict = if findings == 0 { "within rounding".into() } else { format!("{findings} LAYERS DIFFER") };
    say!("operators      float and integer {verdict}, {} elements", grouped(elements as u64))?;
    let verdict = if mismatches == 0 { "equal".into() } else { format!("{mismatches} DIFFER") };
    say!(
        "integers       simulator and integer reference {verdict} on {} samples, {} bytes",
        samples.len(),
        grouped(compared as u64)
    )?;
    if rtl {
        verify::print(&first, true)?;
    }
    say!(
        "written        {}",
        files.iter().map(|(n, _)| out.join(n).display().to_string()).collect::<Vec<_>>().join(", ")
    )?;
    Ok(mismatches == 0 && findings == 0 && first.holds())
}
