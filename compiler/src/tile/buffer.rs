//! Tensors in feature memory, whole or as rings of rows.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Where a tensor lies in feature memory: row y of channel c begins at flat index
/// `base + c * plane + (y mod rows) * pitch`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Buffer {
    /// Flat index of the first byte; a multiple of the lanes.
    pub base: usize,
    /// Bytes from channel to channel.
    pub plane: usize,
    /// Bytes from row to row.
    pub pitch: usize,
    /// Rows held at a time; at least the tensor's height when nothing wraps.
    pub rows: usize,
    /// Channels, rows, columns of the whole tensor.
    pub shape: [usize; 3],
}

impl Buffer {
    /// A whole tensor of `shape` at address zero with the given pitch, planes following each other.
    pub fn whole(shape: [usize; 3], pitch: usize) -> Buffer {
        Buffer { base: 0, plane: shape[1] * pitch, pitch, rows: shape[1], shape }
    }

    /// A ring of at least `rows` rows, a whole number of blocks of `block` rows: the smallest whose
    /// bytes are a multiple of the lanes, so that wrapping leaves banks alone. The whole tensor when
    /// that is no larger.
    pub fn ring(shape: [usize; 3], pitch: usize, rows: usize, block: usize, lanes: usize) -> Buffer {
        let turn = lanes / gcd(pitch, lanes);
        let rows = rows.next_multiple_of(turn * block / gcd(turn, block));
        if rows >= shape[1] {
            return Buffer::whole(shape, pitch);
        }
        Buffer { base: 0, plane: rows * pitch, pitch, rows, shape }
    }

    /// Whether rows wrap.
    pub fn is_ring(&self) -> bool {
        self.rows < self.shape[1]
    }

    /// Bytes from the base to the end.
    pub fn span(&self) -> usize {
        (self.shape[0] - 1) * self.plane + self.rows * self.pitch
    }

    /// Pages of `page` bytes it touches.
    pub fn pages(&self, page: usize) -> Range<usize> {
        self.base / page..(self.base + self.span()).div_ceil(page)
    }

    /// Ring rows of a range of tensor rows, as one or two ranges.
    pub fn held(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        if rows.len() >= self.rows {
            return wrapped(0, self.rows, self.rows);
        }
        wrapped(rows.start % self.rows, rows.len(), self.rows)
    }
}

/// `count` places of a ring of `size` from `first` on, as one or two ranges.
pub fn wrapped(first: usize, count: usize, size: usize) -> Vec<Range<usize>> {
    let end = first + count;
    std::iter::once(first..end.min(size)).chain((end > size).then(|| 0..end - size)).collect()
}

/// Greatest common divisor; `gcd(0, n)` is n.
pub fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
