//! Which tensors have 16 bits: which can, which of those that are wanted do.
//!
//! A 16-bit tensor is gathered at half the pace and made in two operations. It can be gathered by
//! what sums (convolutions, copies, means), not by maxima and products of activations. An operand is
//! a byte: of an addition or a product of two activations the 16-bit side is gathered, and an operand
//! of 16 bits can only be added, its high half first and then its low half.

use super::calibrate::Seen;
use super::least::{Least, terms};
use super::scale_classes::ScaleClasses;
use crate::graph::Window;
use crate::quantise::qparams::{QParams, WIDEST};
use crate::quantise::room;
use crate::quantise::select::annotations::Annotations;
use crate::quantise::select::epilogue::{Combine, Second};
use crate::quantise::select::kernel::Kernel;
use crate::quantise::select::plan::{Division, FusedOp, HomeOrigin};
use crate::quantise::select::strided::HomeView;
use crate::quantise::weights::row;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use tilewright_arch::Config;
use tilewright_arch::fixed::{MANTISSA_BITS, WIDE_FRACTION};

/// The largest magnitude that a 16-bit value counts in a sum: 256 * 128 + 128.
const MOST: f64 = 32_896.0;
/// What is left of 32 bits beside a bias of up to 2^29.
const ROOM: f64 = (i32::MAX - (1 << 29)) as f64;

/// Why tensors keep 8 bits, by representative (see [`ScaleClasses`]).
pub type Why = BTreeMap<usize, &'static str>;

/// The representatives of the homes that cannot have 16 bits when they are gathered, and why not. Homes
/// that share a scale have 16 bits together or not at all.
///
/// Images so wide that whole rows do not fit run in blocks of columns, whose borders are made twice: `columns` are
/// those that are counted on, all where cycles matter.
pub fn unable(
    ranges: &WideRanges,
    annotations: &Annotations,
    qparams: &[QParams],
    config: &Config,
    columns: usize,
) -> Why {
    let WideRanges { plan, classes, seen } = *ranges;
    let class = |h: usize| classes.representative(h);
    let mut why = Why::new();
    for (h, home) in plan.homes.iter().enumerate() {
        let reason = match home.origin {
            HomeOrigin::Constant(_) => Some("it is constant"),
            HomeOrigin::FusedOp(g) if matches!(plan.ops[g].kernel, Kernel::Max { .. }) => {
                Some("a maximum compares bytes")
            }
            HomeOrigin::FusedOp(g) if !plan.ops[g].epilogue.table.is_empty() => {
                Some("its function is a table of bytes")
            }
            _ if 2 * home.shape[0] * home.shape[2].min(columns) > most_bytes(config) => {
                Some("what is made of it at a time fills half the feature memory")
            }
            _ if annotations.qparams(home.value).is_some() => Some("the model prescribes its scale"),
            _ => None,
        };
        if let Some(reason) = reason {
            why.entry(class(h)).or_insert(reason);
        }
    }
    for fused in &plan.ops {
        for view in &fused.inputs {
            if let Some(reason) = ungathered(fused, view, config, columns) {
                why.entry(class(view.tensor.index())).or_insert(reason);
            }
        }
        if let Kernel::Product { batches, .. } = &fused.kernel {
            for (_, weights, _) in batches {
                why.entry(class(weights.tensor.index())).or_insert(MULTIPLIED);
            }
        }
    }
    for h in (0..plan.homes.len()).filter(|&h| class(h) == h) {
        if ranges.clamp(h).is_none() {
            why.entry(h).or_insert("its clamps are no bytes of its 16-bit range");
        }
    }
    // A step that is too fine for what it is made of; what is read may have 16 bits itself, or not.
    let least = Least { plan, classes, seen, qparams };
    for h in (0..plan.homes.len()).filter(|&h| class(h) == h && !why.contains_key(&h)).collect::<Vec<_>>() {
        let step = f64::from(ranges.choose(h).scale);
        if ranges.makers(h).any(|(_, fused)| least.unit(fused) / LARGEST_UNIT > step) {
            why.insert(h, "its range is a small part of what it is made of");
        }
    }
    why
}

/// Columns of narrow blocks that images are cut into where whole rows do not fit (`schedule::columns`).
pub const BLOCK: usize = 16;

/// Bytes of the rows that an operation needs of a block at a time, at most: half of the feature memory. Wide tensors
/// are not cut by channels to fit less.
fn most_bytes(config: &Config) -> usize {
    config.feature_bytes() / 2
}

/// Bytes of the rows that a fused operation needs of a block of an input at a time and of a row that it makes, in 16 bits.
fn rows(fused: &FusedOp, view: &HomeView, config: &Config, columns: usize) -> usize {
    let [down, across, stride] = match &fused.kernel {
        Kernel::Mean { window, .. } if room::by_rows(fused.grid, view.shape, config) => {
            [1, window.covers(1), window.stride[1]]
        }
        Kernel::Linear { window, .. } | Kernel::Mean { window, .. } => {
            [window.covers(0), window.covers(1), window.stride[1]]
        }
        _ => [1, 1, 1],
    };
    let [channels, height, width] = view.shape;
    let block = (columns - 1).saturating_mul(stride).saturating_add(across).min(width);
    2 * (channels * down.min(height) * block + fused.grid[0] * fused.grid[2].min(columns))
}

