//! Loads and stores on the emitted Verilog: values, and cycles against the contract's formulas.

use tilewright_arch::encoding::{KEY_BYTES, TRANSFER_BYTES};
use tilewright_arch::instr::{LocalMemory, Sync, Transfer, Unit};
use tilewright_arch::program::{Line, Program};
use tilewright_arch::{Config, timing};
use tilewright_hdl::cosim::{CosimRun, Options, Rtl};
use tilewright_random::Random;

fn models() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("models")
}

fn config(lanes: usize, edit: impl Fn(&mut Config)) -> Config {
    let mut config = Config::sized(lanes, 4);
    config.feature.pages = 3;
    config.feature.page_rows = 64;
    config.weight_words = 70;
    config.parameter_words = 16;
    config.tables = 1;
    edit(&mut config);
    config.validate().expect("a legal configuration");
    config
}

/// Loads that fill feature memory and stores that write parts of it back, and what they should
/// leave behind.
fn copies(config: &Config, seed: u64) -> (Program, Vec<u8>, Vec<u8>) {
    let mut random = Random::new(seed);
    let size = config.feature_bytes();
    let mut program = Program::empty(config.clone());
    program.memory_bytes = 16384;
    program.stream_address = [0, 1024, 2048, 4096];
    let mut image = vec![0u8; 16384];
    let mut onchip = vec![0u8; size];
    let mut after = vec![];
    let line = |op: Transfer| Line { op, layer: 0 };
    let whole = Transfer {
        external: 6144,
        line_bytes: size,
        lines: 1,
        planes: 1,
        sync: Sync { wait: 0, signal: 1 },
        ..Transfer::default()
    };
    program.load.push(line(whole));
    for n in 0..3 {
        // Lines that do not overlap, on either side.
        let bytes = 1 + random.below(40);
        let (lines, planes) = (1 + random.below(3), 1 + random.below(3));
        let pitch = bytes as i64 + random.below(7) as i64;
        let plane = pitch * lines as i64 + random.below(9) as i64;
        let local_pitch = bytes as i64 + random.below(5) as i64;
        let local_plane = local_pitch * lines as i64 + random.below(5) as i64;
        let span = local_plane as usize * 3 + 1;
        let base = Transfer {
            external: 6144 + random.below(1000),
            external_line: pitch,
            external_plane: plane,
            local: (random.below(size - span.min(size - 1))) as i64,
            local_line: local_pitch,
            local_plane,
            line_bytes: bytes,
            lines,
            planes,
            ..Transfer::default()
        };
        let signal = if n == 2 { 2 } else { 0 };
        program.load.push(line(Transfer { sync: Sync { wait: 0, signal }, ..base }));
        let external = 10000 + n * 2000 + random.below(30);
        let wait = [1, 2, 0][n];
        program.store.push(line(Transfer { external, sync: Sync { wait, signal: 0 }, ..base }));
    }
    for byte in &mut image[6144..10000] {
        *byte = random.bits() as u8;
    }
    // Stores after the first wait for all loads: the first store may only touch what the whole
    // load wrote, so it waits for both.
    program.store[0].op.sync.wait = 3;
    program.store[1].op.sync.wait = 0;
    program.validate().expect("a legal program");
    let places = |op: &Transfer, mut each: Box<dyn FnMut(usize, usize) + '_>| {
        for p in 0..op.planes as i64 {
            for l in 0..op.lines as i64 {
                for i in 0..op.line_bytes as i64 {
                    let external = op.external as i64 + p * op.external_plane + l * op.external_line + i;
                    each(external as usize, (op.local + p * op.local_plane + l * op.local_line + i) as usize);
                }
            }
        }
    };
    let mut full = program.image().expect("it fits");
    full[6144..10000].copy_from_slice(&image[6144..10000]);
    after.extend_from_slice(&full);
    for l in &program.load {
        places(&l.op, Box::new(|external, local| onchip[local] = full[external]));
    }
    for s in &program.store {
        places(&s.op, Box::new(|external, local| after[external] = onchip[local]));
    }
    (program, full, after)
}

fn run(rtl: &Rtl, program: &Program, image: &[u8], stall: Option<u64>) -> CosimRun {
    let options = Options { max_cycles: 200_000, stall, ..Options::default() };
    rtl.run(image, program.stream_address, program.counts(), &options).expect("the program ends")
}

