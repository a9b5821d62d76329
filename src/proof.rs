//! The ladder for one input: float reference, integer reference, simulator, Verilog.

use crate::model::Model;
use crate::pipeline::Compiled;
use anyhow::Result;
use ndarray::ArrayD;
use serde::Serialize;
use tilewright_compiler::{float, reference};
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
    /// Cycles of the simulator.
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
    /// External memory afterwards.
    pub memory: Vec<u8>,
    /// Cycles and traffic.
    pub report: Report,
    /// The model's outputs (host operators included).
    pub outputs: Vec<ArrayD<f32>>,
}

/// Runs the program on one input in the simulator.
pub fn simulate(compiled: &Compiled, inputs: &[ArrayD<f32>]) -> Result<Simulated> {
    let mut memory = compiled.memory(inputs)?;
    let report = tilewright_sim::run(&compiled.schedule.program, &mut memory, &Default::default())?;
    let outputs = reference::host_outputs(&compiled.fixed, &compiled.outputs(&memory))?;
    Ok(Simulated { memory, report, outputs })
}

/// Walks the ladder for one input; `rtl` is the machine's Verilog, built.
pub fn verify(
    model: &Model,
    compiled: &Compiled,
    inputs: &[ArrayD<f32>],
    rtl: Option<&Rtl>,
) -> Result<(Proof, Simulated)> {
    let simulated = simulate(compiled, inputs)?;
    let tensors = reference::run(&compiled.fixed, &reference::quantise_inputs(&compiled.fixed, inputs)?);
    let wanted = compiled.fixed.outputs.iter().map(|(t, _)| &tensors[t.0 as usize]);
    let got = compiled.outputs(&simulated.memory);
    let mut proof = Proof {
        compared_bytes: got.iter().map(Vec::len).sum(),
        reference_mismatches: wanted.zip(&got).map(|(a, b)| differences(a, b)).sum(),
        rtl_mismatches: None,
        sim_cycles: simulated.report.cycles,
        rtl_cycles: None,
        max_abs_error: 0.0,
        sqnr_db: None,
    };
    if let Some(rtl) = rtl {
        let limit = simulated.report.cycles + simulated.report.cycles / 8 + 10_000;
        let program = &compiled.schedule.program;
        let options = cosim::Options { max_cycles: limit, stall: None };
        let run = rtl.run(&compiled.memory(inputs)?, program.stream_address, program.counts(), &options)?;
        proof.rtl_mismatches = Some(differences(&run.memory, &simulated.memory));
        proof.rtl_cycles = Some(run.cycles);
    }
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
    proof.sqnr_db = (noise > 0.0).then(|| 10.0 * (signal / noise).log10());
    Ok((proof, simulated))
}

/// Places in which two equally long sequences differ; all of them when the lengths do.
fn differences<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    if a.len() != b.len() {
        return a.len().max(b.len());
    }
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}
