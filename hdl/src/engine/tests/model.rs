//! The loop nest of a tile operation, as it stands in `arch::instr`, one byte at a time.

#![expect(clippy::needless_range_loop, reason = "columns are counted as in the loop nest")]

use std::collections::{HashMap, HashSet};
use tilewright_arch::Config;
use tilewright_arch::fixed::{Channel, post};
use tilewright_arch::instr::{Reduce, Ring, TileOp, Walk};

/// The memories that an operation sees.
#[derive(Clone)]
pub struct Memories {
    /// Features by flat index; rows are modulo a power of two.
    pub feature: Vec<i8>,
    /// Words of C bytes.
    pub weights: Vec<Vec<i8>>,
    pub channels: Vec<Channel>,
    pub tables: Vec<[i8; 256]>,
    /// Sums that the operation before kept, by lane and column.
    pub kept: Option<Vec<Vec<i32>>>,
}

/// Why an operation may not be run: the program is at fault, not the machine.
#[derive(Debug, PartialEq)]
pub enum Fault {
    Conflict,
    Overlap,
}

/// Pixels (line, column) of the lanes of every tile of a group.
fn tiles(op: &TileOp) -> Vec<Vec<(i64, i64)>> {
    let (width, lanes) = (op.width as i64, op.lanes);
    let (mut l, mut x) = (0, 0);
    let mut all = vec![];
    for _ in 0..op.tiles {
        let mut tile = vec![];
        while tile.len() < lanes {
            tile.push((l, x));
            x += 1;
            if x == width {
                x = 0;
                l += op.line_step as i64;
                if op.line_stop {
                    break;
                }
            }
        }
        all.push(tile);
    }
    all
}

/// Segment of each lane.
fn segments(tile: &[(i64, i64)], op: &TileOp, most: usize) -> Vec<usize> {
    let (mut segment, mut count) = (0, 0);
    tile.iter()
        .map(|(_, x)| {
            let mine = segment;
            count += 1;
            if *x + 1 == op.width as i64 || count == most {
                segment += 1;
                count = 0;
            }
            mine
        })
        .collect()
}

/// The address of a pixel.
fn pixel(walk: &Walk, g: i64, line: i64, x: i64) -> i64 {
    walk.base + walk.group * g + walk.line * line + walk.pixel * x
}

fn wrap(ring: &Ring, y: i64) -> i64 {
    if y >= ring.line as i64 { ring.bytes as i64 } else { 0 }
}

