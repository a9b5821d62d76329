//! `tilewright generate`: the Verilog of a machine, with the programs of a model if one is given, a test bench
//! and a header.

use super::subject::{Subject, compile_job, open};
use super::{programs, written};
use crate::arguments::{Machine, ModelArguments};
use crate::output::say;
use crate::progress::during;
use anyhow::Result;
use std::path::Path;
use tilewright::artefact::Golden;
use tilewright::bench;
use tilewright::build::Design;
use tilewright::targets::{self, TARGETS};

/// Writes `tilewright.v`, a list of its ports and `machine.toml`; of a network also its programs and memory images, a
/// test bench with its golden sample and a C header; with `axi_lite` another register port around it; of a `board` its top, with all
/// that is below it, and its pins.
pub fn run(
    source: Option<&ModelArguments>,
    machine: &Machine,
    axi_lite: bool,
    board: bool,
    out: &Path,
) -> Result<bool> {
    written::may_write(out)?;
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
    if board {
        let target = machine.target.as_deref().unwrap_or(TARGETS[0].name);
        let design = Design::new(targets::site(target)?, config.clone())?;
        files.push((design.pins_file(), design.site.pins.clone().into_bytes()));
        files.push((format!("{}.v", design.top), design.verilog.into_bytes()));
        files.extend(design.script.map(|(name, text)| (name.to_owned(), text.into_bytes())));
    }
    let generate = if axi_lite { tilewright_hdl::generate_axi_lite } else { tilewright_hdl::generate };
    let verilog = during("generating Verilog", || generate(&config))?;
    files.insert(0, ("tilewright.v".into(), verilog.clone().into_bytes()));
    files.push(("ports.txt".into(), bench::ports(&config, axi_lite)?.into_bytes()));
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
