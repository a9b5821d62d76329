//! The controller of an SDR SDRAM: module `sdram`, between the machine's AXI port and the pins.
//!
//! [`tilewright_arch::sdram`] says when every burst moves; its cycles are decisions here, which reach the chip so:
//!
//! ```text
//! cycle c            a command is decided on
//!       c + 1        it is in a register; a write's word is taken from the AXI port (`axi_wready`)
//!       c + 2        it is in the registers at the pads, with the word; the chip samples it at the end of the cycle
//!       c + 2 + CL   a read's word is at the pins
//!       c + 3 + CL   it has been registered, and is given (`axi_rvalid`)
//! ```
//!
//! Without byte masks the first and the last word of a write are read before it, and their bytes that stay are
//! written back.
//!
//! After power-up: a pause, eight refreshes, each after a precharge of all banks, and the mode: bursts of a whole row,
//! which commands end, so that a burst of any length takes one column command.

use crate::build::{Builder, Expr, Module, Ops, Sig, concat, index_bits, lit, or_all, pack, zero};
use crate::memory_port::queue;
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::sdram::{READ, Sdram, TURN};

/// Refreshes before the mode is set.
const FIRST_REFRESHES: i128 = 8;
/// Bits of AXI's count of beats.
const LENGTH_BITS: usize = 8;
/// Burst length of the mode register: the whole row.
const FULL_PAGE: i128 = 0b111;
/// AXI's answers.
const DECERR: i128 = 3;

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

