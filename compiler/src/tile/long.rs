//! Dense convolutions over more steps than the weight memory has words. Every tile runs as several instructions in
//! a row, each over a part of the steps and its own words, and all but the last keep their sums in the array
//! ([`TileOp::keep`]): nothing is rounded between them.
//!
//! A tile needs the words of all its parts, which do not stay where they are until the next one. So the tiles of a
//! group of columns follow each other, and each begins with the two parts that the one before ended with, in their
//! order: the memory holds those, and what it overwrites next, the older of them, is done first.

use super::columns::Columns;
use super::lanes::{self, Grid};
use super::pack::{self, WeightWords};
use super::source::ReductionSource;
use super::{Job, Part};
use std::ops::Range;
use tilewright_arch::fixed::Post;
use tilewright_arch::instr::{Step, TileOp, Unit};

/// Iterations of the three loops of a reduction, outermost first.
type Segment = [Range<usize>; 3];

/// The instructions of one group of columns, which reads the channels from `first_input` on.
pub(super) fn parts(job: &Job, source: &ReductionSource, first_input: usize, columns: &Columns) -> Vec<Part> {
    let config = job.config;
    let channels = columns.channels().concat();
    let halves = job.halves().count;
    let pack = |segment: &Segment| {
        let row = |&c: &usize| {
            let row = &source.weights[c * source.reduction..(c + 1) * source.reduction];
            iterations(segment, source.steps).map(|k| row[k])
        };
        let rows: Vec<i8> = channels.iter().flat_map(row).collect();
        pack::dense(&rows, steps(segment), &[(0..channels.len()).collect()], config)
    };
    // Half the memory at a time, so three parts or more: the words of the next instruction are loaded while one runs.
    // The halves of a 16-bit value are told apart by even and odd iterations: no segment begins with the odd ones.
    let grain = if job.node.wide { 2 } else { 1 };
    let segments = segments(source.steps, config.weight_words / 2, grain);
    let words = |segment| job.words(steps(segment), || pack(segment));
    let mut segments: Vec<(&Segment, WeightWords)> = segments.iter().map(|s| (s, words(s))).collect();
    let mut parts = vec![];
    for tile in tiles(job) {
        let pixels = tile.rows.len() * tile.width();
        for (i, (segment, words)) in segments.iter().enumerate() {
            let last = i + 1 == segments.len();
            let mut input = tile.input(first_input, 1, job.zero());
            let mut loops = source.steps;
            for (step, own) in loops.iter_mut().zip(*segment) {
                step.count = own.len();
                input.walk.base += own.start as i64 * step.address;
                input.y0 += own.start as i64 * step.y;
                input.x0 += own.start as i64 * step.x;
            }
            let op = tile.dense_op(columns, loops, input);
            parts.push(Part {
                unit: Unit::Compute,
                op: if last { op } else { TileOp { keep: true, operand: None, post: Post::default(), ..op } },
                weights: words.clone(),
                factors: None,
                channels: if last { channels.iter().map(|&c| job.channel(c)).collect() } else { vec![] },
                macs: (pixels * channels.len() * steps(segment) / halves) as u64,
            });
        }
        segments.rotate_right(2);
    }
    parts
}

/// Steps of a segment.
fn steps(segment: &Segment) -> usize {
    segment.iter().map(ExactSizeIterator::len).product()
}

/// The numbers of a segment's steps among those of all loops, in order.
fn iterations(segment: &Segment, loops: [Step; 3]) -> impl Iterator<Item = usize> {
    let [a, b, c] = segment.clone();
    let [_, n1, n0] = loops.map(|s| s.count);
    a.flat_map(move |i2| {
        let c = c.clone();
        b.clone().flat_map(move |i1| c.clone().map(move |i0| (i2 * n1 + i1) * n0 + i0))
    })
}

/// All iterations of three loops in segments of at most `most` steps, which is 2 or more: parts of the outermost loop
/// where inner loops are short enough, whose sizes and starts are multiples of `grain`.
fn segments(loops: [Step; 3], most: usize, grain: usize) -> Vec<Segment> {
    let [n2, n1, n0] = loops.map(|s| s.count);
    let cut = |count: usize, most: usize, grain: usize| {
        // As many as needed, about equally long.
        let size = count.div_ceil(count.div_ceil(most)).next_multiple_of(grain);
        (0..count).step_by(size).map(move |start| start..(start + size).min(count))
    };
    if n1 * n0 * grain <= most {
        let most = most / (n1 * n0) / grain * grain;
        return cut(n2, most, grain).map(|own| [own, 0..n1, 0..n0]).collect();
    }
    let inner: Vec<[Range<usize>; 2]> = if n0 * grain <= most {
        cut(n1, most / (n0 * grain), 1).map(|own| [own, 0..n0]).collect()
    } else {
        (0..n1).flat_map(|i| cut(n0, most / grain, 1).map(move |own| [i..i + 1, own])).collect()
    };
    cut(n2, grain, grain)
        .flat_map(|outer| inner.iter().cloned().map(move |[i1, i0]| [outer.clone(), i1, i0]))
        .collect()
}

/// A job for every tile: blocks of rows and columns that are as few as possible, and in which no two pixels are
/// gathered from one bank.
fn tiles<'a>(job: &'a Job) -> Vec<Job<'a>> {
    let (height, width, most) = (job.rows.len(), job.width(), job.config.lanes);
    let walk = job.input(0, 1, 0).walk;
    let blocks = (1..=most.min(height))
        .flat_map(|rows| (1..=(most / rows).min(width)).map(move |columns| (rows, columns)));
    let one = |&(lines, width): &(usize, usize)| {
        lanes::gather_cut(Grid { width, lines }, walk.line, walk.pixel, most).tiles == 1
    };
    let count = |&(rows, columns): &(usize, usize)| (height.div_ceil(rows) * width.div_ceil(columns), rows);
    let (rows, columns) = blocks.filter(one).min_by_key(count).unwrap_or((1, 1));
    let pieces = |all: Range<usize>, size: usize| {
        all.clone().step_by(size).map(move |start| start..(start + size).min(all.end))
    };
    pieces(job.rows.clone(), rows)
        .flat_map(|rows| pieces(job.columns.clone(), columns).map(move |columns| (rows.clone(), columns)))
        .map(|(rows, columns)| Job { rows, columns, ..*job })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every step is in one segment, no segment is too long, and halves stay together.
    #[test]
    fn segments_are_all_steps() {
        for counts in [[25_088, 1, 1], [2048, 3, 3], [2, 700, 9], [3, 100, 90], [7, 64, 64], [6, 5, 4]] {
            for most in [2, 3, 32, 100, 4608] {
                for grain in [1, 2] {
                    if counts[0] % grain > 0 {
                        continue;
                    }
                    let loops = counts.map(|count| Step { count, ..Step::default() });
                    let all = segments(loops, most, grain);
                    assert!(all.iter().all(|s| steps(s) <= most), "{counts:?} {most} {grain}");
                    assert!(
                        all.iter().all(|[outer, ..]| outer.start % grain == 0 && outer.len() % grain == 0)
                    );
                    let mut seen: Vec<usize> = all.iter().flat_map(|s| iterations(s, loops)).collect();
                    assert_eq!(seen.len(), counts.iter().product::<usize>());
                    seen.sort_unstable();
                    seen.dedup();
                    assert_eq!(seen.len(), counts.iter().product::<usize>(), "{counts:?} {most} {grain}");
                }
            }
        }
    }
}
