//! Where a burst is: what is prepared, a state a bit, and what streams.

use super::LENGTH_BITS;
use super::commands::{Commands, OpenRows};
use super::requests::NextBurst;
use crate::build::{Builder, Expr, Ops, Sig, lit, or_all, zero};
use tilewright_arch::sdram::Sdram;

/// Without byte masks the first and the last word of a write are read before it.
#[derive(Clone, Copy)]
pub(super) struct Merge {
    /// The first is to be read.
    pub first: Sig,
    /// The last is read.
    pub last: Sig,
}

/// What is prepared: a burst (up to `moves`), a refresh or the mode. At most one bit is one.
pub(super) struct States {
    /// One cycle: whether the row is open.
    pub decides: Sig,
    /// Another row is to be closed, the row opened, the column command given.
    pub closes: Sig,
    pub opens: Sig,
    pub moves: Sig,
    /// All rows are to be closed, the chip refreshed.
    pub closes_all: Sig,
    pub refreshes: Sig,
    pub sets_mode: Sig,
    /// Between `opens` and `moves` of a write.
    pub merge: Option<Merge>,
}

impl States {
    pub fn new(b: &mut Builder, chip: &Sdram) -> States {
        let mut state = |name: &str| b.reg_reset(name, 1);
        States {
            decides: state("decides"),
            closes: state("closes"),
            opens: state("opens"),
            moves: state("moves"),
            closes_all: state("closes_all"),
            refreshes: state("refreshes"),
            sets_mode: state("sets_mode"),
            merge: (!chip.byte_masks)
                .then(|| Merge { first: state("reads_first"), last: state("reads_last") }),
        }
    }

    /// Something is prepared.
    pub fn busy(&self) -> Expr {
        let States { decides, closes, opens, moves, closes_all, refreshes, sets_mode, merge } = self;
        let busy = or_all([decides, closes, opens, moves, closes_all, refreshes, sets_mode]);
        merge.map_or(busy.clone(), |merge| busy | merge.first | merge.last)
    }

    /// The next state; `take` begins with a burst, a refresh, the mode.
    pub fn step(
        &self,
        b: &mut Builder,
        rows: &OpenRows,
        burst: &NextBurst,
        commands: &Commands,
        take: [Sig; 3],
    ) {
        let States { decides, closes, opens, moves, closes_all, refreshes, sets_mode, merge } = *self;
        let [take_burst, take_refresh, take_mode] = take;
        b.set(decides, take_burst);
        b.set(closes, (decides & rows.open & !rows.hit) | (closes & !commands.close));
        b.set(opens, (decides & !rows.open) | commands.close | (opens & !commands.open));
        let to_move = b.wire("row_is_there", (decides & rows.hit) | commands.open);
        match (merge, commands.reads) {
            (Some(merge), Some(read)) => {
                b.set(merge.first, (to_move & burst.write) | (merge.first & !read.first));
                b.set(merge.last, read.first);
                b.set(moves, (to_move & !burst.write) | merge.last | (moves & !commands.column));
            }
            _ => b.set(moves, to_move | (moves & !commands.column)),
        }
        b.set(closes_all, take_refresh | (closes_all & !commands.close_all));
        b.set(refreshes, commands.close_all | (refreshes & !commands.refresh));
        b.set(sets_mode, take_mode | (sets_mode & !commands.set_mode));
    }
}

/// What streams: beats left after this cycle's decision, and the cycle after the last.
pub(super) struct Stream {
    pub more: Sig,
    left: Sig,
    pub ending: Sig,
    bank: Sig,
    pub write: Sig,
    pub outside: Sig,
    /// The burst that is prepared is in the bank that streams.
    pub same_bank: Sig,
}

impl Stream {
    pub fn new(b: &mut Builder, burst: &NextBurst) -> Stream {
        b.comment("What streams: beats left after this cycle's decision, and the cycle after the last.");
        let more = b.reg_reset("more", 1);
        let left = b.reg_reset("left", LENGTH_BITS);
        let ending = b.reg_reset("ending", 1);
        let bank = b.reg("stream_bank", burst.bank.width());
        let write = b.reg("stream_write", 1);
        let outside = b.reg("stream_outside", 1);
        let same_bank = b.register("same_bank", burst.bank.equals(bank));
        Stream { more, left, ending, bank, write, outside, same_bank }
    }

    /// A column command begins it.
    pub fn step(&self, b: &mut Builder, states: &States, burst: &NextBurst, column: Sig) {
        let Stream { more, left, ending, bank, write, outside, .. } = *self;
        let single = b.wire("single", column & !burst.length.any());
        b.set(more, (column & !single) | (more & left.differs(lit(1, LENGTH_BITS))));
        b.set(left, column.mux(burst.length, left.plus(-1)));
        let merge_ends = states.merge.map_or(zero(1), |merge| merge.last.into());
        b.set(ending, single | (more & left.is(1)) | merge_ends);
        b.set_when(bank, column, burst.bank);
        b.set_when(write, column, burst.write);
        b.set_when(outside, column, burst.outside);
    }
}
