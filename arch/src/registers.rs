//! The register port: the machine's 32-bit words as a host sees them. Hardware, test benches, the C header and
//! the tables of `docs/interface.md` are made from this one list.

use crate::instr::Unit;
use std::fmt::Write;

/// Bits of the number of a register.
pub const NUMBER_BITS: usize = 4;

/// A register, or several of one meaning that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// Number of the first.
    pub number: usize,
    /// How many: one, two for a number of 64 bits (low word first), or one a unit in the order of [`Unit::ALL`].
    pub count: usize,
    /// Name in documents; in capitals in the C header.
    pub name: &'static str,
    /// What is read.
    pub read: &'static str,
    /// What writing does; empty where it does nothing.
    pub write: &'static str,
}

const UNITS: usize = Unit::ALL.len();
/// What a register says that holds what the host wrote.
const WRITTEN: &str = "what was written";

/// Start and status.
pub const CONTROL: Register = Register {
    number: 0,
    count: 1,
    name: "control",
    read: "bit 0: done; bit 1: running",
    write: "bit 0: start, if not running",
};
/// Errors, bits of [`ERRORS`].
pub const ERROR: Register =
    Register { number: 1, count: 1, name: "error", read: "bits below; zero after a start", write: "" };
/// Cycle counter.
pub const CYCLES: Register = Register {
    number: 2,
    count: 2,
    name: "cycles",
    read: "of this run so far, or of the last: low word, high word; the cycle of the start is 0",
    write: "",
};
/// Places of the instruction lists.
pub const ADDRESS: Register = Register {
    number: 4,
    count: UNITS,
    name: "address",
    read: WRITTEN,
    write: "byte address of the instruction list of compute, vector, load, store; a multiple of 128",
};
/// Lengths of the instruction lists.
pub const COUNT: Register =
    Register { number: 8, count: UNITS, name: "count", read: WRITTEN, write: "instructions in that list" };

/// The key of the machine's programs.
pub const ISA: Register = Register {
    number: 12,
    count: 1,
    name: "isa",
    read: "key of the programs that run on this machine, `keys.isa` of an artefact",
    write: "",
};
/// The most cycles that a run may take.
pub const LIMIT: Register = Register {
    number: 13,
    count: 1,
    name: "limit",
    read: WRITTEN,
    write: "most cycles of a run, which then ends with `cycle_limit`; 0, as after power-up: no limit",
};
/// Where in memory the addresses of a program begin.
pub const BASE: Register = Register {
    number: 14,
    count: 1,
    name: "base",
    read: WRITTEN,
    write: "what is added to all addresses, those of the lists too; a multiple of 4096, 0 after power-up",
};
/// [`BASE`] is a multiple of this, whatever the machine: no burst crosses one.
pub const BASE_BYTES: usize = 4096;

/// All registers, by number.
pub const ALL: [Register; 8] = [CONTROL, ERROR, CYCLES, ADDRESS, COUNT, ISA, LIMIT, BASE];

/// A bit of [`ERROR`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErrorBit {
    /// Its name.
    pub name: &'static str,
    /// What happened.
    pub meaning: &'static str,
}

/// The bits of [`ERROR`], bit 0 first.
pub const ERRORS: [ErrorBit; 8] = [
    ErrorBit { name: "read_error", meaning: "the memory answered a read with SLVERR or DECERR" },
    ErrorBit { name: "write_error", meaning: "the memory answered a write with SLVERR or DECERR" },
    ErrorBit { name: "load_illegal", meaning: "a load to a memory that does not exist" },
    ErrorBit { name: "store_illegal", meaning: "a store of another memory than the feature memory" },
    ErrorBit {
        name: "semaphore_overflow",
        meaning: "more signals than a semaphore counts: the lists are not of one program",
    },
    ErrorBit {
        name: "foreign_program",
        meaning: "a list does not begin with the key of this machine; nothing of it was issued",
    },
    ErrorBit { name: "base_misaligned", meaning: "the base is no multiple of 4096; nothing was read" },
    ErrorBit { name: "cycle_limit", meaning: "the run was not done within the cycles of `limit`" },
];

impl Register {
    /// Its numbers as documents write them: `0`, `2, 3` or `4 to 7`.
    fn numbers(&self) -> String {
        let last = self.number + self.count - 1;
        match self.count {
            1 => self.number.to_string(),
            2 => format!("{}, {last}", self.number),
            _ => format!("{} to {last}", self.number),
        }
    }
}

/// The table of the registers, in Markdown.
pub fn table() -> String {
    let mut text = String::from("| number | name | read | write |\n|---|---|---|---|\n");
    for register in ALL {
        let Register { name, read, write, .. } = register;
        let row = format!("| {} | {name} | {read} | {write} |", register.numbers());
        text.push_str(&row.replace("|  |", "| |"));
        text.push('\n');
    }
    text
}

/// Definitions for C: `TILEWRIGHT_` and the register's name, `TILEWRIGHT_ERROR_` and the bit's.
pub fn c_defines() -> String {
    let mut text = String::new();
    let mut define = |name: String, value: String, what: String| {
        let _ = writeln!(text, "#define {:<40} {value:<12} /* {what} */", format!("TILEWRIGHT_{name}"));
    };
    for Register { number, count, name, read, write } in ALL {
        let first = if count > 1 { format!("first of {count}; ") } else { String::new() };
        let write = if write.is_empty() { String::new() } else { format!("; write: {write}") };
        define(name.to_uppercase(), number.to_string(), format!("{first}read: {read}{write}"));
    }
    for (bit, error) in ERRORS.iter().enumerate() {
        let name = format!("ERROR_{}", error.name.to_uppercase());
        define(name, format!("{:#x}u", 1 << bit), error.meaning.to_owned());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other() {
        let mut next = 0;
        for register in ALL {
            assert_eq!(register.number, next, "{}", register.name);
            next += register.count;
        }
        assert!(next <= 1 << NUMBER_BITS);
        assert!(ERRORS.len() <= 32);
        assert!(BASE.write.contains(&format!("a multiple of {BASE_BYTES}")));
        assert!(ADDRESS.write.contains(&format!("a multiple of {}", crate::encoding::TILE_BYTES)));
        assert_eq!(CYCLES.numbers() + "; " + &COUNT.numbers(), "2, 3; 8 to 11");
    }
}
