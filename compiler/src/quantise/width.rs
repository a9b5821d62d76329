//! Which tensors have 16 bits: which can, which of those that are wanted do.
//!
//! A 16-bit tensor is gathered at half the pace and made in two operations. It can be gathered by
//! what sums (convolutions, copies, means), not by maxima and products of activations. An operand is
//! a byte: of an addition or a product of two activations the 16-bit side is gathered, and an operand
//! of 16 bits can only be added, its high half first and then its low half.

use super::calibrate::Seen;
use super::chain::{Combine, Second};
use super::given::Given;
use super::kind::Kind;
use super::plan::{Group, Origin, Plan};
use super::range::Affine;
use super::sharing::Sharing;
use super::weights::row;
use crate::fixed::View;
use crate::graph::Window;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The largest magnitude that a 16-bit value counts in a sum: 256 * 128 + 128.
const MOST: f64 = 32_896.0;
/// What is left of 32 bits beside a bias of up to 2^29.
const ROOM: f64 = (i32::MAX - (1 << 29)) as f64;
/// Elements of a window that reads 16 bits, at most: twice as many weight words fill the memory that
/// machines have unless they say otherwise.
const MOST_TERMS: usize = 4608;
/// Bytes of the rows that an operation needs at a time, at most: half of the feature memory that
/// machines have unless they say otherwise. Wide tensors are not cut by channels to fit less.
const MOST_BYTES: usize = 129_024;

/// The representatives (see [`Sharing`]) of the homes that can have 16 bits when they are gathered.
/// Homes that share a scale have 16 bits together or not at all.
pub(super) fn able(plan: &Plan, sharing: &Sharing, given: &Given) -> BTreeSet<usize> {
    let class = |h: usize| sharing.representative(h);
    let mut able: BTreeSet<usize> = (0..plan.homes.len()).map(class).collect();
    for (h, home) in plan.homes.iter().enumerate() {
        let made = match home.origin {
            Origin::Host => true,
            Origin::Constant(_) => false,
            Origin::Group(g) => {
                let group = &plan.groups[g];
                !matches!(group.kind, Kind::Max { .. }) && group.chain.table.is_empty()
            }
        };
        let row = 2 * home.shape[0] * home.shape[2];
        if !made
            || row > MOST_BYTES
            || given.affine(home.value).is_some()
            || clamp(plan, sharing, class(h)).is_none()
        {
            able.remove(&class(h));
        }
    }
    for group in &plan.groups {
        for view in &group.inputs {
            if !gathers(group, view) {
                able.remove(&class(view.tensor.0 as usize));
            }
        }
        if let Kind::Product { batches, .. } = &group.kind {
            for (_, weights, _) in batches {
                able.remove(&class(weights.tensor.0 as usize));
            }
        }
    }
    able
}

/// The magnitude of the clamps of all that make homes of a class; infinite without any, `None` where
/// they cannot all be exact: a clamp is a byte, and the largest one has the largest byte.
pub(super) fn clamp(plan: &Plan, sharing: &Sharing, class: usize) -> Option<f64> {
    let makes = |g: &&Group| sharing.representative(g.output) == class;
    let bounds = plan.groups.iter().filter(makes).flat_map(|g| [g.chain.low.abs(), g.chain.high.abs()]);
    let mut magnitude = f64::INFINITY;
    for bound in bounds.filter(|b| b.is_finite() && *b > 0.0) {
        if magnitude.is_finite() && magnitude != bound {
            return None;
        }
        magnitude = bound;
    }
    Some(magnitude)
}

/// Bytes of the rows that a group needs of an input at a time and of a row that it makes, in 16 bits.
fn rows(group: &Group, view: &View) -> usize {
    let reach = match &group.kind {
        Kind::Linear { window, .. } | Kind::Mean { window, .. } => {
            window.dilation[0] * (window.kernel[0] - 1) + 1
        }
        _ => 1,
    };
    let [channels, height, width] = view.shape;
    2 * (channels * reach.min(height) * width + group.grid[0] * group.grid[2])
}

/// Whether a group can read 16-bit values in one of its inputs.
fn gathers(group: &Group, view: &View) -> bool {
    if rows(group, view) > MOST_BYTES {
        return false;
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
        (follow || flat) && terms <= MOST_TERMS && weights.chunks(terms).all(bounded)
    };
    match &group.kind {
        Kind::Linear { window, weights, bias, groups } => provable(weights, bias.len(), window, *groups),
        Kind::Phases { phases, bias, groups } => phases
            .iter()
            .all(|p| p.weights.is_empty() || provable(&p.weights, bias.len(), &p.window, *groups)),
        Kind::Mean { window, .. } => (window.kernel[0] * window.kernel[1]) as f64 * MOST <= ROOM,
        Kind::Copies { .. } => true,
        Kind::Product { .. } | Kind::Max { .. } => false,
    }
}

/// An operation on two activations, element by element, that can gather either side.
fn swappable(group: &Group) -> bool {
    let Kind::Mean { window, .. } = &group.kind else { return false };
    let Some(operand) = &group.operand else { return false };
    let repeats = (0..3).any(|i| operand.step[i] == 0 && operand.shape[i] > 1);
    let shapes = [group.inputs[0].shape, operand.shape, group.shape];
    *window == Window::UNIT
        && group.chain.slope.is_none()
        && !repeats
        && shapes.iter().all(|s| *s == group.grid)
}

