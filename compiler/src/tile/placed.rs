//! Views of tensors where they lie in feature memory.

use super::buffer::Buffer;
use crate::fixed::View;
use tilewright_arch::instr::{Ring, Walk};

/// A view of a buffer: channels, rows and columns of the view are `plane`, `pitch` and `pixel` bytes
/// apart.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    buffer: &'a Buffer,
    view: &'a View,
    /// Channels, rows, columns of the view.
    pub shape: [usize; 3],
    /// Bytes from channel to channel.
    pub plane: usize,
    /// Bytes from row to row.
    pub pitch: usize,
    /// Bytes from column to column.
    pub pixel: usize,
    /// Bytes from the high half of a 16-bit value to its low half.
    pub half: usize,
}

impl<'a> Placed<'a> {
    /// A view of the tensor in `buffer`. Rows that run along another axis than the tensor's need a
    /// buffer that does not wrap, except for estimates: see [`Placed::is_sound`].
    pub fn new(view: &'a View, buffer: &'a Buffer) -> Placed<'a> {
        let bytes = [buffer.plane, buffer.pitch, 1];
        let [plane, pitch, pixel] = [0, 1, 2].map(|i| view.step[i] * bytes[view.axes[i]]);
        Placed { buffer, view, shape: view.shape, plane, pitch, pixel, half: buffer.plane }
    }

    /// Whether addresses follow from strides: rows of a ring are rows of the view.
    pub fn is_sound(&self) -> bool {
        self.view.keeps_rows() || !self.buffer.is_ring()
    }

    /// Bytes from neighbour to neighbour: channels, rows, columns.
    pub fn strides(&self) -> [usize; 3] {
        [self.plane, self.pitch, self.pixel]
    }

    /// The walk over (channel, row, column) from `row`, `column`, which may lie in the padding.
    /// `first` is the first row really accessed; fewer rows than the buffer holds may be accessed
    /// from there. The ring's line counts rows of the view.
    pub fn walk(&self, channel: usize, first: usize, row: i64, column: i64) -> Walk {
        let Placed { buffer, view, .. } = self;
        let bytes = [buffer.plane, buffer.pitch, 1];
        let origin: usize = (0..3).map(|i| view.origin[i] * bytes[i]).sum();
        let (start, step) = (view.origin[1], view.step[1]);
        let turn = if view.keeps_rows() { (start + step * first) / buffer.rows } else { 0 };
        let base = (buffer.base + origin + channel * self.plane) as i64
            + row * self.pitch as i64
            + column * self.pixel as i64
            - (turn * buffer.rows * buffer.pitch) as i64;
        // The tensor's row from which on addresses wrap.
        let wraps = (turn + 1) * buffer.rows;
        let ring = if wraps < buffer.shape[1] && view.keeps_rows() && step > 0 {
            let line = (wraps - start).div_ceil(step);
            Ring { line, bytes: buffer.rows * buffer.pitch }
        } else {
            Ring::NONE
        };
        Walk { base, ring, ..Walk::default() }
    }
}
