//! The masters of the port to external memory, by number: the highest priority first.
//!
//! Masters 0 to 3 fetch the instructions of the four units, in the order of [`crate::instr::Unit`].

/// How many there are.
pub const MASTERS: usize = 6;
/// Store's data, the only master that writes.
pub const STORE: usize = 4;
/// Load's data.
pub const LOAD: usize = 5;
