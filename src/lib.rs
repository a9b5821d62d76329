//! Tilewright: a trained vision network in, a fixed-point program and the Verilog of a convolution
//! machine out, with proof that they compute the same integers in the same number of cycles.
//!
//! [`net`] is what other programs use: it loads, runs and verifies what `compile` wrote.
//!
//! This crate ties the parts together for the command line and the tests: [`model`] reads networks, [`samples`] what they
//! are fed, [`request`] opens what is named, [`pipeline`] compiles, [`artefact`] keeps what was compiled, [`host`] runs
//! it on a board, [`build`] makes its bitstream, [`proof`] runs the integer reference, the simulator and the Verilog
//! against each other, [`reduce`] cuts down what fails, [`suite`] keeps numeric regression tests, [`targets`] knows the
//! machines.

pub mod artefact;
pub mod assurance;
pub mod bench;
pub mod build;
pub mod finite;
pub mod host;
pub mod metric;
pub mod model;
pub mod net;
pub mod pipeline;
pub mod proof;
pub mod reduce;
pub mod request;
pub mod samples;
pub mod suite;
pub mod targets;
