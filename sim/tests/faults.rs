//! Every fault: a legal program, one edit, and the words of the report.

use tilewright_arch::Config;
use tilewright_arch::config::{Feature, Memory as External};
use tilewright_arch::fixed::Channel;
use tilewright_arch::instr::{
    Gather, LocalMemory, Operand, Reduce, Ring, Step, Sync, Target, TileOp, Transfer, Walk,
};
use tilewright_arch::program::{Layer, Line, Program, TensorPort};
use tilewright_sim::{Options, run};

/// Bytes of a page: 64 rows of 4.
const PAGE: i64 = 256;
/// External addresses.
const INPUT: u32 = 0;
const WEIGHTS: u32 = 128;
const CHANNELS: u32 = 192;
const TABLE: u32 = 256;
const OUTPUT: u32 = 512;

fn line<I>(op: I) -> Line<I> {
    Line { op, layer: 0 }
}

fn sync(wait: u16, signal: u16) -> Sync {
    Sync { wait, signal }
}

fn transfer(memory: LocalMemory, external: u32, local: i64, bytes: usize) -> Transfer {
    let external = external as usize;
    Transfer { memory, external, local, line_bytes: bytes, lines: 1, planes: 1, ..Transfer::default() }
}

fn target(base: i64) -> Target {
    let walk = Walk { base, group: 0, line: 8, pixel: 1, ring: Ring::NONE };
    Target { walk, inner: 0, outer: 0, segments: 1, segment_lanes: 4 }
}

/// Reads 4 lines of 8 pixels at `input` and writes them at `output`.
fn tile(reduce: Reduce, input: i64, output: i64) -> TileOp {
    TileOp {
        reduce,
        groups: 1,
        tiles: 8,
        lanes: 4,
        columns: 1,
        last_columns: 1,
        inner_columns: 1,
        width: 8,
        lines: 4,
        line_step: 1,
        steps: [Step { count: 1, ..Step::default() }; 3],
        input: Gather {
            walk: Walk { base: input, group: 0, line: 8, pixel: 1, ring: Ring::NONE },
            y_step: 1,
            x_step: 1,
            height: 4,
            width: 8,
            ..Gather::default()
        },
        taps: 1,
        output: target(output),
        ..TileOp::default()
    }
}

/// Loads page 0 and all constants; compute copies page 0 to page 1, vector page 1 to page 2, store
/// stores page 2.
fn legal() -> Program {
    let config = Config {
        feature: Feature { pages: 4, page_rows: 64 },
        memory: External { bus_bytes: 4, latency: 5, burst_bytes: 16, outstanding: 2, sdram: None },
        ..Config::sized(4, 4)
    };
    let mut p = Program::empty(config);
    let channel = Channel { mantissa: 1 << 23, negative_mantissa: 1 << 23, shift: 7, ..Channel::default() };
    p.data = vec![
        (INPUT, (0..64).collect()),
        (WEIGHTS, vec![1; 64]),
        (CHANNELS, channel.to_bytes().repeat(4)),
        (TABLE, (0..=255).collect()),
    ];
    p.load = vec![
        line(transfer(LocalMemory::Feature, INPUT, 0, 64)),
        line(transfer(LocalMemory::Weights, WEIGHTS, 0, 16)),
        line(transfer(LocalMemory::ComputeChannels, CHANNELS, 0, 32)),
        line(transfer(LocalMemory::Tables, TABLE, 0, 256)),
        line(Transfer { sync: sync(0, 1), ..transfer(LocalMemory::VectorChannels, CHANNELS, 0, 32) }),
    ];
    p.compute = vec![line(TileOp { sync: sync(1, 2), ..tile(Reduce::Dense, 0, PAGE) })];
    p.vector = vec![line(TileOp { sync: sync(2, 4), ..tile(Reduce::Max, PAGE, 2 * PAGE) })];
    p.store =
        vec![line(Transfer { sync: sync(4, 0), ..transfer(LocalMemory::Feature, OUTPUT, 2 * PAGE, 32) })];
    p.layers = vec![Layer { name: "conv1".into(), ..Layer::default() }];
    p.stream_address = [1024, 2048, 3072, 40960];
    p.memory_bytes = 41984;
    p
}

