//! `tilewright generate`: the Verilog of a machine, with the programs of a model if one is given, a test bench
//! and a header.

use super::subject::{Subject, compile_job, open};
use super::{programs, written};
use crate::output::say;
use crate::progress::during;
use crate::{Machine, Source};
use anyhow::Result;
use std::path::Path;
use tilewright::artefact::Golden;
use tilewright::bench;

/// Writes `tilewright.v` and `machine.toml`; of a network also its programs and memory images, a test bench with
/// its golden sample and a C header.
pub fn run(source: Option<&Source>, machine: &Machine, out: &Path) -> Result<bool> {
    let (config, mut files) = match source {
        Some(source) => {
            let (compiled, golden) = match open(source, machine)? {
                Subject::Model(job) => {
                    let compiled = compile_job(&job, &job.calibration()?, source)?;
                    during("checking the program", || compiled.check())?;
                    let golden = Golden::synthetic(&compiled, &job.model.graph)?;
                    (compiled, golden)
                }
                Subject::Artefact(artefact) => (artefact.compiled, artefact.golden),
            };
            let mut files = programs(&compiled)?;
            files.extend(bench::bench(&compiled, &golden)?);
            files.push(("tilewright.h".into(), bench::header(&compiled, &golden)?.into_bytes()));
            (compiled.config, files)
        }
        None => {
            let config = machine.config()?;
            let file = ("machine.toml".to_string(), config.to_toml().into_bytes());
            (config, vec![file])
        }
    };
    let verilog = during("generating Verilog", || tilewright_hdl::generate(&config))?;
    files.insert(0, ("tilewright.v".into(), verilog.clone().into_bytes()));
    if let Some(controller) = tilewright_hdl::sdram(&config)? {
        files.push(("sdram.v".into(), controller.into_bytes()));
    }
    written::write(out, "generate", &files)?;
    for (name, _) in &files {
        say!("{}", out.join(name).display())?;
    }
    say!("{} lines of Verilog", verilog.lines().count())?;
    Ok(true)
}
