//! An SDR SDRAM behind the controller of the hardware: when every burst moves, to the cycle.
//!
//! The machine's clock is the memory's. All times are cycles of it, counted from the start of a run, cycle 0.
//!
//! # Bursts
//! Bursts are served in the order of acceptance, one at a time in each of two places: one *prepares* (its row is
//! opened), the one before it *streams* (a word a cycle, as one burst of the chip, which the next column command, a
//! precharge of its bank or a burst stop ends). So a row is opened while another bank streams. A row stays open until
//! another row of its bank is wanted, or until a refresh.
//!
//! ```text
//! take    t = max(a + QUEUE, free)                     a: accepted; free: after the column command before
//! decide      t + DECIDE                               open row, closed bank or another row is known
//! precharge p >= that; A + tRAS; other bank: not in the cycle e; same bank: >= e, and write recovery is over
//! activate  A >= that, after p; p + tRP; A before + tRC; R + tRFC; not in the cycle e
//! column    c >= that, after A; A + tRCD; e; a write after a read: e + CL + TURN
//!           without byte masks a write has two column commands before, of the words read, c' and c' + 1: e = c' + 2
//! stream end e = c + beats                             the cycle of the burst stop, unless something else ends it
//! free        = c + 1
//! beats       read: c + CL + READ ...; write: c + WRITE ...; response of a write: the cycle after its last beat
//! ```
//!
//! A: the last activate of all banks; p: the last precharge; R: the last refresh; e: of the burst before. Write
//! recovery is over tWR cycles after the last word, which is that of e - 1.
//!
//! # Refresh
//! Refreshes are due every `refresh` cycles from cycle 0 on, the first in cycle `refresh`. One that is due goes before
//! the bursts that are not taken yet: it is taken in the first cycle in which it is due and the place is free, closes
//! all banks from the next cycle on (A + tRAS, e and write recovery allowing), and refreshes (p + tRP, A + tRC, R +
//! tRFC). The place is free in the cycle after. So whether a burst comes before a refresh is known when it is accepted.
//!
//! In cycle 0 all banks are closed and no time has to be waited for: the controller refreshes before it starts a run.

use serde::{Deserialize, Serialize};

/// From the acceptance of a burst to the earliest cycle that takes it from the queue.
pub const QUEUE: u64 = 2;
/// From that to its first command: which row is open is a register's.
pub const DECIDE: u64 = 2;
/// From the decision for a column command to the first beat of a read, besides the CAS latency: the command's register
/// and the registers at the pads, out and in.
pub const READ: u64 = 3;
/// From the decision for a column command to the first beat of a write, which goes with the command's register.
pub const WRITE: u64 = 1;
/// Cycles besides the CAS latency between the last word of a read and the first of a write: the pins are nobody's in
/// between, and the beats of the read come before those of the write.
pub const TURN: u64 = 2;
/// Words that are read before a write without byte masks: its first and its last.
pub const MERGED: u64 = 2;
/// Most cycles of write recovery: a bank that does not stream has recovered when another burst is prepared.
pub const MAX_WRITE_RECOVERY: usize = 4;

/// A chip, and the cycles that it asks for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdram {
    /// Bits of the data pins: 8 for each byte of the machine's bus.
    pub data_bits: usize,
    /// Banks: 2 or 4.
    pub banks: usize,
    /// Bits of a row's number.
    pub row_bits: usize,
    /// Bits of a column's number.
    pub column_bits: usize,
    /// CL: from a read command to its first word, 2 or 3.
    pub cas_latency: usize,
    /// tRCD: from activate to read or write.
    pub t_rcd: usize,
    /// tRP: from precharge to activate or refresh.
    pub t_rp: usize,
    /// tRAS: from activate to precharge.
    pub t_ras: usize,
    /// tRC: from activate to activate of a bank; kept between all banks, so tRRD is kept too.
    pub t_rc: usize,
    /// tRFC: from refresh to activate or refresh.
    pub t_rfc: usize,
    /// tWR: from the last word of a write to precharge.
    pub t_wr: usize,
    /// tMRD: from the setting of the mode to the next command.
    pub t_mrd: usize,
    /// From one refresh to the next when nothing is in its way.
    pub refresh: usize,
    /// From power-up to the first command.
    pub power_up: usize,
    /// Whether the board has the pins that mask bytes of a write. Without them the first and the last word of a write
    /// are read before it.
    #[serde(default = "masks")]
    pub byte_masks: bool,
}

