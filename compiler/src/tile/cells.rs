//! Output rows and columns of a node in pieces whose sizes and strides an instruction can say.

use crate::graph::Window;
use std::ops::Range;
use tilewright_arch::encoding::Field;
use tilewright_arch::encoding::tile::{INPUT_HEIGHT, INPUT_WIDTH, INPUT_X_STEP, INPUT_Y_STEP, LINES, WIDTH};

/// Most pixels of a piece along an axis where pieces are needed.
const MOST: usize = 4096;

/// The pieces, in order, of output rows (`axis` 0) or columns (1) `range` of a window over `size` input
/// rows or columns, whose results take `block` rows or columns each. One piece where all fits one
/// instruction.
///
/// Coordinates say what lies outside of the input ([`super::coordinates`]). They move from pixel to pixel
/// by the stride: a piece spans as many as there are numbers. Strides that no field holds leave pixels that
/// reach outside to themselves, and the others, which need no coordinates, together.
pub(super) fn cells(
    window: &Window,
    axis: usize,
    size: usize,
    range: Range<usize>,
    block: usize,
) -> Vec<Range<usize>> {
    let largest = |field: Field| usize::try_from(*field.range().end()).unwrap_or(usize::MAX);
    let (outputs, inputs, strides) = match axis {
        0 => (largest(LINES), largest(INPUT_HEIGHT), largest(INPUT_Y_STEP)),
        _ => (largest(WIDTH), largest(INPUT_WIDTH), largest(INPUT_X_STEP)),
    };
    let (stride, before) = (window.stride[axis], window.pads[axis]);
    let reach = window.covers(axis);
    if range.len() * block <= outputs && size <= inputs && stride <= strides {
        return vec![range];
    }
    let most = (MOST / block).max(1);
    if stride <= strides {
        let most = most.min(inputs.saturating_sub(reach) / stride + 1);
        return pieces(range, most).collect();
    }
    let first = before.div_ceil(stride).clamp(range.start, range.end);
    let end = (size + before).checked_sub(reach).map_or(0, |room| room / stride + 1);
    let end = end.clamp(first, range.end);
    let (head, tail) = (range.start..first, end..range.end);
    pieces(head, 1).chain(pieces(first..end, most)).chain(pieces(tail, 1)).collect()
}

fn pieces(range: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    range.clone().step_by(most).map(move |start| start..(start + most).min(range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: usize, stride: usize, pad: usize) -> Window {
        Window { kernel: [1, kernel], stride: [1, stride], pads: [0, pad, 0, pad], ..Window::UNIT }
    }

    #[test]
    fn one_piece_where_fields_hold_it() {
        assert_eq!(cells(&window(3, 1, 1), 1, 8191, 0..8191, 1), vec![0..8191]);
        assert_eq!(cells(&window(3, 63, 1), 1, 700, 0..12, 1), vec![0..12]);
    }

    #[test]
    fn large_strides_leave_alone_what_reaches_outside() {
        // An STFT: windows of 512 every 256, padded by 256.
        assert_eq!(cells(&window(512, 256, 256), 1, 4096, 0..17, 1), [0..1, 1..16, 16..17]);
        assert_eq!(cells(&window(3, 257, 0), 1, 2056, 0..8, 1), vec![0..8]);
        assert_eq!(cells(&window(400, 64, 100), 1, 100, 0..0, 1), []);
    }

    #[test]
    fn pieces_of_wide_inputs_follow_each_other() {
        for (kernel, stride, pad) in [(1, 1, 0), (3, 1, 1), (9, 2, 300), (64, 63, 5)] {
            let outputs = (100_000 + 2 * pad - kernel) / stride + 1;
            let list = cells(&window(kernel, stride, pad), 1, 100_000, 0..outputs, 1);
            assert_eq!((list[0].start, list[list.len() - 1].end), (0, outputs));
            assert!(list.windows(2).all(|two| two[0].end == two[1].start));
            assert!(list.iter().all(|c| (c.len() - 1) * stride + kernel <= 8191 && !c.is_empty()));
        }
    }
}
