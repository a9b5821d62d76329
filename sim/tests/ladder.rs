//! `run` against the slow oracle, on random programs: same external memory, same cycles.

mod oracle;

use tilewright_arch::Config;
use tilewright_arch::fixed::{CHANNEL_BYTES, Channel, Half};
use tilewright_arch::instr::{LocalMemory, Operand, Reduce, Unit};
use tilewright_arch::program::Program;
use tilewright_sim::random;
use tilewright_sim::values::Level;
use tilewright_sim::{Options, run};

fn compare(name: &str, program: &Program) {
    let image = program.image().unwrap();
    let mut want = image.clone();
    let cycles = oracle::run(program, &mut want);
    for level in Level::available() {
        let mut got = image.clone();
        let options = Options { level, trace: true, ..Options::default() };
        let report = run(program, &mut got, &options).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(report.cycles, cycles, "{name}: cycles");
        let differ = got.iter().zip(&want).position(|(a, b)| a != b);
        assert_eq!(differ, None, "{name}: external memory differs from there on ({level:?})");
    }
}

#[test]
fn random_programs_on_random_machines() {
    for seed in 0..400 {
        let config = random::config(seed);
        compare(&format!("seed {seed}"), &random::program(seed, &config));
    }
}

#[test]
fn random_programs_on_usual_machines() {
    for (lanes, columns) in [(9, 16), (4, 4), (16, 33)] {
        for seed in 0..25 {
            let config = Config::sized(lanes, columns);
            compare(&format!("{lanes}x{columns} seed {seed}"), &random::program(seed, &config));
        }
    }
}

/// The generator makes what it promises: everything the machine can do occurs often.
#[test]
fn random_programs_are_varied() {
    let mut seen = std::collections::BTreeMap::new();
    let mut cycles = 0;
    let programs = 200;
    for seed in 0..programs {
        let config = random::config(seed);
        let program = random::program(seed, &config);
        assert_eq!(program, random::program(seed, &config), "seed {seed}");
        let mut note = |name: &'static str, yes: bool| *seen.entry(name).or_insert(0) += u32::from(yes);
        let report = tilewright_timing::time(&program, false).unwrap();
        assert!(report.cycles < random::MOST_CYCLES, "seed {seed}: {} cycles", report.cycles);
        cycles += report.cycles;
        for unit in &report.units {
            let stalls = unit.fetch_stall_cycles + unit.semaphore_stall_cycles + unit.restart_cycles;
            assert_eq!(unit.busy_cycles + stalls + unit.idle_cycles, report.cycles, "seed {seed}: {unit:?}");
            assert_eq!(unit.semaphore_stalls.iter().sum::<u64>(), unit.semaphore_stall_cycles);
        }
        assert_eq!(report.layers.iter().map(|l| l.cycles).sum::<u64>(), report.cycles, "seed {seed}");
        assert!(report.external.port_busy_cycles <= report.cycles, "seed {seed}");
        for line in program.compute.iter().chain(&program.vector) {
            let op = &line.op;
            note("dense", op.reduce == Reduce::Dense);
            note("rows", op.reduce == Reduce::Rows);
            note("sum", op.reduce == Reduce::Sum);
            note("max", op.reduce == Reduce::Max);
            note("operand", op.operand.is_some());
            note("multiplied", op.operand.is_some_and(|o| o.scale.multiply));
            let repeated = |o: Operand| o.target.walk.pixel == 0 && op.lanes > 1 && op.width > 1;
            note("repeated operand", op.operand.is_some_and(repeated));
            let together = |o: Operand| repeated(o) && o.target.segment_lanes > 1;
            note("operand read together", op.operand.is_some_and(together));
            note("table", op.table.is_some());
            note("in place", op.operand.is_some_and(|o| o.target.walk == op.output.walk));
            note("input ring", op.input.walk.ring.line < op.input.height);
            note("output ring", op.output.walk.ring.line < op.lines);
            note("segments", op.output.segments > 1);
            note("line stop", op.line_stop);
            note("fewer lanes", op.lanes < config.lanes);
            note("groups", op.groups > 1);
            note("last columns", op.last_columns < op.columns);
            note("inner and outer", op.inner_columns > 1 && op.inner_columns < op.columns);
            note("stride", op.input.x_step > 1);
            note("padding", op.input.x0 < 0 || op.input.y0 < 0);
            note("dilation", op.steps.iter().any(|s| s.x > 1 && s.count > 1));
            let words = op.weights as u64 + op.groups as u64 * op.group_weights();
            note("weight wrap", words > config.weight_words as u64);
            note("many tiles", op.tiles > 2);
            let pairs = op.wide && op.steps[0].count > 1;
            note("wide dense", pairs && op.reduce == Reduce::Dense);
            note("wide sum", op.wide && op.reduce == Reduce::Sum);
            note("kept", op.keep);
            note("wide kept", op.keep && op.wide);
        }
        let image = program.image().unwrap();
        for load in program.load.iter().map(|line| &line.op) {
            if matches!(load.memory, LocalMemory::ComputeChannels | LocalMemory::VectorChannels) {
                let bytes = &image[load.external..][..load.line_bytes];
                for word in bytes.chunks_exact(CHANNEL_BYTES) {
                    let half = Channel::from_bytes(word.try_into().unwrap()).half;
                    note("byte", half == Half::None);
                    note("high half", half == Half::High);
                    note("low half", half == Half::Low);
                }
            }
        }
        let waits: u32 = Unit::ALL
            .into_iter()
            .flat_map(|unit| program.syncs(unit))
            .map(|sync| sync.wait.count_ones())
            .sum();
        note("waits", waits > 3);
        note("every unit", program.counts().into_iter().all(|n| n > 0));
    }
    for (name, count) in &seen {
        assert!(*count >= 20, "{name} occurs only {count} times: {seen:?}");
    }
    println!("{seen:?}, {} cycles on average", cycles / programs);
}