/// [`Sdram::byte_masks`] where nothing is said.
fn masks() -> bool {
    true
}

impl Default for Sdram {
    /// An AS4C16M16SA-7, 32 MiB, as fast as it may be at 100 MHz.
    fn default() -> Self {
        Sdram {
            data_bits: 16,
            banks: 4,
            row_bits: 13,
            column_bits: 9,
            cas_latency: 3,
            t_rcd: 3,
            t_rp: 3,
            t_ras: 5,
            t_rc: 7,
            t_rfc: 7,
            t_wr: 2,
            t_mrd: 2,
            refresh: 750,
            power_up: 20_000,
            byte_masks: true,
        }
    }
}

impl Sdram {
    /// Bytes of a row of one bank.
    pub fn row_bytes(&self) -> usize {
        (self.data_bits / 8) << self.column_bits
    }

    /// Bytes of the rows of one number in all banks: what is that far apart differs in the row alone.
    pub fn stripe_bytes(&self) -> usize {
        self.row_bytes() * self.banks
    }

    /// Bytes of the chip.
    pub fn bytes(&self) -> u64 {
        (self.stripe_bytes() as u64) << self.row_bits
    }

    /// The most cycles from the moment a refresh is due to that in which the next may be, with bursts of `beats`.
    pub fn longest_wait(&self, beats: usize) -> usize {
        let prepare = self.t_rp.max(self.t_rc).max(self.t_rfc) + self.t_ras + self.t_rp + self.t_rcd;
        2 * (prepare + beats + self.cas_latency + self.t_wr + 16)
    }

    /// Bank and row of a byte address: rows of all banks in turn, beyond the chip's end from its beginning again.
    pub fn place(&self, address: u64) -> (usize, u64) {
        let number = address / self.row_bytes() as u64;
        let banks = self.banks as u64;
        ((number % banks) as usize, number / banks % (1 << self.row_bits))
    }
}

/// When a burst moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Cycle of its first beat.
    pub first: u64,
    /// Cycle of its last beat; a write is answered in the next.
    pub last: u64,
}

/// What the past leaves for the next burst: cycles from which on something may happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SdramState {
    /// The open row of each bank.
    open: Vec<Option<u64>>,
    /// The next burst or refresh may be taken.
    free: u64,
    /// The next refresh is due.
    due: u64,
    /// After the last activate: a precharge (tRAS), an activate or a refresh (tRC), a column command (tRCD).
    precharge: u64,
    activate: u64,
    column: u64,
    /// After the last precharge (tRP): an activate or a refresh.
    precharged: u64,
    /// The bank that streams or was the last to, the cycle after its last word, and whether it was read.
    stream: Option<(usize, u64, bool)>,
    /// After the last write (tWR): a precharge of its bank.
    recovered: u64,
}

impl SdramState {
    /// The state in cycle 0.
    pub fn new(chip: &Sdram) -> SdramState {
        SdramState {
            open: vec![None; chip.banks],
            free: 0,
            due: chip.refresh as u64,
            precharge: 0,
            activate: 0,
            column: 0,
            precharged: 0,
            stream: None,
            recovered: 0,
        }
    }

    /// End of the last burst on the chip's pins.
    fn stream_end(&self) -> u64 {
        self.stream.map_or(0, |(_, end, _)| end)
    }

    /// `cycle`, or the next if a burst stop has that one.
    fn beside_stop(&self, cycle: u64) -> u64 {
        if self.stream.is_some_and(|(_, end, _)| end == cycle) { cycle + 1 } else { cycle }
    }

