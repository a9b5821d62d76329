//! How tensors lie in feature memory.
//!
//! Feature memory is P banks, one byte wide. A byte has a *flat index*; its bank is index mod P and
//! its row is index div P. Instructions carry addresses and address steps as [`RowBank`] pairs, so
//! that hardware adds and never divides.

use serde::{Deserialize, Serialize};

/// A flat index split for P banks. Steps may be negative: the row is floored, the bank is not
/// negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RowBank {
    /// Row, signed for steps.
    pub row: i64,
    /// Bank, 0..P.
    pub bank: usize,
}

impl RowBank {
    /// Splits a flat index or step.
    pub fn split(flat: i64, lanes: usize) -> RowBank {
        let lanes = lanes as i64;
        RowBank { row: flat.div_euclid(lanes), bank: flat.rem_euclid(lanes) as usize }
    }

    /// Inverse of [`RowBank::split`].
    pub fn join(self, lanes: usize) -> i64 {
        self.row * lanes as i64 + self.bank as i64
    }
}

/// Where a C x H x W tensor lies: element (c, y, x) has the flat index
/// `base + c * plane + y * pitch + x`. Rows longer than W and planes longer than H rows leave
/// bytes unused that make accesses free of bank conflicts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TensorLayout {
    /// Flat index of element (0, 0, 0).
    pub base: usize,
    /// Channels, rows, columns.
    pub shape: [usize; 3],
    /// Bytes from a channel to the next.
    pub plane: usize,
    /// Bytes from a row to the next.
    pub pitch: usize,
}

impl TensorLayout {
    /// Flat index of an element.
    pub fn index(&self, c: usize, y: usize, x: usize) -> usize {
        self.base + c * self.plane + y * self.pitch + x
    }

    /// Bytes from the base to the end of the last element.
    pub fn span(&self) -> usize {
        let [c, h, w] = self.shape;
        (c - 1) * self.plane + (h - 1) * self.pitch + w
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_and_join() {
        for lanes in 2..20 {
            for flat in -100..100 {
                let split = RowBank::split(flat, lanes);
                assert!(split.bank < lanes);
                assert_eq!(split.join(lanes), flat);
            }
        }
        assert_eq!(RowBank::split(-1, 9), RowBank { row: -1, bank: 8 });
    }
}
