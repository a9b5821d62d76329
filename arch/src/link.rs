//! The protocol between a host and a board, as `docs/host.md` describes it: what both sides write and read.

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

/// The key of what decides cycles, beside the instruction set: slots, pipeline and timing of the memory.
pub fn timing_key(config: &crate::Config) -> u32 {
    let crate::Config { compute_slot, vector_slot, memory, pipeline, .. } = config;
    let isa = crate::isa::text(config);
    let text = format!("{isa} slots {compute_slot} {vector_slot} memory {memory:?} pipeline {pipeline:?}");
    checksum(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn identities_come_back() {
        let bytes = std::array::from_fn(|n| n as u8 + 1);
        assert_eq!(Identity::from_bytes(&bytes).to_bytes(), bytes);
    }
}
