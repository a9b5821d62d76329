//! What wide values are for: a convolution and a copy of 16-bit values, made of bytes, against the
//! arithmetic of 16-bit integers.

use tilewright_arch::Config;
use tilewright_arch::config::Feature;
use tilewright_arch::fixed::{Channel, Half, Post, extend, halves, join, mantissa};
use tilewright_arch::instr::{
    Channels, Gather, LocalMemory, Reduce, Ring, Step, Sync, Target, TileOp, Transfer, Walk,
};
use tilewright_arch::program::{Layer, Line, Program};
use tilewright_random::Random;
use tilewright_sim::{Options, run};

/// Bytes of a page: 64 rows of 4.
const PAGE: i64 = 256;
/// Pixels of the one line.
const WIDTH: usize = 8;
/// Wide channels of the input and of the output.
const CHANNELS: [usize; 2] = [3, 2];
const TAPS: usize = 3;
/// External addresses.
const INPUT: u32 = 0;
const WEIGHTS: u32 = 64;
const PARAMETERS: u32 = 144;
const OUTPUT: u32 = 256;
const STREAMS: u32 = 1024;

fn line<I>(op: I) -> Line<I> {
    Line { op, layer: 0 }
}

fn transfer(memory: LocalMemory, external: u32, local: i64, bytes: usize) -> Transfer {
    let external = external as usize;
    Transfer { memory, external, local, line_bytes: bytes, lines: 1, planes: 1, ..Transfer::default() }
}

fn walk(base: i64, group: i64) -> Walk {
    Walk { base, group, line: WIDTH as i64, pixel: 1, ring: Ring::NONE }
}

/// Both channels of the output as High and Low, then two channels of one word for the copy.
fn parameters(factor: f64, biases: &[i32], copy_bias: i32) -> Vec<u8> {
    let word = |factor: f64, bias: i32, half: Half| {
        let (mantissa, shift) = mantissa(factor / 16.0).unwrap();
        Channel { bias, mantissa, negative_mantissa: mantissa, shift, half }.to_bytes()
    };
    let own = biases.iter().flat_map(|&bias| [Half::High, Half::Low].map(|half| word(factor, bias, half)));
    own.chain([Half::High, Half::Low].map(|half| word(1.0, copy_bias, half))).flatten().collect()
}

/// The convolution from page 0 to page 1, its copy in page 2; both are stored.
fn program(pad: i8, post: Post) -> Program {
    let config = Config { feature: Feature { pages: 4, page_rows: 64 }, ..Config::sized(4, 4) };
    let mut p = Program::empty(config);
    let planes = CHANNELS.map(|channels| 2 * channels);
    let step = |count: usize, address: i64, x: i64| Step { count, address, y: 0, x };
    let output = |base: i64, group: i64| Target {
        walk: walk(base, group),
        inner: WIDTH as i64,
        outer: 0,
        segments: 1,
        segment_lanes: 4,
    };
    let base = TileOp {
        wide: true,
        groups: 1,
        tiles: 2,
        lanes: 4,
        columns: 1,
        last_columns: 1,
        inner_columns: 1,
        width: WIDTH,
        lines: 1,
        line_step: 1,
        taps: 1,
        ..TileOp::default()
    };
    let input = Gather { x_step: 1, y_step: 1, height: 1, width: WIDTH, pad, ..Gather::default() };
    p.compute = vec![line(TileOp {
        sync: Sync { wait: 1, signal: 2 },
        columns: planes[1],
        last_columns: planes[1],
        inner_columns: planes[1],
        steps: [step(planes[0], WIDTH as i64, 0), step(TAPS, 1, 1), step(1, 0, 0)],
        input: Gather { walk: walk(-1, 0), x0: -1, ..input },
        channels: Channels { base: 0, column_step: 1, group_step: 0 },
        post,
        output: output(PAGE, 0),
        ..base
    })];
    let both = 2 * WIDTH as i64;
    let copy = |half: usize, sync: Sync| TileOp {
        sync,
        reduce: Reduce::Sum,
        groups: CHANNELS[1],
        steps: [step(2, WIDTH as i64, 0), step(1, 0, 0), step(1, 0, 0)],
        input: Gather { walk: walk(PAGE, both), ..input },
        channels: Channels { base: half, column_step: 0, group_step: 0 },
        post: Post { zero: post.zero, ..Post::default() },
        output: output(2 * PAGE + half as i64 * WIDTH as i64, both),
        ..base
    };
    p.vector = vec![line(copy(0, Sync { wait: 2, signal: 0 })), line(copy(1, Sync { wait: 0, signal: 4 }))];
    p.load = vec![
        line(transfer(LocalMemory::Feature, INPUT, 0, planes[0] * WIDTH)),
        line(transfer(LocalMemory::Weights, WEIGHTS, 0, planes[0] * TAPS * 4)),
        line(transfer(LocalMemory::VectorChannels, PARAMETERS + 64, 0, 32)),
        line(Transfer {
            sync: Sync { wait: 0, signal: 1 },
            ..transfer(LocalMemory::ComputeChannels, PARAMETERS, 0, 64)
        }),
    ];
    let bytes = planes[1] * WIDTH;
    p.store = vec![
        line(Transfer {
            sync: Sync { wait: 4, signal: 0 },
            ..transfer(LocalMemory::Feature, OUTPUT, PAGE, bytes)
        }),
        line(transfer(LocalMemory::Feature, OUTPUT + bytes as u32, 2 * PAGE, bytes)),
    ];
    p.layers = vec![Layer::default()];
    p.stream_address = [0, 1, 2, 3].map(|unit| STREAMS + 1024 * unit);
    p.memory_bytes = STREAMS + 4 * 1024;
    p
}

