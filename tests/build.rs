//! `build`, `flash` and `doctor` with stand-ins for the programs that they start: what is asked of these, what is made
//! of their reports, and what is kept. The real ones take too long for a test.
#![cfg(unix)]

mod common;

use common::{folder, text};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Programs that do next to nothing, called as the real ones; the routed design reaches `mhz`.
struct Tools {
    programs: PathBuf,
    cache: PathBuf,
}

impl Tools {
    fn new(name: &str, mhz: f64) -> Tools {
        let tools =
            Tools { programs: folder(&format!("{name}-tools")), cache: folder(&format!("{name}-cache")) };
        tools.program("yosys", "[ \"$1\" = -V ] && { echo 'Yosys 9.9'; exit; }\n[ \"$1\" = -s ] || exit 9\ngrep -q 'synth_ecp5.*-top ulx3s' \"$2\" || exit 8\ngrep -q '^module ulx3s' ulx3s.v || exit 7\necho netlist > ulx3s.json; echo cells > stat.txt; printf '%s' '{\"modules\": {\"\\\\ulx3s\": {\"num_cells_by_type\": {\"LUT4\": 3}}}}' > stat.json\n");
        tools.routes(mhz);
        tools.program(
            "ecppack",
            "[ \"$1\" = --version ] && { echo 'ecppack 9.9'; exit; }\ncp \"$1\" \"$2\"\n",
        );
        tools
    }

    fn routes(&self, mhz: f64) {
        let report = format!(
            "{{\"fmax\": {{\"$glbnet$machine_clock\": {{\"achieved\": {mhz}, \"constraint\": 100.0}}}}, \
             \"utilization\": {{\"DP16KD\": {{\"used\": 50, \"available\": 56}}}}, \"critical_paths\": []}}"
        );
        // With another seed it is as much faster in MHz.
        let report = report.replace(&mhz.to_string(), "'$mhz'");
        self.program(
            "nextpnr-ecp5",
            &format!(
                "[ \"$1\" = --version ] && {{ echo 'nextpnr-ecp5 9.9'; exit; }}\n\
             [ -f ../ulx3s.json ] && [ -f ../pins.lpf ] || exit 9\necho \"$@\" > asked\necho routed >> runs\n\
             seed=$(echo \"$@\" | sed 's/.*--seed \\([0-9]*\\).*/\\1/')\n\
             mhz=$(awk \"BEGIN {{ print {mhz} + $seed - 1 }}\")\n\
             echo '{report}' > report.json\necho bits $seed > ulx3s.config\n"
            ),
        );
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
        command.args(args).env("PATH", path).env("TILEWRIGHT_CACHE", &self.cache).output().unwrap()
    }

    fn build(&self, out: &Path, more: &[&str]) -> Output {
        self.run(&[&["build", "--target", "ulx3s-25f", "-o", out.to_str().unwrap()], more].concat())
    }
}

