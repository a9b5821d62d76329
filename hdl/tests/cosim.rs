//! Random programs on the emitted Verilog and in the simulator: the same bytes, and every
//! instruction issued and done in the same cycle.

use tilewright_arch::instr::Unit;
use tilewright_arch::sdram::Sdram;
use tilewright_arch::technology::Technology;
use tilewright_arch::{Config, Program};
use tilewright_hdl::Error;
use tilewright_hdl::cosim::{CosimRun, Options, Rtl};
use tilewright_random::Random;
use tilewright_sim::random;

fn run_program(rtl: &Rtl, program: &Program, options: &Options) -> Result<CosimRun, Error> {
    rtl.run(&program.image()?, program.stream_address, program.counts(), options)
}

fn check(config: &Config, seeds: std::ops::Range<u64>) {
    let models = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    let rtl = Rtl::build(config, &models).expect("the model builds");
    for seed in seeds {
        let program = random::program(seed, config);
        let mut want = program.image().expect("a random program fits");
        let options = tilewright_sim::Options { trace: true, ..Default::default() };
        let report = tilewright_sim::run(&program, &mut want, &options).expect("a random program is legal");
        let what = format!("program {seed} of {}", config.name);
        let mut random = Random::new(seed);
        let base = |random: &mut Random| (4096 * random.below(16)) as u32;
        let options = Options {
            max_cycles: 4 * report.cycles + 10_000,
            base: base(&mut random),
            limit: report.cycles as u32,
            ..Options::default()
        };
        let run = run_program(&rtl, &program, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
        let trace = report.trace.expect("it was asked for");
        for unit in Unit::ALL {
            let lines = trace.iter().filter(|line| line.unit == unit.name());
            let expected: Vec<(u64, u64)> = lines.map(|line| (line.issue, line.done)).collect();
            let found = run.unit(unit);
            let wrong = found.iter().zip(&expected).position(|(a, b)| a != b);
            if let Some(i) = wrong {
                panic!(
                    "{what}: {} {i} issued and done at {:?}, expected {:?}; {:#?}",
                    unit.name(),
                    found[i],
                    expected[i],
                    instruction(&program, unit, i)
                );
            }
            assert_eq!(found.len(), expected.len(), "{what}: instructions of {}", unit.name());
        }
        let wrong = run.memory.iter().zip(&want).position(|(a, b)| a != b);
        assert_eq!(wrong, None, "{what}: first wrong byte of external memory");
        assert_eq!((run.errors, run.late, run.out_of_range), (0, 0, 0), "{what}");
        assert_eq!(run.cycles, report.cycles, "{what}");
        // Nothing of a run is left over that the next would notice.
        let again = run_program(&rtl.repeated(3), &program, &options);
        let again = again.unwrap_or_else(|e| panic!("{what}, third run: {e}"));
        assert!(
            again.memory == want && again.cycles == report.cycles,
            "{what}: third run, {} cycles",
            again.cycles
        );
        // Nor of one that is ended wherever it is.
        for _ in 0..4 {
            let ended = Some(1 + random.below(report.cycles as usize) as u32);
            let options = Options { ended, base: base(&mut random), ..options.clone() };
            let found = run_program(&rtl, &program, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
            let same = found.trace == run.trace && found.cycles == run.cycles && found.memory == want;
            assert!(same && (found.errors, found.out_of_range) == (0, 0), "{what} after an end at {ended:?}");
        }
        if config.memory.sdram.is_some() {
            continue;
        }
        let ended = Some(1 + random.below(report.cycles as usize) as u32);
        let options = Options { stall: Some(seed), limit: 0, ended, ..options };
        let run = run_program(&rtl, &program, &options).unwrap_or_else(|e| panic!("{what} with pauses: {e}"));
        assert!(run.memory == want, "{what}: values with pauses of the memory");
    }
}

fn instruction(program: &tilewright_arch::Program, unit: Unit, i: usize) -> String {
    match unit {
        Unit::Compute => format!("{:#?}", program.compute[i].op),
        Unit::Vector => format!("{:#?}", program.vector[i].op),
        Unit::Load => format!("{:#?}", program.load[i].op),
        Unit::Store => format!("{:#?}", program.store[i].op),
    }
}

#[test]
fn random_machine_1() {
    check(&random::config(1), 0..20);
}

#[test]
fn random_machine_2() {
    check(&random::config(2), 0..20);
}

fn small() -> Config {
    let mut config = Config::sized(4, 4);
    config.feature.pages = 4;
    config.feature.page_rows = 256;
    config.weight_words = 200;
    config.parameter_words = 64;
    config.tables = 2;
    config
}

#[test]
fn machine_4x4() {
    check(&small(), 0..20);
}

/// The form that a technology's tools are given, with models of its primitives.
#[test]
fn machine_4x4_of_primitives() {
    check(&Config { technology: Technology::Ecp5, ..small() }, 0..20);
}

/// The controller and the chip in place of the memory of a fixed latency.
#[test]
fn machine_4x4_with_sdram() {
    check(&with_sdram(small()), 0..10);
}

/// The same on a board with words of 32 bits whose bytes cannot be masked.
#[test]
fn machine_4x4_with_sdram_without_masks() {
    let mut config = with_sdram(small());
    config.memory.bus_bytes = 4;
    let chip = config.memory.sdram.as_mut().expect("it has one");
    (chip.data_bits, chip.row_bits, chip.column_bits, chip.byte_masks) = (32, 11, 8, false);
    check(&config, 20..30);
}

/// A chip of 16 bits, 32 MiB, at 100 MHz.
fn with_sdram(mut config: Config) -> Config {
    config.memory.bus_bytes = 2;
    config.memory.sdram = Some(Sdram::default());
    config
}

/// Any number of machines: `MACHINES=100..120 cargo test -- --ignored`.
#[test]
#[ignore = "minutes for each machine; ./run-tests --long runs it"]
fn random_machines() {
    let range = std::env::var("MACHINES").unwrap_or_else(|_| "3..8".into());
    let (first, end) = range.split_once("..").expect("a range such as 3..8");
    let number = |text: &str| text.parse::<u64>().expect("a range such as 3..8");
    for seed in number(first)..number(end) {
        check(&random::config(seed), 0..30);
    }
}
