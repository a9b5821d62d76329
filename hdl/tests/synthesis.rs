//! The portable Verilog of a whole machine in the synthesis of FPGA families that open tools know.

use std::path::Path;
use std::process::Command;
use tilewright_arch::Config;

/// A family: the steps of its synthesis that map memories, and how its block memories' names start.
const FAMILIES: [(&str, &str); 4] = [
    ("synth_ecp5 -run map_ram:map_gates", "DP16KD"),
    ("synth_ice40 -run map_ram:map_gates", "SB_RAM40_4K"),
    ("synth_gowin -run map_ram:map_gates", "SDP"),
    ("synth_xilinx -run map_memory:fine", "RAMB"),
];

/// Runs a Yosys script in `folder`.
fn yosys(folder: &Path, script: &str) {
    let output = Command::new("yosys").args(["-q", "-p", script]).current_dir(folder).output();
    let output = output.expect("it was started before");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Every family takes the memories as they are written, the large ones as block memories.
#[test]
fn families_map_the_memories() {
    if let Err(e) = Command::new("yosys").arg("-V").output() {
        eprintln!("SKIPPED: yosys cannot be run ({e}); ./run-tests installs it");
        return;
    }
    let mut config = Config::sized(2, 2);
    (config.feature.pages, config.feature.page_rows) = (2, 512);
    (config.weight_words, config.parameter_words, config.tables) = (512, 64, 1);
    config.memory.bus_bytes = 1;
    let folder = std::env::temp_dir().join(format!("tilewright-families-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tilewright.v"), tilewright_hdl::generate(&config).unwrap()).unwrap();
    let read = "read_verilog tilewright.v; hierarchy -check -top tilewright; proc; opt_clean; memory -nomap";
    yosys(&folder, &format!("{read}; check -assert; write_rtlil machine.il"));
    for (synthesis, block) in FAMILIES {
        let count = "tee -q -o cells stat";
        yosys(&folder, &format!("read_rtlil machine.il; {synthesis} -top tilewright; {count}"));
        let cells = std::fs::read_to_string(folder.join("cells")).unwrap();
        let blocks = cells.lines().filter(|line| line.trim_start().starts_with(block)).count();
        assert!(blocks > 0, "{synthesis} makes no {block}:\n{cells}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