/// Module `sdram`. `start_request`, when nothing is under way, makes a refresh and then `start`: that is cycle 0 of a
/// run. Ports `axi_*` are the slave of the machine's, `sdram_*` the pins.
pub(crate) fn sdram(config: &Config, chip: &Sdram) -> Arc<Module> {
    let mut b = Builder::new(
        "sdram",
        "Controller of an SDR SDRAM: bursts in order, a row is opened while another bank streams, refresh between \
         bursts; the times of all are those of the simulator.",
    );
    let bytes = config.memory.bus_bytes;
    let [byte_bits, bank_bits] = [bytes, chip.banks].map(|n| n.trailing_zeros() as usize);
    let start_request = b.input("start_request", 1);
    let commands = ["ar", "aw"].map(|prefix| {
        let mut part = |name: &str, width: usize| b.input(&format!("axi_{prefix}{name}"), width);
        let [valid, address, length] = [part("valid", 1), part("addr", 32), part("len", LENGTH_BITS)];
        for (name, width) in [("size", 3), ("burst", 2), ("id", 1)] {
            part(name, width);
        }
        (valid, address, length)
    });
    b.input("axi_rready", 1);
    let wvalid = b.input("axi_wvalid", 1);
    let wdata = b.input("axi_wdata", 8 * bytes);
    let wstrb = b.input("axi_wstrb", bytes);
    b.input("axi_wlast", 1);
    b.input("axi_bready", 1);
    let dq_in = b.input("sdram_dq_in", chip.data_bits);

    b.comment(
        "Commands of the AXI port, until they are taken; as many are under way as the machine counts on.",
    );
    let initialised = b.reg_reset("initialised", 1);
    let starting = b.reg_reset("starting", 1);
    let ready = b.reg_reset("command_ready", 1);
    let [(arvalid, araddr, arlen), (awvalid, awaddr, awlen)] = commands;
    let push = b.wire("accepted", ready & (arvalid | awvalid));
    let address = b.wire("command_address", awvalid.mux(awaddr, araddr));
    let length = awvalid.mux(awlen, arlen);
    let place_bits = bank_bits + chip.column_bits + chip.row_bits;
    let place = address.slice(byte_bits, place_bits);
    let beyond = match 32 - byte_bits - place_bits {
        0 => zero(1),
        rest => address.slice(32 - rest, rest).any(),
    };
    let entry = concat([place, length, awvalid.into(), beyond]);
    let take = b.forward("take", 1);
    let waiting = queue(&mut b, "commands", config.memory.outstanding, entry, &push.into(), &take.into());
    let count_bits = index_bits(config.memory.outstanding + 1);
    let count = |b: &mut Builder, name: &str, more: Expr, fewer: Expr| -> (Sig, Sig) {
        let count = b.reg_reset(name, count_bits);
        let next = count + more.zero_extend(count_bits) - fewer.zero_extend(count_bits);
        let next = b.wire(&format!("{name}_then"), next);
        b.set(count, next);
        (count, next)
    };
    // The head of the queue can be read two cycles after it went in.
    let arrives = b.register("arrives", push);
    let (takeable, _) = count(&mut b, "takeable", arrives.into(), take.into());
    let ended = b.forward("burst_ended", 1);
    let (under_way, under_way_then) = count(&mut b, "under_way", push.into(), ended.into());

    b.comment("Refreshes are due at equal distances from the start of a run on.");
    let starts = b.forward("starts", 1);
    let refresh_bits = index_bits(chip.refresh);
    let since = b.reg_reset("since_due", refresh_bits);
    let wraps = b.wire("wraps", since.is(chip.refresh as i128 - 1));
    b.set(since, (starts | wraps).mux(zero(refresh_bits), since.plus(1)));
    let due = b.reg_reset("due", 1);
    let take_refresh = b.forward("take_refresh", 1);
    b.set(due, (wraps | (due & !take_refresh)) & !starts);

    b.comment("The pause after power-up, then refreshes and the mode.");
    let power_bits = index_bits(chip.power_up + 1);
    let paused = b.reg_reset("paused", power_bits);
    let powered = b.wire("powered", paused.is(chip.power_up as i128));
    b.set_when(paused, !powered, paused.plus(1));
    let first_refreshes = b.reg_reset("first_refreshes", 4);
    let refreshed_first = b.wire("refreshed_first", first_refreshes.is(FIRST_REFRESHES));

    b.comment("What is prepared: a burst, a refresh or the mode.");
    let states = ["decides", "closes", "opens", "moves", "closes_all", "refreshes", "sets_mode"];
    let [decides, closes, opens, moves, closes_all, refreshes, sets_mode] =
        states.map(|name| b.reg_reset(name, 1));
    let mut busy = or_all([decides, closes, opens, moves, closes_all, refreshes, sets_mode]);
    // Without byte masks: the first and the last word of a write are read.
    let merges = (!chip.byte_masks).then(|| ["reads_first", "reads_last"].map(|name| b.reg_reset(name, 1)));
    if let Some([first, last]) = merges {
        busy = busy | first | last;
    }
    let free = b.wire("free", !busy);
    let start_refreshed = b.reg_reset("start_refreshed", 1);
    let last = b.wire("refresh_to_start", starting & !start_refreshed & !under_way.any());
    let wanted =
        b.wire("refresh_wanted", initialised.mux((due & !starting) | last, powered & !refreshed_first));
    b.drive(take_refresh, free & wanted);
    b.drive(take, free & initialised & !wanted & takeable.any());
    let take_mode = b.wire("take_mode", free & !initialised & refreshed_first);
    let mut low = waiting.head.width();
    let mut field = |b: &mut Builder, name: &str, width: usize| -> Sig {
        low -= width;
        b.register_when(name, take, waiting.head.slice(low, width))
    };
    let row = field(&mut b, "row", chip.row_bits);
    let bank = field(&mut b, "bank", bank_bits);
    let column = field(&mut b, "column", chip.column_bits);
    let length = field(&mut b, "length", LENGTH_BITS);
    let write = field(&mut b, "write", 1);
    let outside = field(&mut b, "outside", 1);

    b.comment("What streams: beats left after this cycle's decision, and the cycle after the last.");
    let more = b.reg_reset("more", 1);
    let left = b.reg_reset("left", LENGTH_BITS);
    let ending = b.reg_reset("ending", 1);
    let stream_bank = b.reg("stream_bank", bank_bits);
    let stream_write = b.reg("stream_write", 1);
    let stream_outside = b.reg("stream_outside", 1);
    let same_bank = b.register("same_bank", bank.equals(stream_bank));

    b.comment("Commands, each as soon as its time has come.");
    // These two count from a refresh and from the mode too.
    let longest = chip.t_rfc.max(chip.t_mrd);
    let mut row_time = Timer::new(&mut b, "activate_to_precharge", chip.t_ras.max(longest));
    let mut cycle_time = Timer::new(&mut b, "activate_to_activate", chip.t_rc.max(longest));
    let mut close_time = Timer::new(&mut b, "precharge_to_activate", chip.t_rp);
    let mut open_time = Timer::new(&mut b, "activate_to_column", chip.t_rcd);
    let mut write_time = Timer::new(&mut b, "write_to_precharge", chip.t_wr);
    let turn = chip.cas_latency + TURN as usize + 1;
    let mut turn_time = Timer::new(&mut b, "read_to_write", turn);
    let ended_well = b.wire("stream_is_over", !more & write_time.done());
    let may_close = same_bank.mux(ended_well, !ending);
    let closing = b.wire("precharge", closes & row_time.done() & may_close);
    let quiet = b.wire("banks_can_change", close_time.done() & cycle_time.done());
    let opening = b.wire("activate", opens & quiet & !ending);
    let may_move = open_time.done() & !more & (!write | turn_time.done());
    let moving = b.wire("column_command", moves & may_move);
    let closing_all = b.wire("precharge_all", closes_all & row_time.done() & ended_well);
    let refreshing = b.wire("refresh", refreshes & quiet);
    let setting = b.wire("set_mode", sets_mode & quiet);
    let merging = merges.map(|[first, last]| {
        let first = b.wire("read_first", first & open_time.done() & !more);
        (first, b.wire("read_either", first | last))
    });
    let reading_either = merging.map_or(zero(1), |(_, either)| either.into());
    let stopping = b.wire("burst_stop", ending & !(moving | closing | closing_all | reading_either.clone()));

    row_time.after(opening, chip.t_ras);
    cycle_time.after(opening, chip.t_rc);
    for time in [&mut row_time, &mut cycle_time] {
        time.after(refreshing, chip.t_rfc);
        time.after(setting, chip.t_mrd);
    }
    close_time.after(closing | closing_all, chip.t_rp);
    open_time.after(opening, chip.t_rcd);
    let writes = b.wire("word_written", (moving & write) | (more & stream_write));
    let reads = b.wire("word_read", (moving & !write) | (more & !stream_write));
    write_time.after(writes, chip.t_wr);
    turn_time.after(reads | reading_either.clone(), turn);
    let times = [&row_time, &cycle_time, &close_time, &open_time, &write_time, &turn_time];
    let rested = times.map(Timer::done).into_iter().reduce(|a, b| a & b).expect("there are six");
    for time in [row_time, cycle_time, close_time, open_time, write_time, turn_time] {
        time.finish(&mut b);
    }

    b.comment("Open rows.");
    let of_bank = |number: usize| bank.is(number as i128);
    let mut open_rows = vec![];
    let mut is_open = vec![];
    for number in 0..chip.banks {
        open_rows.push(b.register_when(&format!("open_row_{number}"), opening & of_bank(number), row));
        let open = b.reg_reset(&format!("is_open_{number}"), 1);
        let shut = closing_all | (closing & of_bank(number));
        b.set(open, (opening & of_bank(number)) | (open & !shut));
        is_open.push(open);
    }
    let open = b.wire("bank_is_open", pack(is_open).select(bank, 1));
    let hit = b.wire("row_is_open", open & pack(open_rows).select(bank, chip.row_bits).equals(row));

    b.comment("The next state.");
    b.set(decides, take);
    b.set(closes, (decides & open & !hit) | (closes & !closing));
    b.set(opens, (decides & !open) | closing | (opens & !opening));
    let to_move = b.wire("row_is_there", (decides & hit) | opening);
    match (merges, merging) {
        (Some([reads_first, reads_last]), Some((read_first, _))) => {
            b.set(reads_first, (to_move & write) | (reads_first & !read_first));
            b.set(reads_last, read_first);
            b.set(moves, (to_move & !write) | reads_last | (moves & !moving));
        }
        _ => b.set(moves, to_move | (moves & !moving)),
    }
    b.set(closes_all, take_refresh | (closes_all & !closing_all));
    b.set(refreshes, closing_all | (refreshes & !refreshing));
    b.set(sets_mode, take_mode | (sets_mode & !setting));
    b.set(initialised, initialised | setting);
    b.set_when(first_refreshes, refreshing & !initialised, first_refreshes.plus(1));
    let single = b.wire("single", moving & !length.any());
    b.set(more, (moving & !single) | (more & left.differs(lit(1, LENGTH_BITS))));
    b.set(left, moving.mux(length, left.plus(-1)));
    let merge_ends = merges.map_or(zero(1), |[_, last]| last.into());
    b.set(ending, single | (more & left.is(1)) | merge_ends.clone());
    b.set_when(stream_bank, moving, bank);
    b.set_when(stream_write, moving, write);
    b.set_when(stream_outside, moving, outside);

    b.comment("The start of a run: after a refresh, with nothing to wait for.");
    b.set(start_refreshed, starting & (start_refreshed | (refreshing & !under_way.any())));
    b.drive(starts, starting & start_refreshed & rested);
    b.set(starting, start_request | (starting & !starts));
    let start = b.reg_reset("start_r", 1);
    b.set(start, starts);
    let room = under_way_then.differs(lit(config.memory.outstanding as i128, count_bits));
    b.set(ready, room & initialised & (!starting | starts) & !start_request);

    b.comment("The command's register.");
    let ras = or_all([opening, closing, closing_all, refreshing, setting]);
    // A write beyond the chip is masked, or not commanded at all.
    let column_command = if chip.byte_masks { moving.into() } else { moving & !(write & outside) };
    let cas = or_all([refreshing, setting]) | column_command.clone() | reading_either;
    let we = or_all([closing, closing_all, setting, stopping]) | (column_command & write);
    let command = ["row_command", "column_strobe", "write_strobe"].into_iter().zip([ras, cas, we]);
    let command: Vec<Sig> = command
        .map(|(name, value)| {
            let register = b.reg_reset(name, 1);
            b.set(register, value);
            register
        })
        .collect();
    // A10 is zero in a column command and in a precharge of one bank.
    let mode = lit((chip.cas_latency as i128) << 4 | FULL_PAGE, chip.row_bits);
    let all = lit(1 << 10, chip.row_bits);
    let mut at_column: Expr = column.into();
    let mut columns: Expr = moves.into();
    if let Some([first, last]) = merges {
        let end = b.register("last_column", column + length.resize(chip.column_bits));
        at_column = last.mux(end, column);
        columns = moves | first | last;
    }
    let pins = columns.mux(at_column.zero_extend(chip.row_bits), row);
    let pins = closes.mux(zero(chip.row_bits), closes_all.mux(all, sets_mode.mux(mode, pins)));
    let a = b.register("a_1", pins);
    let ba = b.register("ba_1", sets_mode.mux(zero(bank_bits), bank));
    let wready = b.reg_reset("word_taken", 1);
    b.set(wready, writes);
    let reading = b.reg_reset("reading", 1);
    b.set(reading, reads);

    b.comment("The registers at the pads.");
    let captured = b.register("captured", dq_in);
    let merged = merges.zip(merging).map(|([_, reads_last], (read_first, _))| {
        let come = b.delay("words_come", concat([read_first, reads_last]), chip.cas_latency + READ as usize);
        let [first, last] = [("first_word", 1), ("last_word", 0)]
            .map(|(name, bit)| b.register_when(name, come.bit(bit), captured));
        let is_first = b.register("is_first", moving);
        b.wire("merged", is_first.mux(first, last))
    });
    let mut pad = |name: &str, value: Expr| {
        let register = b.register(&format!("{name}_pad"), value);
        b.output(&format!("sdram_{name}"), register);
        register
    };
    for (name, active) in ["ras_n", "cas_n", "we_n"].into_iter().zip(command) {
        pad(name, !active);
    }
    pad("a", a.into());
    pad("ba", ba.into());
    let kept = !wvalid.repeat(bytes) | !wstrb;
    pad(
        "dqm",
        match chip.byte_masks {
            true => wready.mux(kept.clone() | stream_outside.repeat(bytes), (!initialised).repeat(bytes)),
            false => zero(bytes),
        },
    );
    pad(
        "dq_out",
        merged.map_or(wdata.into(), |merged| {
            pack((0..bytes).map(|i| kept.clone().bit(i).mux(merged.element(i, 8), wdata.element(i, 8))))
        }),
    );
    pad("dq_oe", wready.into());
    // All registers start at zero, which would be a command: the chip hears none before this.
    let cke = b.delay("cke", lit(1, 1), 3);
    b.output("sdram_cke", cke);
    b.output("sdram_cs_n", zero(1));

    b.comment("Beats and responses.");
    let late = chip.cas_latency + READ as usize - 1;
    let mut rvalid = reading;
    for stage in 1..=late {
        let next = b.reg_reset(&format!("reading_{stage}"), 1);
        b.set(next, rvalid);
        rvalid = next;
    }
    let marks = b.delay("marks", concat([ending, stream_outside]), late);
    let (rlast, wrong) = (marks.bit(1), marks.bit(0));
    let word_last = b.wire("last_taken", wready & ending);
    let bvalid = b.reg_reset("response", 1);
    b.set(bvalid, word_last);
    let bwrong = b.register("response_wrong", stream_outside);
    b.drive(ended, word_last | (rvalid & rlast.clone()));
    b.output("ready", initialised);
    b.output("start", start);
    let answer = |wrong: Expr| wrong.mux(lit(DECERR, 2), zero(2));
    b.output("axi_arready", ready);
    b.output("axi_awready", ready);
    b.output("axi_rvalid", rvalid);
    b.output("axi_rdata", captured);
    b.output("axi_rresp", answer(wrong));
    b.output("axi_rlast", rlast);
    b.output("axi_wready", wready);
    b.output("axi_bvalid", bvalid);
    b.output("axi_bresp", answer(bwrong.into()));
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Tested, differential, lint};

    #[test]
    fn verilog_agrees() {
        let plain = Sdram { power_up: 20, ..Sdram::default() };
        let wide = Sdram { data_bits: 32, row_bits: 11, column_bits: 8, byte_masks: false, ..plain.clone() };
        for (chip, seed) in [(plain, 1), (wide, 2)] {
            let mut config = Config::sized(4, 4);
            config.memory.bus_bytes = chip.data_bits / 8;
            let module = sdram(&config, &chip);
            lint(&module);
            let tested = Tested::new(module).rarely("reset", 1000).rarely("start_request", 300);
            differential(&tested.rarely("axi_arvalid", 5).rarely("axi_awvalid", 9), 3000, seed);
        }
    }
}
