//! What can go wrong when a program runs. Every fault names the unit, the instruction and its layer.

use std::fmt;
use thiserror::Error;
use tilewright_timing::InstrId;

/// An access of a tile operation to feature memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FeatureAccess {
    /// The gather of the input.
    Gather,
    /// The read of the residual operand.
    Operand,
    /// The write of the output.
    Output,
    /// The feature side of a transfer.
    Transfer,
}

impl fmt::Display for FeatureAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FeatureAccess::Gather => "gather",
            FeatureAccess::Operand => "operand",
            FeatureAccess::Output => "output",
            FeatureAccess::Transfer => "transfer",
        })
    }
}

/// A memory that instructions share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shared {
    /// Feature memory; places are flat indices.
    Features,
    /// Weight memory; places are words.
    Weights,
    /// The compute unit's parameter memory; places are words.
    ComputeChannels,
    /// The vector unit's parameter memory; places are words.
    VectorChannels,
    /// Activation tables.
    Tables,
    /// External memory; places are bytes.
    External,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shared::Features => "feature byte",
            Shared::Weights => "weight word",
            Shared::ComputeChannels => "compute channel",
            Shared::VectorChannels => "vector channel",
            Shared::Tables => "table",
            Shared::External => "external byte",
        })
    }
}

/// Why a program cannot run.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum Fault {
    /// It has no times either.
    #[error(transparent)]
    Untimed(#[from] tilewright_timing::TimingFault),
    /// The given external memory is smaller than the program's.
    #[error("external memory has {have} bytes, the program uses {need}")]
    MemorySize {
        /// Bytes given.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
    /// Two lanes need the same bank in the same cycle.
    #[error(
        "{site}: {port} of tile {tile}: lanes {} and {} both need bank {bank} at {step}",
        lanes.0, lanes.1
    )]
    BankConflict {
        /// The instruction.
        site: InstrId,
        /// The access.
        port: FeatureAccess,
        /// Tile of the group.
        tile: usize,
        /// The two lanes.
        lanes: (usize, usize),
        /// The bank, for group 0.
        bank: usize,
        /// The step (gather) or segment (operand, output).
        step: String,
    },
    /// A tile's lanes do not fit the given number of segments.
    #[error("{site}: {port} of tile {tile} needs {needed} segments, has {segments}")]
    Segments {
        /// The instruction.
        site: InstrId,
        /// The access.
        port: FeatureAccess,
        /// Tile of the group.
        tile: usize,
        /// Segments needed.
        needed: usize,
        /// Segments given.
        segments: usize,
    },
    /// An address outside feature memory.
    #[error("{site}: {port} accesses feature byte {address}, memory has {bytes}")]
    FeatureRange {
        /// The instruction.
        site: InstrId,
        /// The access.
        port: FeatureAccess,
        /// The flat index.
        address: i64,
        /// Bytes of feature memory.
        bytes: usize,
    },
    /// A read of something that nothing has written.
    #[error("{site}: reads {memory} {place}, which nothing has written")]
    Unwritten {
        /// The instruction.
        site: InstrId,
        /// The memory.
        memory: Shared,
        /// The place.
        place: usize,
    },
    /// A tile operation writes a byte that it also reads for another pixel.
    #[error("{site}: writes feature byte {address}, which its {port} reads")]
    Overlap {
        /// The instruction.
        site: InstrId,
        /// What reads.
        port: FeatureAccess,
        /// The flat index.
        address: usize,
    },
    /// A tile operation writes a byte twice.
    #[error("{site}: writes {written} bytes to {places} places")]
    WrittenTwice {
        /// The instruction.
        site: InstrId,
        /// Bytes written.
        written: u64,
        /// Different flat indices.
        places: u64,
    },
    /// The gather and the operand of one instruction read the same page.
    #[error("{site}: gather and operand both read page {page}")]
    OwnPage {
        /// The instruction.
        site: InstrId,
        /// The page.
        page: usize,
    },
    /// Two instructions that no semaphore orders use the same port of a page.
    #[error("{second} and {first} both {access} page {page} and no semaphore orders them")]
    PagePort {
        /// One instruction.
        first: InstrId,
        /// The other.
        second: InstrId,
        /// `read` or `write`.
        access: &'static str,
        /// The page.
        page: usize,
    },
    /// Two instructions that no semaphore orders touch the same place, one of them writing.
    #[error(
        "{second} {} {memory} {place}, which {first} {}, and no semaphore orders them",
        access.0, access.1
    )]
    Race {
        /// One instruction.
        first: InstrId,
        /// The other.
        second: InstrId,
        /// What the second and what the first does: `reads` or `writes`.
        access: (&'static str, &'static str),
        /// The memory.
        memory: Shared,
        /// The place.
        place: usize,
    },
    /// A store writes into the instructions.
    #[error("{site}: overwrites external byte {address} of the instructions")]
    InstructionsOverwritten {
        /// The store.
        site: InstrId,
        /// The byte address.
        address: usize,
    },
}