#[test]
fn a_bitstream_is_built_once() {
    let tools = Tools::new("once", 101.5);
    let out = folder("once");
    let first = tools.build(&out, &["--json"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let object: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    common::documented("build", std::slice::from_ref(&object));
    assert_eq!((&object["model"], &object["machine"]), (&serde_json::Value::Null, &"ulx3s-25f".into()));
    assert_eq!(object["report"]["clocks"][0]["reached_mhz"], 101.5);
    assert_eq!(object["report"]["cells"][0]["available"], 56);
    assert_eq!(object["slow"].as_array().unwrap().len(), 0);
    assert_eq!(std::fs::read(out.join("ulx3s.bit")).unwrap(), b"bits 1\n");
    let asked = std::fs::read_to_string(out.join("seed-1/asked")).unwrap();
    for part in ["--25k", "--package CABGA381", "--speed 6", "--seed 1", "--freq 100", "--lpf ../pins.lpf"] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    assert!(!asked.contains("out-of-context"));
    // Again, elsewhere: taken from what is kept. Another seed, or another version of a tool: built anew.
    let again = folder("again");
    assert!(tools.build(&again, &[]).status.success());
    assert!(!again.join("seed-1").exists() && again.join("ulx3s.bit").is_file());
    assert!(tools.build(&again, &["--seed", "2"]).status.success());
    assert!(again.join("seed-2/runs").is_file());
    let newer = folder("newer");
    tools.program("ecppack", "[ \"$1\" = --version ] && { echo 'ecppack 10'; exit; }\ncp \"$1\" \"$2\"\n");
    assert!(tools.build(&newer, &[]).status.success());
    assert!(newer.join("seed-1/runs").is_file());
}

#[test]
fn what_is_too_slow_is_no_bitstream() {
    let tools = Tools::new("slow", 99.5);
    let out = folder("slow");
    let output = tools.build(&out, &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(
        error.contains("machine_clock reaches 99.5 of 100.0 MHz") && error.contains("--allow-slow"),
        "{error}"
    );
    assert!(!out.join("ulx3s.bit").exists());
    // One object, with what was reached, and no other of the error.
    let told = tools.build(&out, &["--json"]);
    let object: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((told.status.code(), object["slow"].as_array().map(Vec::len)), (Some(1), Some(1)), "{object}");
    assert!(tools.build(&out, &["--allow-slow"]).status.success());
    assert!(out.join("ulx3s.bit").is_file());
}

/// Seeds are tried until one reaches the clock, the fastest is kept, and what was built is not built again.
#[test]
fn seeds_are_tried_until_one_is_fast_enough() {
    let tools = Tools::new("seeds", 97.5);
    let out = folder("seeds");
    let few = tools.build(&out, &["--seeds", "2", "--json"]);
    let object: serde_json::Value = serde_json::from_slice(&few.stdout).unwrap();
    assert_eq!((few.status.code(), &object["seed"]), (Some(1), &2.into()));
    let reached = |object: &serde_json::Value| -> Vec<(u64, f64)> {
        let seeds = object["seeds"].as_array().unwrap().iter();
        let one = |seed: &serde_json::Value| {
            (seed["seed"].as_u64().unwrap(), seed["clocks"][0]["reached_mhz"].as_f64().unwrap())
        };
        seeds.map(one).collect()
    };
    assert_eq!(reached(&object), [(2, 98.5), (1, 97.5)]);
    let many = tools.build(&out, &["--seeds", "100", "--json"]);
    assert!(many.status.success(), "{}", text(&many.stderr));
    let object: serde_json::Value = serde_json::from_slice(&many.stdout).unwrap();
    let all = reached(&object);
    assert!(all[0].1 >= 100.0 && all.len() < 50, "{all:?}");
    assert_eq!(object["seed"], all[0].0);
    assert_eq!(std::fs::read_to_string(out.join("ulx3s.bit")).unwrap(), format!("bits {}\n", all[0].0));
    for seed in 1..=2 {
        let runs = std::fs::read_to_string(out.join(format!("seed-{seed}/runs"))).unwrap();
        assert_eq!(runs, "routed\n", "seed {seed}");
    }
    // One netlist serves all seeds.
    assert_eq!(object["seconds"][0], 0.0);
    let told = text(&tools.build(&out, &["--seeds", "100"]).stdout);
    assert!(told.contains("seeds, in MHz") && told.contains("1: 97.5"), "{told}");
}

/// Other pins make another bitstream, of the same netlist; until it is there, none lies in the folder.
#[test]
fn pins_are_those_of_this_build() {
    let tools = Tools::new("pins", 101.0);
    let (board, out) = (folder("pins-board"), folder("pins"));
    let from = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("constraints").join(file);
    let copy = |file: &str, to: &str| std::fs::copy(from(file), board.join(to)).unwrap();
    copy("colorlight-i5/machine.toml", "machine.toml");
    let text = std::fs::read_to_string(from("ulx3s-25f/board.toml")).unwrap();
    std::fs::write(board.join("board.toml"), text.replace("../ulx3s-85f/", "")).unwrap();
    let args = ["build", "--target", board.to_str().unwrap(), "-o", out.to_str().unwrap()];
    for pins in ["# first\n", "# second\n"] {
        std::fs::write(board.join("pins.lpf"), pins).unwrap();
        let output = tools.run(&args);
        assert!(output.status.success(), "{}", common::text(&output.stderr));
        assert_eq!(std::fs::read_to_string(out.join("pins.lpf")).unwrap(), pins);
    }
    assert!(out.join("ulx3s.bit").is_file());
    assert!(tools.run(&[&args[..], &["--synthesis-only"]].concat()).status.success());
    assert!(!out.join("ulx3s.bit").exists());
}

/// A tool that fails says why in its log, whose end is the error.
#[test]
fn tools_that_fail_or_are_missing_are_named() {
    let tools = Tools::new("fails", 120.0);
    tools.program("yosys", "[ \"$1\" = -V ] && { echo 'Yosys 9.9'; exit; }\necho 'ERROR: no luck'; exit 1\n");
    let out = folder("fails");
    let output = tools.build(&out, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ERROR: no luck"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("yosys.log"));
    // A board without a top.
    let board = folder("own");
    for file in ["board.toml", "machine.toml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("constraints/ulx3s-25f").join(file);
        let lines = std::fs::read_to_string(from).unwrap().replace("../ulx3s-85f/", "");
        let kept: Vec<&str> = lines.lines().filter(|line| !line.starts_with("top =")).collect();
        std::fs::write(board.join(file), kept.join("\n")).unwrap();
    }
    std::fs::write(board.join("pins.lpf"), "").unwrap();
    let output = tools.run(&["build", "--target", board.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("has no top module yet"), "{}", text(&output.stderr));
    let doctor = tools.run(&["doctor"]);
    assert!(doctor.status.success());
    assert!(text(&doctor.stdout).contains("nextpnr-ecp5 9.9"), "{}", text(&doctor.stdout));
}

#[test]
fn flash_calls_the_loader_or_says_how() {
    let tools = Tools::new("flash", 120.0);
    let out = folder("flash");
    let refused = tools.run(&["flash", out.to_str().unwrap()]);
    assert!(text(&refused.stderr).contains("does not hold one bitstream"), "{}", text(&refused.stderr));
    std::fs::write(out.join("ulx3s.bit"), "bits").unwrap();
    if Command::new("openFPGALoader").arg("--Version").output().is_err()
        && Command::new("fujprog").output().is_err()
    {
        let missing = tools.run(&["flash", out.to_str().unwrap()]);
        assert_eq!(missing.status.code(), Some(1));
        assert!(text(&missing.stderr).contains("openFPGALoader -b ulx3s"), "{}", text(&missing.stderr));
    }
    let said = out.join("said");
    tools.program("openFPGALoader", &format!("echo \"$@\" > {}\n", said.display()));
    assert!(tools.run(&["flash", out.to_str().unwrap(), "--persist"]).status.success());
    let last = || std::fs::read_to_string(&said).unwrap();
    assert_eq!(last().trim(), format!("-b ulx3s -f {}", out.join("ulx3s.bit").display()));
    // The file's name says the board.
    let other = out.join("colorlight_i5.bit");
    std::fs::write(&other, "bits").unwrap();
    assert!(tools.run(&["flash", other.to_str().unwrap()]).status.success());
    assert_eq!(last().trim(), format!("-b colorlight-i5 {}", other.display()));
}

/// Every board's Verilog with the real Yosys, and what it takes of the device.
/// `cargo test --release --test build fits -- --ignored`: half an hour.
#[test]
#[ignore = "half an hour; its command stands above"]
fn every_board_fits_its_device() {
    for target in tilewright::targets::TARGETS {
        let out = folder(&format!("fits-{}", target.name));
        let build =
            ["build", "--target", target.name, "--synthesis-only", "--json", "-o", out.to_str().unwrap()];
        let output = Command::new(env!("CARGO_BIN_EXE_tilewright")).args(build).output().unwrap();
        assert!(output.status.success(), "{}: {}", target.name, text(&output.stderr));
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for cells in object["report"]["cells"].as_array().unwrap() {
            eprintln!("{}: {} of {} {}", target.name, cells["used"], cells["available"], cells["kind"]);
            let (used, available) = (cells["used"].as_u64().unwrap(), cells["available"].as_u64().unwrap());
            assert!(0 < used && used <= available, "{}: {cells}", target.name);
        }
    }
}