const MULTIPLIED: &str = "a product of activations reads bytes";

/// Why a fused operation cannot read 16-bit values in one of its inputs; `None` where it can.
fn ungathered(fused: &FusedOp, view: &HomeView, config: &Config, columns: usize) -> Option<&'static str> {
    if rows(fused, view, config, columns) > most_bytes(config) {
        return Some("what is read of it at a time fills half the feature memory");
    }
    if let Kernel::Linear { window, weights, bias, groups } = &fused.kernel
        && *groups > 1
        && weights.len() / bias.len() == window.kernel[0] * window.kernel[1]
        && 2 * (2 * window.kernel[0] * window.kernel[1]) > config.weight_words
    {
        return Some("the weights of one channel of it fill the weight memory");
    }
    let provable = |weights: &[f32], outputs: usize, window: &Window, groups: usize| {
        let terms = weights.len() / outputs;
        let follow = view.axes[0] == 0 && view.step[0] == 1 || view.shape[0] == groups;
        let flat = window.kernel.contains(&1);
        let bounded = |w: &[f32]| {
            let sum: f64 = row(w, 0.0).weights.iter().map(|&w| f64::from(w).abs()).sum();
            // Rounding for the result's sake moves a weight by a step.
            (sum + terms as f64) * MOST <= ROOM
        };
        (follow || flat) && weights.chunks(terms).all(bounded)
    };
    let able = match &fused.kernel {
        Kernel::Linear { window, weights, bias, groups } => provable(weights, bias.len(), window, *groups),
        Kernel::Phases { phases, bias, groups } => phases
            .iter()
            .all(|p| p.weights.is_empty() || provable(&p.weights, bias.len(), &p.window, *groups)),
        Kernel::Mean { window: Window { kernel: [down, across], .. }, .. } => {
            let taken =
                if room::by_rows(fused.grid, view.shape, config) { *down.max(across) } else { down * across };
            taken as f64 * MOST <= ROOM
        }
        Kernel::Copies { .. } => true,
        Kernel::Product { .. } => return Some(MULTIPLIED),
        Kernel::Max { .. } => return Some("a maximum reads bytes"),
    };
    (!able).then_some("the sums of what reads it would leave 32 bits or the weight memory")
}

/// An operation on two activations, element by element, that can gather either side.
fn swappable(fused: &FusedOp) -> bool {
    let Kernel::Mean { window, .. } = &fused.kernel else { return false };
    let Some(operand) = &fused.operand else { return false };
    let repeats = (0..3).any(|i| operand.step[i] == 0 && operand.shape[i] > 1);
    let shapes = [fused.inputs[0].shape, operand.shape, fused.shape];
    *window == Window::UNIT
        && fused.epilogue.slope.is_none()
        && !repeats
        && shapes.iter().all(|s| *s == fused.grid)
}

/// Gathers the operand of a [`swappable`] fused operation, and makes what was gathered the operand.
fn swap(fused: &mut FusedOp) {
    let (Kernel::Mean { factor, .. }, Some(operand), Some((second, combine))) =
        (&mut fused.kernel, &mut fused.operand, &mut fused.epilogue.operand)
    else {
        unreachable!("the caller asked whether it can be done")
    };
    std::mem::swap(&mut fused.inputs[0], operand);
    if let Combine::Add(sign) = combine {
        std::mem::swap(factor, sign);
    }
    if let Second::Held(id, view) = second {
        std::mem::swap(id, &mut fused.observed.value);
        (*view, fused.observed.factor) = (*operand, *factor);
    }
}

/// Gives 16 bits to as many of the wanted classes as can have them, those first that `rank` puts
/// first, and turns operations on two of them round where that helps; `operands` allows sums with
/// operands of 16 bits, which take twice as many operations. Returns for each home whether it has
/// 16 bits; adds to `why` those that cannot.
pub fn widen(
    plan: &mut Division,
    classes: &ScaleClasses,
    wanted: &BTreeSet<usize>,
    rank: &dyn Fn(usize) -> Reverse<usize>,
    operands: bool,
    why: &mut Why,
) -> Vec<bool> {
    let added = |fused: &FusedOp| operands && matches!(fused.epilogue.operand, Some((_, Combine::Add(_))));
    let class = |view: &HomeView| classes.representative(view.tensor.index());
    let mut wide = wanted.clone();
    // Every turn takes one away or is the last.
    loop {
        let mut lost = None;
        for fused in &mut plan.ops {
            let Some(operand) = fused.operand.as_ref().map(class).filter(|c| wide.contains(c)) else {
                continue;
            };
            let gathered = class(&fused.inputs[0]);
            let first = !wide.contains(&gathered) || rank(operand) < rank(gathered);
            if swappable(fused) && operand != gathered && first {
                swap(fused);
            }
            lost = fused.operand.as_ref().map(class).filter(|c| wide.contains(c) && !added(fused));
            if lost.is_some() {
                break;
            }
        }
        let Some(class) = lost else { break };
        wide.remove(&class);
        why.entry(class).or_insert("it is the second operand of an operation, a byte");
    }
    (0..plan.homes.len()).map(|h| wide.contains(&classes.representative(h))).collect()
}

