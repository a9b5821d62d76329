//! The array: P x C multiply-accumulators and the shadow registers that drain while the next tile
//! runs.
//!
//! Lanes and columns come in groups of `pipeline.fanout`; lane group h and column group g work
//! h + g cycles later than the first, so that no signal goes further than a group in a cycle. The
//! drain follows the skew: it takes the first column of a group from the shadow that was loaded a
//! cycle after its own. When a column may take one cycle only (slot 1), that is too late, and
//! the columns are one group.

use super::Shape;
use crate::build::{Builder, Expr, Module, Ops, Sig, concat, pack, zero};
use std::sync::Arc;

/// Bits of an accumulator.
pub(super) const ACCUMULATOR_BITS: usize = 32;
/// Bits of what a multiplier takes of a lane.
const VALUE_BITS: usize = 16;

/// What a byte of a lane counts: 256-fold when `high` is one.
pub(super) fn weighted(byte: Expr, high: Expr) -> Expr {
    concat([high.clone().mux(byte.clone(), byte.clone().sign().repeat(8)), (!high).repeat(8) & byte])
}

/// Module `pe`: one multiply-accumulator.
///
/// `a` and `w` come in cycle 0; their product is added in cycle m (the multiplier's stages).
/// `last` and `shift` come in cycle m - 1 of the step they mean. After the sum of the last step the
/// shadow holds it and the accumulator starts again; without it, it goes on with the next tile. `shift` takes the
/// shadow of the next column, `above`.
fn pe(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("pe", "Multiply-accumulator with a shadow register.");
    let a = b.input("a", VALUE_BITS);
    let w = b.input("w", 8);
    let last = b.input("last", 1);
    let shift = b.input("shift", 1);
    let above = b.input("above", ACCUMULATOR_BITS);
    let stages = shape.config.pipeline.multiplier;
    let product = b.multiply("multiplier", shape.config.technology, stages, true, a, w);
    let last_here = b.register("last_here", last);
    let load_here = b.register("load_here", last | shift);
    let sum = b.reg("accumulator", ACCUMULATOR_BITS);
    let next = b.wire("next_sum", sum + product.sign_extend(ACCUMULATOR_BITS));
    b.set(sum, last_here.mux(zero(ACCUMULATOR_BITS), next));
    let shadow = b.register_when("shadow", load_here, last_here.mux(next, above));
    b.output("drained", shadow);
    b.finish()
}

/// Module `array`.
///
/// `value` (bytes of all lanes), `high` and `weight` (of all columns) of a step come in cycle 0,
/// `last` in cycle m - 1 of a tile's last step; `shift` as early, for the columns to move on by one.
/// The sums of column 0 show at `drained` (lane 0 lowest) from cycle m + 2, lane group h later by h.
pub(super) fn array(shape: &Shape) -> Arc<Module> {
    let mut b = Builder::new("array", "Multiply-accumulators, lanes by columns.");
    let value = b.input("value", 8 * shape.lanes);
    let high = b.input("high", 1);
    let weight = b.input("weight", 8 * shape.columns);
    let last = b.input("last", 1);
    let shift = b.input("shift", 1);
    let lane_groups = shape.lanes.div_ceil(shape.fanout);
    let column_fanout = if shape.slot == 1 { shape.columns } else { shape.fanout };
    let column_groups = shape.columns.div_ceil(column_fanout);

    b.comment("One register for each group that a value reaches, indexed [lane or column][group].");
    let along = |b: &mut Builder, name: String, start: Expr, groups: usize| -> Vec<Sig> {
        let mut chain = vec![b.register(&name, start)];
        for g in 1..groups {
            chain.push(b.register(&name, chain[g - 1]));
        }
        chain
    };
    let chain = |b: &mut Builder, name: String, start: Sig, skew: usize, groups: usize| -> Vec<Sig> {
        let start = b.delay(&format!("{name}_skew"), start, skew);
        along(b, name, start.into(), groups)
    };
    let high: Vec<Sig> = (0..lane_groups).map(|h| b.delay("high_skew", high, h)).collect();
    let mut lanes = vec![];
    for q in 0..shape.lanes {
        let (name, h) = (format!("a_{q}"), q / shape.fanout);
        let byte = b.delay(&format!("{name}_skew"), value.element(q, 8), h);
        lanes.push(along(&mut b, name, weighted(byte.into(), high[h].into()), column_groups));
    }
    let mut columns = vec![];
    b.comment("Weights of the columns, along the groups of lanes.");
    for c in 0..shape.columns {
        let byte = b.wire(&format!("weight_{c}"), weight.element(c, 8));
        columns.push(chain(&mut b, format!("w_{c}"), byte, c / column_fanout, lane_groups));
    }
    let mut control = vec![];
    b.comment("Ends of tiles and the drain's steps, along both groups.");
    for h in 0..lane_groups {
        let both = |b: &mut Builder, name: &str, signal: Sig| {
            chain(b, format!("{name}_{h}"), signal, h, column_groups)
        };
        control.push((both(&mut b, "last", last), both(&mut b, "shift", shift)));
    }

    let module = pe(shape);
    let mut drained = vec![];
    for (q, lane) in lanes.iter().enumerate() {
        let h = q / shape.fanout;
        let mut above = zero(ACCUMULATOR_BITS);
        for c in (0..shape.columns).rev() {
            let g = c / column_fanout;
            let placed = b.instance(
                &format!("pe_{q}_{c}"),
                &module,
                &[
                    ("a", lane[g].into()),
                    ("w", columns[c][h].into()),
                    ("last", control[h].0[g].into()),
                    ("shift", control[h].1[g].into()),
                    ("above", above),
                ],
            );
            above = placed.out("drained").into();
        }
        drained.push(above);
    }
    b.output("drained", pack(drained));
    b.finish()
}
