//! The whole engine: the units, and how far behind each other they work.

use super::{Shape, instruction_input};
use super::{array, channels, columns, gather, post, reducer, stepper, target, weights};
use crate::build::{Builder, Expr, Module, Ops, concat, index_bits};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::fixed::CHANNEL_BYTES;
use tilewright_arch::instr::Unit;

/// The hardware of `unit` ([`Unit::Compute`] or [`Unit::Vector`]), module `<unit>_engine`.
///
/// # Ports
/// P is the number of lanes and of banks, RW ceil(log2 of the feature memory's rows), B the bytes
/// of a beat. Arrays have lane or bank 0 lowest.
///
/// * `issue`: one cycle; `instruction` ([`INSTRUCTION_BITS`](super::INSTRUCTION_BITS)): steady from it to `done`;
/// * `done`: one cycle, [`duration`](tilewright_arch::timing::duration) cycles after `issue`; the
///   last write was presented in the cycle before. The next issue may come in the cycle after it;
/// * `gather_row` (P x RW), `gather_enable` (P), `gather_data` (P x 8): a read port of all banks;
///   data [`feature_read_latency`](tilewright_arch::timing::feature_read_latency) cycles after its
///   row. `operand_row`, `operand_enable`, `operand_data`: another;
/// * `output_row`, `output_data`, `output_enable`: a write port of all banks. Rows are modulo 2^RW;
/// * `weight_write`, `weight_word`, `weight_beat`, `weight_data` (B x 8; compute only),
///   `channel_write`, `channel_word`, `channel_beat`, `channel_data` (16-byte words),
///   `table_write`, `table_address` (byte address, a multiple of B), `table_data`: beats for the
///   memories, which take them within three cycles.
pub(crate) fn tile_engine(config: &Config, unit: Unit) -> Arc<Module> {
    let shape = Shape::new(config, unit);
    let vector = unit == Unit::Vector;
    let what = if vector {
        "Executes tile operations on the vector unit."
    } else {
        "Executes tile operations on the array."
    };
    let mut b = Builder::new(format!("{}_engine", shape.prefix()), what);
    let issue = b.input("issue", 1);
    let instruction = instruction_input(&mut b);
    let gather_data = b.input("gather_data", 8 * shape.lanes);
    let operand_data = b.input("operand_data", 8 * shape.lanes);
    let op: Expr = instruction.into();

    let step = b.instance(
        "stepper",
        &stepper::stepper(&shape),
        &[("issue", issue.into()), ("instruction", op.clone())],
    );
    let names = ["valid", "first", "last", "level", "group_start", "group_end", "last_group", "op_end"];
    let widths = names.map(|name| if name == "level" { 2 } else { 1 });
    let bundle = concat(names.iter().rev().map(|name| step.out(name)));
    b.comment("The same signals, later by the lead.");
    let late = b.delay("step", bundle, shape.lead());
    let offset = |i: usize| widths[..i].iter().sum::<usize>();
    let [valid, first, last, level, group_start, group_end, last_group, op_end]: [_; 8] =
        std::array::from_fn(|i| b.wire(&format!("at_gather_{}", names[i]), late.slice(offset(i), widths[i])));

    let gathered = b.instance(
        "gather",
        &gather::gather(&shape),
        &[
            ("issue", issue.into()),
            ("instruction", op.clone()),
            ("valid", valid.into()),
            ("first", first.into()),
            ("level", level.into()),
            ("group_end", group_end.into()),
            ("gather_data", gather_data.into()),
        ],
    );
    let (value, high) = (gathered.out("value"), gathered.out("high"));

    b.comment("The drain starts four cycles before the first column shows.");
    let drain_start = shape.gather_latency() + shape.reduce_latency() - DRAIN_LEAD;
    let flags = concat([last, group_end, last_group, op_end]);
    let drain = b.delay("drain", flags, drain_start);
    let drained = b.instance(
        "columns",
        &columns::columns(),
        &[
            ("start", drain.bit(3)),
            ("group_end", drain.bit(2)),
            ("last_group", drain.bit(1)),
            ("op_end", drain.bit(0)),
            ("slot_less_1", step.out("slot_less_1").into()),
            ("instruction", op.clone()),
        ],
    );

    let keep = super::field(instruction, f::KEEP);
    // Columns of what is kept are counted, for the time, and not written. The reducer keeps nothing.
    let active =
        if vector { drained.out("active") } else { b.wire("written", drained.out("active") & !keep.clone()) };
    let sums = if vector {
        let at = b.delay("at_reducer", concat([first, last]), shape.gather_latency());
        let reduced = b.instance(
            "reducer",
            &reducer::reducer(&shape),
            &[
                ("value", value.into()),
                ("high", high.into()),
                ("first", at.bit(1)),
                ("last", at.bit(0)),
                ("instruction", op.clone()),
            ],
        );
        reduced.out("drained")
    } else {
        let before = shape.gather_latency() - weights::weight_latency(&shape);
        let at = b.delay(
            "at_weights",
            concat([Expr::from(level), group_start.into(), first.into(), valid.into()]),
            before,
        );
        let beats = shape.columns.div_ceil(config.memory.bus_bytes);
        let write = b.input("weight_write", 1);
        let word = b.input("weight_word", index_bits(config.weight_words));
        let beat = b.input("weight_beat", index_bits(beats));
        let data = b.input("weight_data", 8 * config.memory.bus_bytes);
        let weight = b.instance(
            "weights",
            &weights::weights(&shape),
            &[
                ("issue", issue.into()),
                ("instruction", op.clone()),
                ("valid", at.bit(0)),
                ("first", at.bit(1)),
                ("group_start", at.bit(2)),
                ("level", at.slice(3, 2)),
                ("weight_write", write.into()),
                ("weight_word", word.into()),
                ("weight_beat", beat.into()),
                ("weight_data", data.into()),
            ],
        );
        // Both reach the array's control chain three cycles before they act on column 0.
        // Sums that are kept go into the next tile's. A reset ends the tile that it interrupts: else its would, too.
        let reset = b.reset();
        let last = b.register("array_last", (drain.bit(3) & !keep) | reset);
        let shift = b.register("array_shift", drained.out("slot_end"));
        let multiplied = b.instance(
            "array",
            &array::array(&shape),
            &[
                ("value", value.into()),
                ("high", high.into()),
                ("weight", weight.out("weight").into()),
                ("last", last.into()),
                ("shift", shift.into()),
            ],
        );
        multiplied.out("drained")
    };

    b.comment("The operand's columns, P - S + 1 cycles after the last step at the stepper.");
    let flags = concat(["group_end", "last_group", "op_end"].map(|name| step.out(name)));
    let used = super::field(instruction, f::OPERAND_ON);
    let lead_time = b.instance(
        "lead_time",
        &columns::lead_time(&shape),
        &[
            ("start", step.out("last") & used),
            ("flags", flags),
            ("slot_less_1", step.out("slot_less_1").into()),
        ],
    );
    let fetch = concat([Expr::from(lead_time.out("go")), lead_time.out("go_flags").into()]);
    let fetch = b.delay("fetch", fetch, shape.reduce_latency() - 1);
    let fetched = b.instance(
        "operand_columns",
        &columns::columns(),
        &[
            ("start", fetch.bit(3)),
            ("group_end", fetch.bit(2)),
            ("last_group", fetch.bit(1)),
            ("op_end", fetch.bit(0)),
            ("slot_less_1", step.out("slot_less_1").into()),
            ("instruction", op.clone()),
        ],
    );
    let mut inputs = vec![
        ("issue", issue.into()),
        ("instruction", op.clone()),
        ("slot_end", fetched.out("slot_end").into()),
        ("operand_data", operand_data.into()),
    ];
    inputs.extend(target::STEERING.map(|name| (name, Expr::from(fetched.out(name)))));
    let operand = b.instance("operand", &target::operand(&shape), &inputs);

    let word_bits = index_bits(config.parameter_words);
    let beat_bits = index_bits(CHANNEL_BYTES / config.memory.bus_bytes);
    let channel_ports = [
        ("channel_write", 1),
        ("channel_word", word_bits),
        ("channel_beat", beat_bits),
        ("channel_data", 8 * config.memory.bus_bytes),
    ];
    let mut inputs = vec![
        ("issue", issue.into()),
        ("instruction", op.clone()),
        ("begin_column", drained.out("begin_column").into()),
        ("first", drained.out("first").into()),
        ("restart", drained.out("restart").into()),
    ];
    inputs.extend(channel_ports.map(|(name, width)| (name, Expr::from(b.input(name, width)))));
    let channel = b.instance("channels", &channels::channels(&shape), &inputs);

    let table_ports = [
        ("table_write", 1),
        ("table_address", index_bits(256 * config.tables)),
        ("table_data", 8 * config.memory.bus_bytes),
    ];
    let mut inputs = vec![
        ("instruction", op.clone()),
        ("phase", drained.out("phase").into()),
        ("active", active.into()),
        ("drained", sums.into()),
        ("operand", operand.out("value").into()),
        ("channel", channel.out("channel").into()),
    ];
    inputs.extend(table_ports.map(|(name, width)| (name, Expr::from(b.input(name, width)))));
    let posted = b.instance("post", &post::post(&shape), &inputs);

    b.comment("The output's addresses wait for the bytes.");
    let steering = target::STEERING.map(|name| if name == "active" { active } else { drained.out(name) });
    let steering = concat(steering.into_iter().rev());
    let wait = post::PHASE_LATENCY + shape.post_latency() - target::ADDRESS_LATENCY - 1;
    let steering = b.delay("steering", steering, wait);
    let mut inputs =
        vec![("issue", issue.into()), ("instruction", op), ("value", posted.out("value").into())];
    inputs.extend(target::STEERING.iter().enumerate().map(|(i, name)| (*name, steering.bit(i))));
    let written = b.instance("write_back", &target::output(&shape), &inputs);

    for name in ["gather_row", "gather_enable"] {
        b.output(name, gathered.out(name));
    }
    for name in ["operand_row", "operand_enable"] {
        b.output(name, operand.out(name));
    }
    for name in ["output_row", "output_data", "output_enable"] {
        b.output(name, written.out(name));
    }
    let done = b.delay(
        "finished",
        drained.out("done"),
        post::PHASE_LATENCY + shape.post_latency() + shape.crossbar + 1,
    );
    b.output("done", done);
    b.finish()
}

/// Cycles from the start of [`columns`] to the first drained column: one in which the columns'
/// state is set, and [`post::PHASE_LATENCY`].
const DRAIN_LEAD: usize = 1 + post::PHASE_LATENCY;
