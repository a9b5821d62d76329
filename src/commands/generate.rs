//! `tilewright generate`: the Verilog of a machine.

use super::write;
use crate::progress::during;
use crate::{Machine, Technology};
use anyhow::Result;
use std::path::Path;

/// Writes `tilewright.v` and `machine.toml`.
pub fn run(machine: &Machine, technology: Technology, out: &Path) -> Result<bool> {
    let config = machine.config()?;
    let verilog = during("generating Verilog", || tilewright_hdl::generate(&config, technology.into()))?;
    write(&out.join("tilewright.v"), &verilog)?;
    write(&out.join("machine.toml"), config.to_toml())?;
    println!("{}: {} lines", out.join("tilewright.v").display(), verilog.lines().count());
    println!("{}", out.join("machine.toml").display());
    Ok(true)
}
