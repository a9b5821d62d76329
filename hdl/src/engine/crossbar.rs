//! Crossbars between lanes and banks. Each decodes bank numbers into one-hot selects (one stage),
//! then selects by AND-OR trees cut into `pipeline.crossbar` stages.

use super::Shape;
use crate::build::{Builder, Expr, Module, Ops, Sig, and_or, or_all, pack, zero};
use std::sync::Arc;

/// AND-OR selection over `stages` registers: the OR of the values whose select is one.
pub(super) fn select(b: &mut Builder, name: &str, choices: Vec<(Expr, Expr)>, stages: usize) -> Sig {
    // The first stage has the AND: it takes fewer values, so that later ORs are no deeper.
    let count = choices.len();
    let radix = (1..).find(|r: &usize| r.pow(stages as u32) >= count).unwrap_or(1);
    let mut first = if stages == 1 { count } else { radix.max(2).min(count) };
    while stages > 1 && first > 2 && count.div_ceil(first - 1) <= radix.pow(stages as u32 - 1) {
        first -= 1;
    }
    let mut level: Vec<Sig> = choices
        .chunks(first)
        .map(|group| b.register(&format!("{name}_s1"), and_or(group.iter().cloned())))
        .collect();
    for stage in 2..=stages {
        let group = if stage == stages { level.len() } else { radix.max(2) };
        let label = format!("{name}_s{stage}");
        level = level.chunks(group).map(|g| b.register(&label, or_all(g.iter().copied()))).collect();
    }
    level[0]
}

/// One of up to four values by the binary `code`, its low bit first. Written so that a bit takes two
/// functions of four inputs: the first chooses between two values or, for the other two, hands on the
/// low bit of the code, which the second chooses by.
pub(super) fn of_four(b: &mut Builder, name: &str, code: [Expr; 2], values: &[Expr]) -> Expr {
    let value = |i: usize| values[i.min(values.len() - 1)].clone();
    let width = value(0).width();
    let [low, high] = code;
    let first = high.clone().mux(low.clone().repeat(width), low.mux(value(1), value(0)));
    let first = b.wire(&format!("{name}_pair"), first);
    high.mux((first & value(3)) | (!first & value(2)), first)
}

/// [`of_four`] over `stages` registers.
fn choose_of_four(b: &mut Builder, name: &str, code: [Sig; 2], values: &[Expr], stages: usize) -> Sig {
    let chosen = of_four(b, name, code.map(Expr::from), values);
    let chosen = b.register(&format!("{name}_s1"), chosen);
    b.delay(&format!("{name}_later"), chosen, stages - 1)
}

/// Module `<name>`: values of lanes to their banks.
///
/// In cycle 0 come `bank`, `enable` and `value` of all lanes, and in cycle 1, with `late`, a byte
/// `late` of each; `bank_value`, `bank_late` and `bank_enable` of all banks come in cycle
/// 1 + crossbar. Enabled lanes have different banks, or equal banks and values; the value of a bank that
/// is not enabled is any.
pub(super) fn to_banks(shape: &Shape, name: &str, width: usize, late: bool) -> Arc<Module> {
    let mut b = Builder::new(name, "Crossbar from lanes to banks.");
    let bank = b.input("bank", shape.bank_bits * shape.lanes);
    let enable = b.input("enable", shape.lanes);
    let value = b.input("value", width * shape.lanes);
    let late = late.then(|| b.input("late", 8 * shape.lanes));
    let value_1 = b.register("value_1", value);
    let (mut values, mut bytes, mut enables) = (vec![], vec![], vec![]);
    for k in 0..shape.lanes {
        b.comment(format!("Bank {k}: the lanes that want it, and their value."));
        let hit =
            pack((0..shape.lanes).map(|q| enable.bit(q) & bank.element(q, shape.bank_bits).is(k as i128)));
        if shape.lanes <= 4 {
            // Banks that are not enabled may get any value.
            // Of several lanes with one value the last one decides.
            let lane = |q: usize| if q < shape.lanes { hit.clone().bit(q) } else { zero(1) };
            let codes = [lane(3) | (lane(1) & !lane(2)), lane(3) | lane(2)];
            let code = codes.map(|code| b.register(&format!("code_{k}"), code));
            values.push(choose_of_four(
                &mut b,
                &format!("value_{k}"),
                code,
                &value_1.elements(width),
                shape.crossbar,
            ));
            if let Some(late) = late {
                let late = late.elements(8);
                bytes.push(choose_of_four(&mut b, &format!("late_{k}"), code, &late, shape.crossbar));
            }
            let any = b.register(&format!("any_{k}"), hit.any());
            enables.push(b.delay(&format!("any_{k}_later"), any, shape.crossbar));
            continue;
        }
        let hit = b.register(&format!("hit_{k}"), hit);
        let choices = (0..shape.lanes).map(|q| (hit.bit(q), value_1.element(q, width))).collect();
        values.push(select(&mut b, &format!("value_{k}"), choices, shape.crossbar));
        if let Some(late) = late {
            let choices = (0..shape.lanes).map(|q| (hit.bit(q), late.element(q, 8))).collect();
            bytes.push(select(&mut b, &format!("late_{k}"), choices, shape.crossbar));
        }
        let any = b.register(&format!("any_{k}_s1"), hit.any());
        enables.push(b.delay(&format!("any_{k}_later"), any, shape.crossbar - 1));
    }
    b.output("bank_value", pack(values));
    if late.is_some() {
        b.output("bank_late", pack(bytes));
    }
    b.output("bank_enable", pack(enables));
    b.finish()
}

/// Module `<name>`: bytes of banks to the lanes that asked for them.
///
/// In cycle 0 come `bank` and `enable` of all lanes, in cycle 1 the `data` of all banks; `value` of
/// all lanes comes in cycle 1 + crossbar, zero for lanes that are not enabled. With `padded`, a lane
/// whose `outside` is one (in cycle 0) gets `pad`.
pub(super) fn to_lanes(shape: &Shape, name: &str, padded: bool) -> Arc<Module> {
    let mut b = Builder::new(name, "Crossbar from banks to lanes.");
    let bank = b.input("bank", shape.bank_bits * shape.lanes);
    let enable = b.input("enable", shape.lanes);
    let data = b.input("data", 8 * shape.lanes);
    let outside = padded.then(|| (b.input("outside", shape.lanes), b.input("pad", 8)));
    let mut values = vec![];
    for q in 0..shape.lanes {
        b.comment(format!("Lane {q}: the bank that it asked, and its byte."));
        let own = bank.element(q, shape.bank_bits);
        let hit = pack((0..shape.lanes).map(|k| enable.bit(q) & own.clone().is(k as i128)));
        let hit = b.register(&format!("hit_{q}"), hit);
        let mut choices: Vec<_> = (0..shape.lanes).map(|k| (hit.bit(k), data.element(k, 8))).collect();
        if let Some((outside, pad)) = outside {
            let out = b.register(&format!("outside_{q}"), outside.bit(q));
            choices.push((out.into(), pad.into()));
        }
        values.push(select(&mut b, &format!("value_{q}"), choices, shape.crossbar));
    }
    b.output("value", pack(values));
    b.finish()
}
