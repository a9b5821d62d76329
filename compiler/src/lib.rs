//! From a trained network to a program of the machine.
pub mod graph;
