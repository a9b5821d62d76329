//! Commands to the chip, each as soon as its time has come, and the rows that they leave open.

use super::requests::NextBurst;
use super::states::{States, Stream};
use crate::build::{Builder, Expr, Ops, Sig, index_bits, lit, pack, zero};
use tilewright_arch::sdram::{Sdram, TURN};

/// Cycles that have to pass: `done` is one when they have.
struct Timer {
    left: Sig,
    loads: Vec<(Expr, i128)>,
}

impl Timer {
    /// Of at most `most` cycles.
    fn new(b: &mut Builder, name: &str, most: usize) -> Timer {
        Timer { left: b.reg_reset(name, index_bits(most.max(2))), loads: vec![] }
    }

    fn done(&self) -> Expr {
        !self.left.any()
    }

    /// When `event` is, `cycles` have to pass from its cycle on, at least one.
    fn after(&mut self, event: impl Into<Expr>, cycles: usize) {
        self.loads.push((event.into(), cycles as i128 - 1));
    }

    fn finish(self, b: &mut Builder) {
        let less = self.left.any().mux(self.left.plus(-1), zero(self.left.width()));
        let next = self
            .loads
            .iter()
            .fold(less, |next, (event, cycles)| event.clone().mux(lit(*cycles, self.left.width()), next));
        b.set(self.left, next);
    }
}

/// The distances that the chip asks for.
struct Timers {
    /// Activate to precharge, and to the next activate; of a refresh and of the mode too.
    row: Timer,
    cycle: Timer,
    /// Precharge to activate.
    close: Timer,
    /// Activate to column command.
    open: Timer,
    /// Last word written to precharge.
    write: Timer,
    /// Last word read to the first written.
    turn: Timer,
}

/// Cycles from a read to a write, so that the data pins change hands.
fn turn(chip: &Sdram) -> usize {
    chip.cas_latency + TURN as usize + 1
}

impl Timers {
    fn new(b: &mut Builder, chip: &Sdram) -> Timers {
        let longest = chip.t_rfc.max(chip.t_mrd);
        Timers {
            row: Timer::new(b, "activate_to_precharge", chip.t_ras.max(longest)),
            cycle: Timer::new(b, "activate_to_activate", chip.t_rc.max(longest)),
            close: Timer::new(b, "precharge_to_activate", chip.t_rp),
            open: Timer::new(b, "activate_to_column", chip.t_rcd),
            write: Timer::new(b, "write_to_precharge", chip.t_wr),
            turn: Timer::new(b, "read_to_write", turn(chip)),
        }
    }

    /// Nothing has to wait.
    fn rested(&self) -> Expr {
        let all = [&self.row, &self.cycle, &self.close, &self.open, &self.write, &self.turn];
        all.map(Timer::done).into_iter().reduce(|a, b| a & b).expect("there are six")
    }

    /// What has to wait for each command.
    fn step(mut self, b: &mut Builder, chip: &Sdram, commands: &Commands) {
        self.row.after(commands.open, chip.t_ras);
        self.cycle.after(commands.open, chip.t_rc);
        for time in [&mut self.row, &mut self.cycle] {
            time.after(commands.refresh, chip.t_rfc);
            time.after(commands.set_mode, chip.t_mrd);
        }
        self.close.after(commands.close | commands.close_all, chip.t_rp);
        self.open.after(commands.open, chip.t_rcd);
        self.write.after(commands.word_written, chip.t_wr);
        self.turn.after(commands.word_read | commands.reading(), turn(chip));
        for time in [self.row, self.cycle, self.close, self.open, self.write, self.turn] {
            time.finish(b);
        }
    }
}

/// Reads of the first and last word of a write, for a chip without byte masks.
#[derive(Clone, Copy)]
pub(super) struct MergeReads {
    pub first: Sig,
    /// The first or the last is read.
    either: Sig,
}

