//! Random operations that the machine has to execute, small enough for many to be tried.

use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, Half, MAX_MANTISSA, OperandScale, Post};
use tilewright_arch::instr::{
    Channels, Gather, Operand, Reduce, Ring, Step, Sync, Target, TileOp, Unit, Walk,
};
use tilewright_random::Random;

/// A step from line to line that continues the pixels' banks, at least `least`.
fn line_step(random: &mut Random, config: &Config, width: i64, pixel: i64, least: i64) -> i64 {
    let lanes = config.lanes as i64;
    let free = least + random.below(4) as i64;
    if random.once_in(8) { free } else { free + (width * pixel - free).rem_euclid(lanes) }
}

/// Any legal mantissa.
pub fn any_mantissa(random: &mut Random) -> i32 {
    random.within(-MAX_MANTISSA, MAX_MANTISSA)
}

/// A channel's parameters, some of them extreme.
pub fn channel(random: &mut Random) -> Channel {
    let mantissa = |random: &mut Random| match random.below(5) {
        0 => MAX_MANTISSA,
        1 => -MAX_MANTISSA,
        2 => 0,
        _ => any_mantissa(random),
    };
    let positive = mantissa(random);
    Channel {
        bias: if random.once_in(16) { i32::MAX - random.below(9) as i32 } else { random.within(-9000, 9000) },
        mantissa: positive,
        negative_mantissa: if random.once_in(2) { positive } else { mantissa(random) },
        shift: if random.once_in(4) { random.below(64) as u8 } else { random.within(12, 24) },
        half: [Half::None, Half::None, Half::High, Half::Low][random.below(4)],
    }
}

/// What is done with an operand.
pub fn operand_scale(random: &mut Random) -> OperandScale {
    OperandScale {
        zero: random.within(-128, 127) as i8,
        mantissa: any_mantissa(random),
        shift: if random.once_in(3) { random.below(64) as u8 } else { random.within(4, 16) },
        multiply: random.once_in(2),
    }
}

/// A ring that begins within `lines` rows, or none.
fn ring(random: &mut Random, config: &Config, lines: i64) -> Ring {
    if !random.once_in(3) {
        return Ring::NONE;
    }
    Ring { line: random.within(0, lines) as usize, bytes: (random.within(0, 40) as usize) * config.lanes }
}

fn target(random: &mut Random, config: &Config, op: &TileOp, base: i64) -> Target {
    let (width, lines) = (op.width as i64, op.lines as i64);
    let pixel = if random.once_in(4) { 2 } else { 1 };
    let rows = lines.div_euclid(op.line_step as i64) + 1;
    let line = line_step(random, config, width, pixel, (width - 1) * pixel + 1);
    let mut plane = line * rows + random.below(6) as i64;
    let (inner, outer);
    let mut line_of_walk = line;
    if op.column_y == 1 {
        // Inner columns are output rows.
        inner = line;
        line_of_walk = line * op.line_step as i64;
        plane = line * (lines + 1);
        outer = plane;
    } else {
        inner = plane;
        outer = plane * op.inner_columns as i64;
    }
    let outers = (op.columns as i64).div_euclid(op.inner_columns as i64) + 1;
    let group = outer * outers + random.below(7) as i64;
    let segments = if random.once_in(3) { random.within(1, config.lanes as i64) } else { 1 };
    let segment_lanes =
        if segments > 1 { random.within(1, config.lanes as i64) } else { config.lanes as i64 };
    Target {
        walk: Walk { base, group, line: line_of_walk, pixel, ring: ring(random, config, lines) },
        inner,
        outer,
        segments: segments as usize,
        segment_lanes: segment_lanes as usize,
    }
}