fn report(edit: impl FnOnce(&mut Program)) -> Result<u64, String> {
    let mut program = legal();
    edit(&mut program);
    let mut memory = program.image().unwrap_or_else(|_| vec![0; program.memory_bytes as usize]);
    run(&program, &mut memory, &Options::default()).map(|r| r.cycles).map_err(|fault| {
        assert_eq!(tilewright_sim::check(&program), Err(fault.clone()), "`check` finds the same");
        fault.to_string()
    })
}

#[track_caller]
fn faulty(edit: impl FnOnce(&mut Program), want: &str) {
    assert_eq!(report(edit).unwrap_err(), want);
}

#[track_caller]
fn fine(edit: impl FnOnce(&mut Program)) {
    assert!(report(edit).unwrap() > 0);
}

#[test]
fn the_unedited_program_runs() {
    let program = legal();
    let mut memory = program.image().unwrap();
    run(&program, &mut memory, &Options::default()).unwrap();
    let output: Vec<u8> = memory[OUTPUT as usize..OUTPUT as usize + 32].to_vec();
    assert_eq!(output, (0..32).collect::<Vec<u8>>());
}

#[test]
fn rules_without_a_run() {
    faulty(
        |p| p.compute[0].op.tiles = 7,
        "the program is not legal: compute 0: tiles does not fit the pixel grid",
    );
    let wide = "the program is not legal: vector 0: only dense and sum take wide values";
    faulty(|p| p.vector[0].op.wide = true, wide);
    let rows = |p: &mut Program| (p.compute[0].op.reduce, p.compute[0].op.wide) = (Reduce::Rows, true);
    faulty(rows, &wide.replace("vector", "compute"));
    let kept = |edit: fn(&mut TileOp, &mut TileOp), what: &str| {
        let edited = |p: &mut Program| {
            let one = |op: &mut TileOp| (op.tiles, op.width, op.lines) = (1, 4, 1);
            one(&mut p.compute[0].op);
            let mut part = TileOp { keep: true, sync: sync(0, 0), ..p.compute[0].op };
            part.sync.wait = std::mem::take(&mut p.compute[0].op.sync.wait);
            (p.vector[0].op.input.height, p.vector[0].op.input.width) = (1, 4);
            edit(&mut part, &mut p.compute[0].op);
            p.compute.insert(0, line(part));
        };
        match what {
            "" => fine(edited),
            _ => faulty(edited, &format!("the program is not legal: compute 0: {what}")),
        }
    };
    kept(|_, _| {}, "");
    kept(|part, _| (part.steps[2].count, part.wide, part.weights) = (2, true, 1), "");
    kept(|part, last| (part.reduce, last.reduce) = (Reduce::Rows, Reduce::Rows), "only dense keeps its sums");
    let several = "the sums of one tile can be kept, not of several";
    kept(|part, _| (part.lanes, part.tiles) = (2, 2), several);
    kept(|part, last| (part.groups, last.groups) = (2, 2), several);
    let met = "what is kept meets neither operand nor table";
    kept(|part, _| part.operand = Some(Operand { target: target(0), ..Operand::default() }), met);
    kept(|part, _| part.table = Some(0), met);
    let lost = "nothing goes on from the sums that are kept";
    kept(|_, last| last.reduce = Reduce::Rows, lost);
    kept(|_, last| (last.lanes, last.tiles) = (2, 2), lost);
    kept(|part, _| part.width = 3, lost);
    kept(|part, _| part.columns = 2, lost);
    faulty(
        |p| {
            let op = &mut p.compute[0].op;
            (op.keep, op.tiles, op.width, op.lines) = (true, 1, 4, 1);
        },
        &format!("the program is not legal: compute 0: {lost}"),
    );
    let vector = |p: &mut Program| p.vector[0].op.keep = true;
    faulty(vector, "the program is not legal: vector 0: only dense keeps its sums");
    let mut program = legal();
    let mut memory = program.image().unwrap();
    program.config.lanes = 0;
    let fault = run(&program, &mut memory, &Options::default()).unwrap_err().to_string();
    assert_eq!(fault, "error[config]: lanes = 0 is not legal: 2 to 63");
    let program = legal();
    let fault = run(&program, &mut [0; 100], &Options::default()).unwrap_err().to_string();
    assert_eq!(fault, "external memory has 100 bytes, the program uses 41984");
}

