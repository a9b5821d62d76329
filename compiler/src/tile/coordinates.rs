//! Coordinates of the input that the fields of an instruction can say.
//!
//! Rows and columns serve two ends alone: telling what lies outside of the input, and what lies past the
//! end of a ring. So they may be counted from anywhere, and where all pixels see the same of both, as in
//! strides over the middle of a large image, they need not move from pixel to pixel at all: the addresses
//! do.

use tilewright_arch::encoding::Field;
use tilewright_arch::encoding::tile::{
    INPUT_HEIGHT, INPUT_RING_LINE, INPUT_WIDTH, INPUT_X_STEP, INPUT_X0, INPUT_Y_STEP, INPUT_Y0,
};
use tilewright_arch::instr::{Gather, Ring, TileOp};

/// Coordinates along one axis: those of pixel n at its first step are `first + n * step`, and `0..size` are
/// inside of the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct AxisSpan {
    first: i64,
    step: usize,
    size: usize,
}

/// What an operation gathers, in coordinates that fit their fields if any do: as it is where they fit.
pub(super) fn fitted(op: &TileOp) -> Gather {
    let input = op.input;
    let lines = op.lines.div_ceil(op.line_step);
    let steps = op.steps;
    let moves = |of: fn(&tilewright_arch::instr::Step) -> i64| -> [i64; 2] {
        let ends = steps.iter().map(|s| (s.count as i64 - 1) * of(s));
        [ends.clone().map(|e| e.min(0)).sum(), ends.map(|e| e.max(0)).sum()]
    };
    let mut out = input;
    let x = AxisSpan { first: input.x0, step: input.x_step, size: input.width };
    if !fits([INPUT_X0, INPUT_X_STEP, INPUT_WIDTH], x) {
        let (x, _) = x.counted(op.width, moves(|s| s.x), None);
        (out.x0, out.x_step, out.width) = (x.first, x.step, x.size);
    }
    let y = AxisSpan { first: input.y0, step: input.y_step, size: input.height };
    let ring = input.walk.ring;
    let wraps = ring.bytes > 0;
    let line = i64::try_from(ring.line).is_ok_and(|line| INPUT_RING_LINE.range().contains(&line));
    if !fits([INPUT_Y0, INPUT_Y_STEP, INPUT_HEIGHT], y) || !line {
        let (y, line) = y.counted(lines, moves(|s| s.y), wraps.then_some(ring.line));
        (out.y0, out.y_step, out.height) = (y.first, y.step, y.size);
        out.walk.ring = line.map_or(Ring::NONE, |line| Ring { line, ..ring });
    }
    out
}

/// Whether the coordinates of an axis fit the fields of first, step and size.
fn fits([first, step, size]: [Field; 3], axis: AxisSpan) -> bool {
    let holds = |field: Field, n: usize| i64::try_from(n).is_ok_and(|n| field.range().contains(&n));
    first.range().contains(&axis.first) && holds(step, axis.step) && holds(size, axis.size)
}

impl AxisSpan {
    /// The same, counted from the first pixel's first coordinate on, for `count` pixels whose steps move
    /// coordinates by `least..=most`, with the coordinate from which on a ring wraps, if one does.
    fn counted(
        self,
        count: usize,
        [least, most]: [i64; 2],
        ring: Option<usize>,
    ) -> (AxisSpan, Option<usize>) {
        let AxisSpan { mut first, mut step, size } = self;
        let mut size = size as i64;
        // Nothing lies between the old origin and the new one.
        let origin = (first + least).max(0);
        (first, size) = (first - origin, (size - origin).max(0));
        let last = first + (count as i64 - 1) * step as i64;
        let (low, high) = (first + least, last + most);
        let ring = ring.and_then(|ring| i64::try_from(ring).ok()).map(|ring| (ring - origin).max(0));
        let ring = ring.filter(|&ring| ring <= high);
        let alike = low >= 0 && high < size && ring.is_none_or(|ring| ring <= low);
        if count == 1 || alike {
            step = 0;
            // Where the first pixel ends, all do.
            size = size.min(first + most + 1);
        } else {
            size = size.min(high + 1);
        }
        let ring = ring.and_then(|ring| usize::try_from(ring).ok());
        (AxisSpan { first, step, size: usize::try_from(size).unwrap_or(0) }, ring)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a pixel sees at every coordinate of its window: whether it is inside, and past the ring's end.
    fn seen(axis: AxisSpan, ring: Option<usize>, count: usize, moves: [i64; 2]) -> Vec<(bool, bool)> {
        let pixels = (0..count as i64).map(|n| axis.first + n * axis.step as i64);
        pixels
            .flat_map(|at| (at + moves[0])..=(at + moves[1]))
            .map(|at| {
                let inside = (0..axis.size as i64).contains(&at);
                (inside, inside && ring.is_some_and(|ring| at >= ring as i64))
            })
            .collect()
    }

    /// Every pixel sees the same in both counts.
    #[test]
    fn counts_agree_about_what_is_inside() {
        for first in [-9, -3, 0, 2, 40] {
            for step in [0, 1, 3, 8] {
                for size in [1, 5, 20, 60] {
                    for count in [1, 2, 5] {
                        for moves in [[0, 0], [0, 2], [0, 7], [-2, 1]] {
                            for ring in [Some(0), Some(3), Some(11), Some(45), None] {
                                let axis = AxisSpan { first, step, size };
                                let (other, turn) = axis.counted(count, moves, ring);
                                let (a, b) =
                                    (seen(axis, ring, count, moves), seen(other, turn, count, moves));
                                assert_eq!(a, b, "{axis:?} {count} {moves:?} {ring:?}: {other:?} {turn:?}");
                            }
                        }
                    }
                }
            }
        }
    }

    /// A stride of 257 over the middle of 8,240 columns.
    #[test]
    fn pixels_that_all_lie_inside_need_no_steps() {
        let axis = AxisSpan { first: 257, step: 257, size: 8240 };
        assert_eq!(axis.counted(30, [0, 2], None).0, AxisSpan { first: 0, step: 0, size: 3 });
        // The last pixel's window ends outside.
        let axis = AxisSpan { first: 8000, step: 119, size: 8240 };
        assert_eq!(axis.counted(3, [0, 2], None).0, AxisSpan { first: 0, step: 119, size: 240 });
    }
}
