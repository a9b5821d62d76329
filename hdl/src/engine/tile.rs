//! The whole engine: the units, and how far behind each other they work.

use super::target::Steering;
use super::{ChannelBeats, Shape, TableBeats, WeightBeats, instruction_input};
use super::{array, channels, columns, gather, post, reducer, stepper, target, weights};
use crate::build::{Builder, Bundle, Expr, Instance, Module, Ops, Sig, bundle, concat};
use std::sync::Arc;
use tilewright_arch::Config;
use tilewright_arch::encoding::tile as f;
use tilewright_arch::instr::Unit;

/// Cycles from the start of [`columns`] to the first drained column: one in which the columns'
/// state is set, and [`post::PHASE_LATENCY`].
const DRAIN_LEAD: usize = 1 + post::PHASE_LATENCY;

bundle! {
    /// What the stepper says of a step and its tile, a bit each, but two of `level`.
    struct StepSignals {
        valid,
        first,
        last,
        level,
        group_start,
        group_end,
        last_group,
        op_end,
    }
}

/// What most blocks of an engine are given.
struct EngineContext<'a> {
    shape: &'a Shape,
    issue: Sig,
    instruction: Sig,
}

impl EngineContext<'_> {
    fn issued(&self) -> Vec<(&'static str, Expr)> {
        vec![("issue", self.issue.into()), ("instruction", self.instruction.into())]
    }

    /// The stepper's signals, when the step is at the gather.
    fn step(&self, b: &mut Builder, stepper: &Instance) -> StepSignals<Sig> {
        let present = StepSignals::<Sig>::of(stepper).named();
        let bundle = concat(present.iter().rev().map(|(_, signal)| *signal));
        b.comment("The same signals, later by the lead.");
        let late = b.delay("step", bundle, self.shape.lead());
        let mut low = 0;
        let mut widths = present.iter().map(|(_, signal)| signal.width());
        StepSignals::each(|name| {
            let width = widths.next().expect("a width for each signal");
            low += width;
            b.wire(&format!("at_gather_{name}"), late.slice(low - width, width))
        })
    }

    fn gather(&self, b: &mut Builder, step: &StepSignals<Sig>, data: Sig) -> Instance {
        let mut inputs = self.issued();
        inputs.extend([
            ("valid", step.valid.into()),
            ("first", step.first.into()),
            ("level", step.level.into()),
            ("group_end", step.group_end.into()),
            ("gather_data", data.into()),
        ]);
        b.instance("gather", &gather::gather(self.shape), &inputs)
    }

    /// Columns of a tile from the cycle on after `end`: its last step with `group_end`, `last_group` and `op_end`, the
    /// least significant.
    fn columns(&self, b: &mut Builder, name: &str, end: Sig, slot_less_1: Sig) -> Instance {
        let inputs = [
            ("start", end.bit(3)),
            ("group_end", end.bit(2)),
            ("last_group", end.bit(1)),
            ("op_end", end.bit(0)),
            ("slot_less_1", slot_less_1.into()),
            ("instruction", self.instruction.into()),
        ];
        b.instance(name, &columns::columns(), &inputs)
    }

    /// Sums of all lanes from the vector unit's reducer.
    fn reduce(&self, b: &mut Builder, step: &StepSignals<Sig>, gathered: &Instance) -> Sig {
        let at = b.delay("at_reducer", concat([step.first, step.last]), self.shape.gather_latency());
        let reduced = b.instance(
            "reducer",
            &reducer::reducer(self.shape),
            &[
                ("value", gathered.out("value").into()),
                ("high", gathered.out("high").into()),
                ("first", at.bit(1)),
                ("last", at.bit(0)),
                ("instruction", self.instruction.into()),
            ],
        );
        reduced.out("drained")
    }

    /// Sums of all lanes from the array. Both `ends`, of a tile whose sums are not kept, and `shift`, to the next
    /// column, reach its control chain three cycles before they act on column 0.
    fn multiply(
        &self,
        b: &mut Builder,
        step: &StepSignals<Sig>,
        gathered: &Instance,
        [ends, shift]: [Expr; 2],
    ) -> Sig {
        let shape = self.shape;
        let before = shape.gather_latency() - weights::weight_latency(shape);
        let at = concat([step.level, step.group_start, step.first, step.valid]);
        let at = b.delay("at_weights", at, before);
        let beats = WeightBeats::inputs(b, shape);
        let mut inputs = self.issued();
        inputs.extend([
            ("valid", at.bit(0)),
            ("first", at.bit(1)),
            ("group_start", at.bit(2)),
            ("level", at.slice(3, 2)),
        ]);
        inputs.extend(beats.ports());
        let weight = b.instance("weights", &weights::weights(shape), &inputs);
        // A reset ends the tile that it interrupts: else its sums would go into the next tile's.
        let reset = b.reset();
        let last = b.register("array_last", ends | reset);
        let shift = b.register("array_shift", shift);
        let multiplied = b.instance(
            "array",
            &array::array(shape),
            &[
                ("value", gathered.out("value").into()),
                ("high", gathered.out("high").into()),
                ("weight", weight.out("weight").into()),
                ("last", last.into()),
                ("shift", shift.into()),
            ],
        );
        multiplied.out("drained")
    }

    /// The operand of each column, read ahead of its sums.
    fn operand(&self, b: &mut Builder, stepper: &Instance, data: Sig) -> Instance {
        let shape = self.shape;
        b.comment("The operand's columns, P - S + 1 cycles after the last step at the stepper.");
        let step = StepSignals::<Sig>::of(stepper);
        let slot_less_1 = stepper.out("slot_less_1");
        let used = super::field(self.instruction, f::OPERAND_ON);
        let lead_time = b.instance(
            "lead_time",
            &columns::lead_time(shape),
            &[
                ("start", step.last & used),
                ("flags", concat([step.group_end, step.last_group, step.op_end])),
                ("slot_less_1", slot_less_1.into()),
            ],
        );
        let fetch = concat([lead_time.out("go"), lead_time.out("go_flags")]);
        let fetch = b.delay("fetch", fetch, shape.reduce_latency() - 1);
        let fetched = self.columns(b, "operand_columns", fetch, slot_less_1);
        let mut inputs = self.issued();
        inputs.extend([("slot_end", fetched.out("slot_end").into()), ("operand_data", data.into())]);
        inputs.extend(Steering::<Sig>::of(&fetched).ports());
        b.instance("operand", &target::operand(shape), &inputs)
    }

    /// The parameters of each column.
    fn channel(&self, b: &mut Builder, steering: &Steering<Sig>) -> Sig {
        let beats = ChannelBeats::inputs(b, self.shape);
        let mut inputs = self.issued();
        inputs.extend([
            ("begin_column", steering.begin_column.into()),
            ("first", steering.first.into()),
            ("restart", steering.restart.into()),
        ]);
        inputs.extend(beats.ports());
        b.instance("channels", &channels::channels(self.shape), &inputs).out("channel")
    }

    /// The bytes of each column: `sums`, requantised with their channel's parameters and their operand.
    fn post(&self, b: &mut Builder, [phase, active]: [Sig; 2], [sums, operand, channel]: [Sig; 3]) -> Sig {
        let beats = TableBeats::inputs(b, self.shape);
        let mut inputs = vec![
            ("instruction", self.instruction.into()),
            ("phase", phase.into()),
            ("active", active.into()),
            ("drained", sums.into()),
            ("operand", operand.into()),
            ("channel", channel.into()),
        ];
        inputs.extend(beats.ports());
        b.instance("post", &post::post(self.shape), &inputs).out("value")
    }

    /// Writes the bytes of each column.
    fn write_back(&self, b: &mut Builder, steering: Steering<Sig>, value: Sig) -> Instance {
        let shape = self.shape;
        b.comment("The output's addresses wait for the bytes.");
        let steering = concat(steering.named().into_iter().rev().map(|(_, signal)| signal));
        let wait = post::PHASE_LATENCY + shape.post_latency() - target::ADDRESS_LATENCY - 1;
        let steering = b.delay("steering", steering, wait);
        let mut bits = (0..).map(|i| steering.bit(i));
        let late = Steering::<Expr>::each(|_| bits.next().expect("a bit for each signal"));
        let mut inputs = self.issued();
        inputs.push(("value", value.into()));
        inputs.extend(late.ports());
        b.instance("write_back", &target::output(shape), &inputs)
    }
}

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
    let shape = &Shape::new(config, unit);
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
    let engine = EngineContext { shape, issue, instruction };

    let stepper = b.instance("stepper", &stepper::stepper(shape), &engine.issued());
    let step = engine.step(&mut b, &stepper);
    let gathered = engine.gather(&mut b, &step, gather_data);

    b.comment("The drain starts four cycles before the first column shows.");
    let drain_start = shape.gather_latency() + shape.reduce_latency() - DRAIN_LEAD;
    let flags = concat([step.last, step.group_end, step.last_group, step.op_end]);
    let drain = b.delay("drain", flags, drain_start);
    let drained = engine.columns(&mut b, "columns", drain, stepper.out("slot_less_1"));
    let mut steering = Steering::<Sig>::of(&drained);

    let keep = super::field(instruction, f::KEEP);
    let sums = if vector {
        engine.reduce(&mut b, &step, &gathered)
    } else {
        // Columns of what is kept are counted, for the time, and not written. The reducer keeps nothing.
        steering.active = b.wire("written", steering.active & !keep.clone());
        let ends = drain.bit(3) & !keep;
        engine.multiply(&mut b, &step, &gathered, [ends, drained.out("slot_end").into()])
    };
    let operand = engine.operand(&mut b, &stepper, operand_data);
    let channel = engine.channel(&mut b, &steering);
    let operands = [sums, operand.out("value"), channel];
    let value = engine.post(&mut b, [drained.out("phase"), steering.active], operands);
    let written = engine.write_back(&mut b, steering, value);

    for (block, names) in [
        (&gathered, &["gather_row", "gather_enable"][..]),
        (&operand, &["operand_row", "operand_enable"]),
        (&written, &["output_row", "output_data", "output_enable"]),
    ] {
        for name in names {
            b.output(name, block.out(name));
        }
    }
    let wait = post::PHASE_LATENCY + shape.post_latency() + shape.crossbar + 1;
    let done = b.delay("finished", drained.out("done"), wait);
    b.output("done", done);
    b.finish()
}
