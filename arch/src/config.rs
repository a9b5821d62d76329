//! The size of a machine: what a TOML file says, validated.

mod fields;
mod form;
mod range;
#[cfg(test)]
mod tests;

pub use fields::table;

use crate::registers::BASE_BYTES;
use crate::sdram::Sdram;
use crate::technology::Technology;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use thiserror::Error;

/// A machine. Read it with [`Config::from_toml`]; a `Config` that passed [`Config::validate`]
/// is legal everywhere in the project.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name, used for files and in reports.
    pub name: String,
    /// How its memories and multipliers are written.
    #[serde(default)]
    pub technology: Technology,
    /// P: output pixels worked on at once; also the number of feature-memory banks.
    pub lanes: usize,
    /// C: output channels (or output rows) worked on at once.
    pub columns: usize,
    /// Clock the machine is meant to run at, for frames per second.
    pub clock_mhz: f64,
    /// Feature memory.
    pub feature: Feature,
    /// Weight memory depth in words of C bytes.
    pub weight_words: usize,
    /// Parameter memory depth in output channels, of the compute and the vector unit each.
    pub parameter_words: usize,
    /// Activation tables of 256 bytes held at a time.
    pub tables: usize,
    /// Cycles in which the compute unit's requantisers serve the lanes of one column:
    /// ceil(P / slot) requantisers of two multipliers each.
    pub compute_slot: usize,
    /// The same for the vector unit.
    pub vector_slot: usize,
    /// External memory as seen by the machine.
    #[serde(default)]
    pub memory: Memory,
    /// Register stages of the datapath.
    #[serde(default)]
    pub pipeline: Pipeline,
}

/// Feature memory: `pages` pages of P banks of `page_rows` bytes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Pages; each has one read and one write port.
    pub pages: usize,
    /// Rows (of P bytes) of a page; a power of two.
    pub page_rows: usize,
}

/// The external-memory model: one port shared by reads and writes. A burst is accepted at most once
/// a cycle while fewer than `outstanding` are under way; it occupies the port for one beat a cycle,
/// at the earliest `latency` cycles after it was accepted, in the order of acceptance. With an `sdram` the times of
/// beats are those of [`crate::sdram`] instead.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Bytes of a beat (B).
    pub bus_bytes: usize,
    /// Cycles from acceptance to the first beat; of no effect with an `sdram`.
    pub latency: usize,
    /// Longest burst in bytes; bursts never cross a multiple of it.
    pub burst_bytes: usize,
    /// Bursts under way at a time.
    pub outstanding: usize,
    /// The chip, if it is an SDR SDRAM behind the project's controller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdram: Option<Sdram>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { bus_bytes: 4, latency: 30, burst_bytes: 64, outstanding: 4, sdram: None }
    }
}

impl Memory {
    /// What the base register holds a multiple of: moved by that, bursts take the same time.
    pub fn base_bytes(&self) -> usize {
        BASE_BYTES.max(self.sdram.as_ref().map_or(0, Sdram::stripe_bytes))
    }
}

/// Register stages that depend on the technology.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pipeline {
    /// Multiplier: input, output and fabric registers (3 closes timing on ECP5).
    pub multiplier: usize,
    /// Block RAM: read, and output register (2 on ECP5).
    pub ram: usize,
    /// Each crossbar: stages from decoded banks to selected data.
    pub crossbar: usize,
    /// Lanes and columns that share one fan-out register.
    pub fanout: usize,
}

impl Default for Pipeline {
    fn default() -> Self {
        Pipeline { multiplier: 3, ram: 2, crossbar: 2, fanout: 4 }
    }
}

/// What is wrong with a configuration.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ConfigError {
    /// The text is not TOML.
    #[error("error[config]: {}", self.message())]
    Parse(String),
    /// Fields are missing, not known, of another type or out of their legal ranges.
    #[error("error[config]: {}", self.message())]
    Illegal(Vec<ParameterFault>),
}

/// What is wrong with a field, named as in the TOML file.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ParameterFault {
    /// It holds something of another type, or out of its legal range.
    #[error("{field} = {value} is not legal: {range}")]
    Illegal {
        /// The field.
        field: String,
        /// What it says.
        value: String,
        /// What it may say.
        range: String,
    },
    /// It has to be there.
    #[error("{field} is missing: {range}")]
    Missing {
        /// The field.
        field: String,
        /// What it may say.
        range: String,
    },
    /// There is no such field.
    #[error("{field} is not known; try: one of {known}")]
    Unknown {
        /// The field.
        field: String,
        /// Those that stand in its place.
        known: String,
    },
}

