//! `tilewright generate`: the Verilog of a machine, with the programs of a model if one is given.

use super::subject::Subject;
use super::{programs, written};
use crate::output::say;
use crate::progress::during;
use crate::{Machine, Source};
use anyhow::Result;
use std::path::Path;

/// Writes `tilewright.v` and `machine.toml`, and the model's programs and memory images.
pub fn run(source: Option<&Source>, machine: &Machine, out: &Path) -> Result<bool> {
    let (config, mut files) = match source {
        Some(source) => {
            let compiled = Subject::open(source, machine)?.compiled()?;
            during("checking the program", || compiled.check())?;
            let files = programs(&compiled)?;
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
    written::write(out, "generate", &files)?;
    for (name, _) in &files {
        say!("{}", out.join(name).display())?;
    }
    say!("{} lines of Verilog", verilog.lines().count())?;
    Ok(true)
}
