//! The text of a [`Program`]: [`print()`] writes it, [`parse`] reads it back to an equal program.
//!
//! ```text
//! tilewright 1
//! config                                    the configuration's TOML, up to `end`
//!   name = "small"
//!   ...
//! end
//! memory 65536                              bytes of external memory
//! stream compute 4096                       address of a unit's instruction list
//! layer 0 macs=1000 operator="conv2d" name="conv1"
//! input address=0 shape=3,8,8 scale=0.5 zero=0 name="image"
//! output address=512 shape=10 scale=1.0 zero=-3 name="scores"
//! data 1024                                 constants, as lines of hexadecimal bytes
//!   00ff10
//! compute dense wait=0 groups=2 i2=3,64,0,0 layer=0 ; conv1
//! load load memory=weights external=1024 line_bytes=64
//! ```
//!
//! An instruction is its unit, its mnemonic (`dense`, `rows`, `sum`, `max`, `load`, `store`) and
//! `key=value` for every field that differs from a default: counts of one, steps of zero, no ring,
//! no operand. Values are numbers separated by commas. `;` starts a comment.

pub(crate) mod fields;
mod parse;
mod print;

pub use parse::{AsmError, parse};
pub use print::print;

use crate::instr::{LocalMemory, Reduce};

/// Version of the format, in its first line.
const VERSION: &str = "tilewright 1";

/// Mnemonics of tile operations.
const REDUCES: [(&str, Reduce); 4] =
    [("dense", Reduce::Dense), ("rows", Reduce::Rows), ("sum", Reduce::Sum), ("max", Reduce::Max)];

/// Names of on-chip memories.
const MEMORIES: [(&str, LocalMemory); 5] = [
    ("feature", LocalMemory::Feature),
    ("weights", LocalMemory::Weights),
    ("compute_channels", LocalMemory::ComputeChannels),
    ("vector_channels", LocalMemory::VectorChannels),
    ("tables", LocalMemory::Tables),
];