/// How many operations on two activations in a row a home's value has come through, and how many it
/// will go through.
pub fn updates(plan: &Division) -> Vec<(usize, usize)> {
    let elementwise = |g: &&FusedOp| {
        let unit = matches!(&g.kernel, Kernel::Mean { window, .. } if *window == Window::UNIT);
        unit && g.operand.is_some() && g.epilogue.table.is_empty()
    };
    let sides = |g: &FusedOp| g.inputs.iter().chain(&g.operand).map(|v| v.tensor.index()).collect::<Vec<_>>();
    let mut updates = vec![(0, 0); plan.homes.len()];
    for fused in plan.ops.iter().filter(elementwise) {
        updates[fused.output].0 = 1 + sides(fused).into_iter().map(|h| updates[h].0).max().unwrap_or(0);
    }
    for fused in plan.ops.iter().rev().filter(elementwise) {
        let after = 1 + updates[fused.output].1;
        for h in sides(fused) {
            updates[h].1 = after.max(updates[h].1);
        }
    }
    updates
}

/// A clamp so many times the largest magnitude is met by none: no scale has to express it.
const FAR: f64 = 256.0;
/// The largest real value of a unit of what makes a 16-bit value, in its steps: 12 of the 24 bits of a
/// mantissa are fractions.
const LARGEST_UNIT: f64 = ((1u32 << (MANTISSA_BITS - WIDE_FRACTION)) - 1) as f64;
/// Room for values beyond those that calibration saw.
const HEADROOM: f64 = 2.0;

/// Ranges of 16-bit values.
#[derive(Clone, Copy)]
pub struct WideRanges<'a> {
    pub plan: &'a Division,
    pub classes: &'a ScaleClasses,
    pub seen: &'a Seen,
}

impl WideRanges<'_> {
    /// Scale and zero point of a class that can have 16 bits.
    pub fn choose(&self, class: usize) -> QParams {
        let clamp = self.clamp(class).expect("only what is able is wide");
        QParams::wide(self.most(class), clamp)
    }

    /// Scale and zero point of the sum of both terms of a fused operation, before its clamps.
    pub fn sum(&self, g: usize) -> QParams {
        QParams::wide(HEADROOM * terms(self.plan, self.seen, g).iter().sum::<f64>(), f64::INFINITY)
    }

    /// The fused operations that make homes of a class.
    fn makers(&self, class: usize) -> impl Iterator<Item = (usize, &FusedOp)> {
        self.classes.makers(class).iter().map(|&g| (g, &self.plan.ops[g]))
    }

    /// The largest magnitude that a class has to express: values with room for those that calibration did
    /// not see, on either side up to where all that make them clamp them, and the terms of sums.
    fn most(&self, class: usize) -> f64 {
        let members = self.classes.members(class);
        let seen = members.iter().map(|&h| &self.seen.homes[h]);
        let (below, above) = seen.fold((0.0, 0.0), |(below, above): (f64, f64), values| {
            (below.max(-f64::from(values.min)), above.max(values.max.into()))
        });
        let imported = members.iter().any(|&h| !matches!(self.plan.homes[h].origin, HomeOrigin::FusedOp(_)));
        let open = if imported { f64::INFINITY } else { 0.0 };
        let (mut floor, mut ceiling) = (open, open);
        for (_, fused) in self.makers(class) {
            (floor, ceiling) = (floor.max(-fused.epilogue.low), ceiling.max(fused.epilogue.high));
        }
        let most = (HEADROOM * below).min(floor).max((HEADROOM * above).min(ceiling));
        let terms = self.makers(class).flat_map(|(g, _)| terms(self.plan, self.seen, g));
        terms.map(|term| HEADROOM * term).fold(most, f64::max)
    }

    /// The magnitude of the clamps of all that make homes of a class; infinite where none has to be exact,
    /// `None` where they cannot all be: a clamp is a byte. Clamps within half a step of zero are zero, and
    /// those far beyond all values are met by none.
    fn clamp(&self, class: usize) -> Option<f64> {
        let most = self.most(class);
        let mut magnitude = f64::INFINITY;
        for (_, fused) in self.makers(class) {
            for bound in [fused.epilogue.low.abs(), fused.epilogue.high.abs()] {
                if bound <= most / WIDEST / 257.0 / 2.0 || bound > FAR * most {
                    continue;
                }
                if bound < most / WIDEST || magnitude.is_finite() && magnitude != bound {
                    return None;
                }
                magnitude = bound;
            }
        }
        Some(magnitude)
    }
}
