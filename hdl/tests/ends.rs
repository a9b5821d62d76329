//! Runs that do not come to their end, on the emitted Verilog: what ends them, what they leave undone, and that the
//! machine and the memory are idle afterwards.

use tilewright_arch::encoding::instruction_bytes;
use tilewright_arch::instr::Unit;
use tilewright_arch::registers::ERRORS;
use tilewright_arch::{Config, Program};
use tilewright_hdl::cosim::{CosimRun, Options, Rtl};
use tilewright_sim::random;

fn machine() -> (Rtl, Config) {
    let mut config = Config::sized(4, 4);
    (config.feature.pages, config.feature.page_rows) = (4, 256);
    (config.weight_words, config.parameter_words, config.tables) = (200, 64, 2);
    let models = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    (Rtl::build(&config, &models).expect("the model builds"), config)
}

fn error(name: &str) -> u32 {
    1 << ERRORS.iter().position(|error| error.name == name).expect("a name of the table")
}

fn run(rtl: &Rtl, program: &Program, image: &[u8], options: &Options) -> CosimRun {
    rtl.run(image, program.stream_address, program.counts(), options).expect("every run ends")
}

/// Issues of a unit, done or not.
fn issued(run: &CosimRun, unit: Unit) -> usize {
    let issue = tilewright_hdl::cosim::Action::Issue;
    run.trace.iter().filter(|event| event.unit == unit && event.action == issue).count()
}

/// A program whose every unit has something to do, and its cycles.
fn program(config: &Config) -> (Program, u64) {
    let all = |program: &Program| program.counts().into_iter().all(|count| count > 1);
    let program = (0..).map(|seed| random::program(seed, config)).find(all).expect("there are many");
    let mut memory = program.image().expect("it fits");
    let report = tilewright_sim::run(&program, &mut memory, &Default::default()).expect("it is legal");
    (program, report.cycles)
}

/// Nothing of a list with another key is issued, whichever list it is; a program of another machine does nothing.
#[test]
fn a_foreign_program_does_not_start() {
    let (rtl, config) = machine();
    let (program, _) = program(&config);
    let image = program.image().expect("it fits");
    for unit in Unit::ALL {
        for byte in 0..4 {
            let mut foreign = image.clone();
            foreign[program.stream_address[unit as usize] as usize + byte] ^= 0x10;
            let ended = run(&rtl, &program, &foreign, &Options::default());
            assert_eq!(
                (ended.errors, issued(&ended, unit)),
                (error("foreign_program"), 0),
                "{}",
                unit.name()
            );
        }
    }
    let other = Config { columns: 5, ..config };
    let foreign = Program { config: other, ..program.clone() }.image().expect("it fits");
    let ended = run(&rtl, &program, &foreign, &Options::default());
    assert_eq!((ended.errors, ended.trace.len()), (error("foreign_program"), 0));
    assert!(ended.memory == foreign && ended.cycles < 300, "{} cycles", ended.cycles);
}

/// A unit that waits for a signal that nobody gives: the limit ends it, to the cycle; without a pause of the memory
/// and with them.
#[test]
fn a_limit_ends_what_waits_for_ever() {
    let (rtl, config) = machine();
    let (mut program, cycles) = program(&config);
    let short = Options { limit: cycles as u32 - 1, ..Options::default() };
    let ended = run(&rtl, &program, &program.image().expect("it fits"), &short);
    assert_eq!(ended.errors, error("cycle_limit"));
    let used = Unit::ALL.into_iter().flat_map(|u| program.syncs(u)).fold(0, |m, s| m | s.wait | s.signal);
    let free = used.trailing_ones();
    assert!(free < 16, "no semaphore is left");
    program.load[1].op.sync.wait |= 1 << free;
    let image = program.image().expect("it fits");
    for stall in [None, Some(3)] {
        let options = Options { limit: 20_000, stall, max_cycles: 40_000, ..Options::default() };
        let ended = run(&rtl, &program, &image, &options);
        assert_eq!((ended.errors, issued(&ended, Unit::Load)), (error("cycle_limit"), 1));
        assert!((20_000..20_300).contains(&ended.cycles), "{} cycles", ended.cycles);
    }
}

/// A base that is no multiple of 4096 reads nothing.
#[test]
fn a_base_has_twelve_zeros() {
    let (rtl, config) = machine();
    let (program, _) = program(&config);
    let image = program.image().expect("it fits");
    for base in [1, 2048, 4096 + 64] {
        let ended = run(&rtl, &program, &image, &Options { base, ..Options::default() });
        assert_eq!((ended.errors, ended.beats), (error("base_misaligned"), 0));
        assert!(ended.memory == image);
    }
}

/// Memory that is not there answers with an error, which ends the run: nothing else is issued.
#[test]
fn an_error_of_the_bus_ends_a_run() {
    let (rtl, config) = machine();
    let (program, _) = program(&config);
    for (unit, name) in [(Unit::Load, "read_error"), (Unit::Store, "write_error")] {
        let mut far = program.clone();
        let list = if unit == Unit::Load { &mut far.load } else { &mut far.store };
        list[0].op.external = 1 << 30;
        let bytes = list[0].op.encode(config.lanes).expect("it fits");
        let mut image = program.image().expect("it fits");
        let place = program.instruction_address(unit, 0);
        image[place..place + instruction_bytes(unit)].copy_from_slice(&bytes);
        let ended = run(&rtl, &program, &image, &Options::default());
        assert_eq!((ended.errors, issued(&ended, unit)), (error(name), 1), "{name}");
    }
}
