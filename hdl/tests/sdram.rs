//! The SDRAM controller with a model of the chip: data, the times of `arch::sdram`, and no command that the chip's
//! datasheet forbids, at any setting of the controller that is right, while every setting that is not is found.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use tilewright_arch::Config;
use tilewright_arch::sdram::{Sdram, SdramState};
use tilewright_random::Random;

fn config(chip: Sdram) -> Config {
    let mut config = Config::sized(4, 4);
    config.memory.bus_bytes = chip.data_bits / 8;
    config.memory.sdram = Some(chip);
    config.validate().expect("a legal configuration");
    config
}

/// A burst to ask for: `wait` cycles after the acceptance of the one before, or after the start if it begins a run.
#[derive(Clone, Copy, Debug)]
struct Ask {
    address: u64,
    beats: u64,
    write: bool,
    begins: bool,
    wait: u64,
}

/// Bursts of runs: streams, rows in turn, short and long, waiting and not; `hot` rows only, so that they meet.
fn asks(seed: u64, runs: usize, each: usize, config: &Config) -> Vec<Ask> {
    let chip = config.memory.sdram.as_ref().expect("there is a chip");
    let (bus, burst) = (config.memory.bus_bytes as u64, config.memory.burst_bytes as u64);
    let mut random = Random::new(seed);
    let mut list = vec![];
    for _ in 0..runs {
        let mut stream = [0u64; 3].map(|_| random.below(1 << 20) as u64 * burst % chip.bytes());
        let mut writing = random.below(4) == 0;
        let pace = random.below(4);
        for n in 0..each {
            if random.below(6) == 0 {
                writing = !writing;
            }
            let row = chip.row_bytes() as u64;
            let place = match random.below(21) / 5 {
                0 | 1 => {
                    let which = random.below(3);
                    stream[which] = (stream[which] + burst) % chip.bytes();
                    stream[which]
                }
                2 => row * random.below(16) as u64 + burst * random.below((row / burst) as usize) as u64,
                3 => random.below((chip.bytes() / burst) as usize) as u64 * burst,
                // Beyond the chip, where its rows are met again.
                _ => chip.bytes() + stream[0],
            };
            let most = burst / bus;
            let (first, beats) = match random.below(4) {
                0 => (0, most),
                1 => (0, 1 + random.below(most as usize) as u64),
                _ => {
                    let first = random.below(most as usize) as u64;
                    (first, 1 + random.below((most - first).min(6) as usize) as u64)
                }
            };
            let wait = match (pace, random.below(8)) {
                (0, _) | (_, 0..4) => 1,
                (1, _) => 1 + random.below(40) as u64,
                (_, 7) => random.below(1500) as u64,
                (_, n) => 1 + 8 * n as u64,
            };
            let address = place + first * bus;
            list.push(Ask { address, beats, write: writing, begins: n == 0, wait: wait.max(1) });
        }
    }
    list
}

/// What the bench wrote, and whether it ended well.
fn simulate(config: &Config, parameters: &str, asks: &[Ask], name: &str, verilator: bool) -> (String, bool) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sdram-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let chip = config.memory.sdram.as_ref().expect("there is a chip");
    let size = format!(
        ".DATA_BITS({}), .BANK_BITS({}), .ROW_BITS({}), .COLUMN_BITS({}){parameters}",
        chip.data_bits,
        chip.banks.ilog2(),
        chip.row_bits,
        chip.column_bits
    );
    let bench = include_str!("sdram_bench.v")
        .replace("/*DATA_BITS*/", &chip.data_bits.to_string())
        .replace("/*BANK_BITS*/", &chip.banks.ilog2().to_string())
        .replace("/*ROW_BITS*/", &chip.row_bits.to_string())
        .replace("/*MASKS*/", if chip.byte_masks { "1" } else { "0" })
        .replace("/*CHIP*/", &size);
    let word = |ask: &Ask| {
        let flags = u64::from(ask.write) | u64::from(ask.begins) << 1;
        format!("{:016x}\n", ask.wait << 48 | flags << 40 | (ask.beats - 1) << 32 | ask.address)
    };
    let bursts: String = asks.iter().map(word).chain(["f".repeat(16) + "\n"]).collect();
    let verilog = tilewright_hdl::sdram(config).expect("it is legal").expect("there is a chip");
    let put =
        |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("the folder is writable");
    put("bench.v", &bench);
    put("sdram.v", &verilog);
    put("sdram_chip.v", tilewright_hdl::SDRAM_CHIP);
    put("bursts.hex", &bursts);
    let start = |program: PathBuf, arguments: &str| {
        let mut command = Command::new(&program);
        let output = command.args(arguments.split(' ')).current_dir(&folder).output();
        output.unwrap_or_else(|e| panic!("{}: {e}", program.display()))
    };
    let files = "bench.v sdram.v sdram_chip.v";
    let (build, run) = if verilator {
        let options = format!("--binary -Wno-fatal -O3 --top-module bench -o bench {files}");
        (start("verilator".into(), &options), start(folder.join("obj_dir/bench"), "-"))
    } else {
        let build = start("iverilog".into(), &format!("-g2012 -o bench {files}"));
        (build, start("vvp".into(), "bench"))
    };
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    std::fs::remove_dir_all(folder).expect("it is there");
    let ended = run.status.success() && text.lines().any(|line| line == "end");
    (text, ended)
}