/// Issue and done of every load and every store, and the cycles of the program.
type Times = (Vec<(u64, u64)>, Vec<(u64, u64)>, u64);

/// The events of a program of loads and stores, as the text of `timing` states them.
fn formula(program: &Program) -> Times {
    let memory = &program.config.memory;
    let (bus, burst) = (memory.bus_bytes as u64, memory.burst_bytes as u64);
    let cut = |start: u64, bytes: u64| {
        let (mut at, mut beats) = (start, vec![]);
        while at < start + bytes {
            let stop = (start + bytes).min((at / burst + 1) * burst);
            beats.push(stop.div_ceil(bus) - at / bus);
            at = stop;
        }
        beats
    };
    let bursts = |op: &Transfer| -> Vec<u64> {
        let line = |p: i64, l: i64| op.external as i64 + p * op.external_plane + l * op.external_line;
        (0..op.planes as i64)
            .flat_map(|p| (0..op.lines as i64).map(move |l| line(p, l) as u64))
            .flat_map(|start| cut(start, op.line_bytes as u64))
            .collect()
    };
    #[derive(Default)]
    struct Stream {
        queue: std::collections::VecDeque<u64>,
        from: u64,
        earliest: u64,
    }
    // Masters 0: load fetch, 1: store fetch, 2: store data, 3: load data.
    let mut masters: [Stream; 4] = Default::default();
    let lists = [&program.load, &program.store];
    let (mut issue, mut done) = ([vec![], vec![]], [vec![], vec![]]);
    let (mut ready, mut fetched) = ([None::<u64>; 2], [0usize; 2]);
    let mut signals: [Vec<u64>; 16] = Default::default();
    let mut taken = [0usize; 16];
    let (mut accept, mut ends) = (None::<u64>, Vec::<u64>::new());
    // Of the store under way: read cycles, beats and ends of its bursts.
    let (mut reads, mut sizes, mut store_ends) = (vec![], vec![], Vec::<u64>::new());
    let (key, instruction) = (cut(0, KEY_BYTES as u64), cut(0, TRANSFER_BYTES as u64));
    let fetch = |m: &mut Stream, from: u64| {
        m.queue = instruction.iter().copied().collect();
        m.from = from;
    };
    for (u, list) in lists.iter().enumerate() {
        if !list.is_empty() {
            fetch(&mut masters[u], timing::START_FETCH);
            key.iter().rev().for_each(|beats| masters[u].queue.push_front(*beats));
        }
    }
    loop {
        // Issue whatever can be issued; events of the other unit may come first, so repeat.
        let mut changed = false;
        for u in 0..2 {
            let n = issue[u].len();
            let Some(r) = ready[u].filter(|_| fetched[u] == n + 1 && done[u].len() == n) else { continue };
            let op = &lists[u][n].op;
            let before = done[u].last().map_or(0, |d: &u64| d + timing::ISSUE_NEXT);
            let waits: Vec<usize> = (0..16).filter(|s| op.sync.wait >> s & 1 == 1).collect();
            if waits.iter().any(|s| signals[*s].len() <= taken[*s]) {
                continue;
            }
            let signal =
                waits.iter().map(|s| signals[*s][taken[*s]] + timing::SIGNAL_TO_ISSUE).max().unwrap_or(0);
            waits.iter().for_each(|s| taken[*s] += 1);
            let t = r.max(before).max(signal);
            issue[u].push(t);
            changed = true;
            if n + 1 < lists[u].len() {
                fetch(&mut masters[u], t + timing::FETCH_NEXT);
            }
            if u == 0 {
                masters[3].queue = bursts(op).into();
                masters[3].from = t + timing::LOAD_REQUEST;
            } else {
                sizes = bursts(op);
                reads = vec![t + timing::STORE_READ];
                store_ends.clear();
                masters[2].queue = sizes.iter().copied().collect();
                masters[2].from = reads[0] + sizes[0] + timing::store_latency(&program.config);
            }
        }
        let show = |m: &Stream| m.queue.front().map(|_| m.from.max(m.earliest));
        let Some(first) = masters.iter().filter_map(show).min() else {
            if changed {
                continue;
            }
            break;
        };
        let g = first.max(accept.unwrap_or(0));
        let m = (0..4).find(|m| show(&masters[*m]).is_some_and(|c| c <= g)).expect("somebody is shown");
        let beats = masters[m].queue.pop_front().expect("it is shown");
        let mut a = (g + 1).max(accept.map_or(0, |a| a + 1));
        if ends.len() >= memory.outstanding {
            a = a.max(ends[ends.len() - memory.outstanding] + 1);
        }
        let s = (a + memory.latency as u64).max(ends.last().map_or(0, |e| e + 1));
        let end = s + beats - 1;
        accept = Some(a);
        ends.push(end);
        masters[m].earliest = g + timing::REQUEST_NEXT;
        masters[m].from = 0;
        let finished = masters[m].queue.is_empty();
        let mut finish = |u: usize, cycle: u64, done: &mut [Vec<u64>; 2]| {
            let op = &lists[u][done[u].len()].op;
            (0..16).filter(|s| op.sync.signal >> s & 1 == 1).for_each(|s| signals[s].push(cycle));
            done[u].push(cycle);
        };
        match m {
            0 | 1 if finished => {
                ready[m] = Some(end + timing::FETCH_READY);
                fetched[m] += 1;
            }
            3 if finished => finish(0, end + timing::LOAD_DONE, &mut done),
            2 => {
                store_ends.push(end);
                if finished {
                    finish(1, end + timing::STORE_DONE, &mut done);
                } else {
                    let j = store_ends.len();
                    let mut read = reads[j - 1] + sizes[j - 1] + timing::STORE_READ_NEXT;
                    if j >= 2 {
                        read = read.max(store_ends[j - 2] + timing::STORE_SLOT);
                    }
                    reads.push(read);
                    masters[2].from = read + sizes[j] + timing::store_latency(&program.config);
                }
            }
            _ => {}
        }
    }
    let last = done.iter().filter_map(|d| d.last()).max().expect("something ran");
    let pairs = |u: usize| issue[u].iter().copied().zip(done[u].iter().copied()).collect();
    (pairs(0), pairs(1), last + timing::FINISH)
}

