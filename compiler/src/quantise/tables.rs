//! Functions of one prescribed byte as tables.
//!
//! Where a quantised model prescribes what goes in and what comes out, an operation that looks at one
//! element at a time is a table of 256 bytes, rounded as the model's own arithmetic rounds.

use super::chain::{Chain, Fun};
use super::given::Given;
use super::kind::{COPY, Kind};
use super::plan::Plan;
use crate::graph::Window;

/// Turns such operations of a plan into table look-ups.
pub(super) fn tabulate(plan: &mut Plan, given: &Given) {
    let affine = |h: usize| given.affine(plan.homes[h].value);
    let mut tables: Vec<Option<Vec<Fun>>> = Vec::with_capacity(plan.groups.len());
    for group in &plan.groups {
        let [view] = group.inputs[..] else {
            tables.push(None);
            continue;
        };
        let (from, to) = (affine(view.tensor.index()), affine(group.output));
        let functions = functions(&group.kind, &group.chain).filter(|f| from != to || !f.is_empty());
        tables.push(functions.filter(|_| from.is_some() && to.is_some()));
    }
    for (group, table) in plan.groups.iter_mut().zip(tables) {
        if let Some(table) = table {
            let read = plan.homes[group.inputs[0].tensor.index()].value;
            group.kind = COPY;
            let depth_to_space = group.chain.depth_to_space;
            group.chain = Chain { table, before_table: Some(read), depth_to_space, ..Chain::EMPTY };
        }
    }
}

/// What a reduction and what follows it do to each element, if it is the same for all and looks at nothing else.
pub(super) fn functions(kind: &Kind, chain: &Chain) -> Option<Vec<Fun>> {
    let (scale, offset) = match kind {
        Kind::Mean { window, factor, .. } if *window == Window::UNIT => (*factor, 0.0),
        Kind::Linear { window, weights, bias, groups }
            if *window == Window::UNIT && weights.len() == *groups && bias.len() == *groups =>
        {
            (f64::from(one(weights)?), one(bias)?)
        }
        _ => return None,
    };
    if chain.operand.is_some() {
        return None;
    }
    let mut all = Vec::new();
    if (scale, offset) != (1.0, 0.0) {
        all.push(Fun::Affine(scale, offset));
    }
    if let Some(slope) = &chain.slope {
        all.push(Fun::Leaky(one(slope)?));
    }
    if (chain.low, chain.high) != (f64::NEG_INFINITY, f64::INFINITY) {
        all.push(Fun::Clamp(chain.low, chain.high));
    }
    all.extend(&chain.table);
    Some(all)
}

/// The one number that all are.
fn one<T: Copy + PartialEq>(all: &[T]) -> Option<T> {
    let first = *all.first()?;
    all.iter().all(|x| *x == first).then_some(first)
}
