//! `tilewright inspect`: any stage as text; graphs as Relay, which every command reads again.

use crate::{Machine, Source, Stage};
use anyhow::Result;
use std::io::Write;
use tilewright::model::Model;
use tilewright::pipeline;
use tilewright_arch::asm;
use tilewright_compiler::graph::Data;
use tilewright_compiler::relay;

/// Prints a stage.
pub fn run(source: &Source, machine: &Machine, stage: Stage) -> Result<bool> {
    let model = Model::read(&source.model)?;
    let text = match stage {
        Stage::Graph => relay::print(&model.imported, Data::Full),
        Stage::Simplified => relay::print(&model.graph, Data::Full),
        Stage::Fixed | Stage::Schedule | Stage::Program => {
            let calibration = model.calibration(source.calib.as_deref())?;
            let options = super::options(source)?;
            let compiled = pipeline::compile(&model, &calibration, &options, &machine.config()?)?;
            match stage {
                Stage::Fixed => compiled.network.to_string(),
                Stage::Schedule => compiled.programs().map(|(_, s)| s.plan.to_string()).collect(),
                _ => compiled.programs().map(|(_, s)| asm::print(&s.program)).collect(),
            }
        }
    };
    // A reader such as `head` may close the pipe early: that is no error.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    Ok(true)
}