/// Runs `op`; the segments' counts come from `op` and are checked too.
pub fn run(op: &TileOp, config: &Config, memories: &mut Memories) -> Result<(), Fault> {
    let size = memories.feature.len() as i64;
    let lanes = config.lanes as i64;
    let place = |address: i64| address.rem_euclid(size) as usize;
    let mut gathered: HashSet<usize> = HashSet::new();
    // The element that reads an operand's byte; none when several do.
    let mut operands: HashMap<usize, Option<usize>> = HashMap::new();
    let mut written: HashMap<usize, (usize, i8)> = HashMap::new();
    let mut element = 0;
    let [n2, n1, n0] = op.steps.map(|s| s.count as i64);
    for g in 0..op.groups as i64 {
        for tile in tiles(op) {
            let columns = op.columns_of(g as usize);
            let mut acc =
                vec![vec![if op.reduce == Reduce::Max { -128 } else { 0i32 }; config.columns]; tile.len()];
            acc = memories.kept.take().unwrap_or(acc);
            for i2 in 0..n2 {
                for i1 in 0..n1 {
                    for i0 in 0..n0 {
                        let k = (i2 * n1 + i1) * n0 + i0;
                        let sum = |of: &dyn Fn(usize) -> i64| i2 * of(0) + i1 * of(1) + i0 * of(2);
                        let mut banks = HashSet::new();
                        for (q, (l, x)) in tile.iter().enumerate() {
                            if *l >= op.lines as i64 {
                                continue;
                            }
                            let line = l / op.line_step as i64;
                            let input = &op.input;
                            let y = input.y0 + line * input.y_step as i64 + sum(&|i| op.steps[i].y);
                            let xx = input.x0 + x * input.x_step as i64 + sum(&|i| op.steps[i].x);
                            let inside = (0..input.height as i64).contains(&y)
                                && (0..input.width as i64).contains(&xx);
                            let a = if inside {
                                let address = pixel(&input.walk, g, line, *x) + sum(&|i| op.steps[i].address)
                                    - wrap(&input.walk.ring, y);
                                if !banks.insert(address.rem_euclid(lanes)) {
                                    return Err(Fault::Conflict);
                                }
                                gathered.insert(place(address));
                                memories.feature[place(address)]
                            } else {
                                input.pad
                            };
                            let a = i32::from(a) << if op.wide && i2 % 2 == 0 { 8 } else { 0 };
                            let word = |index: i64| {
                                &memories.weights[(op.weights as i64 + index)
                                    .rem_euclid(config.weight_words as i64)
                                    as usize]
                            };
                            match op.reduce {
                                Reduce::Dense => {
                                    for (c, acc) in acc[q].iter_mut().enumerate() {
                                        *acc = acc.wrapping_add(a * i32::from(word(g * n2 * n1 * n0 + k)[c]));
                                    }
                                }
                                Reduce::Rows => {
                                    for (c, acc) in acc[q].iter_mut().enumerate() {
                                        let m = i0 - c as i64;
                                        if (0..op.taps as i64).contains(&m) {
                                            let tap = word((g * n2 + i2) * n1 + i1)[m as usize];
                                            *acc = acc.wrapping_add(a * i32::from(tap));
                                        }
                                    }
                                }
                                Reduce::Sum => acc[q][0] = acc[q][0].wrapping_add(a),
                                Reduce::Max => acc[q][0] = acc[q][0].max(a),
                            }
                        }
                    }
                }
            }
            if op.keep {
                memories.kept = Some(acc);
                return Ok(());
            }
            let split = |target: &tilewright_arch::instr::Target| segments(&tile, op, target.segment_lanes);
            let of_output = split(&op.output);
            let of_operand = op.operand.map(|o| split(&o.target));
            for c in 0..columns {
                let (co, ci) = (c as i64 / op.inner_columns as i64, c as i64 % op.inner_columns as i64);
                let word = op.channels.base as i64
                    + g * op.channels.group_step as i64
                    + c as i64 * op.channels.column_step as i64;
                let channel = &memories.channels[word as usize];
                let mut output_banks = HashSet::new();
                let mut operand_banks = HashMap::new();
                for (q, (l, x)) in tile.iter().enumerate() {
                    let y = l + ci * op.column_y as i64;
                    if y >= op.lines as i64 {
                        continue;
                    }
                    let line = l / op.line_step as i64;
                    let address = |target: &tilewright_arch::instr::Target| {
                        pixel(&target.walk, g, line, *x) + co * target.outer + ci * target.inner
                            - wrap(&target.walk.ring, y)
                    };
                    let mut operand = None;
                    if let (Some(o), Some(of_operand)) = (&op.operand, &of_operand) {
                        let from = address(&o.target);
                        let bank = (of_operand[q], from.rem_euclid(lanes));
                        if of_operand[q] >= o.target.segments
                            || operand_banks.insert(bank, from).is_some_and(|other| other != from)
                        {
                            return Err(Fault::Conflict);
                        }
                        operands.entry(place(from)).and_modify(|e| *e = None).or_insert(Some(element));
                        operand = Some((memories.feature[place(from)], &o.scale));
                    }
                    let table = op.table.map(|t| &memories.tables[t]);
                    let byte = post(acc[q][c], channel, operand, &op.post, table);
                    let to = address(&op.output);
                    let bank = (of_output[q], to.rem_euclid(lanes));
                    if of_output[q] >= op.output.segments || !output_banks.insert(bank) {
                        return Err(Fault::Conflict);
                    }
                    if written.insert(place(to), (element, byte)).is_some() {
                        return Err(Fault::Overlap);
                    }
                    element += 1;
                }
            }
        }
    }
    for (place, (element, byte)) in written {
        if gathered.contains(&place) || operands.get(&place).is_some_and(|e| *e != Some(element)) {
            return Err(Fault::Overlap);
        }
        memories.feature[place] = byte;
    }
    Ok(())
}