    /// Serves the burst that is accepted in cycle `accept`; those before it have been served.
    pub fn burst(&mut self, chip: &Sdram, accept: u64, address: u64, beats: u64, write: bool) -> Moved {
        let mut take = (accept + QUEUE).max(self.free);
        while self.due <= take {
            self.refresh(chip);
            take = take.max(self.free);
        }
        let (bank, row) = chip.place(address);
        let mut at = take + DECIDE;
        if self.open[bank] != Some(row) {
            if self.open[bank].is_some() {
                at = self.close(chip, bank, at);
            }
            at = self.beside_stop(at.max(self.precharged).max(self.activate));
            self.open[bank] = Some(row);
            self.precharge = at + chip.t_ras as u64;
            self.activate = at + chip.t_rc as u64;
            self.column = at + chip.t_rcd as u64;
            at += 1;
        }
        at = at.max(self.column).max(self.stream_end());
        if write && !chip.byte_masks {
            at += MERGED;
            self.stream = Some((bank, at, true));
        }
        if let (true, Some((_, end, true))) = (write, self.stream) {
            at = at.max(end + chip.cas_latency as u64 + TURN);
        }
        let end = at + beats;
        self.stream = Some((bank, end, !write));
        if write {
            self.recovered = end - 1 + chip.t_wr as u64;
        }
        self.free = at + 1;
        let first = at + if write { WRITE } else { chip.cas_latency as u64 + READ };
        Moved { first, last: first + beats - 1 }
    }

    /// Precharges a bank from cycle `from` on; the cycle after it.
    fn close(&mut self, chip: &Sdram, bank: usize, from: u64) -> u64 {
        let at = from.max(self.precharge);
        let at = match self.stream {
            Some((streaming, end, _)) if streaming == bank => at.max(end).max(self.recovered),
            _ => self.beside_stop(at),
        };
        self.precharged = at + chip.t_rp as u64;
        at + 1
    }

    /// The refresh that is due, taken when the place is free.
    fn refresh(&mut self, chip: &Sdram) {
        let take = self.due.max(self.free);
        let close = (take + 1).max(self.precharge).max(self.stream_end()).max(self.recovered);
        let at = (close + chip.t_rp as u64).max(close + 1).max(self.activate);
        self.open.fill(None);
        self.precharged = close + chip.t_rp as u64;
        self.activate = at + chip.t_rfc as u64;
        self.free = at + 1;
        self.due += chip.refresh as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_banks_in_turn() {
        let chip = Sdram::default();
        assert_eq!((chip.row_bytes(), chip.stripe_bytes(), chip.bytes()), (1024, 4096, 32 << 20));
        let places = [0, 1023, 1024, 4095, 4096, (32 << 20) - 1, 32 << 20].map(|address| chip.place(address));
        assert_eq!(places, [(0, 0), (0, 0), (1, 0), (3, 0), (0, 1), (3, 8191), (0, 0)]);
    }

    /// Each burst by hand, from the rules at the head of this file.
    #[test]
    fn times_of_bursts() {
        let chip = Sdram::default();
        let mut state = SdramState::new(&chip);
        let mut first = |accept, address, write| state.burst(&chip, accept, address, 32, write).first;
        // Taken in 4, decided in 6, activated in 6, column command in 9.
        assert_eq!(first(2, 0, false), 9 + 3 + 3);
        // The same row, without a gap; a row of another bank, opened meanwhile.
        assert_eq!(first(3, 64, false), 15 + 32);
        assert_eq!(first(4, 1024, false), 15 + 64);
        // Another row of the bank that streams: its column command was in 73, so precharge in 105, activate in 108.
        assert_eq!(first(5, 4096 + 1024, false), 111 + 6);
        // A write behind that read, whose words end with 142: its column command three cycles and two after 143.
        assert_eq!(first(6, 4096 + 1088, true), 148 + 1);
        // A read behind the write follows at once.
        assert_eq!(first(120, 4096 + 1152, false), 180 + 6);
        // The refresh in 750 goes first: precharge in 751, refresh in 754, activate in 761, column command in 764.
        assert_eq!(first(748, 4096 + 1024, false), 764 + 6);
        // Without byte masks a write reads two words, in 12 and 13 after its activate in 9; it writes from 19 on.
        let tied = Sdram { byte_masks: false, ..chip };
        let moved = SdramState::new(&tied).burst(&tied, 5, 0, 4, true);
        assert_eq!((moved.first, moved.last), (20, 23));
    }
}