/// What is decided in this cycle: commands, at most one of them, and words that move.
pub(super) struct Commands {
    /// Precharge of the burst's bank, activation of its row, its column command.
    pub close: Sig,
    pub open: Sig,
    pub column: Sig,
    /// Precharge of all banks, refresh, the mode.
    pub close_all: Sig,
    pub refresh: Sig,
    pub set_mode: Sig,
    /// End of what streams, where no other command ends it.
    pub stop: Sig,
    pub reads: Option<MergeReads>,
    pub word_written: Sig,
    pub word_read: Sig,
    /// No command has to wait.
    pub rested: Expr,
}

impl Commands {
    pub fn new(
        b: &mut Builder,
        chip: &Sdram,
        states: &States,
        burst: &NextBurst,
        stream: &Stream,
    ) -> Commands {
        b.comment("Commands, each as soon as its time has come.");
        let times = Timers::new(b, chip);
        let ended_well = b.wire("stream_is_over", !stream.more & times.write.done());
        let may_close = stream.same_bank.mux(ended_well, !stream.ending);
        let close = b.wire("precharge", states.closes & times.row.done() & may_close);
        let quiet = b.wire("banks_can_change", times.close.done() & times.cycle.done());
        let open = b.wire("activate", states.opens & quiet & !stream.ending);
        let may_move = times.open.done() & !stream.more & (!burst.write | times.turn.done());
        let column = b.wire("column_command", states.moves & may_move);
        let close_all = b.wire("precharge_all", states.closes_all & times.row.done() & ended_well);
        let refresh = b.wire("refresh", states.refreshes & quiet);
        let set_mode = b.wire("set_mode", states.sets_mode & quiet);
        let reads = states.merge.map(|merge| {
            let first = b.wire("read_first", merge.first & times.open.done() & !stream.more);
            MergeReads { first, either: b.wire("read_either", first | merge.last) }
        });
        let goes_on = !(column | close | close_all | reading(reads));
        let stop = b.wire("burst_stop", stream.ending & goes_on);
        let word_written = b.wire("word_written", (column & burst.write) | (stream.more & stream.write));
        let word_read = b.wire("word_read", (column & !burst.write) | (stream.more & !stream.write));
        let rested = times.rested();
        let commands = Commands {
            close,
            open,
            column,
            close_all,
            refresh,
            set_mode,
            stop,
            reads,
            word_written,
            word_read,
            rested,
        };
        times.step(b, chip, &commands);
        commands
    }

    /// A word of a write is read.
    pub fn reading(&self) -> Expr {
        reading(self.reads)
    }
}

fn reading(reads: Option<MergeReads>) -> Expr {
    reads.map_or(zero(1), |read| read.either.into())
}

/// The open rows, seen by the burst that is prepared.
pub(super) struct OpenRows {
    /// Its bank has a row open.
    pub open: Sig,
    /// Its row is open.
    pub hit: Sig,
}

impl OpenRows {
    pub fn new(b: &mut Builder, chip: &Sdram, burst: &NextBurst, commands: &Commands) -> OpenRows {
        b.comment("Open rows.");
        let of_bank = |number: usize| burst.bank.is(number as i128);
        let mut open_rows = vec![];
        let mut is_open = vec![];
        for number in 0..chip.banks {
            let opens = commands.open & of_bank(number);
            open_rows.push(b.register_when(&format!("open_row_{number}"), opens, burst.row));
            let open = b.reg_reset(&format!("is_open_{number}"), 1);
            let shut = commands.close_all | (commands.close & of_bank(number));
            b.set(open, (commands.open & of_bank(number)) | (open & !shut));
            is_open.push(open);
        }
        let open = b.wire("bank_is_open", pack(is_open).select(burst.bank, 1));
        let row = pack(open_rows).select(burst.bank, chip.row_bits);
        let hit = b.wire("row_is_open", open & row.equals(burst.row));
        OpenRows { open, hit }
    }
}
