//! The size of a machine: what a TOML file says, validated.

mod fields;

pub use fields::table;

use crate::registers::BASE_BYTES;
use crate::sdram::Sdram;
use crate::technology::Technology;
use serde::{Deserialize, Serialize};
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
    /// The text is not TOML of the expected form.
    #[error("error[config]: {0}")]
    Parse(String),
    /// Fields are out of their legal ranges.
    #[error("error[config]: {}", sentences(.0))]
    Illegal(Vec<ParameterFault>),
}

/// A field that is out of its legal range.
#[derive(Clone, PartialEq, Debug, Error)]
#[error("{field} = {value} is not legal: {range}")]
pub struct ParameterFault {
    /// The field, as in the TOML file.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// What it may say.
    pub range: String,
}

fn sentences(faults: &[ParameterFault]) -> String {
    faults.iter().map(ParameterFault::to_string).collect::<Vec<_>>().join("; ")
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
    /// Text that is no TOML, a field that is not known, and those of [`Config::validate`].
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|e| ConfigError::Parse(e.to_string()))?;
        config.validate()?;
        Ok(config)
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
        let fault = |field, value, range: &str| ParameterFault { field, value, range: range.to_owned() };
        let mut faults = Vec::new();
        let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(usable) {
            let range = "letters, digits, '-' and '_', at least one";
            faults.push(fault("name", format!("{:?}", self.name), range));
        }
        if !(self.clock_mhz.is_finite() && self.clock_mhz > 0.0) {
            faults.push(fault("clock_mhz", self.clock_mhz.to_string(), "a positive number"));
        }
        faults.extend(fields::faults(self));
        if faults.is_empty() { Ok(()) } else { Err(ConfigError::Illegal(faults)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_round_trip() {
        let config = Config::sized(7, 11);
        assert_eq!(Config::from_toml(&config.to_toml()), Ok(config));
    }

    #[test]
    fn machines_of_any_size_are_legal() {
        for (lanes, columns) in [(2, 2), (2, 4), (3, 3), (4, 2), (7, 11), (MAX_LANES, MAX_LANES)] {
            assert_eq!(Config::sized(lanes, columns).validate(), Ok(()), "{lanes}x{columns}");
        }
    }

    #[test]
    fn errors_name_field_and_range() {
        let check = |edit: fn(&mut Config), want: &str| {
            let mut config = Config::sized(9, 16);
            edit(&mut config);
            assert_eq!(config.validate().unwrap_err().to_string(), want);
        };
        check(|c| c.lanes = 64, "error[config]: lanes = 64 is not legal: 2 to 63");
        check(
            |c| c.feature.page_rows = 1000,
            "error[config]: feature.page_rows = 1000 is not legal: a power of two, 64 to 2340",
        );
        check(
            |c| c.memory.bus_bytes = 16,
            "error[config]: memory.bus_bytes = 16 is not legal: a power of two, 1 to 9",
        );
        check(|c| c.clock_mhz = f64::NAN, "error[config]: clock_mhz = NaN is not legal: a positive number");
        check(
            |c| (c.columns, c.tables, c.name) = (0, 17, "a b".into()),
            "error[config]: name = \"a b\" is not legal: letters, digits, '-' and '_', at least one; columns = 0 is \
             not legal: 2 to 63; tables = 17 is not legal: 1 to 16",
        );
        // What other fields allow is not told where these are wrong.
        check(|c| c.lanes = 0, "error[config]: lanes = 0 is not legal: 2 to 63");
        check(
            |c| c.memory.bus_bytes = 0,
            "error[config]: memory.bus_bytes = 0 is not legal: a power of two, 1 to 9",
        );
        let with = |edit: fn(&mut Config)| {
            let mut config = Config::sized(9, 16);
            config.memory.bus_bytes = 2;
            config.memory.sdram = Some(Sdram::default());
            assert_eq!(Config::from_toml(&config.to_toml()), Ok(config.clone()));
            edit(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(
            with(|c| c.memory.bus_bytes = 4)
                .contains("memory.bus_bytes = 4 is not legal: a power of two, 2 to 2")
        );
        assert_eq!(
            with(|c| {
                (c.lanes, c.vector_slot, c.memory.bus_bytes) = (2, 2, 4);
                c.memory.sdram.as_mut().unwrap().data_bits = 32;
            }),
            "error[config]: memory.bus_bytes = 4 is not legal: a power of two, 1 to 16 and at most `lanes`; with an \
             `sdram` its `data_bits` / 8"
        );
        assert!(with(|c| c.memory.sdram.as_mut().unwrap().refresh = 100).contains("memory.sdram.refresh"));
        assert!(with(|c| c.memory.sdram.as_mut().unwrap().t_wr = 1).contains("memory.sdram.t_wr"));
        let unknown = Config::sized(4, 4).to_toml().replace("lanes", "lames");
        assert!(Config::from_toml(&unknown).unwrap_err().to_string().contains("lames"));
    }
}
