//! From a trained network to a program of the machine.
mod arity;
pub mod claims;
pub mod cost;
pub mod described;
pub mod error;
pub mod files;
pub mod fixed;
pub mod float;
pub mod graph;
pub mod images;
pub mod memory;
pub mod network;
pub mod npy;
pub mod onnx;
pub mod options;
pub mod proof;
#[cfg(feature = "quantise")]
pub mod quantise;
pub mod reference;
pub mod relay;
pub mod schedule;
pub mod simplify;
pub mod tile;

/// Told how much of something long is done, and of how much.
pub type Watch<'a> = &'a (dyn Fn(usize, usize) + Sync);

#[cfg(test)]
mod testing;