/// An operation for `unit` that reads the lower half of the feature memory and writes the upper.
/// It may have faults (bank conflicts, overlaps): [`super::model::run`] tells.
pub fn operation(random: &mut Random, unit: Unit, config: &Config) -> TileOp {
    let (lanes, columns) = (config.lanes as i64, config.columns as i64);
    let half = (config.feature_rows() / 2) as i64 * lanes;
    let reduce = match (unit, random.once_in(2)) {
        (Unit::Vector, true) => Reduce::Max,
        (Unit::Vector, false) => Reduce::Sum,
        (_, true) => Reduce::Rows,
        _ => Reduce::Dense,
    };
    let mut op =
        TileOp { reduce, sync: Sync { wait: random.below(99) as u16, signal: 1 }, ..TileOp::default() };
    op.groups = random.within(1, 3) as usize;
    op.lanes = if random.once_in(3) { random.within(1, lanes) } else { lanes } as usize;
    op.line_stop = random.once_in(3);
    op.width = random.within(1, 2 * lanes.min(12)) as usize;
    op.lines = random.within(1, 6) as usize;
    let most = if unit == Unit::Vector { 1 } else { columns };
    op.columns = (if random.once_in(2) { most } else { random.within(1, most) }) as usize;
    op.last_columns = random.within(1, op.columns as i64) as usize;
    op.inner_columns = random.within(1, op.columns as i64) as usize;
    op.line_step = 1;
    let mut counts = [random.within(1, 3), random.within(1, 3), random.within(1, 4)];
    if reduce == Reduce::Rows || random.once_in(6) {
        op.column_y = 1;
        op.inner_columns = op.columns;
        op.line_step = op.columns;
    }
    if reduce == Reduce::Rows {
        op.taps = random.within(1, columns.min(5)) as usize;
        counts[2] = op.columns as i64 + op.taps as i64 - 1;
    }
    if random.once_in(5) {
        counts[0] = 1;
        counts[1] = 1;
        counts[2] = 1;
    }
    if reduce == Reduce::Dense && random.once_in(3) {
        // One tile, whose sums may be those of several operations.
        (op.groups, op.lanes, op.line_stop) = (1, config.lanes, false);
        op.width = random.within(1, lanes) as usize;
        op.lines = random.within(1, (lanes / op.width as i64).min(3)) as usize * op.line_step;
    }
    op.tiles = op.grid_tiles();
    op.wide = matches!(reduce, Reduce::Dense | Reduce::Sum) && random.once_in(3);

    // A plausible convolution: pixels `stride` apart, kernel steps `dilation` apart, or not.
    let (width, lines) = (op.width as i64, op.lines as i64);
    let strides = [random.within(1, 2), random.within(1, 2)];
    let dilation = random.within(1, 2);
    let input_width = ((width - 1) * strides[1] + random.within(-1, 3)).max(1);
    let input_height = ((lines - 1) * strides[0] + random.within(-1, 4)).max(1);
    let pitch = (0..lanes)
        .map(|i| input_width + i)
        .find(|p| (p * strides[0] - width * strides[1]).rem_euclid(lanes) == 0);
    let pitch = pitch.unwrap_or(input_width);
    let plane = pitch * input_height + random.below(5) as i64;
    let pads = [random.within(0, 2), random.within(0, 2)];
    let rows_step = op.line_step as i64 * strides[0];
    op.steps = [
        Step { count: counts[0] as usize, address: plane, y: 0, x: 0 },
        Step { count: counts[1] as usize, address: (pitch * dilation), y: dilation, x: 0 },
        Step { count: counts[2] as usize, address: dilation, y: 0, x: dilation },
    ];
    if reduce == Reduce::Rows {
        // Input rows innermost, so that taps shift from output row to output row.
        op.steps.swap(1, 2);
        op.steps[1].count = counts[1] as usize;
        op.steps[2].count = counts[2] as usize;
    }
    op.input = Gather {
        walk: Walk {
            base: (random.below(half as usize / 8) as i64 - pads[0] * pitch - pads[1]),
            group: if random.once_in(3) { 0 } else { plane },
            line: (pitch * rows_step),
            pixel: strides[1],
            ring: ring(random, config, input_height),
        },
        y0: -pads[0],
        x0: -pads[1],
        y_step: rows_step as usize,
        x_step: strides[1] as usize,
        height: input_height as usize,
        width: input_width as usize,
        pad: random.within(-128, 127) as i8,
    };
    if random.once_in(12) {
        op.input.y0 = random.within(-3000, 3000);
    }
    op.weights = random.below(config.weight_words);
    let group_step = random.below(9);
    op.channels = Channels {
        base: random.within(0, config.parameter_words as i64 - 1 - 2 * group_step as i64 - columns).max(0)
            as usize,
        column_step: random.below(2),
        group_step: group_step.min(config.parameter_words / 4),
    };
    let (lo, hi) = (random.within(-128, 20), random.within(21, 127));
    op.post = Post { zero: random.within(-128, 127) as i8, lo: lo as i8, hi: hi as i8 };
    if random.once_in(2) {
        op.post = Post::default();
    }
    op.table = random.once_in(3).then(|| random.below(config.tables));
    let base = half + random.within(0, 40);
    op.output = target(random, config, &op, base);
    if random.once_in(2) {
        let in_place = random.once_in(3);
        let base = half + half / 2 + random.within(0, 40);
        let mut of_operand = if in_place { op.output } else { target(random, config, &op, base) };
        if !in_place && random.once_in(3) {
            // One byte for all pixels of a column, read together or one by one.
            (of_operand.walk.line, of_operand.walk.pixel) = (0, 0);
            let together = random.once_in(2);
            of_operand.segments = if together { random.within(1, 3.min(lanes)) } else { lanes } as usize;
            of_operand.segment_lanes = if together { lanes } else { random.within(1, lanes) } as usize;
        }
        op.operand = Some(Operand { target: of_operand, scale: operand_scale(random) });
    }
    op
}

/// Operations that keep their sums for `op`, of other weights and parts of its input: some if it has one tile, or none.
pub fn kept(random: &mut Random, op: &TileOp, config: &Config) -> Vec<TileOp> {
    let one = op.reduce == Reduce::Dense && op.groups == 1 && op.tiles == 1;
    let count = if one { random.below(3) } else { 0 };
    let part = |_| {
        let mut part = TileOp { keep: true, operand: None, table: None, ..*op };
        part.steps.iter_mut().for_each(|s| s.count = random.within(1, s.count as i64) as usize);
        part.steps.swap(random.below(3), random.below(3));
        part.wide = random.once_in(2);
        part.input.pad = random.within(-128, 127) as i8;
        part.weights = random.below(config.weight_words);
        part
    };
    (0..count).map(part).collect()
}
