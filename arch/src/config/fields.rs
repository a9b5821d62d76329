//! The fields of a machine's file: unit, legal range and meaning, once. What is validated and the table of
//! `docs/machine.md` are made from this one list.

use super::range::{Range, reads};
use super::{Config, MAX_LANES, ParameterFault};
use crate::sdram::MAX_WRITE_RECOVERY;
use crate::technology::Technology;
use std::collections::{BTreeMap, BTreeSet};

/// A field of a machine's TOML file.
pub(super) struct ConfigField {
    /// Its place in the file, as in `memory.latency`.
    name: &'static str,
    unit: &'static str,
    range: Range,
    meaning: &'static str,
    /// What a machine says; nothing where the field's table is left out.
    get: fn(&Config) -> Option<usize>,
}

impl ConfigField {
    /// What is wrong with it on a machine. Where a field that its range depends on is `faulty`, what that one says
    /// counts for nothing.
    fn fault(&self, config: &Config, faulty: &BTreeSet<String>) -> Option<ParameterFault> {
        let value = (self.get)(config)?;
        let ((low, high), power, range) = match &self.range {
            Range::Between(low, high) => ((*low, *high), false, None),
            Range::Power(low, high) => ((*low, *high), true, None),
            Range::Depends { power, ends, on, widest, .. } => {
                let open = faulty.iter().any(|name| on.iter().any(|on| name.starts_with(on)));
                let (low, high) = if open { *widest } else { ends(config) };
                // Where no number is legal, it is fields that the range depends on that are wrong together.
                let exact = !open && low <= high;
                ((low, high), *power, exact.then(|| reads(*power, format_args!("{low} to {high}"))))
            }
        };
        let legal = (low..=high).contains(&value) && (!power || value.is_power_of_two());
        let range = range.unwrap_or_else(|| self.range.to_string());
        (!legal).then(|| ParameterFault::Illegal { field: self.name.into(), value: value.to_string(), range })
    }
}

/// What is wrong with the numbers of a machine, in the order of the file, but for fields that are `faulty` already.
pub(super) fn faults(config: &Config, mut faulty: BTreeSet<String>) -> Vec<ParameterFault> {
    let depends = |n: &usize| matches!(FIELDS[*n].range, Range::Depends { .. });
    // Those first that others may depend on.
    let (after, first): (Vec<usize>, Vec<usize>) = (0..FIELDS.len()).partition(depends);
    let mut faults = BTreeMap::new();
    for n in first.into_iter().chain(after) {
        let field = &FIELDS[n];
        if faulty.contains(field.name) {
            continue;
        }
        if let Some(fault) = field.fault(config, &faulty) {
            faulty.insert(field.name.into());
            faults.insert(n, fault);
        }
    }
    faults.into_values().collect()
}

/// The names of all fields, in the order of the table.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, ..)| *name).chain(FIELDS.iter().map(|field| field.name)).chain([MASKS.0])
}

/// What a field may say; nothing for what is none.
pub(super) fn words(name: &str) -> Option<String> {
    let number = FIELDS.iter().find(|field| field.name == name).map(|field| field.range.to_string());
    let other = || WORDS.iter().chain([&MASKS]).find(|word| word.0 == name).map(|word| word.1());
    number.or_else(other)
}

/// The fields as a table in Markdown.
pub fn table() -> String {
    let mut text = "| Field | Unit | Range | Default | Meaning |\n|---|---|---|---|---|\n".to_owned();
    for (name, range, default, meaning) in WORDS {
        let range = range();
        text += &format!("| `{name}` | | {range} | {default} | {meaning} |\n");
    }
    let usual = Config::sized(9, 16);
    for ConfigField { name, unit, range, meaning, get } in FIELDS {
        let default = match OPTIONAL.iter().any(|table| name.starts_with(table)) {
            true => get(&usual).map_or(String::new(), |n| n.to_string()),
            false => String::new(),
        };
        text += &format!("| `{name}` | {unit} | {range} | {default} | {meaning} |\n");
    }
    let (name, range, default, meaning) = MASKS;
    let range = range();
    text + &format!("| `{name}` | | {range} | {default} | {meaning} |\n")
}

/// Fields that need not be there, by how they begin.
const OPTIONAL: [&str; 2] = ["memory.", "pipeline."];