#[test]
fn convolutions_and_copies_of_wide_values() {
    let mut rng = Random::new(11);
    let (mut inside, mut clamped) = (0, 0);
    for round in 0..200 {
        let (pad, zero) = (rng.bits() as i8, rng.bits() as i8 / 2);
        let post = Post { zero, lo: -(rng.below(129) as i32) as i8, hi: rng.below(128) as i8 };
        let values: Vec<Vec<i16>> =
            (0..CHANNELS[0]).map(|_| (0..WIDTH).map(|_| rng.bits() as i16).collect()).collect();
        let weights: Vec<Vec<Vec<i32>>> = (0..CHANNELS[1])
            .map(|_| {
                (0..CHANNELS[0]).map(|_| (0..TAPS).map(|_| rng.below(255) as i32 - 127).collect()).collect()
            })
            .collect();
        let factor = f64::from(rng.within(1, 1 << 12) as u32) / 1024.0 / 127.0;

        let mut program = program(pad, post);
        let planes = values.iter().flat_map(|channel| {
            [0, 1].map(|half| channel.iter().map(move |v| halves(*v)[half] as u8).collect::<Vec<_>>())
        });
        let mut words = vec![];
        for channel in 0..CHANNELS[0] {
            for _ in 0..2 {
                for tap in 0..TAPS {
                    words.extend(weights.iter().flat_map(|own| [own[channel][tap] as u8; 2]));
                }
            }
        }
        // The array sums w * (v - 128); zero points are 257 * byte + 128.
        let sums = weights.iter().map(|own| own.iter().flatten().sum::<i32>());
        let biases: Vec<i32> = sums.map(|sum| -257 * i32::from(pad) * sum).collect();
        program.data = vec![
            (INPUT, planes.flatten().collect()),
            (WEIGHTS, words),
            (PARAMETERS, parameters(factor, &biases, -257 * i32::from(zero))),
        ];
        let mut memory = program.image().unwrap();
        run(&program, &mut memory, &Options::default()).unwrap_or_else(|fault| panic!("{fault}"));

        let plane = |i: usize| &memory[OUTPUT as usize + i * WIDTH..][..WIDTH];
        for (c, own) in weights.iter().enumerate() {
            for x in 0..WIDTH {
                let mut sum = 0i64;
                for (values, taps) in values.iter().zip(own) {
                    for (tap, w) in taps.iter().enumerate() {
                        // Outside lies the zero point.
                        let value = (x + tap).checked_sub(1).and_then(|x| values.get(x));
                        let value = value.map_or(0, |v| i64::from(*v) - i64::from(extend(pad)));
                        sum += i64::from(*w) * value;
                    }
                }
                // Halves up.
                let (mantissa, shift) = mantissa(factor / 16.0).unwrap();
                let scaled = (i128::from(sum * 2) * i128::from(mantissa) + (1i128 << (shift + 12)))
                    .div_euclid(1i128 << (shift + 13));
                // What saturates at 28 bits lies beyond any clamp but that of the zero point.
                let scaled = scaled.clamp(-32768, 32768) + i128::from(extend(zero));
                let want = scaled.clamp(extend(post.lo).into(), extend(post.hi).into()) as i16;
                let got =
                    |first: usize| join([plane(first + 2 * c)[x] as i8, plane(first + 2 * c + 1)[x] as i8]);
                assert_eq!(got(0), want, "round {round}: channel {c}, pixel {x}");
                assert_eq!(got(2 * CHANNELS[1]), want, "round {round}: copy of channel {c}, pixel {x}");
                let limits = [extend(post.lo), extend(post.hi)];
                if limits.contains(&want) { clamped += 1 } else { inside += 1 }
            }
        }
    }
    assert!(inside > 200 && clamped > 200, "{inside} {clamped}");
}
