//! The size of a machine: what a TOML file says, validated.

use crate::registers::BASE_BYTES;
use crate::sdram::{MAX_WRITE_RECOVERY, Sdram};
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
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bytes of a beat (B).
    pub bus_bytes: usize,
    /// Cycles from acceptance to the first beat; of no effect with an `sdram`.
    #[serde(default = "latency")]
    pub latency: usize,
    /// Longest burst in bytes; bursts never cross a multiple of it.
    pub burst_bytes: usize,
    /// Bursts under way at a time.
    pub outstanding: usize,
    /// The chip, if it is an SDR SDRAM behind the project's controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdram: Option<Sdram>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { bus_bytes: 4, latency: latency(), burst_bytes: 64, outstanding: 4, sdram: None }
    }
}

/// [`Memory::latency`] where nothing is said.
fn latency() -> usize {
    30
}

impl Memory {
    /// What the base register holds a multiple of: moved by that, bursts take the same time.
    pub fn base_bytes(&self) -> usize {
        BASE_BYTES.max(self.sdram.as_ref().map_or(0, Sdram::stripe_bytes))
    }
}

/// Register stages that depend on the technology.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// A field is out of its legal range.
    #[error("error[config]: {field} = {value} is not legal: {range}")]
    Range {
        /// The field, as in the TOML file.
        field: &'static str,
        /// What it says.
        value: String,
        /// What it may say.
        range: String,
    },
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

    /// Checks every field against its legal range; the error names the field and the range.
    ///
    /// # Errors
    /// The first field outside of its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        fn within(field: &'static str, value: usize, low: usize, high: usize) -> Result<(), ConfigError> {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Range { field, value: value.to_string(), range: format!("{low} to {high}") })
        }
        fn power(field: &'static str, value: usize) -> Result<(), ConfigError> {
            if value.is_power_of_two() {
                return Ok(());
            }
            Err(ConfigError::Range { field, value: value.to_string(), range: "a power of two".into() })
        }
        let usable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(usable) {
            return Err(ConfigError::Range {
                field: "name",
                value: self.name.clone(),
                range: "letters, digits, '-' and '_', at least one".into(),
            });
        }
        within("lanes", self.lanes, 2, MAX_LANES)?;
        within("columns", self.columns, 2, MAX_LANES)?;
        if !(self.clock_mhz.is_finite() && self.clock_mhz > 0.0) {
            return Err(ConfigError::Range {
                field: "clock_mhz",
                value: self.clock_mhz.to_string(),
                range: "a positive number".into(),
            });
        }
        within("feature.pages", self.feature.pages, 2, 32)?;
        within("feature.page_rows", self.feature.page_rows, 64, 16384)?;
        power("feature.page_rows", self.feature.page_rows)?;
        within("feature.pages * feature.page_rows", self.feature_rows(), 128, 1 << 15)?;
        within("weight_words", self.weight_words, 64, 32768)?;
        within("parameter_words", self.parameter_words, 16, 4096)?;
        within("tables", self.tables, 1, 16)?;
        within("compute_slot", self.compute_slot, 1, self.lanes)?;
        within("vector_slot", self.vector_slot, 1, self.lanes)?;
        within("memory.bus_bytes", self.memory.bus_bytes, 1, 16)?;
        power("memory.bus_bytes", self.memory.bus_bytes)?;
        // A beat writes consecutive bytes, hence that many different banks.
        within("memory.bus_bytes", self.memory.bus_bytes, 1, self.lanes)?;
        within("memory.latency", self.memory.latency, 1, 1000)?;
        // An AXI burst has at most 256 beats.
        let most = 1024.min(256 * self.memory.bus_bytes);
        within("memory.burst_bytes", self.memory.burst_bytes, 2 * self.memory.bus_bytes, most)?;
        power("memory.burst_bytes", self.memory.burst_bytes)?;
        within("memory.outstanding", self.memory.outstanding, 1, 16)?;
        if let Some(chip) = &self.memory.sdram {
            within("memory.sdram.data_bits", chip.data_bits, 16, 32)?;
            within("memory.bus_bytes", self.memory.bus_bytes, chip.data_bits / 8, chip.data_bits / 8)?;
            within("memory.sdram.banks", chip.banks, 2, 4)?;
            power("memory.sdram.banks", chip.banks)?;
            within("memory.sdram.row_bits", chip.row_bits, 11, 13)?;
            // A10 says what a precharge means, so columns have the bits below.
            within("memory.sdram.column_bits", chip.column_bits, 8, 10)?;
            within("memory.sdram.cas_latency", chip.cas_latency, 2, 3)?;
            within("memory.sdram.t_rcd", chip.t_rcd, 1, 31)?;
            within("memory.sdram.t_rp", chip.t_rp, 1, 31)?;
            within("memory.sdram.t_ras", chip.t_ras, 1, 31)?;
            within("memory.sdram.t_rc", chip.t_rc, 1, 31)?;
            within("memory.sdram.t_rfc", chip.t_rfc, 1, 31)?;
            // A burst stop comes between a write and the precharge of its bank.
            within("memory.sdram.t_wr", chip.t_wr, 2, MAX_WRITE_RECOVERY)?;
            within("memory.sdram.t_mrd", chip.t_mrd, 1, 31)?;
            // A refresh that is due has been before the next is.
            let beats = self.memory.burst_bytes / self.memory.bus_bytes;
            within("memory.sdram.refresh", chip.refresh, chip.longest_wait(beats), 65535)?;
            within("memory.sdram.power_up", chip.power_up, 1, 65535)?;
        }
        within("pipeline.multiplier", self.pipeline.multiplier, 1, 4)?;
        within("pipeline.ram", self.pipeline.ram, 1, 2)?;
        within("pipeline.crossbar", self.pipeline.crossbar, 1, 3)?;
        within("pipeline.fanout", self.pipeline.fanout, 1, 64)?;
        Ok(())
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
            "error[config]: feature.page_rows = 1000 is not legal: a power of two",
        );
        check(|c| c.memory.bus_bytes = 16, "error[config]: memory.bus_bytes = 16 is not legal: 1 to 9");
        check(|c| c.clock_mhz = f64::NAN, "error[config]: clock_mhz = NaN is not legal: a positive number");
        let with = |edit: fn(&mut Config)| {
            let mut config = Config::sized(9, 16);
            config.memory.bus_bytes = 2;
            config.memory.sdram = Some(Sdram::default());
            assert_eq!(Config::from_toml(&config.to_toml()), Ok(config.clone()));
            edit(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(with(|c| c.memory.bus_bytes = 4).contains("memory.bus_bytes = 4 is not legal: 2 to 2"));
        assert!(with(|c| c.memory.sdram.as_mut().unwrap().refresh = 100).contains("memory.sdram.refresh"));
        assert!(with(|c| c.memory.sdram.as_mut().unwrap().t_wr = 1).contains("memory.sdram.t_wr"));
        let unknown = Config::sized(4, 4).to_toml().replace("lanes", "lames");
        assert!(Config::from_toml(&unknown).unwrap_err().to_string().contains("lames"));
    }
}
