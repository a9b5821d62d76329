//! What synthesis makes of the leaves.

use super::{Leaf, Technology};
use crate::build::Module;
use std::process::Command;

/// Cells of each kind in the ECP5 netlist of a leaf: (DP16KD, MULT18X18D, LUT4).
fn cells(leaf: Leaf) -> (usize, usize, usize) {
    let module = Module::leaf(leaf);
    let folder = crate::check::folder("synthesis");
    let verilog = crate::emit::emit(&module).expect("a leaf passes the checks");
    std::fs::write(folder.join("leaf.v"), verilog).expect("the folder is writable");
    let script = format!("read_verilog leaf.v; synth_ecp5 -top {}; tee -q -o cells stat", module.name);
    let output = Command::new("yosys").args(["-q", "-p", &script]).current_dir(&folder).output();
    assert!(output.expect("yosys is installed").status.success(), "synthesis of {}", module.name);
    let report = std::fs::read_to_string(folder.join("cells")).expect("it was written");
    std::fs::remove_dir_all(folder).ok();
    let count = |kind: &str| {
        let line = report.lines().find(|l| l.split_whitespace().next() == Some(kind));
        line.and_then(|l| l.split_whitespace().nth(1)).map_or(0, |n| n.parse().expect("a count"))
    };
    (count("DP16KD"), count("MULT18X18D"), count("LUT4"))
}

/// The portable forms become hard blocks with nothing around them but registers, and as many as the
/// ECP5 forms ask for.
#[test]
fn hard_blocks_are_inferred() {
    for &technology in Technology::ALL {
        let ram = |depth, width| cells(Leaf::Ram { depth, width, stages: 2, technology });
        assert_eq!(ram(2048, 8), (1, 0, 0), "{technology:?}");
        assert_eq!(ram(1024, 17), (1, 0, 0), "{technology:?}");
        let multiplier = |widths, signed| cells(Leaf::Multiplier { widths, signed, stages: 3, technology });
        assert_eq!(multiplier([8, 8], true), (0, 1, 0), "{technology:?}");
        assert_eq!(multiplier([17, 18], true), (0, 1, 0), "{technology:?}");
    }
}
