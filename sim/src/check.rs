//! What an instruction touches, and the rules about it.
//!
//! * [`access`]: the bytes and words an instruction reads and writes;
//! * [`banks`]: lanes of an access in different banks;
//! * [`races`]: instructions that no semaphore orders.

pub mod access;
pub mod banks;
pub mod races;
