//! The post unit: requantisers that serve their lanes in turn, and the bytes of a column collected.

use super::array::ACCUMULATOR_BITS;
use super::channels::CHANNEL_BITS;
use super::requantise::requantiser;
use super::{COUNT_BITS, Shape, TableBeats, crossbar, instruction_input};
use crate::build::{Builder, Bundle, Expr, Module, Ops, Sig, concat, index_bits, lit, pack};
use std::sync::Arc;

/// Cycles from a column's `phase` to the first sum that is taken: what the selects need to be
/// decoded and spread.
pub(super) const PHASE_LATENCY: usize = 3;

/// Module `<unit>_post`.
///
/// `phase` and `active` of a column come from cycle 0 on; its sums (`drained`, lane 0 lowest) from
/// cycle [`PHASE_LATENCY`] on, for S cycles (lane group h: h cycles later); its `operand` bytes (all
/// lanes) [`operand_late`](tilewright_arch::timing::operand_late) cycles after the first sums; the
/// `channel` from cycle [`PHASE_LATENCY`] + crossbar. All bytes are held in `value` for S cycles
/// from cycle [`PHASE_LATENCY`] + `post_latency`.
pub(super) fn post(shape: &Shape) -> Arc<Module> {
    let mut b =
        Builder::new(format!("{}_post", shape.prefix()), "Requantises a column and collects its bytes.");
    let instruction = instruction_input(&mut b);
    let phase = b.input("phase", COUNT_BITS);
    let active = b.input("active", 1);
    let drained = b.input("drained", ACCUMULATOR_BITS * shape.lanes);
    let operand = b.input("operand", 8 * shape.lanes);
    let channel = b.input("channel", CHANNEL_BITS);
    let beats = TableBeats::inputs(&mut b, shape);

    b.comment("The lane served by every requantiser in this cycle, and whether one is.");
    let bits = index_bits(shape.slot);
    let serving = if shape.slot < 1 << COUNT_BITS {
        active & phase.less(lit(shape.slot as i128, COUNT_BITS))
    } else {
        active.into()
    };
    let turn = b.register("turn", concat([phase.truncate(bits), serving]));
    b.comment("turn_at[k] can be seen k cycles before lane group k's sums are selected.");
    let mut turn_at = vec![b.delay("turn_spread", turn, PHASE_LATENCY - 2)];
    let mut channel_at = vec![channel];
    for k in 1..=shape.skew() {
        turn_at.push(b.register(&format!("turn_at_{k}"), turn_at[k - 1]));
        channel_at.push(b.register(&format!("channel_at_{k}"), channel_at[k - 1]));
    }
    let operand_turn = b.delay("operand_turn", turn_at[0], shape.operand_late());
    let turn_is = |turn: Sig, r: usize| turn.bit(0) & turn.slice(1, bits).is(r as i128);

    let module = requantiser(shape);
    let mut results = vec![];
    for u in 0..shape.requantisers() {
        let lanes: Vec<usize> = (u * shape.slot..shape.lanes.min((u + 1) * shape.slot)).collect();
        let skew = shape.lane_group(lanes[lanes.len() - 1]);
        let mut pick = |name: &str, values: Sig, width: usize, turn: Sig| {
            let choices: Vec<(Expr, Expr)> = lanes
                .iter()
                .enumerate()
                .map(|(r, q)| {
                    let select = b.register(&format!("{name}_select_{u}"), turn_is(turn, r));
                    (select.into(), values.element(*q, width))
                })
                .collect();
            crossbar::select(&mut b, &format!("{name}_{u}"), choices, shape.crossbar)
        };
        let sum = pick("sum", drained, ACCUMULATOR_BITS, turn_at[skew]);
        let own = pick("operand", operand, 8, operand_turn);
        let own = b.delay(&format!("operand_{u}_late"), own, skew);
        let mut inputs = vec![
            ("instruction", instruction.into()),
            ("sum", sum.into()),
            ("channel", channel_at[skew].into()),
            ("operand", own.into()),
        ];
        inputs.extend(beats.ports());
        let placed = b.instance(&format!("requantiser_{u}"), &module, &inputs);
        let result = placed.out("result");
        results.push(b.delay(&format!("result_{u}"), result, shape.skew() - skew));
    }

    b.comment("Bytes come in the order of turns; those of the last turn complete the column.");
    let wait = 1 + shape.skew() + shape.crossbar + shape.requantise_latency();
    let turn = b.delay("turn_end", turn_at[0], wait);
    let complete = b.wire("complete", turn_is(turn, shape.slot - 1));
    let mut held = vec![];
    for q in 0..shape.lanes {
        let (result, r) = (results[q / shape.slot], q % shape.slot);
        let byte = if r + 1 == shape.slot {
            result
        } else {
            b.register_when(&format!("byte_{q}"), turn_is(turn, r), result)
        };
        held.push(b.register_when(&format!("held_{q}"), complete, byte));
    }
    b.output("value", pack(held));
    b.finish()
}
