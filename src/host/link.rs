//! Requests and their answers, sent again where the line lost them.

use super::frame::{self, RequestFrame, answers};
use super::line::SerialLine;
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};
use thiserror::Error;
use tilewright_arch::link::{
    BoardStatus, Command, IDENTITY_BYTES, Identity, MOST_BYTES, STATUS_BYTES, Status, VERSION,
};

/// How often a request is sent before it is given up.
const ATTEMPTS: usize = 5;
/// How long an answer is waited for, beyond the time-out of the board.
const PATIENCE: Duration = Duration::from_millis(400);

/// Why a request has no answer.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The line cannot be used.
    #[error("error[link]: the line to the board cannot be used: {0}; try: plug it in again, or another port")]
    Line(#[from] io::Error),
    /// Nothing came.
    #[error(
        "error[link]: the board does not answer {command:?}, asked {attempts} times; try: the port and the bitstream, \
         or switch the board off and on"
    )]
    Silent {
        /// What was asked.
        command: Command,
        /// How often.
        attempts: usize,
    },
    /// The board refused, or could not.
    #[error("error[link]: the board answers {command:?} at {address:#x} with {status:?}; try: {}", hint(*status))]
    Refused {
        /// What was asked.
        command: Command,
        /// From which address on.
        address: u32,
        /// What it said.
        status: Status,
    },
    /// It is another protocol.
    #[error(
        "error[link]: the board speaks version {0} of the protocol, this is version {VERSION}; try: the bitstream of \
         this version of the tool"
    )]
    Version(u8),
    /// An answer that no board gives.
    #[error(
        "error[link]: the board answers {command:?} with {bytes} bytes and status {status}; try: the port"
    )]
    Nonsense {
        /// What was asked.
        command: Command,
        /// Bytes that came.
        bytes: usize,
        /// Number of the status.
        status: u8,
    },
}

fn hint(status: Status) -> &'static str {
    match status {
        Status::Done => "nothing",
        Status::Busy => "again when the run has ended",
        Status::Unknown => "a bitstream of this version of the tool",
        Status::Outside => "a network that fits the board's memory",
        Status::Memory => "a reset of the board",
    }
}

/// The two ends of a line with a board on the other one.
pub struct Link<L> {
    line: L,
    come: VecDeque<u8>,
    sequence: u8,
    patience: Duration,
    sent_again: usize,
}

impl<L: SerialLine> Link<L> {
    /// On a line.
    pub fn new(line: L) -> Link<L> {
        Link { line, come: VecDeque::new(), sequence: 0, patience: PATIENCE, sent_again: 0 }
    }

    /// Waits for so long for an answer before it asks again, instead of 0.4 s: longer than the board's time-out for
    /// frames, so that a request is not the rest of one that broke off.
    pub fn patient(mut self, patience: Duration) -> Link<L> {
        self.patience = patience;
        self
    }

    /// Requests that were sent again, so far.
    pub fn sent_again(&self) -> usize {
        self.sent_again
    }

    /// The line, to put something else on it.
    pub fn line(&mut self) -> &mut L {
        &mut self.line
    }

