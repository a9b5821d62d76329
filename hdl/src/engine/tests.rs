//! Tests of the engine: each block in two simulators, and the whole against a model written from
//! the loop nest of [`tilewright_arch::instr::TileOp`].

mod blocks;
mod cosimulation;
mod model;
mod random;
mod whole;
