//! The protocol between a host and a board, as `docs/host.md` describes it: what both sides write and read.

use crate::Config;
use crate::config::{Memory, Pipeline};
use crate::sdram::Sdram;

/// Version of all of this; a host refuses a board of another one.
pub const VERSION: u8 = 1;
/// First byte of a request.
pub const REQUEST_MARK: u8 = 0xa5;
/// First byte of an answer.
pub const ANSWER_MARK: u8 = 0x5a;
/// Bytes of a request between its mark and its payload: sequence number, command, address (4), count (2).
pub const HEADER_BYTES: usize = 8;
/// Bytes of an answer between its mark and its payload: sequence number, count (2).
pub const ANSWER_HEADER_BYTES: usize = 3;
/// Bytes of a checksum.
pub const CHECKSUM_BYTES: usize = 4;
/// Most bytes of a payload.
pub const MOST_BYTES: usize = 1024;
/// Set in commands whose request carries `count` bytes and changes something: they are not done twice.
pub const CHANGES: u8 = 0x80;

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Command {
    /// `count` bytes of [`Identity`] from `address` on.
    Identify = 1,
    /// `count` bytes of [`BoardStatus`] from `address` on.
    Status = 2,
    /// Registers as bytes: register n at 4 n.
    ReadRegisters = 3,
    /// External memory.
    ReadMemory = 4,
    /// Registers but control.
    WriteRegisters = 0x83,
    /// External memory.
    WriteMemory = 0x84,
    /// Starts a run.
    Start = 0x85,
    /// Resets machine and memory, in the middle of a run too; what the memory holds is then not known.
    Reset = 0x86,
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// It is done.
    Done = 0,
    /// A run is under way, or the memory is not ready; nothing was done.
    Busy = 1,
    /// There is no such command; nothing was done.
    Unknown = 2,
    /// There is no such address, or control was to be written: bytes from there on were not done.
    Outside = 3,
    /// The memory answered with an error, or not at all; bytes from there on were not done.
    Memory = 4,
}

impl Status {
    /// All of them, by number.
    pub const ALL: [Status; 5] =
        [Status::Done, Status::Busy, Status::Unknown, Status::Outside, Status::Memory];
}

/// What a board is; little-endian numbers at fixed places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// [`VERSION`].
    pub version: u8,
    /// Bytes of a beat of the memory port.
    pub bus_bytes: u8,
    /// Most bytes of a payload.
    pub most_bytes: u16,
    /// Key of the programs that the machine runs: [`crate::isa::key`].
    pub isa: u32,
    /// Key of the machines that take the same cycles: [`timing_key`].
    pub timing: u32,
    /// Bytes of external memory.
    pub memory_bytes: u32,
    /// Frequency of the machine's clock.
    pub clock_hz: u32,
    /// Cycles after which a frame that stops in the middle is dropped.
    pub timeout_cycles: u32,
}

/// Bytes of an [`Identity`].
pub const IDENTITY_BYTES: usize = 24;

impl Identity {
    /// As the board shows it.
    pub fn to_bytes(&self) -> [u8; IDENTITY_BYTES] {
        let mut bytes = [0; IDENTITY_BYTES];
        bytes[0] = self.version;
        bytes[1] = self.bus_bytes;
        bytes[2..4].copy_from_slice(&self.most_bytes.to_le_bytes());
        let words = [self.isa, self.timing, self.memory_bytes, self.clock_hz, self.timeout_cycles];
        for (place, word) in bytes[4..].chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// From what a board showed.
    pub fn from_bytes(bytes: &[u8; IDENTITY_BYTES]) -> Identity {
        let word = |n: usize| u32::from_le_bytes([bytes[n], bytes[n + 1], bytes[n + 2], bytes[n + 3]]);
        Identity {
            version: bytes[0],
            bus_bytes: bytes[1],
            most_bytes: u16::from_le_bytes([bytes[2], bytes[3]]),
            isa: word(4),
            timing: word(8),
            memory_bytes: word(12),
            clock_hz: word(16),
            timeout_cycles: word(20),
        }
    }
}

/// How a board is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BoardStatus {
    /// The memory has been initialised.
    pub ready: bool,
    /// A run is under way.
    pub running: bool,
    /// The last run has ended.
    pub done: bool,
    /// The error register of the machine.
    pub error: u8,
    /// Bytes that were not of a frame, modulo 256.
    pub skipped: u8,
    /// Frames that broke off, were too long or had another checksum, modulo 256.
    pub dropped: u8,
}

