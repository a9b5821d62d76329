//! What the controller has to do next: bursts of the AXI port, refreshes, and the mode after power-up.

use super::commands::Commands;
use super::{Control, LENGTH_BITS, Signals};
use crate::build::{Builder, Expr, Ops, Sig, concat, index_bits, lit, zero};
use crate::memory_port::queue;
use tilewright_arch::Config;
use tilewright_arch::sdram::Sdram;

/// Refreshes before the mode is set.
const FIRST_REFRESHES: i128 = 8;

/// A count of `bits` bits: `name` now, and `<name>_then`, a cycle later.
fn count(b: &mut Builder, name: &str, bits: usize, more: Expr, fewer: Expr) -> [Sig; 2] {
    let count = b.reg_reset(name, bits);
    let next = count + more.zero_extend(bits) - fewer.zero_extend(bits);
    let next = b.wire(&format!("{name}_then"), next);
    b.set(count, next);
    [count, next]
}

/// Commands of the AXI port, until their bursts have ended.
pub(super) struct Requests {
    /// The oldest that has not been taken: row, bank, column, length, write, beyond the chip; most significant first.
    pub head: Sig,
    /// How many can be taken.
    pub takeable: Sig,
    /// How many have been accepted and not ended.
    pub under_way: Sig,
    under_way_then: Sig,
    /// As many are under way as the machine counts on.
    most: usize,
    /// The oldest is taken; to be driven.
    pub take: Sig,
    /// A burst ends; to be driven.
    pub ended: Sig,
}

impl Requests {
    pub fn new(
        b: &mut Builder,
        config: &Config,
        chip: &Sdram,
        inputs: &Signals,
        control: &Control,
    ) -> Requests {
        let (read, write) = (&inputs.read, &inputs.write);
        let [byte_bits, bank_bits] =
            [config.memory.bus_bytes, chip.banks].map(|n| n.trailing_zeros() as usize);
        let push = b.wire("accepted", control.ready & (read.valid | write.valid));
        let address = b.wire("command_address", write.valid.mux(write.address, read.address));
        let length = write.valid.mux(write.length, read.length);
        let place_bits = bank_bits + chip.column_bits + chip.row_bits;
        let place = address.slice(byte_bits, place_bits);
        let beyond = match 32 - byte_bits - place_bits {
            0 => zero(1),
            rest => address.slice(32 - rest, rest).any(),
        };
        let entry = concat([place, length, write.valid.into(), beyond]);
        let take = b.forward("take", 1);
        let most = config.memory.outstanding;
        let waiting = queue(b, "commands", most, entry, &push.into(), &take.into());
        let bits = index_bits(most + 1);
        // The head of the queue can be read two cycles after it went in.
        let arrives = b.register("arrives", push);
        let [takeable, _] = count(b, "takeable", bits, arrives.into(), take.into());
        let ended = b.forward("burst_ended", 1);
        let [under_way, under_way_then] = count(b, "under_way", bits, push.into(), ended.into());
        Requests { head: waiting.head, takeable, under_way, under_way_then, most, take, ended }
    }

    /// There is room for another command in the next cycle.
    pub fn room(&self) -> Expr {
        self.under_way_then.differs(lit(self.most as i128, self.under_way_then.width()))
    }
}

/// Refreshes are due at equal distances from the start of a run on.
pub(super) struct Refresh {
    /// The cycle in which a run starts; to be driven.
    pub starts: Sig,
    pub due: Sig,
    /// A refresh is taken; to be driven.
    pub take: Sig,
}

impl Refresh {
    pub fn new(b: &mut Builder, chip: &Sdram) -> Refresh {
        b.comment("Refreshes are due at equal distances from the start of a run on.");
        let starts = b.forward("starts", 1);
        let bits = index_bits(chip.refresh);
        let since = b.reg_reset("since_due", bits);
        let wraps = b.wire("wraps", since.is(chip.refresh as i128 - 1));
        b.set(since, (starts | wraps).mux(zero(bits), since.plus(1)));
        let due = b.reg_reset("due", 1);
        let take = b.forward("take_refresh", 1);
        b.set(due, (wraps | (due & !take)) & !starts);
        Refresh { starts, due, take }
    }
}

/// The pause after power-up, then refreshes and the mode.
pub(super) struct PowerUp {
    /// The pause is over.
    pub powered: Sig,
    count: Sig,
    /// The first refreshes have been.
    pub refreshed: Sig,
}

impl PowerUp {
    pub fn new(b: &mut Builder, chip: &Sdram) -> PowerUp {
        b.comment("The pause after power-up, then refreshes and the mode.");
        let paused = b.reg_reset("paused", index_bits(chip.power_up + 1));
        let powered = b.wire("powered", paused.is(chip.power_up as i128));
        b.set_when(paused, !powered, paused.plus(1));
        let count = b.reg_reset("first_refreshes", 4);
        let refreshed = b.wire("refreshed_first", count.is(FIRST_REFRESHES));
        PowerUp { powered, count, refreshed }
    }

    /// Counts the first refreshes, and ends with the mode.
    pub fn step(&self, b: &mut Builder, control: &Control, commands: &Commands) {
        let initialised = control.initialised;
        b.set(initialised, initialised | commands.set_mode);
        b.set_when(self.count, commands.refresh & !initialised, self.count.plus(1));
    }
}

/// The burst that is prepared, or was last.
pub(super) struct NextBurst {
    pub row: Sig,
    pub bank: Sig,
    pub column: Sig,
    /// Beats less 1.
    pub length: Sig,
    pub write: Sig,
    /// It lies beyond the chip.
    pub outside: Sig,
}

impl NextBurst {
    /// The head of the queue, when it is taken.
    pub fn new(b: &mut Builder, chip: &Sdram, requests: &Requests) -> NextBurst {
        let mut low = requests.head.width();
        let mut field = |name: &str, width: usize| -> Sig {
            low -= width;
            b.register_when(name, requests.take, requests.head.slice(low, width))
        };
        NextBurst {
            row: field("row", chip.row_bits),
            bank: field("bank", chip.banks.trailing_zeros() as usize),
            column: field("column", chip.column_bits),
            length: field("length", LENGTH_BITS),
            write: field("write", 1),
            outside: field("outside", 1),
        }
    }
}
