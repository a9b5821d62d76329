//! Which tensors share scale and zero point, and which are parts of others that join them.

use super::chain::Chain;
use super::given::Given;
use super::kind::Kind;
use super::plan::{Group, Home, Origin, Plan};
use crate::fixed::{TensorId, View};
use crate::graph::Window;

/// Decisions about every home of a plan, by index.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Sharing {
    /// The home whose scale and zero point this one takes.
    like: Vec<Option<usize>>,
    /// The home, the axis and the first index there where this one is written directly.
    part: Vec<Option<(usize, usize, usize)>>,
    /// Whether a home's zero point has to be 0, by representative.
    symmetric: Vec<bool>,
    /// Whether a home's zero point has to be above -128, by representative.
    raised: Vec<bool>,
}

impl Sharing {
    /// Decides.
    ///
    /// * A value that is only copied whole into a part of another is written straight there.
    /// * A maximum has its input's scale. Where nothing else reads the input, both take the scale
    ///   chosen for the result: what the pool drops needs no range.
    /// * A plain copy has its input's scale.
    /// * No value takes another scale than the model prescribes.
    pub fn new(plan: &Plan, given: &Given) -> Sharing {
        let count = plan.homes.len();
        let may_take = |own: usize, other: usize| {
            let affine = |h: usize| given.affine(plan.homes[h].value);
            affine(own).is_none() || affine(own) == affine(other)
        };
        let mut sharing = Sharing {
            like: vec![None; count],
            part: vec![None; count],
            symmetric: vec![false; count],
            raised: vec![false; count],
        };
        for group in &plan.groups {
            let Kind::Copies { to } = &group.kind else { continue };
            for (from, to) in group.inputs.iter().zip(to) {
                let h = from.tensor.0 as usize;
                if may_take(h, group.output)
                    && let Some((axis, first)) = written_in_place(plan, group, from, to)
                {
                    sharing.part[h] = Some((group.output, axis, first));
                    sharing.like[h] = Some(group.output);
                }
            }
        }
        for group in plan.groups.iter().rev() {
            let (from, to) = (group.inputs[0].tensor.0 as usize, group.output);
            if let Kind::Max { .. } = group.kind {
                let home = &plan.homes[from];
                let made_by_sum = match home.origin {
                    Origin::Group(g) => {
                        !matches!(plan.groups[g].kind, Kind::Max { .. } | Kind::Copies { .. })
                    }
                    _ => false,
                };
                if home.reads == 1 && made_by_sum && sharing.like[from].is_none() && may_take(from, to) {
                    sharing.like[from] = Some(to);
                } else if sharing.like[to].is_none() && may_take(to, from) {
                    sharing.like[to] = Some(from);
                }
            } else if is_copy(group)
                && may_take(to, from)
                && sharing.like[to].is_none()
                && sharing.representative(from) != to
            {
                sharing.like[to] = Some(from);
            }
        }
        for h in 0..count {
            let r = sharing.representative(h);
            sharing.symmetric[r] |= plan.homes[h].symmetric;
            sharing.raised[r] |= plan.homes[h].raised;
        }
        sharing
    }

    /// The home that determines scale and zero point.
    pub fn representative(&self, mut home: usize) -> usize {
        while let Some(next) = self.like[home] {
            home = next;
        }
        home
    }

    /// Whether the zero point of a representative has to be 0.
    pub fn is_symmetric(&self, home: usize) -> bool {
        self.symmetric[home]
    }

    /// Whether the zero point of a representative has to be above -128.
    pub fn is_raised(&self, home: usize) -> bool {
        self.raised[home]
    }

    /// Whether the home is a tensor of its own.
    pub fn is_tensor(&self, home: usize) -> bool {
        self.part[home].is_none()
    }

    /// A view of a home as a view of the home that it is a part of.
    pub fn resolve(&self, mut view: View) -> View {
        while let Some((whole, axis, first)) = self.part[view.tensor.0 as usize] {
            view.tensor = TensorId(whole as u32);
            view.origin[axis] += first;
        }
        view
    }
}

/// One pixel to one pixel, nothing done.
fn is_copy(group: &Group) -> bool {
    let plain = Chain { depth_to_space: group.chain.depth_to_space, ..Chain::EMPTY };
    let copies = match &group.kind {
        Kind::Mean { window, factor: 1.0, .. } => window.kernel == Window::UNIT.kernel,
        Kind::Phases { phases, .. } => phases.iter().all(|p| p.weights.is_empty()),
        _ => false,
    };
    copies && group.chain == plain
}

/// The axis and index where the producer of a whole home can write it instead of this copy: read by
/// nothing else, made in the same turn, and without DepthToSpace.
fn written_in_place(plan: &Plan, group: &Group, from: &View, to: &View) -> Option<(usize, usize)> {
    let home: &Home = &plan.homes[from.tensor.0 as usize];
    let Origin::Group(producer) = home.origin else { return None };
    let producer = &plan.groups[producer];
    let whole = View::whole(from.tensor, home.shape) == *from
        && producer.to.shape == home.shape
        && to.axes == [0, 1, 2]
        && to.step == [1; 3];
    let alone = home.reads == 1 && !home.symmetric && !home.raised;
    if !whole || !alone || producer.turn != group.turn || producer.chain.depth_to_space.0 != 1 {
        return None;
    }
    let total = plan.homes[group.output].shape;
    let mut cut = (0..3).filter(|&axis| to.shape[axis] != total[axis]);
    match (cut.next(), cut.next()) {
        (None, _) => Some((0, 0)),
        (Some(axis), None) => Some((axis, to.origin[axis])),
        _ => None,
    }
}
