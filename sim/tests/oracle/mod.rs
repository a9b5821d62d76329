//! A slow second simulator: executes the loop nests of `arch::instr` literally, one element at a
//! time, and steps the rules of `arch::timing` cycle by cycle. Shares nothing with the crate under
//! test but the contract; reads its instructions from external memory, as the hardware does.

mod machine;
mod port;
mod values;

pub use machine::run;
