//! The ladder for one input: float reference, integer reference, simulator, Verilog.

use crate::assurance::{self, Assurance};
use crate::finite::{self, NotFinite};
use crate::model::Model;
use crate::pipeline::{self, Compiled};
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use tilewright_compiler::fixed::FixedGraph;
use tilewright_compiler::float::{self, math::log10};
use tilewright_compiler::proof::Quality;
use tilewright_compiler::reference;
use tilewright_compiler::schedule::{Schedule, wrong_program};
use tilewright_hdl::cosim::{self, Rtl};
use tilewright_timing::CycleReport;

/// What `verify` finds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Proof {
    /// The first rung and what is predicted; absent with `--unchecked`.
    pub assurance: Option<Assurance>,
    /// Output bytes compared on each step.
    pub compared_bytes: usize,
    /// Bytes in which simulator and integer reference differ.
    pub reference_mismatches: usize,
    /// Bytes in which Verilog and simulator differ (all of external memory); absent without `--rtl`.
    pub rtl_mismatches: Option<usize>,
    /// Cycles of the simulator, all stages together.
    pub sim_cycles: u64,
    /// Cycles of the Verilog; absent without `--rtl`.
    pub rtl_cycles: Option<u64>,
    /// Each of the model's outputs against the float reference.
    pub outputs: Vec<MachineOutput>,
    /// Largest difference of a model output from the float reference.
    pub max_abs_error: f64,
    /// 10 log10(sum(float^2) / sum((float - int8)^2)) over the elements of the model outputs that are
    /// finite in both; absent when these are equal, or none is.
    pub sqnr_db: Option<f64>,
    /// Every element is finite and equals the float reference's.
    pub exact: bool,
    /// The outputs that are not finite everywhere.
    pub not_finite: Vec<NotFinite>,
}

/// One of a model's outputs as the machine makes it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct MachineOutput {
    /// Its name.
    pub name: String,
    /// Largest difference from the float reference where both are finite.
    pub max_abs_error: f64,
    /// How far it is from the float reference.
    #[serde(flatten)]
    pub quality: Quality,
}

impl Proof {
    /// Whether every exact step of the ladder holds.
    pub fn holds(&self) -> bool {
        self.assurance.as_ref().is_none_or(Assurance::holds)
            && self.reference_mismatches == 0
            && self.rtl_mismatches.is_none_or(|n| n == 0)
            && self.rtl_cycles.is_none_or(|n| n == self.sim_cycles)
            && self.not_finite.iter().all(|n| n.differ == 0)
    }
}

/// How far [`verify`] goes.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The machine's Verilog, built, to run it as well.
    pub rtl: Option<&'a Rtl>,
    /// Skip the first rung.
    pub unchecked: bool,
}

/// What a stage of the machine is given and makes, a list of bytes for each of its ports.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StageBytes {
    /// Its number among all stages.
    pub stage: usize,
    /// Bytes of the inputs.
    pub inputs: Vec<Vec<i8>>,
    /// Bytes of the outputs.
    pub outputs: Vec<Vec<i8>>,
    /// Cycles from start to done.
    pub cycles: u64,
}

/// A simulated inference.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Cycles and traffic of all stages together.
    pub report: CycleReport,
    /// The model's outputs (host operators included).
    pub outputs: Vec<ArrayD<f32>>,
    /// The machine's stages, in order.
    pub stages: Vec<StageBytes>,
}

/// Runs the programs on one input in the simulator, and the host's operators between them.
///
/// # Errors
/// Inputs that do not fit the model; a defect; what the host's operators refuse.
pub fn simulate(compiled: &Compiled, inputs: &[ArrayD<f32>]) -> Result<Simulated> {
    run(compiled, inputs, |_, _| Ok(()))
}

/// One stage in the simulator: its graph, its schedule, external memory before and after.
type SimulatedStage<'a> = (&'a FixedGraph, &'a Schedule, &'a [u8], &'a [u8]);

