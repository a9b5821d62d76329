//! Machines: targets by name, arrays by size, configurations from files.

use anyhow::{Context, Result, bail};
use std::path::Path;
use tilewright_arch::Config;
use tilewright_compiler::files;

/// A target the project knows: a board with the machine that suits it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its configuration as TOML.
    pub config: &'static str,
}

/// All targets; the first is the default.
pub const TARGETS: &[Target] = &[
    Target {
        name: "ulx3s-85f",
        about: "ECP5 LFE5U-85F, 9 lanes x 16 columns, 154 of 156 multipliers",
        config: include_str!("../constraints/ulx3s-85f/machine.toml"),
    },
    Target {
        name: "ulx3s-25f",
        about: "ECP5 LFE5U-25F, 4 lanes x 4 columns",
        config: include_str!("../constraints/ulx3s-25f/machine.toml"),
    },
];

/// The machine that the options name: a target, an array size such as `7x11`, or a TOML file; the
/// first target without any.
///
/// # Errors
/// A target that is not known, a size that is none, a file that cannot be read or is not valid.
pub fn resolve(target: Option<&str>, array: Option<&str>, file: Option<&Path>) -> Result<Config> {
    if let Some(path) = file {
        let text = files::read_text(path)
            .with_context(|| format!("error[config]: {} cannot be read", path.display()))?;
        return Config::from_toml(&text).with_context(|| path.display().to_string());
    }
    if let Some(size) = array {
        let sides = size.split_once('x').and_then(|(p, c)| Some((p.parse().ok()?, c.parse().ok()?)));
        let Some((lanes, columns)) = sides else {
            bail!("error[config]: array {size:?} is not a size; try: LANESxCOLUMNS such as 9x16");
        };
        let config = Config::sized(lanes, columns);
        config.validate()?;
        return Ok(config);
    }
    let name = target.unwrap_or(TARGETS[0].name);
    let Some(target) = TARGETS.iter().find(|t| t.name == name) else {
        let known: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
        bail!("error[config]: there is no target {name:?}; try: one of {}", known.join(", "));
    };
    Ok(Config::from_toml(target.config)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_legal_and_named_after_itself() {
        for target in TARGETS {
            assert_eq!(resolve(Some(target.name), None, None).unwrap().name, target.name);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(resolve(None, Some("7x11"), None).unwrap(), Config::sized(7, 11));
        for bad in ["7", "ax4", "7x", "1x4", "99x2", "4x4x4"] {
            assert!(resolve(None, Some(bad), None).unwrap_err().to_string().starts_with("error[config]"));
        }
    }
}