#[test]
fn blocks_of_an_image_overlap() {
    let mut program = legal();
    program.data.push((WEIGHTS + 4, vec![1; 4]));
    let fault = program.image().unwrap_err().to_string();
    assert!(fault.contains(&format!("overlap those at {}", WEIGHTS + 4)), "{fault}");
    let mut program = legal();
    // The key in front of the list.
    program.data.push((program.stream_address[0], vec![0; 4]));
    let fault = program.image().unwrap_err().to_string();
    assert!(fault.contains("overlap"), "{fault}");
}

#[test]
fn bank_conflicts() {
    faulty(
        |p| p.compute[0].op.input.walk.pixel = 4,
        "compute 0 (conv1): gather of tile 0: lanes 0 and 1 both need bank 0 at step (0, 0, 0)",
    );
    // Lanes outside the input do not read: with one column of input there is no second lane.
    fine(|p| (p.compute[0].op.input.walk.pixel, p.compute[0].op.input.width) = (4, 1));
    // They meet only at the step in which both are inside.
    faulty(
        |p| {
            let op = &mut p.compute[0].op;
            (op.input.walk.pixel, op.input.x0) = (4, -3);
            (op.input.walk.base, op.input.width) = (-12, 2);
            op.steps[2] = Step { count: 2, address: 4, y: 0, x: 1 };
        },
        "compute 0 (conv1): gather of tile 0: lanes 2 and 3 both need bank 0 at step (0, 0, 1)",
    );
    faulty(
        |p| p.compute[0].op.output.walk.pixel = 2,
        "compute 0 (conv1): output of tile 0: lanes 0 and 2 both need bank 0 at segment 0",
    );
    // Two lanes a segment lie in different banks.
    fine(|p| {
        let target = &mut p.vector[0].op.output;
        (target.walk.pixel, target.walk.line) = (2, 16);
        (target.segments, target.segment_lanes) = (2, 2);
        p.store[0].op.line_bytes = 1;
    });
    faulty(
        |p| {
            let target = Target { walk: Walk { pixel: 4, ..target(0).walk }, ..target(0) };
            p.vector[0].op.operand = Some(Operand { target, ..Operand::default() });
        },
        "vector 0 (conv1): operand of tile 0: lanes 0 and 1 both need bank 0 at segment 0",
    );
    faulty(
        |p| {
            let op = &mut p.compute[0].op;
            (op.width, op.tiles) = (6, 6);
            (op.input.walk.line, op.output.walk.line) = (6, 6);
        },
        "compute 0 (conv1): output of tile 1 needs 2 segments, has 1",
    );
}

#[test]
fn ranges() {
    faulty(
        |p| p.compute[0].op.input.walk.base = -1,
        "compute 0 (conv1): gather accesses feature byte -1, memory has 1024",
    );
    // Padding is not read, wherever it would lie.
    fine(|p| {
        let input = &mut p.compute[0].op.input;
        (input.walk.base, input.y0) = (-8, -1);
    });
    faulty(
        |p| p.vector[0].op.output.walk.base = 4 * PAGE - 24,
        "vector 0 (conv1): output accesses feature byte 1024, memory has 1024",
    );
    faulty(
        |p| p.load[0].op.local = 4 * PAGE - 63,
        "load 0 (conv1): transfer accesses feature byte 1024, memory has 1024",
    );
    faulty(
        |p| p.store[0].op.external = 41984 - 31,
        "store 0 (conv1): accesses external byte 41984, memory has 41984",
    );
    faulty(
        |p| (p.load[0].op.lines, p.load[0].op.external_line) = (2, -64),
        "load 0 (conv1): accesses external byte -64, memory has 41984",
    );
}

