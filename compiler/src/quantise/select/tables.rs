//! Functions of one prescribed byte as tables.
//!
//! Where a quantised model prescribes what goes in and what comes out, an operation that looks at one
//! element at a time is a table of 256 bytes, rounded as the model's own arithmetic rounds.

use super::annotations::Annotations;
use super::epilogue::{Epilogue, ScalarFn};
use super::kernel::{COPY, Kernel};
use super::plan::Division;
use crate::graph::Window;

/// Turns such operations of a plan into table look-ups.
pub fn tabulate(plan: &mut Division, annotations: &Annotations) {
    let qparams = |h: usize| annotations.qparams(plan.homes[h].value);
    let mut tables: Vec<Option<Vec<ScalarFn>>> = Vec::with_capacity(plan.ops.len());
    for fused in &plan.ops {
        let [view] = fused.inputs[..] else {
            tables.push(None);
            continue;
        };
        let (from, to) = (qparams(view.tensor.index()), qparams(fused.output));
        let functions = functions(&fused.kernel, &fused.epilogue).filter(|f| from != to || !f.is_empty());
        tables.push(functions.filter(|_| from.is_some() && to.is_some()));
    }
    for (fused, table) in plan.ops.iter_mut().zip(tables) {
        if let Some(table) = table {
            let read = plan.homes[fused.inputs[0].tensor.index()].value;
            fused.kernel = COPY;
            let depth_to_space = fused.epilogue.depth_to_space;
            fused.epilogue = Epilogue { table, before_table: Some(read), depth_to_space, ..Epilogue::EMPTY };
        }
    }
}

/// What a reduction and what follows it do to each element, if it is the same for all and looks at nothing else.
pub fn functions(kernel: &Kernel, epilogue: &Epilogue) -> Option<Vec<ScalarFn>> {
    let (scale, offset) = match kernel {
        Kernel::Mean { window, factor, .. } if *window == Window::UNIT => (*factor, 0.0),
        Kernel::Linear { window, weights, bias, groups }
            if *window == Window::UNIT && weights.len() == *groups && bias.len() == *groups =>
        {
            (f64::from(one(weights)?), one(bias)?)
        }
        _ => return None,
    };
    if epilogue.operand.is_some() {
        return None;
    }
    let mut all = Vec::new();
    if (scale, offset) != (1.0, 0.0) {
        all.push(ScalarFn::Affine(scale, offset));
    }
    if let Some(slope) = &epilogue.slope {
        all.push(ScalarFn::Leaky(one(slope)?));
    }
    if (epilogue.low, epilogue.high) != (f64::NEG_INFINITY, f64::INFINITY) {
        all.push(ScalarFn::Clamp(epilogue.low, epilogue.high));
    }
    all.extend(&epilogue.table);
    Some(all)
}

/// The one number that all are.
fn one<T: Copy + PartialEq>(all: &[T]) -> Option<T> {
    let first = *all.first()?;
    all.iter().all(|x| *x == first).then_some(first)
}
