//! How tensors lie in feature memory.
//!
//! Feature memory is P banks, one byte wide. A byte has a *flat index*; its bank is index mod P and
//! its row is index div P. Instructions carry addresses and address steps as [`RowBank`] pairs, so
//! that hardware adds and never divides.

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