impl ParameterFault {
    /// The field's name.
    pub fn field(&self) -> &str {
        match self {
            ParameterFault::Illegal { field, .. }
            | ParameterFault::Missing { field, .. }
            | ParameterFault::Unknown { field, .. } => field,
        }
    }
}

impl ConfigError {
    /// What is wrong, for errors that say where.
    pub fn message(&self) -> String {
        match self {
            ConfigError::Parse(why) => why.clone(),
            ConfigError::Illegal(faults) => {
                faults.iter().map(ParameterFault::to_string).collect::<Vec<_>>().join("; ")
            }
        }
    }
}

/// Most lanes or columns: the width of the bank field of an address.
pub const MAX_LANES: usize = 63;

impl Config {
    /// A machine with `lanes` x `columns` multipliers and the memories that the project's figures are
    /// quoted for: 252 KiB of features and 144 KiB of weights at 9x16.
    pub fn sized(lanes: usize, columns: usize) -> Config {
        Config {
            name: format!("tilewright-{lanes}x{columns}"),
            technology: Technology::default(),
            lanes,
            columns,
            clock_mhz: 100.0,
            feature: Feature { pages: 14, page_rows: 2048 },
            weight_words: 9216,
            parameter_words: 1024,
            tables: 8,
            compute_slot: 2,
            vector_slot: lanes,
            // A beat writes as many banks.
            memory: Memory { bus_bytes: if lanes < 4 { 2 } else { 4 }, ..Memory::default() },
            pipeline: Pipeline::default(),
        }
    }

    /// Reads and validates a TOML configuration.
    ///
    /// # Errors
    /// Text that is no TOML; all fields that are not known, missing or not legal, by name.
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        let parse = |e: toml::de::Error| ConfigError::Parse(e.to_string());
        match toml::from_str::<Config>(text) {
            Ok(config) => config.validate().map(|()| config),
            Err(e) => match form::faults(&text.parse().map_err(parse)?) {
                faults if faults.is_empty() => Err(parse(e)),
                faults => Err(ConfigError::Illegal(faults)),
            },
        }
    }

    /// The configuration as TOML that [`Config::from_toml`] reads back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a Config holds only values TOML can hold")
    }

    /// Checks every field against its legal range (`docs/machine.md`).
    ///
    /// # Errors
    /// All fields outside of their ranges, by name.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let faults = self.faults(BTreeSet::new());
        if faults.is_empty() { Ok(()) } else { Err(ConfigError::Illegal(faults)) }
    }

    /// The fields outside of their ranges, but for those that are `faulty` already, and of ranges that depend on these
    /// no more than what they say of themselves.
    fn faults(&self, faulty: BTreeSet<String>) -> Vec<ParameterFault> {
        let fault = |field: &str, value| {
            let range = fields::words(field).unwrap_or_default();
            ParameterFault::Illegal { field: field.into(), value, range }
        };
        let mut faults = Vec::new();
        let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(usable) {
            faults.push(fault("name", format!("{:?}", self.name)));
        }
        if !(self.clock_mhz.is_finite() && self.clock_mhz > 0.0) {
            faults.push(fault("clock_mhz", self.clock_mhz.to_string()));
        }
        faults.extend(fields::faults(self, faulty));
        faults
    }

    /// Rows of the whole feature memory.
    pub fn feature_rows(&self) -> usize {
        self.feature.pages * self.feature.page_rows
    }

    /// Bytes of the whole feature memory.
    pub fn feature_bytes(&self) -> usize {
        self.feature_rows() * self.lanes
    }

    /// Bytes from one weight word to the next in external memory: C rounded up to whole beats.
    pub fn weight_stride(&self) -> usize {
        self.columns.div_ceil(self.memory.bus_bytes) * self.memory.bus_bytes
    }

    /// Multiply-accumulates a cycle when every multiplier is busy.
    pub fn peak_macs(&self) -> usize {
        self.lanes * self.columns
    }
}
