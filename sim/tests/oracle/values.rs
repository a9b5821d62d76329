//! The loop nests, literally.

use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, post};
use tilewright_arch::instr::{LocalMemory, Reduce, Target, TileOp, Transfer, Unit, Walk};

/// On-chip memories.
pub struct Memories {
    pub config: Config,
    pub features: Vec<i8>,
    pub weights: Vec<Vec<i8>>,
    pub channels: [Vec<Channel>; 2],
    pub tables: Vec<[i8; 256]>,
    /// What an operation kept, by lane and column.
    pub kept: Option<Vec<Vec<i32>>>,
}

impl Memories {
    pub fn new(config: &Config) -> Memories {
        let channels = vec![Channel::default(); config.parameter_words];
        Memories {
            config: config.clone(),
            features: vec![0x77; config.feature_bytes()],
            weights: vec![vec![0; config.columns]; config.weight_words],
            channels: [channels.clone(), channels],
            tables: vec![[0; 256]; config.tables],
            kept: None,
        }
    }

    pub fn transfer(&mut self, op: &Transfer, unit: Unit, external: &mut [u8]) {
        let stride = self.config.weight_stride();
        for p in 0..op.planes as i64 {
            for l in 0..op.lines as i64 {
                for i in 0..op.line_bytes as i64 {
                    let e = op.external as i64 + p * op.external_plane + l * op.external_line + i;
                    let e = e as usize;
                    let at = op.local + p * op.local_plane + l * op.local_line + i;
                    let byte = i as usize;
                    match (unit, op.memory) {
                        (Unit::Store, _) => external[e] = self.features[at as usize] as u8,
                        (_, LocalMemory::Feature) => self.features[at as usize] = external[e] as i8,
                        (_, LocalMemory::Weights) => {
                            let word = (op.local as usize + byte / stride) % self.config.weight_words;
                            if byte % stride < self.config.columns {
                                self.weights[word][byte % stride] = external[e] as i8;
                            }
                        }
                        (_, LocalMemory::Tables) => {
                            self.tables[op.local as usize + byte / 256][byte % 256] = external[e] as i8;
                        }
                        (_, memory) if byte % 16 == 15 => {
                            let words =
                                &mut self.channels[usize::from(memory == LocalMemory::VectorChannels)];
                            let bytes = external[e - 15..=e].try_into().unwrap();
                            words[op.local as usize + byte / 16] = Channel::from_bytes(bytes);
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    pub fn tile(&mut self, op: &TileOp, unit: Unit) {
        for g in 0..op.groups as i64 {
            let (mut line, mut x) = (0i64, 0i64);
            for _ in 0..op.tiles {
                // The pixels of this tile.
                let mut lanes = vec![];
                while lanes.len() < op.lanes && line * (op.line_step as i64) < op.lines as i64 {
                    lanes.push((line, x));
                    x += 1;
                    if x == op.width as i64 {
                        (line, x) = (line + 1, 0);
                        if op.line_stop {
                            break;
                        }
                    }
                }
                self.one_tile(op, unit, g, &lanes);
            }
            assert_eq!((line * op.line_step as i64 >= op.lines as i64, x), (true, 0));
        }
    }

    fn one_tile(&mut self, op: &TileOp, unit: Unit, g: i64, lanes: &[(i64, i64)]) {
        let columns = op.columns;
        let start = if op.reduce == Reduce::Max { -128 } else { 0 };
        let mut acc = vec![vec![start; columns]; lanes.len()];
        if unit == Unit::Compute {
            acc = self.kept.take().unwrap_or(acc);
        }
        let [n2, n1, n0] = op.steps.map(|s| s.count as i64);
        let words = self.config.weight_words as i64;
        for (q, &(line, x)) in lanes.iter().enumerate() {
            for i2 in 0..n2 {
                for i1 in 0..n1 {
                    for i0 in 0..n0 {
                        let k = (i2 * n1 + i1) * n0 + i0;
                        let byte = i32::from(self.gather(op, g, line, x, [i2, i1, i0]));
                        let a = if op.wide && i2 % 2 == 0 { 256 * byte } else { byte };
                        for (c, acc) in acc[q].iter_mut().enumerate() {
                            match op.reduce {
                                Reduce::Dense => {
                                    let word = (op.weights as i64 + g * n2 * n1 * n0 + k) % words;
                                    *acc += a * i32::from(self.weights[word as usize][c]);
                                }
                                Reduce::Rows => {
                                    let word = (op.weights as i64 + (g * n2 + i2) * n1 + i1) % words;
                                    let m = i0 - c as i64;
                                    if (0..op.taps as i64).contains(&m) {
                                        *acc += a * i32::from(self.weights[word as usize][m as usize]);
                                    }
                                }
                                Reduce::Sum => *acc += a,
                                Reduce::Max => *acc = (*acc).max(a),
                            }
                        }
                    }
                }
            }
        }
        if op.keep {
            self.kept = Some(acc);
            return;
        }
        let columns = if g + 1 == op.groups as i64 { op.last_columns } else { op.columns };
        for c in 0..columns as i64 {
            for (q, &(line, x)) in lanes.iter().enumerate() {
                let ci = c % op.inner_columns as i64;
                let y = line * op.line_step as i64 + ci * op.column_y as i64;
                if y >= op.lines as i64 {
                    continue;
                }
                let word = op.channels.base as i64
                    + g * op.channels.group_step as i64
                    + c * op.channels.column_step as i64;
                let channel = self.channels[usize::from(unit == Unit::Vector)][word as usize];
                let operand = op
                    .operand
                    .as_ref()
                    .map(|o| (self.features[address(op, &o.target, g, line, x, c, y)], &o.scale));
                let table = op.table.map(|t| &self.tables[t]);
                let value = post(acc[q][c as usize], &channel, operand, &op.post, table);
                self.features[address(op, &op.output, g, line, x, c, y)] = value;
            }
        }
    }

    fn gather(&self, op: &TileOp, g: i64, line: i64, x: i64, i: [i64; 3]) -> i8 {
        let (mut y, mut column, mut offset) = (0, 0, 0);
        for (step, i) in op.steps.iter().zip(i) {
            y += i * step.y;
            column += i * step.x;
            offset += i * step.address;
        }
        y += op.input.y0 + line * op.input.y_step as i64;
        column += op.input.x0 + x * op.input.x_step as i64;
        if y < 0 || y >= op.input.height as i64 || column < 0 || column >= op.input.width as i64 {
            return op.input.pad;
        }
        self.features[(walk(&op.input.walk, g, line, x, y) + offset) as usize]
    }
}

fn walk(walk: &Walk, g: i64, line: i64, x: i64, y: i64) -> i64 {
    let wrap = if y >= walk.ring.line as i64 { walk.ring.bytes as i64 } else { 0 };
    walk.base + walk.group * g + walk.line * line + walk.pixel * x - wrap
}

fn address(op: &TileOp, target: &Target, g: i64, line: i64, x: i64, c: i64, y: i64) -> usize {
    let (co, ci) = (c / op.inner_columns as i64, c % op.inner_columns as i64);
    let column = co * target.outer + ci * target.inner;
    (walk(&target.walk, g, line, x, y) + column) as usize
}
