//! The key of the instruction set: which machines run a program.
//!
//! Programs and machines that agree in everything that instructions and images depend on have one key, a number of
//! 32 bits. It stands in a read-only register of the machine and at the head of every instruction list
//! ([`crate::program`]), where the machine compares it before it issues anything of that list.

use crate::Config;
use crate::encoding::VERSION;

/// What a program and the machine that runs it agree in, as text.
pub fn text(config: &Config) -> String {
    let Config { lanes, columns, feature, weight_words, parameter_words, tables, memory, .. } = config;
    format!(
        "isa {VERSION} lanes {lanes} columns {columns} pages {} rows {} weights {weight_words} parameters \
         {parameter_words} tables {tables} bus {} burst {}",
        feature.pages, feature.page_rows, memory.bus_bytes, memory.burst_bytes
    )
}

/// The key: the FNV-1a hash, 32 bits, of [`text`].
pub fn key(config: &Config) -> u32 {
    text(config).bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What changes the meaning of a program changes the key, what changes its time does not.
    #[test]
    fn keys_differ_where_programs_do() {
        let machine = Config::sized(9, 16);
        let edited = |edit: fn(&mut Config)| {
            let mut config = machine.clone();
            edit(&mut config);
            key(&config)
        };
        let others: [fn(&mut Config); 9] = [
            |c| c.lanes = 8,
            |c| c.columns = 15,
            |c| c.feature.pages = 13,
            |c| c.feature.page_rows = 1024,
            |c| c.weight_words = 9215,
            |c| c.parameter_words = 1023,
            |c| c.tables = 7,
            |c| c.memory.bus_bytes = 2,
            |c| c.memory.burst_bytes = 128,
        ];
        let mut keys: Vec<u32> = others.into_iter().map(edited).chain([key(&machine)]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), others.len() + 1);
        let same: [fn(&mut Config); 4] = [
            |c| c.name = "other".into(),
            |c| c.compute_slot = 1,
            |c| c.memory.latency = 3,
            |c| c.pipeline.ram = 1,
        ];
        assert!(same.into_iter().all(|edit| edited(edit) == key(&machine)));
        // Memory that nobody has written is nobody's program.
        assert_ne!(key(&machine), 0);
    }
}