    /// Asks, again if need be, until an answer with the same sequence number comes.
    fn ask(
        &mut self,
        command: Command,
        address: u32,
        count: u16,
        payload: &[u8],
    ) -> Result<Vec<u8>, LinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        let bytes = frame::request(&RequestFrame { sequence, command, address, count, payload });
        for attempt in 0..ATTEMPTS {
            self.sent_again += usize::from(attempt > 0);
            // What comes of an earlier request is of no interest.
            self.come.clear();
            self.line.send(&bytes)?;
            let mut until = Instant::now() + self.patience;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                if !self.line.receive(&mut self.come, left)? {
                    break;
                }
                // As long as something comes, the answer may.
                until = Instant::now() + self.patience;
                for (number, status, told) in answers(&mut self.come) {
                    if number == sequence {
                        return self.judged(command, address, count, status, told);
                    }
                }
            }
        }
        Err(LinkError::Silent { command, attempts: ATTEMPTS })
    }

    fn judged(
        &self,
        command: Command,
        address: u32,
        count: u16,
        status: u8,
        told: Vec<u8>,
    ) -> Result<Vec<u8>, LinkError> {
        let bytes = told.len();
        let Some(&known) = Status::ALL.get(usize::from(status)) else {
            return Err(LinkError::Nonsense { command, bytes, status });
        };
        if known != Status::Done {
            return Err(LinkError::Refused { command, address, status: known });
        }
        let reads = (command as u8) & tilewright_arch::link::CHANGES == 0;
        if bytes != if reads { usize::from(count) } else { 0 } {
            return Err(LinkError::Nonsense { command, bytes, status });
        }
        Ok(told)
    }

    /// What the board is: the first request of a session.
    ///
    /// # Errors
    /// No answer; another version of the protocol.
    pub fn identify(&mut self) -> Result<Identity, LinkError> {
        let told = self.ask(Command::Identify, 0, IDENTITY_BYTES as u16, &[])?;
        let identity = Identity::from_bytes(&told.try_into().expect("as many as asked for"));
        match identity.version {
            VERSION => Ok(identity),
            other => Err(LinkError::Version(other)),
        }
    }

    /// How the board is.
    ///
    /// # Errors
    /// No answer.
    pub fn status(&mut self) -> Result<BoardStatus, LinkError> {
        let told = self.ask(Command::Status, 0, STATUS_BYTES as u16, &[])?;
        Ok(BoardStatus::from_bytes(told.try_into().expect("as many as asked for")))
    }

    /// Registers from `first` on.
    ///
    /// # Errors
    /// No answer; a register that does not exist.
    pub fn read_registers(&mut self, first: usize, count: usize) -> Result<Vec<u32>, LinkError> {
        let told = self.ask(Command::ReadRegisters, 4 * first as u32, 4 * count as u16, &[])?;
        Ok(told.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// Writes registers from `first` on, other than control.
    ///
    /// # Errors
    /// No answer; a run that is under way; a register that does not exist.
    pub fn write_registers(&mut self, first: usize, words: &[u32]) -> Result<(), LinkError> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.ask(Command::WriteRegisters, 4 * first as u32, bytes.len() as u16, &bytes).map(|_| ())
    }

    /// Bytes of memory.
    ///
    /// # Errors
    /// No answer; a run that is under way; bytes outside of the memory.
    pub fn read_memory(&mut self, address: u32, bytes: usize) -> Result<Vec<u8>, LinkError> {
        let mut all = Vec::with_capacity(bytes);
        for (start, count) in blocks(address, bytes) {
            all.extend(self.ask(Command::ReadMemory, start, count, &[])?);
        }
        Ok(all)
    }

    /// Writes bytes of memory.
    ///
    /// # Errors
    /// As [`Link::read_memory`].
    pub fn write_memory(&mut self, address: u32, bytes: &[u8]) -> Result<(), LinkError> {
        let mut rest = bytes;
        for (start, count) in blocks(address, bytes.len()) {
            let (now, later) = rest.split_at(usize::from(count));
            self.ask(Command::WriteMemory, start, count, now)?;
            rest = later;
        }
        Ok(())
    }

    /// Starts a run.
    ///
    /// # Errors
    /// No answer; a run that is under way.
    pub fn start(&mut self) -> Result<(), LinkError> {
        self.ask(Command::Start, 0, 0, &[]).map(|_| ())
    }

    /// Resets machine and memory; what the memory holds is then not known.
    ///
    /// # Errors
    /// No answer.
    pub fn reset(&mut self) -> Result<(), LinkError> {
        self.ask(Command::Reset, 0, 0, &[]).map(|_| ())
    }
}

/// Blocks of at most the most bytes of a frame, which end at multiples of that.
fn blocks(address: u32, bytes: usize) -> impl Iterator<Item = (u32, u16)> {
    let most = MOST_BYTES as u64;
    let (mut start, end) = (u64::from(address), u64::from(address) + bytes as u64);
    std::iter::from_fn(move || {
        let next = end.min((start / most + 1) * most);
        let block = (start < end).then(|| (start as u32, (next - start) as u16));
        start = next;
        block
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_end_at_multiples() {
        assert_eq!(blocks(1000, 1100).collect::<Vec<_>>(), [(1000, 24), (1024, 1024), (2048, 52)]);
        assert_eq!(blocks(5, 0).count(), 0);
    }
}