/// Simulates, and shows `look` every stage of the machine when it has run.
fn run(
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    mut look: impl FnMut(SimulatedStage, &StageBytes) -> Result<()>,
) -> Result<Simulated> {
    let (mut report, mut stages) = (CycleReport::default(), Vec::new());
    let outputs = compiled.network.run(inputs, |stage, graph, inputs| -> Result<_> {
        let schedule = compiled.schedules[stage].as_ref().expect("stages of the machine have programs");
        let before = pipeline::memory(schedule, &inputs)?;
        let mut after = before.clone();
        let one =
            tilewright_sim::run(&schedule.program, &mut after, &Default::default()).map_err(wrong_program)?;
        let outputs = pipeline::outputs(schedule, &after);
        let ran = StageBytes { stage, inputs, outputs: outputs.clone(), cycles: one.cycles };
        look((graph, schedule, &before, &after), &ran)?;
        stages.push(ran);
        report.append(&one);
        Ok(outputs)
    })?;
    Ok(Simulated { report, outputs, stages })
}

/// Walks the ladder for one input.
///
/// # Errors
/// As [`simulate`], and those of the Verilog's run.
pub fn verify(
    model: &Model,
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    options: &Options,
) -> Result<(Proof, Simulated)> {
    let (mut proof, simulated) = verify_integers(compiled, inputs, options)?;
    let float = float::run(&model.imported, inputs)?;
    if !options.unchecked {
        proof.assurance = Some(assurance::assure(model, &compiled.network, inputs, &float, &[])?);
    }
    let (mut signal, mut noise) = (0.0, 0.0);
    let qualities = assurance::qualities(&model.graph, &float, &simulated.outputs);
    let names = assurance::output_names(&model.graph).into_iter().zip(qualities);
    for (((name, quality), want), got) in names.zip(&float).zip(&simulated.outputs) {
        let mut max_abs_error = 0.0f64;
        for (a, b) in want.iter().zip(got).filter(|(a, b)| a.is_finite() && b.is_finite()) {
            let (a, d) = (f64::from(*a), f64::from(*a) - f64::from(*b));
            max_abs_error = max_abs_error.max(d.abs());
            signal += a * a;
            noise += d * d;
        }
        proof.max_abs_error = proof.max_abs_error.max(max_abs_error);
        proof.outputs.push(MachineOutput { name, max_abs_error, quality });
    }
    // A signal of zeros counts as next to none: JSON has no infinity.
    proof.sqnr_db = (noise > 0.0).then(|| 10.0 * log10(f64::max(signal, 1e-30) / noise));
    proof.not_finite = finite::find(model, compiled, inputs, &float, &simulated.outputs)?;
    proof.exact = noise == 0.0 && proof.not_finite.is_empty();
    Ok((proof, simulated))
}

/// The ladder without the source: integer reference, simulator and Verilog, and nothing of float.
///
/// # Errors
/// As [`simulate`], and those of the Verilog's run.
pub fn verify_integers(
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    options: &Options,
) -> Result<(Proof, Simulated)> {
    let rtl = options.rtl;
    let mut proof = Proof {
        assurance: None,
        outputs: Vec::new(),
        compared_bytes: 0,
        reference_mismatches: 0,
        rtl_mismatches: rtl.map(|_| 0),
        sim_cycles: 0,
        rtl_cycles: rtl.map(|_| 0),
        max_abs_error: 0.0,
        sqnr_db: None,
        exact: false,
        not_finite: vec![],
    };
    let simulated = run(compiled, inputs, |(graph, schedule, before, after), ran| {
        let tensors = reference::run(graph, &ran.inputs);
        let wanted = graph.outputs.iter().map(|(t, _)| &tensors[t.0 as usize]);
        proof.compared_bytes += ran.outputs.iter().map(Vec::len).sum::<usize>();
        proof.reference_mismatches += wanted.zip(&ran.outputs).map(|(a, b)| differences(a, b)).sum::<usize>();
        if let Some(rtl) = rtl {
            let limit = ran.cycles + ran.cycles / 8 + 10_000;
            let program = &schedule.program;
            let options = cosim::Options { max_cycles: limit, ..Default::default() };
            let run = rtl.run(before, program.stream_address, program.counts(), &options)?;
            proof.rtl_mismatches = proof.rtl_mismatches.map(|n| n + differences(&run.memory, after));
            proof.rtl_cycles = proof.rtl_cycles.map(|n| n + run.cycles);
        }
        Ok(())
    })?;
    proof.sim_cycles = simulated.report.cycles;
    Ok((proof, simulated))
}

/// Places in which two equally long sequences differ; all of them when the lengths do.
fn differences<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    if a.len() != b.len() {
        return a.len().max(b.len());
    }
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}