/// Gathers the operand of a [`swappable`] group, and makes what was gathered the operand.
fn swap(group: &mut Group) {
    let (Kind::Mean { factor, .. }, Some(operand), Some((second, combine))) =
        (&mut group.kind, &mut group.operand, &mut group.chain.operand)
    else {
        unreachable!("the caller asked whether it can be done")
    };
    std::mem::swap(&mut group.inputs[0], operand);
    if let Combine::Add(sign) = combine {
        std::mem::swap(factor, sign);
    }
    if let Second::Held(id, view) = second {
        std::mem::swap(id, &mut group.observed.value);
        (*view, group.observed.factor) = (*operand, *factor);
    }
}

/// Gives 16 bits to as many of the wanted classes as can have them, those first that `rank` puts
/// first, and turns operations on two of them round where that helps; `operands` allows sums with
/// operands of 16 bits, which take twice as many operations. Returns for each home whether it has
/// 16 bits.
pub(super) fn widen(
    plan: &mut Plan,
    sharing: &Sharing,
    wanted: &BTreeSet<usize>,
    rank: &dyn Fn(usize) -> Reverse<usize>,
    operands: bool,
) -> Vec<bool> {
    let added = |group: &Group| operands && matches!(group.chain.operand, Some((_, Combine::Add(_))));
    let class = |view: &View| sharing.representative(view.tensor.0 as usize);
    let mut wide = wanted.clone();
    // Every turn takes one away or is the last.
    loop {
        let mut lost = None;
        for group in &mut plan.groups {
            let Some(operand) = group.operand.as_ref().map(class).filter(|c| wide.contains(c)) else {
                continue;
            };
            let gathered = class(&group.inputs[0]);
            let first = !wide.contains(&gathered) || rank(operand) < rank(gathered);
            if swappable(group) && operand != gathered && first {
                swap(group);
            }
            lost = group.operand.as_ref().map(class).filter(|c| wide.contains(c) && !added(group));
            if lost.is_some() {
                break;
            }
        }
        match lost {
            Some(class) => wide.remove(&class),
            None => break,
        };
    }
    (0..plan.homes.len()).map(|h| wide.contains(&sharing.representative(h))).collect()
}

/// How many operations on two activations in a row a home's value has come through, and how many it
/// will go through.
pub(super) fn updates(plan: &Plan) -> Vec<(usize, usize)> {
    let elementwise = |g: &&Group| {
        let unit = matches!(&g.kind, Kind::Mean { window, .. } if *window == Window::UNIT);
        unit && g.operand.is_some() && g.chain.table.is_empty()
    };
    let sides =
        |g: &Group| g.inputs.iter().chain(&g.operand).map(|v| v.tensor.0 as usize).collect::<Vec<_>>();
    let mut updates = vec![(0, 0); plan.homes.len()];
    for group in plan.groups.iter().filter(elementwise) {
        updates[group.output].0 = 1 + sides(group).into_iter().map(|h| updates[h].0).max().unwrap_or(0);
    }
    for group in plan.groups.iter().rev().filter(elementwise) {
        let after = 1 + updates[group.output].1;
        for h in sides(group) {
            updates[h].1 = after.max(updates[h].1);
        }
    }
    updates
}

/// Room for values beyond those that calibration saw.
const HEADROOM: f64 = 2.0;

/// Ranges of 16-bit values.
pub(super) struct Ranges<'a> {
    pub plan: &'a Plan,
    pub sharing: &'a Sharing,
    pub seen: &'a Seen,
}

impl Ranges<'_> {
    /// Scale and zero point of a class.
    pub fn choose(&self, class: usize) -> Affine {
        let clamp = clamp(self.plan, self.sharing, class).expect("only what is able is wide");
        let makes = |g: &usize| self.sharing.representative(self.plan.groups[*g].output) == class;
        let terms = (0..self.plan.groups.len()).filter(makes).flat_map(|g| self.terms(g));
        let most = (HEADROOM * self.magnitude(class)).min(clamp);
        Affine::wide(terms.map(|t| HEADROOM * t).fold(most, f64::max), clamp)
    }

    /// Scale and zero point of the sum of both terms of a group, before its clamps.
    pub fn sum(&self, g: usize) -> Affine {
        Affine::wide(HEADROOM * self.terms(g).iter().sum::<f64>(), f64::INFINITY)
    }

    /// The largest magnitude of a home's value.
    fn magnitude(&self, home: usize) -> f64 {
        let seen = &self.seen.homes[home];
        f64::from(seen.min).abs().max(f64::from(seen.max).abs())
    }

    /// The magnitudes of the two terms of a group that adds an operand: the post unit holds each of
    /// them in the result's steps.
    fn terms(&self, g: usize) -> [f64; 2] {
        let group = &self.plan.groups[g];
        let (Some(operand), Some((_, Combine::Add(factor)))) = (&group.operand, &group.chain.operand) else {
            return [0.0; 2];
        };
        let own = match group.kind {
            Kind::Mean { factor, .. } => self.magnitude(group.inputs[0].tensor.0 as usize) * factor.abs(),
            _ => f64::from(self.seen.sums[g]),
        };
        let slope = group.chain.slope.iter().flatten().fold(1.0, |most: f64, s| most.max(s.abs()));
        [own * slope, self.magnitude(operand.tensor.0 as usize) * factor.abs()]
    }
}
