//! The plain Verilog of a whole machine through Yosys: accepted, and every multiplier and memory
//! inferred as a hard block of the ECP5.

use std::process::Command;
use tilewright_arch::Config;

#[test]
fn ecp5_infers_multipliers_and_block_rams() {
    let mut config = Config::sized(3, 4);
    (config.feature.pages, config.feature.page_rows) = (2, 2048);
    (config.weight_words, config.parameter_words, config.tables) = (2048, 256, 8);
    (config.memory.bus_bytes, config.compute_slot, config.vector_slot) = (2, 2, 3);
    let folder = std::env::temp_dir().join(format!("tilewright-synthesis-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let verilog = tilewright_hdl::generate(&config).unwrap();
    std::fs::write(folder.join("tilewright.v"), verilog).unwrap();
    let script = "read_verilog tilewright.v; synth_ecp5 -top tilewright; tee -q -o cells stat";
    let output = match Command::new("yosys").args(["-q", "-p", script]).current_dir(&folder).output() {
        Ok(output) => output,
        Err(e) => panic!("yosys cannot be run ({e}); ./run-tests installs it"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cells = std::fs::read_to_string(folder.join("cells")).unwrap();
    let count = |cell: &str| -> usize {
        let line = cells.lines().find(|l| l.split_whitespace().next() == Some(cell));
        line.map_or(0, |l| l.split_whitespace().nth(1).unwrap().parse().unwrap())
    };
    // 12 in the array; two requantisers of two in compute, one of two in vector.
    assert_eq!(count("MULT18X18D"), 3 * 4 + 2 * 2 + 2, "{cells}");
    // At least a block for each bank of each page and for each weight column.
    assert!(count("DP16KD") >= 2 * 3 + 4, "{cells}");
    std::fs::remove_dir_all(folder).unwrap();
}