#[test]
fn unwritten() {
    faulty(
        |p| p.load[0].op.line_bytes = 31,
        "compute 0 (conv1): reads feature byte 31, which nothing has written",
    );
    fine(|p| (p.load[0].op.line_bytes, p.compute[0].op.input.height) = (24, 3));
    faulty(
        |p| p.store[0].op.line_bytes = 33,
        "store 0 (conv1): reads feature byte 544, which nothing has written",
    );
    faulty(
        |p| p.compute[0].op.weights = 4,
        "compute 0 (conv1): reads weight word 4, which nothing has written",
    );
    faulty(
        |p| p.compute[0].op.channels.base = 2,
        "compute 0 (conv1): reads compute channel 2, which nothing has written",
    );
    faulty(
        |p| p.vector[0].op.channels.base = 3,
        "vector 0 (conv1): reads vector channel 3, which nothing has written",
    );
    fine(|p| p.vector[0].op.table = Some(0));
    faulty(|p| p.vector[0].op.table = Some(1), "vector 0 (conv1): reads table 1, which nothing has written");
    // External memory between the tensors: nobody gives it, nothing has stored it.
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::Feature, OUTPUT + 32, 3 * PAGE, 1))),
        "load 5 (conv1): reads external byte 544, which nothing has written",
    );
    faulty(
        |p| {
            p.store[0].op.sync.signal = 8;
            let op = Transfer { sync: sync(8, 0), ..transfer(LocalMemory::Feature, OUTPUT, 3 * PAGE, 33) };
            p.load.push(line(op));
        },
        "load 5 (conv1): reads external byte 544, which nothing has written",
    );
    fine(|p| {
        p.inputs.push(TensorPort {
            name: "x".into(),
            shape: vec![1],
            address: OUTPUT + 32,
            scale: 1.0,
            zero: 0,
            wide: false,
        });
        p.load.push(line(transfer(LocalMemory::Feature, OUTPUT + 32, 3 * PAGE, 1)));
    });
    // A group before the last may reach further than the last one, beyond the memory.
    faulty(
        |p| {
            p.config.parameter_words = 16;
            let op = &mut p.compute[0].op;
            (op.groups, op.columns, op.output.outer, op.output.walk.group) = (2, 4, 40, 160);
            (op.channels.base, op.channels.column_step, op.channels.group_step) = (14, 1, 1);
        },
        "compute 0 (conv1): reads compute channel 16, which nothing has written",
    );
}

#[test]
fn own_bytes() {
    faulty(
        |p| p.compute[0].op.output.walk.base = 16,
        "compute 0 (conv1): writes feature byte 16, which its gather reads",
    );
    let operand = |p: &mut Program, base: i64| {
        p.compute[0].op.operand = Some(Operand { target: target(base), ..Operand::default() });
    };
    faulty(
        |p| {
            p.load.insert(0, line(transfer(LocalMemory::Feature, INPUT, PAGE, 64)));
            operand(p, PAGE + 4);
        },
        "compute 0 (conv1): writes feature byte 260, which its operand reads",
    );
    fine(|p| {
        p.load.insert(0, line(transfer(LocalMemory::Feature, INPUT, PAGE, 64)));
        operand(p, PAGE);
    });
    faulty(|p| operand(p, 32), "compute 0 (conv1): gather and operand both read page 0");
    faulty(|p| p.compute[0].op.output.walk.line = 4, "compute 0 (conv1): writes 32 bytes to 20 places");
}

#[test]
fn page_ports() {
    // Both read page 0; other bytes do not help.
    faulty(
        |p| {
            p.store.insert(
                0,
                line(Transfer { sync: sync(8, 0), ..transfer(LocalMemory::Feature, OUTPUT + 64, 32, 32) }),
            )
        },
        "deadlock: store 0 (conv1) waits for semaphore 3 for ever",
    );
    faulty(
        |p| {
            p.load[0].op.sync.signal = 8;
            p.store.insert(
                0,
                line(Transfer { sync: sync(8, 0), ..transfer(LocalMemory::Feature, OUTPUT + 64, 32, 32) }),
            );
        },
        "compute 0 (conv1) and store 0 (conv1) both read page 0 and no semaphore orders them",
    );
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::Feature, INPUT, PAGE + 128, 16))),
        "compute 0 (conv1) and load 5 (conv1) both write page 1 and no semaphore orders them",
    );
    // The same, ordered by a third unit: compute, vector, load.
    fine(|p| {
        p.vector[0].op.sync.signal |= 8;
        let op = Transfer { sync: sync(8, 0), ..transfer(LocalMemory::Feature, INPUT, PAGE + 128, 16) };
        p.load.push(line(op));
    });
    // One reads and one writes a page, different bytes: two ports.
    fine(|p| p.load.push(line(transfer(LocalMemory::Feature, INPUT, 64, 16))));
}

