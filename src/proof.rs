//! The ladder for one input: float reference, integer reference, simulator, Verilog.

use crate::model::Model;
use crate::pipeline::{self, Compiled};
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use tilewright_compiler::float::{self, math::log10};
use tilewright_compiler::reference;
use tilewright_hdl::cosim::{self, Rtl};
use tilewright_sim::Report;

/// What `verify` finds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Proof {
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
    /// Largest difference of a model output from the float reference.
    pub max_abs_error: f64,
    /// 10 log10(sum(float^2) / sum((float - int8)^2)) over the model outputs; absent when exact.
    pub sqnr_db: Option<f64>,
}

impl Proof {
    /// Whether every exact step of the ladder holds.
    pub fn holds(&self) -> bool {
        self.reference_mismatches == 0
            && self.rtl_mismatches.is_none_or(|n| n == 0)
            && self.rtl_cycles.is_none_or(|n| n == self.sim_cycles)
    }
}

/// A simulated inference.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Cycles and traffic of all stages together.
    pub report: Report,
    /// The model's outputs (host operators included).
    pub outputs: Vec<ArrayD<f32>>,
}

/// Runs the programs on one input in the simulator, and the host's operators between them.
pub fn simulate(compiled: &Compiled, inputs: &[ArrayD<f32>]) -> Result<Simulated> {
    let mut report = Report::default();
    let outputs = compiled.network.run(inputs, |number, _, inputs| -> Result<_> {
        let schedule = compiled.schedules[number].as_ref().expect("stages of the machine have programs");
        let mut memory = pipeline::memory(schedule, &inputs)?;
        report.append(&tilewright_sim::run(&schedule.program, &mut memory, &Default::default())?);
        Ok(pipeline::outputs(schedule, &memory))
    })?;
    Ok(Simulated { report, outputs })
}

/// Walks the ladder for one input; `rtl` is the machine's Verilog, built.
pub fn verify(
    model: &Model,
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    rtl: Option<&Rtl>,
) -> Result<(Proof, Simulated)> {
    let mut proof = Proof {
        compared_bytes: 0,
        reference_mismatches: 0,
        rtl_mismatches: rtl.map(|_| 0),
        sim_cycles: 0,
        rtl_cycles: rtl.map(|_| 0),
        max_abs_error: 0.0,
        sqnr_db: None,
    };
    let mut report = Report::default();
    let outputs = compiled.network.run(inputs, |number, graph, inputs| -> Result<_> {
        let schedule = compiled.schedules[number].as_ref().expect("stages of the machine have programs");
        let before = pipeline::memory(schedule, &inputs)?;
        let mut memory = before.clone();
        let one = tilewright_sim::run(&schedule.program, &mut memory, &Default::default())?;
        let got = pipeline::outputs(schedule, &memory);
        let tensors = reference::run(graph, &inputs);
        let wanted = graph.outputs.iter().map(|(t, _)| &tensors[t.0 as usize]);
        proof.compared_bytes += got.iter().map(Vec::len).sum::<usize>();
        proof.reference_mismatches += wanted.zip(&got).map(|(a, b)| differences(a, b)).sum::<usize>();
        if let Some(rtl) = rtl {
            let limit = one.cycles + one.cycles / 8 + 10_000;
            let program = &schedule.program;
            let options = cosim::Options { max_cycles: limit, stall: None };
            let run = rtl.run(&before, program.stream_address, program.counts(), &options)?;
            proof.rtl_mismatches = proof.rtl_mismatches.map(|n| n + differences(&run.memory, &memory));
            proof.rtl_cycles = proof.rtl_cycles.map(|n| n + run.cycles);
        }
        report.append(&one);
        Ok(got)
    })?;
    proof.sim_cycles = report.cycles;
    let simulated = Simulated { report, outputs };
    let float = float::run(&model.imported, inputs)?;
    let (mut signal, mut noise) = (0.0, 0.0);
    for (a, b) in float.iter().zip(&simulated.outputs) {
        for (a, b) in a.iter().zip(b) {
            let (a, d) = (f64::from(*a), f64::from(*a) - f64::from(*b));
            proof.max_abs_error = proof.max_abs_error.max(d.abs());
            signal += a * a;
            noise += d * d;
        }
    }
    proof.sqnr_db = (noise > 0.0).then(|| 10.0 * log10(signal / noise));
    Ok((proof, simulated))
}

/// Places in which two equally long sequences differ; all of them when the lengths do.
fn differences<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    if a.len() != b.len() {
        return a.len().max(b.len());
    }
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}
