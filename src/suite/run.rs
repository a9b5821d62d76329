//! One case of a suite: compiled or loaded, run, and held against its checks.

use super::integers::Integers;
use super::{Case, Checks, Exact, GoldenFolder, Recorded};
use crate::artefact::{self, Container, Layer};
use crate::metric::Evaluation;
use crate::model::Model;
use crate::pipeline::{self, Compiled};
use crate::proof::{self, Proof};
use crate::request::{Request, Subject};
use crate::targets;
use anyhow::{Result, bail};
use ndarray::ArrayD;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tilewright_hdl::Error;
use tilewright_hdl::cosim::Rtl;
use tilewright_timing::CycleReport;

/// What came of a check.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "why")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not, and how.
    Failed(String),
    /// It could not be made here, and why.
    Skipped(String),
}

/// What came of a case.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// The model or artefact, as the suite names it.
    pub model: String,
    /// Name of the machine, if it came that far.
    pub machine: Option<String>,
    /// Its checks by name, in order.
    pub checks: Vec<(String, Verdict)>,
    /// Seconds that it took.
    pub seconds: f64,
    /// What was measured, if it came that far.
    pub measured: Option<Measured>,
    /// Whether what it makes was recorded.
    pub blessed: bool,
}

/// What was measured of a case.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Measured {
    /// Cycles of an inference.
    pub cycles: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Least signal to noise of any output of any sample; absent where all are exact or nothing is compared.
    pub sqnr_db: Option<f64>,
    /// Largest difference of any output element from float.
    pub max_abs_error: f64,
    /// Operators of the host, each once.
    pub host: Vec<String>,
}

impl Outcome {
    /// Whether no check failed.
    pub fn holds(&self) -> bool {
        !self.checks.iter().any(|(_, verdict)| matches!(verdict, Verdict::Failed(_)))
    }

    /// Whether a check was skipped.
    pub fn skips(&self) -> bool {
        self.checks.iter().any(|(_, verdict)| matches!(verdict, Verdict::Skipped(_)))
    }
}

/// A network that is ready to run.
struct Ready {
    model: Option<Model>,
    compiled: Compiled,
    layers: Vec<Layer>,
    samples: Vec<Vec<ArrayD<f32>>>,
}

/// Runs a case of the suite that lies in `folder`. What it makes is remembered by `bless` in place of being
/// compared with what was.
pub fn run(case: &Case, folder: &Path, store: &GoldenFolder, bless: bool) -> (Outcome, Option<Blessing>) {
    let start = Instant::now();
    let mut outcome = Outcome {
        name: case.name.clone(),
        model: case.model.display().to_string(),
        machine: None,
        checks: vec![],
        seconds: 0.0,
        measured: None,
        blessed: false,
    };
    let mut blessing = None;
    match checked(case, folder, store, bless, &mut outcome) {
        Ok(made) => blessing = made,
        Err(error) => outcome.checks.push(("run".to_owned(), Verdict::Failed(format!("{error:#}")))),
    }
    outcome.seconds = start.elapsed().as_secs_f64();
    (outcome, blessing)
}

/// What is to be remembered of a case.
pub struct Blessing {
    name: String,
    counts: Recorded,
    integers: Option<Integers>,
}

impl Blessing {
    /// Remembers it.
    ///
    /// # Errors
    /// Where this is continuous integration; a folder that cannot be written.
    pub fn keep(&self, store: &mut GoldenFolder) -> Result<()> {
        store.bless(&self.name, self.counts, self.integers.as_ref())
    }
}

fn ready(case: &Case, folder: &Path) -> Result<Ready> {
    let beside = |path: &Option<PathBuf>| path.as_ref().map(|path| folder.join(path));
    let target = |name: &String| match targets::is_known(name) {
        true => name.clone(),
        false => folder.join(name).display().to_string(),
    };
    let request = Request {
        model: folder.join(&case.model),
        calib: beside(&case.calib),
        quantisation: beside(&case.quantisation),
        precision: case.precision,
        target: case.target.as_ref().map(target),
        array: case.array.clone(),
        config: beside(&case.config),
        ..Request::default()
    };
    let input = beside(&case.input);
    let (model, compiled, layers, mut samples) = match request.open()? {
        Subject::Artefact(artefact) => {
            let samples = artefact.inputs(input.as_deref())?;
            (artefact.model, artefact.compiled, artefact.manifest.layers, samples)
        }
        Subject::Model(job) => {
            let samples = job.inputs(input.as_deref())?;
            let compiled = pipeline::compile(&job.model, &job.calibration()?, &job.options, &job.config)?;
            compiled.check()?;
            let layers = artefact::layers(&compiled);
            (Some(job.model), compiled, layers, samples)
        }
    };
    if case.samples > samples.len() {
        bail!(
            "error[suite]: case {:?}: {} samples are wanted, there are {}",
            case.name,
            case.samples,
            samples.len()
        );
    }
    if case.samples > 0 {
        samples.truncate(case.samples);
    }
    Ok(Ready { model, compiled, layers, samples })
}

