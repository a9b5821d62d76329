//! Between decisions and pins: the command's register, the registers at the pads, beats and responses.

use super::commands::Commands;
use super::requests::{NextBurst, Requests};
use super::states::{States, Stream};
use super::{Control, Signals};
use crate::build::{Builder, Expr, Ops, Sig, concat, lit, or_all, pack, zero};
use tilewright_arch::sdram::{READ, Sdram};

/// Burst length of the mode register: the whole row.
const FULL_PAGE: i128 = 0b111;
/// AXI's answers.
const DECERR: i128 = 3;

/// The cycle after a decision: the command, its strobes high active, and whether a word moves.
pub(super) struct Registered {
    ras: Sig,
    cas: Sig,
    we: Sig,
    a: Sig,
    ba: Sig,
    /// A word is taken from the AXI port.
    writing: Sig,
    reading: Sig,
}

impl Registered {
    pub fn new(
        b: &mut Builder,
        chip: &Sdram,
        states: &States,
        burst: &NextBurst,
        commands: &Commands,
    ) -> Self {
        let Commands { close, open, column, close_all, refresh, set_mode, stop, .. } = *commands;
        b.comment("The command's register.");
        let ras = or_all([open, close, close_all, refresh, set_mode]);
        // A write beyond the chip is masked, or not commanded at all.
        let column_command =
            if chip.byte_masks { column.into() } else { column & !(burst.write & burst.outside) };
        let cas = or_all([refresh, set_mode]) | column_command.clone() | commands.reading();
        let we = or_all([close, close_all, set_mode, stop]) | (column_command & burst.write);
        let mut strobe = |name: &str, value: Expr| flag(b, name, value);
        let [ras, cas, we] =
            [strobe("row_command", ras), strobe("column_strobe", cas), strobe("write_strobe", we)];
        let a = address(b, chip, states, burst);
        let a = b.register("a_1", a);
        let ba = b.register("ba_1", states.sets_mode.mux(zero(burst.bank.width()), burst.bank));
        let writing = flag(b, "word_taken", commands.word_written);
        let reading = flag(b, "reading", commands.word_read);
        Registered { ras, cas, we, a, ba, writing, reading }
    }
}

/// A register of one bit that a reset clears.
fn flag(b: &mut Builder, name: &str, value: impl Into<Expr>) -> Sig {
    let register = b.reg_reset(name, 1);
    b.set(register, value);
    register
}

/// The address pins: row, column, mode, or which banks are precharged.
fn address(b: &mut Builder, chip: &Sdram, states: &States, burst: &NextBurst) -> Expr {
    // A10 is zero in a column command and in a precharge of one bank.
    let mode = lit((chip.cas_latency as i128) << 4 | FULL_PAGE, chip.row_bits);
    let all = lit(1 << 10, chip.row_bits);
    let mut at_column: Expr = burst.column.into();
    let mut columns: Expr = states.moves.into();
    if let Some(merge) = states.merge {
        let end = b.register("last_column", burst.column + burst.length.resize(chip.column_bits));
        at_column = merge.last.mux(end, burst.column);
        columns = states.moves | merge.first | merge.last;
    }
    let pins = columns.mux(at_column.zero_extend(chip.row_bits), burst.row);
    let pins = states.closes_all.mux(all, states.sets_mode.mux(mode, pins));
    states.closes.mux(zero(chip.row_bits), pins)
}

/// Without byte masks: the word that the first or last beat of a write is put into.
fn merged(b: &mut Builder, chip: &Sdram, states: &States, commands: &Commands, captured: Sig) -> Option<Sig> {
    let (merge, read) = states.merge.zip(commands.reads)?;
    let latency = chip.cas_latency + READ as usize;
    let come = b.delay("words_come", concat([read.first, merge.last]), latency);
    let [first, last] = [("first_word", 1), ("last_word", 0)]
        .map(|(name, bit)| b.register_when(name, come.bit(bit), captured));
    let is_first = b.register("is_first", commands.column);
    Some(b.wire("merged", is_first.mux(first, last)))
}

/// The registers at the pads; `merged` is read before a write, `outside` is of the burst that streams. The result is
/// the word that was at the pins.
pub(super) fn pads(
    b: &mut Builder,
    chip: &Sdram,
    inputs: &Signals,
    (control, stream): (&Control, &Stream),
    (states, commands, registered): (&States, &Commands, &Registered),
) -> Sig {
    let bytes = inputs.wstrb.width();
    b.comment("The registers at the pads.");
    let captured = b.register("captured", inputs.dq_in);
    let merged = merged(b, chip, states, commands, captured);
    let mut pad = |name: &str, value: Expr| {
        let register = b.register(&format!("{name}_pad"), value);
        b.output(&format!("sdram_{name}"), register);
    };
    pad("ras_n", !registered.ras);
    pad("cas_n", !registered.cas);
    pad("we_n", !registered.we);
    pad("a", registered.a.into());
    pad("ba", registered.ba.into());
    let writing = registered.writing;
    let kept = !inputs.wvalid.repeat(bytes) | !inputs.wstrb;
    let masks = kept.clone() | stream.outside.repeat(bytes);
    let masks = writing.mux(masks, (!control.initialised).repeat(bytes));
    pad("dqm", if chip.byte_masks { masks } else { zero(bytes) });
    let byte =
        |merged: Sig, i: usize| kept.clone().bit(i).mux(merged.element(i, 8), inputs.wdata.element(i, 8));
    let word = merged.map_or(inputs.wdata.into(), |merged| pack((0..bytes).map(|i| byte(merged, i))));
    pad("dq_out", word);
    pad("dq_oe", writing.into());
    // All registers start at zero, which would be a command: the chip hears none before this.
    let cke = b.delay("cke", lit(1, 1), 3);
    b.output("sdram_cke", cke);
    b.output("sdram_cs_n", zero(1));
    captured
}

/// Beats and responses of the AXI port, as late as their words; `start` is shown with them.
pub(super) fn answers(
    b: &mut Builder,
    chip: &Sdram,
    (control, requests, stream): (&Control, &Requests, &Stream),
    registered: &Registered,
    [captured, start]: [Sig; 2],
) {
    b.comment("Beats and responses.");
    let late = chip.cas_latency + READ as usize - 1;
    let mut rvalid = registered.reading;
    for stage in 1..=late {
        rvalid = flag(b, &format!("reading_{stage}"), rvalid);
    }
    let marks = b.delay("marks", concat([stream.ending, stream.outside]), late);
    let (rlast, wrong) = (marks.bit(1), marks.bit(0));
    let word_last = b.wire("last_taken", registered.writing & stream.ending);
    let bvalid = flag(b, "response", word_last);
    let bwrong = b.register("response_wrong", stream.outside);
    b.drive(requests.ended, word_last | (rvalid & rlast.clone()));
    b.output("ready", control.initialised);
    b.output("start", start);
    let answer = |wrong: Expr| wrong.mux(lit(DECERR, 2), zero(2));
    b.output("axi_arready", control.ready);
    b.output("axi_awready", control.ready);
    b.output("axi_rvalid", rvalid);
    b.output("axi_rdata", captured);
    b.output("axi_rresp", answer(wrong));
    b.output("axi_rlast", rlast);
    b.output("axi_wready", registered.writing);
    b.output("axi_bvalid", bvalid);
    b.output("axi_bresp", answer(bwrong.into()));
}