/// Bytes of a [`BoardStatus`].
pub const STATUS_BYTES: usize = 4;

impl BoardStatus {
    /// From what a board showed: flags, error register, bytes skipped, frames dropped.
    pub fn from_bytes([flags, error, skipped, dropped]: [u8; STATUS_BYTES]) -> BoardStatus {
        let flag = |bit: u8| flags >> bit & 1 == 1;
        BoardStatus { ready: flag(0), running: flag(1), done: flag(2), error, skipped, dropped }
    }
}

/// The checksum: CRC-32 as in Ethernet and zip, of everything between mark and checksum; least byte first.
pub fn checksum(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}

/// The key of what decides cycles: the [`checksum`] of [`crate::isa::text`], then slots, memory, pipeline and, where
/// there is one, the chip, each number in 8 bytes, the least first.
pub fn timing_key(config: &Config) -> u32 {
    // What is added to one of these is to be in the key, or not, by somebody's decision.
    let Config { compute_slot, vector_slot, memory, pipeline, .. } = config;
    let Memory { bus_bytes, latency, burst_bytes, outstanding, sdram } = memory;
    let Pipeline { multiplier, ram, crossbar, fanout } = pipeline;
    let mut numbers = vec![*compute_slot, *vector_slot, *bus_bytes, *latency, *burst_bytes, *outstanding];
    numbers.extend([*multiplier, *ram, *crossbar, *fanout]);
    if let Some(sdram) = sdram {
        let Sdram {
            data_bits,
            banks,
            row_bits,
            column_bits,
            cas_latency,
            t_rcd,
            t_rp,
            t_ras,
            t_rc,
            t_rfc,
            t_wr,
            t_mrd,
            refresh,
            power_up,
            byte_masks,
        } = sdram;
        numbers.extend([*data_bits, *banks, *row_bits, *column_bits, *cas_latency]);
        numbers.extend([*t_rcd, *t_rp, *t_ras, *t_rc, *t_rfc, *t_wr, *t_mrd]);
        numbers.extend([*refresh, *power_up, usize::from(*byte_masks)]);
    }
    let mut bytes = crate::isa::text(config).into_bytes();
    bytes.extend(numbers.into_iter().flat_map(|number| (number as u64).to_le_bytes()));
    checksum(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    /// Machines that may take other cycles have another key.
    #[test]
    fn keys_differ_where_cycles_may() {
        let mut machine = Config::sized(9, 16);
        let without = timing_key(&machine);
        machine.memory.sdram = Some(Sdram::default());
        fn chip(config: &mut Config) -> &mut Sdram {
            config.memory.sdram.as_mut().expect("the machine has one")
        }
        let others: [fn(&mut Config); 26] = [
            |c| c.lanes += 1,
            |c| c.compute_slot += 1,
            |c| c.vector_slot += 1,
            |c| c.memory.bus_bytes += 1,
            |c| c.memory.latency += 1,
            |c| c.memory.burst_bytes += 1,
            |c| c.memory.outstanding += 1,
            |c| c.pipeline.multiplier += 1,
            |c| c.pipeline.ram += 1,
            |c| c.pipeline.crossbar += 1,
            |c| c.pipeline.fanout += 1,
            |c| chip(c).data_bits += 1,
            |c| chip(c).banks += 1,
            |c| chip(c).row_bits += 1,
            |c| chip(c).column_bits += 1,
            |c| chip(c).cas_latency += 1,
            |c| chip(c).t_rcd += 1,
            |c| chip(c).t_rp += 1,
            |c| chip(c).t_ras += 1,
            |c| chip(c).t_rc += 1,
            |c| chip(c).t_rfc += 1,
            |c| chip(c).t_wr += 1,
            |c| chip(c).t_mrd += 1,
            |c| chip(c).refresh += 1,
            |c| chip(c).power_up += 1,
            |c| chip(c).byte_masks ^= true,
        ];
        let edited = |edit: &fn(&mut Config)| {
            let mut config = machine.clone();
            edit(&mut config);
            timing_key(&config)
        };
        let mut keys: Vec<u32> = others.iter().map(edited).chain([timing_key(&machine), without]).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), others.len() + 2);
        let renamed: fn(&mut Config) = |c| c.name = "other".into();
        assert_eq!(edited(&renamed), timing_key(&machine));
    }

    #[test]
    fn identities_come_back() {
        let bytes = std::array::from_fn(|n| n as u8 + 1);
        assert_eq!(Identity::from_bytes(&bytes).to_bytes(), bytes);
    }
}