/// A field that holds no whole number: name, range, default, meaning.
type Word = (&'static str, fn() -> String, &'static str, &'static str);

/// All but the last of them.
const WORDS: [Word; 3] = [
    ("name", || "letters, digits, `-` and `_`".into(), "", "names files and reports"),
    ("technology", Technology::names, "portable", "how memories and multipliers are written in the Verilog"),
    (
        "clock_mhz",
        || "above 0".into(),
        "",
        "the clock in MHz that the machine is meant to run at, for times in seconds",
    ),
];

/// Of the requantisers' slots.
const SLOT: Range = Range::Depends {
    power: false,
    ends: |c| (1, c.lanes),
    reads: "1 to `lanes`",
    on: &["lanes"],
    widest: (1, MAX_LANES),
};

/// The last of the fields.
const MASKS: Word = (
    "memory.sdram.byte_masks",
    || "`true` or `false`".into(),
    "true",
    "whether the board has the pins that mask bytes of a write; without them the first and the last word of a write are \
     read before it",
);

const FIELDS: &[ConfigField] = &[
    ConfigField {
        name: "lanes",
        unit: "pixels",
        range: Range::Between(2, MAX_LANES),
        meaning: "P: output pixels worked on at once, and banks of a page",
        get: |c| Some(c.lanes),
    },
    ConfigField {
        name: "columns",
        unit: "channels",
        range: Range::Between(2, MAX_LANES),
        meaning: "C: output channels (or output rows) worked on at once",
        get: |c| Some(c.columns),
    },
    ConfigField {
        name: "weight_words",
        unit: "words of C bytes",
        range: Range::Between(64, 32768),
        meaning: "depth of the weight memory",
        get: |c| Some(c.weight_words),
    },
    ConfigField {
        name: "parameter_words",
        unit: "output channels",
        range: Range::Between(16, 4096),
        meaning: "depth of the parameter memories, of the compute and the vector unit each",
        get: |c| Some(c.parameter_words),
    },
    ConfigField {
        name: "tables",
        unit: "tables of 256 bytes",
        range: Range::Between(1, 16),
        meaning: "activation tables held at a time",
        get: |c| Some(c.tables),
    },
    ConfigField {
        name: "compute_slot",
        unit: "cycles",
        range: SLOT,
        meaning: "in which the compute unit's requantisers serve the lanes of a column: ceil(P / slot) of them",
        get: |c| Some(c.compute_slot),
    },
    ConfigField {
        name: "vector_slot",
        unit: "cycles",
        range: SLOT,
        meaning: "the same for the vector unit",
        get: |c| Some(c.vector_slot),
    },
    ConfigField {
        name: "feature.pages",
        unit: "pages",
        range: Range::Between(2, 32),
        meaning: "pages of the feature memory, with a read and a write port each",
        get: |c| Some(c.feature.pages),
    },
    ConfigField {
        name: "feature.page_rows",
        unit: "rows of P bytes",
        range: Range::Depends {
            power: true,
            ends: |c| {
                (64.max(128usize.div_ceil(c.feature.pages.max(1))), 16384.min(32768 / c.feature.pages.max(1)))
            },
            reads: "64 to 16384; of all pages together 128 to 32768",
            on: &["feature.pages"],
            widest: (64, 16384),
        },
        meaning: "rows of a page",
        get: |c| Some(c.feature.page_rows),
    },
    ConfigField {
        name: "memory.bus_bytes",
        unit: "bytes",
        // A beat writes consecutive bytes, hence that many different banks.
        range: Range::Depends {
            power: true,
            ends: |c| match &c.memory.sdram {
                Some(chip) => (chip.data_bits / 8, (chip.data_bits / 8).min(c.lanes)),
                None => (1, 16.min(c.lanes)),
            },
            reads: "1 to 16 and at most `lanes`; with an `sdram` its `data_bits` / 8",
            on: &["lanes", "memory.sdram.data_bits"],
            widest: (1, 16),
        },
        meaning: "B: bytes of a beat of the external memory",
        get: |c| Some(c.memory.bus_bytes),
    },
    ConfigField {
        name: "memory.latency",
        unit: "cycles",
        range: Range::Between(1, 1000),
        meaning: "from the acceptance of a burst to its first beat; of no effect with an `sdram`",
        get: |c| Some(c.memory.latency),
    },
    ConfigField {
        name: "memory.burst_bytes",
        unit: "bytes",
        // An AXI burst has at most 256 beats.
        range: Range::Depends {
            power: true,
            ends: |c| {
                let beat = c.memory.bus_bytes.max(1);
                (beat.saturating_mul(2), 1024.min(beat.saturating_mul(256)))
            },
            reads: "2 beats to 1024 bytes or 256 beats",
            on: &["memory.bus_bytes"],
            widest: (2, 1024),
        },
        meaning: "longest burst; bursts never cross a multiple of it",
        get: |c| Some(c.memory.burst_bytes),
    },
    ConfigField {
        name: "memory.outstanding",
        unit: "bursts",
        range: Range::Between(1, 16),
        meaning: "under way at a time",
        get: |c| Some(c.memory.outstanding),
    },
    ConfigField {
        name: "memory.sdram.data_bits",
        unit: "bits",
        range: Range::Power(16, 32),
        meaning: "data pins of an SDR SDRAM behind the project's controller",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.data_bits),
    },
    ConfigField {
        name: "memory.sdram.banks",
        unit: "banks",
        range: Range::Power(2, 4),
        meaning: "of the chip",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.banks),
    },
    ConfigField {
        name: "memory.sdram.row_bits",
        unit: "bits",
        range: Range::Between(11, 13),
        meaning: "of a row's number",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.row_bits),
    },
    ConfigField {
        name: "memory.sdram.column_bits",
        unit: "bits",
        // A10 says what a precharge means, so columns have the bits below.
        range: Range::Between(8, 10),
        meaning: "of a column's number",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.column_bits),
    },
    ConfigField {
        name: "memory.sdram.cas_latency",
        unit: "cycles",
        range: Range::Between(2, 3),
        meaning: "CL: from a read command to its first word",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.cas_latency),
    },
    ConfigField {
        name: "memory.sdram.t_rcd",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from activate to read or write",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_rcd),
    },
    ConfigField {
        name: "memory.sdram.t_rp",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from precharge to activate or refresh",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_rp),
    },
    ConfigField {
        name: "memory.sdram.t_ras",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from activate to precharge",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_ras),
    },
    ConfigField {
        name: "memory.sdram.t_rc",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from activate to activate, of any bank",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_rc),
    },
    ConfigField {
        name: "memory.sdram.t_rfc",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from refresh to activate or refresh",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_rfc),
    },
    ConfigField {
        name: "memory.sdram.t_wr",
        unit: "cycles",
        // A burst stop comes between a write and the precharge of its bank.
        range: Range::Between(2, MAX_WRITE_RECOVERY),
        meaning: "from the last word of a write to precharge",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_wr),
    },
    ConfigField {
        name: "memory.sdram.t_mrd",
        unit: "cycles",
        range: Range::Between(1, 31),
        meaning: "from the setting of the mode to the next command",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.t_mrd),
    },
    ConfigField {
        name: "memory.sdram.refresh",
        unit: "cycles",
        // A refresh that is due has been before the next is.
        range: Range::Depends {
            power: false,
            ends: |c| {
                let beats = c.memory.burst_bytes / c.memory.bus_bytes.max(1);
                (c.memory.sdram.as_ref().map_or(0, |chip| chip.longest_wait(beats)), 65535)
            },
            reads: "the longest wait of a refresh (some bursts) to 65535",
            on: &["memory.bus_bytes", "memory.burst_bytes", "memory.sdram"],
            widest: (1, 65535),
        },
        meaning: "from one refresh to the next when nothing is in its way",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.refresh),
    },
    ConfigField {
        name: "memory.sdram.power_up",
        unit: "cycles",
        range: Range::Between(1, 65535),
        meaning: "from power-up to the first command",
        get: |c| c.memory.sdram.as_ref().map(|chip| chip.power_up),
    },
    ConfigField {
        name: "pipeline.multiplier",
        unit: "registers",
        range: Range::Between(1, 4),
        meaning: "of a multiplier: input, output, fabric; 3 closes timing on ECP5",
        get: |c| Some(c.pipeline.multiplier),
    },
    ConfigField {
        name: "pipeline.ram",
        unit: "registers",
        range: Range::Between(1, 2),
        meaning: "of a block RAM: read, output",
        get: |c| Some(c.pipeline.ram),
    },
    ConfigField {
        name: "pipeline.crossbar",
        unit: "registers",
        range: Range::Between(1, 3),
        meaning: "of each crossbar, from decoded banks to selected data",
        get: |c| Some(c.pipeline.crossbar),
    },
    ConfigField {
        name: "pipeline.fanout",
        unit: "lanes or columns",
        range: Range::Between(1, 64),
        meaning: "that share one fan-out register",
        get: |c| Some(c.pipeline.fanout),
    },
];