/// The word and the strobes that the bench writes in a burst's beat: without byte masks, whole words but at the ends.
fn written(burst: usize, beat: u64, ask: &Ask, chip: &Sdram) -> (u64, u64) {
    let data_bits = chip.data_bits;
    let hash = (burst as u32 * 256 + beat as u32).wrapping_mul(0x9e37_79b1);
    let bytes = data_bits / 8;
    let word = u64::from(hash ^ hash >> 15) & ((1u64 << data_bits) - 1);
    let may = chip.byte_masks || beat == 0 || beat + 1 == ask.beats;
    let strobes = if may && hash >> 26 & 3 == 0 { hash >> (25 - bytes) } else { u32::MAX };
    (word, u64::from(strobes) & ((1 << bytes) - 1))
}

/// Holds what the bench printed against the times of the model and a memory of words.
fn check(config: &Config, asks: &[Ask], text: &str) {
    let chip = config.memory.sdram.as_ref().expect("there is a chip");
    let bus = config.memory.bus_bytes as u64;
    let mut lines = HashMap::<&str, Vec<Vec<&str>>>::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        lines.entry(words[0]).or_default().push(words[1..].to_vec());
    }
    let mut take = HashMap::<&str, usize>::new();
    let mut next = |kind: &'static str| -> Vec<&str> {
        let number = take.entry(kind).or_default();
        *number += 1;
        lines
            .get(kind)
            .and_then(|list| list.get(*number - 1))
            .unwrap_or_else(|| panic!("no more {kind}"))
            .clone()
    };
    let number = |word: &str| word.parse::<u64>().expect("a number");
    let mut memory = HashMap::<u64, (u64, u64)>::new();
    let mut state = SdramState::new(chip);
    let mut ends = vec![];
    let mut before = 0;
    for (n, ask) in asks.iter().enumerate() {
        if ask.begins {
            state = SdramState::new(chip);
            ends.clear();
            before = 0;
        }
        let accept = number(next("accept")[1]);
        let room = ends.len().checked_sub(config.memory.outstanding).map_or(0, |i| ends[i] + 1);
        assert_eq!(accept, room.max(before + ask.wait), "burst {n} is accepted: {ask:?}");
        before = accept;
        let moved = state.burst(chip, accept, ask.address, ask.beats, ask.write);
        ends.push(moved.last);
        let inside = ask.address < chip.bytes();
        for beat in 0..ask.beats {
            let cell = memory.entry(ask.address + beat * bus).or_insert((0, 0));
            let cycle = moved.first + beat;
            if ask.write {
                let line = next("write");
                assert_eq!(number(line[0]), cycle, "beat {beat} of write {n}: {ask:?}");
                let (word, strobes) = written(n, beat, ask, chip);
                assert_eq!(line[1..], [format!("{word:x}"), format!("{strobes:x}")]);
                let kept = (0..bus).filter(|_| inside);
                let mask = kept.filter(|b| strobes >> b & 1 == 1).fold(0, |m, b| m | 0xff << (8 * b));
                *cell = ((cell.0 & !mask) | (word & mask), cell.1 | mask);
            } else {
                let line = next("read");
                assert_eq!(number(line[0]), cycle, "beat {beat} of read {n}: {ask:?}");
                assert_eq!(line[2], if inside { "0" } else { "3" });
                assert_eq!(number(line[3]), u64::from(beat + 1 == ask.beats));
                // A word that was written whole is known.
                if inside && cell.1.count_ones() as usize == chip.data_bits {
                    assert_eq!(line[1], format!("{:x}", cell.0), "beat {beat} of read {n}: {ask:?}");
                }
            }
        }
        if ask.write {
            let line = next("answer");
            assert_eq!((number(line[0]), line[1]), (moved.last + 1, if inside { "0" } else { "3" }));
        }
    }
}

/// What is said last: a violation, if there was one.
fn last(text: &str) -> &str {
    let said = |line: &&str| line.starts_with("SDRAM") || line.starts_with("hangs");
    text.lines().find(said).or(text.lines().last()).unwrap_or_default()
}

/// All is as it should be.
fn fine(name: &str, config: &Config, parameters: &str, asks: &[Ask], verilator: bool) {
    let (text, ended) = simulate(config, parameters, asks, name, verilator);
    assert!(ended, "{name}: {}", last(&text));
    check(config, asks, &text);
}

/// The period of refreshes, and how many it has, of a window short enough to be seen.
const OFTEN: &str = ", .REFRESHES(8), .T_REFRESH(62500000)";

