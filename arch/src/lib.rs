//! The contract of the machine: every fact that compiler, simulator and hardware must agree on,
//! written once. Field positions, rounding, layouts, memory sizes and timing constants live here
//! and nowhere else.
//!
//! * [`config`]: the size of a machine;
//! * [`fixed`]: its arithmetic;
//! * [`layout`]: how tensors lie in feature memory;
//! * [`instr`]: what an instruction does, as a loop nest; [`encoding`]: its bits; [`asm`]: its text;
//! * [`isa`]: which machines run a program;
//! * [`timing`]: how long it takes; [`port`]: who shares the port to external memory;
//! * [`registers`]: how a host starts the machine and asks how it is; [`link`]: how a host asks a board;
//! * [`program`]: instructions, constants and the tensors of a compiled network;
//! * [`processor`]: which instructions of the computer they run on the kernels of compiler and simulator use.
pub mod asm;
pub mod config;
pub mod encoding;
pub mod fixed;
pub mod instr;
pub mod isa;
pub mod layout;
pub mod link;
pub mod port;
pub mod processor;
pub mod program;
pub mod registers;
pub mod sdram;
pub mod technology;
pub mod timing;

pub use config::Config;
pub use instr::{TileOp, Transfer, Unit};
pub use program::Program;