fn checked(
    case: &Case,
    folder: &Path,
    store: &GoldenFolder,
    bless: bool,
    outcome: &mut Outcome,
) -> Result<Option<Blessing>> {
    let Checks { exact, first_rung, verilog, .. } = &case.check;
    let Ready { model, compiled, layers, samples } = ready(case, folder)?;
    outcome.machine = Some(compiled.config.name.clone());
    let rtl = if *verilog { Some(Rtl::cached(&compiled.config)) } else { None };
    let rtl = match rtl {
        Some(Err(Error::Start { program, .. })) => {
            let why = format!("{program} is not installed; try: apt-get install verilator g++ make");
            outcome.checks.push(("verilog".into(), Verdict::Skipped(why)));
            None
        }
        Some(built) => Some(built?),
        None => None,
    };
    let options = proof::Options { rtl: rtl.as_ref(), unchecked: !first_rung };
    let mut proofs: Vec<Proof> = Vec::new();
    let mut report = CycleReport::default();
    for (n, sample) in samples.iter().enumerate() {
        let (proof, simulated) = match &model {
            Some(model) => proof::verify(model, &compiled, sample, &options)?,
            None => proof::verify_integers(&compiled, sample, &options)?,
        };
        proofs.push(proof);
        if n == 0 {
            report = simulated.report;
        }
    }
    let measured = measured(&compiled, &proofs, &report);
    if model.is_none() && *first_rung {
        let why = "the artefact was written without its source".to_owned();
        outcome.checks.push(("first_rung".into(), Verdict::Skipped(why)));
    }
    ladder(&proofs, model.is_some() && *first_rung, rtl.is_some(), outcome);
    limits(&case.check, &measured, model.is_some(), outcome);
    metric(&case.check, model.as_ref(), &compiled, outcome)?;
    let counts = Recorded {
        cycles: measured.cycles,
        read_bytes: measured.read_bytes,
        write_bytes: measured.write_bytes,
    };
    outcome.measured = Some(measured);
    if exact.is_empty() {
        return Ok(None);
    }
    let mut integers = Integers::default();
    if exact.contains(&Exact::Integers) {
        for (n, sample) in samples.iter().enumerate() {
            integers.add(&compiled, n, sample)?;
        }
    }
    if bless {
        // What contradicts itself is not worth remembering.
        outcome.blessed = outcome.holds();
        let integers = exact.contains(&Exact::Integers).then_some(integers);
        return Ok(outcome.blessed.then(|| Blessing { name: case.name.clone(), counts, integers }));
    }
    recorded(case, store, counts, &integers, (&compiled, &layers), outcome)?;
    Ok(None)
}

fn measured(compiled: &Compiled, proofs: &[Proof], report: &CycleReport) -> Measured {
    let outputs = || proofs.iter().flat_map(|proof| &proof.outputs);
    let host: BTreeSet<&String> = compiled.network.host.iter().map(|op| &op.operator).collect();
    Measured {
        cycles: report.cycles,
        read_bytes: report.external.read_bytes,
        write_bytes: report.external.write_bytes,
        sqnr_db: outputs().filter_map(|o| o.quality.sqnr_db).filter(|db| db.is_finite()).reduce(f64::min),
        max_abs_error: outputs().map(|o| o.max_abs_error).fold(0.0, f64::max),
        host: host.into_iter().cloned().collect(),
    }
}

impl Outcome {
    fn check(&mut self, name: &str, failure: Option<String>) {
        self.checks.push((name.to_owned(), failure.map_or(Verdict::Passed, Verdict::Failed)));
    }
}

/// The exact steps: source = integers = simulator = Verilog.
fn ladder(proofs: &[Proof], first_rung: bool, verilog: bool, outcome: &mut Outcome) {
    let first = |wrong: &dyn Fn(&Proof) -> Option<String>| {
        proofs.iter().enumerate().find_map(|(n, proof)| Some(format!("sample {n}: {}", wrong(proof)?)))
    };
    if first_rung {
        let found = |proof: &Proof| {
            let assurance = proof.assurance.as_ref()?;
            let finding = assurance.first_rung.findings.first().map(|finding| finding.to_string());
            let rewrite = assurance.rewrites.first().map(|r| {
                format!("simplification changes output {:?}, which agrees to {:.1} dB only", r.output, r.db)
            });
            finding.or(rewrite)
        };
        outcome.check("first_rung", first(&found));
    }
    let simulator = |proof: &Proof| {
        let bytes = proof.reference_mismatches;
        (bytes > 0).then(|| format!("simulator and integer reference differ in {bytes} bytes"))
    };
    outcome.check("simulator", first(&simulator));
    let finite = |proof: &Proof| proof.not_finite.iter().find(|n| n.differ > 0).map(|n| n.to_string());
    outcome.check("finite", first(&finite));
    if verilog {
        let rtl = |proof: &Proof| {
            let bytes = proof.rtl_mismatches.unwrap_or(0);
            if bytes > 0 {
                return Some(format!("Verilog and simulator differ in {bytes} bytes"));
            }
            let cycles = proof.rtl_cycles.unwrap_or(proof.sim_cycles);
            let simulated = proof.sim_cycles;
            (cycles != simulated)
                .then(|| format!("the Verilog takes {cycles} cycles, the simulator {simulated}"))
        };
        outcome.check("verilog", first(&rtl));
    }
}

