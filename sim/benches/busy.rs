//! Simulated cycles per second of a 9x16 machine with a busy array, on one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tilewright_arch::Config;
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::{
    Channels, Input, Memory, Reduce, Ring, Step, Sync, Target, TileOp, Transfer, Walk,
};
use tilewright_arch::program::{Layer, Line, Program};
use tilewright_sim::{Options, run};

/// One convolution shape.
struct Shape {
    name: &'static str,
    reduce: Reduce,
    channels: usize,
    groups: usize,
    size: usize,
    kernel: usize,
}

/// Loads everything once and repeats the operation.
fn program(shape: &Shape, repeat: usize) -> Program {
    let config = Config::sized(9, 16);
    let Shape { channels, groups, size, kernel, .. } = *shape;
    let (plane, page) = ((size * size) as i32, (config.feature.page_rows * config.lanes) as i32);
    let pad = kernel as i32 / 2;
    let rows = shape.reduce == Reduce::Rows;
    let line_step = if rows { 16 } else { 1 };
    let step = |count: usize, address: i32, y: i16, x: i16| Step { count: count as u16, address, y, x };
    let (vertical, horizontal) =
        (step(if rows { kernel + 15 } else { kernel }, size as i32, 1, 0), step(kernel, 1, 0, 1));
    let mut op = TileOp {
        reduce: shape.reduce,
        groups: groups as u16,
        lanes: 9,
        // The lines of a tile are 16 output rows apart, which few widths allow across line ends.
        line_stop: rows,
        columns: 16,
        last_columns: 16,
        inner_columns: 16,
        column_y: u8::from(rows),
        width: size as u16,
        lines: size as u16,
        line_step,
        steps: if rows {
            [step(1, 0, 0, 0), horizontal, vertical]
        } else {
            [step(channels, plane, 0, 0), vertical, horizontal]
        },
        input: Input {
            walk: Walk {
                base: -pad * size as i32 - pad,
                group: if rows { plane } else { 0 },
                line: i32::from(line_step) * size as i32,
                pixel: 1,
                ring: Ring::NONE,
            },
            y0: -pad as i16,
            x0: -pad as i16,
            y_step: u16::from(line_step),
            x_step: 1,
            height: size as u16,
            width: size as u16,
            pad: 0,
        },
        taps: kernel as u8,
        channels: Channels { base: 0, column_step: u8::from(!rows), group_step: if rows { 1 } else { 16 } },
        output: Target {
            walk: Walk {
                base: 7 * page,
                group: if rows { plane } else { 16 * plane },
                line: i32::from(line_step) * size as i32,
                pixel: 1,
                ring: Ring::NONE,
            },
            inner: if rows { size as i32 } else { plane },
            outer: 0,
            segments: (9usize.div_ceil(size) as u8 + 1).min(9),
            segment_lanes: 9,
        },
        ..TileOp::default()
    };
    op.tiles = op.grid_tiles() as u16;
    let inputs = if rows { groups } else { channels };
    let words = groups * op.group_weights() as usize;
    let sizes = [inputs * plane as usize, words * 16, groups * 16 * CHANNEL_BYTES];
    let mut program = Program::empty(config);
    let mut at = 0;
    for (i, (bytes, memory)) in
        sizes.into_iter().zip([Memory::Feature, Memory::Weights, Memory::ComputeChannels]).enumerate()
    {
        let data = (0..bytes).map(|j| (j * 37 + j / 7 + i) as u8).collect();
        program.data.push((at, data));
        let sync = Sync { wait: 0, signal: u16::from(i == 2) };
        let op = Transfer {
            sync,
            memory,
            external: at,
            line_bytes: bytes as u32,
            lines: 1,
            planes: 1,
            ..Transfer::default()
        };
        program.load.push(Line { op, layer: 0 });
        at += bytes.next_multiple_of(64) as u32;
    }
    for i in 0..repeat {
        op.sync.wait = u16::from(i == 0);
        program.compute.push(Line { op, layer: 0 });
    }
    program.layers.push(Layer { name: shape.name.into(), ..Layer::default() });
    program.stream_address[0] = at.next_multiple_of(128);
    program.stream_address[2] = program.stream_address[0] + (repeat * 128) as u32;
    program.memory_bytes = program.stream_address[2] + 3 * 64;
    program
}

fn busy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("busy 9x16");
    let dense = |name, channels, groups, size, kernel| Shape {
        name,
        reduce: Reduce::Dense,
        channels,
        groups,
        size,
        kernel,
    };
    for shape in [
        dense("3x3, 32 to 64 channels, 28x28", 32, 4, 28, 3),
        dense("3x3, 16 to 16 channels, 32x32", 16, 1, 32, 3),
        dense("1x1, 64 to 128 channels, 28x28", 64, 8, 28, 1),
        dense("3x3, 256 to 32 channels, 7x7", 256, 2, 7, 3),
        dense("1x1, 512 to 256 channels, 1x1", 512, 16, 1, 1),
        Shape { reduce: Reduce::Rows, ..dense("3x3 by rows, 64 channels, 28x28", 1, 64, 28, 3) },
    ] {
        let program = program(&shape, 20);
        let image = program.image().expect("the program is legal");
        let options = Options { threads: false, ..Options::default() };
        let report = run(&program, &mut image.clone(), &options).unwrap_or_else(|fault| panic!("{fault}"));
        group.throughput(Throughput::Elements(report.cycles));
        group.bench_function(shape.name, |bencher| {
            let mut memory = image.clone();
            bencher.iter(|| black_box(run(&program, &mut memory, &options)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = busy
}
criterion_main!(benches);