/// Extreme machines: the generator and the simulators keep agreeing, however slow they are.
#[test]
fn random_programs_on_extreme_machines() {
    let edits: [fn(&mut Config); 8] = [
        |c| (c.lanes, c.columns) = (63, 63),
        |c| (c.lanes, c.columns, c.compute_slot, c.vector_slot) = (2, 2, 1, 1),
        |c| (c.memory.latency, c.memory.outstanding) = (1000, 1),
        |c| (c.memory.latency, c.memory.outstanding, c.memory.burst_bytes) = (1, 16, 512),
        |c| (c.weight_words, c.parameter_words, c.tables) = (64, 16, 1),
        |c| (c.feature.pages, c.feature.page_rows) = (2, 64),
        |c| (c.memory.bus_bytes, c.memory.burst_bytes) = (1, 2),
        |c| (c.lanes, c.columns, c.vector_slot, c.memory.bus_bytes) = (16, 2, 16, 16),
    ];
    for (i, edit) in edits.into_iter().enumerate() {
        let mut config = Config::sized(9, 16);
        config.memory.bus_bytes = 2;
        edit(&mut config);
        config.validate().unwrap();
        for seed in 0..6 {
            let program = random::program(seed, &config);
            assert!(!program.store.is_empty(), "machine {i} seed {seed}");
            compare(&format!("machine {i} seed {seed}"), &program);
        }
    }
}

/// Semaphores alone order the accesses: with any other speeds the same bytes come out. The oracle
/// executes at the end of each instruction, so this would show a race that the checks let through.
#[test]
fn values_do_not_depend_on_time() {
    for seed in 0..150 {
        let mut program = random::program(seed, &random::config(seed));
        let image = program.image().unwrap();
        let mut want = image.clone();
        run(&program, &mut want, &Options::default()).unwrap();
        for speed in 1..4 {
            let config = &mut program.config;
            (config.memory.latency, config.memory.outstanding) = (1 + speed * 70 % 200, speed);
            (config.compute_slot, config.vector_slot) = (config.lanes / speed, 1 + speed % config.lanes);
            config.compute_slot = config.compute_slot.max(1);
            let mut got = image.clone();
            oracle::run(&program, &mut got);
            assert!(got == want, "seed {seed}, speed {speed}");
        }
    }
}
