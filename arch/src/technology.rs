//! What FPGA families have as hard blocks.

use serde::{Deserialize, Serialize};

macro_rules! technologies {
    ($($(#[$doc:meta])* $variant:ident $name:literal $multiplier_bits:literal;)*) => {
        /// How memories and multipliers are written in the Verilog. All forms behave alike.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Technology {
            $($(#[$doc])* $variant),*
        }

        impl Technology {
            /// All of them.
            pub const ALL: &[Technology] = &[$(Technology::$variant),*];

            /// Their names, as a list for people.
            pub fn names() -> String {
                [$(concat!("`", $name, "`")),*].join(", ")
            }

            /// Its name in files and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Technology::$variant => $name),* }
            }

            /// Bits of each operand of its multipliers, the sign included.
            pub fn multiplier_bits(self) -> usize {
                match self { $(Technology::$variant => $multiplier_bits),* }
            }
        }
    };
}

technologies! {
    /// Plain Verilog from which synthesis infers the hard blocks.
    #[default]
    Portable "portable" 18;
    /// Primitives of the Lattice ECP5: DP16KD and MULT18X18D with their registers.
    Ecp5 "ecp5" 18;
}