fn check(config: Config, seeds: std::ops::Range<u64>) {
    let rtl = Rtl::build(&config, &models()).expect("the model builds");
    for seed in seeds {
        let (program, image, want) = copies(&config, seed);
        let found = run(&rtl, &program, &image, None);
        let difference = found.memory.iter().zip(&want).position(|(a, b)| a != b);
        assert_eq!(difference, None, "first wrong byte, seed {seed}");
        assert_eq!((found.errors, found.late, found.out_of_range), (0, 0, 0), "seed {seed}");
        let (loads, stores, cycles) = formula(&program);
        assert_eq!(found.unit(Unit::Load), loads, "loads, seed {seed}");
        assert_eq!(found.unit(Unit::Store), stores, "stores, seed {seed}");
        assert_eq!(found.cycles, cycles, "seed {seed}");
        let stalled = run(&rtl, &program, &image, Some(seed));
        assert!(stalled.memory == want, "values with pauses of the memory, seed {seed}");
        assert_eq!(stalled.errors, 0);
    }
}

#[test]
fn nine_lanes_default_memory() {
    check(config(9, |_| {}), 0..12);
}

#[test]
fn five_lanes_narrow_slow_memory() {
    check(
        config(5, |c| {
            c.memory.bus_bytes = 1;
            c.memory.burst_bytes = 16;
            c.memory.latency = 3;
            c.memory.outstanding = 2;
            c.pipeline.ram = 1;
            c.pipeline.crossbar = 1;
        }),
        0..12,
    );
}

#[test]
fn four_lanes_beat_of_all_banks() {
    check(
        config(4, |c| {
            c.memory.latency = 1;
            c.memory.burst_bytes = 1024;
            c.memory.outstanding = 1;
            c.pipeline.crossbar = 3;
        }),
        0..12,
    );
}

#[test]
fn illegal_memory_is_an_error() {
    let config = config(9, |_| {});
    let rtl = Rtl::build(&config, &models()).expect("the model builds");
    let (mut program, image, _) = copies(&config, 1);
    program.store[1].op.memory = LocalMemory::Tables;
    let mut image = image;
    let bytes = program.store[1].op.encode(config.lanes).expect("it fits");
    let place = program.instruction_address(Unit::Store, 1);
    image[place..place + TRANSFER_BYTES].copy_from_slice(&bytes);
    let ended = run(&rtl, &program, &image, None);
    assert_eq!(ended.errors, 8);
    assert_eq!(ended.unit(Unit::Store).len(), 1, "the illegal one is not done, and no other is issued");
}
