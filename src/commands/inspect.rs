//! `tilewright inspect`: any stage as text; graphs as Relay, which every command reads again.

use super::subject::{Subject, compiled, open};
use crate::{Machine, Source, Stage, output};
use anyhow::{Context, Result};
use tilewright::model::Model;
use tilewright_arch::asm;
use tilewright_compiler::fixed::passes;
use tilewright_compiler::graph::Data;
use tilewright_compiler::relay;

/// Prints a stage.
pub fn run(source: &Source, machine: &Machine, stage: Stage) -> Result<bool> {
    let text = match stage {
        Stage::Graph => relay::print(&model(source, machine)?.imported, Data::Full),
        Stage::Simplified => relay::print(&model(source, machine)?.graph, Data::Full),
        Stage::Fixed | Stage::Passes | Stage::Schedule | Stage::Program => {
            let compiled = compiled(source, machine)?;
            match stage {
                Stage::Fixed => compiled.network.to_string(),
                Stage::Passes => {
                    let print = |graph| passes::print(graph, &compiled.config);
                    compiled.network.machine().map(print).collect::<Result<_, _>>()?
                }
                Stage::Schedule => compiled.programs().map(|(_, s)| s.plan.to_string()).collect(),
                _ => compiled.programs().map(|(_, s)| asm::print(&s.program)).collect(),
            }
        }
    };
    output::lines(&text).map(|()| true)
}

fn model(source: &Source, machine: &Machine) -> Result<Model> {
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