#[test]
fn bursts_move_when_the_model_says() {
    let plain = config(Sdram::default());
    fine("plain", &plain, OFTEN, &asks(1, 8, 400, &plain), false);
    // Words of 32 bits, bursts longer than a fetch, one at a time.
    let mut wide =
        config(Sdram { data_bits: 32, row_bits: 11, column_bits: 8, cas_latency: 2, ..Sdram::default() });
    (wide.memory.burst_bytes, wide.memory.outstanding) = (512, 1);
    fine("wide", &wide, OFTEN, &asks(2, 3, 300, &wide), false);
    // A board that ties the byte masks.
    let mut tied =
        config(Sdram { data_bits: 32, row_bits: 11, column_bits: 8, byte_masks: false, ..Sdram::default() });
    fine("tied", &tied, OFTEN, &asks(8, 3, 600, &tied), false);
    tied = config(Sdram { byte_masks: false, cas_latency: 2, ..Sdram::default() });
    fine("tied-16", &tied, OFTEN, &asks(9, 3, 600, &tied), false);
    // Two banks, and nothing to wait for.
    let eager = Sdram {
        banks: 2,
        row_bits: 12,
        column_bits: 10,
        t_rcd: 1,
        t_rp: 1,
        t_ras: 1,
        t_rc: 1,
        t_rfc: 1,
        t_wr: 2,
        t_mrd: 1,
        refresh: 300,
        ..Sdram::default()
    };
    let figures = ", .T_RCD(10000), .T_RP(10000), .T_RAS(10000), .T_RC(10000), .T_RFC(10000), .T_RRD(10000), \
                   .T_WR(20000), .CK_MRD(1)";
    let eager = config(eager);
    fine("eager", &eager, figures, &asks(3, 3, 400, &eager), false);
    // Many under way, and the longest write recovery.
    let mut deep = config(Sdram { t_wr: 4, ..Sdram::default() });
    (deep.memory.burst_bytes, deep.memory.outstanding) = (16, 16);
    fine("deep", &deep, &format!("{OFTEN}, .T_WR(40000)"), &asks(4, 3, 600, &deep), false);
}

/// Sixty thousand bursts, and all 8192 refreshes of a period of 64 ms.
#[test]
#[ignore = "Verilator, minutes; ./run-tests --long runs it"]
fn many_bursts_move_when_the_model_says() {
    let plain = config(Sdram::default());
    fine("many", &plain, OFTEN, &asks(5, 60, 1000, &plain), true);
    // Seven million cycles and more.
    let mut slowly = asks(6, 2, 9000, &plain);
    slowly.iter_mut().for_each(|ask| ask.wait += 400);
    fine("period", &plain, "", &slowly, true);
}

/// Figures of a chip so slow, at 100 MHz, that each of them is felt behind the others and the controller's own steps.
const SLOW: &str = ", .T_RCD(35000), .T_RP(35000), .T_RAS(135000), .T_RC(215000), .T_RFC(155000), .T_WR(25000), \
                    .CK_MRD(9), .REFRESHES(8), .T_REFRESH(62500000)";

/// The least cycles for them.
fn slow() -> Sdram {
    Sdram { t_rcd: 4, t_rp: 4, t_ras: 14, t_rc: 22, t_rfc: 16, t_wr: 3, t_mrd: 9, ..Sdram::default() }
}

#[test]
fn a_parameter_too_small_is_found() {
    let (period, fast) = (", .CLOCK_PS(8000)", ", .CLOCK_PS(8000), .T_CK2(7500)");
    // What the chip says, how the setting is wrong, and the chip that needs it, if not the slow one.
    type Edit = fn(&mut Sdram);
    let faults: [(&str, Edit, &str); 10] = [
        ("tRCD", |c| c.t_rcd -= 1, ""),
        ("tRP", |c| c.t_rp -= 1, ""),
        ("tRAS", |c| c.t_ras -= 1, ""),
        ("tRC", |c| c.t_rc -= 1, ""),
        ("tRFC", |c| c.t_rfc -= 1, ""),
        ("tWR", |c| c.t_wr -= 1, ""),
        ("tMRD", |c| c.t_mrd -= 1, ""),
        ("tREF", |c| c.refresh = 785, ""),
        ("pause", |c| c.power_up = 19_900, ""),
        ("CAS", |c| (c.cas_latency, c.power_up) = (2, 25_000), period),
    ];
    let run = |name: &str, chip: Sdram, parameters: &str| {
        let config = config(chip);
        let asks = asks(2, 3, 400, &config);
        simulate(&config, parameters, &asks, name, false)
    };
    let right = config(slow());
    fine("slow", &right, SLOW, &asks(2, 3, 400, &right), false);
    let of_8_ns = Sdram { cas_latency: 2, power_up: 25_000, t_ras: 6, t_rc: 8, t_rfc: 8, ..Sdram::default() };
    let of_8_ns = config(of_8_ns);
    fine("fast", &of_8_ns, fast, &asks(3, 2, 100, &of_8_ns), false);
    for (name, edit, parameters) in faults {
        let mut wrong = slow();
        edit(&mut wrong);
        let parameters = if parameters.is_empty() { SLOW } else { parameters };
        let (text, ended) = run(&format!("without-{name}"), wrong, parameters);
        assert!(!ended && last(&text).contains(name), "{name}: {}", last(&text));
    }
}