/// The limits that the case sets.
fn limits(checks: &Checks, measured: &Measured, source: bool, outcome: &mut Outcome) {
    let Checks { min_sqnr, max_error, max_cycles, max_bytes, host, .. } = checks;
    let without =
        || Verdict::Failed("the artefact was written without its source: nothing is compared".to_owned());
    if let Some(least) = min_sqnr {
        match source {
            true => {
                let low = measured.sqnr_db.filter(|db| db < least);
                outcome.check("min_sqnr", low.map(|db| format!("{db:.2} dB, {least} are asked for")));
            }
            false => outcome.checks.push(("min_sqnr".into(), without())),
        }
    }
    if let Some(most) = max_error {
        match source {
            true => {
                let error = measured.max_abs_error;
                let wrong = (error > *most || error.is_nan()).then(|| format!("{error}, {most} is allowed"));
                outcome.check("max_error", wrong);
            }
            false => outcome.checks.push(("max_error".into(), without())),
        }
    }
    let above = |n: u64, most: u64| (n > most).then(|| format!("{n}, {most} are allowed"));
    if let Some(most) = max_cycles {
        outcome.check("max_cycles", above(measured.cycles, *most));
    }
    if let Some(most) = max_bytes {
        outcome.check("max_bytes", above(measured.read_bytes + measured.write_bytes, *most));
    }
    if let Some(allowed) = host {
        let other = measured.host.iter().find(|op| !allowed.contains(op));
        outcome.check("host", other.map(|op| format!("{op} is left to the host, which may run {allowed:?}")));
    }
}

fn metric(checks: &Checks, model: Option<&Model>, compiled: &Compiled, outcome: &mut Outcome) -> Result<()> {
    let Some(least) = checks.min_metric else { return Ok(()) };
    // An artefact's path is no place of evaluation samples.
    let beside = model.filter(|model| model.beside("eval.npz").exists() && model.path.is_file());
    let Some(model) = beside.filter(|model| !Container::is_there(&model.path)) else {
        let why = "there is no eval.npz beside the model".to_owned();
        outcome.checks.push(("min_metric".into(), Verdict::Failed(why)));
        return Ok(());
    };
    let scores = Evaluation::read(model)?.run(model, compiled, &|_, _| ())?;
    let (points, unit) = (scores.points(), scores.unit());
    let low = points.is_nan() || points < least;
    outcome.check("min_metric", low.then(|| format!("{points:.2} {unit}, {least} are asked for")));
    Ok(())
}

/// What was recorded must still be so.
fn recorded(
    case: &Case,
    store: &GoldenFolder,
    counts: Recorded,
    integers: &Integers,
    (compiled, layers): (&Compiled, &[Layer]),
    outcome: &mut Outcome,
) -> Result<()> {
    let nothing = || "nothing is recorded; try: --bless".to_owned();
    let before = store.counts(&case.name);
    for exact in &case.check.exact {
        match exact {
            Exact::Integers => {
                let stored = store.integers(&case.name)?;
                let wrong = match stored {
                    None => Some(nothing()),
                    Some(stored) => stored.difference(integers, compiled, layers),
                };
                outcome.check("integers", wrong);
            }
            Exact::Cycles => {
                let changed = |r: Recorded| {
                    (r.cycles != counts.cycles)
                        .then(|| format!("{} cycles, were {}", counts.cycles, r.cycles))
                };
                outcome.check("cycles", before.map_or_else(|| Some(nothing()), changed));
            }
            Exact::Bytes => {
                let moved = |r: Recorded| (r.read_bytes, r.write_bytes);
                let changed = |r: Recorded| {
                    let ((read, written), (r, w)) = (moved(counts), moved(r));
                    ((read, written) != (r, w))
                        .then(|| format!("{read} bytes read and {written} written, were {r} and {w}"))
                };
                outcome.check("bytes", before.map_or_else(|| Some(nothing()), changed));
            }
        }
    }
    Ok(())
}
