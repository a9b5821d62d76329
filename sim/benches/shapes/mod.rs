//! Programs of one large operation each, for benchmarks and for tests of large operations.

use tilewright_arch::Config;
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::{
    Channels, Gather, LocalMemory, Reduce, Ring, Step, Sync, Target, TileOp, Transfer, Unit, Walk,
};
use tilewright_arch::program::{Layer, Line, Program};

/// One convolution shape.
pub struct ConvShape {
    pub name: &'static str,
    pub reduce: Reduce,
    pub channels: usize,
    pub groups: usize,
    pub size: usize,
    pub kernel: usize,
}

/// Loads everything once and repeats the operation.
pub fn program(shape: &ConvShape, repeat: usize) -> Program {
    let config = Config::sized(9, 16);
    let ConvShape { channels, groups, size, kernel, .. } = *shape;
    let (plane, page) = ((size * size) as i64, (config.feature.page_rows * config.lanes) as i64);
    let pad = kernel as i64 / 2;
    let rows = shape.reduce == Reduce::Rows;
    let line_step = if rows { 16 } else { 1 };
    let step = |count: usize, address: i64, y: i64, x: i64| Step { count, address, y, x };
    let (vertical, horizontal) =
        (step(if rows { kernel + 15 } else { kernel }, size as i64, 1, 0), step(kernel, 1, 0, 1));
    let mut op = TileOp {
        reduce: shape.reduce,
        groups,
        lanes: 9,
        // The lines of a tile are 16 output rows apart, which few widths allow across line ends.
        line_stop: rows,
        columns: 16,
        last_columns: 16,
        inner_columns: 16,
        column_y: usize::from(rows),
        width: size,
        lines: size,
        line_step,
        steps: if rows {
            [step(1, 0, 0, 0), horizontal, vertical]
        } else {
            [step(channels, plane, 0, 0), vertical, horizontal]
        },
        input: Gather {
            walk: Walk {
                base: -pad * size as i64 - pad,
                group: if rows { plane } else { 0 },
                line: line_step as i64 * size as i64,
                pixel: 1,
                ring: Ring::NONE,
            },
            y0: -pad,
            x0: -pad,
            y_step: line_step,
            x_step: 1,
            height: size,
            width: size,
            pad: 0,
        },
        taps: kernel,
        channels: Channels {
            base: 0,
            column_step: usize::from(!rows),
            group_step: if rows { 1 } else { 16 },
        },
        output: Target {
            walk: Walk {
                base: 7 * page,
                group: if rows { plane } else { 16 * plane },
                line: line_step as i64 * size as i64,
                pixel: 1,
                ring: Ring::NONE,
            },
            inner: if rows { size as i64 } else { plane },
            outer: 0,
            segments: (9usize.div_ceil(size) + 1).min(9),
            segment_lanes: 9,
        },
        ..TileOp::default()
    };
    op.tiles = op.grid_tiles();
    let inputs = if rows { groups } else { channels };
    let words = groups * op.group_weights() as usize;
    let sizes = [inputs * plane as usize, words * 16, groups * 16 * CHANNEL_BYTES];
    let mut program = Program::empty(config);
    let mut at = 0;
    for (i, (bytes, memory)) in sizes
        .into_iter()
        .zip([LocalMemory::Feature, LocalMemory::Weights, LocalMemory::ComputeChannels])
        .enumerate()
    {
        let data = (0..bytes).map(|j| (j * 37 + j / 7 + i) as u8).collect();
        program.data.push((at, data));
        let sync = Sync { wait: 0, signal: u16::from(i == 2) };
        let op = Transfer {
            sync,
            memory,
            external: at as usize,
            line_bytes: bytes,
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
    program.stream_address[2] = program.stream_address[0] + program.stream_bytes(Unit::Compute) as u32;
    program.memory_bytes = program.stream_address[2] + 3 * 64;
    program
}

/// A dense convolution.
pub fn dense(name: &'static str, channels: usize, groups: usize, size: usize, kernel: usize) -> ConvShape {
    ConvShape { name, reduce: Reduce::Dense, channels, groups, size, kernel }
}

/// A depthwise convolution.
pub fn rows(name: &'static str, groups: usize, size: usize, kernel: usize) -> ConvShape {
    ConvShape { name, reduce: Reduce::Rows, channels: 1, groups, size, kernel }
}

/// The program with a store of its whole output.
#[allow(dead_code, reason = "the benchmark stores nothing")]
pub fn with_store(mut program: Program) -> Program {
    let page = program.config.feature.page_rows * program.config.lanes;
    let op = program.compute[0].op;
    let last = (0..op.groups).map(|g| op.columns_of(g)).sum::<usize>();
    let plane = op.width * op.lines;
    let planes = if op.reduce == Reduce::Rows { op.groups } else { last };
    program.compute.last_mut().expect("a program has an operation").op.sync.signal = 2;
    program.stream_address[3] = program.memory_bytes.next_multiple_of(128);
    let external = program.stream_address[3] + 64;
    let line_bytes = planes * plane;
    let sync = Sync { wait: 2, signal: 0 };
    let local = (7 * page) as i64;
    let op = Transfer {
        sync,
        external: external as usize,
        local,
        line_bytes,
        lines: 1,
        planes: 1,
        ..Transfer::default()
    };
    program.store.push(Line { op, layer: 0 });
    program.memory_bytes = external + line_bytes as u32;
    program
}