#[test]
fn races() {
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::Feature, INPUT, 31, 1))),
        "compute 0 (conv1) reads feature byte 31, which load 5 (conv1) writes, and no semaphore orders them",
    );
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::Feature, INPUT, PAGE + 31, 1))),
        "compute 0 (conv1) writes feature byte 287, which load 5 (conv1) writes, and no semaphore orders them",
    );
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::Weights, WEIGHTS, 0, 4))),
        "compute 0 (conv1) reads weight word 0, which load 5 (conv1) writes, and no semaphore orders them",
    );
    fine(|p| p.load.push(line(transfer(LocalMemory::Weights, WEIGHTS, 1, 4))));
    faulty(
        |p| p.load.push(line(transfer(LocalMemory::VectorChannels, CHANNELS, 0, 16))),
        "vector 0 (conv1) reads vector channel 0, which load 5 (conv1) writes, and no semaphore orders them",
    );
    faulty(
        |p| {
            p.vector[0].op.table = Some(0);
            p.load.push(line(transfer(LocalMemory::Tables, TABLE, 0, 256)));
        },
        "vector 0 (conv1) reads table 0, which load 5 (conv1) writes, and no semaphore orders them",
    );
    // External memory: the load of page 3 reads what the store writes.
    faulty(
        |p| {
            p.data.push((OUTPUT, vec![7; 32]));
            p.load.push(line(transfer(LocalMemory::Feature, OUTPUT + 31, 3 * PAGE, 1)));
        },
        "store 0 (conv1) writes external byte 543, which load 5 (conv1) reads, and no semaphore orders them",
    );
    fine(|p| {
        p.data.push((OUTPUT, vec![7; 33]));
        p.load.push(line(transfer(LocalMemory::Feature, OUTPUT + 32, 3 * PAGE, 1)));
    });
    // The load comes first and may still be reading what the store overwrites.
    faulty(
        |p| {
            p.data.push((OUTPUT, vec![7; 32]));
            p.load.insert(0, line(transfer(LocalMemory::Feature, OUTPUT + 3, 3 * PAGE, 1)));
            p.load.push(line(transfer(LocalMemory::Feature, OUTPUT + 8, 3 * PAGE, 1)));
        },
        "store 0 (conv1) writes external byte 520, which load 6 (conv1) reads, and no semaphore orders them",
    );
    fine(|p| {
        p.data.push((OUTPUT, vec![7; 32]));
        p.load.insert(0, line(transfer(LocalMemory::Feature, OUTPUT + 3, 3 * PAGE, 1)));
    });
    fine(|p| {
        p.store[0].op.sync.signal = 8;
        let op = Transfer { sync: sync(8, 0), ..transfer(LocalMemory::Feature, OUTPUT + 31, 3 * PAGE, 1) };
        p.load.push(line(op));
    });
    // Tensors that merely interleave do not race: even and odd bytes of a page.
    fine(|p| {
        let op =
            Transfer { local_line: 2, lines: 32, ..transfer(LocalMemory::Feature, INPUT, 3 * PAGE + 1, 1) };
        p.load.push(line(op));
        p.vector[0].op.sync = sync(2, 4);
        let mut op = tile(Reduce::Max, PAGE, 3 * PAGE);
        (op.output.walk.pixel, op.output.walk.line) = (2, 16);
        (op.output.segments, op.output.segment_lanes) = (2, 2);
        op.sync = sync(8, 0);
        p.vector.push(line(op));
        p.load[5].op.sync.signal = 8;
    });
}

#[test]
fn instructions_are_not_data() {
    faulty(
        |p| p.store[0].op.external = 2048 + 127,
        "store 0 (conv1): overwrites external byte 2175 of the instructions",
    );
}

#[test]
fn semaphores() {
    let overflow = report(|p| {
        let op = Transfer { sync: sync(0, 8), ..transfer(LocalMemory::Feature, INPUT, 3 * PAGE, 4) };
        p.load.extend((0..256).map(|_| line(op)));
        // The store takes the first only when the last has come.
        p.load.last_mut().unwrap().op.sync.signal |= 16;
        p.store[0].op.sync.wait |= 8 | 16;
    });
    let overflow = overflow.unwrap_err();
    let want = "load 260 (conv1): semaphore 3 exceeds 255 in cycle ";
    assert!(overflow.starts_with(want), "{overflow}");
    fine(|p| {
        let op = Transfer { sync: sync(0, 8), ..transfer(LocalMemory::Feature, INPUT, 3 * PAGE, 4) };
        p.load.extend((0..255).map(|_| line(op)));
    });
    faulty(
        |p| {
            p.vector[0].op.sync.wait |= 8;
            p.store[0].op.sync.signal |= 8;
        },
        "deadlock: vector 0 (conv1) waits for semaphore 3 for ever, store 0 (conv1) waits for semaphore 2 for ever",
    );
}
