//! What FPGA families have as hard blocks.

use serde::{Deserialize, Serialize};

/// How memories and multipliers are written in the Verilog. All forms behave alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Technology {
    /// Plain Verilog from which synthesis infers the hard blocks.
    #[default]
    Portable,
    /// Primitives of the Lattice ECP5: DP16KD and MULT18X18D with their registers.
    Ecp5,
}

impl Technology {
    /// All of them.
    pub const ALL: [Technology; 2] = [Technology::Portable, Technology::Ecp5];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Technology::Portable => "portable",
            Technology::Ecp5 => "ecp5",
        }
    }

    /// Bits of each operand of its multipliers, the sign included.
    pub fn multiplier_bits(self) -> usize {
        18
    }
}
