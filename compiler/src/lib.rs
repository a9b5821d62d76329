//! From a trained network to a program of the machine.
pub mod graph;
pub mod fixed;
pub mod error;
pub mod onnx;
pub mod quantise;
pub mod reference;
pub mod float;
pub mod images;
pub mod npy;
pub mod simplify;
pub mod schedule;
pub mod tile;

#[cfg(test)]
mod testing;
