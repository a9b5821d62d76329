//! `tilewright inspect`: any stage as text; graphs as Relay, which every command reads again.

use super::subject::{Subject, compile_job, compiled, open};
use super::{decibels, grouped};
use crate::arguments::{CompilerStage, Machine, ModelArguments};
use crate::output;
use anyhow::{Context, Result};
use tilewright::artefact::{self, Layer};
use tilewright::model::Model;
use tilewright_arch::asm;
use tilewright_compiler::fixed::passes;
use tilewright_compiler::relay;

/// Prints a stage.
pub fn run(source: &ModelArguments, machine: &Machine, stage: CompilerStage) -> Result<bool> {
    let text = match stage {
        CompilerStage::Graph => relay::print(&model(source, machine)?.imported, relay::Data::Full),
        CompilerStage::Simplified => relay::print(&model(source, machine)?.graph, relay::Data::Full),
        CompilerStage::Layers => match open(source, machine)? {
            Subject::Model(job) => table(&artefact::layers(&compile_job(&job, &job.calibration()?, source)?)),
            Subject::Artefact(artefact) => table(&artefact.manifest.layers),
        },
        CompilerStage::Fixed | CompilerStage::Passes | CompilerStage::Schedule | CompilerStage::Program => {
            let compiled = compiled(source, machine)?;
            match stage {
                CompilerStage::Fixed => compiled.network.to_string(),
                CompilerStage::Passes => {
                    let print = |graph| passes::print(graph, &compiled.config);
                    compiled.network.machine().map(print).collect::<Result<_, _>>()?
                }
                CompilerStage::Schedule => compiled.programs().map(|(_, s)| s.plan.to_string()).collect(),
                _ => compiled.programs().map(|(_, s)| asm::print(&s.program)).collect(),
            }
        }
    };
    output::lines(&text).map(|()| true)
}

/// The layers, a line each. What is predicted of them is said to be in decibels; a model's has not been.
fn table(layers: &[Layer]) -> String {
    let mut text = format!(
        "{:>4} {:<24} {:<18} {:>4} {:>12} {:>12} {:>9}  nodes\n",
        "id", "operator", "shape", "bits", "scale", "MACs", "predicted"
    );
    for layer in layers {
        let shape: Vec<String> = layer.shape.iter().map(usize::to_string).collect();
        let operator = if layer.operator.is_empty() { "copy" } else { &layer.operator };
        text += &format!(
            "{:>4} {operator:<24} {:<18} {:>4} {:>12.6} {:>12} {:>9}  {}\n",
            layer.id,
            shape.join("x"),
            layer.bits,
            layer.scale,
            grouped(layer.macs),
            decibels(layer.predicted_sqnr_db),
            layer.nodes.join(", ")
        );
    }
    text
}

fn model(source: &ModelArguments, machine: &Machine) -> Result<Model> {
    match open(source, machine)? {
        Subject::Model(job) => Ok(job.model),
        Subject::Artefact(artefact) => artefact.model.with_context(|| {
            format!(
                "error[inspect]: {}: the source was left out of the artefact; try: compile without --no-source",
                source.model.display()
            )
        }),
    }
}
